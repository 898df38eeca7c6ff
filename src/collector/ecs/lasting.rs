//! What outlives a container: starts, ends, OOM kills, restarts, health and what was used, by service and
//! name, and starts and stops of tasks.

use std::path::PathBuf;

use crate::collector::{Collector, Host, Need};
use crate::container::{Container, Role};
use crate::exposition::{
    Descriptor, Family, LabelBlock, Table, Text, Whole, count, counter, gauge, histogram, nanos,
};
use crate::files::{Error, Result, Roots};
use crate::inventory::Inventory;
use crate::lasting::{
    Book, HEALTH, Numbers, PEAKS, RUN_TIMES, Reading, Service, StorageHealth, Sums, TaskReading,
    TaskSums,
};

/// What containers are counted by.
const LABELS: [&str; 4] =
    ["aws_ecs_cluster_name", "aws_ecs_service_name", "aws_ecs_task_family", "container_name"];

/// What tasks are counted by.
const TASK: [&str; 3] = {
    let [cluster, service, family, _] = LABELS;
    [cluster, service, family]
};

const fn with(label: &'static str) -> [&'static str; 5] {
    let [cluster, service, family, name] = LABELS;
    [cluster, service, family, name, label]
}

static CONTAINERS: Table<Sums, 4> = Table {
    labels: LABELS,
    metrics: &[
        counter("ecs_container_starts_total")
            .help("Starts of containers, restarts among them.")
            .value(|s| count(s.starts)),
        counter("ecs_container_restarts_total")
            .help("Restarts of containers by the ECS agent or by Docker, as they count them.")
            .value(|s| count(s.restarts)),
        counter("ecs_container_oom_kills_total")
            .help("Processes that the kernel killed for want of memory in containers, those that ended included.")
            .value(|s| count(s.oom_kills)),
        counter("ecs_container_cpu_seconds_total")
            .help("Seconds on a CPU of containers, those that ended included.")
            .value(|s| nanos(s.cpu_nsec)),
        counter("ecs_container_finished_cpu_seconds_total")
            .help("Seconds on a CPU of containers that ended.")
            .value(|s| nanos(s.finished_cpu_nsec)),
    ],
};
static EXITS: Family<5> = counter("ecs_container_exits_total")
    .help("Ends of containers by their exit code; unknown where nobody told it, other beyond 32 codes.")
    .labels(with("exit_code"));
static HEALTH_TRANSITIONS: Family<5> = counter("ecs_container_health_transitions_total")
    .help("How often the health checks of containers came to another opinion.")
    .labels(with("to"));
static RUN_TIME: Family<4> = histogram("ecs_container_run_time_seconds")
    .help("Seconds that containers ran that ended.")
    .labels(LABELS);
static PEAK: Family<4> = histogram("ecs_container_finished_memory_peak_bytes")
    .help("The most bytes of memory that containers used that ended.")
    .labels(LABELS);
static TASKS: Table<TaskSums, 3> = Table {
    labels: TASK,
    metrics: &[
        counter("ecs_task_starts_total")
            .help("Tasks of which a container was started for the first time.")
            .value(|s| count(s.starts)),
        counter("ecs_task_stops_total")
            .help("Tasks that the ECS agent said have stopped, or does not have any more.")
            .value(|s| count(s.stops)),
        counter("ecs_task_cpu_seconds_total")
            .help("Seconds on a CPU of tasks by their own groups, with all that ever ran in them; those that stopped included.")
            .value(|s| nanos(s.cpu_nsec).filter(|seconds| *seconds > 0.0)),
    ],
};
static TASK_PEAK: Family<3> = histogram("ecs_task_finished_memory_peak_bytes")
    .help("The most bytes of memory that tasks used that stopped, by their own groups.")
    .labels(TASK);
static SINCE: Family<0> = gauge("ecs_host_exporter_lasting_since_timestamp_seconds")
    .help("Since when the exporter counts what outlives containers, in seconds since 1970.")
    .labels([]);
static LEFT_OUT: Family<0> = counter("ecs_host_exporter_lasting_left_out_total")
    .help("Containers and tasks that were counted without their names, because there are too many names.")
    .labels([]);
static FAILURES: Family<0> = counter("ecs_host_exporter_storage_failures_total")
    .help("How often the state could not be saved in the directory of --storage.path.")
    .labels([]);
static WRITTEN: Family<0> = gauge("ecs_host_exporter_storage_written_timestamp_seconds")
    .help(
        "When the state was last saved in the directory of --storage.path, in seconds since 1970.",
    )
    .labels([]);

/// Collects what outlives a container.
pub struct Lasting {
    /// Of each row.
    rows: Vec<Read>,
    names: Names,
}

/// The labels of all sets, in their order.
#[derive(Default)]
struct Names {
    /// Of which sets they are.
    generation: Option<u64>,
    containers: Vec<LabelBlock>,
    tasks: Vec<LabelBlock>,
}

impl Collector for Lasting {
    const NAME: &'static str = "ecs.lasting";
    const ABOUT: &'static str = "Starts, ends, OOM kills, restarts, health, CPU time, peak memory and run time of containers by service and name, which outlive them.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/run/docker.sock"),
        Need::Network("the ECS agent"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        CONTAINERS
            .descriptors()
            .chain([EXITS.descriptor(), HEALTH_TRANSITIONS.descriptor()])
            .chain([RUN_TIME.descriptor(), PEAK.descriptor()])
            .chain(TASKS.descriptors())
            .chain([TASK_PEAK.descriptor()])
            .chain([SINCE.descriptor(), LEFT_OUT.descriptor()])
            .chain([FAILURES.descriptor(), WRITTEN.descriptor()])
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { rows: Vec::new(), names: Names::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        if !host.lasting.kept() {
            return Err(Error::Absent(PathBuf::from("what outlives containers")));
        }
        self.read(host);
        let Self { rows, names } = self;
        let Host { containers, inventory, lasting, now, .. } = host;
        let containers = containers.as_mut();
        let endings = containers.as_ref().map(|c| c.endings().clone());
        let groups = containers.map(|containers| containers.rows());
        let update = |book: &mut Book, now: f64| {
            let rows = || groups.iter().flat_map(|groups| groups.iter()).zip(&*rows);
            book.read(rows().filter_map(container), now);
            book.read_tasks(rows().filter_map(task));
            book.settle(now, |task| service(inventory, task));
        };
        lasting.scrape(endings.as_ref(), *now, update, |book| write(book, names, text));
        if let Some(StorageHealth { failures, written }) = lasting.storage() {
            text.family(&FAILURES).sample((), failures);
            if let Some(written) = written {
                text.family(&WRITTEN)
                    .sample((), crate::container::seconds(written));
            }
        }
        Ok(())
    }
}

impl Lasting {
    /// Reads what is needed of each row.
    fn read(&mut self, host: &mut Host) {
        let Self { rows, .. } = self;
        rows.clear();
        let Host { containers, files, failures, shared, .. } = host;
        for row in containers.iter_mut().flat_map(|c| c.rows()) {
            let mut read = Read::default();
            if matches!(row.role, Role::Container | Role::Task) {
                match row.cpu(files) {
                    Ok(cpu) => read.cpu_nsec = cpu.and_then(|cpu| cpu.usage_nsec),
                    Err(error) => failures.note(&error),
                }
                match row.memory(shared.vm, files) {
                    Ok(memory) => {
                        read.oom_kills = memory.and_then(|memory| memory.oom_kills);
                        read.peak = memory.and_then(|memory| memory.peak);
                    }
                    Err(error) => failures.note(&error),
                }
            }
            rows.push(read);
        }
    }
}

/// What is read of a row.
#[derive(Clone, Copy, Debug, Default)]
struct Read {
    cpu_nsec: Option<u64>,
    oom_kills: Option<u64>,
    peak: Option<u64>,
}

fn container<'r>((row, read): (&'r Container, &Read)) -> Option<Reading<'r>> {
    let id = row.id_as(Role::Container)?;
    let oom_kills = read.oom_kills.unwrap_or_default();
    let numbers = read
        .cpu_nsec
        .map(|cpu_nsec| Numbers { cpu_nsec, oom_kills });
    Some(Reading { id, inode: row.inode(), made: row.made, numbers })
}

fn task<'r>((row, read): (&'r Container, &Read)) -> Option<TaskReading<'r>> {
    let id = row.id_as(Role::Task)?;
    let Read { cpu_nsec, peak, .. } = *read;
    Some(TaskReading { id, inode: row.inode(), made: row.made, cpu_nsec, peak })
}

/// The service of a task.
fn service<'i>(inventory: &'i Inventory, task: &str) -> Service<'i> {
    match inventory.service(task) {
        "" if inventory.service_may_come(task) => Service::Asked,
        name => Service::Is(name),
    }
}

impl Names {
    /// Has those of this book.
    fn fill(&mut self, book: &Book) {
        if self.generation == Some(book.generation()) {
            return;
        }
        self.generation = Some(book.generation());
        self.containers.clear();
        self.containers.extend(
            book.sums()
                .map(|(set, _)| LabelBlock::new(LABELS.into_iter().zip(set))),
        );
        self.tasks.clear();
        self.tasks.extend(
            book.task_sums()
                .map(|(set, _)| LabelBlock::new(TASK.into_iter().zip(set))),
        );
    }
}

fn write(book: &Book, names: &mut Names, text: &mut Text) {
    names.fill(book);
    let all = || {
        names
            .containers
            .iter()
            .map(Whole)
            .zip(book.sums().map(|(_, sums)| sums))
    };
    text.table(&CONTAINERS, all());
    let mut exits = text.family(&EXITS);
    for (set, sums) in all() {
        let mut exit = |code: &str, n: u64| exits.sample((set, code), n);
        for (code, n) in &sums.exits.codes {
            exit(itoa::Buffer::new().format(*code), *n);
        }
        for (code, n) in [("other", sums.exits.other), ("unknown", sums.exits.unknown)] {
            if n > 0 {
                exit(code, n);
            }
        }
    }
    let mut transitions = text.family(&HEALTH_TRANSITIONS);
    for (set, sums) in all().filter(|(_, sums)| sums.health != [0; 3]) {
        for ((_, to), n) in HEALTH.into_iter().zip(sums.health) {
            transitions.sample((set, to), n);
        }
    }
    let mut run_time = text.family(&RUN_TIME);
    for (set, Sums { run_time: ran, .. }) in all().filter(|(_, s)| s.run_time.count > 0) {
        let buckets = RUN_TIMES.into_iter().zip(ran.cumulated());
        run_time.histogram(set, buckets, ran.count, ran.sum());
    }
    let mut peaks = text.family(&PEAK);
    for (set, Sums { peak, .. }) in all().filter(|(_, s)| s.peak.count > 0) {
        let buckets = PEAKS.into_iter().zip(peak.cumulated());
        peaks.histogram(set, buckets, peak.count, peak.sum());
    }
    let all = || {
        names
            .tasks
            .iter()
            .map(Whole)
            .zip(book.task_sums().map(|(_, sums)| sums))
    };
    text.table(&TASKS, all());
    let mut peaks = text.family(&TASK_PEAK);
    for (set, TaskSums { peak, .. }) in all().filter(|(_, s)| s.peak.count > 0) {
        let buckets = PEAKS.into_iter().zip(peak.cumulated());
        peaks.histogram(set, buckets, peak.count, peak.sum());
    }
    text.family(&SINCE).sample((), book.since());
    text.family(&LEFT_OUT).sample((), book.left_out());
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing;
    use crate::inventory::docker::Health;
    use crate::inventory::{Happening, Told, What, Who};
    use crate::lasting::{self, Settings};
    use std::time::SystemTime;

    fn clock() -> SystemTime {
        SystemTime::UNIX_EPOCH
    }

    #[test]
    fn is_not_there_without_a_book() {
        let written = testing::written::<Lasting>(&[], &Roots::default());
        assert!(matches!(written, Err(Error::Absent(_))));
    }

    #[test]
    fn tells_of_a_container_that_no_scrape_saw() {
        let settings = Settings { dir: None, boot: String::new(), clock };
        let book = lasting::Lasting::start(settings).unwrap();
        for (at, what) in [
            (10.0, What::Started),
            (11.0, What::Health(Health::Unhealthy)),
            (12.5, What::Ended(Some(137))),
            (13.0, What::Removed),
        ] {
            let who = Who {
                cluster: "prod".into(),
                task: "t1".into(),
                family: "web".into(),
                container: "app".into(),
            };
            let happening = Happening { id: "a".into(), at, what, who: Some(who) };
            book.told(Told::Happened(&happening));
        }
        let mut host = testing::host();
        host.lasting = book;
        let mut collector = testing::start::<Lasting>(&[], &Roots::default()).unwrap();
        let mut text = Text::default();
        collector.collect(&mut host, &mut text).unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let bucket = |line: &&str| !line.contains("_bucket");
        let told = text
            .lines()
            .filter(|line| !line.starts_with("# HELP"))
            .filter(bucket);
        let set =
            r#"aws_ecs_cluster_name="prod",aws_ecs_service_name="",aws_ecs_task_family="web""#;
        let expected = r#"# TYPE ecs_container_starts_total counter
ecs_container_starts_total{SET,container_name="app"} 1
# TYPE ecs_container_restarts_total counter
ecs_container_restarts_total{SET,container_name="app"} 0
# TYPE ecs_container_oom_kills_total counter
ecs_container_oom_kills_total{SET,container_name="app"} 0
# TYPE ecs_container_cpu_seconds_total counter
ecs_container_cpu_seconds_total{SET,container_name="app"} 0
# TYPE ecs_container_finished_cpu_seconds_total counter
ecs_container_finished_cpu_seconds_total{SET,container_name="app"} 0
# TYPE ecs_container_exits_total counter
ecs_container_exits_total{SET,container_name="app",exit_code="137"} 1
# TYPE ecs_container_health_transitions_total counter
ecs_container_health_transitions_total{SET,container_name="app",to="healthy"} 0
ecs_container_health_transitions_total{SET,container_name="app",to="starting"} 0
ecs_container_health_transitions_total{SET,container_name="app",to="unhealthy"} 1
# TYPE ecs_container_run_time_seconds histogram
ecs_container_run_time_seconds_sum{SET,container_name="app"} 2.5
ecs_container_run_time_seconds_count{SET,container_name="app"} 1
# TYPE ecs_task_starts_total counter
ecs_task_starts_total{SET} 1
# TYPE ecs_task_stops_total counter
ecs_task_stops_total{SET} 0
# TYPE ecs_host_exporter_lasting_since_timestamp_seconds gauge
ecs_host_exporter_lasting_since_timestamp_seconds 0
# TYPE ecs_host_exporter_lasting_left_out_total counter
ecs_host_exporter_lasting_left_out_total 0"#;
        let expected = expected.replace("SET", set);
        assert_eq!(told.collect::<Vec<_>>().join("\n"), expected);
    }
}
