//! `/proc/net/rpc/nfsd`: what the NFS server did.

use std::path::PathBuf;

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter, gauge};
use crate::files::{Result, Roots};
use crate::kernel::{Malformed, lines, nfs};

static SERVER: Table<Server> = Table {
    labels: [],
    metrics: &[
        counter("node_nfsd_reply_cache_hits_total")
            .help("Calls that came again and were answered from the cache.")
            .value(|s| count(s.reply_hits)),
        counter("node_nfsd_reply_cache_misses_total")
            .help("Calls that the cache did not know, and now does.")
            .value(|s| count(s.reply_misses)),
        counter("node_nfsd_reply_cache_nocache_total")
            .help("Calls that are never cached.")
            .value(|s| count(s.reply_nocache)),
        counter("node_nfsd_file_handles_stale_total")
            .help("File handles that were stale.")
            .value(|s| count(s.stale_handles)),
        counter("node_nfsd_disk_bytes_read_total")
            .help("Bytes read.")
            .value(|s| count(s.bytes_read)),
        counter("node_nfsd_disk_bytes_written_total")
            .help("Bytes written.")
            .value(|s| count(s.bytes_written)),
        gauge("node_nfsd_server_threads")
            .help("Threads of the server.")
            .value(|s| count(s.threads)),
        gauge("node_nfsd_read_ahead_cache_size_blocks")
            .help("Size of the read-ahead cache in blocks; 0 since Linux 5.4, which has none.")
            .value(|s| count(s.read_ahead_blocks)),
        counter("node_nfsd_read_ahead_cache_not_found_total")
            .help("Searches in the read-ahead cache that found nothing; 0 since Linux 5.4.")
            .value(|s| count(s.read_ahead_not_found)),
        counter("node_nfsd_connections_total")
            .help("Connections of TCP.")
            .value(|s| count(s.net.connections)),
        counter("node_nfsd_server_rpcs_total")
            .help("Calls received.")
            .value(|s| count(s.rpcs)),
    ],
};

static PACKETS: Family<1> = counter("node_nfsd_packets_total")
    .help("Packets received, by transport.")
    .labels(["proto"]);

static RPC_ERRORS: Family<1> = counter("node_nfsd_rpc_errors_total")
    .help("Calls refused: for their format, for their credentials, or as a client.")
    .labels(["error"]);

static REQUESTS: Family<2> = counter("node_nfsd_requests_total")
    .help("Calls of each procedure, of version 4 each operation.")
    .labels(["proto", "method"]);

/// The operations of version 4, from `OP_ACCESS`, which is 3. Those without a name `node_exporter`
/// does not show, nor any that came with version 4.1.
const V4: [&str; 37] = [
    "Access",
    "Close",
    "Commit",
    "Create",
    "DelegPurge",
    "DelegReturn",
    "GetAttr",
    "GetFH",
    "Link",
    "Lock",
    "Lockt",
    "Locku",
    "Lookup",
    "LookupRoot",
    "Nverify",
    "Open",
    "OpenAttr",
    "OpenConfirm",
    "OpenDgrd",
    "PutFH",
    NOT_SHOWN,
    NOT_SHOWN,
    "Read",
    "ReadDir",
    "ReadLink",
    "Remove",
    "Rename",
    "Renew",
    "RestoreFH",
    "SaveFH",
    "SecInfo",
    "SetAttr",
    "SetClientID",
    "SetClientIDConfirm",
    "Verify",
    "Write",
    "RelLockOwner",
];

const NOT_SHOWN: &str = "";

/// Collects what the NFS server did.
pub struct Nfsd {
    path: PathBuf,
    absent: Absent,
}

impl Collector for Nfsd {
    const NAME: &'static str = "nfsd";
    const ABOUT: &'static str = "The NFS server: caches, calls and procedures.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/1/net/rpc/nfsd")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        SERVER.descriptors().chain([
            PACKETS.descriptor(),
            RPC_ERRORS.descriptor(),
            REQUESTS.descriptor(),
        ])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { path: roots.net().join("rpc/nfsd"), absent: Absent::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { files, now, .. } = host;
        let server = self
            .absent
            .look(*now, || files.load_whole(&self.path, parse))?;
        text.table(&SERVER, [((), &server)]);
        let mut packets = text.family(&PACKETS);
        packets.sample("udp", server.net.udp);
        packets.sample("tcp", server.net.tcp);
        let mut errors = text.family(&RPC_ERRORS);
        let [format, auth, client] = server.rpc_errors;
        errors.sample("fmt", format);
        errors.sample("auth", auth);
        errors.sample("cInt", client);
        let mut requests = text.family(&REQUESTS);
        let [_, _, _, v4 @ ..] = &server.v4;
        for (proto, methods, calls) in [
            ("2", &nfs::V2[..], &server.v2[..]),
            ("3", &nfs::V3, &server.v3),
            ("4", &V4, v4),
            ("4", &["WdelegGetattr"], &[server.wdeleg_getattr]),
        ] {
            // Nor does it show the empty procedure of any version.
            let shown = methods
                .iter()
                .zip(calls)
                .filter(|(method, _)| !matches!(**method, NOT_SHOWN | "Null"));
            for (method, calls) in shown {
                requests.sample((proto, *method), *calls);
            }
        }
        Ok(())
    }
}

/// What the server did, each number a count unless said otherwise. What this kernel does not count is
/// 0.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Server {
    /// Calls answered from the reply cache.
    pub reply_hits: u64,
    /// Calls that the reply cache did not know.
    pub reply_misses: u64,
    /// Calls that are never cached.
    pub reply_nocache: u64,
    /// Stale file handles.
    pub stale_handles: u64,
    /// Bytes read.
    pub bytes_read: u64,
    /// Bytes written.
    pub bytes_written: u64,
    /// Threads there are.
    pub threads: u64,
    /// Blocks of the read-ahead cache.
    pub read_ahead_blocks: u64,
    /// Searches in the read-ahead cache that found nothing.
    pub read_ahead_not_found: u64,
    /// What went over the network.
    pub net: nfs::Net,
    /// Calls received.
    pub rpcs: u64,
    /// Calls refused: bad format, bad credentials, bad client.
    pub rpc_errors: [u64; 3],
    /// Calls of version 2, in the order of [`nfs::V2`].
    pub v2: [u64; nfs::V2.len()],
    /// Calls of version 3, in the order of [`nfs::V3`].
    pub v3: [u64; nfs::V3.len()],
    /// Operations of version 4, from number 0.
    pub v4: [u64; 3 + V4.len()],
    /// Delegations recalled because somebody asked for attributes, since Linux 6.7.
    pub wdeleg_getattr: u64,
}

/// Parses
///
/// ```text
/// rc 1 6 18622
/// fh 3 0 0 0 0
/// io 157286400 72864
/// th 8 0 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000 0.000
/// ra 32 0 0 0 0 0 0 0 0 0 0 5
/// net 18628 972 17656 25
/// rpc 18628 3 1 2 0
/// proc2 18 2 69 0 0 4410 0 0 0 0 0 0 0 0 0 0 0 99 2
/// ```
pub fn parse(text: &[u8]) -> Result<Server, Malformed> {
    let mut server = Server {
        reply_hits: 0,
        reply_misses: 0,
        reply_nocache: 0,
        stale_handles: 0,
        bytes_read: 0,
        bytes_written: 0,
        threads: 0,
        read_ahead_blocks: 0,
        read_ahead_not_found: 0,
        net: nfs::Net::default(),
        rpcs: 0,
        rpc_errors: [0; _],
        v2: [0; _],
        v3: [0; _],
        v4: [0; _],
        wdeleg_getattr: 0,
    };
    for mut line in lines(text) {
        match line.field() {
            Some(b"rc") => {
                [server.reply_hits, server.reply_misses, server.reply_nocache] =
                    nfs::numbers(&mut line, "3 numbers")?;
            }
            Some(b"fh") => [server.stale_handles] = nfs::numbers(&mut line, "a number")?,
            Some(b"io") => {
                [server.bytes_read, server.bytes_written] = nfs::numbers(&mut line, "2 numbers")?;
            }
            Some(b"th") => [server.threads] = nfs::numbers(&mut line, "a number")?,
            Some(b"ra") => {
                [server.read_ahead_blocks, .., server.read_ahead_not_found] =
                    nfs::numbers::<12>(&mut line, "12 numbers")?;
            }
            Some(b"net") => server.net = nfs::net(&mut line)?,
            Some(b"rpc") => {
                let [calls, _bad, errors @ ..] = nfs::numbers::<5>(&mut line, "5 numbers")?;
                server.rpcs = calls;
                server.rpc_errors = errors;
            }
            Some(b"proc2") => server.v2 = nfs::calls(&mut line)?,
            Some(b"proc3") => server.v3 = nfs::calls(&mut line)?,
            Some(b"proc4ops") => server.v4 = nfs::calls(&mut line)?,
            Some(b"wdeleg_getattr") => {
                [server.wdeleg_getattr] = nfs::numbers(&mut line, "a number")?;
            }
            // Version 4's own procedures are but two, and a later kernel may have more to say.
            _ => {}
        }
    }
    Ok(server)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn says_what_the_server_did() {
        let text = exposed::<Nfsd>("node-network", &[]);
        let expected = "\
# TYPE node_nfsd_reply_cache_hits_total counter
node_nfsd_reply_cache_hits_total 1
# TYPE node_nfsd_reply_cache_misses_total counter
node_nfsd_reply_cache_misses_total 6
# TYPE node_nfsd_reply_cache_nocache_total counter
node_nfsd_reply_cache_nocache_total 18622
# TYPE node_nfsd_file_handles_stale_total counter
node_nfsd_file_handles_stale_total 3
# TYPE node_nfsd_disk_bytes_read_total counter
node_nfsd_disk_bytes_read_total 157286400
# TYPE node_nfsd_disk_bytes_written_total counter
node_nfsd_disk_bytes_written_total 72864
# TYPE node_nfsd_server_threads gauge
node_nfsd_server_threads 8
# TYPE node_nfsd_read_ahead_cache_size_blocks gauge
node_nfsd_read_ahead_cache_size_blocks 32
# TYPE node_nfsd_read_ahead_cache_not_found_total counter
node_nfsd_read_ahead_cache_not_found_total 5
# TYPE node_nfsd_connections_total counter
node_nfsd_connections_total 25
# TYPE node_nfsd_server_rpcs_total counter
node_nfsd_server_rpcs_total 18628
# TYPE node_nfsd_packets_total counter
node_nfsd_packets_total{proto=\"udp\"} 972
node_nfsd_packets_total{proto=\"tcp\"} 17656
# TYPE node_nfsd_rpc_errors_total counter
node_nfsd_rpc_errors_total{error=\"fmt\"} 1
node_nfsd_rpc_errors_total{error=\"auth\"} 2
node_nfsd_rpc_errors_total{error=\"cInt\"} 0
# TYPE node_nfsd_requests_total counter
";
        let (head, requests) = text.split_at(expected.len());
        assert_eq!(head, expected);
        let calls: Vec<(&str, &str, u64)> = requests
            .lines()
            .map(|line| {
                let parts: Vec<&str> = line.split('"').collect();
                (parts[1], parts[3], parts[4].trim_start_matches("} ").parse().unwrap())
            })
            .collect();
        let of = |version| {
            calls
                .iter()
                .filter(move |(proto, ..)| *proto == version)
                .count()
        };
        assert_eq!([of("2"), of("3"), of("4")], [17, 21, 36]);
        for (proto, method, n) in [
            ("2", "GetAttr", 69),
            ("2", "FsStat", 2),
            ("3", "GetAttr", 112),
            ("3", "Commit", 0),
            ("3", "ReadDirPlus", 216),
            ("4", "Access", 1098),
            ("4", "GetAttr", 8179),
            ("4", "PutFH", 2),
            ("4", "Read", 26),
            ("4", "SetAttr", 35),
            ("4", "SetClientID", 36),
            ("4", "Verify", 38),
            ("4", "Write", 39),
            ("4", "RelLockOwner", 40),
            ("4", "WdelegGetattr", 16),
        ] {
            assert!(calls.contains(&(proto, method, n)), "{proto} {method} {n}");
        }
    }

    #[test]
    fn passes_over_lines_of_later_kernels() {
        let server = parse(b"new 1 2\nth 4 0 0.000\n\nproc4ops 4 0 0 0 9\n").unwrap();
        assert_eq!((server.threads, server.v4[3], server.v4[4]), (4, 9, 0));
        let wrong = Malformed { line: 1, expected: "5 numbers" };
        assert_eq!(parse(b"rpc 1 2 3 4\n"), Err(wrong));
    }
}
