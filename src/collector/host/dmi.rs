//! What the firmware says of the machine, once and for all. On EC2 the asset tag of the board is the
//! instance's id.

use std::path::{Path, PathBuf};

use crate::collector::absent::Absent;
use crate::collector::attribute::word;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, info};
use crate::files::{self, Files, Result, Roots};

/// The label of each file. Serial numbers are for root alone: for others their labels are absent.
const LABELS: [(&str, &str); 20] = [
    ("bios_date", "bios_date"),
    ("bios_release", "bios_release"),
    ("bios_vendor", "bios_vendor"),
    ("bios_version", "bios_version"),
    ("board_asset_tag", "board_asset_tag"),
    ("board_name", "board_name"),
    ("board_serial", "board_serial"),
    ("board_vendor", "board_vendor"),
    ("board_version", "board_version"),
    ("chassis_asset_tag", "chassis_asset_tag"),
    ("chassis_serial", "chassis_serial"),
    ("chassis_vendor", "chassis_vendor"),
    ("chassis_version", "chassis_version"),
    ("product_family", "product_family"),
    ("product_name", "product_name"),
    ("product_serial", "product_serial"),
    ("product_sku", "product_sku"),
    ("product_uuid", "product_uuid"),
    ("product_version", "product_version"),
    ("sys_vendor", "system_vendor"),
];

static INFO: Family<20> = info("node_dmi_info")
    .help("What the firmware says of the machine, as labels.")
    .labels(labels());

const fn labels() -> [&'static str; 20] {
    let mut labels = [""; 20];
    let mut rest: (&[(&str, &'static str)], &mut [&'static str]) = (&LABELS, &mut labels);
    while let ([(_, from), files @ ..], [to, labels @ ..]) = rest {
        *to = from;
        rest = (files, labels);
    }
    labels
}

/// Collects what the firmware says of the machine.
pub struct Dmi {
    dir: PathBuf,
    absent: Absent,
    words: Option<Words>,
}

/// What each file says, in the order of [`LABELS`].
type Words = [Option<Box<[u8]>>; 20];

impl Collector for Dmi {
    const NAME: &'static str = "dmi";
    const ABOUT: &'static str = "What the firmware says of the machine.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/sys/class/dmi/id"), Need::Root("serial numbers and UUIDs")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor()].into_iter()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let dir = roots.sys.join("class/dmi/id");
        Ok(Self { dir, absent: Absent::default(), words: None })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let words = match &mut self.words {
            Some(words) => words,
            words => {
                let read = || read(&self.dir, &mut host.files);
                words.insert(self.absent.look(host.now, read)?)
            }
        };
        text.family(&INFO)
            .sample(words.each_ref().map(Option::as_deref), 1.0);
        Ok(())
    }
}

fn read(dir: &Path, files: &mut Files) -> Result<Words> {
    files::names(dir)?;
    Ok(LABELS.map(|(file, _)| word(&dir.join(file), files)))
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_is_readable() {
        expect::<Dmi>(&[], "dmi");
        expect_absent::<Dmi>(&[]);
    }
}
