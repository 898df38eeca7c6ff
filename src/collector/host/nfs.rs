//! `/proc/net/rpc/nfs`: what the NFS client did.

use std::path::PathBuf;

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter};
use crate::files::{Result, Roots};
use crate::kernel::{Malformed, lines, nfs};

static PACKETS: Family<1> = counter("node_nfs_packets_total")
    .help("Packets sent and received, by transport.")
    .labels(["protocol"]);

static CLIENT: Table<Client> = Table {
    labels: [],
    metrics: &[
        counter("node_nfs_connections_total")
            .help("Connections of TCP.")
            .value(|c| count(c.net.connections)),
        counter("node_nfs_rpcs_total")
            .help("Calls made.")
            .value(|c| count(c.rpcs)),
        counter("node_nfs_rpc_retransmissions_total")
            .help("Calls sent again.")
            .value(|c| count(c.retransmissions)),
        counter("node_nfs_rpc_authentication_refreshes_total")
            .help("Refreshes of credentials.")
            .value(|c| count(c.authentication_refreshes)),
    ],
};

static REQUESTS: Family<2> = counter("node_nfs_requests_total")
    .help("Calls of each procedure.")
    .labels(["proto", "method"]);

/// The operations of version 4 as the client counts them, in the order of Linux 6.12.
const V4: [&str; 59] = [
    "Null",
    "Read",
    "Write",
    "Commit",
    "Open",
    "OpenConfirm",
    "OpenNoattr",
    "OpenDowngrade",
    "Close",
    "Setattr",
    "FsInfo",
    "Renew",
    "SetClientID",
    "SetClientIDConfirm",
    "Lock",
    "Lockt",
    "Locku",
    "Access",
    "Getattr",
    "Lookup",
    "LookupRoot",
    "Remove",
    "Rename",
    "Link",
    "Symlink",
    "Create",
    "Pathconf",
    "StatFs",
    "ReadLink",
    "ReadDir",
    "ServerCaps",
    "DelegReturn",
    "GetACL",
    "SetACL",
    "FsLocations",
    "ReleaseLockowner",
    "Secinfo",
    "FsidPresent",
    "ExchangeID",
    "CreateSession",
    "DestroySession",
    "Sequence",
    "GetLeaseTime",
    "ReclaimComplete",
    "GetDeviceInfo",
    "LayoutGet",
    "LayoutCommit",
    "LayoutReturn",
    "SecinfoNoName",
    "TestStateID",
    "FreeStateID",
    "GetDeviceList",
    "BindConnToSession",
    "DestroyClientID",
    "Seek",
    "Allocate",
    "DeAllocate",
    "LayoutStats",
    "Clone",
];

/// Collects what the NFS client did.
pub struct Nfs {
    path: PathBuf,
    absent: Absent,
}

impl Collector for Nfs {
    const NAME: &'static str = "nfs";
    const ABOUT: &'static str = "The NFS client: packets, calls and procedures.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/1/net/rpc/nfs")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [PACKETS.descriptor()]
            .into_iter()
            .chain(CLIENT.descriptors())
            .chain([REQUESTS.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { path: roots.net().join("rpc/nfs"), absent: Absent::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { files, now, .. } = host;
        let client = self
            .absent
            .look(*now, || files.load_whole(&self.path, parse))?;
        let mut packets = text.family(&PACKETS);
        packets.sample("udp", client.net.udp);
        packets.sample("tcp", client.net.tcp);
        text.table(&CLIENT, [((), &client)]);
        let mut requests = text.family(&REQUESTS);
        for (proto, methods, calls) in [
            ("2", &nfs::V2[..], &client.v2[..]),
            ("3", &nfs::V3, &client.v3),
            ("4", &V4, &client.v4),
        ] {
            for (method, calls) in methods.iter().zip(calls) {
                requests.sample((proto, *method), *calls);
            }
        }
        Ok(())
    }
}

/// What the client did, each number a count. A version that this kernel lacks is all 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Client {
    /// What went over the network.
    pub net: nfs::Net,
    /// Calls made.
    pub rpcs: u64,
    /// Calls sent again.
    pub retransmissions: u64,
    /// Refreshes of credentials.
    pub authentication_refreshes: u64,
    /// Calls of version 2, in the order of [`nfs::V2`].
    pub v2: [u64; nfs::V2.len()],
    /// Calls of version 3, in the order of [`nfs::V3`].
    pub v3: [u64; nfs::V3.len()],
    /// Calls of version 4.
    pub v4: [u64; V4.len()],
}

/// Parses
///
/// ```text
/// net 90 20 70 12
/// rpc 1218785755 374636 1218815394
/// proc2 18 2 69 0 0 4410 0 0 0 0 0 0 0 0 0 0 0 99 2
/// ```
pub fn parse(text: &[u8]) -> Result<Client, Malformed> {
    let mut client = Client {
        net: nfs::Net::default(),
        rpcs: 0,
        retransmissions: 0,
        authentication_refreshes: 0,
        v2: [0; _],
        v3: [0; _],
        v4: [0; _],
    };
    for mut line in lines(text) {
        match line.field() {
            Some(b"net") => client.net = nfs::net(&mut line)?,
            Some(b"rpc") => {
                let [rpcs, retransmissions, refreshes] = nfs::numbers(&mut line, "3 numbers")?;
                client.rpcs = rpcs;
                client.retransmissions = retransmissions;
                client.authentication_refreshes = refreshes;
            }
            Some(b"proc2") => client.v2 = nfs::calls(&mut line)?,
            Some(b"proc3") => client.v3 = nfs::calls(&mut line)?,
            Some(b"proc4") => client.v4 = nfs::calls(&mut line)?,
            // A later kernel's.
            _ => {}
        }
    }
    Ok(client)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn says_what_the_client_did() {
        let text = exposed::<Nfs>("node-network", &[]);
        let expected = "\
# TYPE node_nfs_packets_total counter
node_nfs_packets_total{protocol=\"udp\"} 20
node_nfs_packets_total{protocol=\"tcp\"} 70
# TYPE node_nfs_connections_total counter
node_nfs_connections_total 12
# TYPE node_nfs_rpcs_total counter
node_nfs_rpcs_total 1218785755
# TYPE node_nfs_rpc_retransmissions_total counter
node_nfs_rpc_retransmissions_total 374636
# TYPE node_nfs_rpc_authentication_refreshes_total counter
node_nfs_rpc_authentication_refreshes_total 1218815394
# TYPE node_nfs_requests_total counter
";
        let (head, requests) = text.split_at(expected.len());
        assert_eq!(head, expected);
        let calls = |proto: &str, method: &str| {
            let labels = format!("{{proto=\"{proto}\",method=\"{method}\"}} ");
            let line = requests.lines().find_map(|line| line.split_once(&labels));
            line.unwrap().1.parse::<u64>().unwrap()
        };
        let seen: Vec<u64> = V4.iter().map(|method| calls("4", method)).collect();
        assert_eq!(seen, (1..=59).collect::<Vec<u64>>());
        let seen = nfs::V3.map(|method| calls("3", method));
        assert_eq!(seen[..4], [1, 1_061_909_262, 48906, 4_077_635]);
        assert_eq!(seen[18..], [13332, 2, 1, 23729]);
        let seen = nfs::V2.map(|method| calls("2", method));
        assert_eq!(seen, [2, 69, 0, 0, 4410, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 0, 99, 2]);
        assert_eq!(requests.lines().count(), 18 + 22 + 59);
    }

    #[test]
    fn passes_over_lines_of_later_kernels() {
        let client = parse(b"new 1 2\n\nnet 1 2 3 4\nproc4 2 0 5\n").unwrap();
        assert_eq!((client.net.tcp, client.v4[1], client.v4[2]), (3, 5, 0));
        let wrong = Malformed { line: 1, expected: "3 numbers" };
        assert_eq!(parse(b"rpc 1 2\n"), Err(wrong));
    }
}
