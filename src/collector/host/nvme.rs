//! NVMe: controllers and their namespaces, which on EC2 are EBS volumes and instance stores.

use std::path::Path;

use crate::collector::attribute::{Number, Word, word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, gauge, info, sectors};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::numbered;
use crate::kernel::decimal;

static INFO: Family<6> = info("node_nvme_info")
    .help("What a controller says of itself, as labels.")
    .labels(["device", "firmware_revision", "model", "serial", "state", "cntlid"]);

static NAMESPACE_INFO: Family<3> = info("node_nvme_namespace_info")
    .help("How a namespace can be reached, as a label.")
    .labels(["device", "nsid", "ana_state"]);

/// The kernel counts the size in 512 bytes whatever the namespace's own blocks are; the use, since
/// Linux 6.8, in those blocks.
static NAMESPACES: Table<Size, 2> = Table {
    labels: ["device", "nsid"],
    metrics: &[
        gauge("node_nvme_namespace_capacity_bytes")
            .help("Bytes a namespace holds.")
            .value(|s| sectors(s.sectors)),
        gauge("node_nvme_namespace_size_bytes")
            .help("Bytes a namespace holds; the same number again.")
            .value(|s| sectors(s.sectors)),
        gauge("node_nvme_namespace_used_bytes")
            .help("Bytes of a namespace that are in use, as its device sees it.")
            .value(|s| count(s.used_blocks?.saturating_mul(s.block_bytes?))),
        gauge("node_nvme_namespace_logical_block_size_bytes")
            .help("Bytes in a block of a namespace.")
            .value(|s| count(s.block_bytes)),
    ],
};

/// How large a namespace is. A number that is `None` could not be read.
#[derive(Debug, Default)]
struct Size {
    sectors: Option<u64>,
    used_blocks: Option<u64>,
    block_bytes: Option<u64>,
}

/// Collects what NVMe controllers say.
pub struct Nvme {
    found: Found<Controllers>,
}

#[derive(Debug, Default)]
struct Controllers {
    controllers: Vec<Controller>,
    namespaces: Vec<Namespace>,
}

#[derive(Debug)]
struct Controller {
    name: Box<[u8]>,
    /// In the order of the labels.
    words: [Word; 5],
}

#[derive(Debug)]
struct Namespace {
    controller: Box<[u8]>,
    id: Box<[u8]>,
    /// Whether the path to it is the best, since it may have several.
    state: Word,
    sectors: Number,
    used_blocks: Number,
    size: Size,
}

impl Collector for Nvme {
    const NAME: &'static str = "nvme";
    const ABOUT: &'static str = "NVMe controllers and namespaces.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/nvme")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor(), NAMESPACE_INFO.descriptor()]
            .into_iter()
            .chain(NAMESPACES.descriptors())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("class/nvme")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Controllers { controllers, namespaces } =
            self.found.get(host.now, |dir| find(dir, host))?;
        let mut family = text.family(&INFO);
        for controller in controllers {
            controller
                .words
                .iter_mut()
                .for_each(|word| word.refresh(host));
            let [firmware, model, serial, state, id] = controller.words.each_ref().map(Word::get);
            family.sample([Some(&*controller.name), firmware, model, serial, state, id], 1.0);
        }
        let mut family = text.family(&NAMESPACE_INFO);
        for namespace in &mut *namespaces {
            namespace.read(host);
            let state = namespace.state.get().unwrap_or(b"unknown");
            family.sample((&*namespace.controller, &*namespace.id, state), 1.0);
        }
        text.table(
            &NAMESPACES,
            namespaces
                .iter()
                .map(|n| ((&*n.controller, &*n.id), &n.size)),
        );
        Ok(())
    }
}

impl Namespace {
    fn read(&mut self, host: &mut Host) {
        self.state.refresh(host);
        let number = |text: &[u8]| decimal(text.trim_ascii());
        self.size.sectors = self.sectors.get(number, host);
        self.size.used_blocks = self.used_blocks.get(number, host);
    }
}

fn find(dir: &Path, host: &mut Host) -> Result<Controllers> {
    let mut found = Controllers::default();
    for name in files::names(dir)? {
        let dir = files::below(dir, &name);
        for entry in files::names(&dir).unwrap_or_default() {
            let Some(id) = namespace_id(&entry) else { continue };
            let dir = files::below(&dir, &entry);
            let block = word(&dir.join("queue/logical_block_size"), &mut host.files);
            let block_bytes = block.as_deref().and_then(decimal);
            found.namespaces.push(Namespace {
                controller: name.clone(),
                id: id.into(),
                state: Word::live(dir.join("ana_state")),
                sectors: Number::new(dir.join("size")),
                used_blocks: Number::new(dir.join("nuse")),
                size: Size { block_bytes, ..Size::default() },
            });
        }
        let mut fixed = |file| Word::fixed(dir.join(file), host);
        let words = [
            fixed("firmware_rev"),
            fixed("model"),
            fixed("serial"),
            Word::live(dir.join("state")),
            fixed("cntlid"),
        ];
        found.controllers.push(Controller { name, words });
    }
    Ok(found)
}

/// The `1` of `nvme0n1`, or `None` for what is no namespace, such as its path `nvme0c0n1`.
fn namespace_id(name: &[u8]) -> Option<&[u8]> {
    let rest = name.strip_prefix(b"nvme")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let (controller, rest) = rest.split_at(digits);
    if controller.is_empty() { None } else { numbered(rest, b"n") }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_there_is() {
        expect::<Nvme>(&[], "nvme");
        expect_absent::<Nvme>(&[]);
    }

    #[test]
    fn knows_namespaces_from_other_directories() {
        assert_eq!(namespace_id(b"nvme10n12"), Some(&b"12"[..]));
        let others = ["nvme0c0n1", "nvmen1", "nvme0n", "hwmon1", "power", "ng0n1"];
        assert_eq!(others.map(|name| namespace_id(name.as_bytes())), [None; 6]);
    }
}
