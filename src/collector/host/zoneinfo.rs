//! `/proc/zoneinfo`: memory by zones, and what was done with it.

use crate::collector::rows::Rows;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Named, Pattern, Text, counter, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::attribute::number;
use crate::kernel::{Malformed, lines};

/// A number of a zone, and the family it is written as.
struct Field {
    word: &'static [u8],
    family: Family<2>,
}

static FIELDS: [Field; 34] = [
    gauge_of(b"nr_free_pages", "node_zoneinfo_nr_free_pages", "Pages that are free."),
    gauge_of(b"min", "node_zoneinfo_min_pages", "Pages below which only some may allocate."),
    gauge_of(b"low", "node_zoneinfo_low_pages", "Pages below which the kernel begins to reclaim."),
    gauge_of(b"high", "node_zoneinfo_high_pages", "Pages above which the kernel stops reclaiming."),
    gauge_of(
        b"scanned",
        "node_zoneinfo_scanned_pages",
        "Pages looked at since the last was reclaimed.",
    ),
    gauge_of(
        b"spanned",
        "node_zoneinfo_spanned_pages",
        "Pages from the first to the last, holes included.",
    ),
    gauge_of(b"present", "node_zoneinfo_present_pages", "Pages there are."),
    gauge_of(b"managed", "node_zoneinfo_managed_pages", "Pages the allocator has."),
    gauge_of(
        b"nr_active_anon",
        "node_zoneinfo_nr_active_anon_pages",
        "Anonymous pages in use of late.",
    ),
    gauge_of(
        b"nr_inactive_anon",
        "node_zoneinfo_nr_inactive_anon_pages",
        "Anonymous pages not in use of late.",
    ),
    gauge_of(
        b"nr_isolated_anon",
        "node_zoneinfo_nr_isolated_anon_pages",
        "Anonymous pages taken off their list to be reclaimed.",
    ),
    gauge_of(b"nr_anon_pages", "node_zoneinfo_nr_anon_pages", "Anonymous pages that are mapped."),
    gauge_of(
        b"nr_anon_transparent_hugepages",
        "node_zoneinfo_nr_anon_transparent_hugepages",
        "Anonymous huge pages.",
    ),
    gauge_of(
        b"nr_active_file",
        "node_zoneinfo_nr_active_file_pages",
        "Pages of files in use of late.",
    ),
    gauge_of(
        b"nr_inactive_file",
        "node_zoneinfo_nr_inactive_file_pages",
        "Pages of files not in use of late.",
    ),
    gauge_of(
        b"nr_isolated_file",
        "node_zoneinfo_nr_isolated_file_pages",
        "Pages of files taken off their list to be reclaimed.",
    ),
    gauge_of(b"nr_file_pages", "node_zoneinfo_nr_file_pages", "Pages of files."),
    gauge_of(
        b"nr_slab_reclaimable",
        "node_zoneinfo_nr_slab_reclaimable_pages",
        "Pages of slabs that can be reclaimed.",
    ),
    gauge_of(
        b"nr_slab_unreclaimable",
        "node_zoneinfo_nr_slab_unreclaimable_pages",
        "Pages of slabs that cannot be reclaimed.",
    ),
    gauge_of(b"nr_mlock_stack", "node_zoneinfo_nr_mlock_stack_pages", "Pages that are locked."),
    gauge_of(b"nr_kernel_stack", "node_zoneinfo_nr_kernel_stacks", "Stacks of the kernel."),
    gauge_of(b"nr_mapped", "node_zoneinfo_nr_mapped_pages", "Pages of files that are mapped."),
    gauge_of(b"nr_dirty", "node_zoneinfo_nr_dirty_pages", "Pages that wait to be written."),
    gauge_of(b"nr_writeback", "node_zoneinfo_nr_writeback_pages", "Pages that are being written."),
    gauge_of(
        b"nr_unevictable",
        "node_zoneinfo_nr_unevictable_pages",
        "Pages that cannot be reclaimed.",
    ),
    gauge_of(b"nr_shmem", "node_zoneinfo_nr_shmem_pages", "Pages that are shared."),
    counter_of(b"nr_dirtied", "node_zoneinfo_nr_dirtied_total", "Pages that were changed."),
    counter_of(b"nr_written", "node_zoneinfo_nr_written_total", "Pages that were written."),
    counter_of(
        b"numa_hit",
        "node_zoneinfo_numa_hit_total",
        "Pages allocated where they were meant to be.",
    ),
    counter_of(
        b"numa_miss",
        "node_zoneinfo_numa_miss_total",
        "Pages allocated here that were meant to be elsewhere.",
    ),
    counter_of(
        b"numa_foreign",
        "node_zoneinfo_numa_foreign_total",
        "Pages meant to be here that were allocated elsewhere.",
    ),
    counter_of(
        b"numa_interleave",
        "node_zoneinfo_numa_interleave_total",
        "Pages that were spread out and came here as meant.",
    ),
    counter_of(
        b"numa_local",
        "node_zoneinfo_numa_local_total",
        "Pages allocated for a process of this node.",
    ),
    counter_of(
        b"numa_other",
        "node_zoneinfo_numa_other_total",
        "Pages allocated for a process of another node.",
    ),
];

static PROTECTION: Pattern<2> = gauge("node_zoneinfo_protection_<zone>")
    .help("Pages kept back from those who would rather have them of that zone.")
    .pattern_by(["node", "zone"]);

/// Zones there may be.
const ZONES: usize = 6;

const fn gauge_of(word: &'static [u8], name: &'static str, help: &'static str) -> Field {
    field(word, gauge(name), help)
}

const fn counter_of(word: &'static [u8], name: &'static str, help: &'static str) -> Field {
    field(word, counter(name), help)
}

const fn field(word: &'static [u8], named: Named, help: &'static str) -> Field {
    Field { word, family: named.help(help).labels(["node", "zone"]) }
}

/// What is said of a zone. `None` is what this kernel does not say, or says of the first zone of a node
/// alone.
#[derive(Clone, Copy, Debug, PartialEq)]
struct Zone {
    /// In the order of [`FIELDS`].
    values: [Option<f64>; FIELDS.len()],
    protection: [Option<f64>; ZONES],
}

const SILENT: Zone = Zone { values: [None; FIELDS.len()], protection: [None; ZONES] };

/// Collects memory by zones.
pub struct Zoneinfo {
    file: Kept,
    zones: Rows<Zone, 2>,
}

impl Collector for Zoneinfo {
    const NAME: &'static str = "zoneinfo";
    const ABOUT: &'static str = "Memory by zones.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/zoneinfo")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        let fields = FIELDS.iter().map(|field| field.family.descriptor());
        fields.chain([PROTECTION.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        // A zone is one record, of more than half a page.
        let file = Kept::long(roots.proc.join("zoneinfo"));
        Ok(Self { file, zones: Rows::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, zones } = self;
        zones.clear();
        host.files
            .load_kept(file, |text| each(text, |labels, zone| zones.push(labels, zone)))?;
        for (place, field) in FIELDS.iter().enumerate() {
            let mut family = text.family(&field.family);
            for (labels, zone) in zones.iter() {
                if let Some(value) = zone.values.get(place).copied().flatten() {
                    family.sample(labels, value);
                }
            }
        }
        for place in 0..ZONES {
            let mut digits = itoa::Buffer::new();
            let mut family = text.pattern_family(&PROTECTION, digits.format(place).as_bytes());
            for (labels, zone) in zones.iter() {
                if let Some(value) = zone.protection.get(place).copied().flatten() {
                    family.sample(labels, value);
                }
            }
        }
        Ok(())
    }
}

/// Parses `Node 0, zone      DMA`, and then a number a line: `  pages free     3952`,
/// `        min      33`, `      nr_free_pages 3952`, `        protection: (0, 2877, 17034)`.
fn each<'a>(text: &'a [u8], mut each: impl FnMut([&'a [u8]; 2], Zone)) -> Result<(), Malformed> {
    let mut current: Option<([&[u8]; 2], Zone)> = None;
    for mut line in lines(text) {
        let malformed = line.malformed("Node 0, zone and its name");
        let word = line.field().unwrap_or_default();
        if word == b"Node" {
            let node = line.field().and_then(|node| node.strip_suffix(b","));
            let (_zone, zone) = (line.field(), line.field());
            let labels = node.zip(zone).ok_or(malformed)?;
            if let Some((labels, zone)) = current.replace((labels.into(), SILENT)) {
                each(labels, zone);
            }
            continue;
        }
        let Some((_, zone)) = &mut current else { continue };
        if word == b"protection:" {
            let numbers = line
                .rest()
                .split(|b| b"(, )".contains(b))
                .filter(|n| !n.is_empty());
            for (slot, value) in zone.protection.iter_mut().zip(numbers) {
                *slot = number(value);
            }
            continue;
        }
        let wanted = FIELDS
            .iter()
            .zip(&mut zone.values)
            .find(|(field, _)| field.word == word);
        if let Some((_, slot)) = wanted {
            *slot = line.field().and_then(number);
        }
    }
    if let Some((labels, zone)) = current {
        each(labels, zone);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_zones_have() {
        expect::<Zoneinfo>(&[], "zoneinfo");
        expect_absent::<Zoneinfo>(&[]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = each(b"Node 0, zone DMA\nNode 0\n", |_, _| {}).unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: Node 0, zone and its name expected");
        let mut seen = Vec::new();
        let text = b"min 7\nNode 0, zone DMA\n min x\n low 3\n high\n protection: (1, x, -3)\n";
        each(text, |labels, zone| seen.push((labels, zone))).unwrap();
        let mut expected = SILENT;
        expected.values[2] = Some(3.0);
        expected.protection[0] = Some(1.0);
        expected.protection[2] = Some(-3.0);
        assert_eq!(seen, [([&b"0"[..], b"DMA"], expected)]);
    }
}
