//! A kernel that counts some things, on two CPUs.

use std::fs::File;
use std::io::{self, Write};
use std::os::fd::OwnedFd;

use nix::errno::Errno;

use super::Perf;
use crate::collector::trial::Trial;
use crate::system::System;
use crate::system::perf::Event;

/// Counts 1000 × kind + config on CPU 0, one more on CPU 1, and 10 more with each read. Has no counters
/// but software's and those of tracepoints, and no CPU 7.
fn perf(event: Event, cpu: u32) -> io::Result<File> {
    if !matches!(event.kind, 1 | 2) {
        return Err(Errno::ENOENT.into());
    }
    if cpu == 7 {
        return Err(Errno::ENODEV.into());
    }
    let (read, mut write) = io::pipe()?;
    for scrape in 0..3 {
        let n = u64::from(event.kind) * 1000 + event.config + u64::from(cpu) + scrape * 10;
        write.write_all(&n.to_ne_bytes())?;
    }
    Ok(File::from(OwnedFd::from(read)))
}

fn trial(args: &[&str]) -> Trial<Perf> {
    let online = ("sys/devices/system/cpu/online", "0-1\n");
    let tracepoint = ("sys/kernel/tracing/events/sched/sched_switch/id", "314\n");
    let mut trial = Trial::new(args, &[online, tracepoint]);
    trial.host.system = System { perf, ..System::MUTE };
    trial
}

#[test]
fn counts_what_can_be_counted() {
    let mut trial = trial(&["--collector.perf.software-profilers=PageFault"]);
    let said = |n: u64| {
        format!(
            "node_perf_page_faults_total{{cpu=\"0\"}} {n}\nnode_perf_page_faults_total{{cpu=\"1\"}} {}\n",
            n + 1
        )
    };
    assert_eq!(trial.collect().unwrap(), said(1002));
    assert_eq!(trial.collect().unwrap(), said(1012), "goes on in the next scrape");
    assert_eq!(trial.host.failures.count, 0);
}

#[test]
fn counts_what_is_asked_for() {
    let said = |args: &[&str]| trial(args).collect().unwrap();
    let none = "--collector.perf.disable-software-profilers";
    assert_eq!(said(&[none]), "");
    assert_eq!(said(&[]).lines().count(), 5 * 2);
    let tracepoint = "--collector.perf.tracepoint=sched:sched_switch";
    let expected = "node_perf_sched_sched_switch{cpu=\"1\"} 2315\n";
    assert_eq!(said(&[none, tracepoint, "--collector.perf.cpus=1,7"]), expected);
    let several = [
        "--collector.perf.software-profilers=MinorFault",
        "--collector.perf.software-profilers=MajorFault",
        "--collector.perf.software-profilers=Unheard",
    ];
    assert_eq!(said(&several).lines().count(), 2 * 2);
}

#[test]
fn names_a_tracepoint_that_is_not_there() {
    let none = "--collector.perf.disable-software-profilers";
    let mut trial = trial(&[none, "--collector.perf.tracepoint=no:such"]);
    assert_eq!(trial.collect().unwrap(), "");
    let first = trial.host.failures.first.clone();
    assert_eq!(first.as_deref(), Some("tracepoint no:such, which is not in tracefs"));
}

#[test]
fn fails_where_it_may_not_count() {
    let mut trial = trial(&[]);
    trial.host.system.perf = |_, _| Err(Errno::EACCES.into());
    assert_eq!(trial.complaint(), "perf_event_open: Permission denied (os error 13)");
    trial.host.system.perf = perf;
    assert_eq!(trial.collect().unwrap().lines().count(), 5 * 2, "tries again");
}

#[test]
fn refuses_what_it_cannot_read() {
    use crate::collector::fixture::Scraped;
    let refused = |arg: &str| {
        let scraped = Scraped::<Perf>::new("/nowhere".as_ref(), &[arg]);
        scraped.map(|_| ()).unwrap_err().to_string()
    };
    assert_eq!(refused("--collector.perf.cpus=a"), "--collector.perf.cpus: \"a\"");
    for wrong in ["sched", "a:b:c", ":b", "a:", "../x:y", "a:b/c"] {
        let flag = format!("--collector.perf.tracepoint={wrong}");
        assert_eq!(refused(&flag), format!("--collector.perf.tracepoint: {wrong:?}"));
    }
}
