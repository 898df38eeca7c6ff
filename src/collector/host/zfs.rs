//! ZFS: what its caches, pools and datasets did.
//!
//! See [the list of its parameters and statistics](https://openzfs.github.io/openzfs-docs/).

use std::path::{Path, PathBuf};

use crate::collector::found::Found;
use crate::collector::sheet::Sheet;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Pattern, Text, gauge, untyped};
use crate::files::{self, Error, Kept, Result, Roots};
use crate::kernel::attribute::number;
use crate::kernel::{Line, Malformed, lines};

static MODULES: Pattern = untyped("node_zfs_<module_and_field>")
    .help("What the field of that module's statistics says.")
    .pattern();

static POOLS: Pattern<1> = untyped("node_zfs_zpool_<field>")
    .help("What the field of the pool's I/O statistics says.")
    .pattern_by(["zpool"]);

static DATASETS: Pattern<2> = untyped("node_zfs_zpool_dataset_<field>")
    .help("What the field of the dataset's statistics says.")
    .pattern_by(["zpool", "dataset"]);

static STATE: Family<2> = gauge("node_zfs_zpool_state")
    .help("Whether the pool is in this state.")
    .labels(["zpool", "state"]);

const STATES: [&str; 7] =
    ["online", "degraded", "faulted", "offline", "removed", "unavail", "suspended"];

/// The file of each module, and what its families begin with.
const FILES: [(&str, &str); 11] = [
    ("abdstats", "abd_"),
    ("arcstats", "arc_"),
    ("dbufstats", "dbuf_"),
    ("dmu_tx", "dmu_tx_"),
    ("dnodestats", "dnode_"),
    ("fm", "fm_"),
    ("vdev_cache_stats", "vdev_cache_"),
    ("vdev_mirror_stats", "vdev_mirror_"),
    ("xuio_stats", "xuio_"),
    ("zfetchstats", "zfetch_"),
    ("zil", "zil_"),
];

/// Collects what ZFS did.
pub struct Zfs {
    found: Found<Files>,
    pools: Sheet<1>,
    datasets: Sheet<2>,
    /// Where names of fields are put together.
    field: Vec<u8>,
    state: Vec<u8>,
}

/// Files that were there when last looked.
#[derive(Debug, Default)]
struct Files {
    modules: Vec<(Kept, &'static str)>,
    pools: Vec<Pool>,
}

#[derive(Debug)]
struct Pool {
    name: Box<[u8]>,
    io: PathBuf,
    state: PathBuf,
    objsets: Vec<PathBuf>,
}

impl Collector for Zfs {
    const NAME: &'static str = "zfs";
    const ABOUT: &'static str = "Caches, pools and datasets of ZFS.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/spl/kstat/zfs")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [MODULES.descriptor(), POOLS.descriptor(), DATASETS.descriptor(), STATE.descriptor()]
            .into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            found: Found::new(roots.proc.join("spl/kstat/zfs")),
            pools: Sheet::default(),
            datasets: Sheet::default(),
            field: Vec::new(),
            state: Vec::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { found, pools, datasets, field, state } = self;
        let Files { modules, pools: present } = found.get(host.now, find)?;
        for (file, prefix) in modules {
            let each = |name: &[u8], value| {
                field.clear();
                field.extend_from_slice(prefix.as_bytes());
                field.extend_from_slice(name);
                text.pattern(&MODULES, field, value);
            };
            pass_over(host.files.load_kept(file, |text| statistics(text, each)))?;
        }
        pools.clear();
        datasets.clear();
        for pool in &*present {
            let read = |text: &_| io(text, &pool.name, pools);
            pass_over(host.files.load_records(&pool.io, read))?;
            for objset in &pool.objsets {
                let read = |text: &_| dataset(text, &pool.name, datasets);
                pass_over(host.files.load_records(objset, read))?;
            }
        }
        pools.write(&POOLS, text);
        datasets.write(&DATASETS, text);
        let mut family = text.family(&STATE);
        for pool in present {
            let read = |text: &[u8]| {
                state.clear();
                state.extend(text.trim_ascii().iter().map(u8::to_ascii_lowercase));
                Ok(())
            };
            if host.files.load_if_any(&pool.state, read)?.is_some() {
                for name in STATES {
                    family.sample((&*pool.name, name), **state == *name.as_bytes());
                }
            }
        }
        Ok(())
    }
}

/// A pool that was exported, and a module that was taken out, are no failure.
fn pass_over(result: Result<()>) -> Result<()> {
    match result {
        Err(Error::Absent(_)) => Ok(()),
        result => result,
    }
}

fn find(dir: &Path) -> Result<Files> {
    let mut found = Files::default();
    for (file, prefix) in FILES {
        let path = dir.join(file);
        if path.exists() {
            found.modules.push((Kept::new(path), prefix));
        }
    }
    for name in files::names(dir)? {
        let dir = files::below(dir, &name);
        let Ok(mut entries) = files::names(&dir) else { continue };
        entries.retain(|entry| entry.starts_with(b"objset-"));
        let objsets = entries
            .iter()
            .map(|entry| files::below(&dir, entry))
            .collect();
        found
            .pools
            .push(Pool { name, io: dir.join("io"), state: dir.join("state"), objsets });
    }
    Ok(found)
}

/// Parses two lines of headings, then a number a line: `hits 4 8772612`. The second word is the type;
/// 3 and 4 are numbers of 64 bits, and the others are passed over.
fn statistics(text: &[u8], mut each: impl FnMut(&[u8], f64)) -> Result<(), Malformed> {
    for (name, kind, mut line) in fields(text)? {
        if matches!(kind, b"3" | b"4") {
            let value = line.field().and_then(number);
            each(name, value.ok_or(line.malformed("a number"))?);
        }
    }
    Ok(())
}

/// Parses the same of a dataset, with its name: `dataset_name 7 tank/home`.
fn dataset(text: &[u8], pool: &[u8], datasets: &mut Sheet<2>) -> Result<(), Malformed> {
    let name = fields(text)?.find(|(name, ..)| *name == b"dataset_name");
    // A name may have blanks in it.
    let name = name
        .map(|(.., line)| line.rest())
        .filter(|name| !name.is_empty());
    let Some(name) = name else { return Ok(()) };
    datasets.row([pool, name]);
    for (name, kind, mut line) in fields(text)? {
        if kind == b"4" {
            let value = line.field().and_then(number);
            datasets.put(name, value.ok_or(line.malformed("a number"))?);
        }
    }
    Ok(())
}

/// Lines after the headings: a name, a type, and the rest.
fn fields(text: &[u8]) -> Result<impl Iterator<Item = (&[u8], &[u8], Line<'_>)>, Malformed> {
    let mut lines = lines(text);
    let heading = |mut line: Line<'_>| {
        let words = [line.field(), line.field(), line.field(), line.field()];
        words == [Some(&b"name"[..]), Some(b"type"), Some(b"data"), None]
    };
    lines
        .find(|line| heading(*line))
        .ok_or(Malformed { line: 1, expected: "name type data" })?;
    Ok(lines.filter_map(|mut line| Some((line.field()?, line.field()?, line))))
}

/// Parses a line of headings that begins with `nread`, and the line of numbers after it.
fn io(text: &[u8], pool: &[u8], pools: &mut Sheet<1>) -> Result<(), Malformed> {
    let mut lines = lines(text);
    let headings = lines.find(|line| line.rest().starts_with(b"nread"));
    let (Some(mut headings), Some(mut numbers)) = (headings, lines.next()) else { return Ok(()) };
    pools.row([pool]);
    while let Some(heading) = headings.field() {
        let value = numbers.field().and_then(number);
        pools.put(heading, value.ok_or(numbers.malformed("a number for each heading"))?);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_zfs_did() {
        expect::<Zfs>(&[], "zfs");
        expect_absent::<Zfs>(&[]);
    }

    #[test]
    fn reads_numbers_of_64_bits_alone() {
        let mut seen = Vec::new();
        let text = b"13 1 0x01 86 4128 4711 4712\nname                            type data\n\
                     hits                            4    18446744073709551615\n\
                     memory_available_bytes          3    -922337203685477580\n\
                     text 7 hello\nshort 4\n";
        let text = text.strip_suffix(b"short 4\n").unwrap();
        statistics(text, |name, value| seen.push((name.to_vec(), value))).unwrap();
        let expected = [
            (b"hits".to_vec(), u64::MAX as f64),
            (b"memory_available_bytes".to_vec(), -922_337_203_685_477_580.0),
        ];
        assert_eq!(seen, expected);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text: &[u8]| statistics(text, |_, _| {}).unwrap_err().to_string();
        assert_eq!(wrong(b"hits 4 1\n"), "line 1: name type data expected");
        assert_eq!(wrong(b"name type data\nhits 4\n"), "line 2: a number expected");
        let wrong = io(b"nread reads\n1\n", b"tank", &mut Sheet::default()).unwrap_err();
        assert_eq!(wrong.to_string(), "line 2: a number for each heading expected");
    }
}
