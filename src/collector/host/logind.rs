//! Sessions of logind: who is logged in, and how.
//!
//! See [its D-Bus interface](https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.login1.html).

use zbus::zvariant::{ObjectPath, OwnedObjectPath};

use crate::collector::dbus::{Bus, Connection, Peer};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Result, Roots};

static SESSIONS: Family<4> = gauge("node_logind_sessions")
    .help("Sessions of users at a seat, or at none if they came over the network.")
    .labels(["seat", "remote", "type", "class"]);

const SERVICE: &str = "org.freedesktop.login1";
const MANAGER: &str = "org.freedesktop.login1.Manager";
const SESSION: &str = "org.freedesktop.login1.Session";

const REMOTE: [&str; 2] = ["true", "false"];
/// What is not known is `other`.
const TYPES: [&str; 7] = ["other", "unspecified", "tty", "x11", "wayland", "mir", "web"];
/// What is not known is `other`.
const CLASSES: [&str; 5] = ["other", "user", "greeter", "lock-screen", "background"];

/// Collects the sessions of logind.
pub struct Logind {
    bus: Bus,
}

/// Who is logged in.
#[derive(Debug)]
struct Answers {
    /// Names of the seats, and an empty one for those who sit elsewhere.
    seats: Vec<String>,
    sessions: Vec<Session>,
}

/// A session, by the labels that count it.
#[derive(Debug, PartialEq, Eq)]
struct Session {
    seat: String,
    remote: &'static str,
    kind: &'static str,
    class: &'static str,
}

impl Collector for Logind {
    const NAME: &'static str = "logind";
    const ABOUT: &'static str = "Sessions of users, as logind knows them.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/run/dbus/system_bus_socket")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [SESSIONS.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { bus: Bus::system(roots) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Answers { seats, sessions } = self.bus.ask(host.now, ask)?;
        let mut family = text.family(&SESSIONS);
        for remote in REMOTE {
            for kind in TYPES {
                for class in CLASSES {
                    for seat in &seats {
                        let same = |s: &&Session| {
                            (&s.seat, s.remote, s.kind, s.class) == (seat, remote, kind, class)
                        };
                        let labels = [seat, remote, kind, class].map(Some);
                        family.sample(labels, sessions.iter().filter(same).count() as u64);
                    }
                }
            }
        }
        Ok(())
    }
}

/// A line of `ListSessions`: number, user's number and name, seat, path.
type Listed = (String, u32, String, String, OwnedObjectPath);

async fn ask(connection: &Connection) -> zbus::Result<Answers> {
    let path = &ObjectPath::from_static_str("/org/freedesktop/login1")?;
    let call = async |method: &str| {
        connection
            .call_method(Some(SERVICE), path, Some(MANAGER), method, &())
            .await
    };
    let seats: Vec<(String, OwnedObjectPath)> = call("ListSeats").await?.body().deserialize()?;
    let listed: Vec<Listed> = call("ListSessions").await?.body().deserialize()?;
    let mut sessions = Vec::with_capacity(listed.len());
    for (_, _, _, seat, path) in listed {
        let peer = Peer { connection, service: SERVICE, path: &path };
        let remote: Option<bool> = peer.property(SESSION, "Remote").await?;
        let kind: Option<String> = peer.property(SESSION, "Type").await?;
        let class: Option<String> = peer.property(SESSION, "Class").await?;
        // One that ended meanwhile has none of it.
        if let (Some(remote), Some(kind), Some(class)) = (remote, kind, class) {
            sessions.push(Session {
                seat,
                remote: if remote { "true" } else { "false" },
                kind: known(&kind, &TYPES),
                class: known(&class, &CLASSES),
            });
        }
    }
    let seats = seats.into_iter().map(|(name, _)| name);
    Ok(Answers { seats: seats.chain([String::new()]).collect(), sessions })
}

fn known(word: &str, known: &[&'static str]) -> &'static str {
    let found = known.iter().find(|known| **known == word);
    found.copied().unwrap_or("other")
}

#[cfg(test)]
mod tests {
    use zbus::zvariant::OwnedObjectPath;

    use super::*;
    use crate::collector::dbus::stand_in::listen;
    use crate::collector::trial::Trial;
    use crate::files::Error;

    struct Manager;
    struct Someone(bool, &'static str, &'static str);

    fn path(of: &str) -> OwnedObjectPath {
        OwnedObjectPath::try_from(format!("/session/{of}")).unwrap()
    }

    #[zbus::interface(name = "org.freedesktop.login1.Manager")]
    impl Manager {
        fn list_seats(&self) -> Vec<(String, OwnedObjectPath)> {
            vec![("seat0".into(), path("seat0"))]
        }

        fn list_sessions(&self) -> Vec<Listed> {
            let seats = [("a", "seat0"), ("b", ""), ("c", ""), ("gone", ""), ("odd", "")];
            let listed = |(name, seat): (&str, &str)| {
                (name.to_owned(), 1000, "ec2-user".to_owned(), seat.to_owned(), path(name))
            };
            seats.map(listed).into()
        }
    }

    #[zbus::interface(name = "org.freedesktop.login1.Session")]
    impl Someone {
        #[zbus(property)]
        fn remote(&self) -> bool {
            self.0
        }

        #[zbus(property, name = "Type")]
        fn kind(&self) -> &'static str {
            self.1
        }

        #[zbus(property)]
        fn class(&self) -> &'static str {
            self.2
        }
    }

    #[test]
    fn counts_sessions() {
        let mut trial = Trial::<Logind>::new(&[], &[]);
        assert!(matches!(trial.collect(), Err(Error::Absent(_))));
        listen(&trial.path("run/dbus/system_bus_socket"), |connection| {
            connection
                .serve_at("/org/freedesktop/login1", Manager)?
                .serve_at(path("a"), Someone(false, "tty", "user"))?
                .serve_at(path("b"), Someone(true, "tty", "user"))?
                .serve_at(path("c"), Someone(true, "tty", "user"))?
                .serve_at(path("odd"), Someone(true, "telepathy", "manager"))
        });
        let said = trial.collect().unwrap();
        assert_eq!(said.lines().count(), 2 * 2 * 7 * 5);
        let counted: Vec<_> = said.lines().filter(|line| !line.ends_with(" 0")).collect();
        let expected = [
            r#"node_logind_sessions{seat="",remote="true",type="other",class="other"} 1"#,
            r#"node_logind_sessions{seat="",remote="true",type="tty",class="user"} 2"#,
            r#"node_logind_sessions{seat="seat0",remote="false",type="tty",class="user"} 1"#,
        ];
        assert_eq!(counted, expected);
    }
}
