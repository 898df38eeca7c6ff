//! The address by which this host reaches others.

use std::net::{IpAddr, UdpSocket};

/// What the routing table would send by: the address of the interface with the default route. Nothing
/// is sent. `None` where there is no route.
pub fn own_address() -> Option<IpAddr> {
    // Addresses for documentation, which nobody has: a datagram socket that is connected asks the
    // routing table, and no more.
    [("0.0.0.0:0", "192.0.2.1:9"), ("[::]:0", "[2001:db8::1]:9")]
        .into_iter()
        .find_map(|(from, to)| {
            let socket = UdpSocket::bind(from).ok()?;
            socket.connect(to).ok()?;
            let address = socket.local_addr().ok()?.ip();
            (!address.is_unspecified() && !address.is_loopback()).then_some(address)
        })
}
