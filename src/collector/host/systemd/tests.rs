//! A systemd made up, with one unit of each kind.

use zbus::connection::Builder;
use zbus::fdo;
use zbus::zvariant::OwnedObjectPath;

use super::{Systemd, version};
use crate::collector::dbus::stand_in::{Serve, listen};
use crate::collector::trial::Trial;
use crate::files::Error;

struct Manager;
struct Service;
struct Mount;
struct Timer;
struct Socket;
struct Unit;

type Listed =
    (String, String, String, String, String, String, OwnedObjectPath, u32, String, OwnedObjectPath);

fn path(of: &str) -> OwnedObjectPath {
    OwnedObjectPath::try_from(format!("/unit/{of}")).unwrap()
}

fn listed(name: &str, loaded: &str, state: &str, of: &str) -> Listed {
    let text = |text: &str| text.to_owned();
    let job = path("job");
    let (name, loaded, state) = (text(name), text(loaded), text(state));
    (name, text("A unit"), loaded, state, text("sub"), text(""), path(of), 0, text(""), job)
}

#[zbus::interface(name = "org.freedesktop.systemd1.Manager")]
impl Manager {
    fn list_units(&self) -> Vec<Listed> {
        vec![
            listed("ecs.service", "loaded", "active", "ecs"),
            listed("old.service", "loaded", "failed", "gone"),
            listed("none.service", "not-found", "inactive", "gone"),
            listed("docker.socket", "loaded", "active", "socket"),
            listed("logrotate.timer", "loaded", "active", "timer"),
            listed("mnt.mount", "loaded", "active", "mount"),
            listed("x.path", "loaded", "maintenance", "gone"),
        ]
    }

    #[zbus(property)]
    fn version(&self) -> &'static str {
        "252.39-1~deb12u1"
    }

    #[zbus(property)]
    fn virtualization(&self) -> &'static str {
        "amazon"
    }

    #[zbus(property)]
    fn system_state(&self) -> &'static str {
        "running"
    }
}

#[zbus::interface(name = "org.freedesktop.systemd1.Service")]
impl Service {
    #[zbus(property, name = "Type")]
    fn kind(&self) -> &'static str {
        "notify"
    }

    #[zbus(property)]
    fn n_restarts(&self) -> u32 {
        3
    }

    #[zbus(property)]
    fn tasks_current(&self) -> u64 {
        17
    }

    #[zbus(property)]
    fn tasks_max(&self) -> u64 {
        u64::MAX
    }
}

#[zbus::interface(name = "org.freedesktop.systemd1.Mount")]
impl Mount {
    #[zbus(property, name = "Type")]
    fn kind(&self) -> &'static str {
        "ext4"
    }
}

#[zbus::interface(name = "org.freedesktop.systemd1.Timer")]
impl Timer {
    #[zbus(property, name = "LastTriggerUSec")]
    fn last_trigger(&self) -> u64 {
        1_700_000_000_500_000
    }
}

#[zbus::interface(name = "org.freedesktop.systemd1.Socket")]
impl Socket {
    #[zbus(property)]
    fn n_accepted(&self) -> u32 {
        5
    }

    #[zbus(property)]
    fn n_connections(&self) -> u32 {
        1
    }

    // As of before systemd 239.
    #[zbus(property)]
    fn n_refused(&self) -> fdo::Result<u32> {
        Err(fdo::Error::UnknownProperty("NRefused".into()))
    }
}

#[zbus::interface(name = "org.freedesktop.systemd1.Unit")]
impl Unit {
    #[zbus(property)]
    fn active_enter_timestamp(&self) -> u64 {
        1_600_000_000_000_000
    }
}

const SERVE: Serve = |connection: Builder<'static>| {
    connection
        .serve_at("/org/freedesktop/systemd1", Manager)?
        .serve_at(path("ecs"), Service)?
        .serve_at(path("ecs"), Unit)?
        .serve_at(path("socket"), Socket)?
        .serve_at(path("socket"), Unit)?
        .serve_at(path("timer"), Timer)?
        .serve_at(path("mount"), Mount)
};

/// What is said of the made-up systemd behind a socket.
fn said(socket: &str, args: &[&str]) -> String {
    let mut trial = Trial::<Systemd>::new(args, &[]);
    listen(&trial.path(socket), SERVE);
    let said = trial.collect().unwrap();
    assert_eq!(trial.collect().unwrap(), said, "in the next scrape");
    said
}

const HEAD: &str = r#"node_systemd_version{version="252.39-1~deb12u1"} 252.39
node_systemd_virtualization_info{virtualization_type="amazon"} 1
node_systemd_system_running 1
node_systemd_units{state="active"} 4
node_systemd_units{state="activating"} 0
node_systemd_units{state="deactivating"} 0
node_systemd_units{state="inactive"} 1
node_systemd_units{state="failed"} 1
node_systemd_units{state="maintenance"} 1
"#;

/// The states of a unit, of which it is in the one at a place.
fn states(name: &str, kind: &str, place: usize) -> String {
    let states = super::STATES.iter().enumerate().map(|(at, state)| {
        let is = u8::from(at == place);
        format!(
            "node_systemd_unit_state{{name=\"{name}\",state=\"{state}\",type=\"{kind}\"}} {is}\n"
        )
    });
    states.collect()
}

#[test]
fn says_what_units_do() {
    let expected = [
        HEAD,
        &states("ecs.service", "notify", 0),
        &states("old.service", "", 4),
        &states("docker.socket", "", 0),
        &states("logrotate.timer", "", 0),
        &states("x.path", "", 9),
        "node_systemd_timer_last_trigger_seconds{name=\"logrotate.timer\"} 1700000000.5\n",
        "node_systemd_socket_accepted_connections_total{name=\"docker.socket\"} 5\n",
        "node_systemd_socket_current_connections{name=\"docker.socket\"} 1\n",
    ];
    assert_eq!(said("run/dbus/system_bus_socket", &[]), expected.concat());
}

#[test]
fn says_what_else_is_asked_for() {
    let args = [
        "--collector.systemd.private",
        "--collector.systemd.unit-include=(ecs|x|mnt)\\..*",
        "--collector.systemd.unit-exclude=ecs.servic",
        "--collector.systemd.enable-task-metrics",
        "--collector.systemd.enable-restarts-metrics",
        "--collector.systemd.enable-start-time-metrics",
    ];
    let expected = [
        HEAD,
        &states("ecs.service", "notify", 0),
        &states("mnt.mount", "ext4", 0),
        &states("x.path", "", 9),
        "node_systemd_unit_start_time_seconds{name=\"ecs.service\"} 1600000000\n",
        "node_systemd_unit_start_time_seconds{name=\"x.path\"} 0\n",
        "node_systemd_unit_tasks_current{name=\"ecs.service\"} 17\n",
        "node_systemd_service_restart_total{name=\"ecs.service\"} 3\n",
    ];
    assert_eq!(said("run/systemd/private", &args), expected.concat());
}

#[test]
fn is_absent_where_nobody_listens_and_fails_where_nobody_answers() {
    let mut trial = Trial::<Systemd>::new(&[], &[]);
    assert!(matches!(trial.collect(), Err(Error::Absent(_))));
    let socket = trial.path("run/dbus/system_bus_socket");
    listen(&socket, Ok);
    let failed = trial.complaint();
    assert!(failed.starts_with("/run/dbus/system_bus_socket: org.freedesktop."), "{failed}");
}

#[test]
fn reads_versions() {
    for (text, number, whole) in [
        ("252.39-1~deb12u1", 252.39, "252.39-1~deb12u1"),
        ("v239 (239-82.el8)", 239.0, "v239 (239-82.el8)"),
        ("systemd 12.5", 0.0, ""),
        ("v1.254.", 254.0, "v1.254."),
        ("", 0.0, ""),
    ] {
        assert_eq!(version(text), (number, whole), "{text}");
    }
}
