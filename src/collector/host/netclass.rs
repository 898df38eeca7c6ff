//! `/sys/class/net`: what network interfaces are, and whether they are up.
//!
//! An interface has some twenty attributes, a file each, and most of them never change. They are read
//! when the kernel tells that the interface has changed, and all of them once a minute: a few change
//! without a word, such as the speed that somebody sets on a virtual card. Where the kernel does not
//! tell, because `/sys` is not that of the exporter's own network, they are read in every scrape.

mod device;
mod watch;

use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use self::device::{Device, Paths};
use self::watch::{Heard, Watch};
use crate::collector::filter::{Filter, Flag};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, counter, gauge, info};
use crate::files::{Files, Result, Roots, names};
use crate::kernel::netlink::Said;

static UP: Table<Device, 1> = Table {
    labels: ["device"],
    metrics: &[gauge("node_network_up")
        .help("Whether the operational state is up; that of a loopback interface is unknown.")
        .value(|d| Some(if d.operstate == "up" { 1.0 } else { 0.0 }))],
};

static INFO: Family<7> = info("node_network_info")
    .help("What an interface is.")
    .labels(["device", "address", "broadcast", "duplex", "operstate", "adminstate", "ifalias"]);

static DEVICES: Table<Device, 1> = Table {
    labels: ["device"],
    metrics: &[
        gauge("node_network_address_assign_type")
            .help("Where the address comes from: 0 permanent, 1 random, 2 stolen, 3 set.")
            .value(|d| number(d.addr_assign_type)),
        gauge("node_network_carrier")
            .help("Whether there is a carrier.")
            .value(|d| number(d.carrier)),
        counter("node_network_carrier_changes_total")
            .help("How often the carrier came or went.")
            .value(|d| number(d.carrier_changes)),
        counter("node_network_carrier_up_changes_total")
            .help("How often the carrier came; since Linux 4.16.")
            .value(|d| number(d.carrier_up_count)),
        counter("node_network_carrier_down_changes_total")
            .help("How often the carrier went; since Linux 4.16.")
            .value(|d| number(d.carrier_down_count)),
        gauge("node_network_device_id")
            .help("Tells interfaces apart that share an address.")
            .value(|d| number(d.dev_id)),
        gauge("node_network_dormant")
            .help("Whether the interface waits for something else before it carries packets.")
            .value(|d| number(d.dormant)),
        gauge("node_network_flags")
            .help("The flags of the interface, a bit each.")
            .value(|d| number(d.flags)),
        gauge("node_network_iface_id")
            .help("The kernel's number of the interface.")
            .value(|d| number(d.ifindex)),
        gauge("node_network_iface_link")
            .help("The number of the interface that this one is upon; its own if there is none.")
            .value(|d| number(d.iflink)),
        gauge("node_network_iface_link_mode")
            .help("Whether somebody in user space decides that the interface is up: 0 or 1.")
            .value(|d| number(d.link_mode)),
        gauge("node_network_mtu_bytes")
            .help("Bytes of the longest packet.")
            .value(|d| number(d.mtu)),
        gauge("node_network_name_assign_type")
            .help("Where the name comes from: 1 enumerated, 2 predictable, 3 user, 4 renamed.")
            .value(|d| number(d.name_assign_type)),
        gauge("node_network_net_dev_group")
            .help("The group of the interface.")
            .value(|d| number(d.netdev_group)),
        gauge("node_network_protocol_type")
            .help("The kind of link, as ARP knows it: 1 is Ethernet.")
            .value(|d| number(d.kind)),
        gauge("node_network_speed_bytes")
            .help("Bytes a second; -125000 where the driver does not know.")
            .value(|d| d.speed_bytes),
        gauge("node_network_transmit_queue_length")
            .help("Packets that may wait to be sent.")
            .value(|d| number(d.tx_queue_len)),
    ],
};

fn number(n: Option<i64>) -> Option<f64> {
    n.map(|n| n as f64)
}

/// The flags of [`Netclass`].
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of network interfaces to leave out [default: ^veth]
    #[arg(id = IGNORED, long, value_name = "REGEXP")]
    ignored: Option<String>,
    /// Take the host's ends of containers' interfaces too, which node_exporter does by default
    #[arg(id = "collector.netclass.veth", long)]
    veth: bool,
    /// Leave out speeds that the driver does not know
    #[arg(id = "collector.netclass.ignore-invalid-speed", long)]
    ignore_invalid_speed: bool,
    /// For node_exporter's command line: netlink is made use of in any case
    #[arg(id = "collector.netclass.netlink", long, hide = true)]
    _netlink: bool,
    /// For node_exporter's command line: these counters are those of netdev
    #[arg(id = "collector.netclass_rtnl.with-stats", long, hide = true)]
    _stats: bool,
}

const IGNORED: &str = "collector.netclass.ignored-devices";

/// The host's ends of containers' interfaces: their names are random, and each start of a container
/// makes new series of them.
const VETH: &str = "^veth";

/// How long attributes stand that change without a word.
const AGE: Duration = Duration::from_secs(60);

/// Collects what network interfaces are.
pub struct Netclass {
    dir: PathBuf,
    filter: Filter,
    devices: Devices,
    watch: Watch,
    /// When all attributes were read.
    read: Option<SystemTime>,
}

/// The interfaces that are not left out.
struct Devices {
    paths: Paths,
    rows: Vec<Device>,
}

impl Collector for Netclass {
    const NAME: &'static str = "netclass";
    const ABOUT: &'static str = "What network interfaces are, and whether they are up.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/sys/class/net"), Need::Network("changes of interfaces at once")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        UP.descriptors()
            .chain([INFO.descriptor()])
            .chain(DEVICES.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let none = Flag { name: "", value: None };
        let ignored = Flag { name: IGNORED, value: flags.ignored.as_deref() };
        let dir = roots.sys.join("class/net");
        Ok(Self {
            filter: Filter::either(none, ignored, if flags.veth { "" } else { VETH })?,
            devices: Devices {
                paths: Paths::new(&dir, !flags.ignore_invalid_speed),
                rows: Vec::new(),
            },
            watch: Watch::new(roots),
            dir,
            read: None,
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { dir, filter, devices, watch, read } = self;
        let Host { shared, files, now, .. } = host;
        let fresh = read.is_some_and(|at| now.duration_since(at).is_ok_and(|age| age < AGE));
        let heard = watch.listen(&mut shared.changes, |said| devices.hear(said, filter));
        if heard != Heard::Changes || !fresh {
            devices.list(dir, filter)?;
            *read = (heard != Heard::Nothing).then_some(*now);
        }
        devices.read_changed(files);
        write(&devices.rows, text);
        Ok(())
    }
}

impl Devices {
    /// Makes a new list, all of which is to be read.
    fn list(&mut self, dir: &Path, filter: &mut Filter) -> Result<()> {
        let rows = &mut self.rows;
        let names = names(dir)?;
        let mut listed = 0;
        for name in names.iter().filter(|name| !filter.ignores(name)) {
            match rows.get_mut(listed) {
                Some(device) if *device.name.as_bytes() == **name => device.changed = true,
                _ => {
                    rows.truncate(listed);
                    rows.push(Device::named(name));
                }
            }
            listed += 1;
        }
        rows.truncate(listed);
        Ok(())
    }

    /// Notes which interfaces have changed.
    fn hear(&mut self, said: &Said<'_>, filter: &mut Filter) {
        match said {
            Said::Link(link) => {
                let index = i64::from(link.index);
                if filter.ignores(link.name) {
                    self.rows.retain(|device| device.ifindex != Some(index));
                    return;
                }
                let changed = Device::named(link.name);
                // Of a name or a number there is one, and either may have been another's before.
                self.rows
                    .retain(|device| device.ifindex != Some(index) && device.name != changed.name);
                self.rows.push(changed);
            }
            Said::Gone(index) => {
                self.rows
                    .retain(|device| device.ifindex != Some(i64::from(*index)));
            }
            Said::Done | Said::Refused(_) | Said::Stats(..) | Said::Other => {}
        }
    }

    /// Reads those that have changed. One that vanished meanwhile, or is no interface, is not shown.
    fn read_changed(&mut self, files: &mut Files) {
        let Self { paths, rows } = self;
        for device in rows.iter_mut().filter(|device| device.changed) {
            paths.read(device, files);
        }
    }
}

fn write(devices: &[Device], text: &mut Text) {
    let devices = devices.iter().filter(|device| device.exists);
    let rows = devices.clone().map(|device| (device.name.as_str(), device));
    text.table(&UP, rows.clone());
    let mut info = text.family(&INFO);
    for device in devices {
        let adminstate = match device.flags {
            None => "unknown",
            Some(flags) if flags & 1 == 1 => "up",
            Some(_) => "down",
        };
        let labels = [
            &*device.name,
            &device.address,
            &device.broadcast,
            &device.duplex,
            &device.operstate,
            adminstate,
            &device.ifalias,
        ];
        info.sample(labels.map(Some), true);
    }
    text.table(&DEVICES, rows);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::{Scraped, exposed};
    use crate::files::Scratch;

    /// The samples of one device.
    fn of<'t>(text: &'t str, device: &str) -> Vec<&'t str> {
        let label = format!("{{device=\"{device}\"");
        let lines = text.lines().filter(|line| line.contains(&label));
        lines
            .map(|line| line.strip_prefix("node_network_").unwrap())
            .collect()
    }

    #[test]
    fn says_what_interfaces_are() {
        let text = exposed::<Netclass>("node-network", &[]);
        let eth0 = [
            r#"up{device="eth0"} 1"#,
            r#"info{device="eth0",address="06:fc:00:00:00:01",broadcast="ff:ff:ff:ff:ff:ff",duplex="full",operstate="up",adminstate="up",ifalias="primary \"uplink\""} 1"#,
            r#"address_assign_type{device="eth0"} 0"#,
            r#"carrier{device="eth0"} 1"#,
            r#"carrier_changes_total{device="eth0"} 2"#,
            r#"carrier_up_changes_total{device="eth0"} 1"#,
            r#"carrier_down_changes_total{device="eth0"} 1"#,
            r#"device_id{device="eth0"} 32"#,
            r#"dormant{device="eth0"} 0"#,
            r#"flags{device="eth0"} 4099"#,
            r#"iface_id{device="eth0"} 2"#,
            r#"iface_link{device="eth0"} 2"#,
            r#"iface_link_mode{device="eth0"} 1"#,
            r#"mtu_bytes{device="eth0"} 9001"#,
            r#"name_assign_type{device="eth0"} 2"#,
            r#"net_dev_group{device="eth0"} 0"#,
            r#"protocol_type{device="eth0"} 1"#,
            r#"speed_bytes{device="eth0"} 3125000000"#,
            r#"transmit_queue_length{device="eth0"} 1000"#,
        ];
        assert_eq!(of(&text, "eth0"), eth0);
        let eth1 = [
            r#"up{device="eth1"} 0"#,
            r#"info{device="eth1",address="06:fc:00:00:00:02",broadcast="ff:ff:ff:ff:ff:ff",duplex="",operstate="down",adminstate="down",ifalias=""} 1"#,
            r#"address_assign_type{device="eth1"} 0"#,
            r#"carrier_changes_total{device="eth1"} 1"#,
            r#"carrier_up_changes_total{device="eth1"} 0"#,
            r#"carrier_down_changes_total{device="eth1"} 1"#,
            r#"device_id{device="eth1"} 0"#,
            r#"dormant{device="eth1"} 0"#,
            r#"flags{device="eth1"} 4098"#,
            r#"iface_id{device="eth1"} 4"#,
            r#"iface_link{device="eth1"} 4"#,
            r#"iface_link_mode{device="eth1"} 0"#,
            r#"mtu_bytes{device="eth1"} 9001"#,
            r#"name_assign_type{device="eth1"} 2"#,
            r#"net_dev_group{device="eth1"} 7"#,
            r#"protocol_type{device="eth1"} 1"#,
            r#"transmit_queue_length{device="eth1"} 1000"#,
        ];
        assert_eq!(of(&text, "eth1"), eth1);
        assert!(of(&text, "docker0").contains(&r#"speed_bytes{device="docker0"} -125000"#));
        assert!(of(&text, "lo").contains(&r#"up{device="lo"} 0"#));
        assert_eq!(of(&text, "bonding_masters"), [""; 0]);
        assert_eq!(of(&text, "veth6ab10b7"), [""; 0]);
        assert_eq!(text.matches("# TYPE ").count(), 19);
    }

    #[test]
    fn flags_say_which_interfaces_and_speeds() {
        let devices = |flags: &[&str]| {
            let text = exposed::<Netclass>("node-network", flags);
            ["docker0", "eth0", "lo", "veth6ab10b7"].map(|device| of(&text, device).len())
        };
        assert_eq!(devices(&[]), [19, 19, 18, 0]);
        assert_eq!(devices(&["--collector.netclass.veth"]), [19, 19, 18, 19]);
        assert_eq!(devices(&["--collector.netclass.ignored-devices=^(lo|eth.)$"]), [19, 0, 0, 19]);
        assert_eq!(devices(&["--collector.netclass.ignore-invalid-speed"]), [18, 19, 18, 0]);
    }

    #[test]
    fn passes_over_an_interface_that_vanished() {
        let root = Scratch::new();
        root.write("sys/class/net/eth0/ifindex", "2\n");
        // As a link of sysfs whose directory is gone between the two.
        let gone = root.join("sys/class/net/gone");
        std::os::unix::fs::symlink("../../devices/gone", gone).unwrap();
        let text = Scraped::<Netclass>::new(&root, &[])
            .unwrap()
            .after(Duration::ZERO)
            .unwrap();
        assert_eq!(of(&text, "eth0").len(), 3);
        assert_eq!(of(&text, "gone"), [""; 0]);
    }
}
