//! A volume of EBS that ECS attached to a task: a file system of its own, mounted where the agent
//! mounts them.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Command;

use crate::NEWS;
use crate::common::exposition::Sample;
use crate::host::{Server, Testbed, mount_image, said, until};

/// Where the agent mounts the volumes of tasks.
const EBS: &str = "/mnt/ecs/ebs";

/// A volume, detached when dropped.
pub struct Volume(PathBuf);

impl Volume {
    /// One of `task`, with its image in `dir`, or why there is none.
    pub fn attach(dir: &Path, task: &str) -> Result<Self, String> {
        let volume = Self(Path::new(EBS).join(format!("{task}_vol-0a1b2c3d4e5f60718")));
        mount_image(&dir.join("ebs.img"), 64 << 20, "mkfs.ext4", "loop", &volume.0)?;
        Ok(volume)
    }

    /// What `df` says of it: bytes in all, available and used, inodes in all, free and used.
    fn truth(&self) -> [f64; 6] {
        let mut df = Command::new("df");
        df.args(["-B1", "--output=size,avail,used,itotal,iavail,iused"]);
        let said = said(df.arg(&self.0).output().unwrap()).unwrap();
        let numbers = said.lines().nth(1).unwrap().split_whitespace();
        let numbers: Vec<f64> = numbers.map(|number| number.parse().unwrap()).collect();
        numbers.try_into().unwrap()
    }
}

impl Drop for Volume {
    fn drop(&mut self) {
        let _gone = Command::new("umount").arg(&self.0).status();
        for dir in self.0.ancestors().take(3) {
            let _others = fs::remove_dir(dir);
        }
    }
}

/// A container has what is mounted into it, by the volume's name and where it is to be found.
pub fn a_volume_is_told(testbed: &Testbed, exporter: &Server, volume: &Volume) {
    let source = volume.0.to_str().unwrap();
    let mount = format!("{source}:/data");
    let fill = "dd if=/dev/zero of=/data/filled bs=1048576 count=20 conv=fsync; exec sleep 1000000";
    let label = "com.amazonaws.ecs.cluster=testbed";
    let mut run = vec!["run", "-d", "--name", "db", "--label", label, "-v", &mount];
    run.extend(["busybox:local", "sh", "-c", fill]);
    testbed.docker(&run);
    let name = source.rsplit('/').next().unwrap();
    let told = |samples: &[Sample]| {
        let of = |what: &str| {
            let family = format!("container_volume_{what}");
            let is = |s: &&Sample| {
                s.name == family && s.label("volume") == name && s.label("name") == "db"
            };
            let sample = samples.iter().find(is)?;
            assert_eq!(sample.label("mountpoint"), "/data");
            Some(sample.value)
        };
        let bytes = ["capacity_bytes", "available_bytes", "used_bytes"];
        let all = bytes
            .into_iter()
            .chain(["inodes", "inodes_free", "inodes_used"]);
        all.map(of).collect::<Option<Vec<f64>>>()
    };
    until(NEWS, "what df says of a volume", || {
        let truth = volume.truth();
        (truth[2] >= f64::from(20 << 20) && told(&exporter.scrape())? == truth).then_some(())
    });
    testbed.docker(&["rm", "-f", "db"]); // It holds the volume.
}
