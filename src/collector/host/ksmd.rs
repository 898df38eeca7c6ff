//! Kernel samepage merging: pages that are the same, kept once.
//!
//! See [the kernel's documentation](https://docs.kernel.org/admin-guide/mm/ksm.html).

use std::path::PathBuf;

use crate::collector::attribute::{self, Attribute, Device};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Described, Descriptor, Text, counter, gauge};
use crate::files::{Error, Result, Roots};
use crate::kernel::attribute::number;

static NUMBERS: [Attribute<0>; 10] = [
    at(
        "full_scans",
        counter("node_ksmd_full_scans_total").help("Times all memory was looked through."),
    ),
    at(
        "general_profit",
        gauge("node_ksmd_general_profit_bytes")
            .help("Bytes saved, less what is needed to know about it; may be negative."),
    ),
    at(
        "merge_across_nodes",
        gauge("node_ksmd_merge_across_nodes")
            .help("Whether pages of different NUMA nodes may be merged."),
    ),
    at("pages_shared", gauge("node_ksmd_pages_shared").help("Pages that stand for several.")),
    at("pages_sharing", gauge("node_ksmd_pages_sharing").help("Pages that another stands for.")),
    at(
        "pages_to_scan",
        gauge("node_ksmd_pages_to_scan").help("Pages looked at before each pause."),
    ),
    at(
        "pages_unshared",
        gauge("node_ksmd_pages_unshared").help("Pages looked at that are like no other."),
    ),
    at("pages_volatile", gauge("node_ksmd_pages_volatile").help("Pages that change too fast.")),
    at(
        "run",
        gauge("node_ksmd_run")
            .help("Whether it runs: 0 no, 1 yes, 2 no, and what was merged is taken apart."),
    ),
    Attribute::new(
        "sleep_millisecs",
        |text| number(text).map(|milliseconds| milliseconds / 1e3),
        gauge("node_ksmd_sleep_seconds")
            .help("Seconds of each pause.")
            .labels([]),
    ),
];

const fn at(file: &'static str, family: Described) -> Attribute<0> {
    Attribute::new(file, number, family.labels([]))
}

/// Collects what was merged.
pub struct Ksmd {
    found: Found<[Device<0>; 1]>,
}

impl Collector for Ksmd {
    const NAME: &'static str = "ksmd";
    const ABOUT: &'static str = "Pages that are the same, kept once.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/kernel/mm/ksm")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&NUMBERS)
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("kernel/mm/ksm")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self.found.get_if_any(host.now, |dir| match dir.exists() {
            true => Ok([Device::new(PathBuf::from(dir), [])]),
            false => Err(Error::Absent(dir.into())),
        })?;
        if let Some(found) = found {
            attribute::write(&NUMBERS, found, host, text);
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_what_was_merged() {
        expect::<Ksmd>(&[], "ksmd");
        expect_nothing::<Ksmd>(&[]);
    }
}
