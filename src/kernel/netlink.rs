//! rtnetlink: network interfaces and their counters, as the kernel answers over a socket.
//!
//! A datagram is a row of messages, a message a header and a body, the body a fixed part and a row of
//! attributes. All numbers are in the order of the host's bytes, and everything is aligned to four.
//! See [the kernel's documentation](https://docs.kernel.org/userspace-api/netlink/intro.html).

mod generic;
mod inet_diag;
mod neighbour;
pub mod nl80211;
mod nsid;
mod qdisc;
mod route;

pub use generic::{CgroupStats, GenericFamily, get_cgroup_stats, get_taskstats_family};
pub use inet_diag::{Connection, Family, get_connections};
pub use neighbour::{Neighbour, get_neighbours};
pub use nsid::get_namespace;
pub use qdisc::{Qdisc, get_qdiscs};
pub use route::{Hop, Route, get_routes};

/// Length of a message's header.
const HEADER: usize = 16;

/// The end of a dump.
const NLMSG_DONE: u16 = 3;
/// A refusal, or with the number 0 a confirmation.
const NLMSG_ERROR: u16 = 2;
const RTM_NEWLINK: u16 = 16;
const RTM_DELLINK: u16 = 17;
const RTM_GETLINK: u16 = 18;
const RTM_NEWSTATS: u16 = 92;
const RTM_GETSTATS: u16 = 94;

const NLM_F_REQUEST: u16 = 1;
/// A confirmation, so that the answer has an end.
const NLM_F_ACK: u16 = 4;
/// `NLM_F_ROOT | NLM_F_MATCH`: everything there is.
const NLM_F_DUMP: u16 = 0x300;

const IFLA_IFNAME: u16 = 3;
const IFLA_STATS64: u16 = 23;
const IFLA_EXT_MASK: u16 = 29;
const IFLA_LINK_NETNSID: u16 = 37;
/// Of counters, which `RTM_GETSTATS` gives alone.
const RTEXT_FILTER_SKIP_STATS: u32 = 8;
const IFLA_STATS_LINK_64: u16 = 1;

/// The group of events of interfaces: made, renamed, changed, gone.
pub const GROUP_LINK: u32 = 1;

/// One message of a datagram.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Message<'a> {
    kind: u16,
    /// The number of the request it answers.
    pub sequence: u32,
    body: &'a [u8],
}

/// What a message says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Said<'a> {
    /// The answer is complete.
    Done,
    /// The kernel refuses, with this errno.
    Refused(i32),
    /// An interface that exists.
    Link(Link<'a>),
    /// The index of an interface that is gone.
    Gone(u32),
    /// The index of an interface, and its counters.
    Stats(u32, Stats),
    /// Something else, or something broken.
    Other,
}

/// An interface.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Link<'a> {
    /// Its number, its own as long as it lives.
    pub index: u32,
    /// Its name, which may change.
    pub name: &'a [u8],
    /// The number of the network namespace in which its other end is, if in another.
    pub peer: Option<u32>,
    /// Its counters, unless the request said that it can do without.
    pub stats: Option<Stats>,
}

/// What an interface did: `struct rtnl_link_stats64`, by the names there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[expect(missing_docs, reason = "the kernel's documentation of the struct says it")]
pub struct Stats {
    pub rx_packets: u64,
    pub tx_packets: u64,
    pub rx_bytes: u64,
    pub tx_bytes: u64,
    pub rx_errors: u64,
    pub tx_errors: u64,
    pub rx_dropped: u64,
    pub tx_dropped: u64,
    pub multicast: u64,
    pub collisions: u64,
    pub rx_length_errors: u64,
    pub rx_over_errors: u64,
    pub rx_crc_errors: u64,
    pub rx_frame_errors: u64,
    pub rx_fifo_errors: u64,
    pub rx_missed_errors: u64,
    pub tx_aborted_errors: u64,
    pub tx_carrier_errors: u64,
    pub tx_fifo_errors: u64,
    pub tx_heartbeat_errors: u64,
    pub tx_window_errors: u64,
    pub rx_compressed: u64,
    pub tx_compressed: u64,
    /// Since Linux 4.6.
    pub rx_nohandler: Option<u64>,
}

/// The messages of a datagram, up to the first that is broken.
pub fn messages(datagram: &[u8]) -> impl Iterator<Item = Message<'_>> {
    let mut rest = datagram;
    std::iter::from_fn(move || {
        let length = usize::try_from(u32_at(rest, 0)?).ok()?;
        let message = rest.get(..length)?;
        let message = Message {
            kind: u16_at(message, 4)?,
            sequence: u32_at(message, 8)?,
            body: message.get(HEADER..)?,
        };
        rest = rest.get(aligned(length)..).unwrap_or_default();
        Some(message)
    })
}

impl<'a> Message<'a> {
    /// What it says.
    pub fn said(&self) -> Said<'a> {
        let said = match self.kind {
            NLMSG_DONE | NLMSG_ERROR => Some(self.done()),
            RTM_NEWLINK => self.link().map(Said::Link),
            RTM_DELLINK => self.interface().map(|(index, _)| Said::Gone(index)),
            RTM_NEWSTATS => self.stats(),
            _ => None,
        };
        said.unwrap_or(Said::Other)
    }

    /// A dump that failed half-way says so where it ends, and an error of 0 is a confirmation.
    fn done(&self) -> Said<'a> {
        match self.errno() {
            None | Some(0) => Said::Done,
            Some(errno) => Said::Refused(errno),
        }
    }

    fn errno(&self) -> Option<i32> {
        Some(i32_at(self.body, 0)?.saturating_neg())
    }

    /// The index and the attributes, after `struct ifinfomsg`. A bridge tells of its members in the
    /// same messages, with its own address family: a member that leaves it is not gone.
    fn interface(&self) -> Option<(u32, &'a [u8])> {
        const IFINFOMSG: usize = 16;
        const AF_UNSPEC: u8 = 0;
        let family = *self.body.first()?;
        let attributes = self.body.get(IFINFOMSG..)?;
        (family == AF_UNSPEC).then_some((u32_at(self.body, 4)?, attributes))
    }

    fn link(&self) -> Option<Link<'a>> {
        let (index, rest) = self.interface()?;
        let mut name = None;
        let mut peer = None;
        let mut stats = None;
        for (kind, value) in attributes(rest) {
            match kind {
                IFLA_IFNAME => name = value.split(|&b| b == 0).next(),
                IFLA_STATS64 => stats = Stats::parse(value),
                IFLA_LINK_NETNSID => peer = i32_at(value, 0).and_then(|n| n.try_into().ok()),
                _ => {}
            }
        }
        Some(Link { index, name: name?, peer, stats })
    }

    /// The counters, after `struct if_stats_msg`.
    fn stats(&self) -> Option<Said<'a>> {
        const IF_STATS_MSG: usize = 12;
        let index = u32_at(self.body, 4)?;
        let (_, value) = attributes(self.body.get(IF_STATS_MSG..)?)
            .find(|(kind, _)| *kind == IFLA_STATS_LINK_64)?;
        Some(Said::Stats(index, Stats::parse(value)?))
    }
}

impl Stats {
    fn parse(value: &[u8]) -> Option<Self> {
        let mut numbers = value.chunks_exact(8).map(|chunk| {
            chunk
                .first_chunk()
                .map_or(0, |bytes| u64::from_ne_bytes(*bytes))
        });
        let mut next = || numbers.next();
        Some(Self {
            rx_packets: next()?,
            tx_packets: next()?,
            rx_bytes: next()?,
            tx_bytes: next()?,
            rx_errors: next()?,
            tx_errors: next()?,
            rx_dropped: next()?,
            tx_dropped: next()?,
            multicast: next()?,
            collisions: next()?,
            rx_length_errors: next()?,
            rx_over_errors: next()?,
            rx_crc_errors: next()?,
            rx_frame_errors: next()?,
            rx_fifo_errors: next()?,
            rx_missed_errors: next()?,
            tx_aborted_errors: next()?,
            tx_carrier_errors: next()?,
            tx_fifo_errors: next()?,
            tx_heartbeat_errors: next()?,
            tx_window_errors: next()?,
            rx_compressed: next()?,
            tx_compressed: next()?,
            rx_nohandler: next(),
        })
    }
}

/// Kinds and values of attributes, up to the first that is broken.
fn attributes(body: &[u8]) -> impl Iterator<Item = (u16, &[u8])> {
    /// Two flags stand in the kind's highest bits.
    const KIND: u16 = 0x3fff;
    let mut rest = body;
    std::iter::from_fn(move || {
        let length = usize::from(u16_at(rest, 0)?);
        let value = rest.get(4..length)?;
        let kind = u16_at(rest, 2)? & KIND;
        rest = rest.get(aligned(length)..).unwrap_or_default();
        Some((kind, value))
    })
}

/// Asks for the 64-bit counters of all interfaces, and nothing else of them. Since Linux 4.7.
pub fn get_stats(sequence: u32) -> [u8; 28] {
    let mask = 1u32 << (IFLA_STATS_LINK_64 - 1);
    request(RTM_GETSTATS, sequence, &[&[0; 8], &mask.to_ne_bytes()])
}

/// Asks for all interfaces, with their counters or without.
pub fn get_links(sequence: u32, counters: bool) -> [u8; 40] {
    let mask = if counters { 0 } else { RTEXT_FILTER_SKIP_STATS };
    let [a, b] = 8u16.to_ne_bytes();
    let [c, d] = IFLA_EXT_MASK.to_ne_bytes();
    request(RTM_GETLINK, sequence, &[&[0; 16], &[a, b, c, d], &mask.to_ne_bytes()])
}

/// Asks for one interface, without its counters.
pub fn get_link(sequence: u32, index: u32) -> [u8; 40] {
    let [a, b] = 8u16.to_ne_bytes();
    let [c, d] = IFLA_EXT_MASK.to_ne_bytes();
    let mask = RTEXT_FILTER_SKIP_STATS.to_ne_bytes();
    let parts: [&[u8]; 5] = [&[0; 4], &index.to_ne_bytes(), &[0; 8], &[a, b, c, d], &mask];
    message(RTM_GETLINK, NLM_F_REQUEST | NLM_F_ACK, sequence, &parts)
}

fn request<const N: usize>(kind: u16, sequence: u32, parts: &[&[u8]]) -> [u8; N] {
    message(kind, NLM_F_REQUEST | NLM_F_DUMP, sequence, parts)
}

fn message<const N: usize>(kind: u16, flags: u16, sequence: u32, parts: &[&[u8]]) -> [u8; N] {
    let mut message = [0; N];
    let length = u32::try_from(N).unwrap_or_default().to_ne_bytes();
    let kind = kind.to_ne_bytes();
    let flags = flags.to_ne_bytes();
    let sequence = sequence.to_ne_bytes();
    let head: [&[u8]; 5] = [&length, &kind, &flags, &sequence, &[0; 4]];
    let bytes = head.iter().chain(parts).flat_map(|part| *part);
    for (slot, byte) in message.iter_mut().zip(bytes) {
        *slot = *byte;
    }
    message
}

fn aligned(length: usize) -> usize {
    length.next_multiple_of(4)
}

fn u16_at(bytes: &[u8], at: usize) -> Option<u16> {
    Some(u16::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u32_at(bytes: &[u8], at: usize) -> Option<u32> {
    Some(u32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn u64_at(bytes: &[u8], at: usize) -> Option<u64> {
    Some(u64::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

fn i32_at(bytes: &[u8], at: usize) -> Option<i32> {
    Some(i32::from_ne_bytes(*bytes.get(at..)?.first_chunk()?))
}

#[cfg(test)]
mod tests {
    use super::*;

    pub(super) fn attribute(kind: u16, value: &[u8]) -> Vec<u8> {
        let length = u16::try_from(4 + value.len()).unwrap();
        let mut bytes = [length.to_ne_bytes(), kind.to_ne_bytes()].concat();
        bytes.extend_from_slice(value);
        bytes.resize(aligned(bytes.len()), 0);
        bytes
    }

    pub(super) fn message(kind: u16, sequence: u32, body: &[&[u8]]) -> Vec<u8> {
        let body = body.concat();
        let length = u32::try_from(HEADER + body.len()).unwrap();
        let mut bytes = length.to_ne_bytes().to_vec();
        bytes.extend_from_slice(&kind.to_ne_bytes());
        bytes.extend_from_slice(&[0; 2]);
        bytes.extend_from_slice(&sequence.to_ne_bytes());
        bytes.extend_from_slice(&[0; 4]);
        bytes.extend_from_slice(&body);
        bytes
    }

    fn ifinfomsg(family: u8, index: u32) -> Vec<u8> {
        [&[family, 0, 0, 0][..], &index.to_ne_bytes(), &[0; 8]].concat()
    }

    /// Counters 1, 2, 3 and so on.
    fn counters(n: u64) -> Vec<u8> {
        (1..=n).flat_map(u64::to_ne_bytes).collect()
    }

    const COUNTED: Stats = Stats {
        rx_packets: 1,
        tx_packets: 2,
        rx_bytes: 3,
        tx_bytes: 4,
        rx_errors: 5,
        tx_errors: 6,
        rx_dropped: 7,
        tx_dropped: 8,
        multicast: 9,
        collisions: 10,
        rx_length_errors: 11,
        rx_over_errors: 12,
        rx_crc_errors: 13,
        rx_frame_errors: 14,
        rx_fifo_errors: 15,
        rx_missed_errors: 16,
        tx_aborted_errors: 17,
        tx_carrier_errors: 18,
        tx_fifo_errors: 19,
        tx_heartbeat_errors: 20,
        tx_window_errors: 21,
        rx_compressed: 22,
        tx_compressed: 23,
        rx_nohandler: Some(24),
    };

    fn said(datagram: &[u8]) -> Vec<(u32, Said<'_>)> {
        messages(datagram).map(|m| (m.sequence, m.said())).collect()
    }

    fn datagram() -> Vec<u8> {
        let index = 7u32.to_ne_bytes();
        [
            message(RTM_NEWSTATS, 1, &[&[0; 4], &index, &[0; 4], &attribute(1, &counters(25))]),
            message(RTM_NEWSTATS, 1, &[&[0; 4], &index, &[0; 4], &attribute(1, &counters(23))]),
            message(
                RTM_NEWLINK,
                2,
                &[
                    &ifinfomsg(0, 3),
                    &attribute(99, b"x"),
                    &attribute(IFLA_IFNAME, b"eth0\0"),
                    &attribute(IFLA_STATS64, &counters(24)),
                    &attribute(IFLA_LINK_NETNSID, &4i32.to_ne_bytes()),
                ],
            ),
            message(RTM_DELLINK, 0, &[&ifinfomsg(0, 3), &attribute(IFLA_IFNAME, b"eth0\0")]),
            message(RTM_DELLINK, 0, &[&ifinfomsg(7, 3), &attribute(IFLA_IFNAME, b"eth0\0")]),
            message(NLMSG_DONE, 2, &[&0i32.to_ne_bytes()]),
            message(NLMSG_ERROR, 3, &[&(-95i32).to_ne_bytes(), &[0; 16]]),
        ]
        .concat()
    }

    #[test]
    fn reads_counters_links_and_ends() {
        let link = Link { index: 3, name: b"eth0", peer: Some(4), stats: Some(COUNTED) };
        let old = Stats { rx_nohandler: None, ..COUNTED };
        let expected = [
            (1, Said::Stats(7, COUNTED)),
            (1, Said::Stats(7, old)),
            (2, Said::Link(link)),
            (0, Said::Gone(3)),
            (0, Said::Other),
            (2, Said::Done),
            (3, Said::Refused(95)),
        ];
        assert_eq!(said(&datagram()), expected);
    }

    #[test]
    fn stops_where_it_is_cut_and_reads_no_further_than_it_may() {
        let whole = datagram();
        for length in 0..whole.len() {
            let cut: Vec<_> = said(&whole[..length]);
            assert!(cut.iter().zip(said(&whole)).all(|(a, b)| *a == b));
        }
        let mut endless = message(NLMSG_DONE, 1, &[]);
        endless[..4].copy_from_slice(&0u32.to_ne_bytes());
        assert_eq!(said(&endless), []);
        endless[..4].copy_from_slice(&u32::MAX.to_ne_bytes());
        assert_eq!(said(&endless), []);
    }

    #[test]
    fn survives_every_changed_byte() {
        let whole = datagram();
        for at in 0..whole.len() {
            for byte in [0, 1, 0x7f, 0xff] {
                let mut changed = whole.clone();
                changed[at] = byte;
                assert!(said(&changed).len() <= whole.len() / HEADER);
            }
        }
    }

    #[test]
    fn asks_as_the_kernel_reads() {
        let stats = get_stats(5);
        assert_eq!(u32_at(&stats, 0), Some(28));
        assert_eq!(u16_at(&stats, 4), Some(RTM_GETSTATS));
        assert_eq!(u16_at(&stats, 6), Some(0x301));
        assert_eq!(u32_at(&stats, 8), Some(5));
        assert_eq!(u32_at(&stats, 24), Some(1));
        let links = get_links(6, false);
        assert_eq!(u32_at(&links, 0), Some(40));
        assert_eq!(attributes(&links[32..]).next(), Some((IFLA_EXT_MASK, &8u32.to_ne_bytes()[..])));
    }
}
