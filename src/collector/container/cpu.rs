//! CPU time of each container, and how its quota held it back.

use clap::Args;

use super::{last_of, visit, write_with_last};
use crate::cgroup;
use crate::collector::{Collector, Host, Need};
use crate::container::Container;
use crate::exposition::{Descriptor, Family, Table, Text, Word, count, counter, nanos};
use crate::files::{Result, Roots};

static USAGE: Family<1> = counter("container_cpu_usage_seconds_total")
    .help("Seconds on a CPU.")
    .labels(["cpu"]);

static CPU: Table<cgroup::Cpu> = Table {
    labels: [],
    metrics: &[
        counter("container_cpu_user_seconds_total")
            .help("Seconds on a CPU in user space.")
            .value(|c| nanos(c.user_nsec)),
        counter("container_cpu_system_seconds_total")
            .help("Seconds on a CPU in the kernel.")
            .value(|c| nanos(c.system_nsec)),
        counter("container_cpu_cfs_periods_total")
            .help("Periods in which the group's quota was enforced.")
            .value(|c| count(c.throttling?.periods)),
        counter("container_cpu_cfs_throttled_periods_total")
            .help("Periods in which the group was held back.")
            .value(|c| count(c.throttling?.throttled_periods)),
        counter("container_cpu_cfs_throttled_seconds_total")
            .help("Seconds for which the group was held back.")
            .value(|c| nanos(c.throttling?.throttled_nsec)),
        counter("container_cpu_cfs_burst_periods_total")
            .help("Periods in which the group ran on what it had saved; since Linux 5.15.")
            .value(|c| count(c.throttling?.bursts)),
        counter("container_cpu_cfs_burst_seconds_total")
            .help("Seconds for which the group ran on what it had saved; since Linux 5.15.")
            .value(|c| nanos(c.throttling?.burst_nsec)),
    ],
};

/// Flags of the collector of CPU time.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// Say the time on each CPU (cpu="cpu00", …) in place of the total; cgroup v1 alone.
    #[arg(id = "collector.container.cpu.per-cpu", long)]
    per_cpu: bool,
}

/// Collects the CPU time of containers.
pub struct Cpu {
    per_cpu: bool,
    last: Vec<Option<cgroup::Cpu>>,
    /// Nanoseconds on each CPU, of one container after the other.
    each: Vec<u64>,
    /// Where each container's begin.
    starts: Vec<usize>,
    /// `cpu00` and so on.
    names: Vec<String>,
}

/// All CPUs together.
const TOTAL: Word = Word::new("total");

impl Collector for Cpu {
    const NAME: &'static str = "container.cpu";
    const ABOUT: &'static str = "CPU time of each container, and how its quota held it back.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/cgroup"), Need::Read("/proc/1/mountinfo")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [USAGE.descriptor()].into_iter().chain(CPU.descriptors())
    }

    fn new(flags: Flags, _: &Roots) -> Result<Self> {
        let per_cpu = flags.per_cpu;
        Ok(Self { per_cpu, last: vec![], each: vec![], starts: vec![], names: vec![] })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { per_cpu, last, each, starts, names } = self;
        each.clear();
        starts.clear();
        visit(host, |container, files| {
            starts.push(each.len());
            if *per_cpu {
                container.cgroup.cpu_each(each, files)?;
            }
            container.cpu(files).map(drop)
        })?;
        starts.push(each.len());
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let mut usage = text.family(&USAGE);
        let bounds = starts.iter().zip(starts.iter().skip(1));
        for (container, (&start, &end)) in containers.rows().iter().zip(bounds) {
            let each = each.get(start..end).unwrap_or_default();
            for (i, &nsec) in each.iter().enumerate().filter(|(_, nsec)| **nsec > 0) {
                while names.len() <= i {
                    names.push(format!("cpu{:02}", names.len()));
                }
                let name = names.get(i).map_or("", String::as_str);
                usage.sample((&container.labels, name), nsec as f64 / 1e9);
            }
            if let Some(total) = container.known_cpu().and_then(|cpu| nanos(cpu.usage_nsec))
                && each.is_empty()
            {
                usage.sample((&container.labels, TOTAL), total);
            }
        }
        let (_, ended) = containers.rows_and_last();
        for last in ended.iter().filter(|_| !*per_cpu) {
            if let Some(total) = last.ended.finals.cpu.and_then(|cpu| nanos(cpu.usage_nsec)) {
                usage.sample((&last.labels, TOTAL), total);
            }
        }
        last_of(host, last, |finals| finals.cpu);
        write_with_last(&CPU, host, Container::known_cpu, last, text);
        Ok(())
    }
}
