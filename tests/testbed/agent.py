#!/usr/bin/env python3
"""A stand-in for the introspection API of the ECS agent.

agent.py DOCKER_SOCKET PORT PORT_FILE

Answers as the agent does, from what Docker says of the containers that carry the agent's labels:
/v1/metadata, /v1/tasks, and for any other path 200 with the commands there are. On the same port it
answers /v4/<id>/task, as the metadata endpoint of tasks does: each task is of the service
<family>-svc. PORT 0 takes a free
one; the port is written into PORT_FILE once it is open.
"""
import http.client
import json
import os
import socket
import sys
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from urllib.parse import quote

LABEL = "com.amazonaws.ecs."
REGION, ACCOUNT, CLUSTER = "eu-central-1", "111122223333", "testbed"
METADATA = {
    "Cluster": CLUSTER,
    "ContainerInstanceArn": f"arn:aws:ecs:{REGION}:{ACCOUNT}:container-instance/{CLUSTER}/" + "c0ffee" * 5 + "c0",
    "Version": "Amazon ECS Agent - v1.105.1 (*a8b3e7d3)",
}
COMMANDS = {"AvailableCommands": ["/v1/metadata", "/v1/tasks", "/license"]}
DOCKER, PORT, PORT_FILE = sys.argv[1], int(sys.argv[2]), sys.argv[3]


class Docker(http.client.HTTPConnection):
    """The Docker socket. Patience is short: the real agent never waits for Docker to answer."""

    def __init__(self):
        super().__init__("docker", timeout=0.5)

    def connect(self):
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(DOCKER)

    def ask(self, path):
        self.request("GET", path)
        return json.loads(self.getresponse().read())


def inspected():
    docker = Docker()
    try:
        labelled = quote(json.dumps({"label": [LABEL + "task-arn"]}))
        found = docker.ask(f"/containers/json?all=1&filters={labelled}")
        return [docker.ask(f"/containers/{one['Id']}/json") for one in found]
    finally:
        docker.close()


def container(one, address):
    said = {
        "DockerId": one["Id"],
        "DockerName": one["Name"].lstrip("/"),
        "Name": one["Config"]["Labels"][LABEL + "container-name"],
        "Image": one["Config"]["Image"],
        "ImageID": one["Image"],
        "CreatedAt": one["Created"],
        "StartedAt": one["State"]["StartedAt"],
    }
    if address:
        said["Networks"] = [{"NetworkMode": "awsvpc", "IPv4Addresses": [address]}]
    return said


def metadata(containers, endpoint):
    """What the metadata endpoint says of the task that has a container with this in its environment."""
    for one in containers:
        labels = one["Config"]["Labels"]
        if any(e.startswith("ECS_CONTAINER_METADATA_URI_V4=") and e.endswith("/" + endpoint) for e in one["Config"]["Env"] or []):
            return {
                "Cluster": CLUSTER,
                "TaskARN": labels[LABEL + "task-arn"],
                "Family": labels[LABEL + "task-definition-family"],
                "Revision": labels[LABEL + "task-definition-version"],
                "DesiredStatus": "RUNNING",
                "KnownStatus": "RUNNING",
                "PullStartedAt": one["Created"],
                "PullStoppedAt": one["Created"],
                "AvailabilityZone": REGION + "a",
                "LaunchType": "EC2",
                "Containers": [],
                "VPCID": "vpc-0123456789abcdef0",
                "ServiceName": labels[LABEL + "task-definition-family"] + "-svc",
            }
    return None


def tasks(containers):
    by_arn = {}
    for one in containers:
        by_arn.setdefault(one["Config"]["Labels"][LABEL + "task-arn"], []).append(one)
    said = []
    for arn, members in sorted(by_arn.items()):
        labels = members[0]["Config"]["Labels"]
        internal = [m for m in members if m["Config"]["Labels"][LABEL + "container-name"].startswith("~internal~")]
        addresses = [m["Config"]["Labels"].get("testbed.address") for m in internal]
        states = {m["State"]["Status"] for m in members}
        status = "RUNNING" if "running" in states else "PENDING" if "created" in states else "STOPPED"
        said.append({
            "Arn": arn,
            "DesiredStatus": "RUNNING" if status == "PENDING" else status,
            "KnownStatus": status,
            "Family": labels[LABEL + "task-definition-family"],
            "Version": labels[LABEL + "task-definition-version"],
            "Containers": [container(m, next(iter(addresses), None)) for m in members if m not in internal],
        })
    return {"Tasks": said}


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    timeout = 5
    last = {"Tasks": []}

    def do_GET(self):
        path = self.path.split("?")[0]
        if path == "/v1/metadata":
            self.answer(METADATA)
        elif path == "/v1/tasks":
            try:
                Handler.last = tasks(inspected())
            except (OSError, ValueError, KeyError, http.client.HTTPException):
                pass  # Docker is away, or a container went meanwhile: what was known stands.
            self.answer(Handler.last)
        elif path.startswith("/v4/") and path.endswith("/task"):
            try:
                said = metadata(inspected(), path.split("/")[2])
            except (OSError, ValueError, KeyError, http.client.HTTPException):
                said = None
            if said:
                self.answer(said)
            else:
                self.send_error(404)
        else:
            self.answer(COMMANDS)

    def answer(self, body):
        text = json.dumps(body, separators=(",", ":")).encode()
        self.send_response(200)
        self.send_header("Content-Type", "application/json")
        if len(text) <= 2048:
            self.send_header("Content-Length", str(len(text)))
            self.end_headers()
            self.wfile.write(text)
            return
        self.send_header("Transfer-Encoding", "chunked")
        self.end_headers()
        for at in range(0, len(text), 2048):
            piece = text[at:at + 2048]
            self.wfile.write(b"%x\r\n%s\r\n" % (len(piece), piece))
        self.wfile.write(b"0\r\n\r\n")

    def log_message(self, *_):
        pass


server = ThreadingHTTPServer(("127.0.0.1", PORT), Handler)
with open(PORT_FILE + ".new", "w") as file:
    file.write(f"{server.server_port}\n")
os.rename(PORT_FILE + ".new", PORT_FILE)
server.serve_forever()
