//! What the kernel counts of a container's group: each number goes into the sums as far as it is not in
//! them yet, so that they only grow, whatever was read when.

use serde::{Deserialize, Serialize};

use super::book::{Book, GRACE};
use super::sums::add;
use crate::cgroup::Finals;
use crate::container::endings::Ended;
use crate::container::seconds;

/// How many groups are known. No host has as many.
const MOST: usize = 20_000;

/// A container's group.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Life {
    id: Box<str>,
    /// What it had when the count began.
    before: Numbers,
    /// As much of it as is counted, and what was before.
    counted: Numbers,
    /// Whether it ended and is counted whole.
    over: bool,
    /// When it was last read, in seconds since 1970.
    seen: f64,
    /// In which round that was.
    #[serde(skip)]
    round: u64,
}

/// What is read of a group in each scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Numbers {
    /// Nanoseconds on a CPU.
    pub cpu_nsec: u64,
    /// Processes that the kernel killed for want of memory, a count.
    pub oom_kills: u64,
}

/// A group that a scrape sees.
#[derive(Clone, Copy, Debug)]
pub struct Reading<'a> {
    /// The id of its container.
    pub id: &'a str,
    /// The inode of its directory.
    pub inode: u64,
    /// When it was made, in seconds since 1970, and none of them begun. `None` if not known.
    pub made: Option<f64>,
    /// What was read. `None` if it was gone.
    pub numbers: Option<Numbers>,
}

impl Book {
    /// A scrape reads these groups, and there are no others.
    pub fn read<'a>(&mut self, readings: impl Iterator<Item = Reading<'a>>, now: f64) {
        self.round += 1;
        for reading in readings {
            let Reading { id, inode, made, numbers } = reading;
            let Some(numbers) = numbers else { continue };
            let young = made.is_some_and(|made| made >= self.since.floor());
            if self.live(id, inode, if young { Numbers::default() } else { numbers }) {
                self.raise(inode, numbers, now);
            }
        }
        let round = self.round;
        let unseen = |life: &&Life| life.round != round;
        let unseen = self.lives.iter().filter(|(_, life)| unseen(life));
        // None as a rule, and then nothing is allocated.
        let unseen: Vec<u64> = unseen.map(|(inode, _)| *inode).collect();
        for inode in unseen {
            self.miss(inode, now);
        }
    }

    /// A container ended.
    pub(super) fn ended(&mut self, ended: &Ended, now: f64) {
        let Ended { id, inode, began, finals, .. } = ended;
        let Finals { cpu, oom_kills, peak, .. } = finals;
        let numbers = Numbers {
            cpu_nsec: cpu.and_then(|cpu| cpu.usage_nsec).unwrap_or_default(),
            oom_kills: oom_kills.unwrap_or_default(),
        };
        let Some(container) = self.container(id, now) else { return };
        let (foreign, runs) = (container.foreign, container.runs);
        if foreign {
            _ = self.lives.remove(inode);
            return;
        }
        let young = [began.map(seconds), runs.began]
            .into_iter()
            .flatten()
            .any(|began| began >= self.since);
        let before = if young { Numbers::default() } else { numbers };
        // One that was gone before it was looked at has no inode, and is no other's.
        if *inode != 0 && self.live(id, *inode, before) {
            self.raise(*inode, numbers, now);
            self.finish(*inode, now);
        }
        if let Some(peak) = peak {
            self.credit_peak(id, now, *peak);
        }
        self.changes += 1;
        self.untidy = true;
    }

    /// Knows a group from now on. Says whether it is known.
    fn live(&mut self, id: &str, inode: u64, before: Numbers) -> bool {
        if !self.lives.contains_key(&inode) {
            if self.lives.len() >= MOST {
                return false;
            }
            let life = Life { id: id.into(), before, counted: before, ..Life::default() };
            self.lives.insert(inode, life);
        }
        true
    }

    /// Counts what of a group's numbers is not counted yet, if it is known whose they are.
    fn raise(&mut self, inode: u64, numbers: Numbers, now: f64) {
        let round = self.round;
        let Some(life) = self.lives.get_mut(&inode) else { return };
        (life.seen, life.round) = (now, round);
        if !self.containers.contains_key(&life.id) {
            return;
        }
        let cpu_nsec = numbers.cpu_nsec.saturating_sub(life.counted.cpu_nsec);
        let oom_kills = numbers.oom_kills.saturating_sub(life.counted.oom_kills);
        if cpu_nsec == 0 && oom_kills == 0 {
            return;
        }
        life.counted.cpu_nsec += cpu_nsec;
        life.counted.oom_kills += oom_kills;
        let over = life.over;
        let id = std::mem::take(&mut life.id);
        self.credit(&id, now, |sums| {
            add(&mut sums.cpu_nsec, cpu_nsec);
            add(&mut sums.oom_kills, oom_kills);
            if over {
                add(&mut sums.finished_cpu_nsec, cpu_nsec);
            }
        });
        self.changes += u64::from(oom_kills > 0);
        if let Some(life) = self.lives.get_mut(&inode) {
            life.id = id;
        }
    }

    /// A group is over.
    fn finish(&mut self, inode: u64, now: f64) {
        let Some(life) = self.lives.get_mut(&inode) else { return };
        if life.over {
            return;
        }
        life.over = true;
        let cpu_nsec = life.counted.cpu_nsec.saturating_sub(life.before.cpu_nsec);
        let id = life.id.clone();
        self.credit(&id, now, |sums| add(&mut sums.finished_cpu_nsec, cpu_nsec));
    }

    /// A scrape did not see a group. Its last numbers may still be on their way.
    fn miss(&mut self, inode: u64, now: f64) {
        let Some(life) = self.lives.get(&inode) else { return };
        if life.over || (now - life.seen).abs() > GRACE {
            self.finish(inode, now);
            _ = self.lives.remove(&inode);
        }
    }
}
