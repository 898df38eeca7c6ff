//! Which hierarchies this host has, and where they are mounted.

use std::path::{Path, PathBuf};

use super::{join, name};
use crate::files::{Error, Files, Result, Roots};
use crate::kernel::mountinfo::{self, Mount};

/// The version that accounts for CPU and memory.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Version {
    /// A hierarchy for each controller, as on Amazon Linux 2.
    V1,
    /// One for all, as on Amazon Linux 2023.
    V2,
}

/// Something that accounts for groups.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Controller {
    /// CPU time and quotas; on cgroup v1 quotas alone.
    Cpu,
    /// CPU time on cgroup v1.
    Cpuacct,
    /// Memory.
    Memory,
    /// Block devices: `blkio` on cgroup v1.
    Io,
    /// Processes.
    Pids,
    /// The CPUs and the nodes of memory that may be used.
    Cpuset,
    /// Huge pages.
    Hugetlb,
    /// None on cgroup v1: the hierarchy that systemd keeps for itself.
    Systemd,
    /// Counters of events. On a hybrid host mostly in the hierarchy of version 2.
    PerfEvent,
    /// What cgroup v2 has without a controller: pressure. On a hybrid host beside version 1.
    Unified,
}

const CONTROLLERS: usize = 10;

/// The host's hierarchies.
#[derive(Debug, PartialEq, Eq)]
pub struct Hierarchies {
    version: Version,
    mounts: [Option<PathBuf>; CONTROLLERS],
}

impl Hierarchies {
    /// Finds the hierarchies in the mounts of the host's first process; its own are as good where
    /// that process may not be looked at.
    pub fn find(roots: &Roots, files: &mut Files) -> Result<Self> {
        let mut found = Self { version: Version::V2, mounts: Default::default() };
        let first = roots.proc.join("1/mountinfo");
        let own = roots.proc.join("self/mountinfo");
        let path = if first.exists() { &first } else { &own };
        files.load(path, |text| mountinfo::each(text, |mount| found.note(&mount, roots)))?;
        if found.mounts.iter().all(Option::is_none) {
            return Err(Error::Absent(roots.sys.join("fs/cgroup")));
        }
        Ok(found)
    }

    fn note(&mut self, mount: &Mount<'_>, roots: &Roots) {
        // A bind mount of a part of a hierarchy, as containers have it, says nothing of the rest.
        if mount.root != b"/" {
            return;
        }
        let unescaped = mountinfo::unescaped(mount.point);
        let Ok(point) = str::from_utf8(&unescaped) else { return };
        match mount.kind {
            b"cgroup2" => self.put(Controller::Unified, point, roots),
            b"cgroup" => {
                for option in mount.super_options.split(|&b| b == b',') {
                    let controller = match option {
                        b"cpu" => Controller::Cpu,
                        b"cpuacct" => Controller::Cpuacct,
                        b"memory" => Controller::Memory,
                        b"blkio" => Controller::Io,
                        b"pids" => Controller::Pids,
                        b"cpuset" => Controller::Cpuset,
                        b"hugetlb" => Controller::Hugetlb,
                        b"perf_event" => Controller::PerfEvent,
                        b"name=systemd" => Controller::Systemd,
                        _ => continue,
                    };
                    self.put(controller, point, roots);
                    if matches!(controller, Controller::Cpuacct | Controller::Memory) {
                        self.version = Version::V1;
                    }
                }
            }
            _ => {}
        }
    }

    /// The first mount of a hierarchy counts.
    fn put(&mut self, controller: Controller, point: &str, roots: &Roots) {
        if let Some(mount) = self.mounts.get_mut(controller as usize) {
            mount.get_or_insert_with(|| roots.host(Path::new(point)));
        }
    }

    /// The version that accounts for CPU and memory.
    pub fn version(&self) -> Version {
        self.version
    }

    /// The hierarchy in which groups are looked for.
    pub fn walked(&self) -> Controller {
        let has = |c: &Controller| self.mount(*c).is_some();
        match self.version {
            Version::V2 => Controller::Unified,
            Version::V1 => [Controller::Memory, Controller::Cpuacct, Controller::Systemd]
                .into_iter()
                .find(has)
                .unwrap_or(Controller::Unified),
        }
    }

    /// Whether files of a controller can be there.
    pub(super) fn has(&self, controller: Controller) -> bool {
        self.mount(controller).is_some()
    }

    /// Where a hierarchy is mounted. On version 2 there is one for all.
    pub fn mount(&self, controller: Controller) -> Option<&Path> {
        let controller = match self.version {
            Version::V1 => controller,
            Version::V2 => Controller::Unified,
        };
        self.mounts.get(controller as usize)?.as_deref()
    }

    /// The processes of a group, appended to `out`: not those of its descendants. Says whether there
    /// is such a group.
    pub fn procs(&self, group: &str, out: &mut Vec<u32>, files: &mut Files) -> Result<bool> {
        self.list(group, "cgroup.procs", out, files)
    }

    /// As [`procs`](Self::procs), each thread of them.
    pub fn tasks(&self, group: &str, out: &mut Vec<u32>, files: &mut Files) -> Result<bool> {
        let name = match self.version {
            Version::V1 => "tasks",
            Version::V2 => "cgroup.threads",
        };
        self.list(group, name, out, files)
    }

    fn list(&self, group: &str, name: &str, out: &mut Vec<u32>, files: &mut Files) -> Result<bool> {
        // A kept descriptor repeats on cgroup v1 a list up to a second old.
        let path = |buffer: &mut PathBuf| self.file(self.walked(), group, name, buffer);
        let listed = files.load_at_if_any(path, |text| name::pids(text, out))?;
        Ok(listed.is_some())
    }

    /// Writes the path of a group's file into `out`.
    pub(super) fn file(&self, controller: Controller, group: &str, name: &str, out: &mut PathBuf) {
        join(self.mount(controller).unwrap_or(Path::new("")), group, name, out);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn noted(text: &[u8]) -> Hierarchies {
        let roots = Roots { sys: "/host/sys".into(), rootfs: "/rootfs".into(), ..Roots::default() };
        let mut found = Hierarchies { version: Version::V2, mounts: Default::default() };
        mountinfo::each(text, |mount| found.note(&mount, &roots)).unwrap();
        found
    }

    #[test]
    fn finds_version_2() {
        let found = noted(b"30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw,nsdelegate\n");
        assert_eq!(found.version(), Version::V2);
        assert_eq!(found.mount(Controller::Memory), Some(Path::new("/host/sys/fs/cgroup")));
        assert_eq!(found.walked(), Controller::Unified);
    }

    #[test]
    fn finds_version_1_wherever_it_is_mounted() {
        let found = noted(
            b"36 32 0:31 / /sys/fs/cgroup/cpu,cpuacct rw - cgroup cgroup rw,cpu,cpuacct\n\
              36 32 0:35 /x /sys/fs/cgroup/memory rw - cgroup cgroup rw,memory\n\
              37 32 0:32 / /cgroup/memory rw - cgroup cgroup rw,memory\n\
              41 31 0:38 / /sys/fs/cgroup/unified rw - cgroup2 cgroup2 rw\n",
        );
        assert_eq!(found.version(), Version::V1);
        let mount = |c| found.mount(c).map(|p| p.to_str().unwrap());
        assert_eq!(mount(Controller::Cpu), Some("/host/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(mount(Controller::Cpuacct), Some("/host/sys/fs/cgroup/cpu,cpuacct"));
        assert_eq!(mount(Controller::Memory), Some("/rootfs/cgroup/memory"));
        assert_eq!(mount(Controller::Unified), Some("/host/sys/fs/cgroup/unified"));
        assert_eq!(mount(Controller::Io), None);
        assert_eq!(found.walked(), Controller::Memory);
    }
}
