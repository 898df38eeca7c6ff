//! What inotify tells of groups: each watch is of a group's directory, or of one file in it, and known
//! by the group's path.

use std::collections::HashMap;
use std::os::fd::{AsFd, BorrowedFd};
use std::path::Path;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InitFlags, Inotify, InotifyEvent, WatchDescriptor};

/// Watches, and whose they are.
#[derive(Debug)]
pub struct Watch {
    inotify: Inotify,
    paths: HashMap<WatchDescriptor, Box<str>>,
}

impl Watch {
    /// None yet. Fails where the user has as many instances of inotify as are allowed.
    pub fn new() -> Result<Self, Errno> {
        let inotify = Inotify::init(InitFlags::IN_NONBLOCK | InitFlags::IN_CLOEXEC)?;
        Ok(Self { inotify, paths: HashMap::new() })
    }

    /// Watches a directory or file of the group at `path`. ENOSPC where the user has as many watches
    /// as are allowed.
    pub fn add(
        &mut self,
        file: &Path,
        path: &str,
        flags: AddWatchFlags,
    ) -> Result<WatchDescriptor, Errno> {
        let descriptor = self.inotify.add_watch(file, flags)?;
        self.paths.insert(descriptor, path.into());
        Ok(descriptor)
    }

    /// Ends a watch. The kernel does not take away that of a control group that is gone.
    pub fn forget(&mut self, descriptor: WatchDescriptor) {
        self.paths.remove(&descriptor);
        let _gone_already = self.inotify.rm_watch(descriptor);
        // A burst of groups leaves no large table behind.
        if self.paths.capacity() > 64 && self.paths.len() * 8 < self.paths.capacity() {
            self.paths.shrink_to_fit();
        }
    }

    /// The path of the group that a watch is of.
    pub fn path(&self, descriptor: WatchDescriptor) -> Option<&str> {
        self.paths.get(&descriptor).map(|path| &**path)
    }

    /// What happened since it was last asked. EAGAIN if nothing did.
    pub fn read(&self) -> Result<Vec<InotifyEvent>, Errno> {
        self.inotify.read_events()
    }

    /// How many there are.
    pub fn count(&self) -> usize {
        self.paths.len()
    }
}

impl AsFd for Watch {
    fn as_fd(&self) -> BorrowedFd<'_> {
        self.inotify.as_fd()
    }
}
