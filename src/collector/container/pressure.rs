//! Pressure stall information of each container: how long it waited for CPUs, memory and disks.

use super::{read_each, write};
use crate::cgroup::Stalls;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Table, Text, counter, micros};
use crate::files::{Result, Roots};

static STALLS: Table<Stalls> = Table {
    labels: [],
    metrics: &[
        counter("container_pressure_cpu_waiting_seconds_total")
            .help("Seconds in which some task waited for a CPU.")
            .value(|s| micros(s.cpu?.some_usec)),
        counter("container_pressure_cpu_stalled_seconds_total")
            .help("Seconds in which all tasks waited for a CPU; since Linux 5.13.")
            .value(|s| micros(s.cpu?.full_usec)),
        counter("container_pressure_memory_waiting_seconds_total")
            .help("Seconds in which some task waited for memory.")
            .value(|s| micros(s.memory?.some_usec)),
        counter("container_pressure_memory_stalled_seconds_total")
            .help("Seconds in which all tasks waited for memory.")
            .value(|s| micros(s.memory?.full_usec)),
        counter("container_pressure_io_waiting_seconds_total")
            .help("Seconds in which some task waited for a disk.")
            .value(|s| micros(s.io?.some_usec)),
        counter("container_pressure_io_stalled_seconds_total")
            .help("Seconds in which all tasks waited for a disk.")
            .value(|s| micros(s.io?.full_usec)),
    ],
};

/// Collects the pressure on containers.
pub struct Pressure {
    rows: Vec<Option<Stalls>>,
}

impl Collector for Pressure {
    const NAME: &'static str = "container.pressure";
    const ABOUT: &'static str = "Pressure stall information of each container; cgroup v2 alone.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/fs/cgroup"), Need::Read("/proc/1/mountinfo")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        STALLS.descriptors()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { rows: Vec::new() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let of_host = host.shared.stalls;
        read_each(host, &mut self.rows, |container, files| {
            let known = of_host.filter(|_| container.is_whole_host());
            known.map_or_else(|| container.stalls(files), Ok).map(Some)
        })?;
        write(&STALLS, host, &self.rows, text);
        Ok(())
    }
}
