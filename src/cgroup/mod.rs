//! Control groups. Versions 1 and 2 name and lay out the same things differently; here they have
//! one vocabulary, and no collector asks which version it is.

mod blkio;
mod bounds;
mod cpu;
mod finals;
mod hierarchy;
mod hugetlb;
mod io;
mod memory;
mod name;
mod numa;
mod opened;
mod pulse;
mod quiet;
mod spec;
mod stalls;
mod tree;
mod v1;
mod v2;
mod watch;

pub use blkio::Known;
pub use bounds::{Bounds, parent};
pub use cpu::{Cpu, Throttling};
pub use finals::Finals;
pub use hierarchy::{Controller, Hierarchies, Version};
pub use hugetlb::Hugetlb;
pub use io::{Io, IoCost};
pub use memory::{Memory, MemoryNews, Vm};
pub use name::{Kind, task_of};
pub use numa::{Amount, Numa, Scope};
pub use opened::Opened;
pub use spec::{Limit, Spec};
pub use stalls::Stalls;
pub use tree::Tree;
pub use watch::Watch;

use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::files::{Files, Result, Slot};
use crate::kernel::{Malformed, single};
use pulse::Pulse;
use quiet::Quiet;

/// One control group. Keeps its files open from one scrape to the next, if it may.
#[derive(Debug)]
pub struct Cgroup {
    path: Box<str>,
    home: Arc<Hierarchies>,
    keep: bool,
    slots: [Slot; FILES],
    /// Of a group that somebody follows to its end.
    opened: Option<Arc<Opened>>,
    seldom: Seldom,
    /// Of groups that are read in every scrape.
    quiet: Option<Box<Quiet>>,
    /// Nanoseconds on a CPU, as known in this scrape.
    ran: Option<u64>,
    /// The second of this scrape, since 1970.
    now: u32,
    pulse: Arc<Pulse>,
    /// That of a group around it.
    above: Option<Arc<Pulse>>,
}

/// What seldom changes, as last read: it is read again when something says that it may have.
#[derive(Clone, Copy, Debug, Default)]
struct Seldom {
    failcnt: Option<u64>,
    oom_kills: Option<u64>,
    /// How many the whole host had when this group's were read.
    oom_kills_of_all: Option<u64>,
}

/// How many files of a group are read.
const FILES: usize = 26;

/// One file of a group: its slot, the controller whose hierarchy it is in, its name.
#[derive(Clone, Copy, Debug)]
struct File(usize, Controller, &'static str);

/// A file that is seldom read, and so not kept.
#[derive(Clone, Copy, Debug)]
struct Once(Controller, &'static str);

impl Cgroup {
    /// The group at `path`, such as `/ecs/…`, in the host's hierarchies. Its files stay open if `keep`.
    pub fn new(path: &str, home: Arc<Hierarchies>, keep: bool) -> Self {
        Self {
            path: path.into(),
            home,
            keep,
            slots: Default::default(),
            opened: None,
            seldom: Seldom::default(),
            quiet: None,
            ran: None,
            now: 0,
            pulse: Arc::default(),
            above: None,
        }
    }

    /// Its path in the hierarchies, `/` being the root.
    pub fn path(&self) -> &str {
        &self.path
    }

    /// The hierarchies it is in.
    pub fn home(&self) -> &Hierarchies {
        &self.home
    }

    /// Forgets which files are absent, so that they are looked for again, and what it held.
    pub fn look_again(&mut self) {
        if let Some(quiet) = &mut self.quiet {
            **quiet = Quiet::default();
        }
        for slot in &mut self.slots {
            if matches!(slot, Slot::Absent) {
                *slot = Slot::Closed;
            }
        }
    }

    /// Its CPU time, or `None` if it ended or nobody accounts for it.
    pub fn cpu(&mut self, quota: bool, files: &mut Files) -> Result<Option<Cpu>> {
        self.tell_ran(None);
        let cpu = match self.home.version() {
            Version::V1 => v1::cpu(self, quota, files),
            Version::V2 => v2::cpu(self, quota, files),
        }?;
        self.tell_ran(cpu.and_then(|cpu| cpu.usage_nsec));
        Ok(cpu)
    }

    /// Its CPU time on each CPU in nanoseconds, appended to `out`. Nothing on cgroup v2.
    pub fn cpu_each(&mut self, out: &mut Vec<u64>, files: &mut Files) -> Result<()> {
        match self.home.version() {
            Version::V1 => v1::cpu_each(self, out, files),
            Version::V2 => Ok(()),
        }
    }

    /// Its memory, or `None` if it ended or nobody accounts for it.
    pub fn memory(&mut self, news: MemoryNews, files: &mut Files) -> Result<Option<Memory>> {
        self.tell_charged(None);
        let memory = match self.home.version() {
            Version::V1 => v1::memory(self, news, files),
            Version::V2 => v2::memory(self, news, files),
        }?;
        self.tell_charged(memory.and_then(|memory| memory.usage));
        Ok(memory)
    }

    /// Its threads, those of its descendants included. `None` for the root group.
    pub fn threads(&mut self, files: &mut Files) -> Result<Option<u64>> {
        const THREADS: File = File(15, Controller::Pids, "pids.current");
        self.held(|quiet| &mut quiet.threads, self.stands(), THREADS, files, single)
    }

    /// Its processes, appended to `out`: those of the group itself, not of its descendants. Says
    /// whether there still is such a group.
    pub fn procs(&self, out: &mut Vec<u32>, files: &mut Files) -> Result<bool> {
        self.home.procs(&self.path, out, files)
    }

    /// As [`procs`](Self::procs), each thread of them.
    pub fn tasks(&self, out: &mut Vec<u32>, files: &mut Files) -> Result<bool> {
        self.home.tasks(&self.path, out, files)
    }

    /// Huge pages of one size, such as `2MB`. `None` on hosts without, and of the root of cgroup v2.
    pub fn hugetlb(&self, size: &str, files: &mut Files) -> Result<Option<Hugetlb>> {
        hugetlb::read(self, size, files)
    }

    /// Bytes or, on cgroup v1, pages of its memory by the node they are on, appended to `out`.
    pub fn numa(&self, out: &mut Vec<Numa>, files: &mut Files) -> Result<()> {
        numa::read(self, out, files)
    }

    /// Whether its memory moves to other nodes when its set of nodes changes. `None` on cgroup v2.
    pub fn memory_migrate(&self, files: &mut Files) -> Result<Option<u64>> {
        match self.home.version() {
            Version::V1 => {
                self.load_once(Once(Controller::Cpuset, "cpuset.memory_migrate"), files, single)
            }
            Version::V2 => Ok(None),
        }
    }

    /// What it may use.
    pub fn spec(&self, files: &mut Files) -> Result<Spec> {
        let mut spec = match self.home.version() {
            Version::V1 => v1::spec(self, files),
            Version::V2 => v2::spec(self, files),
        }?;
        spec.threads = self.load_once(Once(Controller::Pids, "pids.max"), files, spec::limit)?;
        Ok(spec)
    }

    /// As [`load`](Self::load), of a file that is not kept.
    fn load_once<'f, T>(
        &self,
        Once(controller, name): Once,
        files: &'f mut Files,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        if !self.home.has(controller) {
            return Ok(None);
        }
        let path = |buffer: &mut PathBuf| self.home.file(controller, &self.path, name, buffer);
        files.load_slot(&mut Slot::Closed, false, path, parse)
    }

    /// Its directory in the hierarchy that was walked.
    pub fn dir(&self) -> PathBuf {
        let mut dir = PathBuf::new();
        self.home.file(self.home.walked(), &self.path, "", &mut dir);
        dir
    }

    /// Its directory in the hierarchy where events are counted. `None` where there is no such one.
    pub fn events_dir(&self) -> Option<PathBuf> {
        let own = [Controller::PerfEvent, Controller::Unified];
        let controller = own
            .into_iter()
            .find(|controller| self.home.has(*controller))?;
        let mut dir = PathBuf::new();
        self.home.file(controller, &self.path, "", &mut dir);
        Some(dir)
    }

    fn load<'f, T>(
        &mut self,
        file: File,
        files: &'f mut Files,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        self.load_and_keep(file, self.keep, files, parse)
    }

    /// As [`load`](Self::load); the file stays open if `keep`.
    fn load_and_keep<'f, T>(
        &mut self,
        File(slot, controller, name): File,
        keep: bool,
        files: &'f mut Files,
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        let Self { path, home, slots, opened, .. } = self;
        let open = opened.as_ref().and_then(|opened| opened.get(slot));
        let Some(slot) = slots.get_mut(slot) else { return Ok(None) };
        if !home.has(controller) {
            return Ok(None);
        }
        let path = |buffer: &mut PathBuf| home.file(controller, path, name, buffer);
        match open {
            Some(open) => files.load_open(open, slot, path, parse),
            None => files.load_slot(slot, keep, path, parse),
        }
    }
}

/// Joins a mount and a path in its hierarchy.
fn join(mount: &Path, path: &str, name: &str, out: &mut PathBuf) {
    out.clear();
    out.push(mount);
    out.push(path.trim_start_matches('/'));
    out.push(name);
}
