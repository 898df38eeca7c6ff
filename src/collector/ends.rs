//! The host's ends of containers' interfaces, as with Docker's bridge: each packet goes through both.

use crate::kernel::netlink::Stats;

/// What the host's ends counted in this scrape, by the network namespace they lead to.
#[derive(Debug, Default)]
pub(super) struct Ends(Vec<End>);

/// The host's ends of all interfaces of one network namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct End {
    /// What the kernel numbers the namespace with, as seen from the host's.
    namespace: u32,
    /// How many there are.
    pub(super) links: usize,
    /// Packets that passed or did not, in both directions: it never falls.
    moved: u64,
}

impl Ends {
    /// Begins another scrape.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }

    /// Counts an interface of the host whose other end is in a namespace.
    pub(super) fn add(&mut self, namespace: u32, stats: &Stats) {
        let place = self.place(namespace).unwrap_or_else(|place| {
            self.0.insert(place, End { namespace, links: 0, moved: 0 });
            place
        });
        let Some(end) = self.0.get_mut(place) else { return };
        end.links += 1;
        for n in [
            stats.rx_packets,
            stats.tx_packets,
            stats.rx_dropped,
            stats.tx_dropped,
            stats.rx_errors,
            stats.tx_errors,
        ] {
            end.moved = end.moved.wrapping_add(n);
        }
    }

    /// Those that lead to a namespace. `None` if none does, or nobody counted.
    pub(super) fn of(&self, namespace: u32) -> Option<End> {
        self.0.get(self.place(namespace).ok()?).copied()
    }

    fn place(&self, namespace: u32) -> Result<usize, usize> {
        self.0.binary_search_by_key(&namespace, |end| end.namespace)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn adds_up_those_of_a_namespace() {
        let mut ends = Ends::default();
        let stats = Stats { rx_packets: 1, tx_dropped: 2, ..Stats::default() };
        for namespace in [7, 3, 7] {
            ends.add(namespace, &stats);
        }
        assert_eq!(ends.of(7), Some(End { namespace: 7, links: 2, moved: 6 }));
        assert_eq!(ends.of(3), Some(End { namespace: 3, links: 1, moved: 3 }));
        assert_eq!(ends.of(5), None);
        ends.clear();
        assert_eq!(ends.of(7), None);
    }
}
