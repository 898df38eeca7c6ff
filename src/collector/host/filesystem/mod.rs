//! Mounted file systems: how large they are, and how full.

mod errno;
mod together;

use std::time::Duration;

use clap::Args;

use self::together::Together;
use crate::collector::filter::{Filter, Flag};
use crate::collector::mounts::ask::{Answer, Asker};
use crate::collector::mounts::{Mount, Mounts};
use crate::collector::{Collector, Host, Need, flags};
use crate::exposition::{Descriptor, Family, Table, Text, count, gauge, info};
use crate::files::{Error, Result, Roots};
use crate::system::Statfs;

/// Of each mount: what is mounted, where, its type, and why its size cannot be told.
const LABELS: [&str; 4] = ["device", "mountpoint", "fstype", "device_error"];

static SIZES: Table<Statfs, 4> = Table {
    labels: LABELS,
    metrics: &[
        gauge("node_filesystem_size_bytes")
            .help("Size of a file system.")
            .value(|s| blocks(s, s.blocks)),
        gauge("node_filesystem_free_bytes")
            .help("Bytes of a file system that are free.")
            .value(|s| blocks(s, s.blocks_free)),
        gauge("node_filesystem_avail_bytes")
            .help("Bytes of a file system that are free to those who are not root.")
            .value(|s| blocks(s, s.blocks_available)),
        gauge("node_filesystem_files")
            .help("Inodes of a file system.")
            .value(|s| count(s.files)),
        gauge("node_filesystem_files_free")
            .help("Inodes of a file system that are free.")
            .value(|s| count(s.files_free)),
        gauge("node_filesystem_purgeable_bytes")
            .help("Bytes of a file system that could be freed; always 0 on Linux.")
            .value(|_| Some(0.0)),
    ],
};

static READ_ONLY: Family<4> = gauge("node_filesystem_readonly")
    .help("Whether a file system may only be read.")
    .labels(LABELS);

static DEVICE_ERROR: Family<4> = gauge("node_filesystem_device_error")
    .help("Whether the size of a file system could not be told, as a label says why.")
    .labels(LABELS);

static MOUNT_INFO: Family<4> = info("node_filesystem_mount_info")
    .help("The numbers of the device of a file system.")
    .labels(["device", "major", "minor", "mountpoint"]);

/// What a mount's `device_error` says while it does not answer.
const LATE: &str = "mountpoint timeout";

/// Which mounts are left out.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of mount points to leave out
    /// [default: ^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)]
    #[arg(id = POINTS_EXCLUDE, long, alias = "collector.filesystem.ignored-mount-points", value_name = "REGEXP")]
    points_exclude: Option<String>,
    /// Regular expression of mount points to take, and no others.
    #[arg(id = POINTS_INCLUDE, long, value_name = "REGEXP")]
    points_include: Option<String>,
    /// Regular expression of file system types to leave out
    /// [default: those without a size of their own]
    #[arg(id = KINDS_EXCLUDE, long, alias = "collector.filesystem.ignored-fs-types", value_name = "REGEXP")]
    kinds_exclude: Option<String>,
    /// Regular expression of file system types to take, and no others.
    #[arg(id = KINDS_INCLUDE, long, value_name = "REGEXP")]
    kinds_include: Option<String>,
    /// How long all mounts together may take to answer; a second at most, whatever is given.
    #[arg(id = "collector.filesystem.mount-timeout", long, hide = true, default_value = "5s", value_parser = flags::duration)]
    mount_timeout: Duration,
    /// Taken and ignored: there are as many threads as mounts that hang, and one.
    #[arg(id = "collector.filesystem.stat-workers", long, hide = true)]
    _stat_workers: Option<u32>,
}

const POINTS_EXCLUDE: &str = "collector.filesystem.mount-points-exclude";
const POINTS_INCLUDE: &str = "collector.filesystem.mount-points-include";
const KINDS_EXCLUDE: &str = "collector.filesystem.fs-types-exclude";
const KINDS_INCLUDE: &str = "collector.filesystem.fs-types-include";

/// Directories of the kernel, and the layers and volumes of containers.
const POINTS_EXCLUDED: &str =
    "^/(dev|proc|run/credentials/.+|sys|var/lib/docker/.+|var/lib/containers/storage/.+)($|/)";
/// File systems that have no size, or none of their own.
const KINDS_EXCLUDED: &str = "^(autofs|binfmt_misc|bpf|cgroup2?|configfs|debugfs|devpts|devtmpfs|fusectl|hugetlbfs|iso9660|mqueue|nsfs|overlay|proc|procfs|pstore|rpc_pipefs|securityfs|selinuxfs|squashfs|erofs|sysfs|tracefs)$";

/// No scrape waits longer than this for mounts, of which some may hang.
const LONGEST: Duration = Duration::from_secs(1);
/// In less than this not even a mount that is well would answer on a busy host.
const SHORTEST: Duration = Duration::from_millis(50);

/// Collects the sizes of mounted file systems.
pub struct Filesystem {
    mounts: Mounts,
    asker: Asker,
    together: Together,
    patience: Duration,
}

impl Collector for Filesystem {
    const NAME: &'static str = "filesystem";
    const ABOUT: &'static str = "Size and use of mounted file systems.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/"),
        Need::Capability(
            "DAC_READ_SEARCH",
            "file systems mounted below directories that are closed to others",
        ),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        let families = [&READ_ONLY, &DEVICE_ERROR, &MOUNT_INFO];
        SIZES.descriptors().chain(families.map(Family::descriptor))
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let points = Filter::either(
            Flag { name: POINTS_INCLUDE, value: flags.points_include.as_deref() },
            Flag { name: POINTS_EXCLUDE, value: flags.points_exclude.as_deref() },
            POINTS_EXCLUDED,
        )?;
        let kinds = Filter::either(
            Flag { name: KINDS_INCLUDE, value: flags.kinds_include.as_deref() },
            Flag { name: KINDS_EXCLUDE, value: flags.kinds_exclude.as_deref() },
            KINDS_EXCLUDED,
        )?;
        Ok(Self {
            mounts: Mounts::new(roots, points, kinds),
            asker: Asker::new(),
            together: Together::default(),
            patience: flags.mount_timeout.clamp(SHORTEST, LONGEST),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let mounts = self
            .mounts
            .refresh(&mut host.shared.changes, &mut host.files)?;
        let asked = self.together.of(mounts, &host.shared.wanted);
        let answers = self
            .asker
            .ask(asked, host.system.statfs, self.patience)
            .map_err(|source| Error::Read { path: "statfs".into(), source })?;
        host.shared.note_sizes(asked, answers);
        // The rest is of mounts that are left out here.
        let answers = answers.get(..mounts.len()).unwrap_or_default();
        write(mounts, answers, text);
        if let Some((mount, _)) = rows(mounts, answers).find(|(_, a)| **a == Answer::Unasked) {
            let source = std::io::ErrorKind::TimedOut.into();
            host.failures
                .note(&Error::Read { path: mount.path.clone(), source });
        }
        Ok(())
    }
}

fn rows<'r>(
    mounts: &'r [Mount],
    answers: &'r [Answer],
) -> impl Iterator<Item = (&'r Mount, &'r Answer)> + Clone {
    mounts.iter().zip(answers)
}

fn write(mounts: &[Mount], answers: &[Answer], text: &mut Text) {
    text.table(
        &SIZES,
        rows(mounts, answers).filter_map(|(mount, answer)| match answer {
            Answer::Found(size) => Some((labels(mount, ""), size)),
            Answer::Unasked | Answer::Late | Answer::Refused(_) => None,
        }),
    );
    let mut read_only = text.family(&READ_ONLY);
    for (mount, error) in rows(mounts, answers).filter_map(known) {
        read_only.sample(labels(mount, &error), mount.read_only);
    }
    let mut device_error = text.family(&DEVICE_ERROR);
    for (mount, error) in rows(mounts, answers).filter_map(known) {
        device_error.sample(labels(mount, &error), !error.is_empty());
    }
    let mut mount_info = text.family(&MOUNT_INFO);
    for (mount, answer) in rows(mounts, answers) {
        if let Answer::Found(_) = answer {
            let [major, minor] = &mount.device;
            mount_info
                .sample([&mount.source, major, minor, &mount.point].map(|l| Some(l.as_str())), 1.0);
        }
    }
}

/// A mount, and why its size cannot be told, or nothing. `None` if it was not asked.
fn known<'r>(
    (mount, answer): (&'r Mount, &Answer),
) -> Option<(&'r Mount, std::borrow::Cow<'static, str>)> {
    match answer {
        Answer::Unasked => None,
        Answer::Late => Some((mount, LATE.into())),
        Answer::Found(_) => Some((mount, "".into())),
        Answer::Refused(errno) => Some((mount, errno::text(*errno))),
    }
}

fn labels<'l>(mount: &'l Mount, error: &'l str) -> [Option<&'l str>; 4] {
    [&mount.source, &mount.point, &mount.kind, error].map(Some)
}

fn blocks(size: &Statfs, blocks: u64) -> Option<f64> {
    Some(blocks as f64 * size.block_size as f64)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const MOUNTINFO: &str = "1 0 8:1 / / rw - ext4 /dev/a rw\n\
        2 1 0:1 / /dead ro - nfs4 server:/ rw\n\
        3 1 0:2 / /run/lock rw - tmpfs tmpfs rw\n\
        4 1 0:3 / /sys rw - sysfs sysfs rw\n\
        5 1 0:4 / /var/lib/docker/x rw - tmpfs shm rw\n";

    fn host(args: &[&str]) -> Trial<Filesystem> {
        let mut host = Trial::new(args, &[("proc/self/mountinfo", MOUNTINFO)]);
        host.host.system.statfs = |path| {
            if path.ends_with("dead") {
                return Err(std::io::Error::from_raw_os_error(116));
            }
            Ok(Statfs {
                block_size: 4096,
                blocks: 4,
                blocks_free: 3,
                blocks_available: 2,
                files: 6,
                files_free: 5,
            })
        };
        host
    }

    #[test]
    fn says_how_large_and_how_full() {
        let mut host = host(&["--collector.filesystem.mount-points-exclude=^/run"]);
        let expected = r#"node_filesystem_size_bytes{device="/dev/a",mountpoint="/",fstype="ext4",device_error=""} 16384
node_filesystem_size_bytes{device="shm",mountpoint="/var/lib/docker/x",fstype="tmpfs",device_error=""} 16384
node_filesystem_free_bytes{device="/dev/a",mountpoint="/",fstype="ext4",device_error=""} 12288
node_filesystem_free_bytes{device="shm",mountpoint="/var/lib/docker/x",fstype="tmpfs",device_error=""} 12288
node_filesystem_avail_bytes{device="/dev/a",mountpoint="/",fstype="ext4",device_error=""} 8192
node_filesystem_avail_bytes{device="shm",mountpoint="/var/lib/docker/x",fstype="tmpfs",device_error=""} 8192
node_filesystem_files{device="/dev/a",mountpoint="/",fstype="ext4",device_error=""} 6
node_filesystem_files{device="shm",mountpoint="/var/lib/docker/x",fstype="tmpfs",device_error=""} 6
node_filesystem_files_free{device="/dev/a",mountpoint="/",fstype="ext4",device_error=""} 5
node_filesystem_files_free{device="shm",mountpoint="/var/lib/docker/x",fstype="tmpfs",device_error=""} 5
node_filesystem_purgeable_bytes{device="/dev/a",mountpoint="/",fstype="ext4",device_error=""} 0
node_filesystem_purgeable_bytes{device="shm",mountpoint="/var/lib/docker/x",fstype="tmpfs",device_error=""} 0
node_filesystem_readonly{device="/dev/a",mountpoint="/",fstype="ext4",device_error=""} 0
node_filesystem_readonly{device="server:/",mountpoint="/dead",fstype="nfs4",device_error="stale NFS file handle"} 1
node_filesystem_readonly{device="shm",mountpoint="/var/lib/docker/x",fstype="tmpfs",device_error=""} 0
node_filesystem_device_error{device="/dev/a",mountpoint="/",fstype="ext4",device_error=""} 0
node_filesystem_device_error{device="server:/",mountpoint="/dead",fstype="nfs4",device_error="stale NFS file handle"} 1
node_filesystem_device_error{device="shm",mountpoint="/var/lib/docker/x",fstype="tmpfs",device_error=""} 0
node_filesystem_mount_info{device="/dev/a",major="8",minor="1",mountpoint="/"} 1
node_filesystem_mount_info{device="shm",major="0",minor="4",mountpoint="/var/lib/docker/x"} 1
"#;
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn says_why_a_size_cannot_be_told() {
        let mount = Mount { point: "/a".into(), ..Mount::default() };
        let errors = |answer| {
            let mut text = Text::default();
            write(std::slice::from_ref(&mount), &[answer], &mut text);
            let text = String::from_utf8(text.to_vec()).unwrap();
            let errors = text
                .lines()
                .filter_map(|l| l.strip_prefix("node_filesystem_device_error"));
            errors.map(str::to_owned).collect::<String>()
        };
        let expected = |error| {
            format!("{{device=\"\",mountpoint=\"/a\",fstype=\"\",device_error=\"{error}\"}} 1")
        };
        assert_eq!(errors(Answer::Late), expected("mountpoint timeout"));
        assert_eq!(errors(Answer::Refused(13)), expected("permission denied"));
        assert_eq!(errors(Answer::Refused(4242)), expected("errno 4242"));
        assert_eq!(errors(Answer::Unasked), "");
    }

    #[test]
    fn leaves_out_what_its_flags_say() {
        let points = |args: &[&str]| {
            let said = host(args).collect().unwrap();
            let points = said.lines().filter_map(|line| {
                line.strip_prefix("node_filesystem_readonly")?
                    .split('"')
                    .nth(3)
            });
            points.map(str::to_owned).collect::<Vec<_>>()
        };
        assert_eq!(points(&[]), ["/", "/dead", "/run/lock"]);
        assert_eq!(points(&["--collector.filesystem.fs-types-include=fs"]), ["/dead", "/run/lock"]);
        assert_eq!(points(&["--collector.filesystem.ignored-fs-types=fs"]), ["/"]);
        assert_eq!(
            points(&["--collector.filesystem.mount-points-include=^/var"]),
            ["/var/lib/docker/x"]
        );
        assert_eq!(
            points(&[
                "--collector.filesystem.ignored-mount-points=/.",
                "--collector.filesystem.stat-workers=8"
            ]),
            ["/"]
        );
    }

    #[test]
    fn reads_the_file_of_the_first_process_and_again_when_it_changed() {
        let mut host = host(&[]);
        let mut points = |text: &str| {
            host.write("proc/1/mountinfo", text.as_bytes());
            host.collect().unwrap().lines().count()
        };
        assert_eq!(points(""), 0);
        assert_eq!(points("1 0 8:1 / / rw - ext4 /dev/a rw\n"), 9);
        assert_eq!(points(""), 0);
        host.write("proc/1/mountinfo", b"1 0 8 / / rw - ext4 /dev/a rw\n");
        assert_eq!(host.complaint(), "/proc/1/mountinfo: line 1: major:minor expected");
        host.remove("proc/1/mountinfo");
        host.remove("proc/self/mountinfo");
        assert_eq!(host.complaint(), "/proc/1/mountinfo: not on this host");
    }

    #[test]
    fn asks_what_another_collector_wants_and_says_nothing_of_it() {
        let mut host = host(&[]);
        let before = host.collect().unwrap();
        let extra = |id, path: &str| Mount { id, path: path.into(), ..Mount::default() };
        let wanted = [extra(1, "/"), extra(77, "/dev/shm"), extra(78, "/dead")];
        host.host.shared.wanted = wanted.clone().into();
        assert_eq!(host.collect().unwrap(), before);
        let answers = wanted.map(|mount| host.host.shared.size(&mount));
        let [Some(Answer::Found(_)), Some(Answer::Found(size)), refused] = answers else {
            panic!("{answers:?}");
        };
        assert_eq!((size.blocks, refused), (4, Some(Answer::Refused(116))));
        assert_eq!(host.host.shared.size(&extra(79, "/")), None);
    }
}
