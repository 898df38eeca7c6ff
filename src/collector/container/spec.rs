//! What each container may use, when it was made and started, how it is.

use super::{read_each, write};
use crate::cgroup::{self, Limit};
use crate::collector::{Collector, Host, Need};
use crate::container::{Role, seconds};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter, gauge};
use crate::files::{Error, Kept, Result, Roots};

static SPEC: Table<Row> = Table {
    labels: [],
    metrics: &[
        gauge("container_spec_cpu_period")
            .help("Microseconds of the period in which the quota may be used.")
            .value(|r| count(r.spec.cpu_period_usec)),
        gauge("container_spec_cpu_quota")
            .help("Microseconds on a CPU that may be used in a period; absent without a quota.")
            .value(|r| match r.spec.cpu_quota_usec? {
                Limit::At(usec) => count(usec),
                Limit::Max => None,
            }),
        gauge("container_spec_cpu_shares")
            .help("Weight among siblings, as Docker was asked for it; on cgroup v2 of containers alone.")
            .value(|r| count(r.shares)),
        gauge("container_spec_memory_limit_bytes")
            .help("Bytes of memory that may be used; 0 for no limit.")
            .value(|r| count(r.spec.memory.map(Limit::or_zero))),
        gauge("container_spec_memory_swap_limit_bytes")
            .help("Bytes of swap that may be used, on cgroup v1 of memory and swap; 0 for no limit.")
            .value(|r| count(r.spec.swap.map(Limit::or_zero))),
        gauge("container_spec_memory_reservation_limit_bytes")
            .help("Bytes of memory kept for the group when memory is short; 0 for none.")
            .value(|r| count(r.spec.memory_reservation.map(Limit::or_zero))),
        gauge("container_spec_memory_effective_limit_bytes")
            .help("Bytes of memory that may be used: the least of its limit, those of the groups around it, and what the host has.")
            .value(|r| count(r.memory)),
        gauge("container_spec_cpu_effective_cores")
            .help("CPUs that may be used: the least of its quota, those of the groups around it, and what the host has.")
            .value(|r| r.cpus),
        gauge("container_spec_threads_effective_max")
            .help("Threads that may be: the least of its limit and those of the groups around it; absent without any.")
            .value(|r| match r.threads? {
                Limit::At(threads) => count(threads),
                Limit::Max => None,
            }),
        gauge("container_creation_time_seconds")
            .help("When it was made, in seconds since 1970.")
            .value(|r| r.created),
        gauge("container_start_time_seconds")
            .help("When it was last started, in seconds since 1970.")
            .value(|r| r.started),
        gauge("container_last_seen")
            .help("When it was last seen, in seconds since 1970.")
            .value(|r| Some(r.seen)),
        gauge("container_health_state")
            .help("1 for healthy, 0 for unhealthy or not known yet, -1 without a health check.")
            .value(|r| Some(r.health)),
    ],
};

static SCRAPE_ERROR: Family<0> = gauge("container_scrape_error")
    .help("Whether something of a container could not be read in this scrape.")
    .labels([]);

static ERRORS: Family<0> = counter("ecs_host_exporter_items_failed_total")
    .help("Containers, mounts and the like that could not be read, and were passed over.")
    .labels([]);

/// What does not change, and what is made of it.
#[derive(Debug)]
struct Row {
    spec: cgroup::Spec,
    shares: Option<u64>,
    /// Bytes of memory, CPUs and threads within all bounds.
    memory: Option<u64>,
    cpus: Option<f64>,
    threads: Option<Limit>,
    created: Option<f64>,
    started: Option<f64>,
    seen: f64,
    health: f64,
}

/// Collects what containers may use.
pub struct Spec {
    meminfo: Kept,
    stat: Kept,
    rows: Vec<Option<Row>>,
}

impl Collector for Spec {
    const NAME: &'static str = "container.spec";
    const ABOUT: &'static str =
        "Limits of each container, when it was made and started, its health.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/meminfo"),
        Need::Read("/proc/stat"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        SPEC.descriptors()
            .chain([SCRAPE_ERROR.descriptor(), ERRORS.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let kept = |name| Kept::new(roots.proc.join(name));
        Ok(Self { meminfo: kept("meminfo"), stat: kept("stat"), rows: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let seen = seconds(host.now).trunc();
        let installed = match host.shared.meminfo(&mut self.meminfo, &mut host.files) {
            Err(Error::Absent(_)) => None,
            meminfo => {
                let meminfo = meminfo?;
                meminfo.get(b"MemTotal").zip(meminfo.get(b"SwapTotal"))
            }
        };
        let cpus = match host.shared.stat(&mut self.stat, &mut host.files) {
            Err(Error::Absent(_)) => None,
            stat => Some(stat?.cpus.len()).filter(|n| *n > 0),
        };
        let cpus = cpus.map(|n| n as f64);
        read_each(host, &mut self.rows, |container, _| {
            let mut spec = container.spec;
            if let (Role::Host, Some((memory, swap))) = (container.role, installed) {
                spec.memory = Some(Limit::At(memory));
                spec.swap = Some(Limit::At(swap));
            }
            let about = container.about;
            let bounds = container.bounds;
            let memory = match (bounds.map(|b| b.memory), installed) {
                (Some(Limit::At(bytes)), Some((memory, _))) => Some(bytes.min(memory)),
                (Some(Limit::At(bytes)), None) => Some(bytes),
                (_, installed) => installed.map(|(memory, _)| memory),
            };
            let quota = bounds.and_then(|b| b.cpus);
            Ok(Some(Row {
                spec,
                memory,
                cpus: quota.map_or(cpus, |quota| Some(cpus.map_or(quota, |n| n.min(quota)))),
                threads: bounds.map(|b| b.threads),
                shares: about.cpu_shares.filter(|n| *n > 0).or(spec.cpu_shares),
                created: about.created.or(container.made).map(f64::trunc),
                started: about.started.or(container.made).map(f64::trunc),
                seen,
                health: match about.healthy {
                    None => -1.0,
                    Some(healthy) => f64::from(u8::from(healthy)),
                },
            }))
        })?;
        write(&SPEC, host, &self.rows, text);
        text.family(&SCRAPE_ERROR)
            .sample((), host.failures.first.is_some());
        text.family(&ERRORS).sample((), host.failures.count);
        Ok(())
    }
}
