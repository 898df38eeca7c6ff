//! PCI devices: what they are, how fast their links are, whether they sleep.
//!
//! See [the kernel's documentation](https://docs.kernel.org/PCI/sysfs-pci.html).

mod names;

use std::ffi::OsString;
use std::os::unix::ffi::OsStrExt;
use std::path::Path;

use clap::Args;

use self::names::{Ids, Names};
use crate::collector::attribute::{Number, Word, word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, gauge, info};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::number;

static INFO: Family<19> = info("node_pcidevice_info")
    .help("What a device is, as labels. Those of its parent are * where it has none.")
    .labels([
        "segment",
        "bus",
        "device",
        "function",
        "parent_segment",
        "parent_bus",
        "parent_device",
        "parent_function",
        "class_id",
        "vendor_id",
        "device_id",
        "subsystem_vendor_id",
        "subsystem_device_id",
        "revision",
        "vendor_name",
        "device_name",
        "subsystem_vendor_name",
        "subsystem_device_name",
        "class_name",
    ]);

static NUMBERS: Table<Numbers, 4> = Table {
    labels: ["segment", "bus", "device", "function"],
    metrics: &[
        gauge("node_pcidevice_max_link_transfers_per_second")
            .help("Transfers in a second the link is capable of; -1 where there is none.")
            .value(|n| Some(n.max_speed.map_or(-1.0, |giga| giga * 1e9))),
        gauge("node_pcidevice_max_link_width")
            .help("Lanes the link is capable of; -1 where there is none.")
            .value(|n| Some(n.max_width.unwrap_or(-1.0))),
        gauge("node_pcidevice_current_link_transfers_per_second")
            .help("Transfers in a second of the link; -1 where there is none.")
            .value(|n| Some(n.speed.map_or(-1.0, |giga| giga * 1e9))),
        gauge("node_pcidevice_current_link_width")
            .help("Lanes of the link; -1 where there is none.")
            .value(|n| Some(n.width.unwrap_or(-1.0))),
        gauge("node_pcidevice_d3cold_allowed")
            .help("Whether the device may be switched off while nobody uses it.")
            .value(|n| Some(flag(n.d3cold))),
        gauge("node_pcidevice_sriov_drivers_autoprobe")
            .help("Whether virtual functions get a driver as soon as they are made.")
            .value(|n| Some(flag(n.autoprobe))),
        gauge("node_pcidevice_sriov_numvfs")
            .help("Virtual functions that are on.")
            .value(|n| Some(n.functions.unwrap_or(0.0))),
        gauge("node_pcidevice_sriov_totalvfs")
            .help("Virtual functions there may be.")
            .value(|n| Some(n.functions_max.unwrap_or(0.0))),
        gauge("node_pcidevice_sriov_vf_total_msix")
            .help("Interrupts that virtual functions can share.")
            .value(|n| Some(n.interrupts.unwrap_or(0.0))),
        gauge("node_pcidevice_numa_node")
            .help("NUMA node the device is on.")
            .value(|n| n.numa_node.filter(|node| *node != -1.0)),
    ],
};

static POWER: Family<5> = gauge("node_pcidevice_power_state")
    .help("Whether the device is in this state of power: D0 is awake, D3cold is off.")
    .labels(["segment", "bus", "device", "function", "state"]);

const STATES: [&[u8]; 7] = [b"D0", b"D1", b"D2", b"D3hot", b"D3cold", b"unknown", b"error"];

/// Numbers of a device. `None` is what it does not have.
#[derive(Debug, Default)]
struct Numbers {
    max_speed: Option<f64>,
    max_width: Option<f64>,
    speed: Option<f64>,
    width: Option<f64>,
    d3cold: Option<f64>,
    autoprobe: Option<f64>,
    functions: Option<f64>,
    functions_max: Option<f64>,
    interrupts: Option<f64>,
    numa_node: Option<f64>,
}

fn flag(number: Option<f64>) -> f64 {
    f64::from(u8::from(number.is_some_and(|number| number != 0.0)))
}

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Say what vendors, devices and classes are called, too
    #[arg(id = "collector.pcidevice.names", long)]
    names: bool,
    /// File of such names [default: pci.ids where distributions have it]
    #[arg(id = "collector.pcidevice.idsfile", long, value_name = "FILE")]
    file: Option<OsString>,
}

/// Collects what PCI devices are, and how they do.
pub struct Pcidevice {
    names: Option<Names>,
    found: Found<Vec<Device>>,
}

#[derive(Debug)]
struct Device {
    /// Segment, bus, device and function, of itself and of its parent.
    location: [Box<[u8]>; 4],
    parent: [Box<[u8]>; 4],
    ids: Ids,
    /// In the order of the labels.
    names: Option<[Box<[u8]>; 5]>,
    numbers: Numbers,
    speed: Number,
    width: Number,
    functions: Number,
    power: Word,
}

impl Collector for Pcidevice {
    const NAME: &'static str = "pcidevice";
    const ABOUT: &'static str = "PCI devices and their links.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/bus/pci/devices"),
        Need::Read("/usr/share/misc/pci.ids"),
        Need::Read("/usr/share/hwdata/pci.ids"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor(), POWER.descriptor()]
            .into_iter()
            .chain(NUMBERS.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let usual = ["usr/share/misc/pci.ids", "usr/share/hwdata/pci.ids"];
        let files = match flags.file.filter(|file| !file.is_empty()) {
            Some(file) => vec![file.into()],
            None => usual.map(|file| roots.rootfs.join(file)).into(),
        };
        let names = flags.names.then(|| Names::new(files));
        Ok(Self { names, found: Found::new(roots.sys.join("bus/pci/devices")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { names, found } = self;
        let devices = found.get(host.now, |dir| find(dir, names.as_mut(), host))?;
        devices.iter_mut().for_each(|device| device.read(host));
        let mut family = text.family(&INFO);
        for device in &*devices {
            family.sample(device.labels(), 1.0);
        }
        let rows = devices
            .iter()
            .map(|device| (device.location(), &device.numbers));
        text.table(&NUMBERS, rows);
        let mut family = text.family(&POWER);
        for device in &*devices {
            let Some(state) = device.power.get().filter(|state| !state.is_empty()) else {
                continue;
            };
            let [segment, bus, number, function] = device.location();
            for known in STATES {
                family.sample([segment, bus, number, function, Some(known)], known == state);
            }
        }
        Ok(())
    }
}

impl Device {
    fn read(&mut self, host: &mut Host) {
        self.numbers.speed = self.speed.get(speed, host);
        self.numbers.width = self.width.get(number, host);
        self.numbers.functions = self.functions.get(number, host);
        self.power.refresh(host);
    }

    fn location(&self) -> [Option<&[u8]>; 4] {
        self.location.each_ref().map(|part| Some(&**part))
    }

    fn labels(&self) -> [Option<&[u8]>; 19] {
        let names = self.names.as_ref();
        let names = names.map_or([None; 5], |names| names.each_ref().map(|name| Some(&**name)));
        let parts = self
            .location
            .iter()
            .chain(&self.parent)
            .chain(self.ids.labels());
        let mut labels = parts.map(|part| Some(&**part)).chain(names);
        std::array::from_fn(|_| labels.next().flatten())
    }
}

/// Reads `8.0 GT/s PCIe`. Links that are down say `Unknown`.
fn speed(text: &[u8]) -> Option<f64> {
    number(text.trim_ascii().strip_suffix(b" GT/s PCIe")?)
}

fn find(dir: &Path, mut names: Option<&mut Names>, host: &mut Host) -> Result<Vec<Device>> {
    let mut devices = Vec::new();
    for name in files::names(dir)? {
        let dir = files::below(dir, &name);
        // It leads to `../../../devices/pci0000:00/0000:00:02.5/0000:04:00.0`.
        let Ok(target) = files::link(&dir) else { continue };
        let Some(location) = target
            .file_name()
            .and_then(|name| location(name.as_bytes()))
        else {
            continue;
        };
        let parent = target.parent().and_then(Path::file_name);
        let parent = parent.and_then(|name| self::location(name.as_bytes()));
        let mut id = |file| word(&dir.join(file), &mut host.files).unwrap_or_default();
        let ids = Ids {
            class: id("class"),
            vendor: id("vendor"),
            device: id("device"),
            subsystem_vendor: id("subsystem_vendor"),
            subsystem_device: id("subsystem_device"),
            revision: id("revision"),
        };
        let mut once = |file| Number::brief(dir.join(file)).get(number, host);
        let numbers = Numbers {
            max_width: once("max_link_width"),
            d3cold: once("d3cold_allowed"),
            autoprobe: once("sriov_drivers_autoprobe"),
            functions_max: once("sriov_totalvfs"),
            interrupts: once("sriov_vf_total_msix"),
            numa_node: once("numa_node"),
            max_speed: Number::brief(dir.join("max_link_speed")).get(speed, host),
            ..Numbers::default()
        };
        devices.push(Device {
            location,
            parent: parent.unwrap_or_else(|| [(); 4].map(|()| b"*"[..].into())),
            names: names
                .as_deref_mut()
                .map(|names| names.of(&ids, &mut host.files)),
            ids,
            numbers,
            speed: Number::brief(dir.join("current_link_speed")),
            width: Number::brief(dir.join("current_link_width")),
            functions: Number::brief(dir.join("sriov_numvfs")),
            power: Word::live(dir.join("power_state")),
        });
    }
    Ok(devices)
}

/// Reads `0000:04:00.0`.
fn location(name: &[u8]) -> Option<[Box<[u8]>; 4]> {
    let mut parts = name.split(|b| b":.".contains(b));
    let hex = |part: &[u8]| !part.is_empty() && part.iter().all(u8::is_ascii_hexdigit);
    let mut next = || parts.next().filter(|part| hex(part)).map(Box::from);
    let location = [next()?, next()?, next()?, next()?];
    parts.next().is_none().then_some(location)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_devices_are() {
        expect::<Pcidevice>(&[], "pcidevice");
        expect::<Pcidevice>(&["--collector.pcidevice.names"], "pcidevice_names");
        let no_file = ["--collector.pcidevice.names", "--collector.pcidevice.idsfile=/no/such"];
        expect::<Pcidevice>(&no_file, "pcidevice_names_unknown");
        expect_absent::<Pcidevice>(&[]);
    }

    #[test]
    fn reads_locations() {
        let parts = |name: &[u8]| {
            let parts = location(name)?.map(|part| String::from_utf8(part.into()).unwrap());
            Some(parts.join(" "))
        };
        assert_eq!(parts(b"0000:04:1f.3"), Some("0000 04 1f 3".into()));
        assert_eq!(
            [parts(b"pci0000:00"), parts(b"0000:04:1f"), parts(b"0000:04:1f.3.1")],
            [const { None }; 3]
        );
    }
}
