//! `/proc/net/sockstat` and `sockstat6`: sockets in use, by protocol.

use nix::unistd::{SysconfVar, sysconf};

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Pattern, Table, Text, count, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, lines};

static USED: Table<u64> = Table {
    labels: [],
    metrics: &[gauge("node_sockstat_sockets_used")
        .help("Sockets of all protocols.")
        .value(|n| count(*n))],
};

static SOCKSTAT: Pattern = gauge("node_sockstat_<field>")
    .help("Sockets of a protocol in a state, or the memory they use: pages, bytes for mem_bytes.")
    .pattern();

/// Collects how many sockets are in use.
pub struct Sockstat {
    v4: File,
    v6: File,
    page_bytes: u64,
    /// The field being written.
    field: Vec<u8>,
}

struct File {
    kept: Kept,
    absent: Absent,
}

impl Collector for Sockstat {
    const NAME: &'static str = "sockstat";
    const ABOUT: &'static str = "Sockets in use, by protocol.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/proc/1/net/sockstat"), Need::Read("/proc/1/net/sockstat6")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        USED.descriptors().chain([SOCKSTAT.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let file =
            |name| File { kept: roots.net_file(name, Kept::whole), absent: Absent::default() };
        let page = sysconf(SysconfVar::PAGE_SIZE).ok().flatten();
        Ok(Self {
            v4: file("sockstat"),
            v6: file("sockstat6"),
            page_bytes: page.and_then(|p| p.try_into().ok()).unwrap_or(4096),
            field: Vec::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { v4, v6, page_bytes, field } = self;
        let Host { files, now, shared, .. } = host;
        let [udp, udp6] = &mut shared.udp_sockets;
        let mut used = None;
        for (file, first) in [(v4, true), (v6, false)] {
            let File { kept, absent } = file;
            absent.look_if_any(*now, || {
                files.load_kept(kept, |sockets| {
                    each(sockets, |count| match count {
                        Count::Used(n) if first => used = Some(n),
                        Count::Used(_) => {}
                        Count::Protocol(protocol, state, n) => {
                            let mut write = |state: &[u8], n| {
                                field.clear();
                                field.extend_from_slice(protocol);
                                field.push(b'_');
                                field.extend_from_slice(state);
                                text.pattern(&SOCKSTAT, field, n);
                            };
                            match (protocol, state) {
                                (b"UDP", b"inuse") => *udp = Some(n),
                                (b"UDP6", b"inuse") => *udp6 = Some(n),
                                _ => {}
                            }
                            write(state, n);
                            if state == b"mem" {
                                write(b"mem_bytes", n.saturating_mul(*page_bytes));
                            }
                        }
                    })
                })
            })?;
        }
        text.table(&USED, used.iter().map(|n| ((), n)));
        Ok(())
    }
}

/// One number of the file.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Count<'a> {
    /// Sockets of all protocols.
    Used(u64),
    /// Sockets of a protocol in a state, or what they use.
    Protocol(&'a [u8], &'a [u8], u64),
}

/// Parses a protocol a line, after a first line of all:
///
/// ```text
/// sockets: used 1602
/// TCP: inuse 35 orphan 0 tw 4 alloc 59 mem 22
/// ```
pub fn each<'a>(text: &'a [u8], mut each: impl FnMut(Count<'a>)) -> Result<(), Malformed> {
    for mut line in lines(text) {
        let protocol = line
            .field()
            .and_then(|word| word.strip_suffix(b":"))
            .ok_or(line.malformed("a protocol and a colon"))?;
        while let Some(state) = line.field() {
            let n = line.count("a state and its number")?;
            match (protocol, state) {
                (b"sockets", b"used") => each(Count::Used(n)),
                (b"sockets", _) => {}
                (_, b"inuse" | b"orphan" | b"tw" | b"alloc" | b"mem" | b"memory") => {
                    each(Count::Protocol(protocol, state, n));
                }
                // A later kernel's.
                _ => {}
            }
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;
    use crate::collector::trial::Trial;

    #[test]
    fn says_how_many_sockets_are_in_use() {
        let page = sysconf(SysconfVar::PAGE_SIZE).unwrap().unwrap();
        let (tcp_bytes, udp_bytes) = ((22 * page).to_string(), (62 * page).to_string());
        let expected: String = [
            ("TCP_inuse", "35"),
            ("TCP_orphan", "2"),
            ("TCP_tw", "4"),
            ("TCP_alloc", "59"),
            ("TCP_mem", "22"),
            ("TCP_mem_bytes", &tcp_bytes),
            ("UDP_inuse", "12"),
            ("UDP_mem", "62"),
            ("UDP_mem_bytes", &udp_bytes),
            ("UDPLITE_inuse", "0"),
            ("RAW_inuse", "1"),
            ("FRAG_inuse", "0"),
            ("FRAG_memory", "0"),
            ("TCP6_inuse", "17"),
            ("UDP6_inuse", "9"),
            ("UDPLITE6_inuse", "0"),
            ("RAW6_inuse", "1"),
            ("FRAG6_inuse", "2"),
            ("FRAG6_memory", "4096"),
            ("sockets_used", "1602"),
        ]
        .iter()
        .map(|(name, n)| format!("# TYPE node_sockstat_{name} gauge\nnode_sockstat_{name} {n}\n"))
        .collect();
        assert_eq!(exposed::<Sockstat>("node-network", &[]), expected);
    }

    #[test]
    fn tells_how_many_udp_sockets_there_are() {
        let v4 = ("proc/net/sockstat", "UDP: inuse 3 mem 1\nUDPLITE: inuse 7\n");
        let mut trial = Trial::<Sockstat>::new(&[], &[v4]);
        trial.collect().unwrap();
        assert_eq!(trial.host.shared.udp_sockets, [Some(3), None]);
        trial.write("proc/net/sockstat6", b"TCP6: inuse 5\nUDP6: inuse 0\n");
        trial.host.now += std::time::Duration::from_secs(3600);
        trial.collect().unwrap();
        assert_eq!(trial.host.shared.udp_sockets, [Some(3), Some(0)]);
    }

    #[test]
    fn passes_over_states_of_later_kernels() {
        let mut seen = Vec::new();
        each(b"sockets: used 1 held 2\nTCP: inuse 3 new 4\n", |c| seen.push(c)).unwrap();
        assert_eq!(seen, [Count::Used(1), Count::Protocol(b"TCP", b"inuse", 3)]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text: &[u8]| each(text, |_| ()).unwrap_err().to_string();
        assert_eq!(wrong(b"TCP inuse 3\n"), "line 1: a protocol and a colon expected");
        assert_eq!(wrong(b"TCP: inuse 3 tw\n"), "line 1: a state and its number expected");
    }
}
