//! `/proc/meminfo`: what memory is used for.

use clap::Args;

use crate::collector::memo::Memo;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Pattern, Text, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::meminfo::Amount;

/// The fields that are said, each only if this kernel has it. What stands between the name's ends is
/// the field: `Active_anon` for `Active(anon)`.
static FIELDS: [Family<0>; 51] = [
    field("node_memory_MemTotal_bytes", "Memory there is, but for what the kernel's code takes."),
    field("node_memory_MemFree_bytes", "Memory that nobody uses, not even as a cache."),
    field("node_memory_MemAvailable_bytes", "Memory new programs could have without swapping."),
    field("node_memory_Buffers_bytes", "Page cache of raw block devices."),
    field("node_memory_Cached_bytes", "Page cache of files, shared memory included."),
    field("node_memory_SwapCached_bytes", "Memory that is in swap too, and can be dropped."),
    field("node_memory_Active_bytes", "Memory used of late, which is reclaimed last."),
    field("node_memory_Inactive_bytes", "Memory not used of late, which is reclaimed first."),
    field("node_memory_Active_anon_bytes", "Anonymous memory used of late."),
    field("node_memory_Inactive_anon_bytes", "Anonymous memory not used of late."),
    field("node_memory_Active_file_bytes", "Page cache used of late."),
    field("node_memory_Inactive_file_bytes", "Page cache not used of late."),
    field("node_memory_Unevictable_bytes", "Memory that cannot be reclaimed."),
    field("node_memory_Mlocked_bytes", "Memory that programs have locked."),
    field("node_memory_SwapTotal_bytes", "Swap there is."),
    field("node_memory_SwapFree_bytes", "Swap that is free."),
    field("node_memory_Zswap_bytes", "Memory taken by compressed swap."),
    field("node_memory_Zswapped_bytes", "Anonymous memory held in compressed swap, uncompressed."),
    field("node_memory_Dirty_bytes", "Page cache that waits to be written."),
    field("node_memory_Writeback_bytes", "Page cache that is being written."),
    field("node_memory_AnonPages_bytes", "Anonymous memory mapped by programs."),
    field("node_memory_Mapped_bytes", "Page cache mapped by programs."),
    field("node_memory_Shmem_bytes", "Shared memory and tmpfs."),
    field("node_memory_Slab_bytes", "The kernel's own data structures."),
    field("node_memory_SReclaimable_bytes", "Slab that could be reclaimed."),
    field("node_memory_SUnreclaim_bytes", "Slab that cannot be reclaimed."),
    field("node_memory_KernelStack_bytes", "The kernel's stacks, one a thread."),
    field("node_memory_PageTables_bytes", "Page tables."),
    field("node_memory_NFS_Unstable_bytes", "Pages sent to NFS servers but not stored there yet."),
    field("node_memory_Bounce_bytes", "Bounce buffers of block devices."),
    field("node_memory_WritebackTmp_bytes", "Memory in which FUSE writes back."),
    field("node_memory_CommitLimit_bytes", "Memory that may be promised, if promises are strict."),
    field("node_memory_Committed_AS_bytes", "Memory that was promised to programs."),
    field("node_memory_VmallocTotal_bytes", "Address space for vmalloc."),
    field("node_memory_VmallocUsed_bytes", "Address space that vmalloc uses."),
    field("node_memory_VmallocChunk_bytes", "The largest free piece of it, 0 on newer kernels."),
    field("node_memory_Percpu_bytes", "Memory that each CPU has a copy of."),
    field("node_memory_HardwareCorrupted_bytes", "Memory that is broken and was set aside."),
    field("node_memory_AnonHugePages_bytes", "Anonymous memory in transparent huge pages."),
    field("node_memory_ShmemHugePages_bytes", "Shared memory in transparent huge pages."),
    field("node_memory_ShmemPmdMapped_bytes", "Shared memory mapped by huge pages."),
    field("node_memory_CmaTotal_bytes", "Memory set aside for contiguous allocations."),
    field("node_memory_CmaFree_bytes", "Of this, what is free."),
    field("node_memory_HugePages_Total", "Huge pages set aside, a count of pages."),
    field("node_memory_HugePages_Free", "Huge pages not in use, a count of pages."),
    field(
        "node_memory_HugePages_Rsvd",
        "Huge pages promised but not in use yet, a count of pages.",
    ),
    field("node_memory_HugePages_Surp", "Huge pages beyond those set aside, a count of pages."),
    field("node_memory_Hugepagesize_bytes", "Size of a huge page."),
    field("node_memory_DirectMap4k_bytes", "Memory that the kernel maps by pages of 4 KiB."),
    field("node_memory_DirectMap2M_bytes", "Memory that the kernel maps by pages of 2 MiB."),
    field("node_memory_DirectMap1G_bytes", "Memory that the kernel maps by pages of 1 GiB."),
];

const fn field(name: &'static str, help: &'static str) -> Family<0> {
    gauge(name).help(help).labels([])
}

static OTHER_BYTES: Pattern = gauge("node_memory_<field>_bytes")
    .help("A further field of /proc/meminfo, if asked for.")
    .pattern();

static OTHER_COUNT: Pattern = gauge("node_memory_<field>")
    .help("A further field of /proc/meminfo that is not in bytes, if asked for.")
    .pattern();

/// Flags of the collector of memory.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// Say every field of /proc/meminfo, as node_exporter did before 1.9.
    #[arg(id = "collector.meminfo.all", long)]
    all: bool,
}

/// Collects what memory is used for.
pub struct Meminfo {
    file: Kept,
    all: bool,
    families: Memo<Option<&'static Family<0>>>,
}

impl Collector for Meminfo {
    const NAME: &'static str = "meminfo";
    const ABOUT: &'static str = "What memory is used for.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/meminfo")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        let others = [OTHER_BYTES.descriptor(), OTHER_COUNT.descriptor()];
        FIELDS.iter().map(Family::descriptor).chain(others)
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let file = Kept::new(roots.proc.join("meminfo"));
        Ok(Self { file, all: flags.all, families: Memo::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let meminfo = host.shared.meminfo(&mut self.file, &mut host.files)?;
        for (place, field) in meminfo.fields().iter().enumerate() {
            let family = self
                .families
                .recall(place, &field.name, || family(&field.name));
            match (family, field.amount) {
                (Some(family), amount) => text.family(family).sample((), amount.number()),
                (None, Amount::Bytes(n)) if self.all => text.pattern(&OTHER_BYTES, &field.name, n),
                (None, Amount::Count(n)) if self.all => text.pattern(&OTHER_COUNT, &field.name, n),
                (None, _) => {}
            }
        }
        Ok(())
    }
}

/// The family of a field.
fn family(field: &[u8]) -> Option<&'static Family<0>> {
    let field = field.iter().filter(|b| **b != b')');
    let field = field.map(|&b| if b == b'(' { b'_' } else { b });
    FIELDS.iter().find(|family| {
        let name = family.descriptor().name;
        let name = name.strip_prefix("node_memory_").unwrap_or(name);
        let name = name.strip_suffix("_bytes").unwrap_or(name);
        name.bytes().eq(field.clone())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const TREE: [(&str, &str); 1] = [(
        "proc/meminfo",
        "MemTotal:        3742148 kB\n\nActive(anon):    1 kB\nKReclaimable:  2 kB\n\
         HugePages_Total:   2\nHugetlb_New: 3\nHugepagesize:       2048 kB\n",
    )];

    #[test]
    fn says_the_known_fields() {
        let expected = "\
node_memory_MemTotal_bytes 3831959552
node_memory_Active_anon_bytes 1024
node_memory_HugePages_Total 2
node_memory_Hugepagesize_bytes 2097152
";
        let mut host = Trial::<Meminfo>::new(&[], &TREE);
        assert_eq!(host.collect().unwrap(), expected);
        assert_eq!(host.collect().unwrap(), expected, "from memory");
    }

    #[test]
    fn says_all_fields_if_asked() {
        let expected = "\
node_memory_MemTotal_bytes 3831959552
node_memory_Active_anon_bytes 1024
node_memory_KReclaimable_bytes 2048
node_memory_HugePages_Total 2
node_memory_Hugetlb_New 3
node_memory_Hugepagesize_bytes 2097152
";
        let mut host = Trial::<Meminfo>::new(&["--collector.meminfo.all"], &TREE);
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn fails_on_a_broken_file() {
        let mut host = Trial::<Meminfo>::new(&[], &[("proc/meminfo", "MemTotal: 1 MB\n")]);
        assert_eq!(host.complaint(), "/proc/meminfo: line 1: kB or nothing expected");
    }
}
