//! Events that the CPU and the kernel count in each group, by `perf_event_open(2)`.
//!
//! They count from the first scrape that sees the group. A counter for each event, group and CPU stays
//! open: few events are better. Where a CPU has fewer counters than there are events, they take turns,
//! and the sums are what they would be.

mod config;

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, Read};
use std::path::PathBuf;

use clap::Args;

use self::config::Named;
use crate::collector::{Collector, Host, Need};
use crate::container::Container;
use crate::exposition::{Descriptor, Family, Text, counter, gauge};
use crate::files::{Error, Files, Result, Roots};
use crate::kernel::cpulist::CpuList;
use crate::system::System;

static TOTAL: Family<2> = counter("container_perf_events_total")
    .help("How often an event happened in the group; over all CPUs where cpu is empty.")
    .labels(["cpu", "event"]);
static RATIO: Family<2> = gauge("container_perf_events_scaling_ratio")
    .help("For which part of the time an event was really counted; the least of all CPUs where cpu is empty.")
    .labels(["cpu", "event"]);

/// How many counters there are at most: the limit of open files is for others too.
const MOST: usize = 8192;

/// What is counted.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// File of the events to count, as cAdvisor takes it; a few of the CPU and of the kernel if not
    /// given
    #[arg(id = CONFIG, long, value_name = "FILE", alias = "perf_events_config")]
    config: Option<PathBuf>,
    /// A series for each CPU
    #[arg(id = "collector.container.perf.per-cpu", long)]
    per_cpu: bool,
}

const CONFIG: &str = "collector.container.perf.config";

/// Collects the events of each group.
pub struct Perf {
    online: PathBuf,
    per_cpu: bool,
    events: Vec<Event>,
    /// `None` until the first scrape.
    cpus: Option<Vec<u32>>,
    /// By their paths.
    groups: BTreeMap<Box<str>, Group>,
    open: usize,
    scrape: u64,
    /// Scratch: of each row, event and CPU what was read.
    readings: Vec<Option<Reading>>,
}

#[derive(Debug)]
struct Event {
    named: Named,
    /// Whether this machine does not count it.
    unknown: bool,
    /// Whether that was said.
    told: bool,
}

#[derive(Debug)]
struct Group {
    inode: u64,
    /// In which scrape it was last seen.
    seen: u64,
    /// One for each event and CPU; nothing where it cannot be counted.
    counters: Vec<Option<File>>,
}

/// What a counter says.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Reading {
    /// As it would be had it been counted all the time.
    sum: f64,
    /// For which part of the time it was.
    ratio: f64,
}

impl Collector for Perf {
    const NAME: &'static str = "container.perf";
    const ABOUT: &'static str = "Events that the CPU and the kernel count in each container.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/devices/system/cpu"),
        Need::Read("/sys/fs/cgroup"),
        Need::Capability("SYS_ADMIN", "all of it, where kernel.perf_event_paranoid is above 0"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [TOTAL.descriptor(), RATIO.descriptor()].into_iter()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let named = match &flags.config {
            None => config::usual(),
            Some(path) => Files::default()
                .load(path, config::parse)
                .map_err(|error| Error::Config(format!("--{CONFIG}: {error}")))?,
        };
        let event = |named| Event { named, unknown: false, told: false };
        Ok(Self {
            online: roots.sys.join("devices/system/cpu/online"),
            per_cpu: flags.per_cpu,
            events: named.into_iter().map(event).collect(),
            cpus: None,
            groups: BTreeMap::new(),
            open: 0,
            scrape: 0,
            readings: Vec::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { containers, files, system, failures, .. } = host;
        let absent = || Error::Absent(PathBuf::from("cgroup"));
        let containers = containers.as_mut().ok_or_else(absent)?;
        if self.cpus.is_none() {
            self.cpus = Some(files.load(&self.online, CpuList::parse)?.iter().collect());
        }
        let cpus = self.cpus.as_ref().map_or(0, Vec::len);
        self.scrape += 1;
        self.readings.clear();
        for row in containers.rows() {
            self.follow(row, system)?;
            let counters = self.groups.get(row.cgroup.path());
            let counters = counters.into_iter().flat_map(|group| &group.counters);
            let read = counters.map(|counter| counter.as_ref().and_then(read));
            let missing = std::iter::repeat(None);
            self.readings
                .extend(read.chain(missing).take(self.events.len() * cpus));
        }
        for event in self
            .events
            .iter_mut()
            .filter(|event| event.unknown && !event.told)
        {
            let name = &event.named.name;
            let unknown = format!("event {name}, which this machine does not count");
            failures.note(&Error::Config(unknown));
            event.told = true;
        }
        let (scrape, open) = (self.scrape, &mut self.open);
        self.groups.retain(|_, group| {
            let there = group.seen == scrape;
            if !there {
                *open = open.saturating_sub(group.counters.iter().flatten().count());
            }
            there
        });
        self.write(&TOTAL, containers.rows(), |reading| reading.sum, |a, b| a + b, text);
        self.write(&RATIO, containers.rows(), |reading| reading.ratio, f64::min, text);
        Ok(())
    }
}

impl Perf {
    /// Begins to count in a group that is new.
    fn follow(&mut self, row: &Container, system: &System) -> Result<()> {
        let Self { groups, events, cpus, open, scrape, .. } = self;
        let (path, inode) = (row.cgroup.path(), row.inode());
        if let Some(group) = groups.get_mut(path).filter(|group| group.inode == inode) {
            group.seen = *scrape;
            return Ok(());
        }
        if let Some(old) = groups.remove(path) {
            *open = open.saturating_sub(old.counters.iter().flatten().count());
        }
        // One that ended meanwhile has no directory any more.
        let dir = row.cgroup.events_dir().and_then(|dir| File::open(dir).ok());
        let Some(dir) = dir else { return Ok(()) };
        let mut counters = Vec::new();
        for event in events {
            for cpu in cpus.iter().flatten() {
                let wanted = !event.unknown && *open < MOST;
                let opened = wanted.then(|| (system.perf_in_group)(event.named.event, *cpu, &dir));
                counters.push(match opened {
                    Some(Ok(file)) => {
                        *open += 1;
                        Some(file)
                    }
                    Some(Err(source)) if is_fatal(&source) => {
                        return Err(Error::Read { path: "perf_event_open".into(), source });
                    }
                    Some(Err(source)) => {
                        event.unknown |= is_unknown(&source);
                        None
                    }
                    None => None,
                });
            }
        }
        groups.insert(path.into(), Group { inode, seen: *scrape, counters });
        Ok(())
    }

    /// Writes one number of each event of each row.
    fn write(
        &self,
        family: &'static Family<2>,
        rows: &[Container],
        number: fn(&Reading) -> f64,
        join: fn(f64, f64) -> f64,
        text: &mut Text,
    ) {
        let mut family = text.family(family);
        let cpus = self.cpus.as_deref().unwrap_or_default();
        let mut readings = self.readings.chunks(cpus.len().max(1));
        for row in rows {
            for (event, readings) in self
                .events
                .iter()
                .zip(readings.by_ref().take(self.events.len()))
            {
                let name = &*event.named.name;
                let numbers = readings.iter().map(|reading| reading.as_ref().map(number));
                if self.per_cpu {
                    for (cpu, n) in cpus.iter().zip(numbers) {
                        if let Some(n) = n {
                            let mut digits = itoa::Buffer::new();
                            family.sample((&row.labels, digits.format(*cpu), name), n);
                        }
                    }
                } else if let Some(n) = numbers.flatten().reduce(join) {
                    family.sample((&row.labels, "", name), n);
                }
            }
        }
    }
}

/// What a counter says. `None` of one that stopped.
fn read(mut file: &File) -> Option<Reading> {
    let mut bytes = [0; 24];
    file.read_exact(&mut bytes).ok()?;
    let mut numbers = bytes.chunks_exact(8).map(|number| {
        let number = number.try_into().map_or(0, u64::from_ne_bytes);
        number as f64
    });
    let (sum, enabled, running) = (numbers.next()?, numbers.next()?, numbers.next()?);
    Some(scaled(sum, enabled, running))
}

/// A sum of what was counted for a part of the time.
fn scaled(sum: f64, enabled: f64, running: f64) -> Reading {
    let ratio = if enabled > 0.0 { running / enabled } else { 1.0 };
    let sum = if ratio > 0.0 { (sum / ratio).round() } else { sum };
    Reading { sum, ratio }
}

/// Nothing may be counted, or no more files be opened.
fn is_fatal(error: &io::Error) -> bool {
    const ENOMEM: i32 = 12;
    const ENFILE: i32 = 23;
    const EMFILE: i32 = 24;
    const ENOSYS: i32 = 38;
    error.kind() == io::ErrorKind::PermissionDenied
        || matches!(error.raw_os_error(), Some(ENOMEM | ENFILE | EMFILE | ENOSYS))
}

/// This machine has no such counter.
fn is_unknown(error: &io::Error) -> bool {
    const ENOENT: i32 = 2;
    const EINVAL: i32 = 22;
    const EOPNOTSUPP: i32 = 95;
    matches!(error.raw_os_error(), Some(ENOENT | EINVAL | EOPNOTSUPP))
}

#[cfg(test)]
mod tests {
    use std::io::{Seek, Write};

    use super::*;
    use crate::collector::trial::Trial;
    use crate::files::Scratch;

    #[test]
    fn a_sum_is_what_it_would_be() {
        assert_eq!(scaled(10.0, 100.0, 50.0), Reading { sum: 20.0, ratio: 0.5 });
        assert_eq!(scaled(10.0, 0.0, 0.0), Reading { sum: 10.0, ratio: 1.0 });
        assert_eq!(scaled(0.0, 100.0, 0.0), Reading { sum: 0.0, ratio: 0.0 });
    }

    /// A counter that says 10 times the event's number, for half of the time; no CPU counts cycles.
    fn answers(event: crate::system::perf::Event, cpu: u32, _: &File) -> io::Result<File> {
        if event.kind == 0 {
            return Err(io::Error::from_raw_os_error(2));
        }
        let dir = Scratch::new();
        let mut file = File::create_new(dir.join("counter"))?;
        for n in [event.config * 10, 100, 100 - u64::from(cpu) * 50] {
            file.write_all(&n.to_ne_bytes())?;
        }
        file.rewind()?;
        Ok(file)
    }

    #[test]
    fn counts_in_each_group() {
        const TREE: [(&str, &str); 3] = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("sys/devices/system/cpu/online", "0-1\n"),
            ("sys/fs/cgroup/a/cgroup.procs", ""),
        ];
        const PER_CPU: &str = "--collector.container.perf.per-cpu";
        let lines = |name: &str, cpus: &[(&str, &str)]| -> String {
            let line = |group, cpu, n| {
                let family = format!("container_perf_events_{name}");
                format!("{family}{{id=\"{group}\",cpu=\"{cpu}\",event=\"context-switches\"}} {n}\n")
            };
            let groups = ["/", "/a"].into_iter();
            groups
                .flat_map(|group| cpus.iter().map(move |(cpu, n)| line(group, cpu, n)))
                .collect()
        };
        type Pairs = &'static [(&'static str, &'static str)];
        let cases: [(&[&str], Pairs, Pairs); 2] = [
            (&[], &[("", "90")], &[("", "0.5")]),
            (&[PER_CPU], &[("0", "30"), ("1", "60")], &[("0", "1"), ("1", "0.5")]),
        ];
        for (flags, sums, ratios) in cases {
            let mut trial = Trial::<Perf>::new(flags, &TREE).contained();
            trial.host.system.perf_in_group = answers;
            let said = trial.collect().unwrap();
            assert_eq!(said.lines().count(), 2 * 2 * 3 * sums.len(), "{said}");
            let switches = said.lines().filter(|line| line.contains("switches"));
            let switches: String = switches.map(|line| format!("{line}\n")).collect();
            assert_eq!(switches, lines("total", sums) + &lines("scaling_ratio", ratios));
            let complaint = trial.host.failures.first.take();
            assert_eq!(
                complaint.as_deref(),
                Some("event instructions, which this machine does not count")
            );
            assert_eq!(trial.collector.open, 2 * 2 * 3);
            // The groups go, and their counters.
            trial.remove("sys/fs/cgroup/a/cgroup.procs");
            trial.remove_dir("sys/fs/cgroup/a");
            trial.collect().unwrap();
            assert_eq!(trial.collector.open, 2 * 3);
        }
    }

    #[test]
    fn a_wrong_file_is_an_error() {
        let roots = Roots::default();
        let flags = Flags { config: Some("/nowhere".into()), per_cpu: false };
        let error = Perf::new(flags, &roots)
            .err()
            .map(|error| error.to_string());
        let expected = "--collector.container.perf.config: /nowhere: not on this host";
        assert_eq!(error.as_deref(), Some(expected));
    }
}
