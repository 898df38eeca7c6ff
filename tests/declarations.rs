//! What is declared must be fit to be exported.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::collections::{BTreeSet, HashSet};
use std::path::Path;

use ecs_host_exporter::collector::{COLLECTORS, Failures, Host, Need, Shared};
use ecs_host_exporter::exposition::{Kind, Text};
use ecs_host_exporter::files::{Files, Roots};
use ecs_host_exporter::system::System;
use ecs_host_exporter::{cli, own, reference, rights, scrape};

const PREFIXES: &[&str] =
    &["node_", "container_", "machine_", "cadvisor_", "ecs_", "process_", "promhttp_"];

/// Counters that cAdvisor named before counters had to end in `_total`, and those that `node_exporter`
/// names after the kernel's tracepoints.
const FAILCNT: &[&str] =
    &["container_memory_failcnt", "container_hugetlb_failcnt", "node_perf_<tracepoint>"];

/// Gauges that ADOT, cAdvisor and `node_exporter` named as counters are.
const GAUGES: &[&str] = &[
    "container_cpu_usage_total",
    "container_fs_inodes_total",
    "container_network_advance_tcp_stats_total",
    "container_network_tcp6_usage_total",
    "container_network_tcp_usage_total",
    "container_network_udp6_usage_total",
    "container_network_udp_usage_total",
    "ecs_task_cpu_usage_total",
    "node_systemd_socket_refused_connections_total",
];

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
        let total = name.ends_with("_total") && !GAUGES.contains(&name);
        assert_eq!(counter, total || FAILCNT.contains(&name), "{name}");
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
fn text_files_take_no_name_of_the_exporter() {
    let collected = COLLECTORS.iter().flat_map(|spec| (spec.families)());
    let own: String = collected
        .chain(scrape::families())
        .chain(own::families())
        .map(|family| format!("{} 1\n", family.name.replace(['<', '>'], "")))
        .collect();
    let dir = std::env::temp_dir().join(format!("declarations-{}", std::process::id()));
    std::fs::create_dir_all(&dir).unwrap();
    std::fs::write(dir.join("a.prom"), own + "another 1\n").unwrap();

    let spec = COLLECTORS
        .iter()
        .find(|spec| spec.name == "textfile")
        .unwrap();
    let flag = format!("--collector.textfile.directory={}", dir.display());
    let matches =
        (spec.flags)(clap::Command::new("exporter")).get_matches_from(["exporter", flag.as_str()]);
    let mut textfile = (spec.start)(&matches, &Roots::default()).unwrap();
    let mut host = Host {
        containers: None,
        inventory: std::sync::Arc::default(),
        lasting: ecs_host_exporter::lasting::Lasting::default(),
        discovery: std::sync::Arc::default(),
        files: Files::default(),
        shared: Shared::default(),
        system: System::LIVE,
        now: std::time::SystemTime::UNIX_EPOCH,
        failures: Failures::default(),
    };
    let mut text = Text::default();
    textfile(&mut host, &mut text).unwrap();
    std::fs::remove_dir_all(&dir).unwrap();
    let text = String::from_utf8(text.to_vec()).unwrap();
    let samples = text.lines().filter(|line| !line.starts_with('#'));
    let foreign: Vec<_> = samples
        .filter(|line| !line.starts_with("node_textfile_"))
        .collect();
    assert_eq!(foreign, ["another 1"]);
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

/// As above; what stands over the line is written by hand.
#[test]
fn the_rights_are_current() {
    const LINE: &str = "\n<!-- From here on made from what the collectors declare. -->\n\n";
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("docs/rights.md");
    let found = std::fs::read_to_string(&path).unwrap();
    let (by_hand, made) = found.split_once(LINE).unwrap();
    let expected = rights::markdown();
    if std::env::var_os("UPDATE").is_some() {
        std::fs::write(&path, format!("{by_hand}{LINE}{expected}")).unwrap();
    } else {
        assert!(made == expected, "docs/rights.md is old: UPDATE=1 cargo test --test declarations");
    }
}

/// What nobody has a use for is refused.
#[test]
fn the_terraform_module_knows_the_capabilities() {
    let needs = COLLECTORS.iter().flat_map(|spec| spec.needs);
    let capabilities = needs.filter_map(|need| match need {
        Need::Capability(name, _) => Some(*name),
        _ => None,
    });
    let capabilities: BTreeSet<_> = capabilities.collect();
    let path = Path::new(env!("CARGO_MANIFEST_DIR")).join("terraform/variables.tf");
    let variables = std::fs::read_to_string(path).unwrap();
    let list = format!("setsubtract(var.capabilities, [{}])", {
        let quoted: Vec<_> = capabilities
            .iter()
            .map(|name| format!("{name:?}"))
            .collect();
        quoted.join(", ")
    });
    assert!(variables.contains(&list), "{list}");
}
