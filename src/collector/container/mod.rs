//! The host, each ECS task and each container, by the names of cAdvisor.

pub mod advtcp;
pub mod cpu;
pub mod cpu_topology;
pub mod cpuset;
pub mod ended;
pub mod files;
pub mod filesystem;
pub mod hugetlb;
pub mod io;
pub mod load;
pub mod machine;
pub mod memory;
pub mod memory_numa;
mod namespaces;
pub mod network;
pub mod perf;
pub mod pressure;
pub mod process;
pub mod referenced_memory;
pub mod resctrl;
pub mod sched;
pub mod spec;
mod still;
pub mod tcp;
pub mod udp;

use std::path::{Path, PathBuf};

use crate::cgroup::Finals;
use crate::collector::Host;
use crate::container::Container;
use crate::exposition::{Table, Text};
use crate::files::{Error, Files, Result};

/// Reads something of every row. One that fails is counted.
fn visit(
    host: &mut Host,
    mut read: impl FnMut(&mut Container, &mut Files) -> Result<()>,
) -> Result<()> {
    let Host { containers, files, failures, .. } = host;
    let containers = containers
        .as_mut()
        .ok_or_else(|| Error::Absent(PathBuf::from("cgroup")))?;
    for container in containers.rows() {
        if let Err(error) = read(container, files) {
            failures.note(&error);
        }
    }
    Ok(())
}

/// Reads the same thing of every row into `rows`, which the collector keeps. A container that ended
/// meanwhile is `None`; one that fails is counted, and is `None` too.
fn read_each<T>(
    host: &mut Host,
    rows: &mut Vec<Option<T>>,
    mut read: impl FnMut(&mut Container, &mut Files) -> Result<Option<T>>,
) -> Result<()> {
    rows.clear();
    visit(host, |container, files| {
        rows.push(None);
        let row = read(container, files)?;
        if let Some(last) = rows.last_mut() {
            *last = row;
        }
        Ok(())
    })
}

/// Writes a table of what the rows remember to have read in this scrape, and then of containers that are
/// no more: what of their last numbers is a `T`.
fn write_with_last<T>(
    table: &'static Table<T>,
    host: &Host,
    read: fn(&Container) -> Option<&T>,
    last: &[Option<T>],
    text: &mut Text,
) {
    let Some(containers) = &host.containers else { return };
    let (containers, ended) = containers.rows_and_last();
    let rows = containers.iter().map(|c| (&c.labels, read(c)));
    let last = ended
        .iter()
        .map(|e| &e.labels)
        .zip(last.iter().map(Option::as_ref));
    text.table(
        table,
        rows.chain(last)
            .filter_map(|(labels, row)| Some((labels, row?))),
    );
}

/// What of the last numbers of containers that are no more is a `T`, into `out`, which the collector
/// keeps.
fn last_of<T>(host: &Host, out: &mut Vec<Option<T>>, of: impl Fn(&Finals) -> Option<T>) {
    out.clear();
    if let Some(containers) = &host.containers {
        let (_, ended) = containers.rows_and_last();
        out.extend(ended.iter().map(|last| of(&last.ended.finals)));
    }
}

/// Writes a table of what [`read_each`] found.
fn write<T>(table: &'static Table<T>, host: &mut Host, rows: &[Option<T>], text: &mut Text) {
    let Some(containers) = &mut host.containers else { return };
    let rows = containers.rows().iter().zip(rows);
    text.table(table, rows.filter_map(|(c, row)| Some((&c.labels, row.as_ref()?))));
}

/// Writes the path of a file of a process into `out`.
pub(super) fn process_file(proc: &Path, pid: u32, name: &str, out: &mut PathBuf) {
    out.clear();
    out.push(proc);
    out.push(itoa::Buffer::new().format(pid));
    out.push(name);
}
