//! `/proc/1/mountstats`: what NFS did at each place where the host has mounted it.

mod tables;

use std::fs::File;
use std::path::{Path, PathBuf};

use self::tables::{INFO, MOUNTS, OPERATIONS, TRANSPORTS};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Text};
use crate::files::{Files, Result, Roots};
use crate::kernel::mountinfo;
use crate::kernel::mountstats::{Mount, parse};

/// Collects what NFS did.
pub struct Mountstats {
    /// Of the host's first process; where that may not be read, of the exporter itself.
    dir: PathBuf,
    addresses: Addresses,
}

/// The addresses of servers. They stand in another file, of all mounts, which can be a long one.
#[derive(Default)]
struct Addresses {
    files: Files,
    /// With their mounts' places and points.
    known: Vec<(usize, Vec<u8>, Vec<u8>)>,
}

impl Collector for Mountstats {
    const NAME: &'static str = "mountstats";
    const ABOUT: &'static str = "NFS, mount by mount: bytes, events, operations and connections.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/proc/1/mountstats"),
        Need::Read("/proc/1/mountinfo"),
        Need::Root("mounts of the host; without it those of the exporter"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        MOUNTS
            .descriptors()
            .chain([INFO.descriptor()])
            .chain(OPERATIONS.descriptors())
            .chain(TRANSPORTS.descriptors())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let first = roots.proc.join("1");
        let readable = File::open(first.join(MOUNTSTATS)).is_ok();
        let dir = if readable { first } else { roots.proc.join("self") };
        Ok(Self { dir, addresses: Addresses::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { dir, addresses } = self;
        let mut mounts = host.files.load(&dir.join(MOUNTSTATS), parse)?;
        // A connection has none before it is made.
        mounts.retain(|mount| !mount.transports.is_empty());
        addresses.look_up(&mounts, &dir.join("mountinfo"))?;
        write(&mounts, addresses, text);
        Ok(())
    }
}

const MOUNTSTATS: &str = "mountstats";

impl Addresses {
    /// The address of a mount's server; empty where the mount does not say.
    fn of(&self, mount: &Mount<'_>) -> Option<&[u8]> {
        let same = |place, point: &[u8]| place == mount.place && *point == *mount.point;
        self.known
            .iter()
            .find(|(place, point, _)| same(*place, point))
            .map(|(_, _, address)| address.as_slice())
    }

    /// Reads the addresses anew, unless all of these are known.
    fn look_up(&mut self, mounts: &[Mount<'_>], path: &Path) -> Result<()> {
        if mounts.iter().all(|mount| self.of(mount).is_some()) {
            return Ok(());
        }
        let Self { files, known } = self;
        known.clear();
        let mut place = 0;
        files.load(path, |text| {
            mountinfo::each(text, |mount| {
                if matches!(mount.kind, b"nfs" | b"nfs4") {
                    let mut options = mount.super_options.split(|&b| b == b',');
                    let address = options.find_map(|option| option.strip_prefix(b"addr="));
                    let address = address.unwrap_or_default();
                    known.push((place, mount.point.into(), address.into()));
                }
                place += 1;
            })
        })
    }
}

/// Labels that tell servers apart.
type Server<'m> = [&'m [u8]; 3];

fn write(mounts: &[Mount<'_>], addresses: &Addresses, text: &mut Text) {
    let mut shown: Vec<(Server<'_>, &Mount<'_>)> = Vec::with_capacity(mounts.len());
    let mut points: Vec<(Server<'_>, &[u8])> = Vec::with_capacity(mounts.len());
    for mount in mounts {
        let protocol = mount
            .transports
            .first()
            .map_or(&b""[..], |(protocol, _)| protocol);
        let address = addresses.of(mount).unwrap_or_default();
        let server = [mount.export, protocol, address];
        if !points.contains(&(server, mount.point)) {
            points.push((server, mount.point));
        }
        // What is mounted in two places has been counted but once.
        if shown.iter().all(|(other, _)| *other != server) {
            shown.push((server, mount));
        }
    }
    let numbers = shown
        .iter()
        .map(|(server, mount)| (server.map(Some), &mount.numbers));
    text.table(&MOUNTS, numbers);
    let mut info = text.family(&INFO);
    for ([export, protocol, address], point) in points {
        info.sample([export, protocol, address, point].map(Some), true);
    }
    let operations = shown
        .iter()
        .flat_map(|([export, protocol, address], mount)| {
            let labels = move |name| [*export, *protocol, *address, name].map(Some);
            mount
                .operations
                .iter()
                .map(move |(name, numbers)| (labels(*name), numbers))
        });
    text.table(&OPERATIONS, operations);
    let transports = shown
        .iter()
        .flat_map(|([export, protocol, address], mount)| {
            let labels =
                move |n: &'static str| [*export, *protocol, *address, n.as_bytes()].map(Some);
            let transports = mount.transports.iter().zip(NUMBERS);
            transports.map(move |((_, transport), n)| (labels(n), transport))
        });
    text.table(&TRANSPORTS, transports);
}

/// The connections of a mount, of which the kernel makes no more.
const NUMBERS: [&str; 16] =
    ["0", "1", "2", "3", "4", "5", "6", "7", "8", "9", "10", "11", "12", "13", "14", "15"];

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn says_what_nfs_did_at_each_mount() {
        let text = exposed::<Mountstats>("node-network", &[]);
        let samples = |name: &str| -> Vec<&str> {
            let name = format!("node_mountstats_nfs_{name}{{");
            text.lines()
                .filter_map(|line| line.strip_prefix(&name))
                .collect()
        };
        let efs = |rest: &str| {
            format!(r#"export="fs-1.efs:/",protocol="tcp",mountaddr="10.0.1.7"{rest}"#)
        };
        let old = r#"export="10.0.2.2:/old",protocol="udp",mountaddr="10.0.2.2""#;
        assert_eq!(samples("age_seconds_total"), [efs("} 13968"), format!("{old}}} 77")]);
        assert_eq!(
            samples("mountpoint_info"),
            [
                efs(r#",mountpoint="/mnt/efs"} 1"#),
                efs(r#",mountpoint="/mnt/again"} 1"#),
                format!(r#"{old},mountpoint="/mnt/old\\040one"}} 1"#),
            ]
        );
        assert_eq!(samples("total_read_bytes_total"), [efs("} 1210214218"), format!("{old}}} 5")]);
        assert_eq!(
            samples("operations_request_time_seconds_total"),
            [
                efs(r#",operation="NULL"} 0"#),
                efs(r#",operation="READ"} 79.407"#),
                efs(r#",operation="WRITE"} 0.003"#),
                format!(r#"{old},operation="GETATTR"}} 0.008"#),
            ]
        );
        assert_eq!(
            samples("transport_pending_queue_total"),
            [
                efs(r#",transport="0"} 5726"#),
                efs(r#",transport="1"} 77"#),
                format!(r#"{old},transport="0"}} 0"#),
            ]
        );
        assert_eq!(samples("event_pnfs_write_total"), [efs("} 1"), format!("{old}}} 27")]);
        assert_eq!(samples("event_truncation_total"), [efs("} 3"), format!("{old}}} 20")]);
        assert_eq!(text.matches("# TYPE ").count(), 54);
    }

    #[test]
    fn a_host_without_nfs_says_nothing() {
        let mut text = Text::default();
        write(&[], &Addresses::default(), &mut text);
        assert!(text.is_empty());
    }
}
