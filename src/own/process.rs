//! The exporter's own process: `process_*`, as every Prometheus client has it.
//!
//! `process_network_*` of Go's client is left out: it counts the network namespace, not the process.

use nix::sys::resource::{Resource, getrlimit};
use procfs::FromRead;
use procfs::process::Stat;

use crate::exposition::{Table, Text, count, counter, gauge};
use crate::files::{Files, Kept, Result};
use crate::kernel::Malformed;

pub(super) static PROCESS: Table<Numbers> = Table {
    labels: [],
    metrics: &[
        counter("process_cpu_seconds_total")
            .help("Seconds of CPU, user and system, that the exporter has used.")
            .value(|n| Some(n.cpu_seconds)),
        gauge("process_max_fds")
            .help("How many files the exporter may have open.")
            .value(|n| count(n.max_fds)),
        gauge("process_open_fds")
            .help("How many files the exporter has open.")
            .value(|n| count(n.open_fds)),
        gauge("process_resident_memory_bytes")
            .help("Bytes of memory that the exporter has resident.")
            .value(|n| count(n.resident_bytes)),
        gauge("process_start_time_seconds")
            .help("When the exporter started, in seconds since the epoch.")
            .value(|n| n.start_time_seconds),
        gauge("process_threads")
            .help("How many threads the exporter has.")
            .value(|n| count(n.threads)),
        gauge("process_virtual_memory_bytes")
            .help("Bytes of address space that the exporter uses.")
            .value(|n| count(n.virtual_bytes)),
        gauge("process_virtual_memory_max_bytes")
            .help("Bytes of address space that the exporter may use.")
            .value(|n| count(n.max_virtual_bytes)),
    ],
};

/// What is said of the process.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Numbers {
    cpu_seconds: f64,
    resident_bytes: u64,
    virtual_bytes: u64,
    threads: u64,
    /// `None` where `/proc/stat` is not to be read.
    start_time_seconds: Option<f64>,
    /// `None` where `/proc/self/fd` is not to be read.
    open_fds: Option<u64>,
    /// `None` where the kernel does not tell.
    max_fds: Option<u64>,
    /// Of which `u64::MAX` is no limit; `None` where the kernel does not tell.
    max_virtual_bytes: Option<u64>,
}

/// Reads `/proc/self`, and keeps it open: two system calls a time, since Linux 6.2.
#[derive(Debug)]
pub(super) struct Process {
    files: Files,
    stat: Kept,
    directory: Option<procfs::process::Process>,
    units: Units,
    /// The limits, which are taken to stay as they were at the start.
    max_fds: Option<u64>,
    max_virtual_bytes: Option<u64>,
}

/// What the kernel counts in.
#[derive(Clone, Copy, Debug)]
struct Units {
    ticks_per_second: u64,
    page_bytes: u64,
    /// When the host started, in seconds since the epoch.
    boot_seconds: Option<u64>,
}

impl Process {
    /// The process itself, whichever `/proc` the host's is.
    pub(super) fn own() -> Self {
        Self {
            files: Files::default(),
            stat: Kept::new("/proc/self/stat".into()),
            directory: procfs::process::Process::myself().ok(),
            units: Units {
                ticks_per_second: procfs::ticks_per_second(),
                page_bytes: procfs::page_size(),
                boot_seconds: procfs::boot_time_secs().ok(),
            },
            max_fds: limit(Resource::RLIMIT_NOFILE),
            max_virtual_bytes: limit(Resource::RLIMIT_AS),
        }
    }

    /// Writes what is known of the process now.
    pub(super) fn write(&mut self, text: &mut Text) -> Result<()> {
        let units = self.units;
        let mut numbers = self
            .files
            .load_kept(&mut self.stat, |text| parse(text, units))?;
        let fds = self.directory.as_ref().and_then(|own| own.fd_count().ok());
        numbers.open_fds = fds.and_then(|fds| u64::try_from(fds).ok());
        numbers.max_fds = self.max_fds;
        numbers.max_virtual_bytes = self.max_virtual_bytes;
        text.table(&PROCESS, [((), &numbers)]);
        Ok(())
    }
}

/// The soft limit of a resource.
fn limit(resource: Resource) -> Option<u64> {
    getrlimit(resource).ok().map(|(soft, _)| soft)
}

/// Parses `1234 (exporter) S 1 1234 …`, a line of 52 fields.
fn parse(text: &[u8], units: Units) -> Result<Numbers, Malformed> {
    let expected = Malformed { line: 1, expected: "the state of a process" };
    let stat = Stat::from_read(text).map_err(|_| expected)?;
    let seconds = |ticks: u64| ticks as f64 / units.ticks_per_second as f64;
    Ok(Numbers {
        cpu_seconds: seconds(stat.utime.saturating_add(stat.stime)),
        resident_bytes: stat.rss.saturating_mul(units.page_bytes),
        virtual_bytes: stat.vsize,
        threads: u64::try_from(stat.num_threads).unwrap_or_default(),
        start_time_seconds: units
            .boot_seconds
            .map(|boot| boot as f64 + seconds(stat.starttime)),
        ..Numbers::default()
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    const UNITS: Units =
        Units { ticks_per_second: 100, page_bytes: 4096, boot_seconds: Some(1_700_000_000) };

    #[test]
    fn reads_the_state_of_a_process() {
        let line = b"4242 (odd ) name) S 1 4242 4242 0 -1 4194304 900 0 2 0 150 25 0 0 20 0 3 0 \
            6050 12345344 700 18446744073709551615 1 1 0 0 0 0 0 4096 17663 0 0 0 17 1 0 0 0 0 0 0 \
            0 0 0 0 0 0 0\n";
        let expected = Numbers {
            cpu_seconds: 1.75,
            resident_bytes: 700 * 4096,
            virtual_bytes: 12_345_344,
            threads: 3,
            start_time_seconds: Some(1_700_000_060.5),
            ..Numbers::default()
        };
        assert_eq!(parse(line, UNITS), Ok(expected));
    }

    #[test]
    fn says_where_a_state_is_odd() {
        let odd = Malformed { line: 1, expected: "the state of a process" };
        assert_eq!(parse(b"4242 (name) S 1 4242 many\n", UNITS), Err(odd));
    }
}
