//! Ports, addresses and network modes of containers, as Docker and the agent tell them together.

use std::net::IpAddr;

use super::Inventory;
use super::docker::Known;
use crate::container::Network;

/// How many ports of a container are looked at.
const MOST_PORTS: usize = 256;

/// How many addresses of a container are looked at.
const MOST_ADDRESSES: usize = 16;

/// A port of a container, and where the host has it.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Port {
    /// The port in the container.
    pub container: u16,
    /// What is spoken there.
    pub protocol: Protocol,
    /// The host's port that leads there. `None` where none does, or it is not known yet.
    pub host: Option<u16>,
    /// The one address of the host that has it. `None` where all have, and where nobody says.
    pub address: Option<IpAddr>,
}

/// What is spoken on a port.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub enum Protocol {
    /// TCP.
    #[default]
    Tcp,
    /// UDP.
    Udp,
    /// SCTP.
    Sctp,
}

impl Protocol {
    /// By its name; nothing stands for TCP.
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "tcp" | "" => Some(Self::Tcp),
            "udp" => Some(Self::Udp),
            "sctp" => Some(Self::Sctp),
            _ => None,
        }
    }
}

impl Port {
    /// Parses Docker's `80/tcp`, and what of the host leads there: a port, and an address.
    pub(super) fn of(port: &str, host: &str, address: &str) -> Option<Self> {
        let (container, protocol) = port.split_once('/').unwrap_or((port, ""));
        Some(Self {
            container: container.parse().ok()?,
            protocol: Protocol::of(protocol)?,
            host: host.parse().ok().filter(|port| *port > 0),
            address: Self::address(address),
        })
    }

    /// The address of the host, where it is a single one.
    pub(super) fn address(text: &str) -> Option<IpAddr> {
        let address: IpAddr = text.parse().ok()?;
        (!address.is_unspecified()).then_some(address)
    }
}

/// Ports to keep: in order, each once, and no more than there is room for.
pub(super) fn ports(all: impl Iterator<Item = Port>) -> Vec<Port> {
    let mut ports: Vec<_> = all.take(MOST_PORTS).collect();
    ports.sort_unstable();
    // Docker publishes a port for IPv4 and for IPv6.
    ports.dedup();
    ports
}

/// Addresses to keep: those of IPv4 first, in order, each once.
pub(super) fn addresses<'a>(all: impl Iterator<Item = &'a str>) -> Vec<IpAddr> {
    let parsed = all.filter_map(|address| address.parse().ok());
    let mut addresses: Vec<IpAddr> = parsed.take(MOST_ADDRESSES).collect();
    addresses.sort_unstable();
    addresses.dedup();
    addresses
}

impl Inventory {
    /// The network mode of a container by ECS' names: `bridge`, `awsvpc`, `host` or `none`; empty
    /// where it is not known.
    pub fn network_mode(&self, id: &str) -> &'static str {
        if self.told(id).is_some_and(|(_, container)| container.joined) {
            return "awsvpc";
        }
        let Some(known) = self.container(id) else { return "" };
        // Nobody joins one who has joined another.
        let holder = self.holder(known);
        match holder.map(|holder| holder.network) {
            Some(_) if holder.is_some_and(Known::pause) => "awsvpc",
            Some(Some(Network::Own)) => "bridge",
            Some(Some(Network::Host)) => "host",
            Some(Some(Network::None)) => "none",
            Some(Some(Network::Joined) | None) | None => "",
        }
    }

    /// The ports of a container: those of the container whose network it is in, and as Docker says
    /// if it does.
    pub fn ports(&self, id: &str) -> &[Port] {
        let docker = self.container(id).and_then(|known| self.holder(known));
        let docker = docker.map_or(&[][..], |known| &known.ports);
        match self.told(id) {
            Some((_, container)) if docker.is_empty() => &container.ports,
            _ => docker,
        }
    }

    /// The addresses of a container, those of IPv4 first: its task's with `awsvpc`, else those in
    /// Docker's networks.
    pub fn addresses(&self, id: &str) -> &[IpAddr] {
        match self.told(id) {
            Some((_, container)) if !container.addresses.is_empty() => &container.addresses,
            _ => {
                let holder = self.container(id).and_then(|known| self.holder(known));
                holder.map_or(&[], |holder| &holder.addresses)
            }
        }
    }

    /// The container whose network a container is in, which may be itself.
    fn holder<'a>(&'a self, known: &'a Known) -> Option<&'a Known> {
        match known.joins() {
            Some(other) => self.container(other),
            None => Some(known),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Labels;
    use crate::inventory::agent::{Answer, Container, Task};

    fn known(id: &str, mode: &str, name: &str) -> Known {
        let json = format!(
            r#"[{{"Id":"{id}","HostConfig":{{"NetworkMode":"{mode}"}},"Config":{{"Labels":{{
            "com.amazonaws.ecs.container-name":"{name}"}}}},"NetworkSettings":{{
            "Ports":{{"80/tcp":[{{"HostPort":"8{id}"}}]}},"Networks":{{"x":{{"IPAddress":"172.17.0.{id}"}}}}}}}}]"#
        );
        let mut parsed = crate::inventory::docker::parse_inspect(json.as_bytes()).unwrap();
        parsed.remove(0)
    }

    #[test]
    fn a_network_is_its_holders() {
        let mut joined = [known("3", "container:1", "app"), known("4", "container:2", "app")];
        for known in &mut joined {
            (known.ports, known.addresses) = (vec![], vec![]);
        }
        let unknown = known("5", "container:9", "app");
        let others = [known("6", "host", "app"), known("7", "none", "app"), known("8", "", "app")];
        let containers = [known("1", "none", "~internal~ecs~pause"), known("2", "bridge", "p")];
        let told = Container {
            id: "3".into(),
            joined: true,
            addresses: vec![[10, 0, 0, 1].into()],
            ports: vec![Port { container: 9, ..Port::default() }],
            ..Container::default()
        };
        let alone = Container { id: "x".into(), ..told.clone() };
        let tasks = vec![Task { containers: vec![told, alone], ..Task::default() }];
        let agent = Answer { tasks, ..Answer::default() };
        let containers = containers.into_iter().chain(joined).chain([unknown]);
        let inventory = Inventory::of(containers.chain(others), Some(agent), &Labels::default());

        let modes = ["1", "2", "3", "4", "5", "6", "7", "8", "x", "y"];
        let expected =
            ["awsvpc", "bridge", "awsvpc", "bridge", "", "host", "none", "", "awsvpc", ""];
        assert_eq!(modes.map(|id| inventory.network_mode(id)), expected);
        let addresses = |id| {
            inventory
                .addresses(id)
                .iter()
                .map(IpAddr::to_string)
                .collect()
        };
        let all: Vec<Vec<_>> = ["2", "3", "4", "5", "x"].map(addresses).into();
        let expected = [&["172.17.0.2"][..], &["10.0.0.1"], &["172.17.0.2"], &[], &["10.0.0.1"]];
        assert_eq!(all, expected);
        let host = |id| {
            inventory
                .ports(id)
                .first()
                .map(|port| (port.container, port.host))
        };
        let expected = [
            Some((80, Some(82))),
            Some((80, Some(81))),
            Some((80, Some(82))),
            None,
            Some((9, None)),
        ];
        assert_eq!(["2", "3", "4", "5", "x"].map(host), expected);
    }

    #[test]
    fn has_bounds_and_an_order() {
        let many = (1..=u16::MAX)
            .rev()
            .map(|container| Port { container, ..Port::default() });
        assert_eq!(ports(many).len(), MOST_PORTS);
        let texts: Vec<_> = (0..=255).map(|n| format!("10.0.0.{n}")).collect();
        assert_eq!(addresses(texts.iter().map(String::as_str)).len(), MOST_ADDRESSES);
        let expected: [IpAddr; 2] = [[10, 0, 0, 9].into(), [0, 0, 0, 0, 0, 0, 0, 1].into()];
        assert_eq!(addresses(["::1", "x", "10.0.0.9", "::1"].into_iter()), expected);
    }
}
