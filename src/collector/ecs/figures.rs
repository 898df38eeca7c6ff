//! What a task uses: of its own control group, or where it has none, added up over its containers.

use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::account::{Account, parts};
use super::tasks::{Task, Tasks};
use super::traffic::{self, Traffic};
use crate::cgroup::{self, Cpu, Io, Limit, Memory, Stalls, Version, Vm};
use crate::collector::Host;
use crate::collector::container::network::Networks;
use crate::container::endings::Ended;
use crate::container::{Container, Disk, Network};
use crate::files::{Files, Result, Roots};
use crate::inventory::Inventory;

/// CPU units of a whole CPU, as the scheduler counts them.
pub(super) const UNITS: f64 = 1024.0;

/// What a task uses, and may use.
#[derive(Debug, Default)]
pub(super) struct Figures {
    /// Whether they are those of its own group.
    pub(super) own: bool,
    /// CPU time, and how its quota held it back.
    pub(super) cpu: Cpu,
    /// CPUs its quota allows. `None` without one.
    pub(super) quota: Option<f64>,
    /// Memory.
    pub(super) memory: Memory,
    /// Bytes of memory it may use. `None` without a limit.
    pub(super) memory_limit: Option<u64>,
    /// CPU units that the scheduler counts for it.
    pub(super) reserved_units: f64,
    /// Bytes that the scheduler counts for it.
    pub(super) reserved_bytes: u64,
    /// Threads.
    pub(super) threads: Option<u64>,
    /// How many threads there may be. `None` without a limit.
    pub(super) threads_max: Option<u64>,
    /// Pressure. Nothing without a group of its own.
    pub(super) stalls: Stalls,
    /// What it did to disks.
    pub(super) disk: Option<Disk>,
    /// What its network namespaces did. `None` where it has none of its own.
    pub(super) network: Option<Traffic>,
    /// Whether a container of it is in the host's network.
    pub(super) network_shared: bool,
    /// Processes killed for want of memory, by whose limit: a container's, the task's, the host's.
    pub(super) oom_kills: [u64; 3],
}

/// Brings the figures of all tasks up to date, once a scrape.
pub(super) fn read(tasks: &mut Tasks, host: &mut Host, roots: &Roots) -> Result<()> {
    if tasks.read {
        return Ok(());
    }
    if !host.shared.networks_read {
        let networks = tasks.networks.get_or_insert_with(|| Networks::new(roots));
        networks.read(host)?;
    }
    let inventory = Arc::clone(&host.inventory);
    let news = news(&mut tasks.cursor, host);
    let Host { containers, files, shared, failures, .. } = host;
    let Some(containers) = containers else { return Ok(()) };
    let rows = containers.rows();
    for ended in news {
        let of = |task: &&mut Task| ended.task.as_deref() == Some(&*task.id);
        if let Some(task) = tasks.list_mut().iter_mut().find(of) {
            let row = task.row.and_then(|at| rows.get(at));
            let limit = row.and_then(|row| at_most(row.spec.memory));
            task.account.end(&ended, limit, &inventory);
        }
    }
    let mut reader = Reader {
        rows,
        proc: &roots.proc,
        vm: shared.vm,
        inventory: &inventory,
        files,
        devices: Vec::new(),
        path: PathBuf::new(),
    };
    for task in tasks.list_mut() {
        if let Err(error) = reader.task(task) {
            failures.note(&error);
        }
    }
    tasks.read = true;
    Ok(())
}

/// The containers that ended since the last scrape, and before this one.
fn news(cursor: &mut u64, host: &Host) -> Vec<Arc<Ended>> {
    let Some(containers) = &host.containers else { return Vec::new() };
    let news = containers
        .endings()
        .with_ledger(|ledger| ledger.since(*cursor));
    let Some(mut news) = news else { return Vec::new() };
    let before = news
        .ended
        .iter()
        .take_while(|ended| ended.ended <= host.now)
        .count();
    *cursor = news.next - (news.ended.len() - before) as u64;
    news.ended.truncate(before);
    news.ended
}

struct Reader<'a> {
    rows: &'a mut [Container],
    proc: &'a Path,
    /// What happened on the whole host.
    vm: Vm,
    inventory: &'a Inventory,
    files: &'a mut Files,
    devices: Vec<Io>,
    path: PathBuf,
}

impl Reader<'_> {
    fn task(&mut self, task: &mut Task) -> Result<()> {
        let mut figures = Figures { own: task.row.is_some(), ..Figures::default() };
        // What was killed in a container is in its task's number too: who reads that first counts
        // nothing twice.
        if let Some(row) = task.row.and_then(|at| self.rows.get_mut(at)) {
            figures.memory = row.memory(self.vm, self.files)?.unwrap_or_default();
            figures.memory_limit = at_most(row.spec.memory);
        }
        self.members(task, &mut figures)?;
        if let Some(at) = task.row {
            self.own(at, &mut task.account, &mut figures)?;
        }
        self.reserve(task, &mut figures);
        figures.oom_kills = task.account.oom_kills;
        task.figures = figures;
        Ok(())
    }

    /// Adds up what its containers use.
    fn members(&mut self, task: &mut Task, figures: &mut Figures) -> Result<()> {
        let Self { rows, proc, vm, files, devices, path, .. } = self;
        let Task { members, account, row, .. } = task;
        let limit = figures.memory_limit;
        account.parts.begin();
        account.networks.begin();
        let mut owns = false;
        for member in &*members {
            let Some(container) = rows.get_mut(member.row) else { continue };
            let cpu = container.cpu(files)?;
            // On cgroup v2 the task's own group has it all.
            let apart = row.is_none() || container.cgroup.home().version() == Version::V1;
            let disk = if apart { container.disk(devices, files)? } else { None };
            let memory = container.memory(*vm, files)?.unwrap_or_default();
            account.parts.part(&*member.id, parts(cpu, disk));
            account.killed(&member.id, &memory, container.spec.memory, limit);
            figures.network_shared |= container.about.network == Some(Network::Host);
            if row.is_none() {
                add(&mut figures.memory.usage, memory.usage);
                add(&mut figures.memory.cache, memory.cache);
                add(&mut figures.memory.rss, memory.rss);
                add(&mut figures.memory.inactive_file, memory.inactive_file);
                add(&mut figures.threads, container.threads(files)?);
            }
            owns |= traffic::note(&mut account.networks, container, proc, files, path)?;
        }
        let [usage_nsec, user_nsec, system_nsec, read, written, reads, writes] =
            account.parts.total();
        figures.cpu = Cpu { usage_nsec, user_nsec, system_nsec, throttling: None };
        figures.disk = read.zip(written).map(|(read_bytes, written_bytes)| Disk {
            read_bytes,
            written_bytes,
            reads: reads.unwrap_or(0),
            writes: writes.unwrap_or(0),
        });
        if owns || !figures.network_shared {
            figures.network = Traffic::sum(account.networks.total());
        }
        Ok(())
    }

    /// Takes over what its own group says.
    fn own(&mut self, at: usize, account: &mut Account, figures: &mut Figures) -> Result<()> {
        let Self { rows, files, devices, .. } = self;
        let Some(row) = rows.get_mut(at) else { return Ok(()) };
        if let Some(cpu) = row.cpu(files)? {
            figures.cpu = cpu;
        }
        figures.quota = cgroup::Bounds::of(&row.spec).cpus;
        figures.threads = row.threads(files)?;
        figures.threads_max = at_most(row.spec.threads);
        figures.stalls = row.stalls(files)?;
        if row.cgroup.home().version() == Version::V2 {
            figures.disk = row.disk(devices, files)?;
            // What no container's own counter told: one that was gone before anybody looked.
            let all = figures.memory.oom_kills.unwrap_or(0);
            let told = account.oom_kills.into_iter().fold(0, u64::saturating_add);
            let by_task = figures.memory.failcnt.unwrap_or(0) > 0;
            let [container, task, _] = &mut account.oom_kills;
            let more = if by_task { task } else { container };
            *more = more.saturating_add(all.saturating_sub(told));
        }
        Ok(())
    }

    /// What the scheduler counts for it.
    fn reserve(&self, task: &Task, figures: &mut Figures) {
        let told = self.inventory.endpoint(&task.id);
        let each = || {
            let rows = task
                .members
                .iter()
                .map(|member| Reserved::of(&member.id, self.inventory, self.rows.get(member.row)));
            rows.fold(Reserved::default(), |sum, of| Reserved {
                units: sum.units.saturating_add(of.units),
                bytes: sum.bytes.saturating_add(of.bytes),
            })
        };
        let quota = figures.quota.map(|cpus| cpus * UNITS);
        let cpus = told.and_then(|told| told.cpus).map(|cpus| cpus * UNITS);
        figures.reserved_units = cpus.or(quota).unwrap_or_else(|| each().units as f64);
        figures.reserved_bytes = told
            .and_then(|told| told.memory)
            .or(figures.memory_limit)
            .unwrap_or_else(|| each().bytes);
    }
}

/// What the scheduler counts for a container.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Reserved {
    /// CPU units.
    pub(super) units: u64,
    /// Bytes of memory.
    pub(super) bytes: u64,
}

impl Reserved {
    /// As Docker was asked for it; where Docker does not say, as its group has it.
    pub(super) fn of(id: &str, inventory: &Inventory, row: Option<&Container>) -> Self {
        let spec = row.map(|row| row.spec).unwrap_or_default();
        let (shares, memory, reservation) = match inventory.container(id) {
            Some(known) => (known.cpu_shares, known.memory, known.memory_reservation),
            None => (spec.cpu_shares, at_most(spec.memory), at_most(spec.memory_reservation)),
        };
        // The agent asks for two shares where the definition says none, one or two units.
        let units = shares.filter(|n| *n > 2).unwrap_or(0);
        Self { units, bytes: reservation.filter(|n| *n > 0).or(memory).unwrap_or(0) }
    }
}

/// A limit, where there is one.
pub(super) fn at_most(limit: Option<Limit>) -> Option<u64> {
    match limit? {
        Limit::At(n) => Some(n),
        Limit::Max => None,
    }
}

fn add(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}
