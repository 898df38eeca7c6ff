//! What the drivers of network interfaces count, and what their ports can do.
//!
//! Drivers are asked one after the other. One that does not answer a question has nothing to say to
//! it, and the rest is shown.

mod device;
mod names;

use std::path::PathBuf;

use clap::Args;
use regex_lite::Regex;

use self::device::Device;
use crate::collector::filter::{Filter, Flag};
use crate::collector::{Collector, Host, Need, flags};
use crate::exposition::{Descriptor, Family, Pattern, Table, Text, gauge, info, untyped};
use crate::files::{self, Error, Network, Result, Roots};
use crate::kernel::ethtool::{Modes, Port};

static INFO: Family<6> = info("node_ethtool_info")
    .help("The driver of an interface and its versions, as labels.")
    .labels([
        "bus_info",
        "device",
        "driver",
        "expansion_rom_version",
        "firmware_version",
        "version",
    ]);

static COUNTERS: Pattern<1> = untyped("node_ethtool_<stat>")
    .help("What the driver of an interface counts under this name.")
    .pattern_by(["device"]);

static SUPPORTED_SPEED: Family<3> = gauge("node_network_supported_speed_bytes")
    .help("Bytes in a second that the port could send in this mode.")
    .labels(["device", "duplex", "mode"]);

static ADVERTISED_SPEED: Family<3> = gauge("node_network_advertised_speed_bytes")
    .help("Bytes in a second that the port offers its peer to send in this mode.")
    .labels(["device", "duplex", "mode"]);

static PORT_INFO: Family<2> = info("node_network_supported_port_info")
    .help("What kinds of ports the interface has, as a label.")
    .labels(["device", "type"]);

static PORTS: Table<Port, 1> = Table {
    labels: ["device"],
    metrics: &[
        gauge("node_network_autonegotiate_supported")
            .help("Whether the port could find out with its peer what both can do.")
            .value(|p| Some(p.supported.autonegotiation().into())),
        gauge("node_network_pause_supported")
            .help("Whether the port could ask its peer to pause.")
            .value(|p| Some(p.supported.pause().into())),
        gauge("node_network_asymmetricpause_supported")
            .help("Whether the port could pause in one direction alone.")
            .value(|p| Some(p.supported.asymmetric_pause().into())),
        gauge("node_network_autonegotiate_advertised")
            .help("Whether the port offers to find out what both can do.")
            .value(|p| Some(p.advertised.autonegotiation().into())),
        gauge("node_network_pause_advertised")
            .help("Whether the port offers to pause.")
            .value(|p| Some(p.advertised.pause().into())),
        gauge("node_network_asymmetricpause_advertised")
            .help("Whether the port offers to pause in one direction alone.")
            .value(|p| Some(p.advertised.asymmetric_pause().into())),
        gauge("node_network_autonegotiate")
            .help("Whether the port finds out with its peer what both can do.")
            .value(|p| Some(p.autonegotiates.into())),
    ],
};

/// Which interfaces and counters are left out.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of network interfaces to leave out [default: ^veth]
    #[arg(id = EXCLUDE, long, value_name = "REGEXP")]
    exclude: Option<String>,
    /// Regular expression of network interfaces to take, and no others
    #[arg(id = INCLUDE, long, value_name = "REGEXP")]
    include: Option<String>,
    /// Take the host's ends of containers' interfaces too, which node_exporter does by default
    #[arg(id = "collector.ethtool.veth", long)]
    veth: bool,
    /// Regular expression of counters to take, by the driver's names
    #[arg(id = METRICS, long, value_name = "REGEXP", default_value = ".*")]
    metrics: String,
}

const EXCLUDE: &str = "collector.ethtool.device-exclude";
const INCLUDE: &str = "collector.ethtool.device-include";
const METRICS: &str = "collector.ethtool.metrics-include";

/// The host's ends of containers' interfaces: their names are random, and each start of a container
/// makes new series of them.
const VETH: &str = "^veth";

/// Collects what drivers say.
pub struct Ethtool {
    roots: Roots,
    dir: PathBuf,
    filter: Filter,
    metrics: Regex,
    devices: Vec<Device>,
    /// What the counters of all devices are called, in order.
    names: Vec<String>,
}

impl Collector for Ethtool {
    const NAME: &'static str = "ethtool";
    const ABOUT: &'static str = "What drivers of network interfaces count, and what ports can do.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/net"), Need::Network("all of it")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [
            INFO.descriptor(),
            COUNTERS.descriptor(),
            SUPPORTED_SPEED.descriptor(),
            ADVERTISED_SPEED.descriptor(),
            PORT_INFO.descriptor(),
        ]
        .into_iter()
        .chain(PORTS.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let chosen = flags.veth || flags.include.as_deref().is_some_and(|i| !i.is_empty());
        let default = if chosen { None } else { Some(VETH) };
        let exclude = Flag { name: EXCLUDE, value: flags.exclude.as_deref().or(default) };
        let include = Flag { name: INCLUDE, value: flags.include.as_deref() };
        Ok(Self {
            roots: roots.clone(),
            dir: roots.sys.join("class/net"),
            filter: Filter::both(include, exclude)?,
            metrics: flags::regex(METRICS, &flags.metrics)?,
            devices: Vec::new(),
            names: Vec::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        // Drivers are asked about the exporter's own interfaces, which may have the host's names.
        if self.roots.network() == Network::Other {
            return Err(Error::Absent(self.roots.proc.join("1/net")));
        }
        self.refresh(host)?;
        self.write(text);
        Ok(())
    }
}

impl Ethtool {
    /// Asks every driver.
    fn refresh(&mut self, host: &mut Host) -> Result<()> {
        let Self { dir, filter, metrics, devices, names, .. } = self;
        let mut found = files::names(dir)?;
        // Among the interfaces there are files, such as that of bonding.
        found.retain(|name| !filter.ignores(name) && files::below(dir, name).is_dir());
        let mut changed = devices.len() != found.len();
        devices.retain(|device| found.iter().any(|name| *device.name == **name));
        for (at, name) in found.into_iter().enumerate() {
            if devices.get(at).is_none_or(|device| device.name != name) {
                devices.insert(at.min(devices.len()), Device::new(name));
                changed = true;
            }
        }
        for device in devices.iter_mut() {
            changed |= device.refresh(metrics, host);
        }
        if changed {
            names.clear();
            names.extend(devices.iter().flat_map(Device::names).map(str::to_owned));
            names.sort_unstable();
            names.dedup();
        }
        Ok(())
    }

    fn write(&self, text: &mut Text) {
        let mut family = text.family(&INFO);
        for device in &self.devices {
            if let Some(labels) = &device.driver {
                family.sample(labels.each_ref().map(|label| Some(&**label)), 1.0);
            }
        }
        for name in &self.names {
            let mut family = text.pattern_family(&COUNTERS, name.as_bytes());
            for device in &self.devices {
                if let Some(value) = device.value(name) {
                    family.sample(&*device.name, value);
                }
            }
        }
        speeds(&SUPPORTED_SPEED, &self.devices, |port| port.supported, text);
        speeds(&ADVERTISED_SPEED, &self.devices, |port| port.advertised, text);
        let mut family = text.family(&PORT_INFO);
        for (name, port) in self.devices.iter().filter_map(Device::port) {
            for kind in port.supported.ports() {
                family.sample((name, kind), 1.0);
            }
        }
        text.table(&PORTS, self.devices.iter().filter_map(Device::port));
    }
}

fn speeds(
    family: &'static Family<3>,
    devices: &[Device],
    modes: fn(&Port) -> Modes,
    text: &mut Text,
) {
    /// Of a million bits.
    const BYTES: f64 = 1e6 / 8.0;
    let mut family = text.family(family);
    for (name, port) in devices.iter().filter_map(Device::port) {
        for speed in modes(port).speeds() {
            let bytes = f64::from(speed.mbits) * BYTES;
            family.sample((name, speed.duplex, speed.mode), bytes);
        }
    }
}

#[cfg(test)]
mod tests;
