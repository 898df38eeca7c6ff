//! Whether mounts changed: the kernel is asked once a scrape, for all who want to know.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::files::is_procfs;

/// Tells when mounts change.
#[derive(Debug, Default)]
pub(crate) struct Watch {
    /// Open, to be told of changes. `None` until it was opened, and always where a copy of a procfs is
    /// read, which tells nothing.
    file: Option<File>,
    /// How often they changed.
    changes: u64,
    /// Whether the kernel was asked in this scrape.
    asked: bool,
}

impl Watch {
    /// Begins another scrape.
    pub(crate) fn forget(&mut self) {
        self.asked = false;
    }

    /// How often mounts changed until this scrape. `None` where nobody tells.
    pub(super) fn changes(&mut self) -> Option<u64> {
        if self.asked && self.file.is_some() { Some(self.changes) } else { self.ask() }
    }

    /// As [`changes`](Self::changes), until now.
    pub(super) fn ask(&mut self) -> Option<u64> {
        if changed(self.file.as_ref()?) {
            self.changes += 1;
        }
        self.asked = true;
        Some(self.changes)
    }

    /// Is told of changes by the file at `path` from now on, if it is not told yet.
    pub(super) fn open(&mut self, path: &Path) {
        if self.file.is_none() {
            self.file = File::open(path).ok().filter(|_| is_procfs(path));
        }
    }
}

/// Whether mounts changed since this was last asked. Does not wait.
fn changed(file: &File) -> bool {
    let mut asked = [PollFd::new(file.as_fd(), PollFlags::POLLPRI)];
    match poll(&mut asked, PollTimeout::ZERO) {
        Ok(answers) => answers > 0,
        Err(_) => true,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn asks_once_a_scrape_where_somebody_tells() {
        let mut watch = Watch::default();
        assert_eq!(watch.changes(), None);
        watch.open(Path::new("Cargo.toml"));
        assert_eq!(watch.changes(), None, "that is no procfs");
        watch.open(Path::new("/proc/self/mountinfo"));
        let before = watch.changes().unwrap();
        watch.changes += 1;
        assert_eq!(watch.changes(), Some(before + 1), "asked already");
        watch.forget();
        assert!(!watch.asked);
        assert!(watch.changes() >= Some(before + 1));
        assert!(watch.asked);
    }
}
