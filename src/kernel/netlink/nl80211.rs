//! Wireless interfaces and their stations, by generic netlink.
//!
//! See [the kernel's header](https://github.com/torvalds/linux/blob/master/include/uapi/linux/nl80211.h).

use super::{Message, NLM_F_REQUEST, attributes, message, request, u16_at, u32_at, u64_at};

/// Length of `struct genlmsghdr`.
const GENL: usize = 4;

const GET_INTERFACE: u8 = 5;
const GET_STATION: u8 = 17;
const GET_SCAN: u8 = 32;

const ATTR_IFINDEX: u16 = 3;
const ATTR_IFNAME: u16 = 4;
const ATTR_MAC: u16 = 6;
const ATTR_STA_INFO: u16 = 21;
const ATTR_WIPHY_FREQ: u16 = 38;
const ATTR_BSS: u16 = 47;

/// A wireless interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Wireless<'a> {
    /// Its number.
    pub index: u32,
    /// Its name; devices that exist for other interfaces' sake have none.
    pub name: &'a [u8],
    /// In MHz; 0 where it has none.
    pub frequency_mhz: u32,
}

/// A network that an interface belongs to.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Network<'a> {
    /// Address of its access point.
    pub bssid: &'a [u8],
    /// Its name.
    pub ssid: &'a [u8],
    /// 0 and 1 for a client of it, 2 for one of its equals.
    pub status: u32,
}

/// One whom an interface talks to.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Station {
    /// Its address.
    pub address: [u8; 6],
    /// How long it has been connected.
    pub connected_s: u32,
    /// How long it has been silent.
    pub inactive_ms: u32,
    /// Bytes received from it.
    pub received_bytes: u64,
    /// Bytes sent to it.
    pub transmitted_bytes: u64,
    /// Packets received from it.
    pub received_packets: u32,
    /// Packets sent to it.
    pub transmitted_packets: u32,
    /// How fast it sends, in 100 kbit in a second.
    pub receive_rate: u32,
    /// How fast it is sent to, in 100 kbit in a second.
    pub transmit_rate: u32,
    /// How strong its signal is.
    pub signal_dbm: i8,
    /// Packets that were sent to it again.
    pub retries: u32,
    /// Packets that did not reach it.
    pub failed: u32,
    /// How often nothing was heard of it for long.
    pub beacon_losses: u32,
}

/// Asks for the number of the family that knows wireless interfaces.
pub fn get_family(sequence: u32) -> [u8; 32] {
    /// The family that knows families.
    const GENL_ID_CTRL: u16 = 16;
    const GETFAMILY: u8 = 3;
    /// A confirmation, so that the answer has an end.
    const NLM_F_ACK: u16 = 4;
    let [a, b] = 12u16.to_ne_bytes();
    let [c, d] = 2u16.to_ne_bytes();
    let parts: [&[u8]; 3] = [&[GETFAMILY, 1, 0, 0], &[a, b, c, d], b"nl80211\0"];
    message(GENL_ID_CTRL, NLM_F_REQUEST | NLM_F_ACK, sequence, &parts)
}

/// Asks for all wireless interfaces.
pub fn get_wireless(family: u16, sequence: u32) -> [u8; 20] {
    request(family, sequence, &[&[GET_INTERFACE, 0, 0, 0]])
}

/// Asks for the networks that an interface has seen.
pub fn get_networks(family: u16, sequence: u32, index: u32) -> [u8; 28] {
    of_interface(GET_SCAN, family, sequence, index)
}

/// Asks for the stations of an interface.
pub fn get_stations(family: u16, sequence: u32, index: u32) -> [u8; 28] {
    of_interface(GET_STATION, family, sequence, index)
}

fn of_interface(command: u8, family: u16, sequence: u32, index: u32) -> [u8; 28] {
    let [a, b] = 8u16.to_ne_bytes();
    let [c, d] = ATTR_IFINDEX.to_ne_bytes();
    let index = index.to_ne_bytes();
    request(family, sequence, &[&[command, 0, 0, 0], &[a, b, c, d], &index])
}

impl<'a> Message<'a> {
    fn generic(&self) -> impl Iterator<Item = (u16, &'a [u8])> + use<'a> {
        attributes(self.body.get(GENL..).unwrap_or_default())
    }

    /// The number of a family that it tells.
    pub fn family(&self) -> Option<u16> {
        const CTRL_ATTR_FAMILY_ID: u16 = 1;
        let (_, id) = self
            .generic()
            .find(|(kind, _)| *kind == CTRL_ATTR_FAMILY_ID)?;
        u16_at(id, 0)
    }

    /// The wireless interface it tells of.
    pub fn wireless(&self) -> Option<Wireless<'a>> {
        let mut index = None;
        let mut found = Wireless { index: 0, name: b"", frequency_mhz: 0 };
        for (kind, value) in self.generic() {
            match kind {
                ATTR_IFINDEX => index = u32_at(value, 0),
                ATTR_IFNAME => found.name = value.split(|&b| b == 0).next().unwrap_or_default(),
                ATTR_WIPHY_FREQ => found.frequency_mhz = u32_at(value, 0).unwrap_or_default(),
                _ => {}
            }
        }
        found.index = index?;
        Some(found)
    }

    /// The network it tells of, if the interface belongs to it and did not merely see it.
    pub fn network(&self) -> Option<Network<'a>> {
        const BSSID: u16 = 1;
        const ELEMENTS: u16 = 6;
        const STATUS: u16 = 9;
        let (_, network) = self.generic().find(|(kind, _)| *kind == ATTR_BSS)?;
        let mut status = None;
        let mut found = Network { bssid: b"", ssid: b"", status: 0 };
        for (kind, value) in attributes(network) {
            match kind {
                BSSID => found.bssid = value,
                ELEMENTS => found.ssid = ssid(value).unwrap_or_default(),
                STATUS => status = u32_at(value, 0),
                _ => {}
            }
        }
        found.status = status?;
        Some(found)
    }

    /// The station it tells of.
    pub fn station(&self) -> Option<Station> {
        let mut station = Station::default();
        let mut told = false;
        for (kind, value) in self.generic() {
            match kind {
                ATTR_MAC => station.address = *value.first_chunk()?,
                ATTR_STA_INFO => {
                    told = true;
                    station.read(value);
                }
                _ => {}
            }
        }
        told.then_some(station)
    }
}

impl Station {
    fn read(&mut self, info: &[u8]) {
        for (kind, value) in attributes(info) {
            let number = || u32_at(value, 0).unwrap_or_default();
            match kind {
                1 => self.inactive_ms = number(),
                // Of two widths, the wider comes last.
                2 => self.received_bytes = number().into(),
                3 => self.transmitted_bytes = number().into(),
                7 => self.signal_dbm = value.first().map_or(0, |byte| byte.cast_signed()),
                8 => self.transmit_rate = rate(value),
                9 => self.received_packets = number(),
                10 => self.transmitted_packets = number(),
                11 => self.retries = number(),
                12 => self.failed = number(),
                14 => self.receive_rate = rate(value),
                16 => self.connected_s = number(),
                18 => self.beacon_losses = number(),
                23 => self.received_bytes = u64_at(value, 0).unwrap_or_default(),
                24 => self.transmitted_bytes = u64_at(value, 0).unwrap_or_default(),
                _ => {}
            }
        }
    }
}

/// A rate, of which the wider number is taken.
fn rate(info: &[u8]) -> u32 {
    const BITRATE: u16 = 1;
    const BITRATE32: u16 = 5;
    let find = |wanted| attributes(info).find(|(kind, _)| *kind == wanted);
    let wide = find(BITRATE32).and_then(|(_, value)| u32_at(value, 0));
    let narrow = find(BITRATE).and_then(|(_, value)| u16_at(value, 0));
    wide.or(narrow.map(u32::from)).unwrap_or_default()
}

/// The name among what a network says of itself: elements of a kind, a length, and as many bytes.
fn ssid(elements: &[u8]) -> Option<&[u8]> {
    const SSID: u8 = 0;
    let mut rest = elements;
    while let [kind, length, after @ ..] = rest {
        let (value, after) = after.split_at_checked(usize::from(*length))?;
        if *kind == SSID {
            return Some(value);
        }
        rest = after;
    }
    None
}

#[cfg(test)]
mod tests {
    use super::super::tests::{attribute, message};
    use super::*;
    use crate::kernel::netlink::messages;

    fn answer(attributes: &[Vec<u8>]) -> Vec<u8> {
        message(28, 1, &[&[0; 4], &attributes.concat()])
    }

    fn number(kind: u16, n: u32) -> Vec<u8> {
        attribute(kind, &n.to_ne_bytes())
    }

    #[test]
    fn reads_interfaces_and_the_family() {
        let family = answer(&[attribute(2, b"nl80211\0"), attribute(1, &28u16.to_ne_bytes())]);
        assert_eq!(messages(&family).next().unwrap().family(), Some(28));
        let attributes =
            [number(ATTR_IFINDEX, 3), attribute(ATTR_IFNAME, b"wlan0\0"), number(38, 2412)];
        let whole = answer(&attributes);
        let expected = Wireless { index: 3, name: b"wlan0", frequency_mhz: 2412 };
        assert_eq!(messages(&whole).next().unwrap().wireless(), Some(expected));
        let nameless = answer(&attributes[..1]);
        let expected = Wireless { index: 3, name: b"", frequency_mhz: 0 };
        assert_eq!(messages(&nameless).next().unwrap().wireless(), Some(expected));
        let cut = answer(&attributes[1..]);
        assert_eq!(messages(&cut).next().unwrap().wireless(), None);
    }

    #[test]
    fn reads_the_network_it_belongs_to() {
        let elements = [&[1, 1, 9][..], &[0, 4], b"home", &[7]].concat();
        let seen = [attribute(1, &[1, 2, 3, 4, 5, 6]), attribute(6, &elements)];
        let own = [&seen[..], &[number(9, 1)]].concat();
        let network = |attributes: &[Vec<u8>]| answer(&[attribute(ATTR_BSS, &attributes.concat())]);
        let expected = Network { bssid: &[1, 2, 3, 4, 5, 6], ssid: b"home", status: 1 };
        assert_eq!(messages(&network(&own)).next().unwrap().network(), Some(expected));
        assert_eq!(messages(&network(&seen)).next().unwrap().network(), None, "merely seen");
        assert_eq!(ssid(&[0, 5, b'x']), None);
    }

    #[test]
    fn reads_stations() {
        let info = [
            number(1, 400),
            number(2, 7),
            number(3, 8),
            attribute(7, &[(-52i8).cast_unsigned()]),
            attribute(8, &attribute(1, &540u16.to_ne_bytes())),
            number(9, 11),
            number(10, 12),
            number(11, 13),
            number(12, 14),
            attribute(14, &[attribute(1, &[0; 2]), number(5, 70_000)].concat()),
            number(16, 30),
            number(18, 15),
            attribute(23, &(1u64 << 40).to_ne_bytes()),
        ];
        let whole =
            answer(&[attribute(ATTR_MAC, &[1, 2, 3, 4, 5, 6]), attribute(21, &info.concat())]);
        let expected = Station {
            address: [1, 2, 3, 4, 5, 6],
            connected_s: 30,
            inactive_ms: 400,
            received_bytes: 1 << 40,
            transmitted_bytes: 8,
            received_packets: 11,
            transmitted_packets: 12,
            receive_rate: 70_000,
            transmit_rate: 540,
            signal_dbm: -52,
            retries: 13,
            failed: 14,
            beacon_losses: 15,
        };
        assert_eq!(messages(&whole).next().unwrap().station(), Some(expected));
        let cut = answer(&[attribute(ATTR_MAC, &[1, 2])]);
        assert_eq!(messages(&cut).next().unwrap().station(), None);
    }

    #[test]
    fn asks() {
        let family = get_family(9);
        assert_eq!(u32_at(&family, 0), Some(32));
        assert_eq!(family[24..], *b"nl80211\0");
        let stations = get_stations(28, 9, 3);
        assert_eq!((u16_at(&stations, 4), u32_at(&stations, 24)), (Some(28), Some(3)));
        assert_eq!(stations[16], GET_STATION);
        assert_eq!(get_wireless(28, 9)[16], GET_INTERFACE);
        assert_eq!(get_networks(28, 9, 3)[16], GET_SCAN);
    }
}
