//! Counters of ports. Drivers write `N/A (no PMA)` for those they do not have.

use crate::collector::attribute::Attribute;
use crate::exposition::counter;
use crate::kernel::attribute::number;

/// Those in `counters`, and in `counters_ext`, where kernels before 4.5 had those of 64 bits.
pub(super) static COUNTERS: [Attribute<2>; 30] = [
    at(
        "counters/excessive_buffer_overrun_errors",
        "node_infiniband_excessive_buffer_overrun_errors_total",
        "Times buffers overran for longer than is tolerated.",
    ),
    at(
        "counters/link_downed",
        "node_infiniband_link_downed_total",
        "Times the link went down because it could not recover.",
    ),
    at(
        "counters/link_error_recovery",
        "node_infiniband_link_error_recovery_total",
        "Times the link recovered from an error.",
    ),
    at(
        "counters/local_link_integrity_errors",
        "node_infiniband_local_link_integrity_errors_total",
        "Times there were more physical errors than are tolerated.",
    ),
    at(
        "counters/multicast_rcv_packets",
        "node_infiniband_multicast_packets_received_total",
        "Multicast packets received, those with errors included.",
    ),
    at(
        "counters/multicast_xmit_packets",
        "node_infiniband_multicast_packets_transmitted_total",
        "Multicast packets sent, those with errors included.",
    ),
    at(
        "counters/port_rcv_constraint_errors",
        "node_infiniband_port_constraint_errors_received_total",
        "Packets received and dropped by a filter of the switch.",
    ),
    at(
        "counters/port_xmit_constraint_errors",
        "node_infiniband_port_constraint_errors_transmitted_total",
        "Packets not sent because of a filter of the switch.",
    ),
    words(
        "counters/port_rcv_data",
        "node_infiniband_port_data_received_bytes_total",
        "Bytes received.",
    ),
    words(
        "counters/port_xmit_data",
        "node_infiniband_port_data_transmitted_bytes_total",
        "Bytes sent.",
    ),
    at(
        "counters/port_rcv_discards",
        "node_infiniband_port_discards_received_total",
        "Packets received and dropped because the port was down or congested.",
    ),
    at(
        "counters/port_xmit_discards",
        "node_infiniband_port_discards_transmitted_total",
        "Packets not sent because the port was down or congested.",
    ),
    at(
        "counters/port_rcv_errors",
        "node_infiniband_port_errors_received_total",
        "Packets received with errors.",
    ),
    at(
        "counters/port_rcv_packets",
        "node_infiniband_port_packets_received_total",
        "Packets received, those with errors included.",
    ),
    at(
        "counters/port_xmit_packets",
        "node_infiniband_port_packets_transmitted_total",
        "Packets sent, those with errors included.",
    ),
    at(
        "counters/port_rcv_remote_physical_errors",
        "node_infiniband_port_receive_remote_physical_errors_total",
        "Packets received that another found to be broken.",
    ),
    at(
        "counters/port_rcv_switch_relay_errors",
        "node_infiniband_port_receive_switch_relay_errors_total",
        "Packets received that the switch could not pass on.",
    ),
    at(
        "counters/port_xmit_wait",
        "node_infiniband_port_transmit_wait_total",
        "Ticks in which there was something to send and nothing was sent.",
    ),
    at(
        "counters/symbol_error",
        "node_infiniband_symbol_error_total",
        "Symbols that were not understood.",
    ),
    at(
        "counters/unicast_rcv_packets",
        "node_infiniband_unicast_packets_received_total",
        "Unicast packets received, those with errors included.",
    ),
    at(
        "counters/unicast_xmit_packets",
        "node_infiniband_unicast_packets_transmitted_total",
        "Unicast packets sent, those with errors included.",
    ),
    at(
        "counters/VL15_dropped",
        "node_infiniband_vl15_dropped_total",
        "Packets of management dropped for want of room.",
    ),
    at(
        "counters_ext/port_multicast_rcv_packets",
        "node_infiniband_legacy_multicast_packets_received_total",
        "Multicast packets received, before Linux 4.5.",
    ),
    at(
        "counters_ext/port_multicast_xmit_packets",
        "node_infiniband_legacy_multicast_packets_transmitted_total",
        "Multicast packets sent, before Linux 4.5.",
    ),
    words(
        "counters_ext/port_rcv_data_64",
        "node_infiniband_legacy_data_received_bytes_total",
        "Bytes received, before Linux 4.5.",
    ),
    at(
        "counters_ext/port_rcv_packets_64",
        "node_infiniband_legacy_packets_received_total",
        "Packets received, before Linux 4.5.",
    ),
    at(
        "counters_ext/port_unicast_rcv_packets",
        "node_infiniband_legacy_unicast_packets_received_total",
        "Unicast packets received, before Linux 4.5.",
    ),
    at(
        "counters_ext/port_unicast_xmit_packets",
        "node_infiniband_legacy_unicast_packets_transmitted_total",
        "Unicast packets sent, before Linux 4.5.",
    ),
    words(
        "counters_ext/port_xmit_data_64",
        "node_infiniband_legacy_data_transmitted_bytes_total",
        "Bytes sent, before Linux 4.5.",
    ),
    at(
        "counters_ext/port_xmit_packets_64",
        "node_infiniband_legacy_packets_transmitted_total",
        "Packets sent, before Linux 4.5.",
    ),
];

pub(super) const fn at(file: &'static str, name: &'static str, help: &'static str) -> Attribute<2> {
    Attribute::new(file, number, counter(name).help(help).labels(["device", "port"]))
}

/// A counter of words of 4 bytes.
const fn words(file: &'static str, name: &'static str, help: &'static str) -> Attribute<2> {
    let bytes = |text: &[u8]| number(text).map(|words| words * 4.0);
    Attribute::new(file, bytes, counter(name).help(help).labels(["device", "port"]))
}
