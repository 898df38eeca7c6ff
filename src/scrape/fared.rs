//! How collectors fared when they last ran, kept for those who look: the status page, and `doctor`.
//! To look starts no scrape.

use std::path::PathBuf;
use std::time::{Duration, SystemTime};

use crate::exposition::Piece;

/// How a collector fared in the last scrape that asked for it.
#[derive(Clone, Debug)]
pub struct Fared {
    /// When that scrape was over.
    pub at: SystemTime,
    /// How long it took. `None` where it was not done by the deadline.
    pub took: Option<Duration>,
    /// How it ended.
    pub outcome: Outcome,
    /// How many samples it gave.
    pub samples: usize,
    /// What it said. Gone while the next scrape is under way, whose buffer this is.
    pub text: Option<Piece>,
}

/// How a run of a collector ended.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// It said all that it had to.
    Ok,
    /// It said what it could, and went on without something: this is the first.
    Partly(String),
    /// The host has nothing of the kind. Not a fault.
    Absent(PathBuf),
    /// It failed, and said nothing.
    Failed(String),
    /// It was not done by the deadline, or its turn did not come.
    Late,
}

impl Outcome {
    /// What is to be logged of it, if anything.
    pub(super) fn trouble(&self) -> Option<String> {
        match self {
            Self::Ok | Self::Absent(_) | Self::Late => None,
            Self::Partly(first) => Some(format!("went on without {first}")),
            Self::Failed(error) => Some(error.clone()),
        }
    }

    /// Whether what the collector wrote is to be said.
    pub(super) fn succeeded(&self) -> bool {
        matches!(self, Self::Ok | Self::Partly(_))
    }
}

/// A scrape as a whole.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Last {
    /// When it was over.
    pub at: SystemTime,
    /// How long it took, once it had its turn.
    pub took: Duration,
}

/// How all collectors fared, each in the last scrape that asked for it.
#[derive(Clone, Debug, Default)]
pub struct Account {
    /// The last scrape. `None` before the first.
    pub last: Option<Last>,
    /// The collectors that are switched on, in the order of the exposition: `None` for one that
    /// nobody asked for yet.
    pub collectors: Vec<(&'static str, Option<Fared>)>,
    /// What the last scrape said of the collectors themselves.
    pub own: Option<Piece>,
}
