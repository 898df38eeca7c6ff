//! Things of which most hosts have none, such as a class of devices. They are looked for once a
//! minute: an absent directory costs no system call in every scrape, and a present one no listing.

use std::path::{Path, PathBuf};
use std::time::SystemTime;

use crate::collector::aged::Aged;
use crate::files::{Error, Result};

/// What was found at a path, or that nothing is there.
#[derive(Debug)]
pub struct Found<T> {
    path: PathBuf,
    last: Aged<Option<T>>,
}

impl<T> Found<T> {
    /// Something to be looked for at `path`.
    pub fn new(path: PathBuf) -> Self {
        Self { path, last: Aged::default() }
    }

    /// Where it is looked for.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// What is there. `look` is asked where the last answer is a minute old; [`Error::Absent`] is
    /// an answer, other errors are not.
    pub fn get(
        &mut self,
        now: SystemTime,
        look: impl FnOnce(&Path) -> Result<T>,
    ) -> Result<&mut T> {
        let Self { path, last } = self;
        look_again(path, last, now, look)?.ok_or_else(|| Error::Absent(path.clone()))
    }

    /// As [`get`](Self::get), but `None` where nothing is there.
    pub fn get_if_any(
        &mut self,
        now: SystemTime,
        look: impl FnOnce(&Path) -> Result<T>,
    ) -> Result<Option<&mut T>> {
        look_again(&self.path, &mut self.last, now, look)
    }
}

fn look_again<'l, T>(
    path: &Path,
    last: &'l mut Aged<Option<T>>,
    now: SystemTime,
    look: impl FnOnce(&Path) -> Result<T>,
) -> Result<Option<&'l mut T>> {
    let last = last.get(now, || match look(path) {
        Err(Error::Absent(_)) => Ok(None),
        found => found.map(Some),
    })?;
    Ok(last.as_mut())
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    #[test]
    fn looks_once_a_minute() {
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let mut found = Found::new("/class".into());
        let absent = |path: &Path| Err(Error::Absent(path.join("x")));
        let mut get = |now, answer: &dyn Fn(&Path) -> Result<u32>| {
            found
                .get(now, answer)
                .copied()
                .map_err(|error| error.to_string())
        };
        assert_eq!(get(at(100), &absent), Err("/class: not on this host".into()));
        assert_eq!(get(at(159), &|_| Ok(1)), Err("/class: not on this host".into()));
        assert_eq!(get(at(160), &|_| Ok(2)), Ok(2));
        assert_eq!(get(at(161), &absent), Ok(2));
        assert_eq!(get(at(220), &|_| Err(Error::Config("broken".into()))), Err("broken".into()));
        assert_eq!(get(at(220), &|_| Ok(3)), Ok(3));
        assert_eq!(found.get_if_any(at(300), absent).unwrap(), None);
    }
}
