//! The last numbers of a group: what is read of one that is about to go.
//!
//! Its controllers go one by one within a few milliseconds, and then no file of it can be read any
//! more, by a kept descriptor neither. So there are few files, opened beforehand, and the one that
//! matters most is read first.

use super::{Cgroup, Cpu, File, Io, Known, Version, blkio, v1, v2};
use crate::files::{Files, Result};
use crate::kernel::single;

/// The files on cgroup v1. Not every disk has BFQ.
pub(super) const V1: [File; 8] = [
    v1::USAGE,
    v1::CPUACCT_STAT,
    v1::OOM_CONTROL,
    v1::MEMORY_PEAK,
    blkio::THROTTLE_BYTES,
    blkio::THROTTLE_SERVICED,
    blkio::BFQ_BYTES,
    blkio::BFQ_SERVICED,
];

/// The files on cgroup v2.
pub(super) const V2: [File; 4] = [v2::CPU_STAT, v2::MEMORY_EVENTS, v2::MEMORY_PEAK, v2::IO_STAT];

/// The last numbers of a group, as far as they could be read.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Finals {
    /// CPU time, without what a quota held back.
    pub cpu: Option<Cpu>,
    /// Processes that the kernel killed for want of memory, a count.
    pub oom_kills: Option<u64>,
    /// The most memory that ever was charged to it, in bytes.
    pub peak: Option<u64>,
    /// What it did to each block device.
    pub io: Vec<Io>,
}

impl Finals {
    /// The most descriptors that a group's files take.
    pub const FILES: usize = if V1.len() > V2.len() { V1.len() } else { V2.len() };

    /// Adds what another group had, of what is added up over groups: all but the most memory.
    pub fn add(&mut self, other: &Self) {
        for new in &other.io {
            if self.io.iter().all(|io| io.device != new.device) {
                self.io.push(Io { device: new.device, ..Io::default() });
            }
        }
        self.combine(other, |a, b| Some(a.unwrap_or(0).saturating_add(b?)).or(a));
    }

    /// Takes away what another group had of it.
    pub fn take_away(&mut self, other: &Self) {
        self.combine(other, |a, b| Some(a?.saturating_sub(b.unwrap_or(0))));
    }

    fn combine(&mut self, other: &Self, with: fn(Option<u64>, Option<u64>) -> Option<u64>) {
        if let Some(other) = &other.cpu {
            let cpu = self.cpu.get_or_insert_default();
            cpu.usage_nsec = with(cpu.usage_nsec, other.usage_nsec);
        }
        self.oom_kills = with(self.oom_kills, other.oom_kills);
        for io in &mut self.io {
            let Some(other) = other.io.iter().find(|o| o.device == io.device) else { continue };
            io.read_bytes = with(io.read_bytes, other.read_bytes);
            io.written_bytes = with(io.written_bytes, other.written_bytes);
            io.discarded_bytes = with(io.discarded_bytes, other.discarded_bytes);
            io.reads = with(io.reads, other.reads);
            io.writes = with(io.writes, other.writes);
        }
    }

    /// Takes over what another reading has more of.
    pub fn raise(&mut self, other: Self) {
        if let Some(new) = other.cpu {
            let cpu = self.cpu.get_or_insert_default();
            cpu.usage_nsec = cpu.usage_nsec.max(new.usage_nsec);
            cpu.user_nsec = cpu.user_nsec.max(new.user_nsec);
            cpu.system_nsec = cpu.system_nsec.max(new.system_nsec);
        }
        self.oom_kills = self.oom_kills.max(other.oom_kills);
        self.peak = self.peak.max(other.peak);
        for new in other.io {
            match self.io.iter_mut().find(|io| io.device == new.device) {
                Some(io) if moved(io) <= moved(&new) => *io = new,
                Some(_) => {}
                None => self.io.push(new),
            }
        }
    }
}

/// Bytes and requests: whichever reading is later has no less.
fn moved(io: &Io) -> u64 {
    let numbers = [io.read_bytes, io.written_bytes, io.discarded_bytes, io.reads, io.writes];
    numbers.into_iter().flatten().fold(0, u64::saturating_add)
}

impl Cgroup {
    /// Reads the last numbers. Says too whether that is all of them: CPU time, and every file that
    /// was open.
    pub fn finals(&mut self, files: &mut Files) -> (Finals, bool) {
        let lost = self.lost();
        let mut finals = Finals::default();
        let mut complete = true;
        let mut read = |result: Result<()>| complete &= result.is_ok();
        read(self.cpu(false, files).map(|cpu| finals.cpu = cpu));
        read(self.oom_kills(files).map(|kills| finals.oom_kills = kills));
        read(self.peak(files).map(|peak| finals.peak = peak));
        read(self.io(Known::default(), &mut finals.io, files).map(drop));
        let usage = finals.cpu.and_then(|cpu| cpu.usage_nsec);
        (finals, complete && usage.is_some() && self.lost() == lost)
    }

    /// What the group keeps of all that were ever in it: CPU time, and on cgroup v2 I/O and OOM kills.
    /// Time in user space and in the kernel is told by rule of thumb for each group, and does not add
    /// up. `None` if the group is gone.
    pub fn kept(&mut self, files: &mut Files) -> Option<Finals> {
        let usage_nsec = Some(self.cpu(false, files).ok()??.usage_nsec?);
        let cpu = Some(Cpu { usage_nsec, ..Cpu::default() });
        let mut kept = Finals { cpu, ..Finals::default() };
        if self.home.version() == Version::V2 {
            kept.oom_kills = self.oom_kills(files).ok()?;
            self.io(Known::default(), &mut kept.io, files).ok()?;
        }
        Some(kept)
    }

    fn oom_kills(&mut self, files: &mut Files) -> Result<Option<u64>> {
        match self.home.version() {
            Version::V1 => Ok(self
                .load(v1::OOM_CONTROL, files, v1::oom_control)?
                .flatten()),
            Version::V2 => {
                let events = self.load(v2::MEMORY_EVENTS, files, v2::memory_events)?;
                Ok(events.and_then(|events| events.oom_kills))
            }
        }
    }

    fn peak(&mut self, files: &mut Files) -> Result<Option<u64>> {
        match self.home.version() {
            Version::V1 => self.load(v1::MEMORY_PEAK, files, single),
            Version::V2 => self.load(v2::MEMORY_PEAK, files, single),
        }
    }

    /// Whether there are processes in it or below it. Cgroup v2 alone: `None` on version 1, and when
    /// it is gone.
    pub fn populated(&self, files: &mut Files) -> Result<Option<bool>> {
        if self.home.version() == Version::V1 {
            return Ok(None);
        }
        files.load_if_any(&self.dir().join("cgroup.events"), |text| {
            let mut populated = false;
            crate::kernel::flat::each(text, |key, n| populated |= key == b"populated" && n > 0)?;
            Ok(populated)
        })
    }
}

#[cfg(test)]
mod tests {
    use std::sync::Arc;

    use super::*;
    use crate::cgroup::Hierarchies;
    use crate::files::{Roots, Scratch};

    /// A made-up host with these mounts and files, and a group of it.
    fn host(mounts: &str, files: &[(&str, &str)]) -> (Scratch, Cgroup) {
        let dir = Scratch::new();
        dir.write("proc/1/mountinfo", mounts);
        for (file, text) in files {
            dir.write(&format!("sys/fs/cgroup/{file}"), text);
        }
        let (proc, sys) = (dir.join("proc"), dir.join("sys"));
        let roots = Roots { proc, sys, ..Roots::default() };
        let home = Hierarchies::find(&roots, &mut Files::default()).unwrap();
        (dir, Cgroup::new("/a", Arc::new(home), false))
    }

    fn expected(usage_nsec: u64) -> Finals {
        let cpu = Cpu {
            usage_nsec: Some(usage_nsec),
            user_nsec: Some(30_000_000),
            system_nsec: Some(20_000_000),
            throttling: None,
        };
        let io = Io {
            device: (259, 0),
            read_bytes: Some(1),
            written_bytes: Some(2),
            reads: Some(3),
            writes: Some(4),
            ..Io::default()
        };
        Finals { cpu: Some(cpu), oom_kills: Some(1), peak: Some(4096), io: vec![io] }
    }

    #[test]
    fn both_versions_have_the_same_last_numbers() {
        let (_host, mut v1) = host(
            "36 32 0:31 / /sys/fs/cgroup/c rw - cgroup cgroup rw,cpuacct\n\
             37 32 0:32 / /sys/fs/cgroup/m rw - cgroup cgroup rw,memory\n\
             38 32 0:33 / /sys/fs/cgroup/b rw - cgroup cgroup rw,blkio\n",
            &[
                ("c/a/cpuacct.usage", "50000001\n"),
                ("c/a/cpuacct.stat", "user 3\nsystem 2\n"),
                ("m/a/memory.oom_control", "oom_kill_disable 0\nunder_oom 0\noom_kill 1\n"),
                ("m/a/memory.max_usage_in_bytes", "4096\n"),
                (
                    "b/a/blkio.throttle.io_service_bytes_recursive",
                    "259:0 Read 1\n259:0 Write 2\nTotal 3\n",
                ),
                (
                    "b/a/blkio.throttle.io_serviced_recursive",
                    "259:0 Read 3\n259:0 Write 4\nTotal 7\n",
                ),
                ("b/a/blkio.bfq.io_service_bytes_recursive", "8:0 Write 5\nTotal 5\n"),
                ("b/a/blkio.bfq.io_serviced_recursive", "8:0 Write 6\nTotal 6\n"),
            ],
        );
        let (_other, mut v2) = host(
            "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            &[
                ("a/cpu.stat", "usage_usec 50000\nuser_usec 30000\nsystem_usec 20000\n"),
                ("a/memory.events", "oom 1\noom_kill 1\n"),
                ("a/memory.peak", "4096\n"),
                ("a/io.stat", "259:0 rbytes=1 wbytes=2 rios=3 wios=4\n"),
                ("a/cgroup.events", "populated 1\nfrozen 0\n"),
            ],
        );
        let mut files = Files::default();
        v1.open_finals();
        v2.open_finals();
        // A disk with BFQ beside one without.
        let bfq = Io { device: (8, 0), written_bytes: Some(5), writes: Some(6), ..Io::default() };
        let mut expected_v1 = expected(50_000_001);
        expected_v1.io.insert(0, bfq);
        assert_eq!(v1.finals(&mut files), (expected_v1.clone(), true));
        assert_eq!(v2.finals(&mut files), (expected(50_000_000), true));
        // The files that were opened are those that were read.
        assert_eq!((v1.open_files(), v2.open_files()), (V1.len(), V2.len()));
        assert_eq!(v1.populated(&mut files).unwrap(), None);
        assert_eq!(v2.populated(&mut files).unwrap(), Some(true));
        v1.close();
        assert_eq!(v1.open_files(), 0);
        assert_eq!(v1.finals(&mut files), (expected_v1, true), "by its path");
        assert_eq!(v1.open_files(), 0, "and nothing stays open");
    }

    #[test]
    fn a_group_without_cpu_time_is_not_read() {
        let (_host, mut group) = host(
            "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n",
            &[("a/memory.peak", "4096\n")],
        );
        let mut files = Files::default();
        group.open_finals();
        assert_eq!(group.open_files(), 1);
        let finals = Finals { peak: Some(4096), ..Finals::default() };
        assert_eq!(group.finals(&mut files), (finals, false));
        assert_eq!(group.populated(&mut files).unwrap(), None);
    }

    #[test]
    fn adds_and_takes_away_what_adds_up() {
        let mut sum = Finals::default();
        sum.add(&expected(70));
        sum.add(&Finals { peak: Some(1), ..expected(60) });
        let used = |usage_nsec| Some(Cpu { usage_nsec: Some(usage_nsec), ..Cpu::default() });
        let [io] = expected(0).io[..] else { panic!("one device") };
        let double = |n: Option<u64>| n.map(|n| n * 2);
        let twice = Io {
            read_bytes: double(io.read_bytes),
            written_bytes: double(io.written_bytes),
            reads: double(io.reads),
            writes: double(io.writes),
            ..io
        };
        let both = Finals { cpu: used(130), oom_kills: Some(2), peak: None, io: vec![twice] };
        assert_eq!(sum, both);
        sum.take_away(&expected(60));
        assert_eq!(sum, Finals { cpu: used(70), peak: None, ..expected(70) });
        sum.take_away(&expected(80));
        assert_eq!((sum.cpu, sum.oom_kills), (used(0), Some(0)));
        // On cgroup v1 a parent keeps CPU time alone.
        let mut kept = Finals { cpu: used(9), ..Finals::default() };
        kept.take_away(&expected(2));
        assert_eq!(kept, Finals { cpu: used(7), ..Finals::default() });
    }

    #[test]
    fn keeps_the_greater() {
        let mut finals = expected(70);
        finals.raise(Finals { peak: Some(9000), ..expected(60) });
        assert_eq!(finals, Finals { peak: Some(9000), ..expected(70) });
        let mut more = expected(80);
        more.io[0].reads = Some(9);
        more.io
            .push(Io { device: (8, 0), reads: Some(1), ..Io::default() });
        finals.raise(more.clone());
        assert_eq!(finals, Finals { peak: Some(9000), ..more.clone() });
        finals.raise(Finals::default());
        assert_eq!(finals, Finals { peak: Some(9000), ..more });
    }
}
