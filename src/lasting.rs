//! What outlives a container: how often it was started and ended, and how; what it used; whether it ran
//! out of memory.
//!
//! Docker tells of starts, ends and health as they happen, the agent of restarts; the kernel's numbers
//! come from each scrape for containers that live, and from [`container::endings`] for those that ended.
//! All of it goes into one book, in which each thing is counted once, whoever tells of it and how often.
//! The book outlives the exporter too, where it has a directory for it.
//!
//! [`container::endings`]: crate::container::endings

mod book;
mod life;
mod pairs;
mod run;
mod settle;
mod state;
mod storage;
mod sums;
mod task;
#[cfg(test)]
mod tests;

use std::io;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, SystemTime};

pub use book::{Book, SETS};
pub use life::{Numbers, Reading};
pub use settle::Service;
pub use storage::{Health as StorageHealth, Unusable};
pub use sums::{Exits, HEALTH, Histogram, PEAKS, RUN_TIMES, Set, Sums, TaskSet, TaskSums};
pub use task::TaskReading;

use crate::container::endings::Endings;
use crate::container::seconds;
use crate::inventory::Told;
use storage::{Storage, Writer};

/// How long a scrape waits for the file: what it tells must be in it, or a restart would turn counters
/// back.
const PATIENCE: Duration = Duration::from_millis(250);

/// What it takes to keep the book.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Where it outlives the exporter. `None` if it does not.
    pub dir: Option<PathBuf>,
    /// What tells one start of the host from another.
    pub boot: String,
    /// The time of day.
    pub clock: fn() -> SystemTime,
}

/// The book, as the rest of the program sees it. Clones are of the same one.
#[derive(Clone, Debug, Default)]
pub struct Lasting(Option<Arc<Hold>>);

#[derive(Debug)]
struct Hold(Arc<Shared>);

impl Drop for Hold {
    fn drop(&mut self) {
        if let Some(writer) = &self.0.writer {
            writer.end();
        }
    }
}

#[derive(Debug)]
struct Shared {
    desk: Mutex<Desk>,
    writer: Option<Arc<Writer>>,
    clock: fn() -> SystemTime,
}

#[derive(Debug)]
struct Desk {
    book: Book,
    /// Where to go on asking for endings.
    next: u64,
}

/// Why the book cannot be kept.
#[derive(Debug, thiserror::Error)]
pub enum Error {
    /// Its directory cannot be used.
    #[error(transparent)]
    Storage(#[from] Unusable),
    /// There is no thread to be had.
    #[error("a thread for the storage: {0}")]
    Thread(#[from] io::Error),
}

impl Lasting {
    /// Opens the book: where it was left, or a new one.
    pub fn start(settings: Settings) -> Result<Self, Error> {
        let Settings { dir, boot, clock } = settings;
        let storage = dir.map(|dir| Storage::open(&dir, &boot)).transpose()?;
        let saved = storage.as_ref().and_then(Storage::load);
        let book = saved.unwrap_or_else(|| Book::new(seconds(clock())));
        let writer = storage.is_some().then(Arc::<Writer>::default);
        let desk = Mutex::new(Desk { book, next: 0 });
        let shared = Arc::new(Shared { desk, writer: writer.clone(), clock });
        if let Some((writer, storage)) = writer.zip(storage) {
            // The thread ends with the last of the others who look at the book.
            let shared = Arc::clone(&shared);
            writer.start(storage, move |boot| {
                let Desk { book, .. } = &*shared.lock();
                (book.changes, state::encode(book, boot))
            })?;
        }
        Ok(Self(Some(Arc::new(Hold(shared)))))
    }

    /// Whether there is a book at all.
    pub fn kept(&self) -> bool {
        self.0.is_some()
    }

    /// Takes note of what Docker or the agent told.
    pub fn told(&self, told: Told<'_>) {
        let Some(Hold(shared)) = self.0.as_deref() else { return };
        let now = seconds((shared.clock)());
        let changes = {
            let mut desk = shared.lock();
            desk.book.told(told, now);
            desk.book.changes
        };
        shared.changed(changes);
    }

    /// Takes note of what ended.
    pub fn take(&self, endings: &Endings) {
        let Some(Hold(shared)) = self.0.as_deref() else { return };
        let now = seconds((shared.clock)());
        let changes = {
            let mut desk = shared.lock();
            desk.take(endings, now);
            desk.book.changes
        };
        shared.changed(changes);
    }

    /// For a scrape: takes note of what ended, then of what `read` does, then waits for the file and
    /// lets `write` tell. `None` where there is no book.
    pub fn scrape(
        &self,
        endings: Option<&Endings>,
        now: SystemTime,
        read: impl FnOnce(&mut Book, f64),
        write: impl FnOnce(&Book),
    ) -> Option<()> {
        let Hold(shared) = self.0.as_deref()?;
        let now = seconds(now);
        let changes = {
            let mut desk = shared.lock();
            if let Some(endings) = endings {
                desk.take(endings, now);
            }
            read(&mut desk.book, now);
            desk.book.changes += 1;
            desk.book.changes
        };
        if let Some(writer) = &shared.writer {
            writer.flush(changes, PATIENCE);
        }
        write(&shared.lock().book);
        Some(())
    }

    /// How the file is. `None` where there is none.
    pub fn storage(&self) -> Option<StorageHealth> {
        let Hold(shared) = self.0.as_deref()?;
        shared.writer.as_ref().map(|writer| writer.health())
    }

    /// Saves the book, for the program is about to end. Waits no longer than that.
    pub fn save(&self, patience: Duration) {
        let Some(Hold(shared)) = self.0.as_deref() else { return };
        if let Some(writer) = &shared.writer {
            let changes = {
                let book = &mut shared.lock().book;
                book.changes += 1;
                book.changes
            };
            writer.settle();
            writer.flush(changes, patience);
        }
    }
}

impl Desk {
    fn take(&mut self, endings: &Endings, now: f64) {
        let Some(news) = endings.with_ledger(|ledger| ledger.since(self.next)) else { return };
        self.next = news.next;
        for ended in news.ended {
            self.book.ended(&ended, now);
        }
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, Desk> {
        self.desk.lock().unwrap_or_else(PoisonError::into_inner)
    }

    fn changed(&self, changes: u64) {
        if let Some(writer) = &self.writer {
            writer.changed(changes);
        }
    }
}
