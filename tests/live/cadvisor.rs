//! The exporter beside cAdvisor, over containers that are paused: nothing of theirs changes between
//! two looks.

use std::collections::{BTreeMap, BTreeSet};
use std::path::Path;
use std::thread;
use std::time::Duration;

use crate::NEWS;
use crate::common::exposition::{self, Sample};
use crate::host::{Container, Server, Testbed, until};

/// How the two differ, as docs/differences.md tells.
enum Difference {
    /// Only cAdvisor has it, here: no kernel has such a number, or it has it on cgroup v2 alone.
    Absent,
    /// The values are others.
    Other,
    /// cAdvisor has further samples of a container.
    Fewer,
    /// The same, and what comes from outside comes to those that are paused, too.
    Later,
}

/// Families that are not the same for every container, by how their names begin.
const DIFFERENCES: &[(&str, Difference)] = &[
    ("container_memory_events_high_total", Difference::Absent),
    ("container_memory_pgscan_total", Difference::Absent),
    ("container_memory_pgsteal_total", Difference::Absent),
    ("container_blkio_device_usage_total", Difference::Fewer),
    ("container_fs_inodes_free", Difference::Other),
    ("container_fs_inodes_total", Difference::Other),
    // Each counts it in the background, when its turn comes.
    ("container_fs_usage_bytes", Difference::Other),
    ("container_fs_limit_bytes", Difference::Fewer),
    ("container_fs_io_current", Difference::Fewer),
    ("container_fs_io_time_seconds_total", Difference::Fewer),
    ("container_fs_io_time_weighted_seconds_total", Difference::Fewer),
    ("container_fs_read_seconds_total", Difference::Fewer),
    ("container_fs_reads_merged_total", Difference::Fewer),
    // Of a container that did nothing to the disk cAdvisor shows what the whole host did.
    ("container_fs_reads_total", Difference::Fewer),
    ("container_fs_sector_reads_total", Difference::Other),
    ("container_fs_sector_writes_total", Difference::Other),
    ("container_fs_write_seconds_total", Difference::Fewer),
    ("container_fs_writes_merged_total", Difference::Fewer),
    ("container_fs_writes_total", Difference::Fewer),
    ("container_last_seen", Difference::Other),
    ("container_memory_failures_total", Difference::Other),
    ("container_memory_file_dirty_bytes", Difference::Other),
    ("container_memory_file_writeback_bytes", Difference::Other),
    ("container_memory_workingset_refault_anon_total", Difference::Other),
    ("container_memory_workingset_refault_file_total", Difference::Other),
    ("container_network_", Difference::Later),
    ("container_pressure_", Difference::Other),
];

/// The groups that both have off by default.
const GROUPS: &[&str] = &[
    "--collector.container.advtcp",
    "--collector.container.cpu_topology",
    "--collector.container.cpuset",
    "--collector.container.files",
    "--collector.container.hugetlb",
    "--collector.container.memory_numa",
    "--collector.container.process.count",
    "--collector.container.referenced_memory",
    "--collector.container.sched",
    "--collector.container.tcp",
    "--collector.container.udp",
];

/// On cgroup v2 alone: cAdvisor has no memory of the kernel, turns weights back into shares,
/// wrongly, takes `memory.min` for what is reserved, and says 0 for files that are no more.
const DIFFERENCES_V2: &[(&str, Difference)] = &[
    ("container_hugetlb_max_usage_bytes", Difference::Absent),
    ("container_memory_migrate", Difference::Absent),
    ("container_memory_kernel_usage", Difference::Other),
    ("container_spec_cpu_shares", Difference::Other),
    ("container_spec_memory_reservation_limit_bytes", Difference::Other),
];

/// With the groups that are on by default, and then with all of them but resctrl: families both have
/// are of one type and have the same labels; no family is missing; and of each container both say the
/// same, but for what is known to differ.
pub fn agrees_with_cadvisor(testbed: &Testbed) {
    agrees(testbed, &[], &[]);
    agrees(testbed, &["-disable_metrics=resctrl"], GROUPS);
}

fn agrees(testbed: &Testbed, theirs: &[&str], ours: &[&str]) {
    let peer = Server::cadvisor(testbed, theirs);
    let exporter =
        Server::exporter_with(testbed, &[&["--collector.container.labels=*"], ours].concat());
    let containers = testbed.containers();
    let all = |command| {
        let mut arguments = vec![command];
        arguments.extend(containers.iter().map(|container| &*container.id));
        testbed.docker(&arguments);
    };
    all("pause");
    until(NEWS, "both know the names of all", || {
        let named = |samples: &[Sample]| {
            let named =
                |s: &&Sample| s.name == "container_last_seen" && !s.label("name").is_empty();
            samples.iter().filter(named).count() >= containers.len()
        };
        (named(&exporter.scrape()) && named(&scrape(&peer))).then_some(())
    });
    // cAdvisor shows what it saw a second ago, or two.
    thread::sleep(Duration::from_secs(3));
    let (theirs, ours) = (scrape(&peer), exporter.scrape());
    all("unpause");
    let mut wrong = shapes(&theirs, &ours);
    let of_containers = |samples: &[Sample]| {
        // By the systemd driver, groups are called `docker-….scope`.
        let is = |id: &str, c: &Container| id.trim_end_matches(".scope").ends_with(&c.id);
        let own = |s: &&Sample| containers.iter().any(|c| is(s.label("id"), c));
        let mut values: BTreeMap<_, f64> = BTreeMap::new();
        for sample in samples.iter().filter(own) {
            // A sample for each CPU on cgroup v1.
            *values.entry(key(sample)).or_default() += sample.value;
        }
        values
    };
    let ours = of_containers(&ours);
    let (mut compared, mut equal) = (0, 0);
    for (key, theirs) in of_containers(&theirs) {
        let (name, _) = &key;
        let known = differences().find(|(family, _)| name.starts_with(family));
        match (ours.get(&key), known) {
            (None, Some(_)) => {}
            (None, None) => wrong.push(format!("missing: {key:?} {theirs}")),
            (Some(own), known) => {
                compared += 1;
                let later = matches!(known, Some((_, Difference::Later))) && *own > theirs;
                if (theirs - own).abs() <= 1e-9 * theirs.abs() {
                    equal += 1;
                } else if !later && !matches!(known, Some((_, Difference::Other))) {
                    wrong.push(format!("{key:?}: {own}, but of cAdvisor {theirs}"));
                }
            }
        }
    }
    eprintln!("{compared} samples of containers compared with cAdvisor, {equal} are equal");
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared > 40 * containers.len());
}

/// Those of this host.
fn differences() -> impl Iterator<Item = &'static (&'static str, Difference)> {
    let v2 = Path::new("/sys/fs/cgroup/cgroup.controllers").exists();
    DIFFERENCES
        .iter()
        .chain(if v2 { DIFFERENCES_V2 } else { &[] })
}

/// A scrape of cAdvisor, without the times that it gives its samples.
fn scrape(peer: &Server) -> Vec<Sample> {
    let body = String::from_utf8(peer.body()).unwrap();
    let mut plain = String::with_capacity(body.len());
    for line in body.lines() {
        let labels = line.rfind('}').or(line.find(' ')).unwrap_or_default();
        let (before, after) = line.split_at(labels + 1);
        match after.trim_start().split_once(' ') {
            Some((value, _)) if !line.starts_with('#') => {
                plain.extend([before.trim_end(), " ", value]);
            }
            _ => plain.push_str(line),
        }
        plain.push('\n');
    }
    exposition::parse(plain.as_bytes()).unwrap_or_else(|wrong| panic!("{wrong}"))
}

/// Families that are missing, of another type, or lack a label.
fn shapes(theirs: &[Sample], ours: &[Sample]) -> Vec<String> {
    let shapes = |samples: &[Sample]| {
        let mut shapes: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
        let is_told =
            |s: &&Sample| s.name.starts_with("container_") || s.name.starts_with("machine_");
        for sample in samples.iter().filter(is_told) {
            let (kind, labels) = shapes.entry(sample.name.clone()).or_default();
            kind.clone_from(&sample.kind);
            labels.extend(sample.labels.keys().cloned());
        }
        shapes
    };
    let ours = shapes(ours);
    let mut wrong = Vec::new();
    for (name, (kind, labels)) in shapes(theirs) {
        let absent = |(family, how): &(&str, Difference)| {
            *family == name && matches!(how, Difference::Absent)
        };
        match ours.get(&name) {
            None if differences().any(absent) => {}
            None => wrong.push(format!("{name} is missing")),
            Some((own, _)) if *own != kind => {
                wrong.push(format!("{name} is a {own}, not a {kind}"));
            }
            Some((_, own)) => {
                let lacks: Vec<_> = labels.difference(own).collect();
                if !lacks.is_empty() {
                    wrong.push(format!("{name} lacks {lacks:?}"));
                }
            }
        }
    }
    wrong
}

/// What tells a sample from others: its name, and its labels that have a value, but for the CPU.
fn key(sample: &Sample) -> (String, Vec<(String, String)>) {
    let told = |(name, value): &(&String, &String)| *name != "cpu" && !value.is_empty();
    let labels = sample.labels.iter().filter(told);
    (
        sample.name.clone(),
        labels
            .map(|(name, value)| (name.clone(), value.clone()))
            .collect(),
    )
}
