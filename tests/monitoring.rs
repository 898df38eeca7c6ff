//! Dashboards and rules: they are what their makers say, and every query has data.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

use std::path::Path;
use std::process::{Command, Output};

#[test]
fn dashboards_are_what_their_script_makes() {
    passes(run("deploy/dashboards/make.py", &["--check"]));
}

#[test]
fn alerts_are_tested_and_have_runbooks() {
    if there("promtool") {
        passes(run("deploy/rules/check", &[]));
    }
}

/// Skips by itself what is not there.
#[test]
fn every_query_of_a_dashboard_has_data() {
    passes(run("tests/deploy/dashboards", &[]));
}

fn root() -> &'static Path {
    Path::new(env!("CARGO_MANIFEST_DIR"))
}

fn run(script: &str, arguments: &[&str]) -> Output {
    let exporter = env!("CARGO_BIN_EXE_ecs-host-exporter");
    let mut command = Command::new(root().join(script));
    command
        .args(arguments)
        .env("EXPORTER", exporter)
        .output()
        .unwrap()
}

fn passes(output: Output) {
    let said = String::from_utf8_lossy(&output.stdout);
    let complained = String::from_utf8_lossy(&output.stderr);
    eprintln!("{said}{complained}");
    assert!(output.status.success(), "{said}{complained}");
}

/// Whether a program is there. CI has it.
fn there(program: &str) -> bool {
    let there = Command::new(program).arg("--version").output().is_ok();
    assert!(there || std::env::var_os("CI").is_none(), "{program} is missing");
    there
}
