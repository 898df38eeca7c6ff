//! The real binary on a real host: dockerd, containers laid out and labelled as the ECS agent does
//! it, a stand-in for the agent. Where there is no root or no dockerd it is skipped, and says so;
//! with `CI=true` that is a failure.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::indexing_slicing,
    clippy::string_slice,
    clippy::panic,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

mod cadvisor;
#[path = "../common/mod.rs"]
mod common;
mod dashboards;
mod discovery;
mod host;
mod kernel;
mod lasting;
mod loads;
mod odd;
mod peer;
mod quiet;
mod quota;
mod tasks;
mod volumes;

use std::path::Path;
use std::sync::{Mutex, PoisonError};
use std::time::Duration;

use common::exposition::Sample;
use host::{Container, Server, Testbed, until};
use kernel::TRUTH;
use nix::sys::signal::Signal;

/// The labels of the ECS agent.
const LABELS: [&str; 5] =
    ["cluster", "container-name", "task-arn", "task-definition-family", "task-definition-version"];

/// How long Docker's and the agent's news may take.
const NEWS: Duration = Duration::from_secs(120);

/// Held by the test that runs: loads are known only where there are no others.
static TURN: Mutex<()> = Mutex::new(());

fn testbed() -> Option<Testbed> {
    match Testbed::up() {
        Ok(testbed) => Some(testbed),
        Err(reason) => {
            assert!(std::env::var_os("CI").is_none(), "cannot run: {reason}");
            eprintln!("skipped: {reason}");
            None
        }
    }
}

#[test]
fn what_is_discovered_is_scraped() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(testbed) = testbed() {
        discovery::what_is_discovered_is_scraped(&testbed);
    }
}

#[test]
fn tasks_are_counted() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if let Some(testbed) = testbed() {
        tasks::tasks_are_counted(&testbed, &Server::exporter(&testbed));
    }
}

#[test]
fn a_real_host_is_seen_as_it_is() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(testbed) = testbed() else { return };
    for family in ["web", "shop", "search", "mail"] {
        testbed.add("bridge", 4, family);
    }
    testbed.add("awsvpc", 3, "api");
    testbed.add("host", 2, "daemon");
    let mut exporter = Server::exporter(&testbed);

    every_container_has_its_labels(&testbed, &exporter);
    numbers_are_the_kernels(&testbed, &exporter);
    networks_are_counted_once(&testbed, &exporter);
    loads::known_loads_are_counted(&testbed, &exporter);
    quiet::what_was_quiet_is_right_again(&testbed, &exporter);
    a_layer_and_a_log_are_counted(&testbed, &exporter);
    let with_flags = Server::exporter_with(&testbed, dashboards::FLAGS);
    dashboards::have_what_they_ask_for(&exporter.scrape(), &with_flags.scrape());
    drop(with_flags);
    discovery::what_is_discovered_is_scraped(&testbed);
    containers_come_and_go(&testbed, &exporter);
    odd::odd_containers_are_seen(&testbed, &exporter);
    labels_outlive_docker(&testbed, &exporter);
    peer::agrees_with_node_exporter(&exporter);
    assert!(exporter.runs(), "it is the same process still");
}

#[test]
fn cadvisor_says_the_same() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    if std::env::var_os("CADVISOR").is_none() {
        eprintln!("not compared: CADVISOR names no program");
        return;
    }
    let Some(testbed) = testbed() else { return };
    testbed.add("bridge", 4, "web");
    testbed.add("awsvpc", 3, "api");
    testbed.add("host", 2, "daemon");
    cadvisor::agrees_with_cadvisor(&testbed);
}

#[test]
fn a_quota_is_the_limit_of_a_container() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    match Testbed::prepared("quota", quota::mount) {
        Ok(testbed) => quota::a_quota_is_the_limit(&testbed, &Server::exporter(&testbed)),
        Err(reason) => eprintln!("not tried: {reason}"),
    }
}

#[test]
fn a_volume_of_a_task_is_told() {
    let _turn = TURN.lock().unwrap_or_else(PoisonError::into_inner);
    let Some(testbed) = testbed() else { return };
    let task = testbed.add("bridge", 1, "web");
    match volumes::Volume::attach(testbed.dir(), &task) {
        Ok(volume) => volumes::a_volume_is_told(&testbed, &Server::exporter(&testbed), &volume),
        Err(reason) => eprintln!("not tried: {reason}"),
    }
}

fn every_container_has_its_labels(testbed: &Testbed, exporter: &Server) {
    let containers = testbed.containers();
    assert_eq!(containers.len(), 4 * 4 + (1 + 3) + 2);
    until(NEWS, "labels of every container", || labelled(&exporter.scrape(), &containers).ok());
    let samples = exporter.scrape();
    let cluster = "container_label_com_amazonaws_ecs_cluster";
    let counted = |s: &&Sample| s.name == "container_last_seen" && !s.label(cluster).is_empty();
    let nameless = samples
        .iter()
        .filter(counted)
        .find(|s| s.label("name").is_empty());
    assert!(nameless.is_none(), "would be summed beside its containers: {nameless:?}");
    labelled(&samples, &containers).unwrap();
}

/// Whether every container is there in each of the main families, with all its labels.
fn labelled(samples: &[Sample], containers: &[Container]) -> Result<(), String> {
    for container in containers {
        for family in [
            "container_cpu_usage_seconds_total",
            "container_memory_usage_bytes",
            "container_threads",
            "container_last_seen",
            "container_spec_memory_limit_bytes",
        ] {
            let sample = of(samples, family, container)
                .ok_or_else(|| format!("{family} lacks {}", container.name))?;
            let mut expected = vec![
                ("name".into(), container.name.as_str()),
                ("image".into(), container.image.as_str()),
            ];
            for label in LABELS {
                let name = format!("container_label_com_amazonaws_ecs_{}", label.replace('-', "_"));
                expected.push((name, &container.labels[&format!("com.amazonaws.ecs.{label}")]));
            }
            for (name, value) in expected {
                if sample.label(&name) != value {
                    return Err(format!("{sample:?} should have {name}={value}"));
                }
            }
        }
    }
    Ok(())
}

/// The sample of a family for a container, by the id in its path.
fn of<'a>(samples: &'a [Sample], family: &str, container: &Container) -> Option<&'a Sample> {
    samples
        .iter()
        .find(|s| s.name == family && s.label("id").contains(&container.id))
}

/// Every number lies between what the kernel says before and what it says after.
fn numbers_are_the_kernels(testbed: &Testbed, exporter: &Server) {
    let containers = testbed.containers();
    let rows = || {
        containers
            .iter()
            .flat_map(|c| TRUTH.iter().map(move |truth| (c, truth)))
    };
    let read = || -> Vec<Option<f64>> { rows().map(|(c, truth)| truth.read(c.pid)).collect() };
    let before = read();
    let samples = exporter.scrape();
    let after = read();
    let mut wrong = Vec::new();
    let mut compared = 0;
    for ((container, truth), (before, after)) in rows().zip(before.iter().zip(&after)) {
        let (Some(before), Some(after)) = (before, after) else { continue };
        let family = truth.family;
        // Each block device is a sample; one that nothing was done to has none.
        let said: f64 = samples
            .iter()
            .filter(|s| s.name == family && s.label("id").contains(&container.id))
            .map(|s| s.value)
            .sum();
        if said < before.min(*after) - 1e-6 || said > before.max(*after) + 1e-6 {
            let name = &container.name;
            wrong.push(format!("{family} of {name}: {said}, not in {before}..{after}"));
        }
        compared += 1;
    }
    assert!(wrong.is_empty(), "{}", wrong.join("\n"));
    assert!(compared >= 10 * containers.len(), "only {compared} numbers had files");
}

/// A task with awsvpc is one network, which its pause container owns; the host's is no container's.
fn networks_are_counted_once(testbed: &Testbed, exporter: &Server) {
    let samples = exporter.scrape();
    for container in testbed.containers() {
        let sent = samples.iter().find(|s| {
            s.name == "container_network_transmit_bytes_total"
                && s.label("id").contains(&container.id)
                && s.label("interface") == "eth0"
        });
        let owns = container.network == "bridge" || container.network == "none";
        assert_eq!(sent.is_some(), owns, "{} in {}", container.name, container.network);
        if let Some(sent) = sent {
            let dev = std::fs::read_to_string(format!("/proc/{}/net/dev", container.pid)).unwrap();
            let line = dev
                .lines()
                .find_map(|l| l.trim().strip_prefix("eth0:"))
                .unwrap();
            let now: f64 = line.split_whitespace().nth(8).unwrap().parse().unwrap();
            assert!(sent.value <= now, "{} sent {now}, not {}", container.name, sent.value);
        }
    }
    the_hosts_interfaces_are_its_own(exporter);
}

/// What the kernel says over netlink of the host's interfaces is what its file says.
fn the_hosts_interfaces_are_its_own(exporter: &Server) {
    let counted = || -> Vec<(String, [f64; 8])> {
        let dev = std::fs::read_to_string("/proc/1/net/dev").unwrap();
        let of = |line: &str| {
            let (name, numbers) = line.split_once(':')?;
            let numbers: Vec<f64> = numbers
                .split_whitespace()
                .map(|n| n.parse().unwrap())
                .collect();
            let columns = [0, 1, 2, 3, 8, 9, 10, 11].map(|column| numbers[column]);
            Some((name.trim().to_owned(), columns))
        };
        let all = dev.lines().skip(2).filter_map(of);
        all.filter(|(name, _)| {
            !["lo", "veth", "docker"]
                .iter()
                .any(|other| name.starts_with(other))
        })
        .collect()
    };
    let before = counted();
    let samples = exporter.scrape();
    let after = counted();
    assert!(!before.is_empty(), "the host has interfaces");
    for ((name, before), (_, after)) in before.iter().zip(&after) {
        for (n, what) in ["bytes", "packets", "errors", "packets_dropped"]
            .iter()
            .cycle()
            .take(8)
            .enumerate()
        {
            let way = if n < 4 { "receive" } else { "transmit" };
            let family = format!("container_network_{way}_{what}_total");
            let told = samples
                .iter()
                .find(|s| s.name == family && s.label("id") == "/" && s.label("interface") == name);
            let told = told.map(|s| s.value);
            let within = told.is_some_and(|told| (before[n]..=after[n]).contains(&told));
            assert!(within, "{family} of {name}: {told:?}, not in {}..{}", before[n], after[n]);
        }
    }
}

/// What a container writes to its layer and its log is what `du` finds, to the byte.
fn a_layer_and_a_log_are_counted(testbed: &Testbed, exporter: &Server) {
    const MEBIBYTE: f64 = 1_048_576.0;
    let containers = testbed.containers();
    let container = containers.iter().find(|c| c.network == "host").unwrap();
    let format = "{{.GraphDriver.Data.UpperDir}}\n{{.LogPath}}";
    let paths = testbed.docker(&["inspect", "-f", format, &container.id]);
    let (layer, log) = paths.trim().split_once('\n').unwrap();
    let home = Path::new(log).parent().unwrap();
    let counted = |what: &str| {
        until(NEWS, what, || {
            let samples = exporter.scrape();
            let said = ["container_fs_usage_bytes", "container_fs_log_bytes"]
                .map(|family| of(&samples, family, container).map(|sample| sample.value));
            let log = host::disk_usage(home);
            let truth = [host::disk_usage(Path::new(layer)) + log, log];
            (said == truth.map(Some)).then_some(truth)
        })
    };
    let before = counted("what the layer and the log hold");
    let fill = "dd if=/dev/zero of=/filled bs=64k count=160 conv=fsync 2> /dev/null";
    testbed.docker(&["exec", &container.id, "sh", "-c", fill]);
    // 63 bytes and the end of the line, 16,384 times.
    let line = "0123456789abcdef".repeat(4).split_off(1);
    let tell = format!("yes {line} | head -n 16384 > /proc/1/fd/1");
    testbed.docker(&["exec", &container.id, "sh", "-c", &tell]);
    let grown = || host::disk_usage(home) >= before[1] + MEBIBYTE;
    until(NEWS, "a mebibyte in the log", || grown().then_some(()));
    let after = counted("ten mebibytes more in the layer, and one in the log");
    let [layer, log] = [after[0] - before[0] - (after[1] - before[1]), after[1] - before[1]];
    assert!((10.0 * MEBIBYTE..10.1 * MEBIBYTE).contains(&layer), "{layer}");
    assert!(log >= MEBIBYTE, "{log}");
}

fn containers_come_and_go(testbed: &Testbed, exporter: &Server) {
    let known = testbed.containers();
    let task = testbed.add("bridge", 1, "late");
    let new: Vec<_> = testbed
        .containers()
        .into_iter()
        .filter(|c| !known.iter().any(|k| k.id == c.id))
        .collect();
    let present =
        |samples: &[Sample]| of(samples, "container_memory_usage_bytes", &new[0]).is_some();
    assert!(present(&exporter.scrape()), "the first scrape after its start has it");
    until(NEWS, "labels of a new container", || labelled(&exporter.scrape(), &new).ok());

    testbed.docker(&["kill", &new[0].id]);
    assert!(!present(&exporter.scrape()), "the first scrape after its end has it no more");
    testbed.drop_task(&task);
    // Last counters are shown in two scrapes.
    let mut samples = exporter.scrape();
    for _ in 0..2 {
        samples = exporter.scrape();
    }
    let left: Vec<_> = samples
        .iter()
        .filter(|s| s.label("id").contains(&task))
        .collect();
    assert!(left.is_empty(), "{left:?}");
}

fn labels_outlive_docker(testbed: &Testbed, exporter: &Server) {
    let containers = testbed.containers();

    testbed.signal_docker(Signal::SIGSTOP);
    let stopped = labelled(&exporter.scrape(), &containers);
    testbed.signal_docker(Signal::SIGCONT);
    stopped.expect("labels while Docker is stopped");

    testbed.docker_stop();
    labelled(&exporter.scrape(), &containers).expect("labels while Docker is gone");
    let early = Server::exporter(testbed);
    let seen = early.scrape();
    let without = containers
        .iter()
        .find(|c| of(&seen, "container_threads", c).is_none());
    assert!(without.is_none(), "started before Docker it sees {without:?}");
    testbed.docker_start();
    until(NEWS, "labels where the exporter was there before Docker", || {
        labelled(&early.scrape(), &containers).ok()
    });
    labelled(&exporter.scrape(), &containers).expect("labels when Docker is back");

    let task = testbed.add("awsvpc", 1, "again");
    let all = testbed.containers();
    assert_eq!(all.len(), containers.len() + 2);
    until(NEWS, "a new container's labels from the new Docker", || {
        labelled(&exporter.scrape(), &all).ok()
    });
    testbed.drop_task(&task);
}
