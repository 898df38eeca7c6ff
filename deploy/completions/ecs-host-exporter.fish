complete -c ecs-host-exporter -l web.listen-address -d 'Address to listen on, as host:port, or :port for all addresses; port 0 is any free one; vsock://:port for the host of a virtual machine.' -r -f
complete -c ecs-host-exporter -l web.config.file -d 'File that says who may ask, and how: TLS, passwords, headers, in exporter-toolkit\'s format.' -r -F
complete -c ecs-host-exporter -l web.telemetry-path -d 'Path of the metrics.' -r -F
complete -c ecs-host-exporter -l web.max-requests -d 'Most scrapes that are answered at the same time; 0 for any number.' -r -f
complete -c ecs-host-exporter -l web.scrape-timeout-margin -d 'How long before the scraper gives up the answer goes out, with what is there by then.' -r -f
complete -c ecs-host-exporter -l path.procfs -d 'Where the host\'s /proc is mounted.' -r -F
complete -c ecs-host-exporter -l path.sysfs -d 'Where the host\'s /sys is mounted.' -r -F
complete -c ecs-host-exporter -l path.rootfs -d 'Where the host\'s / is mounted.' -r -F
complete -c ecs-host-exporter -l path.udev.data -d 'Where the host\'s /run/udev/data is mounted; below --path.rootfs if not given.' -r -F
complete -c ecs-host-exporter -l docker.socket -d 'Docker\'s socket, or nothing for no Docker; /var/run/docker.sock, or run/docker.sock below --path.rootfs, if not given.' -r -F
complete -c ecs-host-exporter -l ecs.agent-address -d 'Address of the ECS agent\'s introspection, or nothing for no ECS.' -r -f
complete -c ecs-host-exporter -l collector.ecs.service-name -d 'Where the names of ECS services come from: metadata for each task\'s own metadata endpoint, which is asked once for each, by the id in the environment of its containers; label:NAME for a label of Docker; off for nowhere.' -r -f
complete -c ecs-host-exporter -l ecs.metadata-address -d 'Address of the ECS agent\'s task metadata endpoint, on this host.' -r -f
complete -c ecs-host-exporter -l sd.file -d 'Write the same to this file whenever it changes, for Prometheus\' file_sd_configs.' -r -F
complete -c ecs-host-exporter -l sd.rule -d 'Containers to be scraped that do not ask by themselves: family=~REGEX, service= and container= alike, port=PORT, path=/PATH, scheme=https, job=NAME, with commas in between.' -r -f
complete -c ecs-host-exporter -l sd.labels -d 'Plain labels for targets, as another tool gives them: 3h4x, teralytics, cloudmap or adot.' -r -f
complete -c ecs-host-exporter -l sd.host-address -d 'Address at which the scraper reaches this host\'s published ports; the one of the interface with the default route if not given.' -r -f
complete -c ecs-host-exporter -l collector.container.labels -d 'Further Docker labels that containers carry as container_label_…: names with commas in between, or * for all.' -r -f
complete -c ecs-host-exporter -l storage.path -d 'Directory in which counters outlive the exporter\'s restarts; without it they begin at zero.' -r -F
complete -c ecs-host-exporter -l log.level -d 'Log this and what is worse: debug, info, warn or error.' -r -f -a "debug\t''
info\t''
warn\t''
error\t''"
complete -c ecs-host-exporter -l log.format -d 'How a line of the log looks: logfmt or json.' -r -f -a "logfmt\t''
json\t''"
complete -c ecs-host-exporter -l collector.arp.device-exclude -d 'Regular expression of network interfaces to leave out [default: ^veth]' -r -f
complete -c ecs-host-exporter -l collector.arp.device-include -d 'Regular expression of network interfaces to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.cpu.info.flags-include -d 'Say which features CPUs have, of those whose names this matches; implies --collector.cpu.info.' -r -f
complete -c ecs-host-exporter -l collector.cpu.info.bugs-include -d 'Say which bugs CPUs have, of those whose names this matches; implies --collector.cpu.info.' -r -f
complete -c ecs-host-exporter -l collector.diskstats.device-exclude -d 'Regular expression of block devices to leave out [default: ^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\\d+n\\d+p)\\d+$]' -r -f
complete -c ecs-host-exporter -l collector.diskstats.device-include -d 'Regular expression of block devices to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.ethtool.device-exclude -d 'Regular expression of network interfaces to leave out [default: ^veth]' -r -f
complete -c ecs-host-exporter -l collector.ethtool.device-include -d 'Regular expression of network interfaces to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.ethtool.metrics-include -d 'Regular expression of counters to take, by the driver\'s names.' -r -f
complete -c ecs-host-exporter -l collector.filesystem.mount-points-exclude -d 'Regular expression of mount points to leave out [default: ^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)]' -r -f
complete -c ecs-host-exporter -l collector.filesystem.mount-points-include -d 'Regular expression of mount points to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.filesystem.fs-types-exclude -d 'Regular expression of file system types to leave out [default: those without a size of their own]' -r -f
complete -c ecs-host-exporter -l collector.filesystem.fs-types-include -d 'Regular expression of file system types to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.hwmon.chip-include -d 'Regular expression of chips to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.hwmon.chip-exclude -d 'Regular expression of chips to leave out.' -r -f
complete -c ecs-host-exporter -l collector.hwmon.sensor-include -d 'Regular expression of sensors to take, and no others: matched with "chip;sensor".' -r -f
complete -c ecs-host-exporter -l collector.hwmon.sensor-exclude -d 'Regular expression of sensors to leave out: matched with "chip;sensor".' -r -f
complete -c ecs-host-exporter -l collector.infiniband.device-include -d 'Regular expression of adapters to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.infiniband.device-exclude -d 'Regular expression of adapters to leave out.' -r -f
complete -c ecs-host-exporter -l collector.interrupts.name-include -d 'Regular expression of interrupts to take, and no others: matched with "type;info;devices".' -r -f
complete -c ecs-host-exporter -l collector.interrupts.name-exclude -d 'Regular expression of interrupts to leave out: matched with "type;info;devices".' -r -f
complete -c ecs-host-exporter -l collector.ipvs.backend-labels -d 'Labels that tell backends apart, with commas; backends that are then the same are added up.' -r -f
complete -c ecs-host-exporter -l collector.netclass.ignored-devices -d 'Regular expression of network interfaces to leave out [default: ^veth]' -r -f
complete -c ecs-host-exporter -l collector.netdev.device-exclude -d 'Regular expression of network interfaces to leave out [default: ^veth]' -r -f
complete -c ecs-host-exporter -l collector.netdev.device-include -d 'Regular expression of network interfaces to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.netstat.fields -d 'Regular expression of counts to take, as `TcpExt_ListenDrops`.' -r -f
complete -c ecs-host-exporter -l collector.ntp.server -d 'NTP server to ask, by its address.' -r -f
complete -c ecs-host-exporter -l collector.ntp.server-port -d 'Its port.' -r -f
complete -c ecs-host-exporter -l collector.ntp.protocol-version -d 'Version of the protocol: 2, 3 or 4.' -r -f
complete -c ecs-host-exporter -l collector.ntp.ip-ttl -d 'How many routers may be on the way to the server, and itself.' -r -f
complete -c ecs-host-exporter -l collector.ntp.max-distance -d 'Farthest from the clock that knows the time a server may be that is trusted.' -r -f
complete -c ecs-host-exporter -l collector.ntp.local-offset-tolerance -d 'How much the server may disagree with this host about what comes first, and still be trusted.' -r -f
complete -c ecs-host-exporter -l collector.pcidevice.idsfile -d 'File of such names [default: pci.ids where distributions have it]' -r -F
complete -c ecs-host-exporter -l collector.perf.cpus -d 'CPUs to count on, such as 0-3,8 or 0-30:2; all if not given.' -r -f
complete -c ecs-host-exporter -l collector.perf.tracepoint -d 'Tracepoint to count, as subsystem:event.' -r -f
complete -c ecs-host-exporter -l collector.perf.hardware-profilers -d 'Count this of the CPU, and nothing that is not named so: CpuCycles, CpuInstr, CacheRef, CacheMisses, BranchInstr, BranchMisses, StalledCyclesBackend, StalledCyclesFrontend, RefCpuCycles.' -r -f
complete -c ecs-host-exporter -l collector.perf.software-profilers -d 'Count this of the kernel, and nothing that is not named so: PageFault, ContextSwitch, CpuMigration, MinorFault, MajorFault.' -r -f
complete -c ecs-host-exporter -l collector.perf.cache-profilers -d 'Count this of caches, and nothing that is not named so: L1DataReadHit, L1DataReadMiss, L1DataWriteHit, L1InstrReadMiss, LLReadHit, LLReadMiss, LLWriteHit, LLWriteMiss, InstrTLBReadHit, InstrTLBReadMiss, DataTLBReadHit, DataTLBReadMiss, DataTLBWriteHit, DataTLBWriteMiss, BPUReadHit, BPUReadMiss.' -r -f
complete -c ecs-host-exporter -l collector.powersupply.ignored-supplies -d 'Regular expression of power supplies to leave out.' -r -f
complete -c ecs-host-exporter -l collector.qdisc.device-exclude -d 'Regular expression of network interfaces to leave out.' -r -f
complete -c ecs-host-exporter -l collector.qdisc.device-include -d 'Regular expression of network interfaces to take, and no others.' -r -f
complete -c ecs-host-exporter -l collector.slabinfo.slabs-include -d 'Regular expression of slabs to take, and no others [default: .*]' -r -f
complete -c ecs-host-exporter -l collector.slabinfo.slabs-exclude -d 'Regular expression of slabs to leave out.' -r -f
complete -c ecs-host-exporter -l collector.sysctl.include -d 'Parameter of the kernel that is a number, or several, which may be named: NAME:KEY,KEY; may be given more than once.' -r -f
complete -c ecs-host-exporter -l collector.sysctl.include-info -d 'Parameter of the kernel that is a word, or several; may be given more than once.' -r -f
complete -c ecs-host-exporter -l collector.systemd.unit-include -d 'Regular expression of whole names of units to take.' -r -f
complete -c ecs-host-exporter -l collector.systemd.unit-exclude -d 'Regular expression of whole names of units to leave out.' -r -f
complete -c ecs-host-exporter -l collector.tapestats.ignored-devices -d 'Regular expression of tape drives to leave out.' -r -f
complete -c ecs-host-exporter -l collector.textfile.directory -d 'Directory, or shell pattern of directories, of *.prom files whose metrics are added to the exporter\'s own; may be given more than once.' -r -f -a "(__fish_complete_directories)"
complete -c ecs-host-exporter -l collector.vmstat.fields -d 'Say the fields of /proc/vmstat whose names this matches.' -r -f
complete -c ecs-host-exporter -l collector.container.filesystem.interval -d 'How often at most it is counted what a directory holds; one that holds a lot is counted more seldom.' -r -f
complete -c ecs-host-exporter -l collector.container.perf.config -d 'File of the events to count, as cAdvisor takes it; a few of the CPU and of the kernel if not given.' -r -F
complete -c ecs-host-exporter -l collector.container.referenced_memory.reset-interval -d 'Have the kernel forget this often what was touched, by writing to clear_refs of each process, which slows them down [default: never]' -r -f
complete -c ecs-host-exporter -l collector.ecs.adot-names -d 'How the names are spelt: plain as until ADOT 0.34, with units and megabytes as until 0.46, or with units and mib as since 0.48.' -r -f
complete -c ecs-host-exporter -l collector.ecs.adot-labels -d 'Which labels the rows have: core for cluster, service, family, revision, task and container name, or all that ADOT has but for points in time.' -r -f
complete -c ecs-host-exporter -l collector.ecs.instance.reserved-memory -d 'MiB of memory that the agent keeps from tasks, its ECS_RESERVED_MEMORY.' -r -f
complete -c ecs-host-exporter -l collector.ecs.instance.stop-timeout -d 'Seconds after which a task that is to stop is overdue: the longest stopTimeout of its containers.' -r -f
complete -c ecs-host-exporter -l collect -d 'With once: run this collector, or this group of them (node, container, ecs), and no others.' -r -f
complete -c ecs-host-exporter -l web.address -d 'With healthcheck: address of the exporter, in place of the first --web.listen-address.' -r -f
complete -c ecs-host-exporter -s h -l help -d 'Print this, and end.'
complete -c ecs-host-exporter -l version -d 'Print which build this is, and end.'
complete -c ecs-host-exporter -l web.systemd-socket -d 'Use the sockets that systemd passes, in place of --web.listen-address.'
complete -c ecs-host-exporter -l no-web.systemd-socket -d 'The opposite of --web.systemd-socket.'
complete -c ecs-host-exporter -l web.disable-exporter-metrics -d 'Leave out the metrics about the exporter itself.'
complete -c ecs-host-exporter -l no-web.disable-exporter-metrics -d 'The opposite of --web.disable-exporter-metrics.'
complete -c ecs-host-exporter -l sd.http -d 'Say under /sd/targets which containers ask to be scraped, for Prometheus\' http_sd_configs.'
complete -c ecs-host-exporter -l no-sd.http -d 'The opposite of --sd.http.'
complete -c ecs-host-exporter -l container.systemd-units -d 'Give the services of systemd rows in the container metrics, too.'
complete -c ecs-host-exporter -l no-container.systemd-units -d 'The opposite of --container.systemd-units.'
complete -c ecs-host-exporter -l collector.disable-defaults -d 'Switch every collector off but those that are asked for by name.'
complete -c ecs-host-exporter -l no-collector.disable-defaults -d 'The opposite of --collector.disable-defaults.'
complete -c ecs-host-exporter -l collector.arp -d 'Addresses found by ARP, by interface.'
complete -c ecs-host-exporter -l no-collector.arp -d 'The opposite of --collector.arp.'
complete -c ecs-host-exporter -l collector.arp.veth -d 'Take the host\'s ends of containers\' interfaces too, which node_exporter does by default.'
complete -c ecs-host-exporter -l no-collector.arp.veth -d 'The opposite of --collector.arp.veth.'
complete -c ecs-host-exporter -l no-collector.arp.netlink -d 'Read /proc/net/arp instead of asking over netlink.'
complete -c ecs-host-exporter -l collector.bcache -d 'Caches of block devices, on faster ones.'
complete -c ecs-host-exporter -l no-collector.bcache -d 'The opposite of --collector.bcache.'
complete -c ecs-host-exporter -l collector.bcache.priorityStats -d 'Say how full caches are, too, which the kernel takes long to find out.'
complete -c ecs-host-exporter -l no-collector.bcache.priorityStats -d 'The opposite of --collector.bcache.priorityStats.'
complete -c ecs-host-exporter -l collector.bcachefs -d 'Counters, caches and devices of bcachefs.'
complete -c ecs-host-exporter -l no-collector.bcachefs -d 'The opposite of --collector.bcachefs.'
complete -c ecs-host-exporter -l collector.bonding -d 'Network interfaces made of several.'
complete -c ecs-host-exporter -l no-collector.bonding -d 'The opposite of --collector.bonding.'
complete -c ecs-host-exporter -l collector.btrfs -d 'Allocation and commits of Btrfs file systems.'
complete -c ecs-host-exporter -l no-collector.btrfs -d 'The opposite of --collector.btrfs.'
complete -c ecs-host-exporter -l collector.buddyinfo -d 'Free blocks of memory, by size.'
complete -c ecs-host-exporter -l no-collector.buddyinfo -d 'The opposite of --collector.buddyinfo.'
complete -c ecs-host-exporter -l collector.cgroups -d 'Controllers of control groups.'
complete -c ecs-host-exporter -l no-collector.cgroups -d 'The opposite of --collector.cgroups.'
complete -c ecs-host-exporter -l collector.conntrack -d 'Connections tracked by the kernel\'s firewall.'
complete -c ecs-host-exporter -l no-collector.conntrack -d 'The opposite of --collector.conntrack.'
complete -c ecs-host-exporter -l collector.cpu -d 'CPU time by mode, throttling, and which CPUs there are.'
complete -c ecs-host-exporter -l no-collector.cpu -d 'The opposite of --collector.cpu.'
complete -c ecs-host-exporter -l no-collector.cpu.guest -d 'Leave out node_cpu_guest_seconds_total.'
complete -c ecs-host-exporter -l collector.cpu.info -d 'Say vendor, model and the like of each CPU.'
complete -c ecs-host-exporter -l no-collector.cpu.info -d 'The opposite of --collector.cpu.info.'
complete -c ecs-host-exporter -l collector.cpu_vulnerabilities -d 'What the CPUs are vulnerable to, and what is done about it.'
complete -c ecs-host-exporter -l no-collector.cpu_vulnerabilities -d 'The opposite of --collector.cpu_vulnerabilities.'
complete -c ecs-host-exporter -l collector.cpufreq -d 'Frequencies of CPUs, and who decides on them.'
complete -c ecs-host-exporter -l no-collector.cpufreq -d 'The opposite of --collector.cpufreq.'
complete -c ecs-host-exporter -l collector.diskstats -d 'Reads, writes and discards of block devices.'
complete -c ecs-host-exporter -l no-collector.diskstats -d 'The opposite of --collector.diskstats.'
complete -c ecs-host-exporter -l collector.dmi -d 'What the firmware says of the machine.'
complete -c ecs-host-exporter -l no-collector.dmi -d 'The opposite of --collector.dmi.'
complete -c ecs-host-exporter -l collector.dmmultipath -d 'Block devices that are reached on several ways.'
complete -c ecs-host-exporter -l no-collector.dmmultipath -d 'The opposite of --collector.dmmultipath.'
complete -c ecs-host-exporter -l collector.drbd -d 'Block devices that are kept the same on two hosts.'
complete -c ecs-host-exporter -l no-collector.drbd -d 'The opposite of --collector.drbd.'
complete -c ecs-host-exporter -l collector.drm -d 'How busy graphics cards of AMD are.'
complete -c ecs-host-exporter -l no-collector.drm -d 'The opposite of --collector.drm.'
complete -c ecs-host-exporter -l collector.edac -d 'Errors of memory.'
complete -c ecs-host-exporter -l no-collector.edac -d 'The opposite of --collector.edac.'
complete -c ecs-host-exporter -l collector.entropy -d 'Entropy in the kernel\'s pool.'
complete -c ecs-host-exporter -l no-collector.entropy -d 'The opposite of --collector.entropy.'
complete -c ecs-host-exporter -l collector.ethtool -d 'What drivers of network interfaces count, and what ports can do.'
complete -c ecs-host-exporter -l no-collector.ethtool -d 'The opposite of --collector.ethtool.'
complete -c ecs-host-exporter -l collector.ethtool.veth -d 'Take the host\'s ends of containers\' interfaces too, which node_exporter does by default.'
complete -c ecs-host-exporter -l no-collector.ethtool.veth -d 'The opposite of --collector.ethtool.veth.'
complete -c ecs-host-exporter -l collector.fibrechannel -d 'Ports of Fibre Channel, and what went through them.'
complete -c ecs-host-exporter -l no-collector.fibrechannel -d 'The opposite of --collector.fibrechannel.'
complete -c ecs-host-exporter -l collector.filefd -d 'Open files of the whole host.'
complete -c ecs-host-exporter -l no-collector.filefd -d 'The opposite of --collector.filefd.'
complete -c ecs-host-exporter -l collector.filesystem -d 'Size and use of mounted file systems.'
complete -c ecs-host-exporter -l no-collector.filesystem -d 'The opposite of --collector.filesystem.'
complete -c ecs-host-exporter -l collector.hwmon -d 'Sensors of temperatures, fans, voltages and more.'
complete -c ecs-host-exporter -l no-collector.hwmon -d 'The opposite of --collector.hwmon.'
complete -c ecs-host-exporter -l collector.infiniband -d 'InfiniBand adapters, and what went through them.'
complete -c ecs-host-exporter -l no-collector.infiniband -d 'The opposite of --collector.infiniband.'
complete -c ecs-host-exporter -l collector.interrupts -d 'Each interrupt, by CPU.'
complete -c ecs-host-exporter -l no-collector.interrupts -d 'The opposite of --collector.interrupts.'
complete -c ecs-host-exporter -l no-collector.interrupts.include-zeros -d 'Leave out CPUs that an interrupt never came to.'
complete -c ecs-host-exporter -l collector.ipvs -d 'The kernel\'s load balancer and its backends.'
complete -c ecs-host-exporter -l no-collector.ipvs -d 'The opposite of --collector.ipvs.'
complete -c ecs-host-exporter -l collector.kernel_hung -d 'Tasks that hung.'
complete -c ecs-host-exporter -l no-collector.kernel_hung -d 'The opposite of --collector.kernel_hung.'
complete -c ecs-host-exporter -l collector.ksmd -d 'Pages that are the same, kept once.'
complete -c ecs-host-exporter -l no-collector.ksmd -d 'The opposite of --collector.ksmd.'
complete -c ecs-host-exporter -l collector.lnstat -d 'Caches and tables of the network, CPU by CPU.'
complete -c ecs-host-exporter -l no-collector.lnstat -d 'The opposite of --collector.lnstat.'
complete -c ecs-host-exporter -l collector.loadavg -d 'Load averages of 1, 5 and 15 minutes.'
complete -c ecs-host-exporter -l no-collector.loadavg -d 'The opposite of --collector.loadavg.'
complete -c ecs-host-exporter -l collector.logind -d 'Sessions of users, as logind knows them.'
complete -c ecs-host-exporter -l no-collector.logind -d 'The opposite of --collector.logind.'
complete -c ecs-host-exporter -l collector.mdadm -d 'Software RAID.'
complete -c ecs-host-exporter -l no-collector.mdadm -d 'The opposite of --collector.mdadm.'
complete -c ecs-host-exporter -l collector.meminfo -d 'What memory is used for.'
complete -c ecs-host-exporter -l no-collector.meminfo -d 'The opposite of --collector.meminfo.'
complete -c ecs-host-exporter -l collector.meminfo.all -d 'Say every field of /proc/meminfo, as node_exporter did before 1.9.'
complete -c ecs-host-exporter -l no-collector.meminfo.all -d 'The opposite of --collector.meminfo.all.'
complete -c ecs-host-exporter -l collector.meminfo_numa -d 'Memory of each NUMA node.'
complete -c ecs-host-exporter -l no-collector.meminfo_numa -d 'The opposite of --collector.meminfo_numa.'
complete -c ecs-host-exporter -l collector.mountstats -d 'NFS, mount by mount: bytes, events, operations and connections.'
complete -c ecs-host-exporter -l no-collector.mountstats -d 'The opposite of --collector.mountstats.'
complete -c ecs-host-exporter -l collector.netclass -d 'What network interfaces are, and whether they are up.'
complete -c ecs-host-exporter -l no-collector.netclass -d 'The opposite of --collector.netclass.'
complete -c ecs-host-exporter -l collector.netclass.veth -d 'Take the host\'s ends of containers\' interfaces too, which node_exporter does by default.'
complete -c ecs-host-exporter -l no-collector.netclass.veth -d 'The opposite of --collector.netclass.veth.'
complete -c ecs-host-exporter -l collector.netclass.ignore-invalid-speed -d 'Leave out speeds that the driver does not know.'
complete -c ecs-host-exporter -l no-collector.netclass.ignore-invalid-speed -d 'The opposite of --collector.netclass.ignore-invalid-speed.'
complete -c ecs-host-exporter -l collector.netdev -d 'What network interfaces received and sent.'
complete -c ecs-host-exporter -l no-collector.netdev -d 'The opposite of --collector.netdev.'
complete -c ecs-host-exporter -l collector.netdev.veth -d 'Take the host\'s ends of containers\' interfaces too, which node_exporter does by default.'
complete -c ecs-host-exporter -l no-collector.netdev.veth -d 'The opposite of --collector.netdev.veth.'
complete -c ecs-host-exporter -l collector.netdev.enable-detailed-metrics -d 'Say everything in detail, by the names of the kernel\'s struct, nothing added together.'
complete -c ecs-host-exporter -l no-collector.netdev.enable-detailed-metrics -d 'The opposite of --collector.netdev.enable-detailed-metrics.'
complete -c ecs-host-exporter -l collector.netdev.address-info -d 'Tell what addresses interfaces have, too.'
complete -c ecs-host-exporter -l no-collector.netdev.address-info -d 'The opposite of --collector.netdev.address-info.'
complete -c ecs-host-exporter -l collector.netdev.label-ifalias -d 'Tell what interfaces are called by their administrators, as the label ifalias.'
complete -c ecs-host-exporter -l no-collector.netdev.label-ifalias -d 'The opposite of --collector.netdev.label-ifalias.'
complete -c ecs-host-exporter -l no-collector.netdev.netlink -d 'Read /proc/net/dev in place of asking the kernel over netlink.'
complete -c ecs-host-exporter -l collector.netstat -d 'What the protocols of the network count.'
complete -c ecs-host-exporter -l no-collector.netstat -d 'The opposite of --collector.netstat.'
complete -c ecs-host-exporter -l collector.network_route -d 'The routing tables.'
complete -c ecs-host-exporter -l no-collector.network_route -d 'The opposite of --collector.network_route.'
complete -c ecs-host-exporter -l collector.nfs -d 'The NFS client: packets, calls and procedures.'
complete -c ecs-host-exporter -l no-collector.nfs -d 'The opposite of --collector.nfs.'
complete -c ecs-host-exporter -l collector.nfsd -d 'The NFS server: caches, calls and procedures.'
complete -c ecs-host-exporter -l no-collector.nfsd -d 'The opposite of --collector.nfsd.'
complete -c ecs-host-exporter -l collector.ntp -d 'Whether the host\'s NTP server may be trusted.'
complete -c ecs-host-exporter -l no-collector.ntp -d 'The opposite of --collector.ntp.'
complete -c ecs-host-exporter -l collector.ntp.server-is-local -d 'The server is not another\'s, although its address is not this host\'s.'
complete -c ecs-host-exporter -l no-collector.ntp.server-is-local -d 'The opposite of --collector.ntp.server-is-local.'
complete -c ecs-host-exporter -l collector.nvme -d 'NVMe controllers and namespaces.'
complete -c ecs-host-exporter -l no-collector.nvme -d 'The opposite of --collector.nvme.'
complete -c ecs-host-exporter -l collector.nvmesubsystem -d 'NVMe storage that several controllers reach.'
complete -c ecs-host-exporter -l no-collector.nvmesubsystem -d 'The opposite of --collector.nvmesubsystem.'
complete -c ecs-host-exporter -l collector.os -d 'Name, version and end of support of the operating system.'
complete -c ecs-host-exporter -l no-collector.os -d 'The opposite of --collector.os.'
complete -c ecs-host-exporter -l collector.pcidevice -d 'PCI devices and their links.'
complete -c ecs-host-exporter -l no-collector.pcidevice -d 'The opposite of --collector.pcidevice.'
complete -c ecs-host-exporter -l collector.pcidevice.names -d 'Say what vendors, devices and classes are called, too.'
complete -c ecs-host-exporter -l no-collector.pcidevice.names -d 'The opposite of --collector.pcidevice.names.'
complete -c ecs-host-exporter -l collector.perf -d 'What CPUs and the kernel count for profilers.'
complete -c ecs-host-exporter -l no-collector.perf -d 'The opposite of --collector.perf.'
complete -c ecs-host-exporter -l collector.perf.disable-hardware-profilers -d 'Count nothing of the CPU itself.'
complete -c ecs-host-exporter -l no-collector.perf.disable-hardware-profilers -d 'The opposite of --collector.perf.disable-hardware-profilers.'
complete -c ecs-host-exporter -l collector.perf.disable-software-profilers -d 'Count nothing of the kernel.'
complete -c ecs-host-exporter -l no-collector.perf.disable-software-profilers -d 'The opposite of --collector.perf.disable-software-profilers.'
complete -c ecs-host-exporter -l collector.perf.disable-cache-profilers -d 'Count nothing of caches.'
complete -c ecs-host-exporter -l no-collector.perf.disable-cache-profilers -d 'The opposite of --collector.perf.disable-cache-profilers.'
complete -c ecs-host-exporter -l collector.powersupplyclass -d 'Batteries and chargers.'
complete -c ecs-host-exporter -l no-collector.powersupplyclass -d 'The opposite of --collector.powersupplyclass.'
complete -c ecs-host-exporter -l collector.pressure -d 'Pressure stall information.'
complete -c ecs-host-exporter -l no-collector.pressure -d 'The opposite of --collector.pressure.'
complete -c ecs-host-exporter -l collector.processes -d 'Processes and threads, by state.'
complete -c ecs-host-exporter -l no-collector.processes -d 'The opposite of --collector.processes.'
complete -c ecs-host-exporter -l collector.qdisc -d 'Queues of packets that wait to be sent.'
complete -c ecs-host-exporter -l no-collector.qdisc -d 'The opposite of --collector.qdisc.'
complete -c ecs-host-exporter -l collector.rapl -d 'Energy that CPUs and memory took.'
complete -c ecs-host-exporter -l no-collector.rapl -d 'The opposite of --collector.rapl.'
complete -c ecs-host-exporter -l collector.rapl.enable-zone-label -d 'Name the zone of power in a label, not in the name of the metric.'
complete -c ecs-host-exporter -l no-collector.rapl.enable-zone-label -d 'The opposite of --collector.rapl.enable-zone-label.'
complete -c ecs-host-exporter -l collector.schedstat -d 'How long tasks ran on each CPU, and waited for it.'
complete -c ecs-host-exporter -l no-collector.schedstat -d 'The opposite of --collector.schedstat.'
complete -c ecs-host-exporter -l collector.selinux -d 'Whether SELinux is on, and enforces.'
complete -c ecs-host-exporter -l no-collector.selinux -d 'The opposite of --collector.selinux.'
complete -c ecs-host-exporter -l collector.slabinfo -d 'Caches of the kernel\'s own objects.'
complete -c ecs-host-exporter -l no-collector.slabinfo -d 'The opposite of --collector.slabinfo.'
complete -c ecs-host-exporter -l collector.sockstat -d 'Sockets in use, by protocol.'
complete -c ecs-host-exporter -l no-collector.sockstat -d 'The opposite of --collector.sockstat.'
complete -c ecs-host-exporter -l collector.softirqs -d 'Work put off by interrupts, by CPU.'
complete -c ecs-host-exporter -l no-collector.softirqs -d 'The opposite of --collector.softirqs.'
complete -c ecs-host-exporter -l collector.softnet -d 'Packets between network card and network stack, by CPU.'
complete -c ecs-host-exporter -l no-collector.softnet -d 'The opposite of --collector.softnet.'
complete -c ecs-host-exporter -l collector.stat -d 'Interrupts, context switches, forks, and when the host booted.'
complete -c ecs-host-exporter -l no-collector.stat -d 'The opposite of --collector.stat.'
complete -c ecs-host-exporter -l collector.stat.softirq -d 'Say how many softirqs of each kind were served.'
complete -c ecs-host-exporter -l no-collector.stat.softirq -d 'The opposite of --collector.stat.softirq.'
complete -c ecs-host-exporter -l collector.swap -d 'Where memory is swapped to.'
complete -c ecs-host-exporter -l no-collector.swap -d 'The opposite of --collector.swap.'
complete -c ecs-host-exporter -l collector.sysctl -d 'Parameters of the kernel that the command line asks for.'
complete -c ecs-host-exporter -l no-collector.sysctl -d 'The opposite of --collector.sysctl.'
complete -c ecs-host-exporter -l collector.systemd -d 'States of systemd\'s units.'
complete -c ecs-host-exporter -l no-collector.systemd -d 'The opposite of --collector.systemd.'
complete -c ecs-host-exporter -l collector.systemd.enable-task-metrics -d 'Tell how many threads services have.'
complete -c ecs-host-exporter -l no-collector.systemd.enable-task-metrics -d 'The opposite of --collector.systemd.enable-task-metrics.'
complete -c ecs-host-exporter -l collector.systemd.enable-restarts-metrics -d 'Tell how often services were restarted.'
complete -c ecs-host-exporter -l no-collector.systemd.enable-restarts-metrics -d 'The opposite of --collector.systemd.enable-restarts-metrics.'
complete -c ecs-host-exporter -l collector.systemd.enable-start-time-metrics -d 'Tell when units became active.'
complete -c ecs-host-exporter -l no-collector.systemd.enable-start-time-metrics -d 'The opposite of --collector.systemd.enable-start-time-metrics.'
complete -c ecs-host-exporter -l collector.tapestats -d 'What tape drives did.'
complete -c ecs-host-exporter -l no-collector.tapestats -d 'The opposite of --collector.tapestats.'
complete -c ecs-host-exporter -l collector.tcpstat -d 'Sockets of TCP by their states.'
complete -c ecs-host-exporter -l no-collector.tcpstat -d 'The opposite of --collector.tcpstat.'
complete -c ecs-host-exporter -l collector.textfile -d 'Metrics that others left in text files.'
complete -c ecs-host-exporter -l no-collector.textfile -d 'The opposite of --collector.textfile.'
complete -c ecs-host-exporter -l collector.thermal_zone -d 'Temperatures of thermal zones, and the devices that cool them.'
complete -c ecs-host-exporter -l no-collector.thermal_zone -d 'The opposite of --collector.thermal_zone.'
complete -c ecs-host-exporter -l collector.time -d 'The host\'s time, its time zone, and the clock it keeps it by.'
complete -c ecs-host-exporter -l no-collector.time -d 'The opposite of --collector.time.'
complete -c ecs-host-exporter -l collector.timex -d 'How well the kernel\'s clock is kept.'
complete -c ecs-host-exporter -l no-collector.timex -d 'The opposite of --collector.timex.'
complete -c ecs-host-exporter -l collector.udp_queues -d 'Bytes that wait in the queues of UDP sockets.'
complete -c ecs-host-exporter -l no-collector.udp_queues -d 'The opposite of --collector.udp_queues.'
complete -c ecs-host-exporter -l collector.uname -d 'Name and version of the kernel, and the host\'s name.'
complete -c ecs-host-exporter -l no-collector.uname -d 'The opposite of --collector.uname.'
complete -c ecs-host-exporter -l collector.vmstat -d 'Paging, page faults and out-of-memory kills.'
complete -c ecs-host-exporter -l no-collector.vmstat -d 'The opposite of --collector.vmstat.'
complete -c ecs-host-exporter -l collector.watchdog -d 'Watchdogs, which restart a host that hangs.'
complete -c ecs-host-exporter -l no-collector.watchdog -d 'The opposite of --collector.watchdog.'
complete -c ecs-host-exporter -l collector.wifi -d 'Wireless networks and their stations.'
complete -c ecs-host-exporter -l no-collector.wifi -d 'The opposite of --collector.wifi.'
complete -c ecs-host-exporter -l collector.xfrm -d 'Packets that IPsec could not handle.'
complete -c ecs-host-exporter -l no-collector.xfrm -d 'The opposite of --collector.xfrm.'
complete -c ecs-host-exporter -l collector.xfs -d 'What XFS file systems did.'
complete -c ecs-host-exporter -l no-collector.xfs -d 'The opposite of --collector.xfs.'
complete -c ecs-host-exporter -l collector.zfs -d 'Caches, pools and datasets of ZFS.'
complete -c ecs-host-exporter -l no-collector.zfs -d 'The opposite of --collector.zfs.'
complete -c ecs-host-exporter -l collector.zoneinfo -d 'Memory by zones.'
complete -c ecs-host-exporter -l no-collector.zoneinfo -d 'The opposite of --collector.zoneinfo.'
complete -c ecs-host-exporter -l collector.container.advtcp -d 'What TCP counts in each container, every network namespace once.'
complete -c ecs-host-exporter -l no-collector.container.advtcp -d 'The opposite of --collector.container.advtcp.'
complete -c ecs-host-exporter -l collector.container.cpu -d 'CPU time of each container, and how its quota held it back.'
complete -c ecs-host-exporter -l no-collector.container.cpu -d 'The opposite of --collector.container.cpu.'
complete -c ecs-host-exporter -l collector.container.cpu.per-cpu -d 'Say the time on each CPU (cpu="cpu00", …) in place of the total; cgroup v1 alone.'
complete -c ecs-host-exporter -l no-collector.container.cpu.per-cpu -d 'The opposite of --collector.container.cpu.per-cpu.'
complete -c ecs-host-exporter -l collector.container.cpu_topology -d 'Nodes, cores, threads and caches of the machine, by the names of cAdvisor.'
complete -c ecs-host-exporter -l no-collector.container.cpu_topology -d 'The opposite of --collector.container.cpu_topology.'
complete -c ecs-host-exporter -l collector.container.cpuset -d 'Whether memory of each container moves between nodes; cgroup v1 alone.'
complete -c ecs-host-exporter -l no-collector.container.cpuset -d 'The opposite of --collector.container.cpuset.'
complete -c ecs-host-exporter -l collector.container.files -d 'Open files and sockets of each container, and their limit.'
complete -c ecs-host-exporter -l no-collector.container.files -d 'The opposite of --collector.container.files.'
complete -c ecs-host-exporter -l collector.container.hugetlb -d 'Huge pages of each container.'
complete -c ecs-host-exporter -l no-collector.container.hugetlb -d 'The opposite of --collector.container.hugetlb.'
complete -c ecs-host-exporter -l collector.container.filesystem -d 'Disk used by each container: its writable layer, log and volumes; the host\'s file systems.'
complete -c ecs-host-exporter -l no-collector.container.filesystem -d 'The opposite of --collector.container.filesystem.'
complete -c ecs-host-exporter -l no-collector.container.filesystem.volume-walks -d 'Count what volumes hold that share a file system with others.'
complete -c ecs-host-exporter -l collector.container.ended -d 'What containers had used when they ended, also of those that no scrape saw.'
complete -c ecs-host-exporter -l no-collector.container.ended -d 'The opposite of --collector.container.ended.'
complete -c ecs-host-exporter -l collector.container.io -d 'Reads and writes of each container, by block device.'
complete -c ecs-host-exporter -l no-collector.container.io -d 'The opposite of --collector.container.io.'
complete -c ecs-host-exporter -l collector.container.load -d 'What the threads of each container do, where a flag asks for it.'
complete -c ecs-host-exporter -l no-collector.container.load -d 'The opposite of --collector.container.load.'
complete -c ecs-host-exporter -l collector.container.load.reader -d 'Ask what each thread of each container does; without it everything is 0, as in cAdvisor.'
complete -c ecs-host-exporter -l no-collector.container.load.reader -d 'The opposite of --collector.container.load.reader.'
complete -c ecs-host-exporter -l collector.container.machine -d 'CPUs, memory and versions of the machine, by the names of cAdvisor.'
complete -c ecs-host-exporter -l no-collector.container.machine -d 'The opposite of --collector.container.machine.'
complete -c ecs-host-exporter -l collector.container.memory -d 'Memory of each container, and what was killed for want of it.'
complete -c ecs-host-exporter -l no-collector.container.memory -d 'The opposite of --collector.container.memory.'
complete -c ecs-host-exporter -l collector.container.memory_numa -d 'Memory of each container by the NUMA node it is on.'
complete -c ecs-host-exporter -l no-collector.container.memory_numa -d 'The opposite of --collector.container.memory_numa.'
complete -c ecs-host-exporter -l collector.container.network -d 'Network interfaces of each container, every network namespace once.'
complete -c ecs-host-exporter -l no-collector.container.network -d 'The opposite of --collector.container.network.'
complete -c ecs-host-exporter -l collector.container.perf -d 'Events that the CPU and the kernel count in each container.'
complete -c ecs-host-exporter -l no-collector.container.perf -d 'The opposite of --collector.container.perf.'
complete -c ecs-host-exporter -l collector.container.perf.per-cpu -d 'A series for each CPU.'
complete -c ecs-host-exporter -l no-collector.container.perf.per-cpu -d 'The opposite of --collector.container.perf.per-cpu.'
complete -c ecs-host-exporter -l collector.container.pressure -d 'Pressure stall information of each container; cgroup v2 alone.'
complete -c ecs-host-exporter -l no-collector.container.pressure -d 'The opposite of --collector.container.pressure.'
complete -c ecs-host-exporter -l collector.container.process -d 'Processes and threads of each container.'
complete -c ecs-host-exporter -l no-collector.container.process -d 'The opposite of --collector.container.process.'
complete -c ecs-host-exporter -l collector.container.process.count -d 'Count processes too, which reads one more file of each container.'
complete -c ecs-host-exporter -l no-collector.container.process.count -d 'The opposite of --collector.container.process.count.'
complete -c ecs-host-exporter -l collector.container.referenced_memory -d 'Memory that each container touched; since Linux 4.14.'
complete -c ecs-host-exporter -l no-collector.container.referenced_memory -d 'The opposite of --collector.container.referenced_memory.'
complete -c ecs-host-exporter -l collector.container.resctrl -d 'Memory bandwidth and cache of the host and of containers that have a group in resctrl.'
complete -c ecs-host-exporter -l no-collector.container.resctrl -d 'The opposite of --collector.container.resctrl.'
complete -c ecs-host-exporter -l collector.container.sched -d 'How long threads of each container ran and waited for a CPU.'
complete -c ecs-host-exporter -l no-collector.container.sched -d 'The opposite of --collector.container.sched.'
complete -c ecs-host-exporter -l collector.container.spec -d 'Limits of each container, when it was made and started, its health.'
complete -c ecs-host-exporter -l no-collector.container.spec -d 'The opposite of --collector.container.spec.'
complete -c ecs-host-exporter -l collector.container.tcp -d 'Sockets of TCP of each container by their states, every network namespace once.'
complete -c ecs-host-exporter -l no-collector.container.tcp -d 'The opposite of --collector.container.tcp.'
complete -c ecs-host-exporter -l collector.container.udp -d 'Sockets of UDP of each container and their queues, every network namespace once.'
complete -c ecs-host-exporter -l no-collector.container.udp -d 'The opposite of --collector.container.udp.'
complete -c ecs-host-exporter -l collector.ecs.adot -d 'Tasks and their containers by the names of ADOT\'s awsecscontainermetrics; --collector.ecs.adot-names adds the suffixes of units that later versions of ADOT have.'
complete -c ecs-host-exporter -l no-collector.ecs.adot -d 'The opposite of --collector.ecs.adot.'
complete -c ecs-host-exporter -l collector.ecs.container -d 'What each container of a task reserves and uses, in the scheduler\'s units.'
complete -c ecs-host-exporter -l no-collector.ecs.container -d 'The opposite of --collector.ecs.container.'
complete -c ecs-host-exporter -l collector.ecs.info -d 'Who is who: the container instance, its tasks and containers.'
complete -c ecs-host-exporter -l no-collector.ecs.info -d 'The opposite of --collector.ecs.info.'
complete -c ecs-host-exporter -l collector.ecs.instance -d 'What the container instance has for tasks and gave them, and how its tasks are.'
complete -c ecs-host-exporter -l no-collector.ecs.instance -d 'The opposite of --collector.ecs.instance.'
complete -c ecs-host-exporter -l collector.ecs.scrape_targets -d 'Containers that ask to be scraped, and where.'
complete -c ecs-host-exporter -l no-collector.ecs.scrape_targets -d 'The opposite of --collector.ecs.scrape_targets.'
complete -c ecs-host-exporter -l collector.ecs.task -d 'What each task uses and reserves, and how its limits held it back.'
complete -c ecs-host-exporter -l no-collector.ecs.task -d 'The opposite of --collector.ecs.task.'
complete -c ecs-host-exporter -l collector.ecs.lasting -d 'Starts, ends, OOM kills, restarts, health, CPU time, peak memory and run time of containers by service and name, which outlive them.'
complete -c ecs-host-exporter -l no-collector.ecs.lasting -d 'The opposite of --collector.ecs.lasting.'
complete -c ecs-host-exporter -l collector.ecs.totals -d 'What all tasks of the host used together, those that ended included.'
complete -c ecs-host-exporter -l no-collector.ecs.totals -d 'The opposite of --collector.ecs.totals.'
complete -c ecs-host-exporter -l json -d 'With doctor: answer in JSON.'
complete -c ecs-host-exporter -l no-json -d 'The opposite of --json.'
complete -c ecs-host-exporter -n __fish_use_subcommand -f -a once -d 'Print the metrics once, to standard output.'
complete -c ecs-host-exporter -n __fish_use_subcommand -f -a healthcheck -d 'Ask a running exporter whether it is well, for a container\'s health check.'
complete -c ecs-host-exporter -n __fish_use_subcommand -f -a doctor -d 'Run every collector once, and say what is seen of the host and what mends the rest.'
complete -c ecs-host-exporter -n __fish_use_subcommand -f -a reference -d 'Print every metric and every flag, as Markdown.'
