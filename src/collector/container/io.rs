//! What each container did to block devices.

use super::read_each;
use crate::cgroup;
use crate::collector::{Collector, Host};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter};
use crate::files::{Files, Kept, Result, Roots};
use crate::kernel::diskstats;

static IO: Table<cgroup::Io, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("container_fs_reads_bytes_total")
            .help("Bytes read from the device.")
            .value(|io| count(io.read_bytes)),
        counter("container_fs_reads_total")
            .help("Reads from the device.")
            .value(|io| count(io.reads)),
        counter("container_fs_writes_bytes_total")
            .help("Bytes written to the device.")
            .value(|io| count(io.written_bytes)),
        counter("container_fs_writes_total")
            .help("Writes to the device.")
            .value(|io| count(io.writes)),
    ],
};

static USAGE: Family<4> = counter("container_blkio_device_usage_total")
    .help("Bytes read from the device, written to it and discarded on it.")
    .labels(["device", "major", "minor", "operation"]);

/// Collects what containers did to block devices.
pub struct Io {
    names: Names,
    rows: Vec<Option<(usize, usize)>>,
    devices: Vec<cgroup::Io>,
}

impl Collector for Io {
    const NAME: &'static str = "container.io";
    const ABOUT: &'static str = "Reads and writes of each container, by block device.";
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        IO.descriptors().chain([USAGE.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let names = Names { file: Kept::new(roots.proc.join("diskstats")), known: Vec::new() };
        Ok(Self { names, rows: Vec::new(), devices: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { names, rows, devices } = self;
        devices.clear();
        read_each(host, rows, |container, files| {
            let start = devices.len();
            container.cgroup.io(devices, files)?;
            Ok(Some((start, devices.len())))
        })?;
        let Some(containers) = &host.containers else { return Ok(()) };
        let (containers, last) = containers.rows_and_last();
        for last in last {
            let start = devices.len();
            devices.extend_from_slice(&last.ended.finals.io);
            rows.push(Some((start, devices.len())));
        }
        names.refresh(devices, &mut host.files)?;
        let labels = containers.iter().map(|c| &c.labels);
        let found = labels
            .chain(last.iter().map(|last| &last.labels))
            .zip(&*rows)
            .flat_map(|(labels, row)| {
                let (start, end) = row.unwrap_or_default();
                let devices = devices.get(start..end).unwrap_or_default();
                devices.iter().map(move |io| (labels, io))
            });
        let named = found
            .clone()
            .map(|(labels, io)| ((labels, names.of(io.device)), io));
        text.table(&IO, named);
        let mut usage = text.family(&USAGE);
        for (block, io) in found {
            let (major, minor) = names.numbers(io.device);
            for (operation, bytes) in [
                ("Read", io.read_bytes),
                ("Write", io.written_bytes),
                ("Discard", io.discarded_bytes),
            ] {
                if let Some(bytes) = bytes {
                    let labels = [names.of(io.device), major, minor, operation];
                    usage.sample((block, labels), bytes);
                }
            }
        }
        Ok(())
    }
}

/// What block devices are called at this moment.
struct Names {
    file: Kept,
    known: Vec<Device>,
}

struct Device {
    number: (u32, u32),
    name: String,
    major: String,
    minor: String,
}

impl Names {
    /// Learns the names of devices that have none yet, or now another one.
    fn refresh(&mut self, used: &[cgroup::Io], files: &mut Files) -> Result<()> {
        let Self { file, known } = self;
        for io in used {
            if !known.iter().any(|device| device.number == io.device) {
                let (major, minor) = io.device;
                // Until a name is found: unlike no name at all, this is one device's alone.
                let name = format!("{major}:{minor}");
                let (major, minor) = (major.to_string(), minor.to_string());
                known.push(Device { number: io.device, name, major, minor });
            }
        }
        if known.is_empty() {
            return Ok(());
        }
        files.load_kept_if_any(file, |text| {
            diskstats::each(text, |found| {
                if let Some(device) = known.iter_mut().find(|d| d.number == found.number) {
                    let name = device.name.strip_prefix("/dev/");
                    if name.map(str::as_bytes) != Some(found.name) {
                        device.name = format!("/dev/{}", String::from_utf8_lossy(found.name));
                    }
                }
                Ok(())
            })
        })?;
        Ok(())
    }

    fn of(&self, number: (u32, u32)) -> &str {
        self.device(number).map_or("", |device| &device.name)
    }

    fn numbers(&self, number: (u32, u32)) -> (&str, &str) {
        self.device(number)
            .map_or(("", ""), |device| (&device.major, &device.minor))
    }

    fn device(&self, number: (u32, u32)) -> Option<&Device> {
        self.known.iter().find(|device| device.number == number)
    }
}
