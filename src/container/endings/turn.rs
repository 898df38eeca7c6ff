//! Whether the thread may run before all others.
//!
//! There are milliseconds to read the last numbers of a container, and others who want the CPU. A
//! thread of SCHED_FIFO has it at once. But a kernel that counts such threads by group
//! (`CONFIG_RT_GROUP_SCHED`) then lets nobody give the exporter's group a CPU controller, on cgroup v2,
//! nor move the exporter into a group that has one, on version 1. Where its group has one already,
//! such a kernel says no itself, and nothing is in anybody's way.

use std::path::Path;

use crate::cgroup::{Controller, Hierarchies, Version};
use crate::files::Files;
use crate::system::realtime;

/// Has this thread run before others: before all, or at least more often. Only with CAP_SYS_NICE.
pub(super) fn take(home: &Hierarchies, files: &mut Files) {
    if harmless(home, Path::new("/"), files) && realtime().is_ok() {
        return;
    }
    let own = rustix::thread::gettid();
    if let Err(error) = rustix::process::setpriority_process(Some(own), -20) {
        tracing::debug!(%error, "the endings of containers are followed with the usual priority");
    }
}

/// Whether the group that this process is in has a CPU controller, or no kernel like that runs. `own`
/// is where the process itself has `/proc` and `/sys`.
fn harmless(home: &Hierarchies, own: &Path, files: &mut Files) -> bool {
    match home.version() {
        Version::V1 => {
            let mount = home.mount(Controller::Cpu);
            let counted = mount.is_some_and(|mount| mount.join("cpu.rt_runtime_us").exists());
            // In a group that may run none of these threads the kernel refuses.
            !counted || group(own, "cpu", files).is_some_and(|group| group != "/")
        }
        Version::V2 => {
            let by_path = group(own, "", files).is_some_and(|group| {
                let mount = home.mount(Controller::Unified);
                let dir = mount.map(|mount| mount.join(group.trim_start_matches('/')));
                dir.is_some_and(|dir| dir.join("cpu.weight").exists())
            });
            // In a namespace of control groups its own group is where others have the root.
            by_path || own.join("sys/fs/cgroup/cpu.weight").exists()
        }
    }
}

/// The path of the group that this process is in, in the hierarchy of a controller; none for version 2.
fn group(own: &Path, controller: &str, files: &mut Files) -> Option<String> {
    files
        .load(&own.join("proc/self/cgroup"), |text| Ok(find(text, controller.as_bytes())))
        .ok()?
}

/// Finds a hierarchy in `/proc/<pid>/cgroup`: `4:cpu,cpuacct:/system.slice`, and `0::/system.slice` of
/// version 2.
fn find(text: &[u8], controller: &[u8]) -> Option<String> {
    let mut lines = text.split(|&byte| byte == b'\n');
    lines.find_map(|line| {
        let mut parts = line.splitn(3, |&byte| byte == b':').skip(1);
        let (controllers, path) = (parts.next()?, parts.next()?);
        let mut controllers = controllers.split(|&byte| byte == b',');
        let found = controllers.any(|name| name == controller);
        found.then(|| String::from_utf8_lossy(path).into_owned())
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::files::{Roots, Scratch};

    #[test]
    fn finds_its_own_group() {
        let text = b"4:cpu,cpuacct:/a\n1:name=systemd:/b\n0::/c:d\n\nx\n";
        assert_eq!(find(text, b"cpuacct"), Some("/a".into()));
        assert_eq!(find(text, b""), Some("/c:d".into()));
        assert_eq!(find(text, b"memory"), None);
    }

    #[test]
    fn is_in_nobodys_way() {
        const V1: &str = "30 23 0:26 / /sys/fs/cgroup/cpu rw - cgroup cgroup rw,cpu,cpuacct\n";
        const V2: &str = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
        let cases: [(&str, &str, &[&str], bool); 7] = [
            (V1, "1:cpu:/\n", &[], true),
            (V1, "1:cpu:/\n", &["host/sys/fs/cgroup/cpu/cpu.rt_runtime_us"], false),
            (V1, "1:cpu:/a\n", &["host/sys/fs/cgroup/cpu/cpu.rt_runtime_us"], true),
            (V2, "0::/\n", &[], false),
            (V2, "0::/a\n", &["host/sys/fs/cgroup/a/cpu.max"], false),
            (V2, "0::/a\n", &["host/sys/fs/cgroup/a/cpu.weight"], true),
            (V2, "0::/\n", &["sys/fs/cgroup/cpu.weight"], true),
        ];
        for (mounts, group, there, expected) in cases {
            let dir = Scratch::new();
            dir.write("host/proc/1/mountinfo", mounts);
            dir.write("proc/self/cgroup", group);
            there.iter().for_each(|file| dir.write(file, ""));
            let (proc, sys) = (dir.join("host/proc"), dir.join("host/sys"));
            let roots = Roots { proc, sys, ..Roots::default() };
            let mut files = Files::default();
            let home = Hierarchies::find(&roots, &mut files).unwrap();
            assert_eq!(harmless(&home, &dir, &mut files), expected, "{group} {there:?}");
        }
    }
}
