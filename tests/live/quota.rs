//! Containers whose layers have a project quota: a dockerd that keeps its data on an XFS which is made
//! for it. Where the kernel has no quotas of XFS the test is skipped, and says so.

use std::path::Path;

use crate::common::exposition::Sample;
use crate::host::{Container, Server, Testbed, disk_usage, mount_image, until};
use crate::{NEWS, of};

const MEBIBYTE: f64 = 1_048_576.0;

/// What each container writes into its layer.
const FILL: &str = "dd if=/dev/zero of=/filled bs=1048576 count=20 conv=fsync; exec sleep 1000000";

/// Mounts an XFS with project quotas where the host in `dir` is to have its Docker's data, or says why
/// that cannot be.
pub fn mount(dir: &Path) -> Result<(), String> {
    let (image, data) = (dir.join("xfs.img"), dir.join("data"));
    mount_image(&image, 512 << 20, "mkfs.xfs", "loop,prjquota", &data)
}

/// A container with a quota has it for its limit, and uses what the quota counts, for which nothing is
/// walked. One without has the size of the device, and uses what `du` finds.
pub fn a_quota_is_the_limit(testbed: &Testbed, exporter: &Server) {
    let run = |name: &str, options: &[&str]| -> Container {
        let label = "com.amazonaws.ecs.cluster=testbed";
        let mut arguments = vec!["run", "-d", "--name", name, "--label", label];
        arguments.extend(options);
        arguments.extend(["busybox:local", "sh", "-c", FILL]);
        let id = testbed.docker(&arguments).trim().to_owned();
        let all = testbed.containers();
        all.into_iter().find(|c| c.id == id).unwrap()
    };
    let limited = run("limited", &["--storage-opt", "size=50M"]);
    let free = run("free", &[]);
    let value = |samples: &[Sample], family: &str, container: &Container| {
        of(samples, family, container).map(|sample| sample.value)
    };
    let read = |container: &Container, samples: &[Sample]| {
        ["usage_bytes", "log_bytes", "limit_bytes", "inodes_used"]
            .map(|what| value(samples, &format!("container_fs_{what}"), container))
    };

    let limit = until(NEWS, "what the quota counts", || {
        let [usage, log, limit, inodes] = read(&limited, &exporter.scrape());
        assert_eq!(inodes, None, "a quota was asked, and nothing walked");
        let layer = (usage? - log?) / MEBIBYTE;
        (20.0..20.1).contains(&layer).then_some(limit)
    });
    assert_eq!(limit, Some(50.0 * MEBIBYTE));

    let format = "{{.GraphDriver.Data.UpperDir}}\n{{.LogPath}}";
    let paths = testbed.docker(&["inspect", "-f", format, &free.id]);
    let (layer, log) = paths.trim().split_once('\n').unwrap();
    let home = Path::new(log).parent().unwrap();
    until(NEWS, "what du finds", || {
        let samples = exporter.scrape();
        let [usage, log, limit, inodes] = read(&free, &samples);
        let truth = disk_usage(Path::new(layer)) + disk_usage(home);
        let device = of(&samples, "container_fs_limit_bytes", &free)?.label("device");
        let mut host = samples.iter().filter(|s| s.label("id") == "/");
        let size =
            host.find(|s| s.name == "container_fs_limit_bytes" && s.label("device") == device);
        let size = size.unwrap().value;
        assert!(size > 400.0 * MEBIBYTE, "{device} has {size} bytes");
        assert_eq!(limit, Some(size), "the device's");
        (usage == Some(truth) && log == Some(disk_usage(home)) && inodes.is_some()).then_some(())
    });
}
