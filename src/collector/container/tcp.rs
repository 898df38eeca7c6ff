//! `/proc/<pid>/net/tcp` and `tcp6`: sockets of TCP by their states, of every network namespace once.

use super::namespaces::States;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Result, Roots};
use crate::kernel::{Malformed, sockets};

static FAMILIES: [(&str, Family<1>); 2] = [
    (
        "net/tcp",
        gauge("container_network_tcp_usage_total")
            .help("Sockets of TCP over IPv4 in a state.")
            .labels(["tcp_state"]),
    ),
    (
        "net/tcp6",
        gauge("container_network_tcp6_usage_total")
            .help("Sockets of TCP over IPv6 in a state.")
            .labels(["tcp_state"]),
    ),
];

/// The states, in the order of their numbers, which begin with 1.
const NAMES: [&str; 11] = [
    "established",
    "synsent",
    "synrecv",
    "finwait1",
    "finwait2",
    "timewait",
    "close",
    "closewait",
    "lastack",
    "listen",
    "closing",
];

/// Collects the states of TCP.
pub struct Tcp(States<{ NAMES.len() }>);

impl Collector for Tcp {
    const NAME: &'static str = "container.tcp";
    const ABOUT: &'static str =
        "Sockets of TCP of each container by their states, every network namespace once.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/net/tcp"),
        Need::Read("/proc/<pid>/net/tcp6"),
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

fn parse(text: &[u8]) -> Result<[u64; NAMES.len()], Malformed> {
    let mut states = [0; NAMES.len()];
    sockets::each(text, |socket| {
        let at = usize::from(socket.state).checked_sub(1);
        if let Some(n) = at.and_then(|at| states.get_mut(at)) {
            *n += 1;
        }
    })?;
    Ok(states)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn counts_the_sockets_of_each_namespace_by_state() {
        let socket = |state: &str| format!("1: 0:1 0:2 {state} 00000000:00000000 00:0 0 0 0 0\n");
        let tcp = format!("sl\n{}{}{}", socket("01"), socket("0A"), socket("0A"));
        let [id, other] = ["a", "b"].map(|digit| digit.repeat(64));
        let [procs, joined] = [&id, &other].map(|id| format!("sys/fs/cgroup/{id}/cgroup.procs"));
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("proc/7/net/dev", ""),
            ("proc/7/net/tcp", tcp.as_str()),
            ("proc/7/net/tcp6", "sl\n"),
            (procs.as_str(), "7\n"),
            (joined.as_str(), "8\n"),
        ];
        let mut host = Trial::<Tcp>::new(&[], &tree).contained();
        host.link("proc/8", "7");
        let samples = |name: &str, states: [u64; NAMES.len()]| -> String {
            let line = |(state, n): (&&str, u64)| {
                format!("{name}{{id=\"/{id}\",tcp_state=\"{state}\"}} {n}\n")
            };
            NAMES.iter().zip(states).map(line).collect()
        };
        let v4 = samples("container_network_tcp_usage_total", [1, 0, 0, 0, 0, 0, 0, 0, 0, 2, 0]);
        let v6 = samples("container_network_tcp6_usage_total", [0; 11]);
        assert_eq!(host.collect().unwrap(), format!("{v4}{v6}"));
        host.remove("proc/7/net/tcp6");
        assert_eq!(host.collect().unwrap(), v4, "without IPv6");
        host.write("proc/7/net/tcp", b"sl\n1: x\n");
        assert_eq!(host.collect().unwrap(), "");
        assert_eq!(host.host.failures.count, 1);
    }

    #[test]
    fn passes_over_states_that_it_does_not_know() {
        assert_eq!(parse(b"sl\n1: a b FF 0:0\n1: a b 00 0:0\n"), Ok([0; 11]));
    }
}
