//! Tasks: what only their own control group and their own network tell.

use std::fs;
use std::time::Duration;

use crate::NEWS;
use crate::common::exposition::Sample;
use crate::host::{Container, Server, Testbed, until};
use crate::kernel::TRUTH;
use crate::lasting;

/// How long it may take until four containers hold what they are to: emulated hosts are slow.
const PATIENCE: Duration = Duration::from_secs(300);

/// A task of the testbed, which may use half a CPU and 256 MiB.
struct Task<'a> {
    testbed: &'a Testbed,
    exporter: &'a Server,
    id: String,
    containers: Vec<Container>,
}

impl<'a> Task<'a> {
    fn run(testbed: &'a Testbed, exporter: &'a Server, mode: &str, n: usize, family: &str) -> Self {
        let id = testbed.add(mode, n, family);
        let of = |c: &Container| c.labels["com.amazonaws.ecs.task-arn"].ends_with(&id);
        let containers: Vec<_> = testbed.containers().into_iter().filter(of).collect();
        let task = Self { testbed, exporter, id, containers };
        until(NEWS, "every container of the task", || {
            let samples = exporter.scrape();
            let named = |c: &&Container| {
                let name = &c.labels["com.amazonaws.ecs.container-name"];
                samples.iter().any(|s| {
                    s.name == "ecs_container_cpu_reserved_units"
                        && s.label("aws_ecs_task_id") == task.id
                        && s.label("container_name") == name
                })
            };
            (task.containers.iter().filter(named).count() == n).then_some(())
        });
        task
    }

    fn container(&self, name: &str) -> &Container {
        let named = |c: &&Container| c.labels["com.amazonaws.ecs.container-name"] == name;
        self.containers.iter().find(named).unwrap()
    }

    /// Runs a command in a container, whose outcome is of no matter.
    fn does(&self, name: &str, command: &str) {
        let command = format!("({command}); true");
        let id = &self.container(name).id;
        // The shell itself may be what the kernel kills.
        let _outcome = self.testbed.try_docker(&["exec", id, "sh", "-c", &command]);
    }

    /// Starts a command in a container that stays.
    fn begins(&self, name: &str, command: &str) {
        let id = &self.container(name).id;
        self.testbed
            .docker(&["exec", "-d", id, "sh", "-c", command]);
    }

    fn told(&self, family: &str) -> Option<f64> {
        self.of(&self.exporter.scrape(), family)
    }

    fn of(&self, samples: &[Sample], family: &str) -> Option<f64> {
        let mut of = samples
            .iter()
            .filter(|s| s.name == family && s.label("aws_ecs_task_id") == self.id);
        let found = of.next().map(|sample| sample.value);
        assert!(of.next().is_none(), "{family} is there twice");
        found
    }

    fn kills(&self) -> [f64; 3] {
        let samples = self.exporter.scrape();
        ["container", "task", "host"].map(|level| {
            let of = |s: &&Sample| {
                s.name == "ecs_task_oom_kills_total"
                    && s.label("aws_ecs_task_id") == self.id
                    && s.label("level") == level
            };
            samples.iter().find(of).unwrap().value
        })
    }
}

impl Drop for Task<'_> {
    fn drop(&mut self) {
        self.testbed.drop_task(&self.id);
    }
}

pub fn tasks_are_counted(testbed: &Testbed, exporter: &Server) {
    let task = Task::run(testbed, exporter, "bridge", 4, "limits");
    who_it_is_and_what_it_reserves(&task);
    the_task_is_held_back(&task);
    it_is_told_whose_limit_killed(&task);
    nothing_falls_when_a_container_goes(&task);
    drop(task);
    traffic_is_counted_once(testbed, exporter);
}

fn who_it_is_and_what_it_reserves(task: &Task<'_>) {
    let samples = task.exporter.scrape();
    for (family, expected) in [
        ("ecs_task_own_cgroup", 1.0),
        ("ecs_task_cpu_quota_cores", 0.5),
        ("ecs_task_cpu_reserved_units", 512.0),
        ("ecs_task_memory_limit_bytes", 268_435_456.0),
        ("ecs_task_memory_reserved_bytes", 268_435_456.0),
        ("ecs_task_network_shared", 0.0),
        ("ecs_task_memory_reserved", 256.0),
        ("ecs_task_cpu_reserved", 512.0),
    ] {
        assert_eq!(task.of(&samples, family), Some(expected), "{family}");
    }
    let usage = samples
        .iter()
        .find(|s| s.name == "ecs_task_info" && s.label("aws_ecs_task_id") == task.id);
    let info = usage.unwrap();
    assert_eq!(info.label("aws_ecs_cluster_name"), "testbed");
    assert_eq!(info.label("aws_ecs_task_family"), "limits");
    assert_eq!(info.label("network_mode"), "bridge");
    // The eight that ADOT's own configuration for Prometheus lets through have data, rates as soon as
    // there was a scrape before.
    for family in [
        "ecs_task_memory_utilized",
        "ecs_task_memory_reserved",
        "ecs_task_cpu_utilized",
        "ecs_task_cpu_reserved",
        "ecs_task_network_rate_rx",
        "ecs_task_network_rate_tx",
        "ecs_task_storage_read_bytes",
        "ecs_task_storage_write_bytes",
    ] {
        until(NEWS, family, || task.told(family));
    }
}

/// On ECS the quota is the task's: so is the throttling, and no container's.
fn the_task_is_held_back(task: &Task<'_>) {
    const PERIODS: &str = "ecs_task_cpu_cfs_throttled_periods_total";
    let before = task.told(PERIODS).unwrap();
    task.does("c1", "ulimit -t 1; while :; do :; done");
    let samples = task.exporter.scrape();
    let held = task.of(&samples, PERIODS).unwrap() - before;
    assert!(held >= 5.0, "held back in {held} periods");
    let of_containers = samples.iter().filter(|s| {
        s.name == "container_cpu_cfs_throttled_periods_total"
            && task
                .containers
                .iter()
                .any(|c| s.label("id").contains(&c.id))
    });
    assert_eq!(of_containers.map(|s| s.value).sum::<f64>(), 0.0);
    let burnt = task
        .of(&samples, "ecs_task_cpu_usage_seconds_total")
        .unwrap();
    // By samples of whole ticks, which on a busy host tell more than was burnt.
    assert!(burnt >= 0.9, "{burnt}");
}

/// A container that goes over its 32 MiB, and three that together go over the task's 256 MiB.
fn it_is_told_whose_limit_killed(task: &Task<'_>) {
    assert_eq!(task.kills(), [0.0; 3]);
    task.does("c1", "head -c 67108864 /dev/zero | busybox tail -c 67108864 > /dev/null");
    let [in_container, by_task, host] = task.kills();
    // The kernel may kill the rest of the pipe too, and counts it.
    let truth = TRUTH
        .iter()
        .find(|truth| truth.family == "container_oom_events_total");
    let killed = truth.unwrap().read(task.container("c1").pid).unwrap();
    assert!(killed >= 1.0);
    assert_eq!([in_container, by_task, host], [killed, 0.0, 0.0]);
    // One without a limit of its own, which ends by it.
    let over = "head -c 314572800 /dev/zero | busybox tail -c 314572800 > /dev/null";
    let id = lasting::run(task.testbed, &task.id, "over", &[], over);
    task.testbed.docker(&["wait", &id]);
    let counted = || Some(task.kills()).filter(|[_, by_task, _]| *by_task > 0.0);
    let kills @ [_, before, _] = until(PATIENCE, "a kill in a container that ended", counted);
    assert_eq!(kills, [in_container, before, 0.0]);
    for (name, mebibytes) in [("c4", 108), ("c3", 80), ("c2", 52), ("c1", 24)] {
        let bytes = mebibytes << 20;
        let hold =
            format!("(head -c {bytes} /dev/zero; sleep 600) | busybox tail -c {bytes} > /dev/null");
        task.begins(name, &hold);
    }
    let kills = until(PATIENCE, "a kill by the task's limit", || {
        let [container, by_task, host] = task.kills();
        (by_task > before).then_some([container, host])
    });
    assert_eq!(kills, [in_container, 0.0]);
}

fn nothing_falls_when_a_container_goes(task: &Task<'_>) {
    const FAMILIES: [&str; 5] = [
        "ecs_task_cpu_usage_seconds_total",
        "ecs_task_io_written_bytes_total",
        "ecs_task_io_writes_total",
        "ecs_task_network_receive_bytes_total",
        "ecs_task_network_transmit_bytes_total",
    ];
    let all = || FAMILIES.map(|family| task.told(family).unwrap());
    task.does("c2", "dd if=/dev/zero of=/more bs=64k count=32 conv=fsync 2> /dev/null");
    let before = all();
    assert!(before[1] >= 2_097_152.0, "{before:?}");
    task.testbed.docker(&["rm", "-f", &task.container("c2").id]);
    let after = until(NEWS, "the container gone", || {
        let samples = task.exporter.scrape();
        let there = samples.iter().any(|s| {
            s.name == "ecs_container_cpu_reserved_units"
                && s.label("aws_ecs_task_id") == task.id
                && s.label("container_name") == "c2"
        });
        (!there).then(&all)
    });
    for ((family, before), after) in FAMILIES.iter().zip(before).zip(after) {
        assert!(after >= before, "{family}: {before}, then {after}");
    }
}

/// With awsvpc a task is one network; in the host's it has none of its own.
fn traffic_is_counted_once(testbed: &Testbed, exporter: &Server) {
    const SENT: &str = "ecs_task_network_transmit_bytes_total";
    let vpc = Task::run(testbed, exporter, "awsvpc", 2, "traffic");
    let kernel = || {
        let pid = vpc.container("~internal~ecs~pause").pid;
        let dev = fs::read_to_string(format!("/proc/{pid}/net/dev")).unwrap();
        let line = dev.lines().find_map(|l| l.trim().strip_prefix("eth0:"));
        let sent = line.unwrap().split_whitespace().nth(8).unwrap();
        sent.parse::<f64>().unwrap()
    };
    // Nobody answers: what asks for the address of the other end is traffic enough.
    vpc.does(
        "c1",
        "timeout 2 busybox wget -q -O - -T 1 http://10.99.99.99/ || timeout 1 cat < /dev/null",
    );
    let before = kernel();
    let told = vpc.told(SENT).unwrap();
    let after = kernel();
    assert!((before..=after).contains(&told), "{told}, the kernel says {before}..{after}");
    assert_eq!(vpc.told("ecs_task_network_shared"), Some(0.0));
    drop(vpc);
    let host = Task::run(testbed, exporter, "host", 1, "shared");
    assert_eq!(host.told("ecs_task_network_shared"), Some(1.0));
    assert_eq!(host.told(SENT), None);
}
