//! Which NUMA nodes the memory of each container is on.

use super::read_each;
use crate::cgroup::{Amount, Numa, Scope};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Result, Roots};
use crate::system::page_size;

static PAGES: Family<3> = gauge("container_memory_numa_pages")
    .help("Pages of memory on a node, of the group alone (cgroup v1) and with its descendants.")
    .labels(["type", "scope", "node"]);

/// Collects the nodes of memory.
pub struct MemoryNuma {
    page_size: u64,
    rows: Vec<Option<()>>,
    numbers: Vec<Numa>,
    /// Where the numbers of each row end.
    ends: Vec<usize>,
}

impl Collector for MemoryNuma {
    const NAME: &'static str = "container.memory_numa";
    const ABOUT: &'static str = "Memory of each container by the NUMA node it is on.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/cgroup"), Need::Read("/proc/1/mountinfo")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [PAGES.descriptor()].into_iter()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        let (rows, numbers, ends) = (Vec::new(), Vec::new(), Vec::new());
        Ok(Self { page_size: page_size(), rows, numbers, ends })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { page_size, rows, numbers, ends } = self;
        numbers.clear();
        ends.clear();
        read_each(host, rows, |container, files| {
            let start = numbers.len();
            let read = container.cgroup.numa(numbers, files);
            if read.is_err() {
                numbers.truncate(start);
            }
            ends.push(numbers.len());
            read.map(|()| None)
        })?;
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let mut family = text.family(&PAGES);
        let mut start = 0;
        for (container, &end) in containers.rows().iter().zip(&*ends) {
            let numbers = numbers.get(start..end).unwrap_or_default();
            start = end;
            for (i, number) in numbers.iter().enumerate() {
                let same = |other: &&Numa| {
                    (other.kind, other.scope, other.node)
                        == (number.kind, number.scope, number.node)
                };
                if numbers.iter().take(i).any(|other| same(&other)) {
                    continue; // No sample is written twice, whatever the file says.
                }
                let scope = match number.scope {
                    Scope::Group => "container",
                    Scope::Hierarchy => "hierarchy",
                };
                let pages = match number.amount {
                    Amount::Pages(pages) => pages,
                    Amount::Bytes(bytes) => bytes / (*page_size).max(1),
                };
                let mut node = itoa::Buffer::new();
                let labels = [number.kind, scope, node.format(number.node)];
                family.sample((&container.labels, labels), pages);
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn says_where_memory_is_on_version_1() {
        let tree = [
            ("proc/1/mountinfo", "36 32 0:31 / /sys/fs/cgroup rw - cgroup cgroup rw,memory\n"),
            (
                "sys/fs/cgroup/a/memory.numa_stat",
                "file=5 N0=3 N1=2\nfile=5 N0=9\nhierarchical_anon=4 N0=4\n",
            ),
            ("sys/fs/cgroup/b/memory.numa_stat", "anon=5 N0=3\nanon=5 N0=x\n"),
            ("sys/fs/cgroup/c/memory.numa_stat", "unevictable=1 N0=1\n"),
        ];
        let mut host = Trial::<MemoryNuma>::new(&[], &tree).contained();
        let expected = r#"container_memory_numa_pages{id="/a",type="file",scope="container",node="0"} 3
container_memory_numa_pages{id="/a",type="file",scope="container",node="1"} 2
container_memory_numa_pages{id="/a",type="anon",scope="hierarchy",node="0"} 4
container_memory_numa_pages{id="/c",type="unevictable",scope="container",node="0"} 1
"#;
        assert_eq!(host.collect().unwrap(), expected);
        assert_eq!(host.host.failures.count, 1);
    }

    #[test]
    fn counts_bytes_of_version_2_in_pages() {
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("sys/fs/cgroup/a/memory.numa_stat", "anon N0=12288 N1=8192\nslab N0=1\n"),
        ];
        let mut host = Trial::<MemoryNuma>::new(&[], &tree).contained();
        host.collector.page_size = 4096;
        let expected = r#"container_memory_numa_pages{id="/a",type="anon",scope="hierarchy",node="0"} 3
container_memory_numa_pages{id="/a",type="anon",scope="hierarchy",node="1"} 2
"#;
        assert_eq!(host.collect().unwrap(), expected);
    }
}
