//! What ADOT's `awsecscontainermetrics` says in a sidecar of every task, of all tasks of the host.

mod labels;
mod names;
mod rates;

use clap::Args;

use self::labels::{of_container, of_ended, of_task};
use self::names::{Families, Spelling, Usage};
use self::rates::{Rates, Seen};
use super::TASKS_AND_HOST;
use super::figures::{self, Reserved, UNITS, at_most};
use super::tasks::{self, Member, Task};
use super::traffic::Traffic;
use crate::cgroup::{Io, Memory, Version};
use crate::collector::{Collector, Host, Need};
use crate::container::{Container, Network};
use crate::exposition::{Descriptor, LabelBlock, Text};
use crate::files::{Error, Kept, Result, Roots};
use crate::inventory::Inventory;

/// Which labels the rows have.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
enum Shown {
    /// Cluster, service, family, revision, task and container.
    Core,
    /// All of ADOT's but points in time, which are metrics.
    All,
}

/// Flags of the collector of ADOT's names.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// How the names are spelt: plain as until ADOT 0.34, with units and megabytes as until 0.46, or
    /// with units and mib as since 0.48.
    #[arg(
        id = "collector.ecs.adot-names",
        long,
        value_name = "plain|megabytes|mib",
        value_enum,
        default_value = "plain",
        hide_possible_values = true
    )]
    names: Spelling,
    /// Which labels the rows have: core for cluster, service, family, revision, task and container
    /// name, or all that ADOT has but for points in time.
    #[arg(
        id = "collector.ecs.adot-labels",
        long,
        value_name = "core|all",
        value_enum,
        default_value = "core",
        hide_possible_values = true
    )]
    labels: Shown,
}

/// Collects what tasks and their containers use, by ADOT's names.
pub struct Adot {
    families: &'static Families,
    shown: Shown,
    roots: Roots,
    meminfo: Kept,
    stat: Kept,
    rates: Rates,
    rows: Rows,
    /// Of which look at the tasks the following are.
    version: u64,
    /// Labels of tasks, and of their containers.
    labels: (Vec<LabelBlock>, Vec<LabelBlock>),
    /// Containers that ended in tasks that go on, and for how many seconds they ran.
    ended: Vec<(LabelBlock, f64)>,
}

/// Rows of one scrape.
#[derive(Default)]
struct Rows {
    tasks: Vec<Usage>,
    containers: Vec<Usage>,
    devices: Vec<Io>,
}

/// What every row says of the host.
#[derive(Clone, Copy, Default)]
struct Whole {
    memory: Option<u64>,
    cpus: Option<u64>,
    cpu_nsec: Option<u64>,
}

impl Collector for Adot {
    const NAME: &'static str = "ecs.adot";
    const ABOUT: &'static str = "Tasks and their containers by the names of ADOT's awsecscontainermetrics; --collector.ecs.adot-names adds the suffixes of units that later versions of ADOT have.";
    const NEEDS: &'static [Need] = TASKS_AND_HOST;
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        Families::spelt(Spelling::Plain).descriptors()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let kept = |name| Kept::new(roots.proc.join(name));
        Ok(Self {
            families: Families::spelt(flags.names),
            shown: flags.labels,
            roots: roots.clone(),
            meminfo: kept("meminfo"),
            stat: kept("stat"),
            rates: Rates::default(),
            rows: Rows::default(),
            version: 0,
            labels: Default::default(),
            ended: Vec::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let whole = self.whole(host)?;
        let Self { families, shown, roots, rates, rows, version, labels, ended, .. } = self;
        tasks::with(host, |tasks, host| {
            figures::read(tasks, host, roots)?;
            rates.begin(host.now);
            rows.tasks.clear();
            rows.containers.clear();
            let living = tasks.list().iter().filter(|task| !task.members.is_empty());
            for task in living.clone() {
                rows.task(task, host, whole, rates);
            }
            rates.end();
            if *version != tasks.version() {
                *version = tasks.version();
                let inventory = &host.inventory;
                *ended = living
                    .clone()
                    .flat_map(|task| of_ended(task, inventory))
                    .collect();
                let members = living
                    .clone()
                    .flat_map(|task| defined(task).map(move |member| (task, member)));
                *labels = match shown {
                    Shown::Core => (
                        living.map(|task| task.labels.clone()).collect(),
                        members.map(|(_, member)| member.labels.clone()).collect(),
                    ),
                    Shown::All => (
                        living.map(|task| of_task(task, inventory)).collect(),
                        members
                            .map(|(task, member)| of_container(task, member, inventory))
                            .collect(),
                    ),
                };
            }
            families.tasks(labels.0.iter().zip(&rows.tasks), text);
            families.containers(labels.1.iter().zip(&rows.containers), text);
            families.ended(ended.iter().map(|(labels, seconds)| (labels, *seconds)), text);
            Ok(())
        })
    }
}

impl Adot {
    fn whole(&mut self, host: &mut Host) -> Result<Whole> {
        let mut whole = Whole::default();
        match host.shared.stat(&mut self.stat, &mut host.files) {
            Err(Error::Absent(_)) => {}
            stat => {
                let cpus = &stat?.cpus;
                // The last two are part of the first two.
                let ticks = cpus.iter().flat_map(|cpu| cpu.ticks.iter().take(8));
                let ticks = ticks.fold(0, |sum: u64, ticks| sum.saturating_add(*ticks));
                whole.cpu_nsec = Some(ticks.saturating_mul(10_000_000));
                whole.cpus = Some(cpus.len() as u64);
            }
        }
        match host.shared.meminfo(&mut self.meminfo, &mut host.files) {
            Err(Error::Absent(_)) => {}
            meminfo => whole.memory = meminfo?.get(b"MemTotal"),
        }
        Ok(whole)
    }
}

impl Rows {
    /// Adds the row of a task, and those of its containers.
    fn task(&mut self, task: &Task, host: &mut Host, whole: Whole, rates: &mut Rates) {
        let figures = &task.figures;
        let mut sum = Usage::default();
        for member in defined(task) {
            let usage = self.container(member, figures.network, host, whole, rates);
            let usage = usage.unwrap_or_else(|error| {
                host.failures.note(&error);
                Usage::default()
            });
            for (sum, more) in sum.memory.iter_mut().zip(usage.memory) {
                add(sum, more);
            }
            add(&mut sum.utilized_mib, usage.utilized_mib);
            self.containers.push(usage);
        }
        let [usage, peak, limits] = sum.memory;
        let limit = figures.memory_limit.or(limits);
        let cpu = figures.cpu;
        let (receive, transmit) = io(figures.network);
        let [vcpu, rx, tx] = rates.of(&task.id, seen(cpu.usage_nsec, figures.network));
        self.tasks.push(Usage {
            memory: [usage, figures.memory.peak.or(peak), least(limit, whole.memory)],
            utilized_mib: sum.utilized_mib,
            reserved_mib: Some(mib(figures.reserved_bytes)),
            cpu_nsec: [cpu.usage_nsec, cpu.system_nsec, cpu.user_nsec],
            cpus: whole.cpus,
            system_nsec: whole.cpu_nsec,
            utilized: vcpu.map(|n| if figures.reserved_units > 0.0 { n * UNITS } else { 0.0 }),
            reserved_units: Some(figures.reserved_units),
            vcpu,
            rates: [rx, tx],
            receive,
            transmit,
            storage: figures
                .disk
                .map_or([None; 2], |disk| [Some(disk.read_bytes), Some(disk.written_bytes)]),
        });
    }

    fn container(
        &mut self,
        member: &Member,
        shared: Option<Traffic>,
        host: &mut Host,
        whole: Whole,
        rates: &mut Rates,
    ) -> Result<Usage> {
        let Host { containers, inventory, files, shared: news, .. } = host;
        let rows = containers.as_mut().map_or(&mut [][..], |c| c.rows());
        let Some(row) = rows.get_mut(member.row) else { return Ok(Usage::default()) };
        let cpu = row.cpu(files)?.unwrap_or_default();
        let memory = row.memory(news.vm, files)?.unwrap_or_default();
        let disk = row.disk(&mut self.devices, files)?;
        let network = match row.about.network {
            // The agent gives the network of the task to each container in it.
            Some(Network::Joined) => shared,
            _ => row.network().map(|(_, sum)| Traffic::of(&sum)),
        };
        let (receive, transmit) = io(network);
        let [vcpu, rx, tx] = rates.of(&member.id, seen(cpu.usage_nsec, network));
        let units = shares(&member.id, inventory, row);
        let limit = at_most(row.spec.memory);
        Ok(Usage {
            memory: [memory.usage, memory.peak, least(limit, whole.memory)],
            utilized_mib: utilized(&memory, row.cgroup.home().version()),
            reserved_mib: Some(mib(limit.unwrap_or(0))),
            cpu_nsec: [cpu.usage_nsec, cpu.system_nsec, cpu.user_nsec],
            cpus: whole.cpus,
            system_nsec: whole.cpu_nsec,
            utilized: vcpu.map(|n| n * 100.0 / if units > 0.0 { units } else { 1.0 }),
            reserved_units: Some(units),
            vcpu,
            rates: [rx, tx],
            receive,
            transmit,
            storage: disk
                .map_or([None; 2], |disk| [Some(disk.read_bytes), Some(disk.written_bytes)]),
        })
    }
}

/// The containers of a task that its definition has.
fn defined(task: &Task) -> impl Iterator<Item = &Member> + Clone {
    task.members.iter().filter(|member| member.defined())
}

fn io(network: Option<Traffic>) -> ([Option<u64>; 4], [Option<u64>; 4]) {
    match network {
        Some(Traffic { receive, transmit, .. }) => (receive.map(Some), transmit.map(Some)),
        None => Default::default(),
    }
}

fn seen(usage_nsec: Option<u64>, network: Option<Traffic>) -> Seen {
    let bytes = |of: fn(Traffic) -> [u64; 4]| network.map(|t| of(t)[0]);
    [usage_nsec, bytes(|t| t.receive), bytes(|t| t.transmit)]
}

/// Without page cache: on cgroup v2, as the agent does, without what the kernel would drop first.
fn utilized(memory: &Memory, version: Version) -> Option<u64> {
    let cache = match version {
        Version::V1 => memory.cache,
        Version::V2 => memory.inactive_file,
    };
    Some(memory.usage?.saturating_sub(cache.unwrap_or(0)) >> 20)
}

/// CPU units as the agent tells them: two where the definition has none.
fn shares(id: &str, inventory: &Inventory, row: &Container) -> f64 {
    let told = inventory.container(id).and_then(|known| known.cpu_shares);
    let reserved = Reserved::of(id, inventory, Some(row)).units;
    told.unwrap_or(reserved) as f64
}

fn mib(bytes: u64) -> f64 {
    (bytes >> 20) as f64
}

fn least(limit: Option<u64>, whole: Option<u64>) -> Option<u64> {
    match (limit, whole) {
        (Some(limit), Some(whole)) => Some(limit.min(whole)),
        (limit, whole) => limit.or(whole),
    }
}

fn add(sum: &mut Option<u64>, more: Option<u64>) {
    if let Some(more) = more {
        *sum = Some(sum.unwrap_or(0).saturating_add(more));
    }
}
