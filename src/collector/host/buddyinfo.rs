//! `/proc/buddyinfo`: free blocks of memory by size, which tells how fragmented it is.

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, lines};

static BLOCKS: Family<3> = gauge("node_buddyinfo_blocks")
    .help("Free blocks of 2^size pages.")
    .labels(["node", "zone", "size"]);

/// Collects how many blocks are free.
pub struct Buddyinfo {
    file: Kept,
}

impl Collector for Buddyinfo {
    const NAME: &'static str = "buddyinfo";
    const ABOUT: &'static str = "Free blocks of memory, by size.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/buddyinfo")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [BLOCKS.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { file: Kept::new(roots.proc.join("buddyinfo")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let mut family = text.family(&BLOCKS);
        let write = |node: &[u8], zone: &[u8], order: usize, blocks| {
            let mut size = itoa::Buffer::new();
            let size = size.format(order).as_bytes();
            family.sample([node, zone, size].map(Some), blocks);
        };
        host.files
            .load_kept(&mut self.file, |text| each(text, write))
    }
}

/// Parses `Node 0, zone      DMA      1      0      1`, a zone a line: how many blocks of each order.
fn each(text: &[u8], mut each: impl FnMut(&[u8], &[u8], usize, u64)) -> Result<(), Malformed> {
    for mut line in lines(text) {
        let malformed = line.malformed("Node 0, zone and its name");
        let node = match (line.field(), line.field()) {
            (Some(b"Node"), Some(node)) => node.strip_suffix(b",").unwrap_or(node),
            _ => return Err(malformed),
        };
        let (Some(b"zone"), Some(zone)) = (line.field(), line.field()) else {
            return Err(malformed);
        };
        let mut order = 0;
        while let Some(blocks) = line.newer_count("a number of blocks")? {
            each(node, zone, order, blocks);
            order += 1;
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_many_blocks_are_free() {
        expect::<Buddyinfo>(&[], "buddyinfo");
        expect_absent::<Buddyinfo>(&[]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text: &[u8]| each(text, |_, _, _, _| {}).unwrap_err().to_string();
        assert_eq!(wrong(b"Node 0, zoo DMA 1\n"), "line 1: Node 0, zone and its name expected");
        assert_eq!(wrong(b"Node 0, zone DMA x\n"), "line 1: a number of blocks expected");
    }
}
