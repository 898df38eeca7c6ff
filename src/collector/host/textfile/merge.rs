//! The families of all files, put together: one of each name, its samples side by side.

use std::collections::{BTreeMap, HashMap, HashSet};

use super::block::Block;
use super::parse::Kind;
use crate::collector::COLLECTORS;
use crate::exposition::Text;

/// Names that are the exporter's own.
pub(super) struct Own {
    names: HashSet<&'static str>,
    /// Beginnings and ends of names that the kernel fills in.
    patterns: Vec<(&'static str, &'static str)>,
}

impl Own {
    /// All names of all collectors, also of those that are switched off: they may be switched on.
    pub(super) fn new() -> Self {
        /// What the exporter says of itself.
        const ITSELF: &[&str] = &[
            "node_exporter_build_info",
            "process_cpu_seconds_total",
            "process_max_fds",
            "process_network_receive_bytes_total",
            "process_network_transmit_bytes_total",
            "process_open_fds",
            "process_resident_memory_bytes",
            "process_start_time_seconds",
            "process_threads",
            "process_virtual_memory_bytes",
            "process_virtual_memory_max_bytes",
        ];
        const PREFIXES: &[(&str, &str)] = &[
            ("ecs_host_exporter_", ""),
            ("node_scrape_collector_", ""),
            ("promhttp_metric_handler_", ""),
        ];
        let declared = COLLECTORS.iter().flat_map(|spec| (spec.families)());
        let mut own = Self { names: ITSELF.iter().copied().collect(), patterns: PREFIXES.to_vec() };
        for name in declared.map(|family| family.name) {
            let pattern = name
                .split_once('<')
                .and_then(|(before, rest)| Some((before, rest.split_once('>')?.1)));
            match pattern {
                Some(pattern) => own.patterns.push(pattern),
                None => drop(own.names.insert(name)),
            }
        }
        own
    }

    fn has(&self, name: &str) -> bool {
        let matches = |(start, end): &(&str, &str)| name.starts_with(start) && name.ends_with(end);
        self.names.contains(name) || self.patterns.iter().any(matches)
    }
}

/// Everything of all files, as it is written until one of them changes.
#[derive(Default)]
pub(super) struct Merged {
    text: Vec<u8>,
    samples: usize,
    /// Whether families were left out.
    pub(super) lacks: bool,
}

impl Merged {
    /// Writes it.
    pub(super) fn write(&self, text: &mut Text) {
        text.raw(&self.text, self.samples);
    }

    /// Puts together what the files say, each with its path.
    pub(super) fn new<'b>(blocks: impl Iterator<Item = (&'b str, &'b Block)>, own: &Own) -> Self {
        let mut families = BTreeMap::<&str, Vec<(&str, &Block)>>::new();
        for (path, block) in blocks {
            families.entry(&block.name).or_default().push((path, block));
        }
        let mut merged = Self::default();
        let mut taken = HashMap::new();
        for (name, mut blocks) in families {
            merged.lacks |= agree(&mut blocks);
            let Some((path, first)) = blocks.first() else { continue };
            if let Some(other) = claim(name, first.kind, own, &mut taken) {
                tracing::error!(path, family = name, %other, "left out: the name is taken");
                merged.lacks = true;
                continue;
            }
            merged.family(name, first.kind, &blocks);
        }
        merged
    }

    fn family(&mut self, name: &str, kind: Kind, blocks: &[(&str, &Block)]) {
        let help = match blocks.iter().find_map(|(_, block)| block.help.as_deref()) {
            Some(help) => escaped(help),
            None => {
                let paths: Vec<&str> = blocks.iter().map(|(path, _)| *path).collect();
                escaped(&format!("Metric read from {}", paths.join(", ")))
            }
        };
        let kind = kind.as_str();
        let header = format!("# HELP {name} {help}\n# TYPE {name} {kind}\n");
        self.text.extend_from_slice(header.as_bytes());
        let mut seen = HashSet::new();
        for series in blocks.iter().flat_map(|(_, block)| &block.series) {
            if seen.insert(series.identity) {
                self.text.extend_from_slice(&series.text);
                self.samples += series.samples;
            }
        }
    }
}

/// Leaves out what contradicts the first file that has a family, and says whether there was any.
fn agree(blocks: &mut Vec<(&str, &Block)>) -> bool {
    let before = blocks.len();
    let Some(kind) = blocks.first().map(|(_, block)| block.kind) else { return false };
    let help = blocks.iter().find_map(|(_, block)| block.help.as_deref());
    blocks.retain(|(path, block)| {
        let same = block.kind == kind && (block.help.is_none() || block.help.as_deref() == help);
        if !same {
            let family = &block.name;
            tracing::error!(path, family, "left out: type or help differ from another file's");
        }
        same
    });
    blocks.len() != before
}

/// Takes all names that a family's samples have, or says who has one of them.
fn claim(name: &str, kind: Kind, own: &Own, taken: &mut HashMap<String, String>) -> Option<String> {
    let names: Vec<String> = kind
        .suffixes()
        .iter()
        .map(|s| format!("{name}{s}"))
        .collect();
    for sample in &names {
        if own.has(sample) {
            return Some("the exporter itself".into());
        }
        if let Some(other) = taken.get(sample) {
            return Some(other.clone());
        }
    }
    taken.extend(names.into_iter().map(|sample| (sample, name.to_owned())));
    None
}

fn escaped(help: &str) -> String {
    help.replace('\\', r"\\").replace('\n', r"\n")
}
