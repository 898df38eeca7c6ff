//! Containers that are renamed, paused, started again, put in odd places, or run within others.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::NEWS;
use crate::common::exposition::Sample;
use crate::host::{Server, Testbed, until};
use crate::kernel::group;

const CPU: &str = "container_cpu_usage_seconds_total";

/// Each of them has its row.
pub fn odd_containers_are_seen(testbed: &Testbed, exporter: &Server) {
    a_new_name_is_followed(testbed, exporter);
    what_is_paused_stands_still(testbed, exporter);
    what_starts_again_begins_anew(testbed, exporter);
    any_parent_will_do(testbed, exporter);
    containers_within_containers_are_rows(testbed, exporter);
}

/// A container that is never at rest.
fn busy(testbed: &Testbed, name: &str) -> String {
    let run = ["run", "-d", "--name", name, "busybox:local", "sh", "-c", "while :; do :; done"];
    testbed.docker(&run).trim().to_owned()
}

/// The sample of the CPU time of the one container with this in its path.
fn cpu<'a>(samples: &'a [Sample], id: &str) -> Option<&'a Sample> {
    let mut found = samples
        .iter()
        .filter(|s| s.name == CPU && s.label("id").contains(id));
    let first = found.next();
    assert!(found.next().is_none(), "one series of {id}");
    first
}

/// Every scrape has it, with the name before or the one after, and its counter never goes back.
fn a_new_name_is_followed(testbed: &Testbed, exporter: &Server) {
    let id = busy(testbed, "before");
    let named = |name: &str| {
        let samples = exporter.scrape();
        let sample = cpu(&samples, &id).expect("no scrape is without it");
        let found = sample.label("name").to_owned();
        (found == name).then_some(sample.value).ok_or(found)
    };
    let before = until(NEWS, "its name", || named("before").ok());
    testbed.docker(&["rename", &id, "after"]);
    let after = until(NEWS, "its new name", || match named("after") {
        Ok(value) => Some(value),
        Err(old) => {
            assert_eq!(old, "before");
            None
        }
    });
    assert!(after > before, "{before}, then {after}");
    testbed.docker(&["rm", "-f", &id]);
}

fn what_is_paused_stands_still(testbed: &Testbed, exporter: &Server) {
    let id = busy(testbed, "still");
    let families = |samples: &[Sample]| -> Vec<String> {
        let own = samples.iter().filter(|s| s.label("id").contains(&id));
        let mut names: Vec<_> = own.map(|s| s.name.clone()).collect();
        names.sort_unstable();
        names
    };
    let named = |samples: &[Sample]| cpu(samples, &id).is_some_and(|s| s.label("name") == "still");
    let running = until(NEWS, "all of its series", || {
        let samples = exporter.scrape();
        let walked = families(&samples).contains(&"container_fs_usage_bytes".into());
        (walked && named(&samples)).then_some(samples)
    });
    testbed.docker(&["pause", &id]);
    let one = exporter.scrape();
    let other = exporter.scrape();
    let value = |samples: &[Sample]| cpu(samples, &id).unwrap().value;
    assert!(value(&one) > value(&running));
    assert!((value(&one) - value(&other)).abs() < f64::EPSILON, "it does nothing");
    assert_eq!(families(&running), families(&other), "no series goes with it");
    testbed.docker(&["unpause", &id]);
    until(NEWS, "it goes on", || (value(&exporter.scrape()) > value(&other)).then_some(()));
    testbed.docker(&["rm", "-f", &id]);
}

/// The same id, the same path, another group.
fn what_starts_again_begins_anew(testbed: &Testbed, exporter: &Server) {
    let id = busy(testbed, "again");
    let seen = || {
        let samples = exporter.scrape();
        let of = |family: &str| {
            let own = samples
                .iter()
                .find(|s| s.name == family && s.label("id").contains(&id));
            own.map(|s| s.value)
        };
        Some((of("container_start_time_seconds")?, of(CPU)?))
    };
    let before = until(NEWS, "two seconds of CPU", || seen().filter(|(_, cpu)| *cpu > 2.0));
    testbed.docker(&["restart", "-t", "0", &id]);
    let after = seen().expect("it is there at once");
    assert!(after.1 < before.1, "counters begin anew: {before:?}, then {after:?}");
    until(NEWS, "when it was started again", || seen().filter(|(start, _)| *start > before.0));
    let samples = exporter.scrape();
    assert_eq!(cpu(&samples, &id).unwrap().label("name"), "again");
    testbed.docker(&["rm", "-f", &id]);
}

/// Wherever `--cgroup-parent` puts it.
fn any_parent_will_do(testbed: &Testbed, exporter: &Server) {
    let by_systemd = testbed.docker(&["info", "-f", "{{.CgroupDriver}}"]).trim() == "systemd";
    let parents: &[&str] = if by_systemd {
        &["odd.slice", "odd-deep-er.slice"]
    } else {
        &["/odd/deep/er", "/odd ü\"\\", "/docker/odd", "/odd/system.slice/x.service", "/"]
    };
    for parent in parents {
        let run = ["run", "-d", "--cgroup-parent", parent, "busybox:local", "sleep", "1000000"];
        let id = testbed.docker(&run).trim().to_owned();
        let sample = until(NEWS, parent, || {
            let samples = exporter.scrape();
            let found = cpu(&samples, &id).expect("the first scrape after its start has it");
            (found.label("image") == "busybox:local").then(|| found.clone())
        });
        assert!(by_systemd || sample.label("id") == Path::new(parent).join(&id).to_str().unwrap());
        testbed.docker(&["rm", "-f", &id]);
    }
    for odd in ["odd", "odd ü\"\\", "docker/odd"] {
        for place in mounts() {
            remove(&place.join(odd));
        }
    }
}

/// As Docker in a container makes them: a row of its own below that of the outer one, whose numbers
/// include it.
fn containers_within_containers_are_rows(testbed: &Testbed, exporter: &Server) {
    let run = ["run", "-d", "busybox:local", "sleep", "1000000"];
    let outer = testbed.docker(&run).trim().to_owned();
    let pid = testbed.docker(&["inspect", "-f", "{{.State.Pid}}", &outer]);
    let pid = pid.trim().parse().unwrap();
    let controllers = ["cpuacct", "cpu", "memory", "pids", "blkio", ""];
    let mut groups: Vec<_> = controllers
        .iter()
        .filter_map(|name| group(pid, name))
        .collect();
    groups.sort();
    groups.dedup();
    // On cgroup v2 a group with processes has no children with controllers: then these have none.
    let inner = "0dd".repeat(22).split_off(2);
    let nested: Vec<_> = groups
        .iter()
        .map(|dir| dir.join("docker").join(&inner))
        .collect();
    let mut shell = Command::new("sh")
        .args(["-c", "while :; do :; done"])
        .spawn()
        .unwrap();
    for dir in &nested {
        fs::create_dir_all(dir).unwrap();
        fs::write(dir.join("cgroup.procs"), shell.id().to_string()).unwrap();
    }
    let of = |end: &str| {
        // With systemd the outer one's group is called `docker-<id>.scope`.
        let own = |id: &str| id.contains(&outer) && id.trim_end_matches(".scope").ends_with(end);
        let own = |s: &Sample| s.name == CPU && own(s.label("id"));
        let found = exporter.scrape().into_iter().find(own);
        found.unwrap_or_else(|| panic!("{end} has no row"))
    };
    let (within, around) = (of(&format!("/docker/{inner}")), of(&outer));
    assert!(within.label("name").is_empty(), "nobody knows it");
    assert!(within.value <= around.value);
    shell.kill().unwrap();
    shell.wait().unwrap();
    nested.iter().for_each(|dir| remove(dir.parent().unwrap()));
    let samples = exporter.scrape();
    assert!(
        !samples
            .iter()
            .any(|s| s.name == CPU && s.label("id").contains("/docker/0dd"))
    );
    testbed.docker(&["rm", "-f", &outer]);
}

/// Where control groups are mounted.
fn mounts() -> Vec<PathBuf> {
    let mounts = fs::read_to_string("/proc/self/mountinfo").unwrap();
    let groups = mounts.lines().filter(|line| line.contains(" - cgroup"));
    groups
        .map(|line| line.split(' ').nth(4).unwrap().into())
        .collect()
}

/// A group and all that is below it, if it is there.
fn remove(dir: &Path) {
    for entry in fs::read_dir(dir).into_iter().flatten().flatten() {
        if entry.metadata().is_ok_and(|found| found.is_dir()) {
            remove(&entry.path());
        }
    }
    let _absent = fs::remove_dir(dir);
}
