//! What outlives a container, by a real Docker: each start and each end once, whatever ends or starts
//! anew in the meantime: containers, Docker, the agent, the exporter itself.

use std::collections::BTreeMap;
use std::fs;
use std::path::Path;
use std::sync::PoisonError;
use std::time::Duration;

use nix::sys::signal::Signal;

use crate::common::exposition::Sample;
use crate::host::{Server, Testbed, until};

/// How long Docker's news may take.
const NEWS: Duration = Duration::from_secs(180);

/// What must be as often as it was, by family, container and further label.
const COUNTS: [&str; 5] = [
    "ecs_container_starts_total",
    "ecs_container_exits_total",
    "ecs_container_restarts_total",
    "ecs_container_oom_kills_total",
    "ecs_task_starts_total",
];

#[test]
fn counters_outlive_containers_docker_the_agent_and_the_exporter() {
    let _turn = crate::TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let testbed = match Testbed::named("lasting") {
        Ok(testbed) => testbed,
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "cannot run: {reason}");
            eprintln!("skipped: {reason}");
            return;
        }
    };
    let state = testbed.dir().join("state");
    fs::create_dir(&state).unwrap();
    let storage = format!("--storage.path={}", state.display());
    let exporter = Server::exporter_with(&testbed, &[&storage]);
    let task = testbed.add("host", 1, "shop");
    counted(&exporter, "starts", "c1", "", 1.0);

    one_that_no_scrape_saw_is_counted(&testbed, &task, &exporter);
    a_crash_loop_is_counted_exactly(&testbed, &task, &exporter);
    a_stop_and_a_start_are_counted_once(&testbed, &exporter);
    docker_and_the_agent_may_start_anew(&testbed, &exporter);
    let exporter = the_exporter_may_start_anew(&testbed, &task, exporter, &storage);
    docker_may_end_its_containers(&testbed, &exporter);
    no_secret_is_saved(&state);
}

/// A container of a task, as the agent makes it.
/// Runs a command in a container of a task, which ends with it.
pub fn run(testbed: &Testbed, task: &str, name: &str, options: &[&str], command: &str) -> String {
    let labels = [
        "cluster=testbed".to_owned(),
        format!("container-name={name}"),
        format!("task-arn=arn:aws:ecs:eu-central-1:111122223333:task/testbed/{task}"),
        "task-definition-family=shop".to_owned(),
        "task-definition-version=1".to_owned(),
    ];
    let mut arguments: Vec<String> = ["create", "--network", "host", "--cgroup-parent"]
        .map(str::to_owned)
        .into();
    arguments.push(parent(task));
    for label in labels {
        arguments.extend(["--label".to_owned(), format!("com.amazonaws.ecs.{label}")]);
    }
    arguments.extend(options.iter().map(|&option| option.to_owned()));
    arguments.extend(["busybox:local", "sh", "-c", command].map(str::to_owned));
    let arguments: Vec<&str> = arguments.iter().map(String::as_str).collect();
    let id = testbed.docker(&arguments).trim().to_owned();
    testbed.docker(&["start", &id]);
    id
}

/// The group of a task, as Docker is told it.
pub fn parent(task: &str) -> String {
    if Path::new("/sys/fs/cgroup/cgroup.controllers").exists() {
        format!("ecstasks-{task}.slice")
    } else {
        format!("/ecs/{task}")
    }
}

/// A counter of the family `shop`, 0 where it is not there.
fn count(samples: &[Sample], what: &str, container: &str, exit_code: &str) -> f64 {
    let name = format!("ecs_container_{what}_total");
    let is = |sample: &&Sample| {
        sample.name == name
            && sample.label("aws_ecs_cluster_name") == "testbed"
            && sample.label("aws_ecs_task_family") == "shop"
            && sample.label("container_name") == container
            && sample.label("exit_code") == exit_code
    };
    samples.iter().filter(is).map(|sample| sample.value).sum()
}

/// Waits until a counter is so much.
fn counted(exporter: &Server, what: &str, container: &str, exit_code: &str, times: f64) {
    let what_for = format!("{times} {what} of {container} {exit_code}");
    until(NEWS, &what_for, || {
        (count(&exporter.scrape(), what, container, exit_code) == times).then_some(())
    });
}

/// All counters of the family `shop`, by name and labels.
fn counters(exporter: &Server) -> BTreeMap<String, f64> {
    let samples = exporter.scrape();
    let counted = samples.iter().filter(|sample| {
        sample.kind == "counter"
            && sample.name.starts_with("ecs_")
            && sample.label("aws_ecs_task_family") == "shop"
            // Those of one task end with it.
            && sample.label("aws_ecs_task_id").is_empty()
    });
    counted
        .map(|sample| (format!("{}{:?}", sample.name, sample.labels), sample.value))
        .collect()
}

/// Nothing went back, and what is counted by events is what it was.
fn same(before: &BTreeMap<String, f64>, after: &BTreeMap<String, f64>) {
    for (name, was) in before {
        let is = after.get(name).copied().unwrap_or_default();
        assert!(is >= *was, "{name} went back from {was} to {is}");
        if COUNTS.iter().any(|count| name.starts_with(count)) {
            assert!(is <= *was, "{name} went from {was} to {is}");
        }
    }
}

fn one_that_no_scrape_saw_is_counted(testbed: &Testbed, task: &str, exporter: &Server) {
    const EATERS: u8 = 3;
    exporter.scrape();
    for _ in 0..EATERS {
        let options = ["--memory", "16m", "--memory-swap", "16m", "-e", "DB_PASSWORD=hunter2"];
        let eat = "sleep 2; exec dd if=/dev/zero of=/dev/null bs=64M";
        let id = run(testbed, task, "eater", &options, eat);
        assert_eq!(testbed.docker(&["wait", &id]).trim(), "137");
    }
    counted(exporter, "exits", "eater", "137", f64::from(EATERS));
    let samples = exporter.scrape();
    assert_eq!(count(&samples, "starts", "eater", ""), f64::from(EATERS));
    // One in ten is gone before it can be read, where others want the CPU.
    let kills = count(&samples, "oom_kills", "eater", "");
    let read = |sample: &Sample| {
        sample.name == "ecs_host_exporter_finals_read_total" && sample.label("result") != "missed"
    };
    let read: f64 = samples.iter().filter(|s| read(s)).map(|s| s.value).sum();
    eprintln!("{EATERS} were killed: {kills} kills counted, {read} read");
    assert!((1.0..=f64::from(EATERS)).contains(&kills), "{kills} OOM kills");
    let ran = |part: &str, at_most: &str| {
        let name = format!("ecs_container_run_time_seconds_{part}");
        let of = |s: &&Sample| {
            s.name == name && s.label("container_name") == "eater" && s.label("le") == at_most
        };
        samples.iter().find(of).map(|sample| sample.value)
    };
    assert_eq!(ran("count", ""), Some(f64::from(EATERS)));
    assert_eq!(ran("bucket", "1"), Some(0.0));
    assert_eq!(ran("bucket", "60"), Some(f64::from(EATERS)));
}

fn a_crash_loop_is_counted_exactly(testbed: &Testbed, task: &str, exporter: &Server) {
    // As the agent restarts: Docker counts no restart of its own.
    let id = run(testbed, task, "looper", &[], "exit 3");
    for _ in 1..20 {
        testbed.docker(&["wait", &id]);
        testbed.docker(&["start", &id]);
    }
    testbed.docker(&["wait", &id]);
    counted(exporter, "exits", "looper", "3", 20.0);
    assert_eq!(count(&exporter.scrape(), "starts", "looper", ""), 20.0);
    assert_eq!(count(&exporter.scrape(), "restarts", "looper", ""), 0.0);
    // As Docker does.
    run(testbed, task, "policy", &["--restart", "on-failure:3"], "exit 4");
    counted(exporter, "exits", "policy", "4", 4.0);
    counted(exporter, "restarts", "policy", "", 3.0);
    counted(exporter, "starts", "policy", "", 4.0);
}

fn a_stop_and_a_start_are_counted_once(testbed: &Testbed, exporter: &Server) {
    let id = testbed.containers()[0].id.clone();
    testbed.docker(&["stop", "-t", "1", &id]);
    counted(exporter, "exits", "c1", "137", 1.0);
    testbed.docker(&["start", &id]);
    counted(exporter, "starts", "c1", "", 2.0);
    assert_eq!(count(&exporter.scrape(), "exits", "c1", "137"), 1.0);
}

fn docker_and_the_agent_may_start_anew(testbed: &Testbed, exporter: &Server) {
    let before = counters(exporter);
    testbed.docker_stop();
    same(&before, &counters(exporter));
    testbed.docker_start();
    up(exporter, "docker");
    same(&before, &counters(exporter));
    testbed.agent_stop();
    same(&before, &counters(exporter));
    testbed.agent_start();
    up(exporter, "ecs_agent");
    same(&before, &counters(exporter));
}

/// Waits until a source has told what it has to tell.
fn up(exporter: &Server, source: &str) {
    let up = |sample: &Sample| {
        sample.name == "ecs_host_exporter_inventory_up"
            && sample.label("source") == source
            && sample.value == 1.0
    };
    until(NEWS, source, || exporter.scrape().iter().any(up).then_some(()));
    std::thread::sleep(Duration::from_secs(2));
}

fn the_exporter_may_start_anew(
    testbed: &Testbed,
    task: &str,
    exporter: Server,
    storage: &str,
) -> Server {
    let before = counters(&exporter);
    exporter.end(Signal::SIGKILL);
    let id = run(testbed, task, "meanwhile", &[], "exit 5");
    testbed.docker(&["wait", &id]);
    let exporter = Server::exporter_with(testbed, &[storage]);
    same(&before, &counters(&exporter));
    counted(&exporter, "exits", "meanwhile", "5", 1.0);
    assert_eq!(count(&exporter.scrape(), "starts", "meanwhile", ""), 1.0);
    up(&exporter, "docker");
    same(&before, &counters(&exporter));

    let before = counters(&exporter);
    exporter.end(Signal::SIGTERM);
    // Without what was saved they begin at zero; with it they go on.
    let fresh = Server::exporter_with(testbed, &[]);
    up(&fresh, "docker");
    let none = counters(&fresh);
    assert!(
        none.iter()
            .all(|(name, n)| *n == 0.0 || name.contains("cpu_seconds")),
        "{none:#?}"
    );
    fresh.end(Signal::SIGTERM);
    let exporter = Server::exporter_with(testbed, &[storage]);
    up(&exporter, "docker");
    same(&before, &counters(&exporter));
    exporter
}

/// Without `--live-restore` Docker ends its containers when it ends, and starts some of them anew.
fn docker_may_end_its_containers(testbed: &Testbed, exporter: &Server) {
    let id = testbed.containers()[0].id.clone();
    testbed.docker(&["update", "--restart", "always", &id]);
    testbed.forgetful();
    // It learns that with its next start.
    testbed.docker_stop();
    testbed.docker_start();
    up(exporter, "docker");
    let before = exporter.scrape();
    testbed.docker_stop();
    testbed.docker_start();
    let starts = count(&before, "starts", "c1", "") + 1.0;
    counted(exporter, "starts", "c1", "", starts);
    up(exporter, "docker");
    let after = exporter.scrape();
    let exits = |samples: &[Sample]| {
        let is = |s: &&Sample| {
            s.name == "ecs_container_exits_total" && s.label("container_name") == "c1"
        };
        samples.iter().filter(is).map(|s| s.value).sum::<f64>()
    };
    assert_eq!(exits(&after), exits(&before) + 1.0);
    assert_eq!(count(&after, "starts", "c1", ""), starts);
}

fn no_secret_is_saved(state: &Path) {
    let text = fs::read_to_string(state.join("lasting.state")).unwrap();
    assert!(text.contains("shop") && !text.contains("hunter2") && !text.contains("busybox"));
}
