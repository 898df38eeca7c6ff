//! `ip_vs`: virtual services and their backends.

use std::io::Write;
use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use crate::exposition::{Buffer, LabelValue};
use crate::kernel::{Line, Malformed, hex, lines};

/// The labels there are.
pub(super) const LABELS: [&str; 6] =
    ["local_address", "local_port", "remote_address", "remote_port", "proto", "local_mark"];

/// A backend of a virtual service. What is not shown of it has its default.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Backend {
    service: Service,
    remote: Option<IpAddr>,
    remote_port: u16,
    /// Its share of the connections.
    pub(super) weight: u64,
    /// Connections that are active, a count.
    pub(super) active: u64,
    /// Connections that are not, a count.
    pub(super) inactive: u64,
}

/// A virtual service: an address, or a mark of the firewall.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
struct Service {
    address: Option<IpAddr>,
    port: u16,
    proto: Proto,
    mark: Option<u32>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Proto {
    #[default]
    Firewall,
    Tcp,
    Udp,
    Sctp,
}

impl Proto {
    fn parse(word: &[u8]) -> Option<Self> {
        match word {
            b"TCP" => Some(Self::Tcp),
            b"UDP" => Some(Self::Udp),
            b"SCTP" => Some(Self::Sctp),
            b"FWM" => Some(Self::Firewall),
            _ => None,
        }
    }

    fn as_str(self) -> &'static str {
        match self {
            Self::Tcp => "TCP",
            Self::Udp => "UDP",
            Self::Sctp => "SCTP",
            Self::Firewall => "FWM",
        }
    }
}

/// Parses services, and below each its backends:
///
/// ```text
/// IP Virtual Server version 1.2.1 (size=4096)
/// Prot LocalAddress:Port Scheduler Flags
///   -> RemoteAddress:Port Forward Weight ActiveConn InActConn
/// TCP  C0A80016:0CEA wlc
///   -> C0A85216:0CEA      Tunnel  100    248        2
/// FWM  10001000 wlc persistent 360 FFFFFFFF
///   -> C0A8321A:0CEA      Route   20     64         1
/// ```
pub(super) fn each(text: &[u8], mut each: impl FnMut(Backend)) -> Result<(), Malformed> {
    let mut service = Service::default();
    for mut line in lines(text).skip(3) {
        match line.field() {
            Some(b"->") => each(backend(line, service)?),
            Some(word) => {
                let proto = Proto::parse(word).ok_or(line.malformed("a protocol"))?;
                service = match proto {
                    Proto::Firewall => {
                        let mark = hex::field(&mut line, "a mark")?;
                        let mark = u32::try_from(mark).map_err(|_| line.malformed("a mark"))?;
                        Service { mark: Some(mark), ..Service::default() }
                    }
                    Proto::Tcp | Proto::Udp | Proto::Sctp => {
                        let (address, port) = address(&mut line)?;
                        Service { address: Some(address), port, proto, mark: None }
                    }
                };
            }
            None => {}
        }
    }
    Ok(())
}

fn backend(mut line: Line<'_>, service: Service) -> Result<Backend, Malformed> {
    let (remote, remote_port) = address(&mut line)?;
    line.word("how packets are forwarded")?;
    Ok(Backend {
        service,
        remote: Some(remote),
        remote_port,
        weight: line.count("a weight")?,
        active: line.count("active connections")?,
        inactive: line.count("inactive connections")?,
    })
}

/// Reads `C0A80016:0CEA` or `[2001:0db8:…:0016]:0CEA`.
fn address(line: &mut Line<'_>) -> Result<(IpAddr, u16), Malformed> {
    const ADDRESS: &str = "an address and a port";
    let field = line.word(ADDRESS)?;
    let parsed = field.rsplit_once(':').and_then(|(address, port)| {
        let port = u16::try_from(hex::hexadecimal(port.as_bytes())?).ok()?;
        let inside = address.strip_prefix('[').and_then(|a| a.strip_suffix(']'));
        let address = match inside {
            Some(address) => IpAddr::V6(address.parse::<Ipv6Addr>().ok()?).to_canonical(),
            None => {
                let bits = u32::try_from(hex::hexadecimal(address.as_bytes())?).ok()?;
                IpAddr::V4(Ipv4Addr::from_bits(bits))
            }
        };
        Some((address, port))
    });
    parsed.ok_or(line.malformed(ADDRESS))
}

/// Adds up those that are the same, and puts all in order.
pub(super) fn add_up(rows: &mut Vec<Backend>) {
    rows.sort_unstable();
    rows.dedup_by(|later, kept| {
        let same = later.key() == kept.key();
        if same {
            kept.weight = kept.weight.saturating_add(later.weight);
            kept.active = kept.active.saturating_add(later.active);
            kept.inactive = kept.inactive.saturating_add(later.inactive);
        }
        same
    });
}

impl Backend {
    fn key(&self) -> (Service, Option<IpAddr>, u16) {
        (self.service, self.remote, self.remote_port)
    }
}

/// Which labels are shown, in the order of [`LABELS`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Shown([bool; 6]);

impl Shown {
    /// Those that are named, with commas. A name that is none comes back.
    pub(super) fn new(names: &str) -> Result<Self, &str> {
        let mut shown = [false; 6];
        for name in names.split(',').filter(|name| !name.is_empty()) {
            let (_, slot) = LABELS
                .iter()
                .zip(&mut shown)
                .find(|(label, _)| **label == name)
                .ok_or(name)?;
            *slot = true;
        }
        Ok(Self(shown))
    }

    /// A backend without what is not shown of it.
    pub(super) fn masked(self, backend: Backend) -> Backend {
        let Self([address, port, remote, remote_port, proto, mark]) = self;
        let service = backend.service;
        Backend {
            service: Service {
                address: service.address.filter(|_| address),
                port: if port { service.port } else { 0 },
                proto: if proto { service.proto } else { Proto::default() },
                mark: service.mark.filter(|_| mark),
            },
            remote: backend.remote.filter(|_| remote),
            remote_port: if remote_port { backend.remote_port } else { 0 },
            ..backend
        }
    }

    /// The labels of a backend.
    pub(super) fn labels(self, backend: &Backend) -> [Option<Label>; 6] {
        let Self([address, port, remote, remote_port, proto, mark]) = self;
        let service = backend.service;
        let shown = |shown: bool, label| shown.then_some(label);
        [
            shown(address, Label::Address(service.address)),
            shown(port, Label::Port(service.port)),
            shown(remote, Label::Address(backend.remote)),
            shown(remote_port, Label::Port(backend.remote_port)),
            shown(proto, Label::Proto(service.proto)),
            shown(mark, Label::Mark(service.mark)),
        ]
    }
}

/// A label value. Where a service has no address or no mark, it is empty.
#[derive(Clone, Copy, Debug)]
pub(super) enum Label {
    Address(Option<IpAddr>),
    Port(u16),
    Proto(Proto),
    Mark(Option<u32>),
}

impl LabelValue for Label {
    fn escaped(&self, out: &mut Buffer) {
        // None of these has anything to escape, and a buffer takes all that is written.
        let _written = match self {
            Self::Address(None) | Self::Mark(None) => Ok(()),
            Self::Address(Some(address)) => write!(out, "{address}"),
            Self::Port(port) => write!(out, "{port}"),
            Self::Proto(proto) => write!(out, "{}", proto.as_str()),
            Self::Mark(Some(mark)) => write!(out, "{mark:08X}"),
        };
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const HEAD: &str = "a\nb\nc\n";

    fn parsed(text: &str) -> Result<Vec<Backend>, Malformed> {
        let mut backends = Vec::new();
        each([HEAD, text].concat().as_bytes(), |b| backends.push(b))?;
        Ok(backends)
    }

    #[test]
    fn reads_what_node_exporter_overlooks() {
        let sctp = Backend {
            service: Service {
                address: Some(Ipv4Addr::new(10, 0, 0, 1).into()),
                port: 80,
                proto: Proto::Sctp,
                mark: None,
            },
            remote: Some(Ipv4Addr::new(10, 0, 0, 2).into()),
            remote_port: 81,
            weight: 1,
            active: 2,
            inactive: 3,
        };
        let text = "SCTP 0A000001:0050 rr\n  -> 0A000002:0051 Masq 1 2 3\n";
        assert_eq!(parsed(text), Ok(vec![sctp]));
        assert_eq!(parsed(""), Ok(vec![]));
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text| parsed(text).unwrap_err().to_string();
        assert_eq!(wrong("XYZ 1\n"), "line 4: a protocol expected");
        assert_eq!(wrong("FWM 123456789\n"), "line 4: a mark expected");
        assert_eq!(wrong("TCP 0A000001\n"), "line 4: an address and a port expected");
        assert_eq!(wrong("TCP [::1:0050\n"), "line 4: an address and a port expected");
        assert_eq!(wrong("-> 0A000001:0050 Masq 1 2\n"), "line 4: inactive connections expected");
    }
}
