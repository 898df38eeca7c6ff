//! `cpufreq`: how fast each CPU runs, and may run. Virtual machines seldom have it.
//!
//! See [the kernel's documentation](https://docs.kernel.org/admin-guide/pm/cpufreq.html).

use std::path::Path;

use crate::collector::attribute::{self, Attribute, Device, Word, word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::{number, numbered};
use crate::kernel::cpulist::CpuList;

static FREQUENCIES: [Attribute<1>; 7] = [
    hertz("cpuinfo_cur_freq", "node_cpu_frequency_hertz", "Frequency the hardware runs at."),
    hertz("cpuinfo_min_freq", "node_cpu_frequency_min_hertz", "Lowest frequency there is.").fixed(),
    hertz("cpuinfo_max_freq", "node_cpu_frequency_max_hertz", "Highest frequency there is.")
        .fixed(),
    hertz("cpuinfo_avg_freq", "node_cpu_frequency_avg_hertz", "Frequency on average, of late."),
    hertz("scaling_cur_freq", "node_cpu_scaling_frequency_hertz", "Frequency asked for."),
    hertz(
        "scaling_min_freq",
        "node_cpu_scaling_frequency_min_hertz",
        "Lowest frequency that may be asked for.",
    ),
    hertz(
        "scaling_max_freq",
        "node_cpu_scaling_frequency_max_hertz",
        "Highest frequency that may be asked for.",
    ),
];

const fn hertz(file: &'static str, name: &'static str, help: &'static str) -> Attribute<1> {
    let kilohertz = |text: &[u8]| number(text).map(|khz| khz * 1e3);
    Attribute::new(file, kilohertz, gauge(name).help(help).labels(["cpu"]))
}

static GOVERNOR: Family<2> = gauge("node_cpu_scaling_governor")
    .help("Whether this governor, of those there are, decides on the frequency.")
    .labels(["cpu", "governor"]);

/// Collects the frequencies of CPUs.
pub struct Cpufreq {
    cpus: Found<Cpus>,
}

#[derive(Debug, Default)]
struct Cpus {
    devices: Vec<Device<1>>,
    governors: Vec<Governors>,
}

#[derive(Debug)]
struct Governors {
    cpu: Box<[u8]>,
    available: Box<[u8]>,
    current: Word,
}

impl Collector for Cpufreq {
    const NAME: &'static str = "cpufreq";
    const ABOUT: &'static str = "Frequencies of CPUs, and who decides on them.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/sys/devices/system/cpu"), Need::Root("node_cpu_frequency_hertz")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&FREQUENCIES).chain([GOVERNOR.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { cpus: Found::new(roots.sys.join("devices/system/cpu")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let cpus = self.cpus.get(host.now, |dir| find(dir, host))?;
        attribute::write(&FREQUENCIES, &mut cpus.devices, host, text);
        let mut family = text.family(&GOVERNOR);
        for Governors { cpu, available, current } in &mut cpus.governors {
            current.refresh(host);
            let Some(current) = current.get() else { continue };
            for governor in available
                .split(u8::is_ascii_whitespace)
                .filter(|g| !g.is_empty())
            {
                family.sample((&**cpu, governor), governor == current);
            }
        }
        Ok(())
    }
}

/// The CPUs that are online and whose frequency is scaled.
fn find(dir: &Path, host: &mut Host) -> Result<Cpus> {
    let offline = host
        .files
        .load_if_any(&dir.join("offline"), CpuList::parse)?
        .unwrap_or_default();
    let mut cpus = Cpus::default();
    for name in files::names(dir)? {
        let Some(cpu) = numbered(&name, b"cpu") else { continue };
        let dir = files::below(dir, &name).join("cpufreq");
        let number = crate::kernel::decimal(cpu).and_then(|n| u32::try_from(n).ok());
        if number.is_none_or(|cpu| offline.contains(cpu)) || !dir.exists() {
            continue;
        }
        if let Some(available) = word(&dir.join("scaling_available_governors"), &mut host.files) {
            let current = Word::live(dir.join("scaling_governor"));
            cpus.governors
                .push(Governors { cpu: cpu.into(), available, current });
        }
        cpus.devices.push(Device::new(dir, [cpu]));
    }
    Ok(cpus)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_fast_cpus_run() {
        expect::<Cpufreq>(&[], "cpufreq");
        expect_absent::<Cpufreq>(&[]);
    }
}
