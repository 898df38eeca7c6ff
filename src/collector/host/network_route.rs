//! Routes: where packets go.

use std::io::{self, Write};
use std::net::IpAddr;

use crate::collector::changes::Changes;
use crate::collector::rtnetlink::Rtnetlink;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Buffer, Descriptor, Family, LabelValue, Text, gauge, info};
use crate::files::{Error, Result, Roots};
use crate::kernel::netlink::get_routes;

static INFO: Family<7> = info("node_network_route_info")
    .help("A route to other hosts, of any table.")
    .labels(["device", "src", "dest", "gw", "priority", "proto", "weight"]);

static ROUTES: Family<1> = gauge("node_network_routes")
    .help("Routes by way of an interface.")
    .labels(["device"]);

/// Collects routes.
pub struct NetworkRoute {
    socket: Option<Rtnetlink>,
    routes: Vec<Route>,
}

/// A route by one way.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Route {
    index: u32,
    source: Option<IpAddr>,
    destination: (Option<IpAddr>, u8),
    gateway: Option<IpAddr>,
    priority: u32,
    protocol: u8,
    weight: Option<u16>,
}

impl Collector for NetworkRoute {
    const NAME: &'static str = "network_route";
    const ABOUT: &'static str = "The routing tables.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Network("all of it")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor(), ROUTES.descriptor()].into_iter()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { socket: None, routes: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { socket, routes } = self;
        let socket = match asked(socket, &mut host.shared.changes, routes) {
            Ok(socket) => socket,
            Err(source) => {
                *socket = None;
                return Err(Error::Read { path: "netlink".into(), source });
            }
        };
        let mut info = text.family(&INFO);
        let mut last = None;
        for route in routes.iter() {
            // One route may stand in several tables.
            if last == Some(route) {
                continue;
            }
            last = Some(route);
            let device = socket.name(route.index).unwrap_or_default();
            info.sample(labels(device, route).map(Some), true);
        }
        let mut count = text.family(&ROUTES);
        for routes in routes.chunk_by(|a, b| a.index == b.index) {
            let index = routes.first().map_or(0, |route| route.index);
            count.sample(socket.name(index).unwrap_or_default(), routes.len() as u64);
        }
        Ok(())
    }
}

/// Asks the kernel, over a socket that may have to be opened first. Routes come in order.
fn asked<'s>(
    socket: &'s mut Option<Rtnetlink>,
    changes: &mut Changes,
    routes: &mut Vec<Route>,
) -> io::Result<&'s mut Rtnetlink> {
    let socket = match socket {
        Some(socket) => socket,
        None => socket.insert(Rtnetlink::open()?),
    };
    routes.clear();
    socket.ask(changes, get_routes, |message| {
        let Some(route) = message.route() else { return };
        routes.extend(route.hops().map(|hop| Route {
            index: hop.index,
            source: route.source,
            destination: route.destination,
            gateway: hop.gateway,
            priority: route.priority,
            protocol: route.protocol,
            weight: hop.weight,
        }));
    })?;
    routes.sort_unstable();
    Ok(socket)
}

fn labels<'d>(device: &'d str, route: &Route) -> [Label<'d>; 7] {
    let (destination, length) = route.destination;
    [
        Label::Text(device),
        Label::Address(route.source),
        match destination {
            Some(destination) if length > 0 => Label::Network(destination, length),
            _ => Label::Text("default"),
        },
        Label::Address(route.gateway),
        Label::Number(Some(route.priority)),
        Label::Text(protocol(route.protocol)),
        Label::Number(route.weight.map(u32::from)),
    ]
}

/// A label value. What a route does not say is empty.
enum Label<'d> {
    Text(&'d str),
    Address(Option<IpAddr>),
    Network(IpAddr, u8),
    Number(Option<u32>),
}

impl LabelValue for Label<'_> {
    fn escaped(&self, out: &mut Buffer) {
        // Numbers and addresses have nothing to escape, and a buffer takes all that is written.
        let _written = match self {
            Self::Text(text) => {
                text.escaped(out);
                Ok(())
            }
            Self::Address(None) | Self::Number(None) => Ok(()),
            Self::Address(Some(address)) => write!(out, "{}", address.to_canonical()),
            Self::Network(address, length) => write!(out, "{address}/{length}"),
            Self::Number(Some(n)) => write!(out, "{n}"),
        };
    }
}

/// Who made a route, as `rtnetlink.h` names them.
fn protocol(number: u8) -> &'static str {
    match number {
        0 => "unspec",
        1 => "redirect",
        2 => "kernel",
        3 => "boot",
        4 => "static",
        8 => "gated",
        9 => "ra",
        10 => "mrt",
        11 => "zebra",
        12 => "bird",
        13 => "dnrouted",
        14 => "xorp",
        15 => "ntk",
        16 => "dhcp",
        17 => "mrouted",
        42 => "babel",
        186 => "bgp",
        187 => "isis",
        188 => "ospf",
        189 => "rip",
        192 => "eigrp",
        _ => "unknown",
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_a_route_says() {
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let said = |route: &Route| -> Vec<String> {
            let text = |label: &Label<'_>| {
                let mut out = Buffer::default();
                label.escaped(&mut out);
                String::from_utf8(out.to_vec()).unwrap()
            };
            labels("eth0", route).iter().map(text).collect()
        };
        let default = Route {
            index: 2,
            source: ip("10.0.0.9"),
            destination: (None, 0),
            gateway: ip("10.0.0.1"),
            priority: 512,
            protocol: 16,
            weight: None,
        };
        assert_eq!(said(&default), ["eth0", "10.0.0.9", "default", "10.0.0.1", "512", "dhcp", ""]);
        let six = Route {
            source: None,
            destination: (ip("fe80::"), 64),
            gateway: None,
            protocol: 99,
            weight: Some(3),
            ..default
        };
        assert_eq!(said(&six), ["eth0", "", "fe80::/64", "", "512", "unknown", "3"]);
    }
}
