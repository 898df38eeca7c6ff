//! Groups within groups: what a group does is counted in all the groups around, too: CPU time, charged
//! memory, waiting, what it did to disks. Where those of one stand as they stood, nothing happened in any
//! group inside. So a task that does nothing is read, and its containers are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::quiet::Stand;
use super::{Cgroup, Vm};

/// What a group tells those in it, as read in this scrape: its CPU time, what is charged to it, and what
/// tells whether any of it waited or did something to a disk.
#[derive(Debug)]
pub(super) struct Pulse {
    ran: AtomicU64,
    charged: AtomicU64,
    stalled: AtomicU64,
    moved: AtomicU64,
}

/// Not read in this scrape.
const UNKNOWN: u64 = u64::MAX;

impl Default for Pulse {
    fn default() -> Self {
        let unknown = || UNKNOWN.into();
        Self { ran: unknown(), charged: unknown(), stalled: unknown(), moved: unknown() }
    }
}

impl Pulse {
    fn note(at: &AtomicU64, n: Option<u64>) {
        at.store(n.unwrap_or(UNKNOWN), Ordering::Relaxed);
    }

    fn noted(at: &AtomicU64) -> Option<u64> {
        let n = at.load(Ordering::Relaxed);
        (n != UNKNOWN).then_some(n)
    }
}

impl Cgroup {
    /// Says which group it is in, of those that are read in every scrape, and before it.
    pub fn within(&mut self, above: Option<&Self>) {
        self.above = above.map(|above| Arc::clone(&above.pulse));
    }

    /// How the group around it stands, as far as CPU time tells.
    pub(super) fn stands_within(&self) -> Option<Stand> {
        let ran = Pulse::noted(&self.above.as_ref()?.ran)?;
        Some([ran, 0, 0])
    }

    /// The same, with what is charged there.
    pub(super) fn stands_charged_within(&self, vm: Vm) -> Option<Stand> {
        let above = self.above.as_ref()?;
        let (ran, charged) = (Pulse::noted(&above.ran)?, Pulse::noted(&above.charged)?);
        // Before Linux 5.11 a group of cgroup v1 need not be charged for those in it.
        let own = self.quiet.as_ref().and_then(|quiet| quiet.charged.value);
        let whole = own.is_none_or(|own| own <= charged);
        Some([ran, charged, vm.reclaimed.filter(|_| whole)?])
    }

    /// The same, as far as CPU time and waiting tell: who neither ran nor waited, waits in no group inside.
    pub(super) fn stands_stalled_within(&self) -> Option<Stand> {
        let above = self.above.as_ref()?;
        Some([Pulse::noted(&above.ran)?, Pulse::noted(&above.stalled)?, 0])
    }

    /// The same, as far as disks tell.
    pub(super) fn stands_moved_within(&self) -> Option<Stand> {
        let moved = Pulse::noted(&self.above.as_ref()?.moved)?;
        Some([moved, 0, 0])
    }

    /// Tells the groups in it.
    pub(super) fn tell_ran(&mut self, ran: Option<u64>) {
        self.ran = ran;
        Pulse::note(&self.pulse.ran, ran);
    }

    /// Tells the groups in it.
    pub(super) fn tell_charged(&self, charged: Option<u64>) {
        Pulse::note(&self.pulse.charged, charged);
    }

    /// Tells the groups in it.
    pub(super) fn tell_stalled(&self, stalled: Option<u64>) {
        Pulse::note(&self.pulse.stalled, stalled);
    }

    /// Tells the groups in it.
    pub(super) fn tell_moved(&self, moved: Option<u64>) {
        Pulse::note(&self.pulse.moved, moved);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::{Hierarchies, Io, Known, MemoryNews, Stalls};
    use crate::files::{Files, Roots, Scratch};
    use crate::kernel::psi::Pressure;
    use std::time::{Duration, UNIX_EPOCH};

    /// A tree of files, and in its hierarchies a group and one inside.
    struct Nest {
        dir: Scratch,
        files: Files,
        outer: Cgroup,
        inner: Cgroup,
        innermost: Cgroup,
    }

    impl Nest {
        fn new(mounts: &str, groups: [&str; 2]) -> Self {
            let dir = Scratch::new();
            dir.write("proc/1/mountinfo", mounts);
            let (proc, rootfs) = (dir.join("proc"), dir.0.clone());
            let roots = Roots { proc, rootfs, ..Roots::default() };
            for group in groups {
                dir.write(group, "");
            }
            let mut files = Files::default();
            let home: Arc<Hierarchies> = Hierarchies::find(&roots, &mut files).unwrap().into();
            let group = |path| Cgroup::new(path, Arc::clone(&home), false);
            let (outer, mut inner, mut innermost) = (group("/a"), group("/a/b"), group("/a/b/c"));
            inner.within(Some(&outer));
            innermost.within(Some(&inner));
            Self { dir, files, outer, inner, innermost }
        }

        fn write(&self, name: &str, text: &str) {
            self.dir.write(name, text);
        }

        /// What both say in a scrape, the outer one first.
        fn both<T>(&mut self, second: u64, read: impl Fn(&mut Cgroup, &mut Files) -> T) -> [T; 2] {
            [&mut self.outer, &mut self.inner].map(|group| {
                group.another_scrape(UNIX_EPOCH + Duration::from_secs(second));
                read(group, &mut self.files)
            })
        }
    }

    const UNIFIED: &str = "36 30 0:31 / /cg rw - cgroup2 cgroup rw\n";
    const UNIFIED_GROUPS: [&str; 2] = ["cg/a/cgroup.procs", "cg/a/b/cgroup.procs"];

    #[test]
    fn a_group_is_read_where_the_one_around_it_ran_or_was_charged() {
        let mounts = "36 30 0:31 / /memory rw - cgroup cgroup rw,memory\n\
            37 30 0:32 / /cpu rw - cgroup cgroup rw,cpuacct\n";
        let groups = ["memory/a/memory.stat", "memory/a/b/memory.stat"];
        let mut nest = Nest::new(mounts, groups);
        let steps = [
            ("the first time", [50, 90, 3], (1, 1)),
            ("a whole scrape later", [50, 90, 3], (2, 2)),
            ("nothing happened", [50, 90, 3], (2, 2)),
            ("something was charged", [50, 91, 3], (2, 4)),
            ("a whole scrape later", [50, 91, 3], (2, 5)),
            ("nothing happened", [50, 91, 3], (2, 5)),
            ("the kernel reclaims", [50, 91, 4], (2, 7)),
            ("something ran", [51, 91, 4], (8, 8)),
            ("a whole scrape later", [51, 91, 4], (9, 9)),
            ("nothing happened", [51, 91, 4], (9, 9)),
            ("it is not charged for what is in it", [51, 2, 4], (9, 11)),
            ("nor now", [51, 2, 4], (9, 12)),
            ("nor now", [51, 2, 4], (9, 13)),
        ];
        for (n, (step, [ran, charged, reclaimed], expected)) in (1..).zip(steps) {
            for (group, ran, charged) in [("a", ran, charged), ("a/b", n, n)] {
                nest.write(&format!("cpu/{group}/cpuacct.usage"), &format!("{ran}"));
                nest.write(&format!("memory/{group}/memory.usage_in_bytes"), &format!("{charged}"));
            }
            let vm = Vm { oom_kills: None, reclaimed: Some(reclaimed) };
            let said = nest.both(15 * n, |group, files| {
                let cpu = group.cpu(false, files).unwrap().unwrap();
                let news = MemoryNews { vm, limit: None };
                let memory = group.memory(news, files).unwrap().unwrap();
                (cpu.usage_nsec.unwrap(), memory.usage.unwrap())
            });
            assert_eq!(said, [(ran, charged), expected], "{n}: {step}");
        }
        nest.outer
            .another_scrape(UNIX_EPOCH + Duration::from_secs(300));
        assert_eq!(nest.inner.stands_within(), None, "it was not read in this scrape");
    }

    #[test]
    fn in_a_group_that_is_not_read_none_is() {
        let mut nest = Nest::new(UNIFIED, UNIFIED_GROUPS);
        for (n, expected) in (1..).zip([1, 2, 2, 2]) {
            for (group, n) in [("a", 1), ("a/b", 1), ("a/b/c", n)] {
                nest.write(&format!("cg/{group}/cpu.stat"), "usage_usec 1\n");
                for kind in ["cpu", "memory", "io"] {
                    let text = format!("some avg10=0.00 total={n}\n");
                    nest.write(&format!("cg/{group}/{kind}.pressure"), &text);
                }
                nest.write(&format!("cg/{group}/io.stat"), &format!("8:0 rbytes={n}\n"));
            }
            let read = |group: &mut Cgroup, files: &mut Files| {
                group.cpu(false, files).unwrap();
                let waited = group.stalls(files).unwrap().io.unwrap().some_usec;
                let mut devices = Vec::new();
                group.io(Known::default(), &mut devices, files).unwrap();
                (waited.unwrap(), devices.first().unwrap().read_bytes.unwrap())
            };
            nest.both(15 * n, read);
            let Nest { innermost, files, .. } = &mut nest;
            innermost.another_scrape(UNIX_EPOCH + Duration::from_secs(15 * n));
            assert_eq!(read(innermost, files), (expected, expected), "{n}");
        }
    }

    #[test]
    fn a_group_is_asked_who_waits_where_the_one_around_it_ran_or_waited() {
        let mut nest = Nest::new(UNIFIED, UNIFIED_GROUPS);
        let steps = [
            ("the first time", [50, 7, 8, 9], 1),
            ("a whole scrape later", [50, 7, 8, 9], 2),
            ("nothing happened", [50, 7, 8, 9], 2),
            ("something waited for a disk", [50, 7, 8, 10], 4),
            ("a whole scrape later", [50, 7, 8, 10], 5),
            ("nothing happened", [50, 7, 8, 10], 5),
            ("something ran", [51, 7, 8, 10], 7),
        ];
        for (n, (step, [ran, cpu, memory, io], expected)) in (1..).zip(steps) {
            for (group, ran, waited) in [("a", ran, [cpu, memory, io]), ("a/b", n, [n; 3])] {
                nest.write(&format!("cg/{group}/cpu.stat"), &format!("usage_usec {ran}\n"));
                for (kind, usec) in ["cpu", "memory", "io"].into_iter().zip(waited) {
                    let text = format!("some avg10=0.00 total={usec}\n");
                    nest.write(&format!("cg/{group}/{kind}.pressure"), &text);
                }
            }
            let said = nest.both(15 * n, |group, files| {
                group.cpu(false, files).unwrap();
                group.stalls(files).unwrap()
            });
            let some = |usec| Some(Pressure { some_usec: Some(usec), full_usec: None });
            let stalls =
                |cpu, memory, io| Stalls { cpu: some(cpu), memory: some(memory), io: some(io) };
            let expected = stalls(expected, expected, expected);
            assert_eq!(said, [stalls(cpu, memory, io), expected], "{n}: {step}");
        }
        // Where one kind is switched off, nobody knows.
        std::fs::remove_file(nest.dir.join("cg/a/cpu.pressure")).unwrap();
        nest.both(200, |group, files| group.stalls(files).unwrap());
        assert_eq!(nest.inner.stands_stalled_within(), None);
    }

    #[test]
    fn a_group_is_read_where_the_one_around_it_did_something_to_a_disk() {
        let mut nest = Nest::new(UNIFIED, UNIFIED_GROUPS);
        let steps = [
            ("the first time", [5, 6], 1),
            ("a whole scrape later", [5, 6], 2),
            ("nothing happened", [5, 6], 2),
            ("one more, one less", [6, 5], 4),
            ("a whole scrape later", [6, 5], 5),
            ("nothing happened", [6, 5], 5),
        ];
        for (n, (step, [read, written], expected)) in (1..).zip(steps) {
            for (group, [read, written]) in [("a", [read, written]), ("a/b", [n, n])] {
                let text = format!("8:0 rbytes={read} wbytes={written}\n7:0 \n");
                nest.write(&format!("cg/{group}/io.stat"), &text);
            }
            let said = nest.both(15 * n, |group, files| {
                let mut devices = Vec::new();
                let known = group.io(Known::default(), &mut devices, files).unwrap();
                (devices, known)
            });
            let io = |read, written| {
                let (read_bytes, written_bytes) = (Some(read), Some(written));
                let io = Io { device: (8, 0), read_bytes, written_bytes, ..Io::default() };
                (vec![io], Known::default())
            };
            assert_eq!(said, [io(read, written), io(expected, expected)], "{n}: {step}");
        }
    }
}
