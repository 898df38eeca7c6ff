//! Questions to services of the host over D-Bus.
//!
//! A conversation is one scrape's: who listens on is sent what nobody reads. It has its own runtime,
//! because a scrape is synchronous, and an end, because services hang.

#[cfg(test)]
pub(crate) mod stand_in;

use std::io;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use tokio::net::UnixStream;
use tokio::runtime::Builder;
use tokio::time::timeout;
use zbus::connection;
use zbus::zvariant::{ObjectPath, OwnedValue};

pub use zbus::Connection;

use crate::files::{Error, Result, Roots, refused};

/// Longer takes no conversation.
const PATIENCE: Duration = Duration::from_secs(3);

/// Who was silent that long is left alone for a while: other collectors wait for this one to end.
const PAUSE: Duration = Duration::from_secs(60);

/// Where to ask.
#[derive(Debug)]
pub struct Bus {
    /// Sockets, of which the first that answers is taken.
    sockets: Vec<Socket>,
    patience: Duration,
    /// When nobody answered in time.
    silent: Option<SystemTime>,
}

#[derive(Debug)]
struct Socket {
    path: PathBuf,
    /// Whether a bus listens there, and not the service itself.
    bus: bool,
}

/// A service on the bus, and one of its objects.
#[derive(Clone, Copy, Debug)]
pub struct Peer<'a> {
    /// The connection to it.
    pub connection: &'a Connection,
    /// Name of the service.
    pub service: &'static str,
    /// Path of the object.
    pub path: &'a ObjectPath<'a>,
}

impl Bus {
    /// The bus of the system.
    pub fn system(roots: &Roots) -> Self {
        let socket = |path: &str| Socket { path: roots.rootfs.join(path), bus: true };
        let sockets = ["run/dbus/system_bus_socket", "var/run/dbus/system_bus_socket"];
        Self::of(sockets.map(socket).into())
    }

    /// The socket of systemd itself, which is for root.
    pub fn private(roots: &Roots) -> Self {
        let path = roots.rootfs.join("run/systemd/private");
        Self::of(vec![Socket { path, bus: false }])
    }

    fn of(sockets: Vec<Socket>) -> Self {
        Self { sockets, patience: PATIENCE, silent: None }
    }

    /// This one, or where it does not answer, another.
    pub fn or(mut self, other: Self) -> Self {
        self.sockets.extend(other.sockets);
        self
    }

    /// Connects, asks, and hangs up. [`Error::Absent`] where nobody listens, or not whom the questions
    /// are for. After a silence, nothing is asked for a minute.
    pub fn ask<T>(
        &mut self,
        now: SystemTime,
        questions: impl AsyncFnOnce(&Connection) -> zbus::Result<T>,
    ) -> Result<T> {
        let silent = self.silent.and_then(|since| now.duration_since(since).ok());
        if silent.is_some_and(|silent| silent < PAUSE) {
            return Err(self.failed(io::ErrorKind::TimedOut.into()));
        }
        self.silent = None;
        let runtime = Builder::new_current_thread().enable_all().build();
        let runtime = runtime.map_err(|source| self.failed(source))?;
        let talk = async {
            let (connection, path) = self.connect().await?;
            let answers = questions(&connection).await;
            answers.map_err(|error| failed(path, &error))
        };
        // The clock is the runtime's.
        let talked = runtime.block_on(async { timeout(self.patience, talk).await });
        talked.unwrap_or_else(|_| {
            self.silent = Some(now);
            Err(self.failed(io::ErrorKind::TimedOut.into()))
        })
    }

    fn failed(&self, source: io::Error) -> Error {
        let first = self.sockets.first().map(|socket| socket.path.clone());
        Error::Read { path: first.unwrap_or_default(), source }
    }

    async fn connect(&self) -> Result<(Connection, &Path)> {
        let mut outcome = Err(Error::Absent("D-Bus".into()));
        for Socket { path, bus } in &self.sockets {
            let stream = match UnixStream::connect(path).await {
                Ok(stream) => stream,
                Err(source) => {
                    let error = refused(path, source);
                    // What failed says more than what is not there.
                    if matches!(outcome, Err(Error::Absent(_))) {
                        outcome = Err(error);
                    }
                    continue;
                }
            };
            let builder = connection::Builder::unix_stream(stream);
            let builder = if *bus { builder } else { builder.p2p() };
            match builder.build().await {
                Ok(connection) => return Ok((connection, path)),
                Err(error) => outcome = Err(failed(path, &error)),
            }
        }
        outcome
    }
}

/// Tells a service that is not there from one that fails.
fn failed(path: &Path, error: &zbus::Error) -> Error {
    const NOT_THERE: [&str; 2] =
        ["org.freedesktop.DBus.Error.ServiceUnknown", "org.freedesktop.DBus.Error.NameHasNoOwner"];
    match error {
        zbus::Error::MethodError(name, ..) if NOT_THERE.contains(&name.as_str()) => {
            Error::Absent(path.into())
        }
        error => {
            let source = io::Error::other(error.to_string());
            Error::Read { path: path.into(), source }
        }
    }
}

impl Peer<'_> {
    /// Asks for a property. `None` where the object is gone, or has no such property of this type.
    pub async fn property<T>(&self, interface: &str, name: &str) -> zbus::Result<Option<T>>
    where
        T: TryFrom<OwnedValue>,
    {
        let Self { connection, service, path } = self;
        let properties = Some("org.freedesktop.DBus.Properties");
        let question = (interface, name);
        let answer = connection
            .call_method(Some(*service), *path, properties, "Get", &question)
            .await;
        match answer {
            Ok(answer) => {
                let value: OwnedValue = answer.body().deserialize()?;
                Ok(T::try_from(value).ok())
            }
            Err(zbus::Error::MethodError(..)) => Ok(None),
            Err(error) => Err(error),
        }
    }
}

#[cfg(test)]
mod tests {
    use std::os::unix::net::UnixListener;

    use super::*;
    use crate::collector::testing::{Scratch, roots};

    #[test]
    fn leaves_who_is_silent_alone_for_a_minute() {
        let dir = Scratch::new();
        let mut bus = Bus::private(&roots(&dir.0));
        bus.patience = Duration::from_millis(1);
        let mut ask = |second| {
            let now = SystemTime::UNIX_EPOCH + Duration::from_secs(second);
            let answer = bus.ask(now, async |_: &Connection| Ok(()));
            answer
                .unwrap_err()
                .to_string()
                .rsplit(": ")
                .next()
                .unwrap()
                .to_owned()
        };
        assert_eq!(ask(100), "not on this host");
        dir.write("rootfs/run/systemd/x", "");
        let path = dir.0.join("rootfs/run/systemd/private");
        let mute = UnixListener::bind(&path).unwrap();
        assert_eq!(ask(115), "timed out");
        drop(mute);
        std::fs::remove_file(path).unwrap();
        assert_eq!(ask(174), "timed out", "nobody was asked");
        assert_eq!(ask(175), "not on this host", "somebody was");
    }
}
