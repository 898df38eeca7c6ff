//! The host's file systems, each once, and which of them a path is on.

use std::collections::HashMap;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use nix::sys::stat::makedev;

use crate::cgroup::Kind;
use crate::collector::filter::{Filter, Flag};
use crate::collector::mounts::Mount;
use crate::files::Result;

/// Types of file systems that hold files of their own.
const KINDS: &str = "^(ext.*|nfs.*|btrfs|f2fs|lustre|overlay|squashfs|tmpfs|virtiofs|xfs|zfs)$";

/// A filter of mounts by type.
pub(super) fn kinds() -> Result<Filter> {
    let flag = |value| Flag { name: "", value };
    Filter::both(flag(Some(KINDS)), flag(None))
}

/// The host's file systems.
#[derive(Default)]
pub(super) struct Devices {
    /// What they were last found in.
    all: Arc<[Mount]>,
    /// One mount of each.
    mounts: Arc<[Mount]>,
    /// The names of these.
    labels: Vec<String>,
    /// Of each mount of `all` that counts: its place there, and that of its file system in `mounts`.
    points: Vec<(usize, usize)>,
    /// By the ids of containers, where the overlays keep what is written to them that are their roots.
    layers: HashMap<Box<str>, PathBuf>,
}

impl Devices {
    /// Looks at the mounts anew, if they changed. Says whether they did.
    pub(super) fn refresh(&mut self, all: &Arc<[Mount]>) -> bool {
        if Arc::ptr_eq(&self.all, all) {
            return false;
        }
        let mut mounts: Vec<Mount> = Vec::new();
        self.labels.clear();
        self.points.clear();
        for (at, mount) in all.iter().enumerate().filter(|(_, mount)| counts(mount)) {
            let known = mounts.iter().position(|other| other.device == mount.device);
            let place = known.unwrap_or(mounts.len());
            self.points.push((at, place));
            if known.is_none() {
                let label = label(mount);
                let taken = self.labels.contains(&label);
                self.labels
                    .push(if taken { mount.point.clone() } else { label });
                mounts.push(mount.clone());
            }
        }
        let layers = all.iter().filter_map(|mount| {
            let Kind::Container(id) = Kind::of(directory(mount)) else { return None };
            Some((id.into(), mount.upper.clone()?))
        });
        self.layers = layers.collect();
        self.mounts = mounts.into();
        self.all = Arc::clone(all);
        true
    }

    /// A mount of each, to be asked for its size.
    pub(super) fn mounts(&self) -> &Arc<[Mount]> {
        &self.mounts
    }

    /// What one is called.
    pub(super) fn label(&self, place: usize) -> &str {
        self.labels.get(place).map_or("", String::as_str)
    }

    /// The number that files on one have. `None` where each part of it gives them another one.
    pub(super) fn number(&self, place: usize) -> Option<u64> {
        let mount = self
            .mounts
            .get(place)
            .filter(|mount| mount.kind != "btrfs")?;
        let [major, minor] = &mount.device;
        Some(makedev(major.parse().ok()?, minor.parse().ok()?))
    }

    /// The writable layer of the container of this id, if its root is mounted by it.
    pub(super) fn layer(&self, id: &str) -> Option<&PathBuf> {
        self.layers.get(id)
    }

    /// Whether the host's root is on the device of this number.
    pub(super) fn is_root(&self, device: (u32, u32)) -> bool {
        self.with(device).any(|mount| mount.point == "/")
    }

    /// Whether the device of this number is mounted on the host.
    pub(super) fn has(&self, device: (u32, u32)) -> bool {
        self.with(device).next().is_some()
    }

    fn with(&self, (major, minor): (u32, u32)) -> impl Iterator<Item = &Mount> {
        let device = [major.to_string(), minor.to_string()];
        self.all.iter().filter(move |mount| mount.device == device)
    }

    /// The file system that a path of the host is on, and whether it is mounted right there.
    pub(super) fn of(&self, path: &Path) -> Option<(usize, bool)> {
        let found = self.points.iter().filter_map(|(at, place)| {
            let point = Path::new(&self.all.get(*at)?.point);
            path.starts_with(point).then_some((point, *place))
        });
        let (point, place) = found.max_by_key(|(point, _)| point.as_os_str().len())?;
        Some((place, point == path))
    }
}

/// The directory that is called after a container, if its root is mounted there. Docker mounts it at
/// `<data>/rootfs/overlayfs/<id>`, containerd at `<state>/<namespace>/<id>/rootfs`.
fn directory(mount: &Mount) -> &str {
    mount.point.strip_suffix("/rootfs").unwrap_or(&mount.point)
}

/// Whether a mount is the host's. What is in memory for one container is not, nor are the files of
/// containers, which are those of another file system.
fn counts(mount: &Mount) -> bool {
    match mount.kind.as_str() {
        "overlay" => mount.point == "/",
        "tmpfs" => {
            let id = |part: &str| part.len() == 64 && part.bytes().all(|b| b.is_ascii_hexdigit());
            !mount.point.split('/').any(id)
        }
        _ => true,
    }
}

/// What cAdvisor calls it.
fn label(mount: &Mount) -> String {
    match mount.kind.as_str() {
        "tmpfs" => mount.point.clone(),
        "overlay" => {
            let [major, minor] = &mount.device;
            format!("overlay_{major}-{minor}")
        }
        _ => mount.source.clone(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::kernel::mountinfo;

    fn mounts<const N: usize>(all: [[&str; 4]; N]) -> Arc<[Mount]> {
        all.map(|[kind, source, minor, point]| Mount {
            kind: kind.into(),
            source: source.into(),
            device: ["8".into(), minor.into()],
            point: point.into(),
            ..Mount::default()
        })
        .into()
    }

    #[test]
    fn has_each_file_system_once_and_finds_it_by_path() {
        let id = "0123456789abcdef".repeat(4);
        let shm = format!("/d/containers/{id}/mounts/shm");
        let all = mounts([
            ["ext4", "/dev/a", "1", "/"],
            ["tmpfs", "tmpfs", "2", "/run"],
            ["tmpfs", "shm", "3", &shm],
            ["overlay", "overlay", "4", "/d/overlay2/x/merged"],
            ["xfs", "/dev/b", "5", "/mnt/data"],
            ["xfs", "/dev/b", "5", "/var/lib/docker"],
            ["nfs4", "server:/", "6", "/efs/one"],
            ["nfs4", "server:/", "7", "/efs/two"],
            ["xfs", "/dev/c", "8", "/mnt/ecs/ebs/vol"],
        ]);
        let mut devices = Devices::default();
        assert!(devices.refresh(&all));
        assert!(!devices.refresh(&all));
        assert_eq!(devices.labels, ["/dev/a", "/run", "/dev/b", "server:/", "/efs/two", "/dev/c"]);
        let of = |path: &str| {
            let (place, own) = devices.of(Path::new(path)).unwrap();
            (devices.label(place), own)
        };
        assert_eq!(of("/var/lib/docker/overlay2/x/diff"), ("/dev/b", false));
        assert_eq!(of("/var/lib/dockers"), ("/dev/a", false));
        assert_eq!(of("/mnt/ecs/ebs/vol"), ("/dev/c", true));
        assert_eq!(of("/mnt/ecs/ebs/volume"), ("/dev/a", false));
        assert_eq!(Devices::default().of(Path::new("/")), None);

        assert_eq!(devices.number(0), Some(makedev(8, 1)));
        let overlay = mounts([["overlay", "overlay", "9", "/"]]);
        assert!(devices.refresh(&overlay));
        assert_eq!(devices.labels, ["overlay_8-9"]);
    }

    #[test]
    fn finds_the_layers_that_docker_29_mounts() {
        let text = include_bytes!("../../../../fixtures/docker-29/mountinfo");
        let mut all = Vec::new();
        mountinfo::each(text, |mount| {
            let text = |bytes: &[u8]| String::from_utf8(bytes.into()).unwrap();
            all.push(Mount {
                kind: text(mount.kind),
                device: [mount.device.0, mount.device.1].map(|number| number.to_string()),
                upper: mount.upper_dir(),
                point: text(mount.point),
                ..Mount::default()
            });
        })
        .unwrap();
        let mut devices = Devices::default();
        assert!(devices.refresh(&all.into()));
        let snapshots =
            "/var/lib/docker/containerd/daemon/io.containerd.snapshotter.v1.overlayfs/snapshots";
        for (id, snapshot) in [
            ("d931d284fd3e5456503b8222d7dbc5600885259853d6347447ab78f05b91df25", 3),
            ("b220ed62413e928d9187cf3633e232efa7b7c42ec149f167b8e5c72d4b8f8f9a", 5),
        ] {
            let layer = PathBuf::from(format!("{snapshots}/{snapshot}/fs"));
            assert_eq!(devices.layer(id), Some(&layer));
        }
        assert_eq!(devices.layers.len(), 2);
        assert_eq!(devices.layer(""), None);
        assert!(devices.is_root((254, 0)) && devices.has((0, 39)));
        assert!(!devices.is_root((0, 39)) && !devices.has((0, 40)));
    }

    #[test]
    fn takes_the_types_that_hold_files() {
        let mut kinds = kinds().unwrap();
        for kind in ["ext4", "xfs", "nfs4", "tmpfs", "overlay"] {
            assert!(!kinds.ignores(kind.as_bytes()), "{kind}");
        }
        for kind in ["proc", "cgroup2", "devtmpfs", "ramfs", "fuse.lxcfs", "vfat"] {
            assert!(kinds.ignores(kind.as_bytes()), "{kind}");
        }
    }
}
