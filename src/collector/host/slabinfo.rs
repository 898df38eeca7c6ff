//! `/proc/slabinfo`: caches of the kernel's own objects. For root alone.

use clap::Args;

use crate::collector::filter::{Filter, Flag};
use crate::collector::rows::Rows;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, lines};

static SLABS: Table<Slab, 1> = Table {
    labels: ["slab"],
    metrics: &[
        gauge("node_slabinfo_active_objects")
            .help("Objects in use.")
            .value(|s| count(s.active)),
        gauge("node_slabinfo_objects")
            .help("Objects there is memory for.")
            .value(|s| count(s.objects)),
        gauge("node_slabinfo_object_size_bytes")
            .help("Bytes of an object.")
            .value(|s| count(s.object_bytes)),
        gauge("node_slabinfo_objects_per_slab")
            .help("Objects in a slab.")
            .value(|s| count(s.objects_per_slab)),
        gauge("node_slabinfo_pages_per_slab")
            .help("Pages of a slab.")
            .value(|s| count(s.pages_per_slab)),
    ],
};

/// A cache of objects.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Slab {
    active: u64,
    objects: u64,
    object_bytes: u64,
    objects_per_slab: u64,
    pages_per_slab: u64,
}

const INCLUDE: &str = "collector.slabinfo.slabs-include";
const EXCLUDE: &str = "collector.slabinfo.slabs-exclude";

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of slabs to take, and no others [default: .*]
    #[arg(id = INCLUDE, long, value_name = "REGEXP")]
    include: Option<String>,
    /// Regular expression of slabs to leave out
    #[arg(id = EXCLUDE, long, value_name = "REGEXP")]
    exclude: Option<String>,
}

/// Collects caches of the kernel's objects.
pub struct Slabinfo {
    filter: Filter,
    file: Kept,
    slabs: Rows<Slab>,
}

impl Collector for Slabinfo {
    const NAME: &'static str = "slabinfo";
    const ABOUT: &'static str = "Caches of the kernel's own objects.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/slabinfo"), Need::Root("all of it")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        SLABS.descriptors()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let filter = Filter::both(
            Flag { name: INCLUDE, value: flags.include.as_deref() },
            Flag { name: EXCLUDE, value: flags.exclude.as_deref() },
        )?;
        let file = Kept::new(roots.proc.join("slabinfo"));
        Ok(Self { filter, file, slabs: Rows::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { filter, file, slabs } = self;
        slabs.clear();
        let push = |name: &[u8], slab| {
            if !filter.ignores(name) {
                slabs.push([name], slab);
            }
        };
        host.files.load_kept(file, |text| each(text, push))?;
        text.table(&SLABS, slabs.iter());
        Ok(())
    }
}

/// Parses two lines of headings, then `dentry 206136 206136 192 42 2 : tunables …`.
fn each(text: &[u8], mut each: impl FnMut(&[u8], Slab)) -> Result<(), Malformed> {
    for mut line in lines(text).skip(2) {
        let name = line.field().ok_or(line.malformed("a slab"))?;
        let slab = Slab {
            active: line.count("active objects")?,
            objects: line.count("objects")?,
            object_bytes: line.count("the size of an object")?,
            objects_per_slab: line.count("objects per slab")?,
            pages_per_slab: line.count("pages per slab")?,
        };
        each(name, slab);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_is_cached() {
        expect::<Slabinfo>(&[], "slabinfo");
        let flags =
            ["--collector.slabinfo.slabs-include=tw", "--collector.slabinfo.slabs-exclude=_sock"];
        expect::<Slabinfo>(&flags, "slabinfo_filter");
        expect_absent::<Slabinfo>(&[]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = each(b"slabinfo\n# name\ndentry 1 2 x\n", |_, _| {}).unwrap_err();
        assert_eq!(wrong.to_string(), "line 3: the size of an object expected");
    }
}
