//! `/proc/<pid>/net/udp` and `udp6`: sockets of UDP and what waits in them, of every network namespace
//! once.

use super::namespaces::States;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Result, Roots};
use crate::kernel::{Malformed, decimal, sockets};

static FAMILIES: [(&str, Family<1>); 2] = [
    (
        "net/udp6",
        gauge("container_network_udp6_usage_total")
            .help(
                "Sockets of UDP over IPv6 (listen), datagrams they dropped, bytes in their queues.",
            )
            .labels(["udp_state"]),
    ),
    (
        "net/udp",
        gauge("container_network_udp_usage_total")
            .help(
                "Sockets of UDP over IPv4 (listen), datagrams they dropped, bytes in their queues.",
            )
            .labels(["udp_state"]),
    ),
];

/// What is counted: sockets, datagrams that found no room, bytes received and bytes to be sent.
const NAMES: [&str; 4] = ["listen", "dropped", "rxqueued", "txqueued"];

/// Collects the sockets of UDP.
pub struct Udp(States<{ NAMES.len() }>);

impl Collector for Udp {
    const NAME: &'static str = "container.udp";
    const ABOUT: &'static str =
        "Sockets of UDP of each container and their queues, every network namespace once.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/net/udp"),
        Need::Read("/proc/<pid>/net/udp6"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        FAMILIES.iter().map(|(_, family)| family.descriptor())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self(States::new(roots)))
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        self.0.collect(host, text, &FAMILIES, NAMES, parse)
    }
}

/// Adds up the sockets. The last column is of dropped datagrams, since Linux 2.6.27.
fn parse(text: &[u8]) -> Result<[u64; NAMES.len()], Malformed> {
    let mut all = [0_u64; NAMES.len()];
    let mut wrong = None;
    sockets::each_with_rest(text, |socket, line| {
        let last = line.rest().rsplit(u8::is_ascii_whitespace).next();
        let dropped = last.and_then(decimal);
        if dropped.is_none() {
            wrong.get_or_insert(line.malformed("dropped datagrams"));
        }
        let one = [1, dropped.unwrap_or_default(), socket.receive_bytes, socket.transmit_bytes];
        for (sum, n) in all.iter_mut().zip(one) {
            *sum = sum.wrapping_add(n);
        }
    })?;
    wrong.map_or(Ok(all), Err)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn adds_up_the_sockets_of_each_namespace() {
        let socket = "1: 0:1 0:2 07 00000002:00000010 00:0 0 0 0 9 2 0000 5 \n";
        let udp = format!("sl\n{socket}{socket}");
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("sys/fs/cgroup/cgroup.procs", "1\n"),
            ("proc/1/net/dev", ""),
            ("proc/1/net/udp", udp.as_str()),
        ];
        let mut host = Trial::<Udp>::new(&[], &tree).contained();
        let expected = r#"container_network_udp_usage_total{id="/",udp_state="listen"} 2
container_network_udp_usage_total{id="/",udp_state="dropped"} 10
container_network_udp_usage_total{id="/",udp_state="rxqueued"} 32
container_network_udp_usage_total{id="/",udp_state="txqueued"} 4
"#;
        assert_eq!(host.collect().unwrap(), expected);
        host.write("proc/1/net/udp", b"sl\n1: 0:1 0:2 07 00000002:00000010\n");
        assert_eq!(host.collect().unwrap(), "");
        let failure = host.host.failures.first.take().unwrap();
        assert!(failure.ends_with("line 2: dropped datagrams expected"), "{failure}");
    }
}
