//! Containers that are none any more, and whose last counters are shown for a while.

use std::sync::Arc;
use std::time::SystemTime;

use super::endings::Ended;
use super::{Containers, Names};
use crate::cgroup::Kind;
use crate::exposition::LabelBlock;

/// A container that is no more, and that this scrape still shows the last counters of.
#[derive(Debug)]
pub struct Last {
    /// Its labels.
    pub labels: LabelBlock,
    /// What it had used.
    pub ended: Arc<Ended>,
}

impl Containers {
    /// Finds the containers that ended lately. Where one of the same path is there again, or was in
    /// between, the later one counts.
    pub(super) fn settle(&mut self, names: &impl Names, now: SystemTime) {
        let Self { rows, shown, endings, last, ended, .. } = self;
        last.clear();
        endings.with_ledger(|ledger| ledger.settle(now, |path| names.named(path), ended));
        let is_row = |path: &str| {
            rows.binary_search_by(|row| row.cgroup.path().cmp(path))
                .is_ok()
        };
        for ended in ended.drain(..).rev() {
            let kind = Kind::Container(&ended.id);
            if shown(kind) && !is_row(&ended.path) {
                let named = ended.named.as_ref().map(|named| named.labels.clone());
                let labels = named.unwrap_or_else(|| names.describe(&ended.path, kind).0);
                last.push(Last { labels, ended });
            }
        }
        last.sort_by(|a, b| a.ended.path.cmp(&b.ended.path));
        last.dedup_by(|b, a| a.ended.path == b.ended.path);
    }
}
