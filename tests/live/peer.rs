//! The exporter beside `node_exporter`: Debian's, or one that `NODE_EXPORTER` names.

use std::collections::{BTreeMap, BTreeSet};

use crate::common::exposition::Sample;
use crate::host::Server;

/// What each tells of itself, and what counts the scrape itself.
const OF_ITSELF: &[&str] = &[
    "node_scrape_collector",
    "node_exporter_build_info",
    "node_filefd_allocated",
    // Threads that run while it is read: its own, of which node_exporter has several.
    "node_procs_running",
    "process_",
    "promhttp_",
];

/// Labels that node_exporter has since 1.6 or later, and Debian's has not.
const NEWER: &[&str] = &["adminstate", "device_error", "rotational"];

/// How often they are compared: what differs each time is wrong.
const ROUNDS: usize = 5;

/// Families both have are of one type, with the same labels, and their numbers agree within what
/// changes from one scrape to the next.
pub fn agrees_with_node_exporter(exporter: &Server) {
    let Some(peer) = Server::node_exporter() else {
        assert!(std::env::var_os("CI").is_none(), "prometheus-node-exporter is not installed");
        eprintln!("not compared: prometheus-node-exporter is not installed");
        return;
    };
    // Some gauges swing within a scrape: memory that is freed again, tasks that run, connections.
    let mut wrong = differ(&peer, exporter);
    for _ in 1..ROUNDS {
        let again = differ(&peer, exporter);
        wrong.retain(|what, _| again.contains_key(what));
    }
    assert!(wrong.is_empty(), "differ each of {ROUNDS} times: {wrong:#?}");
}

/// The families and samples that both have and that differ now, and how.
fn differ(peer: &Server, exporter: &Server) -> BTreeMap<String, String> {
    let before = peer.scrape();
    let ours = exporter.scrape();
    let after = peer.scrape();

    let (our_shape, peer_shape) = (shape(&ours), shape(&after));
    let shapes = our_shape.iter().filter_map(|(name, our)| {
        let peer = peer_shape.get(name)?;
        let how = || format!("{our:?}, but of node_exporter {peer:?}");
        (peer != our).then(|| (name.clone(), how()))
    });
    let mut wrong: BTreeMap<_, _> = shapes.collect();

    let key = |s: &Sample| {
        let labels: BTreeMap<_, _> = s.labels.iter().filter(|(label, _)| !newer(label)).collect();
        format!("{}{labels:?}", s.name)
    };
    let by_key = |samples: &[Sample]| -> BTreeMap<_, f64> {
        samples.iter().map(|s| (key(s), s.value)).collect()
    };
    let (before, after) = (by_key(&before), by_key(&after));
    let mut compared = 0;
    for sample in ours.iter().filter(|s| !of_itself(&s.name)) {
        let key = key(sample);
        let (Some(before), Some(after)) = (before.get(&key), after.get(&key)) else { continue };
        compared += 1;
        let slack = 0.01 * before.abs().max(after.abs());
        let (low, high) = (before.min(*after) - slack, before.max(*after) + slack);
        if sample.value < low || sample.value > high {
            wrong.insert(key, format!("{} is not in {before}..{after}", sample.value));
        }
    }
    eprintln!("{compared} samples compared with node_exporter, {} differ", wrong.len());
    assert!(compared > 300, "the two have hardly anything in common");
    wrong
}

/// Type and labels of each family of the host.
fn shape(samples: &[Sample]) -> BTreeMap<String, (String, BTreeSet<String>)> {
    let mut shape: BTreeMap<String, (String, BTreeSet<String>)> = BTreeMap::new();
    let of_the_host = |s: &&Sample| !of_itself(&s.name) && s.name.starts_with("node_");
    for sample in samples.iter().filter(of_the_host) {
        let (kind, labels) = shape.entry(sample.name.clone()).or_default();
        kind.clone_from(&sample.kind);
        labels.extend(sample.labels.keys().filter(|l| !newer(l)).cloned());
    }
    shape
}

fn of_itself(name: &str) -> bool {
    OF_ITSELF.iter().any(|told| name.starts_with(told))
}

fn newer(label: &str) -> bool {
    std::env::var_os("NODE_EXPORTER").is_none() && NEWER.contains(&label)
}
