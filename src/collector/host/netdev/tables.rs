//! What is said of a network interface.

use crate::exposition::{Table, count, counter};
use crate::kernel::netdev::Interface;
use crate::kernel::netlink::Stats;

/// By the same names whether detailed or not.
pub(super) static COMMON: Table<Stats, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("node_network_receive_bytes_total")
            .help("Bytes received.")
            .value(|s| count(s.rx_bytes)),
        counter("node_network_receive_packets_total")
            .help("Packets received.")
            .value(|s| count(s.rx_packets)),
        counter("node_network_receive_compressed_total")
            .help("Compressed packets received.")
            .value(|s| count(s.rx_compressed)),
        counter("node_network_receive_nohandler_total")
            .help("Packets that came by an inactive interface and were dropped, since Linux 4.6.")
            .value(|s| count(s.rx_nohandler)),
        counter("node_network_transmit_bytes_total")
            .help("Bytes sent.")
            .value(|s| count(s.tx_bytes)),
        counter("node_network_transmit_packets_total")
            .help("Packets sent.")
            .value(|s| count(s.tx_packets)),
        counter("node_network_transmit_compressed_total")
            .help("Compressed packets sent.")
            .value(|s| count(s.tx_compressed)),
    ],
};

/// By the names that `/proc/net/dev` gave them.
pub(super) static ERRORS: Table<Stats, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("node_network_receive_errs_total")
            .help("Packets received with errors.")
            .value(|s| count(s.rx_errors)),
        counter("node_network_receive_drop_total")
            .help("Packets received and dropped, those the device had no room for included.")
            .value(|s| count(Interface::from(s).receive.drop)),
        counter("node_network_transmit_errs_total")
            .help("Packets not sent for errors.")
            .value(|s| count(s.tx_errors)),
        counter("node_network_transmit_drop_total")
            .help("Packets dropped instead of sent.")
            .value(|s| count(s.tx_dropped)),
    ],
};

/// Sums, as `/proc/net/dev` makes them.
pub(super) static SUMS: Table<Stats, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("node_network_receive_fifo_total")
            .help("Packets lost to an overrun of the receive queue.")
            .value(|s| count(s.rx_fifo_errors)),
        counter("node_network_receive_frame_total")
            .help("Packets received with a wrong frame, length or checksum.")
            .value(|s| count(Interface::from(s).receive.frame)),
        counter("node_network_receive_multicast_total")
            .help("Multicast packets received.")
            .value(|s| count(s.multicast)),
        counter("node_network_transmit_fifo_total")
            .help("Packets lost to an underrun of the send queue.")
            .value(|s| count(s.tx_fifo_errors)),
        counter("node_network_transmit_colls_total")
            .help("Collisions seen while sending.")
            .value(|s| count(s.collisions)),
        counter("node_network_transmit_carrier_total")
            .help("Packets not sent for a lost carrier, an abort, a heartbeat or a late collision.")
            .value(|s| count(Interface::from(s).transmit.carrier)),
    ],
};

/// The same as [`ERRORS`] by the names of the kernel's struct, nothing added together.
pub(super) static DETAILED_ERRORS: Table<Stats, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("node_network_receive_errors_total")
            .help("Packets received with errors; in detail.")
            .value(|s| count(s.rx_errors)),
        counter("node_network_receive_dropped_total")
            .help("Packets received and dropped; in detail.")
            .value(|s| count(s.rx_dropped)),
        counter("node_network_transmit_errors_total")
            .help("Packets not sent for errors; in detail.")
            .value(|s| count(s.tx_errors)),
        counter("node_network_transmit_dropped_total")
            .help("Packets dropped instead of sent; in detail.")
            .value(|s| count(s.tx_dropped)),
    ],
};

/// What [`SUMS`] adds together.
pub(super) static DETAILED: Table<Stats, 1> = Table {
    labels: ["device"],
    metrics: &[
        counter("node_network_multicast_total")
            .help("Multicast packets received; in detail.")
            .value(|s| count(s.multicast)),
        counter("node_network_collisions_total")
            .help("Collisions seen while sending; in detail.")
            .value(|s| count(s.collisions)),
        counter("node_network_receive_length_errors_total")
            .help("Packets received with a wrong length; in detail.")
            .value(|s| count(s.rx_length_errors)),
        counter("node_network_receive_over_errors_total")
            .help("Packets received that overran a buffer of the device; in detail.")
            .value(|s| count(s.rx_over_errors)),
        counter("node_network_receive_crc_errors_total")
            .help("Packets received with a wrong checksum; in detail.")
            .value(|s| count(s.rx_crc_errors)),
        counter("node_network_receive_frame_errors_total")
            .help("Packets received with a wrong frame; in detail.")
            .value(|s| count(s.rx_frame_errors)),
        counter("node_network_receive_fifo_errors_total")
            .help("Packets lost to an overrun of the receive queue; in detail.")
            .value(|s| count(s.rx_fifo_errors)),
        counter("node_network_receive_missed_errors_total")
            .help("Packets the device had no room for; in detail.")
            .value(|s| count(s.rx_missed_errors)),
        counter("node_network_transmit_aborted_errors_total")
            .help("Packets whose sending was aborted; in detail.")
            .value(|s| count(s.tx_aborted_errors)),
        counter("node_network_transmit_carrier_errors_total")
            .help("Packets not sent for a lost carrier; in detail.")
            .value(|s| count(s.tx_carrier_errors)),
        counter("node_network_transmit_fifo_errors_total")
            .help("Packets lost to an underrun of the send queue; in detail.")
            .value(|s| count(s.tx_fifo_errors)),
        counter("node_network_transmit_heartbeat_errors_total")
            .help("Packets sent without a heartbeat; in detail.")
            .value(|s| count(s.tx_heartbeat_errors)),
        counter("node_network_transmit_window_errors_total")
            .help("Packets not sent for a late collision; in detail.")
            .value(|s| count(s.tx_window_errors)),
    ],
};
