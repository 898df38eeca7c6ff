//! The words of a command line, one after the other.
//!
//! `@file` stands for the lines of a file, each of them a word; `--` comes before words that are no
//! flags, whatever they begin with.

use std::collections::VecDeque;
use std::ffi::{OsStr, OsString};
use std::io;
use std::os::unix::ffi::{OsStrExt, OsStringExt};
use std::path::Path;

use super::Refused;

/// Reads an argument file.
pub(super) type ReadFile<'a> = &'a dyn Fn(&Path) -> io::Result<Vec<u8>>;

/// A word, by what it begins with.
pub(super) enum Word {
    /// `--flag`, `--flag=value`.
    Long(Flag),
    /// `-h`.
    Short(char),
    /// `-` alone.
    Dash,
    /// Anything else.
    Plain(OsString),
}

/// A flag as it is written.
pub(super) struct Flag {
    /// Its name, without the dashes.
    pub(super) name: String,
    /// What follows `=`.
    pub(super) value: Option<OsString>,
}

/// The words that are left.
pub(super) struct Line<'a> {
    queue: VecDeque<OsString>,
    /// Whether there was a `--`.
    plain: bool,
    /// How many files were put in the place of their names.
    files: usize,
    file: ReadFile<'a>,
}

impl<'a> Line<'a> {
    pub(super) fn new(words: Vec<OsString>, file: ReadFile<'a>) -> Self {
        Self { queue: words.into(), plain: false, files: 0, file }
    }

    /// The next word; `None` after the last.
    pub(super) fn next(&mut self) -> Result<Option<Word>, Refused> {
        self.unfold()?;
        let Some(word) = self.queue.pop_front() else { return Ok(None) };
        if self.plain {
            return Ok(Some(Word::Plain(word)));
        }
        let bytes = word.as_bytes();
        if let Some(flag) = bytes.strip_prefix(b"--") {
            let mut parts = flag.splitn(2, |&b| b == b'=');
            let name = String::from_utf8_lossy(parts.next().unwrap_or_default()).into_owned();
            let value = parts.next().map(|value| OsString::from_vec(value.into()));
            return Ok(Some(Word::Long(Flag { name, value })));
        }
        let Some(letters) = bytes.strip_prefix(b"-") else { return Ok(Some(Word::Plain(word))) };
        let letters = String::from_utf8_lossy(letters).into_owned();
        let mut letters = letters.chars();
        let Some(letter) = letters.next() else { return Ok(Some(Word::Dash)) };
        if !letters.as_str().is_empty() {
            self.queue
                .push_front(format!("-{}", letters.as_str()).into());
        }
        Ok(Some(Word::Short(letter)))
    }

    /// The next word as the value of a flag; `None` if it is one itself.
    pub(super) fn value(&mut self) -> Result<Option<OsString>, Refused> {
        self.unfold()?;
        let dash = |word: &OsString| word.as_bytes().starts_with(b"-");
        if !self.plain && self.queue.front().is_none_or(dash) {
            return Ok(None);
        }
        Ok(self.queue.pop_front())
    }

    /// Puts the lines of files in the place of their names, and drops a `--`.
    fn unfold(&mut self) -> Result<(), Refused> {
        /// Enough for all but files that name each other.
        const FILES: usize = 100;
        while let Some(word) = self.queue.front().filter(|_| !self.plain) {
            let word = word.as_bytes();
            if word == b"--" {
                self.plain = true;
                self.queue.pop_front();
                return Ok(());
            }
            let Some(path) = word.strip_prefix(b"@") else { return Ok(()) };
            let path = Path::new(OsStr::from_bytes(path)).to_owned();
            self.files += 1;
            if self.files > FILES {
                return Err(Refused::Files(path));
            }
            let text = (self.file)(&path);
            let text = text.map_err(|source| Refused::File { path, reason: source.to_string() })?;
            self.queue.pop_front();
            for line in arguments(&text).rev() {
                self.queue.push_front(line);
            }
        }
        Ok(())
    }
}

/// The lines of an argument file, without those that are empty or begin with `#`.
fn arguments(text: &[u8]) -> impl DoubleEndedIterator<Item = OsString> {
    text.split(|&b| b == b'\n')
        .map(|line| line.strip_suffix(b"\r").unwrap_or(line))
        .filter(|line| !line.is_empty() && !line.starts_with(b"#"))
        .map(|line| OsString::from_vec(line.into()))
}
