//! No module may know one above it.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::path::Path;

/// From the bottom up. A module may use those before it, and itself.
const LAYERS: &[&str] = &[
    "exposition",
    "kernel",
    "files",
    "system",
    "cgroup",
    "container",
    "inventory",
    "lasting",
    "discovery",
    "collector",
    "scrape",
    "select",
    "own",
    "summary",
    "reference",
    "rights",
    "http",
    "log",
    "notify",
    "probe",
    "healthcheck",
    "doctor",
    "cli",
];

#[test]
fn nothing_knows_what_is_above_it() {
    let mut wrong = Vec::new();
    for (height, layer) in LAYERS.iter().enumerate() {
        for (path, text) in sources(layer) {
            for used in text.split("crate::").skip(1).map(|rest| {
                rest.split(|c: char| !c.is_alphanumeric() && c != '_')
                    .next()
                    .unwrap()
            }) {
                let above = LAYERS
                    .iter()
                    .position(|l| *l == used)
                    .is_some_and(|h| h > height);
                if above {
                    wrong.push(format!("{path}: {layer} uses {used}"));
                }
            }
        }
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
}

fn sources(layer: &str) -> Vec<(String, String)> {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("src");
    let mut found = Vec::new();
    let mut todo = vec![root.join(layer), root.join(layer).with_extension("rs")];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else if let Ok(text) = std::fs::read_to_string(&path) {
            found.push((path.strip_prefix(&root).unwrap().display().to_string(), text));
        }
    }
    found
}
