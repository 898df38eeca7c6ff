//! Where to listen.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::AsRawFd;

use nix::errno::Errno;
use nix::sys::socket::sockopt::{Ipv6V6Only, ReuseAddr};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, setsockopt, socket,
};

/// Why an address cannot be listened on.
#[derive(Debug, thiserror::Error)]
#[error("cannot listen on {address}: {reason}")]
pub struct BindError {
    /// The address as it was given.
    pub address: String,
    /// Not an address, in use, not ours.
    pub reason: io::Error,
}

/// Listens on every address: `:9100` on all of the host's, of IPv6 and IPv4, or `host:port`. Port 0
/// is any that is free.
pub fn bind(addresses: &[String]) -> Result<Vec<TcpListener>, BindError> {
    let bind = |address: &String| {
        one(address).map_err(|reason| BindError { address: address.clone(), reason })
    };
    addresses.iter().map(bind).collect()
}

/// The sockets that systemd has opened for this process, by `LISTEN_FDS`.
pub fn inherited() -> Result<Vec<TcpListener>, BindError> {
    let refused = |reason| BindError { address: "the sockets of systemd".into(), reason };
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        listeners.extend(passed.take_tcp_listener(index).map_err(refused)?);
    }
    if listeners.is_empty() {
        let none = io::Error::new(io::ErrorKind::NotFound, "none were passed");
        return Err(refused(none));
    }
    Ok(listeners)
}

fn one(address: &str) -> io::Result<TcpListener> {
    let (host, port) = split(address)?;
    if host.is_empty() {
        return match listen((Ipv6Addr::UNSPECIFIED, port).into()) {
            // IPv6 is switched off, or there is no address of it.
            Err(Errno::EAFNOSUPPORT | Errno::EADDRNOTAVAIL) => {
                Ok(listen((Ipv4Addr::UNSPECIFIED, port).into())?)
            }
            outcome => Ok(outcome?),
        };
    }
    let mut found: Vec<_> = (host, port).to_socket_addrs()?.collect();
    found.sort_by_key(SocketAddr::is_ipv6);
    let mut outcome = Err(io::Error::new(io::ErrorKind::NotFound, "no such host"));
    for address in found {
        outcome = listen(address).map_err(io::Error::from);
        if outcome.is_ok() {
            break;
        }
    }
    outcome
}

/// Takes `host:port`, `[::1]:port` or `:port` apart. An empty address is any free port.
fn split(address: &str) -> io::Result<(&str, u16)> {
    let invalid = |reason| io::Error::new(io::ErrorKind::InvalidInput, reason);
    if address.is_empty() {
        return Ok(("", 0));
    }
    let (host, port) = address.rsplit_once(':').ok_or(invalid("port expected"))?;
    let port = port.parse().map_err(|_| invalid("port expected"))?;
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(host) => Ok((host, port)),
        None if host.contains(':') => Err(invalid("IPv6 addresses stand in brackets")),
        None => Ok((host, port)),
    }
}

fn listen(address: SocketAddr) -> Result<TcpListener, Errno> {
    let family = if address.is_ipv6() { AddressFamily::Inet6 } else { AddressFamily::Inet };
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(family, SockType::Stream, flags, None)?;
    // A restart need not wait for old connections to be forgotten.
    setsockopt(&socket, ReuseAddr, &true)?;
    if address.is_ipv6() {
        // Whatever net.ipv6.bindv6only says.
        setsockopt(&socket, Ipv6V6Only, &!address.ip().is_unspecified())?;
    }
    nix::sys::socket::bind(socket.as_raw_fd(), &SockaddrStorage::from(address))?;
    nix::sys::socket::listen(&socket, Backlog::MAXCONN)?;
    Ok(socket.into())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_addresses_apart() {
        let split = |address| split(address).map_err(|error| error.to_string());
        assert_eq!(split(""), Ok(("", 0)));
        assert_eq!(split(":9100"), Ok(("", 9100)));
        assert_eq!(split("localhost:0"), Ok(("localhost", 0)));
        assert_eq!(split("[::1]:9100"), Ok(("::1", 9100)));
        for bad in ["9100", "localhost", "localhost:", ":http", ":65536", "[::1]"] {
            assert_eq!(split(bad), Err("port expected".into()), "{bad}");
        }
        assert_eq!(split("::1:9100"), Err("IPv6 addresses stand in brackets".into()));
    }

    #[test]
    fn says_which_address_is_in_use() {
        let first = bind(&["127.0.0.1:0".into()]).unwrap();
        let address = first[0].local_addr().unwrap().to_string();
        let error = bind(&["127.0.0.1:0".into(), address.clone()]).unwrap_err();
        let expected = format!("cannot listen on {address}: Address already in use (os error 98)");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn takes_ipv4_without_an_address() {
        let listeners = bind(&[":0".into()]).unwrap();
        let port = listeners[0].local_addr().unwrap().port();
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
