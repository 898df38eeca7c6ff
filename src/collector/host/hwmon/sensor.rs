//! Sensors: files of a chip by the same beginning, such as `temp1_input`, `temp1_max`, `temp1_label`.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::{cleaned, line};
use crate::files::{self, Files};
use crate::kernel::decimal;

const KINDS: [&[u8]; 14] = [
    b"vrm",
    b"beep_enable",
    b"update_interval",
    b"in",
    b"cpu",
    b"fan",
    b"pwm",
    b"temp",
    b"curr",
    b"power",
    b"energy",
    b"humidity",
    b"intrusion",
    b"freq",
];

/// Limits, which somebody sets rather than a chip measures.
const LIMITS: [&[u8]; 9] = [
    b"min",
    b"max",
    b"crit",
    b"lcrit",
    b"emergency",
    b"min_hyst",
    b"max_hyst",
    b"crit_hyst",
    b"emergency_hyst",
];

/// A sensor of a chip.
#[derive(Debug)]
pub(super) struct Sensor {
    /// Its kind and number, such as `temp1`.
    pub(super) name: Box<[u8]>,
    kind: &'static [u8],
    /// Its files by what follows the number: `input` in `temp1_input`, nothing in `pwm1`.
    files: BTreeMap<Box<[u8]>, PathBuf>,
}

/// One number of a sensor.
#[derive(Debug)]
pub(super) struct Element {
    pub(super) path: PathBuf,
    /// What it is written as: the field of the pattern.
    pub(super) field: Box<[u8]>,
    pub(super) sensor: Box<[u8]>,
    pub(super) unit: Unit,
    pub(super) fixed: bool,
}

/// What the kernel counts in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Unit {
    /// As it is.
    Raw,
    /// Thousandths.
    Milli,
    /// Millionths.
    Micro,
    /// Millionths of joules, which only grow.
    Microjoules,
    /// Whether it is 1.
    Flag,
}

impl Unit {
    /// A number in the unit that its name promises.
    pub(super) fn of(self, number: f64) -> f64 {
        match self {
            Self::Raw => number,
            Self::Milli => number * 0.001,
            Self::Micro | Self::Microjoules => number / 1e6,
            Self::Flag => f64::from(u8::from(number == 1.0)),
        }
    }

    /// Whether it only grows.
    pub(super) fn is_counted(self) -> bool {
        self == Self::Microjoules
    }
}

/// The sensors of a chip, with those files that older drivers left with the chip's device.
pub(super) fn all(dir: &Path) -> impl Iterator<Item = Sensor> + use<> {
    let mut sensors: BTreeMap<Box<[u8]>, Sensor> = BTreeMap::new();
    for dir in [dir.into(), dir.join("device")] {
        for name in files::names(&dir).unwrap_or_default() {
            let path = files::below(&dir, &name);
            if let Some((kind, number, element)) = parts(&name)
                && files::is_readable(&path)
            {
                let name: Box<[u8]> = [kind, number.to_string().as_bytes()].concat().into();
                let sensor = Sensor { name: name.clone(), kind, files: BTreeMap::new() };
                let sensor = sensors.entry(name).or_insert(sensor);
                sensor.files.insert(element.into(), path);
            }
        }
    }
    sensors.into_values()
}

/// `temp1_input` is `temp`, 1 and `input`. `None` is no sensor's file.
fn parts(name: &[u8]) -> Option<(&'static [u8], u64, &[u8])> {
    let end = name
        .iter()
        .position(u8::is_ascii_digit)
        .unwrap_or(name.len());
    let (kind, rest) = name.split_at(end);
    let kind = KINDS.into_iter().find(|known| *known == kind)?;
    let end = rest
        .iter()
        .position(|b| !b.is_ascii_digit())
        .unwrap_or(rest.len());
    let (number, rest) = rest.split_at(end);
    let number = if number.is_empty() { 0 } else { decimal(number)? };
    match rest {
        [] => Some((kind, number, rest)),
        [b'_', element @ ..] if !element.is_empty() => Some((kind, number, element)),
        _ => None,
    }
}

impl Sensor {
    /// What somebody called it.
    pub(super) fn label(&self, files: &mut Files) -> Option<Box<[u8]>> {
        line(self.files.get(&b"label"[..])?, files)
    }

    /// What there is to say of it.
    pub(super) fn elements(self, label: Option<&[u8]>) -> Vec<Element> {
        let bare = self.files.contains_key(&b""[..]);
        let mut elements = Vec::new();
        for (element, path) in self.files {
            let Some((field, unit)) = field(self.kind, &element, bare) else { continue };
            let sensor = match (self.kind, label) {
                (b"freq", _) if &*element != b"input" => self.name.clone(),
                (b"freq", Some(label)) => cleaned(label),
                (b"freq", None) => continue,
                _ => self.name.clone(),
            };
            let fixed = LIMITS.contains(&&*element);
            elements.push(Element { path, field, sensor, unit, fixed });
        }
        elements
    }
}

/// What an element is written as, and in which unit the kernel has it. `bare` is whether the sensor
/// has a file that is called just as it is, so that its input has to be told from that.
fn field(kind: &[u8], element: &[u8], bare: bool) -> Option<(Box<[u8]>, Unit)> {
    match kind {
        b"beep_enable" => {
            return element
                .is_empty()
                .then(|| (b"beep_enabled"[..].into(), Unit::Flag));
        }
        b"vrm" => {
            return element
                .is_empty()
                .then(|| (b"voltage_regulator_version"[..].into(), Unit::Raw));
        }
        b"update_interval" => {
            return element
                .is_empty()
                .then(|| (b"update_interval_seconds"[..].into(), Unit::Milli));
        }
        _ => {}
    }
    let between = match element {
        b"label" => return None,
        b"" => Box::default(),
        b"input" if !bare => Box::default(),
        element => [b"_", &*cleaned(element)].concat().into(),
    };
    let (suffix, unit): (&[u8], _) = match (kind, element) {
        (_, b"fault" | b"alarm") => (b"", Unit::Raw),
        (_, b"beep") => (b"_enabled", Unit::Raw),
        (b"in" | b"cpu", _) => (b"_volts", Unit::Milli),
        (b"temp", b"type") => (b"", Unit::Raw),
        (b"temp", _) => (b"_celsius", Unit::Milli),
        (b"curr", _) => (b"_amps", Unit::Milli),
        (b"energy", _) => return Some((between, Unit::Microjoules)),
        (b"power", b"accuracy") => (b"", Unit::Micro),
        (b"power", b"average_interval" | b"average_interval_min" | b"average_interval_max") => {
            (b"_seconds", Unit::Milli)
        }
        (b"power", _) => (b"_watt", Unit::Micro),
        (b"humidity", _) => (b"", Unit::Micro),
        (b"fan", b"input" | b"min" | b"max" | b"target") => (b"_rpm", Unit::Raw),
        (b"freq", b"input") => (b"_freq_mhz", Unit::Micro),
        _ => (b"", Unit::Raw),
    };
    Some(([kind, &between, suffix].concat().into(), unit))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_names_apart() {
        assert_eq!(parts(b"temp1_input"), Some((&b"temp"[..], 1, &b"input"[..])));
        assert_eq!(
            parts(b"pwm2_auto_point1_temp"),
            Some((&b"pwm"[..], 2, &b"auto_point1_temp"[..]))
        );
        assert_eq!(parts(b"fan10"), Some((&b"fan"[..], 10, &b""[..])));
        assert_eq!(parts(b"update_interval"), Some((&b"update_interval"[..], 0, &b""[..])));
        let others = ["name", "temp1x", "temp1_", "temperature1_input", "temp_input", "1", ""];
        assert_eq!(others.map(|name| parts(name.as_bytes())), [None; 7]);
    }

    #[test]
    fn names_elements_as_node_exporter_does() {
        let named = |kind: &str, element: &str, bare| {
            let (field, unit) = field(kind.as_bytes(), element.as_bytes(), bare).unwrap();
            (String::from_utf8(field.into()).unwrap(), unit)
        };
        let of = |name: &str, unit| (name.to_owned(), unit);
        assert_eq!(named("temp", "input", false), of("temp_celsius", Unit::Milli));
        assert_eq!(named("temp", "crit_alarm", false), of("temp_crit_alarm_celsius", Unit::Milli));
        assert_eq!(named("temp", "type", false), of("temp_type", Unit::Raw));
        assert_eq!(named("fan", "input", true), of("fan_input_rpm", Unit::Raw));
        assert_eq!(named("fan", "", true), of("fan", Unit::Raw));
        assert_eq!(named("in", "alarm", false), of("in_alarm", Unit::Raw));
        assert_eq!(named("in", "beep", false), of("in_beep_enabled", Unit::Raw));
        assert_eq!(named("power", "average", false), of("power_average_watt", Unit::Micro));
        assert_eq!(
            named("power", "average_interval", false),
            of("power_average_interval_seconds", Unit::Milli)
        );
        assert_eq!(named("energy", "input", false), of("", Unit::Microjoules));
        assert_eq!(named("intrusion", "alarm", false), of("intrusion_alarm", Unit::Raw));
        assert_eq!(field(b"temp", b"label", false), None);
        assert_eq!(
            [Unit::Flag.of(1.0), Unit::Flag.of(2.0), Unit::Milli.of(27_800.0)],
            [1.0, 0.0, 27.8]
        );
    }
}
