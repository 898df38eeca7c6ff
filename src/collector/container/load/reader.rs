//! Asks what the threads of a group do: on cgroup v1 the kernel's taskstats, by one question a group;
//! elsewhere, and where the kernel does not know of all, the file of each thread.

use std::fs::File;
use std::io;
use std::os::fd::AsRawFd;
use std::path::PathBuf;

use super::Container;
use crate::cgroup::Version;
use crate::collector::container::process_file;
use crate::exposition::Word;
use crate::files::{Files, Network, Result, Roots};
use crate::kernel::netlink::{CgroupStats, GenericFamily, get_cgroup_stats, get_taskstats_family};
use crate::kernel::{Malformed, lines};
use crate::system::netlink::Socket;

/// Threads of a group by what they do.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct States {
    pub(super) sleeping: u64,
    pub(super) running: u64,
    pub(super) stopped: u64,
    pub(super) uninterruptible: u64,
    /// `None` where the files of threads were read, which do not say.
    pub(super) io_wait: Option<u64>,
}

impl States {
    /// Of threads that nobody asked for.
    pub(super) fn unknown() -> Self {
        Self { io_wait: Some(0), ..Self::default() }
    }

    /// By the names that cAdvisor has for them.
    pub(super) fn named(&self) -> [(Word, Option<u64>); 5] {
        const SLEEPING: Word = Word::new("sleeping");
        const RUNNING: Word = Word::new("running");
        const STOPPED: Word = Word::new("stopped");
        const UNINTERRUPTIBLE: Word = Word::new("uninterruptible");
        const IO_WAITING: Word = Word::new("iowaiting");
        [
            (SLEEPING, Some(self.sleeping)),
            (RUNNING, Some(self.running)),
            (STOPPED, Some(self.stopped)),
            (UNINTERRUPTIBLE, Some(self.uninterruptible)),
            (IO_WAITING, self.io_wait),
        ]
    }
}

impl From<CgroupStats> for States {
    fn from(stats: CgroupStats) -> Self {
        Self {
            sleeping: stats.sleeping,
            running: stats.running,
            stopped: stats.stopped,
            uninterruptible: stats.uninterruptible,
            io_wait: Some(stats.io_wait),
        }
    }
}

/// Asks.
pub(super) struct Reader {
    proc: PathBuf,
    /// Whether taskstats may be asked, which are those of the host in its own network alone.
    netlink: bool,
    asked: Option<(Socket, GenericFamily)>,
    threads: Vec<u32>,
    path: PathBuf,
}

impl Reader {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            proc: roots.proc.clone(),
            netlink: roots.network() == Network::Own,
            asked: None,
            threads: Vec::new(),
            path: PathBuf::new(),
        }
    }

    /// What the threads of a group do, its descendants' not included. `None` for a group that ended.
    pub(super) fn read(
        &mut self,
        container: &Container,
        files: &mut Files,
    ) -> Result<Option<States>> {
        self.threads.clear();
        if !container.cgroup.tasks(&mut self.threads, files)? {
            return Ok(None);
        }
        if self.netlink && container.cgroup.home().version() == Version::V1 {
            match self.ask(container) {
                // Since Linux 6.1 the kernel passes over most threads that sleep.
                Ok(Some(stats)) if stats.all() == self.threads.len() as u64 => {
                    return Ok(Some(stats.into()));
                }
                Ok(_) => {}
                Err(error) if error.kind() == io::ErrorKind::NotFound && self.asked.is_some() => {
                    return Ok(None);
                }
                Err(error) => {
                    tracing::debug!(%error, "no taskstats");
                    self.netlink = false;
                }
            }
        }
        self.look(files).map(Some)
    }

    fn ask(&mut self, container: &Container) -> io::Result<Option<CgroupStats>> {
        let (socket, family) = match &mut self.asked {
            Some(asked) => asked,
            None => {
                let mut socket = Socket::open_generic()?;
                let mut family = None;
                socket.ask_messages(get_taskstats_family, |message| {
                    family = family.or(message.generic_family());
                })?;
                let family = family.ok_or_else(|| io::Error::other("no family TASKSTATS"))?;
                self.asked.insert((socket, family))
            }
        };
        let directory = File::open(container.cgroup.dir())?;
        let number = u32::try_from(directory.as_raw_fd()).map_err(io::Error::other)?;
        let mut stats = None;
        socket.ask_messages(
            |sequence| get_cgroup_stats(sequence, *family, number),
            |message| stats = stats.or(message.cgroup_stats(*family)),
        )?;
        Ok(stats)
    }

    fn look(&mut self, files: &mut Files) -> Result<States> {
        let Self { proc, threads, path, .. } = self;
        let mut states = States::default();
        for thread in threads {
            process_file(proc, *thread, "stat", path);
            match files.load_if_any(path, state)? {
                Some(b'R') => states.running += 1,
                Some(b'S') => states.sleeping += 1,
                Some(b'D' | b'I') => states.uninterruptible += 1,
                Some(b'T' | b't') => states.stopped += 1,
                Some(_) | None => {}
            }
        }
        Ok(states)
    }
}

/// The state in `7 (a name) S 1 7 7 …`, whose name may have parentheses in it.
fn state(text: &[u8]) -> Result<u8, Malformed> {
    let wrong = Malformed { line: 1, expected: "a state" };
    let end = text.iter().rposition(|&b| b == b')').ok_or(wrong.clone())?;
    let (_, rest) = text.split_at(end + 1);
    let mut line = lines(rest).next().ok_or(wrong.clone())?;
    let state = line.field().ok_or(wrong.clone())?;
    state.first().copied().ok_or(wrong)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_state_behind_any_name() {
        assert_eq!(state(b"7 (sh) S 1 7\n"), Ok(b'S'));
        assert_eq!(state(b"7 (a) R (b)) D 1 7\n"), Ok(b'D'));
        for text in [&b""[..], b"7 sh S", b"7 (sh)", b"7 (sh)\n"] {
            assert_eq!(state(text).unwrap_err().expected, "a state");
        }
    }
}
