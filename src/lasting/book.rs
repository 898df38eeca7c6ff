//! The book: what is told and read goes in, sums come out. It asks nobody and waits for nothing.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::container::Container;
use super::life::Life;
use super::pairs;
use super::run::{Fact, Look};
use super::sums::{PEAKS, RUN_TIMES, Set, Sums, TaskSet, TaskSums, add};
use super::task::Task;
use crate::inventory::docker::{Known, State};
use crate::inventory::{Happening, Told, What};

/// How many sets there are sums of.
pub const SETS: usize = 1000;

/// How many containers, and how many tasks, are known. No host has as many.
const MOST: usize = 10_000;

/// How long a set is kept that has no container and in which nothing happens, in seconds.
pub(super) const DAY: f64 = 86_400.0;

/// For how long a container that is gone is known, and for how long one is that nobody names, in
/// seconds: its last numbers or its name may still come.
pub(super) const GRACE: f64 = 300.0;

/// The book.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Book {
    /// Since when there are sums, in seconds since 1970.
    pub(super) since: f64,
    /// Since when events are told. `None` while none are.
    #[serde(skip)]
    pub(super) events: Option<f64>,
    #[serde(with = "pairs")]
    pub(super) sets: BTreeMap<Set, Kept<Sums>>,
    #[serde(with = "pairs")]
    pub(super) task_sets: BTreeMap<TaskSet, Kept<TaskSums>>,
    pub(super) containers: BTreeMap<Box<str>, Container>,
    pub(super) tasks: BTreeMap<Box<str>, Task>,
    /// Containers' groups by their inodes.
    pub(super) lives: BTreeMap<u64, Life>,
    /// How often they were read.
    #[serde(skip)]
    pub(super) round: u64,
    pub(super) left_out: u64,
    /// How often something happened that is to be remembered at once.
    #[serde(skip)]
    pub(super) changes: u64,
    /// How often there were other sets.
    #[serde(skip)]
    pub(super) generation: u64,
    /// Whether something came or went, so that it may be time to let go of something.
    #[serde(skip)]
    pub(super) untidy: bool,
    /// When it was last looked for what may be let go.
    #[serde(skip)]
    pub(super) tidied: f64,
    /// Scratch.
    #[serde(skip)]
    facts: Vec<Fact>,
}

/// Sums, and when they last changed, in seconds since 1970.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Kept<T> {
    pub(super) sums: T,
    pub(super) changed: f64,
}

impl Book {
    /// An empty book, since that time.
    pub(super) fn new(since: f64) -> Self {
        Self { since, ..Self::default() }
    }

    /// Takes note of what was told.
    pub(super) fn told(&mut self, told: Told<'_>, now: f64) {
        match told {
            Told::Connected(since) => self.events = Some(since),
            Told::Listed(ids) => {
                let there = |id: &str| ids.contains(id);
                self.leave(now, |id, container| container.docker && !there(id));
            }
            Told::Looked(known) => self.looked(known, now),
            Told::Happened(happening) => self.happened(happening, now),
            Told::Agent(answer) => self.agent(answer, now),
        }
    }

    /// The container of an id, known from now on. `None` where there are too many.
    pub(super) fn container(&mut self, id: &str, now: f64) -> Option<&mut Container> {
        if !self.containers.contains_key(id) {
            if self.containers.len() >= MOST {
                return None;
            }
            self.untidy = true;
            self.containers.insert(id.into(), Container::new(now));
        }
        self.containers.get_mut(id)
    }

    fn happened(&mut self, happening: &Happening, now: f64) {
        let Happening { id, at, what, who } = happening;
        let mut facts = std::mem::take(&mut self.facts);
        if let Some(container) = self.container(id, now) {
            container.docker = true;
            container.is(who.as_ref());
            match what {
                What::Started => {
                    container.runs.started(*at, &mut facts);
                    container.looked &= facts.is_empty();
                    container.gone = None;
                }
                What::Ended(code) => container.runs.ended(*at, *code, &mut facts),
                What::Removed => {
                    container.runs.gone(&mut facts);
                    container.gone = Some(now);
                }
                What::Health(_) => {}
            }
        }
        if let What::Health(health) = what {
            self.credit(id, now, |sums| sums.health(*health));
        }
        self.count(id, &mut facts, now);
        self.facts = facts;
        self.changes += 1;
        self.untidy = true;
    }

    fn looked(&mut self, known: &Known, now: f64) {
        let (since, id) = (self.since, &known.id);
        let events = self.events.unwrap_or(now);
        let mut facts = std::mem::take(&mut self.facts);
        let Some(container) = self.container(id, now) else { return };
        container.docker = true;
        container.is(known.who().as_ref());
        let look = Look {
            began: known.started,
            ended: known.finished,
            code: known.exit_code,
            runs: known.pid.is_some() && !matches!(known.state, State::Exited | State::Dead),
            events,
            since,
        };
        container.runs.looked(&look, &mut facts);
        let young = known.created.is_some_and(|created| created >= since);
        let restarts = container.restarted(0, known.restarts, young);
        let started = facts.contains(&Fact::Start);
        let open = container.runs.open;
        container.looked &= !started;
        let new_run = open && !container.looked;
        container.looked |= open;
        let starting = new_run
            && known.health.is_some()
            && container.runs.began.is_some_and(|began| began >= since);
        let task = container.task.clone();
        if open && !started && !task.is_empty() && !self.tasks.contains_key(&task) {
            // It ran before anything was counted.
            let named = self.containers.get(id).and_then(|c| c.named.clone());
            if let Some(new) = self.task(&task, now) {
                new.named = named;
            }
        }
        if restarts > 0 || starting {
            self.credit(id, now, |sums| {
                add(&mut sums.restarts, restarts);
                if starting {
                    sums.health(crate::inventory::docker::Health::Starting);
                }
            });
        }
        if !facts.is_empty() || restarts > 0 || starting {
            self.changes += 1;
        }
        self.count(id, &mut facts, now);
        self.facts = facts;
    }

    /// Notes which containers are gone.
    pub(super) fn leave(&mut self, now: f64, gone: impl Fn(&str, &Container) -> bool) {
        let mut facts = std::mem::take(&mut self.facts);
        let left = self.containers.iter();
        let left = left.filter(|(id, container)| container.gone.is_none() && gone(id, container));
        let left: Vec<Box<str>> = left.map(|(id, _)| id.clone()).collect();
        for id in left {
            if let Some(container) = self.containers.get_mut(&id) {
                container.gone = Some(now);
                container.runs.gone(&mut facts);
            }
            self.count(&id, &mut facts, now);
            self.changes += 1;
            self.untidy = true;
        }
        self.facts = facts;
    }

    /// Counts what was found of a container's runs.
    fn count(&mut self, id: &str, facts: &mut Vec<Fact>, now: f64) {
        for fact in facts.drain(..) {
            match fact {
                Fact::Start => {
                    self.credit(id, now, |sums| add(&mut sums.starts, 1));
                    self.task_started(id, now);
                }
                Fact::Exit { code, ran } => self.credit(id, now, |sums| {
                    sums.exits.count(code);
                    if let Some(seconds) = ran {
                        sums.run_time.observe(&RUN_TIMES, seconds);
                    }
                }),
            }
        }
    }

    /// Counts something of a container, or keeps it until it is known with what to count it.
    pub(super) fn credit(&mut self, id: &str, now: f64, change: impl FnOnce(&mut Sums)) {
        let Some(container) = self.containers.get_mut(id) else { return };
        match container
            .set
            .as_ref()
            .and_then(|set| self.sets.get_mut(set))
        {
            Some(kept) => {
                kept.changed = now;
                change(&mut kept.sums);
            }
            None if container.foreign => {}
            None => change(container.owed.get_or_insert_default()),
        }
    }

    /// Counts the most memory that a container ever used.
    pub(super) fn credit_peak(&mut self, id: &str, now: f64, bytes: u64) {
        self.credit(id, now, |sums| sums.peak.observe(&PEAKS, bytes as f64));
    }

    /// Tells whether the sets, and those of tasks, are still the same ones in the same order.
    pub fn generation(&self) -> u64 {
        self.generation
    }

    /// The sums of each set.
    pub fn sums(&self) -> impl Iterator<Item = ([&str; 4], &Sums)> + Clone {
        self.sets
            .iter()
            .map(|(set, kept)| (set.each_ref().map(|value| &**value), &kept.sums))
    }

    /// The sums of tasks.
    pub fn task_sums(&self) -> impl Iterator<Item = ([&str; 3], &TaskSums)> + Clone {
        self.task_sets
            .iter()
            .map(|(set, kept)| (set.each_ref().map(|value| &**value), &kept.sums))
    }

    /// Since when there are sums, in seconds since 1970.
    pub fn since(&self) -> f64 {
        self.since
    }

    /// How many containers and tasks were counted without their names, because there are too many.
    pub fn left_out(&self) -> u64 {
        self.left_out
    }
}
