//! What the tests of collectors over a fixture share.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "for tests")]

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use clap::{Args, FromArgMatches};

use crate::collector::{Collector, Failures, Host, Shared};
use crate::exposition::Text;
pub(crate) use crate::files::Scratch;
use crate::files::{Error, Files, Result, Roots};
use crate::system::System;

/// The fixture of a host with one of everything.
pub(crate) fn fixture() -> PathBuf {
    Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/node-hardware")
}

/// The roots of a host below one directory.
pub(crate) fn roots(dir: &Path) -> Roots {
    Roots {
        proc: dir.join("proc"),
        sys: dir.join("sys"),
        rootfs: dir.join("rootfs"),
        udev: dir.join("udev"),
    }
}

/// A host that a scrape has just begun to look at.
pub(crate) fn host() -> Host {
    Host {
        containers: None,
        inventory: Arc::default(),
        lasting: crate::lasting::Lasting::default(),
        discovery: Arc::default(),
        files: Files::default(),
        shared: Shared::default(),
        system: System::LIVE,
        now: std::time::UNIX_EPOCH + Duration::from_secs(1_800_000_000),
        failures: Failures::default(),
    }
}

/// A collector with these flags.
pub(crate) fn start<C: Collector>(args: &[&str], roots: &Roots) -> Result<C> {
    let command = C::Flags::augment_args(clap::Command::new("test").no_binary_name(true));
    let matches = command.get_matches_from(args);
    C::new(C::Flags::from_arg_matches(&matches).unwrap(), roots)
}

/// What a collector writes of a host, but for the help. It must say the same in the next scrape, from
/// what it kept, and in one that is an hour later.
pub(crate) fn written<C: Collector>(args: &[&str], roots: &Roots) -> Result<String> {
    let mut collector = start::<C>(args, roots)?;
    let mut host = host();
    let mut collect = |later: u64| {
        host.now += Duration::from_secs(later);
        let mut text = Text::default();
        collector.collect(&mut host, &mut text)?;
        assert_eq!(host.failures.first, None);
        let text = String::from_utf8(text.to_vec()).unwrap();
        let told = text.lines().filter(|line| !line.starts_with("# HELP"));
        Ok::<_, Error>(told.map(|line| format!("{line}\n")).collect::<String>())
    };
    let first = collect(0)?;
    assert_eq!(collect(15)?, first, "in the next scrape");
    assert_eq!(collect(3600)?, first, "an hour later");
    Ok(first)
}

/// Compares what a collector writes of the fixture with `expected/<name>.txt`. `UPDATE=1` writes that
/// anew; what changed is then read in review.
pub(crate) fn expect<C: Collector>(args: &[&str], name: &str) {
    let found = written::<C>(args, &roots(&fixture())).unwrap();
    let path = fixture().join(format!("expected/{name}.txt"));
    if std::env::var_os("UPDATE").is_some() {
        fs::create_dir_all(path.parent().unwrap()).unwrap();
        fs::write(&path, &found).unwrap();
    }
    assert_eq!(found, fs::read_to_string(&path).unwrap_or_default(), "{name}");
}

/// Asserts that a collector finds nothing to measure on a host that has nothing, and that it does not
/// look again in the next scrape.
pub(crate) fn expect_absent<C: Collector>(args: &[&str]) {
    let dir = Scratch::new();
    let absent = written::<C>(args, &roots(&dir.0)).unwrap_err();
    assert!(matches!(absent, Error::Absent(_)), "{absent}");
}

/// Asserts that a collector writes nothing of a host that has nothing, and succeeds.
pub(crate) fn expect_nothing<C: Collector>(args: &[&str]) {
    let dir = Scratch::new();
    assert_eq!(written::<C>(args, &roots(&dir.0)).unwrap(), "");
}

impl Scratch {
    /// What a collector writes of the host that is made up in it, but for the help.
    pub(crate) fn written<C: Collector>(&self, args: &[&str]) -> Result<String> {
        written::<C>(args, &roots(&self.0))
    }
}
