//! RAPL: energy that CPUs and memory took. Since Linux 5.10 only root may know.
//!
//! See [the kernel's documentation](https://docs.kernel.org/power/powercap/powercap.html).

use std::collections::{BTreeMap, HashMap};
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::collector::attribute::{Number, word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Pattern, Text, counter};
use crate::files::{self, Error, Files, Result, Roots};
use crate::kernel::attribute::number;
use crate::kernel::decimal;

static BY_NAME: Pattern<2> = counter("node_rapl_<zone>_joules_total")
    .help("Joules the zone took. It begins again at 0 when the kernel's number is full.")
    .pattern_by(["index", "path"]);

static BY_LABEL: Family<3> = counter("node_rapl_joules_total")
    .help("Joules a zone took. It begins again at 0 when the kernel's number is full.")
    .labels(["index", "path", "rapl_zone"]);

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Name the zone of power in a label, not in the name of the metric
    #[arg(id = "collector.rapl.enable-zone-label", long)]
    zone_label: bool,
}

/// Collects energy taken.
pub struct Rapl {
    zone_label: bool,
    zones: Found<Zones>,
}

/// Zones by what of their name may stand in that of a metric.
type Zones = BTreeMap<Box<[u8]>, Vec<Zone>>;

#[derive(Debug)]
struct Zone {
    name: Box<[u8]>,
    /// Tells zones of one name apart.
    index: u32,
    path: PathBuf,
    microjoules: Number,
}

impl Zone {
    fn path(&self) -> &[u8] {
        self.path.as_os_str().as_bytes()
    }
}

impl Collector for Rapl {
    const NAME: &'static str = "rapl";
    const ABOUT: &'static str = "Energy that CPUs and memory took.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/sys/class/powercap"), Need::Root("all of it, since Linux 5.10")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [BY_NAME.descriptor(), BY_LABEL.descriptor()].into_iter()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let zones = Found::new(roots.sys.join("class/powercap"));
        Ok(Self { zone_label: flags.zone_label, zones })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let zones = self.zones.get(host.now, |dir| find(dir, &mut host.files))?;
        let mut silent = !zones.is_empty();
        let mut joules = |zone: &mut Zone| {
            let joules = zone.microjoules.get(number, host)? / 1e6;
            silent = false;
            Some(joules)
        };
        if self.zone_label {
            let mut family = text.family(&BY_LABEL);
            for zone in zones.values_mut().flatten() {
                if let Some(joules) = joules(zone) {
                    family.sample((zone.index, zone.path(), &*zone.name), joules);
                }
            }
        } else {
            for (name, zones) in zones {
                let mut family = text.pattern_family(&BY_NAME, name);
                for zone in zones {
                    if let Some(joules) = joules(zone) {
                        family.sample((zone.index, zone.path()), joules);
                    }
                }
            }
        }
        if silent { Err(Error::Absent(self.zones.path().into())) } else { Ok(()) }
    }
}

fn find(dir: &Path, files: &mut Files) -> Result<Zones> {
    let mut zones = Zones::new();
    let mut next: HashMap<Box<[u8]>, u32> = HashMap::new();
    for entry in files::names(dir)? {
        let path = files::below(dir, &entry);
        let Some(name) = word(&path.join("name"), files) else { continue };
        let (name, index) = match indexed(&name) {
            Some((name, index)) => (name.into(), index),
            None => (name.clone(), next.get(&name).copied().unwrap_or_default()),
        };
        next.insert(name.clone(), index.saturating_add(1));
        let microjoules = Number::new(path.join("energy_uj"));
        let zone = Zone { name, index, path, microjoules };
        zones.entry(sanitized(&zone.name)).or_default().push(zone);
    }
    Ok(zones)
}

/// `package-0` is zone 0 of those called `package`.
fn indexed(name: &[u8]) -> Option<(&[u8], u32)> {
    let mut parts = name.split(|&b| b == b'-');
    let (name, index) = (parts.next()?, parts.next()?);
    match parts.next() {
        None => Some((name, decimal(index)?.try_into().ok()?)),
        Some(_) => None,
    }
}

/// What of a name may stand in that of a metric. Two zones may come to the same.
fn sanitized(name: &[u8]) -> Box<[u8]> {
    let part = |b: &u8| if b.is_ascii_alphanumeric() { *b } else { b'_' };
    name.iter().map(part).collect()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{Scratch, expect_absent};

    #[test]
    fn says_how_much_energy_was_taken() {
        let host = Scratch::new();
        let zone = |dir: &str, name: &str, energy: &str| {
            host.write(&format!("sys/class/powercap/{dir}/name"), name);
            host.write(&format!("sys/class/powercap/{dir}/energy_uj"), energy);
        };
        zone("intel-rapl:0", "package-0\n", "54321098765\n");
        zone("intel-rapl:0:0", "core\n", "98765432100\n");
        zone("intel-rapl:1", "package-1\n", "5\n");
        zone("intel-rapl:1:0", "core\n", "1000000\n");
        host.write("sys/class/powercap/intel-rapl/enabled", "1\n");
        let text = |args: &[&str]| {
            let text = host.written::<Rapl>(args).unwrap();
            text.replace(host.0.to_str().unwrap(), "")
        };
        let expected = r#"# TYPE node_rapl_core_joules_total counter
node_rapl_core_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:0"} 98765.4321
node_rapl_core_joules_total{index="1",path="/sys/class/powercap/intel-rapl:1:0"} 1
# TYPE node_rapl_package_joules_total counter
node_rapl_package_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0"} 54321.098765
node_rapl_package_joules_total{index="1",path="/sys/class/powercap/intel-rapl:1"} 5e-6
"#;
        assert_eq!(text(&[]), expected);
        let expected = r#"# TYPE node_rapl_joules_total counter
node_rapl_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0:0",rapl_zone="core"} 98765.4321
node_rapl_joules_total{index="1",path="/sys/class/powercap/intel-rapl:1:0",rapl_zone="core"} 1
node_rapl_joules_total{index="0",path="/sys/class/powercap/intel-rapl:0",rapl_zone="package"} 54321.098765
node_rapl_joules_total{index="1",path="/sys/class/powercap/intel-rapl:1",rapl_zone="package"} 5e-6
"#;
        assert_eq!(text(&["--collector.rapl.enable-zone-label"]), expected);
    }

    #[test]
    fn knows_when_nobody_may_know() {
        expect_absent::<Rapl>(&[]);
        let host = Scratch::new();
        host.write("sys/class/powercap/intel-rapl:0/name", "package-0\n");
        let absent = host.written::<Rapl>(&[]).unwrap_err();
        assert!(matches!(absent, Error::Absent(_)), "{absent}");
    }

    #[test]
    fn reads_names() {
        assert_eq!(indexed(b"package-1"), Some((&b"package"[..], 1)));
        assert_eq!([indexed(b"dram"), indexed(b"psys-x"), indexed(b"package-1-die-0")], [None; 3]);
        assert_eq!(&*sanitized(b"package-1-die-0"), b"package_1_die_0");
    }
}
