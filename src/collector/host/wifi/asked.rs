//! What the kernel says, over generic netlink.

use std::io;

use super::{Interface, address, mode};
use crate::collector::Failures;
use crate::files::refused;
use crate::kernel::netlink::nl80211::{
    Station, get_family, get_networks, get_stations, get_wireless,
};
use crate::system::netlink::Socket;

/// A socket to the kernel's wireless interfaces.
pub(super) struct Wireless {
    socket: Socket,
    /// Number of those who know them, on this kernel.
    family: u16,
}

impl Wireless {
    /// Opens it. `ENOENT` where the kernel has none.
    pub(super) fn open() -> io::Result<Self> {
        let mut socket = Socket::open_generic()?;
        let mut family = None;
        socket.ask_messages(get_family, |message| family = family.or(message.family()))?;
        let family = family.ok_or(io::ErrorKind::NotFound)?;
        Ok(Self { socket, family })
    }

    /// Asks for everything. One interface that does not answer is shown without what it does not say.
    pub(super) fn interfaces(&mut self, failures: &mut Failures) -> io::Result<Vec<Interface>> {
        let Self { socket, family } = self;
        let mut found = Vec::new();
        socket.ask_messages(
            |n| get_wireless(*family, n),
            |message| {
                if let Some(wireless) = message.wireless().filter(|w| !w.name.is_empty()) {
                    let name = String::from_utf8_lossy(wireless.name).into_owned();
                    let frequency_hz = f64::from(wireless.frequency_mhz) * 1e6;
                    let interface = Interface { name, frequency_hz, ..Interface::default() };
                    found.push((wireless.index, interface));
                }
            },
        )?;
        for (index, interface) in &mut found {
            let network = socket.ask_messages(
                |n| get_networks(*family, n, *index),
                |message| {
                    if let Some(network) = message.network() {
                        let ssid = String::from_utf8_lossy(network.ssid).into_owned();
                        let mode = mode(network.status.into()).to_owned();
                        interface
                            .network
                            .get_or_insert([address(network.bssid), ssid, mode]);
                    }
                },
            );
            let stations = &mut interface.stations;
            let stations = socket.ask_messages(
                |n| get_stations(*family, n, *index),
                |message| {
                    if let Some(station) = message.station() {
                        add(stations, station);
                    }
                },
            );
            for asked in [network, stations] {
                if let Err(source) = asked {
                    let name = format!("nl80211 {}", interface.name);
                    failures.note(&refused(name.as_ref(), source));
                }
            }
        }
        Ok(found.into_iter().map(|(_, interface)| interface).collect())
    }
}

/// Adds a station, unless it was told already.
fn add(stations: &mut Vec<(String, Station)>, station: Station) {
    let address = address(&station.address);
    if !stations.iter().any(|(known, _)| *known == address) {
        stations.push((address, station));
    }
}
