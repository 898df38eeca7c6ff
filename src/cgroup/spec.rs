//! What a control group may use, in one vocabulary for both versions.

use crate::files::Result;
use crate::kernel::{Malformed, single};

/// A bound, or none, which is more than any.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Limit {
    /// Up to this.
    At(u64),
    /// As much as there is.
    Max,
}

impl Limit {
    /// As cAdvisor says it: 0 for no limit.
    pub fn or_zero(self) -> u64 {
        match self {
            Self::At(n) => n,
            Self::Max => 0,
        }
    }
}

/// What a control group may use. Each is `None` where its controller is not there.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Spec {
    /// Weight among its siblings, 1024 being usual. `None` on cgroup v2, which counts otherwise.
    pub cpu_shares: Option<u64>,
    /// Microseconds it may run in a period.
    pub cpu_quota_usec: Option<Limit>,
    /// Microseconds of a period.
    pub cpu_period_usec: Option<u64>,
    /// Bytes of memory.
    pub memory: Option<Limit>,
    /// Bytes of swap; on cgroup v1 of memory and swap together.
    pub swap: Option<Limit>,
    /// Bytes of memory it is to keep when memory is short.
    pub memory_reservation: Option<Limit>,
    /// How many threads there may be. `None` for the root group too.
    pub threads: Option<Limit>,
}

/// `max` or a number, such as `memory.max` and `pids.max`.
pub(super) fn limit(text: &[u8]) -> Result<Limit, Malformed> {
    match text.trim_ascii() {
        b"max" => Ok(Limit::Max),
        number => single(number).map(Limit::At),
    }
}
