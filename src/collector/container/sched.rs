//! `/proc/<thread>/schedstat`: how long the threads of each container ran and waited for a CPU.
//!
//! The kernel keeps the numbers of a thread as long as it lives. What each gained since the last look
//! is added to its group and to those above, so that nothing is lost but what a thread does between
//! the last look and its end.

use std::collections::HashMap;
use std::path::PathBuf;

use super::{process_file, read_each, write};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, counter, nanos};
use crate::files::{Result, Roots};
use crate::kernel::{Malformed, lines};

static SCHED: Table<Times> = Table {
    labels: [],
    metrics: &[
        counter("container_cpu_schedstat_run_seconds_total")
            .help(
                "Seconds for which threads ran, those that ended between two looks not to the end.",
            )
            .value(|t| nanos(t.run_nsec)),
        counter("container_cpu_schedstat_runqueue_seconds_total")
            .help("Seconds for which threads could have run, and waited for a CPU.")
            .value(|t| nanos(t.wait_nsec)),
        counter("container_cpu_schedstat_run_periods_total")
            .help("How often threads were given a CPU.")
            .value(|t| count(t.periods)),
    ],
};

/// Collects how long threads ran and waited.
pub struct Sched {
    proc: PathBuf,
    rows: Vec<Option<Times>>,
    /// Threads, by number, as last seen.
    threads: HashMap<u32, Thread>,
    /// All that the threads of a row did, by its path.
    totals: HashMap<Box<str>, Total>,
    /// Scratch.
    list: Vec<u32>,
    path: PathBuf,
}

/// What threads did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Times {
    /// Nanoseconds on a CPU.
    run_nsec: u64,
    /// Nanoseconds waiting for one.
    wait_nsec: u64,
    /// Times one was given.
    periods: u64,
}

/// A thread as last seen.
#[derive(Debug)]
struct Thread {
    times: Times,
    /// For how many scrapes it was not. One that moves between groups can be missed.
    missed: u8,
}

/// What all threads of a row did.
#[derive(Debug, Default)]
struct Total {
    times: Times,
    /// Whether there is still such a row.
    shown: bool,
}

impl Collector for Sched {
    const NAME: &'static str = "container.sched";
    const ABOUT: &'static str = "How long threads of each container ran and waited for a CPU.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/schedstat"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        SCHED.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            proc: roots.proc.clone(),
            rows: Vec::new(),
            threads: HashMap::new(),
            totals: HashMap::new(),
            list: Vec::new(),
            path: PathBuf::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { totals, rows, threads, .. } = self;
        // First the rows: what threads do is added to those above their groups.
        read_each(host, rows, |container, _| {
            match totals.get_mut(container.cgroup.path()) {
                Some(total) => total.shown = true,
                None => {
                    let total = Total { shown: true, ..Total::default() };
                    totals.insert(container.cgroup.path().into(), total);
                }
            }
            Ok(None)
        })?;
        totals.retain(|_, total| std::mem::take(&mut total.shown));
        for thread in threads.values_mut() {
            thread.missed += 1;
        }
        let any = self.look(host);
        let Self { totals, rows, threads, .. } = self;
        threads.retain(|_, thread| thread.missed < 2);
        if any {
            read_each(host, rows, |container, _| {
                Ok(totals.get(container.cgroup.path()).map(|total| total.times))
            })?;
            write(&SCHED, host, rows, text);
        }
        Ok(())
    }
}

impl Sched {
    /// Looks at every thread in every group. Says whether the kernel has numbers of any.
    fn look(&mut self, host: &mut Host) -> bool {
        let Self { proc, threads, totals, list, path, .. } = self;
        let Host { containers, files, failures, .. } = host;
        let Some(containers) = containers else { return false };
        let (tree, _) = containers.groups_and_rows();
        let mut any = false;
        for (group, _) in tree.groups() {
            list.clear();
            if let Err(error) = tree.home().tasks(group, list, files) {
                failures.note(&error);
            }
            let mut gained = Times::default();
            for &thread in &*list {
                process_file(proc, thread, "schedstat", path);
                match files.load_if_any(path, parse) {
                    Ok(Some(times)) => {
                        any = true;
                        gained.add(since_last(threads, thread, times));
                    }
                    Ok(None) => {}
                    Err(error) => {
                        failures.note(&error);
                        threads.entry(thread).and_modify(|thread| thread.missed = 0);
                    }
                }
            }
            if gained == Times::default() {
                continue;
            }
            for above in above(group) {
                if let Some(total) = totals.get_mut(above) {
                    total.times.add(gained);
                }
            }
        }
        any
    }
}

impl Times {
    fn add(&mut self, other: Self) {
        self.run_nsec = self.run_nsec.saturating_add(other.run_nsec);
        self.wait_nsec = self.wait_nsec.saturating_add(other.wait_nsec);
        self.periods = self.periods.saturating_add(other.periods);
    }
}

/// What a thread gained since it was last seen. One whose numbers went back is another one.
fn since_last(threads: &mut HashMap<u32, Thread>, thread: u32, times: Times) -> Times {
    let last = threads.insert(thread, Thread { times, missed: 0 });
    let last = last.map_or_else(Times::default, |last| last.times);
    let gained = || {
        Some(Times {
            run_nsec: times.run_nsec.checked_sub(last.run_nsec)?,
            wait_nsec: times.wait_nsec.checked_sub(last.wait_nsec)?,
            periods: times.periods.checked_sub(last.periods)?,
        })
    };
    gained().unwrap_or(times)
}

/// A group and those above it: `/a/b`, `/a`, `/`.
fn above(group: &str) -> impl Iterator<Item = &str> {
    let mut next = Some(group);
    std::iter::from_fn(move || {
        let this = next?;
        next = match this.rsplit_once('/') {
            _ if this == "/" => None,
            Some(("", _)) => Some("/"),
            Some((parent, _)) => Some(parent),
            None => None,
        };
        Some(this)
    })
}

/// Parses `1234567 89012 345`: nanoseconds on a CPU and waiting for one, and how often it got one.
fn parse(text: &[u8]) -> Result<Times, Malformed> {
    const EXPECTED: &str = "three numbers";
    let first = lines(text).next();
    let mut line = first.ok_or(Malformed { line: 1, expected: EXPECTED })?;
    Ok(Times {
        run_nsec: line.count(EXPECTED)?,
        wait_nsec: line.count(EXPECTED)?,
        periods: line.count(EXPECTED)?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    fn samples(rows: [(&str, f64, f64, u64); 3]) -> String {
        let family = |name: &str, value: &dyn Fn(usize) -> String| -> String {
            let line = |i: usize| {
                format!(
                    "container_cpu_schedstat_{name}_total{{id=\"{}\"}} {}\n",
                    rows[i].0,
                    value(i)
                )
            };
            (0..rows.len()).map(line).collect()
        };
        [
            family("run_seconds", &|i| rows[i].1.to_string()),
            family("runqueue_seconds", &|i| rows[i].2.to_string()),
            family("run_periods", &|i| rows[i].3.to_string()),
        ]
        .concat()
    }

    #[test]
    fn never_goes_back_when_threads_end() {
        let tree = [
            ("proc/1/mountinfo", "36 32 0:31 / /sys/fs/cgroup rw - cgroup cgroup rw,memory\n"),
            ("sys/fs/cgroup/tasks", "1\n"),
            ("sys/fs/cgroup/a/tasks", "7\n8\n"),
            ("sys/fs/cgroup/a/b/tasks", "9\n"),
            ("proc/1/schedstat", "1000000000 0 1\n"),
            ("proc/7/schedstat", "2000000000 500000000 10\n"),
            ("proc/8/schedstat", "4000000000 0 100\n"),
            ("proc/9/schedstat", "8000000000 0 1000\n"),
        ];
        let mut host = Trial::<Sched>::new(&[], &tree).contained();
        let first = [("/", 15.0, 0.5, 1111), ("/a", 14.0, 0.5, 1110), ("/a/b", 8.0, 0.0, 1000)];
        assert_eq!(host.collect().unwrap(), samples(first));

        // One ends, one works on, one is another of the same number.
        host.remove("proc/8/schedstat");
        host.write("proc/7/schedstat", b"3000000000 500000000 11\n");
        host.write("proc/9/schedstat", b"1000000000 0 1\n");
        let second = [("/", 17.0, 0.5, 1113), ("/a", 16.0, 0.5, 1112), ("/a/b", 9.0, 0.0, 1001)];
        assert_eq!(host.collect().unwrap(), samples(second));
        assert_eq!(host.collect().unwrap(), samples(second), "nothing happened");

        host.write("proc/7/schedstat", b"x\n");
        assert_eq!(host.collect().unwrap(), samples(second), "a number that is none");
        assert_eq!(host.host.failures.count, 1);
        host.write("sys/fs/cgroup/a/tasks", b"");
        assert_eq!(host.collect().unwrap(), samples(second), "missed once");
        host.write("sys/fs/cgroup/a/b/tasks", b"9\n7\n");
        host.write("proc/7/schedstat", b"4000000000 500000000 12\n");
        let moved = [("/", 18.0, 0.5, 1114), ("/a", 17.0, 0.5, 1113), ("/a/b", 10.0, 0.0, 1002)];
        assert_eq!(host.collect().unwrap(), samples(moved), "moved to another group");
    }

    #[test]
    fn says_nothing_where_the_kernel_does_not() {
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("sys/fs/cgroup/cgroup.threads", "1\n"),
        ];
        assert_eq!(
            Trial::<Sched>::new(&[], &tree)
                .contained()
                .collect()
                .unwrap(),
            ""
        );
    }

    #[test]
    fn climbs_to_the_root() {
        let climb = |group| above(group).collect::<Vec<_>>();
        assert_eq!(climb("/a/b"), ["/a/b", "/a", "/"]);
        assert_eq!(climb("/"), ["/"]);
    }
}
