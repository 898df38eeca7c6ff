//! What tasks keep of their containers.
//!
//! The kernel keeps in a task's group what its containers used, whatever came and went. If one ended
//! unread, its numbers are what is left of the task's when those of the living and of all that ended
//! before are taken away. Two that end unread at once share what is left, and nobody can tell how.

use std::collections::HashMap;

use crate::cgroup::Finals;

/// The books of all tasks: in each, what those had used that ended.
#[derive(Debug, Default)]
pub(super) struct Books(HashMap<Box<str>, Finals>);

impl Books {
    /// Whether there is one of a task.
    pub(super) fn has(&self, task: &str) -> bool {
        self.0.contains_key(task)
    }

    /// Begins one of a task that is new.
    pub(super) fn begin(&mut self, task: &str) {
        self.0.insert(task.into(), Finals::default());
    }

    /// Begins one in between: with what the task keeps, read first, and what the living had, read
    /// after. The rest is of those that ended before.
    pub(super) fn resume(&mut self, task: &str, mut kept: Finals, living: &[Finals]) {
        living.iter().for_each(|one| kept.take_away(one));
        self.0.insert(task.into(), kept);
    }

    /// Notes what one had used that ended.
    pub(super) fn note(&mut self, task: &str, finals: &Finals) {
        if let Some(ended) = self.0.get_mut(task) {
            ended.add(finals);
        }
    }

    /// What is left, of what the living had, read first, and of what the task keeps, read after: so it
    /// is never less than what the one had that is missing.
    pub(super) fn left(&self, task: &str, living: &[Finals], mut kept: Finals) -> Option<Finals> {
        kept.take_away(self.0.get(task)?);
        living.iter().for_each(|one| kept.take_away(one));
        Some(kept)
    }

    /// Ends one: its task is gone, or its numbers do not add up any more.
    pub(super) fn end(&mut self, task: &str) {
        self.0.remove(task);
    }

    /// Ends all.
    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::Cpu;

    fn used(usage_nsec: u64) -> Finals {
        let cpu = Some(Cpu { usage_nsec: Some(usage_nsec), ..Cpu::default() });
        Finals { cpu, ..Finals::default() }
    }

    #[test]
    fn what_is_left_is_of_the_one_that_is_missing() {
        let mut books = Books::default();
        assert_eq!(books.left("t", &[], used(9)), None);
        books.begin("t");
        books.note("t", &used(5));
        books.note("other", &used(5));
        assert_eq!(books.left("t", &[used(10), used(20)], used(42)), Some(used(7)));
        books.note("t", &used(7));
        assert_eq!(books.left("t", &[used(11)], used(42)), Some(used(19)));
        assert_eq!(books.left("t", &[used(50)], used(42)), Some(used(0)));
        books.end("t");
        assert!(!books.has("t"));
    }

    #[test]
    fn a_book_can_begin_in_between() {
        let mut books = Books::default();
        books.resume("t", used(100), &[used(10), used(20)]);
        assert_eq!(books.left("t", &[used(15)], used(130)), Some(used(45)));
        books.clear();
        assert!(!books.has("t"));
    }
}
