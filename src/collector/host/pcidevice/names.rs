//! `pci.ids`: what vendors, devices and classes are called.
//!
//! See [its home](https://pci-ids.ucw.cz/).

use std::collections::HashMap;
use std::path::PathBuf;

use crate::files::Files;
use crate::kernel::lines;

/// The numbers of a device, as `0x1d0f`.
#[derive(Clone, Debug, Default, PartialEq, Eq, Hash)]
pub(super) struct Ids {
    pub(super) class: Box<[u8]>,
    pub(super) vendor: Box<[u8]>,
    pub(super) device: Box<[u8]>,
    pub(super) subsystem_vendor: Box<[u8]>,
    pub(super) subsystem_device: Box<[u8]>,
    pub(super) revision: Box<[u8]>,
}

impl Ids {
    /// All of them, in the order of the labels.
    pub(super) fn labels(&self) -> impl Iterator<Item = &Box<[u8]>> {
        let Self { class, vendor, device, subsystem_vendor, subsystem_device, revision } = self;
        [class, vendor, device, subsystem_vendor, subsystem_device, revision].into_iter()
    }
}

/// Vendor, device, vendor and device of the subsystem, class.
type Called = [Box<[u8]>; 5];

/// What devices are called. The file is long: it is read once for each device.
#[derive(Debug)]
pub(super) struct Names {
    files: Vec<PathBuf>,
    known: HashMap<Ids, Called>,
}

impl Names {
    /// Names from the first of these files that is there.
    pub(super) fn new(files: Vec<PathBuf>) -> Self {
        Self { files, known: HashMap::new() }
    }

    /// What a device is called. What nobody has named is called by its number.
    pub(super) fn of(&mut self, ids: &Ids, files: &mut Files) -> Called {
        if let Some(known) = self.known.get(ids) {
            return known.clone();
        }
        let read = |path: &PathBuf| files.load(path, |text| Ok(called(text, ids))).ok();
        let called = self
            .files
            .iter()
            .find_map(read)
            .unwrap_or_else(|| called(b"", ids));
        self.known.insert(ids.clone(), called.clone());
        called
    }
}

/// Parses a vendor, device, subsystem or class a line, each below what it belongs to, with a tab more:
///
/// ```text
/// 1d0f  Amazon.com, Inc.
///     8061  NVMe EBS Controller
///         1d0f 8061  NVMe EBS Controller
/// C 01  Mass storage controller
///     08  Non-Volatile memory controller
///         02  NVM Express
/// ```
fn called(text: &[u8], ids: &Ids) -> Called {
    let bare = |id: &[u8]| Box::<[u8]>::from(id.strip_prefix(b"0x").unwrap_or(id));
    let (vendor, device) = (bare(&ids.vendor), bare(&ids.device));
    let (subsystem_vendor, subsystem_device) =
        (bare(&ids.subsystem_vendor), bare(&ids.subsystem_device));
    let class = bare(&ids.class);
    let subsystem = [&*subsystem_vendor, b" ", &subsystem_device].concat();

    let mut names: [Option<&[u8]>; 4] = [None; 4];
    let [vendor_name, device_name, subsystem_vendor_name, subsystem_name] = &mut names;
    let mut class_name: Option<&[u8]> = None;
    // Which of the things asked for the lines belong to.
    let (mut in_vendor, mut in_device) = (false, false);
    let mut in_class: Option<&[u8]> = None;
    let mut in_subclass: Option<&[u8]> = None;
    for line in lines(text).filter(|line| !line.raw().starts_with(b"#")) {
        let line = line.raw();
        let depth = line.iter().take_while(|&&b| b == b'\t').count();
        let (_, line) = line.split_at(depth);
        let Some((id, name)) = pair(line) else { continue };
        match depth {
            0 => {
                in_class = id.strip_prefix(b"C ").and_then(|id| class.strip_prefix(id));
                in_subclass = None;
                (in_vendor, in_device) = (*id == *vendor, false);
                if in_class.is_some() {
                    class_name = Some(name);
                }
                if in_vendor {
                    *vendor_name = Some(name);
                }
                if *id == *subsystem_vendor {
                    *subsystem_vendor_name = Some(name);
                }
            }
            1 => {
                in_subclass = in_class.and_then(|rest| rest.strip_prefix(id));
                in_device = in_vendor && *id == *device;
                if in_subclass.is_some() {
                    class_name = Some(name);
                }
                if in_device {
                    *device_name = Some(name);
                }
            }
            _ => {
                if in_subclass == Some(id) {
                    class_name = Some(name);
                }
                if in_device && *id == *subsystem {
                    *subsystem_name = Some(name);
                }
            }
        }
    }
    let [vendor_name, device_name, subsystem_vendor_name, subsystem_name] = names;
    let or = |name: Option<&[u8]>, id: Box<[u8]>| name.map_or(id, Box::from);
    let unknown = || [b"Unknown class (", &*class, b")"].concat().into();
    [
        or(vendor_name, vendor),
        or(device_name, device),
        or(subsystem_vendor_name, subsystem_vendor),
        or(subsystem_name, subsystem_device),
        class_name.map_or_else(unknown, Box::from),
    ]
}

/// The two sides of two blanks.
fn pair(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let gap = line.windows(2).position(|two| two == b"  ")?;
    let (id, name) = line.split_at(gap);
    Some((id.trim_ascii(), name.trim_ascii()))
}

#[cfg(test)]
mod tests {
    use super::*;

    const FILE: &[u8] = b"# comment\n\n\
        1022  Advanced Micro Devices\n\t8061  Something else\n\
        1d0f  Amazon.com, Inc.\n\t8061  NVMe EBS Controller\n\t\t1d0f 8061  EBS\n\t\t1d0f 9999  Other\n\tcd01  NVMe SSD Controller\n\
        C 01  Mass storage controller\n\t06  SATA controller\n\t\t02  Wrong\n\t08  Non-Volatile memory controller\n\t\t02  NVM Express\n\
        C 02  Network controller\n\t00  Ethernet controller\n";

    fn names(file: &[u8], ids: [&str; 5]) -> [String; 5] {
        let [class, vendor, device, subsystem_vendor, subsystem_device] =
            ids.map(|id| id.as_bytes().into());
        let revision = Box::default();
        let ids = Ids { class, vendor, device, subsystem_vendor, subsystem_device, revision };
        called(file, &ids).map(|name| String::from_utf8(name.into()).unwrap())
    }

    #[test]
    fn finds_names() {
        let ids = ["0x010802", "0x1d0f", "0x8061", "0x1d0f", "0x8061"];
        let expected =
            ["Amazon.com, Inc.", "NVMe EBS Controller", "Amazon.com, Inc.", "EBS", "NVM Express"];
        assert_eq!(names(FILE, ids), expected);
        let ids = ["0x020001", "0x1d0f", "0xcd01", "0x1022", "0x8061"];
        let expected = [
            "Amazon.com, Inc.",
            "NVMe SSD Controller",
            "Advanced Micro Devices",
            "8061",
            "Ethernet controller",
        ];
        assert_eq!(names(FILE, ids), expected);
        let ids = ["0x030000", "0x1af4", "0x1000", "0x1af4", "0x0001"];
        let expected = ["1af4", "1000", "1af4", "0001", "Unknown class (030000)"];
        assert_eq!(names(FILE, ids), expected);
    }
}
