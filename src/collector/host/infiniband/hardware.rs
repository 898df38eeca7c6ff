//! Counters of the adapters of Mellanox and Intel themselves.

use super::counters::at;
use crate::collector::attribute::Attribute;
use crate::exposition::gauge;
use crate::kernel::attribute::number;

/// Those in `hw_counters`.
pub(super) static HARDWARE: [Attribute<2>; 30] = [
    at(
        "duplicate_request",
        "node_infiniband_duplicate_requests_packets_total",
        "Requests received a second time.",
    ),
    at(
        "implied_nak_seq_err",
        "node_infiniband_implied_nak_seq_errors_total",
        "Times an answer to a read came out of order.",
    ),
    at(
        "local_ack_timeout_err",
        "node_infiniband_local_ack_timeout_errors_total",
        "Times the other end did not confirm in time.",
    ),
    at("np_cnp_sent", "node_infiniband_np_cnp_packets_sent_total", "Notices of congestion sent."),
    at(
        "np_ecn_marked_roce_packets",
        "node_infiniband_np_ecn_marked_roce_packets_received_total",
        "Packets received that were marked for congestion.",
    ),
    at(
        "out_of_buffer",
        "node_infiniband_out_of_buffer_drops_total",
        "Packets dropped because nobody had asked to receive them.",
    ),
    at(
        "out_of_sequence",
        "node_infiniband_out_of_sequence_packets_received_total",
        "Packets received out of order.",
    ),
    at(
        "packet_seq_err",
        "node_infiniband_packet_sequence_errors_total",
        "Times the other end said that a packet was out of order.",
    ),
    at(
        "req_cqe_error",
        "node_infiniband_req_cqes_errors_total",
        "Requests that ended with an error.",
    ),
    at(
        "req_cqe_flush_error",
        "node_infiniband_req_cqes_flush_errors_total",
        "Requests that were given up.",
    ),
    at(
        "req_remote_access_errors",
        "node_infiniband_req_remote_access_errors_total",
        "Requests the other end did not allow.",
    ),
    at(
        "req_remote_invalid_request",
        "node_infiniband_req_remote_invalid_request_errors_total",
        "Requests the other end did not understand.",
    ),
    at(
        "resp_cqe_error",
        "node_infiniband_resp_cqes_errors_total",
        "Answers that ended with an error.",
    ),
    at(
        "resp_cqe_flush_error",
        "node_infiniband_resp_cqes_flush_errors_total",
        "Answers that were given up.",
    ),
    at(
        "resp_local_length_error",
        "node_infiniband_resp_local_length_errors_total",
        "Answers that were longer than there was room for.",
    ),
    at(
        "resp_remote_access_errors",
        "node_infiniband_resp_remote_access_errors_total",
        "Requests of the other end that were not allowed.",
    ),
    at(
        "rnr_nak_retry_err",
        "node_infiniband_rnr_nak_retry_packets_received_total",
        "Times the other end was not ready.",
    ),
    at(
        "roce_adp_retrans",
        "node_infiniband_roce_adp_retransmits_total",
        "Packets sent again, adaptively.",
    ),
    at(
        "roce_adp_retrans_to",
        "node_infiniband_roce_adp_retransmits_timeout_total",
        "Times sending again, adaptively, came to its time limit.",
    ),
    at(
        "roce_slow_restart",
        "node_infiniband_roce_slow_restart_used_total",
        "Times sending began again slowly.",
    ),
    at(
        "roce_slow_restart_cnps",
        "node_infiniband_roce_slow_restart_cnps_total",
        "Notices of congestion made by slow beginnings.",
    ),
    at(
        "roce_slow_restart_trans",
        "node_infiniband_roce_slow_restart_total",
        "Times the state changed to a slow beginning.",
    ),
    at(
        "rp_cnp_handled",
        "node_infiniband_rp_cnp_packets_handled_total",
        "Notices of congestion that were heeded.",
    ),
    at(
        "rp_cnp_ignored",
        "node_infiniband_rp_cnp_ignored_packets_received_total",
        "Notices of congestion that were ignored.",
    ),
    at(
        "rx_atomic_requests",
        "node_infiniband_rx_atomic_requests_total",
        "Atomic requests received.",
    ),
    at(
        "rx_dct_connect",
        "node_infiniband_rx_dct_connect_requests_total",
        "Requests to connect dynamically received.",
    ),
    at(
        "rx_icrc_encapsulated",
        "node_infiniband_rx_icrc_encapsulated_errors_total",
        "Packets received with a wrong checksum of the whole.",
    ),
    at("rx_read_requests", "node_infiniband_rx_read_requests_total", "Requests to read received."),
    at(
        "rx_write_requests",
        "node_infiniband_rx_write_requests_total",
        "Requests to write received.",
    ),
    Attribute::new(
        "lifespan",
        |text| number(text).map(|milliseconds| (milliseconds / 1e3).trunc()),
        gauge("node_infiniband_lifespan_seconds")
            .help("Whole seconds for which the adapter keeps these numbers before it counts anew.")
            .labels(["device", "port"]),
    ),
];
