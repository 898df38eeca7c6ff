//! Network namespaces: each of them once, as that of the container that owns it.

use std::path::PathBuf;

use super::{process_file, read_each};
use crate::collector::Host;
use crate::container::{Network, Process, Role};
use crate::exposition::{Family, Text};
use crate::files::{Result, Roots};
use crate::kernel::Malformed;

/// The network namespaces of the host and its containers.
pub(super) struct Namespaces {
    proc: PathBuf,
    /// That of the host, which stays.
    host: Option<Process>,
    rows: Vec<Option<Member>>,
    /// Who is in which namespace; after a look the owners alone.
    members: Vec<Member>,
    path: PathBuf,
}

/// A container in its network namespace. Ordered so that the owner of a namespace comes first: the
/// host, a container that did not join another, the oldest process.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Member {
    network: u64,
    rank: u8,
    pid: u32,
    /// Place in the list of rows.
    row: usize,
}

/// Who owns a namespace.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Owner {
    /// Place in the list of rows.
    pub(super) row: usize,
    /// A process in the namespace.
    pub(super) process: Process,
    /// Whether that is the host itself.
    pub(super) host: bool,
}

/// The rank of the host.
const HOST: u8 = 0;

/// How the kernel gives a file.
#[derive(Clone, Copy, Debug)]
pub(super) enum Shape {
    /// Record by record, each shorter than half a page.
    Records,
    /// In one piece.
    Whole,
}

impl Namespaces {
    pub(super) fn new(roots: &Roots) -> Self {
        let proc = roots.proc.clone();
        Self { proc, host: None, rows: Vec::new(), members: Vec::new(), path: PathBuf::new() }
    }

    /// Looks who owns which namespace now.
    pub(super) fn find(&mut self, host: &mut Host) -> Result<()> {
        let Self { proc, host: first, rows, members, .. } = self;
        let mut row = 0;
        read_each(host, rows, |container, files| {
            row += 1;
            let process = match container.role {
                Role::Host => {
                    *first = first.or_else(|| Process::look(1, proc));
                    *first
                }
                Role::Container => container.process(proc, files)?,
                Role::Task | Role::Other => None,
            };
            Ok(process.map(|Process { pid, network }| {
                let rank = match (container.role, container.about.network) {
                    (Role::Host, _) => HOST,
                    (_, Some(Network::Own)) => 1,
                    (_, None) => 2,
                    (_, Some(_)) => 3,
                };
                Member { network, rank, pid, row: row - 1 }
            }))
        })?;
        members.clear();
        members.extend(rows.iter().flatten());
        members.sort_unstable();
        members.dedup_by_key(|member| member.network);
        members.sort_unstable_by_key(|member| member.row);
        Ok(())
    }

    /// The places of the rows that own a namespace, each with what tells it from others.
    pub(super) fn owners(&self) -> impl Iterator<Item = (usize, u64)> {
        self.members
            .iter()
            .map(|member| (member.row, member.network))
    }

    /// Reads a file of each namespace, such as `net/dev`, and hands it on with the place of its owner
    /// in the list of rows. What a host does not have is passed over.
    pub(super) fn each(
        &mut self,
        host: &mut Host,
        name: &str,
        shape: Shape,
        mut parse: impl FnMut(usize, &[u8]) -> Result<(), Malformed>,
    ) {
        for place in 0..self.members.len() {
            let Some(Owner { row, .. }) = self.owner(place) else { break };
            self.read(place, host, name, shape, |text| parse(row, text));
        }
    }

    /// The owner of the namespace at this place in the list of them, which begins at 0.
    pub(super) fn owner(&self, place: usize) -> Option<Owner> {
        let Member { row, pid, network, rank } = *self.members.get(place)?;
        Some(Owner { row, process: Process { pid, network }, host: rank == HOST })
    }

    /// Reads a file of the namespace at this place, as [`each`](Self::each). Says whether it did.
    pub(super) fn read(
        &mut self,
        place: usize,
        host: &mut Host,
        name: &str,
        shape: Shape,
        parse: impl FnOnce(&[u8]) -> Result<(), Malformed>,
    ) -> bool {
        let Self { proc, members, path, .. } = self;
        let Some(member) = members.get(place) else { return false };
        let Host { containers, files, failures, .. } = host;
        process_file(proc, member.pid, name, path);
        let read = match shape {
            Shape::Records => files.load_records(path, parse),
            Shape::Whole => files.load_whole(path, parse),
        };
        if let Err(error) = &read {
            failures.note(error);
            if let Some(row) = containers
                .as_mut()
                .and_then(|containers| containers.rows().get_mut(member.row))
            {
                row.forget_process();
            }
        }
        read.is_ok()
    }
}

/// Sockets of every network namespace, counted by `N` states.
pub(super) struct States<const N: usize> {
    namespaces: Namespaces,
    found: Vec<(usize, [u64; N])>,
}

impl<const N: usize> States<N> {
    pub(super) fn new(roots: &Roots) -> Self {
        Self { namespaces: Namespaces::new(roots), found: Vec::new() }
    }

    /// Writes each family of what its file says of each namespace.
    pub(super) fn collect(
        &mut self,
        host: &mut Host,
        text: &mut Text,
        families: &'static [(&'static str, Family<1>)],
        names: [&'static str; N],
        parse: fn(&[u8]) -> Result<[u64; N], Malformed>,
    ) -> Result<()> {
        let Self { namespaces, found } = self;
        namespaces.find(host)?;
        for (file, family) in families {
            found.clear();
            namespaces.each(host, file, Shape::Records, |row, text| {
                found.push((row, parse(text)?));
                Ok(())
            });
            let Some(containers) = &mut host.containers else { return Ok(()) };
            let rows = containers.rows();
            let mut family = text.family(family);
            for (row, states) in &*found {
                let Some(row) = rows.get(*row) else { continue };
                for (name, n) in names.iter().zip(states) {
                    family.sample((&row.labels, *name), *n);
                }
            }
        }
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_host_then_who_did_not_join_then_the_oldest_owns_a_namespace() {
        let member = |network, rank, pid, row| Member { network, rank, pid, row };
        let mut members =
            [member(7, 3, 10, 0), member(7, 1, 30, 1), member(7, 1, 20, 2), member(8, 2, 5, 3)];
        members.sort_unstable();
        assert_eq!(members[0], member(7, 1, 20, 2));
    }
}
