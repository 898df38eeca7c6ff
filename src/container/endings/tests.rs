//! The thread's work, step by step, over a made-up host with cgroup v2 and with real processes.
#![expect(clippy::disallowed_types, reason = "a test")]

use std::fs;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Stdio};
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use nix::sys::epoll::EpollTimeout;
use nix::sys::eventfd::{EfdFlags, EventFd};

use super::watcher::Watcher;
use super::{Ended, How, Ledger, Settings, Shared, Trouble};
use crate::cgroup::{Cpu, Hierarchies};
use crate::container::Containerd;
use crate::files::{Files, Roots, Scratch};

const TASK: &str = "ecstasks.slice/ecstasks-188321f4b69345b8acc333be06e7f357.slice";
const ID: &str = "7ab32eddc0bb3984a67d6062da64f64a004cb65d1614b38cd64a5e98ebc2136e";

/// A host, and the thread that would follow its containers, standing still between steps.
struct Host {
    dir: Scratch,
    watcher: Watcher,
    shared: Arc<Shared>,
}

/// A process that does nothing until it is ended.
struct Process(Child);

impl Process {
    fn new() -> Self {
        let idle = Command::new("cat")
            .stdin(Stdio::piped())
            .stdout(Stdio::null())
            .spawn();
        Self(idle.unwrap())
    }

    fn id(&self) -> u32 {
        self.0.id()
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

fn now() -> SystemTime {
    SystemTime::UNIX_EPOCH + Duration::from_secs(1)
}

impl Host {
    fn new(descriptors: usize) -> Self {
        let dir = Scratch::new();
        dir.write("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n");
        fs::create_dir_all(dir.join("sys/fs/cgroup").join(TASK)).unwrap();
        let (proc, sys) = (dir.join("proc"), dir.join("sys"));
        let roots = Roots { proc: proc.clone(), sys, ..Roots::default() };
        let home = Hierarchies::find(&roots, &mut Files::default()).unwrap();
        let shared = Arc::new(Shared {
            ledger: std::sync::Mutex::new(Ledger::default()),
            wake: EventFd::from_flags(EfdFlags::EFD_NONBLOCK).unwrap(),
            ends: AtomicBool::new(false),
            runs: AtomicBool::new(true),
            blind: AtomicBool::new(false),
            scrapes: AtomicU64::new(0),
            news: tokio::sync::Notify::new(),
            opened: Arc::default(),
        });
        let who = Box::new(|_: &str| None);
        let containerd = Containerd::default();
        let home = home.into();
        let settings = Settings { home, proc, containerd, descriptors, clock: now, who };
        let watcher = Watcher::new(settings, Arc::clone(&shared)).unwrap();
        Self { dir, watcher, shared }
    }

    fn group(&self) -> PathBuf {
        let scope = format!("docker-{ID}.scope");
        self.dir.join("sys/fs/cgroup").join(TASK).join(scope)
    }

    /// Makes the container's group, or changes what is in it.
    fn container(&self, processes: &[u32], usage_usec: u64) {
        fs::create_dir_all(self.group()).unwrap();
        self.write("memory.events", "oom 0\noom_kill 1\n");
        self.write("cpu.stat", &format!("usage_usec {usage_usec}\n"));
        let lines: String = processes.iter().map(|pid| format!("{pid}\n")).collect();
        self.write("cgroup.procs", &lines);
        self.write("cgroup.events", &format!("populated {}\n", u8::from(!processes.is_empty())));
    }

    fn write(&self, name: &str, text: &str) {
        fs::write(self.group().join(name), text).unwrap();
    }

    fn remove(&self) {
        // Its directory first is out of sight, as that of a real group is.
        let gone = self.dir.join("gone");
        fs::rename(self.group(), &gone).unwrap();
        fs::remove_dir_all(gone).unwrap();
    }

    /// Does what there is to do until that is nothing.
    fn steps(&mut self) {
        for _ in 0..8 {
            self.watcher.step(EpollTimeout::ZERO).unwrap();
        }
    }

    /// Waits for the kernel to tell something, and does what there is to do.
    fn wait(&mut self) {
        let patience = EpollTimeout::from(60_000u16);
        self.watcher.step(patience).unwrap();
        self.steps();
    }

    fn ended(&self) -> Vec<Arc<Ended>> {
        self.shared.ledger().since(0).ended
    }

    /// The one that ended: how it was read, and its CPU time.
    fn told(&self) -> (How, Option<u64>) {
        let ended = self.ended();
        assert_eq!(ended.len(), 1);
        let Ended { id, path, task, finals, how, .. } = &*ended[0];
        let expected = format!("/{TASK}/docker-{ID}.scope");
        assert_eq!((&**id, &**path), (ID, &*expected));
        assert_eq!(task.as_deref(), Some("188321f4b69345b8acc333be06e7f357"));
        (*how, finals.cpu.and_then(|cpu| cpu.usage_nsec))
    }

    /// How many of its files are open for all.
    fn opened(&self) -> Option<usize> {
        let inode = fs::metadata(self.group()).unwrap().ino();
        Some(self.shared.opened.lock().get(&inode)?.count())
    }

    fn trouble(&self, trouble: Trouble) -> u64 {
        let ledger = self.shared.ledger();
        ledger.troubles().find(|(t, _)| *t == trouble).unwrap().1
    }
}

fn open(dir: &Path) -> usize {
    let entries = fs::read_dir("/proc/self/fd").unwrap().flatten();
    entries
        .filter(|fd| fs::read_link(fd.path()).is_ok_and(|to| to.starts_with(dir)))
        .count()
}

#[test]
fn reads_a_container_when_its_process_has_ended() {
    let mut host = Host::new(100);
    let process = Process::new();
    host.container(&[], 1);
    host.steps();
    host.container(&[process.id()], 5);
    host.steps();
    assert!(open(&host.dir) > 0, "its files are open");
    assert_eq!(host.opened(), Some(open(&host.dir)), "others read by the same");
    fs::write(host.group().join("cpu.stat"), "usage_usec 70\n").unwrap();
    fs::write(host.group().join("cgroup.procs"), "").unwrap();
    drop(process);
    host.wait();
    // A moment later it is read once more.
    fs::write(host.group().join("cpu.stat"), "usage_usec 71\n").unwrap();
    while open(&host.dir) > 0 {
        host.watcher.step(EpollTimeout::from(10u8)).unwrap();
    }
    assert!(host.ended().is_empty(), "its group is still there");
    assert_eq!(host.opened(), None);
    host.remove();
    host.steps();
    assert_eq!(host.told(), (How::Read, Some(71_000)));
    let ended = host.ended();
    assert_eq!((ended[0].began, ended[0].ended), (Some(now()), now()));
    assert_eq!((ended[0].finals.oom_kills, ended[0].scraped), (Some(1), false));
}

#[test]
fn goes_on_with_the_processes_that_are_left() {
    let mut host = Host::new(100);
    let (first, second) = (Process::new(), Process::new());
    host.container(&[first.id(), second.id()], 5);
    host.steps();
    host.container(&[second.id()], 60);
    drop(first);
    host.wait();
    host.container(&[second.id()], 80);
    fs::write(host.group().join("cgroup.procs"), "").unwrap();
    drop(second);
    host.wait();
    host.remove();
    host.steps();
    assert_eq!(host.told(), (How::Read, Some(80_000)));
}

#[test]
fn what_was_read_before_the_last_process_ended_is_a_part() {
    let mut host = Host::new(100);
    let (first, second) = (Process::new(), Process::new());
    host.container(&[first.id(), second.id()], 5);
    host.steps();
    host.container(&[second.id()], 60);
    drop(first);
    host.wait();
    host.remove();
    host.steps();
    assert_eq!(host.told(), (How::Partial, Some(60_000)));
}

#[test]
fn a_container_that_was_gone_before_anybody_looked_is_missed() {
    let mut host = Host::new(100);
    host.container(&[], 5);
    host.remove();
    host.steps();
    assert_eq!(host.told(), (How::Missed, None));
}

#[test]
fn what_was_missed_is_left_over_of_the_task() {
    let mut host = Host::new(100);
    let task = host.dir.join("sys/fs/cgroup").join(TASK);
    let used = |usage_usec: u64| {
        fs::write(task.join("cpu.stat"), format!("usage_usec {usage_usec}\n")).unwrap();
    };
    used(100);
    let process = Process::new();
    host.container(&[process.id()], 10);
    host.steps();
    // The 90 are of others that ended before.
    let read = |host: &mut Host, process: Process, usage_usec: u64| {
        fs::write(host.group().join("cpu.stat"), format!("usage_usec {usage_usec}\n")).unwrap();
        fs::write(host.group().join("cgroup.procs"), "").unwrap();
        drop(process);
        host.wait();
        host.remove();
        host.steps();
    };
    read(&mut host, process, 30);
    used(120);
    host.container(&[], 0);
    host.steps();
    used(127);
    host.remove();
    host.steps();
    let ended = host.ended();
    let told: Vec<_> = ended
        .iter()
        .map(|ended| (ended.how, ended.finals.cpu))
        .collect();
    let usage = |nsec| Some(Cpu { usage_nsec: Some(nsec), ..Cpu::default() });
    assert_eq!(told, [(How::Read, usage(30_000)), (How::LeftOver, usage(7_000))]);
}

#[test]
fn the_kernel_tells_of_the_last_process_where_none_can_be_held() {
    let mut host = Host::new(0);
    let process = Process::new();
    host.container(&[process.id()], 5);
    host.steps();
    assert_eq!(open(&host.dir), 0);
    assert!(host.trouble(Trouble::Descriptors) > 0);
    host.container(&[], 90);
    host.steps();
    host.remove();
    host.steps();
    assert_eq!(host.told(), (How::Read, Some(90_000)));
}

#[test]
fn holds_a_process_of_its_own_rather_than_one_that_makes_the_container() {
    let mut host = Host::new(100);
    let (runc, init) = (Process::new(), Process::new());
    let comm = format!("proc/{}/comm", runc.id());
    host.dir.write(&comm, "runc:[1:CHILD]\n");
    host.container(&[runc.id(), init.id()], 5);
    host.steps();
    drop(runc);
    host.container(&[init.id()], 6);
    host.steps();
    fs::write(host.group().join("cpu.stat"), "usage_usec 7\n").unwrap();
    fs::write(host.group().join("cgroup.procs"), "").unwrap();
    drop(init);
    host.wait();
    host.remove();
    host.steps();
    assert_eq!(host.told(), (How::Read, Some(7_000)));
}

#[test]
fn the_end_of_one_that_makes_the_container_is_not_its_own() {
    let mut host = Host::new(100);
    let (runc, init) = (Process::new(), Process::new());
    host.container(&[runc.id()], 5);
    host.steps();
    assert_eq!(host.watcher.held(), 1);
    fs::write(host.group().join("cgroup.procs"), format!("{}\n", init.id())).unwrap();
    drop(runc);
    host.wait();
    assert_eq!(host.watcher.held(), 1);
    fs::write(host.group().join("cpu.stat"), "usage_usec 7\n").unwrap();
    fs::write(host.group().join("cgroup.procs"), "").unwrap();
    drop(init);
    host.wait();
    host.remove();
    host.steps();
    assert_eq!(host.told(), (How::Read, Some(7_000)));
}

#[test]
fn finds_out_what_happened_when_news_were_lost() {
    let mut host = Host::new(100);
    let process = Process::new();
    host.container(&[process.id()], 5);
    host.watcher.lost();
    host.steps();
    fs::write(host.group().join("cpu.stat"), "usage_usec 8\n").unwrap();
    fs::write(host.group().join("cgroup.procs"), "").unwrap();
    drop(process);
    host.wait();
    host.remove();
    host.watcher.lost();
    assert_eq!(host.trouble(Trouble::Events), 1);
    host.steps();
    assert_eq!(host.told(), (How::Read, Some(8_000)));
    assert_eq!(host.trouble(Trouble::Events), 2);
}

#[test]
fn a_container_that_starts_again_is_another() {
    let mut host = Host::new(100);
    host.container(&[], 5);
    host.steps();
    host.remove();
    host.container(&[], 6);
    host.steps();
    host.shared.scrapes.fetch_add(1, Ordering::Relaxed);
    host.remove();
    host.steps();
    let ended = host.ended();
    assert_eq!(ended.iter().map(|ended| ended.scraped).collect::<Vec<_>>(), [false, true]);
}
