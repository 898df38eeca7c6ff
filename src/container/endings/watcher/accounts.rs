//! What of a task's own numbers is whose.

use std::sync::Arc;

use super::Watcher;
use crate::cgroup::{Cgroup, Finals, Kind, parent};
use crate::container::endings::How;

/// A task with more containers than this is not looked through for one that was missed.
const MOST: usize = 64;

impl Watcher {
    /// Begins a task's book, if there is none.
    pub(super) fn keep_books(&mut self, task: &str) {
        if !self.books.has(task)
            && let Some(kept) = self.kept(task)
            && let Some(living) = self.living(task)
        {
            self.books.resume(task, kept, &living);
        }
    }

    /// Notes what a container had used that ended. Of one that was missed, that is what is left of its
    /// task's numbers, if they tell.
    pub(super) fn close_books(&mut self, path: &str, finals: &mut Finals, how: How) -> How {
        let Some(task) = task(path) else { return how };
        let how = match how {
            How::Read | How::LeftOver => how,
            How::Partial | How::Missed => match self.left(task) {
                Some(left) => {
                    finals.raise(left);
                    How::LeftOver
                }
                None => {
                    self.books.end(task);
                    how
                }
            },
        };
        if self.books.has(task) {
            self.books.note(task, finals);
        } else {
            self.keep_books(task);
        }
        how
    }

    fn left(&mut self, task: &str) -> Option<Finals> {
        if !self.books.has(task) {
            return None;
        }
        let living = self.living(task)?;
        let kept = self.kept(task)?;
        self.books.left(task, &living, kept)
    }

    fn kept(&mut self, group: &str) -> Option<Finals> {
        let mut group = Cgroup::new(group, Arc::clone(&self.settings.home), false);
        group.kept(&mut self.means.files)
    }

    /// What each container of a task had so far. `None` where that is not to be known of all.
    fn living(&mut self, task_path: &str) -> Option<Vec<Finals>> {
        let Self { lives, means, .. } = self;
        let own = lives
            .values_mut()
            .filter(|life| task(life.cgroup.path()) == Some(task_path));
        let living: Option<Vec<_>> = own.take(MOST + 1).map(|life| life.kept(means)).collect();
        living.filter(|living| living.len() <= MOST)
    }
}

/// The task whose group a container's is directly in.
pub(super) fn task(path: &str) -> Option<&str> {
    parent(path).filter(|parent| matches!(Kind::of(parent), Kind::Task(_)))
}
