//! The targets as a file, for `file_sd_configs`.

use std::ffi::OsString;
use std::fs::{self, File};
use std::io::{self, Write};
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use super::{Discovery, Found};
use crate::inventory::Handle;

/// How long sources may take before the first file is written without them.
const SETTLING: Duration = Duration::from_secs(30);

/// One that could not be written is tried again after this time.
const AGAIN: Duration = Duration::from_secs(60);

/// Writes the targets to a file, anew whenever they change. Never ends.
pub async fn keep(path: PathBuf, discovery: Arc<Discovery>, inventory: Handle) {
    inventory.settled(SETTLING).await;
    let mut latest = inventory.subscribe();
    let mut written = None;
    let mut failed = false;
    loop {
        let found = discovery.of(&latest.borrow_and_update().clone());
        // One that is incomplete would take targets away that are still there.
        if inventory.complete() && written != Some(found.tag) {
            let tag = found.tag;
            match write(path.clone(), found).await {
                Ok(()) => {
                    written = Some(tag);
                    failed = false;
                }
                Err(error) => {
                    if !failed {
                        tracing::error!(path = %path.display(), %error, "targets are not written");
                    }
                    failed = true;
                }
            }
        }
        tokio::select! {
            changed = latest.changed() => if changed.is_err() { return },
            () = tokio::time::sleep(AGAIN), if written.is_none() || failed => {}
        }
    }
}

/// Off the runtime's thread: a disk may take its time.
async fn write(path: PathBuf, found: Arc<Found>) -> io::Result<()> {
    let done = tokio::task::spawn_blocking(move || replace(&path, &found.json)).await;
    done.unwrap_or_else(|panicked| Err(io::Error::other(panicked)))
}

/// Whoever reads the file finds the old text or the new one, whole.
fn replace(path: &Path, text: &[u8]) -> io::Result<()> {
    let beside = beside(path)?;
    let result = File::create(&beside)
        .and_then(|mut file| file.write_all(text).and_then(|()| file.sync_all()))
        .and_then(|()| fs::rename(&beside, path));
    if result.is_err() {
        let _never_made = fs::remove_file(&beside);
    }
    result
}

/// A name in the same directory that no pattern such as `*.json` matches.
fn beside(path: &Path) -> io::Result<PathBuf> {
    let name = path.file_name().ok_or(io::ErrorKind::InvalidInput)?;
    let mut hidden = OsString::from(".");
    hidden.push(name);
    hidden.push(".new");
    Ok(path.with_file_name(hidden))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Scratch;

    #[test]
    fn a_file_is_replaced_whole_or_not_at_all() {
        let dir = Scratch::new();
        let path = dir.join("targets.json");
        let names = || {
            let mut names: Vec<_> = fs::read_dir(&dir.0)
                .unwrap()
                .map(|e| e.unwrap().file_name())
                .collect();
            names.sort();
            names
        };
        for text in ["[]", "[1]"] {
            replace(&path, text.as_bytes()).unwrap();
            assert_eq!((fs::metadata(&path).unwrap().len(), names().len()), (text.len() as u64, 1));
        }
        dir.write("taken/x", "");
        assert!(replace(&dir.join("taken"), b"[]").is_err());
        assert_eq!(names(), ["taken", "targets.json"]);
        assert!(replace(Path::new("/"), b"[]").is_err());
    }
}
