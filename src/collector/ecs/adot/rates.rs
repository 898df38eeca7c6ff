//! Rates: what was used between two scrapes.

use std::collections::BTreeMap;
use std::time::{Duration, SystemTime};

/// Two scrapes that come closer than this are one: when two servers scrape, each would see the time
/// since the other's scrape alone.
const CLOSEST: Duration = Duration::from_secs(1);

/// Counters of a row: nanoseconds on a CPU, bytes received, bytes sent.
pub(super) type Seen = [Option<u64>; 3];

/// What was seen last, by the ids of tasks and containers.
#[derive(Debug, Default)]
pub(super) struct Rates {
    last: BTreeMap<Box<str>, Last>,
    now: Option<SystemTime>,
}

#[derive(Debug)]
struct Last {
    at: SystemTime,
    seen: Seen,
    rates: [Option<f64>; 3],
    current: bool,
}

impl Rates {
    /// Begins a scrape.
    pub(super) fn begin(&mut self, now: SystemTime) {
        self.now = Some(now);
        for last in self.last.values_mut() {
            last.current = false;
        }
    }

    /// CPUs in use, and bytes a second received and sent, of the row with this id since the scrape
    /// before. `None` when it was not there in that.
    pub(super) fn of(&mut self, id: &str, seen: Seen) -> [Option<f64>; 3] {
        let Some(now) = self.now else { return [None; 3] };
        let Some(last) = self.last.get_mut(id) else {
            let last = Last { at: now, seen, rates: [None; 3], current: true };
            self.last.insert(id.into(), last);
            return [None; 3];
        };
        last.current = true;
        let Ok(since) = now.duration_since(last.at) else {
            // The clock was set back.
            last.at = now;
            last.seen = seen;
            return last.rates;
        };
        if since >= CLOSEST {
            let seconds = since.as_secs_f64();
            for ((rate, before), now) in last.rates.iter_mut().zip(last.seen).zip(seen) {
                // Counters that began anew have no rate this time.
                let more = before
                    .zip(now)
                    .and_then(|(before, now)| now.checked_sub(before));
                *rate = more.map(|more| more as f64 / seconds);
            }
            if let [Some(nsec), ..] = &mut last.rates {
                *nsec /= 1e9;
            }
            last.at = now;
            last.seen = seen;
        }
        last.rates
    }

    /// Ends a scrape: what was not there is forgotten.
    pub(super) fn end(&mut self) {
        self.last.retain(|_, last| last.current);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn rates_are_of_the_time_between_two_scrapes() {
        let mut rates = Rates::default();
        let mut at = |millis, seen: Option<Seen>| {
            rates.begin(SystemTime::UNIX_EPOCH + Duration::from_millis(millis));
            let told = seen.map(|seen| rates.of("a", seen));
            rates.end();
            told
        };
        let none = Some([None; 3]);
        assert_eq!(at(10_000, Some([Some(0), Some(0), None])), none);
        assert_eq!(at(10_500, Some([Some(5), Some(5), None])), none, "too close");
        let half = Some([Some(0.5), Some(100.0), None]);
        assert_eq!(at(12_000, Some([Some(1_000_000_000), Some(200), None])), half);
        assert_eq!(at(12_001, Some([Some(1_100_000_000), Some(200), None])), half, "too close");
        let anew = Some([Some(0.0), None, None]);
        assert_eq!(at(14_000, Some([Some(1_000_000_000), Some(7), None])), anew);
        assert_eq!(at(5_000, Some([Some(1_000_000_000), Some(7), None])), anew, "set back");
        assert_eq!(at(6_000, None), None);
        assert_eq!(at(8_000, Some([Some(0), Some(0), None])), none, "forgotten");
    }
}
