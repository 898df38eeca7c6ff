"""Looks at what the emulated AWS has: the service of a variant, or nothing any more."""

import json
import sys

import botocore.session


def client(name):
    return botocore.session.get_session().create_client(name)


def main(variant, output=None):
    ecs = client("ecs")
    services = active(ecs)
    definitions = ecs.list_task_definitions(status="ACTIVE")["taskDefinitionArns"]
    if variant == "none":
        assert not services and not definitions, (services, definitions)
        assert not client("servicediscovery").list_services()["Services"]
        assert not client("logs").describe_log_groups()["logGroups"]
        assert not client("iam").list_roles()["Roles"]
        print("nothing is left")
        return
    with open(output, encoding="utf-8") as file:
        arn = json.load(file)["task_definition_arn"]["value"]
    [service] = services
    assert service["schedulingStrategy"] == "DAEMON", service
    assert service["launchType"] == "EC2", service
    assert service["taskDefinition"] == arn, service
    assert service["deploymentConfiguration"]["maximumPercent"] == 100, service
    task = ecs.describe_task_definition(taskDefinition=arn)["taskDefinition"]
    assert (task["networkMode"], task["pidMode"]) == ("host", "host"), task
    assert "cpu" not in task and "memory" not in task, task
    exporter, *others = task["containerDefinitions"]
    assert exporter["readonlyRootFilesystem"] and not exporter["privileged"], exporter
    assert exporter["user"] == {"minimal": "65534:992", "full": "0"}[variant], exporter
    assert [other["name"] for other in others] == {"minimal": [], "full": ["prometheus"]}[variant]
    groups = client("ec2").describe_security_group_rules()["SecurityGroupRules"]
    ports = [rule["FromPort"] for rule in groups if not rule["IsEgress"] and rule["FromPort"] > 0]
    assert ports == [{"minimal": 9100, "full": 9777}[variant]], groups
    print(f"{variant}: registered as it should be")


def active(ecs):
    """The services that are not deleted: those stay listed for a while."""
    if not ecs.list_clusters()["clusterArns"]:
        return []
    listed = ecs.list_services(cluster="production")["serviceArns"]
    if not listed:
        return []
    described = ecs.describe_services(cluster="production", services=listed)["services"]
    return [service for service in described if service["status"] == "ACTIVE"]


main(*sys.argv[1:])
