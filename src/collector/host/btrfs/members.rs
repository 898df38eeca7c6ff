//! Devices of file systems: what the file system says of them, or what files say where it says nothing.

use super::devices::{Disk, Disks};
use crate::collector::Host;
use crate::collector::attribute::Number;
use crate::exposition::{Family, Text, counter, gauge};
use crate::kernel::attribute::number;
use crate::kernel::btrfs;

/// The last label is left out where it is not known.
pub(super) static SIZE: Family<3> = gauge("node_btrfs_device_size_bytes")
    .help("Bytes the device holds.")
    .labels(["uuid", "device", "btrfs_dev_uuid"]);

pub(super) static UNUSED: Family<3> = gauge("node_btrfs_device_unused_bytes")
    .help("Bytes of the device that are not set aside for anything.")
    .labels(["uuid", "device", "btrfs_dev_uuid"]);

pub(super) static ERRORS: Family<4> = counter("node_btrfs_device_errors_total")
    .help("How often the device failed, by what it was to do.")
    .labels(["uuid", "device", "btrfs_dev_uuid", "type"]);

/// A device, as files tell of it.
#[derive(Debug)]
pub(super) struct Member {
    /// UUID of its file system, which names the directory; and the one that is shown.
    pub(super) uuids: [Box<[u8]>; 2],
    pub(super) name: Box<[u8]>,
    pub(super) sectors: Number,
}

/// Writes what each file system says of its devices, or what files say where it says nothing.
pub(super) fn write(members: &mut [Member], disks: &Disks, host: &mut Host, text: &mut Text) {
    let told = |member: &Member| {
        let [uuid, _] = &member.uuids;
        let same = |(known, _): &&(String, Vec<Disk>)| {
            let digits = uuid.iter().filter(|&&b| b != b'-');
            known.bytes().eq(digits.copied())
        };
        disks.iter().find(same).map(|(_, disks)| disks.as_slice())
    };
    let mut size = text.family(&SIZE);
    for member in &mut *members {
        if told(member).is_none()
            && let Some(sectors) = member.sectors.get(number, host)
        {
            let [_, uuid] = &member.uuids;
            size.sample([Some(&**uuid), Some(&*member.name), None], sectors * 512.0);
        }
    }
    // The members of a file system stand together: the first of them stands for it.
    let of_one = members.chunk_by(|a, b| a.uuids == b.uuids);
    let told = of_one.filter_map(|members| {
        let first = members.first()?;
        let [_, uuid] = &first.uuids;
        Some((&**uuid, told(first)?))
    });
    let told: Vec<_> = told
        .flat_map(|(uuid, disks)| disks.iter().map(move |disk| (uuid, disk)))
        .collect();
    for (uuid, disk) in &told {
        size.sample(labels(uuid, disk), disk.total_bytes);
    }
    let mut unused = text.family(&UNUSED);
    for (uuid, disk) in &told {
        unused.sample(labels(uuid, disk), disk.unused_bytes);
    }
    let mut errors = text.family(&ERRORS);
    for (uuid, disk) in &told {
        let [uuid, name, disk_uuid] = labels(uuid, disk);
        for (kind, n) in btrfs::ERRORS.iter().zip(disk.errors) {
            errors.sample([uuid, name, disk_uuid, Some(kind.as_bytes())], n);
        }
    }
}

fn labels<'a>(uuid: &'a [u8], disk: &'a Disk) -> [Option<&'a [u8]>; 3] {
    [Some(uuid), Some(&disk.name), Some(disk.uuid.as_bytes())]
}
