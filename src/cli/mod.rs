//! The command line: the program's flags and those of every collector, checked.
//!
//! The flags are declared with clap; the words are read by kingpin's rules, so that a command line
//! made for node_exporter means the same here. The environment is read here and nowhere else.

mod flags;
mod help;
mod line;
mod nearest;
mod refused;
mod roots;
mod values;
mod version;
mod words;

use std::ffi::{OsStr, OsString};
use std::io::{self, Read};
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::{Path, PathBuf};

use clap::parser::ValueSource;
use clap::{ArgMatches, Command, FromArgMatches};

use crate::collector::{COLLECTORS, Running, Spec};
use crate::files::Roots;
use crate::{discovery, http, inventory, log};

use flags::{General, Subcommand};
use words::{Said, Spoken};

pub use refused::Refused;
pub use roots::Origin;
pub use version::{REVISION, VERSION};

/// The name of the program.
pub const NAME: &str = "ecs-host-exporter";

/// The variable of the environment that holds further arguments.
pub const VARIABLE: &str = "ECS_HOST_EXPORTER_ARGS";

/// What a command line asks for.
pub enum Asked {
    /// To print this, and end.
    Text(String),
    /// To do something.
    Run(Box<Config>),
}

/// What to do, and how. All of it is checked.
pub struct Config {
    /// What to do.
    pub action: Action,
    /// Where the host's trees are.
    pub roots: Roots,
    /// Who said so.
    pub origin: Origin,
    /// Whether the exporter runs in a container.
    pub in_container: bool,
    /// The collectors that are switched on, each with its name, made ready.
    pub collectors: Vec<(&'static str, Running)>,
    /// Those that were asked for and do not exist here, although they do in node_exporter.
    pub missing: Vec<&'static str>,
    /// Whether the services of systemd have rows, too.
    pub systemd_units: bool,
    /// Whom to ask about containers.
    pub inventory: inventory::Settings,
    /// Where counters outlive the exporter, if anywhere.
    pub storage: Option<PathBuf>,
    /// Who is to be scraped. The machine is not known here yet.
    pub discovery: discovery::Settings,
    /// Whether to serve that.
    pub discovery_http: bool,
    /// The file to write it to, if there is one.
    pub discovery_file: Option<PathBuf>,
    /// Where to listen.
    pub listen: Vec<String>,
    /// Whether to take the sockets that systemd passes, in place of that.
    pub systemd_socket: bool,
    /// The file that says who may ask, if there is one.
    pub web_config: Option<PathBuf>,
    /// How to serve.
    pub http: http::Settings,
    /// What to log, and how.
    pub log: log::Settings,
}

/// What to do.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Action {
    /// Serve.
    Serve,
    /// Print the metrics once.
    Once {
        /// Of these collectors and groups alone, if any are named.
        collect: Vec<String>,
    },
    /// Ask a running exporter whether it is well.
    Healthcheck {
        /// Where it listens: `host:port`, where the host may be empty.
        address: String,
    },
    /// Say what of the host can be seen, and what would mend the rest.
    Doctor {
        /// In JSON.
        json: bool,
    },
    /// Print every metric and flag.
    Reference,
}

/// What a command line is read from, and what it looks at.
struct World<'a> {
    /// The arguments, without the program's name.
    arguments: Vec<OsString>,
    /// The variable of the environment.
    variable: Option<OsString>,
    /// Tells whether there is something at a path.
    exists: &'a dyn Fn(&Path) -> bool,
    /// Reads a file.
    read: &'a dyn Fn(&Path) -> io::Result<Vec<u8>>,
    /// The collectors there are.
    specs: &'static [Spec],
}

/// Reads the command line and the environment of this process.
pub fn from_process() -> Result<Asked, Refused> {
    let read = |path: &Path| {
        let mut text = Vec::new();
        std::fs::File::open(path)?.read_to_end(&mut text)?;
        Ok(text)
    };
    parse(World {
        arguments: std::env::args_os().skip(1).collect(),
        variable: std::env::var_os(VARIABLE),
        exists: &Path::exists,
        read: &read,
        specs: COLLECTORS,
    })
}

/// Where systemd wants to be told that the program is ready.
pub fn notify_socket() -> Option<OsString> {
    std::env::var_os("NOTIFY_SOCKET").filter(|socket| !socket.is_empty())
}

/// Every flag, those of the subcommands included, for the reference.
pub fn command() -> Command {
    flags::SUBCOMMANDS
        .iter()
        .fold(flags::command(COLLECTORS), |command, known| (known.flags)(command))
}

/// The subcommands, each with what it is for and its own flags alone, for the manual.
pub fn subcommands() -> impl Iterator<Item = Command> {
    flags::SUBCOMMANDS
        .iter()
        .map(|known| (known.flags)(Command::new(known.name)).about(known.about))
}

fn parse(world: World<'_>) -> Result<Asked, Refused> {
    let further = world.variable.as_deref().map(split).transpose()?;
    let words = further
        .into_iter()
        .flatten()
        .chain(world.arguments)
        .collect();
    let command = flags::command(world.specs);
    let spoken = match words::read(words, command, flags::SUBCOMMANDS, world.read)? {
        Said::Version => return Ok(Asked::Text(version::block())),
        Said::Help => {
            let command = flags::command(world.specs);
            return Ok(Asked::Text(help::text(command, flags::SUBCOMMANDS)));
        }
        Said::Do(spoken) => *spoken,
    };
    let Spoken { words, off, command, subcommand } = spoken;
    let words = std::iter::once(NAME.into()).chain(words);
    let matches = command
        .try_get_matches_from(words)
        .map_err(|error| Refused::value(&error))?;
    let general: General = taken(&matches);
    let mountinfo = (world.read)(Path::new("/proc/self/mountinfo")).unwrap_or_default();
    let in_container = roots::in_container(world.exists, &mountinfo);
    let (roots, origin) = find_roots(&general, &matches, in_container, world.exists);
    let on = |spec: &&Spec| {
        let switch = flags::switch(spec);
        let by_default = spec.by_default && !general.disable_defaults;
        matches.get_flag(&switch) || (by_default && !off.contains(&switch))
    };
    let start = |spec: &Spec| {
        let started = (spec.start)(&matches, &roots);
        started
            .map(|running| (spec.name, running))
            .map_err(|error| Refused::Collector(refused::one_line(&error.to_string())))
    };
    let collectors = world.specs.iter().filter(on).map(start);
    Ok(Asked::Run(Box::new(Config {
        action: action(subcommand, &matches, &general),
        in_container,
        collectors: collectors.collect::<Result<_, _>>()?,
        missing: missing(&general),
        systemd_units: general.systemd_units,
        inventory: inventory_settings(&general, &roots)?,
        discovery: discovery::Settings {
            rules: general.sd_rules,
            preset: general.sd_labels,
            address: general.sd_address,
            own: roots::own_container(&mountinfo),
            ..discovery::Settings::default()
        },
        discovery_http: general.sd_http,
        discovery_file: general
            .sd_file
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        http: http::Settings {
            metrics_path: general.telemetry_path,
            max_requests: general.max_requests,
            exporter_metrics: !general.disable_exporter_metrics,
            timeout_margin: general.timeout_margin,
            ..http::Settings::default()
        },
        log: log::Settings { level: general.log_level, format: general.log_format },
        storage: general
            .storage
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        listen: general.listen,
        systemd_socket: general.systemd_socket,
        web_config: general
            .web_config
            .filter(|path| !path.is_empty())
            .map(PathBuf::from),
        roots,
        origin,
    })))
}

/// The collectors that were asked for and that node_exporter alone has.
fn missing(general: &General) -> Vec<&'static str> {
    let asked = [("runit", general.runit), ("supervisord", general.supervisord)];
    let asked = asked.into_iter().filter(|(_, asked)| *asked);
    asked.map(|(name, _)| name).collect()
}

/// Splits the variable of the environment as a shell would.
fn split(variable: &OsStr) -> Result<Vec<OsString>, Refused> {
    let words = shlex::bytes::split(variable.as_bytes()).ok_or(Refused::Variable)?;
    Ok(words.into_iter().map(OsString::from_vec).collect())
}

#[expect(clippy::expect_used, reason = "these flags were added to this very command line")]
fn taken<T: FromArgMatches>(matches: &ArgMatches) -> T {
    T::from_arg_matches(matches).expect("clap has checked them")
}

fn action(
    subcommand: Option<&'static Subcommand>,
    matches: &ArgMatches,
    general: &General,
) -> Action {
    match subcommand.map(|known| known.name) {
        Some(flags::ONCE) => Action::Once { collect: taken::<flags::Once>(matches).collect },
        Some(flags::HEALTHCHECK) => {
            let address = taken::<flags::Healthcheck>(matches).address;
            let address = address.or_else(|| general.listen.first().cloned());
            Action::Healthcheck { address: address.unwrap_or_default() }
        }
        Some(flags::DOCTOR) => Action::Doctor { json: taken::<flags::Doctor>(matches).json },
        Some(flags::REFERENCE) => Action::Reference,
        _ => Action::Serve,
    }
}

fn find_roots(
    general: &General,
    matches: &ArgMatches,
    in_container: bool,
    exists: roots::Exists<'_>,
) -> (Roots, Origin) {
    let given = |flag: &&str| matches.value_source(flag) == Some(ValueSource::CommandLine);
    let any_given = ["path.procfs", "path.sysfs", "path.rootfs"]
        .iter()
        .any(given);
    let mounted = (in_container && !any_given).then(|| roots::mounted(exists));
    let origin = match (&mounted, any_given) {
        (_, true) => Origin::Flags,
        (Some(Some(_)), _) => Origin::Mounts,
        _ => Origin::Own,
    };
    let mut found = mounted.flatten().unwrap_or_else(|| Roots {
        proc: general.procfs.clone(),
        sys: general.sysfs.clone(),
        rootfs: general.rootfs.clone(),
        udev: roots::udev(&general.rootfs),
    });
    if let Some(udev) = &general.udev {
        found.udev.clone_from(udev);
    }
    (found, origin)
}

fn inventory_settings(general: &General, roots: &Roots) -> Result<inventory::Settings, Refused> {
    let wrong = |error: crate::files::Error| {
        Refused::Collector(format!("--collector.container.labels: {error}"))
    };
    Ok(inventory::Settings {
        docker: match &general.docker {
            Some(socket) if socket.is_empty() => vec![],
            Some(socket) => vec![socket.into()],
            None => roots::docker(&roots.rootfs),
        },
        agent: Some(general.agent.clone()).filter(|agent| !agent.is_empty()),
        labels: inventory::Labels::asked(&general.labels).map_err(wrong)?,
        service: general.service.clone(),
        endpoint: general.endpoint.clone(),
    })
}

#[cfg(test)]
mod tests;
