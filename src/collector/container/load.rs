//! What the threads of each container do, and how many want to run.
//!
//! The kernel keeps no such number of a group, so somebody has to ask for each thread. As in cAdvisor
//! that is left alone unless a flag asks for it, and everything is 0.

mod reader;

use std::collections::HashMap;
use std::time::SystemTime;

use clap::Args;

use self::reader::{Reader, States};
use super::{read_each, write};
use crate::collector::{Collector, Host, Need};
use crate::container::Container;
use crate::exposition::{Descriptor, Family, Table, Text, gauge};
use crate::files::{Result, Roots};

static LOAD: Table<Averages> = Table {
    labels: [],
    metrics: &[
        gauge("container_cpu_load_average_10s")
            .help("Threads that run or could, times 1000, averaged over ten seconds; 0 unless asked for.")
            .value(|a| Some((a.running * 1000.0).trunc())),
        gauge("container_cpu_load_d_average_10s")
            .help("Threads that wait for a disk, times 1000, averaged over ten seconds; 0 unless asked for.")
            .value(|a| Some((a.uninterruptible * 1000.0).trunc())),
    ],
};

static STATES: Family<1> = gauge("container_tasks_state")
    .help("Threads of the group by what they do; 0 unless asked for.")
    .labels(["state"]);

/// Flags of the collector of load.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// Ask what each thread of each container does; without it everything is 0, as in cAdvisor.
    #[arg(id = "collector.container.load.reader", long)]
    reader: bool,
}

/// Collects the load of containers.
pub struct Load {
    reader: Option<Reader>,
    rows: Vec<Option<(States, Averages)>>,
    averages: Vec<Option<Averages>>,
    /// Averages of the last scrape, by the paths of groups.
    last: HashMap<Box<str>, Last>,
    at: SystemTime,
}

/// Threads, averaged.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Averages {
    running: f64,
    uninterruptible: f64,
}

#[derive(Debug)]
struct Last {
    averages: Averages,
    /// Whether it was of this scrape.
    fresh: bool,
}

impl Collector for Load {
    const NAME: &'static str = "container.load";
    const ABOUT: &'static str = "What the threads of each container do, where a flag asks for it.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/stat"),
        Need::Network("one question instead of a file for each thread, on cgroup v1"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        LOAD.descriptors().chain([STATES.descriptor()])
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        Ok(Self {
            reader: flags.reader.then(|| Reader::new(roots)),
            rows: Vec::new(),
            averages: Vec::new(),
            last: HashMap::new(),
            at: SystemTime::UNIX_EPOCH,
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { reader, rows, averages, last, at } = self;
        // As long as ten seconds ago a thread counts for 1/e.
        let since = host.now.duration_since(*at).unwrap_or_default();
        *at = host.now;
        let decay = (-since.as_secs_f64() / 10.0).exp();
        read_each(host, rows, |container, files| {
            let Some(reader) = reader else {
                return Ok(Some((States::unknown(), Averages::default())));
            };
            let Some(states) = reader.read(container, files)? else { return Ok(None) };
            Ok(Some((states, average(last, container.cgroup.path(), &states, decay))))
        })?;
        last.retain(|_, last| std::mem::take(&mut last.fresh));
        averages.clear();
        averages.extend(rows.iter().map(|row| row.map(|(_, averages)| averages)));
        write(&LOAD, host, averages, text);
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let mut family = text.family(&STATES);
        for (container, row) in containers.rows().iter().zip(&*rows) {
            let Some((states, _)) = row else { continue };
            for (state, n) in states.named() {
                if let Some(n) = n {
                    family.sample((&container.labels, state), n);
                }
            }
        }
        Ok(())
    }
}

/// Averages a group's threads with those of before.
fn average(
    last: &mut HashMap<Box<str>, Last>,
    path: &str,
    states: &States,
    decay: f64,
) -> Averages {
    let now =
        Averages { running: states.running as f64, uninterruptible: states.uninterruptible as f64 };
    let Some(last) = last.get_mut(path) else {
        last.insert(path.into(), Last { averages: now, fresh: true });
        return now;
    };
    let mix = |before: f64, now: f64| before * decay + now * (1.0 - decay);
    last.averages = Averages {
        running: mix(last.averages.running, now.running),
        uninterruptible: mix(last.averages.uninterruptible, now.uninterruptible),
    };
    last.fresh = true;
    last.averages
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::collector::trial::Trial;

    const TREE: [(&str, &str); 6] = [
        ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
        ("sys/fs/cgroup/cgroup.threads", ""),
        ("sys/fs/cgroup/a/cgroup.threads", "7\n8\n9\n"),
        ("proc/7/stat", "7 (a) b) R 1 1\n"),
        ("proc/8/stat", "8 (sh) D 1 1\n"),
        ("proc/9/stat", "9 (sh) S 1 1\n"),
    ];

    #[test]
    fn asks_for_no_thread_unless_it_is_told_to() {
        let mut host = Trial::<Load>::new(&[], &TREE).contained();
        let zeros = |id: &str| {
            ["sleeping", "running", "stopped", "uninterruptible", "iowaiting"]
                .map(|state| format!("container_tasks_state{{id=\"{id}\",state=\"{state}\"}} 0\n"))
                .concat()
        };
        let expected = r#"container_cpu_load_average_10s{id="/"} 0
container_cpu_load_average_10s{id="/a"} 0
container_cpu_load_d_average_10s{id="/"} 0
container_cpu_load_d_average_10s{id="/a"} 0
"#;
        assert_eq!(host.collect().unwrap(), [expected, &zeros("/"), &zeros("/a")].concat());
    }

    #[test]
    fn averages_over_ten_seconds() {
        let flag = ["--collector.container.load.reader"];
        let mut host = Trial::<Load>::new(&flag, &TREE).contained();
        let expected = r#"container_cpu_load_average_10s{id="/"} 0
container_cpu_load_average_10s{id="/a"} 1000
container_cpu_load_d_average_10s{id="/"} 0
container_cpu_load_d_average_10s{id="/a"} 1000
container_tasks_state{id="/",state="sleeping"} 0
container_tasks_state{id="/",state="running"} 0
container_tasks_state{id="/",state="stopped"} 0
container_tasks_state{id="/",state="uninterruptible"} 0
container_tasks_state{id="/a",state="sleeping"} 1
container_tasks_state{id="/a",state="running"} 1
container_tasks_state{id="/a",state="stopped"} 0
container_tasks_state{id="/a",state="uninterruptible"} 1
"#;
        assert_eq!(host.collect().unwrap(), expected);
        host.write("proc/7/stat", b"7 (a) T 1 1\n");
        host.remove("proc/8/stat");
        host.host.now += Duration::from_secs(10);
        let later = host.collect().unwrap();
        assert!(later.contains("container_cpu_load_average_10s{id=\"/a\"} 367\n"), "{later}");
        assert!(later.contains("{id=\"/a\",state=\"stopped\"} 1\n"), "{later}");
        host.remove("sys/fs/cgroup/a/cgroup.threads");
        let ended = host.collect().unwrap();
        assert!(!ended.contains("\"/a\""), "{ended}");
    }
}
