//! Which rows there are, and what of them is brought up to date with each scrape.

use std::collections::BTreeMap;
use std::iter::successors;
use std::ops::Range;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use super::endings::{Ended, Endings};
use super::readings::Readings;
use super::{Container, Containerd, Last, Names, Role};
use crate::cgroup::{self, Bounds, Cgroup, Kind, Spec, Tree};
use crate::files::Files;

/// Limits are read anew when somebody wrote to the group's directory or Docker changed them, and
/// this often in any case: on cgroup v1 only one hierarchy is watched.
const SPEC_AGE: Duration = Duration::from_secs(300);

/// All rows.
#[derive(Debug)]
pub struct Containers {
    tree: Tree,
    pub(super) rows: Vec<Container>,
    /// Which groups have a row.
    pub(super) shown: fn(Kind<'_>) -> bool,
    /// How many descriptors may be kept open.
    descriptors: usize,
    containerd: Containerd,
    pub(super) endings: Endings,
    /// How often the rows were made anew.
    generation: u64,
    /// Of this scrape, in the order of their paths.
    pub(super) last: Vec<Last>,
    /// Scratch.
    pub(super) ended: Vec<Arc<Ended>>,
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
