//! `/proc/diskstats`: what block devices did since boot, and what udev knows of them.

mod device;
mod udev;

use clap::Args;

use self::device::Devices;
use self::udev::Ata;
use crate::collector::filter::{Filter, Flag};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, counter, gauge, info, sectors};
use crate::files::{Kept, Result, Roots};
use crate::kernel::diskstats::{self, Disk};

static DISKS: Table<Disk, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("node_disk_reads_completed_total")
            .help("Reads completed.")
            .value(|d| count(d.reads)),
        counter("node_disk_reads_merged_total")
            .help("Reads that were joined to others before they were made.")
            .value(|d| count(d.reads_merged)),
        counter("node_disk_read_bytes_total")
            .help("Bytes read.")
            .value(|d| sectors(d.read_sectors)),
        counter("node_disk_read_time_seconds_total")
            .help("Seconds spent by all reads.")
            .value(|d| seconds(d.read_ms)),
        counter("node_disk_writes_completed_total")
            .help("Writes completed.")
            .value(|d| count(d.writes)),
        counter("node_disk_writes_merged_total")
            .help("Writes that were joined to others before they were made.")
            .value(|d| count(d.writes_merged)),
        counter("node_disk_written_bytes_total")
            .help("Bytes written.")
            .value(|d| sectors(d.written_sectors)),
        counter("node_disk_write_time_seconds_total")
            .help("Seconds spent by all writes.")
            .value(|d| seconds(d.write_ms)),
        gauge("node_disk_io_now")
            .help("I/Os in progress.")
            .value(|d| count(d.in_progress)),
        counter("node_disk_io_time_seconds_total")
            .help("Seconds in which at least one I/O was in progress.")
            .value(|d| seconds(d.io_ms)),
        counter("node_disk_io_time_weighted_seconds_total")
            .help("Seconds of I/O, each multiplied by how many were in progress.")
            .value(|d| seconds(d.weighted_io_ms)),
        counter("node_disk_discards_completed_total")
            .help("Discards completed, since Linux 4.18.")
            .value(|d| count(d.discards)),
        counter("node_disk_discards_merged_total")
            .help("Discards that were joined to others before they were made, since Linux 4.18.")
            .value(|d| count(d.discards_merged)),
        counter("node_disk_discarded_sectors_total")
            .help("Sectors of 512 bytes that were discarded, since Linux 4.18.")
            .value(|d| count(d.discarded_sectors)),
        counter("node_disk_discard_time_seconds_total")
            .help("Seconds spent by all discards, since Linux 4.18.")
            .value(|d| seconds(d.discard_ms)),
        counter("node_disk_flush_requests_total")
            .help("Flushes completed, since Linux 5.5.")
            .value(|d| count(d.flushes)),
        counter("node_disk_flush_requests_time_seconds_total")
            .help("Seconds spent by all flushes, since Linux 5.5.")
            .value(|d| seconds(d.flush_ms)),
    ],
};

static INFO: Family<9> = info("node_disk_info")
    .help("What a disk is: its numbers, what udev knows of it, and whether it turns.")
    .labels([
        "device",
        "major",
        "minor",
        "path",
        "wwn",
        "model",
        "serial",
        "revision",
        "rotational",
    ]);

static FILESYSTEM: Family<5> = info("node_disk_filesystem_info")
    .help("The file system that udev found on a disk.")
    .labels(["device", "type", "usage", "uuid", "version"]);

static MAPPER: Family<6> = info("node_disk_device_mapper_info")
    .help("The device mapper's names of a disk.")
    .labels(["device", "name", "uuid", "vg_name", "lv_name", "lv_layer"]);

static ATA: Table<Ata, 1> = Table {
    labels: ["device"],
    metrics: &[
        gauge("node_disk_ata_write_cache")
            .help("Whether an ATA disk has a write cache.")
            .value(|a| a.write_cache),
        gauge("node_disk_ata_write_cache_enabled")
            .help("Whether the write cache of an ATA disk is on.")
            .value(|a| a.write_cache_enabled),
        gauge("node_disk_ata_rotation_rate_rpm")
            .help("Turns an ATA disk makes in a minute; 0 is one that does not turn.")
            .value(|a| a.rotation_rate_rpm),
    ],
};

/// Seconds, from milliseconds, rounded to the last bit as `node_exporter` does, which multiplies.
fn seconds(ms: impl Into<Option<u64>>) -> Option<f64> {
    ms.into().map(|ms| ms as f64 * 0.001)
}

/// Which devices are left out.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of block devices to leave out
    /// [default: ^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$]
    #[arg(id = EXCLUDE, long, alias = "collector.diskstats.ignored-devices", value_name = "REGEXP")]
    exclude: Option<String>,
    /// Regular expression of block devices to take, and no others.
    #[arg(id = INCLUDE, long, value_name = "REGEXP")]
    include: Option<String>,
}

const EXCLUDE: &str = "collector.diskstats.device-exclude";
const INCLUDE: &str = "collector.diskstats.device-include";

/// RAM disks, loop devices, floppies, and partitions.
const EXCLUDED: &str = r"^(z?ram|loop|fd|(h|s|v|xv)d[a-z]|nvme\d+n\d+p)\d+$";

/// Collects what block devices did, and what they are.
pub struct Diskstats {
    file: Kept,
    filter: Filter,
    devices: Devices,
    rows: Vec<(usize, Disk)>,
}

impl Collector for Diskstats {
    const NAME: &'static str = "diskstats";
    const ABOUT: &'static str = "Reads, writes and discards of block devices.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/proc/diskstats"), Need::Read("/sys/block"), Need::Read("/run/udev/data")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        DISKS
            .descriptors()
            .chain([INFO.descriptor(), FILESYSTEM.descriptor(), MAPPER.descriptor()])
            .chain(ATA.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let include = Flag { name: INCLUDE, value: flags.include.as_deref() };
        let exclude = Flag { name: EXCLUDE, value: flags.exclude.as_deref() };
        Ok(Self {
            file: Kept::new(roots.proc.join("diskstats")),
            filter: Filter::either(include, exclude, EXCLUDED)?,
            devices: Devices::new(roots),
            rows: Vec::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, filter, devices, rows } = self;
        rows.clear();
        devices.begin();
        let Host { shared, files, .. } = host;
        shared.diskstats(file, files, |text| {
            diskstats::each(text, |device| {
                if !filter.ignores(device.name)
                    && let Some(disk) = device.disk()?
                    && let Some(place) = devices.place(device.number, device.name)
                {
                    rows.push((place, disk));
                }
                Ok(())
            })
        })?;
        devices.refresh(host);

        text.table(
            &DISKS,
            rows.iter()
                .filter_map(|(place, d)| Some((devices.get(*place)?.name(), d))),
        );
        let shown = || rows.iter().filter_map(|(place, _)| devices.get(*place));
        let mut family = text.family(&INFO);
        for device in shown() {
            family.sample(device.info(), 1.0);
        }
        let mut family = text.family(&FILESYSTEM);
        for labels in shown().filter_map(device::Device::filesystem) {
            family.sample(labels, 1.0);
        }
        let mut family = text.family(&MAPPER);
        for labels in shown().filter_map(device::Device::mapper) {
            family.sample(labels, 1.0);
        }
        text.table(&ATA, shown().map(|device| (device.name(), device.ata())));
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;
    use crate::files::Error;

    const DISKSTATS: &str = "   7       0 loop0 1 2 3 4 5 6 7 8 9 10 11\n\
        8 0 sda 1 2 3 4000 5 6 7 8000 9 10000 11000 12 13 14 15000 16 17000\n\
        8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n";

    fn devices(args: &[&str]) -> Vec<String> {
        let mut host = Trial::<Diskstats>::new(args, &[("proc/diskstats", DISKSTATS)]);
        let said = host.collect().unwrap();
        let reads = said
            .lines()
            .filter_map(|l| l.strip_prefix("node_disk_reads_merged_total"));
        reads.map(str::to_owned).collect()
    }

    #[test]
    fn says_what_a_disk_did_and_what_it_is() {
        let tree = [
            ("proc/diskstats", DISKSTATS),
            ("sys/block/sda/queue/rotational", "1\n"),
            (
                "run/udev/data/b8:0",
                "E:ID_MODEL=Disk\nE:ID_FS_TYPE=xfs\nE:DM_NAME=vg-lv\nE:ID_ATA=1\n\
                 E:ID_ATA_WRITE_CACHE=1\nE:ID_ATA_ROTATION_RATE_RPM=7200\n",
            ),
        ];
        let mut host = Trial::<Diskstats>::new(&[], &tree);
        let expected = r#"node_disk_reads_completed_total{device="sda"} 1
node_disk_reads_merged_total{device="sda"} 2
node_disk_read_bytes_total{device="sda"} 1536
node_disk_read_time_seconds_total{device="sda"} 4
node_disk_writes_completed_total{device="sda"} 5
node_disk_writes_merged_total{device="sda"} 6
node_disk_written_bytes_total{device="sda"} 3584
node_disk_write_time_seconds_total{device="sda"} 8
node_disk_io_now{device="sda"} 9
node_disk_io_time_seconds_total{device="sda"} 10
node_disk_io_time_weighted_seconds_total{device="sda"} 11
node_disk_discards_completed_total{device="sda"} 12
node_disk_discards_merged_total{device="sda"} 13
node_disk_discarded_sectors_total{device="sda"} 14
node_disk_discard_time_seconds_total{device="sda"} 15
node_disk_flush_requests_total{device="sda"} 16
node_disk_flush_requests_time_seconds_total{device="sda"} 17
node_disk_info{device="sda",major="8",minor="0",path="",wwn="",model="Disk",serial="",revision="",rotational="1"} 1
node_disk_filesystem_info{device="sda",type="xfs",usage="",uuid="",version=""} 1
node_disk_device_mapper_info{device="sda",name="vg-lv",uuid="",vg_name="",lv_name="",lv_layer=""} 1
node_disk_ata_write_cache{device="sda"} 1
node_disk_ata_rotation_rate_rpm{device="sda"} 7200
"#;
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn leaves_out_what_its_flags_say() {
        let disk = |name| format!("{{device=\"{name}\"}} 2");
        assert_eq!(devices(&[]), [disk("sda")]);
        let exclude = "--collector.diskstats.device-exclude=^sda$";
        assert_eq!(devices(&[exclude]), [disk("loop0"), disk("sda1")]);
        let ignored = "--collector.diskstats.ignored-devices=a";
        assert_eq!(devices(&[ignored]), [disk("loop0")]);
        let include = "--collector.diskstats.device-include=a";
        assert_eq!(devices(&[include]), [disk("sda"), disk("sda1")]);
    }

    #[test]
    fn follows_disks_that_come_and_go() {
        let line = |name: &&str| format!("8 0 {name} 1 0 0 0 0 0 0 0 0 0 0\n");
        let mut host = Trial::<Diskstats>::new(&[], &[]);
        let mut infos = |names: &[&str]| {
            let text: String = names.iter().map(line).collect();
            host.write("proc/diskstats", text.as_bytes());
            let said = host.collect().unwrap();
            let infos = said.lines().filter_map(|l| {
                l.strip_prefix("node_disk_info{device=\"")?
                    .split('"')
                    .next()
            });
            infos.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(infos(&["sda", "sdb", "sdc"]), ["sda", "sdb", "sdc"]);
        assert_eq!(infos(&["sdc", "sda"]), ["sdc", "sda"]);
        assert_eq!(infos(&["sdb", "sdb", "sda"]), ["sdb", "sda"], "each once");
    }

    #[test]
    fn says_nothing_where_there_is_nothing() {
        let mut host = Trial::<Diskstats>::new(&[], &[]);
        assert!(matches!(host.collect(), Err(Error::Absent(_))));
        host.write("proc/diskstats", b"8 0 sda 1 x 3 4 5 6 7 8 9 10 11\n");
        assert_eq!(host.complaint(), "/proc/diskstats: line 1: reads merged expected");
    }
}
