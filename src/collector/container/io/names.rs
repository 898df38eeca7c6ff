//! `/proc/diskstats`: what block devices are called at this moment, and what the host did to its disks.

use crate::cgroup::Io;
use crate::collector::Shared;
use crate::files::{Error, Files, Kept, Result, Roots};
use crate::kernel::diskstats::{self, Disk};

/// What block devices are called at this moment.
pub(super) struct Names {
    file: Kept,
    known: Vec<Device>,
}

struct Device {
    number: (u32, u32),
    name: String,
    major: String,
    minor: String,
}

impl Device {
    fn new(number: (u32, u32), name: String) -> Self {
        let (major, minor) = number;
        Self { number, name, major: major.to_string(), minor: minor.to_string() }
    }
}

impl Names {
    pub(super) fn new(roots: &Roots) -> Self {
        Self { file: Kept::new(roots.proc.join("diskstats")), known: Vec::new() }
    }

    /// Learns the names of devices, and appends what the host did to those of them that are disks and
    /// were used.
    pub(super) fn read(
        &mut self,
        disks: &mut Vec<Io>,
        shared: &mut Shared,
        files: &mut Files,
    ) -> Result<()> {
        let Self { file, known } = self;
        let start = disks.len();
        let read = shared.diskstats(file, files, |text| {
            let mut parent = None;
            diskstats::each(text, |device| {
                name(known, device.number, device.name);
                if is_partition(device.name, parent) {
                    return Ok(());
                }
                parent = Some(device.name);
                let Some(disk) = device.disk()? else { return Ok(()) };
                let known = disks
                    .iter()
                    .skip(start)
                    .any(|io| io.device == device.number);
                let used = disk.reads > 0 || disk.writes > 0;
                if used && !known && !is_virtual(device.name) {
                    disks.push(io(device.number, &disk));
                }
                Ok(())
            })
        });
        if read.is_err() {
            disks.truncate(start);
        }
        match read {
            Err(Error::Absent(_)) => Ok(()),
            read => read,
        }
    }

    /// Names the devices that have no name by their numbers: unlike no name at all, that is one
    /// device's alone.
    pub(super) fn know(&mut self, used: &[Io]) {
        for io in used {
            if self.device(io.device).is_none() {
                let (major, minor) = io.device;
                self.known
                    .push(Device::new(io.device, format!("{major}:{minor}")));
            }
        }
    }

    pub(super) fn of(&self, number: (u32, u32)) -> &str {
        self.device(number).map_or("", |device| &device.name)
    }

    pub(super) fn numbers(&self, number: (u32, u32)) -> (&str, &str) {
        self.device(number)
            .map_or(("", ""), |device| (&device.major, &device.minor))
    }

    fn device(&self, number: (u32, u32)) -> Option<&Device> {
        self.known.iter().find(|device| device.number == number)
    }
}

/// Gives a device its name. One that another device has by now was that one's before.
fn name(known: &mut Vec<Device>, number: (u32, u32), name: &[u8]) {
    let has = |device: &Device| device.name.strip_prefix("/dev/").map(str::as_bytes) == Some(name);
    if known
        .iter()
        .any(|device| device.number == number && has(device))
    {
        return;
    }
    known.retain(|device| device.number != number && !has(device));
    known.push(Device::new(number, format!("/dev/{}", String::from_utf8_lossy(name))));
}

/// Whether a device is a part of the disk that stands before it: `sda1` of `sda`, `nvme0n1p1` of
/// `nvme0n1`. `dm-10` is no part of `dm-1`.
fn is_partition(name: &[u8], disk: Option<&[u8]>) -> bool {
    let Some((disk, rest)) = disk.and_then(|disk| Some((disk, name.strip_prefix(disk)?))) else {
        return false;
    };
    let digits = match disk.last() {
        Some(last) if last.is_ascii_digit() => rest.strip_prefix(b"p"),
        _ => Some(rest),
    };
    digits.is_some_and(|digits| !digits.is_empty() && digits.iter().all(u8::is_ascii_digit))
}

/// Whether a device is no disk: a file, memory, or a slot without a disk in it.
fn is_virtual(name: &[u8]) -> bool {
    let digits = name.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let (kind, _) = name.split_at(name.len() - digits);
    matches!(kind, b"loop" | b"ram" | b"zram" | b"sr" | b"fd" | b"nbd")
}

fn io(device: (u32, u32), disk: &Disk) -> Io {
    let bytes = |sectors: u64| sectors.saturating_mul(super::SECTOR);
    let nanos = |ms: u64| Some(ms.saturating_mul(1_000_000));
    Io {
        device,
        read_bytes: Some(bytes(disk.read_sectors)),
        written_bytes: Some(bytes(disk.written_sectors)),
        reads: Some(disk.reads),
        writes: Some(disk.writes),
        discarded_bytes: disk.discarded_sectors.map(bytes),
        reads_merged: Some(disk.reads_merged),
        writes_merged: Some(disk.writes_merged),
        read_nsec: nanos(disk.read_ms),
        write_nsec: nanos(disk.write_ms),
        io_nsec: nanos(disk.io_ms),
        weighted_nsec: nanos(disk.weighted_io_ms),
        queued: Some(disk.in_progress),
        ..Io::default()
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tells_disks_from_their_parts() {
        for (name, disk) in [("sda1", "sda"), ("nvme0n1p12", "nvme0n1"), ("md0p1", "md0")] {
            assert!(is_partition(name.as_bytes(), Some(disk.as_bytes())), "{name}");
        }
        let whole =
            [("sda", "sda"), ("sdaa", "sda"), ("dm-10", "dm-1"), ("mmcblk0boot0", "mmcblk0")];
        for (name, disk) in whole {
            assert!(!is_partition(name.as_bytes(), Some(disk.as_bytes())), "{name}");
        }
        assert!(!is_partition(b"xvda1", None), "without its disk it is one");
    }

    #[test]
    fn tells_disks_from_what_is_none() {
        assert_eq!(["loop0", "sr0", "zram1", "nbd2"].map(|n| is_virtual(n.as_bytes())), [true; 4]);
        assert_eq!(["sda", "md127", "dm-0", ""].map(|n| is_virtual(n.as_bytes())), [false; 4]);
    }

    #[test]
    fn a_name_is_one_device_s() {
        let mut known = Vec::new();
        for (number, called) in
            [((8, 0), "sda"), ((8, 16), "sdb"), ((8, 16), "sda"), ((8, 0), "sda")]
        {
            name(&mut known, number, called.as_bytes());
        }
        let names: Vec<_> = known.iter().map(|d| (d.number, d.name.as_str())).collect();
        assert_eq!(names, [((8, 0), "/dev/sda")]);
    }
}
