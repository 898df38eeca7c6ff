//! What was read of a row in this scrape: each thing once, by the first collector that wants it.

use std::time::SystemTime;

use super::{Container, Volume};
use crate::cgroup::{Cpu, Io, Known, Limit, Memory, MemoryNews, Stalls, Vm};
use crate::files::{Files, Result};
use crate::kernel::netdev::Interface;

/// Where the agent mounts the Amazon EBS volumes that ECS manages for tasks.
const TASK_VOLUMES: &str = "/mnt/ecs/ebs";

/// What was read of a row. A failure is not remembered: who asks next tries again.
#[derive(Debug, Default)]
pub(super) struct Readings {
    cpu: Option<Option<Cpu>>,
    memory: Option<Option<Memory>>,
    disk: Option<Option<Disk>>,
    threads: Option<Option<u64>>,
    pressure: Option<Stalls>,
    network: Option<(u64, Interface)>,
    /// Of task volumes: the place in the list of the container's volumes, and how full each is.
    volumes: Vec<(usize, Room)>,
}

/// How full a file system is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Room {
    /// Its size in bytes. `None` before it was looked at.
    pub size: Option<u64>,
    /// Bytes used.
    pub used: Option<u64>,
}

/// What a group did to all its block devices together.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Bytes read.
    pub read_bytes: u64,
    /// Bytes written.
    pub written_bytes: u64,
    /// Reads, a count.
    pub reads: u64,
    /// Writes, a count.
    pub writes: u64,
}

impl Disk {
    /// The sum over devices. `None` without any.
    pub fn of(devices: &[Io]) -> Option<Self> {
        let mut sum = Self::default();
        for io in devices {
            add(&mut sum.read_bytes, io.read_bytes.unwrap_or(0));
            add(&mut sum.written_bytes, io.written_bytes.unwrap_or(0));
            add(&mut sum.reads, io.reads.unwrap_or(0));
            add(&mut sum.writes, io.writes.unwrap_or(0));
        }
        (!devices.is_empty()).then_some(sum)
    }
}

impl Container {
    /// Its CPU time, as [`Cgroup::cpu`](crate::cgroup::Cgroup::cpu).
    pub fn cpu(&mut self, files: &mut Files) -> Result<Option<Cpu>> {
        let Self { cgroup, spec, readings, .. } = self;
        let quota = matches!(spec.cpu_quota_usec, Some(Limit::At(_)));
        once(&mut readings.cpu, || cgroup.cpu(quota, files))
    }

    /// Its memory, as [`Cgroup::memory`](crate::cgroup::Cgroup::memory). `vm` is what happened on the
    /// whole host.
    pub fn memory(&mut self, vm: Vm, files: &mut Files) -> Result<Option<Memory>> {
        let Self { cgroup, spec, readings, .. } = self;
        let news = MemoryNews { vm, limit: spec.memory };
        once(&mut readings.memory, || cgroup.memory(news, files))
    }

    /// Its CPU time, if it was read in this scrape.
    pub fn known_cpu(&self) -> Option<&Cpu> {
        self.readings.cpu.as_ref()?.as_ref()
    }

    /// Its memory, if it was read in this scrape.
    pub fn known_memory(&self) -> Option<&Memory> {
        self.readings.memory.as_ref()?.as_ref()
    }

    /// What it did to block devices, as [`Cgroup::io`](crate::cgroup::Cgroup::io).
    pub fn io(&mut self, know: Known, out: &mut Vec<Io>, files: &mut Files) -> Result<Known> {
        let start = out.len();
        let known = self.cgroup.io(know, out, files)?;
        self.readings.disk = Some(Disk::of(out.get(start..).unwrap_or_default()));
        Ok(known)
    }

    /// What it did to all block devices together. `scratch` is emptied.
    pub fn disk(&mut self, scratch: &mut Vec<Io>, files: &mut Files) -> Result<Option<Disk>> {
        if self.readings.disk.is_none() {
            scratch.clear();
            self.io(Known::default(), scratch, files)?;
        }
        Ok(self.readings.disk.flatten())
    }

    /// Its threads, as [`Cgroup::threads`](crate::cgroup::Cgroup::threads).
    pub fn threads(&mut self, files: &mut Files) -> Result<Option<u64>> {
        let Self { cgroup, readings, .. } = self;
        once(&mut readings.threads, || cgroup.threads(files))
    }

    /// The pressure on it.
    pub fn stalls(&mut self, files: &mut Files) -> Result<Stalls> {
        let Self { cgroup, readings, .. } = self;
        once(&mut readings.pressure, || cgroup.stalls(files))
    }

    /// What all interfaces of the network namespace did that it owns, and what tells that namespace
    /// from others. `None` where it owns none, and before the namespaces were read in this scrape.
    pub fn network(&self) -> Option<(u64, Interface)> {
        self.readings.network
    }

    /// Notes that it owns a network namespace, of which no interface is known yet.
    pub fn own_network(&mut self, namespace: u64) {
        self.readings.network = Some((namespace, Interface::default()));
    }

    /// Notes what an interface did of the network namespace that it owns.
    pub fn add_interface(&mut self, interface: &Interface) {
        let Some((_, sum)) = &mut self.readings.network else { return };
        let (to, of) = (&mut sum.receive, &interface.receive);
        add(&mut to.bytes, of.bytes);
        add(&mut to.packets, of.packets);
        add(&mut to.errs, of.errs);
        add(&mut to.drop, of.drop);
        let (to, of) = (&mut sum.transmit, &interface.transmit);
        add(&mut to.bytes, of.bytes);
        add(&mut to.packets, of.packets);
        add(&mut to.errs, of.errs);
        add(&mut to.drop, of.drop);
    }

    /// Its volumes that are Amazon EBS volumes of its task, and how full each is. None before somebody
    /// looked in this scrape.
    pub fn task_volumes(&self) -> impl Iterator<Item = (&Volume, Room)> {
        let volumes = self
            .storage
            .as_ref()
            .map_or(&[][..], |storage| &storage.volumes);
        let known = self.readings.volumes.iter();
        known.filter_map(|(at, room)| Some((volumes.get(*at)?, *room)))
    }

    /// Notes how full a volume is, the one at this place in the list, if it is one of its task.
    pub fn note_volume(&mut self, at: usize, room: Room) {
        let volume = self
            .storage
            .as_ref()
            .and_then(|storage| storage.volumes.get(at));
        if volume.is_some_and(|volume| volume.source.starts_with(TASK_VOLUMES)) {
            self.readings.volumes.push((at, room));
        }
    }

    /// Begins another scrape: what was read is old.
    pub(super) fn forget_readings(&mut self, now: SystemTime) {
        self.cgroup.another_scrape(now);
        let mut volumes = std::mem::take(&mut self.readings.volumes);
        volumes.clear();
        self.readings = Readings { volumes, ..Readings::default() };
    }
}

/// Adds, and stays at the end of the range: a broken file may say anything.
fn add(sum: &mut u64, more: u64) {
    *sum = sum.saturating_add(more);
}

fn once<T: Copy>(kept: &mut Option<T>, read: impl FnOnce() -> Result<T>) -> Result<T> {
    match kept {
        Some(value) => Ok(*value),
        None => Ok(*kept.insert(read()?)),
    }
}
