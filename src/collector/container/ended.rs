//! What containers had used that ended: sums over those of one name, which grow only.

use std::path::PathBuf;

use crate::collector::{Collector, Host, Need};
use crate::container::endings::{Group, Sums};
use crate::exposition::{Descriptor, Family, Text, counter};
use crate::files::{Error, Result, Roots};

/// What containers are counted by. `scraped` is whether there was a scrape while one was there.
const LABELS: [&str; 4] = [
    "container_label_com_amazonaws_ecs_cluster",
    "container_label_com_amazonaws_ecs_container_name",
    "container_label_com_amazonaws_ecs_task_definition_family",
    "scraped",
];

/// The same, for reads and writes.
const OPERATIONS: [&str; 5] = {
    let [cluster, name, family, scraped] = LABELS;
    [cluster, name, family, scraped, "operation"]
};

static ENDED: Family<4> = counter("container_ended_total")
    .help("Containers that ended.")
    .labels(LABELS);
static CPU: Family<4> = counter("container_ended_cpu_usage_seconds_total")
    .help("Seconds on a CPU of containers that ended, in their whole life.")
    .labels(LABELS);
static OOM_KILLS: Family<4> = counter("container_ended_oom_kills_total")
    .help("Processes that the kernel killed for want of memory in containers that ended, in their whole life.")
    .labels(LABELS);
static IO_BYTES: Family<5> = counter("container_ended_io_bytes_total")
    .help(
        "Bytes that containers that ended read from disks and wrote to them, in their whole life.",
    )
    .labels(OPERATIONS);
static IO_OPERATIONS: Family<5> = counter("container_ended_io_operations_total")
    .help("Reads and writes of disks by containers that ended, in their whole life.")
    .labels(OPERATIONS);
static LEFT_OUT: Family<0> = counter("ecs_host_exporter_ended_left_out_total")
    .help("Containers that ended and were counted without their names, because there are too many names.")
    .labels([]);
static READ: Family<1> = counter("ecs_host_exporter_finals_read_total")
    .help("Containers that ended, by how their last numbers were read: all or some in time, as what their tasks had left over, or not at all.")
    .labels(["result"]);
static TROUBLES: Family<1> = counter("ecs_host_exporter_endings_troubles_total")
    .help("How often the exporter could not be told of endings: no watches, no descriptors, or too many events at once.")
    .labels(["cause"]);

/// Collects what containers had used that ended.
pub struct Ended(());

impl Collector for Ended {
    const NAME: &'static str = "container.ended";
    const ABOUT: &'static str =
        "What containers had used when they ended, also of those that no scrape saw.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Pids("the last numbers of a container that ended"),
        Need::Capability("SYS_NICE", "to be in time where CPUs are busy"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [ENDED.descriptor(), CPU.descriptor(), OOM_KILLS.descriptor()]
            .into_iter()
            .chain([IO_BYTES.descriptor(), IO_OPERATIONS.descriptor()])
            .chain([LEFT_OUT.descriptor(), READ.descriptor(), TROUBLES.descriptor()])
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self(()))
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let endings = host
            .containers
            .as_ref()
            .map(|containers| containers.endings());
        let endings = endings.filter(|endings| endings.running());
        let absent = || Error::Absent(PathBuf::from("cgroup"));
        let endings = endings.ok_or_else(absent)?;
        endings
            .with_ledger(|ledger| {
                let rows = || ledger.sums().flat_map(|(group, sums)| each(group, sums));
                single(&ENDED, rows(), |sums| sums.ended as f64, text);
                single(&CPU, rows(), |sums| sums.cpu_nsec as f64 / 1e9, text);
                single(&OOM_KILLS, rows(), |sums| sums.oom_kills as f64, text);
                pair(&IO_BYTES, rows(), |sums| [sums.read_bytes, sums.written_bytes], text);
                pair(&IO_OPERATIONS, rows(), |sums| [sums.reads, sums.writes], text);
                text.family(&LEFT_OUT).sample((), ledger.left_out());
                let mut read = text.family(&READ);
                for (how, n) in ledger.read() {
                    read.sample(how.as_str(), n);
                }
                let mut troubles = text.family(&TROUBLES);
                for (trouble, n) in ledger.troubles() {
                    troubles.sample(trouble.as_str(), n);
                }
            })
            .ok_or_else(absent)
    }
}

/// A group's sums with their labels. There is no row of what never happened.
fn each<'a>(
    group: &'a Group,
    [unseen, seen]: &'a [Sums; 2],
) -> impl Iterator<Item = ([&'a str; 4], &'a Sums)> {
    let [cluster, name, family] = group.each_ref().map(|value| &**value);
    [("false", unseen), ("true", seen)]
        .into_iter()
        .filter(|(_, sums)| sums.ended > 0)
        .map(move |(scraped, sums)| ([cluster, name, family, scraped], sums))
}

fn single<'a>(
    family: &'static Family<4>,
    rows: impl Iterator<Item = ([&'a str; 4], &'a Sums)>,
    value: fn(&Sums) -> f64,
    text: &mut Text,
) {
    let mut family = text.family(family);
    for (labels, sums) in rows {
        family.sample(labels.map(Some), value(sums));
    }
}

fn pair<'a>(
    family: &'static Family<5>,
    rows: impl Iterator<Item = ([&'a str; 4], &'a Sums)>,
    values: fn(&Sums) -> [u64; 2],
    text: &mut Text,
) {
    let mut family = text.family(family);
    for ([cluster, name, definition, scraped], sums) in rows {
        for (operation, value) in ["read", "write"].into_iter().zip(values(sums)) {
            let labels = [cluster, name, definition, scraped, operation];
            family.sample(labels.map(Some), value);
        }
    }
}
