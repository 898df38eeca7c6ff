//! The thread: what wakes it, and what it does then.

mod accounts;
mod groups;

use std::collections::HashMap;
use std::io;
use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError};
use std::time::Instant;

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::inotify::{AddWatchFlags, WatchDescriptor};

use super::books::Books;
use super::life::{Life, Means};
use super::seek::Seek;
use super::{Ended, Settings, Shared, Trouble, turn};
use crate::cgroup::{Version, Watch};

/// What the epoll says of the watches.
const NEWS: u64 = 0;
/// And of being woken. Lives have the numbers after that.
const WOKEN: u64 = 1;

/// Follows containers.
pub(super) struct Watcher {
    settings: Settings,
    shared: Arc<Shared>,
    means: Means,
    watch: Watch,
    /// Groups that are no containers, in which some may be made.
    parents: HashMap<Box<str>, WatchDescriptor>,
    /// Boxed: half the places of a map are empty.
    lives: HashMap<u64, Box<Life>>,
    /// What tasks keep of their containers.
    books: Books,
    /// Where each is in `lives`.
    tokens: HashMap<Box<str>, u64>,
    next: u64,
    /// Whether there are groups that could not be watched.
    partly: bool,
    /// What ended and is not in the ledger yet.
    ended: Vec<Ended>,
}

/// Says that the thread has ended, however it does.
struct Runs(Arc<Shared>);

impl Drop for Runs {
    fn drop(&mut self) {
        self.0.runs.store(false, Ordering::Relaxed);
        if !self.0.ends.load(Ordering::Relaxed) {
            tracing::error!("the endings of containers are no longer followed");
        }
    }
}

impl Watcher {
    /// Of the containers there are, and all that come from now on.
    pub(super) fn new(settings: Settings, shared: Arc<Shared>) -> io::Result<Self> {
        let epoll = Epoll::new(EpollCreateFlags::EPOLL_CLOEXEC)?;
        let watch = Watch::new()?;
        epoll.add(&watch, EpollEvent::new(EpollFlags::EPOLLIN, NEWS))?;
        epoll.add(&shared.wake, EpollEvent::new(EpollFlags::EPOLLIN, WOKEN))?;
        let means = Means {
            epoll,
            files: crate::files::Files::default(),
            opened: Arc::clone(&shared.opened),
            proc: settings.proc.clone(),
            descriptors: settings.descriptors,
            open: 0,
            troubles: Vec::new(),
        };
        let mut new = Self {
            settings,
            shared,
            means,
            watch,
            parents: HashMap::new(),
            lives: HashMap::new(),
            books: Books::default(),
            tokens: HashMap::new(),
            next: WOKEN + 1,
            partly: false,
            ended: Vec::new(),
        };
        new.adopt("/", None);
        Ok(new)
    }

    /// Follows containers until told to end.
    pub(super) fn run(&mut self) {
        let _runs = Runs(Arc::clone(&self.shared));
        turn::take(&self.settings.home, &mut self.means.files);
        while !self.shared.ends.load(Ordering::Relaxed) {
            if let Err(error) = self.step(self.patience()) {
                tracing::error!(%error, "epoll");
                return;
            }
        }
    }

    /// Waits until something happens, and no longer than that; and does what is to be done.
    pub(super) fn step(&mut self, patience: EpollTimeout) -> Result<(), Errno> {
        let mut events = [EpollEvent::empty(); 64];
        let count = match self.means.epoll.wait(&mut events, patience) {
            Err(Errno::EINTR) => 0,
            count => count?,
        };
        let tokens = || events.iter().take(count).map(EpollEvent::data);
        // The files of those whose process ended are about to go: they come first.
        for token in tokens().filter(|token| *token > WOKEN) {
            if let Some(life) = self.lives.get_mut(&token) {
                life.ended(token, &mut self.means);
                self.attend(token);
            }
        }
        if tokens().any(|token| token == NEWS) {
            self.news();
        }
        if tokens().any(|token| token == WOKEN) {
            self.woken();
        }
        self.look();
        self.publish();
        Ok(())
    }

    /// How long there is nothing to do, if nothing happens.
    pub(super) fn patience(&self) -> EpollTimeout {
        match self.lives.values().filter_map(|life| life.due()).min() {
            _ if !self.ended.is_empty() || !self.means.troubles.is_empty() => {
                EpollTimeout::from(1u8)
            }
            None => EpollTimeout::NONE,
            Some(at) => {
                let wait = at.saturating_duration_since(Instant::now());
                // Rounded up, so that it is time when it ends.
                let millis = wait.as_micros().div_ceil(1000);
                u16::try_from(millis).map_or(EpollTimeout::from(u16::MAX), EpollTimeout::from)
            }
        }
    }

    /// Of how many lives a process is held.
    #[cfg(test)]
    pub(super) fn held(&self) -> usize {
        self.lives.values().filter(|life| life.held()).count()
    }

    /// Looks for processes, where it is time.
    fn look(&mut self) {
        let now = Instant::now();
        let due = |life: &Life| life.due().is_some_and(|due| due <= now);
        let all = self.lives.iter();
        let due: Vec<u64> = all
            .filter_map(|(token, life)| due(life).then_some(*token))
            .collect();
        for token in due {
            if let Some(life) = self.lives.get_mut(&token) {
                life.look(token, now, &mut self.means);
                self.attend(token);
            }
        }
    }

    /// What follows from what was found of a life.
    fn attend(&mut self, token: u64) {
        let Some(life) = self.lives.get_mut(&token) else { return };
        if life.unattended() {
            self.shared.blind.store(true, Ordering::Relaxed);
        }
        if self.settings.home.version() == Version::V1 {
            // Each `docker exec` moves a process: while one is held, that is no news.
            if life.held() {
                if let Some(told) = life.told.take() {
                    self.watch.forget(told);
                }
            } else if life.told.is_none() {
                self.observe(token);
            }
        }
    }

    /// Has the kernel tell of a life's processes.
    fn observe(&mut self, token: u64) {
        let Some(life) = self.lives.get_mut(&token) else { return };
        let name = match self.settings.home.version() {
            Version::V1 => "cgroup.procs",
            Version::V2 => "cgroup.events",
        };
        let file = life.cgroup.dir().join(name);
        match self
            .watch
            .add(&file, life.cgroup.path(), AddWatchFlags::IN_MODIFY)
        {
            Ok(told) => life.told = Some(told),
            Err(Errno::ENOSPC | Errno::ENOMEM) => self.means.troubles.push(Trouble::Watches),
            Err(_) => {} // It is gone.
        }
    }

    /// A scrape is under way, and not everything is told of: looks at what is not.
    fn woken(&mut self) {
        let _there = self.shared.wake.read();
        if self.partly {
            self.survey();
        }
        self.shared.blind.store(self.partly, Ordering::Relaxed);
        for life in self.lives.values_mut().filter(|life| life.unattended()) {
            life.glance(&mut self.means);
            life.seek = Some(Seek::once(Instant::now()));
            self.shared.blind.store(true, Ordering::Relaxed);
        }
    }

    /// Puts what ended into the ledger, unless somebody looks at it just now.
    fn publish(&mut self) {
        if self.ended.is_empty() && self.means.troubles.is_empty() {
            return;
        }
        for ended in self.ended.iter_mut().filter(|ended| ended.named.is_none()) {
            ended.named = (self.settings.who)(&ended.path);
        }
        let mut ledger = match self.shared.ledger.try_lock() {
            Ok(ledger) => ledger,
            Err(TryLockError::Poisoned(ledger)) => ledger.into_inner(),
            Err(TryLockError::WouldBlock) => return,
        };
        for ended in self.ended.drain(..) {
            ledger.push(ended);
            self.shared.news.notify_one();
        }
        for trouble in self.means.troubles.drain(..) {
            if ledger.trouble(trouble) {
                tracing::warn!(
                    lacks = trouble.as_str(),
                    "the endings of some containers may be missed"
                );
            }
        }
    }
}
