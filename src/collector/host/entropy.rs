//! How much randomness the kernel has gathered.

use std::path::PathBuf;

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::single;

static POOL: Table<Pool> = Table {
    labels: [],
    metrics: &[
        gauge("node_entropy_available_bits")
            .help("Bits of entropy in the kernel's pool.")
            .value(|p| count(p.available)),
        gauge("node_entropy_pool_size_bits")
            .help("Bits of entropy the kernel's pool can hold.")
            .value(|p| count(p.size)),
    ],
};

/// The kernel's pool of entropy, in bits.
struct Pool {
    available: u64,
    size: u64,
}

/// Collects the state of the entropy pool.
pub struct Entropy {
    available: Kept,
    size: PathBuf,
    /// What that file said: a kernel's pool is as large as it is.
    bits: Option<u64>,
}

impl Collector for Entropy {
    const NAME: &'static str = "entropy";
    const ABOUT: &'static str = "Entropy in the kernel's pool.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/sys/kernel/random")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        POOL.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let dir = roots.proc.join("sys/kernel/random");
        let available = Kept::number(dir.join("entropy_avail"));
        Ok(Self { available, size: dir.join("poolsize"), bits: None })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let available = host.files.load_kept(&mut self.available, single)?;
        let size = match self.bits {
            Some(bits) => bits,
            None => *self.bits.insert(host.files.load(&self.size, single)?),
        };
        text.table(&POOL, [((), &Pool { available, size })]);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_is_in_the_pool() {
        expect::<Entropy>(&[], "entropy");
        expect_absent::<Entropy>(&[]);
    }
}
