//! Containers that come and go fifty a second beside others that stay: of these no sample is lost,
//! and the exporter holds nothing of those that went. Needs root and control groups to write to;
//! without, it is skipped, which with `CI=true` is a failure.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

mod common;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::atomic::{AtomicBool, Ordering};
use std::thread;
use std::time::{Duration, Instant};

use common::exposition::{self, Sample};

const STAY: usize = 20;
const COME_AND_GO: usize = 300;
/// Fewer than what one container has open.
const FEW: usize = 5;

/// Families that each container which stays must have in every scrape.
const FAMILIES: [&str; 4] = [
    "container_cpu_usage_seconds_total",
    "container_memory_working_set_bytes",
    "container_threads",
    "container_last_seen",
];

#[test]
fn who_stays_is_always_there_and_who_goes_leaves_nothing() {
    let task = format!("{:032x}", 0xc4_0000_0000_u64 + u64::from(std::process::id()));
    if let Err(error) = Group::new(&task, 0).map(drop) {
        assert!(std::env::var_os("CI").is_none(), "cannot run: {error}");
        eprintln!("skipped: no control groups to write to: {error}");
        return;
    }
    let stay: Vec<_> = (1..=STAY).map(|n| Group::new(&task, n).unwrap()).collect();
    let exporter = Exporter::start();
    exporter.complete(&stay);
    exporter.complete(&stay);
    let floor = exporter.held();

    let done = AtomicBool::new(false);
    let scrapes = thread::scope(|scope| {
        scope.spawn(|| {
            let mut gone = 0;
            while gone < COME_AND_GO {
                let begun = Instant::now();
                // Ids come back, as do process ids.
                drop(Group::new(&task, STAY + 1 + gone % 10).unwrap());
                gone += 1;
                thread::sleep(Duration::from_millis(20).saturating_sub(begun.elapsed()));
            }
            done.store(true, Ordering::Relaxed);
        });
        let mut scrapes = 0;
        while !done.load(Ordering::Relaxed) {
            exporter.complete(&stay);
            scrapes += 1;
        }
        scrapes
    });
    assert!(scrapes > 3, "{scrapes} scrapes");

    // The first scrape sees that they went, the second says nothing of them.
    exporter.complete(&stay);
    let samples = exporter.scrape();
    let rows = samples
        .iter()
        .filter(|s| s.name == "container_last_seen" && s.label("id").contains(&format!("{task}/")));
    assert_eq!(rows.count(), STAY);
    // Of those that went nothing is held. Other groups of the host may come and go, too: their
    // watches are not counted, and a few of their descriptors make no leak.
    let gone: Vec<_> = (STAY + 1..=STAY + 10).map(id).collect();
    let of_gone = |path: &&str| gone.iter().any(|id| path.contains(id));
    let begun = Instant::now();
    let held = loop {
        exporter.scrape();
        let held = exporter.held();
        let (new, one_each) = (held.beyond(&floor), held.watches == floor.watches);
        if new.len() < FEW && !new.iter().any(of_gone) && one_each {
            break held;
        }
        let watches = (held.watches, floor.watches);
        assert!(begun.elapsed() < Duration::from_secs(60), "{new:?}, watches {watches:?}");
        thread::sleep(Duration::from_millis(500));
    };
    let grown = held.memory_kib.saturating_sub(floor.memory_kib);
    assert!(grown < 4096, "{grown} KiB more");
}

/// A container: a group in each hierarchy, with a process. Ended and taken away in the end.
struct Group {
    id: String,
    directories: Vec<PathBuf>,
    process: Child,
}

fn id(number: usize) -> String {
    format!("{:064x}", 0xc4_0000_0000_0000_u64 + number as u64)
}

impl Group {
    fn new(task: &str, number: usize) -> std::io::Result<Self> {
        let id = id(number);
        let root = Path::new("/sys/fs/cgroup");
        let controllers: &[&str] = match root.join("memory").is_dir() {
            true => &["cpu", "cpuacct", "memory", "blkio", "pids"],
            false => &[""],
        };
        let directories: Vec<_> = controllers
            .iter()
            .map(|controller| root.join(controller).join("ecs").join(task).join(&id))
            .collect();
        for directory in &directories {
            fs::create_dir_all(directory)?;
        }
        let process = Command::new("sleep").arg("1000000").spawn()?;
        let group = Self { id, directories, process };
        for directory in &group.directories {
            fs::write(directory.join("cgroup.procs"), group.process.id().to_string())?;
        }
        Ok(group)
    }
}

impl Drop for Group {
    fn drop(&mut self) {
        let _gone = self.process.kill();
        let _gone = self.process.wait();
        for directory in &self.directories {
            while fs::remove_dir(directory)
                .is_err_and(|error| error.kind() == std::io::ErrorKind::ResourceBusy)
            {
                thread::sleep(Duration::from_millis(1));
            }
            // The task goes with its last container.
            let _others = directory.parent().map(fs::remove_dir);
        }
    }
}

/// What a process holds.
#[derive(Debug)]
struct Held {
    /// What each descriptor stands for.
    descriptors: Vec<String>,
    /// Beyond one for each group of the host.
    watches: usize,
    /// Its own: of its file, what scrapes run is mapped anew after it was given back.
    memory_kib: u64,
}

impl Held {
    /// The descriptors that were not there before.
    fn beyond(&self, before: &Self) -> Vec<&str> {
        let mut before = before.descriptors.clone();
        let mut new = Vec::new();
        for name in &self.descriptors {
            match before.iter().position(|old| old == name) {
                Some(at) => _ = before.swap_remove(at),
                None => new.push(name.as_str()),
            }
        }
        new
    }
}

/// The exporter, alone with the kernel.
struct Exporter {
    child: Child,
    port: u16,
}

impl Exporter {
    fn start() -> Self {
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = listener.local_addr().unwrap().port();
        drop(listener);
        let child = Command::new(env!("CARGO_BIN_EXE_ecs-host-exporter"))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .args(["--docker.socket=/nowhere", "--ecs.agent-address=127.0.0.1:1"])
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        let exporter = Self { child, port };
        let begun = Instant::now();
        while TcpStream::connect(("127.0.0.1", port)).is_err() {
            assert!(begun.elapsed() < Duration::from_secs(60), "it does not serve");
            thread::sleep(Duration::from_millis(20));
        }
        exporter
    }

    fn scrape(&self) -> Vec<Sample> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).unwrap();
        let head = answer
            .windows(4)
            .position(|four| four == b"\r\n\r\n")
            .expect("a head");
        let (_, body) = answer.split_at(head + 4);
        exposition::parse(body).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// A scrape in which nobody who stays is missing.
    fn complete(&self, stay: &[Group]) {
        let samples = self.scrape();
        for (family, group) in FAMILIES
            .iter()
            .flat_map(|f| stay.iter().map(move |g| (f, g)))
        {
            let there = |s: &Sample| s.name == *family && s.label("id").ends_with(&group.id);
            assert!(samples.iter().any(there), "{family} of {} is missing", group.id);
        }
    }

    fn held(&self) -> Held {
        let proc = PathBuf::from(format!("/proc/{}", self.child.id()));
        let listed = |of: &str| fs::read_dir(proc.join(of)).unwrap().flatten();
        let watches = |entry: fs::DirEntry| {
            let text = fs::read_to_string(entry.path()).unwrap_or_default();
            text.lines()
                .filter(|line| line.starts_with("inotify"))
                .count()
        };
        let links = listed("fd").filter_map(|entry| fs::read_link(entry.path()).ok());
        let name = |link: PathBuf| match link.to_string_lossy() {
            // Its number says nothing.
            socket if socket.starts_with("socket:") => "socket".to_owned(),
            other => other.into_owned(),
        };
        let status = fs::read_to_string(proc.join("status")).unwrap();
        let memory = status
            .lines()
            .find_map(|line| line.strip_prefix("RssAnon:"));
        let memory = memory.and_then(|line| line.split_whitespace().next());
        Held {
            watches: listed("fdinfo").map(watches).sum::<usize>() + 1000 - groups(&walked()),
            descriptors: links.map(name).collect(),
            memory_kib: memory.unwrap().parse().unwrap(),
        }
    }
}

/// The hierarchy that the exporter walks.
fn walked() -> PathBuf {
    let (v1, v2) = (Path::new("/sys/fs/cgroup/memory"), Path::new("/sys/fs/cgroup"));
    if v1.is_dir() { v1.into() } else { v2.into() }
}

fn groups(dir: &Path) -> usize {
    let Ok(entries) = fs::read_dir(dir) else { return 0 };
    let below = entries
        .flatten()
        .filter(|entry| entry.file_type().is_ok_and(|kind| kind.is_dir()));
    1 + below.map(|entry| groups(&entry.path())).sum::<usize>()
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}
