//! Queueing disciplines: packets that wait to be sent, and those that were.

use std::ffi::OsString;
use std::io;
use std::path::{Path, PathBuf};

use clap::Args;
use serde::Deserialize;

use crate::collector::changes::Changes;
use crate::collector::filter::{Filter, Flag};
use crate::collector::rtnetlink::Rtnetlink;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, counter, gauge};
use crate::files::{Error, Files, Result, Roots};
use crate::kernel::{Malformed, netlink};

static QDISCS: Table<Qdisc, 2> = Table {
    labels: ["device", "kind"],
    metrics: &[
        counter("node_qdisc_bytes_total")
            .help("Bytes sent.")
            .value(|q| count(q.bytes)),
        counter("node_qdisc_packets_total")
            .help("Packets sent.")
            .value(|q| count(q.packets)),
        counter("node_qdisc_drops_total")
            .help("Packets dropped.")
            .value(|q| count(q.drops)),
        counter("node_qdisc_requeues_total")
            .help("Packets that were taken out, not sent, and put back.")
            .value(|q| count(q.requeues)),
        counter("node_qdisc_overlimits_total")
            .help("Packets that were over a limit.")
            .value(|q| count(q.overlimits)),
        gauge("node_qdisc_current_queue_length")
            .help("Packets that wait to be sent.")
            .value(|q| count(q.queued)),
        gauge("node_qdisc_backlog")
            .help("Bytes that wait to be sent.")
            .value(|q| count(q.backlog_bytes)),
    ],
};

/// Which interfaces are left out.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of network interfaces to leave out
    #[arg(id = EXCLUDE, long, alias = "collector.qdisk.device-exclude", value_name = "REGEXP")]
    exclude: Option<String>,
    /// Regular expression of network interfaces to take, and no others
    #[arg(id = INCLUDE, long, alias = "collector.qdisk.device-include", value_name = "REGEXP")]
    include: Option<String>,
    /// Directory of a results.json to show instead of what the kernel says, for tests
    #[arg(id = "collector.qdisc.fixtures", long, value_name = "DIR", hide = true)]
    fixtures: Option<OsString>,
}

const EXCLUDE: &str = "collector.qdisc.device-exclude";
const INCLUDE: &str = "collector.qdisc.device-include";

/// Collects what the queueing disciplines of interfaces did.
pub struct Qdiscs {
    filter: Filter,
    /// Stands in the kernel's place.
    results: Option<PathBuf>,
    socket: Option<Rtnetlink>,
    rows: Vec<Row>,
}

struct Row {
    index: u32,
    device: String,
    kind: String,
    qdisc: Qdisc,
}

/// What a queueing discipline did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Qdisc {
    bytes: u64,
    packets: u64,
    drops: u64,
    requeues: u64,
    overlimits: u64,
    queued: u64,
    backlog_bytes: u64,
}

impl Collector for Qdiscs {
    const NAME: &'static str = "qdisc";
    const ABOUT: &'static str = "Queues of packets that wait to be sent.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Network("all of it")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        QDISCS.descriptors()
    }

    fn new(flags: Flags, _: &Roots) -> Result<Self> {
        let include = Flag { name: INCLUDE, value: flags.include.as_deref() };
        let exclude = Flag { name: EXCLUDE, value: flags.exclude.as_deref() };
        let fixtures = flags.fixtures.filter(|dir| !dir.is_empty());
        Ok(Self {
            filter: Filter::either(include, exclude, "")?,
            results: fixtures.map(|dir| Path::new(&dir).join("results.json")),
            socket: None,
            rows: Vec::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { filter, results, socket, rows } = self;
        match results {
            Some(path) => *rows = told(path, &mut host.files)?,
            None => {
                if let Err(source) = asked(socket, &mut host.shared.changes, rows) {
                    *socket = None;
                    return Err(Error::Read { path: "netlink".into(), source });
                }
            }
        }
        rows.retain(|row| !row.device.is_empty() && !filter.ignores(row.device.as_bytes()));
        let rows = rows.iter();
        text.table(&QDISCS, rows.map(|row| ((row.device.as_str(), row.kind.as_str()), &row.qdisc)));
        Ok(())
    }
}

/// Asks the kernel, over a socket that may have to be opened first.
fn asked(
    socket: &mut Option<Rtnetlink>,
    changes: &mut Changes,
    rows: &mut Vec<Row>,
) -> io::Result<()> {
    let socket = match socket {
        Some(socket) => socket,
        None => socket.insert(Rtnetlink::open()?),
    };
    let mut used = 0;
    socket.ask(changes, netlink::get_qdiscs, |message| {
        let Some(qdisc) = message.qdisc().filter(|qdisc| qdisc.root) else { return };
        // Interfaces and their disciplines come in the same order every time.
        let same = rows
            .get(used)
            .is_some_and(|row| row.index == qdisc.index && row.kind.as_bytes() == qdisc.kind);
        if !same {
            rows.truncate(used);
            let kind = String::from_utf8_lossy(qdisc.kind).into_owned();
            let device = String::new();
            rows.push(Row { index: qdisc.index, device, kind, qdisc: Qdisc::default() });
        }
        if let Some(row) = rows.get_mut(used) {
            row.qdisc = Qdisc::from(&qdisc);
        }
        used += 1;
    })?;
    rows.truncate(used);
    for row in rows {
        let name = socket.name(row.index).unwrap_or_default();
        if row.device != name {
            row.device = name.into();
        }
    }
    Ok(())
}

impl From<&netlink::Qdisc<'_>> for Qdisc {
    fn from(qdisc: &netlink::Qdisc<'_>) -> Self {
        Self {
            bytes: qdisc.bytes,
            packets: qdisc.packets,
            drops: qdisc.drops,
            requeues: qdisc.requeues,
            overlimits: qdisc.overlimits,
            queued: qdisc.queued,
            backlog_bytes: qdisc.backlog_bytes,
        }
    }
}

/// A discipline in a `results.json`.
#[derive(Deserialize)]
#[serde(rename_all = "PascalCase", default)]
#[derive(Default)]
struct Told {
    iface_name: String,
    kind: String,
    parent: u32,
    bytes: u64,
    packets: u64,
    drops: u64,
    requeues: u64,
    overlimits: u64,
    qlen: u64,
    backlog: u64,
}

fn told(path: &Path, files: &mut Files) -> Result<Vec<Row>> {
    let rows = |told: Vec<Told>| {
        let roots = told.into_iter().filter(|qdisc| qdisc.parent == 0);
        let row = |told: Told| Row {
            index: 0,
            device: told.iface_name,
            kind: told.kind,
            qdisc: Qdisc {
                bytes: told.bytes,
                packets: told.packets,
                drops: told.drops,
                requeues: told.requeues,
                overlimits: told.overlimits,
                queued: told.qlen,
                backlog_bytes: told.backlog,
            },
        };
        roots.map(row).collect()
    };
    files.load(path, |text| {
        let wrong = |error: serde_json::Error| Malformed {
            line: error.line(),
            expected: "a list of queueing disciplines",
        };
        serde_json::from_slice(text).map(rows).map_err(wrong)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn shows_disciplines_of_interfaces_alone() {
        let dir = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/node-network/qdisc");
        let fixtures = format!("--collector.qdisc.fixtures={dir}");
        let expected = r#"# TYPE node_qdisc_bytes_total counter
node_qdisc_bytes_total{device="eth0",kind="mq"} 83
node_qdisc_bytes_total{device="ppp0",kind="pfifo_fast"} 5000000000
# TYPE node_qdisc_packets_total counter
node_qdisc_packets_total{device="eth0",kind="mq"} 2
node_qdisc_packets_total{device="ppp0",kind="pfifo_fast"} 37
# TYPE node_qdisc_drops_total counter
node_qdisc_drops_total{device="eth0",kind="mq"} 1
node_qdisc_drops_total{device="ppp0",kind="pfifo_fast"} 0
# TYPE node_qdisc_requeues_total counter
node_qdisc_requeues_total{device="eth0",kind="mq"} 2
node_qdisc_requeues_total{device="ppp0",kind="pfifo_fast"} 0
# TYPE node_qdisc_overlimits_total counter
node_qdisc_overlimits_total{device="eth0",kind="mq"} 3
node_qdisc_overlimits_total{device="ppp0",kind="pfifo_fast"} 0
# TYPE node_qdisc_current_queue_length gauge
node_qdisc_current_queue_length{device="eth0",kind="mq"} 5
node_qdisc_current_queue_length{device="ppp0",kind="pfifo_fast"} 0
# TYPE node_qdisc_backlog gauge
node_qdisc_backlog{device="eth0",kind="mq"} 4
node_qdisc_backlog{device="ppp0",kind="pfifo_fast"} 0
"#;
        assert_eq!(exposed::<Qdiscs>("node-network", &[&fixtures]), expected);
        let only: Vec<&str> = vec![&fixtures, "--collector.qdisk.device-exclude=^ppp"];
        let text = exposed::<Qdiscs>("node-network", &only);
        assert!(text.contains("eth0") && !text.contains("ppp0"));
    }
}
