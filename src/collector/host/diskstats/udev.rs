//! What udev wrote down of a disk.

use crate::kernel::{Malformed, lines};

/// What udev knows of a disk. What it does not know is empty.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Properties {
    pub(super) path: String,
    pub(super) wwn: String,
    pub(super) model: String,
    pub(super) serial: String,
    pub(super) revision: String,
    pub(super) filesystem: Filesystem,
    pub(super) mapper: Mapper,
    pub(super) ata: Ata,
}

/// The file system on a disk.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Filesystem {
    pub(super) kind: String,
    pub(super) usage: String,
    pub(super) uuid: String,
    pub(super) version: String,
}

/// A disk of the device mapper.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Mapper {
    pub(super) name: String,
    pub(super) uuid: String,
    pub(super) vg_name: String,
    pub(super) lv_name: String,
    pub(super) lv_layer: String,
}

/// An ATA disk. All `None` for others.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Ata {
    /// 1 if it has a write cache.
    pub(super) write_cache: Option<f64>,
    /// 1 if that is on.
    pub(super) write_cache_enabled: Option<f64>,
    /// Turns a minute.
    pub(super) rotation_rate_rpm: Option<f64>,
}

/// Parses `E:ID_MODEL=Amazon Elastic Block Store`, a property a line, among lines of other kinds.
pub(super) fn properties(text: &[u8]) -> Result<Properties, Malformed> {
    let mut found = Properties::default();
    let mut is_ata = false;
    let mut ata = Ata::default();
    let [mut scsi, mut short] = [None, None];
    for line in lines(text) {
        let Some(property) = line.rest().strip_prefix(b"E:") else { continue };
        let property = String::from_utf8_lossy(property);
        let Some((key, value)) = property.split_once('=') else { continue };
        let slot = match key {
            "ID_PATH" => &mut found.path,
            "ID_WWN" => &mut found.wwn,
            "ID_MODEL" => &mut found.model,
            "ID_REVISION" => &mut found.revision,
            "ID_SERIAL" => &mut found.serial,
            "ID_SERIAL_SHORT" => short.insert(String::new()),
            "SCSI_IDENT_SERIAL" => scsi.insert(String::new()),
            "ID_FS_TYPE" => &mut found.filesystem.kind,
            "ID_FS_USAGE" => &mut found.filesystem.usage,
            "ID_FS_UUID" => &mut found.filesystem.uuid,
            "ID_FS_VERSION" => &mut found.filesystem.version,
            "DM_NAME" => &mut found.mapper.name,
            "DM_UUID" => &mut found.mapper.uuid,
            "DM_VG_NAME" => &mut found.mapper.vg_name,
            "DM_LV_NAME" => &mut found.mapper.lv_name,
            "DM_LV_LAYER" => &mut found.mapper.lv_layer,
            "ID_ATA" => {
                is_ata = !value.is_empty();
                continue;
            }
            "ID_ATA_WRITE_CACHE" => {
                ata.write_cache = value.parse().ok();
                continue;
            }
            "ID_ATA_WRITE_CACHE_ENABLED" => {
                ata.write_cache_enabled = value.parse().ok();
                continue;
            }
            "ID_ATA_ROTATION_RATE_RPM" => {
                ata.rotation_rate_rpm = value.parse().ok();
                continue;
            }
            _ => continue,
        };
        value.clone_into(slot);
    }
    // The number on the disk itself, before those that udev made up of several parts.
    let better = [scsi, short]
        .into_iter()
        .flatten()
        .find(|serial| !serial.is_empty());
    found.serial = better.unwrap_or(found.serial);
    if is_ata {
        found.ata = ata;
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_the_properties_of_udev() {
        let text = b"S:disk/by-id/x\nI:123\nE:ID_PATH=pci-0000:00:1f.2-ata-1\nE:ID_WWN=0x5000\n\
            E:ID_MODEL=A=B\nE:ID_REVISION=CV10\nE:ID_SERIAL=long_S1\nE:ID_SERIAL_SHORT=S1\n\
            E:ID_FS_TYPE=ext4\nE:ID_FS_USAGE=filesystem\nE:ID_FS_UUID=u\nE:ID_FS_VERSION=1.0\n\
            E:ID_ATA=1\nE:ID_ATA_WRITE_CACHE=1\nE:ID_ATA_WRITE_CACHE_ENABLED=0\n\
            E:ID_ATA_ROTATION_RATE_RPM=7200\nE:USEC\nG:systemd\n";
        let expected = Properties {
            path: "pci-0000:00:1f.2-ata-1".into(),
            wwn: "0x5000".into(),
            model: "A=B".into(),
            serial: "S1".into(),
            revision: "CV10".into(),
            filesystem: Filesystem {
                kind: "ext4".into(),
                usage: "filesystem".into(),
                uuid: "u".into(),
                version: "1.0".into(),
            },
            mapper: Mapper::default(),
            ata: Ata {
                write_cache: Some(1.0),
                write_cache_enabled: Some(0.0),
                rotation_rate_rpm: Some(7200.0),
            },
        };
        assert_eq!(properties(text), Ok(expected));
    }

    #[test]
    fn takes_the_serial_number_that_is_on_the_disk() {
        let serial = |text: &[u8]| properties(text).unwrap().serial;
        assert_eq!(serial(b"E:ID_SERIAL=a\n"), "a");
        assert_eq!(serial(b"E:SCSI_IDENT_SERIAL=c\nE:ID_SERIAL_SHORT=b\nE:ID_SERIAL=a\n"), "c");
    }

    #[test]
    fn says_nothing_of_ata_where_the_disk_is_none() {
        let text = b"E:ID_ATA_WRITE_CACHE=1\nE:DM_NAME=vg-lv\nE:DM_LV_NAME=lv\n";
        let mapper = Mapper { name: "vg-lv".into(), lv_name: "lv".into(), ..Mapper::default() };
        assert_eq!(properties(text), Ok(Properties { mapper, ..Properties::default() }));
    }
}
