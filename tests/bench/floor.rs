//! The floor: a program that only reads, with kept descriptors, what one scrape needs.

use std::fs::File;
use std::io::Read;
use std::os::fd::AsRawFd;
use std::os::unix::fs::FileExt;
use std::path::{Path, PathBuf};

use nix::sys::socket::{
    AddressFamily, MsgFlags, NetlinkAddr, SockFlag, SockProtocol, SockType, recv, sendto, socket,
};

/// The host's files.
const HOST: &[&str] = &[
    "stat",
    "meminfo",
    "vmstat",
    "diskstats",
    "loadavg",
    "sys/fs/file-nr",
    "sys/kernel/hung_task_detect_count",
    "sys/kernel/random/entropy_avail",
    "sys/kernel/random/poolsize",
    "sys/net/netfilter/nf_conntrack_count",
    "sys/net/netfilter/nf_conntrack_max",
    "pressure/cpu",
    "pressure/io",
    "pressure/memory",
];

/// Those of the host's network, which must not be kept open.
const NETWORK: &[&str] = &[
    "dev",
    "netstat",
    "snmp",
    "snmp6",
    "sockstat",
    "sockstat6",
    "softnet_stat",
    "stat/nf_conntrack",
    "udp",
    "udp6",
];

/// A group's files on cgroup v1: the hierarchy and the name.
const V1: &[(&str, &str)] = &[
    ("cpuacct", "cpuacct.usage"),
    ("cpuacct", "cpuacct.stat"),
    ("memory", "memory.stat"),
    ("memory", "memory.usage_in_bytes"),
    ("memory", "memory.max_usage_in_bytes"),
    ("memory", "memory.failcnt"),
    ("memory", "memory.kmem.usage_in_bytes"),
    ("memory", "memory.oom_control"),
    ("blkio", "blkio.throttle.io_service_bytes_recursive"),
    ("blkio", "blkio.throttle.io_serviced_recursive"),
    ("pids", "pids.current"),
];

/// A group's files on cgroup v2.
const V2: &[&str] = &[
    "cpu.stat",
    "memory.stat",
    "memory.current",
    "memory.peak",
    "memory.events",
    "memory.swap.current",
    "io.stat",
    "pids.current",
    "cpu.pressure",
    "memory.pressure",
    "io.pressure",
];

pub(crate) struct Floor {
    files: Vec<File>,
    networks: Vec<PathBuf>,
    buffer: Vec<u8>,
}

impl Floor {
    /// Of the groups at these paths, and a process in each container.
    pub(crate) fn new(groups: &[String], processes: &[u32]) -> Self {
        let mut files = Vec::new();
        let mut open = |path: &Path| files.extend(File::open(path));
        for name in HOST {
            open(&Path::new("/proc").join(name));
        }
        let root = Path::new("/sys/fs/cgroup");
        for group in groups.iter().map(|group| group.trim_start_matches('/')) {
            if root.join("memory").is_dir() {
                V1.iter()
                    .for_each(|(dir, name)| open(&root.join(dir).join(group).join(name)));
            } else {
                V2.iter()
                    .for_each(|name| open(&root.join(group).join(name)));
            }
        }
        let network = |pid: &u32| PathBuf::from(format!("/proc/{pid}/net/dev"));
        let host = NETWORK
            .iter()
            .map(|name| Path::new("/proc/1/net").join(name));
        let networks = host.chain(processes.iter().map(network)).collect();
        Self { files, networks, buffer: vec![0; 64 * 1024] }
    }

    /// Reads all of it, once.
    pub(crate) fn read(&mut self) {
        for file in &self.files {
            let mut at = 0;
            loop {
                let n = file.read_at(&mut self.buffer, at).unwrap_or(0);
                at += n as u64;
                if n < 2048 {
                    break;
                }
            }
        }
        for path in &self.networks {
            if let Ok(mut file) = File::open(path) {
                let _n = file.read(&mut self.buffer);
            }
        }
        self.dump();
    }

    /// One netlink dump of the interfaces' counters (`RTM_GETSTATS`, `IFLA_STATS_LINK_64`).
    fn dump(&mut self) {
        const DUMP: [u8; 28] = [
            28, 0, 0, 0, 94, 0, 1, 3, 1, 0, 0, 0, 0, 0, 0, 0, // nlmsghdr
            0, 0, 0, 0, 0, 0, 0, 0, 1, 0, 0, 0, // if_stats_msg
        ];
        let fd = socket(
            AddressFamily::Netlink,
            SockType::Raw,
            SockFlag::SOCK_CLOEXEC,
            SockProtocol::NetlinkRoute,
        )
        .unwrap();
        let kernel = NetlinkAddr::new(0, 0);
        sendto(fd.as_raw_fd(), &DUMP, &kernel, MsgFlags::empty()).unwrap();
        let mut done = false;
        while !done {
            let n = recv(fd.as_raw_fd(), &mut self.buffer, MsgFlags::empty()).unwrap();
            // Its end, or an error, may be the last message of several.
            let mut rest = &self.buffer[..n];
            while rest.len() >= 16 {
                let length = u32::from_ne_bytes(rest[..4].try_into().unwrap()) as usize;
                done |= matches!(rest[4..6], [2 | 3, 0]);
                rest = rest.get(length.next_multiple_of(4)..).unwrap_or_default();
            }
        }
    }
}
