//! Network namespaces in which nothing moved, which the host's ends of their interfaces tell.
//!
//! Where all interfaces of a namespace lead to the host, as with Docker's bridge, each packet passes
//! the host's ends too, and the kernel counts all of those in one answer. While they count nothing,
//! `net/dev` of the namespace, the dearest file of a container, is not read again.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use crate::collector::ends::{End, Ends};
use crate::container::Process;
use crate::files::{Files, Roots, is_procfs};
use crate::kernel::lines;
use crate::kernel::netdev::Interface;
use crate::kernel::netlink::get_namespace;
use crate::system::netlink::Socket;

/// It is read this often in any case: what is dropped before it gets to the host's end is not
/// counted there.
const AGE: Duration = Duration::from_secs(300);

/// What is held of the network namespaces.
pub(super) struct Still {
    proc: PathBuf,
    /// Whether the kernel knows processes by the ids that `/proc` says. `None` until looked at.
    own_pids: Option<bool>,
    ask: Option<Socket>,
    /// By what tells namespaces apart.
    known: HashMap<u64, Known>,
    scrape: u64,
}

/// What was read of a namespace.
struct Known {
    pid: u32,
    /// Its interfaces besides loopback.
    links: usize,
    /// The number by which the host's ends name it. `None` if it had none when asked.
    number: Option<u32>,
    asked: SystemTime,
    /// What these had counted before it was read. `None` where they do not tell everything.
    at: Option<End>,
    read: SystemTime,
    /// The place of a name in the list of names, and what the interface did.
    interfaces: Vec<(usize, Interface)>,
    /// The last scrape in which it was there.
    scrape: u64,
}

impl Still {
    pub(super) fn new(roots: &Roots) -> Self {
        let proc = roots.proc.clone();
        Self { proc, own_pids: None, ask: None, known: HashMap::new(), scrape: 0 }
    }

    /// What was read last, if nothing moved since.
    pub(super) fn held(
        &mut self,
        Process { pid, network }: Process,
        ends: &Ends,
        now: SystemTime,
    ) -> Option<impl Iterator<Item = (usize, Interface)>> {
        let known = self.known.get_mut(&network)?;
        known.scrape = self.scrape;
        let holds = known.at.is_some()
            && known.pid == pid
            && !is_old(known.read, now)
            && known.number.and_then(|number| ends.of(number)) == known.at;
        holds.then(|| known.interfaces.iter().copied())
    }

    /// Notes what was read, of how many interfaces besides loopback.
    pub(super) fn note(
        &mut self,
        Process { pid, network }: Process,
        links: usize,
        interfaces: impl Iterator<Item = (usize, Interface)>,
        ends: &Ends,
        now: SystemTime,
    ) {
        let old = self.known.remove(&network);
        let old = old.filter(|old| old.pid == pid);
        let same = |old: &&Known| old.links == links && !is_old(old.asked, now);
        let (number, asked) = match old.as_ref().filter(same) {
            Some(old) => (old.number, old.asked),
            None => (self.number(pid), now),
        };
        let mut kept = old.map_or_else(Vec::new, |old| old.interfaces);
        kept.clear();
        kept.extend(interfaces);
        let at = number
            .and_then(|number| ends.of(number))
            .filter(|end| end.links == links);
        let known = Known {
            pid,
            links,
            number,
            asked,
            at,
            read: now,
            interfaces: kept,
            scrape: self.scrape,
        };
        self.known.insert(network, known);
    }

    /// Forgets all.
    pub(super) fn forget(&mut self) {
        self.known.clear();
    }

    /// Ends a scrape: forgets namespaces that are gone.
    pub(super) fn forget_gone(&mut self) {
        let Self { known, scrape, .. } = self;
        known.retain(|_, known| known.scrape == *scrape);
        *scrape += 1;
    }

    /// The number of the namespace that a process is in.
    fn number(&mut self, pid: u32) -> Option<u32> {
        let Self { proc, own_pids, ask, .. } = self;
        if !*own_pids.get_or_insert_with(|| is_procfs(proc) && has_own_pids(proc)) {
            return None;
        }
        let socket = match ask {
            Some(socket) => socket,
            None => ask.insert(Socket::open().ok()?),
        };
        let mut number = None;
        let asked =
            socket.ask_messages(|n| get_namespace(n, pid), |said| number = said.namespace());
        // Whatever is wrong, the number is not to be had.
        asked.ok()?;
        number
    }
}

/// Whether something of then is no longer believed.
fn is_old(then: SystemTime, now: SystemTime) -> bool {
    now.duration_since(then).map_or(true, |age| age >= AGE)
}

/// Whether ids of processes there are those of the exporter's own namespace of them: its own process
/// has one id there, and no other further inside.
fn has_own_pids(proc: &Path) -> bool {
    let ids = |text: &[u8]| {
        let line = lines(text).find(|line| line.rest().starts_with(b"NSpid:"));
        Ok(line.map(|mut line| std::iter::from_fn(|| line.field()).count()))
    };
    let read = Files::default().load(&proc.join("self/status"), ids);
    // The first word is what the line is called.
    read.is_ok_and(|words| words == Some(2))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Scratch;
    use crate::kernel::netlink::Stats;

    const PROCESS: Process = Process { pid: 9, network: 77 };

    fn at(seconds: u64) -> SystemTime {
        SystemTime::UNIX_EPOCH + Duration::from_secs(seconds)
    }

    fn ends(packets: u64, links: usize) -> Ends {
        let mut ends = Ends::default();
        let stats = Stats { rx_packets: packets, ..Stats::default() };
        (0..links).for_each(|_| ends.add(4, &stats));
        ends
    }

    fn interface(bytes: u64) -> Interface {
        let mut interface = Interface::default();
        interface.receive.bytes = bytes;
        interface
    }

    /// Noted at 1000 s of a namespace with one interface, whose end had counted 5 packets.
    fn noted(number: Option<u32>) -> Still {
        let mut still = Still::new(&Roots::default());
        still.own_pids = Some(false);
        still.note(PROCESS, 1, [(0, interface(1))].into_iter(), &ends(5, 1), at(1000));
        if let Some(known) = still.known.get_mut(&PROCESS.network) {
            known.number = number;
        }
        still.note(PROCESS, 1, [(0, interface(2))].into_iter(), &ends(5, 1), at(1000));
        still
    }

    fn held(still: &mut Still, process: Process, ends: &Ends, now: SystemTime) -> Option<u64> {
        let interfaces: Vec<_> = still.held(process, ends, now)?.collect();
        assert_eq!(interfaces, [(0, interface(2))]);
        Some(interfaces[0].1.receive.bytes)
    }

    #[test]
    fn holds_what_was_read_while_the_ends_count_nothing() {
        let mut still = noted(Some(4));
        let mut ask = |process, ends: &Ends, now| held(&mut still, process, ends, now).is_some();
        assert!(ask(PROCESS, &ends(5, 1), at(1010)));
        assert!(!ask(PROCESS, &ends(6, 1), at(1010)), "a packet");
        assert!(!ask(PROCESS, &ends(5, 2), at(1010)), "another interface");
        assert!(!ask(PROCESS, &Ends::default(), at(1010)), "nobody counted");
        assert!(!ask(Process { pid: 8, ..PROCESS }, &ends(5, 1), at(1010)), "another process");
        assert!(!ask(Process { network: 78, ..PROCESS }, &ends(5, 1), at(1010)));
        assert!(!ask(PROCESS, &ends(5, 1), at(1300)), "old");
        assert!(!ask(PROCESS, &ends(5, 1), at(999)), "the clock was put back");
        assert!(ask(PROCESS, &ends(5, 1), at(1299)));
    }

    #[test]
    fn holds_nothing_that_the_ends_do_not_tell() {
        assert_eq!(held(&mut noted(None), PROCESS, &ends(5, 1), at(1010)), None);
        let mut still = noted(Some(4));
        still.note(PROCESS, 2, [(0, interface(2))].into_iter(), &ends(5, 1), at(1000));
        assert_eq!(held(&mut still, PROCESS, &ends(5, 1), at(1010)), None, "one has no end");
    }

    #[test]
    fn forgets_namespaces_that_are_gone() {
        let mut still = noted(Some(4));
        still.forget_gone();
        let received = interface(2).receive.bytes;
        assert_eq!(held(&mut still, PROCESS, &ends(5, 1), at(1010)), Some(received));
        still.forget_gone();
        still.forget_gone();
        assert!(still.known.is_empty());
    }

    #[test]
    fn knows_whether_ids_of_processes_are_its_own() {
        let dir = Scratch::new();
        assert!(!has_own_pids(&dir));
        let own = |status: &str| {
            dir.write("self/status", status);
            has_own_pids(&dir)
        };
        assert!(own("Name:\tx\nNSpid:\t12\n"));
        assert!(!own("Name:\tx\nNSpid:\t12\t1\n"), "it is in a namespace further inside");
        assert!(!own("Name:\tx\n"), "nobody knows");
    }
}
