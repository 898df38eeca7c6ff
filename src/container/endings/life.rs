//! One container, from the moment its group is made to that of its end.

use std::os::fd::OwnedFd;
use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant, SystemTime};

use nix::sys::epoll::{Epoll, EpollEvent, EpollFlags};
use nix::sys::inotify::WatchDescriptor;
use rustix::io::Errno;
use rustix::process::{Pid, PidfdFlags, pidfd_open};

use super::seek::{Seek, makes_containers};
use super::{AllOpened, How, Trouble};
use crate::cgroup::{Cgroup, Finals};
use crate::files::Files;

/// How often the next of several processes is tried, where each is gone before it can be held.
const ATTEMPTS: usize = 8;

/// How long after the end of the last process its files are read once more: until then the kernel may
/// count what it took to end, some 30 µs.
const AFTERWARDS: Duration = Duration::from_millis(1);

/// What it takes to follow lives.
#[derive(Debug)]
pub(super) struct Means {
    pub(super) epoll: Epoll,
    pub(super) files: Files,
    pub(super) opened: Arc<AllOpened>,
    pub(super) proc: PathBuf,
    /// How many descriptors may be open.
    pub(super) descriptors: usize,
    /// How many are.
    pub(super) open: usize,
    /// What went wrong, to be counted.
    pub(super) troubles: Vec<Trouble>,
}

/// One container.
#[derive(Debug)]
pub(super) struct Life {
    pub(super) id: Box<str>,
    pub(super) cgroup: Cgroup,
    /// Of the group's directory: tells it from another of the same name. 0 where it was gone again.
    pub(super) inode: u64,
    /// `None` if it was there before the watch began.
    pub(super) began: Option<SystemTime>,
    /// How many scrapes there had been when it began.
    pub(super) scrapes: u64,
    /// What tells of its processes: a watch of a file.
    pub(super) told: Option<WatchDescriptor>,
    /// The search for its process, if it goes on.
    pub(super) seek: Option<Seek>,
    /// When to read it once more, its last process being gone.
    again: Option<Instant>,
    /// A process of it: its descriptor is readable when the process has ended.
    process: Option<OwnedFd>,
    /// How many descriptors it has open.
    open: usize,
    /// Whether it was seen to have processes.
    peopled: bool,
    finals: Finals,
    /// Whether anything was read when a process of it ended.
    read: bool,
    /// Set when none of its processes was left: whether all its numbers were read then.
    over: Option<bool>,
}

/// What came of the attempt to hold a process.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hold {
    Held,
    Gone,
    /// It cannot be had: no such system call, or no more descriptors.
    Refused,
}

impl Life {
    pub(super) fn new(id: &str, cgroup: Cgroup, inode: u64) -> Self {
        Self {
            id: id.into(),
            cgroup,
            inode,
            began: None,
            scrapes: 0,
            told: None,
            seek: Some(Seek::begin(Instant::now())),
            again: None,
            process: None,
            open: 0,
            peopled: false,
            finals: Finals::default(),
            read: false,
            over: None,
        }
    }

    /// Whether nothing will tell of its end in time.
    pub(super) fn unattended(&self) -> bool {
        self.process.is_none() && self.over.is_none() && self.seek.is_none()
    }

    /// Whether a process of it is held.
    pub(super) fn held(&self) -> bool {
        self.process.is_some()
    }

    /// When there is something to do, if nothing happens before.
    pub(super) fn due(&self) -> Option<Instant> {
        let seek = self.seek.map(|seek| seek.at);
        seek.into_iter().chain(self.again).min()
    }

    /// Opens its files, if there are descriptors left.
    pub(super) fn open(&mut self, means: &mut Means) {
        if means.open + Finals::FILES < means.descriptors {
            let opened = self.cgroup.open_finals();
            if self.inode != 0 {
                means.opened.lock().insert(self.inode, Arc::clone(opened));
            }
        }
        self.account(means);
    }

    /// Closes all of it.
    pub(super) fn close(&mut self, means: &mut Means) {
        // The kernel takes a descriptor that is closed out of the epoll.
        self.process = None;
        self.again = None;
        means.opened.lock().remove(&self.inode);
        self.cgroup.close();
        self.account(means);
    }

    fn account(&mut self, means: &mut Means) {
        let open = self.cgroup.open_files() + usize::from(self.process.is_some());
        means.open = means.open.saturating_sub(self.open) + open;
        self.open = open;
    }

    /// Looks for a process of it. `token` is what the epoll is to say of it.
    pub(super) fn look(&mut self, token: u64, now: Instant, means: &mut Means) {
        if self.again.is_some_and(|again| again <= now) {
            // Gone by now or not: the greater counts.
            let _or_not = self.take(means);
            return self.close(means);
        }
        let Some(seek) = self.seek.take() else { return };
        let processes = self.processes(means);
        for pid in &processes {
            if self.hold(*pid, token, means) != Hold::Gone {
                return;
            }
        }
        if self.read && processes.is_empty() {
            // The last of those that were there has ended in the meantime.
            let complete = self.take(means);
            self.over = Some(complete || self.over == Some(true));
            return self.close(means);
        }
        self.seek = seek.next(now);
    }

    /// A process of it has ended.
    pub(super) fn ended(&mut self, token: u64, means: &mut Means) {
        // Nothing before this: its files may be gone any moment.
        let mut complete = self.take(means);
        self.process = None;
        for _ in 0..ATTEMPTS {
            let processes = self.processes(means);
            let Some(pid) = processes.first() else {
                self.over = Some(complete || self.over == Some(true));
                self.again = Some(Instant::now() + AFTERWARDS);
                return;
            };
            // Others go on. It was one of those that make the container, or the first of several that
            // have no namespace of processes to themselves.
            match self.hold(*pid, token, means) {
                Hold::Held | Hold::Refused => return,
                Hold::Gone => complete = self.take(means),
            }
        }
        self.seek = Some(Seek::begin(Instant::now()));
    }

    /// The kernel told of its processes: that one was moved into it (cgroup v1), that the first came
    /// or the last went (v2).
    pub(super) fn told(&mut self, means: &mut Means) {
        let complete = self.peopled && self.over.is_none() && self.take(means);
        match self.cgroup.populated(&mut means.files) {
            Ok(Some(false)) => {
                if self.peopled {
                    self.peopled = false;
                    self.over = Some(complete || self.over == Some(true));
                    if self.process.is_none() && self.again.is_none() {
                        self.again = Some(Instant::now() + AFTERWARDS);
                    }
                }
            }
            Ok(Some(true)) if !self.peopled => {
                self.peopled = true;
                self.over = None;
                self.open(means);
                self.begin_to_look();
            }
            // Said before its process was found to have ended, perhaps.
            Ok(Some(true)) => {}
            // Cgroup v1, or it is gone.
            Ok(None) | Err(_) => self.begin_to_look(),
        }
    }

    fn begin_to_look(&mut self) {
        if self.process.is_none() {
            self.seek = Some(Seek::begin(Instant::now()));
        }
    }

    /// Reads its numbers. Says whether that is all of them.
    pub(super) fn take(&mut self, means: &mut Means) -> bool {
        let (finals, complete) = self.cgroup.finals(&mut means.files);
        self.read |= finals.cpu.is_some();
        self.finals.raise(finals);
        complete
    }

    /// As [`take`](Self::take), at any time: what was read so will do if nothing better comes.
    pub(super) fn glance(&mut self, means: &mut Means) {
        let (finals, _) = self.cgroup.finals(&mut means.files);
        self.finals.raise(finals);
    }

    /// What it had used so far, or in all where that was read. `None` if nobody knows.
    pub(super) fn kept(&mut self, means: &mut Means) -> Option<Finals> {
        if self.over == Some(true) {
            return Some(self.finals.clone());
        }
        self.cgroup.kept(&mut means.files)
    }

    /// Its group is gone: its numbers, and how they were read.
    pub(super) fn finish(mut self, means: &mut Means) -> (Box<str>, Finals, How) {
        self.close(means);
        let how = match self.over {
            Some(true) => How::Read,
            _ if self.read => How::Partial,
            _ => How::Missed,
        };
        (self.id, self.finals, how)
    }

    /// Its processes. Those that only make it come last: the end of one is the time to look for the
    /// next.
    fn processes(&self, means: &mut Means) -> Vec<u32> {
        let mut pids = Vec::new();
        let Means { files, proc, .. } = means;
        // Of one that is gone there are none.
        let _gone = self.cgroup.procs(&mut pids, files);
        if pids.len() > 1 {
            pids.sort_by_cached_key(|pid| {
                let comm = proc.join(format!("{pid}/comm"));
                files
                    .load(&comm, |name| Ok(makes_containers(name)))
                    .unwrap_or(false)
            });
        }
        pids
    }

    fn hold(&mut self, pid: u32, token: u64, means: &mut Means) -> Hold {
        if means.open >= means.descriptors {
            means.troubles.push(Trouble::Descriptors);
            return Hold::Refused;
        }
        let Some(number) = i32::try_from(pid).ok().and_then(Pid::from_raw) else {
            return Hold::Gone;
        };
        let process = match pidfd_open(number, PidfdFlags::empty()) {
            Ok(process) => process,
            Err(Errno::SRCH | Errno::INVAL) => return Hold::Gone,
            Err(Errno::MFILE | Errno::NFILE | Errno::NOMEM) => {
                means.troubles.push(Trouble::Descriptors);
                return Hold::Refused;
            }
            Err(_) => return Hold::Refused,
        };
        // Before it was held its number may have become another's.
        let mut pids = Vec::new();
        let _gone = self.cgroup.procs(&mut pids, &mut means.files);
        if !pids.contains(&pid) {
            return Hold::Gone;
        }
        let event = EpollEvent::new(EpollFlags::EPOLLIN, token);
        if means.epoll.add(&process, event).is_err() {
            means.troubles.push(Trouble::Descriptors);
            return Hold::Refused;
        }
        self.process = Some(process);
        self.over = None;
        self.again = None;
        self.seek = None;
        self.open(means);
        Hold::Held
    }
}
