"""AWS as far as the module needs it: moto's server on a free port, with the answers it gets wrong mended.

Prints its address.
"""

import threading

from moto.ec2.models import security_groups
from moto.ecs import models, responses
from moto.moto_server.threaded_moto_server import ThreadedMotoServer

init = models.Service.__init__


def service(self, *args, **kwargs):
    """ECS leaves the network configuration out where there is none; an empty one crashes the provider."""
    init(self, *args, **kwargs)
    if not self.network_configuration:
        self.network_configuration = None
    for deployment in self.deployments:
        if deployment["networkConfiguration"] is None:
            del deployment["networkConfiguration"]


models.Service.__init__ = service

create_service = responses.EC2ContainerServiceResponse.create_service


def create(self):
    """What ECS remembers of a service beside that."""
    result = create_service(self)
    made = result.result["service"]
    made.enable_ecs_managed_tags = self._get_param("enableECSManagedTags", False)
    made.availability_zone_rebalancing = self._get_param("availabilityZoneRebalancing")
    # Of a DAEMON service the provider does not say the most, which can be 100 alone.
    usual = {"maximumPercent": 100, "minimumHealthyPercent": 0}
    made.deployment_configuration = usual | self._get_param("deploymentConfiguration", {})
    return result


responses.EC2ContainerServiceResponse.create_service = create

add_source_group = security_groups.SecurityGroupBackend._add_source_group


def add_described(self, source_groups, vpc_id):
    """EC2 remembers descriptions of rules for groups, too."""
    added = add_source_group(self, source_groups, vpc_id)
    for told, kept in zip(source_groups or [], added):
        if "Description" in told:
            kept["Description"] = told["Description"]
    return added


security_groups.SecurityGroupBackend._add_source_group = add_described
security_groups.SecurityGroupRule.description = property(
    lambda rule: rule.ip_range.get("Description") or rule.source_group.get("Description")
)

server = ThreadedMotoServer(ip_address="127.0.0.1", port=0, verbose=False)
server.start()
print("http://{}:{}".format(*server.get_host_and_port()), flush=True)
threading.Event().wait()
