"""Checks what is registered by hand: valid for the API, with least rights, and the same in each file."""

import json
import pathlib
import string
import sys

import yaml
from botocore import loaders, model, validate

VALUES = {
    "IMAGE": "registry.example/ecs-host-exporter:1.0.0",
    "AWS_REGION": "eu-west-1",
    "DOCKER_GID": "992",
    "TASK_ROLE_ARN": "arn:aws:iam::111122223333:role/exporter",
    "AMP_WORKSPACE_ID": "ws-0a1b",
    "CLUSTER": "production",
}
# Of each container, what is not to be had by flags or options.
HELD = {
    "privileged": False,
    "readonlyRootFilesystem": True,
    "dockerSecurityOptions": ["no-new-privileges"],
    "restartPolicy": {"enabled": True, "restartAttemptPeriod": 60},
}


def main(deploy):
    loader = loaders.Loader()
    ecs = model.ServiceModel(loader.load_service_model("ecs", "service-2"))
    shape = ecs.operation_model("RegisterTaskDefinition").input_shape
    files = {path.stem: load(path) for path in sorted((deploy / "task-definitions").glob("*.json"))}
    assert set(files) == {"minimal", "full", "bottlerocket", "prometheus-agent"}, set(files)
    for name, task in files.items():
        unknown = list(strangers(task, shape, name))
        assert not unknown, unknown
        report = validate.ParamValidator().validate(task, shape)
        assert not report.has_errors(), f"{name}: {report.generate_report()}"
        held(name, task)
        print(f"{name}.json: as ECS wants it")

    minimal = files["minimal"]
    exporter = minimal["containerDefinitions"][0]
    assert exporter["user"] == "65534:992" and not added(exporter), exporter
    assert [mount["readOnly"] for mount in exporter["mountPoints"]] == [True] * 4, exporter

    full = files["full"]
    assert full["containerDefinitions"][0]["user"] == "0"
    assert added(full["containerDefinitions"][0]) == ["DAC_READ_SEARCH", "SYS_PTRACE"]
    full["containerDefinitions"][0] |= {key: exporter[key] for key in ["user", "linuxParameters"]}
    assert full == minimal, "full.json differs in more than rights"

    bottlerocket = files["bottlerocket"]
    assert bottlerocket["containerDefinitions"][0]["user"] == "65534:900"
    assert sources(bottlerocket) == {"proc": "/proc", "sys": "/sys", "root": "/", "run": "/run"}
    bottlerocket["containerDefinitions"][0]["user"] = exporter["user"]
    bottlerocket["volumes"] = minimal["volumes"]
    assert bottlerocket == minimal, "bottlerocket.json differs in more than Docker's socket"

    agent = files["prometheus-agent"]
    prometheus = agent["containerDefinitions"].pop()
    assert agent.pop("taskRoleArn") == VALUES["TASK_ROLE_ARN"]
    assert agent["volumes"].pop() == {"name": "prometheus"}
    assert agent == minimal, "prometheus-agent.json differs in more than Prometheus"
    assert prometheus["essential"] is False and not added(prometheus), prometheus
    [config] = prometheus["environment"]
    with open(deploy / "prometheus/agent.yml", encoding="utf-8") as file:
        assert yaml.safe_load(config["value"]) == yaml.safe_load(filled(file.read()))

    template = from_template(deploy / "cloudformation.yaml")
    # Where these two say the same otherwise.
    exporter["command"] = ["--web.listen-address=:9100"]
    exporter["healthCheck"]["command"].append("--web.listen-address=:9100")
    assert template == minimal, "cloudformation.yaml differs from minimal.json"


def filled(text):
    return string.Template(text).safe_substitute(VALUES)


def load(path):
    text = path.read_text(encoding="utf-8")
    return json.loads(filled(text))


def strangers(value, shape, at):
    """Members that the API does not know: the validator lets them pass."""
    if shape.type_name == "structure":
        for key, inner in value.items():
            if key not in shape.members:
                yield f"{at}.{key}"
            else:
                yield from strangers(inner, shape.members[key], f"{at}.{key}")
    elif shape.type_name == "list":
        for index, inner in enumerate(value):
            yield from strangers(inner, shape.member, f"{at}[{index}]")
    elif getattr(shape, "enum", None):
        if value not in shape.enum:
            yield f"{at}: {value}"


def held(name, task):
    assert (task["networkMode"], task["pidMode"]) == ("host", "host"), name
    assert task["requiresCompatibilities"] == ["EC2"], name
    assert "cpu" not in task and "memory" not in task, f"{name}: a task's cpu is a quota"
    assert "/var/run/docker.sock" not in sources(task).values(), name
    assert "/cgroup" not in sources(task).values(), name
    for container in task["containerDefinitions"]:
        for key, value in HELD.items():
            assert container[key] == value, (name, container["name"], key)
        assert container["linuxParameters"]["capabilities"]["drop"] == ["ALL"], name
        assert container["memoryReservation"] <= container["memory"], name
        assert container["healthCheck"]["command"][0] == "CMD", name


def added(container):
    return container["linuxParameters"]["capabilities"]["add"]


def sources(task):
    return {v["name"]: v["host"]["sourcePath"] for v in task["volumes"] if "host" in v}


def from_template(path):
    """The task definition of a template, as the API has it."""
    values = {"Image": VALUES["IMAGE"], "DockerGid": "992", "Port": 9100}
    values |= {"AWS::Region": "eu-west-1", "LogGroup": "/ecs/ecs-host-exporter"}

    class Loader(yaml.SafeLoader):
        """Knows the functions that the template uses."""

    def sub(text):
        for name, value in values.items():
            text = text.replace("${%s}" % name, str(value))
        return text

    Loader.add_constructor("!Ref", lambda _, node: values.get(node.value))
    Loader.add_constructor("!Sub", lambda _, node: sub(node.value))
    Loader.add_multi_constructor("!", lambda _, *__: None)
    with open(path, encoding="utf-8") as file:
        template = yaml.load(file, Loader)
    names = {"dockerLabels", "options"}  # Whose keys are the user's.

    def lower(value, keep=False):
        if isinstance(value, dict):
            keys = ((key if keep else key[0].lower() + key[1:], key) for key in value)
            return {small: lower(value[key], small in names) for small, key in keys}
        if isinstance(value, list):
            return [lower(each) for each in value]
        return value

    task = lower(template["Resources"]["TaskDefinition"]["Properties"])
    exporter = task["containerDefinitions"][0]
    for holder in [*exporter["environment"], exporter["dockerLabels"]]:
        for key, value in holder.items():
            holder[key] = str(value)
    return task


main(pathlib.Path(sys.argv[1]))
