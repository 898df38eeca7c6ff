//! The whole exposition of each host under `fixtures/`. `UPDATE=1 cargo test --test golden` writes
//! `metrics.txt` anew; what changed is then read in review.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

mod common;

use std::collections::BTreeSet;
use std::fs;
use std::io::Write;
use std::process::{Command, Stdio};

use common::exposition;

/// What `promtool check metrics` finds: how the name begins, the complaint, and whose names they are.
const KNOWN: &[(&str, &str, &str)] = &[
    ("node_entropy_", "use base unit \"bytes\" instead of \"bits\"", "node_exporter"),
    (
        "node_power_supply_charge_counter ",
        "metric name should not include type 'counter'",
        "node_exporter",
    ),
    ("container_memory_failcnt ", "counter metrics should have \"_total\" suffix", "cAdvisor"),
    (
        "container_cpu_load_d_average_10s ",
        "metric names should not contain abbreviated units",
        "cAdvisor",
    ),
    (
        "container_fs_inodes_total ",
        "non-counter metrics should not have \"_total\" suffix",
        "cAdvisor",
    ),
    ("container_cpu_usage_total ", "non-counter metrics should not have \"_total\" suffix", "ADOT"),
    ("ecs_task_cpu_usage_total ", "non-counter metrics should not have \"_total\" suffix", "ADOT"),
    (
        "cadvisor_version_info ",
        "label names should be written in 'snake_case' not 'camelCase'",
        "cAdvisor",
    ),
    (
        "node_memory_",
        "metric names should be written in 'snake_case' not 'camelCase'",
        "node_exporter",
    ),
    (
        "node_netstat_",
        "metric names should be written in 'snake_case' not 'camelCase'",
        "node_exporter",
    ),
];

/// How long a collector took is the test machine's affair, and so is where the copy is.
fn stable(text: &[u8], copy: &common::Copy) -> String {
    let told = |line: &&str| !line.starts_with("node_scrape_collector_duration_seconds{");
    let lines: Vec<&str> = str::from_utf8(text).unwrap().lines().filter(told).collect();
    (lines.join("\n") + "\n").replace(copy.0.to_str().unwrap(), "")
}

#[test]
fn expositions_are_as_reviewed() {
    let runtime = common::runtime();
    let mut changed = Vec::new();
    for host in common::hosts() {
        let copy = common::Copy::of(&host);
        let scraper = common::scraper(&copy.roots());
        let text = common::scrape(&runtime, &scraper);
        let found = stable(&text, &copy);
        if let Err(wrong) = exposition::parse(&text) {
            panic!("{host}: {wrong}");
        }

        let path = common::fixtures().join(&host).join("metrics.txt");
        if std::env::var_os("UPDATE").is_some() {
            fs::write(&path, &found).unwrap();
        }
        let expected = fs::read_to_string(&path).unwrap_or_default();
        if let Some(difference) = difference(&expected, &found) {
            changed.push(format!("{host}: {difference}"));
        }
        let again = stable(&common::scrape(&runtime, &scraper), &copy);
        if let Some(difference) = difference(&without_counted(&found), &without_counted(&again)) {
            changed.push(format!("{host}, the second time: {difference}"));
        }
    }
    assert!(changed.is_empty(), "{}", changed.join("\n"));
}

/// Failures are counted from the start: on a broken host the number grows with each scrape.
fn without_counted(text: &str) -> String {
    let other = |line: &&str| !line.starts_with("ecs_host_exporter_items_failed_total ");
    text.lines().filter(other).collect::<Vec<_>>().join("\n")
}

/// The first lines that differ.
fn difference(expected: &str, found: &str) -> Option<String> {
    if expected == found {
        return None;
    }
    let (mut expected_lines, mut found_lines) = (expected.lines(), found.lines());
    loop {
        let pair = (expected_lines.next(), found_lines.next());
        if pair.0 != pair.1 {
            return Some(format!("expected {:?}\n  found {:?}", pair.0, pair.1));
        }
    }
}

#[test]
fn promtool_finds_nothing_new() {
    let mut found = BTreeSet::new();
    for host in common::hosts() {
        let path = common::fixtures().join(&host).join("metrics.txt");
        let Ok(text) = fs::read(&path) else { continue };
        let spawned = Command::new("promtool")
            .args(["check", "metrics"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn();
        let mut promtool = match spawned {
            Ok(promtool) => promtool,
            Err(error) => {
                assert!(std::env::var_os("CI").is_none(), "promtool: {error}");
                eprintln!("skipped: no promtool ({error})");
                return;
            }
        };
        let mut input = promtool.stdin.take().unwrap();
        let writer = std::thread::spawn(move || input.write_all(&text));
        let output = promtool.wait_with_output().unwrap();
        let _refused_early = writer.join().unwrap();
        let said = String::from_utf8([output.stdout, output.stderr].concat()).unwrap();
        found.extend(said.lines().map(str::to_owned));
    }
    let is = |line: &str, (name, problem, _): &(&str, &str, &str)| {
        line.starts_with(name) && line.ends_with(problem)
    };
    let known = |line: &&String| KNOWN.iter().any(|known| is(line, known));
    let new: Vec<_> = found.iter().filter(|line| !known(line)).collect();
    assert!(new.is_empty(), "{new:#?}");
    let gone = |known: &&(&str, &str, &str)| {
        assert!(["node_exporter", "cAdvisor", "ADOT"].contains(&known.2));
        !found.iter().any(|line| is(line, known))
    };
    let gone: Vec<_> = KNOWN.iter().filter(gone).collect();
    assert!(gone.is_empty(), "no longer found: {gone:#?}");
}
