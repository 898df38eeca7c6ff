//! How often may be asked: a bucket of tokens, full at first, into which one falls at each interval.

use std::sync::{Mutex, PoisonError};

use tokio::time::Instant;

use super::config::Rate;

/// The bucket.
#[derive(Debug, Default)]
pub(super) struct Bucket(Mutex<Option<Level>>);

#[derive(Debug)]
struct Level {
    tokens: f64,
    at: Instant,
}

impl Bucket {
    /// Takes a token, if there is one.
    pub(super) fn allows(&self, rate: Option<Rate>, now: Instant) -> bool {
        let Some(Rate { interval, burst }) = rate else { return true };
        let mut level = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let level = level.get_or_insert(Level { tokens: burst.into(), at: now });
        let fell = now.saturating_duration_since(level.at).as_secs_f64() / interval.as_secs_f64();
        level.tokens = (level.tokens + fell).min(burst.into());
        level.at = now;
        let allowed = level.tokens >= 1.0;
        if allowed {
            level.tokens -= 1.0;
        }
        allowed
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;

    #[test]
    fn allows_a_burst_and_then_one_each_interval() {
        let bucket = Bucket::default();
        let rate = Some(Rate { interval: Duration::from_secs(2), burst: 2 });
        let start = Instant::now();
        let at = |seconds| bucket.allows(rate, start + Duration::from_secs(seconds));
        let allowed = [0, 0, 0, 1, 2, 2, 100, 100, 100].map(at);
        assert_eq!(allowed, [true, true, false, false, true, false, true, true, false]);
        assert!(bucket.allows(None, start));
        let none = Some(Rate { interval: Duration::from_secs(1), burst: 0 });
        assert!(!Bucket::default().allows(none, start));
    }
}
