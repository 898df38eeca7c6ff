use super::*;

use std::io;
use std::path::PathBuf;

use super::facts::{Agent, Asked, Cgroups, Docker};
use crate::cgroup::Version;
use crate::files::Error;

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
        agent: Asked::Said(Agent {
            cluster: "prod".into(),
            container_instance_arn: "arn:aws:ecs:eu-west-1:1:container-instance/prod/0a1b".into(),
        }),
        udev: Ok(17),
        uid: 0,
        capabilities: vec!["DAC_READ_SEARCH"],
        open_files: Some(65_536),
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
    }
}

fn report(facts: &Facts) -> Report {
    Report { host: "Linux 6.1".into(), checks: checks::judge(facts) }
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
host                      Linux 6.1
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
        "degraded  procfs          /proc is that of a container, its first process is ecs-host-export; mount the host's /proc at /host/proc, read-only, or set pidMode to host",
        "missing   rootfs          / has no etc/os-release; mount the host's / at /rootfs, read-only, or give --path.rootfs",
        "missing   cgroups         /sys/fs/cgroup: not on this host; mount the host's /sys at /host/sys, read-only, with what is mounted below",
        "degraded  pid namespace   its own: processes of containers are known from Docker alone; set pidMode to host",
        "degraded  network         not to be told without the host's procfs; mend procfs first",
        "missing   Docker          /var/run/docker.sock: entity not found; mount the host's /var/run/docker.sock, or give --docker.socket",
        "missing   ECS agent       127.0.0.1:51678: connection refused; set networkMode to host, or give --ecs.agent-address",
        "missing   udev            /run/udev/data is not there, disks lack their models; mount the host's / at /rootfs, read-only, or give --path.udev.data",
        "degraded  rights          user 65534, no capability that matters: what root alone may read is left out; run as root, or with DAC_READ_SEARCH, where that matters",
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
fn tree(name: &str) -> PathBuf {
    let dir = std::env::temp_dir().join(format!("doctor-{name}-{}", std::process::id()));
    for (path, text) in [
        ("proc/1/comm", "systemd\n"),
        ("proc/2/comm", "kthreadd\n"),
        ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
        ("sys/class/block/vda", ""),
        ("sys/class/net/eth0", ""),
        ("sys/class/net/lo", ""),
        ("sys/fs/cgroup/cgroup.controllers", "cpuset cpu io pids\n"),
        ("sys/fs/cgroup/ecs/188321f4b69345b8acc333be06e7f357/cgroup.procs", ""),
        ("etc/os-release", "ID=amzn\nPRETTY_NAME=\"Amazon Linux 2023\"\n"),
        ("run/udev/data/b8:0", ""),
    ] {
        let path = dir.join(path);
        std::fs::create_dir_all(path.parent().unwrap()).unwrap();
        std::fs::write(path, text).unwrap();
    }
    dir
}

#[test]
fn looks_below_the_roots() {
    let dir = tree("roots");
    let roots = Roots {
        proc: dir.join("proc"),
        sys: dir.join("sys"),
        rootfs: dir.clone(),
        udev: dir.join("run/udev/data"),
    };
    let patient =
        Patient { roots, in_container: false, docker: Some(dir.join("no.sock")), agent: None };
    let facts = Facts::gather(patient);
    std::fs::remove_dir_all(&dir).unwrap();
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
