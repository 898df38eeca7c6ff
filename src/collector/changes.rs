//! Whether mounts or network interfaces changed: the kernel is asked once a scrape, for all who want to
//! know.

use std::fs::File;
use std::os::fd::AsFd;
use std::path::Path;

use nix::poll::{PollFd, PollFlags, PollTimeout, poll};

use crate::files::is_procfs;
use crate::kernel::netlink::GROUP_LINK;
use crate::system::netlink::Socket;

/// Tells when they change.
#[derive(Debug, Default)]
pub struct Changes {
    /// Open, to be told of mounts. `None` until it was opened, and always where a copy of a procfs is
    /// read, which tells nothing.
    mounts: Option<File>,
    /// Tells of interfaces. `None` until somebody asks, and where netlink may not be used.
    links: Option<Socket>,
    /// How often each changed.
    mount_changes: u64,
    link_changes: u64,
    /// Whether the kernel was asked in this scrape.
    asked: bool,
    /// Whether a socket was asked for in this scrape.
    tried: bool,
}

/// How often interfaces had changed when somebody last looked. Begins as never.
#[derive(Debug, Default)]
pub struct Seen(Option<u64>);

impl Changes {
    /// Begins another scrape.
    pub fn forget(&mut self) {
        (self.asked, self.tried) = (false, false);
    }

    /// How often mounts changed until this scrape. `None` where nobody tells.
    pub(super) fn mounts(&mut self) -> Option<u64> {
        if self.asked { self.told_of_mounts() } else { self.mounts_now() }
    }

    /// As [`mounts`](Self::mounts), until now.
    pub(super) fn mounts_now(&mut self) -> Option<u64> {
        self.ask();
        self.told_of_mounts()
    }

    fn told_of_mounts(&self) -> Option<u64> {
        self.mounts.is_some().then_some(self.mount_changes)
    }

    /// Is told of mounts by the file at `path` from now on, if it is not told yet.
    pub(super) fn open(&mut self, path: &Path) {
        if self.mounts.is_none() {
            self.mounts = File::open(path).ok().filter(|_| is_procfs(path));
        }
    }

    /// Whether interfaces may have changed since this was last asked with `seen`. Who asks has listened
    /// to them before.
    pub fn links(&mut self, seen: &mut Seen) -> bool {
        if !self.asked {
            self.ask();
        }
        if self.links.is_none() && !self.tried {
            // The first time, or more happened than the socket holds. A new one is empty.
            self.tried = true;
            self.links = Socket::listen(GROUP_LINK).ok();
            self.link_changes += 1;
        }
        let now = self.links.is_some().then_some(self.link_changes);
        now.is_none() || std::mem::replace(&mut seen.0, now) != now
    }

    /// Asks of both, without waiting.
    fn ask(&mut self) {
        self.asked = true;
        let mounts = self.mounts.as_ref().map(File::as_fd);
        let links = self.links.as_ref().map(Socket::as_fd);
        let mounts = mounts.map(|fd| PollFd::new(fd, PollFlags::POLLPRI));
        let links = links.map(|fd| PollFd::new(fd, PollFlags::POLLIN));
        let (mounts, links) = match (mounts, links) {
            (Some(mounts), Some(links)) => tell([mounts, links]).into(),
            (Some(mounts), None) => (tell([mounts]) == [true], false),
            (None, Some(links)) => (false, tell([links]) == [true]),
            (None, None) => (false, false),
        };
        self.mount_changes += u64::from(mounts);
        self.link_changes += u64::from(links);
        if links {
            self.links.take_if(|socket| socket.events(|_| ()).is_err());
        }
    }
}

/// Which of these have something to tell; all, where that cannot be asked.
fn tell<const N: usize>(mut asked: [PollFd<'_>; N]) -> [bool; N] {
    let failed = poll(&mut asked, PollTimeout::ZERO).is_err();
    asked.map(|fd| failed || fd.any().unwrap_or(true))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_each_once_of_every_change_of_interfaces() {
        let (mut changes, mut one, mut other) =
            (Changes::default(), Seen::default(), Seen::default());
        assert!(changes.links(&mut one), "never looked");
        assert!(changes.links(&mut other));
        assert_eq!(changes.links(&mut one), changes.links.is_none(), "the same scrape");
        changes.link_changes += 1;
        assert!(changes.links(&mut one));
        changes.forget();
        assert!(!changes.asked);
        assert!(changes.links(&mut other) && changes.asked);
    }

    #[test]
    fn asks_of_mounts_once_a_scrape_where_somebody_tells() {
        let mut changes = Changes::default();
        assert_eq!(changes.mounts(), None);
        changes.open(Path::new("Cargo.toml"));
        assert_eq!(changes.mounts(), None, "that is no procfs");
        changes.open(Path::new("/proc/self/mountinfo"));
        let before = changes.mounts_now().unwrap();
        changes.mount_changes += 1;
        assert_eq!(changes.mounts(), Some(before + 1), "asked already");
        changes.forget();
        assert!(!changes.asked);
        assert!(changes.mounts() >= Some(before + 1));
        assert!(changes.asked);
    }

    #[test]
    fn of_two_it_is_known_which_one_tells() {
        let (read, write) = nix::unistd::pipe().unwrap();
        let (other, _open) = nix::unistd::pipe().unwrap();
        let both = || tell([&read, &other].map(|fd| PollFd::new(fd.as_fd(), PollFlags::POLLIN)));
        assert_eq!(both(), [false, false]);
        nix::unistd::write(&write, b"x").unwrap();
        assert_eq!(both(), [true, false]);
    }
}
