//! Where a container's files are, of what an inspect says.

use std::path::{Component, Path, PathBuf};
use std::sync::Arc;

use crate::container::{Storage, Volume};
use crate::inventory::lenient;

/// Below it are the EBS volumes that ECS manages for tasks. The agent binds them into containers.
const EBS: &str = "/mnt/ecs/ebs";

/// How many volumes of a container are looked at.
const MOST: usize = 64;

/// The longest path that the kernel takes.
const LONGEST: usize = 4096;

/// What an inspect says of a container's files. Empty what it does not say.
pub(super) struct Places<'a> {
    /// The container's id.
    pub(super) id: &'a str,
    /// `GraphDriver.Data.UpperDir`: overlay2 has one.
    pub(super) layer: &'a str,
    /// Files in Docker's directory of the container: `LogPath`, which only some log drivers have,
    /// and `HostnamePath`.
    pub(super) files: [&'a str; 2],
}

/// An entry of `Mounts`.
pub(super) struct Mount<'a> {
    /// `volume`, `bind` or another word.
    pub(super) kind: &'a str,
    /// The volume's name; of a bind none.
    pub(super) name: &'a str,
    /// Where the host has it.
    pub(super) source: &'a str,
    /// Where the container sees it.
    pub(super) mountpoint: &'a str,
}

impl Places<'_> {
    /// What is kept of it, and of the container's mounts.
    pub(super) fn storage<'m>(&self, mounts: impl Iterator<Item = Mount<'m>>) -> Arc<Storage> {
        let home = |file: &&str| {
            let named = |dir: &&Path| dir.file_name().is_some_and(|name| name == self.id);
            path(file)?
                .ancestors()
                .skip(1)
                .find(named)
                .map(Path::to_owned)
        };
        let mut volumes: Vec<_> = mounts
            .filter_map(|mount| volume(&mount))
            .take(MOST)
            .collect();
        volumes.sort_unstable();
        volumes.dedup_by(|one, other| one.mountpoint == other.mountpoint);
        Arc::new(Storage {
            layer: path(self.layer).map(Path::to_owned),
            home: self.files.iter().find_map(home),
            volumes,
        })
    }
}

/// A volume of Docker, or of EBS. What else is bound into a container is the host's.
fn volume(mount: &Mount<'_>) -> Option<Volume> {
    let source = path(mount.source)?;
    if mount.kind != "volume" && source.parent()? != Path::new(EBS) {
        return None;
    }
    let name = match mount.name {
        "" => source.file_name()?.to_str()?,
        name => name,
    };
    let (mountpoint, name) = (lenient::kept(mount.mountpoint), lenient::kept(name));
    Some(Volume { mountpoint, name, source: PathBuf::from(source) })
}

/// A path that leads down from the root.
fn path(text: &str) -> Option<&Path> {
    let path = Path::new(text);
    let down = path
        .components()
        .all(|part| matches!(part, Component::RootDir | Component::Normal(_)));
    (text.len() < LONGEST && path.is_absolute() && down && path.parent().is_some()).then_some(path)
}

#[cfg(test)]
mod tests {
    use super::*;

    const ID: &str = "06fd21931b029a64a43953ffbe092af1432b469a36cceec92e49f0388907d6ba";

    fn mount<'a>([kind, name, source, mountpoint]: [&'a str; 4]) -> Mount<'a> {
        Mount { kind, name, source, mountpoint }
    }

    #[test]
    fn keeps_the_layer_the_home_and_the_volumes() {
        let (log, host) =
            (format!("/d/containers/{ID}/{ID}-json.log"), format!("/d/containers/{ID}/hostname"));
        let mounts = [
            ["volume", "cache", "/d/volumes/cache/_data", "/cache"],
            ["bind", "", "/mnt/ecs/ebs/0123_vol-1", "/a"],
            ["bind", "", "/etc/passwd", "/x"],
            ["bind", "", "/mnt/ecs/ebs", "/y"],
            ["bind", "", "/mnt/ecs/ebs/../../etc", "/z"],
            ["tmpfs", "", "", "/t"],
            ["volume", "odd", "relative", "/o"],
        ];
        let of = |files| {
            Places { id: ID, layer: "/d/overlay2/1/diff", files }
                .storage(mounts.map(mount).into_iter())
        };
        let volume = |mountpoint: &str, name: &str, source: &str| Volume {
            mountpoint: mountpoint.into(),
            name: name.into(),
            source: source.into(),
        };
        let expected = Storage {
            layer: Some("/d/overlay2/1/diff".into()),
            home: Some(format!("/d/containers/{ID}").into()),
            volumes: vec![
                volume("/a", "0123_vol-1", "/mnt/ecs/ebs/0123_vol-1"),
                volume("/cache", "cache", "/d/volumes/cache/_data"),
            ],
        };
        assert_eq!(*of([&log, ""]), expected);
        assert_eq!(*of(["", &host]), expected, "a log that Docker does not keep");
        let local = format!("/d/containers/{ID}/local-logs/container.log");
        assert_eq!(*of([&local, ""]), expected, "the log driver `local`");
        assert_eq!(of(["/var/log/x", "/proc/1/cwd"]).home, None);
    }

    #[test]
    fn takes_no_path_that_leads_elsewhere() {
        for odd in ["", "/", "a", "../a", "/a/../b", &format!("/{}", "x".repeat(5000))] {
            let places = Places { id: "", layer: odd, files: [odd, ""] };
            assert_eq!(*places.storage(std::iter::empty()), Storage::default(), "{odd}");
        }
        let many: Vec<String> = (0..1000).map(|n| format!("/{n:04}")).collect();
        let volumes = many.iter().map(|path| mount(["volume", "v", "/s", path]));
        let places = Places { id: "", layer: "", files: [""; 2] };
        assert_eq!(places.storage(volumes).volumes.len(), MOST);
    }
}
