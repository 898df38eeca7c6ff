//! What memory a control group has, in one vocabulary for both versions.

use super::Limit;

/// Memory of a control group and its descendants, in bytes unless said otherwise.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Memory {
    /// All that is charged to it.
    pub usage: Option<u64>,
    /// The most that ever was. On cgroup v2 since Linux 5.19.
    pub peak: Option<u64>,
    /// Page cache, shared memory included.
    pub cache: Option<u64>,
    /// Anonymous memory.
    pub rss: Option<u64>,
    /// Files that are mapped.
    pub mapped_file: Option<u64>,
    /// Swap in use. `None` where the kernel does not account for it.
    pub swap: Option<u64>,
    /// Memory of the kernel itself. On cgroup v2 since Linux 5.18.
    pub kernel: Option<u64>,
    /// Page cache in use.
    pub active_file: Option<u64>,
    /// Page cache that the kernel would drop first.
    pub inactive_file: Option<u64>,
    /// Page cache that waits to be written.
    pub file_dirty: Option<u64>,
    /// Page cache that is being written.
    pub file_writeback: Option<u64>,
    /// How often it ran into its limit, a count.
    pub failcnt: Option<u64>,
    /// How often it was slowed by its `memory.high`, a count. Cgroup v2 alone.
    pub events_high: Option<u64>,
    /// Processes that the kernel killed for want of memory, a count. On cgroup v1 since Linux 4.13.
    pub oom_kills: Option<u64>,
    /// Faults of the group alone, a count.
    pub pgfault: Option<u64>,
    /// Faults of the group alone that had to wait for a disk, a count.
    pub pgmajfault: Option<u64>,
    /// Faults, a count.
    pub total_pgfault: Option<u64>,
    /// Faults that had to wait for a disk, a count.
    pub total_pgmajfault: Option<u64>,
    /// Pages looked at for reclaim, a count. Cgroup v2 alone.
    pub pgscan: Option<u64>,
    /// Pages reclaimed, a count. Cgroup v2 alone.
    pub pgsteal: Option<u64>,
    /// File pages that were needed again soon after, a count.
    pub refault_file: Option<u64>,
    /// Anonymous pages that were needed again soon after, a count. Since Linux 5.9.
    pub refault_anon: Option<u64>,
}

impl Memory {
    /// What it could not do without: usage, less the page cache the kernel would drop first.
    pub fn working_set(&self) -> Option<u64> {
        Some(self.usage?.saturating_sub(self.inactive_file?))
    }
}

/// What the kernel of the whole host did for want of memory. Each is `None` if not known.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Vm {
    /// Processes killed, a count. Where it is the same as last time, no group has another one.
    pub oom_kills: Option<u64>,
    /// Pages looked at or moved to reclaim memory, in all ways together: it never falls, and where it
    /// is the same as last time, no page of any group was.
    pub reclaimed: Option<u64>,
}

/// What tells whether numbers of memory that seldom change may have changed.
#[derive(Clone, Copy, Debug, Default)]
pub struct MemoryNews {
    /// What happened on the whole host.
    pub vm: Vm,
    /// What the group may use. One that never came near it was never refused memory. `None` if not
    /// known.
    pub limit: Option<Limit>,
}
