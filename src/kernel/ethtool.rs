//! Questions to drivers of network interfaces, and their answers.
//!
//! Each message is a struct that begins with the number of the question and is overwritten by the
//! answer. All numbers are in the order of the host's bytes. See
//! [the kernel's header](https://github.com/torvalds/linux/blob/master/include/uapi/linux/ethtool.h).

const GSET: u32 = 1;
const GDRVINFO: u32 = 3;
const GSTRINGS: u32 = 0x1b;
const GSTATS: u32 = 0x1d;

/// What a port is capable of: `struct ethtool_cmd`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Port {
    /// What it could do, a bit each.
    pub supported: Modes,
    /// What it offers to its peer, a bit each.
    pub advertised: Modes,
    /// Whether it finds out with its peer what both can do: 1 if it does.
    pub autonegotiates: u8,
}

/// Speeds, kinds of ports and the like, a bit each: the first 32 of `ETHTOOL_LINK_MODE_…`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Modes(pub u32);

/// A speed that a port may have.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Speed {
    /// A million bits in a second each.
    pub mbits: u32,
    /// Whether both sides may send at once.
    pub duplex: &'static str,
    /// Speed and medium, as the standard calls them.
    pub mode: &'static str,
}

/// Speeds and their bits.
const SPEEDS: [(u32, Speed); 22] = [
    (0, Speed::half(10, "10baseT")),
    (1, Speed::full(10, "10baseT")),
    (2, Speed::half(100, "100baseT")),
    (3, Speed::full(100, "100baseT")),
    (4, Speed::half(1_000, "1000baseT")),
    (5, Speed::full(1_000, "1000baseT")),
    (12, Speed::full(10_000, "10000baseT")),
    (17, Speed::full(1_000, "1000baseKX")),
    (18, Speed::full(10_000, "10000baseKX4")),
    (19, Speed::full(10_000, "10000baseKR")),
    (20, Speed::full(10_000, "10000baseR_FEC")),
    (21, Speed::full(20_000, "20000baseMLD2")),
    (22, Speed::full(20_000, "20000baseKR2")),
    (23, Speed::full(40_000, "40000baseKR4")),
    (24, Speed::full(40_000, "40000baseCR4")),
    (25, Speed::full(40_000, "40000baseSR4")),
    (26, Speed::full(40_000, "40000baseLR4")),
    (27, Speed::full(56_000, "56000baseKR4")),
    (28, Speed::full(56_000, "56000baseCR4")),
    (29, Speed::full(56_000, "56000baseSR4")),
    (30, Speed::full(56_000, "56000baseLR4")),
    (31, Speed::full(25_000, "25000baseCR")),
];

/// Kinds of ports and their bits.
const PORTS: [(u32, &str); 6] =
    [(7, "TP"), (8, "AUI"), (9, "MII"), (10, "FIBRE"), (11, "BNC"), (16, "Backplane")];

impl Speed {
    const fn half(mbits: u32, mode: &'static str) -> Self {
        Self { mbits, duplex: "half", mode }
    }

    const fn full(mbits: u32, mode: &'static str) -> Self {
        Self { mbits, duplex: "full", mode }
    }
}

impl Modes {
    /// The speeds among them.
    pub fn speeds(self) -> impl Iterator<Item = Speed> {
        SPEEDS
            .into_iter()
            .filter(move |(bit, _)| self.has(*bit))
            .map(|(_, speed)| speed)
    }

    /// The kinds of ports among them.
    pub fn ports(self) -> impl Iterator<Item = &'static str> {
        PORTS
            .into_iter()
            .filter(move |(bit, _)| self.has(*bit))
            .map(|(_, port)| port)
    }

    /// Whether finding out with the peer what both can do is among them.
    pub fn autonegotiation(self) -> bool {
        self.has(6)
    }

    /// Whether asking the peer to pause is among them.
    pub fn pause(self) -> bool {
        self.has(13)
    }

    /// Whether pausing in one direction alone is among them.
    pub fn asymmetric_pause(self) -> bool {
        self.has(14)
    }

    fn has(self, bit: u32) -> bool {
        self.0 & (1 << bit) != 0
    }
}

/// Asks what a port is capable of.
pub fn get_port() -> [u8; 44] {
    question(&[GSET])
}

/// Reads what [`get_port`] is answered.
pub fn port(answer: &[u8]) -> Option<Port> {
    Some(Port {
        supported: Modes(u32_at(answer, 4)?),
        advertised: Modes(u32_at(answer, 8)?),
        autonegotiates: *answer.get(18)?,
    })
}

/// A driver, and how many counters it has: `struct ethtool_drvinfo`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Driver<'a> {
    /// Its name.
    pub name: &'a [u8],
    /// Its version; that of the kernel for those without their own.
    pub version: &'a [u8],
    /// Version of the card's firmware.
    pub firmware: &'a [u8],
    /// Where the card is on its bus.
    pub bus: &'a [u8],
    /// Version of the card's expansion ROM.
    pub rom: &'a [u8],
    /// How many counters there are.
    pub counters: u32,
}

/// Asks for the driver.
pub fn get_driver() -> [u8; 196] {
    question(&[GDRVINFO])
}

/// Reads what [`get_driver`] is answered.
pub fn driver(answer: &[u8]) -> Option<Driver<'_>> {
    let (_, texts) = answer.split_at_checked(4)?;
    let mut texts = texts.chunks_exact(32);
    let mut text = || texts.next().map(until_nul);
    Some(Driver {
        name: text()?,
        version: text()?,
        firmware: text()?,
        bus: text()?,
        rom: text()?,
        counters: u32_at(answer, 180)?,
    })
}

/// Makes a message that asks for the names of `counters` counters.
pub fn get_names(counters: u32, message: &mut Vec<u8>) {
    /// Of what the driver counts.
    const ETH_SS_STATS: u32 = 1;
    fill(message, &[GSTRINGS, ETH_SS_STATS, counters], counters, 32);
}

/// Reads what [`get_names`] is answered, where it says as many names as were asked for at most.
pub fn names(answer: &[u8]) -> impl Iterator<Item = &[u8]> {
    let count = u32_at(answer, 8).unwrap_or_default();
    let names = answer.get(12..).unwrap_or_default().chunks_exact(32);
    names
        .take(usize::try_from(count).unwrap_or_default())
        .map(until_nul)
}

/// Makes a message that asks for the values of `counters` counters.
pub fn get_values(counters: u32, message: &mut Vec<u8>) {
    fill(message, &[GSTATS, counters], counters, 8);
}

/// Reads what [`get_values`] is answered, as [`names`] does.
pub fn values(answer: &[u8]) -> impl Iterator<Item = u64> {
    let count = u32_at(answer, 4).unwrap_or_default();
    let values = answer.get(8..).unwrap_or_default().chunks_exact(8);
    values
        .take(usize::try_from(count).unwrap_or_default())
        .filter_map(|bytes| bytes.first_chunk())
        .map(|bytes| u64::from_ne_bytes(*bytes))
}

/// A struct of `N` bytes that begins with these numbers.
fn question<const N: usize>(head: &[u32]) -> [u8; N] {
    let mut message = [0; N];
    let bytes = head.iter().flat_map(|n| n.to_ne_bytes());
    for (slot, byte) in message.iter_mut().zip(bytes) {
        *slot = byte;
    }
    message
}

/// Numbers, and then room for so many items of a size.
fn fill(message: &mut Vec<u8>, head: &[u32], items: u32, size: usize) {
    /// No driver counts nearly as much.
    const MOST: u32 = 65_536;
    message.clear();
    message.extend(head.iter().flat_map(|n| n.to_ne_bytes()));
    let room = usize::try_from(items.min(MOST)).unwrap_or_default() * size;
    message.resize(message.len() + room, 0);
}

fn until_nul(text: &[u8]) -> &[u8] {
    text.split(|&b| b == 0).next().unwrap_or_default()
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_ports() {
        let mut answer = get_port();
        answer[4..8].copy_from_slice(&(1u32 << 5 | 1 << 6 | 1 << 7 | 1 << 31).to_ne_bytes());
        answer[8..12].copy_from_slice(&(1u32 << 0 | 1 << 13).to_ne_bytes());
        answer[18] = 1;
        let port = port(&answer).unwrap();
        let modes = |modes: Modes| {
            modes
                .speeds()
                .map(|s| (s.mode, s.duplex))
                .collect::<Vec<_>>()
        };
        assert_eq!(modes(port.supported), [("1000baseT", "full"), ("25000baseCR", "full")]);
        assert_eq!(modes(port.advertised), [("10baseT", "half")]);
        assert_eq!(port.supported.ports().collect::<Vec<_>>(), ["TP"]);
        assert!(port.supported.autonegotiation() && !port.supported.pause());
        assert!(port.advertised.pause() && !port.advertised.asymmetric_pause());
        assert_eq!(port.autonegotiates, 1);
        assert_eq!(super::port(&answer[..18]), None);
    }

    #[test]
    fn reads_drivers() {
        let mut answer = get_driver();
        for (text, at) in [(&b"ena"[..], 4), (b"2.13.0g", 36), (b"0000:00:05.0", 100)] {
            answer[at..at + text.len()].copy_from_slice(text);
        }
        answer[180] = 7;
        let expected = Driver {
            name: b"ena",
            version: b"2.13.0g",
            firmware: b"",
            bus: b"0000:00:05.0",
            rom: b"",
            counters: 7,
        };
        assert_eq!(driver(&answer), Some(expected));
        assert_eq!(driver(&answer[..180]), None);
        assert_eq!(driver(&[]), None);
    }

    #[test]
    fn reads_counters_and_no_more_than_were_asked_for() {
        let mut message = Vec::new();
        get_names(2, &mut message);
        assert_eq!(message.len(), 12 + 64);
        message[12..14].copy_from_slice(b"rx");
        message[44..76].copy_from_slice(&[b'x'; 32]);
        // The driver has one more by now.
        message[8] = 3;
        assert_eq!(names(&message).collect::<Vec<_>>(), [&b"rx"[..], &[b'x'; 32]]);
        message[8] = 1;
        assert_eq!(names(&message).collect::<Vec<_>>(), [b"rx"]);

        get_values(2, &mut message);
        assert_eq!(message.len(), 8 + 16);
        message[16..24].copy_from_slice(&u64::MAX.to_ne_bytes());
        assert_eq!(values(&message).collect::<Vec<_>>(), [0, u64::MAX]);
        assert_eq!(values(&message[..3]).count(), 0);
        get_values(u32::MAX, &mut message);
        assert!(message.len() < 1_000_000);
    }
}
