//! What a group is, by its path alone.

use crate::kernel::{Malformed, lines};

/// What a group is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Kind<'a> {
    /// The root: the whole host.
    Host,
    /// A container, by its id: 64 hexadecimal digits, or what the ECS agent gives without Docker.
    Container(&'a str),
    /// An ECS task, by the last part of its ARN.
    Task(&'a str),
    /// A service or scope of systemd.
    Unit,
    /// Anything else: a slice, or a group that somebody made.
    Other,
}

impl<'a> Kind<'a> {
    /// Tells it from the path. Containers are known by their id, whoever runs them and wherever they
    /// were put.
    pub fn of(path: &'a str) -> Self {
        let (above, name) = path.rsplit_once('/').unwrap_or(("", path));
        if name.is_empty() {
            Self::Host
        } else if above.ends_with("/libpod_parent") && !name.starts_with("libpod-") {
            Self::Other // A pod, by its own id, or podman's monitors.
        } else if let Some(id) = container_id(name) {
            Self::Container(id)
        } else if let Some(task) = task_id(path, name) {
            Self::Task(task)
        } else if name.ends_with(".service") || name.ends_with(".scope") {
            Self::Unit
        } else {
            Self::Other
        }
    }
}

/// The task of a container, from the groups above it.
pub fn task_of(path: &str) -> Option<&str> {
    let mut above = path;
    while let Some((parent, _)) = above.rsplit_once('/') {
        if let Kind::Task(task) = Kind::of(parent) {
            return Some(task);
        }
        above = parent;
    }
    None
}

/// `<id>`, `docker-<id>.scope`, `cri-containerd-<id>.scope`, `libpod-<id>.scope` and the like. The
/// monitor beside a container of podman or CRI-O, `libpod-conmon-<id>.scope`, is no container.
fn container_id(name: &str) -> Option<&str> {
    if name.len() == 64 && is_hex(name) {
        return Some(name); // As most are.
    }
    let name = name.strip_suffix(".scope").unwrap_or(name);
    if let Some(id) = ecs_id(name) {
        return Some(id);
    }
    let (before, id) = name
        .rsplit_once(['-', ':'])
        .map_or(("", name), |(before, id)| (before, id));
    let is_id = id.len() == 64 && is_hex(id);
    (is_id && !before.ends_with("conmon")).then_some(id)
}

/// Where the agent runs containers without Docker, their ids are 32 hexadecimal digits, a dash and
/// a number.
fn ecs_id(name: &str) -> Option<&str> {
    let (before, number) = name.rsplit_once('-')?;
    let (.., hex) = before.rsplit_once(['-', ':']).unwrap_or(("", before));
    let is_id = hex.len() == 32
        && is_hex(hex)
        && (6..=10).contains(&number.len())
        && number.bytes().all(|b| b.is_ascii_digit());
    let length = hex.len() + 1 + number.len();
    is_id.then(|| name.get(name.len() - length..))?
}

/// All of it is looked at, which takes less than to stop at the first that is none.
fn is_hex(text: &str) -> bool {
    let hex = |byte| matches!(byte, b'0'..=b'9' | b'a'..=b'f');
    text.bytes().fold(true, |all, byte| all & hex(byte))
}

/// `/ecs/<task>`, with old agents `/ecs/<cluster>/<task>`, and `…/ecstasks-<task>.slice`. The
/// dashes of an internal task's name nest slices; the last one is the task's.
fn task_id<'a>(path: &'a str, name: &'a str) -> Option<&'a str> {
    let task = match name.strip_suffix(".slice") {
        Some(slice) => slice.strip_prefix("ecstasks-")?,
        None => {
            let below = path.strip_prefix("/ecs/")?;
            (below.matches('/').count() < 2).then_some(name)?
        }
    };
    is_task(task).then_some(task)
}

/// Ends in 32 hexadecimal digits, or in a UUID, as internal tasks and those of the first years do.
fn is_task(name: &str) -> bool {
    let hex = |tail: &[u8]| tail.iter().all(u8::is_ascii_hexdigit);
    let bytes = name.as_bytes();
    bytes.last_chunk::<32>().is_some_and(|tail| hex(tail))
        || bytes.last_chunk::<36>().is_some_and(|uuid| {
            let lengths = uuid.split(|&b| b == b'-').map(<[u8]>::len);
            lengths.eq([8, 4, 4, 4, 12]) && uuid.split(|&b| b == b'-').all(hex)
        })
}

/// Parses `cgroup.procs`, a process a line, and appends them. A process that the reader's pid
/// namespace does not show is given as 0, and left out.
pub(super) fn pids(text: &[u8], out: &mut Vec<u32>) -> Result<(), Malformed> {
    for mut line in lines(text) {
        let pid = line.number("a process id")?;
        if pid != 0 {
            out.push(pid);
        }
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "7ab32eddc0bb3984a67d6062da64f64a004cb65d1614b38cd64a5e98ebc2136e";

    #[test]
    fn knows_containers_and_tasks_under_both_drivers() {
        let task = "188321f4b69345b8acc333be06e7f357";
        for (path, kind, of) in [
            (format!("/ecs/{task}/{ID}"), Kind::Container(ID), Some(task)),
            (format!("/ecs/prod/{task}/{ID}"), Kind::Container(ID), Some(task)),
            (
                format!("/ecstasks.slice/ecstasks-{task}.slice/docker-{ID}.scope"),
                Kind::Container(ID),
                Some(task),
            ),
            (format!("/docker/{ID}"), Kind::Container(ID), None),
            (format!("/system.slice/cri-containerd-{ID}.scope"), Kind::Container(ID), None),
            (format!("/system.slice/containerd.service/k8s:cri:{ID}"), Kind::Container(ID), None),
            (format!("/ecs/{task}"), Kind::Task(task), None),
            (format!("/ecs/prod/{task}"), Kind::Task(task), None),
            (format!("/ecstasks.slice/ecstasks-{task}.slice"), Kind::Task(task), None),
        ] {
            assert_eq!((Kind::of(&path), task_of(&path)), (kind, of), "{path}");
        }
    }

    #[test]
    fn knows_containers_of_other_engines_and_in_odd_places() {
        let user = "/user.slice/user-1000.slice/user@1000.service";
        let ecs = "0c7ddcf3ee30479db6a7a0de1a1a4b3f-1234567890";
        for (path, id) in [
            (format!("/my.slice/my-odd.slice/docker-{ID}.scope"), ID),
            (format!("/any/where/{ID}"), ID),
            // Docker in a container, and what it runs: each is one.
            (format!("/docker/{}/docker/{ID}", "0".repeat(64)), ID),
            (format!("{user}/user.slice/docker-{ID}.scope"), ID),
            (format!("{user}/user.slice/libpod-{ID}.scope"), ID),
            (format!("/machine.slice/libpod-{ID}.scope"), ID),
            (format!("/libpod_parent/libpod-{ID}"), ID),
            (format!("/libpod_parent/{ID}/libpod-{ID}"), ID),
            (format!("/kubepods/burstable/pod1/{ID}"), ID),
            (format!("/kubepods.slice/kubepods-pod1.slice/crio-{ID}.scope"), ID),
            (format!("/ecs/188321f4b69345b8acc333be06e7f357/{ecs}"), ecs),
            (format!("/ecstasks.slice/cri-containerd-{ecs}.scope"), ecs),
        ] {
            assert_eq!(Kind::of(&path), Kind::Container(id), "{path}");
        }
    }

    #[test]
    fn knows_what_is_beside_containers() {
        for (path, kind) in [
            (format!("/machine.slice/libpod-conmon-{ID}.scope"), Kind::Unit),
            (format!("/crio-conmon-{ID}.scope"), Kind::Unit),
            (format!("/machine.slice/libpod_pod_{ID}.slice"), Kind::Other),
            (format!("/libpod_parent/{ID}"), Kind::Other),
            (format!("/libpod_parent/{ID}/conmon"), Kind::Other),
            (format!("/machine.slice/libpod-{ID}.scope/container"), Kind::Other),
            (format!("/docker/{ID}/init.scope"), Kind::Unit),
            (format!("/system.slice/docker-{ID}.mount"), Kind::Other),
            ("/docker/buildkit/nm6xp7ajmdbxmjuhy83s2w3vo".into(), Kind::Other),
            ("/user.slice/user-1000.slice/session-3.scope".into(), Kind::Unit),
            ("/ecs/0c7ddcf3ee30479db6a7a0de1a1a4b3f-12".into(), Kind::Other),
            ("/a/0c7ddcf3ee30479db6a7a0de1a1a4b3f-".into(), Kind::Other),
        ] {
            assert_eq!(Kind::of(&path), kind, "{path}");
        }
    }

    #[test]
    fn knows_internal_tasks() {
        let relay = "service-connect-relay-0b0e2d6c-7e2d-4c6e-9d2e-0e2d6c7e2d4c";
        let nested = format!("/ecstasks.slice/ecstasks-service.slice/ecstasks-{relay}.slice");
        assert_eq!(Kind::of(&nested), Kind::Task(relay));
        assert_eq!(Kind::of("/ecstasks.slice/ecstasks-service.slice"), Kind::Other);
        assert_eq!(Kind::of(&format!("/ecs/{relay}")), Kind::Task(relay));
    }

    #[test]
    fn knows_the_rest() {
        assert_eq!(Kind::of("/"), Kind::Host);
        assert_eq!(Kind::of("/system.slice/docker.service"), Kind::Unit);
        assert_eq!(Kind::of("/init.scope"), Kind::Unit);
        for other in
            ["/ecs", "/ecs/prod", "/docker", "/system.slice", "/ecstasks.slice", "/docker/ABC"]
        {
            assert_eq!(Kind::of(other), Kind::Other, "{other}");
        }
        let upper = format!("/docker/{}", ID.to_uppercase());
        assert_eq!(Kind::of(&upper), Kind::Other);
    }

    #[test]
    fn leaves_out_processes_of_other_namespaces() {
        let mut pids_seen = Vec::new();
        assert_eq!(pids(b"0\n582\n0\n", &mut pids_seen), Ok(()));
        assert_eq!(pids_seen, [582]);
        assert_eq!(pids(b"x\n", &mut pids_seen).unwrap_err().line, 1);
    }
}
