//! The rows of the container metrics: the host, ECS tasks and containers, each with its group, its
//! labels, and what does not change from one scrape to the next.

mod containerd;
pub mod endings;
mod last;
mod readings;

use std::collections::BTreeMap;
use std::iter::successors;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use crate::cgroup::{self, Bounds, Cgroup, Kind, Spec, Tree};
use crate::exposition::LabelBlock;
use crate::files::{Files, Result};
pub use containerd::Containerd;
use endings::{Ended, Endings, Group, Named};
pub use last::Last;
use readings::Readings;
pub use readings::{Disk, Room};

/// Limits are read anew when somebody wrote to the group's directory or Docker changed them, and
/// this often in any case: on cgroup v1 only one hierarchy is watched.
const SPEC_AGE: Duration = Duration::from_secs(300);

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

/// All rows.
#[derive(Debug)]
pub struct Containers {
    tree: Tree,
    rows: Vec<Container>,
    /// Which groups have a row.
    shown: fn(Kind<'_>) -> bool,
    /// How many descriptors may be kept open.
    descriptors: usize,
    containerd: Containerd,
    endings: Endings,
    /// How often the rows were made anew.
    generation: u64,
    /// Of this scrape, in the order of their paths.
    last: Vec<Last>,
    /// Scratch.
    ended: Vec<Arc<Ended>>,
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

impl Containers {
    /// No rows yet: [`refresh`](Self::refresh) finds them.
    pub fn new(tree: Tree, shown: fn(Kind<'_>) -> bool, descriptors: usize) -> Self {
        Self {
            tree,
            rows: Vec::new(),
            shown,
            descriptors,
            containerd: Containerd::default(),
            endings: Endings::default(),
            generation: 0,
            last: Vec::new(),
            ended: Vec::new(),
        }
    }

    /// The same, with the endings of containers.
    pub fn following(self, endings: Endings) -> Self {
        Self { endings, ..self }
    }

    /// The same, with what containerd keeps of its containers.
    pub fn with_containerd(self, containerd: Containerd) -> Self {
        Self { containerd, ..self }
    }

    /// The endings of containers.
    pub fn endings(&self) -> &Endings {
        &self.endings
    }

    /// The rows, in the order of their paths.
    pub fn rows(&mut self) -> &mut [Container] {
        &mut self.rows
    }

    /// Tells whether the rows are still the same ones, in the same places.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// All groups of the host, of which some have a row, and the rows.
    pub fn groups_and_rows(&mut self) -> (&Tree, &mut [Container]) {
        (&self.tree, &mut self.rows)
    }

    /// The rows, and the containers that are none any more.
    pub fn rows_and_last(&self) -> (&[Container], &[Last]) {
        (&self.rows, &self.last)
    }

    /// Brings the rows up to date: with the groups there are, and, where `renamed`, with their names.
    pub fn refresh(
        &mut self,
        names: &impl Names,
        renamed: bool,
        now: SystemTime,
        files: &mut Files,
    ) {
        self.endings.scrape();
        if self.tree.refresh() {
            self.rebuild(names, files);
        }
        self.settle(names, now);
        for path in self.tree.written() {
            let path = path.strip_suffix("/container").unwrap_or(path); // Of crun.
            if let Ok(at) = self
                .rows
                .binary_search_by(|row| row.cgroup.path().cmp(path))
                && let Some(row) = self.rows.get_mut(at)
            {
                row.spec_read = None;
            }
        }
        let mut read = false;
        for row in &mut self.rows {
            row.forget_readings(now);
            if renamed {
                let kind = self.containerd.known(row.cgroup.path());
                let (labels, about) = names.describe(row.cgroup.path(), kind);
                row.labels = labels;
                row.storage = names.storage(kind);
                if row.about != about {
                    row.about = about;
                    row.spec_read = None;
                }
            }
            let age = row
                .spec_read
                .map(|at| now.duration_since(at).unwrap_or(SPEC_AGE));
            if age.is_none_or(|age| age >= SPEC_AGE) {
                row.cgroup.look_again();
                if let Some(opened) = self.endings.opened(row.inode) {
                    row.cgroup.share(opened);
                }
                // A group that ended meanwhile says nothing in its other files either.
                row.spec = row.cgroup.spec(files).unwrap_or_default();
                row.spec_read = Some(now);
                read = true;
            }
        }
        if read {
            self.bound(files);
        }
    }

    /// Counts the limits of the groups around each row in. Most of these are rows themselves.
    fn bound(&mut self, files: &mut Files) {
        let Self { tree, rows, .. } = self;
        let mut others: BTreeMap<&str, Spec> = BTreeMap::new();
        let bounds: Vec<_> = rows
            .iter()
            .map(|row| {
                let mut bounds = Bounds::of(&row.spec);
                let mut path = row.cgroup.path();
                while let Some(outer) = cgroup::parent(path) {
                    let at = rows.binary_search_by(|row| row.cgroup.path().cmp(outer));
                    let spec = match at.ok().and_then(|at| rows.get(at)) {
                        Some(row) => row.spec,
                        None => *others.entry(outer).or_insert_with(|| {
                            let group = Cgroup::new(outer, tree.home().clone(), false);
                            group.spec(files).unwrap_or_default()
                        }),
                    };
                    bounds = bounds.within(Bounds::of(&spec));
                    path = outer;
                }
                (row.role != Role::Host).then_some(bounds)
            })
            .collect();
        for (row, bounds) in rows.iter_mut().zip(bounds) {
            row.bounds = bounds;
        }
    }

    /// Keeps the rows whose group is still the same one, with their open files. Groups and rows are
    /// both in the order of their paths.
    fn rebuild(&mut self, names: &impl Names, files: &mut Files) {
        self.generation += 1;
        self.containerd.forget(|path| self.tree.has(path));
        let mut open = 0;
        let rows = Vec::with_capacity(self.tree.groups().count());
        let mut old = std::mem::replace(&mut self.rows, rows)
            .into_iter()
            .peekable();
        for (path, inode) in self.tree.groups() {
            let kind = self.containerd.kind(path, inode, files);
            if !(self.shown)(kind) {
                continue;
            }
            while old.next_if(|row| row.cgroup.path() < path).is_some() {}
            let same = |row: &Container| row.cgroup.path() == path && row.inode == inode;
            if let Some(row) = old.next_if(same) {
                open += row.cgroup.most_open();
                self.rows.push(row);
                continue;
            }
            let mut cgroup = Cgroup::new(path, self.tree.home().clone(), false);
            if let Some(opened) = self.endings.opened(inode) {
                cgroup.share(opened);
            }
            cgroup.keep_within(self.descriptors.saturating_sub(open));
            open += cgroup.most_open();
            let (labels, about) = names.describe(path, kind);
            self.rows.push(Container {
                made: made(&cgroup.dir()),
                cgroup,
                role: match kind {
                    Kind::Host => Role::Host,
                    Kind::Task(_) => Role::Task,
                    Kind::Container(_) => Role::Container,
                    Kind::Unit | Kind::Other => Role::Other,
                },
                labels,
                about,
                storage: names.storage(kind),
                spec: Spec::default(),
                bounds: None,
                inode,
                id: id_in(path),
                spec_read: None,
                process: None,
                readings: Readings::default(),
            });
        }
        self.nest();
    }

    /// Tells each row which of the others it is in, but for the host, in which something always runs.
    fn nest(&mut self) {
        for at in 0..self.rows.len() {
            let (before, rest) = self.rows.split_at_mut(at);
            let Some(row) = rest.first_mut() else { break };
            let mut around =
                successors(cgroup::parent(row.cgroup.path()), |path| cgroup::parent(path));
            let above = around.find_map(|outer| {
                let at = before.binary_search_by(|row| row.cgroup.path().cmp(outer));
                before.get(at.ok()?)
            });
            row.cgroup.within(above.map(|above| &above.cgroup));
        }
    }
}

/// Where in the path of a group the id of a container or of a task stands; empty where there is none.
fn id_in(path: &str) -> Range<usize> {
    let (Kind::Container(id) | Kind::Task(id)) = Kind::of(path) else { return 0..0 };
    path.rfind(id).map_or(0..0, |start| start..start + id.len())
}

/// When a directory of the kernel was made: nothing changes its time later.
fn made(dir: &Path) -> Option<f64> {
    let modified = std::fs::metadata(dir).ok()?.mtime();
    (modified > 0).then_some(modified as f64)
}

/// Seconds since 1970.
pub fn seconds(at: SystemTime) -> f64 {
    at.duration_since(UNIX_EPOCH)
        .map_or(0.0, |since| since.as_secs_f64())
}
