//! The functions that are linked next to each other are functions of the program.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::collections::{BTreeSet, HashSet};
use std::path::{Path, PathBuf};

#[test]
fn most_of_what_is_put_together_is_there() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let listed = std::fs::read_to_string(root.join("deploy/hot")).unwrap();
    let own: BTreeSet<&str> = listed.lines().flat_map(named).collect();
    let words = words(&root.join("src"));
    let known = |path: &&&str| path.split("::").all(|part| words.contains(part));
    let (there, all) = (own.iter().filter(known).count(), own.len());
    assert!(all > 300, "{all} are named");
    assert!(there * 10 >= all * 9, "{there} of {all} are there: tests/bench/hot lists them anew");
}

/// What a line names of this crate: the path of a function, of a type, of a trait.
fn named(line: &str) -> impl Iterator<Item = &str> {
    let paths = line.split("ecs_host_exporter::").skip(1);
    let end = |c: char| !c.is_alphanumeric() && c != '_' && c != ':';
    paths.map(move |path| path.split(end).next().unwrap().trim_end_matches(':'))
}

/// Every word of the sources.
fn words(root: &Path) -> HashSet<String> {
    let mut found = HashSet::new();
    let mut todo: Vec<PathBuf> = vec![root.into()];
    while let Some(path) = todo.pop() {
        if path.is_dir() {
            todo.extend(std::fs::read_dir(&path).unwrap().map(|e| e.unwrap().path()));
        } else {
            let text = std::fs::read_to_string(&path).unwrap();
            let words = text.split(|c: char| !c.is_alphanumeric() && c != '_');
            found.extend(words.map(str::to_owned));
        }
        found.extend(
            path.file_stem()
                .map(|stem| stem.to_string_lossy().into_owned()),
        );
    }
    found
}
