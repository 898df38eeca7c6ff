//! Neighbours: how many addresses each interface has found by ARP.
//!
//! The kernel is asked over netlink where the host's network is the exporter's own. Elsewhere
//! `/proc/1/net/arp` is read, which says the same.

use std::io;
use std::path::{Path, PathBuf};

use clap::Args;

use crate::collector::changes::Changes;
use crate::collector::filter::{Filter, Flag};
use crate::collector::rtnetlink::Rtnetlink;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Files, Network, Result, Roots};
use crate::kernel::netlink::get_neighbours;
use crate::kernel::{Malformed, lines};

static ENTRIES: Family<1> = gauge("node_arp_entries")
    .help("Addresses that were found by ARP behind an interface.")
    .labels(["device"]);

/// Which interfaces are left out, and how they are read.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of network interfaces to leave out [default: ^veth]
    #[arg(id = EXCLUDE, long, value_name = "REGEXP")]
    exclude: Option<String>,
    /// Regular expression of network interfaces to take, and no others
    #[arg(id = INCLUDE, long, value_name = "REGEXP")]
    include: Option<String>,
    /// Take the host's ends of containers' interfaces too, which node_exporter does by default
    #[arg(id = "collector.arp.veth", long)]
    veth: bool,
    /// Read /proc/net/arp instead of asking over netlink
    #[arg(id = "no-collector.arp.netlink", long)]
    no_netlink: bool,
}

const EXCLUDE: &str = "collector.arp.device-exclude";
const INCLUDE: &str = "collector.arp.device-include";

/// The host's ends of containers' interfaces: their names are random, and each start of a container
/// makes new series of them.
const VETH: &str = "^veth";

/// Collects how many neighbours each interface has.
pub struct Arp {
    path: PathBuf,
    filter: Filter,
    /// Whether to ask over netlink.
    netlink: bool,
    neighbours: Neighbours,
    rows: Rows,
}

/// The sockets, once they are open, and what was counted, by the indices of interfaces.
#[derive(Default)]
struct Neighbours {
    socket: Option<Rtnetlink>,
    counts: Vec<(u32, u64)>,
}

/// What was counted, by the names of interfaces. Names that are counted no more stay, with 0, so that
/// they need not be allocated anew.
#[derive(Default)]
struct Rows(Vec<(String, u64)>);

impl Collector for Arp {
    const NAME: &'static str = "arp";
    const ABOUT: &'static str = "Addresses found by ARP, by interface.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/1/net/arp")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [ENTRIES.descriptor()].into_iter()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let chosen = flags.veth || flags.include.as_deref().is_some_and(|i| !i.is_empty());
        let default = if chosen { None } else { Some(VETH) };
        let exclude = Flag { name: EXCLUDE, value: flags.exclude.as_deref().or(default) };
        let include = Flag { name: INCLUDE, value: flags.include.as_deref() };
        Ok(Self {
            path: roots.net().join("arp"),
            filter: Filter::both(include, exclude)?,
            netlink: !flags.no_netlink && roots.network() == Network::Own,
            neighbours: Neighbours::default(),
            rows: Rows::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { path, filter, netlink, neighbours, rows } = self;
        rows.0.iter_mut().for_each(|(_, n)| *n = 0);
        let counted = if *netlink {
            neighbours.count(filter, &mut host.shared.changes, rows)
        } else {
            Ok(())
        };
        if let Err(error) = &counted {
            tracing::debug!(%error, "no netlink");
            neighbours.socket = None;
        }
        if !*netlink || counted.is_err() {
            count(path, filter, &mut host.files, rows)?;
        }
        let mut entries = text.family(&ENTRIES);
        for (name, n) in rows.0.iter().filter(|(_, n)| *n > 0) {
            entries.sample(name.as_str(), *n);
        }
        Ok(())
    }
}

impl Neighbours {
    /// Counts by netlink, over sockets that may have to be opened first.
    fn count(
        &mut self,
        filter: &mut Filter,
        changes: &mut Changes,
        rows: &mut Rows,
    ) -> io::Result<()> {
        let Self { socket, counts } = self;
        let socket = match socket {
            Some(socket) => socket,
            None => socket.insert(Rtnetlink::open()?),
        };
        counts.clear();
        socket.ask(changes, get_neighbours, |message| {
            let Some(neighbour) = message.neighbour().filter(|n| !n.noarp) else { return };
            match counts
                .iter_mut()
                .find(|(index, _)| *index == neighbour.index)
            {
                Some((_, n)) => *n += 1,
                None => counts.push((neighbour.index, 1)),
            }
        })?;
        for (index, n) in counts {
            // One that has no name any more is gone, and its neighbours with it.
            if let Some(name) = socket.name(*index)
                && !filter.ignores(name.as_bytes())
            {
                rows.add(name, *n);
            }
        }
        Ok(())
    }
}

impl Rows {
    fn add(&mut self, name: &str, n: u64) {
        match self.0.iter_mut().find(|(known, _)| known == name) {
            Some((_, sum)) => *sum += n,
            None => self.0.push((name.into(), n)),
        }
    }
}

/// Counts the lines of a file that must not stay open: it would keep its network namespace alive.
fn count(path: &Path, filter: &mut Filter, files: &mut Files, rows: &mut Rows) -> Result<()> {
    files.load_records(path, |text| {
        each(text, |device| {
            if !filter.ignores(device) {
                rows.add(&String::from_utf8_lossy(device), 1);
            }
        })
    })
}

/// Parses an address a line, the interface last, after a line of headings:
///
/// ```text
/// IP address       HW type     Flags       HW address            Mask     Device
/// 172.31.16.1      0x1         0x2         06:fc:00:00:00:05     *        eth0
/// ```
pub fn each<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8])) -> Result<(), Malformed> {
    for mut line in lines(text).skip(1) {
        for column in ["an address", "a type", "flags", "a hardware address", "a mask"] {
            line.field().ok_or(line.malformed(column))?;
        }
        each(line.field().ok_or(line.malformed("a device"))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn counts_neighbours() {
        let devices = |flags: &[&str]| -> Vec<String> {
            let text = exposed::<Arp>("node-network", flags);
            let samples = text
                .lines()
                .filter_map(|line| line.strip_prefix("node_arp_entries"));
            samples.map(str::to_owned).collect()
        };
        let [eth0, docker0, veth] =
            [r#"{device="eth0"} 2"#, r#"{device="docker0"} 3"#, r#"{device="veth6ab10b7"} 1"#];
        assert_eq!(devices(&[]), [eth0, docker0]);
        assert_eq!(devices(&["--collector.arp.veth"]), [eth0, docker0, veth]);
        assert_eq!(devices(&["--collector.arp.device-exclude=0$"]), [veth]);
        assert_eq!(devices(&["--collector.arp.device-include=th"]), [eth0, veth]);
        let both = ["--collector.arp.device-include=th", "--collector.arp.device-exclude=v"];
        assert_eq!(devices(&both), [eth0]);
        assert_eq!(devices(&["--no-collector.arp.netlink"]), [eth0, docker0]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text: &[u8]| each(text, |_| ()).unwrap_err().to_string();
        assert_eq!(wrong(b"head\n1 2 3 4 5\n"), "line 2: a device expected");
        assert_eq!(wrong(b"head\n1 2 3 4\n"), "line 2: a mask expected");
    }
}
