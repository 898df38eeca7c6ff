//! Queueing disciplines: what decides which packet an interface sends next.

use super::{Message, attributes, request, u32_at, u64_at};

const RTM_NEWQDISC: u16 = 36;
const RTM_GETQDISC: u16 = 38;
const TCA_KIND: u16 = 1;
const TCA_STATS: u16 = 3;
const TCA_STATS2: u16 = 7;
const TCA_STATS_BASIC: u16 = 1;
const TCA_STATS_QUEUE: u16 = 3;
const TCA_STATS_PKT64: u16 = 8;

/// A queueing discipline, and what it did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Qdisc<'a> {
    /// The index of its interface.
    pub index: u32,
    /// Whether it is that of the interface itself, and not below another one.
    pub root: bool,
    /// What it is: `fq_codel`, `mq`, …
    pub kind: &'a [u8],
    /// Bytes sent.
    pub bytes: u64,
    /// Packets sent, a count.
    pub packets: u64,
    /// Packets dropped, a count.
    pub drops: u64,
    /// Packets taken out and put back, a count.
    pub requeues: u64,
    /// Packets over a limit, a count.
    pub overlimits: u64,
    /// Packets in the queue.
    pub queued: u64,
    /// Bytes in the queue.
    pub backlog_bytes: u64,
}

impl<'a> Message<'a> {
    /// The queueing discipline it tells of: `struct tcmsg` and attributes.
    pub fn qdisc(&self) -> Option<Qdisc<'a>> {
        const TCMSG: usize = 20;
        const TC_H_ROOT: u32 = 0xffff_ffff;
        if self.kind != RTM_NEWQDISC {
            return None;
        }
        let parent = u32_at(self.body, 12)?;
        let mut qdisc = Qdisc {
            index: u32_at(self.body, 4)?,
            root: parent == TC_H_ROOT || parent == 0,
            ..Qdisc::default()
        };
        let mut known = false;
        for (kind, value) in attributes(self.body.get(TCMSG..)?) {
            match kind {
                TCA_KIND => qdisc.kind = value.split(|&b| b == 0).next().unwrap_or_default(),
                TCA_STATS if !known => qdisc.old(value),
                TCA_STATS2 => {
                    known = true;
                    attributes(value).for_each(|(kind, value)| qdisc.count(kind, value));
                }
                _ => {}
            }
        }
        Some(qdisc)
    }
}

impl Qdisc<'_> {
    /// Reads `struct tc_stats`, all there is of some disciplines.
    fn old(&mut self, value: &[u8]) {
        let n = |at| u32_at(value, at).map_or(0, u64::from);
        self.bytes = u64_at(value, 0).unwrap_or_default();
        self.packets = n(8);
        self.drops = n(12);
        self.overlimits = n(16);
        self.queued = n(28);
        self.backlog_bytes = n(32);
    }

    fn count(&mut self, kind: u16, value: &[u8]) {
        let n = |at| u32_at(value, at).map_or(0, u64::from);
        match kind {
            TCA_STATS_BASIC => {
                self.bytes = u64_at(value, 0).unwrap_or_default();
                self.packets = n(8);
            }
            TCA_STATS_QUEUE => {
                self.queued = n(0);
                self.backlog_bytes = n(4);
                self.drops = n(8);
                self.requeues = n(12);
                self.overlimits = n(16);
            }
            // There since Linux 5.5, and only if the packets are more than 32 bits can count.
            TCA_STATS_PKT64 => self.packets = u64_at(value, 0).unwrap_or_default(),
            _ => {}
        }
    }
}

/// Asks for all queueing disciplines.
pub fn get_qdiscs(sequence: u32) -> [u8; 36] {
    request(RTM_GETQDISC, sequence, &[&[0; 20]])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{attribute, message};
    use super::*;
    use crate::kernel::netlink::messages;

    fn numbers(numbers: &[u32]) -> Vec<u8> {
        numbers.iter().flat_map(|n| n.to_ne_bytes()).collect()
    }

    fn tcmsg(index: u32, parent: u32) -> Vec<u8> {
        numbers(&[0, index, 0x8001, parent, 2])
    }

    #[test]
    fn reads_what_it_did() {
        let bytes = 5_000_000_000u64.to_ne_bytes();
        let basic = attribute(TCA_STATS_BASIC, &[&bytes[..], &numbers(&[7, 0])].concat());
        let queue = attribute(TCA_STATS_QUEUE, &numbers(&[1, 2, 3, 4, 5]));
        let wide = attribute(TCA_STATS_PKT64, &6_000_000_000u64.to_ne_bytes());
        let old = [&bytes[..], &numbers(&[7, 3, 5, 0, 0, 1, 2])].concat();
        let kind = attribute(TCA_KIND, b"fq_codel\0");
        let datagram = [
            message(
                RTM_NEWQDISC,
                1,
                &[
                    &tcmsg(2, u32::MAX),
                    &kind,
                    &attribute(TCA_STATS2, &[&basic[..], &queue].concat()),
                ],
            ),
            message(
                RTM_NEWQDISC,
                1,
                &[
                    &tcmsg(2, 0x10000),
                    &attribute(TCA_STATS, &old),
                    &attribute(TCA_STATS2, &[&basic[..], &queue, &wide].concat()),
                ],
            ),
            message(RTM_NEWQDISC, 1, &[&tcmsg(3, 0), &kind, &attribute(TCA_STATS, &old)]),
            message(RTM_NEWQDISC, 1, &[&[0; 19]]),
        ]
        .concat();
        let seen: Vec<_> = messages(&datagram).map(|m| m.qdisc()).collect();
        let all = Qdisc {
            index: 2,
            root: true,
            kind: b"fq_codel",
            bytes: 5_000_000_000,
            packets: 7,
            drops: 3,
            requeues: 4,
            overlimits: 5,
            queued: 1,
            backlog_bytes: 2,
        };
        let below = Qdisc { root: false, kind: b"", packets: 6_000_000_000, ..all };
        let old = Qdisc { index: 3, requeues: 0, ..all };
        assert_eq!(seen, [Some(all), Some(below), Some(old), None]);
    }
}
