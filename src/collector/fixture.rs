//! What a collector says of a host in `fixtures/`, for the tests beneath the collectors.

use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use clap::{Command, FromArgMatches};

use super::{Collector, Failures, Host, Shared, flags};
use crate::exposition::Text;
use crate::files::{Files, Result, Roots};
use crate::system::System;

/// A collector of a fixture host, scraped again and again.
pub(crate) struct Scraped<C> {
    collector: C,
    host: Host,
    text: Text,
}

impl<C: Collector> Scraped<C> {
    /// Made ready with these flags, of the host under `root`.
    pub(crate) fn new(root: &Path, args: &[&str]) -> Result<Self> {
        let roots = Roots {
            proc: root.join("proc"),
            sys: root.join("sys"),
            rootfs: root.join("rootfs"),
            udev: root.join("udev"),
        };
        let command = Command::new("fixture").no_binary_name(true);
        let matches = flags::augment::<C::Flags>(command).get_matches_from(args);
        Ok(Self {
            collector: C::new(C::Flags::from_arg_matches(&matches).unwrap(), &roots)?,
            host: Host {
                containers: None,
                inventory: Arc::default(),
                lasting: crate::lasting::Lasting::default(),
                discovery: Arc::default(),
                files: Files::default(),
                shared: Shared::default(),
                system: System::LIVE,
                now: SystemTime::UNIX_EPOCH,
                failures: Failures::default(),
            },
            text: Text::default(),
        })
    }

    /// The next scrape, so much later than the one before: samples and types, not the help.
    pub(crate) fn after(&mut self, time: Duration) -> Result<String> {
        self.host.now += time;
        self.host.shared.forget();
        self.text.clear();
        self.collector.collect(&mut self.host, &mut self.text)?;
        let text = String::from_utf8(self.text.to_vec()).unwrap();
        let lines = text.lines().filter(|line| !line.starts_with("# HELP "));
        Ok(lines.flat_map(|line| [line, "\n"]).collect())
    }
}

/// What a first scrape of `fixtures/<host>` says.
pub(crate) fn exposed<C: Collector>(host: &str, flags: &[&str]) -> String {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures")
        .join(host);
    Scraped::<C>::new(&root, flags)
        .unwrap()
        .after(Duration::ZERO)
        .unwrap()
}
