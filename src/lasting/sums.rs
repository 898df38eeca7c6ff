//! What is counted: sums that only grow.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::inventory::docker::Health;

/// What containers are counted by: cluster, service, family of the task's definition, and name in it.
pub type Set = [Box<str>; 4];

/// What tasks are counted by: cluster, service, and family of the definition.
pub type TaskSet = [Box<str>; 3];

/// Bounds of how long containers run, in seconds: from one second to a week.
pub const RUN_TIMES: [f64; BUCKETS] = [
    1.0, 10.0, 60.0, 300.0, 900.0, 3600.0, 10_800.0, 21_600.0, 43_200.0, 86_400.0, 259_200.0,
    604_800.0,
];

/// Bounds of how much memory containers used at most, in bytes: from 16 MiB to 32 GiB.
pub const PEAKS: [f64; BUCKETS] = {
    let mut bounds = [16.0 * 1_048_576.0; BUCKETS];
    let mut at = 1;
    while at < BUCKETS {
        #[expect(clippy::indexing_slicing, reason = "at compile time")]
        {
            bounds[at] = 2.0 * bounds[at - 1];
        }
        at += 1;
    }
    bounds
};

const BUCKETS: usize = 12;

/// Of this many exit codes each is counted apart: no program ends in more ways on purpose.
const CODES: usize = 32;

/// What containers of a set did.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Sums {
    /// How often one was started.
    pub starts: u64,
    /// How often one ended.
    pub exits: Exits,
    /// Processes that the kernel killed for want of memory, a count.
    pub oom_kills: u64,
    /// How often Docker or the ECS agent started one anew.
    pub restarts: u64,
    /// How often a health check came to think so, in the order of [`HEALTH`].
    pub health: [u64; 3],
    /// Nanoseconds on a CPU.
    pub cpu_nsec: u64,
    /// Of these, of containers that ended.
    pub finished_cpu_nsec: u64,
    /// How long those ran that ended, in seconds.
    pub run_time: Histogram,
    /// How much memory those had at most that ended, in bytes.
    pub peak: Histogram,
}

/// What a health check may think, as the label `to` says it.
pub const HEALTH: [(Health, &str); 3] = [
    (Health::Healthy, "healthy"),
    (Health::Starting, "starting"),
    (Health::Unhealthy, "unhealthy"),
];

/// Ends of containers by their exit code.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Exits {
    /// By the code.
    pub codes: BTreeMap<i64, u64>,
    /// With further codes.
    pub other: u64,
    /// With codes that nobody told.
    pub unknown: u64,
}

/// What tasks of a set did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct TaskSums {
    /// How many started.
    pub starts: u64,
    /// How many stopped.
    pub stops: u64,
    /// Nanoseconds on a CPU, by their own groups.
    pub cpu_nsec: u64,
    /// How much memory those had at most that stopped, in bytes.
    pub peak: Histogram,
}

/// Counts of observations by how great they were.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Histogram {
    /// How many were greater than the bound before and no greater than the bound.
    counts: [u64; BUCKETS],
    /// How many there were.
    pub count: u64,
    /// Of all of them, in thousandths: a fraction that is saved may come back a trifle smaller, and a
    /// sum must not.
    thousandths: u64,
}

/// Adds, and stays at the most there can be.
pub(super) fn add(sum: &mut u64, n: u64) {
    *sum = sum.saturating_add(n);
}

impl Sums {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        add(&mut self.starts, other.starts);
        self.exits.add(&other.exits);
        add(&mut self.oom_kills, other.oom_kills);
        add(&mut self.restarts, other.restarts);
        for (sum, n) in self.health.iter_mut().zip(other.health) {
            add(sum, n);
        }
        add(&mut self.cpu_nsec, other.cpu_nsec);
        add(&mut self.finished_cpu_nsec, other.finished_cpu_nsec);
        self.run_time.add(&other.run_time);
        self.peak.add(&other.peak);
    }

    /// Counts an opinion of a health check.
    pub fn health(&mut self, health: Health) {
        let at = HEALTH.iter().position(|(known, _)| *known == health);
        if let Some(sum) = at.and_then(|at| self.health.get_mut(at)) {
            add(sum, 1);
        }
    }
}

impl Exits {
    /// Counts an end. `None` is a code that nobody told.
    pub fn count(&mut self, code: Option<i64>) {
        self.count_many(code, 1);
    }

    fn count_many(&mut self, code: Option<i64>, n: u64) {
        let sum = match code {
            None => &mut self.unknown,
            Some(code) if self.codes.contains_key(&code) || self.codes.len() < CODES => {
                self.codes.entry(code).or_default()
            }
            Some(_) => &mut self.other,
        };
        add(sum, n);
    }

    fn add(&mut self, other: &Self) {
        for (code, n) in &other.codes {
            self.count_many(Some(*code), *n);
        }
        add(&mut self.other, other.other);
        add(&mut self.unknown, other.unknown);
    }
}

impl Histogram {
    /// Counts an observation. What is no number, or below zero, is none.
    pub fn observe(&mut self, bounds: &[f64; BUCKETS], value: f64) {
        if !(0.0..1e15).contains(&value) {
            return;
        }
        let at = bounds.iter().position(|bound| value <= *bound);
        if let Some(count) = at.and_then(|at| self.counts.get_mut(at)) {
            add(count, 1);
        }
        add(&mut self.count, 1);
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "it is within bounds"
        )]
        add(&mut self.thousandths, (value * 1e3).round() as u64);
    }

    /// The sum of what was observed.
    pub fn sum(&self) -> f64 {
        self.thousandths as f64 / 1e3
    }

    /// How many were no greater than each bound.
    pub fn cumulated(&self) -> impl Iterator<Item = u64> {
        self.counts.iter().scan(0u64, |sum, count| {
            add(sum, *count);
            Some(*sum)
        })
    }

    fn add(&mut self, other: &Self) {
        for (sum, n) in self.counts.iter_mut().zip(other.counts) {
            add(sum, n);
        }
        add(&mut self.count, other.count);
        add(&mut self.thousandths, other.thousandths);
    }
}

impl TaskSums {
    /// Adds others.
    pub fn add(&mut self, other: &Self) {
        add(&mut self.starts, other.starts);
        add(&mut self.stops, other.stops);
        add(&mut self.cpu_nsec, other.cpu_nsec);
        self.peak.add(&other.peak);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_histogram_counts_by_bounds() {
        let mut histogram = Histogram::default();
        for value in [0.5, 1.0, 1.1, 700_000.0, f64::NAN] {
            histogram.observe(&RUN_TIMES, value);
        }
        let cumulated: Vec<_> = histogram.cumulated().collect();
        assert_eq!(cumulated, [2, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3, 3]);
        assert_eq!((histogram.count, histogram.sum()), (4, 700_002.6));
        assert_eq!((PEAKS[0], PEAKS[11]), (16_777_216.0, 34_359_738_368.0));
    }

    #[test]
    fn codes_have_a_bound() {
        let mut exits = Exits::default();
        for code in 0..40 {
            exits.count(Some(code));
        }
        exits.count(Some(3));
        exits.count(None);
        assert_eq!((exits.codes.len(), exits.other, exits.unknown), (CODES, 8, 1));
        assert_eq!(exits.codes.get(&3), Some(&2));
    }

    #[test]
    fn adds_all_of_it() {
        let mut one = Sums { starts: 1, oom_kills: 2, restarts: 3, ..Sums::default() };
        one.exits.count(Some(137));
        one.exits.count(None);
        one.health(Health::Unhealthy);
        (one.cpu_nsec, one.finished_cpu_nsec) = (5, 4);
        one.run_time.observe(&RUN_TIMES, 2.0);
        one.peak.observe(&PEAKS, 5e9);
        let mut sum = Sums::default();
        sum.add(&one);
        assert_eq!(sum, one);
        sum.add(&one);
        assert_eq!(sum.exits, Exits { codes: [(137, 2)].into(), other: 0, unknown: 2 });
        assert_eq!((sum.starts, sum.oom_kills, sum.restarts, sum.health), (2, 4, 6, [0, 0, 2]));
        assert_eq!((sum.cpu_nsec, sum.finished_cpu_nsec), (10, 8));
        assert_eq!((sum.run_time.sum(), sum.peak.count), (4.0, 2));
    }
}
