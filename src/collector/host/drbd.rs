//! `/proc/drbd`: block devices that are kept the same on two hosts. Of DRBD 8; later ones have no such
//! file.

use crate::collector::absent::Absent;
use crate::collector::rows::Rows;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter, gauge, kib};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, decimal, lines};

static DEVICES: Table<Device, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("node_drbd_network_sent_bytes_total")
            .help("Bytes sent over the network.")
            .value(|d| kib(d.ns)),
        counter("node_drbd_network_received_bytes_total")
            .help("KiB received over the network, by node_exporter called bytes.")
            .value(|d| count(d.nr)),
        counter("node_drbd_disk_written_bytes_total")
            .help("Bytes written to the local disk.")
            .value(|d| kib(d.dw)),
        counter("node_drbd_disk_read_bytes_total")
            .help("Bytes read from the local disk.")
            .value(|d| kib(d.dr)),
        counter("node_drbd_activitylog_writes_total")
            .help("Updates of the activity log.")
            .value(|d| count(d.al)),
        counter("node_drbd_bitmap_writes_total")
            .help("Updates of the bitmap.")
            .value(|d| count(d.bm)),
        gauge("node_drbd_local_pending")
            .help("Requests to the local disk that are open.")
            .value(|d| count(d.lo)),
        gauge("node_drbd_remote_pending")
            .help("Requests sent to the other side and not answered yet.")
            .value(|d| count(d.pe)),
        gauge("node_drbd_remote_unacknowledged")
            .help("Requests of the other side that are not answered yet.")
            .value(|d| count(d.ua)),
        gauge("node_drbd_application_pending")
            .help("Requests of applications that are not answered yet.")
            .value(|d| count(d.ap)),
        gauge("node_drbd_epochs")
            .help("Epochs under way.")
            .value(|d| count(d.ep)),
        gauge("node_drbd_out_of_sync_bytes")
            .help("Bytes that are known not to be the same on both sides.")
            .value(|d| kib(d.oos)),
        gauge("node_drbd_connected")
            .help("Whether the other side is connected.")
            .value(|d| d.connected.map(|connected| f64::from(u8::from(connected)))),
    ],
};

static PRIMARY: Family<2> = gauge("node_drbd_node_role_is_primary")
    .help("Whether this side, or the other, is the one that is written to.")
    .labels(["device", "node"]);

static UP_TO_DATE: Family<2> = gauge("node_drbd_disk_state_is_up_to_date")
    .help("Whether the disk of this side, or of the other, is up to date.")
    .labels(["device", "node"]);

/// What is said of a device, by the names of the file. `None` is what it does not say.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct Device {
    ns: Option<u64>,
    nr: Option<u64>,
    dw: Option<u64>,
    dr: Option<u64>,
    al: Option<u64>,
    bm: Option<u64>,
    lo: Option<u64>,
    pe: Option<u64>,
    ua: Option<u64>,
    ap: Option<u64>,
    ep: Option<u64>,
    oos: Option<u64>,
    connected: Option<bool>,
    /// This side, and the other.
    primary: Option<[bool; 2]>,
    up_to_date: Option<[bool; 2]>,
}

/// Collects what DRBD says of its devices.
pub struct Drbd {
    file: Kept,
    absent: Absent,
    devices: Rows<Device>,
}

impl Collector for Drbd {
    const NAME: &'static str = "drbd";
    const ABOUT: &'static str = "Block devices that are kept the same on two hosts.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/drbd")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        DEVICES
            .descriptors()
            .chain([PRIMARY.descriptor(), UP_TO_DATE.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let file = Kept::new(roots.proc.join("drbd"));
        Ok(Self { file, absent: Absent::default(), devices: Rows::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, absent, devices } = self;
        devices.clear();
        let push = |name: &[u8], device| devices.push([name], device);
        absent.look(host.now, || host.files.load_kept(file, |text| each(text, push)))?;
        text.table(&DEVICES, devices.iter());
        for (family, sides) in [
            (&PRIMARY, (|d| d.primary) as fn(&Device) -> Option<[bool; 2]>),
            (&UP_TO_DATE, |d| d.up_to_date),
        ] {
            let mut family = text.family(family);
            for ([name], device) in devices.iter() {
                if let Some([local, remote]) = sides(device) {
                    family.sample([name, Some(b"local")], local);
                    family.sample([name, Some(b"remote")], remote);
                }
            }
        }
        Ok(())
    }
}

/// Parses a few lines a device:
///
/// ```text
///  1: cs:Connected ro:Primary/Secondary ds:UpToDate/UpToDate C r-----
///     ns:17324442 nr:0 dw:17324453 dr:1103 al:95 bm:0 lo:0 pe:0 ua:0 ap:0 ep:1 wo:f oos:0
/// ```
fn each(text: &[u8], mut each: impl FnMut(&[u8], Device)) -> Result<(), Malformed> {
    let mut name = Vec::new();
    let mut device = None;
    for mut line in lines(text) {
        while let Some(field) = line.field() {
            let Some(colon) = field.iter().position(|&b| b == b':') else { continue };
            let (key, value) = field.split_at(colon);
            let value = value.strip_prefix(b":").unwrap_or_default();
            if value.is_empty() && decimal(key).is_some() {
                if let Some(device) = device.replace(Device::default()) {
                    each(&name, device);
                }
                name.clear();
                name.extend_from_slice(b"drbd");
                name.extend_from_slice(key);
            } else if let Some(device) = &mut device {
                device
                    .put(key, value)
                    .ok_or(line.malformed("a number after its name"))?;
            }
        }
    }
    if let Some(device) = device {
        each(&name, device);
    }
    Ok(())
}

impl Device {
    /// Takes what is said of the device. `None` is a number that is none.
    fn put(&mut self, key: &[u8], value: &[u8]) -> Option<()> {
        let slot = match key {
            b"cs" => {
                self.connected = Some(value == b"Connected");
                return Some(());
            }
            b"ro" => {
                self.primary = sides(value, b"Primary");
                return Some(());
            }
            b"ds" => {
                self.up_to_date = sides(value, b"UpToDate");
                return Some(());
            }
            b"ns" => &mut self.ns,
            b"nr" => &mut self.nr,
            b"dw" => &mut self.dw,
            b"dr" => &mut self.dr,
            b"al" => &mut self.al,
            b"bm" => &mut self.bm,
            b"lo" => &mut self.lo,
            b"pe" => &mut self.pe,
            b"ua" => &mut self.ua,
            b"ap" => &mut self.ap,
            b"ep" => &mut self.ep,
            b"oos" => &mut self.oos,
            _ => return Some(()),
        };
        *slot = Some(decimal(value)?);
        Some(())
    }
}

/// Whether each side of `Primary/Secondary` is the word.
fn sides(value: &[u8], word: &[u8]) -> Option<[bool; 2]> {
    let mut sides = value.split(|&b| b == b'/').map(|side| side == word);
    Some([sides.next()?, sides.next()?])
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_devices_do() {
        expect::<Drbd>(&[], "drbd");
        expect_absent::<Drbd>(&[]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = each(b"version: 8.4\n 0: cs:Connected\n ns:x\n", |_, _| {}).unwrap_err();
        assert_eq!(wrong.to_string(), "line 3: a number after its name expected");
    }
}
