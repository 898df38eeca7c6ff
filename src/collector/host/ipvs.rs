//! `ip_vs`: the kernel's load balancer.

mod backends;

use std::path::PathBuf;

use self::backends::{Backend, LABELS, Shown};
use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, counter, gauge};
use crate::files::{Error, Result, Roots};
use crate::kernel::{Malformed, hex, lines};

static TOTALS: Table<Totals> = Table {
    labels: [],
    metrics: &[
        counter("node_ipvs_connections_total")
            .help("Connections made.")
            .value(|t| count(t.connections)),
        counter("node_ipvs_incoming_packets_total")
            .help("Packets that came in.")
            .value(|t| count(t.incoming_packets)),
        counter("node_ipvs_outgoing_packets_total")
            .help("Packets that went out.")
            .value(|t| count(t.outgoing_packets)),
        counter("node_ipvs_incoming_bytes_total")
            .help("Bytes that came in.")
            .value(|t| count(t.incoming_bytes)),
        counter("node_ipvs_outgoing_bytes_total")
            .help("Bytes that went out.")
            .value(|t| count(t.outgoing_bytes)),
    ],
};

static BACKENDS: Table<Backend, 6> = Table {
    labels: LABELS,
    metrics: &[
        gauge("node_ipvs_backend_connections_active")
            .help("Connections to a backend that are active.")
            .value(|b| count(b.active)),
        gauge("node_ipvs_backend_connections_inactive")
            .help("Connections to a backend that are not active.")
            .value(|b| count(b.inactive)),
        gauge("node_ipvs_backend_weight")
            .help("Weight of a backend.")
            .value(|b| count(b.weight)),
    ],
};

/// The flags of [`Ipvs`].
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Labels that tell backends apart, with commas; backends that are then the same are added up
    #[arg(
        id = "collector.ipvs.backend-labels",
        long,
        value_name = "LABELS",
        default_value = "local_address,local_port,remote_address,remote_port,proto,local_mark"
    )]
    backend_labels: String,
}

/// Collects what the load balancer did, and its backends.
pub struct Ipvs {
    stats: PathBuf,
    backends: PathBuf,
    shown: Shown,
    rows: Vec<Backend>,
    absent: Absent,
}

impl Collector for Ipvs {
    const NAME: &'static str = "ipvs";
    const ABOUT: &'static str = "The kernel's load balancer and its backends.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/proc/1/net/ip_vs"), Need::Read("/proc/1/net/ip_vs_stats")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        TOTALS.descriptors().chain(BACKENDS.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let wrong = |label| {
            let flag = "--collector.ipvs.backend-labels";
            Error::Config(format!("{flag}: {label:?} is none of {}", LABELS.join(", ")))
        };
        Ok(Self {
            stats: roots.net().join("ip_vs_stats"),
            backends: roots.net().join("ip_vs"),
            shown: Shown::new(&flags.backend_labels).map_err(wrong)?,
            rows: Vec::new(),
            absent: Absent::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { files, now, .. } = host;
        let totals = self
            .absent
            .look(*now, || files.load_whole(&self.stats, parse))?;
        text.table(&TOTALS, [((), &totals)]);
        self.rows.clear();
        let shown = &self.shown;
        files.load_records(&self.backends, |text| {
            backends::each(text, |backend| self.rows.push(shown.masked(backend)))
        })?;
        backends::add_up(&mut self.rows);
        text.table(&BACKENDS, self.rows.iter().map(|row| (shown.labels(row), row)));
        Ok(())
    }
}

/// What the load balancer did since it was loaded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Totals {
    /// Connections, a count.
    pub connections: u64,
    /// Packets that came in.
    pub incoming_packets: u64,
    /// Packets that went out.
    pub outgoing_packets: u64,
    /// Bytes that came in.
    pub incoming_bytes: u64,
    /// Bytes that went out.
    pub outgoing_bytes: u64,
}

/// Parses the third line of
///
/// ```text
///    Total Incoming Outgoing         Incoming         Outgoing
///    Conns  Packets  Packets            Bytes            Bytes
///  16AA370 E33656E5        0     51D8C8883AB3                0
/// ```
pub fn parse(text: &[u8]) -> Result<Totals, Malformed> {
    const NUMBERS: &str = "5 hexadecimal numbers";
    let mut line = lines(text)
        .nth(2)
        .ok_or(Malformed { line: 3, expected: NUMBERS })?;
    let mut next = || hex::field(&mut line, NUMBERS);
    Ok(Totals {
        connections: next()?,
        incoming_packets: next()?,
        outgoing_packets: next()?,
        incoming_bytes: next()?,
        outgoing_bytes: next()?,
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::{Scraped, exposed};

    const TOTALS: &str = "\
# TYPE node_ipvs_connections_total counter
node_ipvs_connections_total 23765872
# TYPE node_ipvs_incoming_packets_total counter
node_ipvs_incoming_packets_total 3811989221
# TYPE node_ipvs_outgoing_packets_total counter
node_ipvs_outgoing_packets_total 0
# TYPE node_ipvs_incoming_bytes_total counter
node_ipvs_incoming_bytes_total 89991519156915
# TYPE node_ipvs_outgoing_bytes_total counter
node_ipvs_outgoing_bytes_total 0
";

    #[test]
    fn tells_backends_apart() {
        let expected = r#"# TYPE node_ipvs_backend_connections_active gauge
node_ipvs_backend_connections_active{local_address="",local_port="0",remote_address="192.168.50.21",remote_port="3306",proto="FWM",local_mark="10001000"} 321
node_ipvs_backend_connections_active{local_address="",local_port="0",remote_address="192.168.50.26",remote_port="3306",proto="FWM",local_mark="10001000"} 64
node_ipvs_backend_connections_active{local_address="192.168.0.22",local_port="3306",remote_address="192.168.82.22",remote_port="3306",proto="TCP",local_mark=""} 248
node_ipvs_backend_connections_active{local_address="192.168.0.22",local_port="3306",remote_address="192.168.83.24",remote_port="3306",proto="TCP",local_mark=""} 251
node_ipvs_backend_connections_active{local_address="192.168.0.57",local_port="53",remote_address="192.168.82.34",remote_port="53",proto="UDP",local_mark=""} 0
node_ipvs_backend_connections_active{local_address="2001:db8::16",local_port="443",remote_address="2001:db8::217",remote_port="443",proto="TCP",local_mark=""} 7
# TYPE node_ipvs_backend_connections_inactive gauge
node_ipvs_backend_connections_inactive{local_address="",local_port="0",remote_address="192.168.50.21",remote_port="3306",proto="FWM",local_mark="10001000"} 10
node_ipvs_backend_connections_inactive{local_address="",local_port="0",remote_address="192.168.50.26",remote_port="3306",proto="FWM",local_mark="10001000"} 1
node_ipvs_backend_connections_inactive{local_address="192.168.0.22",local_port="3306",remote_address="192.168.82.22",remote_port="3306",proto="TCP",local_mark=""} 2
node_ipvs_backend_connections_inactive{local_address="192.168.0.22",local_port="3306",remote_address="192.168.83.24",remote_port="3306",proto="TCP",local_mark=""} 5
node_ipvs_backend_connections_inactive{local_address="192.168.0.57",local_port="53",remote_address="192.168.82.34",remote_port="53",proto="UDP",local_mark=""} 1498
node_ipvs_backend_connections_inactive{local_address="2001:db8::16",local_port="443",remote_address="2001:db8::217",remote_port="443",proto="TCP",local_mark=""} 3
# TYPE node_ipvs_backend_weight gauge
node_ipvs_backend_weight{local_address="",local_port="0",remote_address="192.168.50.21",remote_port="3306",proto="FWM",local_mark="10001000"} 0
node_ipvs_backend_weight{local_address="",local_port="0",remote_address="192.168.50.26",remote_port="3306",proto="FWM",local_mark="10001000"} 20
node_ipvs_backend_weight{local_address="192.168.0.22",local_port="3306",remote_address="192.168.82.22",remote_port="3306",proto="TCP",local_mark=""} 100
node_ipvs_backend_weight{local_address="192.168.0.22",local_port="3306",remote_address="192.168.83.24",remote_port="3306",proto="TCP",local_mark=""} 100
node_ipvs_backend_weight{local_address="192.168.0.57",local_port="53",remote_address="192.168.82.34",remote_port="53",proto="UDP",local_mark=""} 1
node_ipvs_backend_weight{local_address="2001:db8::16",local_port="443",remote_address="2001:db8::217",remote_port="443",proto="TCP",local_mark=""} 1
"#;
        assert_eq!(exposed::<Ipvs>("node-network", &[]), [TOTALS, expected].concat());
    }

    #[test]
    fn adds_up_backends_that_are_not_told_apart() {
        let expected = r#"# TYPE node_ipvs_backend_connections_active gauge
node_ipvs_backend_connections_active{remote_port="3306",proto="FWM"} 385
node_ipvs_backend_connections_active{remote_port="443",proto="TCP"} 7
node_ipvs_backend_connections_active{remote_port="3306",proto="TCP"} 499
node_ipvs_backend_connections_active{remote_port="53",proto="UDP"} 0
# TYPE node_ipvs_backend_connections_inactive gauge
node_ipvs_backend_connections_inactive{remote_port="3306",proto="FWM"} 11
node_ipvs_backend_connections_inactive{remote_port="443",proto="TCP"} 3
node_ipvs_backend_connections_inactive{remote_port="3306",proto="TCP"} 7
node_ipvs_backend_connections_inactive{remote_port="53",proto="UDP"} 1498
# TYPE node_ipvs_backend_weight gauge
node_ipvs_backend_weight{remote_port="3306",proto="FWM"} 20
node_ipvs_backend_weight{remote_port="443",proto="TCP"} 1
node_ipvs_backend_weight{remote_port="3306",proto="TCP"} 200
node_ipvs_backend_weight{remote_port="53",proto="UDP"} 1
"#;
        let flag = "--collector.ipvs.backend-labels=proto,remote_port";
        assert_eq!(exposed::<Ipvs>("node-network", &[flag]), [TOTALS, expected].concat());
    }

    #[test]
    fn refuses_a_label_that_is_none() {
        let flag = "--collector.ipvs.backend-labels=proto,port";
        let refused = Scraped::<Ipvs>::new("/".as_ref(), &[flag])
            .err()
            .unwrap()
            .to_string();
        assert!(
            refused.starts_with(
                r#"--collector.ipvs.backend-labels: "port" is none of local_address, "#
            ),
            "{refused}"
        );
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = Malformed { line: 3, expected: "5 hexadecimal numbers" };
        assert_eq!(parse(b"a\nb\n"), Err(wrong.clone()));
        assert_eq!(parse(b"a\nb\n1 2 3 4\n"), Err(wrong));
    }
}
