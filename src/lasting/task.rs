//! Tasks: when the first container of one starts, and when the agent says that it stopped.

use serde::{Deserialize, Serialize};

use super::book::{Book, GRACE};
use super::sums::{TaskSums, add};
use crate::inventory::agent::Answer;

/// How many tasks are known. No host has as many.
const MOST: usize = 10_000;

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    /// Cluster, family, and name of a container.
    pub(super) named: Option<[Box<str>; 3]>,
    /// What is not counted yet.
    owed: TaskSums,
    stopped: bool,
    /// Whether the agent has it in its list.
    listed: bool,
    /// When it was found to have no container any more.
    empty: Option<f64>,
}

impl Book {
    /// The task of an id, known from now on. `None` where there are too many.
    pub(super) fn task(&mut self, id: &str) -> Option<&mut Task> {
        if !self.tasks.contains_key(id) {
            if self.tasks.len() >= MOST {
                return None;
            }
            self.tasks.insert(id.into(), Task::default());
        }
        self.tasks.get_mut(id)
    }

    /// A container was started: the first of its task, perhaps.
    pub(super) fn task_started(&mut self, id: &str, _: f64) {
        let Some(container) = self.containers.get(id) else { return };
        let (task, named) = (container.task.clone(), container.named.clone());
        if !task.is_empty()
            && !self.tasks.contains_key(&task)
            && let Some(new) = self.task(&task)
        {
            new.named = named;
            add(&mut new.owed.starts, 1);
        }
    }

    /// What the agent says of the tasks.
    pub(super) fn agent_tasks(&mut self, answer: &Answer, _: f64) {
        for task in self.tasks.values_mut() {
            task.listed = false;
        }
        for told in &answer.tasks {
            let Some(task) = self.tasks.get_mut(told.id()) else { continue };
            task.listed = true;
            if told.stopped() {
                self.untidy |= !task.stopped;
                self.changes += u64::from(!task.stopped);
                task.stop();
            }
        }
    }

    /// Finds tasks that ended though the agent does not say so: it has them no more, and Docker has no
    /// container of them. Those that ended long ago are forgotten.
    pub(super) fn tidy_tasks(&mut self, now: f64) {
        let Self { tasks, containers, .. } = self;
        for (id, task) in tasks.iter_mut() {
            let mut of_it = containers
                .values()
                .filter(|c| c.gone.is_none() && c.task == *id);
            let empty = !task.listed && of_it.next().is_none();
            task.empty = empty.then(|| task.empty.unwrap_or(now));
            if empty {
                task.stop();
            }
        }
        let old = |task: &Task| task.empty.is_some_and(|since| now - since > GRACE);
        tasks.retain(|_, task| !old(task) || task.owed != TaskSums::default());
    }

    /// Counts what is owed of the tasks whose names are settled: those of their containers are.
    pub(super) fn settle_tasks(&mut self, now: f64, service: impl Fn(&str) -> Option<Box<str>>) {
        let Self { tasks, task_sets, left_out, .. } = self;
        for (id, task) in tasks.iter_mut() {
            if task.owed == TaskSums::default() {
                continue;
            }
            let Some([cluster, family, _]) = &task.named else {
                task.owed = TaskSums::default();
                continue;
            };
            let Some(service) = service(id) else { continue };
            let set = [cluster.clone(), service, family.clone()];
            let kept = super::settle::place(task_sets, set, left_out).1;
            kept.changed = now;
            kept.sums.add(&std::mem::take(&mut task.owed));
        }
    }
}

impl Task {
    fn stop(&mut self) {
        if !self.stopped {
            self.stopped = true;
            add(&mut self.owed.stops, 1);
        }
    }
}
