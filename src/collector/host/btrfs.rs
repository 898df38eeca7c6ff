//! Btrfs: how much of each file system is allocated, and how long its commits take.
//!
//! See [the documentation of its sysfs](https://btrfs.readthedocs.io/en/latest/ch-sysfs.html).
//! Errors of devices and their UUIDs are told by ioctl alone, to those who see where the file system is
//! mounted.

mod devices;
mod members;

use std::path::Path;

use self::devices::Disks;
use self::members::Member;
use crate::collector::attribute::{self, Attribute, Device, Number, Report, word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter, gauge, info, millis};
use crate::files::{self, Files, Result, Roots};
use crate::kernel::attribute::number;
use crate::kernel::{decimal, lines};

static INFO: Family<2> = info("node_btrfs_info")
    .help("What the file system is called, as a label.")
    .labels(["uuid", "label"]);

static VOLUMES: [Attribute<1>; 1] = [Attribute::new(
    "allocation/global_rsv_size",
    number,
    gauge("node_btrfs_global_rsv_size_bytes")
        .help("Bytes kept back so that the file system never cannot go on.")
        .labels(["uuid"]),
)];

static COMMITS: Table<Commits, 1> = Table {
    labels: ["uuid"],
    metrics: &[
        counter("node_btrfs_commits_total")
            .help("Commits made.")
            .value(|c| count(c.commits)),
        gauge("node_btrfs_last_commit_seconds")
            .help("Seconds the last commit took.")
            .value(|c| millis(c.last_ms)),
        gauge("node_btrfs_max_commit_seconds")
            .help("Seconds the longest commit took.")
            .value(|c| millis(c.longest_ms)),
        counter("node_btrfs_commit_seconds_total")
            .help("Seconds all commits took.")
            .value(|c| millis(c.total_ms)),
    ],
};

static KINDS: [Attribute<2>; 1] = [Attribute::new(
    "bytes_reserved",
    number,
    gauge("node_btrfs_reserved_bytes")
        .help("Bytes that are promised to such data and not yet written.")
        .labels(["uuid", "block_group_type"]),
)];

static LAYOUTS: [Attribute<3>; 2] = [
    Attribute::new(
        "used_bytes",
        number,
        gauge("node_btrfs_used_bytes")
            .help("Bytes that such data takes, in this layout, copies not counted.")
            .labels(["uuid", "block_group_type", "mode"]),
    ),
    Attribute::new(
        "total_bytes",
        number,
        gauge("node_btrfs_size_bytes")
            .help("Bytes that are set aside for such data, in this layout, copies not counted.")
            .labels(["uuid", "block_group_type", "mode"]),
    ),
];

static RATIO: Family<3> = gauge("node_btrfs_allocation_ratio")
    .help("Bytes on devices that a byte of such data takes, in this layout.")
    .labels(["uuid", "block_group_type", "mode"]);

/// Collects what Btrfs says of its file systems.
pub struct Btrfs {
    roots: Roots,
    found: Found<Mounted>,
}

/// All file systems that are mounted.
#[derive(Debug, Default)]
struct Mounted {
    /// UUID and label of each.
    names: Vec<[Box<[u8]>; 2]>,
    volumes: Vec<Device<1>>,
    commits: Vec<(Box<[u8]>, Report, Commits)>,
    kinds: Vec<Device<2>>,
    layouts: Vec<Device<3>>,
    /// Of each layout.
    ratios: Vec<f64>,
    devices: Vec<Member>,
}

/// Commits of a file system since it was mounted, told since Linux 6.0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Commits {
    commits: Option<u64>,
    last_ms: Option<u64>,
    longest_ms: Option<u64>,
    total_ms: Option<u64>,
}

impl Collector for Btrfs {
    const NAME: &'static str = "btrfs";
    const ABOUT: &'static str = "Allocation and commits of Btrfs file systems.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/sys/fs/btrfs"), Need::Read("/proc/1/mountinfo"), Need::Read("/")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor()]
            .into_iter()
            .chain(attribute::descriptors(&VOLUMES))
            .chain(COMMITS.descriptors())
            .chain(attribute::descriptors(&KINDS))
            .chain(attribute::descriptors(&LAYOUTS))
            .chain([RATIO.descriptor()])
            .chain([
                members::SIZE.descriptor(),
                members::UNUSED.descriptor(),
                members::ERRORS.descriptor(),
            ])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { roots: roots.clone(), found: Found::new(roots.sys.join("fs/btrfs")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self
            .found
            .get_if_any(host.now, |dir| find(dir, &mut host.files))?;
        let Some(found) = found else { return Ok(()) };
        let mut family = text.family(&INFO);
        for names in &found.names {
            family.sample(names.each_ref().map(|name| Some(&**name)), 1.0);
        }
        attribute::write(&VOLUMES, &mut found.volumes, host, text);
        for (_, stats, commits) in &mut found.commits {
            *commits = Commits::default();
            stats.read(|text| *commits = parse(text), host);
        }
        text.table(
            &COMMITS,
            found
                .commits
                .iter()
                .map(|(uuid, _, commits)| (&**uuid, commits)),
        );
        attribute::write(&KINDS, &mut found.kinds, host, text);
        attribute::write(&LAYOUTS, &mut found.layouts, host, text);
        let mut family = text.family(&RATIO);
        for (layout, ratio) in found.layouts.iter().zip(&found.ratios) {
            family.sample(layout.labels(), *ratio);
        }
        let mut disks = Disks::new();
        if !found.devices.is_empty() {
            match devices::ask(&self.roots, host) {
                Ok(told) => disks = told,
                Err(error) => host.failures.note(&error),
            }
        }
        members::write(&mut found.devices, &disks, host, text);
        Ok(())
    }
}

fn find(dir: &Path, files: &mut Files) -> Result<Mounted> {
    let mut found = Mounted::default();
    for name in files::names(dir)?
        .into_iter()
        .filter(|name| name.contains(&b'-'))
    {
        let dir = files::below(dir, &name);
        let Ok(devices) = files::names(&dir.join("devices")) else { continue };
        // Two clones that are mounted at once have it in common.
        let another = |uuid: &[u8]| found.names.iter().any(|[known, _]| **known == *uuid);
        let uuid = word(&dir.join("metadata_uuid"), files);
        let uuid = uuid
            .filter(|uuid| !uuid.is_empty() && !another(uuid))
            .unwrap_or_else(|| name.clone());
        let label = word(&dir.join("label"), files).unwrap_or_default();
        for device in &devices {
            let dir = files::below(&dir.join("devices"), device);
            found.devices.push(Member {
                uuids: [name.clone(), uuid.clone()],
                name: device.clone(),
                sectors: Number::new(dir.join("size")),
            });
        }
        for kind in ["data", "metadata", "system"] {
            let dir = dir.join("allocation").join(kind);
            let Ok(layouts) = files::names(&dir) else { continue };
            for layout in layouts {
                let dir = files::below(&dir, &layout);
                if dir.is_dir() {
                    found.ratios.push(ratio(&layout, devices.len() as f64));
                    found
                        .layouts
                        .push(Device::new(dir, [&uuid, kind.as_bytes(), &layout]));
                }
            }
            found.kinds.push(Device::new(dir, [&uuid, kind.as_bytes()]));
        }
        let commits = Report::new(dir.join("commit_stats"));
        found
            .commits
            .push((uuid.clone(), commits, Commits::default()));
        found.volumes.push(Device::new(dir, [&uuid]));
        found.names.push([uuid, label]);
    }
    Ok(found)
}

/// Bytes on devices that a byte takes in a layout; 0 where nobody knows.
fn ratio(layout: &[u8], devices: f64) -> f64 {
    match layout {
        b"single" | b"raid0" => 1.0,
        b"dup" | b"raid1" | b"raid10" => 2.0,
        b"raid1c3" => 3.0,
        b"raid1c4" => 4.0,
        b"raid5" => devices / (devices - 1.0),
        b"raid6" => devices / (devices - 2.0),
        _ => 0.0,
    }
}

/// Parses `commits 258051`, `last_commit_ms 1000` and so on, a line each.
fn parse(text: &[u8]) -> Commits {
    let mut commits = Commits::default();
    for mut line in lines(text) {
        let slot = match line.field() {
            Some(b"commits") => &mut commits.commits,
            Some(b"last_commit_ms") => &mut commits.last_ms,
            Some(b"max_commit_ms") => &mut commits.longest_ms,
            Some(b"total_commit_ms") => &mut commits.total_ms,
            _ => continue,
        };
        *slot = line.field().and_then(decimal);
    }
    commits
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_how_much_is_allocated() {
        expect::<Btrfs>(&[], "btrfs");
        expect_nothing::<Btrfs>(&[]);
    }

    #[test]
    fn knows_what_layouts_cost() {
        let ratios = ["single", "raid1", "raid1c3", "raid1c4", "raid5", "raid6", "raid7"]
            .map(|layout| ratio(layout.as_bytes(), 4.0));
        assert_eq!(ratios, [1.0, 2.0, 3.0, 4.0, 4.0 / 3.0, 2.0, 0.0]);
    }

    #[test]
    fn leaves_out_what_commits_do_not_say() {
        let commits = parse(b"commits 3\nlast_commit_ms x\nnews 1\ntotal_commit_ms 1500");
        let expected = Commits { commits: Some(3), total_ms: Some(1500), ..Commits::default() };
        assert_eq!(commits, expected);
    }
}
