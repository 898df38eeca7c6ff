//! The flags there are: the program's own, those of every collector, and the subcommands.

use std::ffi::OsString;
use std::path::PathBuf;
use std::time::Duration;

use clap::{Arg, ArgAction, Args, Command};
use tracing::Level;

use super::values;
use crate::collector::Spec;
use crate::collector::flags::duration;
use crate::discovery::{Preset, Rule};
use crate::inventory::Service;
use crate::log::Format;

/// What is done in the place of serving.
#[derive(Debug)]
pub(super) struct Subcommand {
    /// The word that asks for it.
    pub(super) name: &'static str,
    /// One line for `--help`.
    pub(super) about: &'static str,
    /// Adds its own flags, which are known after its name only.
    pub(super) flags: fn(Command) -> Command,
}

/// Every subcommand.
pub(super) const SUBCOMMANDS: &[Subcommand] = &[
    Subcommand {
        name: ONCE,
        about: "Print the metrics once, to standard output.",
        flags: Once::augment_args,
    },
    Subcommand {
        name: HEALTHCHECK,
        about: "Ask a running exporter whether it is well, for a container's health check.",
        flags: Healthcheck::augment_args,
    },
    Subcommand {
        name: DOCTOR,
        about: "Run every collector once, and say what is seen of the host and what mends the rest.",
        flags: Doctor::augment_args,
    },
    Subcommand {
        name: REFERENCE,
        about: "Print every metric and every flag, as Markdown.",
        flags: |command| command,
    },
];

pub(super) const ONCE: &str = "once";
pub(super) const HEALTHCHECK: &str = "healthcheck";
pub(super) const DOCTOR: &str = "doctor";
pub(super) const REFERENCE: &str = "reference";

/// Flags of `once`.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct Once {
    /// With once: run this collector, or this group of them (node, container, ecs), and no others.
    #[arg(id = "collect", long, value_name = "NAME")]
    pub(super) collect: Vec<String>,
}

/// Flags of `healthcheck`.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct Healthcheck {
    /// With healthcheck: address of the exporter, in place of the first --web.listen-address.
    #[arg(
        id = "web.address",
        long,
        value_name = "ADDRESS",
        value_parser = values::listen_address
    )]
    pub(super) address: Option<String>,
}

/// Flags of `doctor`.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct Doctor {
    /// With doctor: answer in JSON.
    #[arg(id = "json", long)]
    pub(super) json: bool,
}

/// The program's own flags.
#[derive(Args, Debug)]
#[group(skip)]
pub(super) struct General {
    /// Address to listen on, as host:port, or :port for all addresses; port 0 is any free one.
    #[arg(
        id = "web.listen-address",
        long,
        value_name = "ADDRESS",
        default_value = ":9100",
        value_parser = values::listen_address
    )]
    pub(super) listen: Vec<String>,
    /// Use the sockets that systemd passes, in place of --web.listen-address.
    #[arg(id = "web.systemd-socket", long)]
    pub(super) systemd_socket: bool,
    /// File that says who may ask, and how: TLS, passwords, headers, in exporter-toolkit's format.
    #[arg(id = "web.config.file", long, value_name = "PATH")]
    pub(super) web_config: Option<OsString>,
    /// Path of the metrics.
    #[arg(
        id = "web.telemetry-path",
        long,
        value_name = "PATH",
        default_value = "/metrics",
        value_parser = values::url_path
    )]
    pub(super) telemetry_path: String,
    /// Leave out the metrics about the exporter itself.
    #[arg(id = "web.disable-exporter-metrics", long)]
    pub(super) disable_exporter_metrics: bool,
    /// Most scrapes that are answered at the same time; 0 for any number.
    #[arg(
        id = "web.max-requests",
        long,
        value_name = "N",
        default_value = "40",
        value_parser = values::count
    )]
    pub(super) max_requests: usize,
    /// How long before the scraper gives up the answer goes out, with what is there by then.
    #[arg(
        id = "web.scrape-timeout-margin",
        long,
        value_name = "TIME",
        default_value = "500ms",
        value_parser = duration
    )]
    pub(super) timeout_margin: Duration,
    /// Where the host's /proc is mounted. Without any of these three, the usual mounts of a container
    /// are looked for: /host/proc, /host/sys, /rootfs and /host.
    #[arg(id = "path.procfs", long, value_name = "PATH", default_value = "/proc")]
    pub(super) procfs: PathBuf,
    /// Where the host's /sys is mounted.
    #[arg(id = "path.sysfs", long, value_name = "PATH", default_value = "/sys")]
    pub(super) sysfs: PathBuf,
    /// Where the host's / is mounted.
    #[arg(id = "path.rootfs", long, value_name = "PATH", default_value = "/")]
    pub(super) rootfs: PathBuf,
    /// Where the host's /run/udev/data is mounted; below --path.rootfs if not given.
    #[arg(id = "path.udev.data", long, value_name = "PATH")]
    pub(super) udev: Option<PathBuf>,
    /// Docker's socket, or nothing for no Docker; /var/run/docker.sock, or run/docker.sock below
    /// --path.rootfs, if not given.
    #[arg(id = "docker.socket", long, value_name = "PATH")]
    pub(super) docker: Option<OsString>,
    /// Address of the ECS agent's introspection, or nothing for no ECS.
    #[arg(
        id = "ecs.agent-address",
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:51678",
        value_parser = values::peer_address
    )]
    pub(super) agent: String,
    /// Where the names of ECS services come from: metadata for each task's own metadata endpoint,
    /// which is asked once for each, by the id in the environment of its containers; label:NAME for
    /// a label of Docker; off for nowhere.
    #[arg(
        id = "collector.ecs.service-name",
        long,
        value_name = "FROM",
        default_value = "metadata",
        value_parser = values::service
    )]
    pub(super) service: Service,
    /// Address of the ECS agent's task metadata endpoint, on this host.
    #[arg(
        id = "ecs.metadata-address",
        long,
        value_name = "ADDRESS",
        default_value = "127.0.0.1:51679",
        value_parser = values::local_address
    )]
    pub(super) endpoint: String,
    /// Say under /sd/targets which containers ask to be scraped, for Prometheus' http_sd_configs.
    #[arg(id = "sd.http", long, action = ArgAction::Set, default_value_t = true)]
    pub(super) sd_http: bool,
    /// Write the same to this file whenever it changes, for Prometheus' file_sd_configs.
    #[arg(id = "sd.file", long, value_name = "PATH")]
    pub(super) sd_file: Option<OsString>,
    /// Containers to be scraped that do not ask by themselves: family=~REGEX, service= and container=
    /// alike, port=PORT, path=/PATH, scheme=https, job=NAME, with commas in between.
    #[arg(id = "sd.rule", long, value_name = "RULE", value_parser = Rule::parse)]
    pub(super) sd_rules: Vec<Rule>,
    /// Plain labels for targets, as another tool gives them: 3h4x, teralytics, cloudmap or adot.
    #[arg(id = "sd.labels", long, value_name = "TOOL", value_parser = values::preset)]
    pub(super) sd_labels: Option<Preset>,
    /// Address at which the scraper reaches this host's published ports; the one of the interface
    /// with the default route if not given.
    #[arg(id = "sd.host-address", long, value_name = "HOST", value_parser = values::host)]
    pub(super) sd_address: Option<String>,
    /// Further Docker labels that containers carry as container_label_…: names with commas in
    /// between, or * for all.
    #[arg(id = "collector.container.labels", long, value_name = "NAMES")]
    pub(super) labels: Vec<String>,
    /// Give the services of systemd rows in the container metrics, too.
    #[arg(id = "container.systemd-units", long)]
    pub(super) systemd_units: bool,
    /// Directory in which counters outlive the exporter's restarts; without it they begin at zero.
    #[arg(id = "storage.path", long, value_name = "PATH")]
    pub(super) storage: Option<OsString>,
    /// Switch every collector off but those that are asked for by name.
    #[arg(id = "collector.disable-defaults", long)]
    pub(super) disable_defaults: bool,
    /// Accepted for the sake of node_exporter's users, and without effect.
    #[arg(
        id = "runtime.gomaxprocs",
        long,
        hide = true,
        default_value = "1",
        value_parser = values::integer
    )]
    _gomaxprocs: i64,
    /// Accepted for the sake of node_exporter's users: there is no such collector here.
    #[arg(id = "collector.runit", long, hide = true)]
    pub(super) runit: bool,
    /// Accepted, and without effect.
    #[arg(id = "collector.runit.servicedir", long, hide = true)]
    _runit_servicedir: Option<String>,
    /// Accepted for the sake of node_exporter's users: there is no such collector here.
    #[arg(id = "collector.supervisord", long, hide = true)]
    pub(super) supervisord: bool,
    /// Accepted, and without effect.
    #[arg(id = "collector.supervisord.url", long, hide = true)]
    _supervisord_url: Option<String>,
    /// Log this and what is worse: debug, info, warn or error.
    #[arg(
        id = "log.level",
        long,
        value_name = "LEVEL",
        default_value = "info",
        value_parser = values::level
    )]
    pub(super) log_level: Level,
    /// How a line of the log looks: logfmt or json.
    #[arg(
        id = "log.format",
        long,
        value_name = "FORMAT",
        default_value = "logfmt",
        value_parser = values::format
    )]
    pub(super) log_format: Format,
}

/// All flags but those of subcommands.
pub(super) fn command(specs: &[Spec]) -> Command {
    let command = Command::new(super::NAME)
        .disable_help_flag(true)
        .disable_version_flag(true)
        .arg(said("help", "Print this, and end.").short('h'))
        .arg(said("version", "Print which build this is, and end."));
    let command = General::augment_args(command);
    specs.iter().fold(command, |command, spec| {
        let command = command.arg(
            Arg::new(switch(spec))
                .long(switch(spec))
                .action(ArgAction::SetTrue)
                .help(about(spec)),
        );
        (spec.flags)(command)
    })
}

fn said(name: &'static str, help: &'static str) -> Arg {
    Arg::new(name)
        .long(name)
        .action(ArgAction::SetTrue)
        .help(help)
}

/// The name of the flag that switches a collector on.
pub(super) fn switch(spec: &Spec) -> String {
    format!("collector.{}", spec.name)
}

fn about(spec: &Spec) -> String {
    format!("{} {} by default.", spec.about, if spec.by_default { "On" } else { "Off" })
}
