//! Containers that ended: each for a while, and sums of them for good.

use std::collections::{BTreeMap, VecDeque};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::{Ended, How, Named, Trouble};

/// How many containers that ended are kept. The sums have those before them.
const MOST: usize = 4096;
/// How long they are kept, and how long it may take until somebody knows their names.
const GRACE: Duration = Duration::from_secs(300);
/// In how many scrapes one that ended is shown.
const SHOWN: u8 = 2;
/// How many groups there are sums of.
pub const GROUPS: usize = 1000;

/// What containers are counted by: cluster, name in the task definition, and its family, each empty
/// where there is none.
pub type Group = [Box<str>; 3];

/// What containers of a group had used that ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Sums {
    /// How many ended.
    pub ended: u64,
    /// Nanoseconds on a CPU.
    pub cpu_nsec: u64,
    /// Processes that the kernel killed for want of memory, a count.
    pub oom_kills: u64,
    /// Bytes read from disks.
    pub read_bytes: u64,
    /// Bytes written to disks.
    pub written_bytes: u64,
    /// Reads from disks, a count.
    pub reads: u64,
    /// Writes to disks, a count.
    pub writes: u64,
}

impl Sums {
    fn add(&mut self, ended: &Ended) {
        let add = |sum: &mut u64, n: Option<u64>| *sum = sum.saturating_add(n.unwrap_or(0));
        add(&mut self.ended, Some(1));
        add(&mut self.cpu_nsec, ended.finals.cpu.and_then(|cpu| cpu.usage_nsec));
        add(&mut self.oom_kills, ended.finals.oom_kills);
        for io in &ended.finals.io {
            add(&mut self.read_bytes, io.read_bytes);
            add(&mut self.written_bytes, io.written_bytes);
            add(&mut self.reads, io.reads);
            add(&mut self.writes, io.writes);
        }
    }
}

/// Containers that ended.
#[derive(Debug, Default)]
pub struct Ledger {
    /// Those that ended last, in the order in which they did.
    last: VecDeque<Entry>,
    /// How many there were before the first of them.
    before: u64,
    /// Those that no scrape saw, and those that one did.
    sums: BTreeMap<Group, [Sums; 2]>,
    left_out: u64,
    read: [u64; How::ALL.len()],
    troubles: [u64; Trouble::ALL.len()],
}

#[derive(Debug)]
struct Entry {
    ended: Arc<Ended>,
    /// In how many scrapes it was shown.
    shown: u8,
    /// Whether it is in the sums.
    added: bool,
}

/// What ended since somebody last asked.
#[derive(Debug)]
pub struct News {
    /// In the order in which they ended.
    pub ended: Vec<Arc<Ended>>,
    /// Where to go on asking.
    pub next: u64,
    /// How many more ended that are not kept any longer.
    pub lost: u64,
}

impl Ledger {
    /// Notes a container that ended.
    pub(super) fn push(&mut self, ended: Ended) {
        if let Some(read) = How::ALL.iter().position(|how| *how == ended.how)
            && let Some(read) = self.read.get_mut(read)
        {
            *read += 1;
        }
        self.forget(ended.ended);
        if self.last.len() >= MOST {
            self.forget_first();
        }
        self.last
            .push_back(Entry { ended: Arc::new(ended), shown: 0, added: false });
    }

    /// Counts a trouble. Says whether it is the first of its kind.
    pub(super) fn trouble(&mut self, trouble: Trouble) -> bool {
        let at = Trouble::ALL.iter().position(|known| *known == trouble);
        let Some(count) = at.and_then(|at| self.troubles.get_mut(at)) else { return false };
        *count += 1;
        *count == 1
    }

    /// Brings names and sums up to date, in a scrape whose rows are known already, and gives what is
    /// to be shown in it of containers that are no more. One without a name is given one, if `who`
    /// knows it by now, and counted without if nobody comes to know it.
    pub fn settle(
        &mut self,
        now: SystemTime,
        who: impl Fn(&str) -> Option<Named>,
        shown: &mut Vec<Arc<Ended>>,
    ) {
        self.forget(now);
        for at in 0..self.last.len() {
            let Some(entry) = self.last.get_mut(at) else { break };
            if entry.ended.named.is_none()
                && !entry.added
                && let Some(named) = who(&entry.ended.path)
            {
                entry.ended = Arc::new(Ended { named: Some(named), ..(*entry.ended).clone() });
            }
            if entry.shown < SHOWN {
                entry.shown += 1;
                shown.push(Arc::clone(&entry.ended));
            }
            if entry.ended.named.is_some() && !entry.added {
                entry.added = true;
                let ended = Arc::clone(&entry.ended);
                self.add(&ended);
            }
        }
    }

    /// What ended since: 0 at first, then [`News::next`]. Each who asks is told of all.
    pub fn since(&self, since: u64) -> News {
        let skip = usize::try_from(since.saturating_sub(self.before)).unwrap_or(usize::MAX);
        let ended = self.last.iter().skip(skip);
        News {
            ended: ended.map(|entry| Arc::clone(&entry.ended)).collect(),
            next: self.before + self.last.len() as u64,
            lost: self.before.saturating_sub(since),
        }
    }

    /// The sums of each group: of containers that no scrape saw, and of those that one did.
    pub fn sums(&self) -> impl Iterator<Item = (&Group, &[Sums; 2])> {
        self.sums.iter()
    }

    /// How many containers were counted without their names, because there are [`GROUPS`] others.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }

    /// How many ended, by how their last numbers were read.
    pub fn read(&self) -> impl Iterator<Item = (How, u64)> {
        How::ALL.into_iter().zip(self.read)
    }

    /// How often the thread was not told of everything, by the cause.
    pub fn troubles(&self) -> impl Iterator<Item = (Trouble, u64)> {
        Trouble::ALL.into_iter().zip(self.troubles)
    }

    /// Forgets what ended long ago. A clock that is set back forgets nothing.
    fn forget(&mut self, now: SystemTime) {
        let old = |entry: &Entry| {
            let age = now.duration_since(entry.ended.ended);
            age.is_ok_and(|age| age > GRACE)
        };
        while self.last.front().is_some_and(old) {
            self.forget_first();
        }
        if self.last.capacity() > 64 && self.last.len() * 8 < self.last.capacity() {
            self.last.shrink_to_fit();
        }
    }

    fn forget_first(&mut self) {
        let Some(Entry { ended, added, .. }) = self.last.pop_front() else { return };
        self.before += 1;
        if !added {
            self.add(&ended);
        }
    }

    fn add(&mut self, ended: &Ended) {
        let nobody = Group::default();
        let mut group = ended.named.as_ref().map_or(&nobody, |named| &named.group);
        if !self.sums.contains_key(group) && self.sums.len() >= GROUPS {
            self.left_out += 1;
            group = &nobody;
        }
        let sums = match self.sums.get_mut(group) {
            Some(sums) => sums,
            None => self.sums.entry(group.clone()).or_default(),
        };
        let [unseen, seen] = sums;
        if ended.scraped { seen.add(ended) } else { unseen.add(ended) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::{Cpu, Finals};
    use crate::exposition::LabelBlock;

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn named(name: &str) -> Named {
        let labels = LabelBlock::new([("name", name)]);
        Named { labels, group: ["c".into(), name.into(), "f".into()] }
    }

    fn ended(id: &str, seconds: u64, name: Option<&str>, cpu_nsec: u64) -> Ended {
        let cpu = Cpu { usage_nsec: Some(cpu_nsec), ..Cpu::default() };
        Ended {
            id: id.into(),
            path: format!("/docker/{id}").into(),
            inode: 0,
            task: None,
            named: name.map(named),
            began: None,
            ended: at(seconds),
            finals: Finals { cpu: Some(cpu), oom_kills: Some(1), ..Finals::default() },
            how: How::Read,
            scraped: false,
        }
    }

    fn sums(ended: u64, cpu_nsec: u64) -> Sums {
        Sums { ended, cpu_nsec, oom_kills: ended, ..Sums::default() }
    }

    fn settle(ledger: &mut Ledger, seconds: u64, who: Option<&str>) -> Vec<Box<str>> {
        let mut shown = Vec::new();
        ledger.settle(at(seconds), |_| who.map(named), &mut shown);
        shown.iter().map(|ended| ended.id.clone()).collect()
    }

    fn told(ledger: &Ledger) -> Vec<(&str, Sums, Sums)> {
        let told = ledger.sums();
        told.map(|([_, name, _], [unseen, seen])| (&**name, *unseen, *seen))
            .collect()
    }

    #[test]
    fn shows_what_ended_twice_and_adds_it_once() {
        let mut ledger = Ledger::default();
        ledger.push(ended("1", 10, Some("a"), 5));
        ledger.push(Ended { scraped: true, ..ended("2", 10, Some("a"), 7) });
        assert_eq!(settle(&mut ledger, 11, None), ["1".into(), "2".into()]);
        ledger.push(Ended { how: How::Missed, ..ended("3", 20, Some("b"), 1) });
        assert_eq!(settle(&mut ledger, 26, None), ["1".into(), "2".into(), "3".into()]);
        assert_eq!(settle(&mut ledger, 41, None), ["3".into()]);
        assert!(settle(&mut ledger, 56, None).is_empty());
        let none = Sums::default();
        assert_eq!(told(&ledger), [("a", sums(1, 5), sums(1, 7)), ("b", sums(1, 1), none)]);
        let read: Vec<_> = ledger.read().map(|(_, n)| n).collect();
        assert_eq!(read, [2, 0, 0, 1]);
    }

    #[test]
    fn waits_for_a_name_as_long_as_it_keeps_it() {
        let mut ledger = Ledger::default();
        ledger.push(ended("1", 10, None, 5));
        ledger.push(ended("2", 20, None, 6));
        settle(&mut ledger, 20, None);
        assert!(told(&ledger).is_empty());
        // The first is too old by now, the second finds its name.
        settle(&mut ledger, 311, Some("late"));
        let none = Sums::default();
        assert_eq!(told(&ledger), [("", sums(1, 5), none), ("late", sums(1, 6), none)]);
    }

    #[test]
    fn tells_each_reader_what_is_new() {
        let mut ledger = Ledger::default();
        ledger.push(ended("1", 10, None, 5));
        let first = ledger.since(0);
        assert_eq!((first.ended.len(), first.next, first.lost), (1, 1, 0));
        ledger.push(ended("2", 11, None, 5));
        let second = ledger.since(first.next);
        assert_eq!((&*second.ended[0].id, second.ended.len(), second.next), ("2", 1, 2));
        settle(&mut ledger, 1000, None);
        let late = ledger.since(1);
        assert_eq!((late.ended.len(), late.next, late.lost), (0, 2, 1));
    }

    #[test]
    fn has_bounds_and_loses_no_sum() {
        let mut ledger = Ledger::default();
        for n in 0..MOST + 10 {
            ledger.push(ended("x", 10, Some(&format!("{n:05}")), 1));
        }
        assert_eq!(ledger.last.len(), MOST);
        settle(&mut ledger, 11, None);
        assert_eq!(ledger.sums.len(), GROUPS + 1);
        assert_eq!(ledger.left_out(), (MOST + 10 - GROUPS) as u64);
        let all: u64 = ledger.sums().map(|(_, [unseen, _])| unseen.ended).sum();
        assert_eq!(all, (MOST + 10) as u64);
        assert_eq!(ledger.since(0).lost, 10);
        settle(&mut ledger, 1000, None);
        assert!(ledger.last.is_empty() && ledger.last.capacity() <= 64);
    }
}
