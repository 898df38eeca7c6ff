//! What is declared must be fit to be exported.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::collections::HashSet;
use std::path::Path;

use ecs_host_exporter::collector::COLLECTORS;
use ecs_host_exporter::exposition::Kind;
use ecs_host_exporter::{cli, own, reference, scrape};

const PREFIXES: &[&str] =
    &["node_", "container_", "machine_", "cadvisor_", "ecs_", "process_", "promhttp_"];

/// Counters that cAdvisor named before counters had to end in `_total`.
const FAILCNT: &[&str] = &["container_memory_failcnt", "container_hugetlb_failcnt"];

/// cAdvisor's one family whose labels are named otherwise than Prometheus' labels are.
const CAMEL_CASE: &str = "cadvisor_version_info";

#[test]
fn families_are_declared_once_and_named_well() {
    let mut seen = HashSet::new();
    let collected = COLLECTORS.iter().flat_map(|spec| (spec.families)());
    for family in collected.chain(scrape::families()).chain(own::families()) {
        let name = family.name;
        assert!(seen.insert(name), "{name} is declared twice");
        assert!(PREFIXES.iter().any(|prefix| name.starts_with(prefix)), "{name}");
        let counter = family.kind == Kind::Counter;
        assert_eq!(counter, name.ends_with("_total") || FAILCNT.contains(&name), "{name}");
        assert!(family.help.ends_with('.'), "{name}: help is a sentence");
        assert!(
            family
                .labels
                .iter()
                .all(|l| l.bytes().all(|b| b.is_ascii_lowercase() || b == b'_'))
                || name == CAMEL_CASE,
            "{name}"
        );
    }
}

#[test]
fn flags_do_not_collide() {
    COLLECTORS
        .iter()
        .fold(clap::Command::new("exporter"), |c, spec| (spec.flags)(c))
        .debug_assert();
}

/// `UPDATE=1 cargo test --test declarations` writes it anew.
#[test]
fn the_reference_is_current() {
    let metrics = reference::markdown();
    let flags = reference::flags_markdown(&cli::command());
    let expected = format!(
        "# Metrics and flags\n\nMade from the declarations that the exposition and the command line use.\n\n## Metrics\n\n{metrics}## Flags\n\n{flags}"
    );
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/reference.md");
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, &expected).unwrap();
    }
    let found = std::fs::read_to_string(&path).unwrap_or_default();
    assert!(found == expected, "docs/reference.md is old: UPDATE=1 cargo test --test declarations");
}
