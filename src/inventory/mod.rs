//! Who is who: what Docker and the ECS agent say of the containers on this host.

use std::sync::Arc;
use std::time::SystemTime;

use crate::cgroup::Kind;
use crate::container::{About, Container, Names};
use crate::exposition::LabelBlock;

/// The last good answers, joined.
#[derive(Debug, Default)]
pub struct Inventory;

impl Names for Inventory {
    fn describe(&self, path: &str, _: Kind<'_>) -> (LabelBlock, About) {
        (LabelBlock::new([("id", path)]), About::default())
    }
}

/// One of those that are asked, and how it has answered.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Source {
    /// `docker` or `ecs_agent`.
    pub name: &'static str,
    /// Whether it gave an answer when last asked.
    pub up: bool,
    /// When it last gave a good one; `None` if it never did.
    pub last_success: Option<SystemTime>,
    /// How often it failed since the start.
    pub errors: u64,
}

/// The inventory as scrapes see it.
#[derive(Clone, Debug, Default)]
pub struct Handle {
    latest: Arc<Inventory>,
}

impl Handle {
    /// An inventory that nobody fills.
    pub fn none() -> Self {
        Self::default()
    }

    /// The latest inventory.
    pub fn latest(&self) -> Arc<Inventory> {
        Arc::clone(&self.latest)
    }

    /// How those that are asked have answered.
    pub fn sources(&self) -> Vec<Source> {
        Vec::new()
    }

    /// Tells that a scrape used it, and for which rows, so that it is brought up to date.
    pub fn seen(&self, _: &Inventory, _: &[Container]) {}
}
