//! Files of a group that are open for all who read it: those of its last numbers, which whoever follows
//! it to its end has open in any case. A descriptor costs the kernel some 5 KiB, and a host has only so
//! many.

use std::fs;
use std::path::PathBuf;
use std::sync::{Arc, OnceLock};

use super::finals::{V1, V2};
use super::{Cgroup, File, Finals, Version};
use crate::files::Slot;

/// Open files of a group. They are those of its first slots.
#[derive(Debug, Default)]
pub struct Opened([OnceLock<fs::File>; Finals::FILES]);

impl Opened {
    /// How many there are.
    pub fn count(&self) -> usize {
        self.0.iter().filter(|file| file.get().is_some()).count()
    }

    /// The file of a slot.
    pub(super) fn get(&self, slot: usize) -> Option<&fs::File> {
        self.0.get(slot)?.get()
    }
}

impl Cgroup {
    /// The most files that stay open for a group that may keep them: on cgroup v1, with a quota, near its
    /// limit of memory, and with CPU time for each CPU.
    const MOST: usize = 14;

    /// Opens the files of the last numbers, and reads none: the kernel keeps a page for each file that
    /// was read. What is not there is looked for once more when it is read.
    pub fn open_finals(&mut self) -> &Arc<Opened> {
        let files: &[File] = match self.home.version() {
            Version::V1 => &V1,
            Version::V2 => &V2,
        };
        let opened = self.opened.get_or_insert_default();
        let mut path = PathBuf::new();
        for (place, File(_, controller, name)) in opened.0.iter().zip(files) {
            if place.get().is_none() && self.home.has(*controller) {
                self.home.file(*controller, &self.path, name, &mut path);
                if let Ok(file) = fs::File::open(&path) {
                    place.get_or_init(|| file);
                }
            }
        }
        opened
    }

    /// Reads by these descriptors, too, and keeps none of its own to the same files.
    pub fn share(&mut self, opened: Arc<Opened>) {
        for (slot, place) in self.slots.iter_mut().zip(&opened.0) {
            if place.get().is_some() {
                *slot = Slot::Closed;
            }
        }
        self.opened = Some(opened);
    }

    /// How many descriptors of its own it holds at most.
    pub fn most_open(&self) -> usize {
        let shared = self.opened.as_ref().map_or(0, |opened| opened.count());
        if self.keep { Self::MOST.saturating_sub(shared) } else { 0 }
    }

    /// Lets it keep its files open, unless these would be more than so many.
    pub fn keep_within(&mut self, descriptors: usize) {
        self.keep = true;
        self.keep = self.most_open() <= descriptors;
    }

    /// Closes all its files.
    pub fn close(&mut self) {
        self.slots = Default::default();
        self.opened = None;
    }

    /// How many of the files of its last numbers are open.
    pub fn open_files(&self) -> usize {
        self.opened.as_ref().map_or(0, |opened| opened.count())
    }

    /// How many of these cannot be read any more.
    pub(super) fn lost(&self) -> usize {
        let Some(opened) = &self.opened else { return 0 };
        let lost = |(slot, place): &(&Slot, &OnceLock<_>)| {
            matches!(slot, Slot::Absent) && place.get().is_some()
        };
        self.slots.iter().zip(&opened.0).filter(lost).count()
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Hierarchies;
    use crate::files::{Files, Roots, Scratch};

    #[test]
    fn slots_are_the_first() {
        for files in [&V1[..], &V2] {
            assert!(
                files
                    .iter()
                    .enumerate()
                    .all(|(n, File(slot, ..))| n == *slot)
            );
        }
    }

    #[test]
    fn two_read_by_one_descriptor() {
        let dir = Scratch::new();
        dir.write("proc/1/mountinfo", "37 30 0:32 / /cpu rw - cgroup cgroup rw,cpuacct\n");
        dir.write("cpu/a/cpuacct.usage", "5");
        dir.write("cpu/a/cpuacct.stat", "user 1\nsystem 2\n");
        let roots = Roots { proc: dir.join("proc"), rootfs: dir.0.clone(), ..Roots::default() };
        let mut files = Files::default();
        let home: Arc<Hierarchies> = Hierarchies::find(&roots, &mut files).unwrap().into();
        let mut follower = Cgroup::new("/a", Arc::clone(&home), false);
        let mut row = Cgroup::new("/a", home, true);
        let mut usage = |group: &mut Cgroup| {
            let cpu = group.cpu(false, &mut files).unwrap();
            cpu.and_then(|cpu| cpu.usage_nsec)
        };
        assert_eq!((usage(&mut row), row.most_open()), (Some(5), Cgroup::MOST));
        row.share(Arc::clone(follower.open_finals()));
        assert_eq!((row.most_open(), follower.open_files()), (Cgroup::MOST - 2, 2));
        assert!(row.slots.iter().all(|slot| !matches!(slot, Slot::Open(_))));
        row.keep_within(Cgroup::MOST - 3);
        assert_eq!(row.most_open(), 0);
        // Another file of that name is not the one that was opened.
        fs::rename(dir.join("cpu/a/cpuacct.usage"), dir.join("old")).unwrap();
        dir.write("cpu/a/cpuacct.usage", "6");
        dir.write("old", "7");
        assert_eq!([usage(&mut row), usage(&mut follower)], [Some(7); 2]);
        follower.close();
        assert_eq!((usage(&mut follower), usage(&mut row)), (Some(6), Some(7)));
    }
}
