//! The host's CPUs as sysfs lays them out: which there are, which are online, where they sit.

use std::collections::BTreeSet;
use std::path::{Path, PathBuf};

use crate::files::{self, Files, Result};
use crate::kernel::cpulist::CpuList;
use crate::kernel::{decimal, single};

/// What `/sys/devices/system/cpu` says.
#[derive(Debug, Default, PartialEq, Eq)]
pub struct Topology {
    /// The CPUs, in the order of their directories' names.
    pub cpus: Vec<Cpu>,
    /// Those that run. `None` where sysfs does not list them.
    pub online: Option<CpuList>,
    /// Those that the scheduler leaves alone.
    pub isolated: CpuList,
    /// Whether the first CPU can be switched off, as on ARM, which others take for granted.
    pub switchable: bool,
}

/// One CPU.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Cpu {
    /// Its number.
    pub number: u32,
    /// Its directory.
    pub dir: PathBuf,
    /// The socket and the core in it. `None` while it is offline, and where nobody knows.
    pub place: Option<(u32, u32)>,
}

impl Topology {
    /// Reads it from `dir`.
    pub fn read(dir: &Path, files: &mut Files) -> Result<Self> {
        let mut cpus = Vec::new();
        for name in files::names(dir)? {
            let number = name.strip_prefix(b"cpu").and_then(decimal);
            let Some(number) = number.and_then(|n| u32::try_from(n).ok()) else { continue };
            let dir = dir.join(format!("cpu{number}"));
            let mut id = |name: &str| {
                // Whatever is wrong with it, it does not say where the CPU sits.
                let id = files.load_records(&dir.join("topology").join(name), single);
                id.ok().and_then(|id| u32::try_from(id).ok())
            };
            let place = id("physical_package_id").zip(id("core_id"));
            cpus.push(Cpu { number, dir, place });
        }
        let mut list = |name: &str| files.load_if_any(&dir.join(name), CpuList::parse);
        Ok(Self {
            cpus,
            online: list("online")?,
            isolated: list("isolated")?.unwrap_or_default(),
            switchable: dir.join("cpu0/online").exists(),
        })
    }

    /// How many CPUs run.
    pub fn running(&self) -> usize {
        match &self.online {
            Some(online) => online.iter().count(),
            None => self.cpus.len(),
        }
    }

    /// How many cores there are, with one thread or more each.
    pub fn cores(&self) -> usize {
        let places = self.cpus.iter().filter_map(|cpu| cpu.place);
        places.collect::<BTreeSet<_>>().len()
    }

    /// How many sockets there are.
    pub fn sockets(&self) -> usize {
        let places = self.cpus.iter().filter_map(|cpu| cpu.place);
        let sockets = places.map(|(socket, _)| socket);
        sockets.collect::<BTreeSet<_>>().len()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_what_is_known() {
        let cpu = |number, place| Cpu { number, dir: PathBuf::new(), place };
        let cpus = vec![
            cpu(0, Some((0, 0))),
            cpu(1, Some((1, 0))),
            cpu(10, Some((0, 0))),
            cpu(11, Some((1, 0))),
            cpu(2, None),
        ];
        let online = Some(CpuList::parse(b"0-1,10-11\n").unwrap());
        let topology = Topology { cpus, online, ..Topology::default() };
        let counts = |t: &Topology| (t.running(), t.cores(), t.sockets());
        assert_eq!(counts(&topology), (4, 2, 2));
        assert_eq!(counts(&Topology { online: None, ..topology }), (5, 2, 2));
        assert_eq!(counts(&Topology::default()), (0, 0, 0));
    }

    #[test]
    fn is_absent_without_sysfs() {
        let nowhere = Path::new("/proc/self/no-such-directory");
        let topology = Topology::read(nowhere, &mut Files::default());
        assert!(matches!(topology, Err(files::Error::Absent(_))));
    }
}
