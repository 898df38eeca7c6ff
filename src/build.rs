//! Tells the crate which sources and which compiler it is built from. A build without git says it
//! by the environment: `ECS_HOST_EXPORTER_REVISION`, `ECS_HOST_EXPORTER_BRANCH`.
#![expect(
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "not part of the exporter"
)]

use std::env;
use std::process::Command;

fn main() {
    let rustc = env::var("RUSTC").unwrap_or_else(|_| "rustc".into());
    let rustc = answer(&rustc, &["--version"]);
    let rustc = rustc.as_deref().and_then(|line| line.split(' ').nth(1));
    say("RUSTC", rustc.map(str::to_owned));
    say("REVISION", answer("git", &["rev-parse", "HEAD"]));
    say("BRANCH", answer("git", &["rev-parse", "--abbrev-ref", "HEAD"]));
    println!("cargo::rerun-if-changed=src/build.rs");
    // Written whenever another commit is checked out or made.
    if let Some(log) = answer("git", &["rev-parse", "--git-path", "logs/HEAD"]) {
        println!("cargo::rerun-if-changed={log}");
    }
}

/// Sets a variable of the crate: as it is set in the environment, else as found.
fn say(name: &str, found: Option<String>) {
    let name = format!("ECS_HOST_EXPORTER_{name}");
    println!("cargo::rerun-if-env-changed={name}");
    let value = env::var(&name)
        .ok()
        .or(found)
        .unwrap_or_else(|| "unknown".into());
    println!("cargo::rustc-env={name}={value}");
}

/// What a command prints, if there is such a command and it succeeds.
fn answer(command: &str, arguments: &[&str]) -> Option<String> {
    let output = Command::new(command).args(arguments).output().ok()?;
    let text = String::from_utf8(output.stdout).ok()?;
    (output.status.success() && !text.trim().is_empty()).then(|| text.trim().to_owned())
}
