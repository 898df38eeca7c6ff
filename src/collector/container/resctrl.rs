//! `/sys/fs/resctrl`: memory bandwidth and cache that each container uses, on processors that tell.
//!
//! The groups there are those that somebody made and named after a container, as runc does. See
//! [the kernel's documentation](https://docs.kernel.org/filesystems/resctrl.html).

use std::path::{Path, PathBuf};

use crate::cgroup::Kind;
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::container::{Container, Role};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{self, Error, Files, Result, Roots};
use crate::kernel::attribute::numbered;
use crate::kernel::decimal;

static USAGE: Table<Usage, 1> = Table {
    labels: ["node_id"],
    metrics: &[
        gauge("container_memory_bandwidth_bytes")
            .help("Bytes moved between memory and a last-level cache.")
            .value(|u| count(u.total)),
        gauge("container_memory_bandwidth_local_bytes")
            .help("Bytes moved between memory of the same node and a last-level cache.")
            .value(|u| count(u.local)),
        gauge("container_llc_occupancy_bytes")
            .help("Bytes of a last-level cache in use.")
            .value(|u| count(u.occupancy)),
    ],
};

/// Collects memory bandwidth and use of caches.
pub struct Resctrl {
    groups: Found<Vec<Group>>,
    found: Vec<Sample>,
}

/// A group of resctrl.
#[derive(Debug)]
struct Group {
    /// The container it is named after.
    container: Option<Box<str>>,
    /// Whether it is one of those that make up the host.
    controls: bool,
    caches: Vec<Cache>,
}

/// A last-level cache, and where its numbers for a group are.
#[derive(Debug)]
struct Cache {
    number: Box<str>,
    dir: PathBuf,
}

/// What uses one cache. Each is `None` where the processor does not tell, or not now.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Usage {
    total: Option<u64>,
    local: Option<u64>,
    occupancy: Option<u64>,
}

/// What a row uses of a cache.
#[derive(Debug)]
struct Sample {
    row: usize,
    /// Places of a group and of the cache in it.
    cache: (usize, usize),
    usage: Usage,
}

impl Collector for Resctrl {
    const NAME: &'static str = "container.resctrl";
    const ABOUT: &'static str =
        "Memory bandwidth and cache of the host and of containers that have a group in resctrl.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/resctrl")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        USAGE.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { groups: Found::new(roots.sys.join("fs/resctrl")), found: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { groups, found } = self;
        let groups = &*groups.get(host.now, find)?;
        let Host { containers, files, failures, .. } = host;
        let Some(containers) = containers else { return Err(Error::Absent("cgroup".into())) };
        let rows = containers.rows();
        found.clear();
        for (at, group) in groups.iter().enumerate() {
            let whole = rows
                .iter()
                .position(|row| group.controls && row.role == Role::Host);
            let own = rows.iter().position(|row| group.is_of(row));
            if own.is_none() && whole.is_none() {
                continue;
            }
            for (i, cache) in group.caches.iter().enumerate() {
                match cache.usage(files) {
                    Ok(usage) => {
                        let sample = |row| Sample { row, cache: (at, i), usage };
                        add(found, groups, whole.map(sample), true);
                        add(found, groups, own.map(sample), false);
                    }
                    Err(error) => failures.note_attribute(&error),
                }
            }
        }
        found.sort_by_key(|sample| sample.row);
        let named = found
            .iter()
            .filter_map(|s| Some(((&rows.get(s.row)?.labels, number(groups, s)?), &s.usage)));
        text.table(&USAGE, named);
        Ok(())
    }
}

impl Group {
    fn is_of(&self, row: &Container) -> bool {
        match (Kind::of(row.cgroup.path()), &self.container) {
            (Kind::Container(id), Some(container)) => id == &**container,
            _ => false,
        }
    }
}

/// The number of the cache that a sample is of.
fn number<'g>(groups: &'g [Group], sample: &Sample) -> Option<&'g str> {
    let (group, cache) = sample.cache;
    Some(&groups.get(group)?.caches.get(cache)?.number)
}

/// Adds to what is found of a row. What one container has in two groups, the first tells.
fn add(found: &mut Vec<Sample>, groups: &[Group], sample: Option<Sample>, sum: bool) {
    let Some(sample) = sample else { return };
    let same =
        |s: &&mut Sample| s.row == sample.row && number(groups, s) == number(groups, &sample);
    match found.iter_mut().find(same) {
        Some(known) if sum => {
            let plus = |a: Option<u64>, b: Option<u64>| Some(a?.saturating_add(b?));
            known.usage = Usage {
                total: plus(known.usage.total, sample.usage.total),
                local: plus(known.usage.local, sample.usage.local),
                occupancy: plus(known.usage.occupancy, sample.usage.occupancy),
            };
        }
        Some(_) => {}
        None => found.push(sample),
    }
}

impl Cache {
    fn usage(&self, files: &mut Files) -> Result<Usage> {
        // `Unavailable` or `Error` is no number now.
        let mut number = |name: &str| {
            let read =
                files.load_if_any(&self.dir.join(name), |text| Ok(decimal(text.trim_ascii())));
            read.map(Option::flatten)
        };
        Ok(Usage {
            total: number("mbm_total_bytes")?,
            local: number("mbm_local_bytes")?,
            occupancy: number("llc_occupancy")?,
        })
    }
}

/// The root, the groups in it, and the groups of each that are there to be watched alone.
fn find(dir: &Path) -> Result<Vec<Group>> {
    let mut groups = Vec::new();
    let mut watched = Vec::new();
    for name in files::names(dir)? {
        let group = files::below(dir, &name);
        if is_group(&group) && &*name != b"mon_groups" {
            groups.push(Group {
                container: container(&name),
                controls: true,
                caches: caches(&group),
            });
            watched.push(group);
        }
    }
    if is_group(dir) {
        groups.push(Group { container: None, controls: true, caches: caches(dir) });
        watched.push(dir.into());
    }
    for parent in watched {
        let parent = parent.join("mon_groups");
        for name in files::names(&parent).unwrap_or_default() {
            let caches = caches(&files::below(&parent, &name));
            groups.push(Group { container: container(&name), controls: false, caches });
        }
    }
    Ok(groups)
}

fn is_group(dir: &Path) -> bool {
    dir.join("mon_data").is_dir()
}

fn container(name: &[u8]) -> Option<Box<str>> {
    match Kind::of(str::from_utf8(name).ok()?) {
        Kind::Container(id) => Some(id.into()),
        Kind::Host | Kind::Task(_) | Kind::Unit | Kind::Other => None,
    }
}

/// Those in `mon_data/mon_L3_00` and so on.
fn caches(group: &Path) -> Vec<Cache> {
    let dir = group.join("mon_data");
    let names = files::names(&dir).unwrap_or_default();
    let cache = |name: &[u8]| {
        let number = decimal(numbered(name, b"mon_L3_")?)?;
        Some(Cache { number: number.to_string().into(), dir: files::below(&dir, name) })
    };
    names.iter().filter_map(|name| cache(name)).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn finds_the_groups_of_containers_and_adds_up_those_of_the_host() {
        let [a, b] = ["a", "b"].map(|digit| digit.repeat(64));
        let paths = [
            format!("sys/fs/cgroup/{a}/cgroup.procs"),
            format!("sys/fs/cgroup/{b}/cgroup.procs"),
            format!("sys/fs/resctrl/{a}/mon_data/mon_L3_01/mbm_total_bytes"),
            format!(
                "sys/fs/resctrl/mon_groups/cadvisor-docker-{b}/mon_data/mon_L3_01/mbm_total_bytes"
            ),
        ];
        let [procs_a, procs_b, total_a, total_b] = paths.each_ref().map(String::as_str);
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            (procs_a, ""),
            (procs_b, ""),
            ("sys/fs/resctrl/schemata", ""),
            ("sys/fs/resctrl/info/last_cmd_status", ""),
            ("sys/fs/resctrl/mon_data/mon_L3_01/mbm_total_bytes", "100\n"),
            ("sys/fs/resctrl/mon_data/mon_L3_01/mbm_local_bytes", "50\n"),
            ("sys/fs/resctrl/mon_data/mon_L3_01/llc_occupancy", "Unavailable\n"),
            (total_a, "7\n"),
            (total_b, "5\n"),
        ];
        let mut host = Trial::<Resctrl>::new(&[], &tree).contained();
        let expected = format!(
            r#"container_memory_bandwidth_bytes{{id="/",node_id="1"}} 107
container_memory_bandwidth_bytes{{id="/{a}",node_id="1"}} 7
container_memory_bandwidth_bytes{{id="/{b}",node_id="1"}} 5
"#
        );
        assert_eq!(host.collect().unwrap(), expected);
        let none = [("proc/1/mountinfo", tree[0].1)];
        let absent = Trial::<Resctrl>::new(&[], &none).contained().collect();
        assert!(matches!(absent, Err(Error::Absent(_))));
    }
}
