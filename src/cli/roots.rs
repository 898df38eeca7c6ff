//! Where the host's trees are mounted, when nobody says.

use std::path::{Path, PathBuf};

use crate::files::Roots;
use crate::kernel::mountinfo;

/// Who said where the host's trees are.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Origin {
    /// Flags.
    Flags,
    /// The usual mounts of a container were there.
    Mounts,
    /// Nobody: the exporter's own.
    Own,
}

impl Origin {
    /// A word for the log.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Flags => "flags",
            Self::Mounts => "mounts",
            Self::Own => "own",
        }
    }
}

/// Tells whether there is something at a path.
pub(super) type Exists<'a> = &'a dyn Fn(&Path) -> bool;

/// Whether the exporter itself runs in a container: its engine left a mark, or `/` is an overlay.
/// `mountinfo` is the exporter's own.
pub(super) fn in_container(exists: Exists<'_>, mountinfo: &[u8]) -> bool {
    let marked = ["/.dockerenv", "/run/.containerenv"]
        .iter()
        .any(|mark| exists(Path::new(mark)));
    let mut overlay = false;
    let _as_far_as_it_goes = mountinfo::each(mountinfo, |mount| {
        overlay |= mount.point == b"/" && mount.kind == b"overlay";
    });
    marked || overlay
}

/// The id of the container that the exporter itself runs in, by the files that Docker binds into it.
/// `None` outside of one. `mountinfo` is the exporter's own.
pub(super) fn own_container(mountinfo: &[u8]) -> Option<Box<str>> {
    let mut found = None;
    let _as_far_as_it_goes = mountinfo::each(mountinfo, |mount| {
        if mount.point == b"/etc/hostname" || mount.point == b"/etc/resolv.conf" {
            // `/var/lib/docker/containers/<id>/hostname`
            let id = mount.root.rsplit(|b| *b == b'/').nth(1);
            let id = id.and_then(|id| str::from_utf8(id).ok());
            let hex = |id: &&str| id.len() == 64 && id.bytes().all(|b| b.is_ascii_hexdigit());
            found = found.or(id.filter(hex));
        }
    });
    found.map(Into::into)
}

/// Looks for the mounts that people make for node_exporter and cAdvisor. `None` where there are
/// none. What is not among them is taken from the exporter's own trees.
pub(super) fn mounted(exists: Exists<'_>) -> Option<Roots> {
    let first = |places: &[&str], mark: &str| {
        let place = |place: &&&str| exists(&Path::new(place).join(mark));
        places.iter().find(place).map(PathBuf::from)
    };
    let proc = first(&["/host/proc", "/rootfs/proc", "/host/root/proc"], "loadavg");
    let sys = first(&["/host/sys", "/rootfs/sys", "/host/root/sys"], "devices");
    let rootfs = first(&["/rootfs", "/host/root", "/host"], "etc");
    if proc.is_none() && sys.is_none() && rootfs.is_none() {
        return None;
    }
    let own = Roots::default();
    let rootfs = rootfs.unwrap_or(own.rootfs);
    Some(Roots {
        proc: proc.unwrap_or(own.proc),
        sys: sys.unwrap_or(own.sys),
        udev: udev(&rootfs),
        rootfs,
    })
}

/// Where udev's data are, below a root.
pub(super) fn udev(rootfs: &Path) -> PathBuf {
    rootfs.join("run/udev/data")
}

/// Where Docker's socket may be: at its usual place, below the host's root, or where a directory of
/// the host is mounted for it.
pub(super) fn docker(rootfs: &Path) -> Vec<PathBuf> {
    let mut places = vec![PathBuf::from("/var/run/docker.sock")];
    if rootfs != Path::new("/") {
        places.push(rootfs.join("run/docker.sock"));
    }
    places.push("/host/run/docker.sock".into());
    places
}

#[cfg(test)]
mod tests {
    use super::*;

    fn found(there: &[&str]) -> Option<[String; 4]> {
        let exists = |path: &Path| there.iter().any(|p| Path::new(p) == path);
        let roots = mounted(&exists)?;
        Some([roots.proc, roots.sys, roots.rootfs, roots.udev].map(|p| p.display().to_string()))
    }

    fn roots(roots: [&str; 4]) -> Option<[String; 4]> {
        Some(roots.map(str::to_owned))
    }

    #[test]
    fn finds_the_mounts_of_node_exporter_and_cadvisor() {
        let both =
            ["/host/proc/loadavg", "/host/sys/devices", "/rootfs/etc", "/rootfs/proc/loadavg"];
        assert_eq!(
            found(&both),
            roots(["/host/proc", "/host/sys", "/rootfs", "/rootfs/run/udev/data"])
        );
        let cadvisor = ["/rootfs/proc/loadavg", "/rootfs/sys/devices", "/rootfs/etc"];
        assert_eq!(
            found(&cadvisor),
            roots(["/rootfs/proc", "/rootfs/sys", "/rootfs", "/rootfs/run/udev/data"])
        );
        let node_exporter = ["/host/etc", "/host/proc/loadavg", "/host/sys/devices"];
        assert_eq!(
            found(&node_exporter),
            roots(["/host/proc", "/host/sys", "/host", "/host/run/udev/data"])
        );
        let chart = ["/host/root/etc", "/host/proc/loadavg", "/host/sys/devices"];
        assert_eq!(
            found(&chart),
            roots(["/host/proc", "/host/sys", "/host/root", "/host/root/run/udev/data"])
        );
    }

    #[test]
    fn takes_the_rest_from_its_own_trees() {
        assert_eq!(
            found(&["/host/proc/loadavg"]),
            roots(["/host/proc", "/sys", "/", "/run/udev/data"])
        );
        assert_eq!(found(&["/proc/loadavg", "/etc", "/host", "/rootfs", "/host/proc"]), None);
    }

    #[test]
    fn knows_a_container_by_its_mark_or_its_root() {
        let none = |_: &Path| false;
        let overlay = b"30 23 0:26 / / rw - overlay overlay rw,lowerdir=/x\n";
        let disk =
            b"30 23 8:1 / / rw - ext4 /dev/sda1 rw\n31 30 0:27 / /x rw - overlay overlay rw\n";
        assert!(in_container(&none, overlay));
        assert!(!in_container(&none, disk));
        assert!(!in_container(&none, b"nonsense"));
        assert!(in_container(&|path| path == Path::new("/.dockerenv"), disk));
        assert!(in_container(&|path| path == Path::new("/run/.containerenv"), disk));
    }

    #[test]
    fn knows_its_own_container() {
        let id = "0123456789abcdef".repeat(4);
        let mounts = format!(
            "30 23 0:26 / / rw - overlay overlay rw\n\
            31 30 8:1 /var/lib/docker/containers/{id}/hostname /etc/hostname rw - ext4 /dev/sda1 rw\n"
        );
        assert_eq!(own_container(mounts.as_bytes()).as_deref(), Some(&*id));
        let host = mounts.replace("/etc/hostname", "/mnt/hostname");
        assert_eq!(own_container(host.as_bytes()), None);
        assert_eq!(own_container(mounts.replace("abc", "xyz").as_bytes()), None);
    }

    #[test]
    fn looks_for_docker_below_the_root() {
        let at = |rootfs: &str| docker(Path::new(rootfs));
        let [usual, mounted] = ["/var/run/docker.sock", "/host/run/docker.sock"].map(PathBuf::from);
        let below = PathBuf::from("/rootfs/run/docker.sock");
        assert_eq!(at("/rootfs"), [usual.clone(), below, mounted.clone()]);
        assert_eq!(at("/"), [usual, mounted]);
    }
}
