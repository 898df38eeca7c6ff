//! Memory of each container.

use super::{last_of, visit, write_with_last};
use crate::cgroup::{self, Finals};
use crate::collector::{Collector, Host, Need};
use crate::container::Container;
use crate::exposition::{Descriptor, Family, Table, Text, Word, count, counter, gauge};
use crate::files::{Result, Roots};

static MEMORY: Table<cgroup::Memory> = Table {
    labels: [],
    metrics: &[
        gauge("container_memory_cache")
            .help("Bytes of page cache, shared memory included.")
            .value(|m| count(m.cache)),
        gauge("container_memory_rss")
            .help("Bytes of anonymous memory.")
            .value(|m| count(m.rss)),
        gauge("container_memory_mapped_file")
            .help("Bytes of files that are mapped.")
            .value(|m| count(m.mapped_file)),
        gauge("container_memory_swap")
            .help("Bytes of swap in use.")
            .value(|m| count(m.swap)),
        gauge("container_memory_kernel_usage")
            .help("Bytes of memory of the kernel itself; on cgroup v2 since Linux 5.18.")
            .value(|m| count(m.kernel)),
        gauge("container_memory_usage_bytes")
            .help("Bytes of all that is charged to the group.")
            .value(|m| count(m.usage)),
        gauge("container_memory_max_usage_bytes")
            .help("The most bytes that were ever charged at once; on cgroup v2 since Linux 5.19.")
            .value(|m| count(m.peak)),
        gauge("container_memory_working_set_bytes")
            .help("Usage, less the page cache that the kernel would drop first.")
            .value(|m| count(m.working_set())),
        gauge("container_memory_total_active_file_bytes")
            .help("Bytes of page cache in use.")
            .value(|m| count(m.active_file)),
        gauge("container_memory_total_inactive_file_bytes")
            .help("Bytes of page cache that the kernel would drop first.")
            .value(|m| count(m.inactive_file)),
        gauge("container_memory_file_dirty_bytes")
            .help("Bytes of page cache that wait to be written.")
            .value(|m| count(m.file_dirty)),
        gauge("container_memory_file_writeback_bytes")
            .help("Bytes of page cache that are being written.")
            .value(|m| count(m.file_writeback)),
        counter("container_memory_failcnt")
            .help("How often the group ran into its memory limit.")
            .value(|m| count(m.failcnt)),
        counter("container_memory_events_high_total")
            .help("How often the group was slowed by its memory.high; cgroup v2 alone.")
            .value(|m| count(m.events_high)),
        counter("container_memory_events_max_total")
            .help("How often the group ran into its memory limit.")
            .value(|m| count(m.failcnt)),
        counter("container_memory_pgscan_total")
            .help("Pages looked at for reclaim; cgroup v2 alone.")
            .value(|m| count(m.pgscan)),
        counter("container_memory_pgsteal_total")
            .help("Pages reclaimed; cgroup v2 alone.")
            .value(|m| count(m.pgsteal)),
        counter("container_memory_workingset_refault_file_total")
            .help("File pages that were needed again soon after they were dropped.")
            .value(|m| count(m.refault_file)),
        counter("container_memory_workingset_refault_anon_total")
            .help("Anonymous pages that were needed again soon after they were dropped.")
            .value(|m| count(m.refault_anon)),
        counter("container_oom_events_total")
            .help("Processes that the kernel killed for want of memory; on cgroup v1 since Linux 4.13.")
            .value(|m| count(m.oom_kills)),
    ],
};

static FAILURES: Family<2> = counter("container_memory_failures_total")
    .help("Page faults, of the group alone and with its descendants; on cgroup v2 both are the latter.")
    .labels(["failure_type", "scope"]);

/// Collects the memory of containers.
pub struct Memory {
    last: Vec<Option<cgroup::Memory>>,
}

impl Collector for Memory {
    const NAME: &'static str = "container.memory";
    const ABOUT: &'static str = "Memory of each container, and what was killed for want of it.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/cgroup"), Need::Read("/proc/1/mountinfo")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        MEMORY.descriptors().chain([FAILURES.descriptor()])
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { last: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let vm = host.shared.vm;
        visit(host, |container, files| container.memory(vm, files).map(drop))?;
        last_of(host, &mut self.last, |finals| {
            let Finals { oom_kills, peak, .. } = *finals;
            Some(cgroup::Memory { oom_kills, peak, ..cgroup::Memory::default() })
        });
        write_with_last(&MEMORY, host, Container::known_memory, &self.last, text);
        let Some(containers) = &mut host.containers else { return Ok(()) };
        const MINOR: Word = Word::new("pgfault");
        const MAJOR: Word = Word::new("pgmajfault");
        const OWN: Word = Word::new("container");
        const ALL: Word = Word::new("hierarchy");
        let mut failures = text.family(&FAILURES);
        for container in containers.rows() {
            let Some(memory) = container.known_memory() else { continue };
            for (kind, scope, n) in [
                (MINOR, OWN, memory.pgfault),
                (MINOR, ALL, memory.total_pgfault),
                (MAJOR, OWN, memory.pgmajfault),
                (MAJOR, ALL, memory.total_pgmajfault),
            ] {
                if let Some(n) = n {
                    failures.sample((&container.labels, kind, scope), n);
                }
            }
        }
        Ok(())
    }
}
