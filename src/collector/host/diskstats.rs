//! `/proc/diskstats`: what block devices did since boot.

use crate::collector::{Collector, Host};
use crate::exposition::{Descriptor, Table, Text, count, counter, gauge, millis, sectors};
use crate::files::{Kept, Result, Roots};
use crate::kernel::diskstats::{self, Disk};

static DISKS: Table<Disk, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("node_disk_reads_completed_total")
            .help("Reads completed.")
            .value(|d| count(d.reads)),
        counter("node_disk_read_bytes_total")
            .help("Bytes read.")
            .value(|d| sectors(d.read_sectors)),
        counter("node_disk_read_time_seconds_total")
            .help("Seconds spent by all reads.")
            .value(|d| millis(d.read_ms)),
        gauge("node_disk_io_now")
            .help("I/Os in progress.")
            .value(|d| count(d.in_progress)),
    ],
};

/// Collects what block devices did.
pub struct Diskstats {
    file: Kept,
}

impl Collector for Diskstats {
    const NAME: &'static str = "diskstats";
    const ABOUT: &'static str = "Reads, writes and discards of block devices.";
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        DISKS.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { file: Kept::new(roots.proc.join("diskstats")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let mut disks = Vec::new();
        host.files.load_kept(&mut self.file, |text| {
            diskstats::each(text, |device| {
                disks.extend(device.disk()?.map(|disk| (device.name, disk)));
                Ok(())
            })
        })?;
        text.table(&DISKS, disks.iter().map(|(name, disk)| (*name, disk)));
        Ok(())
    }
}
