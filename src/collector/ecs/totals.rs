//! What all tasks of the host used together: what the kernel counts in the group that they are in, with
//! those that ended, whether or not anybody saw them.

use std::path::PathBuf;
use std::sync::Arc;

use crate::cgroup::{Cgroup, Cpu, Io, Known, Memory, MemoryNews, Version};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, counter, nanos};
use crate::files::{Error, Result, Roots};

/// The groups in which the agent makes those of tasks: on cgroup v1, and on v2 with systemd.
const PLACES: [&str; 2] = ["/ecs", "/ecstasks.slice"];

/// The numbers of such a group that outlive what is in it.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Totals {
    cpu: Option<Cpu>,
    memory: Option<Memory>,
    /// Cgroup v2 alone: version 1 forgets it with those that end.
    oom_kills: Option<u64>,
    io: Option<[u64; 4]>,
}

static TOTALS: Table<Totals> = Table {
    labels: [],
    metrics: &[
        counter("ecs_container_instance_tasks_cpu_usage_seconds_total")
            .help("Seconds on a CPU of all tasks, those that ended included, since the host started.")
            .value(|t| nanos(t.cpu?.usage_nsec)),
        counter("ecs_container_instance_tasks_cpu_user_seconds_total")
            .help("Seconds on a CPU in user space of all tasks, those that ended included.")
            .value(|t| nanos(t.cpu?.user_nsec)),
        counter("ecs_container_instance_tasks_cpu_system_seconds_total")
            .help("Seconds on a CPU in the kernel of all tasks, those that ended included.")
            .value(|t| nanos(t.cpu?.system_nsec)),
        counter("ecs_container_instance_tasks_page_faults_total")
            .help("Page faults of all tasks, those that ended included.")
            .value(|t| count(t.memory?.total_pgfault)),
        counter("ecs_container_instance_tasks_major_page_faults_total")
            .help("Page faults of all tasks that had to wait for a disk, those that ended included.")
            .value(|t| count(t.memory?.total_pgmajfault)),
        counter("ecs_container_instance_tasks_oom_kills_total")
            .help("Processes that the kernel killed for want of memory in all tasks, those that ended included; cgroup v2 alone.")
            .value(|t| count(t.oom_kills)),
        counter("ecs_container_instance_tasks_io_read_bytes_total")
            .help("Bytes that all tasks read from disks, those that ended included; cgroup v2 alone.")
            .value(|t| count(t.io.map(|[bytes, ..]| bytes))),
        counter("ecs_container_instance_tasks_io_written_bytes_total")
            .help("Bytes that all tasks wrote to disks, those that ended included; cgroup v2 alone.")
            .value(|t| count(t.io.map(|[_, bytes, ..]| bytes))),
        counter("ecs_container_instance_tasks_io_reads_total")
            .help("Reads from disks by all tasks, those that ended included; cgroup v2 alone.")
            .value(|t| count(t.io.map(|[_, _, reads, _]| reads))),
        counter("ecs_container_instance_tasks_io_writes_total")
            .help("Writes to disks by all tasks, those that ended included; cgroup v2 alone.")
            .value(|t| count(t.io.map(|[.., writes]| writes))),
    ],
};

/// Collects what all tasks used.
pub struct TaskTotals {
    group: Option<Cgroup>,
    io: Vec<Io>,
}

impl Collector for TaskTotals {
    const NAME: &'static str = "ecs.totals";
    const ABOUT: &'static str =
        "What all tasks of the host used together, those that ended included.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/cgroup"), Need::Read("/proc/1/mountinfo")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        TOTALS.descriptors()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { group: None, io: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { containers, files, shared, now, .. } = host;
        let absent = || Error::Absent(PathBuf::from("cgroup/ecs"));
        let (tree, _) = containers.as_mut().ok_or_else(absent)?.groups_and_rows();
        if self.group.is_none() {
            let of_tasks = |path: &&str| PLACES.contains(path);
            let mut found = tree.groups().map(|(path, _)| path).filter(of_tasks);
            let new = |path| Cgroup::new(path, Arc::clone(tree.home()), true);
            self.group = found.next().map(new);
        }
        let Self { group: kept, io } = self;
        let group = kept.as_mut().ok_or_else(absent)?;
        group.another_scrape(*now);
        let version = group.home().version();
        let mut totals = Totals { cpu: group.cpu(false, files)?, ..Totals::default() };
        if totals.cpu.is_none() {
            // It is gone. Whether there is another, the next scrape will see.
            *kept = None;
            return Err(absent());
        }
        let news = MemoryNews { vm: shared.vm, limit: None };
        totals.memory = group.memory(news, files)?;
        if version == Version::V2 {
            totals.oom_kills = totals.memory.and_then(|memory| memory.oom_kills);
            io.clear();
            group.io(Known::default(), io, files)?;
            totals.io = Some(sum(io));
        }
        text.table(&TOTALS, [((), &totals)]);
        Ok(())
    }
}

/// Bytes read and written, reads and writes, over all devices.
fn sum(devices: &[Io]) -> [u64; 4] {
    let mut sums = [0u64; 4];
    for io in devices {
        let numbers = [io.read_bytes, io.written_bytes, io.reads, io.writes];
        for (sum, n) in sums.iter_mut().zip(numbers) {
            *sum = sum.saturating_add(n.unwrap_or_default());
        }
    }
    sums
}
