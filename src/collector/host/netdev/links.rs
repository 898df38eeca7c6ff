//! The interfaces and their counters, by netlink: two questions at the start, then one a scrape.

use std::io;
use std::sync::Arc;

use crate::collector::Shared;
use crate::collector::changes::{Changes, Seen};
use crate::collector::filter::Filter;

use crate::kernel::netlink::{self, GROUP_LINK, Said, Stats, get_links, get_stats};
use crate::system::netlink::Socket;

/// The interfaces of the exporter's own network namespace.
pub(super) struct Links {
    ask: Socket,
    /// Tells when interfaces are made, renamed, or gone. `None` where their names come with the
    /// counters.
    events: Option<Socket>,
    seen: Seen,
    known: Known,
}

/// The interfaces, in the order of their indices.
#[derive(Default)]
struct Known {
    links: Vec<Link>,
    /// Whether all of them are in the list.
    complete: bool,
}

struct Link {
    index: u32,
    name: Arc<str>,
    shown: bool,
    /// The namespace in which its other end is, if in another.
    peer: Option<u32>,
    /// `None` until it is counted in this scrape.
    stats: Option<Stats>,
}

impl Links {
    /// Opens the sockets. An error where netlink may not be used.
    pub(super) fn open() -> io::Result<Self> {
        let ask = Socket::open()?;
        let events = Some(Socket::listen(GROUP_LINK)?);
        Ok(Self { ask, events, seen: Seen::default(), known: Known::default() })
    }

    /// Counts. After an error, open anew.
    pub(super) fn refresh(&mut self, filter: &mut Filter, changes: &mut Changes) -> io::Result<()> {
        const EOPNOTSUPP: i32 = 95;
        let Self { ask, events, seen, known } = self;
        if let Some(socket) = events {
            if changes.links(seen) && socket.events(|said| known.hear(&said, filter)).is_err() {
                // More happened than the socket holds. A new one is empty.
                *socket = Socket::listen(GROUP_LINK)?;
                known.complete = false;
            }
            if !known.complete {
                known.links.clear();
                ask.ask(|n| get_links(n, false), |said| known.hear(&said, filter))?;
                known.complete = true;
            }
            known.links.iter_mut().for_each(|link| link.stats = None);
            match ask.ask(get_stats, |said| known.hear(&said, filter)) {
                Err(error) if error.raw_os_error() == Some(EOPNOTSUPP) => *events = None,
                outcome => return outcome,
            }
        }
        // Before Linux 4.7.
        known.links.clear();
        ask.ask(|n| get_links(n, true), |said| known.hear(&said, filter))
    }

    /// Those that are not left out.
    pub(super) fn rows(&self) -> impl Iterator<Item = (&str, &Stats)> + Clone {
        self.known.rows()
    }

    /// Tells the collectors of containers what all counted, those that are left out too.
    pub(super) fn tell(&self, shared: &mut Shared) {
        for link in &self.known.links {
            let Some(stats) = &link.stats else { continue };
            if let Some(namespace) = link.peer {
                shared.ends.add(namespace, stats);
            }
            if !link.name.starts_with("veth") {
                shared
                    .interfaces
                    .push((Arc::clone(&link.name), stats.into()));
            }
        }
    }
}

impl Known {
    fn rows(&self) -> impl Iterator<Item = (&str, &Stats)> + Clone {
        self.links
            .iter()
            .filter(|link| link.shown)
            .filter_map(|link| Some((&*link.name, link.stats.as_ref()?)))
    }

    fn hear(&mut self, said: &Said<'_>, filter: &mut Filter) {
        match said {
            Said::Link(link) => {
                let name: Arc<str> = String::from_utf8_lossy(link.name).into();
                // Renamed meanwhile, or no text: a name is there but once.
                self.links
                    .retain(|other| other.index == link.index || other.name != name);
                let shown = !filter.ignores(link.name);
                let netlink::Link { index, peer, stats, .. } = *link;
                let link = Link { index, name, shown, peer, stats };
                match self.place(link.index) {
                    Ok(place) => {
                        if let Some(old) = self.links.get_mut(place) {
                            *old = link;
                        }
                    }
                    Err(place) => self.links.insert(place, link),
                }
            }
            Said::Gone(index) => {
                if let Ok(place) = self.place(*index) {
                    self.links.remove(place);
                }
            }
            // One that is not known was made this instant: its event comes before the next scrape.
            Said::Stats(index, stats) => {
                if let Ok(place) = self.place(*index)
                    && let Some(link) = self.links.get_mut(place)
                {
                    link.stats = Some(*stats);
                }
            }
            Said::Done | Said::Refused(_) | Said::Other => {}
        }
    }

    fn place(&self, index: u32) -> Result<usize, usize> {
        self.links.binary_search_by_key(&index, |link| link.index)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::filter::Flag;

    fn link(index: u32, name: &str) -> Said<'_> {
        Said::Link(netlink::Link { index, name: name.as_bytes(), peer: None, stats: None })
    }

    fn stats(index: u32, rx_bytes: u64) -> Said<'static> {
        Said::Stats(index, Stats { rx_bytes, ..Stats::default() })
    }

    /// What is known after all that was said.
    fn heard(all: &[Said<'_>]) -> Vec<(String, u64)> {
        let flag = |name| Flag { name, value: None };
        let mut filter = Filter::either(flag("include"), flag("exclude"), "^veth").unwrap();
        let mut known = Known::default();
        all.iter().for_each(|said| known.hear(said, &mut filter));
        let rows = known.rows();
        rows.map(|(name, stats)| (name.to_owned(), stats.rx_bytes))
            .collect()
    }

    #[test]
    fn joins_names_and_counters() {
        let heard = heard(&[
            link(2, "eth0"),
            link(1, "lo"),
            link(7, "veth1"),
            stats(1, 10),
            stats(2, 20),
            stats(7, 70),
            stats(8, 80),
            Said::Other,
        ]);
        assert_eq!(heard, [("lo".into(), 10), ("eth0".into(), 20)]);
    }

    #[test]
    fn follows_events() {
        let renamed = [link(1, "a"), link(2, "b"), link(1, "c"), stats(1, 1), stats(2, 2)];
        assert_eq!(heard(&renamed), [("c".into(), 1), ("b".into(), 2)]);
        let gone =
            [link(1, "a"), link(2, "b"), Said::Gone(1), Said::Gone(9), stats(1, 1), stats(2, 2)];
        assert_eq!(heard(&gone), [("b".into(), 2)]);
        let hidden = [link(1, "a"), link(1, "veth"), stats(1, 1)];
        assert_eq!(heard(&hidden), []);
        let taken_over = [link(1, "a"), link(2, "a"), stats(1, 1), stats(2, 2)];
        assert_eq!(heard(&taken_over), [("a".into(), 2)], "a name is there but once");
    }
}
