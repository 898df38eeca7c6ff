//! `/proc/<pid>/net/netstat` and `snmp`: what TCP counts, of every network namespace once.

mod counts;

use self::counts::{Counts, NAMES};
use super::namespaces::{Namespaces, Shape};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Result, Roots};

static COUNTS: Family<1> = gauge("container_network_advance_tcp_stats_total")
    .help("A count of TCP by the kernel's name for it, in small letters; a few are settings.")
    .labels(["tcp_state"]);

/// Collects what TCP counts.
pub struct AdvTcp {
    namespaces: Namespaces,
    /// Places in the list of rows, in rising order, and what was found.
    found: Vec<(usize, Counts)>,
}

impl Collector for AdvTcp {
    const NAME: &'static str = "container.advtcp";
    const ABOUT: &'static str = "What TCP counts in each container, every network namespace once.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/net/netstat"),
        Need::Read("/proc/<pid>/net/snmp"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [COUNTS.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { namespaces: Namespaces::new(roots), found: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { namespaces, found } = self;
        namespaces.find(host)?;
        found.clear();
        for (file, protocol) in [("net/netstat", &b"TcpExt:"[..]), ("net/snmp", b"Tcp:")] {
            namespaces.each(host, file, Shape::Whole, |row, text| {
                let at = found.iter().position(|(known, _)| *known == row);
                let mut counts = at
                    .and_then(|at| found.get(at))
                    .map_or_else(Counts::default, |f| f.1);
                counts.read(text, protocol)?;
                match at.and_then(|at| found.get_mut(at)) {
                    Some((_, known)) => *known = counts,
                    None => found.push((row, counts)),
                }
                Ok(())
            });
        }
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let rows = containers.rows();
        let mut family = text.family(&COUNTS);
        for (row, counts) in found {
            let Some(row) = rows.get(*row) else { continue };
            for (name, n) in NAMES.iter().zip(counts.0) {
                if let Some(n) = n {
                    family.sample((&row.labels, *name), n);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn says_what_tcp_counts_once_for_each_namespace() {
        let id = "a".repeat(64);
        let procs = format!("sys/fs/cgroup/docker/{id}/cgroup.procs");
        let tree = [
            ("proc/1/mountinfo", "36 32 0:31 / /sys/fs/cgroup rw - cgroup cgroup rw,memory\n"),
            ("proc/1/net/dev", ""),
            ("proc/1/net/snmp", "Tcp: MaxConn InSegs\nTcp: -1 5\n"),
            ("proc/7/net/dev", ""),
            ("proc/7/net/netstat", "TcpExt: TW New\nTcpExt: 3 4\nIpExt: InCsumErrors\nIpExt: 6\n"),
            ("proc/7/net/snmp", "Udp: InErrors\nUdp: 9\nTcp: InErrs\nTcp: x\n"),
            (procs.as_str(), "7\n"),
        ];
        let mut host = Trial::<AdvTcp>::new(&[], &tree).contained();
        let expected = format!(
            r#"container_network_advance_tcp_stats_total{{id="/docker/{id}",tcp_state="tw"}} 3
container_network_advance_tcp_stats_total{{id="/",tcp_state="insegs"}} 5
container_network_advance_tcp_stats_total{{id="/",tcp_state="maxconn"}} -1
"#
        );
        assert_eq!(host.collect().unwrap(), expected);
        assert_eq!(host.host.failures.count, 1, "a number that is none");
    }
}
