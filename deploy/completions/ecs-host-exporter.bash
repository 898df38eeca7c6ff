_ecs__host__exporter() {
    local i cur prev opts cmd
    COMPREPLY=()
    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
        cur="$2"
    else
        cur="${COMP_WORDS[COMP_CWORD]}"
    fi
    prev="$3"
    cmd=""
    opts=""

    for i in "${COMP_WORDS[@]:0:COMP_CWORD}"
    do
        case "${cmd},${i}" in
            ",$1")
                cmd="ecs__host__exporter"
                ;;
            *)
                ;;
        esac
    done

    case "${cmd}" in
        ecs__host__exporter)
            opts="-h --help --version --web.listen-address --web.systemd-socket --no-web.systemd-socket --web.config.file --web.telemetry-path --web.disable-exporter-metrics --no-web.disable-exporter-metrics --web.max-requests --web.scrape-timeout-margin --path.procfs --path.sysfs --path.rootfs --path.udev.data --docker.socket --ecs.agent-address --collector.ecs.service-name --ecs.metadata-address --sd.http --no-sd.http --sd.file --sd.rule --sd.labels --sd.host-address --collector.container.labels --container.systemd-units --no-container.systemd-units --storage.path --collector.disable-defaults --no-collector.disable-defaults --log.level --log.format --collector.arp --no-collector.arp --collector.arp.device-exclude --collector.arp.device-include --collector.arp.veth --no-collector.arp.veth --no-collector.arp.netlink --collector.bcache --no-collector.bcache --collector.bcache.priorityStats --no-collector.bcache.priorityStats --collector.bcachefs --no-collector.bcachefs --collector.bonding --no-collector.bonding --collector.btrfs --no-collector.btrfs --collector.buddyinfo --no-collector.buddyinfo --collector.cgroups --no-collector.cgroups --collector.conntrack --no-collector.conntrack --collector.cpu --no-collector.cpu --no-collector.cpu.guest --collector.cpu.info --no-collector.cpu.info --collector.cpu.info.flags-include --collector.cpu.info.bugs-include --collector.cpu_vulnerabilities --no-collector.cpu_vulnerabilities --collector.cpufreq --no-collector.cpufreq --collector.diskstats --no-collector.diskstats --collector.diskstats.device-exclude --collector.diskstats.device-include --collector.dmi --no-collector.dmi --collector.dmmultipath --no-collector.dmmultipath --collector.drbd --no-collector.drbd --collector.drm --no-collector.drm --collector.edac --no-collector.edac --collector.entropy --no-collector.entropy --collector.ethtool --no-collector.ethtool --collector.ethtool.device-exclude --collector.ethtool.device-include --collector.ethtool.veth --no-collector.ethtool.veth --collector.ethtool.metrics-include --collector.fibrechannel --no-collector.fibrechannel --collector.filefd --no-collector.filefd --collector.filesystem --no-collector.filesystem --collector.filesystem.mount-points-exclude --collector.filesystem.mount-points-include --collector.filesystem.fs-types-exclude --collector.filesystem.fs-types-include --collector.hwmon --no-collector.hwmon --collector.hwmon.chip-include --collector.hwmon.chip-exclude --collector.hwmon.sensor-include --collector.hwmon.sensor-exclude --collector.infiniband --no-collector.infiniband --collector.infiniband.device-include --collector.infiniband.device-exclude --collector.interrupts --no-collector.interrupts --collector.interrupts.name-include --collector.interrupts.name-exclude --no-collector.interrupts.include-zeros --collector.ipvs --no-collector.ipvs --collector.ipvs.backend-labels --collector.kernel_hung --no-collector.kernel_hung --collector.ksmd --no-collector.ksmd --collector.lnstat --no-collector.lnstat --collector.loadavg --no-collector.loadavg --collector.logind --no-collector.logind --collector.mdadm --no-collector.mdadm --collector.meminfo --no-collector.meminfo --collector.meminfo.all --no-collector.meminfo.all --collector.meminfo_numa --no-collector.meminfo_numa --collector.mountstats --no-collector.mountstats --collector.netclass --no-collector.netclass --collector.netclass.ignored-devices --collector.netclass.veth --no-collector.netclass.veth --collector.netclass.ignore-invalid-speed --no-collector.netclass.ignore-invalid-speed --collector.netdev --no-collector.netdev --collector.netdev.device-exclude --collector.netdev.device-include --collector.netdev.veth --no-collector.netdev.veth --collector.netdev.enable-detailed-metrics --no-collector.netdev.enable-detailed-metrics --collector.netdev.address-info --no-collector.netdev.address-info --collector.netdev.label-ifalias --no-collector.netdev.label-ifalias --no-collector.netdev.netlink --collector.netstat --no-collector.netstat --collector.netstat.fields --collector.network_route --no-collector.network_route --collector.nfs --no-collector.nfs --collector.nfsd --no-collector.nfsd --collector.ntp --no-collector.ntp --collector.ntp.server --collector.ntp.server-port --collector.ntp.protocol-version --collector.ntp.server-is-local --no-collector.ntp.server-is-local --collector.ntp.ip-ttl --collector.ntp.max-distance --collector.ntp.local-offset-tolerance --collector.nvme --no-collector.nvme --collector.nvmesubsystem --no-collector.nvmesubsystem --collector.os --no-collector.os --collector.pcidevice --no-collector.pcidevice --collector.pcidevice.names --no-collector.pcidevice.names --collector.pcidevice.idsfile --collector.perf --no-collector.perf --collector.perf.cpus --collector.perf.tracepoint --collector.perf.disable-hardware-profilers --no-collector.perf.disable-hardware-profilers --collector.perf.hardware-profilers --collector.perf.disable-software-profilers --no-collector.perf.disable-software-profilers --collector.perf.software-profilers --collector.perf.disable-cache-profilers --no-collector.perf.disable-cache-profilers --collector.perf.cache-profilers --collector.powersupplyclass --no-collector.powersupplyclass --collector.powersupply.ignored-supplies --collector.pressure --no-collector.pressure --collector.processes --no-collector.processes --collector.qdisc --no-collector.qdisc --collector.qdisc.device-exclude --collector.qdisc.device-include --collector.rapl --no-collector.rapl --collector.rapl.enable-zone-label --no-collector.rapl.enable-zone-label --collector.schedstat --no-collector.schedstat --collector.selinux --no-collector.selinux --collector.slabinfo --no-collector.slabinfo --collector.slabinfo.slabs-include --collector.slabinfo.slabs-exclude --collector.sockstat --no-collector.sockstat --collector.softirqs --no-collector.softirqs --collector.softnet --no-collector.softnet --collector.stat --no-collector.stat --collector.stat.softirq --no-collector.stat.softirq --collector.swap --no-collector.swap --collector.sysctl --no-collector.sysctl --collector.sysctl.include --collector.sysctl.include-info --collector.systemd --no-collector.systemd --collector.systemd.unit-include --collector.systemd.unit-exclude --collector.systemd.enable-task-metrics --no-collector.systemd.enable-task-metrics --collector.systemd.enable-restarts-metrics --no-collector.systemd.enable-restarts-metrics --collector.systemd.enable-start-time-metrics --no-collector.systemd.enable-start-time-metrics --collector.tapestats --no-collector.tapestats --collector.tapestats.ignored-devices --collector.tcpstat --no-collector.tcpstat --collector.textfile --no-collector.textfile --collector.textfile.directory --collector.thermal_zone --no-collector.thermal_zone --collector.time --no-collector.time --collector.timex --no-collector.timex --collector.udp_queues --no-collector.udp_queues --collector.uname --no-collector.uname --collector.vmstat --no-collector.vmstat --collector.vmstat.fields --collector.watchdog --no-collector.watchdog --collector.wifi --no-collector.wifi --collector.xfrm --no-collector.xfrm --collector.xfs --no-collector.xfs --collector.zfs --no-collector.zfs --collector.zoneinfo --no-collector.zoneinfo --collector.container.advtcp --no-collector.container.advtcp --collector.container.cpu --no-collector.container.cpu --collector.container.cpu.per-cpu --no-collector.container.cpu.per-cpu --collector.container.cpu_topology --no-collector.container.cpu_topology --collector.container.cpuset --no-collector.container.cpuset --collector.container.files --no-collector.container.files --collector.container.hugetlb --no-collector.container.hugetlb --collector.container.filesystem --no-collector.container.filesystem --collector.container.filesystem.interval --no-collector.container.filesystem.volume-walks --collector.container.ended --no-collector.container.ended --collector.container.io --no-collector.container.io --collector.container.load --no-collector.container.load --collector.container.load.reader --no-collector.container.load.reader --collector.container.machine --no-collector.container.machine --collector.container.memory --no-collector.container.memory --collector.container.memory_numa --no-collector.container.memory_numa --collector.container.network --no-collector.container.network --collector.container.perf --no-collector.container.perf --collector.container.perf.config --collector.container.perf.per-cpu --no-collector.container.perf.per-cpu --collector.container.pressure --no-collector.container.pressure --collector.container.process --no-collector.container.process --collector.container.process.count --no-collector.container.process.count --collector.container.referenced_memory --no-collector.container.referenced_memory --collector.container.referenced_memory.reset-interval --collector.container.resctrl --no-collector.container.resctrl --collector.container.sched --no-collector.container.sched --collector.container.spec --no-collector.container.spec --collector.container.tcp --no-collector.container.tcp --collector.container.udp --no-collector.container.udp --collector.ecs.adot --no-collector.ecs.adot --collector.ecs.adot-names --collector.ecs.adot-labels --collector.ecs.container --no-collector.ecs.container --collector.ecs.info --no-collector.ecs.info --collector.ecs.instance --no-collector.ecs.instance --collector.ecs.instance.reserved-memory --collector.ecs.instance.stop-timeout --collector.ecs.scrape_targets --no-collector.ecs.scrape_targets --collector.ecs.task --no-collector.ecs.task --collector.ecs.lasting --no-collector.ecs.lasting --collector.ecs.totals --no-collector.ecs.totals --collect --web.address --json --no-json once healthcheck doctor reference"
            if [[ ${cur} == -* || ${COMP_CWORD} -eq 1 ]] ; then
                COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
                return 0
            fi
            case "${prev}" in
                --web.listen-address)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --web.config.file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --web.telemetry-path)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --web.max-requests)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --web.scrape-timeout-margin)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --path.procfs)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --path.sysfs)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --path.rootfs)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --path.udev.data)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --docker.socket)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --ecs.agent-address)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ecs.service-name)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --ecs.metadata-address)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --sd.file)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --sd.rule)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --sd.labels)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --sd.host-address)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.container.labels)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --storage.path)
                    COMPREPLY=($(compgen -f "${cur}"))
                    return 0
                    ;;
                --log.level)
                    COMPREPLY=($(compgen -W "debug info warn error" -- "${cur}"))
                    return 0
                    ;;
                --log.format)
                    COMPREPLY=($(compgen -W "logfmt json" -- "${cur}"))
                    return 0
                    ;;
                --collector.arp.device-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.arp.device-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.cpu.info.flags-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.cpu.info.bugs-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.diskstats.device-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.diskstats.device-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ethtool.device-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ethtool.device-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ethtool.metrics-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.filesystem.mount-points-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.filesystem.mount-points-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.filesystem.fs-types-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.filesystem.fs-types-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.hwmon.chip-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.hwmon.chip-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.hwmon.sensor-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.hwmon.sensor-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.infiniband.device-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.infiniband.device-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.interrupts.name-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.interrupts.name-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ipvs.backend-labels)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.netclass.ignored-devices)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.netdev.device-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.netdev.device-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.netstat.fields)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ntp.server)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ntp.server-port)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ntp.protocol-version)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ntp.ip-ttl)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ntp.max-distance)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ntp.local-offset-tolerance)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.pcidevice.idsfile)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --collector.perf.cpus)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.perf.tracepoint)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.perf.hardware-profilers)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.perf.software-profilers)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.perf.cache-profilers)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.powersupply.ignored-supplies)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.qdisc.device-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.qdisc.device-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.slabinfo.slabs-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.slabinfo.slabs-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.sysctl.include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.sysctl.include-info)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.systemd.unit-include)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.systemd.unit-exclude)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.tapestats.ignored-devices)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.textfile.directory)
                    COMPREPLY=()
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o plusdirs
                    fi
                    return 0
                    ;;
                --collector.vmstat.fields)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.container.filesystem.interval)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.container.perf.config)
                    local oldifs
                    if [ -n "${IFS+x}" ]; then
                        oldifs="$IFS"
                    fi
                    IFS=$'\n'
                    COMPREPLY=($(compgen -f "${cur}"))
                    if [ -n "${oldifs+x}" ]; then
                        IFS="$oldifs"
                    fi
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o filenames
                    fi
                    return 0
                    ;;
                --collector.container.referenced_memory.reset-interval)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ecs.adot-names)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ecs.adot-labels)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ecs.instance.reserved-memory)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collector.ecs.instance.stop-timeout)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --collect)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                --web.address)
                    COMPREPLY=("${cur}")
                    if [[ "${BASH_VERSINFO[0]}" -ge 4 ]]; then
                        compopt -o nospace
                    fi
                    return 0
                    ;;
                *)
                    COMPREPLY=()
                    ;;
            esac
            COMPREPLY=( $(compgen -W "${opts}" -- "${cur}") )
            return 0
            ;;
    esac
}

if [[ "${BASH_VERSINFO[0]}" -eq 4 && "${BASH_VERSINFO[1]}" -ge 4 || "${BASH_VERSINFO[0]}" -gt 4 ]]; then
    complete -F _ecs__host__exporter -o nosort -o bashdefault -o default ecs-host-exporter
else
    complete -F _ecs__host__exporter -o bashdefault -o default ecs-host-exporter
fi
