//! The families of NFS mounts.

use crate::exposition::{Family, Table, count, counter, gauge, info, millis};
use crate::kernel::mountstats::{Numbers, Operation, Transport};

pub(super) static INFO: Family<4> = info("node_mountstats_nfs_mountpoint_info")
    .help("Where a directory of an NFS server is mounted.")
    .labels(["export", "protocol", "mountaddr", "mountpoint"]);

pub(super) static MOUNTS: Table<Numbers, 3> = Table {
    labels: ["export", "protocol", "mountaddr"],
    metrics: &[
        counter("node_mountstats_nfs_age_seconds_total")
            .help("Seconds since it was mounted.")
            .value(|n| count(n.age_seconds)),
        counter("node_mountstats_nfs_read_bytes_total")
            .help("Bytes that programs read.")
            .value(|n| count(n.read_bytes)),
        counter("node_mountstats_nfs_write_bytes_total")
            .help("Bytes that programs wrote.")
            .value(|n| count(n.written_bytes)),
        counter("node_mountstats_nfs_direct_read_bytes_total")
            .help("Bytes that programs read past the page cache.")
            .value(|n| count(n.direct_read_bytes)),
        counter("node_mountstats_nfs_direct_write_bytes_total")
            .help("Bytes that programs wrote past the page cache.")
            .value(|n| count(n.direct_written_bytes)),
        counter("node_mountstats_nfs_total_read_bytes_total")
            .help("Bytes that the server sent.")
            .value(|n| count(n.server_read_bytes)),
        counter("node_mountstats_nfs_total_write_bytes_total")
            .help("Bytes that the server was sent.")
            .value(|n| count(n.server_written_bytes)),
        counter("node_mountstats_nfs_read_pages_total")
            .help("Pages read for maps.")
            .value(|n| count(n.pages_read)),
        counter("node_mountstats_nfs_write_pages_total")
            .help("Pages written for maps.")
            .value(|n| count(n.pages_written)),
        counter("node_mountstats_nfs_event_inode_revalidate_total")
            .help("Attributes of files that were checked with the server.")
            .value(|n| event(n, 0)),
        counter("node_mountstats_nfs_event_dnode_revalidate_total")
            .help("Directory entries that were checked with the server.")
            .value(|n| event(n, 1)),
        counter("node_mountstats_nfs_event_data_invalidate_total")
            .help("Caches of a file's data that were dropped.")
            .value(|n| event(n, 2)),
        counter("node_mountstats_nfs_event_attribute_invalidate_total")
            .help("Cached attributes that were dropped.")
            .value(|n| event(n, 3)),
        counter("node_mountstats_nfs_event_vfs_open_total")
            .help("Files and directories opened.")
            .value(|n| event(n, 4)),
        counter("node_mountstats_nfs_event_vfs_lookup_total")
            .help("Names looked up.")
            .value(|n| event(n, 5)),
        counter("node_mountstats_nfs_event_vfs_access_total")
            .help("Permissions checked.")
            .value(|n| event(n, 6)),
        counter("node_mountstats_nfs_event_vfs_update_page_total")
            .help("Updates of pages.")
            .value(|n| event(n, 7)),
        counter("node_mountstats_nfs_event_vfs_read_page_total")
            .help("Pages read one by one.")
            .value(|n| event(n, 8)),
        counter("node_mountstats_nfs_event_vfs_read_pages_total")
            .help("Groups of pages read.")
            .value(|n| event(n, 9)),
        counter("node_mountstats_nfs_event_vfs_write_page_total")
            .help("Pages written one by one.")
            .value(|n| event(n, 10)),
        counter("node_mountstats_nfs_event_vfs_write_pages_total")
            .help("Groups of pages written.")
            .value(|n| event(n, 11)),
        counter("node_mountstats_nfs_event_vfs_getdents_total")
            .help("Directories read.")
            .value(|n| event(n, 12)),
        counter("node_mountstats_nfs_event_vfs_setattr_total")
            .help("Attributes set.")
            .value(|n| event(n, 13)),
        counter("node_mountstats_nfs_event_vfs_flush_total")
            .help("Flushes of what waits to be written.")
            .value(|n| event(n, 14)),
        counter("node_mountstats_nfs_event_vfs_fsync_total")
            .help("Calls of fsync.")
            .value(|n| event(n, 15)),
        counter("node_mountstats_nfs_event_vfs_lock_total")
            .help("Locks asked for.")
            .value(|n| event(n, 16)),
        counter("node_mountstats_nfs_event_vfs_file_release_total")
            .help("Files closed.")
            .value(|n| event(n, 17)),
        counter("node_mountstats_nfs_event_truncation_total")
            .help("Files truncated.")
            .value(|n| event(n, 19)),
        counter("node_mountstats_nfs_event_write_extension_total")
            .help("Files that grew by a write behind their end.")
            .value(|n| event(n, 20)),
        counter("node_mountstats_nfs_event_silly_rename_total")
            .help("Files removed while somebody had them open.")
            .value(|n| event(n, 21)),
        counter("node_mountstats_nfs_event_short_read_total")
            .help("Replies with less data than was asked for.")
            .value(|n| event(n, 22)),
        counter("node_mountstats_nfs_event_short_write_total")
            .help("Writes of which the server took a part.")
            .value(|n| event(n, 23)),
        counter("node_mountstats_nfs_event_jukebox_delay_total")
            .help("Replies that asked to come back later.")
            .value(|n| event(n, 24)),
        counter("node_mountstats_nfs_event_pnfs_read_total")
            .help("Reads over pNFS.")
            .value(|n| event(n, 25)),
        counter("node_mountstats_nfs_event_pnfs_write_total")
            .help("Writes over pNFS.")
            .value(|n| event(n, 26)),
    ],
};

fn event(numbers: &Numbers, which: usize) -> Option<f64> {
    count(numbers.events.get(which).copied())
}

pub(super) static OPERATIONS: Table<Operation, 4> = Table {
    labels: ["export", "protocol", "mountaddr", "operation"],
    metrics: &[
        counter("node_mountstats_nfs_operations_requests_total")
            .help("Requests of an operation.")
            .value(|o| count(o.requests)),
        counter("node_mountstats_nfs_operations_transmissions_total")
            .help("Requests sent, those sent again included.")
            .value(|o| count(o.transmissions)),
        counter("node_mountstats_nfs_operations_major_timeouts_total")
            .help("Requests that took longer than the longest wait.")
            .value(|o| count(o.major_timeouts)),
        counter("node_mountstats_nfs_operations_sent_bytes_total")
            .help("Bytes sent.")
            .value(|o| count(o.sent_bytes)),
        counter("node_mountstats_nfs_operations_received_bytes_total")
            .help("Bytes received.")
            .value(|o| count(o.received_bytes)),
        counter("node_mountstats_nfs_operations_queue_time_seconds_total")
            .help("Seconds that requests waited to be sent.")
            .value(|o| millis(anew(o.queue_ms))),
        counter("node_mountstats_nfs_operations_response_time_seconds_total")
            .help("Seconds from sending to the reply.")
            .value(|o| millis(anew(o.response_ms))),
        counter("node_mountstats_nfs_operations_request_time_seconds_total")
            .help("Seconds from the queue to the end.")
            .value(|o| millis(anew(o.request_ms))),
    ],
};

/// Times begin anew at 2⁵³ milliseconds, as in `node_exporter`: some kernels' counters go below 0.
fn anew(ms: u64) -> u64 {
    ms % (1 << 53)
}

pub(super) static TRANSPORTS: Table<Transport, 4> = Table {
    labels: ["export", "protocol", "mountaddr", "transport"],
    metrics: &[
        counter("node_mountstats_nfs_transport_bind_total")
            .help("Times the server was looked for from scratch.")
            .value(|t| count(t.binds)),
        counter("node_mountstats_nfs_transport_connect_total")
            .help("Connections made.")
            .value(|t| count(t.connects)),
        gauge("node_mountstats_nfs_transport_idle_time_seconds")
            .help("Seconds since the last traffic.")
            .value(|t| count(t.idle_seconds)),
        counter("node_mountstats_nfs_transport_sends_total")
            .help("Requests sent.")
            .value(|t| count(t.sends)),
        counter("node_mountstats_nfs_transport_receives_total")
            .help("Replies received.")
            .value(|t| count(t.receives)),
        counter("node_mountstats_nfs_transport_bad_transaction_ids_total")
            .help("Replies to no request.")
            .value(|t| count(t.bad_xids)),
        counter("node_mountstats_nfs_transport_backlog_queue_total")
            .help("Requests that waited for a slot, added up at each request.")
            .value(|t| count(t.backlog)),
        gauge("node_mountstats_nfs_transport_maximum_rpc_slots")
            .help("The most requests that ever were under way at once.")
            .value(|t| count(t.most_slots)),
        counter("node_mountstats_nfs_transport_sending_queue_total")
            .help("Requests that waited to be sent, added up at each request.")
            .value(|t| count(t.sending)),
        counter("node_mountstats_nfs_transport_pending_queue_total")
            .help("Requests that waited for their reply, added up at each request.")
            .value(|t| count(t.pending)),
    ],
};
