//! Where a container's port is reached: by the host's port that leads there, or by its own address.

use std::net::{IpAddr, SocketAddr};

use super::subject::Subject;
use crate::inventory::{Port, Protocol};

/// Where no port is named at all.
const USUAL: u16 = 80;

/// Where a container is reached.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Place {
    /// Without the port.
    pub(super) host: String,
    /// The port to be asked.
    pub(super) port: u16,
    /// The container's port that it leads to.
    pub(super) container: u16,
}

impl Place {
    /// Host and port, an IPv6 address in brackets.
    pub(super) fn address(&self) -> String {
        match self.host.parse::<IpAddr>() {
            Ok(host) => SocketAddr::new(host, self.port).to_string(),
            Err(_) => format!("{}:{}", self.host, self.port),
        }
    }
}

/// Where a container's port is reached on a host with this address; its first one where none is
/// named. `None` where it is not reached from outside.
pub(super) fn find(subject: &Subject<'_>, port: Option<u16>, host: &str) -> Option<Place> {
    let ports = || {
        subject
            .ports
            .iter()
            .filter(|port| port.protocol == Protocol::Tcp)
    };
    let first = || ports().next().map_or(USUAL, |port| port.container);
    match subject.mode {
        "host" => {
            let port = port.unwrap_or_else(first);
            Some(Place { host: host.into(), port, container: port })
        }
        "awsvpc" => {
            let address = subject.addresses.first()?.to_string();
            let port = port.unwrap_or_else(first);
            Some(Place { host: address, port, container: port })
        }
        "none" => None,
        _ => {
            let published = || ports().filter(|port| port.host.is_some());
            let found = match port {
                None => published().next(),
                Some(number) => published()
                    .find(|port| port.container == number)
                    // Some name the host's port.
                    .or_else(|| published().find(|port| port.host == Some(number))),
            };
            found.and_then(|found| published_at(found, host))
        }
    }
}

fn published_at(port: &Port, host: &str) -> Option<Place> {
    let host = port
        .address
        .map_or_else(|| host.into(), |address| address.to_string());
    Some(Place { host, port: port.host?, container: port.container })
}
