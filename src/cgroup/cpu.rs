//! What a control group ran, in one vocabulary for both versions.

/// CPU time of a control group and its descendants.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Nanoseconds on a CPU.
    pub usage_nsec: Option<u64>,
    /// Of these, in user space.
    pub user_nsec: Option<u64>,
    /// Of these, in the kernel.
    pub system_nsec: Option<u64>,
    /// What it was held back; `None` where it has no quota of its own.
    pub throttling: Option<Throttling>,
}

/// How a quota held a control group back.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Throttling {
    /// Enforcement periods, a count.
    pub periods: u64,
    /// Periods in which it was held back, a count.
    pub throttled_periods: u64,
    /// Nanoseconds for which it was held back.
    pub throttled_nsec: u64,
    /// Periods in which it ran on what it had saved, a count, since Linux 5.15.
    pub bursts: Option<u64>,
    /// Nanoseconds for which it did, since Linux 5.15.
    pub burst_nsec: Option<u64>,
}
