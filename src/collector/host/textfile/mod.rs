//! Metrics that others left in files: `*.prom` in directories that a flag names.

mod block;
mod dir;
mod glob;
mod merge;
mod parse;
mod scan;

use std::hash::RandomState;
use std::path::PathBuf;

use clap::Args;

use self::dir::{Directory, MOST};
use self::merge::{Merged, Own};
use crate::collector::{Collector, Host};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Result, Roots};

static MODIFIED: Family<1> = gauge("node_textfile_mtime_seconds")
    .help("When a text file was last written, in seconds since 1970.")
    .labels(["file"]);

static ERROR: Family<0> = gauge("node_textfile_scrape_error")
    .help("Whether a text file or a family in it was left out.")
    .labels([]);

/// Where the files are.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Directory, or shell pattern of directories, of *.prom files whose metrics are added to the
    /// exporter's own; may be given more than once.
    #[arg(id = "collector.textfile.directory", long, value_name = "DIR")]
    directories: Vec<String>,
}

/// Collects what others left in files.
pub struct Textfile {
    patterns: Vec<String>,
    dirs: Vec<Directory>,
    own: Own,
    /// Makes the identities of series.
    hasher: RandomState,
    merged: Merged,
}

impl Collector for Textfile {
    const NAME: &'static str = "textfile";
    const ABOUT: &'static str = "Metrics that others left in text files.";
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [MODIFIED.descriptor(), ERROR.descriptor()].into_iter()
    }

    fn new(flags: Flags, _: &Roots) -> Result<Self> {
        let mut patterns = flags.directories;
        patterns.retain(|pattern| !pattern.is_empty());
        let mut textfile = Self {
            patterns,
            dirs: Vec::new(),
            own: Own::new(),
            hasher: RandomState::new(),
            merged: Merged::default(),
        };
        textfile.find();
        Ok(textfile)
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let mut changed = false;
        if self
            .patterns
            .iter()
            .any(|pattern| glob::is_pattern(pattern.as_bytes()))
        {
            changed = self.find();
        }
        let mut left = MOST;
        for dir in &mut self.dirs {
            changed |= dir.refresh(host.now, &self.hasher, &mut left);
        }
        if changed {
            let files = self.dirs.iter().flat_map(|dir| &dir.files);
            let blocks = files.flat_map(|file| file.blocks.iter().map(|b| (file.path.as_str(), b)));
            self.merged = Merged::new(blocks, &self.own);
        }
        for error in self.dirs.iter().filter_map(|dir| dir.error.as_ref()) {
            host.failures.note(error);
        }
        self.write(text);
        Ok(())
    }
}

impl Textfile {
    /// Finds the directories, and says whether they are others than before.
    fn find(&mut self) -> bool {
        let mut paths = Vec::<PathBuf>::new();
        for path in self
            .patterns
            .iter()
            .flat_map(|pattern| glob::expand(pattern))
        {
            if !paths.contains(&path) {
                paths.push(path);
            }
        }
        if self.dirs.iter().map(|dir| &dir.path).eq(&paths) {
            return false;
        }
        let mut old = std::mem::take(&mut self.dirs);
        self.dirs.extend(paths.into_iter().map(|path| {
            match old.iter().position(|dir| dir.path == path) {
                Some(place) => old.swap_remove(place),
                None => Directory::new(path),
            }
        }));
        true
    }

    fn write(&self, text: &mut Text) {
        let files = || self.dirs.iter().flat_map(|dir| &dir.files);
        let mut modified = text.family(&MODIFIED);
        for file in files() {
            if let Some(seconds) = file.modified {
                modified.sample(file.path.as_str(), seconds as f64);
            }
        }
        let wrong = self.merged.lacks
            || self.dirs.iter().any(|dir| dir.error.is_some())
            || files().any(|file| file.modified.is_none());
        text.family(&ERROR).sample((), wrong);
        self.merged.write(text);
    }
}

#[cfg(test)]
mod tests;
