//! Groups within groups: CPU time and charged memory are counted in all the groups around, too. Where
//! those of one stand as they stood, nothing ran in any group inside, and nothing was charged to one. So
//! a task that does nothing is read, and its containers are not.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::quiet::Stand;
use super::{Cgroup, Vm};

/// What a group tells those in it: its CPU time and what is charged to it, as read in this scrape.
#[derive(Debug)]
pub(super) struct Pulse {
    ran: AtomicU64,
    charged: AtomicU64,
}

/// Not read in this scrape.
const UNKNOWN: u64 = u64::MAX;

impl Default for Pulse {
    fn default() -> Self {
        Self { ran: UNKNOWN.into(), charged: UNKNOWN.into() }
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

    /// Tells the groups in it.
    pub(super) fn tell_ran(&mut self, ran: Option<u64>) {
        self.ran = ran;
        Pulse::note(&self.pulse.ran, ran);
    }

    /// Tells the groups in it.
    pub(super) fn tell_charged(&self, charged: Option<u64>) {
        Pulse::note(&self.pulse.charged, charged);
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::{Hierarchies, MemoryNews};
    use crate::files::{Files, Roots};
    use std::time::{Duration, UNIX_EPOCH};

    #[test]
    fn a_group_is_read_where_the_one_around_it_ran_or_was_charged() {
        let dir = std::env::temp_dir().join(format!("pulse-test-{}", std::process::id()));
        let write = |name: &str, text: &str| {
            let path = dir.join(name);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        };
        let mounts = "36 30 0:31 / /memory rw - cgroup cgroup rw,memory\n\
            37 30 0:32 / /cpu rw - cgroup cgroup rw,cpuacct\n";
        write("proc/1/mountinfo", mounts);
        write("memory/a/memory.stat", "");
        write("memory/a/b/memory.stat", "");
        let roots = Roots { proc: dir.join("proc"), rootfs: dir.clone(), ..Roots::default() };
        let mut files = Files::default();
        let home: Arc<Hierarchies> = Hierarchies::find(&roots, &mut files).unwrap().into();
        let group = |path| Cgroup::new(path, Arc::clone(&home), false);
        let (mut outer, mut inner) = (group("/a"), group("/a/b"));
        inner.within(Some(&outer));
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
                write(&format!("cpu/{group}/cpuacct.usage"), &format!("{ran}"));
                write(&format!("memory/{group}/memory.usage_in_bytes"), &format!("{charged}"));
            }
            let vm = Vm { oom_kills: None, reclaimed: Some(reclaimed) };
            let mut said = Vec::new();
            for group in [&mut outer, &mut inner] {
                group.another_scrape(UNIX_EPOCH + Duration::from_secs(15 * n));
                let cpu = group.cpu(false, &mut files).unwrap().unwrap();
                let news = MemoryNews { vm, limit: None };
                let memory = group.memory(news, &mut files).unwrap().unwrap();
                said.push((cpu.usage_nsec.unwrap(), memory.usage.unwrap()));
            }
            assert_eq!(said, [(ran, charged), expected], "{n}: {step}");
        }
        outer.another_scrape(UNIX_EPOCH + Duration::from_secs(300));
        assert_eq!(inner.stands_within(), None, "it was not read in this scrape");
        std::fs::remove_dir_all(&dir).unwrap();
    }
}
