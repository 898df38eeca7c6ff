//! Quiet groups: what changes by a group's own doing alone is not read again while nothing ran in it.
//!
//! The kernel counts CPU time to the nanosecond, or on cgroup v2 to the microsecond. A number is
//! believed once it was read twice at the same CPU time, the second time so long after the first that
//! what the kernel does late is in it too: it counts the time of what runs at the next tick, and gives
//! pages of its own back some seconds after their last use.
//!
//! What is in memory, others change too: the kernel that reclaims, or writes pages back that are
//! dirty; and they see to it that a page is active. So `memory.stat` is held only while nothing is
//! dirty and the kernel reclaims nowhere on the host, and for a minute.

use std::hash::{DefaultHasher, Hash, Hasher};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use super::io::Moved;
use super::v2::Events;
use super::{Cgroup, Cpu, File, Memory, Stalls, Throttling, Vm};
use crate::files::{Files, Result};
use crate::kernel::Malformed;

/// For how many seconds nothing must have run before a number is believed. What is freed under RCU the
/// kernel gathers for five, and then waits for a grace period.
const SETTLED: u32 = 10;

/// How long `memory.stat` is held.
const MINUTE: Duration = Duration::from_secs(60);

/// How a group stood when a number was read: CPU time, and, where these matter too, bytes charged and
/// what the kernel did to reclaim memory.
pub(super) type Stand = [u64; 3];

/// A number that holds as long as the group stands as it stood.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held<T> {
    pub(super) value: T,
    at: Option<Stand>,
    /// When it was first read there.
    since: u32,
    believed: bool,
}

/// The numbers that are held of a group.
#[derive(Clone, Debug, Default)]
pub(super) struct Quiet {
    /// While the group around it stands as it stood: CPU time on cgroup v1, all of it on v2, and what is
    /// charged.
    pub(super) ran: Held<Option<u64>>,
    pub(super) cpu: Held<Option<Cpu>>,
    pub(super) charged: Held<Option<u64>>,
    pub(super) throttling: Held<Option<Throttling>>,
    pub(super) split: Held<Option<(Option<u64>, Option<u64>)>>,
    pub(super) threads: Held<Option<u64>>,
    pub(super) peak: Held<Option<u64>>,
    pub(super) kernel: Held<Option<u64>>,
    pub(super) swap: Held<Option<u64>>,
    pub(super) events: Held<Option<Events>>,
    pub(super) stat: Held<Option<Memory>>,
    /// While the group around it stands as it stood in these.
    pub(super) stalls: Held<Stalls>,
    pub(super) moved: Held<Moved>,
    /// When the last minute began.
    minute: Option<SystemTime>,
}

impl<T: Copy> Held<T> {
    /// The number, unless it may have changed. `at` is `None` where nobody knows.
    pub(super) fn known(&self, at: Option<Stand>) -> Option<T> {
        self.holds(at).then_some(self.value)
    }

    /// Notes what was read now.
    pub(super) fn note(&mut self, at: Option<Stand>, value: T, now: u32) {
        self.value = value;
        self.mark(at, now);
    }
}

impl<T> Held<T> {
    /// Whether it cannot have changed.
    pub(super) fn holds(&self, at: Option<Stand>) -> bool {
        self.believed && self.stood(at)
    }

    /// Notes that the value was read now.
    pub(super) fn mark(&mut self, at: Option<Stand>, now: u32) {
        let since = if self.stood(at) { self.since.min(now) } else { now };
        (self.at, self.since, self.believed) = (at, since, now - since >= SETTLED);
    }

    fn stood(&self, at: Option<Stand>) -> bool {
        at.is_some() && self.at == at
    }
}

/// One number for many: it is another one where any of them is.
pub(super) fn fingerprint(numbers: &impl Hash) -> u64 {
    let mut hasher = DefaultHasher::new();
    numbers.hash(&mut hasher);
    hasher.finish()
}

impl Held<Option<Memory>> {
    /// Does not hold what the kernel is about to write back.
    fn doubt_dirty(&mut self) {
        let waiting = |memory: &Memory| {
            let pages = [memory.file_dirty, memory.file_writeback];
            pages.into_iter().flatten().any(|bytes| bytes > 0)
        };
        if self.value.as_ref().is_some_and(waiting) {
            self.at = None;
        }
    }
}

impl Cgroup {
    /// What `memory.stat` says; `charged` is what is charged to the group.
    pub(super) fn held_stat(
        &mut self,
        charged: Option<u64>,
        vm: Vm,
        file: File,
        files: &mut Files,
        parse: fn(&[u8]) -> Result<Memory, Malformed>,
    ) -> Result<Option<Memory>> {
        let stand = self.stands_with(charged).zip(vm.reclaimed);
        let at = stand.map(|([ran, charged, _], reclaimed)| [ran, charged, reclaimed]);
        let stat = self.held(|quiet| &mut quiet.stat, at, file, files, parse);
        if let Some(quiet) = &mut self.quiet {
            quiet.stat.doubt_dirty();
        }
        stat
    }

    /// As [`load`](Self::load), or what is held in `place`.
    pub(super) fn held<T: Copy>(
        &mut self,
        place: fn(&mut Quiet) -> &mut Held<Option<T>>,
        at: Option<Stand>,
        file: File,
        files: &mut Files,
        parse: fn(&[u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        if let Some(known) = self.quiet.as_mut().and_then(|quiet| place(quiet).known(at)) {
            return Ok(known);
        }
        let value = self.load(file, files, parse)?;
        place(self.quiet.get_or_insert_default()).note(at, value, self.now);
        Ok(value)
    }

    /// How it stands, as far as CPU time tells that was read in this scrape.
    pub(super) fn stands(&self) -> Option<Stand> {
        self.ran.map(|ran| [ran, 0, 0])
    }

    /// The same, with what is charged to it.
    pub(super) fn stands_with(&self, charged: Option<u64>) -> Option<Stand> {
        self.ran
            .zip(charged)
            .map(|(ran, charged)| [ran, charged, 0])
    }

    /// Begins another scrape: its CPU time is not known.
    pub fn another_scrape(&mut self, now: SystemTime) {
        self.tell_ran(None);
        self.tell_charged(None);
        self.tell_stalled(None);
        self.tell_moved(None);
        let since = now.duration_since(UNIX_EPOCH).unwrap_or_default();
        self.now = u32::try_from(since.as_secs()).unwrap_or_default();
        let Some(quiet) = &mut self.quiet else { return };
        let Quiet { minute, stat, .. } = &mut **quiet;
        let begun = minute.and_then(|minute| now.duration_since(minute).ok());
        if begun.is_none_or(|age| age >= MINUTE) {
            *minute = Some(now);
            stat.believed = false;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::{Hierarchies, MemoryNews};
    use crate::files::{Error, Roots, Scratch};

    fn get<T: Copy>(
        held: &mut Held<T>,
        now: u32,
        at: Option<Stand>,
        read: impl FnOnce() -> Result<T>,
    ) -> Result<T> {
        if let Some(known) = held.known(at) {
            return Ok(known);
        }
        let value = read()?;
        held.note(at, value, now);
        Ok(value)
    }

    #[test]
    fn reads_again_until_nothing_ran_for_ten_seconds() {
        let mut held = Held::default();
        let mut reads = 0;
        let (a, b) = (Some([1, 1, 1]), Some([1, 1, 2]));
        let steps = [
            (100, a, 1),
            (100, a, 2),
            (109, a, 3),
            (110, a, 4),
            (110, a, 4),
            (200, a, 4),
            (200, b, 5),
            (215, b, 6),
            (215, b, 6),
            (216, a, 7),
            (230, None, 8),
            (231, a, 9),
            (246, a, 10),
            (246, a, 10),
            (246, None, 11),
            (300, a, 12),
            // The clock is put back.
            (50, a, 13),
            (59, a, 14),
            (60, a, 15),
            (61, a, 15),
        ];
        for (step, (now, at, expected)) in steps.into_iter().enumerate() {
            let read = || {
                reads += 1;
                Ok(reads)
            };
            assert_eq!(get(&mut held, now, at, read).unwrap(), expected, "{step}");
        }
    }

    /// A group of cgroup v1 whose memory is asked for at these seconds.
    struct Asked {
        dir: Scratch,
        group: Cgroup,
        files: Files,
    }

    impl Asked {
        fn new() -> Self {
            let dir = Scratch::new();
            let mounts = "36 30 0:31 / /memory rw - cgroup cgroup rw,memory\n\
                37 30 0:32 / /cpu rw - cgroup cgroup rw,cpuacct\n";
            dir.write("proc/1/mountinfo", mounts);
            let (proc, rootfs) = (dir.join("proc"), dir.0.clone());
            let roots = Roots { proc, rootfs, ..Roots::default() };
            let mut files = Files::default();
            let home = Hierarchies::find(&roots, &mut files).unwrap().into();
            Self { dir, group: Cgroup::new("/a", home, false), files }
        }

        /// What it says of anonymous memory, where the kernel says these.
        fn rss(&mut self, second: u64, ran: u64, charged: u64, stat: &str, vm: Vm) -> u64 {
            let Self { dir, group, files } = self;
            dir.write("cpu/a/cpuacct.usage", ran.to_string());
            dir.write("memory/a/memory.usage_in_bytes", charged.to_string());
            dir.write("memory/a/memory.stat", stat);
            group.another_scrape(SystemTime::UNIX_EPOCH + Duration::from_secs(second));
            group.cpu(false, files).unwrap().unwrap();
            let news = MemoryNews { vm, limit: None };
            group.memory(news, files).unwrap().unwrap().rss.unwrap()
        }
    }

    #[test]
    fn memory_is_read_again_where_anybody_may_have_changed_it() {
        let mut asked = Asked::new();
        let vm = |reclaimed| Vm { oom_kills: None, reclaimed: Some(reclaimed) };
        let steps = [
            ("the first time", 0, 5, 9, vm(3), 1),
            ("a whole scrape later", 15, 5, 9, vm(3), 2),
            ("nothing happened", 30, 5, 9, vm(3), 2),
            ("something ran", 31, 6, 9, vm(3), 4),
            ("what the kernel does late may be missing", 40, 6, 9, vm(3), 5),
            ("it is not any more", 41, 6, 9, vm(3), 6),
            ("nothing happened", 42, 6, 9, vm(3), 6),
            ("something was charged", 43, 6, 10, vm(3), 8),
            ("a whole scrape later", 53, 6, 10, vm(3), 9),
            ("the kernel reclaims", 54, 6, 10, vm(4), 10),
            ("a whole scrape later", 64, 6, 10, vm(4), 11),
            ("nothing happened", 74, 6, 10, vm(4), 11),
            ("nobody knows", 75, 6, 10, Vm::default(), 13),
            ("the first time", 76, 6, 10, vm(4), 14),
            ("a whole scrape later", 86, 6, 10, vm(4), 15),
            ("nothing happened", 87, 6, 10, vm(4), 15),
            ("a minute is over", 135, 6, 10, vm(4), 17),
            ("nothing happened", 194, 6, 10, vm(4), 17),
            ("a minute is over", 195, 6, 10, vm(4), 19),
            ("the clock was put back", 100, 6, 10, vm(4), 20),
        ];
        for (n, (step, second, ran, charged, vm, expected)) in (1..).zip(steps) {
            let said = asked.rss(second, ran, charged, &format!("total_rss {n}\n"), vm);
            assert_eq!(said, expected, "{n}: {step}");
        }
        let dirty = |n| format!("total_rss {n}\ntotal_dirty 4096\n");
        for n in 21..26 {
            assert_eq!(asked.rss(80 + n, 7, 10, &dirty(n), vm(4)), n, "it waits to be written");
        }
    }

    #[test]
    fn a_failure_is_not_held() {
        let mut held = Held::default();
        let failed = || Err(Error::Config(String::new()));
        let at = Some([1, 1, 1]);
        assert!(get(&mut held, 10, at, failed).is_err());
        assert_eq!(get(&mut held, 20, at, || Ok(5)).unwrap(), 5);
        assert!(get(&mut held, 30, at, failed).is_err(), "not believed yet");
        assert_eq!(get(&mut held, 40, at, || Ok(6)).unwrap(), 6);
        assert_eq!(get(&mut held, 50, at, failed).unwrap(), 6);
    }
}
