//! `/proc/net/stat/*`: caches and tables of the network, CPU by CPU.

use std::path::PathBuf;

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Pattern, Text, counter};
use crate::files::{Result, Roots, names};
use crate::kernel::{Line, Malformed, hex, lines};

static LNSTAT: Pattern<2> = counter("node_lnstat_<field>_total")
    .help("What a table of the network counts on a CPU; named as in its file's first line.")
    .pattern_by(["subsystem", "cpu"]);

/// Collects what caches and tables of the network count.
pub struct Lnstat {
    dir: PathBuf,
    counts: Vec<Count>,
    columns: Vec<Vec<u8>>,
}

/// A number. Columns of several files may have one name, and a family must be in one piece.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Count {
    /// Which column, of all that have another name.
    column: usize,
    /// Which file.
    file: usize,
    cpu: u32,
    n: u64,
}

impl Collector for Lnstat {
    const NAME: &'static str = "lnstat";
    const ABOUT: &'static str = "Caches and tables of the network, CPU by CPU.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/1/net/stat")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [LNSTAT.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let dir = roots.net().join("stat");
        Ok(Self { dir, counts: Vec::new(), columns: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { dir, counts, columns } = self;
        counts.clear();
        let subsystems = names(dir)?;
        for (file, name) in subsystems.iter().enumerate() {
            let path = dir.join(String::from_utf8_lossy(name).as_ref());
            host.files.load_if_any(&path, |text| {
                each(text, |cpu, column, n| {
                    let known = columns.iter().position(|known| *known == column);
                    let column = known.unwrap_or_else(|| {
                        columns.push(column.into());
                        columns.len() - 1
                    });
                    counts.push(Count { column, file, cpu, n });
                })
            })?;
        }
        counts.sort_unstable();
        counts.dedup_by_key(|count| (count.column, count.file, count.cpu));
        for family in counts.chunk_by(|a, b| a.column == b.column) {
            let Some(column) = family.first().and_then(|first| columns.get(first.column)) else {
                continue;
            };
            let mut samples = text.pattern_family(&LNSTAT, column);
            for count in family {
                if let Some(subsystem) = subsystems.get(count.file) {
                    samples.sample((&**subsystem, count.cpu), count.n);
                }
            }
        }
        Ok(())
    }
}

/// Parses a line of names, then a line of hexadecimal numbers for each CPU:
///
/// ```text
/// entries  allocs   destroys hash_grows lookups  hits
/// 00000014  00000001 00000002 00000003 00000004 00000005
/// ```
fn each<'a>(text: &'a [u8], mut each: impl FnMut(u32, &'a [u8], u64)) -> Result<(), Malformed> {
    let mut lines = lines(text);
    let Some(names) = lines.next() else { return Ok(()) };
    for (cpu, mut line) in (0..).zip(lines) {
        let mut names: Line<'a> = names;
        while let Some(name) = names.field() {
            each(cpu, name, hex::field(&mut line, "a hexadecimal number for each name")?);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::collector::fixture::{Scraped, exposed};

    #[test]
    fn gathers_what_files_have_in_common() {
        let text = exposed::<Lnstat>("node-network", &[]);
        let expected = r#"# TYPE node_lnstat_entries_total counter
node_lnstat_entries_total{subsystem="arp_cache",cpu="0"} 20
node_lnstat_entries_total{subsystem="arp_cache",cpu="1"} 20
node_lnstat_entries_total{subsystem="ndisc_cache",cpu="0"} 36
node_lnstat_entries_total{subsystem="ndisc_cache",cpu="1"} 36
node_lnstat_entries_total{subsystem="nf_conntrack",cpu="0"} 300
node_lnstat_entries_total{subsystem="nf_conntrack",cpu="1"} 300
# TYPE node_lnstat_allocs_total counter
node_lnstat_allocs_total{subsystem="arp_cache",cpu="0"} 1
node_lnstat_allocs_total{subsystem="arp_cache",cpu="1"} 13
node_lnstat_allocs_total{subsystem="ndisc_cache",cpu="0"} 240
node_lnstat_allocs_total{subsystem="ndisc_cache",cpu="1"} 252
"#;
        assert!(text.starts_with(expected), "{text}");
        let last = r#"# TYPE node_lnstat_search_restart_total counter
node_lnstat_search_restart_total{subsystem="nf_conntrack",cpu="0"} 9
node_lnstat_search_restart_total{subsystem="nf_conntrack",cpu="1"} 255
"#;
        assert!(text.ends_with(last), "{text}");
        assert_eq!(text.lines().filter(|line| !line.starts_with('#')).count(), 2 * (13 + 13 + 17));
    }

    #[test]
    fn says_the_same_again() {
        let root = concat!(env!("CARGO_MANIFEST_DIR"), "/fixtures/node-network");
        let mut scraped = Scraped::<Lnstat>::new(root.as_ref(), &[]).unwrap();
        let first = scraped.after(Duration::ZERO).unwrap();
        assert_eq!(scraped.after(Duration::from_secs(15)).unwrap(), first);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = Malformed { line: 2, expected: "a hexadecimal number for each name" };
        assert_eq!(each(b"a b\n1\n", |_, _, _| ()), Err(wrong));
        assert_eq!(each(b"", |_, _, _| ()), Ok(()));
    }
}
