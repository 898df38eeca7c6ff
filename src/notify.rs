//! Tells systemd that the program is ready, and that it ends: see
//! [`sd_notify`](https://www.freedesktop.org/software/systemd/man/latest/sd_notify.html).

use std::ffi::OsString;
use std::io;
use std::os::linux::net::SocketAddrExt;
use std::os::unix::ffi::OsStrExt;
use std::os::unix::net::{SocketAddr, UnixDatagram};

/// Who is told, if anybody.
#[derive(Debug)]
pub struct Notify(Option<OsString>);

impl Notify {
    /// Of `NOTIFY_SOCKET`: a path, or a name after an `@`.
    pub fn of(socket: Option<OsString>) -> Self {
        Self(socket)
    }

    /// Requests are answered from now on.
    pub fn ready(&self) {
        self.tell("READY=1");
    }

    /// No more requests are taken.
    pub fn stopping(&self) {
        self.tell("STOPPING=1");
    }

    fn tell(&self, state: &str) {
        let Some(socket) = &self.0 else { return };
        let told = match socket.as_bytes().strip_prefix(b"@") {
            Some(name) => SocketAddr::from_abstract_name(name),
            None => SocketAddr::from_pathname(socket),
        };
        if let Err(error) = told.and_then(|socket| send(&socket, state)) {
            tracing::warn!(%error, state, "systemd could not be told");
        }
    }
}

fn send(socket: &SocketAddr, state: &str) -> io::Result<()> {
    let datagram = UnixDatagram::unbound()?;
    datagram.set_nonblocking(true)?;
    datagram.send_to_addr(state.as_bytes(), socket).map(|_| ())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_by_a_path_or_a_name() {
        let name = format!("notify-{}", std::process::id());
        let path = std::env::temp_dir().join(&name);
        let by_path = UnixDatagram::bind(&path).unwrap();
        let address = SocketAddr::from_abstract_name(&name).unwrap();
        let by_name = UnixDatagram::bind_addr(&address).unwrap();
        for (socket, listener) in
            [(path.clone().into_os_string(), by_path), (format!("@{name}").into(), by_name)]
        {
            let systemd = Notify::of(Some(socket));
            systemd.ready();
            systemd.stopping();
            for expected in ["READY=1", "STOPPING=1"] {
                let mut told = [0; 32];
                let n = listener.recv(&mut told).unwrap();
                assert_eq!(&told[..n], expected.as_bytes());
            }
        }
        std::fs::remove_file(path).unwrap();
        Notify::of(None).ready();
    }
}
