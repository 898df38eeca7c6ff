//! The families of `awsecscontainermetrics`, in the three spellings that ADOT has had.

use crate::exposition::{Descriptor, Metric, Table, Text, count, gauge};
use crate::exposition::{Family, LabelBlock};

/// What a task or a container uses, in ADOT's units.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct Usage {
    /// Bytes in use, the most that ever were, and that may be.
    pub(super) memory: [Option<u64>; 3],
    /// Whole MiB in use without the page cache.
    pub(super) utilized_mib: Option<u64>,
    /// MiB of the definition.
    pub(super) reserved_mib: Option<f64>,
    /// Nanoseconds on a CPU: in all, in the kernel, in user space.
    pub(super) cpu_nsec: [Option<u64>; 3],
    /// CPUs of the host.
    pub(super) cpus: Option<u64>,
    /// Nanoseconds of all CPUs of the host.
    pub(super) system_nsec: Option<u64>,
    /// As ADOT computes it: of a task CPU units in use, of a container per cent of what it reserves.
    pub(super) utilized: Option<f64>,
    /// CPU units of the definition.
    pub(super) reserved_units: Option<f64>,
    /// CPUs in use.
    pub(super) vcpu: Option<f64>,
    /// Bytes a second received and sent.
    pub(super) rates: [Option<f64>; 2],
    /// Received: bytes, packets, errors, dropped.
    pub(super) receive: [Option<u64>; 4],
    /// Sent: bytes, packets, errors, dropped.
    pub(super) transmit: [Option<u64>; 4],
    /// Bytes read from disks and written to them.
    pub(super) storage: [Option<u64>; 2],
}

/// How ADOT's names are spelt.
#[derive(Clone, Copy, Debug, PartialEq, Eq, clap::ValueEnum)]
pub(super) enum Spelling {
    /// Without units, as until ADOT 0.34 and by `add_metric_suffixes: false`.
    Plain,
    /// With units, among them `Megabytes`, as from ADOT 0.35 to 0.46.
    Megabytes,
    /// With units, among them `MiB`, since ADOT 0.48.
    Mib,
}

/// The 26 metrics that tasks and containers share. A macro, because a name is put together when the
/// program is compiled: of the level, the measure and the suffix of its unit.
macro_rules! metrics {
    ($level:literal, $bytes:literal, $mib:literal, $nsec:literal, $count:literal, $none:literal,
     $vcpu:literal, $rate:literal) => {
        &[
            gauge(concat!($level, "memory_usage", $bytes))
                .help("Bytes of memory in use.")
                .value(|u| count(u.memory[0])),
            gauge(concat!($level, "memory_usage_max", $bytes))
                .help("The most bytes of memory that ever were in use.")
                .value(|u| count(u.memory[1])),
            gauge(concat!($level, "memory_usage_limit", $bytes))
                .help("Bytes of memory that may be used; what the host has where there is no limit.")
                .value(|u| count(u.memory[2])),
            gauge(concat!($level, "memory_utilized", $mib))
                .help("Whole MiB of memory in use, without page cache that can be dropped.")
                .value(|u| count(u.utilized_mib)),
            gauge(concat!($level, "memory_reserved", $mib))
                .help("MiB of memory of the definition; 0 for none.")
                .value(|u| u.reserved_mib),
            gauge(concat!($level, "cpu_usage_total", $nsec))
                .help("Nanoseconds on a CPU.")
                .value(|u| count(u.cpu_nsec[0])),
            gauge(concat!($level, "cpu_usage_kernelmode", $nsec))
                .help("Nanoseconds on a CPU in the kernel.")
                .value(|u| count(u.cpu_nsec[1])),
            gauge(concat!($level, "cpu_usage_usermode", $nsec))
                .help("Nanoseconds on a CPU in user space.")
                .value(|u| count(u.cpu_nsec[2])),
            gauge(concat!($level, "cpu_cores", $count))
                .help("CPUs of the host.")
                .value(|u| count(u.cpus)),
            gauge(concat!($level, "cpu_onlines", $count))
                .help("CPUs of the host that are online.")
                .value(|u| count(u.cpus)),
            gauge(concat!($level, "cpu_usage_system", $nsec))
                .help("Nanoseconds of all CPUs of the host.")
                .value(|u| count(u.system_nsec)),
            gauge(concat!($level, "cpu_utilized", $none))
                .help("CPU in use since the scrape before: of a task in CPU units, of a container in per cent of a CPU for each reserved unit.")
                .value(|u| u.utilized),
            gauge(concat!($level, "cpu_reserved", $none))
                .help("CPU units of the definition.")
                .value(|u| u.reserved_units),
            gauge(concat!($level, "cpu_usage_vcpu", $vcpu))
                .help("CPUs in use since the scrape before.")
                .value(|u| u.vcpu),
            gauge(concat!($level, "network_rate_rx", $rate))
                .help("Bytes a second received since the scrape before.")
                .value(|u| u.rates[0]),
            gauge(concat!($level, "network_rate_tx", $rate))
                .help("Bytes a second sent since the scrape before.")
                .value(|u| u.rates[1]),
            gauge(concat!($level, "network_io_usage_rx_bytes", $bytes))
                .help("Bytes received.")
                .value(|u| count(u.receive[0])),
            gauge(concat!($level, "network_io_usage_rx_packets", $count))
                .help("Packets received.")
                .value(|u| count(u.receive[1])),
            gauge(concat!($level, "network_io_usage_rx_errors", $count))
                .help("Packets received with errors.")
                .value(|u| count(u.receive[2])),
            gauge(concat!($level, "network_io_usage_rx_dropped", $count))
                .help("Packets dropped while receiving.")
                .value(|u| count(u.receive[3])),
            gauge(concat!($level, "network_io_usage_tx_bytes", $bytes))
                .help("Bytes sent.")
                .value(|u| count(u.transmit[0])),
            gauge(concat!($level, "network_io_usage_tx_packets", $count))
                .help("Packets sent.")
                .value(|u| count(u.transmit[1])),
            gauge(concat!($level, "network_io_usage_tx_errors", $count))
                .help("Packets not sent for errors.")
                .value(|u| count(u.transmit[2])),
            gauge(concat!($level, "network_io_usage_tx_dropped", $count))
                .help("Packets dropped while sending.")
                .value(|u| count(u.transmit[3])),
            gauge(concat!($level, "storage_read_bytes", $bytes))
                .help("Bytes read from block devices.")
                .value(|u| count(u.storage[0])),
            gauge(concat!($level, "storage_write_bytes", $bytes))
                .help("Bytes written to block devices.")
                .value(|u| count(u.storage[1])),
        ]
    };
    ($level:literal, $mib:literal) => {
        metrics!(
            $level,
            "_Bytes",
            $mib,
            "_Nanoseconds",
            "_Count",
            "_None",
            "_vCPU",
            "_Bytes_per_Second"
        )
    };
    ($level:literal) => {
        metrics!($level, "", "", "", "", "", "", "")
    };
}

/// The families of tasks and of containers, and that of containers that ended.
pub(super) struct Families {
    tasks: Table<Usage>,
    containers: Table<Usage>,
    duration: Family<0>,
}

const fn table(metrics: &'static [Metric<Usage>]) -> Table<Usage> {
    Table { labels: [], metrics }
}

const fn duration(name: &'static str) -> Family<0> {
    gauge(name)
        .help("Seconds for which a container ran that ended.")
        .labels([])
}

static PLAIN: Families = Families {
    tasks: table(metrics!("ecs_task_")),
    containers: table(metrics!("container_")),
    duration: duration("container_duration"),
};

static MEGABYTES: Families = Families {
    tasks: table(metrics!("ecs_task_", "_Megabytes")),
    containers: table(metrics!("container_", "_Megabytes")),
    duration: duration("container_duration_Seconds"),
};

static MIB: Families = Families {
    tasks: table(metrics!("ecs_task_", "_MiB")),
    containers: table(metrics!("container_", "_MiB")),
    duration: duration("container_duration_Seconds"),
};

impl Families {
    pub(super) fn spelt(spelling: Spelling) -> &'static Self {
        match spelling {
            Spelling::Plain => &PLAIN,
            Spelling::Megabytes => &MEGABYTES,
            Spelling::Mib => &MIB,
        }
    }

    pub(super) fn descriptors(&'static self) -> impl Iterator<Item = Descriptor> {
        self.tasks
            .descriptors()
            .chain(self.containers.descriptors())
            .chain([self.duration.descriptor()])
    }

    pub(super) fn tasks<'r>(
        &'static self,
        rows: impl Iterator<Item = (&'r LabelBlock, &'r Usage)> + Clone,
        text: &mut Text,
    ) {
        text.table(&self.tasks, rows);
    }

    pub(super) fn containers<'r>(
        &'static self,
        rows: impl Iterator<Item = (&'r LabelBlock, &'r Usage)> + Clone,
        text: &mut Text,
    ) {
        text.table(&self.containers, rows);
    }

    pub(super) fn ended<'r>(
        &'static self,
        rows: impl Iterator<Item = (&'r LabelBlock, f64)>,
        text: &mut Text,
    ) {
        let mut family = text.family(&self.duration);
        for (labels, seconds) in rows {
            family.sample(labels, seconds);
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn spellings_differ_in_the_units_alone() {
        let names = |spelling| {
            let all = Families::spelt(spelling).descriptors();
            all.map(|family| family.name).collect::<Vec<_>>()
        };
        let [plain, megabytes, mib] =
            [Spelling::Plain, Spelling::Megabytes, Spelling::Mib].map(names);
        assert_eq!((plain.len(), megabytes.len(), mib.len()), (53, 53, 53));
        for ((plain, megabytes), mib) in plain.iter().zip(&megabytes).zip(&mib) {
            assert!(megabytes.starts_with(&format!("{plain}_")), "{megabytes}");
            assert_eq!(megabytes.replace("_Megabytes", "_MiB"), **mib);
        }
        assert!(megabytes.contains(&"ecs_task_memory_utilized_Megabytes"));
        assert!(mib.contains(&"ecs_task_network_rate_rx_Bytes_per_Second"));
        assert!(mib.contains(&"container_cpu_usage_vcpu_vCPU"));
    }
}
