//! The program: reads the command line, builds what it asks for, and runs it.

use std::fmt::Display;
use std::io::{self, Write};
use std::path::PathBuf;
use std::process::ExitCode;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use ecs_host_exporter::cgroup::{Hierarchies, Kind, Tree};
use ecs_host_exporter::cli::{self, Action, Asked, Config};
use ecs_host_exporter::collector::{self, Collector};
use ecs_host_exporter::container::endings::{self, Endings};
use ecs_host_exporter::container::{Containerd, Containers, Names};
use ecs_host_exporter::discovery::{self, Discovery, Instance, file};
use ecs_host_exporter::doctor::{self, Patient};
use ecs_host_exporter::exposition::whole;
use ecs_host_exporter::files::{Files, Roots};
use ecs_host_exporter::inventory::{self, Handle, Listener, Told};
use ecs_host_exporter::lasting::{self, Lasting};
use ecs_host_exporter::notify::Notify;
use ecs_host_exporter::scrape::{FindContainers, Scraper, Start};
use ecs_host_exporter::system::{self, System};
use ecs_host_exporter::{healthcheck, http, log, reference, select};
use tokio::runtime::{Builder, Runtime};
use tokio::signal::unix::{SignalKind, signal};

/// How long `once` waits for Docker and the ECS agent to say who is who.
const SETTLING: Duration = Duration::from_secs(3);

/// How long the end waits for counters to be saved.
const SAVING: Duration = Duration::from_secs(5);

fn main() -> ExitCode {
    let config = match cli::from_process() {
        Ok(Asked::Run(config)) => *config,
        Ok(Asked::Text(text)) => return print(text.as_bytes()),
        Err(refused) => return complain(format_args!("{refused}, try --help")),
    };
    // The doctor says all there is to say.
    if !matches!(config.action, Action::Doctor { .. }) {
        log::start(config.log);
    }
    match config.action.clone() {
        Action::Serve => serve(config),
        Action::Once { collect } => once(config, &collect),
        Action::Healthcheck { address } => match healthcheck::check(&address) {
            Ok(()) => ExitCode::SUCCESS,
            Err(unwell) => complain(unwell),
        },
        Action::Doctor { json } => doctor(config, json),
        Action::Reference => {
            let (metrics, flags) = (reference::markdown(), cli::command());
            let flags = reference::flags_markdown(&flags);
            print(format!("## Metrics\n\n{metrics}## Flags\n\n{flags}").as_bytes())
        }
    }
}

fn serve(config: Config) -> ExitCode {
    let web = config.web_config.as_deref().map(http::Web::open);
    let web = match web.transpose() {
        Ok(web) => web,
        Err(error) => return fail(error),
    };
    let lasting = match lasting(&config) {
        Ok(lasting) => lasting,
        Err(error) => return fail(error),
    };
    let listeners = match listeners(&config) {
        Ok(listeners) => listeners,
        Err(error) => return fail(error),
    };
    announce(&config);
    let http = config.http.clone();
    let kept = lasting.clone();
    let (served, file) = (config.discovery_http, config.discovery_file.clone());
    let rootfs = config.roots.rootfs.clone();
    let ended = run(config, kept, async move |Ready { scraper, inventory, discovery }| {
        if let Some(path) = file {
            tokio::spawn(file::keep(path, Arc::clone(&discovery), inventory.clone()));
        }
        let app = http::App::new(scraper, inventory, http)
            .of_host(rootfs)
            .behind(web)
            .discovering(served.then_some(discovery));
        let app = Arc::new(app);
        let systemd = Notify::of(cli::notify_socket());
        let told = told_to_end()?;
        systemd.ready();
        let ended = http::run(listeners, app, async {
            told.await;
            systemd.stopping();
        });
        let ended = ended.await;
        tracing::info!("Ended");
        ended.map(|()| ExitCode::SUCCESS)
    });
    lasting.save(SAVING);
    ended
}

/// Opens the book of what outlives containers, if anybody is to tell of it.
fn lasting(config: &Config) -> Result<Lasting, lasting::Error> {
    if !config.collectors.iter().any(|(name, _)| *name == LASTING) {
        return Ok(Lasting::default());
    }
    let path = config.roots.proc.join("sys/kernel/random/boot_id");
    let boot = Files::default()
        .load(&path, |text| Ok(String::from_utf8_lossy(text).trim().to_owned()))
        .unwrap_or_default();
    Lasting::start(lasting::Settings { dir: config.storage.clone(), boot, clock: SystemTime::now })
}

fn listeners(config: &Config) -> Result<Vec<http::Listener>, http::BindError> {
    if config.systemd_socket { http::inherited() } else { http::bind(&config.listen) }
}

fn once(config: Config, collect: &[String]) -> ExitCode {
    let patience = config.http.timeout;
    run(config, Lasting::default(), async move |Ready { scraper, inventory, .. }| {
        let selection = match select::select(&scraper, collect, &[]) {
            Ok(selection) => selection,
            Err(refusal) => return Ok(complain(refusal)),
        };
        inventory.settled(SETTLING).await;
        let exposition = scraper.scrape(selection, patience).await;
        Ok(print(&whole(&exposition)))
    })
}

/// Runs every collector once, looks at what they need, and says what mends the rest.
fn doctor(config: Config, json: bool) -> ExitCode {
    let patience = config.http.timeout;
    let patient = Patient {
        roots: config.roots.clone(),
        in_container: config.in_container,
        docker: socket(config.inventory.docker.clone()),
        agent: config.inventory.agent.clone(),
    };
    run(config, Lasting::default(), async move |Ready { scraper, inventory, .. }| {
        inventory.settled(SETTLING).await;
        let _said = scraper.scrape(scraper.all(), patience).await;
        let report = doctor::examine(patient, &scraper.account().await);
        let text = if json { report.json() } else { report.to_string() };
        let printed = print(text.as_bytes());
        Ok(if report.well() { printed } else { ExitCode::FAILURE })
    })
}

/// What was built.
struct Ready {
    scraper: Arc<Scraper>,
    inventory: Handle,
    discovery: Arc<Discovery>,
}

/// Builds what scrapes need, and does something with it.
fn run(
    config: Config,
    lasting: Lasting,
    work: impl AsyncFnOnce(Ready) -> io::Result<ExitCode>,
) -> ExitCode {
    let runtime = match runtime() {
        Ok(runtime) => runtime,
        Err(error) => return fail(error),
    };
    let outcome = runtime.block_on(async {
        let listener = Listener(lasting.kept().then(|| {
            let lasting = lasting.clone();
            Box::new(move |told: Told<'_>| lasting.told(told)) as _
        }));
        let (inventory, refresh) =
            inventory::start_telling(config.inventory, SystemTime::now, listener);
        tokio::spawn(refresh);
        let descriptors = descriptors();
        let follows = config.collectors.iter().any(|(name, _)| *name == ENDED);
        let endings = if follows {
            follow(&config.roots, descriptors / 2, inventory.clone())
        } else {
            Endings::default()
        };
        if lasting.kept() {
            let (lasting, endings) = (lasting.clone(), endings.clone());
            tokio::spawn(async move {
                loop {
                    endings.news().await;
                    lasting.take(&endings);
                }
            });
        }
        let discovery = Arc::new(discover(config.discovery, &config.roots));
        let containers = find(config.roots, config.systemd_units, descriptors / 2, endings);
        let system = System::LIVE;
        let start = Start { containers, system, discovery: Arc::clone(&discovery) };
        let scraper = Scraper::new(config.collectors, start, inventory.clone()).keeping(lasting);
        let scraper = Arc::new(scraper);
        work(Ready { scraper, inventory, discovery }).await
    });
    // A collector that hangs would hold up a runtime that is dropped.
    runtime.shutdown_background();
    outcome.unwrap_or_else(fail)
}

/// One thread for all that waits, and others for what takes long, such as to try a password. Scrapes have
/// a thread of their own.
fn runtime() -> io::Result<Runtime> {
    Builder::new_current_thread()
        .enable_all()
        .max_blocking_threads(16)
        .build()
}

/// The collector that tells of containers that ended: without it nobody follows them.
const ENDED: &str = <collector::container::ended::Ended as Collector>::NAME;

/// The collector that tells of what outlives containers: without it there is no book of it.
const LASTING: &str = <collector::ecs::lasting::Lasting as Collector>::NAME;

/// Follows containers to their end, where control groups are to be seen.
fn follow(roots: &Roots, descriptors: usize, inventory: Handle) -> Endings {
    let home = match Hierarchies::find(roots, &mut Files::default()) {
        Ok(home) => Arc::new(home),
        Err(error) => {
            tracing::debug!(%error, "no control groups");
            return Endings::default();
        }
    };
    let settings = endings::Settings {
        home,
        proc: roots.proc.clone(),
        containerd: Containerd::new(roots),
        descriptors,
        clock: SystemTime::now,
        who: Box::new(move |path| inventory.latest().named(path)),
    };
    Endings::start(settings).unwrap_or_else(|error| {
        tracing::warn!(%error, "the endings of containers are not followed");
        Endings::default()
    })
}

/// Finds out who is to be scraped on this machine.
fn discover(settings: discovery::Settings, roots: &Roots) -> Discovery {
    let instance = Instance::find(roots, &mut Files::default());
    Discovery::new(discovery::Settings { instance, ..settings }, system::own_address)
}

fn find(roots: Roots, systemd_units: bool, descriptors: usize, endings: Endings) -> FindContainers {
    let shown = if systemd_units { with_units } else { without_units };
    Box::new(move |files| {
        let home = Arc::new(Hierarchies::find(&roots, files)?);
        let containers = Containers::new(Tree::new(home), shown, descriptors);
        let containers = containers.with_containerd(Containerd::new(&roots));
        Ok(containers.following(endings.clone()))
    })
}

fn without_units(kind: Kind<'_>) -> bool {
    matches!(kind, Kind::Host | Kind::Task(_) | Kind::Container(_))
}

fn with_units(kind: Kind<'_>) -> bool {
    without_units(kind) || kind == Kind::Unit
}

/// How many files of control groups may stay open: a descriptor costs the kernel some 5 KiB, and
/// connections and everything else need theirs.
fn descriptors() -> usize {
    const MOST: u64 = 20 * 1024;
    const OTHERS: u64 = 512;
    let limit = system::raise_open_files().unwrap_or(1024);
    usize::try_from(limit.saturating_sub(OTHERS).min(MOST)).unwrap_or_default()
}

fn announce(config: &Config) {
    tracing::info!(version = cli::VERSION, revision = cli::REVISION, "Starting ecs-host-exporter");
    let Roots { proc, sys, rootfs, udev } = &config.roots;
    tracing::info!(
        from = config.origin.as_str(),
        procfs = %proc.display(),
        sysfs = %sys.display(),
        rootfs = %rootfs.display(),
        udev = %udev.display(),
        "Reading the host"
    );
    let names: Vec<_> = config.collectors.iter().map(|(name, _)| *name).collect();
    tracing::info!(collectors = names.join(","), "Enabled collectors");
    if !config.missing.is_empty() {
        let collectors = config.missing.join(",");
        tracing::warn!(collectors, "Asked for collectors that are not there");
    }
}

/// The place where there is a socket, or the first of them.
fn socket(places: Vec<PathBuf>) -> Option<PathBuf> {
    let first = places.first().cloned();
    places.into_iter().find(|place| place.exists()).or(first)
}

/// Done when the process is told to end.
fn told_to_end() -> io::Result<impl Future<Output = ()>> {
    let mut terminated = signal(SignalKind::terminate())?;
    let mut interrupted = signal(SignalKind::interrupt())?;
    Ok(async move {
        let signal = tokio::select! {
            _ = terminated.recv() => "SIGTERM",
            _ = interrupted.recv() => "SIGINT",
        };
        tracing::info!(signal, "Ending");
    })
}

/// Prints to standard output. Who stops reading has read enough.
fn print(text: &[u8]) -> ExitCode {
    let mut out = io::stdout().lock();
    match out.write_all(text).and_then(|()| out.flush()) {
        Err(error) if error.kind() != io::ErrorKind::BrokenPipe => complain(error),
        _ => ExitCode::SUCCESS,
    }
}

/// Says on standard error what was wrong with what was asked for.
fn complain(error: impl Display) -> ExitCode {
    let _closed = writeln!(io::stderr(), "{}: error: {error}", cli::NAME);
    ExitCode::FAILURE
}

/// Logs what ends the program.
fn fail(error: impl Display) -> ExitCode {
    tracing::error!("{error}");
    ExitCode::FAILURE
}
