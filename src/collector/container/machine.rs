//! The machine that containers run on.

use std::path::{Path, PathBuf};

use crate::collector::aged::Aged;
use crate::collector::host::os::Places;
use crate::collector::topology::Topology;
use crate::collector::{Collector, Host};
use crate::exposition::{Descriptor, Family, Table, Text, count, gauge, info};
use crate::files::{Error, Files, Kept, Result, Roots, refused};
use crate::system::System;

static SIZES: Table<Sizes> = Table {
    labels: [],
    metrics: &[
        gauge("machine_cpu_cores")
            .help("CPUs that are online, each thread of a core counted.")
            .value(|s| count(s.cpus)),
        gauge("machine_cpu_physical_cores")
            .help("Cores of all sockets, each with one thread or more.")
            .value(|s| count(s.cores)),
        gauge("machine_cpu_sockets")
            .help("Sockets with a CPU in them.")
            .value(|s| count(s.sockets)),
        gauge("machine_memory_bytes")
            .help("Bytes of memory.")
            .value(|s| count(s.memory)),
        gauge("machine_swap_bytes")
            .help("Bytes of swap.")
            .value(|s| count(s.swap)),
    ],
};

static VERSION: Family<5> = info("cadvisor_version_info")
    .help("Versions of the kernel, the operating system and this exporter.")
    .labels(["cadvisorRevision", "cadvisorVersion", "dockerVersion", "kernelVersion", "osVersion"]);

static SCRAPE_ERROR: Family<0> = gauge("machine_scrape_error")
    .help("0 for a machine that could be looked at; one that could not be says nothing at all.")
    .labels([]);

/// Collects what the machine has. All but memory is looked at once a minute.
pub struct Machine {
    meminfo: Kept,
    cpus: PathBuf,
    places: Places,
    facts: Aged<Facts>,
}

impl Collector for Machine {
    const NAME: &'static str = "container.machine";
    const ABOUT: &'static str =
        "CPUs, memory and versions of the machine, by the names of cAdvisor.";
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        SIZES
            .descriptors()
            .chain([VERSION.descriptor(), SCRAPE_ERROR.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            meminfo: Kept::new(roots.proc.join("meminfo")),
            cpus: roots.sys.join("devices/system/cpu"),
            places: Places::new(roots),
            facts: Aged::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { meminfo, cpus, places, facts } = self;
        let Host { shared, files, now, system, .. } = host;
        let facts = facts.get(*now, || Facts::look(cpus, places, system, files))?;
        let meminfo = shared.meminfo(meminfo, files)?;
        let memory = meminfo.get(b"MemTotal");
        let swap = meminfo.get(b"SwapTotal");
        text.table(&SIZES, [((), &Sizes { memory, swap, ..facts.sizes })]);
        let versions = ["", env!("CARGO_PKG_VERSION"), "", &facts.kernel, &facts.os];
        text.family(&VERSION).sample(versions.map(Some), true);
        text.family(&SCRAPE_ERROR).sample((), false);
        Ok(())
    }
}

/// How much of each thing the machine has. Each is `None` where it is not to be seen.
#[derive(Clone, Copy, Debug, Default)]
struct Sizes {
    cpus: Option<u64>,
    cores: Option<u64>,
    sockets: Option<u64>,
    memory: Option<u64>,
    swap: Option<u64>,
}

/// What hardly ever changes.
#[derive(Debug, Default)]
struct Facts {
    sizes: Sizes,
    /// Release of the kernel.
    kernel: String,
    /// Name of the operating system.
    os: String,
}

impl Facts {
    fn look(cpus: &Path, places: &Places, system: &System, files: &mut Files) -> Result<Self> {
        let topology = match Topology::read(cpus, files) {
            Err(Error::Absent(_)) => Topology::default(),
            result => result?,
        };
        let os = match places.load(files) {
            Err(Error::Absent(_)) => String::new(),
            result => result?.get("PRETTY_NAME").into(),
        };
        let uname = (system.uname)().map_err(|e| refused(Path::new("uname"), e))?;
        let some = |n: usize| (n > 0).then_some(n as u64);
        let sizes = Sizes {
            cpus: some(topology.running()),
            cores: some(topology.cores()),
            sockets: some(topology.sockets()),
            ..Sizes::default()
        };
        Ok(Self { sizes, kernel: uname.release, os })
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const CPUS: &str = "sys/devices/system/cpu";

    fn version(os: &str) -> String {
        let ours = env!("CARGO_PKG_VERSION");
        format!(
            "cadvisor_version_info{{cadvisorRevision=\"\",cadvisorVersion=\"{ours}\",\
             dockerVersion=\"\",kernelVersion=\"6.1.79-99.167.amzn2023.x86_64\",\
             osVersion=\"{os}\"}} 1\nmachine_scrape_error 0\n"
        )
    }

    #[test]
    fn counts_threads_cores_and_sockets() {
        let tree = [
            ("proc/meminfo", "MemTotal: 4 kB\nSwapTotal: 1 kB\n"),
            ("etc/os-release", "PRETTY_NAME=\"Amazon Linux 2023\"\n"),
        ];
        let mut host = Trial::<Machine>::new(&[], &tree);
        // Two sockets with two cores each, whose numbers are the same; two threads a core.
        for cpu in 0..8 {
            let topology = format!("{CPUS}/cpu{cpu}/topology");
            let place = [("physical_package_id", cpu % 2), ("core_id", cpu / 2 % 2)];
            for (name, id) in place {
                host.write(&format!("{topology}/{name}"), format!("{id}\n").as_bytes());
            }
        }
        host.write(&format!("{CPUS}/online"), b"0-7\n");
        let sizes = "\
machine_cpu_cores 8
machine_cpu_physical_cores 4
machine_cpu_sockets 2
machine_memory_bytes 4096
machine_swap_bytes 1024
";
        assert_eq!(host.collect().unwrap(), format!("{sizes}{}", version("Amazon Linux 2023")));
    }

    #[test]
    fn leaves_out_what_is_not_to_be_seen() {
        let mut host = Trial::<Machine>::new(&[], &[("proc/meminfo", "MemTotal: 4 kB\n")]);
        let expected = format!("machine_memory_bytes 4096\n{}", version(""));
        assert_eq!(host.collect().unwrap(), expected);
        host.write("proc/meminfo", b"MemTotal: x kB\n");
        assert_eq!(host.complaint(), "/proc/meminfo: line 1: a number expected");
    }
}
