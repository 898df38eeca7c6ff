//! What each container of a task reserves, may use and uses, in the units of the scheduler.

use super::figures::{Reserved, at_most};
use super::tasks;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, counter, gauge, nanos};
use crate::files::{Result, Roots};

/// What a container reserves and uses.
#[derive(Debug)]
struct Share {
    reserved: Reserved,
    memory_limit: Option<u64>,
    usage_nsec: Option<u64>,
    memory: Option<u64>,
    working_set: Option<u64>,
    healthy: Option<bool>,
    created: Option<f64>,
    started: Option<f64>,
}

static SHARES: Table<Share> = Table {
    labels: [],
    metrics: &[
        gauge("ecs_container_cpu_reserved_units")
            .help("CPU units of the container's definition: 1024 are one CPU; 0 for none.")
            .value(|s| count(s.reserved.units)),
        gauge("ecs_container_memory_reserved_bytes")
            .help("Bytes of memory that the scheduler counts: the reservation, or else the limit; 0 for none.")
            .value(|s| count(s.reserved.bytes)),
        gauge("ecs_container_memory_limit_bytes")
            .help("Bytes of memory that the container may use, the limit of its task counted in; absent without any.")
            .value(|s| count(s.memory_limit)),
        counter("ecs_container_cpu_usage_seconds_total")
            .help("Seconds on a CPU.")
            .value(|s| nanos(s.usage_nsec)),
        gauge("ecs_container_memory_usage_bytes")
            .help("Bytes of all memory that is charged to the container.")
            .value(|s| count(s.memory)),
        gauge("ecs_container_memory_working_set_bytes")
            .help("Usage, less the page cache that the kernel would drop first.")
            .value(|s| count(s.working_set)),
        gauge("ecs_container_healthy")
            .help("1 if its health check passes, 0 if it does not or has not yet; absent without a check.")
            .value(|s| Some(f64::from(u8::from(s.healthy?)))),
        gauge("ecs_container_created_timestamp_seconds")
            .help("When it was made, in seconds since 1970.")
            .value(|s| s.created),
        gauge("ecs_container_started_timestamp_seconds")
            .help("When it was last started, in seconds since 1970.")
            .value(|s| s.started),
    ],
};

/// Collects what containers of tasks reserve and use.
pub struct Container {
    shares: Vec<Share>,
}

impl Collector for Container {
    const NAME: &'static str = "ecs.container";
    const ABOUT: &'static str =
        "What each container of a task reserves and uses, in the scheduler's units.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/run/docker.sock"),
        Need::Network("the ECS agent"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        SHARES.descriptors()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { shares: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { shares } = self;
        tasks::with(host, |tasks, host| {
            shares.clear();
            let Host { containers, inventory, files, shared, failures, .. } = host;
            let Some(containers) = containers else { return Ok(()) };
            let rows = containers.rows();
            let there = rows.len();
            let members = tasks.list().iter().flat_map(|task| &task.members);
            let members = members.filter(|member| member.defined() && member.row < there);
            let labels = members.clone().map(|member| &member.labels);
            for member in members {
                let Some(row) = rows.get_mut(member.row) else { continue };
                let mut noted = |error| failures.note(&error);
                let cpu = row.cpu(files).unwrap_or_else(|error| {
                    noted(error);
                    None
                });
                let memory = row.memory(shared.vm, files).unwrap_or_else(|error| {
                    noted(error);
                    None
                });
                shares.push(Share {
                    reserved: Reserved::of(&member.id, inventory, Some(row)),
                    memory_limit: at_most(row.bounds.map(|bounds| bounds.memory)),
                    usage_nsec: cpu.and_then(|cpu| cpu.usage_nsec),
                    memory: memory.and_then(|memory| memory.usage),
                    working_set: memory.and_then(|memory| memory.working_set()),
                    healthy: row.about.healthy,
                    created: row.about.created.or(row.made),
                    started: row.about.started.or(row.made),
                });
            }
            text.table(&SHARES, labels.zip(&*shares));
            Ok(())
        })
    }
}
