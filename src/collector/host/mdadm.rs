//! Software RAID: `/proc/mdstat`, and what sysfs adds.
//!
//! See [the kernel's documentation](https://docs.kernel.org/admin-guide/md.html).

use std::path::Path;

use crate::collector::absent::Absent;
use crate::collector::attribute::{self, Attribute, Device, Number};
use crate::collector::found::Found;
use crate::collector::rows::Rows;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, gauge};
use crate::files::{self, Kept, Result, Roots};
use crate::kernel::attribute::number;
use crate::kernel::mdstat::{self, Array, State};

static ARRAYS: Table<Array, 1> = Table {
    labels: ["device"],
    metrics: &[
        gauge("node_md_disks_required")
            .help("Disks the array should have.")
            .value(|a| count(a.required)),
        gauge("node_md_blocks")
            .help("Blocks of 1 KiB the array holds.")
            .value(|a| count(a.blocks)),
        gauge("node_md_blocks_synced")
            .help("Blocks of 1 KiB that are known to be the same on all disks.")
            .value(|a| count(a.synced)),
    ],
};

static DISKS: Family<2> = gauge("node_md_disks")
    .help("Disks of the array that are active, failed or spare.")
    .labels(["device", "state"]);

static STATE: Family<2> = gauge("node_md_state")
    .help("Whether the array is in this state.")
    .labels(["device", "state"]);

/// What each state of a family is called. An array that is being reshaped is in none of them.
const STATES: [(&str, State); 5] = [
    ("active", State::Active),
    ("inactive", State::Inactive),
    ("recovering", State::Recovering),
    ("resync", State::Resyncing),
    ("check", State::Checking),
];

static RAID_DISKS: [Attribute<1>; 1] = [Attribute::new(
    "raid_disks",
    number,
    gauge("node_md_raid_disks")
        .help("Disks the array should have, as sysfs says.")
        .labels(["device"]),
)];

static DEGRADED: Family<1> = gauge("node_md_degraded")
    .help("Disks the array lacks; 0 for arrays that cannot lack any.")
    .labels(["device"]);

/// Collects the state of software RAID.
pub struct Mdadm {
    file: Kept,
    absent: Absent,
    arrays: Rows<Array>,
    raids: Found<Raids>,
}

#[derive(Debug, Default)]
struct Raids {
    devices: Vec<Device<1>>,
    /// Of each device.
    degraded: Vec<Number>,
}

impl Collector for Mdadm {
    const NAME: &'static str = "mdadm";
    const ABOUT: &'static str = "Software RAID.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/mdstat"), Need::Read("/sys/block")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        ARRAYS
            .descriptors()
            .chain([DISKS.descriptor(), STATE.descriptor(), DEGRADED.descriptor()])
            .chain(attribute::descriptors(&RAID_DISKS))
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            file: Kept::new(roots.proc.join("mdstat")),
            absent: Absent::default(),
            arrays: Rows::default(),
            raids: Found::new(roots.sys.join("block")),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, absent, arrays, raids } = self;
        arrays.clear();
        absent.look(host.now, || {
            let each = |name: &[u8], array| arrays.push([name], array);
            host.files.load_kept(file, |text| mdstat::each(text, each))
        })?;
        text.table(&ARRAYS, arrays.iter());
        let mut family = text.family(&DISKS);
        for ([name], array) in arrays.iter() {
            let disks =
                [("active", array.active), ("failed", array.failed), ("spare", array.spare)];
            for (state, disks) in disks {
                family.sample([name, Some(state.as_bytes())], disks);
            }
        }
        let mut family = text.family(&STATE);
        for ([name], array) in arrays.iter() {
            for (label, state) in STATES {
                family.sample([name, Some(label.as_bytes())], array.state == state);
            }
        }
        if let Some(Raids { devices, degraded }) = raids.get_if_any(host.now, find)? {
            attribute::write(&RAID_DISKS, devices, host, text);
            let mut family = text.family(&DEGRADED);
            for (device, degraded) in devices.iter().zip(degraded) {
                family.sample(device.labels(), degraded.get(number, host).unwrap_or(0.0));
            }
        }
        Ok(())
    }
}

fn find(dir: &Path) -> Result<Raids> {
    let mut found = Raids::default();
    for name in files::names(dir)?
        .iter()
        .filter(|name| name.starts_with(b"md"))
    {
        let dir = files::below(dir, name).join("md");
        if dir.is_dir() {
            found.degraded.push(Number::new(dir.join("degraded")));
            found.devices.push(Device::new(dir, [name]));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_arrays_do() {
        expect::<Mdadm>(&[], "mdadm");
        expect_absent::<Mdadm>(&[]);
    }
}
