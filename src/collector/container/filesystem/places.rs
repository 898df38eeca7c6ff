//! Where the files of each container are, and who looks at them.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Weak};
use std::time::SystemTime;

use super::devices::Devices;
use super::look::Place;
use super::walker::Job;
use crate::container::{Container, Storage, seconds};
use crate::files::{Files, Result, Roots};
use crate::kernel::{Malformed, mountinfo};

/// So many containers of which neither Docker nor a mount says where their layer is are looked at in a
/// scrape; the others in the next.
const LOOKS: usize = 32;

/// Seconds within which a runtime has changed the root of a container's first process, at the latest.
const SOON: f64 = 5.0;

/// What a process has for its root.
#[derive(Debug, PartialEq, Eq)]
struct Root {
    /// Major and minor number of its device.
    device: (u32, u32),
    /// Where an overlay keeps what is written to it. `None` of all else.
    upper: Option<PathBuf>,
}

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
    /// The writable layer as Docker says it, or else a mount of the host: a container cannot make these
    /// up.
    told: Option<PathBuf>,
    /// The process whose mounts were looked at.
    looked_at: Option<u32>,
    /// When to look at it once more, in seconds since 1970.
    again: Option<f64>,
    /// What it has for its root.
    mounted: Option<Root>,
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
    /// In seconds since 1970.
    now: f64,
}

impl Places {
    pub(super) fn new(roots: &Roots, walk_volumes: bool) -> Self {
        let (entries, jobs) = (HashMap::new(), HashMap::new());
        Self { roots: roots.clone(), walk_volumes, entries, jobs, round: 0, looks: 0, now: 0.0 }
    }

    /// Begins a scrape. Where the mounts changed, files may be on another one.
    pub(super) fn begin(&mut self, changed: bool, now: SystemTime) {
        self.round += 1;
        self.looks = 0;
        self.now = seconds(now);
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
        let Self { roots, entries, jobs, round, looks, walk_volumes, now } = self;
        let entry = entries.entry(container.inode()).or_default();
        entry.round = *round;
        if entry.storage != container.storage {
            entry.storage.clone_from(&container.storage);
            entry.made = false;
        }
        if !entry.made {
            let docker = entry.storage.as_ref();
            let docker = docker.and_then(|storage| storage.layer.as_ref());
            entry.told = docker.or_else(|| devices.layer(container.id())).cloned();
        }
        if entry.told.is_none() && *looks < LOOKS {
            let process = container.process(&roots.proc, files)?;
            if let Some(pid) = process.map(|process| process.pid)
                && (entry.looked_at != Some(pid) || entry.again.is_some_and(|at| at <= *now))
            {
                *looks += 1;
                let first = entry.looked_at.replace(pid) != Some(pid);
                let file = roots.proc.join(format!("{pid}/mountinfo"));
                let mounted = files.load_if_any(&file, root)?.flatten();
                let of_host = mounted
                    .as_ref()
                    .is_some_and(|root| devices.is_root(root.device));
                // The runtime is about to change its root.
                let about_to = of_host && first && container.about.pid != Some(pid);
                entry.again = about_to.then_some(*now + SOON);
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
        let mounted = self.mounted.as_ref().filter(|root| {
            // A container in a container names directories as the outer one sees them: on the host, the
            // same path may be of another one.
            !devices.is_root(root.device) && (storage.is_some() || devices.has(root.device))
        });
        let layer = self.told.as_ref().or_else(|| mounted?.upper.as_ref());
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

/// What is mounted at `/`, the last of several. `None` where nothing is to be seen there, as by a
/// process that changed its root.
/// Parses `742 694 0:58 / / rw,relatime - overlay overlay rw,upperdir=/u,workdir=/w`, among other mounts.
fn root(text: &[u8]) -> Result<Option<Root>, Malformed> {
    let mut root = None;
    mountinfo::each(text, |mount| {
        if mount.point == b"/" {
            root = Some(Root { device: mount.device, upper: mount.upper_dir() });
        }
    })?;
    Ok(root)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_what_the_root_is() {
        let layer = "742 694 0:58 / / rw,relatime - overlay overlay rw,upperdir=/u,workdir=/w\n\
            743 742 0:59 / /mnt rw - overlay overlay rw,upperdir=/other,workdir=/w\n";
        assert_eq!(
            root(layer.as_bytes()).unwrap(),
            Some(Root { device: (0, 58), upper: Some("/u".into()) })
        );
        let hidden = format!("{layer}744 742 0:60 / / rw - tmpfs none rw\n");
        assert_eq!(root(hidden.as_bytes()).unwrap(), Some(Root { device: (0, 60), upper: None }));
        assert_eq!(root(b"").unwrap(), None);
        assert!(root(b"742 694").is_err());
    }
}
