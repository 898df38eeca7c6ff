//! `hwmon`: temperatures, fans, voltages and more. On EC2 it is the temperature of instance stores.
//!
//! See [the kernel's documentation](https://docs.kernel.org/hwmon/sysfs-interface.html).

mod chip;
mod sensor;

use std::collections::BTreeMap;
use std::path::Path;

use clap::Args;

use self::chip::Chip;
pub(crate) use self::chip::on_device as label_of_device;
use self::sensor::{Sensor, Unit};
use crate::collector::attribute::{KEPT, Number};
use crate::collector::filter::{Filter, Flag};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Pattern, Text, counter, gauge, info};
use crate::files::{self, Files, Result, Roots};
use crate::kernel::attribute::number;

static CHIPS: Family<2> = info("node_hwmon_chip_names")
    .help("What the driver calls the chip, as a label.")
    .labels(["chip", "chip_name"]);

static LABELS: Family<3> = info("node_hwmon_sensor_label")
    .help("What the sensor is called, as a label.")
    .labels(["chip", "sensor", "label"]);

static SENSORS: Pattern<2> = gauge("node_hwmon_<sensor>")
    .help("What the sensor says, in the unit the name ends in.")
    .pattern_by(["chip", "sensor"]);

static ENERGY: Pattern<2> = counter("node_hwmon_energy<element>_joule_total")
    .help("Joules the sensor has counted.")
    .pattern_by(["chip", "sensor"]);

const CHIP_INCLUDE: &str = "collector.hwmon.chip-include";
const CHIP_EXCLUDE: &str = "collector.hwmon.chip-exclude";
const SENSOR_INCLUDE: &str = "collector.hwmon.sensor-include";
const SENSOR_EXCLUDE: &str = "collector.hwmon.sensor-exclude";

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of chips to take, and no others
    #[arg(id = CHIP_INCLUDE, long, value_name = "REGEXP")]
    chip_include: Option<String>,
    /// Regular expression of chips to leave out
    #[arg(id = CHIP_EXCLUDE, long, value_name = "REGEXP")]
    chip_exclude: Option<String>,
    /// Regular expression of sensors to take, and no others: matched with "chip;sensor"
    #[arg(id = SENSOR_INCLUDE, long, value_name = "REGEXP")]
    sensor_include: Option<String>,
    /// Regular expression of sensors to leave out: matched with "chip;sensor"
    #[arg(id = SENSOR_EXCLUDE, long, value_name = "REGEXP")]
    sensor_exclude: Option<String>,
}

/// Collects what sensors say.
pub struct Hwmon {
    chips: Filter,
    sensors: Filter,
    found: Found<Chips>,
}

#[derive(Debug, Default)]
struct Chips {
    /// Label and name of each.
    names: Vec<[Box<[u8]>; 2]>,
    /// Chip, sensor and label.
    labels: Vec<[Box<[u8]>; 3]>,
    /// By what stands in the place of the pattern's field.
    sensors: BTreeMap<Box<[u8]>, Vec<Reading>>,
    energy: BTreeMap<Box<[u8]>, Vec<Reading>>,
    kept: usize,
}

#[derive(Debug)]
struct Reading {
    chip: Box<[u8]>,
    sensor: Box<[u8]>,
    unit: Unit,
    value: Value,
}

#[derive(Debug)]
enum Value {
    Live(Number),
    /// A limit. Some chips take long to say theirs.
    Fixed(Option<f64>),
}

impl Collector for Hwmon {
    const NAME: &'static str = "hwmon";
    const ABOUT: &'static str = "Sensors of temperatures, fans, voltages and more.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/hwmon")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [CHIPS.descriptor(), LABELS.descriptor(), SENSORS.descriptor(), ENERGY.descriptor()]
            .into_iter()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let filter = |include: (_, &Option<String>), exclude: (_, &Option<String>)| {
            Filter::both(
                Flag { name: include.0, value: include.1.as_deref() },
                Flag { name: exclude.0, value: exclude.1.as_deref() },
            )
        };
        Ok(Self {
            chips: filter(
                (CHIP_INCLUDE, &flags.chip_include),
                (CHIP_EXCLUDE, &flags.chip_exclude),
            )?,
            sensors: filter(
                (SENSOR_INCLUDE, &flags.sensor_include),
                (SENSOR_EXCLUDE, &flags.sensor_exclude),
            )?,
            found: Found::new(roots.sys.join("class/hwmon")),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { chips, sensors, found } = self;
        let found = found.get(host.now, |dir| find(dir, chips, sensors, host))?;
        let mut family = text.family(&CHIPS);
        for label in &found.names {
            family.sample(label.each_ref().map(|label| Some(&**label)), 1.0);
        }
        let mut family = text.family(&LABELS);
        for label in &found.labels {
            family.sample(label.each_ref().map(|label| Some(&**label)), 1.0);
        }
        for (pattern, fields) in [(&SENSORS, &mut found.sensors), (&ENERGY, &mut found.energy)] {
            for (field, readings) in fields {
                let mut family = text.pattern_family(pattern, field);
                for Reading { chip, sensor, unit, value } in readings {
                    let value = match value {
                        Value::Live(value) => value.get(number, host),
                        Value::Fixed(value) => *value,
                    };
                    if let Some(value) = value {
                        family.sample((&**chip, &**sensor), unit.of(value));
                    }
                }
            }
        }
        Ok(())
    }
}

fn find(dir: &Path, chips: &mut Filter, sensors: &mut Filter, host: &mut Host) -> Result<Chips> {
    let mut found = Chips::default();
    for chip in chip::all(dir, &mut host.files)? {
        if chips.ignores(&chip.label) {
            continue;
        }
        if !chip.name.is_empty() {
            found.names.push([chip.label.clone(), chip.name.clone()]);
        }
        for sensor in sensor::all(&chip.dir) {
            let name = [&*chip.label, b";", &sensor.name].concat();
            if !sensors.ignores(&name) {
                found.add(&chip, sensor, host);
            }
        }
    }
    Ok(found)
}

impl Chips {
    /// Adds what a sensor of a chip has to say.
    fn add(&mut self, chip: &Chip, sensor: Sensor, host: &mut Host) {
        let label = sensor.label(&mut host.files);
        let names = |sensor: &[u8]| (chip.label.clone(), Box::from(sensor));
        if let Some(label) = &label {
            let (chip, sensor) = names(&sensor.name);
            self.labels.push([chip, sensor, label.clone()]);
        }
        for element in sensor.elements(label.as_deref()) {
            let (chip, sensor) = names(&element.sensor);
            let fields =
                if element.unit.is_counted() { &mut self.energy } else { &mut self.sensors };
            let readings = fields.entry(element.field).or_default();
            // Frequencies go by their labels, and two may have the same.
            if readings
                .iter()
                .any(|known| known.chip == chip && known.sensor == sensor)
            {
                continue;
            }
            self.kept += 1;
            let mut value = match self.kept <= KEPT && !element.fixed {
                true => Number::new(element.path),
                false => Number::brief(element.path),
            };
            let value = match element.fixed {
                true => Value::Fixed(value.get(number, host)),
                false => Value::Live(value),
            };
            readings.push(Reading { chip, sensor, unit: element.unit, value });
        }
    }
}

/// What `node_exporter` makes of a name: small letters, digits, `:` and `_`.
fn cleaned(name: &[u8]) -> Box<[u8]> {
    let letter = |b: &u8| match b.to_ascii_lowercase() {
        b @ (b'a'..=b'z' | b'0'..=b'9' | b':') => b,
        _ => b'_',
    };
    let name = String::from_utf8_lossy(name);
    let name: Vec<u8> = name
        .chars()
        .map(|c| letter(&u8::try_from(c).unwrap_or(b'_')))
        .collect();
    let mut name = &*name;
    while let Some(rest) = name.strip_prefix(b"_").or(name.strip_suffix(b"_")) {
        name = rest;
    }
    name.into()
}

/// What one file says, but for the end of its line.
fn line(path: &Path, files: &mut Files) -> Option<Box<[u8]>> {
    let without_end = |text: &[u8]| {
        let mut text = text;
        while let Some(rest) = text.strip_suffix(b"\n") {
            text = rest;
        }
        Box::from(text)
    };
    if !files::is_readable(path) {
        return None;
    }
    files.load(path, |text| Ok(without_end(text))).ok()
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent, fixture, roots, written};

    #[test]
    fn says_what_sensors_say() {
        expect::<Hwmon>(&[], "hwmon");
        expect_absent::<Hwmon>(&[]);
    }

    #[test]
    fn takes_the_chips_and_sensors_asked_for() {
        let samples = |args: &[&str]| {
            let text = written::<Hwmon>(args, &roots(&fixture())).unwrap();
            let samples = text
                .lines()
                .filter(|line| !line.starts_with('#'))
                .map(str::to_owned);
            samples.collect::<Vec<_>>()
        };
        let nvme = samples(&["--collector.hwmon.chip-include=nvme_"]);
        assert!(
            !nvme.is_empty() && nvme.iter().all(|line| line.contains("chip=\"nvme_")),
            "{nvme:?}"
        );
        let none = samples(&[
            "--collector.hwmon.sensor-exclude=;(temp|fan|in|pwm|curr|power|energy|freq|humidity|intrusion|cpu|beep|update|vrm)",
        ]);
        assert!(
            none.iter()
                .all(|line| line.starts_with("node_hwmon_chip_names")),
            "{none:?}"
        );
    }

    #[test]
    fn cleans_names() {
        let cleaned = |name: &str| String::from_utf8(cleaned(name.as_bytes()).into()).unwrap();
        assert_eq!(cleaned("0000:00:1F.3"), "0000:00:1f_3");
        assert_eq!(cleaned("__Core 0!\n"), "core_0");
        assert_eq!(cleaned("Grad °C"), "grad__c");
        assert_eq!([cleaned("_"), cleaned("")], ["", ""]);
    }
}
