//! Which task is to be asked for next, and when.

use std::collections::BTreeMap;
use std::time::{Duration, Instant};

use super::Task;
use crate::inventory::ask::Trouble;

/// One that fails is asked for again after this time, then after twice as long, and so on.
const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(600);

/// A task to ask for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Wanted {
    /// Its id, the last part of its ARN.
    pub(super) task: Box<str>,
    /// Its ARN.
    pub(super) arn: Box<str>,
    /// The id by which the endpoint knows one of its containers; empty where none runs.
    pub(super) id: Box<str>,
}

/// The tasks there are.
#[derive(Debug, Default)]
pub(super) struct Queue {
    tasks: BTreeMap<Box<str>, Entry>,
    /// The endpoint as a whole answers nobody before this time. `None` while it answers.
    rest: Option<Wait>,
    round: u64,
}

#[derive(Debug)]
struct Entry {
    wanted: Wanted,
    /// `None` where it has answered all.
    wait: Option<Wait>,
    /// When it was last seen.
    round: u64,
}

#[derive(Clone, Copy, Debug)]
struct Wait {
    next: Option<Instant>,
    /// How long to wait the time after.
    long: Duration,
}

impl Wait {
    const NONE: Self = Self { next: None, long: SHORTEST };

    fn over(self, now: Instant) -> bool {
        self.next.is_none_or(|next| next <= now)
    }

    fn longer(self, now: Instant) -> Self {
        Self { next: Some(now + self.long), long: (2 * self.long).min(LONGEST) }
    }
}

impl Queue {
    /// Takes in which tasks there are; several of one task count once. The others are forgotten.
    pub(super) fn follow(&mut self, tasks: impl Iterator<Item = Wanted>) {
        self.round += 1;
        for wanted in tasks {
            match self.tasks.get_mut(&wanted.task) {
                None => {
                    let entry = Entry { wanted, wait: Some(Wait::NONE), round: self.round };
                    self.tasks.insert(entry.wanted.task.clone(), entry);
                }
                Some(entry) => {
                    // The first that runs.
                    if entry.round != self.round || entry.wanted.id.is_empty() {
                        entry.wanted = wanted;
                    }
                    entry.round = self.round;
                }
            }
        }
        self.tasks.retain(|_, entry| entry.round == self.round);
    }

    /// Whether there is such a task.
    pub(super) fn knows(&self, task: &str) -> bool {
        self.tasks.contains_key(task)
    }

    /// The task to ask for now.
    pub(super) fn next(&self, now: Instant) -> Option<Wanted> {
        if self.rest.is_some_and(|rest| !rest.over(now)) {
            return None;
        }
        let due = self.waiting().find(|(_, wait)| wait.over(now));
        due.map(|(wanted, _)| wanted.clone())
    }

    /// When something is due that is not yet. `None` where nothing will be.
    pub(super) fn due(&self, now: Instant) -> Option<Instant> {
        let first = self
            .waiting()
            .map(|(_, wait)| wait.next.unwrap_or(now))
            .min()?;
        let rest = self.rest.and_then(|rest| rest.next);
        Some(rest.map_or(first, |rest| rest.max(first)))
    }

    fn waiting(&self) -> impl Iterator<Item = (&Wanted, Wait)> {
        let running = self
            .tasks
            .values()
            .filter(|entry| !entry.wanted.id.is_empty());
        running.filter_map(|entry| Some((&entry.wanted, entry.wait?)))
    }

    /// Takes in how it went.
    pub(super) fn answered(&mut self, task: &str, answer: &Result<Task, Trouble>, now: Instant) {
        let of_task = match answer {
            // Nobody knows the id, or it is another task's: the others may fare better.
            Ok(_) | Err(Trouble::Refused(404 | 500) | Trouble::Malformed(_) | Trouble::Foreign) => {
                self.rest = None;
                true
            }
            Err(_) => {
                self.rest = Some(self.rest.unwrap_or(Wait::NONE).longer(now));
                false
            }
        };
        let Some(entry) = self.tasks.get_mut(task) else { return };
        if of_task {
            let complete = answer.as_ref().is_ok_and(Task::complete);
            let wait = entry.wait.unwrap_or(Wait::NONE);
            entry.wait = (!complete).then(|| wait.longer(now));
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn wanted(task: &str, id: &str) -> Wanted {
        Wanted { task: task.into(), arn: format!("arn/{task}").into(), id: id.into() }
    }

    fn queue(tasks: &[(&str, &str)]) -> Queue {
        let mut queue = Queue::default();
        queue.follow(tasks.iter().map(|(task, id)| wanted(task, id)));
        queue
    }

    /// The seconds in which tasks are asked for, while each answers the same.
    fn asked(
        queue: &mut Queue,
        answer: impl Fn(&str) -> Result<Task, Trouble>,
    ) -> Vec<(u64, String)> {
        let start = Instant::now();
        let mut asked = Vec::new();
        for second in 0..2000 {
            let now = start + Duration::from_secs(second);
            while let Some(wanted) = queue.next(now) {
                queue.answered(&wanted.task, &answer(&wanted.task), now);
                asked.push((second, wanted.task.into()));
            }
        }
        asked
    }

    #[test]
    fn asks_once_for_each_task_that_runs() {
        let mut queue = queue(&[("a", ""), ("a", "1"), ("a", "2"), ("b", "3"), ("c", "")]);
        assert_eq!(queue.next(Instant::now()), Some(wanted("a", "1")));
        let all = asked(&mut queue, |_| Ok(Task::default()));
        assert_eq!(all, [(0, "a".into()), (0, "b".into())]);
        assert_eq!(queue.due(Instant::now()), None);
        queue.follow([wanted("b", "3"), wanted("c", "4")].into_iter());
        assert!(!queue.knows("a") && queue.knows("b"));
        assert_eq!(asked(&mut queue, |_| Ok(Task::default())), [(0, "c".into())]);
        queue.follow([wanted("a", "1")].into_iter());
        assert_eq!(queue.next(Instant::now()), Some(wanted("a", "1")), "forgotten, and new");
    }

    #[test]
    fn one_that_fails_is_asked_for_ever_more_seldom() {
        let mut queue = queue(&[("a", "1"), ("b", "2")]);
        let all = asked(&mut queue, |task| match task {
            "a" => Err(Trouble::Refused(404)),
            _ => Ok(Task::default()),
        });
        let seconds: Vec<_> = all
            .iter()
            .filter(|(_, task)| task == "a")
            .map(|(s, _)| *s)
            .collect();
        assert_eq!(seconds, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623]);
        assert_eq!(all.len(), seconds.len() + 1);
    }

    #[test]
    fn an_endpoint_that_answers_nobody_is_left_alone() {
        for trouble in [|| Trouble::Refused(429), || Trouble::Absent, || Trouble::Late] {
            let mut queue = queue(&[("a", "1"), ("b", "2")]);
            let all = asked(&mut queue, |_| Err(trouble()));
            let seconds: Vec<_> = all.into_iter().map(|(s, _)| s).collect();
            assert_eq!(seconds, [0, 1, 3, 7, 15, 31, 63, 127, 255, 511, 1023, 1623]);
        }
    }

    #[test]
    fn a_task_that_pulls_is_asked_for_again() {
        let mut queue = queue(&[("a", "1")]);
        let pulling = Task { pull_started: Some(1.0), ..Task::default() };
        let now = Instant::now();
        queue.answered("a", &Ok(pulling), now);
        assert_eq!(queue.due(now), Some(now + SHORTEST));
    }
}
