//! `/proc/swaps`: where memory is swapped to.

use crate::collector::rows::Rows;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, gauge, kib};
use crate::files::{Kept, Result, Roots};
use crate::kernel::attribute::number;
use crate::kernel::{Malformed, lines};

static SWAPS: Table<Area, 2> = Table {
    labels: ["device", "swap_type"],
    metrics: &[
        gauge("node_swap_size_bytes")
            .help("Bytes of the area.")
            .value(|a| kib(a.size_kib)),
        gauge("node_swap_used_bytes")
            .help("Bytes of the area that are used.")
            .value(|a| kib(a.used_kib)),
        gauge("node_swap_priority")
            .help("Priority of the area: the highest is used first.")
            .value(|a| Some(a.priority)),
    ],
};

/// An area to swap to.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Area {
    size_kib: u64,
    used_kib: u64,
    priority: f64,
}

/// Collects where memory is swapped to.
pub struct Swap {
    file: Kept,
    areas: Rows<Area, 2>,
}

impl Collector for Swap {
    const NAME: &'static str = "swap";
    const ABOUT: &'static str = "Where memory is swapped to.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/swaps")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        SWAPS.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { file: Kept::new(roots.proc.join("swaps")), areas: Rows::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, areas } = self;
        areas.clear();
        let push = |labels: [&[u8]; 2], area| areas.push(labels, area);
        host.files.load_kept(file, |text| each(text, push))?;
        text.table(&SWAPS, areas.iter());
        Ok(())
    }
}

/// Parses a line of headings, then `/dev/zram0 partition 1048572 0 100`: size and use in KiB.
fn each(text: &[u8], mut each: impl FnMut([&[u8]; 2], Area)) -> Result<(), Malformed> {
    for mut line in lines(text).skip(1) {
        let device = line.field().ok_or(line.malformed("a device"))?;
        let kind = line.field().ok_or(line.malformed("a type"))?;
        let (size_kib, used_kib) = (line.count("a size")?, line.count("a size")?);
        let priority = line.field().and_then(number);
        let priority = priority.ok_or(line.malformed("a priority"))?;
        each([device, kind], Area { size_kib, used_kib, priority });
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_much_is_swapped() {
        expect::<Swap>(&[], "swap");
        expect_absent::<Swap>(&[]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = each(b"Filename\n/dev/a partition 1 0 x\n", |_, _| {}).unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: a priority expected");
    }
}
