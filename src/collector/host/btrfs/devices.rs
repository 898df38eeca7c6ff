//! Devices of Btrfs: what the file system itself says of them, where it may be asked.

use std::ffi::OsStr;
use std::fs::File;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};

use crate::collector::Host;
use crate::files::{Result, Roots};
use crate::kernel::btrfs::{Errors, ask_errors, device, errors, file_system};
use crate::kernel::mountinfo::{each, unescaped};
use crate::system::btrfs::{LONGEST, Question};

/// A device.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Disk {
    /// Its name below `/dev`.
    pub(super) name: Vec<u8>,
    /// Its UUID.
    pub(super) uuid: String,
    pub(super) total_bytes: u64,
    pub(super) unused_bytes: u64,
    pub(super) errors: Errors,
}

/// The devices of a file system, which has a UUID of hexadecimal digits alone.
pub(super) type Disks = Vec<(String, Vec<Disk>)>;

/// Asks every file system that is mounted. One that may not be asked is left out.
pub(super) fn ask(roots: &Roots, host: &mut Host) -> Result<Disks> {
    let mut told = Disks::new();
    let mut done = Vec::new();
    for (source, point) in mounts(roots, host)? {
        if done.contains(&source) {
            continue;
        }
        // Nothing is kept open: it would keep the file system mounted.
        let Ok(dir) = File::open(&point) else { continue };
        let Some((uuid, disks)) = one(&dir, host) else { continue };
        done.push(source);
        if !told.iter().any(|(known, _)| *known == uuid) {
            told.push((uuid, disks));
        }
    }
    Ok(told)
}

/// What is mounted, and where the exporter sees it.
fn mounts(roots: &Roots, host: &mut Host) -> Result<Vec<(Vec<u8>, PathBuf)>> {
    let path = ["1/mountinfo", "self/mountinfo"].map(|path| roots.proc.join(path));
    let [first, own] = &path;
    let path = if first.exists() { first } else { own };
    host.files.load(path, |text| {
        let mut points = Vec::new();
        each(text, |mount| {
            if mount.kind == b"btrfs" {
                points.push((mount.source.into(), seen(&unescaped(mount.point), &roots.rootfs)));
            }
        })?;
        Ok(points)
    })
}

/// A mount point below the directory where the exporter sees the host's root.
fn seen(point: &[u8], rootfs: &Path) -> PathBuf {
    let point = Path::new(OsStr::from_bytes(point));
    let below = point.strip_prefix(rootfs);
    rootfs.join(below.unwrap_or_else(|_| point.strip_prefix("/").unwrap_or(point)))
}

/// A file system's UUID and its devices. `None` where it may not be asked.
fn one(dir: &File, host: &Host) -> Option<(String, Vec<Disk>)> {
    /// Numbers of devices that were taken out are not given again, but nobody takes out that many.
    const MOST: u64 = 4096;
    let ask = host.system.btrfs;
    let mut message = [0; LONGEST];
    ask(dir, Question::FileSystem, &mut message).ok()?;
    let found = file_system(&message)?;
    let mut disks = Vec::new();
    for number in 0..=found.last.min(MOST) {
        if disks.len() as u64 == found.devices {
            break;
        }
        message.fill(0);
        ask_errors(number, &mut message);
        // The same beginning asks for the device, whose UUID does not matter then.
        if let Some((_, uuid)) = message.split_at_mut_checked(8) {
            uuid.fill(0);
        }
        if ask(dir, Question::Device, &mut message).is_err() {
            continue;
        }
        let found = device(&message)?;
        let disk = Disk {
            name: found.name.into(),
            uuid: dashed(&digits(&found.uuid)),
            total_bytes: found.total_bytes,
            unused_bytes: found.total_bytes.saturating_sub(found.used_bytes),
            errors: Errors::default(),
        };
        message.fill(0);
        ask_errors(number, &mut message);
        ask(dir, Question::Errors, &mut message).ok()?;
        disks.push(Disk { errors: errors(&message)?, ..disk });
    }
    Some((digits(&found.uuid), disks))
}

fn digits(uuid: &[u8; 16]) -> String {
    format!("{:032x}", u128::from_be_bytes(*uuid))
}

/// `9b9a0cac-b831-465c-93e5-b301330a803b`, of its digits.
fn dashed(digits: &str) -> String {
    let dash = |at: usize| matches!(at, 8 | 12 | 16 | 20).then_some('-');
    let digits = digits.chars().enumerate();
    digits
        .flat_map(|(at, digit)| dash(at).into_iter().chain([digit]))
        .collect()
}

#[cfg(test)]
mod tests {
    use std::io;

    use nix::errno::Errno;

    use super::*;
    use crate::collector::host::btrfs::Btrfs;
    use crate::collector::trial::Trial;
    use crate::system::System;

    const MOUNTS: &str = "\
1 0 8:1 / / rw - ext4 /dev/sda1 rw
2 1 0:40 / /mnt/my\\040data rw - btrfs /dev/nvme1n1 rw
3 1 0:40 /sub /again rw - btrfs /dev/nvme1n1 rw
";

    /// Devices 1 and 3 of a file system, of which the second failed.
    fn answers(_: &File, asked: Question, message: &mut [u8; LONGEST]) -> io::Result<()> {
        let number = u64::from_ne_bytes(*message.first_chunk().unwrap());
        let mut put =
            |at: usize, bytes: &[u8]| message[at..at + bytes.len()].copy_from_slice(bytes);
        match (asked, number) {
            (Question::FileSystem, _) => {
                put(0, &[3u64, 2].map(u64::to_ne_bytes).concat());
                put(16, &[0xb3; 16]);
            }
            (Question::Device, 1 | 3) => {
                put(8, &[u8::try_from(number).unwrap(); 16]);
                put(24, &[1000u64, 4000 + number].map(u64::to_ne_bytes).concat());
                put(3072, if number == 1 { b"/dev/nvme1n1" } else { b"/dev/nvme2n1" });
            }
            (Question::Errors, _) => {
                assert_eq!(message[8..16], 5u64.to_ne_bytes());
                message[24..32].copy_from_slice(&(number - 1).to_ne_bytes());
            }
            (Question::Device, _) => return Err(Errno::ENODEV.into()),
        }
        Ok(())
    }

    /// A host with one file system, of two devices.
    fn trial() -> Trial<Btrfs> {
        let fs = "sys/fs/btrfs/b3b3b3b3-b3b3-b3b3-b3b3-b3b3b3b3b3b3";
        let [one, two] = [1, 2].map(|n| format!("{fs}/devices/nvme{n}n1/size"));
        let tree = [
            ("proc/1/mountinfo", MOUNTS),
            ("mnt/my data/file", ""),
            (&*one, "16\n"),
            (&*two, "32\n"),
        ];
        Trial::new(&[], &tree)
    }

    fn told(trial: &mut Trial<Btrfs>) -> Vec<String> {
        let text = trial.collect().unwrap();
        let uuid = "uuid=\"b3b3b3b3-b3b3-b3b3-b3b3-b3b3b3b3b3b3\",";
        let lines = text
            .lines()
            .filter_map(|line| line.strip_prefix("node_btrfs_device_"));
        lines.map(|line| line.replace(uuid, "")).collect()
    }

    #[test]
    fn asks_the_file_system() {
        let mut trial = trial();
        trial.host.system = System { btrfs: answers, ..System::MUTE };
        let labels =
            |name: &str, uuid: &str| format!("device=\"{name}\",btrfs_dev_uuid=\"{uuid}\"");
        let one = labels("nvme1n1", "01010101-0101-0101-0101-010101010101");
        let two = labels("nvme2n1", "03030303-0303-0303-0303-030303030303");
        let mut expected = vec![
            format!("size_bytes{{{one}}} 4001"),
            format!("size_bytes{{{two}}} 4003"),
            format!("unused_bytes{{{one}}} 3001"),
            format!("unused_bytes{{{two}}} 3003"),
        ];
        for (of, writes) in [(one, 0), (two, 2)] {
            for (kind, n) in
                [("write", writes), ("read", 0), ("flush", 0), ("corruption", 0), ("generation", 0)]
            {
                expected.push(format!("errors_total{{{of},type=\"{kind}\"}} {n}"));
            }
        }
        assert_eq!(told(&mut trial), expected);
        assert_eq!(told(&mut trial), expected, "in the next scrape");
    }

    #[test]
    fn reads_files_where_it_may_not_ask() {
        let expected =
            ["size_bytes{device=\"nvme1n1\"} 8192", "size_bytes{device=\"nvme2n1\"} 16384"];
        assert_eq!(told(&mut trial()), expected);
        let gone = trial();
        gone.write("proc/1/mountinfo", b"");
        let mut gone = gone;
        gone.host.system = System { btrfs: answers, ..System::MUTE };
        assert_eq!(told(&mut gone), expected);
    }
}
