//! bcache: caches of block devices, on faster ones.
//!
//! See [the kernel's documentation](https://docs.kernel.org/admin-guide/bcache.html).

use std::path::Path;

use clap::Args;

use crate::collector::attribute::{self, Attribute, Device, Report};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Described, Descriptor, Table, Text, count, counter, gauge};
use crate::files::{self, Result, Roots};
use crate::kernel::bcache::{self, Priorities, Writeback, human};

static SETS: [Attribute<1>; 10] = [
    set(
        "average_key_size",
        gauge("node_bcache_average_key_size_sectors")
            .help("Sectors that a key of the tree stands for, on average."),
    ),
    set(
        "btree_cache_size",
        gauge("node_bcache_btree_cache_size_bytes")
            .help("Bytes of memory that hold parts of the tree."),
    ),
    set(
        "cache_available_percent",
        gauge("node_bcache_cache_available_percent")
            .help("Per cent of the cache that could hold what is yet to be written back."),
    ),
    set("congested", gauge("node_bcache_congested").help("How congested the cache is.")),
    set(
        "root_usage_percent",
        gauge("node_bcache_root_usage_percent").help("Per cent of the tree's root that are used."),
    ),
    set("tree_depth", gauge("node_bcache_tree_depth").help("Levels of the tree.")),
    set(
        "internal/active_journal_entries",
        gauge("node_bcache_active_journal_entries")
            .help("Entries of the journal that are newer than the tree."),
    ),
    set("internal/btree_nodes", gauge("node_bcache_btree_nodes").help("Nodes of the tree.")),
    Attribute::new(
        "internal/btree_read_average_duration_us",
        |text| human(text).map(|n| n * 1e-9),
        gauge("node_bcache_btree_read_average_duration_seconds")
            .help("Time to read of the tree on average: the kernel's microseconds, over 10^9.")
            .labels(["uuid"]),
    ),
    set(
        "internal/cache_read_races",
        counter("node_bcache_cache_read_races_total")
            .help("Times what was read from the cache was thrown out of it meanwhile."),
    ),
];

static BACKING: [Attribute<2>; 8] = [
    backing(
        "dirty_data",
        gauge("node_bcache_dirty_data_bytes")
            .help("Bytes of the device that are in the cache alone."),
    ),
    backing(
        "stats_total/bypassed",
        counter("node_bcache_bypassed_bytes_total").help("Bytes that went past the cache."),
    ),
    backing(
        "stats_total/cache_hits",
        counter("node_bcache_cache_hits_total")
            .help("I/Os that found what they wanted in the cache."),
    ),
    backing(
        "stats_total/cache_misses",
        counter("node_bcache_cache_misses_total")
            .help("I/Os that did not find what they wanted in the cache."),
    ),
    backing(
        "stats_total/cache_bypass_hits",
        counter("node_bcache_cache_bypass_hits_total")
            .help("I/Os meant to go past the cache that would have found what they wanted."),
    ),
    backing(
        "stats_total/cache_bypass_misses",
        counter("node_bcache_cache_bypass_misses_total")
            .help("I/Os meant to go past the cache that would not have found what they wanted."),
    ),
    backing(
        "stats_total/cache_miss_collisions",
        counter("node_bcache_cache_miss_collisions_total")
            .help("Times something was written while it was being put into the cache."),
    ),
    // Kernels since 5.7 do not read ahead; node_exporter leaves out the number while it is 0.
    Attribute::new(
        "stats_total/cache_readaheads",
        |text| human(text).filter(|n| *n != 0.0),
        counter("node_bcache_cache_readaheads_total")
            .help("Times more was read than was asked for.")
            .labels(["uuid", "backing_device"]),
    ),
];

static CACHES: [Attribute<2>; 3] = [
    cache(
        "io_errors",
        gauge("node_bcache_io_errors").help("Errors of the cache's device; old ones count less."),
    ),
    cache(
        "metadata_written",
        counter("node_bcache_metadata_written_bytes_total")
            .help("Bytes of bookkeeping written to the cache."),
    ),
    cache(
        "written",
        counter("node_bcache_written_bytes_total").help("Bytes of data written to the cache."),
    ),
];

static WRITEBACK: Table<Writeback, 2> = Table {
    labels: ["uuid", "backing_device"],
    metrics: &[
        gauge("node_bcache_dirty_target_bytes")
            .help("Bytes that are meant to be in the cache alone.")
            .value(|w| w.target),
        gauge("node_bcache_writeback_rate")
            .help("Bytes written back in a second.")
            .value(|w| w.rate),
        gauge("node_bcache_writeback_rate_proportional_term")
            .help("What is added to the rate for how far the target is away.")
            .value(|w| w.proportional),
        gauge("node_bcache_writeback_rate_integral_term")
            .help("What is added to the rate for how long the target has been away.")
            .value(|w| w.integral),
        gauge("node_bcache_writeback_change")
            .help("By how much the rate was changed last.")
            .value(|w| w.change),
    ],
};

static PRIORITIES: Table<Priorities, 2> = Table {
    labels: ["uuid", "cache_device"],
    metrics: &[
        gauge("node_bcache_priority_stats_unused_percent")
            .help("Per cent of the cache that hold nothing.")
            .value(|p| count(p.unused_percent)),
        gauge("node_bcache_priority_stats_metadata_percent")
            .help("Per cent of the cache that hold bookkeeping.")
            .value(|p| count(p.metadata_percent)),
    ],
};

const fn set(file: &'static str, family: Described) -> Attribute<1> {
    Attribute::new(file, human, family.labels(["uuid"]))
}

const fn backing(file: &'static str, family: Described) -> Attribute<2> {
    Attribute::new(file, human, family.labels(["uuid", "backing_device"]))
}

const fn cache(file: &'static str, family: Described) -> Attribute<2> {
    Attribute::new(file, human, family.labels(["uuid", "cache_device"]))
}

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Say how full caches are, too, which the kernel takes long to find out
    #[arg(id = "collector.bcache.priorityStats", long)]
    priorities: bool,
}

/// Collects what caches of block devices did.
pub struct Bcache {
    priorities: bool,
    found: Found<Sets>,
}

#[derive(Debug, Default)]
struct Sets {
    sets: Vec<Device<1>>,
    backing: Vec<Device<2>>,
    writeback: Vec<(Report, Writeback)>,
    caches: Vec<Device<2>>,
    priorities: Vec<(Report, Priorities)>,
}

impl Collector for Bcache {
    const NAME: &'static str = "bcache";
    const ABOUT: &'static str = "Caches of block devices, on faster ones.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/bcache")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&SETS)
            .chain(attribute::descriptors(&BACKING))
            .chain(WRITEBACK.descriptors())
            .chain(attribute::descriptors(&CACHES))
            .chain(PRIORITIES.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let found = Found::new(roots.sys.join("fs/bcache"));
        Ok(Self { priorities: flags.priorities, found })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Some(found) = self.found.get_if_any(host.now, find)? else { return Ok(()) };
        attribute::write(&SETS, &mut found.sets, host, text);
        attribute::write(&BACKING, &mut found.backing, host, text);
        for (file, writeback) in &mut found.writeback {
            *writeback = Writeback::default();
            file.read(|text| *writeback = bcache::writeback(text), host);
        }
        let rows = found.backing.iter().zip(&found.writeback);
        text.table(&WRITEBACK, rows.map(|(device, (_, row))| (device.labels(), row)));
        attribute::write(&CACHES, &mut found.caches, host, text);
        if self.priorities {
            for (file, priorities) in &mut found.priorities {
                *priorities = Priorities::default();
                file.read(|text| *priorities = bcache::priorities(text), host);
            }
            let rows = found.caches.iter().zip(&found.priorities);
            text.table(&PRIORITIES, rows.map(|(device, (_, row))| (device.labels(), row)));
        }
        Ok(())
    }
}

fn find(dir: &Path) -> Result<Sets> {
    let mut found = Sets::default();
    for uuid in files::names(dir)?
        .into_iter()
        .filter(|name| name.contains(&b'-'))
    {
        let dir = files::below(dir, &uuid);
        for name in files::names(&dir).unwrap_or_default() {
            let dir = files::below(&dir, &name);
            let numbered = |prefix: &[u8]| {
                name.strip_prefix(prefix)
                    .and_then(<[u8]>::first)
                    .is_some_and(u8::is_ascii_digit)
            };
            if numbered(b"bdev") {
                let writeback = Report::new(dir.join("writeback_rate_debug"));
                found.writeback.push((writeback, Writeback::default()));
                found.backing.push(Device::new(dir, [&uuid, &name]));
            } else if numbered(b"cache") {
                let priorities = Report::new(dir.join("priority_stats"));
                found.priorities.push((priorities, Priorities::default()));
                found.caches.push(Device::new(dir, [&uuid, &name]));
            }
        }
        found.sets.push(Device::new(dir, [&uuid]));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_what_caches_did() {
        expect::<Bcache>(&[], "bcache");
        expect::<Bcache>(&["--collector.bcache.priorityStats"], "bcache_priorities");
        expect_nothing::<Bcache>(&[]);
    }
}
