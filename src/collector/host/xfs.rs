//! XFS: what each file system did since it was mounted.
//!
//! See [the list of statistics](https://xfs.org/index.php/Runtime_Stats).

use std::path::Path;

use crate::collector::attribute::Report;
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, counter};
use crate::files::{self, Result, Roots};
use crate::kernel::{decimal, lines};

/// A number of the file, and the family it is written as.
struct Counter {
    /// The first word of its line.
    line: &'static [u8],
    /// Which number of the line it is, counted from 0.
    place: usize,
    family: Family<1>,
}

const fn at(line: &'static [u8], place: usize, name: &'static str, help: &'static str) -> Counter {
    Counter { line, place, family: counter(name).help(help).labels(["device"]) }
}

static COUNTERS: [Counter; 39] = [
    at(
        b"extent_alloc",
        0,
        "node_xfs_extent_allocation_extents_allocated_total",
        "Extents allocated.",
    ),
    at(
        b"extent_alloc",
        1,
        "node_xfs_extent_allocation_blocks_allocated_total",
        "Blocks allocated.",
    ),
    at(b"extent_alloc", 2, "node_xfs_extent_allocation_extents_freed_total", "Extents freed."),
    at(b"extent_alloc", 3, "node_xfs_extent_allocation_blocks_freed_total", "Blocks freed."),
    at(b"abt", 0, "node_xfs_allocation_btree_lookups_total", "Lookups in the tree of free space."),
    at(
        b"abt",
        1,
        "node_xfs_allocation_btree_compares_total",
        "Compares in the tree of free space.",
    ),
    at(
        b"abt",
        2,
        "node_xfs_allocation_btree_records_inserted_total",
        "Records put into the tree of free space.",
    ),
    at(
        b"abt",
        3,
        "node_xfs_allocation_btree_records_deleted_total",
        "Records taken out of the tree of free space.",
    ),
    at(
        b"blk_map",
        0,
        "node_xfs_block_mapping_reads_total",
        "Times blocks were looked up to be read.",
    ),
    at(
        b"blk_map",
        1,
        "node_xfs_block_mapping_writes_total",
        "Times blocks were looked up to be written.",
    ),
    at(
        b"blk_map",
        2,
        "node_xfs_block_mapping_unmaps_total",
        "Times blocks were taken away from a file.",
    ),
    at(
        b"blk_map",
        3,
        "node_xfs_block_mapping_extent_list_insertions_total",
        "Extents put into the list of a file.",
    ),
    at(
        b"blk_map",
        4,
        "node_xfs_block_mapping_extent_list_deletions_total",
        "Extents taken out of the list of a file.",
    ),
    at(
        b"blk_map",
        5,
        "node_xfs_block_mapping_extent_list_lookups_total",
        "Lookups in the list of a file's extents.",
    ),
    at(
        b"blk_map",
        6,
        "node_xfs_block_mapping_extent_list_compares_total",
        "Compares in the list of a file's extents.",
    ),
    at(
        b"bmbt",
        0,
        "node_xfs_block_map_btree_lookups_total",
        "Lookups in the tree of a file's extents.",
    ),
    at(
        b"bmbt",
        1,
        "node_xfs_block_map_btree_compares_total",
        "Compares in the tree of a file's extents.",
    ),
    at(
        b"bmbt",
        2,
        "node_xfs_block_map_btree_records_inserted_total",
        "Records put into the tree of a file's extents.",
    ),
    at(
        b"bmbt",
        3,
        "node_xfs_block_map_btree_records_deleted_total",
        "Records taken out of the tree of a file's extents.",
    ),
    at(
        b"dir",
        0,
        "node_xfs_directory_operation_lookup_total",
        "Names looked up in directories because the kernel's cache did not know them.",
    ),
    at(b"dir", 1, "node_xfs_directory_operation_create_total", "Names made in directories."),
    at(
        b"dir",
        2,
        "node_xfs_directory_operation_remove_total",
        "Names taken away from directories.",
    ),
    at(b"dir", 3, "node_xfs_directory_operation_getdents_total", "Times directories were listed."),
    at(b"ig", 0, "node_xfs_inode_operation_attempts_total", "Inodes looked for in the cache."),
    at(b"ig", 1, "node_xfs_inode_operation_found_total", "Inodes found in the cache."),
    at(
        b"ig",
        2,
        "node_xfs_inode_operation_recycled_total",
        "Inodes found in the cache that were about to be dropped.",
    ),
    at(b"ig", 3, "node_xfs_inode_operation_missed_total", "Inodes that were not in the cache."),
    at(
        b"ig",
        4,
        "node_xfs_inode_operation_duplicates_total",
        "Inodes that another put into the cache meanwhile.",
    ),
    at(
        b"ig",
        5,
        "node_xfs_inode_operation_reclaims_total",
        "Inodes dropped from the cache to make room.",
    ),
    at(
        b"ig",
        6,
        "node_xfs_inode_operation_attribute_changes_total",
        "Times attributes of an inode were changed.",
    ),
    at(b"rw", 0, "node_xfs_write_calls_total", "Calls of write(2)."),
    at(b"rw", 1, "node_xfs_read_calls_total", "Calls of read(2)."),
    at(b"vnodes", 0, "node_xfs_vnode_active_total", "Vnodes in use."),
    at(b"vnodes", 1, "node_xfs_vnode_allocate_total", "Vnodes allocated."),
    at(b"vnodes", 2, "node_xfs_vnode_get_total", "Vnodes got."),
    at(b"vnodes", 3, "node_xfs_vnode_hold_total", "Vnodes held."),
    at(b"vnodes", 4, "node_xfs_vnode_release_total", "Vnodes released."),
    at(b"vnodes", 5, "node_xfs_vnode_reclaim_total", "Vnodes reclaimed."),
    at(b"vnodes", 6, "node_xfs_vnode_remove_total", "Vnodes removed."),
];

/// Collects what XFS did.
pub struct Xfs {
    mounted: Found<Vec<Mounted>>,
}

/// A file system that is mounted.
#[derive(Debug)]
struct Mounted {
    device: Box<[u8]>,
    stats: Report,
    /// In the order of [`COUNTERS`]; `None` for what this kernel does not count.
    values: [Option<u64>; COUNTERS.len()],
}

impl Collector for Xfs {
    const NAME: &'static str = "xfs";
    const ABOUT: &'static str = "What XFS file systems did.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/xfs")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        COUNTERS.iter().map(|counter| counter.family.descriptor())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { mounted: Found::new(roots.sys.join("fs/xfs")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Some(mounted) = self.mounted.get_if_any(host.now, find)? else { return Ok(()) };
        for Mounted { stats, values, .. } in &mut *mounted {
            *values = [None; COUNTERS.len()];
            stats.read(|text| *values = parse(text), host);
        }
        for (place, counter) in COUNTERS.iter().enumerate() {
            let mut family = text.family(&counter.family);
            for Mounted { device, values, .. } in &*mounted {
                if let Some(value) = values.get(place).copied().flatten() {
                    family.sample(&**device, value);
                }
            }
        }
        Ok(())
    }
}

fn find(dir: &Path) -> Result<Vec<Mounted>> {
    let mut mounted = Vec::new();
    for device in files::names(dir)? {
        // Beside the file systems there are `stats` of all of them, and `debug`.
        let stats = files::below(dir, &device).join("stats/stats");
        if stats.exists() {
            let stats = Report::new(stats);
            mounted.push(Mounted { device, stats, values: [None; COUNTERS.len()] });
        }
    }
    Ok(mounted)
}

/// Parses `rw 1264 1388` among other lines. What is not a number, or not there, is `None`.
fn parse(text: &[u8]) -> [Option<u64>; COUNTERS.len()] {
    let mut values = [None; COUNTERS.len()];
    for mut line in lines(text) {
        let Some(word) = line.field() else { continue };
        let numbers = std::iter::from_fn(|| line.field().map(decimal));
        for (place, number) in numbers.enumerate() {
            let wanted = COUNTERS.iter().zip(&mut values);
            for (_, value) in wanted.filter(|(c, _)| c.line == word && c.place == place) {
                *value = number;
            }
        }
    }
    values
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_what_file_systems_did() {
        expect::<Xfs>(&[], "xfs");
        expect_nothing::<Xfs>(&[]);
    }

    #[test]
    fn leaves_out_what_is_no_number() {
        let values = parse(b"rw 5\nvnodes x 6 -7\nextent_alloc\n\nnews 1 2 3\n");
        let found = values
            .iter()
            .zip(&COUNTERS)
            .filter(|(value, _)| value.is_some());
        let found: Vec<_> = found.map(|(v, c)| (c.line, c.place, v.unwrap())).collect();
        assert_eq!(found, [(&b"rw"[..], 0, 5), (b"vnodes", 1, 6)]);
    }
}
