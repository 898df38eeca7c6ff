//! `/proc/net/udp` and `udp6`: bytes that wait in the queues of UDP sockets.

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Error, Kept, Result, Roots};
use crate::kernel::{Malformed, sockets};

static QUEUES: Family<2> = gauge("node_udp_queues")
    .help("Bytes in the queues of all UDP sockets of the host.")
    .labels(["queue", "ip"]);

/// Collects how much waits in UDP sockets.
pub struct UdpQueues {
    v4: File,
    v6: File,
}

struct File {
    kept: Kept,
    absent: Absent,
    /// Whether it was read before.
    there: bool,
}

impl Collector for UdpQueues {
    const NAME: &'static str = "udp_queues";
    const ABOUT: &'static str = "Bytes that wait in the queues of UDP sockets.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/1/net/udp"), Need::Read("/proc/1/net/udp6")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [QUEUES.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let file = |name| {
            let kept = roots.net_file(name, Kept::new);
            File { kept, absent: Absent::default(), there: false }
        };
        Ok(Self { v4: file("udp"), v6: file("udp6") })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { files, now, shared, .. } = host;
        let [udp, udp6] = shared.udp_sockets;
        let mut queues = text.family(&QUEUES);
        let mut found = false;
        for (ip, file, sockets) in [("v4", &mut self.v4, udp), ("v6", &mut self.v6, udp6)] {
            let File { kept, absent, there } = file;
            let sum = if *there && sockets == Some(0) {
                // To find that there are none, the kernel would go through a table for many thousands.
                Some(Queues::default())
            } else {
                absent.look_if_any(*now, || files.load_kept(kept, parse))?
            };
            *there = sum.is_some();
            if let Some(sum) = sum {
                queues.sample(("tx", ip), sum.transmit_bytes);
                queues.sample(("rx", ip), sum.receive_bytes);
                found = true;
            }
        }
        if found { Ok(()) } else { Err(Error::Absent(self.v4.kept.path().into())) }
    }
}

/// What waits in the queues of all sockets.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Queues {
    transmit_bytes: u64,
    receive_bytes: u64,
}

fn parse(text: &[u8]) -> Result<Queues, Malformed> {
    let mut sum = Queues::default();
    sockets::each(text, |socket| {
        sum.transmit_bytes = sum.transmit_bytes.wrapping_add(socket.transmit_bytes);
        sum.receive_bytes = sum.receive_bytes.wrapping_add(socket.receive_bytes);
    })?;
    Ok(sum)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;
    use crate::collector::trial::Trial;

    #[test]
    fn adds_up_what_waits() {
        let expected = r#"# TYPE node_udp_queues gauge
node_udp_queues{queue="tx",ip="v4"} 514
node_udp_queues{queue="rx",ip="v4"} 22
node_udp_queues{queue="tx",ip="v6"} 1
node_udp_queues{queue="rx",ip="v6"} 3840
"#;
        assert_eq!(exposed::<UdpQueues>("node-network", &[]), expected);
    }

    #[test]
    fn where_there_are_no_sockets_none_are_looked_for() {
        let one = "head\n 1: 0:0 0:0 07 00000000:00000015 00:0 0 0 0 1 2 0 0\n";
        let mut trial = Trial::<UdpQueues>::new(&[], &[("proc/net/udp", one)]);
        let mut received = |sockets| {
            let mut text = Text::default();
            trial.host.shared.udp_sockets = [sockets, Some(0)];
            trial.collector.collect(&mut trial.host, &mut text).unwrap();
            let text = String::from_utf8(text.to_vec()).unwrap();
            let last = text.lines().last().unwrap();
            last.strip_prefix(r#"node_udp_queues{queue="rx",ip="v4"} "#)
                .map(str::to_owned)
        };
        let counts = [Some(0), Some(0), Some(1), None].map(&mut received);
        let expected = ["21", "0", "21", "21"].map(|n| Some(n.to_owned()));
        assert_eq!(
            counts, expected,
            "a file is read first, and one that is not there says nothing"
        );
    }
}
