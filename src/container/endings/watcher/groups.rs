//! Which groups come and go: containers, and those in which they are made.

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::sync::Arc;
use std::sync::atomic::Ordering;
use std::time::SystemTime;

use nix::errno::Errno;
use nix::sys::inotify::AddWatchFlags;

use super::accounts::task;
use super::{Life, Watcher};
use crate::cgroup::{Cgroup, Kind, Version, task_of};
use crate::container::endings::{Ended, Trouble};

/// Groups beyond this many, or nested deeper than this, are not looked at: no host runs them on
/// purpose.
const MOST: usize = 50_000;
const DEEPEST: usize = 32;

impl Watcher {
    /// What inotify has to tell, up to a buffer of it.
    pub(super) fn news(&mut self) {
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
    pub(super) fn adopt(&mut self, path: &str, began: Option<SystemTime>) {
        let flags = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_ONLYDIR;
        let mut todo = vec![path.to_owned()];
        let mut tasks = Vec::new();
        while let Some(path) = todo.pop() {
            let dir = Cgroup::new(&path, Arc::clone(&self.settings.home), false).dir();
            let inode = fs::metadata(&dir).map_or(0, |found| found.ino());
            let kind = self
                .settings
                .containerd
                .kind(&path, inode, &mut self.means.files);
            if let Kind::Container(id) = kind {
                self.begin(&path, id, began);
                continue;
            }
            if self.parents.len() >= MOST || path.matches('/').count() > DEEPEST {
                continue;
            }
            // It is watched before it is listed, so that nothing made in between is missed.
            match self.watch.add(&dir, &path, flags) {
                Ok(descriptor) => {
                    let known = self.parents.insert(path.clone().into(), descriptor);
                    if matches!(Kind::of(&path), Kind::Task(_)) && known.is_none() {
                        match began {
                            Some(_) => self.books.begin(&path),
                            None => tasks.push(path.clone()),
                        }
                    }
                }
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
        tasks.iter().for_each(|task| self.keep_books(task));
        self.settings
            .containerd
            .forget(|path| self.parents.contains_key(path));
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
        self.lives.insert(token, Box::new(life));
        self.observe(token);
        if let Some(life) = self.lives.get_mut(&token)
            && self.settings.home.version() == Version::V2
        {
            life.told(&mut self.means);
        }
        if let Some(task) = task(path) {
            self.keep_books(task);
        }
    }

    /// A group was removed.
    fn gone(&mut self, path: &str) {
        if let Some(parent) = self.parents.remove(path) {
            self.watch.forget(parent);
            self.books.end(path);
        }
        let token = self.tokens.remove(path);
        let Some(life) = token.and_then(|token| self.lives.remove(&token)) else { return };
        if let Some(told) = life.told {
            self.watch.forget(told);
        }
        let scraped = self.shared.scrapes.load(Ordering::Relaxed) > life.scrapes;
        let (began, inode) = (life.began, life.inode);
        let (id, mut finals, how) = life.finish(&mut self.means);
        let how = self.close_books(path, &mut finals, how);
        self.ended.push(Ended {
            id,
            path: path.into(),
            inode,
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
            self.means.opened.lock().shrink_to_fit();
        }
    }

    /// News were lost: looks at everything anew.
    pub(in crate::container::endings) fn lost(&mut self) {
        self.means.troubles.push(Trouble::Events);
        self.survey();
    }

    pub(super) fn survey(&mut self) {
        let inode = |life: &Life| fs::metadata(life.cgroup.dir()).map_or(0, |found| found.ino());
        let lives = self.lives.values().filter(|life| inode(life) != life.inode);
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
        // Who ended meanwhile is not known of any task.
        self.books.clear();
        let tasks = self.parents.keys();
        let tasks = tasks.filter(|path| matches!(Kind::of(path), Kind::Task(_)));
        let tasks: Vec<_> = tasks.cloned().collect();
        tasks.iter().for_each(|task| self.keep_books(task));
    }
}
