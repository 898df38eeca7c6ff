//! Network interfaces: what they received and sent.
//!
//! The kernel is asked over netlink where the host's network is the exporter's own. Elsewhere
//! `/proc/1/net/dev` is read, which says less.

mod addresses;
mod links;
mod tables;

use std::fs::metadata;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};

use clap::Args;

use self::links::Links;
use self::tables::{COMMON, DETAILED, DETAILED_ERRORS, ERRORS, SUMS};
use crate::collector::attribute::word;
use crate::collector::changes::Changes;
use crate::collector::filter::{Filter, Flag};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, LabelBlock, Text};
use crate::files::{Error, Files, Network, Result, Roots, is_procfs};
use crate::kernel::netdev::{self, Interface, Receive, Transmit};
use crate::kernel::netlink::Stats;

/// Which interfaces are left out, and how they are read.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of network interfaces to leave out [default: ^veth].
    #[arg(id = EXCLUDE, long, alias = "collector.netdev.device-blacklist", value_name = "REGEXP")]
    exclude: Option<String>,
    /// Regular expression of network interfaces to take, and no others.
    #[arg(id = INCLUDE, long, alias = "collector.netdev.device-whitelist", value_name = "REGEXP")]
    include: Option<String>,
    /// Take the host's ends of containers' interfaces too, which node_exporter does by default.
    #[arg(id = "collector.netdev.veth", long)]
    veth: bool,
    /// Say everything in detail, by the names of the kernel's struct, nothing added together.
    #[arg(id = "collector.netdev.enable-detailed-metrics", long)]
    detailed: bool,
    /// Tell what addresses interfaces have, too.
    #[arg(id = "collector.netdev.address-info", long)]
    addresses: bool,
    /// Tell what interfaces are called by their administrators, as the label ifalias.
    #[arg(id = "collector.netdev.label-ifalias", long)]
    aliases: bool,
    /// Read /proc/net/dev in place of asking the kernel over netlink.
    #[arg(id = "no-collector.netdev.netlink", long)]
    no_netlink: bool,
}

const EXCLUDE: &str = "collector.netdev.device-exclude";
const INCLUDE: &str = "collector.netdev.device-include";

/// The host's ends of containers' interfaces: the containers' own metrics say the same of them.
const EXCLUDED: &str = "^veth";

/// Collects what network interfaces did.
pub struct Netdev {
    roots: Roots,
    /// Where the file is, once it was looked for.
    path: Option<PathBuf>,
    filter: Filter,
    detailed: bool,
    /// Whether to tell addresses, and whether those of `veth` interfaces among them.
    addresses: Option<bool>,
    aliases: Option<Vec<LabelBlock>>,
    source: Source,
    file: FromFile,
}

/// Where the numbers come from.
enum Source {
    /// Not known yet.
    Unknown,
    /// The kernel, over sockets; `None` until they are open.
    Netlink(Option<Links>),
    /// `/proc/1/net/dev`.
    File,
}

impl Collector for Netdev {
    const NAME: &'static str = "netdev";
    const ABOUT: &'static str = "What network interfaces received and sent.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/proc/1/net/dev"),
        Need::Read("/sys/class/net"),
        Need::Network("counters that /proc/net/dev adds together"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [&COMMON, &ERRORS, &SUMS, &DETAILED_ERRORS, &DETAILED]
            .into_iter()
            .flat_map(|table| table.descriptors())
            .chain([addresses::ADDRESS.descriptor()])
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let include = Flag { name: INCLUDE, value: flags.include.as_deref() };
        let exclude = Flag { name: EXCLUDE, value: flags.exclude.as_deref() };
        let given = |flag: &Option<String>| flag.as_deref().is_some_and(|f| !f.is_empty());
        let veth = flags.veth || given(&flags.include) || flags.exclude.is_some();
        Ok(Self {
            roots: roots.clone(),
            path: None,
            filter: Filter::either(include, exclude, if flags.veth { "" } else { EXCLUDED })?,
            detailed: flags.detailed,
            addresses: flags.addresses.then_some(veth),
            aliases: flags.aliases.then(Vec::new),
            source: if flags.no_netlink { Source::File } else { Source::Unknown },
            file: FromFile::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { roots, path, filter, detailed, addresses, aliases, source, file } = self;
        let path = path.get_or_insert_with(|| roots.net().join("dev"));
        if let Source::Unknown = source {
            *source = if is_own(path) { Source::Netlink(None) } else { Source::File };
        }
        if let Some(veth) = addresses
            && roots.network() != Network::Other
        {
            let written = addresses::write(*veth, text);
            written.map_err(|source| Error::Read { path: "getifaddrs".into(), source })?;
        }
        let classes = roots.sys.join("class/net");
        if let Source::Netlink(links) = source {
            match refreshed(links, filter, &mut host.shared.changes) {
                Ok(links) => {
                    links.tell(&mut host.shared);
                    read_aliases(aliases, links.rows(), &classes, host);
                    write(*detailed, true, links.rows(), aliases.as_deref(), text);
                    return Ok(());
                }
                Err(error) => {
                    tracing::debug!(%error, "no netlink");
                    *links = None;
                }
            }
        }
        file.refresh(path, filter, &mut host.files)?;
        read_aliases(aliases, file.rows(), &classes, host);
        write(*detailed, false, file.rows(), aliases.as_deref(), text);
        Ok(())
    }
}

/// Reads what each interface is called by its administrators, if that is asked for.
fn read_aliases<'r>(
    aliases: &mut Option<Vec<LabelBlock>>,
    rows: impl Iterator<Item = (&'r str, &'r Stats)>,
    classes: &Path,
    host: &mut Host,
) {
    let Some(aliases) = aliases else { return };
    aliases.clear();
    for (name, _) in rows {
        let path = classes.join(name).join("ifalias");
        let alias = word(&path, &mut host.files).unwrap_or_default();
        aliases.push(LabelBlock::new([("ifalias", &*String::from_utf8_lossy(&alias))]));
    }
}

/// Counts by netlink, over sockets that may have to be opened first.
fn refreshed<'l>(
    links: &'l mut Option<Links>,
    filter: &mut Filter,
    changes: &mut Changes,
) -> std::io::Result<&'l Links> {
    let links = match links {
        Some(links) => links,
        None => links.insert(Links::open()?),
    };
    links.refresh(filter, changes)?;
    Ok(links)
}

/// Whether the file tells of the exporter's own network namespace: each has its own inode, of
/// whichever process it is asked.
fn is_own(path: &Path) -> bool {
    let inode = |path: &Path| metadata(path).map(|found| found.ino()).ok();
    let own = inode(Path::new("/proc/self/net/dev"));
    own.is_some() && inode(path) == own && is_procfs(path)
}

fn write<'r>(
    detailed: bool,
    netlink: bool,
    rows: impl Iterator<Item = (&'r str, &'r Stats)> + Clone,
    aliases: Option<&[LabelBlock]>,
    text: &mut Text,
) {
    let tables = match (detailed, netlink) {
        (false, _) => [&COMMON, &ERRORS, &SUMS],
        (true, true) => [&COMMON, &DETAILED_ERRORS, &DETAILED],
        // The file has the sums alone.
        (true, false) => [&COMMON, &DETAILED_ERRORS, &SUMS],
    };
    for table in tables {
        match aliases {
            None => text.table(table, rows.clone()),
            Some(aliases) => {
                let rows = rows.clone().zip(aliases);
                text.table(table, rows.map(|((name, stats), alias)| ((alias, name), stats)));
            }
        }
    }
}

/// Interfaces as a file says them.
#[derive(Default)]
struct FromFile {
    /// Kept, so that the names need not be allocated anew.
    rows: Vec<(String, Stats)>,
    /// How many of them are in use.
    used: usize,
}

impl FromFile {
    /// Reads a file that must not stay open: it would keep its network namespace alive.
    fn refresh(&mut self, path: &Path, filter: &mut Filter, files: &mut Files) -> Result<()> {
        let Self { rows, used } = self;
        *used = 0;
        files.load_records(path, |text| {
            netdev::each(text, |name, interface| {
                if filter.ignores(name) {
                    return;
                }
                if *used == rows.len() {
                    rows.push(Default::default());
                }
                if let Some((row, stats)) = rows.get_mut(*used) {
                    row.clear();
                    row.push_str(&String::from_utf8_lossy(name));
                    *stats = Stats::from(interface);
                    *used += 1;
                }
            })
        })
    }

    fn rows(&self) -> impl Iterator<Item = (&str, &Stats)> + Clone {
        self.rows
            .iter()
            .take(self.used)
            .map(|(name, stats)| (name.as_str(), stats))
    }
}

impl From<&Stats> for Interface {
    /// Added together as the kernel does it for the file. Its counters wrap, and so does their sum.
    fn from(stats: &Stats) -> Self {
        let sum = |numbers: &[u64]| numbers.iter().fold(0, |sum: u64, n| sum.wrapping_add(*n));
        let receive = Receive {
            bytes: stats.rx_bytes,
            packets: stats.rx_packets,
            errs: stats.rx_errors,
            drop: sum(&[stats.rx_dropped, stats.rx_missed_errors]),
            fifo: stats.rx_fifo_errors,
            frame: sum(&[
                stats.rx_length_errors,
                stats.rx_over_errors,
                stats.rx_crc_errors,
                stats.rx_frame_errors,
            ]),
            compressed: stats.rx_compressed,
            multicast: stats.multicast,
        };
        let transmit = Transmit {
            bytes: stats.tx_bytes,
            packets: stats.tx_packets,
            errs: stats.tx_errors,
            drop: stats.tx_dropped,
            fifo: stats.tx_fifo_errors,
            colls: stats.collisions,
            carrier: sum(&[
                stats.tx_carrier_errors,
                stats.tx_aborted_errors,
                stats.tx_window_errors,
                stats.tx_heartbeat_errors,
            ]),
            compressed: stats.tx_compressed,
        };
        Self { receive, transmit }
    }
}

impl From<Interface> for Stats {
    /// What the file has added together stands in the first part of the sum.
    fn from(Interface { receive, transmit }: Interface) -> Self {
        Self {
            rx_packets: receive.packets,
            tx_packets: transmit.packets,
            rx_bytes: receive.bytes,
            tx_bytes: transmit.bytes,
            rx_errors: receive.errs,
            tx_errors: transmit.errs,
            rx_dropped: receive.drop,
            tx_dropped: transmit.drop,
            multicast: receive.multicast,
            collisions: transmit.colls,
            rx_frame_errors: receive.frame,
            rx_fifo_errors: receive.fifo,
            tx_carrier_errors: transmit.carrier,
            tx_fifo_errors: transmit.fifo,
            rx_compressed: receive.compressed,
            tx_compressed: transmit.compressed,
            ..Self::default()
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const DEV: &str = "a\nb\n  eth0: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n\
        veth1: 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15 16\n";
    const TREE: [(&str, &str); 1] = [("proc/1/net/dev", DEV)];

    fn said(args: &[&str]) -> String {
        Trial::<Netdev>::new(args, &TREE).collect().unwrap()
    }

    #[test]
    fn reads_the_file_of_another_network() {
        let expected = r#"node_network_receive_bytes_total{device="eth0"} 1
node_network_receive_packets_total{device="eth0"} 2
node_network_receive_compressed_total{device="eth0"} 7
node_network_transmit_bytes_total{device="eth0"} 9
node_network_transmit_packets_total{device="eth0"} 10
node_network_transmit_compressed_total{device="eth0"} 16
node_network_receive_errs_total{device="eth0"} 3
node_network_receive_drop_total{device="eth0"} 4
node_network_transmit_errs_total{device="eth0"} 11
node_network_transmit_drop_total{device="eth0"} 12
node_network_receive_fifo_total{device="eth0"} 5
node_network_receive_frame_total{device="eth0"} 6
node_network_receive_multicast_total{device="eth0"} 8
node_network_transmit_fifo_total{device="eth0"} 13
node_network_transmit_colls_total{device="eth0"} 14
node_network_transmit_carrier_total{device="eth0"} 15
"#;
        assert_eq!(said(&[]), expected);
        assert_eq!(said(&["--no-collector.netdev.netlink"]), expected);
    }

    #[test]
    fn leaves_out_what_its_flags_say() {
        let devices = |args: &[&str]| {
            let said = said(args);
            let first = |l: &str| {
                l.strip_prefix("node_network_receive_bytes_total")
                    .map(str::to_owned)
            };
            said.lines().filter_map(first).collect::<String>()
        };
        let (eth, veth) = ("{device=\"eth0\"} 1", "{device=\"veth1\"} 1");
        assert_eq!(devices(&["--collector.netdev.veth"]), [eth, veth].concat());
        assert_eq!(devices(&["--collector.netdev.device-exclude=x"]), [eth, veth].concat());
        assert_eq!(devices(&["--collector.netdev.device-include=^v"]), veth);
        assert_eq!(devices(&["--collector.netdev.device-blacklist=^v"]), eth);
        assert_eq!(devices(&["--collector.netdev.device-whitelist=^v"]), veth);
    }

    #[test]
    fn labels_interfaces_with_what_they_are_called() {
        let args = ["--collector.netdev.label-ifalias", "--collector.netdev.veth"];
        let alias = ("sys/class/net/eth0/ifalias", "to \"the\" world\n");
        let tree = [TREE[0], alias];
        let said = Trial::<Netdev>::new(&args, &tree).collect().unwrap();
        let first: Vec<_> = said.lines().take(2).collect();
        let expected = [
            r#"node_network_receive_bytes_total{ifalias="to \"the\" world",device="eth0"} 1"#,
            r#"node_network_receive_bytes_total{ifalias="",device="veth1"} 1"#,
        ];
        assert_eq!(first, expected);
    }

    #[test]
    fn has_the_sums_alone_even_in_detail() {
        let said = said(&["--collector.netdev.enable-detailed-metrics"]);
        let names = said
            .lines()
            .filter_map(|line| line.strip_prefix("node_network_")?.split("_total").next());
        let expected = [
            "receive_bytes",
            "receive_packets",
            "receive_compressed",
            "transmit_bytes",
            "transmit_packets",
            "transmit_compressed",
            "receive_errors",
            "receive_dropped",
            "transmit_errors",
            "transmit_dropped",
            "receive_fifo",
            "receive_frame",
            "receive_multicast",
            "transmit_fifo",
            "transmit_colls",
            "transmit_carrier",
        ];
        assert_eq!(names.collect::<Vec<_>>(), expected);
    }
}
