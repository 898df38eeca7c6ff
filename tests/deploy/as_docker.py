"""Prints the arguments of `docker run` that make of a task definition's container what ECS makes of it.

Usage: as_docker.py TASK-DEFINITION CONTAINER [VARIABLE=VALUE …]. The image and what follows it is left out.
"""

import json
import shlex
import string
import sys


def main(path, name, *values):
    with open(path, encoding="utf-8") as file:
        text = string.Template(file.read()).safe_substitute(
            dict(value.split("=", 1) for value in values)
        )
    task = json.loads(text)
    [container] = [each for each in task["containerDefinitions"] if each["name"] == name]
    sources = {each["name"]: each.get("host", {}).get("sourcePath") for each in task["volumes"]}
    print(shlex.join(arguments(task, container, sources)))


def arguments(task, container, sources):
    yield f"--network={task['networkMode']}"
    yield f"--pid={task['pidMode']}"
    yield f"--user={container['user']}"
    if container["privileged"]:
        yield "--privileged"
    if container["readonlyRootFilesystem"]:
        yield "--read-only"
    for option in container["dockerSecurityOptions"]:
        yield f"--security-opt={option}"
    capabilities = container["linuxParameters"]["capabilities"]
    for drop in capabilities["drop"]:
        yield f"--cap-drop={drop}"
    for add in capabilities["add"]:
        yield f"--cap-add={add}"
    for limit in container["ulimits"]:
        yield f"--ulimit={limit['name']}={limit['softLimit']}:{limit['hardLimit']}"
    yield f"--memory={container['memory']}m"
    yield f"--memory-reservation={container['memoryReservation']}m"
    yield f"--cpu-shares={container['cpu']}"
    for mount in container["mountPoints"]:
        mode = "ro" if mount["readOnly"] else "rw"
        source = sources[mount["sourceVolume"]] or mount["sourceVolume"]
        yield f"--volume={source}:{mount['containerPath']}:{mode}"
    for variable in container["environment"]:
        yield f"--env={variable['name']}={variable['value']}"
    for key, value in container["dockerLabels"].items():
        yield f"--label={key}={value}"


main(*sys.argv[1:])
