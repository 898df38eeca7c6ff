//! `/proc/net/netstat`, `snmp` and `snmp6`: what the protocols of the network count.

mod fields;

use regex_lite::Regex;

use self::fields::Fields;
use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Pattern, Text, untyped};
use crate::files::{Error, Kept, Result, Roots};

static NETSTAT: Pattern = untyped("node_netstat_<field>")
    .help("A count of a protocol: its name and the kernel's name of the count.")
    .pattern();

/// The flags of [`Netstat`].
#[derive(Debug, clap::Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of counts to take, as `TcpExt_ListenDrops`
    #[arg(id = FIELDS, long, value_name = "REGEXP", default_value = DEFAULT)]
    fields: String,
}

const FIELDS: &str = "collector.netstat.fields";

/// Those of `node_exporter`.
const DEFAULT: &str = concat!(
    "^(.*_(InErrors|InErrs)|Ip_Forwarding|Ip(6|Ext)_(InOctets|OutOctets)|Icmp6?_(InMsgs|OutMsgs)",
    "|TcpExt_(Listen.*|Syncookies.*|TCPSynRetrans|TCPTimeouts|TCPOFOQueue|TCPRcvQDrop)",
    "|Tcp_(ActiveOpens|InSegs|OutSegs|OutRsts|PassiveOpens|RetransSegs|CurrEstab)",
    "|Udp6?_(InDatagrams|OutDatagrams|NoPorts|RcvbufErrors|SndbufErrors))$",
);

/// Collects what the protocols count.
pub struct Netstat {
    wanted: Regex,
    netstat: Kept,
    snmp: Kept,
    snmp6: Kept,
    fields: [Fields; 3],
    absent6: Absent,
}

impl Collector for Netstat {
    const NAME: &'static str = "netstat";
    const ABOUT: &'static str = "What the protocols of the network count.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/proc/1/net/netstat"),
        Need::Read("/proc/1/net/snmp"),
        Need::Read("/proc/1/net/snmp6"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [NETSTAT.descriptor()].into_iter()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let Flags { fields } = flags;
        let wrong = |error| Error::Config(format!("--{FIELDS}: {fields:?}: {error}"));
        let file = |name| roots.net_file(name, Kept::whole);
        Ok(Self {
            wanted: Regex::new(&fields).map_err(wrong)?,
            netstat: file("netstat"),
            snmp: file("snmp"),
            snmp6: file("snmp6"),
            fields: Default::default(),
            absent6: Absent::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { wanted, netstat, snmp, snmp6, fields, absent6 } = self;
        let [fields, fields_snmp, fields6] = fields;
        let Host { files, now, .. } = host;
        let mut write = |field: &[u8], n: f64| text.pattern(&NETSTAT, field, n);
        files.load_kept(netstat, |text| fields.each_pair(text, wanted, &mut write))?;
        files.load_kept(snmp, |text| fields_snmp.each_pair(text, wanted, &mut write))?;
        absent6.look_if_any(*now, || {
            files.load_kept(snmp6, |text| fields6.each_line(text, wanted, &mut write))
        })?;
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::{Scraped, exposed};

    #[test]
    fn takes_the_counts_that_node_exporter_takes() {
        let expected: String = [
            ("TcpExt_SyncookiesSent", 1001),
            ("TcpExt_SyncookiesRecv", 1008),
            ("TcpExt_SyncookiesFailed", 1015),
            ("TcpExt_ListenOverflows", 1155),
            ("TcpExt_ListenDrops", 1162),
            ("TcpExt_TCPTimeouts", 1302),
            ("TcpExt_TCPOFOQueue", 1575),
            ("TcpExt_TCPSynRetrans", 1701),
            ("TcpExt_TCPRcvQDrop", 1841),
            ("IpExt_InOctets", 1988),
            ("IpExt_OutOctets", 1995),
            ("Ip_Forwarding", 1),
            ("Icmp_InMsgs", 5129),
            ("Icmp_InErrors", 5136),
            ("Icmp_OutMsgs", 5227),
            ("Tcp_ActiveOpens", 5339),
            ("Tcp_PassiveOpens", 5346),
            ("Tcp_CurrEstab", 5367),
            ("Tcp_InSegs", 5374),
            ("Tcp_OutSegs", 5381),
            ("Tcp_RetransSegs", 5388),
            ("Tcp_InErrs", 5395),
            ("Tcp_OutRsts", 5402),
            ("Udp_InDatagrams", 5416),
            ("Udp_NoPorts", 5423),
            ("Udp_InErrors", 5430),
            ("Udp_OutDatagrams", 5437),
            ("Udp_RcvbufErrors", 5444),
            ("Udp_SndbufErrors", 5451),
            ("UdpLite_InErrors", 5493),
            ("Ip6_InOctets", 9243),
            ("Ip6_OutOctets", 9254),
            ("Icmp6_InMsgs", 9364),
            ("Icmp6_InErrors", 9375),
            ("Icmp6_OutMsgs", 9386),
            ("Udp6_InDatagrams", 9815),
            ("Udp6_NoPorts", 9826),
            ("Udp6_InErrors", 9837),
            ("Udp6_OutDatagrams", 9848),
            ("Udp6_RcvbufErrors", 9859),
            ("Udp6_SndbufErrors", 9870),
            ("UdpLite6_InErrors", 9936),
        ]
        .iter()
        .map(|(name, n)| format!("# TYPE node_netstat_{name} untyped\nnode_netstat_{name} {n}\n"))
        .collect();
        assert_eq!(exposed::<Netstat>("node-network", &[]), expected);
    }

    #[test]
    fn takes_what_a_flag_says() {
        let flag = "--collector.netstat.fields=MaxConn|^IcmpMsg";
        let expected = "\
# TYPE node_netstat_IcmpMsg_InType3 untyped
node_netstat_IcmpMsg_InType3 5332
# TYPE node_netstat_Tcp_MaxConn untyped
node_netstat_Tcp_MaxConn -1
";
        assert_eq!(exposed::<Netstat>("node-network", &[flag]), expected);
        let wrong = Scraped::<Netstat>::new("/".as_ref(), &["--collector.netstat.fields=("]);
        let wrong = wrong.err().unwrap().to_string();
        assert!(wrong.starts_with("--collector.netstat.fields: \"(\": "), "{wrong}");
    }
}
