//! Where to listen.

use std::io;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr, TcpListener, ToSocketAddrs};
use std::os::fd::{AsRawFd, OwnedFd};
use std::os::unix::net::UnixListener;

use nix::errno::Errno;
use nix::sys::socket::sockopt::{Ipv6V6Only, ReuseAddr};
use nix::sys::socket::{
    AddressFamily, Backlog, SockFlag, SockType, SockaddrStorage, VsockAddr, setsockopt, socket,
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

/// A socket that is listened on.
#[derive(Debug)]
pub enum Listener {
    /// Of TCP.
    Tcp(TcpListener),
    /// Of a path, or a name.
    Unix(UnixListener),
    /// Of a virtual machine and its host, with its port.
    Vsock(OwnedFd, u32),
}

impl Listener {
    /// What it listens on, as logs say it.
    pub fn address(&self) -> io::Result<String> {
        match self {
            Self::Tcp(listener) => Ok(listener.local_addr()?.to_string()),
            Self::Unix(listener) => {
                let address = listener.local_addr()?;
                let path = address.as_pathname().map(|path| path.display().to_string());
                Ok(format!("unix:{}", path.unwrap_or_default()))
            }
            Self::Vsock(_, port) => Ok(format!("{VSOCK}:{port}")),
        }
    }
}

/// How addresses of virtual machines begin.
const VSOCK: &str = "vsock://";

/// Listens on every address: `:9100` on all of the host's, of IPv6 and IPv4, or `host:port`. Port 0
/// is any that is free. `vsock://:9100` is for the host of a virtual machine.
pub fn bind(addresses: &[String]) -> Result<Vec<Listener>, BindError> {
    let bind = |address: &String| {
        one(address).map_err(|reason| BindError { address: address.clone(), reason })
    };
    addresses.iter().map(bind).collect()
}

/// The sockets that systemd has opened for this process, by `LISTEN_FDS`: of TCP, or of a path.
pub fn inherited() -> Result<Vec<Listener>, BindError> {
    let refused = |reason| BindError { address: "the sockets of systemd".into(), reason };
    let mut passed = listenfd::ListenFd::from_env();
    let mut listeners = Vec::new();
    for index in 0..passed.len() {
        // One of another family stays for who may take it.
        let unix = passed.take_unix_listener(index);
        let unix = unix.ok().flatten().map(Listener::Unix);
        listeners.extend(match unix {
            Some(unix) => Some(unix),
            None => {
                let tcp = passed.take_tcp_listener(index).map_err(refused)?;
                tcp.map(Listener::Tcp)
            }
        });
    }
    if listeners.is_empty() {
        let none = io::Error::new(io::ErrorKind::NotFound, "none were passed");
        return Err(refused(none));
    }
    Ok(listeners)
}

fn one(address: &str) -> io::Result<Listener> {
    match address.strip_prefix(VSOCK) {
        Some(port) => vsock(port),
        None => tcp(address).map(Listener::Tcp),
    }
}

/// Listens for the host of this virtual machine, by `:port`; who stands before the colon is of no
/// matter, as in exporter-toolkit.
fn vsock(address: &str) -> io::Result<Listener> {
    let port = address
        .rsplit_once(':')
        .and_then(|(_, port)| port.parse().ok());
    let port: u32 = port.ok_or(io::Error::new(io::ErrorKind::InvalidInput, "port expected"))?;
    let flags = SockFlag::SOCK_CLOEXEC | SockFlag::SOCK_NONBLOCK;
    let socket = socket(AddressFamily::Vsock, SockType::Stream, flags, None)?;
    let anybody = VsockAddr::new(nix::libc::VMADDR_CID_ANY, port);
    nix::sys::socket::bind(socket.as_raw_fd(), &anybody)?;
    nix::sys::socket::listen(&socket, Backlog::MAXCONN)?;
    Ok(Listener::Vsock(socket, port))
}

fn tcp(address: &str) -> io::Result<TcpListener> {
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
        let address = first[0].address().unwrap();
        let error = bind(&["127.0.0.1:0".into(), address.clone()]).unwrap_err();
        let expected = format!("cannot listen on {address}: Address already in use (os error 98)");
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn says_what_is_wrong_with_an_address_of_a_virtual_machine() {
        for bad in ["vsock://", "vsock://9100", "vsock://:x", "vsock://:4294967296"] {
            let error = bind(&[bad.into()]).unwrap_err().to_string();
            assert_eq!(error, format!("cannot listen on {bad}: port expected"));
        }
    }

    #[test]
    fn takes_ipv4_without_an_address() {
        let listeners = bind(&[":0".into()]).unwrap();
        let Listener::Tcp(listener) = &listeners[0] else { panic!("of TCP") };
        let port = listener.local_addr().unwrap().port();
        std::net::TcpStream::connect((Ipv4Addr::LOCALHOST, port)).unwrap();
    }
}
