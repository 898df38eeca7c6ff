//! `/proc/softirqs`: work put off by interrupts, by CPU.

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, counter};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, lines};

static FUNCTIONS: Family<2> = counter("node_softirqs_functions_total")
    .help("Times work of this type was done on the CPU.")
    .labels(["cpu", "type"]);

/// Types that `node_exporter` knows, which are all of Linux 6.
const TYPES: [&[u8]; 10] = [
    b"HI",
    b"TIMER",
    b"NET_TX",
    b"NET_RX",
    b"BLOCK",
    b"IRQ_POLL",
    b"TASKLET",
    b"SCHED",
    b"HRTIMER",
    b"RCU",
];

/// Collects work put off by interrupts.
pub struct Softirqs {
    file: Kept,
}

impl Collector for Softirqs {
    const NAME: &'static str = "softirqs";
    const ABOUT: &'static str = "Work put off by interrupts, by CPU.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/softirqs")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [FUNCTIONS.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        // A line has 11 bytes for each CPU.
        Ok(Self { file: Kept::long(roots.proc.join("softirqs")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let mut family = text.family(&FUNCTIONS);
        let write = |kind: &[u8], cpu: u32, times| family.sample((cpu, kind), times);
        host.files
            .load_kept(&mut self.file, |text| each(text, write))
    }
}

/// Parses a line of CPUs, then `      HI:          3          0`: how often on each.
fn each(text: &[u8], mut each: impl FnMut(&[u8], u32, u64)) -> Result<(), Malformed> {
    for mut line in lines(text).skip(1) {
        let Some(kind) = line.field().and_then(|kind| kind.strip_suffix(b":")) else { continue };
        if !TYPES.contains(&kind) {
            continue;
        }
        let mut cpu = 0;
        while let Some(times) = line.newer_count("a number")? {
            each(kind, cpu, times);
            cpu += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_was_put_off() {
        expect::<Softirqs>(&[], "softirqs");
        expect_absent::<Softirqs>(&[]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = each(b" CPU0\n HI: x\n", |_, _, _| {}).unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: a number expected");
    }
}
