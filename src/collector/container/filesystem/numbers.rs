//! What is said of containers, their volumes and the host.

use std::time::{Duration, Instant};

use super::look::Found;
use super::places::{Entry, Part};
use super::walker::Last;
use crate::collector::mounts::ask::Answer;
use crate::exposition::{Family, Table, count, gauge};
use crate::system::Statfs;

pub(super) static USAGE: Table<Usage, 1> = Table {
    labels: ["device"],
    metrics: &[
        gauge("container_fs_usage_bytes")
            .help("Bytes used on the device: of a container, by its writable layer and Docker's directory of it with the log, as last counted.")
            .value(|u| count(u.bytes)),
        gauge("container_fs_limit_bytes")
            .help("Bytes of the device, or those that a container's project quota lets it use.")
            .value(|u| count(u.limit)),
        gauge("container_fs_inodes_total")
            .help("Inodes of the device, where it has a fixed number of them.")
            .value(|u| count(u.inodes_total)),
        gauge("container_fs_inodes_free")
            .help("Inodes of the device that are free, where it has a fixed number of them.")
            .value(|u| count(u.inodes_free)),
        gauge("container_fs_inodes_used")
            .help("Inodes used on the device: of a container, by its writable layer and Docker's directory of it, as last counted.")
            .value(|u| count(u.inodes)),
    ],
};

pub(super) static LOG: Family<0> = gauge("container_fs_log_bytes")
    .help("Bytes used by Docker's directory of a container, which is its log and some small files, as last counted.")
    .labels([]);

pub(super) static AGE: Family<0> = gauge("container_fs_walk_age_seconds")
    .help("How long ago the writable layer and the log of a container were counted.")
    .labels([]);

pub(super) static VOLUMES: Table<Volumed, 2> = Table {
    labels: ["volume", "mountpoint"],
    metrics: &[
        gauge("container_volume_capacity_bytes")
            .help("Size of the file system that a volume is on.")
            .value(|v| count(v.capacity)),
        gauge("container_volume_available_bytes")
            .help("Bytes of the file system that a volume is on, that are free to those who are not root.")
            .value(|v| count(v.available)),
        gauge("container_volume_used_bytes")
            .help("Bytes used by a volume: of one with a file system of its own, by all of it; else as last counted.")
            .value(|v| count(v.used)),
        gauge("container_volume_inodes")
            .help("Inodes of the file system that a volume is on, where it has a fixed number of them.")
            .value(|v| count(v.inodes)),
        gauge("container_volume_inodes_free")
            .help("Inodes of the file system that a volume is on that are free, where it has a fixed number of them.")
            .value(|v| count(v.inodes_free)),
        gauge("container_volume_inodes_used")
            .help("Inodes used by a volume.")
            .value(|v| count(v.inodes_used)),
        gauge("container_volume_walk_age_seconds")
            .help("How long ago it was counted what a volume holds that has no file system of its own.")
            .value(|v| v.age.map(|age| age.as_secs_f64())),
    ],
};

/// Something of a row, on a device.
#[derive(Debug)]
pub(super) struct Row<T> {
    pub(super) row: usize,
    /// Place of the device. `None` for one that is not the host's.
    pub(super) device: Option<usize>,
    pub(super) of: T,
}

/// What a row uses of a device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Usage {
    pub(super) bytes: Option<u64>,
    pub(super) limit: Option<u64>,
    pub(super) inodes_total: Option<u64>,
    pub(super) inodes_free: Option<u64>,
    pub(super) inodes: Option<u64>,
}

/// What is known of a container whatever the device.
#[derive(Debug)]
pub(super) struct Sums {
    pub(super) row: usize,
    pub(super) log: Option<u64>,
    pub(super) age: Option<Duration>,
}

/// What is known of a volume.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Volumed {
    pub(super) capacity: Option<u64>,
    pub(super) available: Option<u64>,
    pub(super) used: Option<u64>,
    pub(super) inodes: Option<u64>,
    pub(super) inodes_free: Option<u64>,
    pub(super) inodes_used: Option<u64>,
    pub(super) age: Option<Duration>,
}

/// What is known of one container.
pub(super) struct Reading<'a> {
    pub(super) row: usize,
    pub(super) entry: &'a Entry,
    pub(super) sizes: &'a [Answer],
    pub(super) now: Instant,
}

impl Reading<'_> {
    fn size(&self, place: Option<usize>) -> Option<&Statfs> {
        known(self.sizes.get(place?)?)
    }

    /// What it uses of the device its layer is on, and of that of its log, if that is another one.
    pub(super) fn usage(&self, out: &mut Vec<Row<Usage>>) {
        let Some(layer) = &self.entry.layer else { return };
        // Where Docker says that it is, but it is not to be seen, it may be anywhere.
        let Last::Found(held, _) = layer.job.last() else { return };
        let mut usage = Usage::of(self.size(layer.place), Some(held));
        usage.limit = held.quota.or(usage.limit);
        if let Some(home) = &self.entry.home {
            let log = match home.job.last() {
                Last::Found(found, _) => Some(found),
                // A part of the use is not the use.
                Last::Gone | Last::NotYet => None,
            };
            if home.place == layer.place {
                usage.bytes = sum(usage.bytes, log.map(|log| log.bytes));
                usage.inodes = sum(usage.inodes, log.and_then(|log| log.inodes));
            } else if let Some(log) = log {
                let of = Usage::of(self.size(home.place), Some(log));
                out.push(Row { row: self.row, device: home.place, of });
            }
        }
        out.push(Row { row: self.row, device: layer.place, of: usage });
    }

    pub(super) fn sums(&self) -> Option<Sums> {
        let last = |part: &Option<Part>| match part.as_ref()?.job.last() {
            Last::Found(found, at) => Some((found.bytes, self.now.saturating_duration_since(at))),
            Last::Gone | Last::NotYet => None,
        };
        let (layer, home) = (last(&self.entry.layer), last(&self.entry.home));
        let age = [layer, home].iter().flatten().map(|(_, age)| *age).max()?;
        Some(Sums { row: self.row, log: home.map(|(bytes, _)| bytes), age: Some(age) })
    }

    pub(super) fn volumes(&self, out: &mut Vec<(Row<Volumed>, usize)>) {
        for (at, part) in self.entry.volumes.iter().enumerate() {
            let Last::Found(found, counted) = part.job.last() else { continue };
            let mut of = Volumed::default();
            if let Some(size) = self.size(part.place) {
                of.capacity = Some(size.blocks.saturating_mul(size.block_size));
                of.available = Some(size.blocks_available.saturating_mul(size.block_size));
                of.inodes = inodes(size).map(|(all, _)| all);
                of.inodes_free = inodes(size).map(|(_, free)| free);
                if part.whole {
                    of.used = Some(used(size));
                    of.inodes_used = inodes(size).map(|(all, free)| all.saturating_sub(free));
                }
            }
            if part.job.place.walk {
                of.used = Some(found.bytes);
                of.inodes_used = found.inodes;
                of.age = Some(self.now.saturating_duration_since(counted));
            }
            out.push((Row { row: self.row, device: part.place, of }, at));
        }
    }
}

impl Usage {
    /// Of the whole device.
    pub(super) fn of_host(size: &Statfs) -> Self {
        let inodes = inodes(size).map(|(all, free)| all.saturating_sub(free));
        Self { bytes: Some(used(size)), inodes, ..Self::of(Some(size), None) }
    }

    /// Of what is held on a device.
    fn of(size: Option<&Statfs>, held: Option<Found>) -> Self {
        let inodes_of = size.and_then(inodes);
        Self {
            bytes: held.map(|held| held.bytes),
            limit: size.map(|size| size.blocks.saturating_mul(size.block_size)),
            inodes_total: inodes_of.map(|(all, _)| all),
            inodes_free: inodes_of.map(|(_, free)| free),
            inodes: held.and_then(|held| held.inodes),
        }
    }
}

/// The size that a file system told.
pub(super) fn known(answer: &Answer) -> Option<&Statfs> {
    match answer {
        Answer::Found(size) => Some(size),
        Answer::Unasked | Answer::Late | Answer::Refused(_) => None,
    }
}

fn used(size: &Statfs) -> u64 {
    size.blocks
        .saturating_sub(size.blocks_free)
        .saturating_mul(size.block_size)
}

/// All inodes, and those that are free. `None` where they are made as they are needed, as on btrfs.
fn inodes(size: &Statfs) -> Option<(u64, u64)> {
    (size.files > 0).then_some((size.files, size.files_free))
}

fn sum(a: Option<u64>, b: Option<u64>) -> Option<u64> {
    a?.checked_add(b?)
}
