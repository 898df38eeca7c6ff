//! Open files and sockets of each container, and how many files its first process may open. Reads
//! where every descriptor leads: dear where there are many.

use std::path::{Path, PathBuf};

use super::{process_file, read_each, write};
use crate::collector::{Collector, Host, Need};
use crate::container::{Container, Role};
use crate::exposition::{Descriptor, Family, Table, Text, count, gauge};
use crate::files::{self, Error, Result, Roots, below};
use crate::kernel::{Malformed, decimal, lines};

static OPEN: Table<Open> = Table {
    labels: [],
    metrics: &[
        gauge("container_file_descriptors")
            .help("Open files of the processes of the group itself.")
            .value(|o| count(o.files?)),
        gauge("container_sockets")
            .help("Sockets among the open files.")
            .value(|o| count(o.sockets?)),
    ],
};

static ULIMITS: Family<1> = gauge("container_ulimits_soft")
    .help("What the first process is limited to until it asks for more; -1 for no limit.")
    .labels(["ulimit"]);

/// Collects open files.
pub struct OpenFiles {
    proc: PathBuf,
    rows: Vec<Option<Open>>,
    processes: Vec<u32>,
    path: PathBuf,
}

/// What the processes of a group have open. `None` where nobody may look.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
struct Open {
    files: Option<u64>,
    sockets: Option<u64>,
    /// The most files the first process may open.
    limit: Option<f64>,
}

impl Collector for OpenFiles {
    const NAME: &'static str = "container.files";
    const ABOUT: &'static str = "Open files and sockets of each container, and their limit.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/fd"),
        Need::Read("/proc/<pid>/limits"),
        Need::Capability("DAC_READ_SEARCH", "processes of users other than root"),
        Need::Capability("SYS_PTRACE", "container_sockets"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        OPEN.descriptors().chain([ULIMITS.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let proc = roots.proc.clone();
        Ok(Self { proc, rows: Vec::new(), processes: Vec::new(), path: PathBuf::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { proc, rows, processes, path } = self;
        read_each(host, rows, |container, files| {
            processes.clear();
            if !container.cgroup.procs(processes, files)? {
                return Ok(None);
            }
            let mut open = Open { files: Some(0), sockets: Some(0), limit: None };
            for process in &*processes {
                process_file(proc, *process, "fd", path);
                match look(path, &mut open) {
                    Err(Error::Absent(_)) => {} // It ended.
                    // Some of the numbers would be a lie.
                    Err(error) if error.is_no_value() => {
                        (open.files, open.sockets) = (None, None);
                        break;
                    }
                    looked => looked?,
                }
            }
            if let Some(first) = first_process(container, proc, files)? {
                process_file(proc, first, "limits", path);
                open.limit = files.load_if_any(path, limit)?.flatten();
            }
            Ok(Some(open))
        })?;
        write(&OPEN, host, rows, text);
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let mut family = text.family(&ULIMITS);
        for (container, row) in containers.rows().iter().zip(&*rows) {
            if let Some(limit) = row.as_ref().and_then(|open| open.limit) {
                family.sample((&container.labels, "max_open_files"), limit);
            }
        }
        Ok(())
    }
}

/// The first process of the host or of a container.
fn first_process(
    container: &mut Container,
    proc: &Path,
    files: &mut files::Files,
) -> Result<Option<u32>> {
    match container.role {
        Role::Host => Ok(Some(1)),
        Role::Container => Ok(container.process(proc, files)?.map(|process| process.pid)),
        Role::Task | Role::Other => Ok(None),
    }
}

/// Adds what a process has open.
fn look(dir: &Path, open: &mut Open) -> Result<()> {
    let (mut all, mut sockets) = (0, Some(0));
    files::each_name(dir, |name| {
        all += 1;
        match files::link(&below(dir, name)) {
            Ok(target)
                if target
                    .as_os_str()
                    .as_encoded_bytes()
                    .starts_with(b"socket:") =>
            {
                sockets = sockets.map(|n| n + 1);
            }
            // One that was closed meanwhile leads nowhere.
            Ok(_) | Err(Error::Absent(_)) => {}
            // Who may list them may yet not look where they lead.
            Err(_) => sockets = None,
        }
    })?;
    open.files = open.files.map(|n| n + all);
    open.sockets = open.sockets.zip(sockets).map(|(n, more)| n + more);
    Ok(())
}

/// The soft limit in `Max open files            1024                 524288               files`.
fn limit(text: &[u8]) -> Result<Option<f64>, Malformed> {
    const NAME: &[u8] = b"Max open files";
    for line in lines(text) {
        let Some(rest) = line.raw().strip_prefix(NAME) else { continue };
        let mut line = line.over(rest);
        return match line.field() {
            Some(b"unlimited") => Ok(Some(-1.0)),
            soft => match soft.and_then(decimal) {
                Some(soft) => Ok(Some(soft as f64)),
                None => Err(line.malformed("a limit")),
            },
        };
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::trial::Trial;
    use crate::files::Scratch;

    #[test]
    fn counts_files_and_sockets_and_reads_the_limit() {
        let id = "c".repeat(64);
        let procs = format!("sys/fs/cgroup/{id}/cgroup.procs");
        let tree = [
            ("proc/1/mountinfo", "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n"),
            ("sys/fs/cgroup/cgroup.procs", ""),
            ("proc/1/limits", "Limit  Soft Limit\nMax open files unlimited unlimited files\n"),
            ("proc/7/net/dev", ""),
            (
                "proc/7/limits",
                "Max cpu time unlimited\nMax open files     1024     524288    files\n",
            ),
            (procs.as_str(), "7\n8\n9\n"),
        ];
        let mut host = Trial::<OpenFiles>::new(&[], &tree).contained();
        for (link, target) in
            [("7/fd/0", "/dev/null"), ("7/fd/1", "socket:[1]"), ("8/fd/5", "socket:[2]")]
        {
            host.link(&format!("proc/{link}"), target);
        }
        let expected = format!(
            r#"container_file_descriptors{{id="/"}} 0
container_file_descriptors{{id="/{id}"}} 3
container_sockets{{id="/"}} 0
container_sockets{{id="/{id}"}} 2
container_ulimits_soft{{id="/",ulimit="max_open_files"}} -1
container_ulimits_soft{{id="/{id}",ulimit="max_open_files"}} 1024
"#
        );
        assert_eq!(host.collect().unwrap(), expected);
    }

    #[test]
    fn sockets_are_absent_where_nobody_may_look() {
        let dir = Scratch::new();
        dir.write("0", "");
        let mut open = Open { files: Some(1), sockets: Some(1), limit: None };
        look(&dir, &mut open).unwrap();
        assert_eq!(open, Open { files: Some(2), sockets: None, limit: None });
    }

    #[test]
    fn knows_what_a_limit_looks_like() {
        assert_eq!(limit(b"Max open files 5\n"), Ok(Some(5.0)));
        assert_eq!(limit(b"Max processes 5\n"), Ok(None));
        assert_eq!(limit(b"Max open files x\n").unwrap_err().expected, "a limit");
        assert_eq!(limit(b"Max open files\n").unwrap_err().expected, "a limit");
    }
}
