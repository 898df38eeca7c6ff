//! Files that many groups have, each its own.

use std::fs::File;
use std::io;
use std::path::{Path, PathBuf};

use super::{Error, Files, Result, read_whole, refused};
use crate::kernel::Malformed;

/// What is known of a file that many groups have, each its own: see [`Files::load_slot`].
#[derive(Debug, Default)]
pub enum Slot {
    /// Not looked at yet, or not kept open.
    #[default]
    Closed,
    /// Open.
    Open(File),
    /// Not there when last looked at.
    Absent,
}

impl Files {
    /// Reads and parses one of the many files of a control group. `path` writes the path into a
    /// buffer, and is asked only where the file is not open. The file stays open if `keep`.
    /// Absence is remembered: `None` costs nothing the next time, until the slot is made new.
    pub fn load_slot<'f, T>(
        &'f mut self,
        slot: &mut Slot,
        keep: bool,
        path: impl Fn(&mut PathBuf),
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        let outcome = match slot {
            Slot::Absent => return Ok(None),
            Slot::Open(file) => read_whole(file, &mut self.buffer),
            Slot::Closed => {
                path(&mut self.path);
                File::open(&self.path).and_then(|file| {
                    let length = read_whole(&file, &mut self.buffer)?;
                    if keep {
                        *slot = Slot::Open(file);
                    }
                    Ok(length)
                })
            }
        };
        self.judge(slot, outcome, path, parse)
    }

    /// As [`load_slot`](Self::load_slot), of a file that somebody else keeps open.
    pub fn load_open<'f, T>(
        &'f mut self,
        file: &File,
        slot: &mut Slot,
        path: impl Fn(&mut PathBuf),
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        if matches!(slot, Slot::Absent) {
            return Ok(None);
        }
        let outcome = read_whole(file, &mut self.buffer);
        self.judge(slot, outcome, path, parse)
    }

    /// What came of reading one of the many files: so many bytes, or an error.
    fn judge<'f, T>(
        &'f mut self,
        slot: &mut Slot,
        outcome: io::Result<usize>,
        path: impl Fn(&mut PathBuf),
        parse: impl FnOnce(&'f [u8]) -> Result<T, Malformed>,
    ) -> Result<Option<T>> {
        let at = |buffer: &mut PathBuf| {
            path(buffer);
            buffer.clone()
        };
        match outcome {
            Ok(length) => {
                let (text, _) = self.buffer.split_at(length);
                let parsed = parse(text).map(Some);
                parsed.map_err(|source| Error::Parse { path: at(&mut self.path), source })
            }
            Err(source) => match refused(Path::new(""), source) {
                Error::Absent(_) => {
                    *slot = Slot::Absent;
                    Ok(None)
                }
                Error::Read { source, .. } => {
                    *slot = Slot::Closed;
                    Err(Error::Read { path: at(&mut self.path), source })
                }
                other @ (Error::Parse { .. } | Error::Config(_)) => Err(other),
            },
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::Scratch;

    /// The path of a test's file.
    fn file(dir: &Scratch) -> impl Fn(&mut PathBuf) {
        |buffer| buffer.clone_from(&dir.join("file"))
    }

    fn word(text: &[u8]) -> Result<String, Malformed> {
        Ok(String::from_utf8_lossy(text).into_owned())
    }

    fn load(slot: &mut Slot, keep: bool, dir: &Scratch) -> Option<String> {
        let mut files = Files::default();
        files.load_slot(slot, keep, file(dir), word).unwrap()
    }

    #[test]
    fn a_file_that_is_kept_is_read_from_its_start_each_time() {
        let dir = Scratch::new();
        let long = "long ".repeat(10_000);
        dir.write("file", &long);
        let (mut kept, mut other) = (Slot::default(), Slot::default());
        for _ in 0..2 {
            assert_eq!(load(&mut kept, true, &dir).as_ref(), Some(&long));
            assert_eq!(load(&mut other, false, &dir).as_ref(), Some(&long));
        }
        assert!(matches!((kept, other), (Slot::Open(_), Slot::Closed)));
    }

    #[test]
    fn absence_is_remembered() {
        let dir = Scratch::new();
        let mut slot = Slot::default();
        assert_eq!(load(&mut slot, true, &dir), None);
        dir.write("file", "there");
        assert_eq!(load(&mut slot, true, &dir), None);
        let open = File::open(dir.join("file")).unwrap();
        let mut files = Files::default();
        let mut by = |slot: &mut Slot| files.load_open(&open, slot, file(&dir), word).unwrap();
        assert_eq!((by(&mut slot), by(&mut Slot::Closed)), (None, Some("there".into())));
        assert_eq!(load(&mut Slot::Closed, true, &dir).as_deref(), Some("there"));
    }

    #[test]
    fn a_file_that_cannot_be_read_is_tried_again() {
        let (mut slot, mut files) = (Slot::default(), Files::default());
        let root = |buffer: &mut PathBuf| buffer.clone_from(&PathBuf::from("/"));
        for _ in 0..2 {
            let failed = files.load_slot(&mut slot, true, root, word).unwrap_err();
            assert!(matches!(failed, Error::Read { path, .. } if path == Path::new("/")));
            assert!(matches!(slot, Slot::Closed));
        }
        let failed = files.load_open(&File::open("/").unwrap(), &mut slot, root, word);
        assert!(matches!(failed, Err(Error::Read { path, .. }) if path == Path::new("/")));
    }
}
