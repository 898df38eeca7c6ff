//! What of the host can be seen: looked up, not judged.

use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use nix::sys::resource::{Resource, getrlimit};
use serde::Deserialize;

use super::Patient;
use super::mend::{self, Advice};
use crate::cgroup::{Controller, Hierarchies, Kind, Tree, Version};
use crate::container::Process;
use crate::files::{self, Error, Files, Roots};
use crate::kernel::mountinfo;
use crate::probe::{self, Answer};
use crate::summary::system;

/// How long Docker and the agent may think.
const PATIENCE: Duration = Duration::from_secs(2);

/// All that is looked up.
#[derive(Debug)]
pub(super) struct Facts {
    pub(super) roots: Roots,
    pub(super) in_container: bool,
    /// Name of the first process. `None` where the tree is no procfs, or may not be read.
    pub(super) init: Option<String>,
    /// Whether the kernel's own threads are seen, as in the host's first pid namespace alone.
    pub(super) kernel_threads: bool,
    /// Whether the exporter itself is in the host's pid namespace.
    pub(super) host_pids: bool,
    /// Whether it is in the network namespace of the first process. `None` where that is not to be
    /// seen.
    pub(super) host_network: Option<bool>,
    /// How many block devices and network interfaces there are. `None` where the tree is no sysfs.
    pub(super) devices: Option<(usize, usize)>,
    /// What the root's os-release calls the system.
    pub(super) system: Option<String>,
    /// Whether the root is on the device that the first process has as its root. `None` where that
    /// is not to be told.
    pub(super) host_root: Option<bool>,
    pub(super) cgroups: Result<Cgroups, Error>,
    pub(super) docker: Asked<Docker>,
    /// The group that Docker's socket belongs to.
    pub(super) docker_group: Option<u32>,
    pub(super) agent: Asked<Agent>,
    /// How many devices udev knows.
    pub(super) udev: Result<usize, Error>,
    pub(super) uid: u32,
    /// Names of its capabilities.
    pub(super) capabilities: Vec<&'static str>,
    /// How many files it may open.
    pub(super) open_files: Option<u64>,
    /// What else says what it may do.
    pub(super) security: Security,
    /// Where a directory `/cgroup` of the host is mounted, which is none of control groups.
    pub(super) old_cgroup: Option<PathBuf>,
}

/// What watches over the exporter beside the rights it has.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Security {
    /// Nothing.
    None,
    /// SELinux, with this label.
    Selinux(String),
    /// AppArmor, with this profile.
    Apparmor(String),
}

/// The control groups that are seen.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Cgroups {
    pub(super) version: Version,
    /// Where they are looked for.
    pub(super) at: PathBuf,
    /// Controllers that nobody mounted or switched on.
    pub(super) missing: Vec<&'static str>,
    /// Whether the kernel counts what they do to disks: on version 1 newer ones begin when some
    /// group gets a limit.
    pub(super) counts_io: bool,
    pub(super) tasks: usize,
    pub(super) containers: usize,
    /// How much of them is there.
    pub(super) view: View,
}

/// How much of the host's groups is to be seen.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum View {
    /// All of them.
    Whole,
    /// Those of a container alone.
    Part,
    /// None: where they should be is something else, or nothing.
    Nothing,
}

/// Somebody was asked over a socket.
#[derive(Debug)]
pub(super) enum Asked<T> {
    /// It was not to be asked.
    Off,
    /// It answered.
    Said(T),
    /// It did not, or not with what was wanted.
    Silent(String, io::Error),
}

/// What Docker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Docker {
    pub(super) socket: String,
    pub(super) version: String,
    pub(super) running: usize,
}

/// What the ECS agent says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Agent {
    pub(super) cluster: String,
    pub(super) container_instance_arn: String,
}

impl Facts {
    pub(super) fn gather(patient: Patient) -> Self {
        let Patient { roots, in_container, docker, agent } = patient;
        let mut files = Files::default();
        let proc = &roots.proc;
        let kernel_threads = word(&mut files, &proc.join("2/comm")).as_deref() == Some("kthreadd");
        let own = std::process::id();
        Self {
            in_container,
            init: word(&mut files, &proc.join("1/comm")),
            kernel_threads,
            host_pids: files::link(Path::new("/proc/self/ns/pid"))
                .is_ok_and(|link| link == Path::new(FIRST_PIDS)),
            host_network: host_network(proc, own).filter(|_| kernel_threads),
            devices: devices(&roots.sys),
            system: system(&mut files, &roots.rootfs),
            host_root: host_root(&mut files, &roots).filter(|_| kernel_threads),
            cgroups: cgroups(&mut files, &roots),
            docker_group: docker.as_ref().and_then(|socket| group(socket)),
            docker: docker.map_or(Asked::Off, |socket| ask_docker(&socket)),
            agent: agent.map_or(Asked::Off, |address| ask_agent(&address)),
            udev: files::names(&roots.udev).map(|names| names.len()),
            uid: nix::unistd::Uid::effective().as_raw(),
            capabilities: capabilities(&mut files),
            open_files: getrlimit(Resource::RLIMIT_NOFILE)
                .ok()
                .map(|(_, hard)| hard),
            security: security(&mut files, &roots.sys),
            old_cgroup: old_cgroup(&mut files),
            roots,
        }
    }
}

impl Facts {
    /// Whether files that are not for everybody can be read.
    pub(super) fn reads_all(&self) -> bool {
        self.uid == 0 || self.capabilities.contains(&"DAC_READ_SEARCH")
    }

    /// What brings the host's control groups back. A mount of what was theirs long ago may cover
    /// them.
    pub(super) fn mends_cgroups(&self) -> Advice {
        if self.old_cgroup.is_some() { mend::OLD_CGROUP } else { mend::SYS }
    }
}

/// The inode that the kernel gives to the first pid namespace.
const FIRST_PIDS: &str = "pid:[4026531836]";

/// The only line of a file.
fn word(files: &mut Files, path: &Path) -> Option<String> {
    let text = |text: &[u8]| Ok(String::from_utf8_lossy(text.trim_ascii()).into_owned());
    files.load(path, text).ok().filter(|text| !text.is_empty())
}

fn host_network(proc: &Path, own: u32) -> Option<bool> {
    let first = Process::look(1, proc)?.network;
    // Below another pid namespace's procfs the exporter has another number, which `self` knows.
    let own = std::fs::metadata(proc.join("self/net/dev"))
        .ok()
        .map(|found| found.ino())
        .or_else(|| Process::look(own, proc).map(|process| process.network))?;
    Some(first == own)
}

fn devices(sys: &Path) -> Option<(usize, usize)> {
    let count = |class: &str| files::names(&sys.join("class").join(class)).ok();
    Some((count("block")?.len(), count("net")?.len()))
}

/// Compares devices: that of the mount which the first process has as `/`, and that of our root.
fn host_root(files: &mut Files, roots: &Roots) -> Option<bool> {
    let own = std::fs::metadata(&roots.rootfs).ok()?.dev();
    let own = (nix::sys::stat::major(own), nix::sys::stat::minor(own));
    let mut first = None;
    let read = files.load(&roots.proc.join("1/mountinfo"), |text| {
        mountinfo::each(text, |mount| {
            // A file system with several devices says another number in each place.
            if mount.point == b"/" && !matches!(mount.kind, b"btrfs" | b"overlay") {
                let (major, minor) = mount.device;
                first = Some((u64::from(major), u64::from(minor)));
            }
        })
    });
    read.ok()?;
    first.map(|first| first == own)
}

fn cgroups(files: &mut Files, roots: &Roots) -> Result<Cgroups, Error> {
    let home = Arc::new(Hierarchies::find(roots, files)?);
    let at = home.mount(home.walked()).unwrap_or(&roots.sys).to_owned();
    let mut tree = Tree::new(Arc::clone(&home));
    tree.refresh();
    let kinds = || tree.groups().map(|(path, _)| Kind::of(path));
    Ok(Cgroups {
        version: home.version(),
        missing: missing(files, &home, &at),
        counts_io: home.version() == Version::V2 || counts_io(files, &home),
        tasks: kinds().filter(|kind| matches!(kind, Kind::Task(_))).count(),
        containers: kinds()
            .filter(|kind| matches!(kind, Kind::Container(_)))
            .count(),
        view: view(home.version(), &at),
        at,
    })
}

/// Only the root of a hierarchy has the first, and only another group the second.
fn view(version: Version, at: &Path) -> View {
    let has = |name: &str| at.join(name).exists();
    let whole = match version {
        Version::V1 => has("release_agent") || has("cgroup.sane_behavior"),
        Version::V2 => !has("cgroup.events"),
    };
    match has("cgroup.procs") {
        false => View::Nothing,
        true if whole => View::Whole,
        true => View::Part,
    }
}

/// Looks among the exporter's own mounts for a directory that was bound from `/cgroup`.
fn old_cgroup(files: &mut Files) -> Option<PathBuf> {
    let mut found = None;
    let read = files.load(Path::new("/proc/self/mountinfo"), |text| {
        mountinfo::each(text, |mount| {
            if mount.root.ends_with(b"/cgroup") && !mount.kind.starts_with(b"cgroup") {
                let point = mountinfo::unescaped(mount.point);
                found = Some(PathBuf::from(String::from_utf8_lossy(&point).into_owned()));
            }
        })
    });
    read.ok()?;
    found
}

/// What the kernel says the exporter is confined by: `docker-default (enforce)`,
/// `system_u:system_r:container_t:s0:c1,c2`.
fn security(files: &mut Files, sys: &Path) -> Security {
    let enforced = |files: &mut Files, sys: &Path| {
        word(files, &sys.join("fs/selinux/enforce")).is_some_and(|enforced| enforced == "1")
    };
    let label = word(files, Path::new("/proc/self/attr/current"));
    confined(label, enforced(files, sys) || enforced(files, Path::new("/sys")))
}

pub(super) fn confined(label: Option<String>, selinux: bool) -> Security {
    match label.map(|label| label.trim_end_matches('\0').to_owned()) {
        Some(label) if label.contains(':') && selinux => Security::Selinux(label),
        Some(label) if label.ends_with(" (enforce)") => Security::Apparmor(label),
        _ => Security::None,
    }
}

/// The group that a socket belongs to.
fn group(socket: &Path) -> Option<u32> {
    std::fs::metadata(socket).ok().map(|found| found.gid())
}

fn missing(files: &mut Files, home: &Hierarchies, at: &Path) -> Vec<&'static str> {
    let wanted = [
        ("cpu", "cpu", Controller::Cpu),
        ("memory", "memory", Controller::Memory),
        ("blkio", "io", Controller::Io),
        ("pids", "pids", Controller::Pids),
    ];
    let on = word(files, &at.join("cgroup.controllers")).unwrap_or_default();
    let missing = |(v1, v2, controller)| match home.version() {
        Version::V1 => home.mount(controller).is_none().then_some(v1),
        Version::V2 => (!on.split(' ').any(|word| word == v2)).then_some(v2),
    };
    wanted.into_iter().filter_map(missing).collect()
}

/// Whether the root group has a line for any disk, and not only a `Total 0`.
fn counts_io(files: &mut Files, home: &Hierarchies) -> bool {
    let text = home
        .mount(Controller::Io)
        .and_then(|mount| word(files, &mount.join("blkio.throttle.io_service_bytes")));
    text.is_some_and(|text| text.lines().any(|line| !line.starts_with("Total")))
}

fn ask_docker(socket: &Path) -> Asked<Docker> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(rename = "Version")]
        version: String,
    }
    let ask = |path| probe::unix(socket, path, PATIENCE).and_then(good);
    let answers = || {
        let info: Info = json(&ask("/version")?)?;
        let running: Vec<serde::de::IgnoredAny> = json(&ask("/containers/json")?)?;
        let socket = socket.display().to_string();
        Ok(Docker { socket, version: info.version, running: running.len() })
    };
    said(socket.display().to_string(), answers())
}

fn ask_agent(address: &str) -> Asked<Agent> {
    let answer = probe::tcp(address, "/v1/metadata", PATIENCE).and_then(good);
    said(address.into(), answer.and_then(|body| json(&body)))
}

fn said<T>(who: String, answer: io::Result<T>) -> Asked<T> {
    answer.map_or_else(|error| Asked::Silent(who, error), Asked::Said)
}

fn good(answer: Answer) -> io::Result<Vec<u8>> {
    match answer {
        Answer { status: 200, body } => Ok(body),
        Answer { status, .. } => Err(io::Error::other(format!("status {status}"))),
    }
}

fn json<T: for<'a> Deserialize<'a>>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body).map_err(|_| io::Error::other("not the answer that was expected"))
}

fn capabilities(files: &mut Files) -> Vec<&'static str> {
    let status = files.load(Path::new("/proc/self/status"), |text| {
        let line = text
            .split(|&b| b == b'\n')
            .find_map(|line| line.strip_prefix(b"CapEff:"));
        let digits = line.and_then(|digits| str::from_utf8(digits.trim_ascii()).ok());
        Ok(digits.and_then(|digits| u64::from_str_radix(digits, 16).ok()))
    });
    let effective = status.ok().flatten().unwrap_or_default();
    [(2, "DAC_READ_SEARCH"), (12, "NET_ADMIN"), (19, "SYS_PTRACE"), (21, "SYS_ADMIN")]
        .into_iter()
        .filter(|(bit, _)| effective >> bit & 1 == 1)
        .map(|(_, name)| name)
        .collect()
}
