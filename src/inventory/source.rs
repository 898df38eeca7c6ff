//! How it goes with one source of the inventory.

use std::time::{Duration, SystemTime};

use super::ask::Trouble;

/// How it goes with one source of the inventory.
#[derive(Clone, Debug, PartialEq)]
pub struct Source {
    /// `docker` or `ecs_agent`.
    pub name: &'static str,
    /// Whether it answers.
    pub up: bool,
    /// When it last gave a sign of life. `None` if it never did.
    pub last_success: Option<SystemTime>,
    /// Failures to answer, and answers not understood.
    pub errors: Errors,
    /// How long it took to answer.
    pub latency: Latency,
    /// Its version. `None` where it has not said.
    pub version: Option<String>,
}

impl Source {
    /// One of which nothing was heard yet.
    pub fn new(name: &'static str) -> Self {
        Self {
            name,
            up: false,
            last_success: None,
            errors: Errors::default(),
            latency: Latency::default(),
            version: None,
        }
    }
}

/// Failures of a source, counted by their kinds. That there is no such source is none.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Errors([u64; KINDS.len()]);

/// The kinds of failures: the connection could not be made or broke, no answer came in time, the
/// answer was an error, the answer was not understood.
const KINDS: [&str; 4] = ["connection", "timeout", "refused", "answer"];

impl Errors {
    /// So many timeouts, and no other.
    #[cfg(test)]
    pub(crate) fn of(timeouts: u64) -> Self {
        Self([0, timeouts, 0, 0])
    }

    /// Counts a failure.
    pub(super) fn count(&mut self, trouble: &Trouble) {
        let [connection, timeout, refused, answer] = &mut self.0;
        *(match trouble {
            Trouble::Absent | Trouble::Broken(_) | Trouble::Http(_) | Trouble::Ended => connection,
            Trouble::Late => timeout,
            Trouble::Refused(_) => refused,
            Trouble::Endless | Trouble::Malformed(_) | Trouble::Foreign => answer,
        }) += 1;
    }

    /// How many of each kind.
    pub fn by_kind(&self) -> impl Iterator<Item = (&'static str, u64)> {
        KINDS.into_iter().zip(self.0)
    }

    /// How many at all.
    pub fn all(&self) -> u64 {
        self.0.iter().sum()
    }
}

/// How long answers took.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Latency {
    /// Those that took no longer than each of [`BOUNDS`], and longer than the one before.
    counts: [u64; BOUNDS.len()],
    count: u64,
    seconds: f64,
}

/// In seconds. The agent answers from memory; Docker takes a second and more where it is busy.
const BOUNDS: [f64; 9] = [0.001, 0.0025, 0.01, 0.025, 0.1, 0.25, 1.0, 2.5, 10.0];

impl Latency {
    /// Counts an answer that took so long.
    pub(super) fn observe(&mut self, took: Duration) {
        let seconds = took.as_secs_f64();
        self.count += 1;
        self.seconds += seconds;
        let bucket = BOUNDS.iter().position(|bound| seconds <= *bound);
        if let Some(count) = bucket.and_then(|at| self.counts.get_mut(at)) {
            *count += 1;
        }
    }

    /// How many took no longer than each bound.
    pub fn buckets(&self) -> impl Iterator<Item = (f64, u64)> {
        let mut sum = 0;
        BOUNDS
            .into_iter()
            .zip(self.counts)
            .map(move |(bound, count)| {
                sum += count;
                (bound, sum)
            })
    }

    /// How many there were, and how many seconds they took together.
    pub fn sum(&self) -> (u64, f64) {
        (self.count, self.seconds)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn failures_are_counted_by_their_kinds() {
        let mut errors = Errors::default();
        for trouble in [Trouble::Late, Trouble::Refused(500), Trouble::Foreign, Trouble::Late] {
            errors.count(&trouble);
        }
        let counted: Vec<_> = errors.by_kind().collect();
        assert_eq!(counted, [("connection", 0), ("timeout", 2), ("refused", 1), ("answer", 1)]);
        assert_eq!(errors.all(), 4);
    }

    #[test]
    fn answers_are_counted_by_how_long_they_took() {
        let mut latency = Latency::default();
        for millis in [1, 20, 25, 60_000] {
            latency.observe(Duration::from_millis(millis));
        }
        let counted: Vec<_> = latency.buckets().map(|(_, count)| count).collect();
        assert_eq!(counted, [1, 1, 1, 3, 3, 3, 3, 3, 3]);
        assert_eq!(latency.sum().0, 4);
    }
}
