//! `/proc/net/softnet_stat`: packets that wait for a CPU after the network card has received them.

use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, count, counter, gauge};
use crate::files::{Kept, Result, Roots};
use crate::kernel::{Malformed, hex, lines};

static CPUS: Table<Cpu, 1> = Table {
    labels: ["cpu"],
    metrics: &[
        counter("node_softnet_processed_total")
            .help("Packets processed.")
            .value(|c| count(c.processed)),
        counter("node_softnet_dropped_total")
            .help("Packets dropped because the queue was full.")
            .value(|c| count(c.dropped)),
        counter("node_softnet_times_squeezed_total")
            .help("How often processing stopped with packets left, because its time was up.")
            .value(|c| count(c.times_squeezed)),
        counter("node_softnet_cpu_collision_total")
            .help("Collisions on the lock of a device while sending; always 0 since Linux 4.8.")
            .value(|c| count(c.cpu_collision)),
        counter("node_softnet_received_rps_total")
            .help("How often another CPU woke this one to process packets.")
            .value(|c| count(c.received_rps)),
        counter("node_softnet_flow_limit_count_total")
            .help("How often the limit of a flow was reached.")
            .value(|c| count(c.flow_limit_count)),
        gauge("node_softnet_backlog_len")
            .help("Packets in the queue.")
            .value(|c| count(c.backlog_len)),
    ],
};

/// Collects what CPUs did with packets.
pub struct Softnet {
    file: Kept,
    cpus: Vec<(u32, Cpu)>,
}

impl Collector for Softnet {
    const NAME: &'static str = "softnet";
    const ABOUT: &'static str = "Packets between network card and network stack, by CPU.";
    const NEEDS: &'static [Need] = &[Need::Read("/proc/1/net/softnet_stat")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        CPUS.descriptors()
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { file: roots.net_file("softnet_stat", Kept::new), cpus: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { file, cpus } = self;
        cpus.clear();
        host.files
            .load_kept(file, |text| each(text, |id, cpu| cpus.push((id, cpu))))?;
        text.table(&CPUS, cpus.iter().map(|(id, cpu)| (*id, cpu)));
        Ok(())
    }
}

/// What one CPU did, each number a count. What a kernel does not count is 0.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Cpu {
    /// Packets processed.
    pub processed: u64,
    /// Packets dropped.
    pub dropped: u64,
    /// Times its time was up with packets left.
    pub times_squeezed: u64,
    /// Collisions on a device's lock.
    pub cpu_collision: u64,
    /// Times another CPU woke it, since Linux 2.6.35.
    pub received_rps: u64,
    /// Times the limit of a flow was reached, since Linux 3.11.
    pub flow_limit_count: u64,
    /// Packets in the queue, since Linux 5.10.
    pub backlog_len: u64,
}

/// Parses a line of 9 to 15 hexadecimal numbers for each CPU. The 13th is the CPU's number; without
/// it CPUs are counted from 0.
///
/// ```text
/// 000dfb82 00000029 0000000a 00000000 00000000 00000000 00000000 00000000 00000001 0000000b 00000006 00000003 00000001
/// ```
pub fn each(text: &[u8], mut each: impl FnMut(u32, Cpu)) -> Result<(), Malformed> {
    const NUMBERS: &str = "9 or more hexadecimal numbers";
    for (mut line, nth) in lines(text).zip(0u32..) {
        let mut columns = [0u64; 13];
        let mut found = 0;
        for column in &mut columns {
            if line.rest().is_empty() {
                break;
            }
            *column = hex::field(&mut line, NUMBERS)?;
            found += 1;
        }
        if found < 9 {
            return Err(line.malformed(NUMBERS));
        }
        let [processed, dropped, times_squeezed, .., cpu_collision, rps, limits, backlog, id] =
            columns;
        let whole = found == columns.len();
        let id = if whole { u32::try_from(id).map_err(|_| line.malformed("a CPU"))? } else { nth };
        let cpu = Cpu {
            processed,
            dropped,
            times_squeezed,
            cpu_collision,
            received_rps: rps,
            flow_limit_count: limits,
            backlog_len: if whole { backlog } else { 0 },
        };
        each(id, cpu);
    }
    Ok(())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn says_what_each_cpu_did() {
        let expected = r#"# TYPE node_softnet_processed_total counter
node_softnet_processed_total{cpu="0"} 299641
node_softnet_processed_total{cpu="1"} 916354
node_softnet_processed_total{cpu="3"} 348612
# TYPE node_softnet_dropped_total counter
node_softnet_dropped_total{cpu="0"} 0
node_softnet_dropped_total{cpu="1"} 41
node_softnet_dropped_total{cpu="3"} 0
# TYPE node_softnet_times_squeezed_total counter
node_softnet_times_squeezed_total{cpu="0"} 1
node_softnet_times_squeezed_total{cpu="1"} 10
node_softnet_times_squeezed_total{cpu="3"} 27
# TYPE node_softnet_cpu_collision_total counter
node_softnet_cpu_collision_total{cpu="0"} 0
node_softnet_cpu_collision_total{cpu="1"} 1
node_softnet_cpu_collision_total{cpu="3"} 0
# TYPE node_softnet_received_rps_total counter
node_softnet_received_rps_total{cpu="0"} 0
node_softnet_received_rps_total{cpu="1"} 11
node_softnet_received_rps_total{cpu="3"} 0
# TYPE node_softnet_flow_limit_count_total counter
node_softnet_flow_limit_count_total{cpu="0"} 0
node_softnet_flow_limit_count_total{cpu="1"} 6
node_softnet_flow_limit_count_total{cpu="3"} 0
# TYPE node_softnet_backlog_len gauge
node_softnet_backlog_len{cpu="0"} 0
node_softnet_backlog_len{cpu="1"} 3
node_softnet_backlog_len{cpu="3"} 0
"#;
        assert_eq!(exposed::<Softnet>("node-network", &[]), expected);
    }

    #[test]
    fn older_kernels_have_fewer_columns() {
        let parsed = |text: &str| {
            let mut cpus = Vec::new();
            each(text.as_bytes(), |id, cpu| cpus.push((id, cpu))).map(|()| cpus)
        };
        let nine = Cpu {
            processed: 16,
            dropped: 2,
            times_squeezed: 3,
            cpu_collision: 9,
            ..Cpu::default()
        };
        assert_eq!(parsed("10 2 3 4 5 6 7 8 9\n"), Ok(vec![(0, nine)]));
        let eleven = Cpu { received_rps: 10, flow_limit_count: 11, ..nine };
        let line = "10 2 3 4 5 6 7 8 9 a b\n";
        assert_eq!(parsed(&line.repeat(2)), Ok(vec![(0, eleven), (1, eleven)]));
        let wrong = Malformed { line: 1, expected: "9 or more hexadecimal numbers" };
        assert_eq!(parsed("1 2 3 4 5 6 7 8\n"), Err(wrong.clone()));
        assert_eq!(parsed("1 2 3 4 5 6 7 8 x\n"), Err(wrong));
    }
}
