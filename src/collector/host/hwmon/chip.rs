//! Chips, and what to call them: `hwmon3` may be another one after the next start, so the label is
//! taken from the device the chip is on.

use std::collections::HashMap;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use super::{cleaned, line};
use crate::files::{self, Files, Result};

/// A chip.
#[derive(Debug)]
pub(super) struct Chip {
    /// Where its attributes are.
    pub(super) dir: PathBuf,
    /// Tells it from others.
    pub(super) label: Box<[u8]>,
    /// What its driver calls it; empty where it does not say.
    pub(super) name: Box<[u8]>,
}

/// All chips in `/sys/class/hwmon`. No two have the same label.
pub(super) fn all(dir: &Path, files: &mut Files) -> Result<Vec<Chip>> {
    let mut chips = Vec::new();
    for entry in files::names(dir)? {
        let dir = files::below(dir, &entry);
        if dir.is_dir() {
            let name = line(&dir.join("name"), files);
            let name = name.map(|name| cleaned(&name)).unwrap_or_default();
            let label = on_device(&dir)
                .or_else(|| Some(name.clone()).filter(|name| !name.is_empty()))
                .unwrap_or_else(|| cleaned(&entry));
            chips.push(Chip { dir, label, name });
        }
    }
    tell_apart(&mut chips, |chip| &chip.name);
    tell_apart(&mut chips, |chip| last(&chip.dir));
    Ok(chips)
}

/// `platform_coretemp_0`: the device's own name, and that of what it is on.
pub(crate) fn on_device(dir: &Path) -> Option<Box<[u8]>> {
    let device = dir.join("device").canonicalize().ok()?;
    let name = cleaned(last(&device));
    let kind = device
        .parent()
        .map(|parent| cleaned(last(parent)))
        .unwrap_or_default();
    match (&*kind, &*name) {
        (_, b"") => None,
        (b"", _) => Some(name),
        _ => Some([&*kind, b"_", &name].concat().into()),
    }
}

fn last(path: &Path) -> &[u8] {
    path.file_name().map(OsStrExt::as_bytes).unwrap_or_default()
}

/// Adds something to labels that several chips have, if that tells them apart.
fn tell_apart(chips: &mut [Chip], by: impl Fn(&Chip) -> &[u8]) {
    let longer = |chip: &Chip| [&*chip.label, b"_", by(chip)].concat();
    let mut labels: HashMap<Box<[u8]>, u32> = HashMap::new();
    let mut longer_labels: HashMap<Vec<u8>, u32> = HashMap::new();
    for chip in &*chips {
        *labels.entry(chip.label.clone()).or_default() += 1;
        *longer_labels.entry(longer(chip)).or_default() += 1;
    }
    for chip in chips {
        let longer = longer(chip);
        let several = |count: Option<&u32>| count.is_some_and(|count| *count > 1);
        if several(labels.get(&chip.label))
            && !several(longer_labels.get(&longer))
            && !by(chip).is_empty()
        {
            chip.label = longer.into();
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::Scratch;
    use std::os::unix::fs::symlink;

    #[test]
    fn gives_no_two_chips_one_label() {
        let host = Scratch::new();
        for (chip, name, device) in [
            ("hwmon0", "a\n", Some("pci0/x.1")),
            ("hwmon1", "b\n", Some("pci0/x.1")),
            ("hwmon2", "b\n", Some("pci0/y.1")),
            ("hwmon3", "c\n", Some("pci0/z")),
            ("hwmon4", "c\n", Some("pci0/z")),
            ("hwmon5", "c\n", None),
            ("hwmon6", "\n", None),
        ] {
            host.write(&format!("class/{chip}/name"), name);
            if let Some(device) = device {
                let device = host.0.join("devices").join(device);
                std::fs::create_dir_all(&device).unwrap();
                symlink(device, host.0.join("class").join(chip).join("device")).unwrap();
            }
        }
        host.write("class/file", "");
        let chips = all(&host.0.join("class"), &mut Files::default()).unwrap();
        let labels = chips
            .iter()
            .map(|chip| String::from_utf8_lossy(&chip.label));
        let expected = [
            "pci0_x_1_a",
            "pci0_x_1_b",
            "pci0_y_1",
            "pci0_z_hwmon3",
            "pci0_z_hwmon4",
            "c",
            "hwmon6",
        ];
        assert_eq!(labels.collect::<Vec<_>>(), expected);
    }
}
