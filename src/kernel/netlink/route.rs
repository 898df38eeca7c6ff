//! Routes: where packets go.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use super::{Message, aligned, attributes, request, u16_at, u32_at};

const RTM_NEWROUTE: u16 = 24;
const RTM_GETROUTE: u16 = 26;
const RTA_DST: u16 = 1;
const RTA_OIF: u16 = 4;
const RTA_GATEWAY: u16 = 5;
const RTA_PRIORITY: u16 = 6;
const RTA_PREFSRC: u16 = 7;
const RTA_MULTIPATH: u16 = 9;

/// A route.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Route<'a> {
    /// Where it leads to, and how many bits of that count; none of them for the default route.
    pub destination: (Option<IpAddr>, u8),
    /// The address that packets are sent from.
    pub source: Option<IpAddr>,
    /// Which of several routes is taken: the least.
    pub priority: u32,
    /// Who made it: the kernel, the administrator, a routing daemon.
    pub protocol: u8,
    /// Where packets go next, unless there are several ways.
    hop: Hop,
    ways: Option<&'a [u8]>,
}

/// Where packets go next.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Hop {
    /// The index of the interface; 0 for none.
    pub index: u32,
    /// The gateway; `None` where the destination is reached without.
    pub gateway: Option<IpAddr>,
    /// Its share of the packets; `None` where there is but one way.
    pub weight: Option<u16>,
}

impl<'a> Message<'a> {
    /// The route it tells of, `struct rtmsg` and attributes, if it leads to one other host.
    pub fn route(&self) -> Option<Route<'a>> {
        const RTMSG: usize = 12;
        const RTN_UNICAST: u8 = 1;
        if self.kind != RTM_NEWROUTE || *self.body.get(7)? != RTN_UNICAST {
            return None;
        }
        let mut route = Route {
            destination: (None, *self.body.get(1)?),
            source: None,
            priority: 0,
            protocol: *self.body.get(5)?,
            hop: Hop::default(),
            ways: None,
        };
        for (kind, value) in attributes(self.body.get(RTMSG..)?) {
            match kind {
                RTA_DST => route.destination.0 = address(value),
                RTA_PREFSRC => route.source = address(value),
                RTA_GATEWAY => route.hop.gateway = address(value),
                RTA_OIF => route.hop.index = u32_at(value, 0)?,
                RTA_PRIORITY => route.priority = u32_at(value, 0)?,
                RTA_MULTIPATH => route.ways = Some(value),
                _ => {}
            }
        }
        Some(route)
    }
}

impl<'a> Route<'a> {
    /// Where packets go next: one way or several.
    pub fn hops(&self) -> impl Iterator<Item = Hop> + use<'a> {
        let mut rest = self.ways.unwrap_or_default();
        let only = self.ways.is_none().then_some(self.hop);
        only.into_iter().chain(std::iter::from_fn(move || {
            // `struct rtnexthop` and attributes.
            let length = usize::from(u16_at(rest, 0)?);
            let way = rest.get(..length)?;
            let mut hop = Hop {
                index: u32_at(way, 4)?,
                gateway: None,
                weight: Some(u16::from(*way.get(3)?) + 1),
            };
            for (kind, value) in attributes(way.get(8..)?) {
                if kind == RTA_GATEWAY {
                    hop.gateway = address(value);
                }
            }
            rest = rest.get(aligned(length)..).unwrap_or_default();
            Some(hop)
        }))
    }
}

fn address(value: &[u8]) -> Option<IpAddr> {
    match value.len() {
        4 => Some(Ipv4Addr::from(*value.first_chunk::<4>()?).into()),
        16 => Some(Ipv6Addr::from(*value.first_chunk::<16>()?).into()),
        _ => None,
    }
}

/// Asks for all routes of all tables.
pub fn get_routes(sequence: u32) -> [u8; 28] {
    request(RTM_GETROUTE, sequence, &[&[0; 12]])
}

#[cfg(test)]
mod tests {
    use super::super::tests::{attribute, message};
    use super::*;
    use crate::kernel::netlink::messages;

    fn rtmsg(length: u8, protocol: u8, kind: u8) -> [u8; 12] {
        [2, length, 0, 0, 254, protocol, 0, kind, 0, 0, 0, 0]
    }

    fn way(hops: u8, index: u32, gateway: &[u8]) -> Vec<u8> {
        let length = u16::try_from(8 + gateway.len()).unwrap().to_ne_bytes();
        [&length[..], &[0, hops], &index.to_ne_bytes(), gateway].concat()
    }

    #[test]
    fn reads_routes_of_one_way_and_of_several() {
        let index = 2u32.to_ne_bytes();
        let ways = [way(0, 2, &attribute(RTA_GATEWAY, &[10, 0, 0, 1])), way(9, 3, &[])].concat();
        let datagram = [
            message(
                RTM_NEWROUTE,
                1,
                &[
                    &rtmsg(16, 2, 1),
                    &attribute(RTA_DST, &[172, 17, 0, 0]),
                    &attribute(RTA_PREFSRC, &[172, 17, 0, 1]),
                    &attribute(RTA_OIF, &index),
                    &attribute(RTA_PRIORITY, &100u32.to_ne_bytes()),
                ],
            ),
            message(RTM_NEWROUTE, 1, &[&rtmsg(0, 16, 1), &attribute(RTA_MULTIPATH, &ways)]),
            message(RTM_NEWROUTE, 1, &[&rtmsg(32, 2, 2)]),
            message(RTM_NEWROUTE, 1, &[&[0; 7]]),
        ]
        .concat();
        let seen: Vec<_> = messages(&datagram).map(|m| m.route()).collect();
        let ip = |text: &str| Some(text.parse::<IpAddr>().unwrap());
        let hop = Hop { index: 2, gateway: None, weight: None };
        let bridge = Route {
            destination: (ip("172.17.0.0"), 16),
            source: ip("172.17.0.1"),
            priority: 100,
            protocol: 2,
            hop,
            ways: None,
        };
        assert_eq!((seen[0], seen[2], seen[3]), (Some(bridge), None, None));
        assert_eq!(bridge.hops().collect::<Vec<_>>(), [hop]);
        let several: Vec<_> = seen[1].unwrap().hops().collect();
        let first = Hop { index: 2, gateway: ip("10.0.0.1"), weight: Some(1) };
        assert_eq!(several, [first, Hop { index: 3, gateway: None, weight: Some(10) }]);
    }

    #[test]
    fn stops_at_a_way_that_is_broken() {
        let ways = [way(0, 2, &[]), vec![0; 8]].concat();
        let whole = message(RTM_NEWROUTE, 1, &[&rtmsg(0, 16, 1), &attribute(RTA_MULTIPATH, &ways)]);
        let route = messages(&whole).next().unwrap().route().unwrap();
        assert!(route.hops().count() <= 2);
    }
}
