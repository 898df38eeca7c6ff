//! What the facts mean, and what would mend them.

use std::io;

use super::facts::{Asked, Cgroups, Docker, Facts};
use super::{Check, State};
use crate::cgroup::Version;
use crate::files::Error;

/// Judges everything, in the order in which it is to be mended.
pub(super) fn judge(facts: &Facts) -> Vec<Check> {
    let mut checks = vec![procfs(facts), sysfs(facts), rootfs(facts), cgroups(facts)];
    checks.extend(container_io(facts));
    checks.extend([
        pids(facts),
        network(facts),
        docker(facts),
        agent(facts),
        udev(facts),
        rights(facts),
        open_files(facts),
    ]);
    checks
}

fn ok(subject: &'static str, found: String) -> Check {
    Check { state: State::Ok, subject, found, remedy: "", essential: false }
}

fn degraded(subject: &'static str, found: String, remedy: &'static str) -> Check {
    Check { state: State::Degraded, remedy, ..ok(subject, found) }
}

fn missing(subject: &'static str, found: String, remedy: &'static str) -> Check {
    Check { state: State::Missing, remedy, ..ok(subject, found) }
}

fn essential(check: Check) -> Check {
    Check { essential: true, ..check }
}

fn procfs(facts: &Facts) -> Check {
    const SUBJECT: &str = "procfs";
    const REMEDY: &str = "mount the host's /proc at /host/proc, read-only, or set pidMode to host";
    let at = facts.roots.proc.display();
    essential(match &facts.init {
        None => missing(SUBJECT, format!("{at} is no procfs"), "mount it, or give --path.procfs"),
        Some(init) if facts.kernel_threads => {
            ok(SUBJECT, format!("{at} is the host's, its first process is {init}"))
        }
        Some(init) => degraded(
            SUBJECT,
            format!("{at} is that of a container, its first process is {init}"),
            REMEDY,
        ),
    })
}

fn sysfs(facts: &Facts) -> Check {
    const SUBJECT: &str = "sysfs";
    let at = facts.roots.sys.display();
    essential(match facts.devices {
        Some((disks, interfaces)) => ok(
            SUBJECT,
            format!("{at} has {disks} block devices and {interfaces} network interfaces"),
        ),
        None => missing(
            SUBJECT,
            format!("{at} is no sysfs"),
            "mount the host's /sys at /host/sys, read-only, or give --path.sysfs",
        ),
    })
}

fn rootfs(facts: &Facts) -> Check {
    const SUBJECT: &str = "rootfs";
    const REMEDY: &str = "mount the host's / at /rootfs, read-only, or give --path.rootfs";
    let at = facts.roots.rootfs.display();
    essential(match (&facts.system, facts.host_root) {
        (None, _) => missing(SUBJECT, format!("{at} has no etc/os-release"), REMEDY),
        (Some(system), Some(false)) => {
            degraded(SUBJECT, format!("{at} is {system}, which is not the host's root"), REMEDY)
        }
        (Some(system), None) if facts.in_container && facts.roots.rootfs.as_os_str() == "/" => {
            degraded(SUBJECT, format!("{at} is {system}, that of a container"), REMEDY)
        }
        (Some(system), _) => ok(SUBJECT, format!("{at} is {system}")),
    })
}

fn cgroups(facts: &Facts) -> Check {
    const SUBJECT: &str = "cgroups";
    const REMEDY: &str =
        "mount the host's /sys at /host/sys, read-only, with what is mounted below";
    essential(match &facts.cgroups {
        Err(error) => missing(SUBJECT, error.to_string(), REMEDY),
        Ok(found) => {
            let Cgroups { version, at, missing, tasks, containers, .. } = found;
            let version = match version {
                Version::V1 => 1,
                Version::V2 => 2,
            };
            let at = at.display();
            let seen = format!(
                "version {version} at {at}, with {containers} containers and {tasks} ECS tasks"
            );
            let running = match &facts.docker {
                Asked::Said(Docker { running, .. }) => *running,
                Asked::Off | Asked::Silent(..) => 0,
            };
            if !missing.is_empty() {
                let seen = format!("{seen}, without {}", missing.join(", "));
                degraded(SUBJECT, seen, "switch the controllers on, on the kernel's command line")
            } else if *containers < running {
                degraded(SUBJECT, format!("{seen}, while Docker runs {running}"), REMEDY)
            } else {
                ok(SUBJECT, seen)
            }
        }
    })
}

/// Nothing to say where it is as it should be.
fn container_io(facts: &Facts) -> Option<Check> {
    let found = facts.cgroups.as_ref().ok()?;
    (!found.counts_io && found.missing.is_empty()).then(|| {
        degraded(
            "disk I/O",
            "this kernel does not count that of containers yet".into(),
            "give any control group a blkio.throttle limit, or use cgroup v2",
        )
    })
}

fn pids(facts: &Facts) -> Check {
    const SUBJECT: &str = "pid namespace";
    if facts.host_pids {
        ok(SUBJECT, "the host's".into())
    } else {
        degraded(
            SUBJECT,
            "its own: processes of containers are known from Docker alone".into(),
            "set pidMode to host",
        )
    }
}

fn network(facts: &Facts) -> Check {
    const SUBJECT: &str = "network";
    const REMEDY: &str = "set networkMode to host";
    match facts.host_network {
        Some(true) => ok(SUBJECT, "the host's".into()),
        Some(false) => degraded(
            SUBJECT,
            "its own: some of the host's network metrics would be those of the exporter".into(),
            REMEDY,
        ),
        None => degraded(
            SUBJECT,
            "not to be told without the host's procfs".into(),
            "mend procfs first",
        ),
    }
}

fn docker(facts: &Facts) -> Check {
    const SUBJECT: &str = "Docker";
    match &facts.docker {
        Asked::Off => ok(SUBJECT, "not to be asked".into()),
        Asked::Said(Docker { socket, version, running }) => {
            ok(SUBJECT, format!("{socket} answers, version {version}, {running} containers run"))
        }
        Asked::Silent(socket, error) => {
            let found = format!("{socket}: {error}");
            match error.kind() {
                io::ErrorKind::NotFound if facts.in_container => missing(
                    SUBJECT,
                    found,
                    "mount the host's /var/run/docker.sock, or give --docker.socket",
                ),
                io::ErrorKind::NotFound => {
                    missing(SUBJECT, found, "start Docker, or give --docker.socket")
                }
                io::ErrorKind::PermissionDenied => {
                    missing(SUBJECT, found, "run with the group that the socket belongs to")
                }
                io::ErrorKind::ConnectionRefused => missing(
                    SUBJECT,
                    found,
                    "start Docker; if it was restarted, mount its directory",
                ),
                _ => degraded(SUBJECT, found, "see whether docker ps answers on the host"),
            }
        }
    }
}

fn agent(facts: &Facts) -> Check {
    const SUBJECT: &str = "ECS agent";
    match &facts.agent {
        Asked::Off => ok(SUBJECT, "not to be asked".into()),
        Asked::Said(agent) => {
            let last = |arn: &str| arn.rsplit('/').next().unwrap_or_default().to_owned();
            let (cluster, instance) = (last(&agent.cluster), last(&agent.container_instance_arn));
            ok(SUBJECT, format!("cluster {cluster}, container instance {instance}"))
        }
        Asked::Silent(address, error) => missing(
            SUBJECT,
            format!("{address}: {error}"),
            match facts.host_network {
                Some(true) => "start the agent, unless the host is not of ECS",
                _ => "set networkMode to host, or give --ecs.agent-address",
            },
        ),
    }
}

fn udev(facts: &Facts) -> Check {
    const SUBJECT: &str = "udev";
    let remedy = if facts.in_container && facts.host_root != Some(true) {
        "mount the host's / at /rootfs, read-only, or give --path.udev.data"
    } else {
        "leave it so where the host has no udev"
    };
    let at = facts.roots.udev.display();
    match &facts.udev {
        Ok(devices) => ok(SUBJECT, format!("{at} knows {devices} devices")),
        Err(Error::Absent(_)) => {
            missing(SUBJECT, format!("{at} is not there, disks lack their models"), remedy)
        }
        Err(error) => missing(SUBJECT, error.to_string(), remedy),
    }
}

fn rights(facts: &Facts) -> Check {
    const SUBJECT: &str = "rights";
    let uid = facts.uid;
    let capabilities = match facts.capabilities.as_slice() {
        [] => "no capability that matters".into(),
        some => format!("capabilities {}", some.join(", ")),
    };
    let found = format!("user {uid}, {capabilities}");
    if uid == 0 || facts.capabilities.contains(&"DAC_READ_SEARCH") {
        ok(SUBJECT, found)
    } else {
        degraded(
            SUBJECT,
            format!("{found}: what root alone may read is left out"),
            "run as root, or with DAC_READ_SEARCH, where that matters",
        )
    }
}

fn open_files(facts: &Facts) -> Check {
    /// Enough to keep the files of some three hundred containers open.
    const ENOUGH: u64 = 4096;
    const SUBJECT: &str = "open files";
    match facts.open_files {
        Some(limit) if limit < ENOUGH => degraded(
            SUBJECT,
            format!("{limit} at most: scrapes of many containers cost more"),
            "set the ulimit nofile to 65536",
        ),
        Some(limit) => ok(SUBJECT, format!("{limit} at most")),
        None => ok(SUBJECT, "no limit known".into()),
    }
}
