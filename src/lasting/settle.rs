//! With what each container is counted; and what is let go.

use std::collections::BTreeMap;

use super::book::{Book, DAY, GRACE, Kept, SETS};
use super::container::Container;
#[cfg(test)]
use super::sums::Sums;
use super::sums::{Set, TaskSet};

/// How long it is waited for somebody to know the service of a task, in seconds. One that is known
/// later counts from then on.
const PATIENCE: f64 = 10.0;

/// How often it is looked for what may be let go, if nothing came or went, in seconds.
const SELDOM: f64 = 300.0;

/// What is known of a task's service.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Service<'a> {
    /// It is this; empty where nobody will ever know.
    Is(&'a str),
    /// Somebody is being asked.
    Asked,
}

impl<'a> Service<'a> {
    /// The name, so long after it was first asked for. `None` if it may still come.
    pub(super) fn known(self, after: f64) -> Option<&'a str> {
        match self {
            Self::Is(name) => Some(name),
            // A clock that was set back is nothing to wait for.
            Self::Asked if (0.0..PATIENCE).contains(&after) => None,
            Self::Asked => Some(""),
        }
    }
}

impl Book {
    /// Counts what is owed of those whose service is known, and lets go of what is of no more use. After
    /// what a scrape reads.
    pub fn settle<'a>(&mut self, now: f64, service: impl Fn(&str) -> Service<'a>) {
        let sets = self.count_sets();
        self.settle_containers(now, &service);
        self.settle_tasks(now, &service);
        let all = self.count_sets();
        // A clock that was set back is no reason to wait for it.
        if self.untidy || (now - self.tidied).abs() > SELDOM {
            self.untidy = false;
            self.tidied = now;
            self.tidy(now);
        }
        // Sets came, and then some went.
        if [sets, self.count_sets()] != [all; 2] {
            self.generation += 1;
        }
    }

    fn count_sets(&self) -> usize {
        self.sets.len() + self.task_sets.len()
    }

    fn settle_containers<'a>(&mut self, now: f64, service: &impl Fn(&str) -> Service<'a>) {
        let Self { containers, sets, left_out, .. } = self;
        for container in containers.values_mut() {
            if !open(&container.set, service(&container.task)) {
                continue;
            }
            let Some([cluster, family, name]) = &container.named else { continue };
            let asked = service(&container.task).known(now - container.heard);
            let Some(service) = asked else { continue };
            let set = [cluster.clone(), service.into(), family.clone(), name.clone()];
            let (set, kept) = place(sets, set, left_out);
            if let Some(owed) = container.owed.take() {
                kept.changed = now;
                kept.sums.add(&owed);
            }
            if kept.changed == 0.0 {
                kept.changed = now;
            }
            container.set = Some(set);
        }
    }

    fn tidy(&mut self, now: f64) {
        self.tidy_tasks(now);
        let kept = |container: &Container| match container.gone {
            Some(gone) => now - gone <= GRACE,
            // One that was read, and that neither Docker nor the agent has heard of.
            None => {
                container.named.is_some() || container.foreign || now - container.heard <= GRACE
            }
        };
        self.containers.retain(|_, container| kept(container));
        let Self { sets, task_sets, containers, tasks, .. } = self;
        let used = |set: &Set| containers.values().any(|c| c.set.as_ref() == Some(set));
        sets.retain(|set, kept| now - kept.changed <= DAY || used(set));
        let used = |set: &TaskSet| tasks.values().any(|task| task.set.as_ref() == Some(set));
        task_sets.retain(|set, kept| now - kept.changed <= DAY || used(set));
    }
}

/// Whether it is still to be settled by what something is counted: it never was, or without a service
/// that is known by now.
pub(super) fn open<const N: usize>(set: &Option<[Box<str>; N]>, service: Service<'_>) -> bool {
    let Some([cluster, of, ..]) = set.as_ref().map(|set| set.as_slice()) else { return true };
    // One that is counted without any name, for there are too many, stays there.
    !cluster.is_empty() && of.is_empty() && matches!(service, Service::Is(name) if !name.is_empty())
}

/// The sums of a set, or those without names where there are too many sets.
pub(super) fn place<'s, T: Default, const N: usize>(
    sets: &'s mut BTreeMap<[Box<str>; N], Kept<T>>,
    set: [Box<str>; N],
    left_out: &mut u64,
) -> ([Box<str>; N], &'s mut Kept<T>)
where
    [Box<str>; N]: Clone,
{
    let nobody = || std::array::from_fn(|_| Box::default());
    let set = if sets.contains_key(&set) || sets.len() < SETS {
        set
    } else {
        *left_out += 1;
        nobody()
    };
    let kept = sets.entry(set.clone()).or_default();
    (set, kept)
}

/// The sums of one set.
#[cfg(test)]
pub(super) fn sums<'b>(book: &'b Book, set: [&str; 4]) -> Option<&'b Sums> {
    book.sums().find(|(of, _)| *of == set).map(|(_, sums)| sums)
}
