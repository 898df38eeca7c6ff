//! `/proc/<pid>/net/dev`: network interfaces of each container, every network namespace once.

use std::path::{Path, PathBuf};

use super::read_each;
use crate::collector::{Collector, Host};
use crate::container::{self, Process, Role};
use crate::exposition::{Descriptor, Table, Text, count, counter};
use crate::files::{Result, Roots};
use crate::kernel::netdev::{self, Interface};

static INTERFACES: Table<Interface, 1> = Table {
    labels: ["interface"],
    metrics: &[
        counter("container_network_receive_bytes_total")
            .help("Bytes received.")
            .value(|i| count(i.receive.bytes)),
        counter("container_network_receive_packets_total")
            .help("Packets received.")
            .value(|i| count(i.receive.packets)),
        counter("container_network_receive_packets_dropped_total")
            .help("Packets dropped while receiving.")
            .value(|i| count(i.receive.drop)),
        counter("container_network_receive_errors_total")
            .help("Packets received with errors.")
            .value(|i| count(i.receive.errs)),
        counter("container_network_transmit_bytes_total")
            .help("Bytes sent.")
            .value(|i| count(i.transmit.bytes)),
        counter("container_network_transmit_packets_total")
            .help("Packets sent.")
            .value(|i| count(i.transmit.packets)),
        counter("container_network_transmit_packets_dropped_total")
            .help("Packets dropped while sending.")
            .value(|i| count(i.transmit.drop)),
        counter("container_network_transmit_errors_total")
            .help("Packets not sent for errors.")
            .value(|i| count(i.transmit.errs)),
    ],
};

/// Collects the network interfaces of containers.
pub struct Network {
    proc: PathBuf,
    rows: Vec<Option<Member>>,
    /// Who is in which namespace, sorted; the first of each owns it.
    members: Vec<Member>,
    interfaces: Vec<Counted>,
    names: Vec<String>,
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

/// An interface of a row.
#[derive(Debug)]
struct Counted {
    row: usize,
    /// Place in the list of names.
    name: usize,
    interface: Interface,
}

impl Collector for Network {
    const NAME: &'static str = "container.network";
    const ABOUT: &'static str =
        "Network interfaces of each container, every network namespace once.";
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        INTERFACES.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        let proc = roots.proc.clone();
        Ok(Self { proc, rows: vec![], members: vec![], interfaces: vec![], names: vec![] })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        self.find_members(host)?;
        self.read_owners(host);
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let rows = containers.rows();
        let named = self.interfaces.iter().filter_map(|counted| {
            let name = self.names.get(counted.name)?.as_str();
            Some(((&rows.get(counted.row)?.labels, name), &counted.interface))
        });
        text.table(&INTERFACES, named);
        Ok(())
    }
}

impl Network {
    fn find_members(&mut self, host: &mut Host) -> Result<()> {
        let Self { proc, rows, members, .. } = self;
        let mut row = 0;
        read_each(host, rows, |container, files| {
            row += 1;
            let process = match container.role {
                Role::Host => Process::look(1, proc),
                Role::Container => container.process(proc, files)?,
                Role::Task | Role::Other => None,
            };
            Ok(process.map(|Process { pid, network }| {
                let rank = match (container.role, container.about.network) {
                    (Role::Host, _) => 0,
                    (_, Some(container::Network::Own)) => 1,
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

    fn read_owners(&mut self, host: &mut Host) {
        let Self { proc, members, interfaces, names, .. } = self;
        let Host { containers, files, failures, .. } = host;
        let Some(containers) = containers else { return };
        interfaces.clear();
        let mut path = PathBuf::new();
        for member in &*members {
            net_dev(proc, member.pid, &mut path);
            let read = files.load_records(&path, |text| {
                netdev::each(text, |name, interface| {
                    if !ignored(name) {
                        let name = place(names, name);
                        interfaces.push(Counted { row: member.row, name, interface });
                    }
                })
            });
            if let Err(error) = read {
                failures.note(&error);
                if let Some(row) = containers.rows().get_mut(member.row) {
                    row.forget_process();
                }
            }
        }
    }
}

fn net_dev(proc: &Path, pid: u32, out: &mut PathBuf) {
    out.clear();
    out.push(proc);
    out.push(itoa::Buffer::new().format(pid));
    out.push("net/dev");
}

/// The interfaces that cAdvisor leaves out: loopback, and the host's ends of containers' own.
fn ignored(name: &[u8]) -> bool {
    let starts = |prefix: &[u8]| {
        name.get(..prefix.len())
            .is_some_and(|start| start.eq_ignore_ascii_case(prefix))
    };
    [&b"lo"[..], b"veth", b"docker", b"nerdctl"]
        .into_iter()
        .any(starts)
}

/// Where a name stands in the list of names, which are few and the same in most containers.
fn place(names: &mut Vec<String>, name: &[u8]) -> usize {
    names
        .iter()
        .position(|known| known.as_bytes() == name)
        .unwrap_or_else(|| {
            // A name that is not UTF-8 is found again by no later look, but the list stays bounded.
            if names.len() > 4096 {
                names.clear();
            }
            names.push(String::from_utf8_lossy(name).into_owned());
            names.len() - 1
        })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn leaves_out_what_cadvisor_leaves_out() {
        for name in ["lo", "veth12ab", "docker0", "Docker_gwbridge", "nerdctl0", "LO1"] {
            assert!(ignored(name.as_bytes()), "{name}");
        }
        for name in ["eth0", "ens5", "br-1", "ecs-bridge", "l", ""] {
            assert!(!ignored(name.as_bytes()), "{name}");
        }
    }

    #[test]
    fn the_host_then_who_did_not_join_then_the_oldest_owns_a_namespace() {
        let member = |network, rank, pid, row| Member { network, rank, pid, row };
        let mut members =
            [member(7, 3, 10, 0), member(7, 1, 30, 1), member(7, 1, 20, 2), member(8, 2, 5, 3)];
        members.sort_unstable();
        assert_eq!(members[0], member(7, 1, 20, 2));
    }
}
