//! `/proc/stat` but for CPU time: interrupts, context switches, forks, and when the host booted.

use clap::Args;

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::stat::{self, SOFTIRQS};

static STAT: Table<stat::Stat> = Table {
    labels: [],
    metrics: &[
        counter("node_intr_total")
            .help("Interrupts served.")
            .value(|s| count(s.interrupts)),
        counter("node_context_switches_total")
            .help("Switches of CPUs from one thread to another.")
            .value(|s| count(s.context_switches)),
        counter("node_forks_total")
            .help("Processes and threads made.")
            .value(|s| count(s.forks)),
        gauge("node_boot_time_seconds")
            .help("When the host booted, in seconds since 1970.")
            .value(|s| count(s.booted)),
        gauge("node_procs_running")
            .help("Threads that run or could run.")
            .value(|s| count(s.running)),
        gauge("node_procs_blocked")
            .help("Threads that wait for a disk.")
            .value(|s| count(s.blocked)),
    ],
};

static SOFTIRQ: Family<1> = counter("node_softirqs_total")
    .help("Softirqs served, by kind.")
    .labels(["vector"]);

/// Flags of the collector of interrupts and forks.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// Say how many softirqs of each kind were served.
    #[arg(id = "collector.stat.softirq", long)]
    softirq: bool,
}

/// Collects interrupts, context switches and forks.
pub struct Stat {
    file: Kept,
    softirq: bool,
}

impl Collector for Stat {
    const NAME: &'static str = "stat";
    const ABOUT: &'static str = "Interrupts, context switches, forks, and when the host booted.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/stat")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        STAT.descriptors().chain([SOFTIRQ.descriptor()])
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        Ok(Self { file: Kept::whole(roots.proc.join("stat")), softirq: flags.softirq })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let stat = host.shared.stat(&mut self.file, &mut host.files)?;
        text.table(&STAT, [((), stat)]);
        if self.softirq {
            let mut softirqs = text.family(&SOFTIRQ);
            for (kind, served) in SOFTIRQS.iter().zip(&stat.softirqs) {
                softirqs.sample(*kind, *served);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const TREE: [(&str, &str); 1] = [(
        "proc/stat",
        "intr 8885917 17 0\nctxt 38014093\nbtime 1418183276\nprocesses 26442\nprocs_running 2\n\
         softirq 55 1 2 3 4 5 6 7 8 9 10\n",
    )];

    #[test]
    fn says_0_of_what_is_not_there() {
        let expected = "\
node_intr_total 8885917
node_context_switches_total 38014093
node_forks_total 26442
node_boot_time_seconds 1418183276
node_procs_running 2
node_procs_blocked 0
";
        assert_eq!(Trial::<Stat>::new(&[], &TREE).collect().unwrap(), expected);
    }

    #[test]
    fn says_softirqs_if_asked() {
        let mut host = Trial::<Stat>::new(&["--collector.stat.softirq"], &TREE);
        let softirqs = host.collect().unwrap();
        let softirqs: Vec<_> = softirqs
            .lines()
            .filter(|line| line.contains("softirqs"))
            .collect();
        assert_eq!(softirqs.len(), 10);
        assert_eq!(softirqs[5], r#"node_softirqs_total{vector="block_iopoll"} 6"#);
    }

    #[test]
    fn fails_on_a_broken_file() {
        let mut host = Trial::<Stat>::new(&[], &[("proc/stat", "ctxt x\n")]);
        assert_eq!(host.complaint(), "/proc/stat: line 1: a count expected");
    }
}
