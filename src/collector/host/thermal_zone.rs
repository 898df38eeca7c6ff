//! Thermal zones, and the devices that cool them.
//!
//! See [the kernel's documentation](https://docs.kernel.org/driver-api/thermal/sysfs-api.html).

use std::path::Path;

use crate::collector::attribute::{self, Attribute, Device, word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Text, gauge};
use crate::files::{self, Files, Result, Roots};
use crate::kernel::attribute::{number, numbered};

/// A zone that cannot be read, because it is switched off or its sensor sleeps, has no temperature.
static ZONES: [Attribute<2>; 1] = [Attribute::new(
    "temp",
    |text| number(text).map(|millidegrees| millidegrees / 1e3),
    gauge("node_thermal_zone_temp")
        .help("Temperature of the zone in degrees Celsius.")
        .labels(["zone", "type"]),
)];

static COOLERS: [Attribute<2>; 2] = [
    Attribute::new(
        "cur_state",
        number,
        gauge("node_cooling_device_cur_state")
            .help("How much the device cools or throttles now, from 0 to its highest state.")
            .labels(["name", "type"]),
    ),
    Attribute::new(
        "max_state",
        number,
        gauge("node_cooling_device_max_state")
            .help("Highest state of the device.")
            .labels(["name", "type"]),
    )
    .fixed(),
];

/// Collects temperatures, and what is done about them.
pub struct ThermalZone {
    found: Found<Thermal>,
}

#[derive(Debug, Default)]
struct Thermal {
    zones: Vec<Device<2>>,
    coolers: Vec<Device<2>>,
}

impl Collector for ThermalZone {
    const NAME: &'static str = "thermal_zone";
    const ABOUT: &'static str = "Temperatures of thermal zones, and the devices that cool them.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/thermal")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&ZONES).chain(attribute::descriptors(&COOLERS))
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("class/thermal")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self
            .found
            .get_if_any(host.now, |dir| find(dir, &mut host.files))?;
        if let Some(Thermal { zones, coolers }) = found {
            attribute::write(&ZONES, zones, host, text);
            attribute::write(&COOLERS, coolers, host, text);
        }
        Ok(())
    }
}

fn find(dir: &Path, files: &mut Files) -> Result<Thermal> {
    let mut found = Thermal::default();
    for name in files::names(dir)? {
        let dir = files::below(dir, &name);
        let mut device = |number| {
            let kind = word(&dir.join("type"), files).unwrap_or_default();
            Device::new(dir.clone(), [number, &kind])
        };
        if let Some(number) = numbered(&name, b"thermal_zone") {
            found.zones.push(device(number));
        } else if let Some(number) = numbered(&name, b"cooling_device") {
            found.coolers.push(device(number));
        }
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_how_warm_it_is() {
        expect::<ThermalZone>(&[], "thermal_zone");
        expect_nothing::<ThermalZone>(&[]);
    }
}
