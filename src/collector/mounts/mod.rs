//! What is mounted on the host: the file is read again only when the kernel says that it changed. How
//! large it is, [`ask`] asks.

pub(crate) mod ask;

use std::ffi::OsStr;
use std::os::unix::ffi::OsStrExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::collector::changes::Changes;
use crate::collector::filter::Filter;
use crate::files::{Error, Files, Result, Roots};
use crate::kernel::mountinfo::{self, unescaped};

/// The mounts that are not left out, one of each mount point.
pub(crate) struct Mounts {
    /// Of the first process, or where that is hidden, the exporter's own.
    paths: [PathBuf; 2],
    points: Filter,
    kinds: Filter,
    rootfs: PathBuf,
    list: Arc<[Mount]>,
    /// How often mounts had changed when they were read. `None` where nobody tells.
    read: Option<u64>,
}

/// One mount.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(crate) struct Mount {
    /// The kernel's number of it.
    pub(crate) id: u64,
    /// Where the exporter sees it.
    pub(crate) path: PathBuf,
    /// Where the host sees it.
    pub(crate) point: String,
    /// What is mounted: a device, a server, or a word.
    pub(crate) source: String,
    /// Type of the file system.
    pub(crate) kind: String,
    /// Major and minor number of its device.
    pub(crate) device: [String; 2],
    /// Where an overlay keeps what is written to it. `None` of all else.
    pub(crate) upper: Option<PathBuf>,
    /// Whether it, or its file system, may only be read.
    pub(crate) read_only: bool,
    /// Whether its mount point is below the host's root as the exporter sees it.
    pub(crate) below_root: bool,
    /// Whether neither it nor a mount above it can be waiting for a server: it may be asked at any time.
    pub(crate) prompt: bool,
}

impl Mounts {
    pub(crate) fn new(roots: &Roots, points: Filter, kinds: Filter) -> Self {
        Self {
            paths: ["1/mountinfo", "self/mountinfo"].map(|path| roots.proc.join(path)),
            points,
            kinds,
            rootfs: roots.rootfs.clone(),
            list: Arc::default(),
            read: None,
        }
    }

    /// The mounts as they are now.
    pub(crate) fn refresh(
        &mut self,
        changes: &mut Changes,
        files: &mut Files,
    ) -> Result<&Arc<[Mount]>> {
        /// A list that changes while it is read may lack something. After so many attempts it is
        /// taken as it is; the next scrape looks again.
        const ATTEMPTS: usize = 3;
        if self.read.is_some() && self.read == changes.mounts() {
            return Ok(&self.list);
        }
        self.read = None;
        let path = match self.paths.iter().find(|path| path.exists()) {
            Some(path) => path.clone(),
            None => return Err(Error::Absent(self.paths.first().cloned().unwrap_or_default())),
        };
        // Watched before it is read, so that no change goes unnoticed.
        changes.open(&path);
        let mut before = changes.mounts_now();
        for _ in 0..ATTEMPTS {
            self.load(&path, files)?;
            let after = changes.mounts_now();
            if std::mem::replace(&mut before, after) == after {
                self.read = after;
                break;
            }
        }
        Ok(&self.list)
    }

    fn load(&mut self, path: &Path, files: &mut Files) -> Result<()> {
        let Self { points, kinds, rootfs, .. } = self;
        let (mut list, mut servers) = (Vec::new(), Vec::new());
        files.load(path, |text| {
            mountinfo::each(text, |mount| {
                note(&mount, rootfs, points, kinds, (&mut list, &mut servers));
            })
        })?;
        for mount in &mut list {
            mount.prompt = !servers.iter().any(|server| is_at(&mount.path, server));
        }
        self.list = list.into();
        Ok(())
    }
}

/// Whether the kernel answers for a mount out of its own memory, and finds what is mounted upon it
/// there. Where XFS has quotas of projects, it may have to read one.
fn is_local(mount: &mountinfo::Mount<'_>) -> bool {
    let quota = |option: &[u8]| matches!(option, b"prjquota" | b"pquota" | b"pqnoenforce");
    match mount.kind {
        b"xfs" => !mount.super_options.split(|&b| b == b',').any(quota),
        b"ext2" | b"ext3" | b"ext4" | b"tmpfs" | b"ramfs" | b"devtmpfs" | b"devpts" | b"proc"
        | b"sysfs" | b"cgroup" | b"cgroup2" | b"mqueue" | b"hugetlbfs" | b"bpf" | b"debugfs"
        | b"tracefs" | b"securityfs" | b"configfs" | b"pstore" | b"selinuxfs" => true,
        _ => false,
    }
}

/// Adds a mount to the list. It hides the one that was there before at the same place, and does so
/// also if it is left out itself: there is no asking what is hidden. Where it is not local, its place is
/// noted, too.
fn note(
    mount: &mountinfo::Mount<'_>,
    rootfs: &Path,
    points: &mut Filter,
    kinds: &mut Filter,
    (list, servers): (&mut Vec<Mount>, &mut Vec<PathBuf>),
) {
    let point = unescaped(mount.point);
    let (below, below_root) = below(&point, rootfs);
    let path = rootfs.join(below);
    if !is_local(mount) {
        servers.push(path.clone());
    }
    let same = |other: &Mount| other.path.as_os_str() == path.as_os_str();
    if let Some(hidden) = list.iter().position(same) {
        // Only one that is below the root itself is what is seen there.
        if list
            .get(hidden)
            .is_some_and(|other| other.below_root && !below_root)
        {
            return;
        }
        list.remove(hidden);
    }
    let point = Path::new("/").join(below);
    if kinds.ignores(mount.kind) || points.ignores(point.as_os_str().as_bytes()) {
        return;
    }
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let has = |options: &[u8], word: &[u8]| options.split(|&b| b == b',').any(|o| o == word);
    list.push(Mount {
        id: mount.id,
        path,
        point: text(point.as_os_str().as_bytes()),
        source: text(&unescaped(mount.source)),
        kind: text(&unescaped(mount.kind)),
        device: [mount.device.0, mount.device.1].map(|number| number.to_string()),
        upper: mount.upper_dir(),
        read_only: has(mount.options, b"ro")
            || has(mount.super_options, b"ro")
            || has(mount.super_options, b"emergency_ro"),
        below_root,
        prompt: false,
    });
}

/// Whether a path is another, or below it. Both are as the kernel writes them.
fn is_at(path: &Path, other: &Path) -> bool {
    let (path, other) = (path.as_os_str().as_bytes(), other.as_os_str().as_bytes());
    let rest = path.strip_prefix(other);
    rest.is_some_and(|rest| matches!(rest.first(), None | Some(b'/')) || other.ends_with(b"/"))
}

/// A mount point without the directory where the exporter sees the host's root, and whether it was
/// there.
fn below<'a>(point: &'a [u8], rootfs: &Path) -> (&'a Path, bool) {
    let point = Path::new(OsStr::from_bytes(point));
    match point.strip_prefix(rootfs) {
        Ok(below) => (below, true),
        Err(_) => (point.strip_prefix("/").unwrap_or(point), false),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::filter::Flag;
    use crate::files::Scratch;

    fn filter(exclude: &'static str) -> Filter {
        let flag = |value| Flag { name: "", value };
        Filter::both(flag(None), flag(Some(exclude))).unwrap()
    }

    /// Mount points, types and sources of what is not left out.
    fn listed(rootfs: &str, text: &str) -> Vec<(String, String, String)> {
        let (mut points, mut kinds) = (filter("^/proc($|/)"), filter("^overlay$"));
        let mut list = Vec::new();
        let each = |mount: mountinfo::Mount<'_>| {
            let out = (&mut list, &mut Vec::new());
            note(&mount, Path::new(rootfs), &mut points, &mut kinds, out);
        };
        mountinfo::each(text.as_bytes(), each).unwrap();
        list.into_iter()
            .map(|m| (m.point, m.kind, m.source))
            .collect()
    }

    fn expected(all: &[(&str, &str, &str)]) -> Vec<(String, String, String)> {
        let owned = |&(a, b, c): &(&str, &str, &str)| (a.into(), b.into(), c.into());
        all.iter().map(owned).collect()
    }

    #[test]
    fn the_last_of_a_mount_point_hides_the_others() {
        let text = "1 0 8:1 / / rw - ext4 /dev/a rw\n\
            2 1 0:1 / /data rw - tmpfs one rw\n\
            3 1 0:2 / /proc rw - proc proc rw\n\
            4 1 0:3 / /hidden rw - tmpfs two rw\n\
            5 4 0:4 / /hidden rw - overlay overlay rw\n\
            6 2 0:5 / /data rw - tmpfs three rw\n";
        let found = listed("/", text);
        assert_eq!(found, expected(&[("/", "ext4", "/dev/a"), ("/data", "tmpfs", "three")]));
    }

    #[test]
    fn takes_off_the_root_by_whole_names() {
        let text = "1 0 8:1 / / rw - ext4 container rw\n\
            2 1 0:1 / /host rw - ext4 /dev/a rw\n\
            3 1 0:2 / /hostdata rw - tmpfs b rw\n\
            4 1 0:3 / /host/mnt/c rw - tmpfs c rw\n\
            5 1 0:4 / /mnt/c rw - tmpfs d rw\n";
        let found = listed("/host", text);
        let same = [("/", "ext4", "/dev/a"), ("/hostdata", "tmpfs", "b"), ("/mnt/c", "tmpfs", "c")];
        assert_eq!(found, expected(&same));
    }

    #[test]
    fn may_be_asked_at_any_time_unless_a_server_may_be_waited_for() {
        let dir = Scratch::new();
        let text = "1 0 8:1 / / rw - xfs /dev/a rw\n\
            2 1 0:1 / /run rw - tmpfs tmpfs rw\n\
            3 1 8:2 / /quota rw - xfs /dev/b rw,prjquota\n\
            4 1 0:2 / /mnt rw - nfs4 server:/ rw\n\
            5 4 0:3 / /mnt/below rw - tmpfs tmpfs rw\n\
            6 1 0:3 / /mnt2 rw - ext4 /dev/c rw\n\
            7 1 0:4 / /auto rw - autofs systemd-1 rw\n\
            8 7 8:3 / /auto/d rw - ext4 /dev/d rw\n";
        dir.write("1/mountinfo", text);
        let roots = Roots { proc: dir.0.clone(), ..Roots::default() };
        let mut mounts = Mounts::new(&roots, filter("^$"), filter("^autofs$"));
        let list = mounts
            .refresh(&mut Changes::default(), &mut Files::default())
            .unwrap();
        let prompt: Vec<_> = list
            .iter()
            .filter(|mount| mount.prompt)
            .map(|mount| &*mount.point)
            .collect();
        assert_eq!((list.len(), &*prompt), (7, &["/", "/run", "/mnt2"][..]));

        let at = |path: &str, other: &str| is_at(Path::new(path), Path::new(other));
        assert!(at("/a", "/") && at("/a", "/a") && at("/a/b", "/a"));
        assert!(!at("/ab", "/a") && !at("/a", "/a/b") && !at("/", "/a"));
    }

    #[test]
    fn puts_back_what_is_escaped() {
        let text =
            "1 0 8:1 / /a\\040b\\134c\\012 rw - ext4 x\\011y rw\n2 0 8:1 / /n rw - tmpfs  rw\n";
        let found = listed("/", text);
        assert_eq!(found, expected(&[("/a b\\c\n", "ext4", "x\ty"), ("/n", "tmpfs", "")]));
    }

    #[test]
    fn knows_what_may_only_be_read() {
        let read_only = |options: &str, super_options: &str| {
            let text = format!("1 0 8:1 / / {options} - ext4 a {super_options}\n");
            let mut list = Vec::new();
            let each = |mount: mountinfo::Mount<'_>| {
                let out = (&mut list, &mut Vec::new());
                note(&mount, Path::new("/"), &mut filter("^$"), &mut filter("^$"), out);
            };
            mountinfo::each(text.as_bytes(), each).unwrap();
            list.iter().all(|mount| mount.read_only)
        };
        assert!(read_only("ro,noatime", "rw"));
        assert!(read_only("rw", "rw,emergency_ro"));
        assert!(read_only("rw", "ro"));
        assert!(!read_only("rw,errors=remount-ro", "rw,ros"));
    }
}
