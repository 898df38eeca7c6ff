#!/bin/bash
# A host of Amazon ECS on this machine: a dockerd of its own, containers laid out and labelled the
# way the ECS agent does it, and a stand-in for the agent. Needs root; everything is under DIR.
#
#   host.sh up DIR                  installs what is missing, starts Docker and the agent
#   host.sh add DIR MODE N [FAMILY] a task of N containers, its networks in MODE: bridge, host, awsvpc.
#                                   Prints the task's id. The task has limits, but not with host
#   host.sh peer DIR PROGRAM PORT   node_exporter as a DAEMON service runs it, in a task of its own whose
#                                   image has the labels of the published one. Prints its process
#   host.sh work DIR                has every container burn CPU, write, read, and send for a moment
#   host.sh drop DIR TASK           ends a task
#   host.sh status DIR              what runs
#   host.sh docker-stop DIR         ends dockerd; the containers go on
#   host.sh docker-start DIR        starts it again; if DIR/forgetful is there, its containers end with it
#   host.sh agent-start DIR         starts the agent anew, after somebody ended it
#   host.sh down DIR                ends everything and takes it away
#
# In DIR: docker.sock, dockerd.pid, agent.port, logs. Environment:
#   DOCKER_SOCKET  use this Docker, which somebody else runs
#   AGENT_PORT     the agent's port on 127.0.0.1 (default: a free one)
#   IMAGE_LABELS   labels of the containers' image, as they stand after LABEL in a Dockerfile
set -euo pipefail
HERE=$(cd "$(dirname "${BASH_SOURCE[0]}")" && pwd)
LABEL=com.amazonaws.ecs REGION=eu-central-1 ACCOUNT=111122223333 CLUSTER=testbed
IMAGE=busybox:local PEER=node-exporter:local PAUSE=amazon/amazon-ecs-pause:0.1.0
TASK_MEMORY=268435456 TASK_QUOTA=50000

say() { printf 'host.sh: %s\n' "$*" >&2; }
die() { say "$@"; exit 1; }
docker() { command docker -H "unix://$SOCKET" "$@"; }
v2() { [ "$(stat -fc %T /sys/fs/cgroup)" = cgroup2fs ]; }
# Where the cgroup v1 controllers are mounted. On a hybrid host the rest is runc's to make.
controllers() { awk '$(NF-2) == "cgroup" && $NF !~ /name=/ {print $5}' /proc/self/mountinfo | sort -u; }
hex() { local id; id=$(tr -d - < /proc/sys/kernel/random/uuid); echo "${id:0:$1}"; }

install() {
  local missing=() pair
  for pair in dockerd:docker.io docker:docker.io busybox:busybox-static ip:iproute2 iptables:iptables python3:python3; do
    command -v "${pair%%:*}" > /dev/null || missing+=("${pair##*:}")
  done
  [ ${#missing[@]} = 0 ] && return
  say "installs ${missing[*]}"
  local apt=(apt-get -qq -o DPkg::Lock::Timeout=300)
  # A package's own dockerd must not start beside ours.
  { "${apt[@]}" update && DEBIAN_FRONTEND=noninteractive RUNLEVEL=1 "${apt[@]}" install -y --no-install-recommends \
    "${missing[@]}"; } > "$DIR/apt.log" 2>&1 || die "cannot install ${missing[*]}: see $DIR/apt.log"
}

# A bridge of our own, called as Docker calls its bridges, so that no other dockerd shares it.
bridge() {
  local n=0
  while ip link show "docker$n" > /dev/null 2>&1; do n=$((n + 1)); done
  ip link add "docker$n" type bridge
  ip addr add "172.$((17 + n)).0.1/16" dev "docker$n"
  ip link set "docker$n" up
  echo "docker$n" > "$DIR/bridge"
}

# The host's firewall and routes stay as they are: a container reaches its bridge and no further.
docker_start() {
  local restore=true
  [ ! -e "$DIR/forgetful" ] || restore=false
  rm -f "$DIR/dockerd.pid"
  setsid dockerd -H "unix://$DIR/docker.sock" --data-root "$DIR/data" --exec-root "$DIR/exec" --pidfile "$DIR/dockerd.pid" \
    --bridge "$(cat "$DIR/bridge")" --iptables=false --ip-masq=false --ip-forward=false --live-restore=$restore \
    --storage-driver overlay2 >> "$DIR/dockerd.log" 2>&1 < /dev/null &
  for _ in $(seq 300); do
    docker version > /dev/null 2>&1 && return
    kill -0 $! 2> /dev/null || break
    sleep 0.1
  done
  die "dockerd does not start: $(grep -v level=info "$DIR/dockerd.log" | tail -3)"
}

docker_stop() {
  local pid
  pid=$(cat "$DIR/dockerd.pid" 2> /dev/null) || return 0
  kill -CONT "$pid" 2> /dev/null || return 0
  kill "$pid"
  for _ in $(seq 150); do kill -0 "$pid" 2> /dev/null || return 0; sleep 0.1; done
  kill -KILL "$pid"
}

images() {
  local tree=$DIR/image applet
  mkdir -p "$tree"/{bin,tmp,www}
  cp "$(command -v busybox)" "$tree/bin/busybox"
  for applet in cat dd head httpd nice sh sleep sync timeout wget yes; do ln -sf busybox "$tree/bin/$applet"; done
  tar -C "$tree" -c . | docker import ${IMAGE_LABELS:+--change "LABEL $IMAGE_LABELS"} - $IMAGE > /dev/null
  docker tag $IMAGE $PAUSE
}

# Since Linux 6.10 the kernel counts blkio.throttle.* of a disk only once some group is limited on it.
# The kernels of Amazon Linux always count; a limit that nothing reaches makes this one count too.
count_io() {
  local blkio dev
  blkio=$(controllers | grep -w blkio) || return 0
  for dev in /sys/block/{vd,sd,xvd,nvme}*/dev; do
    [ -e "$dev" ] && echo "$(cat "$dev") 1099511627776" > "$blkio/ecs/blkio.throttle.write_bps_device" || true
  done
}

up() {
  [ "$(id -u)" = 0 ] || die "needs root"
  mkdir -p "$DIR"; : > "$DIR/tasks"
  install
  if [ -z "${DOCKER_SOCKET:-}" ]; then bridge; docker_start; else ln -sf "$DOCKER_SOCKET" "$DIR/docker.sock"; fi
  images
  local c
  if ! v2; then
    for c in $(controllers); do mkdir -p "$c/ecs"; done
    count_io
  fi
  agent_start
}

# At the same port, where there was one before.
agent_start() {
  local port=${AGENT_PORT:-0}
  [ ! -s "$DIR/agent.port" ] || port=$(cat "$DIR/agent.port")
  rm -f "$DIR/agent.port"
  setsid python3 "$HERE/agent.py" "$DIR/docker.sock" "$port" "$DIR/agent.port" > "$DIR/agent.log" 2>&1 < /dev/null &
  echo $! > "$DIR/agent.pid"
  for _ in $(seq 100); do [ -s "$DIR/agent.port" ] && return; sleep 0.1; done
  die "the agent does not start: $(tail -1 "$DIR/agent.log")"
}

# make_cgroup TASK MODE: prints the parent that Docker is to be given.
make_cgroup() {
  local id=$1 mode=$2 c f
  if v2; then
    local slice=ecstasks-$id.slice
    {
      echo '[Slice]'
      [ "$mode" = host ] || printf 'MemoryMax=%s\nCPUQuota=%s%%\n' $TASK_MEMORY $((TASK_QUOTA / 1000))
    } > "/run/systemd/system/$slice"
    systemctl daemon-reload
    systemctl start "$slice"
    echo "$slice"
    return
  fi
  for c in $(controllers); do
    mkdir -p "$c/ecs/$id"
    for f in cpuset.cpus cpuset.mems; do
      [ -e "$c/$f" ] || continue
      [ -n "$(cat "$c/ecs/$f")" ] || cat "$c/$f" > "$c/ecs/$f"
      cat "$c/ecs/$f" > "$c/ecs/$id/$f"
    done
    [ "$mode" != host ] || continue
    [ ! -e "$c/ecs/$id/memory.limit_in_bytes" ] || echo $TASK_MEMORY > "$c/ecs/$id/memory.limit_in_bytes"
    [ ! -e "$c/ecs/$id/cpu.cfs_quota_us" ] || echo $TASK_QUOTA > "$c/ecs/$id/cpu.cfs_quota_us"
  done
  echo "/ecs/$id"
}

remove_cgroup() {
  local id=$1 c
  if v2; then
    systemctl stop "ecstasks-$id.slice" 2> /dev/null || true
    rm -f "/run/systemd/system/ecstasks-$id.slice"
    return
  fi
  for c in /sys/fs/cgroup/*/ecs/"$id"; do
    [ -d "$c" ] && find "$c" -depth -type d -exec rmdir {} + 2> /dev/null || true
  done
}

# run TASK FAMILY PARENT CONTAINER IMAGE OPTION... -- COMMAND...: a container as the agent makes it.
run() {
  local id=$1 family=$2 parent=$3 name=$4 image=$5 options=()
  shift 5
  while [ "$1" != -- ]; do options+=("$1"); shift; done
  shift
  docker run -d --name "ecs-$family-1-$(tr -dc 'A-Za-z0-9-' <<< "$name")-$(hex 20)" --cgroup-parent "$parent" \
    --label $LABEL.cluster=$CLUSTER --label "$LABEL.container-name=$name" \
    --label "$LABEL.task-arn=arn:aws:ecs:$REGION:$ACCOUNT:task/$CLUSTER/$id" \
    --label "$LABEL.task-definition-family=$family" --label $LABEL.task-definition-version=1 \
    --env "ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/$(cat /proc/sys/kernel/random/uuid)" \
    "${options[@]}" "$image" "$@"
}

# An interface of its own for the pause container of a task with awsvpc. (The agent moves a whole
# network card; dummy interfaces, which would come closer, are not in every kernel.)
give_network() {
  local id=$1 pid=$2 address=$3
  ip link add "eni${id:0:8}" type veth peer name eth0 netns "$pid"
  ip link set "eni${id:0:8}" up
  nsenter -t "$pid" -n ip addr add "$address/24" dev eth0
  nsenter -t "$pid" -n ip link set eth0 up
  nsenter -t "$pid" -n ip link set lo up
}

add() {
  local mode=$1 n=$2 family=${3:-$1} id parent network i
  id=$(hex 32)
  parent=$(make_cgroup "$id" "$mode")
  echo "$id" >> "$DIR/tasks"
  case $mode in
    bridge | host) network=$mode ;;
    awsvpc)
      local pause address
      address=10.0.$((RANDOM % 256)).$((RANDOM % 250 + 4))
      pause=$(run "$id" "$family" "$parent" '~internal~ecs~pause' $PAUSE --network none --label "testbed.address=$address" -- sleep 1000000)
      give_network "$id" "$(docker inspect -f '{{.State.Pid}}' "$pause")" "$address"
      network=container:$pause ;;
    *) die "no such mode: $mode" ;;
  esac
  for i in $(seq "$n"); do
    run "$id" "$family" "$parent" "c$i" $IMAGE --network "$network" --memory $((32 * i))m --memory-reservation 16m \
      --cpu-shares $((128 * i)) -- sh -c 'dd if=/dev/zero of=/file bs=64k count=32 conv=fsync; exec sleep 1000000' > /dev/null &
  done
  for i in $(jobs -p); do wait "$i"; done
  echo "$id"
}

# The labels that the image of node_exporter has since 1.11, by their names.
peer() {
  local program=$1 port=$2 tree=$DIR/peer id parent container label labels=(maintainer=x io.prometheus.image.variant=x)
  for label in authors vendor title description source url documentation licenses; do
    labels+=("org.opencontainers.image.$label=x")
  done
  mkdir -p "$tree/bin"
  cp "$program" "$tree/bin/node_exporter"
  tar -C "$tree" -c . | docker import --change "LABEL ${labels[*]}" - $PEER > /dev/null
  id=$(hex 32)
  parent=$(make_cgroup "$id" host)
  echo "$id" >> "$DIR/tasks"
  container=$(run "$id" node-exporter "$parent" node-exporter $PEER --network host --pid host --volume /:/host:ro -- \
    /bin/node_exporter --path.rootfs=/host "--web.listen-address=127.0.0.1:$port")
  docker inspect -f '{{.State.Pid}}' "$container"
}

# remove FILTER: the containers with a label.
remove() {
  local ids
  mapfile -t ids < <(docker ps -aq --filter "label=$1")
  [ ${#ids[@]} = 0 ] || docker rm -f "${ids[@]}" > /dev/null
}

drop() {
  remove "$LABEL.task-arn=arn:aws:ecs:$REGION:$ACCOUNT:task/$CLUSTER/$1"
  remove_cgroup "$1"
  sed -i "/^$1\$/d" "$DIR/tasks"
}

work() {
  local id todo='timeout 1 yes > /dev/null; dd if=/dev/zero of=/work bs=64k count=64 conv=fsync; cat /work > /dev/null
    httpd -p 127.0.0.1:8080 -h /www; wget -q -T 1 -O /dev/null http://127.0.0.1:8080/; wget -q -T 1 -O /dev/null http://172.17.0.1:9/'
  for id in $(docker ps -q --filter "label=$LABEL.cluster=$CLUSTER"); do
    docker exec "$id" sh -c "$todo" > /dev/null 2>&1 || true
  done
}

down() {
  local id
  if docker version > /dev/null 2>&1 || { [ -z "${DOCKER_SOCKET:-}" ] && [ -e "$DIR/bridge" ] && docker_start; }; then
    remove $LABEL.cluster=$CLUSTER
  fi
  while read -r id; do remove_cgroup "$id"; done < "$DIR/tasks"
  v2 || rmdir /sys/fs/cgroup/*/ecs 2> /dev/null || true
  [ ! -e "$DIR/agent.pid" ] || kill "$(cat "$DIR/agent.pid")" 2> /dev/null || true
  [ -n "${DOCKER_SOCKET:-}" ] || docker_stop
  [ ! -e "$DIR/bridge" ] || ip link del "$(cat "$DIR/bridge")" 2> /dev/null || true
  # With --live-restore dockerd leaves its mounts behind.
  awk -v dir="$DIR/" 'index($5, dir) == 1 {print $5}' /proc/self/mountinfo | tac | xargs -r umount
  rm -rf "$DIR"
}

status() {
  docker info -f 'Docker {{.ServerVersion}}, {{.Driver}}, cgroup v{{.CgroupVersion}} by {{.CgroupDriver}}, kernel {{.KernelVersion}}'
  echo "agent on 127.0.0.1:$(cat "$DIR/agent.port")"
  docker ps -a --format '{{.ID}} {{.State}} {{.Names}} {{.Networks}}'
}

COMMAND=${1:-} DIR=${2:-}
[ -n "$DIR" ] || { sed -n '2,21s/^# \?//p' "${BASH_SOURCE[0]}"; exit 2; }
DIR=$(realpath -m "$DIR") SOCKET=${DOCKER_SOCKET:-$DIR/docker.sock}
shift 2
case $COMMAND in
  up | add | peer | work | drop | status | down) "$COMMAND" "$@" ;;
  docker-start | docker-stop | agent-start) "${COMMAND/-/_}" ;;
  *) die "no such command: $COMMAND" ;;
esac
