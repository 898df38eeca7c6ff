//! Huge pages of each container, by their size.

use std::path::Path;

use super::read_each;
use crate::cgroup;
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, counter, gauge};
use crate::files::{self, Result, Roots};
use crate::kernel::decimal;

static HUGETLB: Table<cgroup::Hugetlb, 1> = Table {
    labels: ["pagesize"],
    metrics: &[
        counter("container_hugetlb_failcnt")
            .help("How often huge pages were refused because of the group's limit.")
            .value(|h| count(h.failcnt)),
        gauge("container_hugetlb_usage_bytes")
            .help("Bytes of huge pages reserved or, before Linux 5.7, in use.")
            .value(|h| count(h.usage)),
        gauge("container_hugetlb_max_usage_bytes")
            .help("The most bytes of huge pages that ever were; cgroup v1 alone.")
            .value(|h| count(h.peak)),
    ],
};

/// Collects huge pages.
pub struct Hugetlb {
    sizes: Found<Vec<Size>>,
    rows: Vec<Option<()>>,
    /// Place in the list of rows, place in the list of sizes, what was found.
    found: Vec<(usize, usize, cgroup::Hugetlb)>,
}

/// A size of pages, in the words of control groups: `2MB`.
#[derive(Debug, PartialEq, Eq)]
struct Size(String);

impl Collector for Hugetlb {
    const NAME: &'static str = "container.hugetlb";
    const ABOUT: &'static str = "Huge pages of each container.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/sys/kernel/mm/hugepages"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        HUGETLB.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let sizes = Found::new(roots.sys.join("kernel/mm/hugepages"));
        Ok(Self { sizes, rows: Vec::new(), found: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { sizes, rows, found } = self;
        let sizes = sizes.get(host.now, sizes_below)?;
        found.clear();
        let mut row = 0;
        read_each(host, rows, |container, files| {
            row += 1;
            for (at, Size(size)) in sizes.iter().enumerate() {
                if let Some(pages) = container.cgroup.hugetlb(size, files)? {
                    found.push((row - 1, at, pages));
                }
            }
            Ok(None)
        })?;
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let containers = containers.rows();
        let named = found.iter().filter_map(|(row, size, pages)| {
            let Size(size) = sizes.get(*size)?;
            Some(((&containers.get(*row)?.labels, size), pages))
        });
        text.table(&HUGETLB, named);
        Ok(())
    }
}

fn sizes_below(dir: &Path) -> Result<Vec<Size>> {
    Ok(files::names(dir)?
        .iter()
        .filter_map(|name| size(name))
        .collect())
}

/// `hugepages-2048kB`, as sysfs says it, is `2MB`.
fn size(name: &[u8]) -> Option<Size> {
    let kib = decimal(name.strip_prefix(b"hugepages-")?.strip_suffix(b"kB")?)?;
    Some(Size(match kib {
        1_048_576.. => format!("{}GB", kib >> 20),
        1024.. => format!("{}MB", kib >> 10),
        _ => format!("{kib}KB"),
    }))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn names_sizes_as_control_groups_do() {
        let sizes =
            ["hugepages-64kB", "hugepages-2048kB", "hugepages-1048576kB", "x", "hugepages-kB"];
        let [small, usual, large, none, wrong] = sizes.map(|name| size(name.as_bytes()));
        assert_eq!([small, usual, large].map(|s| s.unwrap().0), ["64KB", "2MB", "1GB"]);
        assert_eq!([none, wrong], [None, None]);
    }

    #[test]
    fn prefers_what_is_reserved() {
        let tree = [
            (
                "proc/1/mountinfo",
                "36 32 0:31 / /sys/fs/cgroup rw - cgroup cgroup rw,memory,hugetlb\n",
            ),
            ("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n"),
            ("sys/kernel/mm/hugepages/hugepages-1048576kB/nr_hugepages", "0\n"),
            ("sys/fs/cgroup/a/hugetlb.2MB.rsvd.usage_in_bytes", "4194304\n"),
            ("sys/fs/cgroup/a/hugetlb.2MB.rsvd.max_usage_in_bytes", "6291456\n"),
            ("sys/fs/cgroup/a/hugetlb.2MB.rsvd.failcnt", "3\n"),
            ("sys/fs/cgroup/a/hugetlb.2MB.usage_in_bytes", "1\n"),
            ("sys/fs/cgroup/a/hugetlb.1GB.usage_in_bytes", "0\n"),
        ];
        let mut host = Trial::<Hugetlb>::new(&[], &tree).contained();
        let expected = r#"container_hugetlb_failcnt{id="/a",pagesize="2MB"} 3
container_hugetlb_usage_bytes{id="/a",pagesize="1GB"} 0
container_hugetlb_usage_bytes{id="/a",pagesize="2MB"} 4194304
container_hugetlb_max_usage_bytes{id="/a",pagesize="2MB"} 6291456
"#;
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn reads_version_2_and_counts_what_is_broken() {
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("sys/kernel/mm/hugepages/hugepages-2048kB/nr_hugepages", "0\n"),
            ("sys/fs/cgroup/a/hugetlb.2MB.current", "4194304\n"),
            ("sys/fs/cgroup/a/hugetlb.2MB.events", "max 5\n"),
            ("sys/fs/cgroup/b/hugetlb.2MB.current", "x\n"),
        ];
        let mut host = Trial::<Hugetlb>::new(&[], &tree).contained();
        let expected = r#"container_hugetlb_failcnt{id="/a",pagesize="2MB"} 5
container_hugetlb_usage_bytes{id="/a",pagesize="2MB"} 4194304
"#;
        assert_eq!(host.collect().unwrap(), expected);
        assert_eq!(host.host.failures.count, 1);
    }
}
