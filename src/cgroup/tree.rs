//! Which groups there are.
//!
//! The tree is walked once. After that the kernel says by inotify what was made and removed, so that
//! a scrape on which nothing changed costs one system call here.

use std::collections::BTreeMap;
use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::errno::Errno;
use nix::sys::inotify::{AddWatchFlags, InotifyEvent, WatchDescriptor};

use super::{Hierarchies, Watch};

/// Groups beyond this many are not looked at: no host runs them on purpose.
const MOST: usize = 50_000;
/// Nor those nested deeper than this.
const DEEPEST: usize = 32;

/// The groups of the host.
#[derive(Debug)]
pub struct Tree {
    home: Arc<Hierarchies>,
    groups: BTreeMap<Box<str>, Node>,
    watch: Option<Watch>,
    written: Vec<Box<str>>,
}

#[derive(Debug)]
struct Node {
    /// Tells a group from one of the same name before it.
    inode: u64,
    watched: Option<WatchDescriptor>,
}

impl Tree {
    /// An empty tree: the first [`refresh`](Self::refresh) walks it.
    pub fn new(home: Arc<Hierarchies>) -> Self {
        Self { home, groups: BTreeMap::new(), watch: None, written: Vec::new() }
    }

    /// The hierarchies it is a tree of.
    pub fn home(&self) -> &Arc<Hierarchies> {
        &self.home
    }

    /// The paths of all groups with their inodes, `/` first, parents before their children.
    pub fn groups(&self) -> impl Iterator<Item = (&str, u64)> {
        self.groups.iter().map(|(path, node)| (&**path, node.inode))
    }

    /// Whether there is a group at a path.
    pub fn has(&self, path: &str) -> bool {
        self.groups.contains_key(path)
    }

    /// Learns what changed since the last time. Says whether groups came or went.
    pub fn refresh(&mut self) -> bool {
        self.written.clear();
        let mut changed = false;
        loop {
            let Some(watch) = &self.watch else { return self.walk() };
            match watch.read() {
                Err(Errno::EAGAIN) => return changed,
                Ok(events) => {
                    let lost = |e: &InotifyEvent| e.mask.contains(AddWatchFlags::IN_Q_OVERFLOW);
                    if events.iter().any(lost) {
                        return self.walk();
                    }
                    for event in &events {
                        changed |= self.note(event);
                    }
                }
                Err(_) => return self.walk(),
            }
        }
    }

    /// Groups in whose directory somebody wrote to a file between the last two refreshes. On cgroup
    /// v1 in the hierarchy that is walked.
    pub fn written(&self) -> &[Box<str>] {
        &self.written
    }

    fn note(&mut self, event: &InotifyEvent) -> bool {
        let parent = self.watch.as_ref().and_then(|w| w.path(event.wd));
        let name = event.name.as_ref().and_then(|name| name.to_str());
        let (Some(parent), Some(name)) = (parent, name) else { return false };
        if !event.mask.contains(AddWatchFlags::IN_ISDIR) {
            // The kernel tells in the same way of what happens in a group.
            let told = name.starts_with("cgroup.") || name.contains(".events");
            if !told && self.written.last().map(|last| &**last) != Some(parent) {
                self.written.push(parent.into());
            }
            return false;
        }
        let path = format!("{}/{name}", parent.trim_end_matches('/'));
        let gone = AddWatchFlags::IN_DELETE | AddWatchFlags::IN_MOVED_FROM;
        if event.mask.intersects(gone) {
            self.remove(&path);
        } else {
            self.add(path);
        }
        true
    }

    /// Walks the whole tree, with a new watch. Whether that changed anything is not asked.
    fn walk(&mut self) -> bool {
        self.groups.clear();
        self.watch = Watch::new().ok();
        self.add("/".into());
        true
    }

    /// Adds a group and what is below it. It is watched before it is listed, so that nothing made in
    /// between is missed; what is then seen twice is added once.
    fn add(&mut self, path: String) {
        let mut todo = vec![path];
        while let Some(path) = todo.pop() {
            if self.groups.len() >= MOST || path.matches('/').count() > DEEPEST {
                continue;
            }
            let dir = self.dir(&path);
            let watched = self.observe(&dir, &path);
            let inode = fs::metadata(&dir).map_or(0, |found| found.ino());
            self.groups
                .insert(path.clone().into(), Node { inode, watched });
            let Ok(entries) = fs::read_dir(&dir) else {
                self.remove(&path); // It ended again.
                continue;
            };
            for entry in entries.flatten() {
                if entry.file_type().is_ok_and(|kind| kind.is_dir())
                    && let Some(name) = entry.file_name().to_str()
                {
                    todo.push(format!("{}/{name}", path.trim_end_matches('/')));
                }
            }
        }
    }

    /// Without a watch (the user's number of them is limited) every refresh walks the tree.
    fn observe(&mut self, dir: &Path, path: &str) -> Option<WatchDescriptor> {
        let flags = AddWatchFlags::IN_CREATE
            | AddWatchFlags::IN_DELETE
            | AddWatchFlags::IN_MOVE
            | AddWatchFlags::IN_MODIFY
            | AddWatchFlags::IN_ONLYDIR;
        let watch = self.watch.as_mut()?;
        match watch.add(dir, path, flags) {
            Ok(descriptor) => Some(descriptor),
            Err(Errno::ENOSPC | Errno::ENOMEM) => {
                self.watch = None;
                None
            }
            Err(_) => None,
        }
    }

    /// Removes a group and what is below it.
    fn remove(&mut self, path: &str) {
        let below = format!("{path}/");
        let gone: Vec<Box<str>> = self
            .groups
            .range::<str, _>((std::ops::Bound::Included(path), std::ops::Bound::Unbounded))
            .map(|(group, _)| group)
            .take_while(|group| group.starts_with(path))
            .filter(|group| &***group == path || group.starts_with(&below))
            .cloned()
            .collect();
        for group in gone {
            let descriptor = self.groups.remove(&group).and_then(|node| node.watched);
            if let (Some(watch), Some(descriptor)) = (&mut self.watch, descriptor) {
                watch.forget(descriptor);
            }
        }
    }

    fn dir(&self, path: &str) -> PathBuf {
        let mut dir = PathBuf::new();
        self.home.file(self.home.walked(), path, "", &mut dir);
        dir
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Files, Roots, Scratch};

    /// A directory that stands for a host with cgroup v2.
    struct Host(Scratch);

    impl Host {
        fn new() -> Self {
            let dir = Scratch::new();
            dir.write("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
            fs::create_dir_all(dir.join("sys/fs/cgroup")).unwrap();
            Self(dir)
        }

        fn tree(&self) -> Tree {
            let (proc, sys) = (self.0.join("proc"), self.0.join("sys"));
            let roots = Roots { proc, sys, ..Roots::default() };
            Tree::new(
                Hierarchies::find(&roots, &mut Files::default())
                    .unwrap()
                    .into(),
            )
        }

        fn make(&self, group: &str) {
            fs::create_dir_all(self.0.join("sys/fs/cgroup").join(group)).unwrap();
        }

        fn remove(&self, group: &str) {
            fs::remove_dir(self.0.join("sys/fs/cgroup").join(group)).unwrap();
        }
    }

    fn paths(tree: &Tree) -> Vec<&str> {
        tree.groups().map(|(path, _)| path).collect()
    }

    #[test]
    fn follows_groups_that_come_and_go() {
        let host = Host::new();
        host.make("a/b");
        let mut tree = host.tree();
        assert!(tree.refresh());
        assert_eq!(paths(&tree), ["/", "/a", "/a/b"]);
        assert!(!tree.refresh(), "nothing changed");

        host.make("a/c/d");
        host.make("a-b");
        host.remove("a/b");
        assert!(tree.refresh());
        assert_eq!(paths(&tree), ["/", "/a", "/a-b", "/a/c", "/a/c/d"]);
        host.make("a/c/d/e");
        assert!(tree.refresh(), "what was found by an event is followed too");
        assert_eq!(tree.groups().last().unwrap().0, "/a/c/d/e");
    }

    #[test]
    fn tells_of_limits_that_were_written() {
        let host = Host::new();
        host.make("a");
        let mut tree = host.tree();
        tree.refresh();
        for name in ["memory.max", "memory.events", "cgroup.procs"] {
            host.0.write(&format!("sys/fs/cgroup/a/{name}"), "1");
        }
        tree.refresh();
        assert_eq!(tree.written(), [Box::from("/a")]);
        tree.refresh();
        assert!(tree.written().is_empty());
    }

    #[test]
    fn forgets_the_watches_of_groups_that_are_gone() {
        let host = Host::new();
        let mut tree = host.tree();
        tree.refresh();
        for _ in 0..100 {
            host.make("x/y");
            tree.refresh();
            host.remove("x/y");
            host.remove("x");
            tree.refresh();
        }
        assert_eq!(paths(&tree), ["/"]);
        assert_eq!(tree.watch.as_ref().unwrap().count(), 1);
    }

    #[test]
    fn tells_a_group_from_the_one_of_its_name_before() {
        let host = Host::new();
        host.make("x");
        let mut tree = host.tree();
        tree.refresh();
        let before = tree.groups().last().unwrap().1;
        // Moved away and not removed: elsewhere than among control groups inodes are used again.
        let group = |name: &str| host.0.join("sys/fs/cgroup").join(name);
        fs::rename(group("x"), group("y")).unwrap();
        host.make("x");
        assert!(tree.refresh());
        let after = tree.groups().find(|(path, _)| *path == "/x").unwrap().1;
        assert_ne!(before, after);
    }
}
