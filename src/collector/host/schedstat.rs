//! `/proc/schedstat`: how long tasks ran on each CPU, and waited for it.
//!
//! See [the kernel's documentation](https://docs.kernel.org/scheduler/sched-stats.html).

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, counter, nanos};
use crate::files::{Kept, Result, Roots};
use crate::kernel::attribute::numbered;
use crate::kernel::{Malformed, decimal, lines};

static CPUS: Table<Cpu, 1> = Table {
    labels: ["cpu"],
    metrics: &[
        counter("node_schedstat_running_seconds_total")
            .help("Seconds tasks ran on the CPU.")
            .value(|c| nanos(c.running_ns)),
        counter("node_schedstat_waiting_seconds_total")
            .help("Seconds tasks waited for the CPU.")
            .value(|c| nanos(c.waiting_ns)),
        counter("node_schedstat_timeslices_total")
            .help("Times a task was given the CPU.")
            .value(|c| count(c.timeslices)),
    ],
};

/// Collects how long tasks ran and waited.
pub struct Schedstat {
    file: Kept,
    absent: Absent,
    cpus: Vec<(u32, Cpu)>,
}

impl Collector for Schedstat {
    const NAME: &'static str = "schedstat";
    const ABOUT: &'static str = "How long tasks ran on each CPU, and waited for it.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/schedstat")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        CPUS.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        // A CPU with its domains is a record, and longer than half a page on a large host.
        let file = Kept::long(roots.proc.join("schedstat"));
        Ok(Self { file, absent: Absent::default(), cpus: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, absent, cpus } = self;
        cpus.clear();
        absent.look(host.now, || {
            host.files
                .load_kept(file, |text| each(text, |number, cpu| cpus.push((number, cpu))))
        })?;
        text.table(&CPUS, cpus.iter().map(|(number, cpu)| (*number, cpu)));
        Ok(())
    }
}

/// What tasks did on one CPU, since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Nanoseconds they ran.
    pub running_ns: u64,
    /// Nanoseconds they waited.
    pub waiting_ns: u64,
    /// Times one was given the CPU.
    pub timeslices: u64,
}

/// Parses `cpu0 0 0 0 0 0 0 84120311925170 2316045098113 190283745`, a CPU a line. Lines of domains are passed over, and what else there may be.
pub fn each(text: &[u8], mut each: impl FnMut(u32, Cpu)) -> Result<(), Malformed> {
    for mut line in lines(text) {
        let number = line
            .field()
            .and_then(|name| numbered(name, b"cpu"))
            .and_then(decimal)
            .and_then(|number| number.try_into().ok());
        let Some(number) = number else { continue };
        for _ in 0..6 {
            line.count("nine numbers")?;
        }
        let cpu = Cpu {
            running_ns: line.count("nine numbers")?,
            waiting_ns: line.count("nine numbers")?,
            timeslices: line.count("nine numbers")?,
        };
        each(number, cpu);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_long_tasks_ran_and_waited() {
        expect::<Schedstat>(&[], "schedstat");
        expect_absent::<Schedstat>(&[]);
    }

    #[test]
    fn reads_cpus_and_passes_over_the_rest() {
        let mut seen = Vec::new();
        let text = b"version 17\ntimestamp 15819019232\n\
                     cpu0 0 0 0 0 0 0 1 2 3\ndomain0 MC 3 52113 51002 801\n\
                     cpu10 0 0 0 0 0 0 4 5 6 7\ncpu x\n";
        each(text, |number, cpu| seen.push((number, cpu))).unwrap();
        let first = Cpu { running_ns: 1, waiting_ns: 2, timeslices: 3 };
        let second = Cpu { running_ns: 4, waiting_ns: 5, timeslices: 6 };
        assert_eq!(seen, [(0, first), (10, second)]);
        let wrong = each(b"cpu0 0 0 0 0 0 0 1 2\n", |_, _| {}).unwrap_err();
        assert_eq!(wrong.to_string(), "line 1: nine numbers expected");
    }
}
