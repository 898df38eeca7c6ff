//! Processes and threads of each container.

use clap::Args;

use super::{read_each, write};
use crate::cgroup::Limit;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{Result, Roots};

#[derive(Debug)]
struct Tasks {
    threads: Option<u64>,
    threads_max: Option<Limit>,
    processes: Option<u64>,
}

static TASKS: Table<Tasks> = Table {
    labels: [],
    metrics: &[
        gauge("container_processes")
            .help("Processes of the group itself, its descendants not included.")
            .value(|t| count(t.processes)),
        gauge("container_threads")
            .help("Threads of the group and its descendants.")
            .value(|t| count(t.threads)),
        gauge("container_threads_max")
            .help("How many threads there may be; 0 for no limit.")
            .value(|t| count(t.threads_max.map(Limit::or_zero))),
    ],
};

/// Flags of the collector of processes.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// Count processes too, which reads one more file of each container.
    #[arg(id = "collector.container.process.count", long)]
    count: bool,
}

/// Collects the processes and threads of containers.
pub struct Process {
    count: bool,
    rows: Vec<Option<Tasks>>,
    processes: Vec<u32>,
}

impl Collector for Process {
    const NAME: &'static str = "container.process";
    const ABOUT: &'static str = "Processes and threads of each container.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/cgroup"), Need::Read("/proc/1/mountinfo")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        TASKS.descriptors()
    }

    fn new(flags: Flags, _: &Roots) -> Result<Self> {
        Ok(Self { count: flags.count, rows: Vec::new(), processes: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { count, rows, processes } = self;
        read_each(host, rows, |container, files| {
            let threads = container.threads(files)?;
            let processes = if *count {
                processes.clear();
                let listed = container.cgroup.procs(processes, files)?;
                listed.then_some(processes.len() as u64)
            } else {
                None
            };
            Ok(Some(Tasks { threads, threads_max: container.spec.threads, processes }))
        })?;
        write(&TASKS, host, rows, text);
        Ok(())
    }
}
