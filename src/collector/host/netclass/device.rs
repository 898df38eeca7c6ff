//! An interface and its attributes.

use std::borrow::Cow;
use std::path::{Path, PathBuf};

use crate::files::Files;

/// What an interface is. `None` and empty text stand for what this kernel, or this driver, does not
/// tell.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Device {
    /// Its name.
    pub(super) name: String,
    /// Whether its attributes must be read.
    pub(super) changed: bool,
    /// Whether it was there when they were.
    pub(super) exists: bool,
    /// Its address.
    pub(super) address: String,
    /// The address of all in its network.
    pub(super) broadcast: String,
    /// `full`, `half` or `unknown`.
    pub(super) duplex: String,
    /// `up`, `down`, `unknown`, …
    pub(super) operstate: String,
    /// What the administrator calls it.
    pub(super) ifalias: String,
    /// Where its address comes from.
    pub(super) addr_assign_type: Option<i64>,
    /// Whether there is a carrier; `None` where it is switched off.
    pub(super) carrier: Option<i64>,
    /// How often the carrier came or went.
    pub(super) carrier_changes: Option<i64>,
    /// How often it came, since Linux 4.16.
    pub(super) carrier_up_count: Option<i64>,
    /// How often it went, since Linux 4.16.
    pub(super) carrier_down_count: Option<i64>,
    /// Tells it from others with its address.
    pub(super) dev_id: Option<i64>,
    /// Whether it waits for something.
    pub(super) dormant: Option<i64>,
    /// Its flags.
    pub(super) flags: Option<i64>,
    /// Its number.
    pub(super) ifindex: Option<i64>,
    /// The number of the one it is upon.
    pub(super) iflink: Option<i64>,
    /// Whether user space decides if it is up.
    pub(super) link_mode: Option<i64>,
    /// Bytes of its longest packet.
    pub(super) mtu: Option<i64>,
    /// Where its name comes from.
    pub(super) name_assign_type: Option<i64>,
    /// Its group.
    pub(super) netdev_group: Option<i64>,
    /// What ARP calls its kind of link: the file `type`.
    pub(super) kind: Option<i64>,
    /// Bytes a second.
    pub(super) speed_bytes: Option<f64>,
    /// Packets that may wait to be sent.
    pub(super) tx_queue_len: Option<i64>,
}

impl Device {
    /// One that is to be read.
    pub(super) fn named(name: &[u8]) -> Self {
        let name = String::from_utf8_lossy(name).into_owned();
        Self { name, changed: true, ..Self::default() }
    }
}

/// Where the attributes are.
pub(super) struct Paths {
    dir: PathBuf,
    unknown_speed: bool,
}

impl Paths {
    /// Of the interfaces in `dir`; with speeds that the driver does not know, or without them.
    pub(super) fn new(dir: &Path, unknown_speed: bool) -> Self {
        Self { dir: dir.into(), unknown_speed }
    }

    /// Reads the attributes of an interface, if it exists.
    pub(super) fn read(&mut self, device: &mut Device, files: &mut Files) {
        self.dir.push(&device.name);
        device.changed = false;
        device.exists = self.dir.is_dir();
        if device.exists {
            self.read_attributes(device, files);
            // An interface that is just going lacks some of them.
            device.exists = self.dir.is_dir();
        }
        self.dir.pop();
    }

    fn read_attributes(&mut self, device: &mut Device, files: &mut Files) {
        let mut attributes = Attributes { path: &mut self.dir, files };
        attributes.text("operstate", &mut device.operstate);
        device.flags = attributes.number("flags");
        attributes.text("address", &mut device.address);
        attributes.text("broadcast", &mut device.broadcast);
        attributes.text("duplex", &mut device.duplex);
        attributes.text("ifalias", &mut device.ifalias);
        device.addr_assign_type = attributes.number("addr_assign_type");
        device.carrier = attributes.number("carrier");
        device.carrier_changes = attributes.number("carrier_changes");
        device.carrier_up_count = attributes.number("carrier_up_count");
        device.carrier_down_count = attributes.number("carrier_down_count");
        device.dev_id = attributes.number("dev_id");
        device.dormant = attributes.number("dormant");
        device.ifindex = attributes.number("ifindex");
        device.iflink = attributes.number("iflink");
        device.link_mode = attributes.number("link_mode");
        device.mtu = attributes.number("mtu");
        device.name_assign_type = attributes.number("name_assign_type");
        device.netdev_group = attributes.number("netdev_group");
        device.kind = attributes.number("type");
        device.tx_queue_len = attributes.number("tx_queue_len");
        let speed = attributes.number("speed");
        device.speed_bytes = speed
            .filter(|megabits| *megabits >= 0 || self.unknown_speed)
            .map(|megabits| megabits as f64 * 1e6 / 8.0);
    }
}

/// Reads the attributes of one interface.
struct Attributes<'a> {
    path: &'a mut PathBuf,
    files: &'a mut Files,
}

impl Attributes<'_> {
    /// An attribute, as it is parsed. One that cannot be read is none: many drivers refuse `duplex`,
    /// and an interface that is switched off refuses `carrier`.
    fn read<T>(&mut self, name: &str, parse: impl FnOnce(&[u8]) -> Option<T>) -> Option<T> {
        self.path.push(name);
        let read = self.files.load_whole(self.path, |text| Ok(parse(text)));
        self.path.pop();
        read.ok().flatten()
    }

    fn number(&mut self, name: &str) -> Option<i64> {
        self.read(name, number)
    }

    fn text(&mut self, name: &str, out: &mut String) {
        out.clear();
        self.read(name, |value| {
            out.push_str(&text(value));
            Some(())
        });
    }
}

/// `1500`, `-1` or `0x1003`.
fn number(text: &[u8]) -> Option<i64> {
    let text = str::from_utf8(text).ok()?.trim();
    match text.strip_prefix("0x") {
        Some(digits) => i64::from_str_radix(digits, 16).ok(),
        None => text.parse().ok(),
    }
}

/// As `node_exporter` reads it: no more than 128 bytes.
fn text(text: &[u8]) -> Cow<'_, str> {
    const LONGEST: usize = 128;
    let text = text.get(..LONGEST).unwrap_or(text).trim_ascii();
    String::from_utf8_lossy(text)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_to_either_base() {
        let read = [&b"1500\n"[..], b"-1\n", b"0x1003\n", b"\n", b"unknown\n", b"0x\n"].map(number);
        assert_eq!(read, [Some(1500), Some(-1), Some(0x1003), None, None, None]);
    }

    #[test]
    fn reads_text_up_to_128_bytes() {
        assert_eq!(text(b"up \n"), "up");
        assert_eq!(text("a".repeat(300).as_bytes()), "a".repeat(128));
    }
}
