//! Bonds: network interfaces made of several.

use std::path::Path;

use crate::collector::attribute::Word;
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, gauge};
use crate::files::{self, Files, Result, Roots};
use crate::kernel::{Malformed, lines};

static BONDS: Table<Slaves, 1> = Table {
    labels: ["master"],
    metrics: &[
        gauge("node_bonding_slaves")
            .help("Interfaces the bond is made of.")
            .value(|s| count(s.all)),
        gauge("node_bonding_active")
            .help("Interfaces of the bond whose link is up.")
            .value(|s| count(s.up)),
    ],
};

/// The interfaces of a bond.
#[derive(Debug, Default)]
struct Slaves {
    all: u64,
    up: u64,
}

/// Collects the state of bonds.
pub struct Bonding {
    bonds: Found<Vec<Bond>>,
}

#[derive(Debug)]
struct Bond {
    name: Box<[u8]>,
    /// What is said of the link of each interface.
    links: Vec<Word>,
    slaves: Slaves,
}

impl Collector for Bonding {
    const NAME: &'static str = "bonding";
    const ABOUT: &'static str = "Network interfaces made of several.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/net")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        BONDS.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { bonds: Found::new(roots.sys.join("class/net/bonding_masters")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let bonds = self
            .bonds
            .get(host.now, |masters| find(masters, &mut host.files))?;
        for Bond { links, slaves, .. } in &mut *bonds {
            links.iter_mut().for_each(|link| link.refresh(host));
            let up = links.iter().filter(|link| link.get() == Some(b"up"));
            *slaves = Slaves { all: links.len() as u64, up: up.count() as u64 };
        }
        text.table(&BONDS, bonds.iter().map(|bond| (&*bond.name, &bond.slaves)));
        Ok(())
    }
}

fn find(masters: &Path, files: &mut Files) -> Result<Vec<Bond>> {
    let mut bonds = Vec::new();
    for name in files.load(masters, words)? {
        let dir = files::below(&masters.with_file_name(""), &name);
        let slaves = files
            .load_if_any(&dir.join("bonding/slaves"), words)?
            .unwrap_or_default();
        let link = |slave: &[u8]| {
            // Kernels before 2.6.39 said slave_eth0.
            let [lower, older] =
                [b"lower_", b"slave_"].map(|prefix| files::below(&dir, &[prefix, slave].concat()));
            let slave = if lower.exists() { lower } else { older };
            Word::live(slave.join("bonding_slave/mii_status"))
        };
        let links = slaves.iter().map(|slave| link(slave)).collect();
        bonds.push(Bond { links, name, slaves: Slaves::default() });
    }
    Ok(bonds)
}

/// Parses `bond0 bond1`.
fn words(text: &[u8]) -> Result<Vec<Box<[u8]>>, Malformed> {
    let words = lines(text).flat_map(|mut line| std::iter::from_fn(move || line.field()));
    Ok(words.map(Box::from).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_which_links_are_up() {
        expect::<Bonding>(&[], "bonding");
        expect_absent::<Bonding>(&[]);
    }
}
