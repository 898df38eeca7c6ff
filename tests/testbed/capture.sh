#!/bin/bash
# Captures this host into a directory of fixtures, as `tests/golden.rs` and `tests/hostile.rs` read it.
#
#   capture.sh OUT [DIR]      DIR: where host.sh keeps its host; without it, a host without containers
#
# The captured hosts had been given, by host.sh: up, add bridge 3 web, add awsvpc 2 api, add host 1 daemon,
# work. What is taken is what collectors read, and little more; what is left out for size (CPUs, units,
# network interfaces) is left out whole. Numbers are the kernel's.
set -euo pipefail
[ $# -ge 1 ] || { sed -n '2,9s/^# \?//p' "${BASH_SOURCE[0]}"; exit 2; }
OUT=$(realpath -m "$1") DIR=${2:-}
LABEL=com.amazonaws.ecs
shopt -s nullglob
mkdir -p "$OUT"

# take TO FILE...: copies what can be read, with its path below TO. What fails (some files of /sys say
# EINVAL while an interface is down) is as good as absent. No process is started for a file: a guest
# without hardware virtualisation would take minutes.
declare -A made
take() {
  local to=$OUT/$1 file dir lines
  shift
  for file; do
    [ -f "$file" ] && mapfile lines 2> /dev/null < "$file" || continue
    [ ${#lines[@]} -gt 0 ] || cat "$file" > /dev/null 2>&1 || continue
    dir=$to${file%/*}
    [ -n "${made[$dir]:-}" ] || mkdir -p "$dir"
    made[$dir]=1
    printf '%s' "${lines[@]}" > "$to$file"
  done
}
docker() { command docker -H "unix://$DIR/docker.sock" "$@"; }

### The containers of the testbed: their ids, their processes, and the groups that are shown.
ids=() pids=() groups=(/)
if [ -n "$DIR" ]; then
  mapfile -t ids < <(docker ps -q --no-trunc --filter "label=$LABEL.task-arn" | sort)
  for id in "${ids[@]}"; do pids+=("$(docker inspect -f '{{.State.Pid}}' "$id")"); done
fi
hierarchies=$(awk '$(NF-2) ~ /^cgroup2?$/ && $4 == "/" {print $5}' /proc/self/mountinfo | sort -u)
for id in "${ids[@]}"; do
  path=$(find $hierarchies -type d -name "*$id*" -print -quit)
  for root in $hierarchies; do
    case $path in "$root"/*) path=${path#"$root"} ;; esac
  done
  while [ -n "$path" ]; do groups+=("$path"); path=${path%/*}; done
done
for unit in init.scope system.slice system.slice/{docker,containerd,dbus,systemd-journald}.service user.slice; do
  groups+=("/$unit")
done
mapfile -t groups < <(printf '%s\n' "${groups[@]}" | sort -u)

### /proc
take . /proc/{stat,meminfo,loadavg,vmstat,diskstats,cpuinfo,uptime,swaps,cgroups,schedstat,softirqs,interrupts,buddyinfo,zoneinfo,mdstat} \
  /proc/pressure/* /proc/sys/fs/file-nr /proc/sys/net/netfilter/nf_conntrack_{count,max} \
  /proc/sys/kernel/{hostname,osrelease,ostype,version,pid_max,threads-max,hung_task_detect_count,random/{entropy_avail,poolsize}} \
  /proc/1/{cgroup,mountinfo} \
  /proc/1/net/{dev,netstat,snmp,snmp6,sockstat,sockstat6,softnet_stat,arp,route,if_inet6,udp,udp6,xfrm_stat,stat/nf_conntrack}
ln -sfn 1/net "$OUT/proc/net"
# Mounts of this machine that are no part of a host.
grep -vE ' (/tmp|/mnt|/root)[/ ]' /proc/1/mountinfo > "$OUT/proc/1/mountinfo"
declare -A owner=(["$(stat -Lc %i /proc/1/net/dev)"]=1)
for pid in $(printf '%s\n' "${pids[@]}" | sort -n); do
  take . /proc/"$pid"/{cgroup,stat,limits,schedstat}
  netns=$(stat -Lc %i "/proc/$pid/net/dev")
  if [ -n "${owner[$netns]:-}" ]; then
    ln -sfn "../${owner[$netns]}/net" "$OUT/proc/$pid/net"
  else
    owner[$netns]=$pid
    take . /proc/"$pid"/net/{dev,netstat,snmp,tcp,tcp6,udp,udp6}
  fi
done

### /sys
take . /sys/devices/system/cpu/{online,present,possible,isolated,offline} /sys/devices/system/cpu/vulnerabilities/* \
  /sys/devices/system/cpu/cpu[0-9]*/{online,topology/{core_id,physical_package_id,core_cpus_list,package_cpus_list}} \
  /sys/devices/system/node/node[0-9]*/{cpulist,meminfo,numastat} \
  /sys/devices/system/clocksource/clocksource0/{available,current}_clocksource \
  /sys/class/thermal/thermal_zone*/{type,temp,mode,policy} \
  /sys/class/dmi/id/{bios_date,bios_release,bios_vendor,bios_version,board_vendor,chassis_vendor,product_name,sys_vendor}
for disk in /sys/block/{vd,sd,xvd,nvme,zram,dm-,md}*; do
  take . "$disk"/{dev,size,ro,removable,stat,queue/{rotational,logical_block_size,physical_block_size,scheduler}} "$disk"/"${disk##*/}"*/{dev,size,partition}
done
for link in /sys/class/net/{lo,e*,docker*}; do
  take . "$link"/{address,addr_assign_type,broadcast,carrier,carrier_changes,carrier_up_count,carrier_down_count,dev_id,dormant} \
    "$link"/{duplex,flags,ifalias,ifindex,iflink,link_mode,mtu,name_assign_type,netdev_group,operstate,proto_down,speed,tx_queue_len,type}
done
for root in $hierarchies; do
  for group in "${groups[@]}"; do
    [ -d "$root$group" ] || continue
    dir=$root${group%/}
    take . "$dir"/{cpu.{stat,pressure,max,weight,shares,cfs_quota_us,cfs_period_us},cpuacct.{stat,usage,usage_percpu},cpuset.cpus{,.effective}} \
      "$dir"/memory.{stat,current,peak,events,max,high,low,pressure,numa_stat,swap.{current,max}} \
      "$dir"/memory.{usage_in_bytes,max_usage_in_bytes,limit_in_bytes,soft_limit_in_bytes,failcnt,oom_control,memsw.{usage,limit}_in_bytes,kmem.usage_in_bytes} \
      "$dir"/{blkio.throttle.io_{service_bytes,serviced}_recursive,io.{stat,pressure},pids.{current,max},hugetlb.2MB.{current,max,usage_in_bytes,max_usage_in_bytes}}
    case $root in */memory | /sys/fs/cgroup) take . "$dir"/cgroup.{events,procs,stat} ;; esac
  done
done

### The rest
take rootfs /etc/os-release
for data in /run/udev/data/b*; do
  [ -e "/sys/dev/block/${data##*/b}" ] && mkdir -p "$OUT/udev" && cat "$data" > "$OUT/udev/${data##*/}"
done
docker=none
if [ -n "$DIR" ]; then
  docker=$(docker version -f '{{.Server.Version}}')
  mkdir -p "$OUT/docker" "$OUT/agent"
  docker inspect "${ids[@]}" | python3 -c '
import json, sys
found = json.load(sys.stdin)
for one in found:
    one["Config"]["Env"] = [pair.split("=")[0] + "=" for pair in one["Config"]["Env"] or []]
json.dump(found, sys.stdout, indent=1)' > "$OUT/docker/inspect.json"
  for what in metadata tasks; do
    python3 -c 'import sys, urllib.request; sys.stdout.write(urllib.request.urlopen(sys.argv[1]).read().decode() + "\n")' \
      "http://127.0.0.1:$(cat "$DIR/agent.port")/v1/$what" > "$OUT/agent/$what.json"
  done
fi
containers="no Docker"
[ -z "$DIR" ] || containers="Docker $docker with ${#ids[@]} containers of \`tests/testbed/host.sh\`"
mounted=$(awk '$(NF-2) ~ /^cgroup2?$/ {n[$(NF-2)]++} END {for (kind in n) {printf "%s%d of %s", sep, n[kind], kind; sep = ", "}}' /proc/self/mountinfo)
cat > "$OUT/README.md" <<R
Captured on $(date -u +%F) by \`tests/testbed/capture.sh\`: Linux $(uname -r), $(. /etc/os-release && echo "$PRETTY_NAME"),
$(nproc) CPUs, mounts of control groups: $mounted; $containers.

Left out: environment values of containers, mounts under /tmp, /mnt and /root, all but a few units of systemd,
most network interfaces in \`sys/class/net\`, loop devices in \`sys/block\`, files that no collector reads.
R
