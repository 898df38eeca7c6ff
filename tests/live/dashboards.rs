//! Names that public dashboards and alerts of containers ask for.

use std::collections::BTreeSet;

use crate::common::exposition::Sample;

/// Of Grafana's dashboards 193 and 14282, of dockprom, of Grafana's Docker mixin, and of collections of
/// alerts: names of containers, and those of the host that stand beside them.
const ASKED: &[&str] = &[
    "cadvisor_version_info",
    "container_cpu_cfs_periods_total",
    "container_cpu_cfs_throttled_periods_total",
    "container_cpu_cfs_throttled_seconds_total",
    "container_cpu_load_average_10s",
    "container_cpu_system_seconds_total",
    "container_cpu_usage_seconds_total",
    "container_cpu_user_seconds_total",
    "container_fs_inodes_free",
    "container_fs_inodes_total",
    "container_fs_io_current",
    "container_fs_io_time_seconds_total",
    "container_fs_io_time_weighted_seconds_total",
    "container_fs_limit_bytes",
    "container_fs_read_seconds_total",
    "container_fs_reads_bytes_total",
    "container_fs_reads_merged_total",
    "container_fs_reads_total",
    "container_fs_sector_reads_total",
    "container_fs_sector_writes_total",
    "container_fs_usage_bytes",
    "container_fs_write_seconds_total",
    "container_fs_writes_bytes_total",
    "container_fs_writes_merged_total",
    "container_fs_writes_total",
    "container_last_seen",
    "container_memory_cache",
    "container_memory_failcnt",
    "container_memory_failures_total",
    "container_memory_mapped_file",
    "container_memory_max_usage_bytes",
    "container_memory_rss",
    "container_memory_usage_bytes",
    "container_memory_working_set_bytes",
    "container_network_receive_bytes_total",
    "container_network_receive_errors_total",
    "container_network_receive_packets_dropped_total",
    "container_network_receive_packets_total",
    "container_network_transmit_bytes_total",
    "container_network_transmit_errors_total",
    "container_network_transmit_packets_dropped_total",
    "container_network_transmit_packets_total",
    "container_oom_events_total",
    "container_scrape_error",
    "container_spec_cpu_period",
    "container_spec_cpu_quota",
    "container_spec_cpu_shares",
    "container_spec_memory_limit_bytes",
    "container_spec_memory_reservation_limit_bytes",
    "container_spec_memory_swap_limit_bytes",
    "container_start_time_seconds",
    "container_tasks_state",
    "container_threads",
    "container_threads_max",
    "machine_cpu_cores",
    "machine_memory_bytes",
    "node_boot_time_seconds",
    "node_context_switches_total",
    "node_cpu_seconds_total",
    "node_disk_io_time_seconds_total",
    "node_disk_read_bytes_total",
    "node_disk_reads_completed_total",
    "node_disk_writes_completed_total",
    "node_disk_written_bytes_total",
    "node_filesystem_avail_bytes",
    "node_filesystem_files",
    "node_filesystem_files_free",
    "node_filesystem_free_bytes",
    "node_filesystem_size_bytes",
    "node_intr_total",
    "node_load1",
    "node_load15",
    "node_load5",
    "node_memory_Buffers_bytes",
    "node_memory_Cached_bytes",
    "node_memory_MemAvailable_bytes",
    "node_memory_MemFree_bytes",
    "node_memory_MemTotal_bytes",
    "node_memory_SwapFree_bytes",
    "node_memory_SwapTotal_bytes",
    "node_network_receive_bytes_total",
    "node_network_transmit_bytes_total",
    "node_procs_blocked",
    "node_procs_running",
    "node_uname_info",
    "process_start_time_seconds",
];

/// Names that some kernels have no numbers for: `container_memory_swap` needs one that accounts for
/// swap.
const OF_SOME_KERNELS: &[&str] = &["container_memory_swap"];

/// Names that are off by default, as in cAdvisor.
const BEHIND_FLAGS: &[&str] = &[
    "container_file_descriptors",
    "container_network_tcp6_usage_total",
    "container_network_tcp_usage_total",
    "container_network_udp_usage_total",
    "container_processes",
    "container_sockets",
];

/// What switches them on.
pub const FLAGS: &[&str] = &[
    "--collector.container.files",
    "--collector.container.process.count",
    "--collector.container.tcp",
    "--collector.container.udp",
];

/// Each name has samples by default, but for those that are behind flags.
pub fn have_what_they_ask_for(samples: &[Sample], with_flags: &[Sample]) {
    let names = |samples: &'_ [Sample]| -> BTreeSet<String> {
        samples.iter().map(|sample| sample.name.clone()).collect()
    };
    let (by_default, with_flags) = (names(samples), names(with_flags));
    let lacks = |asked: &[&'static str], there: &BTreeSet<String>| -> Vec<_> {
        asked
            .iter()
            .copied()
            .filter(|name| !there.contains(*name))
            .collect()
    };
    let (none, nor) = (lacks(ASKED, &by_default), lacks(BEHIND_FLAGS, &with_flags));
    assert!(none.is_empty() && nor.is_empty(), "without samples: {none:?}, with flags {nor:?}");
    eprintln!("of this kernel without samples: {:?}", lacks(OF_SOME_KERNELS, &by_default));
}
