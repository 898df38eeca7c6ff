//! `/proc/<pid>/net/dev`: network interfaces of each container, every network namespace once.

use super::namespaces::{Namespaces, Owner, Shape};
use super::still::Still;
use crate::collector::{Collector, Host, Need};
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
    networks: Networks,
}

/// The interfaces of all network namespaces.
pub(in crate::collector) struct Networks {
    namespaces: Namespaces,
    still: Still,
    interfaces: Vec<Counted>,
    names: Vec<String>,
}

/// An interface of a row.
#[derive(Debug)]
struct Counted {
    row: usize,
    /// Place in the list of names.
    name: usize,
    interface: Interface,
}

impl Networks {
    pub(in crate::collector) fn new(roots: &Roots) -> Self {
        Self {
            namespaces: Namespaces::new(roots),
            still: Still::new(roots),
            interfaces: vec![],
            names: vec![],
        }
    }

    /// Reads them, and tells the rows that own them.
    pub(in crate::collector) fn read(&mut self, host: &mut Host) -> Result<()> {
        let Self { namespaces, still, interfaces, names } = self;
        namespaces.find(host)?;
        interfaces.clear();
        if names.len() > NAMES {
            names.clear();
            still.forget();
        }
        for place in 0.. {
            let Some(Owner { row, process, host: of_host }) = namespaces.owner(place) else {
                break;
            };
            let Host { shared, now, .. } = host;
            if of_host && !shared.interfaces.is_empty() {
                let counted = shared.interfaces.iter();
                interfaces.extend(counted.filter(|(name, _)| !ignored(name.as_bytes())).map(
                    |(name, interface)| {
                        let name = place_of(names, name.as_bytes());
                        Counted { row, name, interface: *interface }
                    },
                ));
                continue;
            }
            if let Some(held) = still.held(process, &shared.ends, *now) {
                interfaces.extend(held.map(|(name, interface)| Counted { row, name, interface }));
                continue;
            }
            let (start, mut links) = (interfaces.len(), 0);
            let read = namespaces.read(place, host, "net/dev", Shape::Records, |text| {
                netdev::each(text, |name, interface| {
                    links += usize::from(name != b"lo");
                    if !ignored(name) {
                        let name = place_of(names, name);
                        interfaces.push(Counted { row, name, interface });
                    }
                })
            });
            if read {
                let said = interfaces.iter().skip(start).map(|c| (c.name, c.interface));
                still.note(process, links, said, &host.shared.ends, host.now);
            }
        }
        still.forget_gone();
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let rows = containers.rows();
        for (row, namespace) in namespaces.owners() {
            if let Some(row) = rows.get_mut(row) {
                row.own_network(namespace);
            }
        }
        for Counted { row, interface, .. } in &*interfaces {
            if let Some(row) = rows.get_mut(*row) {
                row.add_interface(interface);
            }
        }
        host.shared.networks_read = true;
        Ok(())
    }
}

impl Collector for Network {
    const NAME: &'static str = "container.network";
    const ABOUT: &'static str =
        "Network interfaces of each container, every network namespace once.";
    const NEEDS: &'static [Need] = &[
        Need::Read("/sys/fs/cgroup"),
        Need::Read("/proc/1/mountinfo"),
        Need::Read("/proc/<pid>/net/dev"),
    ];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        INTERFACES.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { networks: Networks::new(roots) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        self.networks.read(host)?;
        let Networks { interfaces, names, .. } = &self.networks;
        let Some(containers) = &mut host.containers else { return Ok(()) };
        let rows = containers.rows();
        let named = interfaces.iter().filter_map(|counted| {
            let name = names.get(counted.name)?.as_str();
            Some(((&rows.get(counted.row)?.labels, name), &counted.interface))
        });
        text.table(&INTERFACES, named);
        Ok(())
    }
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

/// How many names there may be before the list begins anew: one that is not UTF-8 is found again by
/// no later look.
const NAMES: usize = 4096;

/// Where a name stands in the list of names, which are few and the same in most containers.
fn place_of(names: &mut Vec<String>, name: &[u8]) -> usize {
    names
        .iter()
        .position(|known| known.as_bytes() == name)
        .unwrap_or_else(|| {
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
}
