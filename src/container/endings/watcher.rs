//! The thread: what wakes it, and what it does then.

use std::collections::HashMap;
use std::fs;
use std::io;
use std::os::unix::fs::MetadataExt;
use std::sync::atomic::Ordering;
use std::sync::{Arc, TryLockError};
use std::time::{Instant, SystemTime};

use nix::errno::Errno;
use nix::sys::epoll::{Epoll, EpollCreateFlags, EpollEvent, EpollFlags, EpollTimeout};
use nix::sys::inotify::{AddWatchFlags, WatchDescriptor};

use super::life::{Life, Means};
use super::seek::Seek;
use super::{Ended, Settings, Shared, Trouble};
use crate::cgroup::{Cgroup, Kind, Version, Watch, task_of};

/// What the epoll says of the watches.
const NEWS: u64 = 0;
/// And of being woken. Lives have the numbers after that.
const WOKEN: u64 = 1;

/// Groups beyond this many, or nested deeper than this, are not looked at: no host runs them on
/// purpose.
const MOST: usize = 50_000;
const DEEPEST: usize = 32;

/// Follows containers.
pub(super) struct Watcher {
    settings: Settings,
    shared: Arc<Shared>,
    means: Means,
    watch: Watch,
    /// Groups that are no containers, in which some may be made.
    parents: HashMap<Box<str>, WatchDescriptor>,
    lives: HashMap<u64, Life>,
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
        prioritise();
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
        match self.lives.values().filter_map(Life::due).min() {
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
        let due = |(token, life): (&u64, &Life)| {
            life.due().is_some_and(|due| due <= now).then_some(*token)
        };
        let due: Vec<u64> = self.lives.iter().filter_map(due).collect();
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

    /// What inotify has to tell, up to a buffer of it.
    fn news(&mut self) {
        let events = match self.watch.read() {
            Ok(events) => events,
            Err(Errno::EAGAIN) => return,
            Err(_) => return self.lost(),
        };
        for event in events {
            if event.mask.contains(AddWatchFlags::IN_Q_OVERFLOW) {
                return self.lost();
            }
            let Some(path) = self.watch.path(event.wd) else { continue };
            let Some(name) = event.name else {
                if event.mask.contains(AddWatchFlags::IN_MODIFY)
                    && let Some(life) = self
                        .tokens
                        .get(path)
                        .and_then(|token| self.lives.get_mut(token))
                {
                    life.told(&mut self.means);
                }
                continue;
            };
            let (true, Some(name)) = (event.mask.contains(AddWatchFlags::IN_ISDIR), name.to_str())
            else {
                continue;
            };
            let path = format!("{}/{name}", path.trim_end_matches('/'));
            let gone = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM;
            if event.mask.intersects(gone) {
                self.gone(&path);
            } else {
                self.adopt(&path, Some((self.settings.clock)()));
            }
        }
    }

    /// There is a new group, or one that was found.
    fn adopt(&mut self, path: &str, began: Option<SystemTime>) {
        let flags = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_ONLYDIR;
        let mut todo = vec![path.to_owned()];
        while let Some(path) = todo.pop() {
            if let Kind::Container(id) = Kind::of(&path) {
                self.begin(&path, id, began);
                continue;
            }
            if self.parents.len() >= MOST || path.matches('/').count() > DEEPEST {
                continue;
            }
            let dir = Cgroup::new(&path, Arc::clone(&self.settings.home), false).dir();
            // It is watched before it is listed, so that nothing made in between is missed.
            match self.watch.add(&dir, &path, flags) {
                Ok(descriptor) => _ = self.parents.insert(path.clone().into(), descriptor),
                Err(Errno::ENOSPC | Errno::ENOMEM) => {
                    self.means.troubles.push(Trouble::Watches);
                    self.partly = true;
                    self.shared.blind.store(true, Ordering::Relaxed);
                }
                Err(_) => continue, // It is gone.
            }
            let Ok(entries) = fs::read_dir(&dir) else { continue };
            for entry in entries.flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir())
                    && let Some(name) = entry.file_name().to_str()
                {
                    todo.push(format!("{}/{name}", path.trim_end_matches('/')));
                }
            }
        }
    }

    fn begin(&mut self, path: &str, id: &str, began: Option<SystemTime>) {
        let cgroup = Cgroup::new(path, Arc::clone(&self.settings.home), false);
        let inode = fs::metadata(cgroup.dir()).map_or(0, |found| found.ino());
        let known = self
            .tokens
            .get(path)
            .and_then(|token| self.lives.get(token));
        match known {
            // What was listed is told of as well.
            Some(life) if life.inode == inode || inode == 0 => return,
            Some(_) => self.gone(path),
            None => {}
        }
        if self.lives.len() >= MOST {
            return;
        }
        let token = self.next;
        self.next += 1;
        let mut life = Life::new(id, cgroup, inode);
        life.began = began;
        life.scrapes = self.shared.scrapes.load(Ordering::Relaxed);
        self.tokens.insert(path.into(), token);
        self.lives.insert(token, life);
        self.observe(token);
        if let Some(life) = self.lives.get_mut(&token)
            && self.settings.home.version() == Version::V2
        {
            life.told(&mut self.means);
        }
    }

    /// A group was removed.
    fn gone(&mut self, path: &str) {
        if let Some(parent) = self.parents.remove(path) {
            self.watch.forget(parent);
        }
        let token = self.tokens.remove(path);
        let Some(life) = token.and_then(|token| self.lives.remove(&token)) else { return };
        if let Some(told) = life.told {
            self.watch.forget(told);
        }
        let scraped = self.shared.scrapes.load(Ordering::Relaxed) > life.scrapes;
        let began = life.began;
        let (id, finals, how) = life.finish(&mut self.means);
        self.ended.push(Ended {
            id,
            path: path.into(),
            task: task_of(path).map(Into::into),
            named: None,
            began,
            ended: (self.settings.clock)(),
            finals,
            how,
            scraped,
        });
        if self.lives.capacity() > 64 && self.lives.len() * 8 < self.lives.capacity() {
            self.lives.shrink_to_fit();
            self.tokens.shrink_to_fit();
        }
    }

    /// News were lost: looks at everything anew.
    pub(super) fn lost(&mut self) {
        self.means.troubles.push(Trouble::Events);
        self.survey();
    }

    fn survey(&mut self) {
        let inode = |life: &Life| fs::metadata(life.cgroup.dir()).map_or(0, |found| found.ino());
        let gone = |life: &&Life| inode(life) != life.inode;
        let lives = self.lives.values().filter(gone);
        let gone: Vec<String> = lives.map(|life| life.cgroup.path().to_owned()).collect();
        let home = Arc::clone(&self.settings.home);
        let is_there = |path: &str| Cgroup::new(path, Arc::clone(&home), false).dir().exists();
        let parents = self.parents.keys().filter(|path| !is_there(path));
        let parents: Vec<String> = parents.map(|path| (**path).to_owned()).collect();
        for path in gone.iter().chain(&parents) {
            self.gone(path);
        }
        self.partly = false;
        self.adopt("/", Some((self.settings.clock)()));
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

/// Has this thread run before others: there are milliseconds, and others who want them. Only with
/// CAP_SYS_NICE.
fn prioritise() {
    let own = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(own), -20) {
        tracing::debug!(%error, "the endings of containers are followed with the usual priority");
    }
}
