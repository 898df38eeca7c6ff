//! Drivers made up: one with counters, one that says nothing, one that is gone.

use std::io;

use nix::errno::Errno;

use super::Ethtool;
use crate::collector::trial::Trial;
use crate::system::System;

/// Names and values of what `eth0`'s driver counts.
const COUNTERS: [(&str, u64); 6] = [
    ("rx_bytes", 1000),
    ("queue_0_tx_cnt", 7),
    ("ch0: rx events", 8),
    ("same one", 1),
    ("same.one", 2),
    ("bw_in_allowance_exceeded", 3),
];

fn ethtool(interface: &[u8], message: &mut [u8]) -> io::Result<()> {
    let question = u32::from_ne_bytes(*message.first_chunk().unwrap());
    match (interface, question) {
        (b"eth0", 1) => {
            message[4..8].copy_from_slice(&(1u32 << 5 | 1 << 6 | 1 << 7).to_ne_bytes());
            message[8..12].copy_from_slice(&(1u32 << 3).to_ne_bytes());
            message[18] = 1;
        }
        (b"eth0", 3) => {
            message[4..7].copy_from_slice(b"ena");
            message[100..112].copy_from_slice(b"0000:00:05.0");
            message[180] = 6;
        }
        (b"eth0", 0x1b) => {
            for (slot, (name, _)) in message[12..].chunks_exact_mut(32).zip(COUNTERS) {
                slot[..name.len()].copy_from_slice(name.as_bytes());
            }
        }
        (b"eth0", 0x1d) => {
            for (slot, (_, value)) in message[8..].chunks_exact_mut(8).zip(COUNTERS) {
                slot.copy_from_slice(&value.to_ne_bytes());
            }
        }
        (b"veth1", 3) => message[4..8].copy_from_slice(b"veth"),
        (b"dead0", _) => return Err(Errno::EIO.into()),
        (b"gone0", _) => return Err(Errno::ENODEV.into()),
        _ => return Err(Errno::EOPNOTSUPP.into()),
    }
    Ok(())
}

fn trial(args: &[&str], interfaces: &[&str]) -> Trial<Ethtool> {
    let mut trial = Trial::new(args, &[("sys/class/net/bonding_masters", "\n")]);
    for interface in interfaces {
        trial.write(&format!("sys/class/net/{interface}/mtu"), b"1500\n");
    }
    trial.host.system = System { ethtool, ..System::MUTE };
    trial
}

const ETH0: &str = r#"node_ethtool_info{bus_info="0000:00:05.0",device="eth0",driver="ena",expansion_rom_version="",firmware_version="",version=""} 1
node_ethtool_bw_in_allowance_exceeded{device="eth0"} 3
node_ethtool_ch0_received_events{device="eth0"} 8
node_ethtool_queue_0_transmitted_cnt{device="eth0"} 7
node_ethtool_received_bytes_total{device="eth0"} 1000
node_network_supported_speed_bytes{device="eth0",duplex="full",mode="1000baseT"} 125000000
node_network_advertised_speed_bytes{device="eth0",duplex="full",mode="100baseT"} 12500000
node_network_supported_port_info{device="eth0",type="TP"} 1
node_network_autonegotiate_supported{device="eth0"} 1
node_network_pause_supported{device="eth0"} 0
node_network_asymmetricpause_supported{device="eth0"} 0
node_network_autonegotiate_advertised{device="eth0"} 0
node_network_pause_advertised{device="eth0"} 0
node_network_asymmetricpause_advertised{device="eth0"} 0
node_network_autonegotiate{device="eth0"} 1
"#;

#[test]
fn says_what_drivers_say() {
    let mut trial = trial(&[], &["eth0", "gone0", "lo", "veth1"]);
    assert_eq!(trial.collect().unwrap(), ETH0);
    assert_eq!(trial.collect().unwrap(), ETH0, "in the next scrape");
    assert_eq!(trial.host.failures.count, 0);
}

#[test]
fn one_that_fails_spoils_no_other() {
    let mut trial = trial(&[], &["dead0", "eth0"]);
    assert_eq!(trial.collect().unwrap(), ETH0);
    let first = trial.host.failures.first.clone();
    assert_eq!(first.as_deref(), Some("ethtool dead0: Input/output error (os error 5)"));
}

#[test]
fn learns_of_interfaces_that_come_and_go() {
    let mut trial = trial(&[], &["lo"]);
    assert_eq!(trial.collect().unwrap(), "");
    trial.write("sys/class/net/eth0/mtu", b"1500\n");
    assert_eq!(trial.collect().unwrap(), ETH0);
    trial.write("sys/class/net/aaa/mtu", b"1500\n");
    trial.remove("sys/class/net/eth0/mtu");
    trial.remove_dir("sys/class/net/eth0");
    assert_eq!(trial.collect().unwrap(), "");
}

#[test]
fn takes_what_the_flags_say() {
    let names = |args: &[&str]| {
        let text = trial(args, &["eth0", "veth1"]).collect().unwrap();
        let lines = text
            .lines()
            .filter(|line| line.starts_with("node_ethtool_"));
        let names = lines.map(|line| line.split(['{', ' ']).next().unwrap().to_owned());
        names.collect::<Vec<_>>()
    };
    let info = "node_ethtool_info";
    assert_eq!(
        names(&["--collector.ethtool.metrics-include=^bw_"]),
        [info, "node_ethtool_bw_in_allowance_exceeded"]
    );
    let veth = ["--collector.ethtool.veth", "--collector.ethtool.metrics-include=^$"];
    assert_eq!(names(&veth), [info, info]);
    assert_eq!(names(&["--collector.ethtool.device-include=^veth"]), [info]);
    assert_eq!(names(&["--collector.ethtool.device-exclude=eth"]), [""; 0]);
}

#[test]
fn is_absent_without_interfaces() {
    let mut trial = Trial::<Ethtool>::new(&[], &[]);
    let absent = trial.collect().unwrap_err();
    assert!(matches!(absent, crate::files::Error::Absent(_)), "{absent}");
}
