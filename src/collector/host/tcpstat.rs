//! Sockets of TCP by their states.
//!
//! The kernel is asked over netlink where the host's network is the exporter's own. Elsewhere
//! `/proc/1/net/tcp` and `tcp6` are read, which do not say how many connections may wait where a
//! socket listens.

use std::io;
use std::path::{Path, PathBuf};

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Files, Network, Result, Roots};
use crate::kernel::netlink::{self, get_connections};
use crate::kernel::sockets;
use crate::system::netlink::Socket;

static STATES: Family<1> = gauge("node_tcp_connection_states")
    .help("Sockets of TCP in a state; bytes in their queues, and waiting connections, together.")
    .labels(["state"]);

/// The states, in the order of their numbers, which begin with 1.
const NAMES: [&str; 11] = [
    "established",
    "syn_sent",
    "syn_recv",
    "fin_wait1",
    "fin_wait2",
    "time_wait",
    "close",
    "close_wait",
    "last_ack",
    "listen",
    "closing",
];

/// Collects the states of TCP.
pub struct Tcpstat {
    tcp: PathBuf,
    tcp6: PathBuf,
    /// Whether to ask over netlink.
    netlink: bool,
    socket: Option<Socket>,
}

impl Collector for Tcpstat {
    const NAME: &'static str = "tcpstat";
    const ABOUT: &'static str = "Sockets of TCP by their states.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/1/net/tcp"), Need::Read("/proc/1/net/tcp6")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [STATES.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let net = roots.net();
        Ok(Self {
            tcp: net.join("tcp"),
            tcp6: net.join("tcp6"),
            netlink: roots.network() == Network::Own,
            socket: None,
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { tcp, tcp6, netlink, socket } = self;
        let mut states = States::default();
        let asked = if *netlink { states.ask(socket) } else { Ok(()) };
        if let Err(error) = &asked {
            tracing::debug!(%error, "no netlink");
            *socket = None;
            states = States::default();
        }
        if !*netlink || asked.is_err() {
            states.read(tcp, &mut host.files)?;
            // IPv6 may be switched off.
            if let Err(error) = states.read(tcp6, &mut host.files) {
                host.failures.note(&error);
            }
        }
        states.write(text);
        Ok(())
    }
}

/// Sockets by their states.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct States {
    sockets: [u64; NAMES.len()],
    transmit: u64,
    receive: u64,
}

impl States {
    /// Asks the kernel, over a socket that may have to be opened first.
    fn ask(&mut self, socket: &mut Option<Socket>) -> io::Result<()> {
        let socket = match socket {
            Some(socket) => socket,
            None => socket.insert(Socket::open_diag()?),
        };
        for family in [netlink::Family::Inet, netlink::Family::Inet6] {
            socket.ask_messages(
                |n| get_connections(n, family),
                |message| {
                    if let Some(c) = message.connection() {
                        self.add(c.state, c.send_queue.into(), c.receive_queue.into());
                    }
                },
            )?;
        }
        Ok(())
    }

    fn read(&mut self, path: &Path, files: &mut Files) -> Result<()> {
        files.load_records(path, |text| {
            sockets::each(text, |s| self.add(s.state, s.transmit_bytes, s.receive_bytes))
        })
    }

    fn add(&mut self, state: u8, transmit: u64, receive: u64) {
        // 12 is what a kernel calls a connection that it has but half made, and 3 to others.
        let state = if state == 12 { 3 } else { usize::from(state) };
        if let Some(n) = state.checked_sub(1).and_then(|at| self.sockets.get_mut(at)) {
            *n += 1;
        }
        self.transmit = self.transmit.wrapping_add(transmit);
        self.receive = self.receive.wrapping_add(receive);
    }

    fn write(&self, text: &mut Text) {
        let mut states = text.family(&STATES);
        for (name, n) in NAMES.iter().zip(self.sockets).filter(|(_, n)| *n > 0) {
            states.sample(*name, n);
        }
        if self.sockets.iter().any(|n| *n > 0) {
            states.sample("rx_queued_bytes", self.receive);
            states.sample("tx_queued_bytes", self.transmit);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn counts_sockets_of_both_versions_of_ip() {
        let expected = r#"# TYPE node_tcp_connection_states gauge
node_tcp_connection_states{state="established"} 2
node_tcp_connection_states{state="time_wait"} 1
node_tcp_connection_states{state="listen"} 2
node_tcp_connection_states{state="rx_queued_bytes"} 18
node_tcp_connection_states{state="tx_queued_bytes"} 275
"#;
        assert_eq!(exposed::<Tcpstat>("node-network", &[]), expected);
    }

    #[test]
    fn says_nothing_of_states_that_nobody_is_in() {
        let mut text = Text::default();
        States::default().write(&mut text);
        assert!(text.is_empty());
        let mut states = States::default();
        for state in [0, 3, 12, 13, 255] {
            states.add(state, 1, 0);
        }
        assert_eq!(states.sockets, [0, 0, 2, 0, 0, 0, 0, 0, 0, 0, 0]);
    }
}
