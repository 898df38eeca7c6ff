//! Neighbours: addresses of the network, and those of the hardware that answers to them.

use super::{Message, request, u16_at, u32_at};

const RTM_NEWNEIGH: u16 = 28;
const RTM_GETNEIGH: u16 = 30;
const AF_INET: u8 = 2;

/// A neighbour.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Neighbour {
    /// The index of the interface it is behind.
    pub index: u32,
    /// Whether it needs no ARP, as broadcast addresses and all behind a loopback interface.
    pub noarp: bool,
}

impl Message<'_> {
    /// The neighbour it tells of: `struct ndmsg`.
    pub fn neighbour(&self) -> Option<Neighbour> {
        const NUD_NOARP: u16 = 0x40;
        if self.kind != RTM_NEWNEIGH {
            return None;
        }
        let state = u16_at(self.body, 8)?;
        Some(Neighbour { index: u32_at(self.body, 4)?, noarp: state & NUD_NOARP != 0 })
    }
}

/// Asks for all neighbours of IPv4.
pub fn get_neighbours(sequence: u32) -> [u8; 28] {
    request(RTM_GETNEIGH, sequence, &[&[AF_INET, 0, 0, 0], &[0; 8]])
}

#[cfg(test)]
mod tests {
    use super::super::tests::message;
    use super::*;
    use crate::kernel::netlink::messages;

    #[test]
    fn reads_neighbours() {
        let neighbour = |index: u32, state: u16| {
            let rest = [&state.to_ne_bytes()[..], &[0; 2]].concat();
            message(RTM_NEWNEIGH, 1, &[&[2, 0, 0, 0], &index.to_ne_bytes(), &rest])
        };
        let datagram = [neighbour(3, 2), neighbour(4, 0x40), message(2, 1, &[&[0; 4]])].concat();
        let seen: Vec<_> = messages(&datagram).map(|m| m.neighbour()).collect();
        let (a, b) = (Neighbour { index: 3, noarp: false }, Neighbour { index: 4, noarp: true });
        assert_eq!(seen, [Some(a), Some(b), None]);
        let cut = message(RTM_NEWNEIGH, 1, &[&[0; 9]]);
        assert_eq!(messages(&cut).next().unwrap().neighbour(), None);
    }

    #[test]
    fn asks_as_the_kernel_reads() {
        let asked = get_neighbours(5);
        assert_eq!((u32_at(&asked, 0), u16_at(&asked, 4)), (Some(28), Some(RTM_GETNEIGH)));
        assert_eq!(asked.get(16), Some(&AF_INET));
    }
}
