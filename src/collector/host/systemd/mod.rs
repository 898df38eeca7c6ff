//! Units of systemd: what state they are in.
//!
//! See [its D-Bus interface](https://www.freedesktop.org/software/systemd/man/latest/org.freedesktop.systemd1.html).

mod manager;

use clap::Args;

use self::manager::{Answers, Unit, Wanted};
use crate::collector::dbus::Bus;
use crate::collector::filter::{Filter, Flag};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter, gauge, info, micros};
use crate::files::{Result, Roots};

static VERSION: Family<1> = gauge("node_systemd_version")
    .help("The version of systemd, as a number, and whole as a label.")
    .labels(["version"]);

static VIRTUALIZATION: Family<1> = info("node_systemd_virtualization_info")
    .help("What systemd takes the host for, as a label: none for a real machine.")
    .labels(["virtualization_type"]);

static RUNNING: Family<0> = gauge("node_systemd_system_running")
    .help("Whether everything is started and nothing failed.")
    .labels([]);

static UNITS: Family<1> = gauge("node_systemd_units")
    .help("Units in a state, those that are left out elsewhere among them.")
    .labels(["state"]);

static STATE: Family<3> = gauge("node_systemd_unit_state")
    .help("1 for the state that the unit is in, 0 for the others.")
    .labels(["name", "state", "type"]);

static OF_UNITS: Table<Unit, 1> = Table {
    labels: ["name"],
    metrics: &[
        gauge("node_systemd_unit_start_time_seconds")
            .help("When the unit became active, in seconds since 1970; 0 if it is not.")
            .value(|u| micros(u.started_usec)),
        gauge("node_systemd_unit_tasks_current")
            .help("Threads of the unit.")
            .value(|u| count(u.tasks.filter(|n| *n != u64::MAX))),
        gauge("node_systemd_unit_tasks_max")
            .help("Most threads the unit may have.")
            .value(|u| count(u.most_tasks.filter(|n| *n != u64::MAX))),
        counter("node_systemd_service_restart_total")
            .help("How often systemd restarted the service by itself.")
            .value(|u| u.restarts.map(f64::from)),
        gauge("node_systemd_timer_last_trigger_seconds")
            .help("When the timer went off last, in seconds since 1970.")
            .value(|u| micros(u.triggered_usec)),
        counter("node_systemd_socket_accepted_connections_total")
            .help("Connections accepted by the socket.")
            .value(|u| u.accepted.map(f64::from)),
        gauge("node_systemd_socket_current_connections")
            .help("Connections of the socket that are open.")
            .value(|u| u.open.map(f64::from)),
        // A gauge, although its name says otherwise, because it is one in node_exporter.
        gauge("node_systemd_socket_refused_connections_total")
            .help("Connections refused by the socket.")
            .value(|u| u.refused.map(f64::from)),
    ],
};

/// The states of units.
const STATES: [&str; 5] = ["active", "activating", "deactivating", "inactive", "failed"];

/// Which units are shown, and what of them.
#[derive(Debug, Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of whole names of units to take
    #[arg(
        id = INCLUDE,
        long,
        alias = "collector.systemd.unit-whitelist",
        value_name = "REGEXP",
        default_value = ".+"
    )]
    include: String,
    /// Regular expression of whole names of units to leave out
    #[arg(
        id = EXCLUDE,
        long,
        alias = "collector.systemd.unit-blacklist",
        value_name = "REGEXP",
        default_value = r".+\.(automount|device|mount|scope|slice)"
    )]
    exclude: String,
    /// Ask systemd itself rather than by the system's bus, for tests
    #[arg(id = "collector.systemd.private", long, hide = true)]
    private: bool,
    /// Tell how many threads services have
    #[arg(id = "collector.systemd.enable-task-metrics", long)]
    tasks: bool,
    /// Tell how often services were restarted
    #[arg(id = "collector.systemd.enable-restarts-metrics", long)]
    restarts: bool,
    /// Tell when units became active
    #[arg(id = "collector.systemd.enable-start-time-metrics", long)]
    start_times: bool,
}

const INCLUDE: &str = "collector.systemd.unit-include";
const EXCLUDE: &str = "collector.systemd.unit-exclude";

/// Collects what systemd says of its units.
pub struct Systemd {
    bus: Bus,
    filter: Filter,
    wanted: Wanted,
}

impl Collector for Systemd {
    const NAME: &'static str = "systemd";
    const ABOUT: &'static str = "States of systemd's units.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] =
        &[Need::Read("/run/dbus/system_bus_socket"), Need::Read("/run/systemd/private")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [
            VERSION.descriptor(),
            VIRTUALIZATION.descriptor(),
            RUNNING.descriptor(),
            UNITS.descriptor(),
            STATE.descriptor(),
        ]
        .into_iter()
        .chain(OF_UNITS.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let whole = |expression: &str| format!("^(?:{expression})$");
        let (include, exclude) = (whole(&flags.include), whole(&flags.exclude));
        let include = Flag { name: INCLUDE, value: Some(&include) };
        let exclude = Flag { name: EXCLUDE, value: Some(&exclude) };
        let private = Bus::private(roots);
        Ok(Self {
            bus: if flags.private { private } else { Bus::system(roots).or(private) },
            filter: Filter::both(include, exclude)?,
            wanted: Wanted {
                tasks: flags.tasks,
                restarts: flags.restarts,
                start_times: flags.start_times,
            },
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { bus, filter, wanted } = self;
        let answers = bus.ask(host.now, async |connection| {
            manager::ask(connection, *wanted, |name| !filter.ignores(name.as_bytes())).await
        })?;
        write(&answers, text);
        Ok(())
    }
}

fn write(answers: &Answers, text: &mut Text) {
    let (number, version) = version(answers.version.as_deref().unwrap_or_default());
    text.family(&VERSION).sample(version, number);
    let virtualization = match answers.virtualization.as_deref() {
        None => "unknown",
        Some("") => "none",
        Some(kind) => kind,
    };
    text.family(&VIRTUALIZATION).sample(virtualization, 1.0);
    if let Some(state) = &answers.system_state {
        text.family(&RUNNING).sample((), state == "running");
    }
    let mut units = text.family(&UNITS);
    for (state, n) in &answers.states {
        units.sample(state, *n);
    }
    let mut family = text.family(&STATE);
    for unit in &answers.units {
        for state in STATES {
            family.sample((&unit.name, state, &unit.kind), unit.state == state);
        }
    }
    text.table(&OF_UNITS, answers.units.iter().map(|unit| (&unit.name, unit)));
}

/// The number in a version such as `252.39-1~deb12u1`, and the version; nothing of one without a
/// number of three digits.
fn version(text: &str) -> (f64, &str) {
    let digits = |text: &str| text.bytes().take_while(u8::is_ascii_digit).count();
    let mut rest = text;
    while let Some(start) = rest.find(|c: char| c.is_ascii_digit()) {
        let (_, from) = rest.split_at(start);
        let whole = digits(from);
        let (number, after) = from.split_at(whole);
        if whole >= 3 {
            let fraction = after.strip_prefix('.').map_or(0, digits);
            let end = if fraction > 0 { whole + 1 + fraction } else { whole };
            let number = from.get(..end).unwrap_or(number);
            return number.parse().map_or((0.0, ""), |n| (n, text));
        }
        rest = after;
    }
    (0.0, "")
}

#[cfg(test)]
mod tests;
