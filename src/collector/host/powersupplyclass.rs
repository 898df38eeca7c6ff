//! Batteries and chargers.
//!
//! See [the kernel's documentation](https://docs.kernel.org/power/power_supply_class.html).

use std::path::Path;

use clap::Args;

use crate::collector::attribute::{self, Attribute, Device, Word};
use crate::collector::filter::{Filter, Flag};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge, info};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::number;

static NUMBERS: [Attribute<1>; 49] = [
    raw("authentic", "node_power_supply_authentic", "Whether the battery is one the maker knows."),
    raw("calibrate", "node_power_supply_calibrate", "Whether the battery is being calibrated."),
    raw("capacity", "node_power_supply_capacity", "Per cent of the charge when full that is left."),
    raw(
        "capacity_alert_max",
        "node_power_supply_capacity_alert_max",
        "Per cent that alert, if more.",
    ),
    raw(
        "capacity_alert_min",
        "node_power_supply_capacity_alert_min",
        "Per cent that alert, if less.",
    ),
    raw(
        "cycle_count",
        "node_power_supply_cyclecount",
        "Times the battery was charged and discharged.",
    ),
    raw(
        "online",
        "node_power_supply_online",
        "Whether the supply is plugged in: 0 no, 1 yes, 2 and it is programmable.",
    ),
    raw("present", "node_power_supply_present", "Whether the supply is there."),
    raw(
        "time_to_empty_now",
        "node_power_supply_time_to_empty_seconds",
        "Seconds until the battery is empty.",
    ),
    raw(
        "time_to_full_now",
        "node_power_supply_time_to_full_seconds",
        "Seconds until the battery is full.",
    ),
    micro("current_boot", "node_power_supply_current_boot", "Amperes when the host was started."),
    micro("current_max", "node_power_supply_current_max", "Amperes at most."),
    micro("current_now", "node_power_supply_current_ampere", "Amperes now."),
    micro("energy_empty", "node_power_supply_energy_empty", "Watt hours when empty."),
    micro(
        "energy_empty_design",
        "node_power_supply_energy_empty_design",
        "Watt hours when empty, by design.",
    ),
    micro("energy_full", "node_power_supply_energy_full", "Watt hours when full."),
    micro(
        "energy_full_design",
        "node_power_supply_energy_full_design",
        "Watt hours when full, by design.",
    ),
    micro("energy_now", "node_power_supply_energy_watthour", "Watt hours now."),
    micro("voltage_boot", "node_power_supply_voltage_boot", "Volts when the host was started."),
    micro("voltage_max", "node_power_supply_voltage_max", "Volts at most."),
    micro(
        "voltage_max_design",
        "node_power_supply_voltage_max_design",
        "Volts at most, by design.",
    ),
    micro("voltage_min", "node_power_supply_voltage_min", "Volts at least."),
    micro(
        "voltage_min_design",
        "node_power_supply_voltage_min_design",
        "Volts at least, by design.",
    ),
    micro("voltage_now", "node_power_supply_voltage_volt", "Volts now."),
    micro("voltage_ocv", "node_power_supply_voltage_ocv", "Volts if nothing took power."),
    micro(
        "charge_control_limit",
        "node_power_supply_charge_control_limit",
        "Limit of the charging current, in millionths of the kernel's unit.",
    ),
    micro(
        "charge_control_limit_max",
        "node_power_supply_charge_control_limit_max",
        "Highest such limit.",
    ),
    micro(
        "charge_counter",
        "node_power_supply_charge_counter",
        "Ampere hours counted; may be negative.",
    ),
    micro("charge_empty", "node_power_supply_charge_empty", "Ampere hours when empty."),
    micro(
        "charge_empty_design",
        "node_power_supply_charge_empty_design",
        "Ampere hours when empty, by design.",
    ),
    micro("charge_full", "node_power_supply_charge_full", "Ampere hours when full."),
    micro(
        "charge_full_design",
        "node_power_supply_charge_full_design",
        "Ampere hours when full, by design.",
    ),
    micro("charge_now", "node_power_supply_charge_ampere", "Ampere hours now."),
    micro(
        "charge_term_current",
        "node_power_supply_charge_term_current",
        "Amperes below which charging ends.",
    ),
    micro(
        "constant_charge_current",
        "node_power_supply_constant_charge_current",
        "Amperes the charger keeps to.",
    ),
    micro(
        "constant_charge_current_max",
        "node_power_supply_constant_charge_current_max",
        "Amperes the charger can keep to at most.",
    ),
    micro(
        "constant_charge_voltage",
        "node_power_supply_constant_charge_voltage",
        "Volts the charger keeps to.",
    ),
    micro(
        "constant_charge_voltage_max",
        "node_power_supply_constant_charge_voltage_max",
        "Volts the charger can keep to at most.",
    ),
    micro(
        "precharge_current",
        "node_power_supply_precharge_current",
        "Amperes at which charging begins.",
    ),
    micro(
        "input_current_limit",
        "node_power_supply_input_current_limit",
        "Amperes the charger may take in.",
    ),
    micro("power_now", "node_power_supply_power_watt", "Watts now."),
    tenths("temp", "node_power_supply_temp_celsius", "Degrees Celsius."),
    tenths(
        "temp_alert_max",
        "node_power_supply_temp_alert_max_celsius",
        "Degrees Celsius that alert, if more.",
    ),
    tenths(
        "temp_alert_min",
        "node_power_supply_temp_alert_min_celsius",
        "Degrees Celsius that alert, if less.",
    ),
    tenths("temp_ambient", "node_power_supply_temp_ambient_celsius", "Degrees Celsius around it."),
    tenths(
        "temp_ambient_max",
        "node_power_supply_temp_ambient_max_celsius",
        "Degrees Celsius around it that alert, if more.",
    ),
    tenths(
        "temp_ambient_min",
        "node_power_supply_temp_ambient_min_celsius",
        "Degrees Celsius around it that alert, if less.",
    ),
    tenths(
        "temp_max",
        "node_power_supply_temp_max_celsius",
        "Degrees Celsius at most in which it works.",
    ),
    tenths(
        "temp_min",
        "node_power_supply_temp_min_celsius",
        "Degrees Celsius at least in which it works.",
    ),
];

const fn raw(file: &'static str, name: &'static str, help: &'static str) -> Attribute<1> {
    scaled(file, number, name, help)
}

const fn micro(file: &'static str, name: &'static str, help: &'static str) -> Attribute<1> {
    scaled(file, |text| number(text).map(|millionths| millionths / 1e6), name, help)
}

const fn tenths(file: &'static str, name: &'static str, help: &'static str) -> Attribute<1> {
    scaled(file, |text| number(text).map(|tenths| tenths / 10.0), name, help)
}

const fn scaled(
    file: &'static str,
    read: fn(&[u8]) -> Option<f64>,
    name: &'static str,
    help: &'static str,
) -> Attribute<1> {
    Attribute::new(file, read, gauge(name).help(help).labels(["power_supply"]))
}

static INFO: Family<12> = info("node_power_supply_info")
    .help("What a supply says of itself, as labels; those it says nothing for are left out.")
    .labels([
        "power_supply",
        "capacity_level",
        "charge_type",
        "health",
        "status",
        "usb_type",
        "manufacturer",
        "model_name",
        "scope",
        "serial_number",
        "technology",
        "type",
    ]);

/// The files of those labels. The first change while a supply is there.
const LIVE: [&str; 5] = ["capacity_level", "charge_type", "health", "status", "usb_type"];
const FIXED: [&str; 6] =
    ["manufacturer", "model_name", "scope", "serial_number", "technology", "type"];

const IGNORED: &str = "collector.powersupply.ignored-supplies";

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of power supplies to leave out
    #[arg(id = IGNORED, long, value_name = "REGEXP", default_value = "^$")]
    ignored: String,
}

/// Collects the state of batteries and chargers.
pub struct PowerSupplyClass {
    ignored: Filter,
    found: Found<Supplies>,
}

#[derive(Debug, Default)]
struct Supplies {
    devices: Vec<Device<1>>,
    /// Of each device.
    words: Vec<([Word; 5], [Word; 6])>,
}

impl Collector for PowerSupplyClass {
    const NAME: &'static str = "powersupplyclass";
    const ABOUT: &'static str = "Batteries and chargers.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/power_supply")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&NUMBERS).chain([INFO.descriptor()])
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let ignored = Filter::both(
            Flag { name: IGNORED, value: None },
            Flag { name: IGNORED, value: Some(&flags.ignored) },
        )?;
        Ok(Self { ignored, found: Found::new(roots.sys.join("class/power_supply")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { ignored, found } = self;
        let Supplies { devices, words } = found.get(host.now, |dir| find(dir, ignored, host))?;
        attribute::write(&NUMBERS, devices, host, text);
        let mut family = text.family(&INFO);
        for (device, (live, fixed)) in devices.iter().zip(words) {
            live.iter_mut().for_each(|word| word.refresh(host));
            let [name] = device.labels();
            let [a, b, c, d, e] = live.each_ref().map(of);
            let [f, g, h, i, j, k] = fixed.each_ref().map(of);
            family.sample([name, a, b, c, d, e, f, g, h, i, j, k], 1.0);
        }
        Ok(())
    }
}

/// What a supply says, if it says anything.
fn of(word: &Word) -> Option<&[u8]> {
    word.get().filter(|word| !word.is_empty())
}

fn find(dir: &Path, ignored: &mut Filter, host: &mut Host) -> Result<Supplies> {
    let mut found = Supplies::default();
    for name in files::names(dir)? {
        if ignored.ignores(&name) {
            continue;
        }
        let dir = files::below(dir, &name);
        let live = LIVE.map(|file| Word::live(dir.join(file)));
        let fixed = FIXED.map(|file| Word::fixed(dir.join(file), host));
        found.words.push((live, fixed));
        found.devices.push(Device::new(dir, [&name]));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_supplies_do() {
        expect::<PowerSupplyClass>(&[], "powersupplyclass");
        let flags = ["--collector.powersupply.ignored-supplies=^BAT"];
        expect::<PowerSupplyClass>(&flags, "powersupplyclass_ignored");
        expect_absent::<PowerSupplyClass>(&[]);
    }
}
