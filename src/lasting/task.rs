//! Tasks: when the first container of one starts, and when the agent says that it stopped.

use serde::{Deserialize, Serialize};

use super::book::{Book, GRACE};
use super::settle::Service;
use super::sums::{PEAKS, TaskSet, TaskSums, add};
use crate::inventory::agent::Answer;

/// How many tasks are known. No host has as many.
const MOST: usize = 10_000;

/// A task.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Task {
    /// Cluster, family, and name of a container.
    pub(super) named: Option<[Box<str>; 3]>,
    /// What it is counted by, once that is settled.
    pub(super) set: Option<TaskSet>,
    /// When it was first heard of.
    heard: f64,
    /// What is not counted yet.
    owed: TaskSums,
    /// The inode of its group's directory. 0 where none was seen.
    inode: u64,
    /// Nanoseconds on a CPU that are counted, or were there before the count began.
    counted: u64,
    /// The most bytes of memory it was seen to have had.
    peak: u64,
    stopped: bool,
    /// Whether the agent has it in its list.
    listed: bool,
    /// When it was found to have no container any more.
    empty: Option<f64>,
}

/// A task's own group that a scrape sees.
#[derive(Clone, Copy, Debug)]
pub struct TaskReading<'a> {
    /// The id of the task.
    pub id: &'a str,
    /// The inode of the group's directory.
    pub inode: u64,
    /// When it was made, in seconds since 1970, and none of them begun. `None` if not known.
    pub made: Option<f64>,
    /// Nanoseconds on a CPU, with those that ended. `None` if it was gone.
    pub cpu_nsec: Option<u64>,
    /// The most bytes of memory. `None` where the kernel does not say.
    pub peak: Option<u64>,
}

impl Book {
    /// The task of an id, known from now on. `None` where there are too many.
    pub(super) fn task(&mut self, id: &str, now: f64) -> Option<&mut Task> {
        if !self.tasks.contains_key(id) {
            if self.tasks.len() >= MOST {
                return None;
            }
            self.tasks
                .insert(id.into(), Task { heard: now, ..Task::default() });
        }
        self.tasks.get_mut(id)
    }

    /// A container was started: the first of its task, perhaps.
    pub(super) fn task_started(&mut self, id: &str, now: f64) {
        let Some(container) = self.containers.get(id) else { return };
        let (task, named) = (container.task.clone(), container.named.clone());
        if !task.is_empty()
            && !self.tasks.contains_key(&task)
            && let Some(new) = self.task(&task, now)
        {
            new.named = named;
            add(&mut new.owed.starts, 1);
        }
    }

    /// What the agent says of the tasks.
    pub(super) fn agent_tasks(&mut self, answer: &Answer) {
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
        let old = |task: &Task| task.empty.is_some_and(|since| (now - since).abs() > GRACE);
        tasks.retain(|_, task| !old(task));
    }

    /// A scrape reads these groups.
    pub fn read_tasks<'a>(&mut self, readings: impl Iterator<Item = TaskReading<'a>>) {
        for TaskReading { id, inode, made, cpu_nsec, peak } in readings {
            let Some((task, cpu_nsec)) = self.tasks.get_mut(id).zip(cpu_nsec) else { continue };
            if task.inode != inode {
                let young = made.is_some_and(|made| made >= self.since.floor());
                task.inode = inode;
                task.counted = if young { 0 } else { cpu_nsec };
            }
            let more = cpu_nsec.saturating_sub(task.counted);
            task.counted += more;
            add(&mut task.owed.cpu_nsec, more);
            task.peak = task.peak.max(peak.unwrap_or_default());
        }
    }

    /// Counts what is owed of the tasks for which it is settled by what they are counted.
    pub(super) fn settle_tasks<'a>(&mut self, now: f64, service: impl Fn(&str) -> Service<'a>) {
        let Self { tasks, task_sets, left_out, .. } = self;
        for (id, task) in tasks.iter_mut() {
            if task.owed == TaskSums::default() {
                continue;
            }
            if task.set.is_none() {
                let Some([cluster, family, _]) = &task.named else { continue };
                let Some(service) = service(id).known(now - task.heard) else { continue };
                let set = [cluster.clone(), service.into(), family.clone()];
                task.set = Some(super::settle::place(task_sets, set, left_out).0);
            }
            let kept = task.set.as_ref().and_then(|set| task_sets.get_mut(set));
            if let Some(kept) = kept {
                kept.changed = now;
                kept.sums.add(&std::mem::take(&mut task.owed));
            }
        }
    }
}

impl Task {
    fn stop(&mut self) {
        if !self.stopped {
            self.stopped = true;
            add(&mut self.owed.stops, 1);
            if self.peak > 0 {
                self.owed.peak.observe(&PEAKS, self.peak as f64);
            }
        }
    }
}
