//! What each container did to block devices. The row of the host is made of `/proc/diskstats`.

mod names;

use self::names::Names;
use super::read_each;
use crate::cgroup::{self, Known};
use crate::collector::{Collector, Host, Need};
use crate::container::Role;
use crate::exposition::{Descriptor, Family, Table, Text, count, counter, gauge, micros, nanos};
use crate::files::{Result, Roots};

static IO: Table<cgroup::Io, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("container_fs_reads_bytes_total")
            .help("Bytes read from the device.")
            .value(|io| count(io.read_bytes)),
        counter("container_fs_reads_total")
            .help("Reads from the device.")
            .value(|io| count(io.reads)),
        counter("container_fs_sector_reads_total")
            .help("Sectors of 512 bytes read from the device.")
            .value(|io| count(io.read_bytes? / SECTOR)),
        counter("container_fs_reads_merged_total")
            .help("Reads merged with others; of groups where a scheduler of cgroup v1 tells.")
            .value(|io| count(io.reads_merged)),
        counter("container_fs_read_seconds_total")
            .help("Seconds spent by all reads; of groups where a scheduler of cgroup v1 tells.")
            .value(|io| nanos(io.read_nsec)),
        counter("container_fs_writes_bytes_total")
            .help("Bytes written to the device.")
            .value(|io| count(io.written_bytes)),
        counter("container_fs_writes_total")
            .help("Writes to the device.")
            .value(|io| count(io.writes)),
        counter("container_fs_sector_writes_total")
            .help("Sectors of 512 bytes written to the device.")
            .value(|io| count(io.written_bytes? / SECTOR)),
        counter("container_fs_writes_merged_total")
            .help("Writes merged with others; of groups where a scheduler of cgroup v1 tells.")
            .value(|io| count(io.writes_merged)),
        counter("container_fs_write_seconds_total")
            .help("Seconds spent by all writes; of groups where a scheduler of cgroup v1 tells.")
            .value(|io| nanos(io.write_nsec)),
        gauge("container_fs_io_current")
            .help("Requests under way; of groups where a scheduler of cgroup v1 tells.")
            .value(|io| count(io.queued)),
        counter("container_fs_io_time_seconds_total")
            .help("Seconds of the host in which the device was busy, or spent by a group's requests.")
            .value(|io| nanos(io.io_nsec)),
        counter("container_fs_io_time_weighted_seconds_total")
            .help("Seconds in which the device was busy, weighted by the requests; of the host alone.")
            .value(|io| nanos(io.weighted_nsec)),
        counter("container_fs_io_cost_usage_seconds_total")
            .help("Seconds of the device's time by the model of io.cost; cgroup v2 alone.")
            .value(|io| micros(io.cost.usage_usec)),
        counter("container_fs_io_cost_wait_seconds_total")
            .help("Seconds for which the model of io.cost held requests back.")
            .value(|io| micros(io.cost.wait_usec)),
        counter("container_fs_io_cost_indebt_seconds_total")
            .help("Seconds for which the group was in debt by the model of io.cost.")
            .value(|io| micros(io.cost.indebt_usec)),
        counter("container_fs_io_cost_indelay_seconds_total")
            .help("Seconds for which tasks were held back to pay a debt by the model of io.cost.")
            .value(|io| micros(io.cost.indelay_usec)),
    ],
};

/// The kernel counts whole sectors, in bytes.
const SECTOR: u64 = 512;

static USAGE: Family<4> = counter("container_blkio_device_usage_total")
    .help("Bytes read from the device, written to it and discarded on it.")
    .labels(["device", "major", "minor", "operation"]);

/// Collects what containers did to block devices.
pub struct Io {
    names: Names,
    rows: Vec<Option<(usize, usize)>>,
    devices: Vec<cgroup::Io>,
    above: Above,
}

/// Who knows of devices, of the last row and those it is in.
#[derive(Debug, Default)]
struct Above {
    path: String,
    /// How long the path of each is, and what was said of it.
    rows: Vec<(usize, Known)>,
}

impl Above {
    /// Who may know of devices of a row, where rows come in the order of their paths.
    fn of(&mut self, path: &str) -> Known {
        let inside = |above: &str| path.strip_prefix(above).is_some_and(|p| p.starts_with('/'));
        while let Some((length, known)) = self.rows.last() {
            if self.path.get(..*length).is_some_and(inside) {
                return *known;
            }
            self.rows.pop();
        }
        Known::default()
    }

    fn note(&mut self, path: &str, known: Known) {
        self.path.clear();
        self.path.push_str(path);
        self.rows.push((path.len(), known));
    }

    fn clear(&mut self) {
        self.rows.clear();
    }
}

impl Collector for Io {
    const NAME: &'static str = "container.io";
    const ABOUT: &'static str = "Reads and writes of each container, by block device.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/diskstats"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        IO.descriptors().chain([USAGE.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self {
            names: Names::new(roots),
            rows: Vec::new(),
            devices: Vec::new(),
            above: Above::default(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { names, rows, devices, above } = self;
        devices.clear();
        above.clear();
        // The root group counts in some kernels nothing, or not everything.
        if let Err(error) = names.read(devices, &mut host.shared, &mut host.files) {
            host.failures.note(&error);
        }
        let disks = devices.len();
        read_each(host, rows, |container, files| {
            if container.role == Role::Host && disks > 0 {
                return Ok(Some((0, disks)));
            }
            let start = devices.len();
            let known = container.io(above.of(container.cgroup.path()), devices, files)?;
            above.note(container.cgroup.path(), known);
            Ok(Some((start, devices.len())))
        })?;
        let Some(containers) = &host.containers else { return Ok(()) };
        let (containers, last) = containers.rows_and_last();
        for last in last {
            let start = devices.len();
            devices.extend_from_slice(&last.ended.finals.io);
            rows.push(Some((start, devices.len())));
        }
        names.know(devices);
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

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    #[test]
    fn says_of_the_host_what_its_disks_did_and_of_a_group_what_it_knows() {
        let tree = [
            (
                "proc/1/mountinfo",
                "36 32 0:31 / /sys/fs/cgroup rw - cgroup cgroup rw,memory,blkio\n",
            ),
            (
                "proc/diskstats",
                " 7 0 loop0 9 9 9 9 9 9 9 9 9 9 9\n\
                 8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n\
                 8 1 sda1 1 2 3 4 5 6 7 8 9 10 11\n",
            ),
            (
                "sys/fs/cgroup/a/blkio.bfq.io_service_bytes_recursive",
                "8:0 Read 1024\n8:0 Write 512\n",
            ),
            (
                "sys/fs/cgroup/a/blkio.bfq.io_service_time_recursive",
                "8:0 Read 5000000\n8:0 Total 6000000\n",
            ),
            (
                "sys/fs/cgroup/a/blkio.throttle.io_service_bytes_recursive",
                "8:0 Read 7\n9:0 Write 8\n",
            ),
        ];
        let mut host = Trial::<Io>::new(&[], &tree).contained();
        let expected = r#"container_fs_reads_bytes_total{id="/",device="/dev/sda"} 1536
container_fs_reads_bytes_total{id="/a",device="/dev/sda"} 1024
container_fs_reads_total{id="/",device="/dev/sda"} 1
container_fs_sector_reads_total{id="/",device="/dev/sda"} 3
container_fs_sector_reads_total{id="/a",device="/dev/sda"} 2
container_fs_reads_merged_total{id="/",device="/dev/sda"} 2
container_fs_read_seconds_total{id="/",device="/dev/sda"} 0.004
container_fs_read_seconds_total{id="/a",device="/dev/sda"} 0.005
container_fs_writes_bytes_total{id="/",device="/dev/sda"} 3584
container_fs_writes_bytes_total{id="/a",device="/dev/sda"} 512
container_fs_writes_bytes_total{id="/a",device="9:0"} 8
container_fs_writes_total{id="/",device="/dev/sda"} 5
container_fs_sector_writes_total{id="/",device="/dev/sda"} 7
container_fs_sector_writes_total{id="/a",device="/dev/sda"} 1
container_fs_sector_writes_total{id="/a",device="9:0"} 0
container_fs_writes_merged_total{id="/",device="/dev/sda"} 6
container_fs_write_seconds_total{id="/",device="/dev/sda"} 0.008
container_fs_io_current{id="/",device="/dev/sda"} 9
container_fs_io_time_seconds_total{id="/",device="/dev/sda"} 0.01
container_fs_io_time_seconds_total{id="/a",device="/dev/sda"} 0.006
container_fs_io_time_weighted_seconds_total{id="/",device="/dev/sda"} 0.011
container_blkio_device_usage_total{id="/",device="/dev/sda",major="8",minor="0",operation="Read"} 1536
container_blkio_device_usage_total{id="/",device="/dev/sda",major="8",minor="0",operation="Write"} 3584
container_blkio_device_usage_total{id="/",device="/dev/sda",major="8",minor="0",operation="Discard"} 7168
container_blkio_device_usage_total{id="/a",device="/dev/sda",major="8",minor="0",operation="Read"} 1024
container_blkio_device_usage_total{id="/a",device="/dev/sda",major="8",minor="0",operation="Write"} 512
container_blkio_device_usage_total{id="/a",device="9:0",major="9",minor="0",operation="Write"} 8
"#;
        assert_eq!(host.collect().unwrap(), expected);
        assert_eq!(host.collect().unwrap(), expected, "the next time");
    }

    #[test]
    fn asks_nobody_who_knew_nothing_of_the_group_above() {
        let bytes = |group: &str, of: &str| {
            format!("sys/fs/cgroup{group}/blkio.{of}.io_service_bytes_recursive")
        };
        let mut host = Trial::<Io>::new(
            &[],
            &[
                (
                    "proc/1/mountinfo",
                    "36 32 0:31 / /sys/fs/cgroup rw - cgroup cgroup rw,memory,blkio\n",
                ),
                (&bytes("/a", "bfq"), "Total 0\n"),
                (&bytes("/a", "throttle"), "8:0 Read 9\nTotal 9\n"),
                (&bytes("/a/b", "bfq"), "8:0 Read 1\nTotal 1\n"),
                (&bytes("/a/b", "throttle"), "8:0 Read 5\nTotal 5\n"),
                (&bytes("/ab", "bfq"), "8:0 Read 7\nTotal 7\n"),
            ],
        )
        .contained();
        let mut said = |id: &str| {
            let text = host.collect().unwrap();
            let row = format!("container_fs_reads_bytes_total{{id=\"{id}\",device=\"8:0\"}} ");
            let line = text.lines().find_map(|line| line.strip_prefix(&row));
            line.map(str::to_owned)
        };
        assert_eq!(["/a", "/a/b", "/ab"].map(&mut said), ["9", "5", "7"].map(|n| Some(n.into())));
        let now_known = (bytes("/a", "bfq"), b"8:0 Write 1\nTotal 1\n");
        host.write(&now_known.0, now_known.1);
        assert!(
            host.collect()
                .unwrap()
                .contains("{id=\"/a/b\",device=\"8:0\"} 1\n")
        );
    }

    #[test]
    fn asks_the_root_group_where_disks_are_not_to_be_seen() {
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("sys/fs/cgroup/io.stat", "8:0 rbytes=512 cost.usage=1500000 cost.wait=2\n"),
        ];
        let mut host = Trial::<Io>::new(&[], &tree).contained();
        let expected = r#"container_fs_reads_bytes_total{id="/",device="8:0"} 512
container_fs_sector_reads_total{id="/",device="8:0"} 1
container_fs_io_cost_usage_seconds_total{id="/",device="8:0"} 1.5
container_fs_io_cost_wait_seconds_total{id="/",device="8:0"} 2e-6
container_blkio_device_usage_total{id="/",device="8:0",major="8",minor="0",operation="Read"} 512
"#;
        assert_eq!(host.collect().unwrap(), expected);
        host.write("proc/diskstats", b"8 0 sda x\n8 0 sda 1 2 3 4 5 6 7 8 9 10 x\n");
        assert_eq!(host.collect().unwrap(), expected.replace("8:0\"", "/dev/sda\""));
        assert_eq!(host.host.failures.count, 1);
    }
}
