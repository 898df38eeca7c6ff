//! Graphics cards: how busy they are. As with `node_exporter`, only those of AMD.
//!
//! See [the kernel's documentation](https://docs.kernel.org/gpu/amdgpu/index.html).

use std::path::Path;

use crate::collector::attribute::{self, Attribute, Device, Word, word};
use crate::collector::found::Found;
use crate::collector::host::hwmon;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge, info};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::{number, numbered};

static NUMBERS: [Attribute<1>; 7] = [
    at(
        "gpu_busy_percent",
        "node_drm_gpu_busy_percent",
        "Per cent of the time that the card is busy.",
    ),
    at(
        "mem_info_gtt_total",
        "node_drm_memory_gtt_size_bytes",
        "Bytes of the host's memory that the card can use.",
    ),
    at(
        "mem_info_gtt_used",
        "node_drm_memory_gtt_used_bytes",
        "Bytes of the host's memory that the card uses.",
    ),
    at(
        "mem_info_vis_vram_total",
        "node_drm_memory_vis_vram_size_bytes",
        "Bytes of the card's memory that the host can see.",
    ),
    at(
        "mem_info_vis_vram_used",
        "node_drm_memory_vis_vram_used_bytes",
        "Bytes of the card's memory that the host can see and that are used.",
    ),
    at("mem_info_vram_total", "node_drm_memory_vram_size_bytes", "Bytes of the card's memory."),
    at(
        "mem_info_vram_used",
        "node_drm_memory_vram_used_bytes",
        "Bytes of the card's memory that are used.",
    ),
];

const fn at(file: &'static str, name: &'static str, help: &'static str) -> Attribute<1> {
    Attribute::new(file, number, gauge(name).help(help).labels(["card"]))
}

static INFO: Family<6> = info("node_drm_card_info")
    .help("What a card says of itself, as labels.")
    .labels(["card", "memory_vendor", "power_performance_level", "unique_id", "chip", "vendor"]);

/// Collects how busy graphics cards are.
pub struct Drm {
    found: Found<Cards>,
}

#[derive(Debug, Default)]
struct Cards {
    devices: Vec<Device<1>>,
    /// Of each device, in the order of the labels.
    words: Vec<[Word; 3]>,
    /// What `hwmon` calls each, if it has a name.
    chips: Vec<Option<Box<[u8]>>>,
}

impl Collector for Drm {
    const NAME: &'static str = "drm";
    const ABOUT: &'static str = "How busy graphics cards of AMD are.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/drm")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&NUMBERS).chain([INFO.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("class/drm")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self.found.get_if_any(host.now, |dir| find(dir, host))?;
        let Some(Cards { devices, words, chips }) = found else { return Ok(()) };
        let mut family = text.family(&INFO);
        for ((device, words), chip) in devices.iter().zip(words).zip(chips) {
            words.iter_mut().for_each(|word| word.refresh(host));
            let [memory, level, id] = words
                .each_ref()
                .map(|word| Some(word.get().unwrap_or_default()));
            let [card] = device.labels();
            family.sample([card, memory, level, id, chip.as_deref(), Some(b"amd")], 1.0);
        }
        attribute::write(&NUMBERS, devices, host, text);
        Ok(())
    }
}

fn find(dir: &Path, host: &mut Host) -> Result<Cards> {
    let mut found = Cards::default();
    for name in files::names(dir)? {
        let card = files::below(dir, &name);
        let dir = card.join("device");
        let amd = |uevent: Box<[u8]>| uevent.windows(13).any(|part| part == b"DRIVER=amdgpu");
        if numbered(&name, b"card").is_none_or(|number| number.len() > 1)
            || !word(&dir.join("uevent"), &mut host.files).is_some_and(amd)
        {
            continue;
        }
        found.words.push([
            Word::fixed(dir.join("mem_info_vram_vendor"), host),
            Word::live(dir.join("power_dpm_force_performance_level")),
            Word::fixed(dir.join("unique_id"), host),
        ]);
        found.chips.push(hwmon::label_of_device(&card));
        found.devices.push(Device::new(dir, [&name]));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_nothing};

    #[test]
    fn says_how_busy_cards_are() {
        expect::<Drm>(&[], "drm");
        expect_nothing::<Drm>(&[]);
    }
}
