//! The exporter beside Debian's `node_exporter`.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::exposition::Sample;
use crate::host::Server;

/// What each tells of itself, and what counts the scrape itself.
const OF_ITSELF: &[&str] = &[
    "node_scrape_collector",
    "node_exporter_build_info",
    "node_filefd_allocated",
    "process_",
    "promhttp_",
];

/// Labels that node_exporter has since 1.6 or later, and Debian's has not.
const NEWER: &[&str] = &["adminstate", "device_error", "rotational"];

/// Families both have are of one type, with the same labels, and their numbers agree within what
/// changes from one scrape to the next.
pub fn agrees_with_node_exporter(exporter: &Server) {
    let Some(peer) = Server::node_exporter() else {
        assert!(std::env::var_os("CI").is_none(), "prometheus-node-exporter is not installed");
        eprintln!("not compared: prometheus-node-exporter is not installed");
        return;
    };
    let before = peer.scrape();
    let ours = exporter.scrape();
    let after = peer.scrape();

    let shape = |samples: &[Sample]| {
        let mut shape: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
        let of_the_host = |s: &&Sample| !of_itself(&s.name) && s.name.starts_with("node_");
        for sample in samples.iter().filter(of_the_host) {
            let (kind, labels) = shape.entry(sample.name.clone()).or_default();
            kind.clone_from(&sample.kind);
            labels.extend(sample.labels.keys().filter(|l| !newer(l)).cloned());
        }
        shape
    };
    let (our_shape, peer_shape) = (shape(&ours), shape(&after));
    let mut wrong: Vec<String> = our_shape
        .iter()
        .filter_map(|(name, our)| {
            let peer = peer_shape.get(name)?;
            (peer != our).then(|| format!("{name}: {our:?}, but of node_exporter {peer:?}"))
        })
        .collect();

    let key = |s: &Sample| {
        let labels = s.labels.iter().filter(|(label, _)| !newer(label));
        let labels = labels.map(|(label, value)| (label.clone(), value.clone()));
        (s.name.clone(), labels.collect::<BTreeMap<_, _>>())
    };
    let by_key = |samples: &[Sample]| -> BTreeMap<_, f64> {
        samples.iter().map(|s| (key(s), s.value)).collect()
    };
    let (before, after) = (by_key(&before), by_key(&after));
    let mut compared = 0;
    for sample in ours.iter().filter(|s| !of_itself(&s.name)) {
        let (Some(before), Some(after)) = (before.get(&key(sample)), after.get(&key(sample)))
        else {
            continue;
        };
        compared += 1;
        let slack = 0.01 * before.abs().max(after.abs());
        let (low, high) = (before.min(*after) - slack, before.max(*after) + slack);
        if sample.value < low || sample.value > high {
            wrong.push(format!(
                "{}{:?}: {} is not in {before}..{after}",
                sample.name, sample.labels, sample.value
            ));
        }
    }
    eprintln!(
        "{compared} samples compared with node_exporter, {} differ:\n{}",
        wrong.len(),
        wrong.join("\n")
    );
    // Some gauges swing within a scrape: memory that is freed again, tasks that run.
    assert!(wrong.len() * 100 <= compared, "more than one in a hundred");
}

fn of_itself(name: &str) -> bool {
    OF_ITSELF.iter().any(|told| name.starts_with(told))
}

fn newer(label: &str) -> bool {
    NEWER.contains(&label)
}
