//! What scrapes call for: containers that Docker has not told of.

use std::collections::HashMap;
use std::time::{Duration, Instant};

/// A container that Docker does not know, such as one of podman, is asked for again after this time,
/// then after twice as long, and so on.
const SHORTEST: Duration = Duration::from_secs(5);
const LONGEST: Duration = Duration::from_secs(600);

/// The containers that have a control group and of which Docker has not told.
#[derive(Debug, Default)]
pub(super) struct Demand {
    wanted: HashMap<Box<str>, Wanted>,
    due: Vec<Box<str>>,
    round: u64,
}

#[derive(Debug)]
struct Wanted {
    /// When Docker is to be asked next.
    next: Instant,
    /// How long to wait the time after.
    wait: Duration,
    /// When it was last seen.
    round: u64,
}

impl Demand {
    /// Notes which containers a scrape would like to know, and says whether Docker is to be asked.
    pub(super) fn note<'a>(&mut self, ids: impl Iterator<Item = &'a str>, now: Instant) -> bool {
        self.round += 1;
        for id in ids {
            match self.wanted.get_mut(id) {
                None => {
                    let wanted = Wanted { next: now + SHORTEST, wait: SHORTEST, round: self.round };
                    self.wanted.insert(id.into(), wanted);
                    self.due.push(id.into());
                }
                Some(wanted) => {
                    wanted.round = self.round;
                    if wanted.next <= now {
                        wanted.wait = (2 * wanted.wait).min(LONGEST);
                        wanted.next = now + wanted.wait;
                        self.due.push(id.into());
                    }
                }
            }
        }
        self.wanted.retain(|_, wanted| wanted.round == self.round);
        !self.due.is_empty()
    }

    /// The containers that Docker is to be asked for now.
    pub(super) fn take(&mut self) -> Vec<Box<str>> {
        std::mem::take(&mut self.due)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_at_once_then_ever_more_seldom() {
        let mut demand = Demand::default();
        let start = Instant::now();
        let asked: Vec<u64> = (0..3000)
            .filter(|second| {
                demand.note(["a"].into_iter(), start + Duration::from_secs(*second));
                !demand.take().is_empty()
            })
            .collect();
        assert_eq!(asked, [0, 5, 15, 35, 75, 155, 315, 635, 1235, 1835, 2435]);
    }

    #[test]
    fn forgets_what_is_not_seen_any_more() {
        let mut demand = Demand::default();
        let now = Instant::now();
        assert!(demand.note(["a", "b"].into_iter(), now));
        assert_eq!(demand.take(), ["a".into(), "b".into()]);
        assert!(!demand.note(["b"].into_iter(), now));
        assert!(demand.note(["a", "b"].into_iter(), now), "anew");
        assert_eq!(demand.take(), ["a".into()]);
    }
}
