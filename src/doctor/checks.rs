//! What the facts mean, and what would mend them.

use std::io;

use super::collectors::watched;
use super::facts::{Asked, Cgroups, Docker, Facts, Security, View};
use super::mend::{self, Advice, Remedy, words};
use super::{Line, State};
use crate::cgroup::Version;
use crate::files::Error;

/// Judges everything, in the order in which it is to be mended.
pub(super) fn judge(facts: &Facts) -> Vec<Line> {
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
    checks.extend(security(facts));
    checks
}

fn ok(subject: &'static str, found: String) -> Line {
    Line::new(State::Ok, subject, found)
}

fn degraded(subject: &'static str, found: String, remedy: impl Into<Remedy>) -> Line {
    Line { remedy: remedy.into(), ..Line::new(State::Degraded, subject, found) }
}

fn missing(subject: &'static str, found: String, remedy: impl Into<Remedy>) -> Line {
    Line { remedy: remedy.into(), ..Line::new(State::Missing, subject, found) }
}

fn essential(check: Line) -> Line {
    Line { essential: true, ..check }
}

fn procfs(facts: &Facts) -> Line {
    const SUBJECT: &str = "procfs";
    let at = facts.roots.proc.display();
    essential(match &facts.init {
        None => missing(SUBJECT, format!("{at} is no procfs"), mend::PROC),
        Some(init) if facts.kernel_threads => {
            ok(SUBJECT, format!("{at} is the host's, its first process is {init}"))
        }
        Some(init) => degraded(
            SUBJECT,
            format!("{at} is not the host's, its first process is {init}"),
            mend::PROC,
        ),
    })
}

fn sysfs(facts: &Facts) -> Line {
    const SUBJECT: &str = "sysfs";
    let at = facts.roots.sys.display();
    essential(match facts.devices {
        Some((disks, interfaces)) => ok(
            SUBJECT,
            format!("{at} has {disks} block devices and {interfaces} network interfaces"),
        ),
        None => missing(SUBJECT, format!("{at} is no sysfs"), mend::SYS),
    })
}

fn rootfs(facts: &Facts) -> Line {
    const SUBJECT: &str = "rootfs";
    const REMEDY: Advice = mend::ROOTFS;
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

fn cgroups(facts: &Facts) -> Line {
    const SUBJECT: &str = "cgroups";
    let remedy = facts.mends_cgroups();
    let covered = facts.old_cgroup.as_ref();
    let covered = covered.map_or(String::new(), |at| {
        format!("; at {} is the host's /cgroup, which is none", at.display())
    });
    essential(match &facts.cgroups {
        Err(error) => missing(SUBJECT, format!("{error}{covered}"), remedy),
        Ok(found) => {
            let Cgroups { version, at, missing: without, tasks, containers, view, .. } = found;
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
            if *view == View::Nothing {
                let found = format!("version {version}, but nothing of it is at {at}{covered}");
                missing(SUBJECT, found, remedy)
            } else if *view == View::Part && *containers == 0 {
                let found = format!("version {version} at {at}, a container's own alone{covered}");
                degraded(SUBJECT, found, remedy)
            } else if !without.is_empty() {
                let seen = format!("{seen}, without {}", without.join(", "));
                let words = words("switch the controllers on, on the kernel's command line");
                degraded(SUBJECT, seen, words)
            } else if *containers < running {
                let found = format!("{seen}, while Docker runs {running}{covered}");
                degraded(SUBJECT, found, remedy)
            } else {
                ok(SUBJECT, seen)
            }
        }
    })
}

/// Nothing to say where it is as it should be.
fn container_io(facts: &Facts) -> Option<Line> {
    let found = facts.cgroups.as_ref().ok()?;
    let seen = found.view != View::Nothing && found.missing.is_empty();
    (seen && !found.counts_io).then(|| {
        degraded(
            "disk I/O",
            "this kernel does not count that of containers yet".into(),
            words("give any control group a blkio.throttle limit, or use cgroup v2"),
        )
    })
}

fn pids(facts: &Facts) -> Line {
    const SUBJECT: &str = "pid namespace";
    if facts.host_pids {
        ok(SUBJECT, "the host's".into())
    } else {
        degraded(
            SUBJECT,
            "its own: processes of containers are known from Docker alone".into(),
            mend::PIDS,
        )
    }
}

fn network(facts: &Facts) -> Line {
    const SUBJECT: &str = "network";
    match facts.host_network {
        Some(true) => ok(SUBJECT, "the host's".into()),
        Some(false) => degraded(
            SUBJECT,
            "its own: some of the host's network metrics would be those of the exporter".into(),
            mend::NETWORK,
        ),
        None => degraded(
            SUBJECT,
            "not to be told without the host's procfs".into(),
            words("mend procfs first"),
        ),
    }
}

fn docker(facts: &Facts) -> Line {
    const SUBJECT: &str = "Docker";
    match &facts.docker {
        Asked::Off => ok(SUBJECT, "not to be asked".into()),
        Asked::Said(Docker { socket, version, running }) => {
            ok(SUBJECT, format!("{socket} answers, version {version}, {running} containers run"))
        }
        Asked::Silent(socket, error) => {
            let found = format!("{socket}: {error}");
            match error.kind() {
                io::ErrorKind::NotFound if facts.in_container => {
                    missing(SUBJECT, found, mend::DOCKER_MOUNT)
                }
                io::ErrorKind::NotFound => missing(SUBJECT, found, mend::DOCKER_START),
                io::ErrorKind::PermissionDenied => {
                    let root = facts.uid == 0 && facts.security != Security::None;
                    let remedy = if root {
                        watched(&facts.security).into()
                    } else {
                        mend::docker_group(facts.docker_group)
                    };
                    missing(SUBJECT, found, remedy)
                }
                io::ErrorKind::ConnectionRefused => missing(SUBJECT, found, mend::DOCKER_STALE),
                _ => degraded(SUBJECT, found, words("see whether docker ps answers on the host")),
            }
        }
    }
}

fn agent(facts: &Facts) -> Line {
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
                Some(true) => mend::AGENT_START,
                _ => mend::AGENT_NETWORK,
            },
        ),
    }
}

fn udev(facts: &Facts) -> Line {
    const SUBJECT: &str = "udev";
    let at = facts.roots.udev.display();
    match &facts.udev {
        Ok(devices) => ok(SUBJECT, format!("{at} knows {devices} devices")),
        // The host's root is to be seen, and this is not in it.
        Err(Error::Absent(_)) if !facts.in_container || facts.host_root == Some(true) => Line::new(
            State::Absent,
            SUBJECT,
            format!("{at} is not there: the host has none, and disks no models"),
        ),
        Err(Error::Absent(_)) => {
            missing(SUBJECT, format!("{at} is not there, disks lack their models"), mend::ROOTFS)
        }
        Err(error) => missing(SUBJECT, error.to_string(), mend::ROOTFS),
    }
}

/// That there are few is no fault: the collectors that could use more say so.
fn rights(facts: &Facts) -> Line {
    let capabilities = match facts.capabilities.as_slice() {
        [] => "no capability that matters".into(),
        some => format!("capabilities {}", some.join(", ")),
    };
    ok("rights", format!("user {}, {capabilities}", facts.uid))
}

fn open_files(facts: &Facts) -> Line {
    /// Enough to keep the files of some three hundred containers open.
    const ENOUGH: u64 = 4096;
    const SUBJECT: &str = "open files";
    match facts.open_files {
        Some(limit) if limit < ENOUGH => degraded(
            SUBJECT,
            format!("{limit} at most: scrapes of many containers cost more"),
            mend::OPEN_FILES,
        ),
        Some(limit) => ok(SUBJECT, format!("{limit} at most")),
        None => ok(SUBJECT, "no limit known".into()),
    }
}

/// Nothing to say where nothing watches. That something does is no fault: what it denies, shows.
fn security(facts: &Facts) -> Option<Line> {
    match &facts.security {
        Security::None => None,
        Security::Selinux(label) => Some(ok("SELinux", format!("enforces, as {label}"))),
        Security::Apparmor(profile) => Some(ok("AppArmor", format!("enforces {profile}"))),
    }
}
