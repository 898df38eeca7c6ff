//! What the kernel itself says of a container, read without any code of the exporter.

use std::fs;
use std::path::{Path, PathBuf};

/// A family, and where the kernel has its numbers: on cgroup v1, and on v2.
pub struct Truth {
    pub family: &'static str,
    v1: Place,
    v2: Place,
}

/// Families and where the kernel has their numbers.
pub const TRUTH: &[Truth] = &[
    truth(
        "container_memory_usage_bytes",
        at("memory", "memory.usage_in_bytes", "", 1.0),
        at("", "memory.current", "", 1.0),
    ),
    truth(
        "container_memory_rss",
        at("memory", "memory.stat", "total_rss", 1.0),
        at("", "memory.stat", "anon", 1.0),
    ),
    truth(
        "container_memory_cache",
        at("memory", "memory.stat", "total_cache", 1.0),
        at("", "memory.stat", "file", 1.0),
    ),
    truth(
        "container_memory_total_inactive_file_bytes",
        at("memory", "memory.stat", "total_inactive_file", 1.0),
        at("", "memory.stat", "inactive_file", 1.0),
    ),
    truth(
        "container_memory_max_usage_bytes",
        at("memory", "memory.max_usage_in_bytes", "", 1.0),
        at("", "memory.peak", "", 1.0),
    ),
    truth(
        "container_memory_kernel_usage",
        at("memory", "memory.kmem.usage_in_bytes", "", 1.0),
        at("", "memory.stat", "kernel", 1.0),
    ),
    truth(
        "container_memory_swap",
        at("memory", "memory.stat", "total_swap", 1.0),
        at("", "memory.swap.current", "", 1.0),
    ),
    truth(
        "container_memory_failcnt",
        at("memory", "memory.failcnt", "", 1.0),
        at("", "memory.events", "max", 1.0),
    ),
    truth(
        "container_spec_memory_limit_bytes",
        at("memory", "memory.limit_in_bytes", "", 1.0),
        at("", "memory.max", "", 1.0),
    ),
    truth(
        "container_cpu_usage_seconds_total",
        at("cpuacct", "cpuacct.usage", "", 1e-9),
        at("", "cpu.stat", "usage_usec", 1e-6),
    ),
    truth(
        "container_cpu_user_seconds_total",
        at("cpuacct", "cpuacct.stat", "user", 1e-2),
        at("", "cpu.stat", "user_usec", 1e-6),
    ),
    truth(
        "container_cpu_system_seconds_total",
        at("cpuacct", "cpuacct.stat", "system", 1e-2),
        at("", "cpu.stat", "system_usec", 1e-6),
    ),
    truth(
        "container_cpu_cfs_periods_total",
        at("cpu", "cpu.stat", "nr_periods", 1.0),
        at("", "cpu.stat", "nr_periods", 1.0),
    ),
    truth(
        "container_cpu_cfs_throttled_periods_total",
        at("cpu", "cpu.stat", "nr_throttled", 1.0),
        at("", "cpu.stat", "nr_throttled", 1.0),
    ),
    truth(
        "container_cpu_cfs_throttled_seconds_total",
        at("cpu", "cpu.stat", "throttled_time", 1e-9),
        at("", "cpu.stat", "throttled_usec", 1e-6),
    ),
    truth(
        "container_oom_events_total",
        at("memory", "memory.oom_control", "oom_kill", 1.0),
        at("", "memory.events", "oom_kill", 1.0),
    ),
    truth(
        "container_fs_writes_bytes_total",
        at("blkio", "blkio.throttle.io_service_bytes_recursive", "Write", 1.0),
        at("", "io.stat", "wbytes", 1.0),
    ),
    truth(
        "container_fs_reads_bytes_total",
        at("blkio", "blkio.throttle.io_service_bytes_recursive", "Read", 1.0),
        at("", "io.stat", "rbytes", 1.0),
    ),
    truth(
        "container_fs_writes_total",
        at("blkio", "blkio.throttle.io_serviced_recursive", "Write", 1.0),
        at("", "io.stat", "wios", 1.0),
    ),
    truth(
        "container_threads",
        at("pids", "pids.current", "", 1.0),
        at("", "pids.current", "", 1.0),
    ),
    pressure("container_pressure_cpu_waiting_seconds_total", "cpu.pressure", "some"),
    pressure("container_pressure_memory_waiting_seconds_total", "memory.pressure", "some"),
    pressure("container_pressure_io_waiting_seconds_total", "io.pressure", "some"),
    pressure("container_pressure_io_stalled_seconds_total", "io.pressure", "full"),
];

/// A number in a file of a control group.
struct Place {
    /// Nothing on cgroup v2.
    controller: &'static str,
    file: &'static str,
    /// What stands before it; nothing for a file of one number. On several lines (a block device
    /// each) the numbers are added.
    key: &'static str,
    /// What one is worth.
    unit: f64,
}

const fn truth(family: &'static str, v1: Place, v2: Place) -> Truth {
    Truth { family, v1, v2 }
}

/// In microseconds. Hybrid hosts have it where cgroup v2 has.
const fn pressure(family: &'static str, file: &'static str, who: &'static str) -> Truth {
    truth(family, at("", file, who, 1e-6), at("", file, who, 1e-6))
}

const fn at(controller: &'static str, file: &'static str, key: &'static str, unit: f64) -> Place {
    Place { controller, file, key, unit }
}

impl Truth {
    /// Reads it for the group that a process is in. `None` where there is no such file.
    pub fn read(&self, pid: i32) -> Option<f64> {
        self.v1.read(pid).or_else(|| self.v2.read(pid))
    }
}

impl Place {
    fn read(&self, pid: i32) -> Option<f64> {
        let text = fs::read_to_string(group(pid, self.controller)?.join(self.file)).ok()?;
        let number = |line: &str| -> Option<f64> {
            if self.key.is_empty() {
                return line.parse().ok();
            }
            // Pressure: `some avg10=0.00 avg60=0.00 avg300=0.00 total=0`.
            if let Some(averages) = line
                .strip_prefix(self.key)
                .filter(|s| s.starts_with(" avg"))
            {
                return averages.rsplit_once("total=")?.1.parse().ok();
            }
            let mut words = line.split([' ', '=']);
            words.find(|word| *word == self.key)?;
            words.next()?.parse().ok()
        };
        let sum: f64 = text.lines().filter_map(number).sum();
        // cgroup v1 writes no limit as nearly 2^63 bytes, cAdvisor as 0.
        Some(if sum > 9e18 { 0.0 } else { sum * self.unit })
    }
}

/// The directory of a process' group in the hierarchy of a controller.
pub fn group(pid: i32, controller: &str) -> Option<PathBuf> {
    let groups = fs::read_to_string(format!("/proc/{pid}/cgroup")).ok()?;
    let path = groups.lines().find_map(|line| {
        let (controllers, path) = line.split_once(':')?.1.split_once(':')?;
        controllers
            .split(',')
            .any(|c| c == controller)
            .then_some(path)
    })?;
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let mount = mounts.lines().find_map(|line| {
        let (mount, file_system) = line.split_once(" - ")?;
        let mut words = file_system.split(' ');
        let found = match words.next()? {
            "cgroup2" => controller.is_empty(),
            "cgroup" => words.nth(1)?.split(',').any(|option| option == controller),
            _ => false,
        };
        found.then(|| mount.split(' ').nth(4))?
    })?;
    Some(Path::new(mount).join(path.trim_start_matches('/')))
}
