//! The rows of the container metrics: the host, ECS tasks and containers, each with its group, its
//! labels, and what does not change from one scrape to the next.

mod containerd;
pub mod endings;
mod last;
mod readings;
mod rows;

use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{SystemTime, UNIX_EPOCH};

use crate::cgroup::{Bounds, Cgroup, Kind, Spec};
use crate::exposition::LabelBlock;
use crate::files::{Files, Result};
pub use containerd::Containerd;
use endings::{Group, Named};
pub use last::Last;
use readings::Readings;
pub use readings::{Disk, Room};
pub use rows::Containers;

/// What a row stands for.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// The whole host.
    Host,
    /// An ECS task: the sum of its containers, and the place of its limits.
    Task,
    /// A container.
    Container,
    /// A service of systemd, or any other group.
    Other,
}

/// Whose network a container is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Network {
    /// Its own, or one that others share with it.
    Own,
    /// That of another container, as in a task with `awsvpc`.
    Joined,
    /// The host's.
    Host,
    /// None.
    None,
}

/// What Docker knows of a container that is no label.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct About {
    /// Process id of its first process, in the host's eyes.
    pub pid: Option<u32>,
    /// When it was made, in seconds since 1970.
    pub created: Option<f64>,
    /// When it was last started, in seconds since 1970.
    pub started: Option<f64>,
    /// CPU shares it has, which cgroup v2 does not keep.
    pub cpu_shares: Option<u64>,
    /// Whose network it is in.
    pub network: Option<Network>,
    /// Whether its health check passes: `None` without a check.
    pub healthy: Option<bool>,
}

/// Where Docker keeps what belongs to a container, as the host's paths.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Storage {
    /// The writable layer. `None` where Docker does not say, as with containerd's image store.
    pub layer: Option<PathBuf>,
    /// Docker's own directory of the container, in which its log is. `None` where Docker does not say.
    pub home: Option<PathBuf>,
    /// Its volumes, in the order of where they are mounted.
    pub volumes: Vec<Volume>,
}

/// A volume of a container.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Volume {
    /// Where the container sees it.
    pub mountpoint: Box<str>,
    /// Its name, or that of its directory.
    pub name: Box<str>,
    /// Where the host has it.
    pub source: PathBuf,
}

/// One row.
#[derive(Debug)]
pub struct Container {
    /// Its control group.
    pub cgroup: Cgroup,
    /// What it stands for.
    pub role: Role,
    /// Its labels, the same names in the same order for every row.
    pub labels: LabelBlock,
    /// What Docker knows of it.
    pub about: About,
    /// Where its files are. `None` where nobody says.
    pub storage: Option<Arc<Storage>>,
    /// What it may use, as last read.
    pub spec: Spec,
    /// The same with the limits of the groups around it counted in. `None` for the host.
    pub bounds: Option<Bounds>,
    /// When its group was made, in seconds since 1970.
    pub made: Option<f64>,
    inode: u64,
    /// Where in the path of its group its id stands.
    id: Range<usize>,
    spec_read: Option<SystemTime>,
    process: Option<Process>,
    readings: Readings,
}

/// A process, and the network namespace it is in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Process {
    /// Its id.
    pub pid: u32,
    /// Tells network namespaces apart: the inode of the process' `net/dev`. Unlike the link
    /// `ns/net`, anybody may look at it.
    pub network: u64,
}

impl Process {
    /// Looks a process up.
    pub fn look(pid: u32, proc: &Path) -> Option<Self> {
        let network = std::fs::metadata(proc.join(format!("{pid}/net/dev")))
            .ok()?
            .ino();
        Some(Self { pid, network })
    }
}

impl Container {
    /// A process in it: the first one, where Docker or age tells. `None` where none is to be seen.
    pub fn process(&mut self, proc: &Path, files: &mut Files) -> Result<Option<Process>> {
        if self.process.is_none() {
            let told = self.about.pid.filter(|pid| self.has(*pid, proc, files));
            let pid = match told {
                Some(pid) => Some(pid),
                None => {
                    let mut pids = Vec::new();
                    self.cgroup.procs(&mut pids, files)?;
                    pids.into_iter().min()
                }
            };
            self.process = pid.and_then(|pid| Process::look(pid, proc));
        }
        Ok(self.process)
    }

    /// The id by which the path of its group names a container or a task; else empty.
    pub fn id(&self) -> &str {
        self.cgroup.path().get(self.id.clone()).unwrap_or_default()
    }

    /// The same, if the row stands for this. `None` where the path tells no id.
    pub fn id_as(&self, role: Role) -> Option<&str> {
        (self.role == role && !self.id().is_empty()).then(|| self.id())
    }

    /// The inode of its group's directory: tells it from another of the same path.
    pub fn inode(&self) -> u64 {
        self.inode
    }

    /// Whether its group is the root of all, and not of what the exporter is let see.
    pub fn is_whole_host(&self) -> bool {
        /// The inode of the first directory of each hierarchy.
        const ROOT: u64 = 1;
        self.role == Role::Host && self.inode == ROOT
    }

    /// Forgets the process, because it is gone.
    pub fn forget_process(&mut self) {
        self.process = None;
    }

    /// Whether a process is in the group: what Docker said may be old, and the number reused.
    fn has(&self, pid: u32, proc: &Path, files: &mut Files) -> bool {
        let id = self.id();
        if id.is_empty() {
            return false;
        }
        let names = |text: &[u8]| Ok(text.windows(id.len()).any(|part| part == id.as_bytes()));
        files
            .load(&proc.join(format!("{pid}/cgroup")), names)
            .unwrap_or(false)
    }
}

/// Who knows the labels of a group.
pub trait Names {
    /// The labels of the group at `path`, and what else is known of it.
    fn describe(&self, path: &str, kind: Kind<'_>) -> (LabelBlock, About);

    /// Where the files of a container are.
    fn storage(&self, _: Kind<'_>) -> Option<Arc<Storage>> {
        None
    }

    /// What the container of the group at `path` is counted with. `None` if nobody knows it.
    fn group(&self, _path: &str) -> Option<Group> {
        None
    }

    /// Who the container of the group at `path` is. `None` if nobody knows it.
    fn named(&self, path: &str) -> Option<Named> {
        let group = self.group(path)?;
        Some(Named { labels: self.describe(path, Kind::of(path)).0, group })
    }
}

/// Seconds since 1970.
pub fn seconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
