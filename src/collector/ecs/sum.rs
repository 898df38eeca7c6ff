//! Counters of parts that come and go, added up: the sum never falls.

/// In so many scrapes a part may be missing before it is taken to be gone. Its last value counts all
/// the while, and what is heard of its end later is not counted twice.
const MISSING: u8 = 8;

/// The sum of `N` counters of parts, each known by its key.
#[derive(Debug)]
pub(super) struct Sum<K, const N: usize> {
    parts: Vec<Part<K, N>>,
    /// What parts had that are no more. `None` for what no part ever had.
    gone: [Option<u64>; N],
}

#[derive(Debug)]
struct Part<K, const N: usize> {
    key: K,
    last: [Option<u64>; N],
    missing: u8,
}

impl<K, const N: usize> Default for Sum<K, N> {
    fn default() -> Self {
        Self { parts: Vec::new(), gone: [None; N] }
    }
}

impl<K: PartialEq, const N: usize> Sum<K, N> {
    /// Begins another look at the parts.
    pub(super) fn begin(&mut self) {
        let Self { parts, gone } = self;
        parts.retain_mut(|part| {
            part.missing += 1;
            let keep = part.missing <= MISSING;
            if !keep {
                add(gone, &part.last);
            }
            keep
        });
    }

    /// What a part had when it was last noted.
    pub(super) fn last<Q>(&self, key: &Q) -> Option<&[Option<u64>; N]>
    where
        Q: ?Sized + PartialEq,
        K: std::borrow::Borrow<Q>,
    {
        let mut parts = self.parts.iter();
        parts
            .find(|part| part.key.borrow() == key)
            .map(|part| &part.last)
    }

    /// Notes a part as it stands. One whose counters fell has begun anew, and what it had is kept.
    pub(super) fn part<Q>(&mut self, key: &Q, now: [Option<u64>; N])
    where
        Q: ?Sized + ToOwned<Owned = K>,
        K: std::borrow::Borrow<Q>,
        Q: PartialEq,
    {
        let known = self.parts.iter_mut().find(|part| part.key.borrow() == key);
        let Some(part) = known else {
            self.parts
                .push(Part { key: key.to_owned(), last: now, missing: 0 });
            return;
        };
        part.missing = 0;
        for ((last, now), gone) in part.last.iter_mut().zip(now).zip(&mut self.gone) {
            if let Some(now) = now {
                if let Some(before) = last.filter(|before| *before > now) {
                    *gone = Some(gone.unwrap_or(0).saturating_add(before));
                }
                *last = Some(now);
            }
        }
    }

    /// Notes the last values of a part that ended, which no look may have seen. To be told before the
    /// parts of the next look: one that was begun anew has the same key.
    pub(super) fn ended<Q>(&mut self, key: &Q, mut finals: [Option<u64>; N])
    where
        Q: ?Sized + PartialEq,
        K: std::borrow::Borrow<Q>,
    {
        if let Some(at) = self.parts.iter().position(|part| part.key.borrow() == key) {
            let part = self.parts.swap_remove(at);
            for (finals, last) in finals.iter_mut().zip(part.last) {
                *finals = (*finals).max(last);
            }
        }
        add(&mut self.gone, &finals);
    }

    /// The sums. `None` for what no part ever had.
    pub(super) fn total(&self) -> [Option<u64>; N] {
        let mut total = self.gone;
        for part in &self.parts {
            add(&mut total, &part.last);
        }
        total
    }
}

fn add<const N: usize>(sum: &mut [Option<u64>; N], more: &[Option<u64>; N]) {
    for (sum, more) in sum.iter_mut().zip(more) {
        if let Some(more) = more {
            *sum = Some(sum.unwrap_or(0).saturating_add(*more));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn never_falls() {
        let mut sum = Sum::<String, 2>::default();
        assert_eq!(sum.total(), [None, None]);
        sum.begin();
        assert_eq!(sum.last("a"), None);
        sum.part("a", [Some(5), None]);
        assert_eq!(sum.last("a"), Some(&[Some(5), None]));
        sum.part("b", [Some(7), Some(1)]);
        assert_eq!(sum.total(), [Some(12), Some(1)]);
        // One goes, and its last words are heard after a scrape missed it.
        sum.begin();
        sum.part("b", [Some(8), Some(1)]);
        assert_eq!(sum.total(), [Some(13), Some(1)]);
        sum.ended("a", [Some(6), Some(2)]);
        assert_eq!(sum.total(), [Some(14), Some(3)]);
        // One begins anew, and another twice.
        sum.begin();
        sum.part("b", [Some(1), Some(0)]);
        sum.ended("a", [Some(3), None]);
        sum.ended("a", [Some(2), None]);
        assert_eq!(sum.total(), [Some(20), Some(3)]);
        // One lived between two scrapes.
        sum.ended("c", [Some(100), None]);
        for _ in 0..=MISSING {
            sum.begin();
        }
        assert_eq!(sum.total(), [Some(120), Some(3)]);
        assert!(sum.parts.is_empty());
    }
}
