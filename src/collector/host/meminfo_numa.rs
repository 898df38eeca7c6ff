//! Memory of each NUMA node, and where it was allocated.

use std::path::Path;

use crate::collector::attribute::Report;
use crate::collector::found::Found;
use crate::collector::sheet::Sheet;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Pattern, Text, counter, gauge};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::{number, numbered};
use crate::kernel::lines;

static MEMORY: Pattern<1> = gauge("node_memory_numa_<field>")
    .help("What the field of the node's meminfo says, in bytes where it is a size.")
    .pattern_by(["node"]);

static STATISTICS: Pattern<1> = counter("node_memory_numa_<field>_total")
    .help("What the field of the node's numastat says, in pages.")
    .pattern_by(["node"]);

/// Collects the memory of NUMA nodes.
pub struct MeminfoNuma {
    nodes: Found<Vec<Node>>,
    memory: Sheet<1>,
    statistics: Sheet<1>,
}

#[derive(Debug)]
struct Node {
    number: Box<[u8]>,
    memory: Report,
    statistics: Report,
}

impl Collector for MeminfoNuma {
    const NAME: &'static str = "meminfo_numa";
    const ABOUT: &'static str = "Memory of each NUMA node.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/devices/system/node")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [MEMORY.descriptor(), STATISTICS.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            nodes: Found::new(roots.sys.join("devices/system/node")),
            memory: Sheet::default(),
            statistics: Sheet::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { nodes, memory, statistics } = self;
        let nodes = nodes.get_if_any(host.now, find)?;
        memory.clear();
        statistics.clear();
        for node in nodes.into_iter().flatten() {
            memory.row([&node.number]);
            node.memory
                .read(|text| parse(text, |field, value| memory.put(field, value)), host);
            statistics.row([&node.number]);
            let put = |field: &[u8], value| statistics.put(field, value);
            node.statistics.read(|text| parse(text, put), host);
        }
        memory.write(&MEMORY, text);
        statistics.write(&STATISTICS, text);
        Ok(())
    }
}

fn find(dir: &Path) -> Result<Vec<Node>> {
    let mut nodes = Vec::new();
    for name in files::names(dir)? {
        if let Some(number) = numbered(&name, b"node") {
            let dir = files::below(dir, &name);
            nodes.push(Node {
                number: number.into(),
                memory: Report::new(dir.join("meminfo")),
                statistics: Report::new(dir.join("numastat")),
            });
        }
    }
    Ok(nodes)
}

/// Parses `Node 0 MemTotal:       134182340 kB` or `numa_hit 193460335812`, a field a line. A line
/// that is neither is passed over.
fn parse(text: &[u8], mut each: impl FnMut(&[u8], f64)) {
    for mut line in lines(text) {
        let mut field = line.field();
        if field == Some(b"Node") {
            line.field();
            field = line.field();
        }
        let (Some(field), Some(value)) = (field, line.field().and_then(number)) else { continue };
        let field = field.strip_suffix(b":").unwrap_or(field);
        match line.field() {
            None => each(field, value),
            Some(b"kB") => each(field, value * 1024.0),
            Some(_) => {}
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_where_memory_is() {
        expect::<MeminfoNuma>(&[], "meminfo_numa");
        expect_nothing::<MeminfoNuma>(&[]);
    }

    #[test]
    fn passes_over_what_it_does_not_understand() {
        let mut seen = Vec::new();
        let text =
            b"Node 0 Active(anon): 2 kB\n\nNode 0 HugePages_Free: 3\nNode 0 X: 4 MB\nNode 0\n\
                     numa_hit 5\nother_node\nlocal_node x\n";
        parse(text, |field, value| seen.push((field.to_vec(), value)));
        let expected =
            [(&b"Active(anon)"[..], 2048.0), (b"HugePages_Free", 3.0), (b"numa_hit", 5.0)];
        assert_eq!(seen, expected.map(|(field, value)| (field.to_vec(), value)));
    }
}
