//! Files that several collectors want. Each is read and parsed once a scrape, by the first to ask.

use std::sync::Arc;

use super::changes::Changes;
use super::ecs::tasks::Tasks;
use super::ends::Ends;
use super::mounts::Mount;
use super::mounts::ask::Answer;
use crate::cgroup::{Stalls, Vm};
use crate::files::{Error, Files, Kept, Result};
use crate::kernel::Malformed;
use crate::kernel::meminfo::Meminfo;
use crate::kernel::netdev::Interface;
use crate::kernel::stat::Stat;

/// What such files said in this scrape.
#[derive(Debug, Default)]
pub struct Shared {
    /// What the kernel did for want of memory. Not known until `/proc/vmstat` was read in this scrape;
    /// kills not before Linux 4.13.
    pub vm: Vm,
    /// The host's ends of containers' interfaces.
    pub(super) ends: Ends,
    /// The host's own interfaces by name, but for its ends of containers'. Empty until they were counted.
    pub(super) interfaces: Vec<(Arc<str>, Interface)>,
    /// Mounts that another collector asks, unless they are asked with others before. From one scrape
    /// to the next.
    pub(super) wanted: Arc<[Mount]>,
    /// What mounts answered, by their ids.
    sizes: Vec<(u64, Answer)>,
    /// Whether the network namespaces were read in this scrape, and the rows that own them know.
    pub(super) networks_read: bool,
    /// The tasks of this host.
    pub(super) tasks: Tasks,
    /// What everything on the host waited for. `None` until `/proc/pressure` was read in this scrape.
    pub(super) stalls: Option<Stalls>,
    /// How many UDP sockets there are, of IPv4 and of IPv6. Not known until they were counted in this
    /// scrape.
    pub(super) udp_sockets: [Option<u64>; 2],
    /// Whether mounts or network interfaces changed.
    pub(super) changes: Changes,
    stat: Once<Stat>,
    meminfo: Once<Meminfo>,
    /// The text of `/proc/diskstats`.
    diskstats: Once<Vec<u8>>,
}

impl Shared {
    /// Begins another scrape: what was read is old.
    pub fn forget(&mut self) {
        self.vm = Vm::default();
        self.ends.clear();
        self.interfaces.clear();
        self.sizes.clear();
        self.networks_read = false;
        self.tasks.forget();
        self.stalls = None;
        self.udp_sockets = [None; 2];
        self.changes.forget();
        self.stat.fresh = false;
        self.meminfo.fresh = false;
        self.diskstats.fresh = false;
    }

    /// Notes what mounts answered.
    pub(super) fn note_sizes(&mut self, mounts: &[Mount], answers: &[Answer]) {
        let asked = mounts.iter().zip(answers);
        let asked = asked.filter(|(_, answer)| **answer != Answer::Unasked);
        self.sizes
            .extend(asked.map(|(mount, answer)| (mount.id, *answer)));
    }

    /// What a mount answered. `None` if nobody asked it in this scrape.
    pub(super) fn size(&self, mount: &Mount) -> Option<Answer> {
        let known = self.sizes.iter().find(|(id, _)| *id == mount.id);
        known.map(|(_, answer)| *answer)
    }

    /// What `/proc/stat` says. `file` is where the caller has it open, should it be the first to ask.
    pub fn stat(&mut self, file: &mut Kept, files: &mut Files) -> Result<&Stat> {
        self.stat
            .get(|stat| files.load_kept(file, |text| stat.read(text)))
    }

    /// What `/proc/meminfo` says. `file` is where the caller has it open, should it be the first to
    /// ask.
    pub fn meminfo(&mut self, file: &mut Kept, files: &mut Files) -> Result<&Meminfo> {
        self.meminfo
            .get(|meminfo| files.load_kept(file, |text| meminfo.read(text)))
    }

    /// Parses `/proc/diskstats`, of which each wants something else. `file` is where the caller has it
    /// open, should it be the first to ask.
    pub fn diskstats<'s, T>(
        &'s mut self,
        file: &mut Kept,
        files: &mut Files,
        parse: impl FnOnce(&'s [u8]) -> Result<T, Malformed>,
    ) -> Result<T> {
        let text = self.diskstats.get(|known| {
            files.load_kept(file, |text| {
                known.clear();
                known.extend_from_slice(text);
                Ok(())
            })
        })?;
        parse(text).map_err(|source| Error::Parse { path: file.path().into(), source })
    }
}

/// Something that is read once a scrape into memory that is kept. A failure is not remembered: who
/// asks next tries again.
#[derive(Debug, Default)]
struct Once<T> {
    fresh: bool,
    value: T,
}

impl<T> Once<T> {
    fn get(&mut self, read: impl FnOnce(&mut T) -> Result<()>) -> Result<&T> {
        if !self.fresh {
            read(&mut self.value)?;
            self.fresh = true;
        }
        Ok(&self.value)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Scratch;

    #[test]
    fn reads_once_a_scrape_and_again_after_a_failure() {
        let dir = Scratch::new();
        let (mut shared, mut files) = (Shared::default(), Files::default());
        let mut file = Kept::new(dir.join("stat"));
        let mut forks = |text: Option<&str>, shared: &mut Shared| {
            if let Some(text) = text {
                dir.write("stat", text);
            }
            let stat = shared.stat(&mut file, &mut files);
            stat.map(|stat| stat.forks).map_err(|_| ())
        };
        assert_eq!(forks(None, &mut shared), Err(()), "no such file");
        assert_eq!(forks(Some("processes x\n"), &mut shared), Err(()));
        assert_eq!(forks(Some("processes 1\n"), &mut shared), Ok(1));
        assert_eq!(forks(Some("processes 2\n"), &mut shared), Ok(1), "the same scrape");
        shared.forget();
        assert_eq!(forks(None, &mut shared), Ok(2), "the next scrape");
    }
}
