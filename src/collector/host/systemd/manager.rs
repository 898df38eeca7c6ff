//! What systemd's manager is asked, and what it answers.

use futures_util::future::try_join_all;
use zbus::zvariant::{ObjectPath, OwnedObjectPath};

use super::STATES;
use crate::collector::dbus::{Connection, Peer};

const SERVICE: &str = "org.freedesktop.systemd1";
const MANAGER: &str = "org.freedesktop.systemd1.Manager";

/// How many units are asked about at once. A bus limits how many answers one may wait for.
const AT_ONCE: usize = 32;

/// What is asked of units besides their states.
#[derive(Clone, Copy, Debug)]
pub(super) struct Wanted {
    /// How many threads services have.
    pub(super) tasks: bool,
    /// How often services were restarted.
    pub(super) restarts: bool,
    /// When units became active.
    pub(super) start_times: bool,
}

/// What the manager says. `None` is what this version of it does not say.
#[derive(Debug)]
pub(super) struct Answers {
    pub(super) version: Option<String>,
    pub(super) virtualization: Option<String>,
    pub(super) system_state: Option<String>,
    /// How many units are in a state, whatever their names are.
    pub(super) states: Vec<(String, u64)>,
    /// Those whose names were asked for.
    pub(super) units: Vec<Unit>,
}

/// A unit. `None` is what units of its kind do not have, or what was not asked for.
#[derive(Debug, Default)]
pub(super) struct Unit {
    pub(super) name: String,
    pub(super) state: String,
    /// How a service is started, or what a mount is of.
    pub(super) kind: String,
    /// Since 1970.
    pub(super) started_usec: Option<u64>,
    pub(super) tasks: Option<u64>,
    pub(super) most_tasks: Option<u64>,
    /// Since systemd 235.
    pub(super) restarts: Option<u32>,
    /// Since 1970.
    pub(super) triggered_usec: Option<u64>,
    pub(super) accepted: Option<u32>,
    pub(super) open: Option<u32>,
    /// Since systemd 239.
    pub(super) refused: Option<u32>,
}

/// A line of `ListUnits`: name, description, state of loading, state, finer state, the unit it
/// follows, its path, and number, type and path of its job.
type Listed =
    (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

/// Asks the manager.
pub(super) async fn ask(
    connection: &Connection,
    wanted: Wanted,
    mut takes: impl FnMut(&str) -> bool,
) -> zbus::Result<Answers> {
    let path = &ObjectPath::from_static_str("/org/freedesktop/systemd1")?;
    let listed = connection.call_method(Some(SERVICE), path, Some(MANAGER), "ListUnits", &());
    let listed: Vec<Listed> = listed.await?.body().deserialize()?;

    let mut states: Vec<(String, u64)> = STATES.map(|state| (state.into(), 0)).into();
    let mut taken = Vec::new();
    for (name, _, loaded, state, _, _, path, ..) in listed {
        match states.iter_mut().find(|(known, _)| *known == state) {
            Some((_, n)) => *n += 1,
            None => states.push((state.clone(), 1)),
        }
        if loaded == "loaded" && takes(&name) {
            taken.push((Unit { name, state, ..Unit::default() }, path));
        }
    }
    let mut units = Vec::with_capacity(taken.len());
    let mut taken = taken.into_iter();
    loop {
        let some = taken.by_ref().take(AT_ONCE);
        let some: Vec<_> = some
            .map(|(unit, path)| detail(connection, wanted, unit, path))
            .collect();
        if some.is_empty() {
            break;
        }
        units.extend(try_join_all(some).await?);
    }

    let manager = Peer { connection, service: SERVICE, path };
    Ok(Answers {
        version: manager.property(MANAGER, "Version").await?,
        virtualization: manager.property(MANAGER, "Virtualization").await?,
        system_state: manager.property(MANAGER, "SystemState").await?,
        states,
        units,
    })
}

/// Asks for what units of its kind have.
async fn detail(
    connection: &Connection,
    wanted: Wanted,
    mut unit: Unit,
    path: OwnedObjectPath,
) -> zbus::Result<Unit> {
    const UNIT: &str = "org.freedesktop.systemd1.Unit";
    const SERVICES: &str = "org.freedesktop.systemd1.Service";
    const MOUNTS: &str = "org.freedesktop.systemd1.Mount";
    const TIMERS: &str = "org.freedesktop.systemd1.Timer";
    const SOCKETS: &str = "org.freedesktop.systemd1.Socket";
    let peer = Peer { connection, service: SERVICE, path: &path };
    match unit.name.rsplit_once('.').map(|(_, kind)| kind) {
        Some("service") => {
            unit.kind = peer.property(SERVICES, "Type").await?.unwrap_or_default();
            if wanted.restarts {
                unit.restarts = peer.property(SERVICES, "NRestarts").await?;
            }
            if wanted.tasks {
                unit.tasks = peer.property(SERVICES, "TasksCurrent").await?;
                unit.most_tasks = peer.property(SERVICES, "TasksMax").await?;
            }
        }
        Some("mount") => unit.kind = peer.property(MOUNTS, "Type").await?.unwrap_or_default(),
        Some("timer") => unit.triggered_usec = peer.property(TIMERS, "LastTriggerUSec").await?,
        Some("socket") => {
            unit.accepted = peer.property(SOCKETS, "NAccepted").await?;
            unit.open = peer.property(SOCKETS, "NConnections").await?;
            unit.refused = peer.property(SOCKETS, "NRefused").await?;
        }
        _ => {}
    }
    if wanted.start_times {
        let active = unit.state == "active";
        unit.started_usec = match active {
            true => peer.property(UNIT, "ActiveEnterTimestamp").await?,
            false => Some(0),
        };
    }
    Ok(unit)
}
