//! How much disk containers use: their writable layers, logs and volumes, and the host's file systems.

mod devices;
mod look;
mod numbers;
mod places;
mod walk;
mod walker;

use std::path::PathBuf;
use std::sync::Arc;
use std::time::{Duration, Instant};

use clap::Args;

use self::devices::Devices;
use self::numbers::{AGE, LOG, Reading, Row, Sums, USAGE, Usage, VOLUMES, Volumed, known};
use self::places::Places;
use self::walker::Walker;
use crate::collector::filter::{Filter, Flag};
use crate::collector::mounts::Mounts;
use crate::collector::mounts::ask::{Answer, Asker};
use crate::collector::{Collector, Host, Need, flags};
use crate::container::{Role, Room, Volume};
use crate::exposition::{Descriptor, Text};
use crate::files::{Error, Result, Roots};

/// How directories are counted.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// How often at most it is counted what a directory holds; one that holds a lot is counted more seldom.
    #[arg(id = "collector.container.filesystem.interval", long, value_name = "TIME", default_value = "60s", value_parser = flags::duration)]
    interval: Duration,
    /// Count what volumes hold that share a file system with others.
    #[arg(id = "no-collector.container.filesystem.volume-walks", long)]
    no_volume_walks: bool,
}

/// No scrape waits longer than this for file systems, of which some may hang.
const PATIENCE: Duration = Duration::from_millis(500);

/// Collects what containers use of file systems.
pub struct Filesystem {
    mounts: Mounts,
    devices: Devices,
    asker: Asker,
    /// What the host's collector was answered.
    answers: Vec<Answer>,
    places: Places,
    walker: Walker,
    usages: Vec<Row<Usage>>,
    sums: Vec<Sums>,
    /// With the place of the volume among those of its container.
    volumes: Vec<(Row<Volumed>, usize)>,
}

impl Collector for Filesystem {
    const NAME: &'static str = "container.filesystem";
    const ABOUT: &'static str = "Disk used by each container: its writable layer, log and volumes; the host's file systems.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/mountinfo"),
        Need::Read("/"),
        Need::Capability("DAC_READ_SEARCH", "sizes of layers, logs and volumes"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        let families = [LOG.descriptor(), AGE.descriptor()];
        USAGE
            .descriptors()
            .chain(families)
            .chain(VOLUMES.descriptors())
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let none = Flag { name: "", value: None };
        Ok(Self {
            mounts: Mounts::new(roots, Filter::both(none, none)?, devices::kinds()?),
            devices: Devices::default(),
            asker: Asker::new(),
            answers: Vec::new(),
            places: Places::new(roots, !flags.no_volume_walks),
            walker: Walker::new(flags.interval.max(Duration::from_secs(1))),
            usages: Vec::new(),
            sums: Vec::new(),
            volumes: Vec::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { mounts, devices, asker, answers, places, walker, .. } = self;
        let Host { containers, files, failures, system, shared, .. } = host;
        let Some(containers) = containers else {
            return Err(Error::Absent(PathBuf::from("cgroup")));
        };
        let changed = devices.refresh(mounts.refresh(&mut shared.changes, files)?);
        let failed = |source| Error::Read { path: "statfs".into(), source };
        answers.clear();
        answers.extend(
            devices
                .mounts()
                .iter()
                .map_while(|mount| shared.size(mount)),
        );
        let sizes = if answers.len() == devices.mounts().len() {
            answers.as_slice()
        } else {
            shared.wanted = Arc::clone(devices.mounts());
            let asked = asker.ask(devices.mounts(), system.statfs, PATIENCE);
            asked.map_err(failed)?
        };
        let now = Instant::now();
        places.begin(changed, host.now);
        let (usages, sums, volumes) = (&mut self.usages, &mut self.sums, &mut self.volumes);
        usages.clear();
        sums.clear();
        volumes.clear();
        for (row, container) in containers.rows().iter_mut().enumerate() {
            match container.role {
                Role::Host => usages.extend(sizes.iter().enumerate().filter_map(|(at, size)| {
                    Some(Row { row, device: Some(at), of: Usage::of_host(known(size)?) })
                })),
                Role::Container => {
                    if let Err(error) = places.refresh(container, devices, files) {
                        failures.note(&error);
                    }
                    let Some(entry) = places.of(container) else { continue };
                    for job in entry.jobs() {
                        walker.want(job, now);
                        if let Some(source) = job.error() {
                            let path = job.place.path.clone();
                            failures.note(&Error::Read { path, source });
                        }
                    }
                    let of = Reading { row, entry, sizes, now };
                    of.usage(usages);
                    sums.extend(of.sums());
                    of.volumes(volumes);
                }
                Role::Task | Role::Other => {}
            }
        }
        places.end();
        if let Err(source) = walker.begin(system.statfs, now) {
            failures.note(&Error::Read { path: "walk".into(), source });
        }
        self.write(host, text);
        Ok(())
    }
}

impl Filesystem {
    fn write(&self, host: &mut Host, text: &mut Text) {
        let Self { devices, usages, sums, volumes, .. } = self;
        let Some(containers) = &mut host.containers else { return };
        let rows = containers.rows();
        let label = |device: Option<usize>| device.map_or("", |place| devices.label(place));
        let labelled = usages.iter().filter_map(|usage| {
            Some(((&rows.get(usage.row)?.labels, label(usage.device)), &usage.of))
        });
        text.table(&USAGE, labelled);
        for (family, value) in [
            (&LOG, (|sums| sums.log.map(|bytes| bytes as f64)) as fn(&Sums) -> Option<f64>),
            (&AGE, |sums| sums.age.map(|age| age.as_secs_f64())),
        ] {
            let mut family = text.family(family);
            for sums in sums {
                if let (Some(container), Some(value)) = (rows.get(sums.row), value(sums)) {
                    family.sample(&container.labels, value);
                }
            }
        }
        let named = volumes.iter().filter_map(|(volumed, at)| {
            let container = rows.get(volumed.row)?;
            let volume = container.storage.as_ref()?.volumes.get(*at)?;
            let Volume { name, mountpoint, .. } = volume;
            Some(((&container.labels, &**name, &**mountpoint), &volumed.of))
        });
        text.table(&VOLUMES, named);
        for (volumed, at) in volumes {
            if let Some(container) = rows.get_mut(volumed.row) {
                let Volumed { capacity, used, .. } = volumed.of;
                container.note_volume(*at, Room { size: capacity, used });
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::cgroup::{Hierarchies, Kind, Tree};
    use crate::collector::trial::Trial;
    use crate::container::{About, Containers, Names, Storage};
    use crate::exposition::LabelBlock;
    use crate::system::Statfs;
    use std::collections::BTreeMap;
    use std::os::unix::fs::MetadataExt;
    use std::path::Path;
    use std::sync::Arc;

    /// What is mounted, where `/` is on the device that the made-up host's files are on, and so is a
    /// volume. The other one is mounted on the host and not to be seen here.
    fn mountinfo(root: &Path) -> String {
        let device = std::fs::metadata(root).unwrap().dev();
        let (major, minor) = (nix::sys::stat::major(device), nix::sys::stat::minor(device));
        format!(
            "1 0 {major}:{minor} / / rw - ext4 /dev/a rw\n\
            2 1 {major}:{minor} /v /mnt/ecs/ebs/vol-1 rw - ext4 /dev/a rw\n\
            3 1 7:777 / /mnt/ecs/ebs/vol-2 rw - xfs /dev/b rw\n\
            4 1 0:9 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"
        )
    }

    /// What Docker says, by the id.
    struct Docker(BTreeMap<String, Arc<Storage>>);

    impl Names for Docker {
        fn describe(&self, _: &str, kind: Kind<'_>) -> (LabelBlock, About) {
            let id = match kind {
                Kind::Container(id) => id.split_at(1).0,
                _ => "/",
            };
            (LabelBlock::new([("id", id)]), About::default())
        }

        fn storage(&self, kind: Kind<'_>) -> Option<Arc<Storage>> {
            match kind {
                Kind::Container(id) => self.0.get(id).cloned(),
                _ => None,
            }
        }
    }

    fn id(letter: &str) -> String {
        letter.repeat(64)
    }

    fn statfs(path: &Path) -> std::io::Result<Statfs> {
        let size = Statfs {
            block_size: 512,
            blocks: 1000,
            blocks_free: 900,
            blocks_available: 800,
            files: 70,
            files_free: 60,
        };
        // One of the directories has a quota; btrfs counts no inodes.
        Ok(match path {
            path if path.ends_with("limited/diff") => {
                Statfs { blocks: 200, blocks_free: 150, ..size }
            }
            path if path.ends_with("vol-2") => Statfs { files: 0, ..size },
            _ => size,
        })
    }

    fn trial(storage: &[(&str, Storage)], args: &[&str]) -> Trial<Filesystem> {
        let mut trial = Trial::<Filesystem>::new(args, &[]);
        trial.write("proc/1/mountinfo", mountinfo(&trial.roots().rootfs).as_bytes());
        let storage: BTreeMap<_, _> = storage
            .iter()
            .map(|(letter, storage)| (id(letter), Arc::new(storage.clone())))
            .collect();
        for letter in ["a", "b", "c"] {
            trial.write(&format!("sys/fs/cgroup/docker/{}/cgroup.procs", id(letter)), b"");
        }
        let roots = trial.roots();
        let tree = Tree::new(Arc::new(Hierarchies::find(&roots, &mut trial.host.files).unwrap()));
        let shown = |kind: Kind<'_>| matches!(kind, Kind::Host | Kind::Container(_));
        let mut containers = Containers::new(tree, shown, 0);
        containers.refresh(&Docker(storage), true, trial.host.now, &mut trial.host.files);
        trial.host.containers = Some(containers);
        trial.host.system.statfs = statfs;
        trial
    }

    /// Scrapes until all that is walked is known: each container with files has an age.
    fn settled(trial: &mut Trial<Filesystem>, ages: usize) -> Vec<String> {
        loop {
            let text = trial.collect().unwrap();
            let (aged, rest): (Vec<_>, Vec<_>) =
                text.lines().partition(|line| line.contains("_age_"));
            if aged.len() == ages {
                assert_eq!(trial.host.failures.first, None);
                return rest.into_iter().map(str::to_owned).collect();
            }
        }
    }

    fn of<'a>(lines: &'a [String], id: &str) -> Vec<&'a str> {
        let label = format!("id=\"{id}\"");
        lines
            .iter()
            .filter(|line| line.contains(&label))
            .map(String::as_str)
            .collect()
    }

    #[test]
    fn says_what_layers_logs_volumes_and_the_host_use() {
        let volume = |mountpoint: &str, name: &str, source: &str| Volume {
            mountpoint: mountpoint.into(),
            name: name.into(),
            source: source.into(),
        };
        let docker = Storage {
            layer: Some("/d/overlay2/a/diff".into()),
            home: Some("/d/containers/a".into()),
            volumes: vec![
                volume("/cache", "cache", "/d/volumes/cache/_data"),
                volume("/data", "vol-1", "/mnt/ecs/ebs/vol-1"),
                volume("/other", "vol-2", "/mnt/ecs/ebs/vol-2"),
            ],
        };
        let limited =
            Storage { layer: Some("/d/overlay2/limited/diff".into()), ..Storage::default() };
        let mut trial = trial(&[("a", docker), ("b", limited)], &[]);
        trial.write("d/overlay2/a/diff/etc/x", &[1; 100_000]);
        trial.write("d/overlay2/limited/diff/x", &[1; 100_000]);
        trial.write("d/containers/a/a-json.log", &[1; 50_000]);
        trial.write("d/volumes/cache/_data/y", &[1; 10_000]);
        trial.write("mnt/ecs/ebs/vol-1/z", b"1");
        trial.write("mnt/ecs/ebs/vol-2/z", b"1");
        let root = trial.roots().rootfs;
        let bytes = |paths: &[&str]| -> u64 {
            paths
                .iter()
                .map(|path| 512 * std::fs::metadata(root.join(path)).unwrap().blocks())
                .sum()
        };
        let log = bytes(&["d/containers/a", "d/containers/a/a-json.log"]);
        let layer =
            bytes(&["d/overlay2/a/diff", "d/overlay2/a/diff/etc", "d/overlay2/a/diff/etc/x"]);
        let volume = bytes(&["d/volumes/cache/_data", "d/volumes/cache/_data/y"]);

        let lines = settled(&mut trial, 3);
        assert_eq!(
            of(&lines, "/"),
            [
                "container_fs_usage_bytes{id=\"/\",device=\"/dev/a\"} 51200",
                "container_fs_usage_bytes{id=\"/\",device=\"/dev/b\"} 51200",
                "container_fs_limit_bytes{id=\"/\",device=\"/dev/a\"} 512000",
                "container_fs_limit_bytes{id=\"/\",device=\"/dev/b\"} 512000",
                "container_fs_inodes_total{id=\"/\",device=\"/dev/a\"} 70",
                "container_fs_inodes_free{id=\"/\",device=\"/dev/a\"} 60",
                "container_fs_inodes_used{id=\"/\",device=\"/dev/a\"} 10",
            ]
        );
        let own = |text: String| text.replace('\'', "\"");
        let expected = [
            format!("container_fs_usage_bytes{{id='a',device='/dev/a'}} {}", layer + log),
            "container_fs_limit_bytes{id='a',device='/dev/a'} 512000".into(),
            "container_fs_inodes_total{id='a',device='/dev/a'} 70".into(),
            "container_fs_inodes_free{id='a',device='/dev/a'} 60".into(),
            "container_fs_inodes_used{id='a',device='/dev/a'} 5".into(),
            format!("container_fs_log_bytes{{id='a'}} {log}"),
            "container_volume_capacity_bytes{id='a',volume='cache',mountpoint='/cache'} 512000"
                .into(),
            "container_volume_capacity_bytes{id='a',volume='vol-1',mountpoint='/data'} 512000"
                .into(),
            "container_volume_available_bytes{id='a',volume='cache',mountpoint='/cache'} 409600"
                .into(),
            "container_volume_available_bytes{id='a',volume='vol-1',mountpoint='/data'} 409600"
                .into(),
            format!(
                "container_volume_used_bytes{{id='a',volume='cache',mountpoint='/cache'}} {volume}"
            ),
            "container_volume_used_bytes{id='a',volume='vol-1',mountpoint='/data'} 51200".into(),
            "container_volume_inodes{id='a',volume='cache',mountpoint='/cache'} 70".into(),
            "container_volume_inodes{id='a',volume='vol-1',mountpoint='/data'} 70".into(),
            "container_volume_inodes_free{id='a',volume='cache',mountpoint='/cache'} 60".into(),
            "container_volume_inodes_free{id='a',volume='vol-1',mountpoint='/data'} 60".into(),
            "container_volume_inodes_used{id='a',volume='cache',mountpoint='/cache'} 2".into(),
            "container_volume_inodes_used{id='a',volume='vol-1',mountpoint='/data'} 10".into(),
        ];
        assert_eq!(of(&lines, "a"), expected.map(own));
        // Nothing is walked where a quota tells.
        let expected = [
            "container_fs_usage_bytes{id='b',device='/dev/a'} 25600",
            "container_fs_limit_bytes{id='b',device='/dev/a'} 102400",
            "container_fs_inodes_total{id='b',device='/dev/a'} 70",
            "container_fs_inodes_free{id='b',device='/dev/a'} 60",
        ];
        assert_eq!(of(&lines, "b"), expected.map(|line| own(line.into())));
        assert_eq!(of(&lines, "c"), [""; 0]);
        // The task's own volume is known to be one.
        let containers = trial.host.containers.as_mut().unwrap();
        let rows = containers.rows().iter();
        let volumes = rows.flat_map(|row| row.task_volumes().map(|(v, room)| (&*v.name, room)));
        let room = Room { size: Some(512_000), used: Some(51_200) };
        assert_eq!(volumes.last(), Some(("vol-1", room)));
    }

    /// Has a process with its own mounts run in each container.
    fn run(trial: &Trial<Filesystem>, processes: &[(&str, u32, &str)]) {
        for (letter, pid, mounts) in processes {
            let group = format!("sys/fs/cgroup/docker/{}/cgroup.procs", id(letter));
            trial.write(&group, format!("{pid}\n").as_bytes());
            trial.write(&format!("proc/{pid}/net/dev"), b"");
            trial.write(&format!("proc/{pid}/mountinfo"), mounts.as_bytes());
        }
    }

    /// What the host has mounted, with overlays among it.
    fn with_overlays(trial: &Trial<Filesystem>, overlays: &[(u32, &str, &str)]) {
        let mut mounts = mountinfo(&trial.roots().rootfs);
        for (minor, point, upper) in overlays {
            mounts += &overlay(*minor, point, upper);
        }
        trial.write("proc/1/mountinfo", mounts.as_bytes());
    }

    fn overlay(minor: u32, point: &str, upper: &str) -> String {
        format!(
            "{minor} 1 0:{minor} / {point} rw - overlay overlay rw,lowerdir=/l,upperdir={upper},workdir=/w\n"
        )
    }

    /// How many inodes the layer of each container has.
    fn used(lines: &[String]) -> Vec<&str> {
        lines
            .iter()
            .filter_map(|line| line.strip_prefix("container_fs_inodes_used{id=\""))
            .filter(|line| !line.starts_with('/'))
            .collect()
    }

    #[test]
    fn finds_the_layer_where_docker_mounted_it() {
        let mut trial = trial(&[], &[]);
        let of_docker = format!("/d/rootfs/overlayfs/{}", id("a"));
        let of_containerd = format!("/run/k8s.io/{}/rootfs", id("b"));
        with_overlays(&trial, &[(7, &of_docker, "/snap/1/fs"), (8, &of_containerd, "/snap/2/fs")]);
        // What the process sees is not asked: it changed its root, and sees no mount at all.
        run(&trial, &[("a", 31, ""), ("b", 32, ""), ("c", 33, "")]);
        trial.write("snap/1/fs/x", b"1");
        trial.write("snap/2/fs/y/z", b"1");
        let lines = settled(&mut trial, 2);
        assert_eq!(used(&lines), ["a\",device=\"/dev/a\"} 2", "b\",device=\"/dev/a\"} 3"]);
    }

    #[test]
    fn finds_the_layer_by_the_root_of_a_process_and_forgets_one_that_is_gone() {
        let mut trial = trial(&[], &[]);
        let (layer, gone) = ("/snap\\0401/fs", "/none");
        with_overlays(&trial, &[(7, "/1/merged", layer), (8, "/2/merged", gone)]);
        let roots = [overlay(7, "/", layer), overlay(8, "/", gone), overlay(9, "/", "short/diff")];
        run(&trial, &[("a", 31, &roots[0]), ("b", 32, &roots[1]), ("c", 33, &roots[2])]);
        trial.write("snap 1/fs/x", b"1");
        let lines = settled(&mut trial, 1);
        assert_eq!(used(&lines), ["a\",device=\"/dev/a\"} 2"]);
        assert_eq!(of(&lines, "c"), [""; 0]);
    }

    #[test]
    fn takes_a_layer_that_the_host_has_not_mounted_from_dockers_containers_alone() {
        let mut trial = trial(&[("a", Storage::default())], &[]);
        // The second one is a container in a container, which Docker does not know.
        let root = overlay(9, "/", "/snap/fs");
        run(&trial, &[("a", 31, &root), ("b", 32, &root)]);
        trial.write("snap/fs/x", b"1");
        assert_eq!(used(&settled(&mut trial, 1)), ["a\",device=\"/dev/a\"} 2"]);
    }

    #[test]
    fn looks_again_at_a_process_that_has_the_root_of_the_host() {
        let mut trial = trial(&[], &[]);
        with_overlays(&trial, &[(7, "/1/merged", "/snap/fs")]);
        run(&trial, &[("a", 31, &mountinfo(&trial.roots().rootfs))]);
        trial.write("snap/fs/x", b"1");
        assert_eq!(used(&settled(&mut trial, 0)), [""; 0]);
        run(&trial, &[("a", 31, &overlay(7, "/", "/snap/fs"))]);
        assert_eq!(used(&settled(&mut trial, 0)), [""; 0], "a little later");
        trial.host.now += Duration::from_secs(5);
        assert_eq!(used(&settled(&mut trial, 1)), ["a\",device=\"/dev/a\"} 2"]);
    }

    #[test]
    fn volumes_are_not_walked_if_told_not_to() {
        let volume = Volume { mountpoint: "/v".into(), name: "v".into(), source: "/v".into() };
        let storage = Storage { volumes: vec![volume], ..Storage::default() };
        let mut trial =
            trial(&[("a", storage)], &["--no-collector.container.filesystem.volume-walks"]);
        trial.write("v/x", b"1");
        while !trial.collect().unwrap().contains("container_volume_") {}
        let lines = settled(&mut trial, 0);
        let names: Vec<_> = of(&lines, "a")
            .iter()
            .map(|line| line.split('{').next().unwrap())
            .collect();
        let expected = ["capacity_bytes", "available_bytes", "inodes", "inodes_free"];
        assert_eq!(names, expected.map(|name| format!("container_volume_{name}")));
    }
}
