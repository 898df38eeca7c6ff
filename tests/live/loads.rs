//! Loads whose size is known, and whether the exporter says that much: each number must equal the
//! kernel's, and the load within a hundredth.

use std::fs;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpListener;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::Command;
use std::thread;
use std::time::Duration;

use crate::common::exposition::Sample;
use crate::host::{Server, Testbed, until};
use crate::kernel::TRUTH;

const MIB: f64 = 1_048_576.0;

/// How long a load may take to do what it does: emulated hosts are slow.
pub const PATIENCE: Duration = Duration::from_secs(300);

/// A container that does nothing until it is told to.
pub struct Idle<'a> {
    testbed: &'a Testbed,
    exporter: &'a Server,
    pub id: String,
    pub pid: i32,
}

impl<'a> Idle<'a> {
    pub fn run(testbed: &'a Testbed, exporter: &'a Server, options: &[&str]) -> Self {
        let mut arguments = vec!["run", "-d"];
        arguments.extend(options);
        arguments.extend(["busybox:local", "sleep", "1000000"]);
        let id = testbed.docker(&arguments).trim().to_owned();
        let pid = testbed.docker(&["inspect", "-f", "{{.State.Pid}}", &id]);
        Self { testbed, exporter, id, pid: pid.trim().parse().unwrap() }
    }

    /// Runs a command in it, whose outcome is of no matter.
    pub fn does(&self, command: &str) {
        // The shell itself may be what the kernel kills.
        let _outcome =
            self.testbed
                .try_docker(&["exec", &self.id, "sh", "-c", &format!("({command}); true")]);
    }

    /// Starts a command in it that stays.
    pub fn begins(&self, command: &str) {
        self.testbed
            .docker(&["exec", "-d", &self.id, "sh", "-c", command]);
    }

    /// What the exporter says of it, all devices and interfaces together.
    pub fn told(&self, family: &str) -> f64 {
        self.sum(&self.exporter.scrape(), family)
    }

    pub fn sum(&self, samples: &[Sample], family: &str) -> f64 {
        samples
            .iter()
            .filter(|s| s.name == family && s.label("id").contains(&self.id))
            .map(|s| s.value)
            .sum()
    }

    /// As [`told`](Self::told), held against the kernel, which is asked before and after.
    fn told_truly(&self, family: &str) -> f64 {
        let truth = TRUTH.iter().find(|truth| truth.family == family).unwrap();
        let before = truth.read(self.pid).unwrap_or(0.0);
        let told = self.told(family);
        let after = truth.read(self.pid).unwrap_or(0.0);
        let within = before.min(after) - 1e-6..=before.max(after) + 1e-6;
        assert!(within.contains(&told), "{family}: {told}, the kernel says {before}..{after}");
        told
    }
}

impl Drop for Idle<'_> {
    fn drop(&mut self) {
        self.testbed.docker(&["rm", "-f", &self.id]);
    }
}

/// A hundredth more or less.
fn about(told: f64, load: f64, what: &str) {
    assert!((told - load).abs() <= 0.01 * load, "{what}: {told} of {load}");
}

pub fn known_loads_are_counted(testbed: &Testbed, exporter: &Server) {
    a_second_of_cpu(testbed, exporter);
    memory_and_page_cache(testbed, exporter);
    a_disk(testbed, exporter);
    a_network(testbed, exporter);
    forks(testbed, exporter);
    a_kill_for_want_of_memory(testbed, exporter);
    half_a_cpu(testbed, exporter);
}

/// The kernel ends what has used up its second.
fn a_second_of_cpu(testbed: &Testbed, exporter: &Server) {
    const FAMILY: &str = "container_cpu_usage_seconds_total";
    let container = Idle::run(testbed, exporter, &[]);
    // What entering the container costs is part of it, and is seen apart.
    let before = container.told_truly(FAMILY);
    container.does("ulimit -t 1; :");
    let entered = container.told_truly(FAMILY);
    container.does("ulimit -t 1; while :; do :; done");
    let after = container.told_truly(FAMILY);
    let (entering, burnt) = (entered - before, after - entered);
    // The counter is exact, as was seen; the limit is kept by samples of whole ticks, which on a busy
    // host tell more than was burnt.
    assert!(burnt >= 0.9, "of a second of CPU it counted {burnt}");
    assert!(burnt <= 1.1 + 3.0 * entering, "of a second of CPU it counted {burnt}");
}

/// 100 MiB of anonymous memory, which `tail` has to hold, and 50 MiB of a file.
fn memory_and_page_cache(testbed: &Testbed, exporter: &Server) {
    const MEMORY: &str = "container_memory_rss";
    const CACHE: &str = "container_memory_cache";
    let container = Idle::run(testbed, exporter, &[]);
    let (memory, cache) = (container.told_truly(MEMORY), container.told_truly(CACHE));
    container.does("dd if=/dev/zero of=/file bs=1M count=50 2> /dev/null");
    about(container.told_truly(CACHE) - cache, 50.0 * MIB, "page cache");
    container.begins(
        "(head -c 104857600 /dev/zero; sleep 1000) | busybox tail -c 104857600 > /dev/null",
    );
    until(PATIENCE, "100 MiB held", || {
        (container.told(MEMORY) - memory >= 100.0 * MIB).then_some(())
    });
    let held = container.told_truly(MEMORY) - memory;
    assert!((100.0 * MIB..=104.0 * MIB).contains(&held), "anonymous memory: {held}");
    // Of the page cache the kernel may have taken some back by now.
    let used = container.told_truly("container_memory_usage_bytes");
    assert!(used >= 100.0 * MIB, "of 100 MiB and a file it counted {used}");
}

/// A disk that is a file. Taken away in the end.
struct Loop {
    file: PathBuf,
    device: String,
}

impl Loop {
    /// `None` where the kernel has no such disks.
    fn new() -> Option<Self> {
        let file = std::env::temp_dir().join(format!("loads-{}", std::process::id()));
        fs::File::create(&file).unwrap().set_len(128 << 20).unwrap();
        let _built_in = Command::new("modprobe").arg("loop").output();
        let made = Command::new("losetup")
            .args(["--find", "--show"])
            .arg(&file)
            .output()
            .unwrap();
        let device = String::from_utf8(made.stdout).unwrap().trim().to_owned();
        let made = Self { file, device };
        (!made.device.is_empty()).then_some(made)
    }

    /// Newer kernels count on cgroup v1 only what some group has a limit on.
    fn count(&self) {
        let number = fs::metadata(&self.device).unwrap().rdev();
        let (major, minor) = (nix::sys::stat::major(number), nix::sys::stat::minor(number));
        let limit = Path::new("/sys/fs/cgroup/blkio/ecs/blkio.throttle.write_bps_device");
        if limit.exists() {
            fs::write(limit, format!("{major}:{minor} 1099511627776")).unwrap();
        }
    }
}

impl Drop for Loop {
    fn drop(&mut self) {
        let _gone = Command::new("losetup")
            .args(["--detach", &self.device])
            .output();
        let _gone = fs::remove_file(&self.file);
    }
}

/// 64 MiB past the page cache.
fn a_disk(testbed: &Testbed, exporter: &Server) {
    const BYTES: &str = "container_fs_writes_bytes_total";
    let disk = Loop::new().expect("a disk that is a file");
    disk.count();
    let device = format!("--device={}:/disk", disk.device);
    let container = Idle::run(testbed, exporter, &[&device]);
    let of_disk = |family: &str| {
        let samples = exporter.scrape();
        samples
            .into_iter()
            .filter(|s| s.name == family && s.label("id").contains(&container.id))
            .map(|s| (s.label("device").to_owned(), s.value))
            .collect::<std::collections::BTreeMap<_, _>>()
    };
    container
        .does("dd if=/dev/zero of=/disk bs=1M count=64 oflag=direct conv=notrunc 2> /dev/null");
    container.told_truly(BYTES);
    let written = of_disk(BYTES);
    // cgroup v2 counts nothing on the disk that is a file, but on the one that the file is on.
    let told = written
        .get(&disk.device)
        .or(written.values().max_by(|a, b| a.total_cmp(b)));
    about(told.copied().unwrap_or(0.0), 64.0 * MIB, "bytes written");
}

/// 10 MiB each way.
fn a_network(testbed: &Testbed, exporter: &Server) {
    const LENGTH: usize = 10 << 20;
    let container = Idle::run(testbed, exporter, &["--network=bridge"]);
    let gateway = "{{.NetworkSettings.Gateway}}";
    let gateway = testbed.docker(&["inspect", "-f", gateway, &container.id]);
    let listener = TcpListener::bind((gateway.trim(), 0)).unwrap();
    let address = listener.local_addr().unwrap();
    let server = thread::spawn(move || {
        let (stream, _) = listener.accept().unwrap();
        let mut reader = BufReader::new(stream);
        let (mut line, mut length) = (String::new(), 0);
        while reader.read_line(&mut line).unwrap() > 2 {
            if let Some(n) = line.to_ascii_lowercase().strip_prefix("content-length:") {
                length = n.trim().parse().unwrap();
            }
            line.clear();
        }
        let mut body = vec![0; length];
        reader.read_exact(&mut body).unwrap();
        let mut stream = reader.into_inner();
        write!(stream, "HTTP/1.0 200 OK\r\nContent-Length: {LENGTH}\r\n\r\n").unwrap();
        stream.write_all(&vec![b'x'; LENGTH]).unwrap();
        length
    });
    let families =
        ["container_network_receive_bytes_total", "container_network_transmit_bytes_total"];
    let before = families.map(|family| container.told(family));
    container.does(&format!(
        "busybox yes | head -c {LENGTH} > /post; wget -q -O /dev/null --post-file /post http://{address}/"
    ));
    assert_eq!(server.join().unwrap(), LENGTH);
    let after = families.map(|family| container.told(family));
    let dev = fs::read_to_string(format!("/proc/{}/net/dev", container.pid)).unwrap();
    let line = dev
        .lines()
        .find_map(|l| l.trim().strip_prefix("eth0:"))
        .unwrap();
    let columns: Vec<f64> = line
        .split_whitespace()
        .map(|n| n.parse().unwrap())
        .collect();
    for ((before, after), kernel) in before.into_iter().zip(after).zip([columns[0], columns[8]]) {
        // A packet that came since then is one of the neighbourhood.
        assert!(after <= kernel && kernel - after < 4096.0, "{after}, the kernel says {kernel}");
        // The headers of packets are counted too.
        let moved = after - before;
        let load = LENGTH as f64;
        assert!((load..=1.1 * load).contains(&moved), "of {load} bytes it counted {moved}");
    }
}

/// Processes made, by the host's own count.
fn forks(testbed: &Testbed, exporter: &Server) {
    let container = Idle::run(testbed, exporter, &[]);
    let forks = || {
        let samples = exporter.scrape();
        samples
            .iter()
            .find(|s| s.name == "node_forks_total")
            .unwrap()
            .value
    };
    let before = forks();
    container.does("i=0; while [ $i -lt 1000 ]; do busybox true & wait; i=$((i + 1)); done");
    let made = forks() - before;
    assert!(made >= 1000.0, "of 1000 forks it counted {made}");
    let threads = until(PATIENCE, "one thread left", || {
        Some(container.told_truly("container_threads")).filter(|n| *n <= 1.0)
    });
    assert!(threads >= 1.0);
}

/// A child is killed, and the container lives on.
fn a_kill_for_want_of_memory(testbed: &Testbed, exporter: &Server) {
    const KILLS: &str = "container_oom_events_total";
    let container = Idle::run(testbed, exporter, &["--memory=16m"]);
    assert_eq!(container.told_truly(KILLS), 0.0);
    container.does("head -c 67108864 /dev/zero | busybox tail -c 67108864 > /dev/null");
    // The kernel may kill the rest of the pipe too.
    let kills = container.told_truly(KILLS);
    assert!((1.0..=3.0).contains(&kills), "{kills} kills counted");
    assert!(container.told_truly("container_memory_failcnt") >= 1.0);
    let limit = container.told("container_spec_memory_limit_bytes");
    assert_eq!(limit, 16.0 * MIB);
}

/// What would take a whole CPU has half of one.
fn half_a_cpu(testbed: &Testbed, exporter: &Server) {
    let container = Idle::run(testbed, exporter, &["--cpus=0.5"]);
    container.does("ulimit -t 1; while :; do :; done");
    let periods = container.told_truly("container_cpu_cfs_periods_total");
    let throttled = container.told_truly("container_cpu_cfs_throttled_periods_total");
    let seconds = container.told_truly("container_cpu_cfs_throttled_seconds_total");
    // A second at half a CPU is 20 periods of 100 ms. Each ends in waiting, unless others want the
    // CPU too.
    let expected = 20.0..1000.0;
    assert!(expected.contains(&periods), "{periods} periods");
    assert!((1.0..=periods).contains(&throttled), "{throttled} of {periods} periods");
    let each = seconds / throttled;
    assert!((0.001..=0.2).contains(&each), "{each} seconds a period");
    assert_eq!(container.told("container_spec_cpu_quota"), 50_000.0);
    assert_eq!(container.told("container_spec_cpu_effective_cores"), 0.5);
}
