//! bcachefs: its counters, caches and devices.

mod files;

use std::collections::BTreeMap;
use std::path::Path;

use self::files::human;
use crate::collector::attribute::{self, Attribute, Device, KEPT, Number, Report, Word};
use crate::collector::found::Found;
use crate::collector::rows::Rows;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Pattern, Table, Text, counter, gauge, info};
use crate::files::{Error, Result, Roots};
use crate::files::{below, names};
use crate::kernel::attribute::number;

static INFO: Family<1> = info("node_bcachefs_info")
    .help("A file system that is mounted.")
    .labels(["uuid"]);

static VOLUMES: [Attribute<1>; 1] = [Attribute::new(
    "btree_cache_size",
    human,
    gauge("node_bcachefs_btree_cache_size_bytes")
        .help("Bytes of memory that hold parts of trees.")
        .labels(["uuid"]),
)];

static COMPRESSION: Table<[f64; 2], 2> = Table {
    labels: ["uuid", "algorithm"],
    metrics: &[
        gauge("node_bcachefs_compression_compressed_bytes")
            .help("Bytes taken by what this algorithm compressed.")
            .value(|[compressed, _]| Some(*compressed)),
        gauge("node_bcachefs_compression_uncompressed_bytes")
            .help("Bytes that what this algorithm compressed stands for.")
            .value(|[_, uncompressed]| Some(*uncompressed)),
    ],
};

static WRITES: Table<[f64; 2], 2> = Table {
    labels: ["uuid", "type"],
    metrics: &[
        counter("node_bcachefs_btree_writes_total")
            .help("Writes of parts of trees.")
            .value(|[writes, _]| Some(*writes)),
        gauge("node_bcachefs_btree_write_average_size_bytes")
            .help("Bytes of such a write, on average.")
            .value(|[_, bytes]| Some(*bytes)),
    ],
};

static ERRORS: Table<f64, 2> = Table {
    labels: ["uuid", "error_type"],
    metrics: &[counter("node_bcachefs_errors_total")
        .help("Errors found.")
        .value(|errors| Some(*errors))],
};

static COUNTERS: Pattern<1> = counter("node_bcachefs_<counter>_total")
    .help("What the counter says since the file system was made.")
    .pattern_by(["uuid"]);

static DEVICE_INFO: Family<4> = info("node_bcachefs_device_info")
    .help("What a device says of itself, as labels.")
    .labels(["uuid", "device", "label", "state"]);

static DEVICES: [Attribute<2>; 3] = [
    Attribute::new(
        "bucket_size",
        human,
        gauge("node_bcachefs_device_bucket_size_bytes")
            .help("Bytes in a bucket of the device.")
            .labels(["uuid", "device"]),
    ),
    Attribute::new(
        "nbuckets",
        number,
        gauge("node_bcachefs_device_buckets")
            .help("Buckets of the device.")
            .labels(["uuid", "device"]),
    ),
    Attribute::new(
        "durability",
        number,
        gauge("node_bcachefs_device_durability")
            .help("How many copies one on this device counts for.")
            .labels(["uuid", "device"]),
    ),
];

static DONE: Table<f64, 4> = Table {
    labels: ["uuid", "device", "operation", "data_type"],
    metrics: &[counter("node_bcachefs_device_io_done_bytes_total")
        .help("Bytes read from the device, and written to it.")
        .value(|bytes| Some(*bytes))],
};

static DEVICE_ERRORS: Table<f64, 3> = Table {
    labels: ["uuid", "device", "type"],
    metrics: &[counter("node_bcachefs_device_io_errors_total")
        .help("Errors of the device since the file system was made.")
        .value(|errors| Some(*errors))],
};

/// Collects what bcachefs says of its file systems.
pub struct Bcachefs {
    found: Found<Mounted>,
    compression: Rows<[f64; 2], 2>,
    writes: Rows<[f64; 2], 2>,
    errors: Rows<f64, 2>,
    done: Rows<f64, 4>,
    device_errors: Rows<f64, 3>,
}

/// All file systems that are mounted.
#[derive(Debug, Default)]
struct Mounted {
    volumes: Vec<Device<1>>,
    /// Files of each.
    tables: Vec<Tables>,
    /// By name.
    counters: BTreeMap<Box<[u8]>, Vec<Counter>>,
    devices: Vec<Device<2>>,
    /// Files of each device.
    details: Vec<Details>,
}

/// A counter of one file system.
#[derive(Debug)]
struct Counter {
    uuid: Box<[u8]>,
    count: Number,
}

#[derive(Debug)]
struct Tables {
    uuid: Box<[u8]>,
    compression: Report,
    writes: Report,
    errors: Report,
}

#[derive(Debug)]
struct Details {
    uuid: Box<[u8]>,
    name: Box<[u8]>,
    label: Word,
    state: Word,
    done: Report,
    errors: Report,
}

impl Collector for Bcachefs {
    const NAME: &'static str = "bcachefs";
    const ABOUT: &'static str = "Counters, caches and devices of bcachefs.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/bcachefs")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor(), COUNTERS.descriptor(), DEVICE_INFO.descriptor()]
            .into_iter()
            .chain(attribute::descriptors(&VOLUMES))
            .chain(COMPRESSION.descriptors())
            .chain(WRITES.descriptors())
            .chain(ERRORS.descriptors())
            .chain(attribute::descriptors(&DEVICES))
            .chain(DONE.descriptors())
            .chain(DEVICE_ERRORS.descriptors())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            found: Found::new(roots.sys.join("fs/bcachefs")),
            compression: Rows::default(),
            writes: Rows::default(),
            errors: Rows::default(),
            done: Rows::default(),
            device_errors: Rows::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self.found.get(host.now, find)?;
        let mut family = text.family(&INFO);
        for volume in &found.volumes {
            family.sample(volume.labels(), 1.0);
        }
        attribute::write(&VOLUMES, &mut found.volumes, host, text);
        self.compression.clear();
        self.writes.clear();
        self.errors.clear();
        for Tables { uuid, compression, writes, errors } in &mut found.tables {
            let each = |name: &[u8], pair| self.compression.push([uuid, name], pair);
            compression.read(|text| files::pairs(text, each), host);
            let each = |name: &[u8], pair| self.writes.push([uuid, name], pair);
            writes.read(|text| files::pairs(text, each), host);
            let each = |name: &[u8], count| self.errors.push([uuid, name], count);
            errors.read(|text| files::errors(text, each), host);
        }
        text.table(&COMPRESSION, self.compression.iter());
        text.table(&WRITES, self.writes.iter());
        text.table(&ERRORS, self.errors.iter());
        for (name, counters) in &mut found.counters {
            let mut family = text.pattern_family(&COUNTERS, name);
            for Counter { uuid, count } in counters {
                if let Some(count) = count.get(files::since_made, host) {
                    family.sample(&**uuid, count);
                }
            }
        }
        self.devices(host, text)
    }
}

impl Bcachefs {
    fn devices(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = self.found.get(host.now, find)?;
        self.done.clear();
        self.device_errors.clear();
        let mut family = text.family(&DEVICE_INFO);
        for Details { uuid, name, label, state, done, errors } in &mut found.details {
            label.refresh(host);
            state.refresh(host);
            let words = [label, state].map(|word| word.get().unwrap_or_default());
            let [label, state] = words;
            family.sample([&**uuid, name, label, state].map(Some), 1.0);
            let each = |operation: &[u8], kind: &[u8], bytes| {
                self.done.push([uuid, name, operation, kind], bytes);
            };
            done.read(|text| files::done(text, each), host);
            let each = |kind: &[u8], count| self.device_errors.push([uuid, name, kind], count);
            errors.read(|text| files::device_errors(text, each), host);
        }
        attribute::write(&DEVICES, &mut found.devices, host, text);
        text.table(&DONE, self.done.iter());
        text.table(&DEVICE_ERRORS, self.device_errors.iter());
        Ok(())
    }
}

fn find(dir: &Path) -> Result<Mounted> {
    let mut found = Mounted::default();
    let mut counters = 0;
    for uuid in names(dir)? {
        let dir = below(dir, &uuid);
        let Ok(entries) = names(&dir) else { continue };
        for entry in entries {
            let Some(name) = entry.strip_prefix(b"dev-") else { continue };
            let dir = below(&dir, &entry);
            found.details.push(Details {
                uuid: uuid.clone(),
                name: name.into(),
                label: Word::live(dir.join("label")),
                state: Word::live(dir.join("state")),
                done: Report::new(dir.join("io_done")),
                errors: Report::new(dir.join("io_errors")),
            });
            found.devices.push(Device::new(dir, [&uuid, name]));
        }
        for counter in names(&dir.join("counters")).unwrap_or_default() {
            let path = below(&dir.join("counters"), &counter);
            counters += 1;
            let count = if counters <= KEPT { Number::new(path) } else { Number::brief(path) };
            let uuid = uuid.clone();
            found
                .counters
                .entry(counter)
                .or_default()
                .push(Counter { uuid, count });
        }
        found.tables.push(Tables {
            uuid: uuid.clone(),
            compression: Report::new(dir.join("compression_stats")),
            writes: Report::new(dir.join("btree_write_stats")),
            errors: Report::new(dir.join("errors")),
        });
        found.volumes.push(Device::new(dir, [&uuid]));
    }
    if found.volumes.is_empty() { Err(Error::Absent(dir.into())) } else { Ok(found) }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_file_systems_did() {
        expect::<Bcachefs>(&[], "bcachefs");
        expect_absent::<Bcachefs>(&[]);
    }
}
