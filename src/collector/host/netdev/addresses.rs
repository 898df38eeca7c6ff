//! Addresses of network interfaces.

use std::net::{IpAddr, Ipv4Addr, Ipv6Addr};

use nix::ifaddrs::getifaddrs;
use nix::sys::socket::SockaddrStorage;

use crate::exposition::{Family, Text, info};

pub(super) static ADDRESS: Family<4> = info("node_network_address_info")
    .help("An address of the interface, how long its network's part is, and how far it is known.")
    .labels(["device", "address", "netmask", "scope"]);

/// Writes the addresses of the exporter's own network namespace, those of `veth` interfaces if asked
/// for.
pub(super) fn write(veth: bool, text: &mut Text) -> std::io::Result<()> {
    let mut family = text.family(&ADDRESS);
    let mut seen = Vec::new();
    for found in getifaddrs()? {
        let ip = found.address.as_ref().and_then(ip);
        let mask = found.netmask.as_ref().and_then(ip_of_mask);
        let (Some(ip), Some(mask)) = (ip, mask) else { continue };
        // What follows a colon is an address's own name.
        let device = found.interface_name.split(':').next().unwrap_or_default();
        if !veth && device.starts_with("veth") {
            continue;
        }
        let labels = [device.to_owned(), ip.to_string(), mask.to_string(), scope(ip).to_owned()];
        if !seen.contains(&labels) {
            family.sample(labels.each_ref().map(Some), 1.0);
            seen.push(labels);
        }
    }
    Ok(())
}

fn ip(address: &SockaddrStorage) -> Option<IpAddr> {
    let four = address.as_sockaddr_in().map(|four| IpAddr::V4(four.ip()));
    four.or_else(|| address.as_sockaddr_in6().map(|six| IpAddr::V6(six.ip())))
}

/// How many bits a mask has.
fn ip_of_mask(mask: &SockaddrStorage) -> Option<u32> {
    Some(match ip(mask)? {
        IpAddr::V4(mask) => mask.to_bits().count_ones(),
        IpAddr::V6(mask) => mask.to_bits().count_ones(),
    })
}

/// How far an address is known, as node_exporter calls it.
fn scope(ip: IpAddr) -> &'static str {
    match ip {
        IpAddr::V4(ip) => of_four(ip),
        IpAddr::V6(ip) => of_six(ip),
    }
}

fn of_four(ip: Ipv4Addr) -> &'static str {
    let [a, b, c, _] = ip.octets();
    if ip.is_loopback() || ip.is_link_local() || [a, b, c] == [224, 0, 0] {
        "link-local"
    } else if ip.is_unspecified() || ip.is_broadcast() || ip.is_multicast() {
        ""
    } else {
        "global"
    }
}

fn of_six(ip: Ipv6Addr) -> &'static str {
    const SCOPE: u16 = 0xff0f;
    let [first, ..] = ip.segments();
    if ip.is_loopback() || ip.is_unicast_link_local() || first & SCOPE == 0xff02 {
        "link-local"
    } else if first & SCOPE == 0xff01 {
        "interface-local"
    } else if ip.is_unspecified() || ip.is_multicast() {
        ""
    } else {
        "global"
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_scopes() {
        for (ip, expected) in [
            ("127.0.0.1", "link-local"),
            ("169.254.169.254", "link-local"),
            ("224.0.0.251", "link-local"),
            ("239.1.1.1", ""),
            ("255.255.255.255", ""),
            ("0.0.0.0", ""),
            ("172.31.0.5", "global"),
            ("::1", "link-local"),
            ("fe80::1", "link-local"),
            ("ff02::1", "link-local"),
            ("ff01::1", "interface-local"),
            ("ff05::1", ""),
            ("::", ""),
            ("fd00::1", "global"),
            ("2600:1f18::1", "global"),
        ] {
            assert_eq!(scope(ip.parse().unwrap()), expected, "{ip}");
        }
    }

    #[test]
    fn says_each_address_once() {
        let mut text = Text::default();
        write(true, &mut text).unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let mut once = samples.clone();
        once.sort_unstable();
        once.dedup();
        assert_eq!(once.len(), samples.len());
    }
}
