//! What a host lacks is not looked for in every scrape.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::files::{Error, Result};

/// A module that is loaded later shows up within this time.
const AGAIN: Duration = Duration::from_secs(60);

/// Remembers that something was not on the host, and looks again at most once a minute.
#[derive(Debug, Default)]
pub struct Absent {
    last: Option<(SystemTime, PathBuf)>,
}

impl Absent {
    /// Looks for it, unless it was not there a moment ago.
    pub fn look<T>(&mut self, now: SystemTime, look: impl FnOnce() -> Result<T>) -> Result<T> {
        if let Some((at, path)) = &self.last
            && now.duration_since(*at).is_ok_and(|age| age < AGAIN)
        {
            return Err(Error::Absent(path.clone()));
        }
        let found = look();
        self.last = match &found {
            Err(Error::Absent(path)) => Some((now, path.clone())),
            _ => None,
        };
        found
    }

    /// As [`look`](Self::look), but `None` where it is not on the host.
    pub fn look_if_any<T>(
        &mut self,
        now: SystemTime,
        look: impl FnOnce() -> Result<T>,
    ) -> Result<Option<T>> {
        match self.look(now, look) {
            Err(Error::Absent(_)) => Ok(None),
            found => found.map(Some),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Says for each time whether it was looked for, and what came of it.
    fn looks<const N: usize>(seconds: [u64; N], there: impl Fn(u64) -> bool) -> [(bool, bool); N] {
        let mut absent = Absent::default();
        seconds.map(|second| {
            let mut looked = false;
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            let found = absent.look_if_any(now, || {
                looked = true;
                if there(second) { Ok(()) } else { Err(Error::Absent("/x".into())) }
            });
            (looked, found.unwrap().is_some())
        })
    }

    #[test]
    fn looks_again_after_a_minute() {
        let (asked, remembered) = ((true, false), (false, false));
        let expected = [asked, remembered, asked, remembered, asked];
        assert_eq!(looks([100, 159, 160, 219, 1000], |_| false), expected);
    }

    #[test]
    fn looks_each_time_while_it_is_there() {
        let found = (true, true);
        assert_eq!(looks([1, 2, 3], |_| true), [found; 3]);
        assert_eq!(
            looks([1, 2, 62, 63], |at| at > 60),
            [(true, false), (false, false), found, found]
        );
    }

    #[test]
    fn looks_when_the_clock_was_set_back() {
        assert_eq!(looks([100, 50], |_| false), [(true, false); 2]);
    }

    #[test]
    fn a_failure_is_no_absence() {
        let mut absent = Absent::default();
        let failed = || -> Result<()> { Err(Error::Config("broken".into())) };
        for _ in 0..2 {
            let outcome = absent.look(SystemTime::UNIX_EPOCH, failed);
            assert_eq!(outcome.unwrap_err().to_string(), "broken");
        }
    }
}
