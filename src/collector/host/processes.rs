//! Processes and threads, by state. Every thread's file is read: dear on a host with many.

use std::path::{Path, PathBuf};

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Table, Text, count, gauge};
use crate::files::{self, Files, Kept, Result, Roots};
use crate::kernel::{Malformed, decimal, lines, single};

static TOTALS: Table<Totals> = Table {
    labels: [],
    metrics: &[
        gauge("node_processes_threads")
            .help("Threads.")
            .value(|t| count(t.threads)),
        gauge("node_processes_max_threads")
            .help("Threads there may be.")
            .value(|t| count(t.max_threads)),
        gauge("node_processes_pids")
            .help("Processes.")
            .value(|t| count(t.pids)),
        gauge("node_processes_max_processes")
            .help("Numbers there are for processes and threads.")
            .value(|t| count(t.max_pids)),
    ],
};

static STATE: Family<1> = gauge("node_processes_state")
    .help("Processes in this state, by the letter the kernel has for it.")
    .labels(["state"]);

static THREAD_STATE: Family<1> = gauge("node_processes_threads_state")
    .help("Threads in this state, by the letter the kernel has for it.")
    .labels(["thread_state"]);

/// All there are.
#[derive(Default)]
struct Totals {
    threads: u64,
    max_threads: u64,
    pids: u64,
    max_pids: u64,
}

/// How many are in each state, by its letter.
type States = [u64; 128];

/// Collects processes and threads by state.
pub struct Processes {
    proc: PathBuf,
    max_threads: Kept,
    max_pids: Kept,
    /// Where names of files are put together.
    path: PathBuf,
}

impl Collector for Processes {
    const NAME: &'static str = "processes";
    const ABOUT: &'static str = "Processes and threads, by state.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[
        Need::Read("/proc/<pid>/stat"),
        Need::Read("/proc/<pid>/task"),
        Need::Read("/proc/sys/kernel"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        TOTALS
            .descriptors()
            .chain([STATE.descriptor(), THREAD_STATE.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let file = |name: &str| Kept::number(roots.proc.join("sys/kernel").join(name));
        Ok(Self {
            proc: roots.proc.clone(),
            max_threads: file("threads-max"),
            max_pids: file("pid_max"),
            path: PathBuf::new(),
        })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { proc, max_threads, max_pids, path } = self;
        let mut totals = Totals {
            max_threads: host.files.load_kept(max_threads, single)?,
            max_pids: host.files.load_kept(max_pids, single)?,
            ..Totals::default()
        };
        let (mut states, mut thread_states): (States, States) = ([0; 128], [0; 128]);
        let mut failed = Ok(());
        files::each_name(proc, |pid| {
            if decimal(pid).is_none() || failed.is_err() {
                return;
            }
            path.clone_from(proc);
            path.push(Path::new(&*String::from_utf8_lossy(pid)));
            let process = match stat(path, &mut host.files) {
                Ok(Some(process)) => process,
                Ok(None) => return,
                Err(error) => return failed = Err(error),
            };
            totals.pids += 1;
            totals.threads = totals.threads.saturating_add(process.threads);
            add(&mut states, process.state);
            // The first thread is the process itself.
            add(&mut thread_states, process.state);
            if process.threads > 1 {
                failed = threads(path, pid, &mut thread_states, &mut host.files);
            }
        })?;
        failed?;
        text.table(&TOTALS, [((), &totals)]);
        write(&STATE, &states, text);
        write(&THREAD_STATE, &thread_states, text);
        Ok(())
    }
}

/// Adds the other threads of a process.
fn threads(path: &mut PathBuf, pid: &[u8], states: &mut States, files: &mut Files) -> Result<()> {
    path.push("task");
    let mut failed = Ok(());
    let task = path.clone();
    let listed = files::each_name(&task, |thread| {
        if thread != pid && decimal(thread).is_some() && failed.is_ok() {
            path.clone_from(&task);
            path.push(Path::new(&*String::from_utf8_lossy(thread)));
            match stat(path, files) {
                Ok(Some(thread)) => add(states, thread.state),
                Ok(None) => {}
                Err(error) => failed = Err(error),
            }
        }
    });
    match listed {
        Err(files::Error::Absent(_)) => failed, // It ended.
        listed => listed.and(failed),
    }
}

/// Reads `stat` in a directory. `None` is one that ended meanwhile.
fn stat(dir: &mut PathBuf, files: &mut Files) -> Result<Option<Process>> {
    dir.push("stat");
    let process = files.load_records(dir, parse);
    dir.pop();
    match process {
        Err(files::Error::Absent(_)) => Ok(None),
        process => process.map(Some),
    }
}

fn add(states: &mut States, state: u8) {
    if let Some(count) = states.get_mut(usize::from(state)) {
        *count += 1;
    }
}

fn write(family: &'static Family<1>, states: &States, text: &mut Text) {
    let mut family = text.family(family);
    for (letter, count) in (0u8..).zip(states) {
        if *count > 0 {
            family.sample(&[letter][..], *count);
        }
    }
}

/// What is needed of a process or a thread.
#[derive(Debug, PartialEq, Eq)]
struct Process {
    state: u8,
    threads: u64,
}

/// Parses `17 (a name) S 0 0 0 0 -1 4194560 …`. The name may have blanks and parentheses in it, the
/// threads are the 20th field.
fn parse(text: &[u8]) -> Result<Process, Malformed> {
    let end = text.iter().rposition(|&b| b == b')');
    let line = lines(text).next().zip(end);
    let (line, end) = line.ok_or(Malformed { line: 1, expected: "a name in parentheses" })?;
    let (_, rest) = text.split_at(end);
    let mut line = line.over(rest.strip_prefix(b")").unwrap_or_default());
    let state = line.field().and_then(|state| state.first().copied());
    let state = state
        .filter(u8::is_ascii)
        .ok_or(line.malformed("a state"))?;
    for _ in 0..16 {
        line.field();
    }
    Ok(Process { state, threads: line.count("a number of threads")? })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{Scratch, expect, expect_absent};

    #[test]
    fn says_how_many_there_are() {
        expect::<Processes>(&[], "processes");
        expect_absent::<Processes>(&[]);
    }

    #[test]
    fn passes_over_a_process_that_ended() {
        let host = Scratch::new();
        host.write("proc/sys/kernel/threads-max", "7801\n");
        host.write("proc/sys/kernel/pid_max", "123\n");
        host.write("proc/10/stat", "10 (a) b) R 1 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 3 0\n");
        host.write("proc/10/task/10/stat", "");
        host.write("proc/10/task/11/stat", "11 (c) S 1 1 1 0 -1 4 1 2 3 4 5 6 7 8 20 0 3 0\n");
        std::fs::create_dir_all(host.0.join("proc/10/task/12")).unwrap();
        std::fs::create_dir_all(host.0.join("proc/13")).unwrap();
        let text = host.written::<Processes>(&[]).unwrap();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let expected = [
            "node_processes_threads 3",
            "node_processes_max_threads 7801",
            "node_processes_pids 1",
            "node_processes_max_processes 123",
            r#"node_processes_state{state="R"} 1"#,
            r#"node_processes_threads_state{thread_state="R"} 1"#,
            r#"node_processes_threads_state{thread_state="S"} 1"#,
        ];
        assert_eq!(samples, expected);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |text: &[u8]| parse(text).unwrap_err().to_string();
        assert_eq!(wrong(b"10 a S"), "line 1: a name in parentheses expected");
        assert_eq!(wrong(b"10 (a)"), "line 1: a state expected");
        assert_eq!(wrong(b"10 (a) S 1 2 3"), "line 1: a number of threads expected");
    }
}
