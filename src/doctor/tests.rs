use super::*;

use std::io;
use std::time::{Duration, SystemTime};

use super::ask::{Agent, Asked, Docker};
use super::facts::{Cgroups, Security, View, confined};
use crate::cgroup::Version;
use crate::files::{Error, Scratch};
use crate::scrape::{Fared, Outcome};

/// A container that has all it needs.
fn well() -> Facts {
    Facts {
        roots: Roots {
            proc: "/host/proc".into(),
            sys: "/host/sys".into(),
            rootfs: "/rootfs".into(),
            udev: "/rootfs/run/udev/data".into(),
        },
        in_container: true,
        init: Some("systemd".into()),
        kernel_threads: true,
        host_pids: true,
        host_network: Some(true),
        devices: Some((3, 4)),
        system: Some("Amazon Linux 2023".into()),
        host_root: Some(true),
        cgroups: Ok(cgroups()),
        docker: Asked::Said(Docker {
            socket: "/var/run/docker.sock".into(),
            version: "25.0.8".into(),
            running: 3,
        }),
        docker_group: Some(998),
        agent: Asked::Said(Agent {
            cluster: "prod".into(),
            container_instance_arn: "arn:aws:ecs:eu-west-1:1:container-instance/prod/0a1b".into(),
        }),
        udev: Ok(17),
        uid: 0,
        capabilities: vec!["DAC_READ_SEARCH"],
        open_files: Some(65_536),
        security: Security::None,
        old_cgroup: None,
    }
}

fn cgroups() -> Cgroups {
    Cgroups {
        version: Version::V2,
        at: "/host/sys/fs/cgroup".into(),
        missing: vec![],
        counts_io: true,
        tasks: 2,
        containers: 3,
        view: View::Whole,
    }
}

fn host() -> Summary {
    Summary { kernel: "6.1".into(), architecture: "arm64".into(), cpus: 2, ..Summary::default() }
}

fn report(facts: &Facts) -> Report {
    Report::of(host(), checks::judge(facts), vec![], facts.in_container)
}

/// What mends what, of all that is to be mended.
fn remedies(facts: &Facts) -> Vec<(&'static str, Remedy)> {
    let lines = checks::judge(facts).into_iter();
    let lines = lines.filter(|line| line.remedy != Remedy::default());
    lines.map(|line| (line.subject, line.remedy)).collect()
}

/// The lines that say that something is to be mended.
fn troubles(facts: &Facts) -> (bool, Vec<String>) {
    let report = report(facts);
    let text = report.to_string();
    let trouble = |line: &&str| line.starts_with("degraded") || line.starts_with("missing");
    (report.well(), text.lines().filter(trouble).map(str::to_owned).collect())
}

#[test]
fn a_container_with_all_it_needs_is_well() {
    let expected = "\
host                      Linux 6.1, arm64, 2 CPUs, 0 MiB of memory, up 0 hours
ok        procfs          /host/proc is the host's, its first process is systemd
ok        sysfs           /host/sys has 3 block devices and 4 network interfaces
ok        rootfs          /rootfs is Amazon Linux 2023
ok        cgroups         version 2 at /host/sys/fs/cgroup, with 3 containers and 2 ECS tasks
ok        pid namespace   the host's
ok        network         the host's
ok        Docker          /var/run/docker.sock answers, version 25.0.8, 3 containers run
ok        ECS agent       cluster prod, container instance 0a1b
ok        udev            /rootfs/run/udev/data knows 17 devices
ok        rights          user 0, capabilities DAC_READ_SEARCH
ok        open files      65536 at most


collectors: 0 ok, 0 degraded, 0 failed, 0 absent (nothing of the kind on this host), 0 off
well
";
    let report = report(&well());
    assert_eq!(report.to_string(), expected);
    assert!(report.well());
}

#[test]
fn a_container_without_mounts_is_not() {
    let facts = Facts {
        roots: Roots::default(),
        init: Some("ecs-host-export".into()),
        kernel_threads: false,
        host_pids: false,
        host_network: None,
        system: None,
        host_root: None,
        cgroups: Err(Error::Absent("/sys/fs/cgroup".into())),
        docker: Asked::Silent(
            "/var/run/docker.sock".into(),
            io::Error::from(io::ErrorKind::NotFound),
        ),
        agent: Asked::Silent("127.0.0.1:51678".into(), io::ErrorKind::ConnectionRefused.into()),
        udev: Err(Error::Absent("/run/udev/data".into())),
        uid: 65534,
        capabilities: vec![],
        open_files: Some(1024),
        ..well()
    };
    let expected = [
        "degraded  procfs          /proc is not the host's, its first process is ecs-host-export; mount the host's /proc at /host/proc, read-only",
        "missing   rootfs          / has no etc/os-release; mount the host's / at /rootfs, read-only, or give --path.rootfs",
        "missing   cgroups         /sys/fs/cgroup: not on this host; mount the host's /sys at /host/sys, read-only, with what is mounted below",
        "degraded  pid namespace   its own: processes of containers are known from Docker alone; set pidMode to host",
        "degraded  network         not to be told without the host's procfs; mend procfs first",
        "missing   Docker          /var/run/docker.sock: entity not found; mount the host's /var/run, in which the socket is",
        "missing   ECS agent       127.0.0.1:51678: connection refused; set networkMode to host: the agent listens on the host's loopback alone",
        "missing   udev            /run/udev/data is not there, disks lack their models; mount the host's / at /rootfs, read-only, or give --path.rootfs",
        "degraded  open files      1024 at most: scrapes of many containers cost more; set the ulimit nofile to 65536",
    ];
    assert_eq!(troubles(&facts), (false, expected.map(str::to_owned).into()));
}

#[test]
fn what_is_not_essential_is_forgiven() {
    let facts = Facts {
        host_network: Some(false),
        docker: Asked::Silent("/d".into(), io::ErrorKind::PermissionDenied.into()),
        agent: Asked::Off,
        ..well()
    };
    let expected = [
        "degraded  network         its own: some of the host's network metrics would be those of the exporter; set networkMode to host",
        "missing   Docker          /d: permission denied; run with the group that the socket belongs to",
    ];
    assert_eq!(troubles(&facts), (true, expected.map(str::to_owned).into()));
}

#[test]
fn sees_that_docker_runs_more_than_there_are_groups() {
    let facts = Facts { cgroups: Ok(Cgroups { containers: 1, ..cgroups() }), ..well() };
    let line = "degraded  cgroups         version 2 at /host/sys/fs/cgroup, with 1 containers and 2 ECS tasks, while Docker runs 3; mount the host's /sys at /host/sys, read-only, with what is mounted below";
    assert_eq!(troubles(&facts), (false, vec![line.to_owned()]));
    let facts = Facts { cgroups: Ok(Cgroups { missing: vec!["memory"], ..cgroups() }), ..well() };
    let line = "degraded  cgroups         version 2 at /host/sys/fs/cgroup, with 3 containers and 2 ECS tasks, without memory; switch the controllers on, on the kernel's command line";
    assert_eq!(troubles(&facts), (false, vec![line.to_owned()]));
}

#[test]
fn knows_another_root_from_the_hosts() {
    let own = || Roots { rootfs: "/".into(), ..well().roots };
    let line = |what: &str| {
        let remedy = "mount the host's / at /rootfs, read-only, or give --path.rootfs";
        vec![format!("degraded  rootfs          / is Amazon Linux 2023, {what}; {remedy}")]
    };
    let other = Facts { roots: own(), host_root: Some(false), ..well() };
    assert_eq!(troubles(&other), (false, line("which is not the host's root")));
    let unknown = Facts { roots: own(), host_root: None, ..well() };
    assert_eq!(troubles(&unknown), (false, line("that of a container")));
    let host = Facts { roots: own(), host_root: None, in_container: false, ..well() };
    assert_eq!(troubles(&host), (true, vec![]));
}

/// A tree with the files of a host that says little.
fn tree() -> Scratch {
    let dir = Scratch::new();
    for (path, text) in [
        ("proc/1/comm", "systemd\n"),
        ("proc/2/comm", "kthreadd\n"),
        ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
        ("sys/class/block/vda", ""),
        ("sys/class/net/eth0", ""),
        ("sys/class/net/lo", ""),
        ("sys/fs/cgroup/cgroup.procs", ""),
        ("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n"),
        ("sys/fs/cgroup/ecs/188321f4b69345b8acc333be06e7f357/cgroup.procs", ""),
        ("etc/os-release", "ID=amzn\nPRETTY_NAME=\"Amazon Linux 2023\"\n"),
        ("run/udev/data/b8:0", ""),
    ] {
        dir.write(path, text);
    }
    dir
}

#[test]
fn looks_below_the_roots() {
    let dir = tree();
    let roots = Roots {
        proc: dir.join("proc"),
        sys: dir.join("sys"),
        rootfs: dir.0.clone(),
        udev: dir.join("run/udev/data"),
    };
    let patient =
        Patient { roots, in_container: false, docker: Some(dir.join("no.sock")), agent: None };
    let facts = Facts::gather(patient);
    assert_eq!(facts.init.as_deref(), Some("systemd"));
    assert!(facts.kernel_threads);
    assert_eq!((facts.host_network, facts.host_root), (None, None));
    assert_eq!(facts.devices, Some((1, 2)));
    assert_eq!(facts.system.as_deref(), Some("Amazon Linux 2023"));
    let cgroups = Cgroups {
        version: Version::V2,
        at: dir.join("sys/fs/cgroup"),
        counts_io: true,
        missing: vec!["memory"],
        tasks: 1,
        containers: 0,
        view: View::Whole,
    };
    assert_eq!(facts.cgroups.unwrap(), cgroups);
    assert_eq!(facts.udev.unwrap(), 1);
    assert!(matches!(facts.agent, Asked::Off));
    assert!(
        matches!(facts.docker, Asked::Silent(_, error) if error.kind() == io::ErrorKind::NotFound)
    );
}

#[test]
fn a_kernel_that_does_not_count_yet_is_told_of_and_is_no_failure() {
    let facts = Facts { cgroups: Ok(Cgroups { counts_io: false, ..cgroups() }), ..well() };
    let line = "degraded  disk I/O        this kernel does not count that of containers yet; \
                give any control group a blkio.throttle limit, or use cgroup v2";
    assert_eq!(troubles(&facts), (true, vec![line.into()]));
}

#[test]
fn says_the_very_line_that_mends() {
    let facts = Facts {
        docker: Asked::Silent("/d".into(), io::ErrorKind::PermissionDenied.into()),
        host_network: Some(false),
        ..well()
    };
    let report = report(&facts).to_string();
    let lines: Vec<_> = report
        .lines()
        .filter(|line| line.starts_with("     "))
        .collect();
    assert_eq!(
        lines,
        [
            r#"                          task definition: "networkMode": "host""#,
            r#"                          docker run: --network=host"#,
            r#"                          task definition: "user": "65534:998""#,
            r#"                          docker run: --user=65534:998"#,
        ]
    );
    let unit = Facts { in_container: false, ..facts };
    let report = Report::of(host(), checks::judge(&unit), vec![], false).to_string();
    let lines: Vec<_> = report
        .lines()
        .filter(|line| line.starts_with("     "))
        .collect();
    assert_eq!(
        lines,
        [
            "                          unit: PrivateNetwork=no",
            "                          unit: SupplementaryGroups=docker",
        ]
    );
}

#[test]
fn no_docker_socket() {
    let facts = Facts {
        docker: Asked::Silent("/d".into(), io::ErrorKind::NotFound.into()),
        docker_group: None,
        ..well()
    };
    assert_eq!(remedies(&facts), [("Docker", mend::DOCKER_MOUNT.into())]);
    let host = Facts { in_container: false, ..facts };
    assert_eq!(remedies(&host), [("Docker", mend::DOCKER_START.into())]);
    let stale = Facts {
        docker: Asked::Silent("/d".into(), io::ErrorKind::ConnectionRefused.into()),
        ..well()
    };
    assert_eq!(remedies(&stale), [("Docker", mend::DOCKER_STALE.into())]);
}

#[test]
fn a_socket_that_a_policy_denies() {
    let denied = |security, uid| Facts {
        docker: Asked::Silent("/d".into(), io::ErrorKind::PermissionDenied.into()),
        security,
        uid,
        ..well()
    };
    let selinux = || Security::Selinux("system_u:system_r:container_t:s0:c1,c2".into());
    let apparmor = || Security::Apparmor("docker-default (enforce)".into());
    assert_eq!(remedies(&denied(selinux(), 0)), [("Docker", mend::SELINUX.into())]);
    assert_eq!(remedies(&denied(apparmor(), 0)), [("Docker", mend::APPARMOR.into())]);
    let group = mend::docker_group(Some(998));
    assert_eq!(remedies(&denied(Security::None, 0)), [("Docker", group.clone())]);
    assert_eq!(remedies(&denied(selinux(), 65534)), [("Docker", group)]);
}

#[test]
fn knows_what_watches() {
    let confined = |label: &str, selinux| confined(Some(label.to_owned()), selinux);
    let label = "system_u:system_r:container_t:s0:c1,c2";
    assert_eq!(confined(&format!("{label}\0"), true), Security::Selinux(label.into()));
    assert_eq!(confined(label, false), Security::None, "it only warns");
    let profile = "docker-default (enforce)";
    assert_eq!(confined(profile, false), Security::Apparmor(profile.into()));
    assert_eq!(confined("unconfined", true), Security::None);
}

#[test]
fn no_mount_of_the_control_groups() {
    let seen = |view, old: Option<&str>| Facts {
        cgroups: Ok(Cgroups { view, containers: 0, tasks: 0, ..cgroups() }),
        old_cgroup: old.map(PathBuf::from),
        ..well()
    };
    let line = |facts: &Facts| {
        let (well, troubles) = troubles(facts);
        assert!(!well);
        troubles
    };
    let at = "/host/sys/fs/cgroup";
    let mend = "mount the host's /sys at /host/sys, read-only, with what is mounted below";
    assert_eq!(
        line(&seen(View::Nothing, None)),
        [format!("missing   cgroups         version 2, but nothing of it is at {at}; {mend}")]
    );
    assert_eq!(
        line(&seen(View::Part, None)),
        [format!("degraded  cgroups         version 2 at {at}, a container's own alone; {mend}")]
    );
    assert_eq!(
        line(&seen(View::Nothing, Some("/x"))),
        [format!(
            "missing   cgroups         version 2, but nothing of it is at {at}; at /x is the host's \
         /cgroup, which is none; take the mount of /cgroup out, it is of Amazon Linux 1, and mount \
         the host's /sys"
        )]
    );
}

fn fared(outcome: Outcome, samples: usize) -> Option<Fared> {
    let at = SystemTime::UNIX_EPOCH;
    let took = (outcome != Outcome::Late).then_some(Duration::from_micros(1300));
    Some(Fared { at, took, outcome, samples, text: None })
}

/// What is said of one collector that ran, and what mends it.
fn judged(facts: &Facts, name: &'static str, outcome: Outcome) -> (State, String, Remedy) {
    let account = Account { collectors: vec![(name, fared(outcome, 7))], ..Account::default() };
    let lines = collectors::judge(facts, &account);
    let line = lines.into_iter().find(|line| line.subject == name).unwrap();
    (line.state, line.found, line.remedy)
}

#[test]
fn judges_every_collector() {
    let failed = || Outcome::Failed("/proc/loadavg: line 1: load expected".into());
    let collectors = vec![
        ("stat", fared(Outcome::Ok, 42)),
        ("zfs", fared(Outcome::Absent("/host/proc/spl/kstat/zfs".into()), 0)),
        ("loadavg", fared(failed(), 0)),
        ("diskstats", fared(Outcome::Late, 0)),
        ("textfile", fared(Outcome::Partly("/x: broken".into()), 3)),
    ];
    let account = Account { collectors, ..Account::default() };
    let judged = collectors::judge(&well(), &account);
    let report = Report::of(host(), vec![], judged, true);
    assert!(!report.well());
    let text = report.to_string();
    let ran: Vec<_> = text
        .lines()
        .filter(|line| !line.starts_with("off "))
        .skip(2)
        .collect();
    assert_eq!(
        ran,
        [
            "absent    zfs                         /host/proc/spl/kstat/zfs is not there",
            "ok        stat                        42 samples in 1.3 ms",
            "degraded  textfile                    3 samples in 1.3 ms, went on without /x: broken",
            "failed    diskstats                   was not done in time; see whether a file system, a device or the kernel hangs, or switch it off",
            "                                      flag: --no-collector.diskstats",
            "failed    loadavg                     /proc/loadavg: line 1: load expected; switch it off where it is of no use",
            "                                      flag: --no-collector.loadavg",
            "",
            &format!(
                "collectors: 1 ok, 1 degraded, 2 failed, 1 absent (nothing of the kind on this host), {} off",
                crate::collector::COLLECTORS.len() - 5
            ),
            "not well: diskstats, loadavg",
        ]
    );
    assert!(
        text.contains(
            "off       ntp                         by default, on with --collector.ntp\n"
        )
    );
    assert!(text.contains(
        "off       meminfo                     by a flag, on with --collector.meminfo\n"
    ));
}

#[test]
fn advises_by_who_denies() {
    const DENIED: &str = "Permission denied (os error 13)";
    let file = || Outcome::Partly(format!("/rootfs/var/lib/docker/x: {DENIED}"));
    let process = || Outcome::Failed(format!("/host/proc/7/io: {DENIED}"));
    let remedy = |facts: &Facts, outcome| judged(facts, "container.process", outcome).2;
    let root = |capabilities: &[&'static str], security| Facts {
        capabilities: capabilities.into(),
        security,
        ..well()
    };
    let none = || Security::None;
    assert_eq!(remedy(&root(&[], none()), file()), mend::RIGHTS.into());
    let may_read = &["DAC_READ_SEARCH"][..];
    assert_eq!(remedy(&root(may_read, none()), process()), mend::PTRACE.into());
    let may_all = &["DAC_READ_SEARCH", "SYS_PTRACE"][..];
    let profile = || Security::Apparmor("docker-default (enforce)".into());
    assert_eq!(remedy(&root(may_all, profile()), process()), mend::APPARMOR.into());
    let label = || Security::Selinux("a:b:c:d".into());
    assert_eq!(remedy(&root(may_read, label()), file()), mend::SELINUX.into());
    let perf = Outcome::Failed("perf_event_open: Operation not permitted (os error 1)".into());
    assert_eq!(remedy(&well(), perf), mend::PERF.into());
    let full = Outcome::Partly("/x: Too many open files (os error 24)".into());
    assert_eq!(remedy(&well(), full), mend::OPEN_FILES.into());
    let family = Outcome::Failed("netlink: … not supported by protocol (os error 97)".into());
    assert_eq!(remedy(&well(), family), mend::FAMILIES.into());
}

#[test]
fn what_is_not_seen_is_not_taken_for_absent() {
    let absent = |path: &str| Outcome::Absent(path.into());
    let judged = |facts: &Facts, name, outcome| {
        let (state, _, remedy) = judged(facts, name, outcome);
        (state, remedy)
    };
    let away = Facts { host_network: Some(false), ..well() };
    let net = || absent("/host/proc/1/net");
    assert_eq!(judged(&away, "ethtool", net()), (State::Degraded, mend::NETWORK.into()));
    assert_eq!(judged(&well(), "ethtool", net()), (State::Absent, Remedy::default()));
    let groups = Facts { cgroups: Err(Error::Absent("/x".into())), ..well() };
    let cgroup = || absent("cgroup");
    assert_eq!(judged(&groups, "container.cpu", cgroup()), (State::Degraded, mend::SYS.into()));
    let sys = Facts { devices: None, ..well() };
    let mdadm = || absent("/host/sys/block");
    assert_eq!(judged(&sys, "mdadm", mdadm()), (State::Degraded, mend::SYS.into()));
    let bare = Facts { system: None, ..well() };
    let os = || absent("/usr/lib/os-release");
    assert_eq!(judged(&bare, "os", os()), (State::Degraded, mend::ROOTFS.into()));
    let proc = Facts { kernel_threads: false, ..well() };
    let nfs = || absent("/host/proc/net/rpc/nfs");
    assert_eq!(judged(&proc, "nfs", nfs()), (State::Degraded, mend::PROC.into()));
    assert_eq!(judged(&well(), "nfs", nfs()), (State::Absent, Remedy::default()));
}

#[test]
fn says_the_same_as_json() {
    let facts = Facts { host_network: Some(false), ..well() };
    let account =
        Account { collectors: vec![("stat", fared(Outcome::Ok, 42))], ..Account::default() };
    let judged = collectors::judge(&facts, &account);
    let json = Report::of(host(), checks::judge(&facts), judged, true).json();
    let json: serde_json::Value = serde_json::from_str(&json).unwrap();
    assert_eq!(json["well"], true);
    assert_eq!(json["host"]["kernel"], "6.1");
    let line = |list: &str, subject: &str| {
        let lines = json[list].as_array().unwrap().iter();
        lines
            .clone()
            .find(|line| line["subject"] == subject)
            .unwrap()
            .clone()
    };
    let expected = serde_json::json!({
        "state": "degraded",
        "subject": "network",
        "found": "its own: some of the host's network metrics would be those of the exporter",
        "remedy": {
            "words": "set networkMode to host",
            "task_definition": "\"networkMode\": \"host\"",
            "docker_run": "--network=host",
            "unit": "PrivateNetwork=no",
        },
    });
    assert_eq!(line("checks", "network"), expected);
    let expected = serde_json::json!({
        "state": "ok",
        "subject": "stat",
        "found": "42 samples in 1.3 ms",
        "samples": 42,
        "milliseconds": 1.3,
    });
    assert_eq!(line("collectors", "stat"), expected);
}

#[test]
fn what_says_less_than_it_could_is_degraded() {
    let judged = |facts: &Facts, name| judged(facts, name, Outcome::Ok);
    let ok = |found: &str| (State::Ok, found.to_owned(), Remedy::default());
    let plain = "7 samples in 1.3 ms";
    let nobody = Facts { uid: 65534, capabilities: vec![], ..well() };
    let found = format!("{plain}, with DAC_READ_SEARCH also sizes of layers, logs and volumes");
    let expected = (State::Ok, found, mend::right(Some("DAC_READ_SEARCH"), &[]));
    assert_eq!(judged(&nobody, "container.filesystem"), expected);
    let found = format!("{plain}, as user 0 also serial numbers and UUIDs");
    assert_eq!(judged(&nobody, "dmi"), (State::Ok, found, mend::right(None, &[])));
    let more = mend::right(Some("SYS_NICE"), &["DAC_READ_SEARCH"]);
    assert_eq!(judged(&well(), "container.ended").2, more, "what is held stays");
    assert_eq!(more.unit, "AmbientCapabilities=CAP_DAC_READ_SEARCH CAP_SYS_NICE");
    assert_eq!(
        more.docker_run,
        "--user=0 --cap-drop=ALL --cap-add=DAC_READ_SEARCH --cap-add=SYS_NICE"
    );
    let away = Facts { host_network: Some(false), ..well() };
    let found = format!("{plain}, in another network than the host's: all of it");
    assert_eq!(judged(&away, "qdisc"), (State::Degraded, found, mend::NETWORK.into()));
    assert_eq!(judged(&well(), "container.filesystem"), ok(plain));
    assert_eq!(judged(&nobody, "container.cpu"), ok(plain));
    let rootless = Facts { system: None, ..well() };
    let found = format!("{plain}, but the host's root is not to be seen");
    let expected = (State::Degraded, found, mend::ROOTFS.into());
    assert_eq!(judged(&rootless, "filesystem"), expected);
    let found = format!("{plain}, but no control groups are to be seen");
    assert_eq!(judged(&blind(), "container.cpu"), (State::Degraded, found, mend::SYS.into()));
    assert_eq!(judged(&blind(), "container.machine"), ok(plain));
}

#[test]
fn a_host_without_udev_is_well() {
    let none = || Err(Error::Absent("/rootfs/run/udev/data".into()));
    let there = Facts { udev: none(), ..well() };
    let line = |facts: &Facts| {
        let lines = checks::judge(facts).into_iter();
        let udev = lines.clone().find(|line| line.subject == "udev").unwrap();
        (udev.state, udev.remedy)
    };
    assert_eq!(line(&there), (State::Absent, Remedy::default()));
    let unseen = Facts { udev: none(), host_root: None, ..well() };
    assert_eq!(line(&unseen), (State::Missing, mend::ROOTFS.into()));
}

#[test]
fn says_a_line_that_mends_once() {
    let judged = |name| {
        let (state, found, remedy) = judged(&blind(), name, Outcome::Ok);
        Line { remedy, ..Line::new(state, name, found) }
    };
    let lines = vec![judged("container.cpu"), judged("container.memory")];
    let text = Report::of(host(), vec![], lines, true).to_string();
    assert_eq!(
        text.matches("docker run: --volume=/sys:/host/sys:ro")
            .count(),
        1,
        "{text}"
    );
}

fn blind() -> Facts {
    Facts { cgroups: Ok(Cgroups { view: View::Nothing, ..cgroups() }), ..well() }
}
