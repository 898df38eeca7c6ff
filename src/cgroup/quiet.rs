//! Quiet groups: what changes by a group's own doing alone is not read again while nothing ran in it.
//!
//! The kernel counts CPU time to the nanosecond, or on cgroup v2 to the microsecond. A number is
//! believed once it was read twice at the same CPU time: the second time was a whole scrape after
//! whatever ran last, and so what the kernel does late is in it too.

use super::Cgroup;
use super::v2::Events;
use crate::files::Result;

/// How a group stood when a number was read: CPU time, and bytes charged where these matter too.
pub(super) type Stand = (u64, u64);

/// A number that holds as long as the group stands as it stood.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Held<T> {
    value: T,
    at: Option<Stand>,
    believed: bool,
}

/// The numbers that are held of a group.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Quiet {
    pub(super) split: Held<Option<(Option<u64>, Option<u64>)>>,
    pub(super) threads: Held<Option<u64>>,
    pub(super) peak: Held<Option<u64>>,
    pub(super) kernel: Held<Option<u64>>,
    pub(super) swap: Held<Option<u64>>,
    pub(super) events: Held<Option<Events>>,
}

impl<T: Copy> Held<T> {
    /// The number, which is read only if it may have changed. `at` is `None` where nobody knows.
    fn get(&mut self, at: Option<Stand>, read: impl FnOnce() -> Result<T>) -> Result<T> {
        let same = at.is_some() && self.at == at;
        if same && self.believed {
            return Ok(self.value);
        }
        let value = read()?;
        *self = Self { value, at, believed: same };
        Ok(value)
    }
}

impl Cgroup {
    /// The number that is held in `place`, or as it is now.
    pub(super) fn held<T: Copy>(
        &mut self,
        place: fn(&mut Quiet) -> &mut Held<T>,
        at: Option<Stand>,
        read: impl FnOnce(&mut Self) -> Result<T>,
    ) -> Result<T> {
        let mut held = *place(&mut self.quiet);
        let value = held.get(at, || read(self));
        *place(&mut self.quiet) = held;
        value
    }

    /// How it stands, as far as CPU time tells that was read in this scrape.
    pub(super) fn stands(&self) -> Option<Stand> {
        self.ran.map(|ran| (ran, 0))
    }

    /// The same, with what is charged to it.
    pub(super) fn stands_with(&self, charged: Option<u64>) -> Option<Stand> {
        self.ran.zip(charged)
    }

    /// Begins another scrape: its CPU time is not known.
    pub fn another_scrape(&mut self) {
        self.ran = None;
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Error;

    #[test]
    fn reads_again_until_nothing_ran_for_a_whole_scrape() {
        let mut held = Held::default();
        let mut reads = 0;
        let mut get = |at| {
            let read = || {
                reads += 1;
                Ok(reads)
            };
            held.get(at, read).unwrap()
        };
        let (a, b) = (Some((1, 1)), Some((1, 2)));
        let asked = [a, a, a, a, b, b, b, a, None, a, a, a, None, None];
        let said = asked.map(&mut get);
        assert_eq!(said, [1, 2, 2, 2, 3, 4, 4, 5, 6, 7, 8, 8, 9, 10]);
    }

    #[test]
    fn a_failure_is_not_held() {
        let mut held = Held::default();
        let failed = || Err(Error::Config(String::new()));
        let at = Some((1, 1));
        assert!(held.get(at, failed).is_err());
        assert_eq!(held.get(at, || Ok(5)).unwrap(), 5);
        assert!(held.get(at, failed).is_err(), "not believed yet");
        assert_eq!(held.get(at, || Ok(6)).unwrap(), 6);
        assert_eq!(held.get(at, failed).unwrap(), 6);
    }
}
