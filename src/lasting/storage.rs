//! The file in which the book outlives the program: read once, and written by a thread of its own, so
//! that a disk that hangs holds up nobody.

use std::fs::{self, File};
use std::io::{self, Read, Write};
use std::path::{Path, PathBuf};
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::book::Book;
use super::state::{self, Broken};

const NAME: &str = "lasting.state";

/// How long after something happened the file is written, if nobody asks for it sooner.
const LULL: Duration = Duration::from_secs(5);

/// How often the file is made to outlive a loss of power too. Otherwise it outlives the exporter, and
/// after a loss of power there may be none: then counters begin at zero, which harms nobody.
const SYNCED: Duration = Duration::from_secs(60);

/// That there is no storage to be had.
#[derive(Debug, thiserror::Error)]
#[error("--storage.path: {path}: {source}", path = path.display())]
pub struct Unusable {
    path: PathBuf,
    source: io::Error,
}

/// How the file is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Health {
    /// How often it could not be written.
    pub failures: u64,
    /// When it was last written. `None` if it never was.
    pub written: Option<SystemTime>,
}

/// A directory for the file.
#[derive(Debug)]
pub(super) struct Storage {
    dir: PathBuf,
    boot: Box<str>,
}

impl Storage {
    /// Makes sure that the directory can be written to.
    pub(super) fn open(dir: &Path, boot: &str) -> Result<Self, Unusable> {
        let new = Self { dir: dir.into(), boot: boot.into() };
        let tried = new.dir.join(format!("{NAME}.try"));
        let done = File::create(&tried).and_then(|_| fs::remove_file(&tried));
        done.map_err(|source| Unusable { path: dir.into(), source })?;
        Ok(new)
    }

    /// What the file has. `None` where there is none, or none that is understood: that one is put
    /// aside.
    pub(super) fn load(&self) -> Option<Book> {
        let path = self.dir.join(NAME);
        let why: Box<dyn std::fmt::Display> = match read(&path) {
            Ok(text) => match state::decode(&text, &self.boot) {
                Ok(book) => {
                    tracing::info!(path = %path.display(), "counters go on where they were");
                    return Some(book);
                }
                Err(broken) => Box::new(broken),
            },
            Err(error) if error.kind() == io::ErrorKind::NotFound => {
                tracing::info!(path = %path.display(), "no state yet: counters begin at zero");
                return None;
            }
            Err(error) => Box::new(error),
        };
        let aside = self.dir.join(format!("{NAME}.broken"));
        let kept = fs::rename(&path, &aside).is_ok();
        tracing::warn!(
            path = %path.display(),
            kept_as = kept.then(|| aside.display().to_string()),
            "counters begin at zero, for the state cannot be used: {why}"
        );
        None
    }

    fn save(&self, text: &[u8], sync: bool) -> io::Result<()> {
        let (new, path) = (self.dir.join(format!("{NAME}.new")), self.dir.join(NAME));
        let mut file = File::create(&new)?;
        file.write_all(text)?;
        if sync {
            file.sync_all()?;
        }
        drop(file);
        fs::rename(&new, &path)?;
        if sync {
            // The new name, too.
            File::open(&self.dir)?.sync_all()?;
        }
        Ok(())
    }
}

fn read(path: &Path) -> io::Result<Vec<u8>> {
    let mut text = Vec::new();
    File::open(path)?
        .take(state::LONGEST + 1)
        .read_to_end(&mut text)?;
    if text.len() as u64 > state::LONGEST {
        return Err(io::Error::other(Broken::Foreign));
    }
    Ok(text)
}

/// The thread that writes, as the rest sees it.
#[derive(Debug, Default)]
pub(super) struct Writer {
    progress: Mutex<Progress>,
    moved: Condvar,
}

#[derive(Debug, Default)]
struct Progress {
    /// What is to be in the file: a count of changes.
    asked: u64,
    /// What is.
    done: u64,
    /// Somebody waits.
    urgent: bool,
    ends: bool,
    /// When it was last made to outlive a loss of power. `None` if that is due.
    synced: Option<Instant>,
    health: Health,
}

impl Writer {
    /// Starts the thread. `encode` gives the text, and which changes are in it.
    pub(super) fn start(
        self: &Arc<Self>,
        storage: Storage,
        encode: impl Fn(&str) -> (u64, Vec<u8>) + Send + 'static,
    ) -> io::Result<()> {
        let writer = Arc::clone(self);
        let run = move || {
            while let Some(sync) = writer.wait() {
                let (changes, text) = encode(&storage.boot);
                writer.wrote(changes, storage.save(&text, sync));
            }
        };
        std::thread::Builder::new()
            .name("storage".into())
            .spawn(run)
            .map(drop)
    }

    /// There are so many changes.
    pub(super) fn changed(&self, changes: u64) {
        let mut progress = self.lock();
        if changes > progress.asked {
            progress.asked = changes;
            drop(progress);
            self.moved.notify_all();
        }
    }

    /// Waits until so many changes are in the file, or could not be written, and no longer than that.
    pub(super) fn flush(&self, changes: u64, patience: Duration) {
        let mut progress = self.lock();
        if progress.done >= changes {
            return;
        }
        progress.asked = progress.asked.max(changes);
        progress.urgent = true;
        self.moved.notify_all();
        let waits = |progress: &mut Progress| progress.done < changes;
        let _late = self.moved.wait_timeout_while(progress, patience, waits);
    }

    /// What is written next is to outlive a loss of power.
    pub(super) fn settle(&self) {
        self.lock().synced = None;
    }

    pub(super) fn health(&self) -> Health {
        self.lock().health
    }

    pub(super) fn end(&self) {
        self.lock().ends = true;
        self.moved.notify_all();
    }

    fn lock(&self) -> MutexGuard<'_, Progress> {
        self.progress.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Waits until it is time to write. Says whether that is to outlive a loss of power; `None` when
    /// there is no more to do.
    fn wait(&self) -> Option<bool> {
        let idle = |progress: &mut Progress| progress.asked <= progress.done && !progress.ends;
        let progress = self.moved.wait_while(self.lock(), idle);
        let progress = progress.unwrap_or_else(PoisonError::into_inner);
        // What happens seldom happens alone.
        let lull = |progress: &mut Progress| !progress.urgent && !progress.ends;
        let waited = self.moved.wait_timeout_while(progress, LULL, lull);
        let (mut progress, _) = waited.unwrap_or_else(PoisonError::into_inner);
        progress.urgent = false;
        let due = progress.synced.is_none_or(|last| last.elapsed() >= SYNCED) || progress.ends;
        if due {
            progress.synced = Some(Instant::now());
        }
        (progress.asked > progress.done).then_some(due)
    }

    fn wrote(&self, changes: u64, outcome: io::Result<()>) {
        let mut progress = self.lock();
        // What failed is tried again with the next change, and nobody waits for it until then.
        progress.done = progress.done.max(changes);
        let failed = progress.health.failures;
        match outcome {
            Ok(()) => progress.health.written = Some(SystemTime::now()),
            Err(error) => {
                progress.health.failures += 1;
                if failed == 0 {
                    tracing::error!(%error, "the state cannot be saved");
                }
            }
        }
        drop(progress);
        self.moved.notify_all();
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Scratch;
    use crate::lasting::tests::busy;

    fn names(dir: &Path) -> Vec<String> {
        let entries = fs::read_dir(dir).unwrap();
        let name = |entry: io::Result<fs::DirEntry>| entry.unwrap().file_name();
        let mut names: Vec<_> = entries
            .map(|entry| name(entry).into_string().unwrap())
            .collect();
        names.sort();
        names
    }

    #[test]
    fn a_directory_that_cannot_be_written_to_is_an_error() {
        let error = Storage::open(Path::new("/proc/nowhere"), "boot").unwrap_err();
        let expected = "--storage.path: /proc/nowhere: No such file or directory (os error 2)";
        assert_eq!(error.to_string(), expected);
    }

    #[test]
    fn is_read_as_it_was_saved_and_put_aside_when_it_is_broken() {
        let dir = Scratch::new();
        let storage = Storage::open(&dir, "boot").unwrap();
        assert_eq!(storage.load(), None);
        let text = state::encode(&busy(), "boot");
        storage.save(&text, true).unwrap();
        assert_eq!(names(&dir), [NAME]);
        assert_eq!(state::encode(&storage.load().unwrap(), "boot"), text);
        for broken in [&text[..text.len() / 2], b"", b"something else"] {
            dir.write(NAME, broken);
            assert_eq!(storage.load(), None);
            assert_eq!(names(&dir), ["lasting.state.broken"]);
            let aside = fs::metadata(dir.join("lasting.state.broken")).unwrap();
            assert_eq!(aside.len(), broken.len() as u64);
        }
        assert_eq!(storage.load(), None, "and then there is none");
    }

    #[test]
    fn what_is_flushed_is_in_the_file() {
        let dir = Scratch::new();
        let storage = Storage::open(&dir, "boot").unwrap();
        let writer = Arc::new(Writer::default());
        let encode = |boot: &str| (7, state::encode(&busy(), boot));
        writer.start(storage, encode).unwrap();
        writer.changed(7);
        writer.flush(7, Duration::from_secs(60));
        let saved = Storage::open(&dir, "boot").unwrap().load().unwrap();
        assert_eq!(state::encode(&saved, "boot"), state::encode(&busy(), "boot"));
        assert_eq!(writer.health().failures, 0);
        assert!(writer.health().written.is_some());
        writer.end();
    }

    #[test]
    fn a_failure_is_counted_and_holds_up_nobody() {
        let dir = Scratch::new();
        let storage = Storage::open(&dir, "boot").unwrap();
        fs::create_dir(dir.join("lasting.state.new")).unwrap();
        let writer = Arc::new(Writer::default());
        writer
            .start(storage, |boot| (1, state::encode(&busy(), boot)))
            .unwrap();
        writer.flush(1, Duration::from_secs(60));
        assert_eq!(writer.health(), Health { failures: 1, written: None });
        writer.end();
    }
}
