//! EDAC: errors of memory that its controllers found.
//!
//! See [the kernel's documentation](https://docs.kernel.org/admin-guide/RAS/main.html).

use std::path::Path;

use crate::collector::attribute::{self, Attribute, Device, Number, word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, counter};
use crate::files::{self, Files, Result, Roots};
use crate::kernel::attribute::{number, numbered};

static CONTROLLERS: [Attribute<1>; 2] = [
    Attribute::new(
        "ce_count",
        number,
        counter("node_edac_correctable_errors_total")
            .help("Errors that were corrected, of the memory behind a controller.")
            .labels(["controller"]),
    ),
    Attribute::new(
        "ue_count",
        number,
        counter("node_edac_uncorrectable_errors_total")
            .help("Errors that could not be corrected, of the memory behind a controller.")
            .labels(["controller"]),
    ),
];

/// The row is `unknown` for errors of a controller that it could not ascribe to any.
static ROWS: [(&str, Family<2>); 2] = [
    (
        "ce",
        counter("node_edac_csrow_correctable_errors_total")
            .help("Errors that were corrected, of the memory in a row.")
            .labels(["controller", "csrow"]),
    ),
    (
        "ue",
        counter("node_edac_csrow_uncorrectable_errors_total")
            .help("Errors that could not be corrected, of the memory in a row.")
            .labels(["controller", "csrow"]),
    ),
];

static CHANNELS: [(&str, Family<4>); 2] = [
    (
        "ce",
        counter("node_edac_channel_correctable_errors_total")
            .help("Errors that were corrected, of the memory of a row on a channel.")
            .labels(["controller", "csrow", "channel", "dimm_label"]),
    ),
    (
        "ue",
        counter("node_edac_channel_uncorrectable_errors_total")
            .help("Errors that could not be corrected, of the memory of a row on a channel.")
            .labels(["controller", "csrow", "channel", "dimm_label"]),
    ),
];

/// Collects errors of memory.
pub struct Edac {
    found: Found<Controllers>,
}

#[derive(Debug, Default)]
struct Controllers {
    controllers: Vec<Device<1>>,
    rows: Vec<Errors<2>>,
    channels: Vec<Errors<4>>,
}

/// Errors of one thing: corrected, and not.
#[derive(Debug)]
struct Errors<const N: usize> {
    labels: [Box<[u8]>; N],
    counts: [Number; 2],
}

impl Collector for Edac {
    const NAME: &'static str = "edac";
    const ABOUT: &'static str = "Errors of memory.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/devices/system/edac")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&CONTROLLERS)
            .chain(ROWS.iter().map(|(_, family)| family.descriptor()))
            .chain(CHANNELS.iter().map(|(_, family)| family.descriptor()))
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("devices/system/edac/mc")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self
            .found
            .get_if_any(host.now, |dir| find(dir, &mut host.files))?;
        if let Some(Controllers { controllers, rows, channels }) = found {
            attribute::write(&CONTROLLERS, controllers, host, text);
            write(&ROWS, rows, host, text);
            write(&CHANNELS, channels, host, text);
        }
        Ok(())
    }
}

fn write<const N: usize>(
    families: &'static [(&str, Family<N>); 2],
    errors: &mut [Errors<N>],
    host: &mut Host,
    text: &mut Text,
) {
    for (which, (_, family)) in families.iter().enumerate() {
        let mut family = text.family(family);
        for Errors { labels, counts } in &mut *errors {
            let count = counts
                .get_mut(which)
                .and_then(|count| count.get(number, host));
            if let Some(count) = count {
                family.sample(labels.each_ref().map(|label| Some(&**label)), count);
            }
        }
    }
}

fn find(dir: &Path, files: &mut Files) -> Result<Controllers> {
    let mut found = Controllers::default();
    for name in files::names(dir)? {
        let Some(controller) = numbered(&name, b"mc") else { continue };
        let dir = files::below(dir, &name);
        found.rows.push(Errors {
            labels: [controller.into(), b"unknown"[..].into()],
            counts: ROWS
                .each_ref()
                .map(|(kind, _)| Number::new(dir.join(format!("{kind}_noinfo_count")))),
        });
        for name in files::names(&dir).unwrap_or_default() {
            let Some(row) = numbered(&name, b"csrow") else { continue };
            find_row(&files::below(&dir, &name), [controller, row], &mut found, files);
        }
        found.controllers.push(Device::new(dir, [controller]));
    }
    Ok(found)
}

fn find_row(dir: &Path, [controller, row]: [&[u8]; 2], found: &mut Controllers, files: &mut Files) {
    found.rows.push(Errors {
        labels: [controller.into(), row.into()],
        counts: ROWS
            .each_ref()
            .map(|(kind, _)| Number::new(dir.join(format!("{kind}_count")))),
    });
    for name in files::names(dir).unwrap_or_default() {
        let channel = name
            .strip_suffix(b"_ce_count")
            .and_then(|name| numbered(name, b"ch"));
        let Some(channel) = channel else { continue };
        let file = |kind: &str| {
            let channel = String::from_utf8_lossy(channel);
            dir.join(format!("ch{channel}_{kind}"))
        };
        let label = word(&file("dimm_label"), files);
        let label = label.map_or_else(|| "unknown".into(), |label| dimm(&label));
        found.channels.push(Errors {
            labels: [controller, row, channel, label.as_bytes()].map(Box::from),
            counts: CHANNELS
                .each_ref()
                .map(|(kind, _)| Number::new(file(&format!("{kind}_count")))),
        });
    }
}

/// `mc#0csrow#1channel#0` as `node_exporter` writes it: `mc0_csrow1_channel0`.
fn dimm(label: &[u8]) -> String {
    let label = String::from_utf8_lossy(label);
    let label = label.replace('#', "").replace("csrow", "_csrow");
    label.replace("channel", "_channel")
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_which_errors_there_were() {
        expect::<Edac>(&[], "edac");
        expect_nothing::<Edac>(&[]);
    }
}
