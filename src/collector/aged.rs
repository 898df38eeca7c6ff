//! Things that hardly ever change, and are read once a minute at most.

use std::time::{Duration, SystemTime};

use crate::files::Result;

/// A change shows this late.
const AGE: Duration = Duration::from_secs(60);

/// Something that hardly ever changes. A failure is not remembered: the next scrape tries again.
#[derive(Debug, Default)]
pub struct Aged<T> {
    value: T,
    read: Option<SystemTime>,
}

impl<T> Aged<T> {
    /// The thing itself, read anew if it is a minute old, or if the clock went back.
    pub fn get(&mut self, now: SystemTime, read: impl FnOnce() -> Result<T>) -> Result<&mut T> {
        let age = self.read.map(|at| now.duration_since(at).unwrap_or(AGE));
        if age.is_none_or(|age| age >= AGE) {
            self.value = read()?;
            self.read = Some(now);
        }
        Ok(&mut self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Error;

    #[test]
    fn reads_once_a_minute() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut aged = Aged::default();
        let mut get = |now, found: Result<u32, &str>| {
            let found = found.map_err(|e| Error::Config(e.into()));
            aged.get(now, || found).copied().map_err(|e| e.to_string())
        };
        assert_eq!(get(at(100), Err("no")), Err("no".into()));
        assert_eq!(get(at(101), Ok(1)), Ok(1));
        assert_eq!(get(at(160), Ok(2)), Ok(1));
        assert_eq!(get(at(161), Ok(3)), Ok(3));
        assert_eq!(get(at(100), Ok(4)), Ok(4), "the clock was set back");
    }
}
