//! What a disk is: what udev wrote down of it, and whether it turns. Such things change hardly ever,
//! so they are kept, and looked at again only when udev wrote something or a minute went by.

use std::fs::metadata;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use super::udev::{Ata, Filesystem, Mapper, Properties, properties};
use crate::collector::Host;
use crate::collector::absent::Absent;
use crate::files::{Error, Files, Result, Roots};

/// So often a disk is looked at anew even though udev wrote nothing.
const FRESH: Duration = Duration::from_secs(60);

/// The disks of the last scrape.
pub(super) struct Devices {
    udev: PathBuf,
    absent: Absent,
    block: PathBuf,
    /// When something in udev's directory was last written, as far as is known.
    written: Option<SystemTime>,
    /// Whether it was said that there is no such directory.
    missed: bool,
    known: Vec<Device>,
    /// Counts scrapes, so that disks that are gone can be told.
    scrape: u64,
    /// Where the next disk stands if nothing changed.
    next: usize,
}

/// One disk.
pub(super) struct Device {
    name: String,
    number: (u32, u32),
    major: String,
    minor: String,
    rotational: bool,
    properties: Properties,
    /// When it was last looked at; `None` if never.
    looked: Option<SystemTime>,
    /// When udev's file of it was written, at that time.
    written: Option<SystemTime>,
    seen: u64,
}

impl Devices {
    pub(super) fn new(roots: &Roots) -> Self {
        Self {
            udev: roots.udev.clone(),
            absent: Absent::default(),
            block: roots.sys.join("block"),
            written: None,
            missed: false,
            known: Vec::new(),
            scrape: 0,
            next: 0,
        }
    }

    /// Begins a scrape: forgets disks that the last one did not see.
    pub(super) fn begin(&mut self) {
        self.known.retain(|device| device.seen == self.scrape);
        self.scrape += 1;
        self.next = 0;
    }

    /// The place of a disk, which may be a new one. `None` if it was there already.
    pub(super) fn place(&mut self, number: (u32, u32), name: &[u8]) -> Option<usize> {
        let is = |device: &Device| device.number == number && device.name.as_bytes() == name;
        let place = if self.known.get(self.next).is_some_and(is) {
            self.next
        } else if let Some(place) = self.known.iter().position(is) {
            place
        } else {
            let name = String::from_utf8_lossy(name).into_owned();
            // Another disk of that name is gone, or is named alike where it is not UTF-8.
            if let Some(other) = self.known.iter().position(|device| device.name == name) {
                if self.known.get(other)?.seen == self.scrape {
                    return None;
                }
                self.known.remove(other);
            }
            self.known.push(Device::new(name, number));
            self.known.len() - 1
        };
        self.next = place + 1;
        let device = self.known.get_mut(place)?;
        let first = device.seen != self.scrape;
        device.seen = self.scrape;
        first.then_some(place)
    }

    /// The disk at a place.
    pub(super) fn get(&self, place: usize) -> Option<&Device> {
        self.known.get(place)
    }

    /// Looks again at disks that may have changed.
    pub(super) fn refresh(&mut self, host: &mut Host) {
        // udev replaces its files, which marks the directory: one question for all of them.
        let udev = &self.udev;
        let look = || modified(udev).ok_or_else(|| Error::Absent(udev.clone()));
        let written = self.absent.look(host.now, look).ok();
        if written.is_none() && !self.missed {
            self.missed = true;
            tracing::info!(path = %self.udev.display(), "no udev data: disks stay without a model");
        }
        let changed = written != self.written;
        self.written = written;
        for device in &mut self.known {
            let fresh = device
                .looked
                .is_some_and(|then| host.now.duration_since(then).is_ok_and(|age| age < FRESH));
            if fresh && !changed {
                continue;
            }
            let path = written.map(|_| device.udev(&self.udev));
            let written = path.as_deref().and_then(modified);
            if fresh && written == device.written {
                continue;
            }
            device.written = written;
            device.looked = Some(host.now);
            if let Err(error) = device.look(path.as_deref(), &self.block, &mut host.files) {
                host.failures.note(&error);
            }
        }
    }
}

fn modified(path: &Path) -> Option<SystemTime> {
    metadata(path).ok()?.modified().ok()
}

impl Device {
    fn new(name: String, number: (u32, u32)) -> Self {
        Self {
            name,
            number,
            major: number.0.to_string(),
            minor: number.1.to_string(),
            rotational: false,
            properties: Properties::default(),
            looked: None,
            written: None,
            seen: 0,
        }
    }

    fn udev(&self, dir: &Path) -> PathBuf {
        dir.join(format!("b{}:{}", self.major, self.minor))
    }

    fn look(&mut self, udev: Option<&Path>, block: &Path, files: &mut Files) -> Result<()> {
        // sysfs writes the slash of names such as `cciss/c0d0` as an exclamation mark.
        let queue = block
            .join(self.name.replace('/', "!"))
            .join("queue/rotational");
        // Partitions have no queue, and some drivers no such file.
        self.rotational = files
            .load(&queue, |text| Ok(text.trim_ascii() == b"1"))
            .unwrap_or_default();
        self.properties = Properties::default();
        if let Some(path) = udev
            && let Some(properties) = files.load_if_any(path, properties)?
        {
            self.properties = properties;
        }
        Ok(())
    }

    /// Its name, such as `nvme0n1`.
    pub(super) fn name(&self) -> &str {
        &self.name
    }

    /// The labels of `node_disk_info`.
    pub(super) fn info(&self) -> [Option<&str>; 9] {
        let Properties { path, wwn, model, serial, revision, .. } = &self.properties;
        let rotational = if self.rotational { "1" } else { "0" };
        let Self { name, major, minor, .. } = self;
        [name, major, minor, path, wwn, model, serial, revision, rotational].map(Some)
    }

    /// The labels of `node_disk_filesystem_info`, if it has a file system.
    pub(super) fn filesystem(&self) -> Option<[Option<&str>; 5]> {
        let Filesystem { kind, usage, uuid, version } = &self.properties.filesystem;
        (!kind.is_empty())
            .then(|| [&self.name, kind, usage, uuid, version].map(|s| Some(s.as_str())))
    }

    /// The labels of `node_disk_device_mapper_info`, if the device mapper made it.
    pub(super) fn mapper(&self) -> Option<[Option<&str>; 6]> {
        let Mapper { name, uuid, vg_name, lv_name, lv_layer } = &self.properties.mapper;
        (!name.is_empty())
            .then(|| [&self.name, name, uuid, vg_name, lv_name, lv_layer].map(|s| Some(s.as_str())))
    }

    /// What is known of it if it is an ATA disk.
    pub(super) fn ata(&self) -> &Ata {
        &self.properties.ata
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::{Failures, Shared};
    use crate::files::Scratch;
    use crate::system::System;

    #[test]
    fn looks_again_when_udev_writes_and_after_a_minute() {
        let scratch = Scratch::new();
        let (dir, file) = (scratch.join("udev"), scratch.join("udev/b8:0"));
        let at = |seconds| SystemTime::UNIX_EPOCH + Duration::from_secs(seconds);
        let write = |model: &str, path: &Path, written: SystemTime| {
            scratch.write("udev/b8:0", format!("E:ID_MODEL={model}\n"));
            let file = std::fs::File::open(path).unwrap();
            file.set_modified(written).unwrap();
        };
        let roots = Roots { udev: dir.clone(), ..Roots::default() };
        let mut devices = Devices::new(&roots);
        let mut host = Host {
            containers: None,
            inventory: std::sync::Arc::default(),
            lasting: crate::lasting::Lasting::default(),
            discovery: std::sync::Arc::default(),
            files: Files::default(),
            shared: Shared::default(),
            system: System::LIVE,
            now: at(0),
            failures: Failures::default(),
        };
        let mut model = |now| {
            host.now = at(now);
            devices.begin();
            let place = devices.place((8, 0), b"sda").unwrap();
            devices.refresh(&mut host);
            devices.get(place).unwrap().properties.model.clone()
        };
        assert_eq!(model(100), "", "no such directory");
        write("a", &file, at(1));
        write("a", &dir, at(1));
        assert_eq!(model(159), "", "looked for once a minute");
        assert_eq!(model(160), "a");
        write("b", &file, at(2));
        write("b", &dir, at(1));
        assert_eq!(model(161), "a", "the directory tells nothing");
        write("b", &dir, at(3));
        assert_eq!(model(162), "b");
        write("c", &file, at(2));
        write("c", &dir, at(3));
        assert_eq!(model(221), "b");
        assert_eq!(model(222), "c", "a minute later");
        assert_eq!(model(100), "c", "the clock was set back");
    }
}
