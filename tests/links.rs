//! Links between the documents lead somewhere: to files that are there, and to headings in them.
#![allow(clippy::unwrap_used, clippy::disallowed_methods, reason = "a test")]

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Where documents are looked for, not in what is below.
const PLACES: [&str; 4] = ["", "docs", "fixtures", "terraform"];

#[test]
fn links_lead_somewhere() {
    let root = Path::new(env!("CARGO_MANIFEST_DIR"));
    let mut wrong = Vec::new();
    let mut links = 0;
    for document in PLACES.iter().flat_map(|place| documents(&root.join(place))) {
        let text = fs::read_to_string(&document).unwrap();
        for link in targets(&text).filter(|link| !link.contains("://")) {
            links += 1;
            let (file, heading) = link.split_once('#').unwrap_or((link, ""));
            let file = match file {
                "" => document.clone(),
                file => document.parent().unwrap().join(file),
            };
            let there = match heading {
                "" => file.exists(),
                heading => fs::read_to_string(&file)
                    .is_ok_and(|text| anchors(&text).iter().any(|a| a == heading)),
            };
            if !there {
                wrong.push(format!("{}: {link}", document.display()));
            }
        }
    }
    assert!(links > 50, "{links} links were found");
    assert_eq!(wrong, Vec::<String>::new());
}

#[test]
fn headings_are_called_as_the_site_calls_them() {
    let text = "# To `A` & B's\n```sh\n# not one\n```\n## Bounds\n## Bounds\n";
    assert_eq!(anchors(text), ["to-a--bs", "bounds", "bounds-1"]);
}

fn documents(place: &Path) -> Vec<PathBuf> {
    let files = fs::read_dir(place)
        .unwrap()
        .map(|file| file.unwrap().path());
    files
        .filter(|file| file.extension().is_some_and(|e| e == "md"))
        .collect()
}

/// The lines that are no code.
fn prose(text: &str) -> impl Iterator<Item = &str> {
    let mut code = false;
    text.lines().filter(move |line| {
        let fence = line.trim_start().starts_with("```");
        code ^= fence;
        !code && !fence
    })
}

/// What the links of a document lead to.
fn targets(text: &str) -> impl Iterator<Item = &str> {
    let after = prose(text).flat_map(|line| line.split("](").skip(1));
    after.filter_map(|rest| rest.split_once(')').map(|(target, _)| target))
}

/// How the headings of a document are linked to.
fn anchors(text: &str) -> Vec<String> {
    let mut seen: BTreeMap<String, usize> = BTreeMap::new();
    let headings = prose(text).filter(|line| line.starts_with('#'));
    headings
        .map(|line| {
            let words = line.trim_start_matches('#').trim().to_lowercase();
            let kept = words.chars().filter_map(|c| match c {
                ' ' => Some('-'),
                '-' | '_' => Some(c),
                c => c.is_alphanumeric().then_some(c),
            });
            let anchor: String = kept.collect();
            let before = seen.entry(anchor.clone()).or_default();
            *before += 1;
            match *before {
                1 => anchor,
                n => format!("{anchor}-{}", n - 1),
            }
        })
        .collect()
}
