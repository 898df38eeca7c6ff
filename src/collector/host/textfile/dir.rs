//! The files of a directory, read again only when they changed.

use std::fs::{Metadata, metadata, read_dir};
use std::hash::RandomState;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::block::Block;
use super::parse::parse;
use crate::files::{Error, Files, Result};

/// No file is as long.
const LONGEST: u64 = 16 * 1024 * 1024;
/// No directory has as many files.
pub(super) const MOST: usize = 1000;

/// A directory of `*.prom` files.
pub(super) struct Directory {
    pub(super) path: PathBuf,
    listed: Option<Stamp>,
    /// In the order of their names.
    pub(super) files: Vec<PromFile>,
    /// Why it cannot be listed.
    pub(super) error: Option<Error>,
}

/// One file.
pub(super) struct PromFile {
    /// Its path, as the label says it.
    pub(super) path: String,
    read: Option<Stamp>,
    /// Seconds since 1970 when it was written. `None` if it is of no use.
    pub(super) modified: Option<i64>,
    pub(super) blocks: Vec<Block>,
    /// What was last said of it in the log.
    error: Option<String>,
}

/// What shows that a file or directory is still as it was.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Stamp {
    modified: (i64, i64),
    length: u64,
    inode: u64,
}

impl Stamp {
    /// `None` for what was written this instant: it may be written again without a later time.
    fn new(found: &Metadata, now: SystemTime) -> Option<Self> {
        const INSTANT: Duration = Duration::from_secs(2);
        let modified = found.modified().ok()?;
        let age = now
            .duration_since(modified)
            .unwrap_or_else(|ahead| ahead.duration());
        (age >= INSTANT).then(|| Self {
            modified: (found.mtime(), found.mtime_nsec()),
            length: found.len(),
            inode: found.ino(),
        })
    }
}

impl Directory {
    pub(super) fn new(path: PathBuf) -> Self {
        Self { path, listed: None, files: Vec::new(), error: None }
    }

    /// Reads what changed, of as many files as are `left`, and says whether anything did.
    pub(super) fn refresh(
        &mut self,
        now: SystemTime,
        hasher: &RandomState,
        left: &mut usize,
    ) -> bool {
        let listed = self.list(now);
        let mut changed = match listed {
            Ok(changed) => changed,
            Err(_) => !std::mem::take(&mut self.files).is_empty(),
        };
        self.error = listed.err();
        if self.error.is_some() {
            self.listed = None;
        }
        for file in &mut self.files {
            let wanted = *left > 0;
            *left = left.saturating_sub(1);
            changed |= if wanted { file.refresh(now, hasher) } else { file.forget() };
        }
        changed
    }

    fn list(&mut self, now: SystemTime) -> Result<bool> {
        // Not absent but wrong: somebody said that it is there.
        let refused = |source| Error::Read { path: self.path.clone(), source };
        let stamp = Stamp::new(&metadata(&self.path).map_err(refused)?, now);
        if stamp.is_some() && stamp == self.listed {
            return Ok(false);
        }
        let mut paths = Vec::new();
        for entry in read_dir(&self.path).map_err(refused)? {
            let path = entry
                .map_err(refused)?
                .path()
                .to_string_lossy()
                .into_owned();
            // One more than is taken, to show that there are too many.
            if path.ends_with(".prom") && paths.len() <= MOST {
                paths.push(path);
            }
        }
        paths.sort_unstable();
        self.listed = stamp;
        if self.files.iter().map(|file| &file.path).eq(&paths) {
            return Ok(false);
        }
        let mut old = std::mem::take(&mut self.files);
        self.files.extend(paths.into_iter().map(|path| {
            match old.iter().position(|file| file.path == path) {
                Some(place) => old.swap_remove(place),
                None => PromFile::new(path),
            }
        }));
        Ok(true)
    }
}

impl PromFile {
    fn new(path: String) -> Self {
        Self { path, read: None, modified: None, blocks: Vec::new(), error: None }
    }

    /// Reads the file if it changed, and says whether it did.
    fn refresh(&mut self, now: SystemTime, hasher: &RandomState) -> bool {
        let path = Path::new(&self.path);
        let found = metadata(path);
        let stamp = found.as_ref().ok().and_then(|found| Stamp::new(found, now));
        if stamp.is_some() && stamp == self.read {
            return false;
        }
        let read = found
            .map_err(|source| Error::Read { path: path.into(), source })
            .and_then(|found| Ok((found.mtime(), blocks(path, &found, hasher)?)));
        self.forget();
        self.read = stamp;
        let error = match read {
            Ok((modified, blocks)) => {
                self.modified = Some(modified);
                self.blocks = blocks;
                None
            }
            Err(error) => Some(error.to_string()),
        };
        if error.is_some() && error != self.error {
            tracing::error!(error, "text file left out");
        }
        self.error = error;
        true
    }

    /// Forgets what was read, and says whether that was anything.
    fn forget(&mut self) -> bool {
        self.read = None;
        self.blocks.clear();
        self.modified.take().is_some()
    }
}

fn blocks(path: &Path, found: &Metadata, hasher: &RandomState) -> Result<Vec<Block>> {
    let wrong = |reason: &'static str| {
        let source = std::io::Error::other(reason);
        Err(Error::Read { path: path.into(), source })
    };
    if !found.is_file() {
        return wrong("a regular file expected");
    }
    if found.len() > LONGEST {
        return wrong("longer than 16 MiB");
    }
    // Not in the buffer that lives on: a file may be thousands of times as long as the kernel's.
    let families = Files::default().load(path, parse)?;
    Ok(families
        .into_iter()
        .map(|family| Block::new(family, hasher))
        .collect())
}
