//! The machine that containers run on.

mod dimms;

use std::collections::BTreeSet;
use std::path::Path;

use self::dimms::{DIMMS, Dimms};
use crate::collector::aged::Aged;
use crate::collector::attribute::word;
use crate::collector::host::os::Places;
use crate::collector::topology::Topology;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, LabelBlock, Table, Text, count, gauge, info};
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
        gauge("machine_cpu_books")
            .help("Books with a CPU in them, which only mainframes have.")
            .value(|s| count(s.books)),
        gauge("machine_cpu_drawers")
            .help("Drawers with a CPU in them, which only mainframes have.")
            .value(|s| count(s.drawers)),
        gauge("machine_memory_bytes")
            .help("Bytes of memory.")
            .value(|s| count(s.memory)),
        gauge("machine_swap_bytes")
            .help("Bytes of swap.")
            .value(|s| count(s.swap)),
        gauge("machine_nvm_avg_power_budget_watts")
            .help("Always 0: memory that keeps its content without power is not looked for.")
            .value(|_| Some(0.0)),
    ],
};

static NVM: Family<1> = gauge("machine_nvm_capacity")
    .help("Always 0: memory that keeps its content without power is not looked for.")
    .labels(["mode"]);

static VERSION: Family<5> = info("cadvisor_version_info")
    .help("Versions of the kernel, the operating system and this exporter.")
    .labels(["cadvisorRevision", "cadvisorVersion", "dockerVersion", "kernelVersion", "osVersion"]);

static SCRAPE_ERROR: Family<0> = gauge("machine_scrape_error")
    .help("0 for a machine that could be looked at; one that could not be says nothing at all.")
    .labels([]);

/// Collects what the machine has. All but memory is looked at once a minute.
pub struct Machine {
    meminfo: Kept,
    places: Places,
    facts: Aged<Facts>,
    roots: Roots,
}

impl Collector for Machine {
    const NAME: &'static str = "container.machine";
    const ABOUT: &'static str =
        "CPUs, memory and versions of the machine, by the names of cAdvisor.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/proc/meminfo"),
        Need::Read("/proc/sys/kernel/random/boot_id"),
        Need::Read("/sys/devices/system"),
        Need::Read("/etc/machine-id"),
        Need::Read("/etc/os-release"),
        Need::Read("/sys/class/dmi/id/product_uuid"),
        Need::Root("system_uuid"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        SIZES.descriptors().chain(DIMMS.descriptors()).chain([
            NVM.descriptor(),
            VERSION.descriptor(),
            SCRAPE_ERROR.descriptor(),
        ])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            meminfo: Kept::new(roots.proc.join("meminfo")),
            places: Places::new(roots),
            facts: Aged::default(),
            roots: roots.clone(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { meminfo, places, facts, roots } = self;
        let Host { shared, files, now, system, .. } = host;
        let facts = facts.get(*now, || Facts::look(roots, places, system, files))?;
        let meminfo = shared.meminfo(meminfo, files)?;
        let memory = meminfo.get(b"MemTotal");
        let swap = meminfo.get(b"SwapTotal");
        let labels = &facts.labels;
        text.table(&SIZES, [(labels, &Sizes { memory, swap, ..facts.sizes })]);
        text.table(
            &DIMMS,
            facts
                .dimms
                .iter()
                .map(|dimms| ((labels, &*dimms.kind), dimms)),
        );
        let mut nvm = text.family(&NVM);
        for mode in ["memory_mode", "app_direct_mode"] {
            nvm.sample((labels, mode), 0.0);
        }
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
    books: Option<u64>,
    drawers: Option<u64>,
    memory: Option<u64>,
    swap: Option<u64>,
}

/// What hardly ever changes.
#[derive(Debug, Default)]
struct Facts {
    sizes: Sizes,
    /// What tells it from other machines, and from itself before it was started anew.
    labels: LabelBlock,
    dimms: Vec<Dimms>,
    /// Release of the kernel.
    kernel: String,
    /// Name of the operating system.
    os: String,
}

impl Facts {
    fn look(roots: &Roots, places: &Places, system: &System, files: &mut Files) -> Result<Self> {
        let cpus = roots.sys.join("devices/system/cpu");
        let topology = match Topology::read(&cpus, files) {
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
            books: places_of(&topology, "book_id", files),
            drawers: places_of(&topology, "drawer_id", files),
            ..Sizes::default()
        };
        let dimms = dimms::read(&roots.sys.join("devices/system/edac/mc"), files)?;
        Ok(Self { sizes, labels: labels(roots, files), dimms, kernel: uname.release, os })
    }
}

/// In how many books or drawers CPUs are. `None` where no CPU is to be seen.
fn places_of(topology: &Topology, file: &str, files: &mut Files) -> Option<u64> {
    let mut ids = BTreeSet::new();
    for cpu in &topology.cpus {
        // A machine without them has the file of no CPU.
        let Some(id) = word(&cpu.dir.join("topology").join(file), files) else { break };
        ids.insert(id);
    }
    (!topology.cpus.is_empty()).then_some(ids.len() as u64)
}

/// The labels of the machine, of which those that are not to be seen are left out.
pub(super) fn labels(roots: &Roots, files: &mut Files) -> LabelBlock {
    let places = [
        ("machine_id", roots.host(Path::new("/etc/machine-id"))),
        ("machine_id", roots.host(Path::new("/var/lib/dbus/machine-id"))),
        ("system_uuid", roots.sys.join("class/dmi/id/product_uuid")),
        // What cAdvisor takes where the firmware has none, or tells it to root alone.
        ("system_uuid", roots.host(Path::new("/etc/machine-id"))),
        ("boot_id", roots.proc.join("sys/kernel/random/boot_id")),
    ];
    let mut found: Vec<(&str, String)> = Vec::new();
    for (label, path) in places {
        if found.iter().all(|(known, _)| *known != label)
            && let Some(id) = word(&path, files)
        {
            found.push((label, String::from_utf8_lossy(&id).into_owned()));
        }
    }
    LabelBlock::new(found.iter().map(|(label, id)| (*label, id.as_str())))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const CPUS: &str = "sys/devices/system/cpu";

    const NOTHING: &str = "\
machine_nvm_avg_power_budget_watts 0
machine_nvm_capacity{mode=\"memory_mode\"} 0
machine_nvm_capacity{mode=\"app_direct_mode\"} 0
";

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
machine_cpu_books 0
machine_cpu_drawers 0
machine_memory_bytes 4096
machine_swap_bytes 1024
";
        let expected = format!("{sizes}{NOTHING}{}", version("Amazon Linux 2023"));
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn says_which_machine_it_is_and_what_memory_it_has() {
        let mut host = Trial::<Machine>::new(
            &[],
            &[
                ("proc/meminfo", "MemTotal: 4 kB\n"),
                ("var/lib/dbus/machine-id", "0123\n"),
                ("sys/class/dmi/id/product_uuid", "ec2-1\n"),
                ("proc/sys/kernel/random/boot_id", "b\n"),
                ("sys/devices/system/cpu/cpu0/topology/book_id", "1\n"),
                ("sys/devices/system/cpu/cpu1/topology/book_id", "2\n"),
                ("sys/devices/system/edac/mc/mc0/dimm0/dimm_mem_type", "DDR4\n"),
                ("sys/devices/system/edac/mc/mc0/dimm0/size", "1024\n"),
                ("sys/devices/system/edac/mc/mc0/dimm3/dimm_mem_type", "DDR4\n"),
                ("sys/devices/system/edac/mc/mc0/dimm3/size", "1\n"),
                ("sys/devices/system/edac/mc/mc0/power/size", "1\n"),
            ],
        );
        let labels = r#"machine_id="0123",system_uuid="ec2-1",boot_id="b""#;
        let expected = format!(
            r#"machine_cpu_cores{{{labels}}} 2
machine_cpu_books{{{labels}}} 2
machine_cpu_drawers{{{labels}}} 0
machine_memory_bytes{{{labels}}} 4096
machine_nvm_avg_power_budget_watts{{{labels}}} 0
machine_dimm_count{{{labels},type="DDR4"}} 2
machine_dimm_capacity_bytes{{{labels},type="DDR4"}} 1074790400
machine_nvm_capacity{{{labels},mode="memory_mode"}} 0
machine_nvm_capacity{{{labels},mode="app_direct_mode"}} 0
{}"#,
            version("")
        );
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn a_machine_without_firmware_is_known_by_its_installation() {
        let files = [("proc/meminfo", "MemTotal: 4 kB\n"), ("etc/machine-id", "0123\n")];
        let said = Trial::<Machine>::new(&[], &files).collect().unwrap();
        let labels = r#"machine_memory_bytes{machine_id="0123",system_uuid="0123"} 4096"#;
        assert_eq!(said.lines().next(), Some(labels));
    }

    #[test]
    fn leaves_out_what_is_not_to_be_seen() {
        let mut host = Trial::<Machine>::new(&[], &[("proc/meminfo", "MemTotal: 4 kB\n")]);
        let expected = format!("machine_memory_bytes 4096\n{NOTHING}{}", version(""));
        assert_eq!(host.collect().unwrap(), expected);
        host.write("proc/meminfo", b"MemTotal: x kB\n");
        assert_eq!(host.complaint(), "/proc/meminfo: line 1: a number expected");
    }
}
