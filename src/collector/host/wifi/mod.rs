//! Wireless interfaces: their networks, and the stations they talk to.

mod asked;
mod told;

use std::ffi::OsString;
use std::path::PathBuf;

use clap::Args;

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, counter, gauge, info};
use crate::files::{Error, Network, Result, Roots, refused};
use crate::kernel::netlink::nl80211::Station;

use self::asked::Wireless;

static FREQUENCY: Family<1> = gauge("node_wifi_interface_frequency_hertz")
    .help("Frequency the interface sends and receives at.")
    .labels(["device"]);

static NETWORK: Family<4> = info("node_wifi_station_info")
    .help("The network that the interface belongs to, as labels.")
    .labels(["device", "bssid", "ssid", "mode"]);

static STATIONS: Table<Station, 2> = Table {
    labels: ["device", "mac_address"],
    metrics: &[
        counter("node_wifi_station_connected_seconds_total")
            .help("Seconds since the station connected.")
            .value(|s| Some(s.connected_s.into())),
        gauge("node_wifi_station_inactive_seconds")
            .help("Seconds since the station was heard.")
            .value(|s| Some(f64::from(s.inactive_ms) / 1e3)),
        gauge("node_wifi_station_receive_bits_per_second")
            .help("Bits in a second that the station sends at.")
            .value(|s| Some(f64::from(s.receive_rate) * 1e5)),
        gauge("node_wifi_station_transmit_bits_per_second")
            .help("Bits in a second that the station is sent to at.")
            .value(|s| Some(f64::from(s.transmit_rate) * 1e5)),
        counter("node_wifi_station_receive_bytes_total")
            .help("Bytes received from the station.")
            .value(|s| Some(s.received_bytes as f64)),
        counter("node_wifi_station_transmit_bytes_total")
            .help("Bytes sent to the station.")
            .value(|s| Some(s.transmitted_bytes as f64)),
        counter("node_wifi_station_received_packets_total")
            .help("Packets received from the station.")
            .value(|s| Some(s.received_packets.into())),
        counter("node_wifi_station_transmitted_packets_total")
            .help("Packets sent to the station.")
            .value(|s| Some(s.transmitted_packets.into())),
        gauge("node_wifi_station_signal_dbm")
            .help("How strong the station's signal is, in decibels over a milliwatt.")
            .value(|s| Some(s.signal_dbm.into())),
        counter("node_wifi_station_transmit_retries_total")
            .help("Packets that were sent to the station again.")
            .value(|s| Some(s.retries.into())),
        counter("node_wifi_station_transmit_failed_total")
            .help("Packets that did not reach the station.")
            .value(|s| Some(s.failed.into())),
        counter("node_wifi_station_beacon_loss_total")
            .help("How often nothing was heard of the station for long.")
            .value(|s| Some(s.beacon_losses.into())),
    ],
};

/// Where the answers come from.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// Directory of files to show instead of what the kernel says, for tests
    #[arg(id = "collector.wifi.fixtures", long, value_name = "DIR", hide = true)]
    fixtures: Option<OsString>,
}

/// Collects what wireless interfaces do.
pub struct Wifi {
    roots: Roots,
    /// Stands in the kernel's place.
    fixtures: Option<PathBuf>,
    wireless: Option<Wireless>,
}

/// An interface.
#[derive(Debug, Default, PartialEq)]
struct Interface {
    name: String,
    frequency_hz: f64,
    /// The network it belongs to: address, name, and as what.
    network: Option<[String; 3]>,
    /// By their addresses.
    stations: Vec<(String, Station)>,
}

impl Collector for Wifi {
    const NAME: &'static str = "wifi";
    const ABOUT: &'static str = "Wireless networks and their stations.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Network("all of it")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [FREQUENCY.descriptor(), NETWORK.descriptor()]
            .into_iter()
            .chain(STATIONS.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let fixtures = flags.fixtures.filter(|dir| !dir.is_empty());
        let fixtures = fixtures.map(PathBuf::from);
        Ok(Self { roots: roots.clone(), fixtures, wireless: None })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let interfaces = match &self.fixtures {
            Some(dir) => told::interfaces(dir, &mut host.files)?,
            None => self.ask(host)?,
        };
        write(&interfaces, text);
        Ok(())
    }
}

impl Wifi {
    /// Asks the kernel, over a socket that may have to be opened first.
    fn ask(&mut self, host: &mut Host) -> Result<Vec<Interface>> {
        // Interfaces are asked for in the exporter's own network.
        if self.roots.network() == Network::Other {
            return Err(Error::Absent(self.roots.proc.join("1/net")));
        }
        let failed = |source| refused("nl80211".as_ref(), source);
        let wireless = match &mut self.wireless {
            Some(wireless) => wireless,
            None => self.wireless.insert(Wireless::open().map_err(failed)?),
        };
        let asked = wireless.interfaces(&mut host.failures);
        if asked.is_err() {
            self.wireless = None;
        }
        asked.map_err(failed)
    }
}

fn write(interfaces: &[Interface], text: &mut Text) {
    let mut family = text.family(&FREQUENCY);
    for interface in interfaces {
        family.sample(&interface.name, interface.frequency_hz);
    }
    let mut family = text.family(&NETWORK);
    for interface in interfaces {
        if let Some([bssid, ssid, mode]) = &interface.network {
            family.sample([&interface.name, bssid, ssid, mode].map(Some), 1.0);
        }
    }
    let stations = interfaces.iter().flat_map(|interface| {
        let stations = interface.stations.iter();
        stations.map(|(address, station)| ((&interface.name, address), station))
    });
    text.table(&STATIONS, stations);
}

/// What an interface is in a network.
fn mode(status: i64) -> &'static str {
    match status {
        0 | 1 => "client",
        2 => "ad-hoc",
        _ => "unknown",
    }
}

/// `06:fc:00:00:00:05`.
fn address(bytes: &[u8]) -> String {
    let pairs: Vec<_> = bytes.iter().map(|byte| format!("{byte:02x}")).collect();
    pairs.join(":")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{Scratch, start};

    #[test]
    fn shows_what_files_say_in_the_kernels_place() {
        let dir = Scratch::new();
        dir.write("interfaces.json", r#"[{"Name":"wlan0","frequency":2412,"type":2},{"type":10}]"#);
        dir.write("wlan0/bss.json", r#"{"ssid":"Home","bssid":"ABEiM0RV","status":1}"#);
        dir.write(
            "wlan0/stationinfo.json",
            r#"[{"hardwareaddr":"qrvM3e7/","connected":30000000000,"inactive":400000000,
                "receivebitrate":128000000,"transmitbitrate":164000000,"signal":-52,
                "ReceivedBytes":7,"transmittedPackets":9,"transmitretries":10,"beaconloss":1}]"#,
        );
        let flag = format!("--collector.wifi.fixtures={}", dir.0.display());
        let expected = r#"# TYPE node_wifi_interface_frequency_hertz gauge
node_wifi_interface_frequency_hertz{device="wlan0"} 2412000000
# TYPE node_wifi_station_info gauge
node_wifi_station_info{device="wlan0",bssid="00:11:22:33:44:55",ssid="Home",mode="client"} 1
# TYPE node_wifi_station_connected_seconds_total counter
node_wifi_station_connected_seconds_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 30
# TYPE node_wifi_station_inactive_seconds gauge
node_wifi_station_inactive_seconds{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 0.4
# TYPE node_wifi_station_receive_bits_per_second gauge
node_wifi_station_receive_bits_per_second{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 128000000
# TYPE node_wifi_station_transmit_bits_per_second gauge
node_wifi_station_transmit_bits_per_second{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 164000000
# TYPE node_wifi_station_receive_bytes_total counter
node_wifi_station_receive_bytes_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 7
# TYPE node_wifi_station_transmit_bytes_total counter
node_wifi_station_transmit_bytes_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 0
# TYPE node_wifi_station_received_packets_total counter
node_wifi_station_received_packets_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 0
# TYPE node_wifi_station_transmitted_packets_total counter
node_wifi_station_transmitted_packets_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 9
# TYPE node_wifi_station_signal_dbm gauge
node_wifi_station_signal_dbm{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} -52
# TYPE node_wifi_station_transmit_retries_total counter
node_wifi_station_transmit_retries_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 10
# TYPE node_wifi_station_transmit_failed_total counter
node_wifi_station_transmit_failed_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 0
# TYPE node_wifi_station_beacon_loss_total counter
node_wifi_station_beacon_loss_total{device="wlan0",mac_address="aa:bb:cc:dd:ee:ff"} 1
"#;
        assert_eq!(dir.written::<Wifi>(&[&flag]).unwrap(), expected);
    }

    #[test]
    fn takes_an_interface_without_network() {
        let dir = Scratch::new();
        dir.write("interfaces.json", r#"[{"name":"wlan1"}]"#);
        let flag = format!("--collector.wifi.fixtures={}", dir.0.display());
        let said = dir.written::<Wifi>(&[&flag]).unwrap();
        let expected = "# TYPE node_wifi_interface_frequency_hertz gauge\n\
                        node_wifi_interface_frequency_hertz{device=\"wlan1\"} 0\n";
        assert_eq!(said, expected);
        dir.write("wlan1/bss.json", "{");
        assert!(dir.written::<Wifi>(&[&flag]).is_err());
    }

    #[test]
    fn an_empty_directory_is_none() {
        let dir = Scratch::new();
        let roots = crate::collector::testing::roots(&dir.0);
        let wifi: Wifi = start(&["--collector.wifi.fixtures="], &roots).unwrap();
        assert_eq!(wifi.fixtures, None);
    }

    #[test]
    fn names_modes_and_addresses() {
        assert_eq!(
            [0, 1, 2, 3, -1].map(mode),
            ["client", "client", "ad-hoc", "unknown", "unknown"]
        );
        assert_eq!(address(&[6, 0xfc, 0]), "06:fc:00");
    }
}
