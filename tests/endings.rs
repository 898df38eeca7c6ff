//! Containers that end, as plain control groups: what is read of them in their last moment, against
//! what the kernel says of a group made for each alone.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

use std::collections::BTreeMap;
use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::process::{Command, Stdio};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant, SystemTime};

use ecs_host_exporter::cgroup::{Controller, Hierarchies, Version};
use ecs_host_exporter::container::Containerd;
use ecs_host_exporter::container::endings::{Ended, Endings, How, Settings};
use ecs_host_exporter::files::{Files, Roots};

/// How long the thread may take to tell of an end. Reached only if it never does.
const PATIENCE: Duration = Duration::from_secs(60);

/// Tests that count what the process has open take turns.
static TURN: Mutex<()> = Mutex::new(());

fn turn() -> MutexGuard<'static, ()> {
    TURN.lock().unwrap_or_else(PoisonError::into_inner)
}

/// Whether groups can be made here. In CI they must be.
fn possible() -> bool {
    let root = nix::unistd::geteuid().is_root();
    assert!(root || std::env::var_os("CI").is_none(), "control groups need root");
    if !root {
        eprintln!("skipped: control groups need root");
    }
    root
}

fn live() -> Arc<Hierarchies> {
    Arc::new(Hierarchies::find(&Roots::default(), &mut Files::default()).unwrap())
}

fn follow(home: &Arc<Hierarchies>, descriptors: usize) -> Endings {
    let settings = Settings {
        home: Arc::clone(home),
        proc: "/proc".into(),
        containerd: Containerd::default(),
        descriptors,
        clock: SystemTime::now,
        who: Box::new(|_| None),
    };
    Endings::start(settings).unwrap()
}

/// The group of a task, in which there is one container.
fn task(n: usize) -> String {
    format!("{n:032x}")
}

/// A group of its own for a test, removed in the end.
struct Place {
    mounts: Vec<PathBuf>,
    name: String,
}

impl Place {
    fn new(home: &Hierarchies, name: &str) -> Self {
        let controllers = match home.version() {
            Version::V1 => &[Controller::Cpuacct, Controller::Memory, Controller::Io][..],
            Version::V2 => &[Controller::Unified],
        };
        let mut mounts: Vec<PathBuf> = controllers
            .iter()
            .filter_map(|controller| home.mount(*controller).map(Into::into))
            .collect();
        mounts.dedup();
        let place = Self { mounts, name: format!("ecs/endings-{name}-{}", std::process::id()) };
        place.make("");
        place
    }

    fn make(&self, group: &str) {
        for mount in &self.mounts {
            fs::create_dir_all(mount.join(&self.name).join(group)).unwrap();
        }
    }

    /// As soon as nobody is left in it.
    fn remove(&self, group: &str) {
        for mount in &self.mounts {
            let dir = mount.join(&self.name).join(group);
            while dir.exists() && fs::remove_dir(&dir).is_err() {
                thread::yield_now();
            }
        }
    }

    fn enter(&self, group: &str, pid: u32) {
        for mount in &self.mounts {
            let procs = mount.join(&self.name).join(group).join("cgroup.procs");
            fs::write(procs, pid.to_string()).unwrap();
        }
    }

    /// Nanoseconds on a CPU of a group and its descendants, dead or alive.
    fn cpu(&self, group: &str) -> u64 {
        let dir = |mount: &Path| mount.join(&self.name).join(group);
        let v1 = fs::read_to_string(dir(&self.mounts[0]).join("cpuacct.usage"));
        let v2 = || {
            let stat = fs::read_to_string(dir(&self.mounts[0]).join("cpu.stat")).unwrap();
            let usage = stat.lines().next().unwrap().strip_prefix("usage_usec ");
            usage.unwrap().parse::<u64>().unwrap() * 1000
        };
        v1.map_or_else(|_| v2(), |usage| usage.trim().parse().unwrap())
    }

    /// One container, in a group of its own, that lives as long as it takes to count so far. Then its
    /// group goes after a while.
    fn container(&self, n: usize, count: u32, linger: Duration) {
        let group = format!("{}/{n:064x}", task(n));
        self.make(&group);
        let mut shell = Command::new("sh")
            .args(["-c", "read go; i=0; while [ $i -lt $0 ]; do i=$((i+1)); done"])
            .arg(count.to_string())
            .stdin(Stdio::piped())
            .spawn()
            .unwrap();
        self.enter(&group, shell.id());
        shell.stdin.take().unwrap().write_all(b"\n").unwrap();
        shell.wait().unwrap();
        thread::sleep(linger);
        self.remove(&group);
    }
}

impl Drop for Place {
    fn drop(&mut self) {
        for mount in &self.mounts {
            let dir = mount.join(&self.name);
            for group in fs::read_dir(&dir).into_iter().flatten().flatten() {
                let _file = fs::remove_dir(group.path());
            }
            let _gone = fs::remove_dir(dir);
        }
    }
}

/// What ended below a place, when so many have.
fn ended(endings: &Endings, place: &Place, count: usize) -> BTreeMap<usize, Arc<Ended>> {
    let below = format!("/{}/", place.name);
    let started = Instant::now();
    loop {
        let news = endings.with_ledger(|ledger| ledger.since(0)).unwrap();
        let own = news.ended.into_iter().filter_map(|ended| {
            let (n, _) = ended.path.strip_prefix(&*below)?.split_once('/')?;
            Some((usize::from_str_radix(n, 16).unwrap(), ended))
        });
        let own: BTreeMap<_, _> = own.collect();
        if own.len() == count {
            return own;
        }
        assert!(started.elapsed() < PATIENCE, "{} of {count} ended", own.len());
        thread::sleep(Duration::from_millis(10));
    }
}

fn count(ended: &BTreeMap<usize, Arc<Ended>>, how: How) -> usize {
    ended.values().filter(|ended| ended.how == how).count()
}

/// What this process has open: descriptors, and watches of inotify.
fn open() -> (usize, usize) {
    let entries = fs::read_dir("/proc/self/fdinfo").unwrap().flatten();
    let infos: Vec<String> = entries
        .filter_map(|entry| fs::read_to_string(entry.path()).ok())
        .collect();
    let lines = infos.iter().flat_map(|info| info.lines());
    (infos.len(), lines.filter(|line| line.starts_with("inotify wd:")).count())
}

#[test]
fn what_a_container_used_is_what_its_parent_kept() {
    if !possible() {
        return;
    }
    let _turn = turn();
    const COUNT: usize = 100;
    let home = live();
    let place = Place::new(&home, "exact");
    // As a task's group is there before its containers.
    (0..COUNT).for_each(|n| place.make(&task(n)));
    let endings = follow(&home, 1000);
    thread::scope(|scope| {
        for n in 0..COUNT {
            let place = &place;
            scope.spawn(move || place.container(n, 3000, Duration::from_millis(5)));
            thread::sleep(Duration::from_millis(20));
        }
    });
    let ended = ended(&endings, &place, COUNT);
    let (read, partial) = (count(&ended, How::Read), count(&ended, How::Partial));
    let wrong: Vec<_> = ended
        .iter()
        .filter(|(_, ended)| ended.how == How::Read)
        .map(|(n, ended)| (ended.finals.cpu.unwrap().usage_nsec.unwrap(), place.cpu(&task(*n))))
        .filter(|(told, kept)| told != kept)
        .collect();
    eprintln!("{read} of {COUNT} read, {partial} in part; {} not exact: {wrong:?}", wrong.len());
    assert!(wrong.is_empty());
    // How many depends on who else wants the CPU: that most are is no matter of luck.
    assert!(read >= COUNT / 2, "{read}");
    assert!(
        ended
            .values()
            .all(|ended| ended.began.is_some() && !ended.scraped)
    );
}

#[test]
fn nothing_is_left_of_containers_that_came_and_went() {
    if !possible() {
        return;
    }
    let _turn = turn();
    let home = live();
    let place = Place::new(&home, "churn");
    (0..501).for_each(|n| place.make(&task(n)));
    let endings = follow(&home, 1000);
    place.container(0, 0, Duration::ZERO);
    ended(&endings, &place, 1);
    let before = open();
    thread::scope(|scope| {
        for first in [1, 126, 251, 376] {
            let place = &place;
            scope.spawn(move || {
                (first..first + 125).for_each(|n| {
                    place.container(n, 0, Duration::ZERO);
                });
            });
        }
    });
    let ended = ended(&endings, &place, 501);
    // Others' groups come and go meanwhile, but hardly so many.
    let is_back = |(now, before): (usize, usize)| now < before + 250;
    let started = Instant::now();
    let mut after = open();
    while !(is_back((after.0, before.0)) && is_back((after.1, before.1))) {
        assert!(started.elapsed() < PATIENCE, "{before:?}, then {after:?}");
        thread::sleep(Duration::from_millis(100));
        after = open();
    }
    let (read, left) = (count(&ended, How::Read), count(&ended, How::LeftOver));
    eprintln!(
        "{read} of 501 read, {left} left over of their tasks; descriptors and watches {before:?}, \
         then {after:?}"
    );
    drop(endings);
    // Each was alone in its task, so what is left of it is what it had.
    assert_eq!(count(&ended, How::Missed) + count(&ended, How::Partial), 0);
    for (n, ended) in ended.iter().filter(|(_, ended)| ended.how == How::LeftOver) {
        assert_eq!(ended.finals.cpu.unwrap().usage_nsec, Some(place.cpu(&task(*n))));
    }
}

/// As without the process ids of the host: no process can be held.
#[test]
fn without_processes_a_task_tells_of_its_container() {
    if !possible() {
        return;
    }
    let _turn = turn();
    const COUNT: usize = 20;
    let home = live();
    let place = Place::new(&home, "left");
    let endings = follow(&home, 0);
    (0..COUNT).for_each(|n| {
        place.make(&task(n));
        place.container(n, 3000, Duration::from_millis(5));
        endings.scrape();
    });
    let ended = ended(&endings, &place, COUNT);
    let left = count(&ended, How::LeftOver);
    eprintln!("{left} of {COUNT} are left over of their tasks");
    assert_eq!(count(&ended, How::Missed), 0);
    assert!(home.version() == Version::V2 || left == COUNT);
    for (n, ended) in &ended {
        let told = ended.finals.cpu.unwrap().usage_nsec.unwrap();
        assert!(ended.how == How::Read || told == place.cpu(&task(*n)));
    }
}

/// The second version of a host with both, in which groups have no controllers.
#[test]
fn without_descriptors_the_kernel_tells_of_the_last_process() {
    if !possible() {
        return;
    }
    let _turn = turn();
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let Some(unified) = mounts.lines().find(|line| line.contains(" - cgroup2 ")) else {
        eprintln!("skipped: no cgroup v2");
        return;
    };
    let proc = std::env::temp_dir().join(format!("endings-proc-{}", std::process::id()));
    fs::create_dir_all(proc.join("1")).unwrap();
    fs::write(proc.join("1/mountinfo"), format!("{unified}\n")).unwrap();
    let roots = Roots { proc: proc.clone(), ..Roots::default() };
    let home = Arc::new(Hierarchies::find(&roots, &mut Files::default()).unwrap());
    fs::remove_dir_all(proc).unwrap();
    assert_eq!(home.version(), Version::V2);

    const COUNT: usize = 40;
    for (name, descriptors) in [("told", 0), ("held", 1000)] {
        let place = Place::new(&home, name);
        (0..COUNT).for_each(|n| place.make(&task(n)));
        let endings = follow(&home, descriptors);
        for n in 0..COUNT {
            // Longer than 10 ms: the kernel does not tell twice of a file in less.
            place.container(n, 20_000, Duration::from_millis(5));
        }
        let ended = ended(&endings, &place, COUNT);
        let short: Vec<_> = ended
            .iter()
            .filter(|(_, ended)| ended.how == How::Read)
            .map(|(n, ended)| {
                let told = ended.finals.cpu.unwrap().usage_nsec.unwrap();
                place.cpu(&task(*n)) - told
            })
            .filter(|short| *short > 0)
            .collect();
        let read = count(&ended, How::Read);
        eprintln!("{name}: {read} of {COUNT} read; short by {short:?} ns");
        assert!(read >= COUNT / 2, "{read}");
        // What the last process does after its group is told to be empty.
        assert!(short.iter().all(|short| *short < 5_000_000));
    }
}
