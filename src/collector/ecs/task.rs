//! What each task uses, and how it was held back: where ECS puts the limits is the task, not the
//! container.

use super::figures::{self, Figures};
use super::tasks;
use crate::collector::{Collector, Host, Need};
use crate::container::{Container, Room};
use crate::exposition::{
    Descriptor, Family, LabelBlock, Table, Text, count, counter, gauge, micros, nanos,
};
use crate::files::{Result, Roots};

static FIGURES: Table<Figures> = Table {
    labels: [],
    metrics: &[
        gauge("ecs_task_own_cgroup")
            .help("1 if the numbers are those of the task's own control group, 0 if they are sums of its containers'.")
            .value(|f| Some(f64::from(u8::from(f.own)))),
        counter("ecs_task_cpu_usage_seconds_total")
            .help("Seconds on a CPU, of all containers that ever were in the task.")
            .value(|f| nanos(f.cpu.usage_nsec)),
        counter("ecs_task_cpu_user_seconds_total")
            .help("Seconds on a CPU in user space.")
            .value(|f| nanos(f.cpu.user_nsec)),
        counter("ecs_task_cpu_system_seconds_total")
            .help("Seconds on a CPU in the kernel.")
            .value(|f| nanos(f.cpu.system_nsec)),
        counter("ecs_task_cpu_cfs_periods_total")
            .help("Periods in which the task's quota was enforced.")
            .value(|f| count(f.cpu.throttling?.periods)),
        counter("ecs_task_cpu_cfs_throttled_periods_total")
            .help("Periods in which the task was held back.")
            .value(|f| count(f.cpu.throttling?.throttled_periods)),
        counter("ecs_task_cpu_cfs_throttled_seconds_total")
            .help("Seconds for which the task was held back.")
            .value(|f| nanos(f.cpu.throttling?.throttled_nsec)),
        gauge("ecs_task_cpu_quota_cores")
            .help("CPUs that the task may use; absent without a limit.")
            .value(|f| f.quota),
        gauge("ecs_task_cpu_reserved_units")
            .help("CPU units that the scheduler counts for the task: 1024 are one CPU.")
            .value(|f| Some(f.reserved_units)),
        gauge("ecs_task_memory_usage_bytes")
            .help("Bytes of all memory that is charged to the task.")
            .value(|f| count(f.memory.usage)),
        gauge("ecs_task_memory_working_set_bytes")
            .help("Usage, less the page cache that the kernel would drop first.")
            .value(|f| count(f.memory.working_set())),
        gauge("ecs_task_memory_rss_bytes")
            .help("Bytes of anonymous memory.")
            .value(|f| count(f.memory.rss)),
        gauge("ecs_task_memory_cache_bytes")
            .help("Bytes of page cache, shared memory included.")
            .value(|f| count(f.memory.cache)),
        gauge("ecs_task_memory_peak_bytes")
            .help("The most bytes that were ever charged to the task's group at once; on cgroup v2 since Linux 5.19.")
            .value(|f| count(f.memory.peak)),
        gauge("ecs_task_memory_limit_bytes")
            .help("Bytes of memory that the task may use; absent without a limit.")
            .value(|f| count(f.memory_limit)),
        gauge("ecs_task_memory_reserved_bytes")
            .help("Bytes of memory that the scheduler counts for the task.")
            .value(|f| count(f.reserved_bytes)),
        counter("ecs_task_pressure_cpu_waiting_seconds_total")
            .help("Seconds in which some task of the kernel waited for a CPU.")
            .value(|f| micros(f.stalls.cpu?.some_usec)),
        counter("ecs_task_pressure_cpu_stalled_seconds_total")
            .help("Seconds in which all waited for a CPU; since Linux 5.13.")
            .value(|f| micros(f.stalls.cpu?.full_usec)),
        counter("ecs_task_pressure_memory_waiting_seconds_total")
            .help("Seconds in which some task of the kernel waited for memory.")
            .value(|f| micros(f.stalls.memory?.some_usec)),
        counter("ecs_task_pressure_memory_stalled_seconds_total")
            .help("Seconds in which all waited for memory.")
            .value(|f| micros(f.stalls.memory?.full_usec)),
        counter("ecs_task_pressure_io_waiting_seconds_total")
            .help("Seconds in which some task of the kernel waited for a disk.")
            .value(|f| micros(f.stalls.io?.some_usec)),
        counter("ecs_task_pressure_io_stalled_seconds_total")
            .help("Seconds in which all waited for a disk.")
            .value(|f| micros(f.stalls.io?.full_usec)),
        counter("ecs_task_io_read_bytes_total")
            .help("Bytes read from block devices.")
            .value(|f| count(f.disk?.read_bytes)),
        counter("ecs_task_io_written_bytes_total")
            .help("Bytes written to block devices.")
            .value(|f| count(f.disk?.written_bytes)),
        counter("ecs_task_io_reads_total")
            .help("Reads from block devices.")
            .value(|f| count(f.disk?.reads)),
        counter("ecs_task_io_writes_total")
            .help("Writes to block devices.")
            .value(|f| count(f.disk?.writes)),
        gauge("ecs_task_pids")
            .help("Threads of the task, each of which takes a process id.")
            .value(|f| count(f.threads)),
        gauge("ecs_task_pids_limit")
            .help("How many threads the task may have; absent without a limit.")
            .value(|f| count(f.threads_max)),
        gauge("ecs_task_network_shared")
            .help("1 if a container of the task is in the host's network, which no task has for itself.")
            .value(|f| Some(f64::from(u8::from(f.network_shared)))),
        counter("ecs_task_network_receive_bytes_total")
            .help("Bytes received, of each network namespace of the task once.")
            .value(|f| count(f.network?.receive[0])),
        counter("ecs_task_network_receive_packets_total")
            .help("Packets received.")
            .value(|f| count(f.network?.receive[1])),
        counter("ecs_task_network_receive_errors_total")
            .help("Packets received with errors.")
            .value(|f| count(f.network?.receive[2])),
        counter("ecs_task_network_receive_packets_dropped_total")
            .help("Packets dropped while receiving.")
            .value(|f| count(f.network?.receive[3])),
        counter("ecs_task_network_transmit_bytes_total")
            .help("Bytes sent, of each network namespace of the task once.")
            .value(|f| count(f.network?.transmit[0])),
        counter("ecs_task_network_transmit_packets_total")
            .help("Packets sent.")
            .value(|f| count(f.network?.transmit[1])),
        counter("ecs_task_network_transmit_errors_total")
            .help("Packets not sent for errors.")
            .value(|f| count(f.network?.transmit[2])),
        counter("ecs_task_network_transmit_packets_dropped_total")
            .help("Packets dropped while sending.")
            .value(|f| count(f.network?.transmit[3])),
        counter("ecs_task_network_tcp_retransmits_total")
            .help("Segments of TCP that were sent again.")
            .value(|f| count(f.network?.retransmits)),
    ],
};

static OOM_KILLS: Family<1> = counter("ecs_task_oom_kills_total")
    .help("Processes of the task that the kernel killed for want of memory, by whose limit was reached: container, task or host.")
    .labels(["level"]);

static VOLUMES: Table<Room, 1> = Table {
    labels: ["volume"],
    metrics: &[
        gauge("ecs_task_ebs_filesystem_size_bytes")
            .help("Size of the file system on an Amazon EBS volume that ECS manages for the task.")
            .value(|v| count(v.size)),
        gauge("ecs_task_ebs_filesystem_utilized_bytes")
            .help("Bytes used of the file system on an Amazon EBS volume that ECS manages for the task.")
            .value(|v| count(v.used)),
    ],
};

/// The values of `level`, in the order of [`Figures::oom_kills`].
const LEVELS: [&str; 3] = ["container", "task", "host"];

/// Collects what tasks use.
pub struct Task {
    roots: Roots,
}

impl Collector for Task {
    const NAME: &'static str = "ecs.task";
    const ABOUT: &'static str =
        "What each task uses and reserves, and how its limits held it back.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/net/dev"),
        Need::Read("/proc/<pid>/net/snmp"),
        Need::Read("/run/docker.sock"),
        Need::Network("the ECS agent"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        FIGURES
            .descriptors()
            .chain([OOM_KILLS.descriptor()])
            .chain(VOLUMES.descriptors())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { roots: roots.clone() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        tasks::with(host, |tasks, host| {
            figures::read(tasks, host, &self.roots)?;
            let alive = tasks.list().iter().filter(|task| task.alive());
            text.table(&FIGURES, alive.clone().map(|task| (&task.labels, &task.figures)));
            let mut kills = text.family(&OOM_KILLS);
            for task in alive.clone() {
                for (level, n) in LEVELS.into_iter().zip(task.figures.oom_kills) {
                    kills.sample((&task.labels, level), n);
                }
            }
            if let Some(containers) = &mut host.containers {
                let rows = &*containers.rows();
                let volumes: Vec<_> = alive.flat_map(|task| volumes(task, rows)).collect();
                text.table(&VOLUMES, volumes.iter().map(|(labels, room)| (*labels, room)));
            }
            Ok(())
        })
    }
}

/// The volumes of a task, each once: several containers may have it.
fn volumes<'a>(
    task: &'a tasks::Task,
    rows: &'a [Container],
) -> Vec<((&'a LabelBlock, &'a str), Room)> {
    let members = task
        .members
        .iter()
        .filter_map(|member| rows.get(member.row));
    let mut volumes: Vec<_> = members
        .flat_map(Container::task_volumes)
        .map(|(volume, room)| ((&task.labels, &*volume.name), room))
        .collect();
    volumes.sort_by_key(|((_, name), _)| *name);
    volumes.dedup_by_key(|((_, name), _)| *name);
    volumes
}
