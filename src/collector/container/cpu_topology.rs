//! How the machine is laid out: its nodes of memory, cores, threads and caches. Looked at once a minute.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use super::machine::labels;
use crate::collector::aged::Aged;
use crate::collector::attribute::word;
use crate::collector::rows::Rows;
use crate::collector::topology::{Cpu, Topology};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, LabelBlock, Text, gauge};
use crate::files::{self, Error, Files, Result, Roots};
use crate::kernel::attribute::numbered;
use crate::kernel::cpulist::CpuList;
use crate::kernel::{decimal, lines};

static CACHES: Family<4> = gauge("machine_cpu_cache_capacity_bytes")
    .help("Bytes of a cache, of a core or, without its number, of a whole node.")
    .labels(["node_id", "core_id", "type", "level"]);

static SIBLINGS: Family<3> = gauge("machine_thread_siblings_count")
    .help("Threads of the core that a thread is of, itself included.")
    .labels(["node_id", "core_id", "thread_id"]);

static MEMORY: Family<1> = gauge("machine_node_memory_capacity_bytes")
    .help("Bytes of memory of a node.")
    .labels(["node_id"]);

static HUGEPAGES: Family<2> = gauge("machine_node_hugepages_count")
    .help("Huge pages of a node, by their size in KiB.")
    .labels(["node_id", "page_size"]);

static DISTANCE: Family<2> = gauge("machine_node_distance")
    .help("How far a node is from another; 10 is its own memory.")
    .labels(["node_id", "target_node_id"]);

/// Collects how the machine is laid out.
pub struct CpuTopology {
    roots: Roots,
    layout: Aged<Layout>,
}

/// Numbers and their labels.
#[derive(Debug, Default)]
struct Layout {
    labels: LabelBlock,
    caches: Rows<u64, 4>,
    siblings: Rows<u64, 3>,
    memory: Rows<u64, 1>,
    hugepages: Rows<u64, 2>,
    distances: Rows<u64, 2>,
}

impl Collector for CpuTopology {
    const NAME: &'static str = "container.cpu_topology";
    const ABOUT: &'static str =
        "Nodes, cores, threads and caches of the machine, by the names of cAdvisor.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/devices/system/cpu"),
        Need::Read("/sys/devices/system/node"),
        Need::Read("/etc/machine-id"),
        Need::Read("/proc/sys/kernel/random/boot_id"),
        Need::Read("/sys/class/dmi/id/product_uuid"),
        Need::Root("system_uuid"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [
            CACHES.descriptor(),
            SIBLINGS.descriptor(),
            MEMORY.descriptor(),
            HUGEPAGES.descriptor(),
            DISTANCE.descriptor(),
        ]
        .into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { roots: roots.clone(), layout: Aged::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { roots, layout } = self;
        let layout = layout.get(host.now, || Layout::read(roots, &mut host.files))?;
        let Layout { labels, caches, siblings, memory, hugepages, distances } = layout;
        write(&CACHES, labels, caches, text);
        write(&SIBLINGS, labels, siblings, text);
        write(&MEMORY, labels, memory, text);
        write(&HUGEPAGES, labels, hugepages, text);
        write(&DISTANCE, labels, distances, text);
        Ok(())
    }
}

fn write<const N: usize>(
    family: &'static Family<N>,
    labels: &LabelBlock,
    rows: &Rows<u64, N>,
    text: &mut Text,
) {
    let mut family = text.family(family);
    for (own, n) in rows.iter() {
        family.sample((labels, own.map(Option::unwrap_or_default)), *n);
    }
}

/// A core, by its socket and its number there.
type Place = (u32, u32);

impl Layout {
    fn read(roots: &Roots, files: &mut Files) -> Result<Self> {
        let topology = Topology::read(&roots.sys.join("devices/system/cpu"), files)?;
        let mut layout = Self { labels: labels(roots, files), ..Self::default() };
        let mut nodes = nodes(&roots.sys.join("devices/system/node"), files)?;
        if nodes.is_empty() {
            nodes.push(Node { number: "0".into(), dir: None, cpus: None });
        }
        for node in &nodes {
            layout.cores(node, &topology, files);
            if let Some(dir) = &node.dir {
                layout.node(node, dir, files)?;
            }
        }
        Ok(layout)
    }

    fn cores(&mut self, node: &Node, topology: &Topology, files: &mut Files) {
        let mut cores: BTreeMap<Place, Vec<&Cpu>> = BTreeMap::new();
        let here = |number| node.cpus.as_ref().is_none_or(|cpus| cpus.contains(number));
        for cpu in topology.cpus.iter().filter(|cpu| here(cpu.number)) {
            if let Some(place) = cpu.place {
                cores.entry(place).or_default().push(cpu);
            }
        }
        let all: usize = cores.values().map(Vec::len).sum();
        for ((_, core), threads) in &cores {
            let core = core.to_string();
            for thread in threads {
                let labels = [&*node.number, &core, &thread.number.to_string()];
                self.siblings
                    .push(labels.map(str::as_bytes), threads.len() as u64);
            }
            let Some(first) = threads.first() else { continue };
            for cache in caches(&first.dir.join("cache"), files) {
                // What some cores of a node share is neither a core's nor the node's.
                let core = match cache.level {
                    3.. if cache.threads == all => "",
                    ..=2 if cache.threads == threads.len() => &core,
                    _ => continue,
                };
                let level = cache.level.to_string();
                let [node, core, level] = [&*node.number, core, &level].map(str::as_bytes);
                self.caches
                    .push([node, core, &cache.kind, level], cache.bytes);
            }
        }
    }

    fn node(&mut self, node: &Node, dir: &Path, files: &mut Files) -> Result<()> {
        let number = node.number.as_bytes();
        if let Some(Some(bytes)) =
            files.load_if_any(&dir.join("meminfo"), |text| Ok(total(text)))?
        {
            self.memory.push([number], bytes);
        }
        if let Some(distances) = word(&dir.join("distance"), files) {
            let distances = distances.split(u8::is_ascii_whitespace).filter_map(decimal);
            for (target, distance) in distances.enumerate() {
                self.distances
                    .push([number, target.to_string().as_bytes()], distance);
            }
        }
        let dir = dir.join("hugepages");
        for name in files::names(&dir).unwrap_or_default() {
            let size = name
                .strip_prefix(b"hugepages-")
                .and_then(|name| name.strip_suffix(b"kB"));
            let pages = word(&files::below(&dir, &name).join("nr_hugepages"), files);
            if let (Some(size), Some(pages)) = (size, pages.as_deref().and_then(decimal)) {
                self.hugepages.push([number, size], pages);
            }
        }
        Ok(())
    }
}

/// A node of memory.
#[derive(Debug)]
struct Node {
    number: Box<str>,
    /// `None` on a machine that has no nodes.
    dir: Option<PathBuf>,
    /// `None` for all.
    cpus: Option<CpuList>,
}

fn nodes(dir: &Path, files: &mut Files) -> Result<Vec<Node>> {
    let names = match files::names(dir) {
        Err(Error::Absent(_)) => Vec::new(),
        names => names?,
    };
    let mut nodes = Vec::new();
    for name in names {
        let Some(number) = numbered(&name, b"node") else { continue };
        let dir = files::below(dir, &name);
        let cpus = files.load_if_any(&dir.join("cpulist"), CpuList::parse)?;
        let number = String::from_utf8_lossy(number).into();
        nodes.push(Node { number, dir: Some(dir), cpus: Some(cpus.unwrap_or_default()) });
    }
    Ok(nodes)
}

/// A cache that a thread uses.
#[derive(Debug, PartialEq, Eq)]
struct Cache {
    /// `Data`, `Instruction` or `Unified`.
    kind: Box<[u8]>,
    level: u64,
    bytes: u64,
    /// How many threads share it.
    threads: usize,
}

/// Those in `index0` and so on. What says half of what it should is none.
fn caches(dir: &Path, files: &mut Files) -> Vec<Cache> {
    let mut found = Vec::new();
    for name in files::names(dir).unwrap_or_default() {
        let dir = files::below(dir, &name);
        if numbered(&name, b"index").is_none() {
            continue;
        }
        let mut read = || {
            let threads = files
                .load(&dir.join("shared_cpu_list"), CpuList::parse)
                .ok()?;
            Some(Cache {
                kind: word(&dir.join("type"), files)?,
                level: decimal(&word(&dir.join("level"), files)?)?,
                bytes: bytes(&word(&dir.join("size"), files)?)?,
                threads: threads.iter().count(),
            })
        };
        found.extend(read());
    }
    found
}

/// `32K` or `2M`.
fn bytes(size: &[u8]) -> Option<u64> {
    let (digits, unit) = size.split_at(size.len().checked_sub(1)?);
    let unit = match unit {
        b"K" => 1 << 10,
        b"M" => 1 << 20,
        _ => return decimal(size),
    };
    decimal(digits)?.checked_mul(unit)
}

/// Bytes in `Node 0 MemTotal:       134182340 kB`.
fn total(text: &[u8]) -> Option<u64> {
    lines(text).find_map(|mut line| {
        let name = [line.field(), line.field(), line.field()]
            .into_iter()
            .nth(2)?;
        let kib = line.count("KiB").ok()?;
        (name == Some(b"MemTotal:"))
            .then(|| kib.checked_mul(1024))
            .flatten()
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn lays_out_nodes_cores_threads_and_caches() {
        let mut host = Trial::<CpuTopology>::new(
            &[],
            &[
                ("proc/sys/kernel/random/boot_id", "b\n"),
                ("sys/devices/system/node/node0/cpulist", "0-3\n"),
                ("sys/devices/system/node/node0/meminfo", "\nNode 0 MemTotal:       4 kB\n"),
                ("sys/devices/system/node/node0/distance", "10 21\n"),
                ("sys/devices/system/node/node0/hugepages/hugepages-2048kB/nr_hugepages", "7\n"),
                ("sys/devices/system/node/node1/cpulist", "\n"),
                ("sys/devices/system/node/possible", "0-1\n"),
            ],
        );
        for cpu in 0..4 {
            let dir = format!("sys/devices/system/cpu/cpu{cpu}");
            let core = cpu % 2;
            let l1 = [("level", "1"), ("type", "Data"), ("size", "32K")];
            let l2 = [("level", "2"), ("type", "Unified"), ("size", "1M")];
            let l3 = [("level", "3"), ("type", "Unified"), ("size", "30720K")];
            let shared = [format!("{core},{}", core + 2), "0-2".into(), "0-3".into()];
            for (index, (cache, shared)) in [l1, l2, l3].iter().zip(shared).enumerate() {
                let index = format!("{dir}/cache/index{index}");
                host.write(&format!("{index}/shared_cpu_list"), shared.as_bytes());
                for (name, text) in cache {
                    host.write(&format!("{index}/{name}"), text.as_bytes());
                }
            }
            for (name, id) in [("physical_package_id", 0), ("core_id", core)] {
                host.write(&format!("{dir}/topology/{name}"), format!("{id}\n").as_bytes());
            }
        }
        let expected = r#"machine_cpu_cache_capacity_bytes{boot_id="b",node_id="0",core_id="0",type="Data",level="1"} 32768
machine_cpu_cache_capacity_bytes{boot_id="b",node_id="0",core_id="",type="Unified",level="3"} 31457280
machine_cpu_cache_capacity_bytes{boot_id="b",node_id="0",core_id="1",type="Data",level="1"} 32768
machine_thread_siblings_count{boot_id="b",node_id="0",core_id="0",thread_id="0"} 2
machine_thread_siblings_count{boot_id="b",node_id="0",core_id="0",thread_id="2"} 2
machine_thread_siblings_count{boot_id="b",node_id="0",core_id="1",thread_id="1"} 2
machine_thread_siblings_count{boot_id="b",node_id="0",core_id="1",thread_id="3"} 2
machine_node_memory_capacity_bytes{boot_id="b",node_id="0"} 4096
machine_node_hugepages_count{boot_id="b",node_id="0",page_size="2048"} 7
machine_node_distance{boot_id="b",node_id="0",target_node_id="0"} 10
machine_node_distance{boot_id="b",node_id="0",target_node_id="1"} 21
"#;
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn reads_sizes() {
        let sizes =
            [&b"32K"[..], b"2M", b"7", b"", b"K", b"1G", b"99999999999999999999K"].map(bytes);
        assert_eq!(sizes, [Some(32768), Some(2 << 20), Some(7), None, None, None, None]);
        assert_eq!(total(b"Node 0 MemFree: 1 kB\nNode 0 MemTotal: x kB\n"), None);
    }
}
