//! What the tests over whole hosts share: fixtures, a scraper over one, a checker of expositions.
#![allow(
    dead_code,
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::disallowed_methods,
    clippy::indexing_slicing,
    clippy::missing_docs_in_private_items,
    reason = "a test, and not each uses everything"
)]

pub mod exposition;
pub mod memory;

use std::fs;
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::{AtomicU32, AtomicU64, Ordering};
use std::sync::{Arc, LazyLock};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use clap::ArgMatches;
use ecs_host_exporter::cgroup::{Hierarchies, Kind, Tree};
use ecs_host_exporter::collector::{self, COLLECTORS, Running};
use ecs_host_exporter::container::Containers;
use ecs_host_exporter::exposition::whole;
use ecs_host_exporter::files::{Files, Roots};
use ecs_host_exporter::inventory::{Handle, Inventory, Labels, agent, docker};
use ecs_host_exporter::scrape::{Scraper, Start};
use ecs_host_exporter::system::{Clock, Statfs, System, Uname};
use tokio::runtime::{Builder, Runtime};

/// Where fixtures are.
pub fn fixtures() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures")
}

/// The hosts among them, by name.
pub fn hosts() -> Vec<String> {
    let entries = fs::read_dir(fixtures()).unwrap().map(Result::unwrap);
    let mut hosts: Vec<_> = entries
        .filter(|entry| entry.path().join("proc").is_dir())
        .map(|entry| entry.file_name().into_string().unwrap())
        .collect();
    hosts.sort();
    hosts
}

/// Seconds since 1970 when every fixture's groups were made.
const MADE: u64 = 1_760_000_000;

/// A copy of a host in memory, taken away in the end. In the copy, directories are all of one age:
/// the exporter says when a group was made.
pub struct Copy(pub PathBuf);

impl Copy {
    pub fn of(host: &str) -> Self {
        static NEXT: AtomicU32 = AtomicU32::new(0);
        let shm = Path::new("/dev/shm");
        let temporary = if shm.is_dir() { shm.into() } else { std::env::temp_dir() };
        let number = NEXT.fetch_add(1, Ordering::Relaxed);
        let name = format!("ecs-host-exporter-{}-{number}-{host}", std::process::id());
        let copy = Self(temporary.join(name));
        copy_tree(&fixtures().join(host), &copy.0);
        copy
    }

    pub fn roots(&self) -> Roots {
        Roots {
            proc: self.0.join("proc"),
            sys: self.0.join("sys"),
            rootfs: self.0.join("rootfs"),
            udev: self.0.join("udev"),
        }
    }
}

impl Drop for Copy {
    fn drop(&mut self) {
        let _gone = fs::remove_dir_all(&self.0);
    }
}

fn copy_tree(from: &Path, to: &Path) {
    fs::create_dir_all(to).unwrap();
    for entry in fs::read_dir(from).unwrap().map(Result::unwrap) {
        let (kind, to) = (entry.file_type().unwrap(), to.join(entry.file_name()));
        if kind.is_dir() {
            copy_tree(&entry.path(), &to);
        } else if kind.is_symlink() {
            std::os::unix::fs::symlink(fs::read_link(entry.path()).unwrap(), to).unwrap();
        } else {
            fs::copy(entry.path(), to).unwrap();
        }
    }
    let made = UNIX_EPOCH + Duration::from_secs(MADE);
    fs::File::open(to).unwrap().set_modified(made).unwrap();
}

/// Seconds since 1970, as fixture hosts see them.
const NOW: u64 = 1_800_000_000;

/// The system calls of a fixture host.
const SYSTEM: System = System { now, uname, statfs, clock, ..System::MUTE };

/// Seconds for which somebody waited on a fixture host.
static WAITED: AtomicU64 = AtomicU64::new(0);

fn now() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(NOW + WAITED.load(Ordering::Relaxed))
}

/// Lets time pass on fixture hosts.
pub fn wait(seconds: u64) {
    WAITED.fetch_add(seconds, Ordering::Relaxed);
}

fn uname() -> io::Result<Uname> {
    Ok(Uname {
        sysname: "Linux".into(),
        nodename: "fixture".into(),
        release: "6.1.0".into(),
        version: "#1 SMP".into(),
        machine: "x86_64".into(),
        domainname: "(none)".into(),
    })
}

/// A clock that an NTP daemon keeps.
fn clock() -> io::Result<Clock> {
    Ok(Clock {
        offset: -120_345,
        freq: 1_310_720,
        maxerror: 95_500,
        esterror: 210,
        status: 0x2001,
        constant: 7,
        tick: 10_000,
        tai: 37,
        ..Clock::default()
    })
}

fn statfs(_: &Path) -> io::Result<Statfs> {
    Ok(Statfs {
        block_size: 4096,
        blocks: 1_000_000,
        blocks_free: 600_000,
        blocks_available: 500_000,
        files: 2_000_000,
        files_free: 1_900_000,
    })
}

/// All collectors that are on by default, over a host, with its containers as the exporter shows them.
pub fn scraper(roots: &Roots) -> Arc<Scraper> {
    scraper_of(roots, &known(roots), |spec| spec.by_default)
}

/// As [`scraper`], of the collectors that are `chosen`.
pub fn scraper_of(
    roots: &Roots,
    known: &Handle,
    chosen: impl Fn(&collector::Spec) -> bool,
) -> Arc<Scraper> {
    static FLAGS: LazyLock<ArgMatches> = LazyLock::new(|| {
        COLLECTORS
            .iter()
            .fold(clap::Command::new("fixture"), |command, spec| (spec.flags)(command))
            .get_matches_from(["fixture"])
    });
    let collectors: Vec<(&'static str, Running)> = COLLECTORS
        .iter()
        .filter(|spec| chosen(spec))
        .map(|spec| (spec.name, (spec.start)(&FLAGS, roots).unwrap()))
        .collect();
    let start =
        Start { containers: containers(roots.clone()), system: SYSTEM, discovery: Arc::default() };
    Arc::new(Scraper::new(collectors, start, known.clone()))
}

/// What is known of a host's containers.
pub fn known(roots: &Roots) -> Handle {
    Handle::fixed(inventory(&roots.proc))
}

/// What Docker and the agent of a host say, beside its `proc`. Nothing where they are not, or talk
/// nonsense.
fn inventory(proc: &Path) -> Inventory {
    let read = |name: &str| fs::read(proc.with_file_name(name)).unwrap_or_default();
    let containers = docker::parse_inspect(&read("docker/inspect.json")).unwrap_or_default();
    let metadata = agent::parse_metadata(&read("agent/metadata.json"));
    let tasks = agent::parse_tasks(&read("agent/tasks.json"));
    let told = metadata.ok().zip(tasks.ok());
    let told = told.map(|(metadata, tasks)| agent::Answer { metadata, tasks });
    Inventory::of(containers, told, &Labels::default())
}

fn containers(roots: Roots) -> ecs_host_exporter::scrape::FindContainers {
    Box::new(move |files: &mut Files| {
        let home = Arc::new(Hierarchies::find(&roots, files)?);
        let shown =
            |kind: Kind<'_>| matches!(kind, Kind::Host | Kind::Task(_) | Kind::Container(_));
        Ok(Containers::new(Tree::new(home), shown, 512))
    })
}

/// One scrape of everything. Panics if it is late.
pub fn scrape(runtime: &Runtime, scraper: &Arc<Scraper>) -> Vec<u8> {
    const PATIENCE: Duration = Duration::from_secs(20);
    let started = std::time::Instant::now();
    let parts = runtime.block_on(scraper.scrape(scraper.all(), PATIENCE));
    assert!(started.elapsed() < PATIENCE, "a collector hangs");
    whole(&parts)
}

/// A runtime as the exporter has it.
pub fn runtime() -> Runtime {
    Builder::new_current_thread().enable_all().build().unwrap()
}
