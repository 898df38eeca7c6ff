//! What containers had used when they ended.
//!
//! A scrape sees a container as it is at that moment. What it did afterwards, and all of one that
//! lived between two scrapes, is in its control group for some milliseconds after its last process,
//! and then gone: Docker's word of its end comes too late every time. So a thread of its own waits for
//! that moment and reads the last numbers; it does nothing while nothing starts or ends. What it read
//! goes into a ledger, in which it stays five minutes, and for good in sums over containers of one
//! name.

mod books;
mod ledger;
mod life;
mod seek;
#[cfg(test)]
mod tests;
mod turn;
mod watcher;

use std::collections::HashMap;
use std::io;
use std::path::PathBuf;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::SystemTime;

use nix::sys::eventfd::{EfdFlags, EventFd};
use tokio::sync::Notify;

use crate::cgroup::{Finals, Hierarchies, Opened};
use crate::container::Containerd;
use crate::exposition::LabelBlock;
pub use ledger::{GROUPS, Group, Ledger, News, Sums};
use watcher::Watcher;

/// What a container had used when it ended.
#[derive(Clone, Debug, PartialEq)]
pub struct Ended {
    /// Its id.
    pub id: Box<str>,
    /// The path of its control group.
    pub path: Box<str>,
    /// The inode of its control group's directory: tells it from another of the same path. 0 where it
    /// was gone too soon.
    pub inode: u64,
    /// The ECS task it was of, by the last part of its ARN. `None` outside of tasks.
    pub task: Option<Box<str>>,
    /// Who it was. `None` where nobody knew it.
    pub named: Option<Named>,
    /// When its group was made. `None` if that was before it was watched.
    pub began: Option<SystemTime>,
    /// When its group was removed.
    pub ended: SystemTime,
    /// Its last numbers.
    pub finals: Finals,
    /// How they were read.
    pub how: How,
    /// Whether there was a scrape while it was there.
    pub scraped: bool,
}

/// Who a container is.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// The labels of its row.
    pub labels: LabelBlock,
    /// What it is counted with.
    pub group: Group,
}

/// How the last numbers of a container were read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum How {
    /// All, after its last process and before its group was removed: nothing is missing.
    Read,
    /// Then too, but some of its files were gone already.
    Partial,
    /// Not then, or in part, but its task's numbers tell: what is left of them when the living and
    /// those that ended before are taken away. It may be a little more than it was.
    LeftOver,
    /// Not then. Its numbers are those of an earlier time, if there are any.
    Missed,
}

impl How {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 4] = [Self::Read, Self::Partial, Self::LeftOver, Self::Missed];

    /// As the label `result` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Read => "read",
            Self::Partial => "partial",
            Self::LeftOver => "left_over",
            Self::Missed => "missed",
        }
    }
}

/// What kept the thread from being told of everything.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Trouble {
    /// The user has as many watches of inotify as are allowed.
    Watches,
    /// There was no descriptor left for a container.
    Descriptors,
    /// More happened at once than the kernel keeps for a reader.
    Events,
}

impl Trouble {
    /// All of them, in the order in which they are counted.
    pub const ALL: [Self; 3] = [Self::Watches, Self::Descriptors, Self::Events];

    /// As the label `cause` says it.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Watches => "watches",
            Self::Descriptors => "descriptors",
            Self::Events => "events",
        }
    }
}

/// Tells who the container of the group at a path is.
pub type Who = Box<dyn Fn(&str) -> Option<Named> + Send>;

/// What the thread works with.
pub struct Settings {
    /// The host's hierarchies.
    pub home: Arc<Hierarchies>,
    /// Its `/proc`.
    pub proc: PathBuf,
    /// What containerd keeps of its containers.
    pub containerd: Containerd,
    /// How many descriptors may be kept open: one for each container, and some for its files.
    pub descriptors: usize,
    /// The time of day.
    pub clock: fn() -> SystemTime,
    /// Who is who. Asked when a container has ended.
    pub who: Who,
}

/// The endings of containers. Clones are of the same thread, which ends with the last of them.
#[derive(Clone, Debug, Default)]
pub struct Endings(Option<Arc<Hold>>);

#[derive(Debug)]
struct Hold(Arc<Shared>);

impl Drop for Hold {
    fn drop(&mut self) {
        self.0.ends.store(true, Ordering::Relaxed);
        self.0.wake();
    }
}

/// What the thread shares with the rest.
#[derive(Debug)]
struct Shared {
    ledger: Mutex<Ledger>,
    /// Wakes the thread.
    wake: EventFd,
    /// The thread is to end.
    ends: AtomicBool,
    /// The thread runs.
    runs: AtomicBool,
    /// The thread is not told of everything, and wants to look when there is a scrape.
    blind: AtomicBool,
    /// How many scrapes there were.
    scrapes: AtomicU64,
    /// There is something new in the ledger.
    news: Notify,
    opened: Arc<AllOpened>,
}

/// The files that are open of each group, by the inode of its directory.
#[derive(Debug, Default)]
struct AllOpened(Mutex<HashMap<u64, Arc<Opened>>>);

impl AllOpened {
    fn lock(&self) -> MutexGuard<'_, HashMap<u64, Arc<Opened>>> {
        self.0.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Shared {
    fn wake(&self) {
        // It fails only where it was woken 2⁶⁴ times already.
        let _awake = self.wake.write(1);
    }

    fn ledger(&self) -> MutexGuard<'_, Ledger> {
        self.ledger.lock().unwrap_or_else(PoisonError::into_inner)
    }
}

impl Endings {
    /// Starts the thread.
    pub fn start(settings: Settings) -> io::Result<Self> {
        let flags = EfdFlags::EFD_NONBLOCK | EfdFlags::EFD_CLOEXEC;
        let shared = Arc::new(Shared {
            ledger: Mutex::default(),
            wake: EventFd::from_flags(flags)?,
            ends: AtomicBool::new(false),
            runs: AtomicBool::new(true),
            blind: AtomicBool::new(false),
            scrapes: AtomicU64::new(0),
            news: Notify::new(),
            opened: Arc::default(),
        });
        let mut watcher = Watcher::new(settings, Arc::clone(&shared))?;
        std::thread::Builder::new()
            .name("endings".into())
            .spawn(move || watcher.run())?;
        Ok(Self(Some(Arc::new(Hold(shared)))))
    }

    /// Whether the thread runs.
    pub fn running(&self) -> bool {
        let runs = |hold: &Arc<Hold>| hold.0.runs.load(Ordering::Relaxed);
        self.0.as_ref().is_some_and(runs)
    }

    /// Tells that a scrape begins, which sees the groups there are.
    pub fn scrape(&self) {
        let Some(Hold(shared)) = self.0.as_deref() else { return };
        shared.scrapes.fetch_add(1, Ordering::Relaxed);
        if shared.blind.load(Ordering::Relaxed) {
            shared.wake();
        }
    }

    /// The files that are open of the group of this directory. `None` where it is no container, or there
    /// are no descriptors left.
    pub fn opened(&self, inode: u64) -> Option<Arc<Opened>> {
        let Hold(shared) = self.0.as_deref()?;
        shared.opened.lock().get(&inode).cloned()
    }

    /// Waits until something ended that the ledger did not have before: for ever, where the thread
    /// does not run. One waits at a time.
    pub async fn news(&self) {
        match self.0.as_deref() {
            Some(Hold(shared)) => shared.news.notified().await,
            None => std::future::pending().await,
        }
    }

    /// Looks at the ledger. The thread does not wait for who does.
    pub fn with_ledger<T>(&self, look: impl FnOnce(&mut Ledger) -> T) -> Option<T> {
        let Hold(shared) = self.0.as_deref()?;
        Some(look(&mut shared.ledger()))
    }
}
