//! Real control groups, made and limited by cgroups-rs, read by the exporter.
#![allow(
    clippy::unwrap_used,
    clippy::print_stderr,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

use std::process::{Child, Command, Stdio};
use std::sync::Arc;

use cgroups_rs::CgroupPid;
use cgroups_rs::fs::cgroup_builder::CgroupBuilder;
use cgroups_rs::fs::hierarchies;
use ecs_host_exporter::cgroup::{Cgroup, Hierarchies, Limit, MemoryNews, Version};
use ecs_host_exporter::files::{Files, Roots};

/// A process that ends with the test.
struct Process(Child);

impl Process {
    /// Burns CPU until it ends.
    fn busy() -> Self {
        let busy = Command::new("sh")
            .args(["-c", "while :; do :; done"])
            .stdin(Stdio::null())
            .spawn();
        Self(busy.unwrap())
    }
}

impl Drop for Process {
    fn drop(&mut self) {
        let _gone = self.0.kill();
        let _gone = self.0.wait();
    }
}

/// Whether groups can be made here. In CI they must be.
fn possible() -> bool {
    let root = nix::unistd::geteuid().is_root();
    assert!(root || std::env::var_os("CI").is_none(), "control groups need root");
    if !root {
        eprintln!("skipped: control groups need root");
    }
    root
}

#[test]
fn limits_and_usage_are_what_was_set_and_used() {
    if !possible() {
        return;
    }
    let name = format!("ecs-host-exporter-test-{}", std::process::id());
    let group = CgroupBuilder::new(&name)
        .memory()
        .memory_hard_limit(64 << 20)
        .memory_soft_limit(32 << 20)
        .done()
        .cpu()
        .quota(50_000)
        .period(100_000)
        .done()
        .pid()
        .maximum_number_of_processes(cgroups_rs::fs::MaxValue::Value(17))
        .done()
        .set_specified_controllers(
            ["memory", "cpu", "cpuacct", "pids"]
                .map(str::to_owned)
                .into(),
        )
        .build(hierarchies::auto())
        .unwrap();
    let process = Process::busy();
    group
        .add_task_by_tgid(CgroupPid::from(u64::from(process.0.id())))
        .unwrap();

    let mut files = Files::default();
    let home = Arc::new(Hierarchies::find(&Roots::default(), &mut files).unwrap());
    let version = home.version();
    let mut ours = Cgroup::new(&format!("/{name}"), home, true);
    let spec = ours.spec(&mut files).unwrap();
    assert_eq!(spec.memory, Some(Limit::At(64 << 20)));
    assert_eq!(spec.memory_reservation, Some(Limit::At(32 << 20)));
    assert_eq!(
        (spec.cpu_quota_usec, spec.cpu_period_usec),
        (Some(Limit::At(50_000)), Some(100_000))
    );
    assert_eq!(spec.threads, Some(Limit::At(17)));
    assert_eq!(spec.cpu_shares.is_some(), version == Version::V1);
    assert_eq!(ours.threads(&mut files).unwrap(), Some(1));
    let mut processes = Vec::new();
    ours.procs(&mut processes, &mut files).unwrap();
    assert_eq!(processes, [process.0.id()]);

    // Until it has burnt a tenth of a second: half a CPU is all it may have.
    let burnt = loop {
        let cpu = ours.cpu(true, &mut files).unwrap().unwrap();
        // The kernel counts a wait when it is over.
        if cpu.usage_nsec.unwrap() > 100_000_000 && cpu.throttling.unwrap().throttled_nsec > 0 {
            break cpu.throttling.unwrap();
        }
        std::thread::yield_now();
    };
    assert!(burnt.throttled_periods > 0 && burnt.periods >= burnt.throttled_periods);
    let memory = ours
        .memory(MemoryNews::default(), &mut files)
        .unwrap()
        .unwrap();
    assert!(memory.usage.unwrap() <= 64 << 20);
    assert_eq!(memory.oom_kills, Some(0));

    drop(process);
    while group.delete().is_err() {
        std::thread::yield_now();
    }
    assert_eq!(ours.cpu(true, &mut files).unwrap(), None, "a group that is gone says nothing");
    assert_eq!(ours.memory(MemoryNews::default(), &mut files).unwrap(), None);
    assert_eq!(ours.threads(&mut files).unwrap(), None);
}
