//! `/proc/<pid>/smaps_rollup`: memory that each container touched. The kernel walks all pages of every
//! process for it: dear.

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime};

use clap::Args;

use super::{process_file, read_each, write};
use crate::collector::{Collector, Host, Need, flags};
use crate::exposition::{Descriptor, Table, Text, gauge, kib};
use crate::files::{Error, Files, Result, Roots, refused};
use crate::kernel::{Malformed, lines};

static REFERENCED: Table<u64> = Table {
    labels: [],
    metrics: &[gauge("container_referenced_bytes")
        .help("Bytes that the group's processes touched, ever or since they were last reset.")
        .value(|n| kib(*n))],
};

/// Flags of the collector of touched memory.
#[derive(Args, Debug)]
#[group(skip)]
pub struct Flags {
    /// Have the kernel forget this often what was touched, by writing to clear_refs of each
    /// process, which slows them down [default: never]
    #[arg(id = "collector.container.referenced_memory.reset-interval", long, value_name = "TIME", value_parser = flags::duration)]
    reset_interval: Option<Duration>,
}

/// Collects touched memory.
pub struct ReferencedMemory {
    proc: PathBuf,
    interval: Option<Duration>,
    reset: Option<SystemTime>,
    rows: Vec<Option<u64>>,
    processes: Vec<u32>,
    path: PathBuf,
}

impl Collector for ReferencedMemory {
    const NAME: &'static str = "container.referenced_memory";
    const ABOUT: &'static str = "Memory that each container touched; since Linux 4.14.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/smaps_rollup"),
        Need::Capability("SYS_PTRACE", "all of it"),
    ];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        REFERENCED.descriptors()
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        Ok(Self {
            proc: roots.proc.clone(),
            interval: flags.reset_interval.filter(|interval| !interval.is_zero()),
            reset: None,
            rows: Vec::new(),
            processes: Vec::new(),
            path: PathBuf::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { proc, interval, reset, rows, processes, path } = self;
        let since = reset.map(|at| host.now.duration_since(at).unwrap_or_default());
        let resets = interval.is_some_and(|interval| since.is_none_or(|since| since >= interval));
        if resets {
            *reset = Some(host.now);
        }
        read_each(host, rows, |container, files| {
            processes.clear();
            if !container.cgroup.procs(processes, files)? {
                return Ok(None);
            }
            let mut all = 0u64;
            for process in &*processes {
                process_file(proc, *process, "smaps_rollup", path);
                match read(path, files) {
                    Ok(kib) => all = all.saturating_add(kib),
                    // Without its share the sum would be a lie.
                    Err(error) if error.is_no_value() => return Ok(None),
                    Err(error) => return Err(error),
                }
                if resets {
                    process_file(proc, *process, "clear_refs", path);
                    match fs::write(&*path, b"1").map_err(|error| refused(path, error)) {
                        Ok(()) | Err(Error::Absent(_)) => {}
                        Err(error) => return Err(error),
                    }
                }
            }
            Ok(Some(all))
        })?;
        write(&REFERENCED, host, rows, text);
        Ok(())
    }
}

/// KiB that a process touched; none if it ended, or never had memory.
fn read(path: &Path, files: &mut Files) -> Result<u64> {
    Ok(files.load_if_any(path, parse)?.unwrap_or_default())
}

/// Parses `Referenced:         1234 kB` among other lines.
fn parse(text: &[u8]) -> Result<u64, Malformed> {
    for mut line in lines(text).skip(1) {
        if line.field() == Some(b"Referenced:") {
            return line.count("KiB");
        }
    }
    Err(Malformed { line: 1, expected: "Referenced:" })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;

    const SMAPS: &str =
        "0-1 ---p 0 0:0 0 [rollup]\nRss: 9 kB\nReferenced:    3 kB\nAnonymous: 1 kB\n";

    fn host(args: &[&str]) -> Trial<ReferencedMemory> {
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("sys/fs/cgroup/cgroup.procs", ""),
            ("sys/fs/cgroup/a/cgroup.procs", "7\n8\n9\n"),
            ("proc/7/smaps_rollup", SMAPS),
            ("proc/7/clear_refs", ""),
            ("proc/8/smaps_rollup", SMAPS),
            ("proc/8/clear_refs", ""),
        ];
        Trial::new(args, &tree).contained()
    }

    const EXPECTED: &str =
        "container_referenced_bytes{id=\"/\"} 0\ncontainer_referenced_bytes{id=\"/a\"} 6144\n";

    fn written(host: &mut Trial<ReferencedMemory>) -> bool {
        let path = host.collector.proc.join("7/clear_refs");
        let size = fs::metadata(&path).unwrap().len();
        host.write("proc/7/clear_refs", b"");
        size > 0
    }

    #[test]
    fn adds_up_and_never_writes() {
        let mut host = host(&[]);
        assert_eq!(host.collect().unwrap(), EXPECTED);
        assert!(!written(&mut host));
    }

    #[test]
    fn resets_as_often_as_it_is_told_to() {
        let mut host = host(&["--collector.container.referenced_memory.reset-interval=1m"]);
        let mut resets = Vec::new();
        for _ in 0..4 {
            assert_eq!(host.collect().unwrap(), EXPECTED);
            resets.push(written(&mut host));
            host.host.now += Duration::from_secs(30);
        }
        assert_eq!(resets, [true, false, true, false]);
    }

    #[test]
    fn finds_its_line() {
        assert_eq!(parse(SMAPS.as_bytes()), Ok(3));
        assert_eq!(parse(b"x\nReferenced: x kB\n").unwrap_err().expected, "KiB");
        assert_eq!(parse(b"x\nRss: 1 kB\n").unwrap_err().expected, "Referenced:");
    }
}
