//! `nf_conntrack`: connections that the kernel's firewall keeps track of.

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{Kept, Network, Result, Roots};
use crate::kernel::{Malformed, hex, lines, single};

static SIZE: Table<Size> = Table {
    labels: [],
    metrics: &[
        gauge("node_nf_conntrack_entries")
            .help("Connections tracked now.")
            .value(|s| count(s.entries)),
        gauge("node_nf_conntrack_entries_limit")
            .help("Connections that may be tracked at once.")
            .value(|s| count(s.limit)),
    ],
};

/// Counters in truth; `node_exporter` calls them gauges, and so must we.
static STATS: Table<Stats> = Table {
    labels: [],
    metrics: &[
        gauge("node_nf_conntrack_stat_found")
            .help("Searches that found an entry.")
            .value(|s| count(s.found)),
        gauge("node_nf_conntrack_stat_invalid")
            .help("Packets that could not be tracked.")
            .value(|s| count(s.invalid)),
        gauge("node_nf_conntrack_stat_ignore")
            .help("Packets that were tracked already or are never tracked.")
            .value(|s| count(s.ignore)),
        gauge("node_nf_conntrack_stat_insert")
            .help("Entries inserted.")
            .value(|s| count(s.insert)),
        gauge("node_nf_conntrack_stat_insert_failed")
            .help("Entries that were not inserted, because the same was there already.")
            .value(|s| count(s.insert_failed)),
        gauge("node_nf_conntrack_stat_drop")
            .help("Packets dropped because tracking failed.")
            .value(|s| count(s.drop)),
        gauge("node_nf_conntrack_stat_early_drop")
            .help("Entries dropped to make room in a full table.")
            .value(|s| count(s.early_drop)),
        gauge("node_nf_conntrack_stat_search_restart")
            .help("Searches begun anew because the table was resized.")
            .value(|s| count(s.search_restart)),
    ],
};

/// Collects the size and the work of connection tracking.
pub struct Conntrack {
    entries: Kept,
    limit: Kept,
    stat: Kept,
    /// Below `/proc/sys/net` the kernel shows the reader's own network, whichever `/proc` it is.
    elsewhere: bool,
    absent: Absent,
    absent_stat: Absent,
}

impl Collector for Conntrack {
    const NAME: &'static str = "conntrack";
    const ABOUT: &'static str = "Connections tracked by the kernel's firewall.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/proc/sys/net/netfilter"),
        Need::Read("/proc/1/net/stat/nf_conntrack"),
        Need::Network("how many connections there are and may be"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        SIZE.descriptors().chain(STATS.descriptors())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let dir = roots.proc.join("sys/net/netfilter");
        Ok(Self {
            entries: Kept::number(dir.join("nf_conntrack_count")),
            limit: Kept::number(dir.join("nf_conntrack_max")),
            stat: roots.net_file("stat/nf_conntrack", Kept::new),
            elsewhere: roots.network() == Network::Other,
            absent: Absent::default(),
            absent_stat: Absent::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { files, now, .. } = host;
        let mut size = self.absent.look(*now, || {
            let entries = files.load_kept(&mut self.entries, single)?;
            let limit = files.load_kept(&mut self.limit, single)?;
            Ok(Size { entries, limit })
        })?;
        // A kernel may track and yet have no such file. The numbers of the table stand for themselves.
        let stats = self
            .absent_stat
            .look_if_any(*now, || files.load_kept(&mut self.stat, parse))?;
        if let (Some(stats), true) = (&stats, self.elsewhere) {
            size.entries = stats.entries;
        }
        text.table(&SIZE, [((), &size)]);
        text.table(&STATS, stats.iter().map(|stats| ((), stats)));
        Ok(())
    }
}

/// How full the table is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Size {
    /// Connections in it.
    pub entries: u64,
    /// As many as there may be.
    pub limit: u64,
}

/// What all CPUs did, each number a count.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Stats {
    /// Connections in the table, the same for every CPU.
    pub entries: u64,
    /// Searches that found an entry.
    pub found: u64,
    /// Packets that could not be tracked.
    pub invalid: u64,
    /// Packets that were tracked already, or are never.
    pub ignore: u64,
    /// Entries inserted.
    pub insert: u64,
    /// Entries that were there already.
    pub insert_failed: u64,
    /// Packets dropped because tracking failed.
    pub drop: u64,
    /// Entries dropped to make room.
    pub early_drop: u64,
    /// Searches begun anew; 0 before Linux 2.6.36.
    pub search_restart: u64,
}

/// Adds up a line of 17 hexadecimal numbers for each CPU, after one of headings:
///
/// ```text
/// entries  clashres found new invalid ignore delete chainlength insert insert_failed drop early_drop icmp_error  expect_new expect_create expect_delete search_restart
/// 0000012c 00000003 00000011 00000000 00000005 0000000a 00000000 00000021 00000007 00000002 00000001 00000004 00000006  00000000 00000000 00000000 00000009
/// ```
pub fn parse(text: &[u8]) -> Result<Stats, Malformed> {
    const COLUMNS: &str = "16 or 17 hexadecimal numbers";
    let mut sum = Stats::default();
    for mut line in lines(text).skip(1) {
        let mut next = || hex::field(&mut line, COLUMNS);
        sum.entries = next()?;
        let _clashres = next()?;
        add(&mut sum.found, next()?);
        let _new = next()?;
        add(&mut sum.invalid, next()?);
        add(&mut sum.ignore, next()?);
        let (_delete, _chainlength) = (next()?, next()?);
        add(&mut sum.insert, next()?);
        add(&mut sum.insert_failed, next()?);
        add(&mut sum.drop, next()?);
        add(&mut sum.early_drop, next()?);
        let (_icmp_error, _expect_new) = (next()?, next()?);
        let (_expect_create, _expect_delete) = (next()?, next()?);
        if !line.rest().is_empty() {
            add(&mut sum.search_restart, hex::field(&mut line, COLUMNS)?);
        }
        if !line.rest().is_empty() {
            return Err(line.malformed(COLUMNS));
        }
    }
    Ok(sum)
}

fn add(sum: &mut u64, n: u64) {
    *sum = sum.wrapping_add(n);
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn says_how_full_the_table_is_and_what_all_cpus_did() {
        let expected = "\
# TYPE node_nf_conntrack_entries gauge
node_nf_conntrack_entries 300
# TYPE node_nf_conntrack_entries_limit gauge
node_nf_conntrack_entries_limit 262144
# TYPE node_nf_conntrack_stat_found gauge
node_nf_conntrack_stat_found 33
# TYPE node_nf_conntrack_stat_invalid gauge
node_nf_conntrack_stat_invalid 26
# TYPE node_nf_conntrack_stat_ignore gauge
node_nf_conntrack_stat_ignore 30
# TYPE node_nf_conntrack_stat_insert gauge
node_nf_conntrack_stat_insert 8
# TYPE node_nf_conntrack_stat_insert_failed gauge
node_nf_conntrack_stat_insert_failed 4
# TYPE node_nf_conntrack_stat_drop gauge
node_nf_conntrack_stat_drop 4
# TYPE node_nf_conntrack_stat_early_drop gauge
node_nf_conntrack_stat_early_drop 4
# TYPE node_nf_conntrack_stat_search_restart gauge
node_nf_conntrack_stat_search_restart 264
";
        assert_eq!(exposed::<Conntrack>("node-network", &[]), expected);
    }

    #[test]
    fn takes_16_columns_or_17() {
        let line = |columns: usize| parse(format!("head\n{}\n", "0a ".repeat(columns)).as_bytes());
        let old = Stats {
            entries: 10,
            found: 10,
            invalid: 10,
            ignore: 10,
            insert: 10,
            insert_failed: 10,
            drop: 10,
            early_drop: 10,
            search_restart: 0,
        };
        assert_eq!(line(16), Ok(old));
        assert_eq!(line(17), Ok(Stats { search_restart: 10, ..old }));
        let wrong = Malformed { line: 2, expected: "16 or 17 hexadecimal numbers" };
        assert_eq!([line(15), line(18)], [Err(wrong.clone()), Err(wrong)]);
        assert_eq!(parse(b""), Ok(Stats::default()));
    }
}
