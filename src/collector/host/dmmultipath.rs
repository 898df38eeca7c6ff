//! Multipath: block devices that are reached on several ways.

use std::path::Path;

use crate::collector::attribute::{Number, Word, word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, gauge, info, sectors};
use crate::files::{self, Files, Result, Roots};
use crate::kernel::decimal;

static INFO: Family<3> = info("node_dmmultipath_device_info")
    .help("What device mapper calls the device, as labels.")
    .labels(["device", "sysfs_name", "uuid"]);

static DEVICES: Table<State, 2> = Table {
    labels: ["device", "sysfs_name"],
    metrics: &[
        gauge("node_dmmultipath_device_active")
            .help("Whether the device works: 1, or 0 where it is suspended.")
            .value(|s| count(s.active)),
        gauge("node_dmmultipath_device_size_bytes")
            .help("Bytes the device holds.")
            .value(|s| sectors(s.sectors)),
        gauge("node_dmmultipath_device_paths")
            .help("Ways to the device.")
            .value(|s| count(s.paths)),
        gauge("node_dmmultipath_device_paths_active")
            .help("Ways to the device that work.")
            .value(|s| count(s.paths_active)),
        gauge("node_dmmultipath_device_paths_failed")
            .help("Ways to the device that do not work.")
            .value(|s| count(s.paths - s.paths_active)),
    ],
};

static PATHS: Family<3> = info("node_dmmultipath_path_state")
    .help("What the kernel says of a way to the device, as a label.")
    .labels(["device", "path", "state"]);

/// How a device does. `None` could not be read.
#[derive(Debug, Default)]
struct State {
    active: Option<u64>,
    sectors: Option<u64>,
    paths: u64,
    paths_active: u64,
}

/// Collects the state of multipath devices.
pub struct DmMultipath {
    found: Found<Vec<Device>>,
}

#[derive(Debug)]
struct Device {
    /// What device mapper calls it, and the kernel, and its UUID.
    names: [Box<[u8]>; 3],
    suspended: Number,
    sectors: Number,
    /// Name and state of each path.
    paths: Vec<(Box<[u8]>, Word)>,
    state: State,
}

impl Collector for DmMultipath {
    const NAME: &'static str = "dmmultipath";
    const ABOUT: &'static str = "Block devices that are reached on several ways.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/block")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor(), PATHS.descriptor()]
            .into_iter()
            .chain(DEVICES.descriptors())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("block")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let devices = self.found.get(host.now, |dir| find(dir, &mut host.files))?;
        devices.iter_mut().for_each(|device| device.read(host));
        let mut family = text.family(&INFO);
        for device in &*devices {
            family.sample(device.names.each_ref().map(|name| Some(&**name)), 1.0);
        }
        let rows = devices.iter().map(|device| {
            let [name, kernel, _] = &device.names;
            ((&**name, &**kernel), &device.state)
        });
        text.table(&DEVICES, rows);
        let mut family = text.family(&PATHS);
        for Device { names: [name, ..], paths, .. } in &*devices {
            for (path, state) in paths {
                let state = state.get().unwrap_or(b"unknown");
                family.sample((&**name, &**path, state), 1.0);
            }
        }
        Ok(())
    }
}

impl Device {
    fn read(&mut self, host: &mut Host) {
        let number = |text: &[u8]| decimal(text.trim_ascii());
        self.paths
            .iter_mut()
            .for_each(|(_, state)| state.refresh(host));
        // SCSI says running of a path that works, NVMe live.
        let works = |(_, state): &&(_, Word)| matches!(state.get(), Some(b"running" | b"live"));
        let suspended = self.suspended.get(number, host);
        self.state = State {
            active: suspended.map(|suspended| u64::from(suspended != 1)),
            sectors: self.sectors.get(number, host),
            paths: self.paths.len() as u64,
            paths_active: self.paths.iter().filter(works).count() as u64,
        };
    }
}

fn find(block: &Path, files: &mut Files) -> Result<Vec<Device>> {
    let mut devices = Vec::new();
    for kernel in files::names(block)?
        .into_iter()
        .filter(|name| name.starts_with(b"dm-"))
    {
        let dir = files::below(block, &kernel);
        let uuid = word(&dir.join("dm/uuid"), files);
        let Some(uuid) = uuid.filter(|uuid| uuid.starts_with(b"mpath-")) else { continue };
        let name = word(&dir.join("dm/name"), files).unwrap_or_else(|| kernel.clone());
        let paths = files::names(&dir.join("slaves")).unwrap_or_default();
        let state = |path: &[u8]| Word::live(files::below(block, path).join("device/state"));
        devices.push(Device {
            names: [name, kernel, uuid],
            suspended: Number::new(dir.join("dm/suspended")),
            sectors: Number::new(dir.join("size")),
            paths: paths
                .into_iter()
                .map(|path| (path.clone(), state(&path)))
                .collect(),
            state: State::default(),
        });
    }
    Ok(devices)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_which_ways_work() {
        expect::<DmMultipath>(&[], "dmmultipath");
        expect_absent::<DmMultipath>(&[]);
    }
}
