//! One container: who it is, what is owed to it, and what the agent says of it.

use serde::{Deserialize, Serialize};

use super::book::Book;
use super::run::Runs;
use super::sums::{Set, Sums, add};
use crate::inventory::Who;
use crate::inventory::agent::{Answer, Task, short_arn};

/// A container.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Container {
    /// Cluster, family, and name in the task's definition. `None` until somebody tells.
    pub(super) named: Option<[Box<str>; 3]>,
    /// The id of its task.
    pub(super) task: Box<str>,
    /// What it is counted by, once that is settled: from then on it stays the same.
    pub(super) set: Option<Set>,
    /// What is not counted yet, because that is not settled.
    pub(super) owed: Option<Box<Sums>>,
    pub(super) runs: Runs,
    /// How often Docker, and the agent, have restarted it.
    restarts: [Option<u64>; 2],
    /// Whether it was looked at since it was last started.
    pub(super) looked: bool,
    /// Docker says that it is none of ECS.
    pub(super) foreign: bool,
    /// Docker knows it.
    pub(super) docker: bool,
    /// When it was first heard of.
    pub(super) heard: f64,
    /// When it went.
    pub(super) gone: Option<f64>,
}

impl Container {
    /// One that was just heard of.
    pub(super) fn new(now: f64) -> Self {
        Self { heard: now, ..Self::default() }
    }

    /// Somebody told who it is. `None` says that it is none of ECS.
    pub(super) fn is(&mut self, who: Option<&Who>) {
        match who {
            Some(who) if self.named.is_none() => {
                let Who { cluster, task, family, container } = who;
                self.named = Some([cluster, family, container].map(Clone::clone));
                self.task.clone_from(task);
                self.foreign = false;
            }
            Some(_) => {}
            None if self.named.is_none() => {
                self.foreign = true;
                self.owed = None;
            }
            None => {}
        }
    }

    /// How often it was restarted since that was last told. What was before the count began does not
    /// count: that of a container that is `young` does.
    pub(super) fn restarted(&mut self, by: usize, times: u64, young: bool) -> u64 {
        let Some(known) = self.restarts.get_mut(by) else { return 0 };
        let before = match *known {
            // It was counted anew.
            Some(before) if before > times => 0,
            Some(before) => before,
            None if young => 0,
            None => times,
        };
        *known = Some(times);
        times - before
    }
}

impl Book {
    /// What the agent says: how often it restarted containers, and where there is no Docker, who they are.
    pub(super) fn agent(&mut self, answer: &Answer, now: f64) {
        let cluster = short_arn(&answer.metadata.cluster);
        for task in &answer.tasks {
            for told in &task.containers {
                let since = self.since;
                // One that Docker does not tell of, though it tells of others, has gone; and one that
                // ended already is of no use.
                let of_no_use = task.stopped() || self.events.is_some();
                if of_no_use && !self.containers.contains_key(&told.id) {
                    continue;
                }
                let Some(container) = self.container(&told.id, now) else { break };
                if container.named.is_none() {
                    container.is(Some(&Who {
                        cluster: cluster.into(),
                        task: task.id().into(),
                        family: task.family.clone(),
                        container: told.name.clone(),
                    }));
                }
                let young = told.created.is_some_and(|created| created >= since);
                let restarts = told
                    .restarts
                    .map_or(0, |n| container.restarted(1, n, young));
                if restarts > 0 {
                    self.credit(&told.id, now, |sums| add(&mut sums.restarts, restarts));
                    self.changes += 1;
                }
            }
        }
        let there = |id: &str| {
            let of = |task: &Task| {
                task.containers
                    .binary_search_by(|told| (*told.id).cmp(id))
                    .is_ok()
            };
            answer.tasks.iter().any(of)
        };
        self.leave(now, |id, container| {
            !container.docker && container.gone.is_none() && !there(id)
        });
        self.agent_tasks(answer);
    }
}
