//! A container that does nothing for a while: what is not read again meanwhile must be right all the
//! same, and right again as soon as something happens.

use std::fs;
use std::thread::sleep;
use std::time::Duration;

use crate::common::exposition::Sample;
use crate::host::{Server, Testbed, until};
use crate::kernel::TRUTH;
use crate::lasting::parent;
use crate::loads::{Idle, PATIENCE};

/// How long nothing must have happened before anything is held.
const SETTLED: Duration = Duration::from_secs(11);

pub fn what_was_quiet_is_right_again(testbed: &Testbed, exporter: &Server) {
    is_right_again(testbed, exporter, &["--network=bridge"]);
    // Of a task that does nothing, the containers are not looked at.
    let task = testbed.add("bridge", 1, "quiet");
    is_right_again(testbed, exporter, &["--network=bridge", "--cgroup-parent", &parent(&task)]);
    testbed.drop_task(&task);
}

fn is_right_again(testbed: &Testbed, exporter: &Server, options: &[&str]) {
    let container = Idle::run(testbed, exporter, options);
    let all_true = |when: &str| {
        // Neighbours talk to each other now and then.
        let (before, samples) = until(PATIENCE, when, || {
            let before = (numbers(container.pid), net_dev(container.pid));
            let samples = exporter.scrape();
            let after = (numbers(container.pid), net_dev(container.pid));
            (before == after).then_some((before, samples))
        });
        for (truth, kernel) in TRUTH.iter().zip(before.0) {
            let told = container.sum(&samples, truth.family);
            let Some(kernel) = kernel else { continue };
            let family = truth.family;
            let off = (told - kernel).abs();
            assert!(off < 1e-6, "{when}: {family}: {told} of {kernel}");
        }
        same_network(&before.1, &container.id, &samples, when);
    };
    let quiet = || {
        drop(exporter.scrape());
        sleep(SETTLED);
        drop(exporter.scrape());
    };
    quiet();
    all_true("quiet");
    let threads = container.told("container_threads");
    let peak = container.told("container_memory_max_usage_bytes");

    // The kernel answers in its place: nothing of it runs.
    let address = "{{.NetworkSettings.IPAddress}}";
    let address = testbed.docker(&["inspect", "-f", address, &container.id]);
    let received = container.told("container_network_receive_packets_total");
    // Nobody listens there, which is answered by a packet too.
    let refused = std::net::TcpStream::connect((address.trim(), 9));
    assert!(refused.is_err(), "nobody listens");
    all_true("asked from outside");
    assert!(container.told("container_network_receive_packets_total") > received);

    quiet();
    container.begins("sleep 1000000");
    until(PATIENCE, "a process more", || {
        (container.told("container_threads") > threads).then_some(())
    });
    all_true("a process more");

    quiet();
    container.does("head -c 33554432 /dev/zero | busybox tail -c 33554432 > /dev/null");
    all_true("memory was used and given back");
    let more = container.told("container_memory_max_usage_bytes") - peak;
    assert!(more >= 16_777_216.0, "of 32 MiB the most memory rose by {more}");
}

/// What the kernel says.
fn numbers(pid: i32) -> Vec<Option<f64>> {
    TRUTH.iter().map(|truth| truth.read(pid)).collect()
}

fn net_dev(pid: i32) -> String {
    fs::read_to_string(format!("/proc/{pid}/net/dev")).unwrap()
}

/// Whether bytes and packets are those of `net/dev`.
fn same_network(dev: &str, id: &str, samples: &[Sample], when: &str) {
    for (interface, numbers) in dev.lines().skip(2).filter_map(|line| line.split_once(':')) {
        let interface = interface.trim();
        let numbers: Vec<f64> = numbers
            .split_whitespace()
            .map(|n| n.parse().unwrap())
            .collect();
        for (family, column) in [
            ("container_network_receive_bytes_total", 0),
            ("container_network_receive_packets_total", 1),
            ("container_network_transmit_bytes_total", 8),
            ("container_network_transmit_packets_total", 9),
        ] {
            let told = samples.iter().find(|s| {
                s.name == family && s.label("id").contains(id) && s.label("interface") == interface
            });
            if interface == "eth0" {
                assert_eq!(told.map(|s| s.value), Some(numbers[column]), "{when}: {family}");
            }
        }
    }
}
