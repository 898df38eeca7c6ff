//! Where the files of each container are, and who looks at them.

use std::collections::HashMap;
use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};

use super::devices::Devices;
use super::look::Place;
use super::walker::Job;
use crate::container::{Container, Storage};
use crate::files::{Files, Result, Roots};
use crate::kernel::{Malformed, mountinfo};

/// So many containers of which Docker does not say where their layer is are looked at in a scrape;
/// the others in the next.
const LOOKS: usize = 32;

/// A directory, and the file system that it is on.
#[derive(Debug)]
pub(super) struct Part {
    /// Who looks at it.
    pub(super) job: Arc<Job>,
    /// Its file system. `None` where that is not the host's.
    pub(super) place: Option<usize>,
    /// Whether it is a volume, and all of the file system.
    pub(super) whole: bool,
}

/// What is known of a container's files.
#[derive(Debug, Default)]
pub(super) struct Entry {
    /// The writable layer.
    pub(super) layer: Option<Part>,
    /// Docker's directory of it.
    pub(super) home: Option<Part>,
    /// Its volumes, in the order of those of `storage`.
    pub(super) volumes: Vec<Part>,
    /// What Docker says.
    pub(super) storage: Option<Arc<Storage>>,
    /// The process whose mounts were looked at.
    looked_at: Option<u32>,
    /// What they say.
    mounted: Option<PathBuf>,
    made: bool,
    round: u64,
}

/// The files of all containers.
pub(super) struct Places {
    roots: Roots,
    /// Whether to count what volumes hold that share a file system.
    walk_volumes: bool,
    /// By the inode of their groups.
    entries: HashMap<u64, Entry>,
    jobs: HashMap<Place, Weak<Job>>,
    round: u64,
    looks: usize,
}

impl Places {
    pub(super) fn new(roots: &Roots, walk_volumes: bool) -> Self {
        let (entries, jobs) = (HashMap::new(), HashMap::new());
        Self { roots: roots.clone(), walk_volumes, entries, jobs, round: 0, looks: 0 }
    }

    /// Begins a scrape. Where the mounts changed, files may be on another one.
    pub(super) fn begin(&mut self, changed: bool) {
        self.round += 1;
        self.looks = 0;
        if changed {
            self.entries
                .values_mut()
                .for_each(|entry| entry.made = false);
        }
    }

    /// Brings what is known of a container up to date.
    pub(super) fn refresh(
        &mut self,
        container: &mut Container,
        devices: &Devices,
        files: &mut Files,
    ) -> Result<()> {
        let Self { roots, entries, jobs, round, looks, walk_volumes } = self;
        let entry = entries.entry(container.inode()).or_default();
        entry.round = *round;
        if entry.storage != container.storage {
            entry.storage.clone_from(&container.storage);
            entry.made = false;
        }
        let told = entry
            .storage
            .as_ref()
            .is_some_and(|storage| storage.layer.is_some());
        if !told && *looks < LOOKS {
            let process = container.process(&roots.proc, files)?;
            if let Some(pid) = process.map(|process| process.pid)
                && entry.looked_at != Some(pid)
            {
                *looks += 1;
                entry.looked_at = Some(pid);
                let file = roots.proc.join(format!("{pid}/mountinfo"));
                let mounted = files.load_if_any(&file, upper_dir)?.flatten();
                entry.made &= entry.mounted == mounted;
                entry.mounted = mounted;
            }
        }
        if !entry.made {
            entry.make(*walk_volumes, roots, devices, jobs);
        }
        Ok(())
    }

    /// What is known of a container.
    pub(super) fn of(&self, container: &Container) -> Option<&Entry> {
        self.entries.get(&container.inode())
    }

    /// Ends a scrape: forgets containers that were not seen in it.
    pub(super) fn end(&mut self) {
        let Self { entries, jobs, round, .. } = self;
        entries.retain(|_, entry| entry.round == *round);
        jobs.retain(|_, job| job.strong_count() > 0);
    }
}

impl Entry {
    /// Who looks at its directories.
    pub(super) fn jobs(&self) -> impl Iterator<Item = &Arc<Job>> {
        let parts = self.layer.iter().chain(&self.home).chain(&self.volumes);
        parts.map(|part| &part.job)
    }

    /// Finds out anew which file systems its files are on.
    fn make(
        &mut self,
        walk_volumes: bool,
        roots: &Roots,
        devices: &Devices,
        jobs: &mut HashMap<Place, Weak<Job>>,
    ) {
        let storage = self.storage.as_deref();
        // What Docker says first: a container cannot make that up.
        let layer = storage
            .and_then(|storage| storage.layer.as_ref())
            .or(self.mounted.as_ref());
        let mut part = |path: &Path, quota: bool, volume: bool| {
            let (place, whole) = devices.of(path).unzip();
            let whole = volume && whole.unwrap_or_default();
            let mount = place
                .filter(|_| quota)
                .and_then(|place| devices.mounts().get(place));
            let what = Place {
                path: roots.host(path),
                mount: mount.map(|mount| mount.path.clone()),
                device: place.and_then(|place| devices.number(place)),
                walk: !whole && (walk_volumes || !volume),
            };
            let known = jobs.get(&what).and_then(Weak::upgrade);
            let job = known.unwrap_or_else(|| {
                let job = Job::new(what.clone());
                jobs.insert(what, Arc::downgrade(&job));
                job
            });
            Part { job, place, whole }
        };
        let layer = layer.map(|path| part(path, true, false));
        let home = storage.and_then(|storage| storage.home.as_ref());
        let home = home.map(|path| part(path, false, false));
        let volumes = storage.map_or(&[][..], |storage| &storage.volumes);
        let volumes = volumes
            .iter()
            .map(|volume| part(&volume.source, false, true));
        let volumes = volumes.collect();
        // Those of before are let go of only now: who looks at a directory stays the same.
        self.layer = layer;
        self.home = home;
        self.volumes = volumes;
        self.made = true;
    }
}

/// The upper directory of the overlay that is mounted at `/`: of containers, their writable layer.
/// Parses `742 694 0:58 / / rw,relatime - overlay overlay rw,lowerdir=/l/2:/l/1,upperdir=/u,workdir=/w`,
/// among other mounts. `None` where the path is not absolute: Docker shortens it if there are many
/// layers.
fn upper_dir(text: &[u8]) -> Result<Option<PathBuf>, Malformed> {
    let mut upper = None;
    mountinfo::each(text, |mount| {
        if mount.point == b"/" {
            let options = mount.super_options.split(|&byte| byte == b',');
            let dir = options
                .filter_map(|option| option.strip_prefix(b"upperdir="))
                .next();
            upper = dir
                .filter(|_| mount.kind == b"overlay")
                .map(mountinfo::unescaped);
        }
    })?;
    let path = upper.map(|upper| PathBuf::from(OsStr::from_bytes(&upper)));
    let down =
        |path: &PathBuf| path.is_absolute() && !path.components().any(|p| p.as_os_str() == "..");
    Ok(path.filter(down))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_upper_directory_of_the_root() {
        let upper = |text: &str| upper_dir(text.as_bytes()).unwrap();
        let root = |options: &str| {
            format!("742 694 0:58 / / rw,relatime - overlay overlay rw,{options}\n")
        };
        let layer =
            root("lowerdir=/l/2:/l/1,upperdir=/snapshots/7/fs,workdir=/snapshots/7/work,index=off");
        assert_eq!(upper(&layer), Some("/snapshots/7/fs".into()));
        let more = "743 742 0:59 / /mnt rw - overlay overlay rw,upperdir=/other,workdir=/w\n";
        assert_eq!(upper(&format!("{layer}{more}")), Some("/snapshots/7/fs".into()));
        assert_eq!(upper(&root("upperdir=/a\\040b\\054c")), Some("/a b,c".into()));
        let hidden = "744 742 0:60 / / rw - tmpfs none rw\n";
        for none in [
            &root("lowerdir=/l"),
            &root("upperdir=7/diff"),
            &root("upperdir=/a/../b"),
            &format!("{layer}{hidden}"),
            "",
        ] {
            assert_eq!(upper(none), None, "{none}");
        }
        assert!(upper_dir(b"742 694").is_err());
    }
}
