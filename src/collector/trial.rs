//! Tries a collector out on a made-up host.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::{Command, FromArgMatches};

use super::{Collector, Failures, Host, Shared, flags};
use crate::cgroup::{Hierarchies, Kind, Tree};
use crate::container::{About, Containers, Names};
use crate::exposition::{LabelBlock, Text};
use crate::files::{Files, Result, Roots, Scratch};
use crate::system::{System, Uname};

/// A collector, and the host it is tried on: files below a directory of its own.
pub(crate) struct Trial<C> {
    dir: Scratch,
    roots: Roots,
    /// The collector.
    pub(crate) collector: C,
    /// The host.
    pub(crate) host: Host,
}

/// The clock of the made-up host stands at 2024-02-29 12:00:00.25 UTC.
const NOW: Duration = Duration::from_millis(1_709_208_000_250);

const SYSTEM: System = System {
    now: || SystemTime::UNIX_EPOCH + NOW,
    uname: || {
        Ok(Uname {
            sysname: "Linux".into(),
            nodename: "ip-10-0-0-1".into(),
            release: "6.1.79-99.167.amzn2023.x86_64".into(),
            version: "#1 SMP".into(),
            machine: "x86_64".into(),
            domainname: "(none)".into(),
        })
    },
    statfs: |_| Err(io::Error::other("not made up")),
    ..System::MUTE
};

impl<C: Collector> Trial<C> {
    /// With these flags, over these files.
    pub(crate) fn new(args: &[&str], tree: &[(&str, &str)]) -> Self {
        let dir = Scratch::new();
        let roots = roots(&dir);
        let command = Command::new("trial").no_binary_name(true);
        let matches = flags::augment::<C::Flags>(command).get_matches_from(args);
        let flags = C::Flags::from_arg_matches(&matches).unwrap();
        let host = Host {
            inventory: Arc::default(),
            lasting: crate::lasting::Lasting::default(),
            discovery: Arc::default(),
            containers: None,
            files: Files::default(),
            shared: Shared::default(),
            system: SYSTEM,
            now: (SYSTEM.now)(),
            failures: Failures::default(),
        };
        let collector = C::new(flags, &roots).unwrap();
        let trial = Self { dir, roots, collector, host };
        for (path, text) in tree {
            trial.write(path, text.as_bytes());
        }
        trial
    }

    /// With rows for all its control groups, each with its path as the label `id`.
    pub(crate) fn contained(mut self) -> Self {
        let home = Hierarchies::find(&self.roots, &mut self.host.files).unwrap();
        let tree = Tree::new(Arc::new(home));
        self.host.containers = Some(Containers::new(tree, |_| true, 0));
        self
    }

    /// Where a path of the host is.
    pub(crate) fn path(&self, path: &str) -> PathBuf {
        self.dir.join(path)
    }

    /// Writes a file of the host.
    pub(crate) fn write(&self, path: &str, text: &[u8]) {
        self.dir.write(path, text);
    }

    /// Where the host's trees are.
    pub(crate) fn roots(&self) -> Roots {
        roots(&self.dir)
    }

    /// Takes a file of the host away.
    pub(crate) fn remove(&self, path: &str) {
        std::fs::remove_file(self.dir.join(path)).unwrap();
    }

    /// Takes an empty directory of the host away.
    pub(crate) fn remove_dir(&self, path: &str) {
        std::fs::remove_dir(self.dir.join(path)).unwrap();
    }

    /// A symbolic link on the host.
    pub(crate) fn link(&self, path: &str, target: &str) {
        let path = self.dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::os::unix::fs::symlink(target, path).unwrap();
    }

    /// What one more scrape says, but for the headers.
    pub(crate) fn collect(&mut self) -> Result<String> {
        let mut text = Text::default();
        self.host.shared.forget();
        let Host { containers, files, now, .. } = &mut self.host;
        if let Some(containers) = containers {
            containers.refresh(&Paths, false, *now, files);
        }
        self.collector.collect(&mut self.host, &mut text)?;
        let text = String::from_utf8(text.to_vec()).unwrap();
        let samples = text.lines().filter(|line| !line.starts_with('#'));
        Ok(samples.map(|line| format!("{line}\n")).collect())
    }

    /// What the error of one more scrape says, without the made-up host's directory.
    pub(crate) fn complaint(&mut self) -> String {
        let error = self.collect().unwrap_err().to_string();
        error.replace(&*self.dir.to_string_lossy(), "")
    }
}

/// Names groups by their paths.
struct Paths;

impl Names for Paths {
    fn describe(&self, path: &str, _: Kind<'_>) -> (LabelBlock, About) {
        (LabelBlock::new([("id", path)]), About::default())
    }
}

fn roots(dir: &Path) -> Roots {
    Roots {
        proc: dir.join("proc"),
        sys: dir.join("sys"),
        rootfs: dir.into(),
        udev: dir.join("run/udev/data"),
    }
}
