//! The tasks of this host: which rows are theirs, and who they are.

use std::collections::BTreeMap;
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::{Duration, SystemTime};

use super::TASK;
use super::account::Account;
use super::figures::Figures;
use crate::cgroup::{Kind, task_of};
use crate::collector::Host;
use crate::collector::container::network::Networks;
use crate::container::Container;
use crate::exposition::LabelBlock;
use crate::files::Result;
use crate::inventory::Inventory;
use crate::inventory::agent::Status;

/// In so many scrapes more a task is shown whose last container is gone: its group has its last
/// numbers.
const LINGERS: u8 = 2;

/// The tasks of this host. Kept from one scrape to the next, and brought up to date when the rows or
/// the inventory changed.
#[derive(Default)]
pub(in crate::collector) struct Tasks {
    /// Of which inventory, and which rows.
    of: Option<(Arc<Inventory>, u64)>,
    list: Vec<Task>,
    /// How often the list was made anew.
    version: u64,
    /// Whether their figures are of this scrape.
    pub(super) read: bool,
    /// How far the endings of containers were followed.
    pub(super) cursor: u64,
    pub(super) networks: Option<Networks>,
}

impl std::fmt::Debug for Tasks {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.debug_list().entries(&self.list).finish()
    }
}

/// A task.
#[derive(Debug)]
pub(super) struct Task {
    /// The last part of its ARN.
    pub(super) id: Box<str>,
    /// The labels of [`TASK`].
    pub(super) labels: LabelBlock,
    /// Place of its own group's row. `None` where tasks have no groups.
    pub(super) row: Option<usize>,
    /// Its containers that have rows.
    pub(super) members: Vec<Member>,
    /// What the agent says of it. `None` where it says nothing.
    pub(super) status: Option<Statuses>,
    /// What is kept of it from one scrape to the next.
    pub(super) account: Account,
    /// Its figures of this scrape.
    pub(super) figures: Figures,
    /// In how many scrapes it was shown without a container.
    lingered: u8,
}

/// A container of a task.
#[derive(Debug)]
pub(super) struct Member {
    /// Docker's id of it.
    pub(super) id: Box<str>,
    /// Its name in the task definition; empty where nobody says.
    pub(super) name: Box<str>,
    /// The labels of [`TASK`], and `container_name`.
    pub(super) labels: LabelBlock,
    /// Place of its row.
    pub(super) row: usize,
}

impl Member {
    /// Whether its definition has it, and not the agent for its own ends.
    pub(super) fn defined(&self) -> bool {
        !self.name.is_empty() && !self.name.starts_with("~internal~")
    }
}

/// How far a task is, and how far it is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Statuses {
    /// What ECS wants.
    pub(super) desired: Option<Status>,
    /// How far it is.
    pub(super) known: Option<Status>,
    /// When these two were first seen so.
    pub(super) since: SystemTime,
}

impl Statuses {
    /// For how long they have differed. `None` where they agree.
    pub(super) fn differ(&self, now: SystemTime) -> Option<Duration> {
        let differ = self.desired.is_some() && self.desired != self.known;
        differ.then(|| now.duration_since(self.since).unwrap_or_default())
    }
}

impl Task {
    /// Whether there is still something to say of its resources.
    pub(super) fn alive(&self) -> bool {
        !self.members.is_empty() || (self.row.is_some() && self.lingered <= LINGERS)
    }

    /// Whether the scheduler counts it: as long as it has not ended.
    pub(super) fn reserves(&self) -> bool {
        self.status.is_some() || !self.members.is_empty()
    }
}

/// Looks at the tasks of the host, as they are in this scrape.
pub(super) fn with<T>(
    host: &mut Host,
    look: impl FnOnce(&mut Tasks, &mut Host) -> Result<T>,
) -> Result<T> {
    let mut tasks = std::mem::take(&mut host.shared.tasks);
    tasks.refresh(host);
    let told = look(&mut tasks, host);
    host.shared.tasks = tasks;
    told
}

/// How many lists were made.
static VERSIONS: AtomicU64 = AtomicU64::new(0);

impl Tasks {
    /// In the order of their ids.
    pub(super) fn list(&self) -> &[Task] {
        &self.list
    }

    /// Tells whether the list is still the same one.
    pub(super) fn version(&self) -> u64 {
        self.version
    }

    pub(super) fn list_mut(&mut self) -> &mut [Task] {
        &mut self.list
    }

    /// Begins another scrape.
    pub(in crate::collector) fn forget(&mut self) {
        if std::mem::take(&mut self.read) {
            for task in &mut self.list {
                if task.members.is_empty() {
                    task.lingered = task.lingered.saturating_add(1);
                }
            }
        }
    }

    fn refresh(&mut self, host: &mut Host) {
        let Host { containers, inventory, now, .. } = host;
        let generation = containers.as_ref().map_or(0, |c| c.generation());
        let current =
            |(of, rows): &(Arc<Inventory>, u64)| *rows == generation && Arc::ptr_eq(of, inventory);
        if self.of.as_ref().is_some_and(current) {
            return;
        }
        let rows = containers.as_mut().map_or(&[][..], |c| &*c.rows());
        self.rebuild(inventory, rows, *now);
        self.of = Some((Arc::clone(inventory), generation));
    }

    fn rebuild(&mut self, inventory: &Inventory, rows: &[Container], now: SystemTime) {
        let mut found = find(inventory, rows);
        let mut old: BTreeMap<_, _> = self
            .list
            .drain(..)
            .map(|task| (task.id.clone(), task))
            .collect();
        let stopped = |id: &str| {
            let tasks = inventory.agent().into_iter().flat_map(|a| &a.tasks);
            tasks
                .into_iter()
                .any(|task| task.stopped() && task.id() == id)
        };
        // The group of a task that ended stays for hours. Of one that was never seen there is nothing
        // to say.
        found.retain(|id, task| {
            !task.members.is_empty()
                || task.statuses.is_some()
                || (old.contains_key(id) || !stopped(id))
        });
        for (id, Found { row, members, statuses }) in found {
            let before = old.remove(&id);
            let names = names(inventory, &id);
            let labels = LabelBlock::new(TASK.into_iter().zip(names));
            let members = self::members(&id, members, names, inventory);
            let status = statuses.map(|(desired, known)| {
                let same = |s: &Statuses| (s.desired, s.known) == (desired, known);
                let before = before.as_ref().and_then(|task| task.status).filter(same);
                before.unwrap_or(Statuses { desired, known, since: now })
            });
            let lingered = match &before {
                Some(task) if members.is_empty() => task.lingered,
                _ => 0,
            };
            let account = before.map(|task| task.account).unwrap_or_default();
            let figures = Figures::default();
            self.list
                .push(Task { id, labels, row, members, status, account, figures, lingered });
        }
        self.read = false;
        // No other list has it, not that of a scrape that hung either.
        self.version = VERSIONS.fetch_add(1, Ordering::Relaxed) + 1;
    }
}

/// The containers of a task. Of two with the same name, which nobody but a hand-made label can give
/// them, the second is taken for none of the definition: no series may be there twice.
fn members(
    task: &str,
    found: Vec<(&str, usize)>,
    names: [&str; 5],
    inventory: &Inventory,
) -> Vec<Member> {
    let mut members: Vec<Member> = Vec::with_capacity(found.len());
    for (id, row) in found {
        let name = match inventory.member(id) {
            Some((of, name)) if of == task => name,
            _ => "",
        };
        let twice = members.iter().any(|member| *member.name == *name);
        let name = if twice { "" } else { name };
        let pairs = TASK
            .into_iter()
            .zip(names)
            .chain([("container_name", name)]);
        members.push(Member {
            id: id.into(),
            name: name.into(),
            labels: LabelBlock::new(pairs),
            row,
        });
    }
    members
}

/// What rows and agent say of a task.
#[derive(Default)]
struct Found<'a> {
    row: Option<usize>,
    members: Vec<(&'a str, usize)>,
    statuses: Option<(Option<Status>, Option<Status>)>,
}

fn find<'a>(inventory: &'a Inventory, rows: &'a [Container]) -> BTreeMap<Box<str>, Found<'a>> {
    let mut found: BTreeMap<Box<str>, Found<'_>> = BTreeMap::new();
    for (at, row) in rows.iter().enumerate() {
        let path = row.cgroup.path();
        match Kind::of(path) {
            Kind::Task(id) => found.entry(id.into()).or_default().row = Some(at),
            Kind::Container(id) => {
                let told = || inventory.member(id).map(|(task, _)| task);
                if let Some(task) = task_of(path).or_else(told) {
                    found.entry(task.into()).or_default().members.push((id, at));
                }
            }
            Kind::Host | Kind::Unit | Kind::Other => {}
        }
    }
    let tasks = inventory.agent().into_iter().flat_map(|a| &a.tasks);
    for task in tasks.filter(|task| !task.stopped()) {
        found.entry(task.id().into()).or_default().statuses = Some((task.desired, task.known));
    }
    found
}

/// The values of [`TASK`].
pub(super) fn names<'a>(inventory: &'a Inventory, id: &'a str) -> [&'a str; 5] {
    let service = inventory.service(id);
    match inventory.task_names(id) {
        Some(names) => [names.cluster, service, names.family, names.revision, id],
        None => [inventory.cluster(), service, "", "", id],
    }
}
