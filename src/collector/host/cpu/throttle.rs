//! `thermal_throttle/*`: how often CPUs slowed down because they were too hot. Virtual machines have
//! no such files, and nothing is read there.

use std::path::{Path, PathBuf};

use crate::collector::topology::Topology;
use crate::exposition::{Descriptor, Family, Text, counter};
use crate::files::Files;
use crate::kernel::single;

static CORES: Family<2> = counter("node_cpu_core_throttles_total")
    .help("How often a core slowed down because it was too hot.")
    .labels(["core", "package"]);

static PACKAGES: Family<1> = counter("node_cpu_package_throttles_total")
    .help("How often a socket slowed down because it was too hot.")
    .labels(["package"]);

/// The families written here.
pub(super) fn families() -> impl Iterator<Item = Descriptor> {
    [CORES.descriptor(), PACKAGES.descriptor()].into_iter()
}

/// Where it is said how often, once for each core and each socket.
#[derive(Debug, Default)]
pub(super) struct Throttles {
    cores: Vec<((u32, u32), PathBuf)>,
    packages: Vec<(u32, PathBuf)>,
}

impl Throttles {
    /// Finds the files: for each core, and each socket, that of its first CPU that has one.
    pub(super) fn find(topology: &Topology, files: &mut Files) -> Self {
        let mut found = Self::default();
        for cpu in &topology.cpus {
            let Some((package, core)) = cpu.place else { continue };
            let dir = cpu.dir.join("thermal_throttle");
            let path = dir.join("core_throttle_count");
            let known = found.cores.iter().any(|(id, _)| *id == (core, package));
            if !known && number(&path, files).is_some() {
                found.cores.push(((core, package), path));
            }
            let path = dir.join("package_throttle_count");
            let known = found.packages.iter().any(|(id, _)| *id == package);
            if !known && number(&path, files).is_some() {
                found.packages.push((package, path));
            }
        }
        found
    }

    /// Says how often.
    pub(super) fn write(&self, files: &mut Files, text: &mut Text) {
        let mut cores = text.family(&CORES);
        for (core, path) in &self.cores {
            if let Some(n) = number(path, files) {
                cores.sample(*core, n);
            }
        }
        let mut packages = text.family(&PACKAGES);
        for (package, path) in &self.packages {
            if let Some(n) = number(path, files) {
                packages.sample(*package, n);
            }
        }
    }
}

/// `None` for whatever is wrong with it: a CPU that went offline takes its files with it.
fn number(path: &Path, files: &mut Files) -> Option<u64> {
    files.load_records(path, single).ok()
}
