//! The container instance: what the scheduler has to give and has given, how its tasks are, and
//! which of them are not as ECS wants them.

use std::time::Duration;

use clap::Args;

use super::TASKS_AND_HOST;
use super::figures::{self, UNITS};
use super::tasks::{self, Statuses, Task};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, LabelBlock, Table, Text, count, gauge};
use crate::files::{Error, Kept, Result, Roots};
use crate::inventory::agent::Status;
use crate::inventory::docker::Health;

/// What the instance has and gave.
#[derive(Debug)]
struct Capacity {
    registered_units: Option<f64>,
    registered_bytes: Option<u64>,
    reserved_units: f64,
    reserved_bytes: u64,
    overdue: usize,
}

static CAPACITY: Table<Capacity> = Table {
    labels: [],
    metrics: &[
        gauge("ecs_container_instance_cpu_registered_units")
            .help("CPU units of the instance: 1024 for each CPU.")
            .value(|c| c.registered_units),
        gauge("ecs_container_instance_memory_registered_bytes")
            .help("Bytes of memory that the instance has for tasks: whole MiB, less what --collector.ecs.instance.reserved-memory says is kept back.")
            .value(|c| count(c.registered_bytes)),
        gauge("ecs_container_instance_cpu_reserved_units")
            .help("CPU units that the tasks of the instance reserve.")
            .value(|c| Some(c.reserved_units)),
        gauge("ecs_container_instance_memory_reserved_bytes")
            .help("Bytes of memory that the tasks of the instance reserve.")
            .value(|c| count(c.reserved_bytes)),
        gauge("ecs_container_instance_cpu_remaining_units")
            .help("CPU units that are left for further tasks; below 0 where more was given.")
            .value(|c| Some(c.registered_units? - c.reserved_units)),
        gauge("ecs_container_instance_memory_remaining_bytes")
            .help("Bytes of memory that are left for further tasks; below 0 where more was given.")
            .value(|c| Some(c.registered_bytes? as f64 - c.reserved_bytes as f64)),
        gauge("ecs_container_instance_tasks_stopping_overdue")
            .help("Tasks that were to stop longer ago than --collector.ecs.instance.stop-timeout, and have not.")
            .value(|c| Some(c.overdue as f64)),
    ],
};

static TASKS: Family<2> = gauge("ecs_container_instance_tasks")
    .help("Tasks of the instance, by how far they are and how far ECS wants them.")
    .labels(["known_status", "desired_status"]);

static CONTAINERS: Family<1> = gauge("ecs_container_instance_containers")
    .help("Containers of tasks, by what their health checks say; UNKNOWN without a check or an answer.")
    .labels(["health_status"]);

static MISMATCH: Family<2> = gauge("ecs_task_status_mismatch_seconds")
    .help("Seconds for which a task was seen not to be as ECS wants it.")
    .labels(["known_status", "desired_status"]);

/// The words of ECS for what a task may be.
const STATUSES: [(Option<Status>, &str); 4] = [
    (Some(Status::Pending), "PENDING"),
    (Some(Status::Running), "RUNNING"),
    (Some(Status::Stopped), "STOPPED"),
    (None, ""),
];

/// The words of ECS for how a container may be.
const HEALTH: [&str; 3] = ["HEALTHY", "UNHEALTHY", "UNKNOWN"];

/// Flags of the collector of the container instance.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// MiB of memory that the agent keeps from tasks, its ECS_RESERVED_MEMORY.
    #[arg(
        id = "collector.ecs.instance.reserved-memory",
        long,
        value_name = "MIB",
        default_value_t = 0
    )]
    reserved_memory: u64,
    /// Seconds after which a task that is to stop is overdue: the longest stopTimeout of its
    /// containers.
    #[arg(
        id = "collector.ecs.instance.stop-timeout",
        long,
        value_name = "SECONDS",
        default_value_t = 30
    )]
    stop_timeout: u64,
}

/// Collects what the container instance has and gave.
pub struct Instance {
    flags: Flags,
    meminfo: Kept,
    stat: Kept,
    roots: Roots,
    /// The name of the cluster, and a block of it.
    cluster: (Box<str>, LabelBlock),
}

impl Collector for Instance {
    const NAME: &'static str = "ecs.instance";
    const ABOUT: &'static str =
        "What the container instance has for tasks and gave them, and how its tasks are.";
    const NEEDS: &'static [Need] = TASKS_AND_HOST;
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        CAPACITY.descriptors().chain([
            TASKS.descriptor(),
            CONTAINERS.descriptor(),
            MISMATCH.descriptor(),
        ])
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let kept = |name| Kept::new(roots.proc.join(name));
        let (meminfo, stat, roots) = (kept("meminfo"), kept("stat"), roots.clone());
        Ok(Self { flags, meminfo, stat, roots, cluster: Default::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { flags, meminfo, stat, roots, cluster } = self;
        tasks::with(host, |tasks, host| {
            if tasks.list().is_empty() && host.inventory.agent().is_none() {
                return Ok(()); // No host of ECS.
            }
            figures::read(tasks, host, roots)?;
            let name = host.inventory.cluster();
            if *cluster.0 != *name || cluster.1 == LabelBlock::default() {
                *cluster = (name.into(), LabelBlock::new([("aws_ecs_cluster_name", name)]));
            }
            let Host { shared, files, inventory, now, .. } = host;
            let cpus = match shared.stat(stat, files) {
                Err(Error::Absent(_)) => None,
                stat => Some(stat?.cpus.len()),
            };
            let memory = match shared.meminfo(meminfo, files) {
                Err(Error::Absent(_)) => None,
                meminfo => meminfo?.get(b"MemTotal"),
            };
            let limit = Duration::from_secs(flags.stop_timeout);
            let overdue = |task: &&Task| {
                let stops = task
                    .status
                    .filter(|status| status.desired == Some(Status::Stopped));
                stops
                    .and_then(|status| status.differ(*now))
                    .is_some_and(|for_long| for_long > limit)
            };
            let given = tasks.list().iter().filter(|task| task.reserves());
            let capacity = Capacity {
                registered_units: cpus.map(|cpus| cpus as f64 * UNITS),
                registered_bytes: memory.map(|bytes| mib(bytes, flags.reserved_memory)),
                reserved_units: given.clone().map(|task| task.figures.reserved_units).sum(),
                reserved_bytes: given
                    .map(|task| task.figures.reserved_bytes)
                    .fold(0, u64::saturating_add),
                overdue: tasks.list().iter().filter(overdue).count(),
            };
            text.table(&CAPACITY, [(&cluster.1, &capacity)]);
            let statuses = || tasks.list().iter().filter_map(|task| task.status);
            let mut family = text.family(&TASKS);
            for (known, known_word) in STATUSES {
                for (desired, desired_word) in STATUSES {
                    let is = |status: &Statuses| (status.known, status.desired) == (known, desired);
                    let n = statuses().filter(is).count();
                    // Each task that runs as it should is counted in any case.
                    if n > 0 || (known, desired) == (Some(Status::Running), Some(Status::Running)) {
                        family.sample((&cluster.1, known_word, desired_word), n as u64);
                    }
                }
            }
            let mut health = [0_u64; HEALTH.len()];
            let members = tasks.list().iter().flat_map(|task| &task.members);
            for member in members.filter(|member| member.defined()) {
                let said = inventory
                    .container(&member.id)
                    .and_then(|known| known.health);
                let [healthy, unhealthy, unknown] = &mut health;
                *(match said {
                    Some(Health::Healthy) => healthy,
                    Some(Health::Unhealthy) => unhealthy,
                    Some(Health::Starting) | None => unknown,
                }) += 1;
            }
            let mut family = text.family(&CONTAINERS);
            for (word, n) in HEALTH.into_iter().zip(health) {
                family.sample((&cluster.1, word), n);
            }
            let mut family = text.family(&MISMATCH);
            for task in tasks.list() {
                let Some(status) = task.status else { continue };
                if let Some(for_long) = status.differ(*now) {
                    let words = (&task.labels, word(status.known), word(status.desired));
                    family.sample(words, for_long.as_secs_f64());
                }
            }
            Ok(())
        })
    }
}

/// The memory that the agent registers: whole MiB, less what it keeps back.
fn mib(bytes: u64, reserved: u64) -> u64 {
    (bytes >> 20).saturating_sub(reserved) << 20
}

/// The word of ECS for how far a task is; empty where the agent does not say.
pub(super) fn word(status: Option<Status>) -> &'static str {
    STATUSES
        .into_iter()
        .find(|(known, _)| *known == status)
        .map_or("", |(_, word)| word)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn whole_mib_are_registered() {
        assert_eq!(mib((1024 << 20) + 5, 0), 1024 << 20);
        assert_eq!(mib(1024 << 20, 24), 1000 << 20);
        assert_eq!(mib(1 << 20, 24), 0);
    }

    #[test]
    fn statuses_have_the_words_of_ecs() {
        assert_eq!(word(Some(Status::Stopped)), "STOPPED");
        assert_eq!(word(None), "");
    }
}
