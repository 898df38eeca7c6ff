//! Block devices on cgroup v1, see [the kernel's documentation][1].
//!
//! A device is accounted for by its I/O scheduler where that knows of groups, else by what throttles.
//! A host may have disks of both kinds, so all are asked, and the first that knows a device is believed.
//! Each sums up a group and all below it: one that knows no device of a group knows none of those in it.
//!
//! [1]: https://docs.kernel.org/admin-guide/cgroup-v1/blkio-controller.html

use super::{Cgroup, Controller, File, Io};
use crate::files::{Files, Result};
use crate::kernel::{Malformed, lines, mountinfo};

/// Who accounts for devices: files of bytes, requests, and of what schedulers alone know.
struct Source {
    bytes: File,
    serviced: File,
    more: Option<More>,
}

/// Files that a scheduler has, some of them in kernels made to be debugged alone.
struct More {
    time: File,
    merged: File,
    queued: File,
}

pub(super) const THROTTLE_BYTES: File = file(4, "blkio.throttle.io_service_bytes_recursive");
pub(super) const THROTTLE_SERVICED: File = file(5, "blkio.throttle.io_serviced_recursive");
pub(super) const BFQ_BYTES: File = file(6, "blkio.bfq.io_service_bytes_recursive");
pub(super) const BFQ_SERVICED: File = file(7, "blkio.bfq.io_serviced_recursive");

/// BFQ, then CFQ, which is gone since Linux 5.0, then what throttles.
const SOURCES: [Source; 3] = [
    Source {
        bytes: BFQ_BYTES,
        serviced: BFQ_SERVICED,
        more: Some(More {
            time: file(18, "blkio.bfq.io_service_time_recursive"),
            merged: file(19, "blkio.bfq.io_merged_recursive"),
            queued: file(20, "blkio.bfq.io_queued_recursive"),
        }),
    },
    Source {
        bytes: file(21, "blkio.io_service_bytes_recursive"),
        serviced: file(22, "blkio.io_serviced_recursive"),
        more: Some(More {
            time: file(23, "blkio.io_service_time_recursive"),
            merged: file(24, "blkio.io_merged_recursive"),
            queued: file(25, "blkio.io_queued_recursive"),
        }),
    },
    Source { bytes: THROTTLE_BYTES, serviced: THROTTLE_SERVICED, more: None },
];

const fn file(slot: usize, name: &'static str) -> File {
    File(slot, Controller::Io, name)
}

/// Which of those who account for devices may know any.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Known([bool; SOURCES.len()]);

impl Default for Known {
    /// Any of them.
    fn default() -> Self {
        Self([true; SOURCES.len()])
    }
}

/// Asks those who may know. Says who knows any device.
pub(super) fn io(
    group: &mut Cgroup,
    Known(mut known): Known,
    out: &mut Vec<Io>,
    files: &mut Files,
) -> Result<Known> {
    let start = out.len();
    for (source, known) in SOURCES.iter().zip(&mut known).filter(|(_, known)| **known) {
        let own = out.len();
        let mut read = |file, put: fn(&mut Io, &[u8], u64)| {
            group.load(file, files, |text| parse(text, out, (start, own), put))
        };
        *known = read(source.bytes, bytes)?.unwrap_or(false);
        if !*known {
            continue; // What moved no bytes made no requests.
        }
        read(source.serviced, serviced)?;
        if let Some(more) = &source.more {
            read(more.time, time)?;
            read(more.merged, merged)?;
            read(more.queued, queued)?;
        }
    }
    Ok(Known(known))
}

fn bytes(io: &mut Io, operation: &[u8], n: u64) {
    match operation {
        b"Read" => io.read_bytes = Some(n),
        b"Write" => io.written_bytes = Some(n),
        b"Discard" => io.discarded_bytes = Some(n),
        _ => {}
    }
}

fn serviced(io: &mut Io, operation: &[u8], n: u64) {
    match operation {
        b"Read" => io.reads = Some(n),
        b"Write" => io.writes = Some(n),
        _ => {}
    }
}

/// In nanoseconds.
fn time(io: &mut Io, operation: &[u8], n: u64) {
    match operation {
        b"Read" => io.read_nsec = Some(n),
        b"Write" => io.write_nsec = Some(n),
        b"Total" => io.io_nsec = Some(n),
        _ => {}
    }
}

fn merged(io: &mut Io, operation: &[u8], n: u64) {
    match operation {
        b"Read" => io.reads_merged = Some(n),
        b"Write" => io.writes_merged = Some(n),
        _ => {}
    }
}

fn queued(io: &mut Io, operation: &[u8], n: u64) {
    if operation == b"Total" {
        io.queued = Some(n);
    }
}

/// `blkio.throttle.io_service_bytes` and its like: `259:0 Read 1024`, and `Total 1024` at the end.
/// Each number goes into the device's row, which is looked for from `own` on. Devices between `start`
/// and there are known from a better source. Says whether there is any.
fn parse(
    text: &[u8],
    out: &mut Vec<Io>,
    (start, own): (usize, usize),
    put: fn(&mut Io, &[u8], u64),
) -> Result<bool, Malformed> {
    let mut any = false;
    for mut line in lines(text) {
        let first = line.field().ok_or(line.malformed("major:minor"))?;
        if first == b"Total" {
            continue;
        }
        any = true;
        let device = mountinfo::numbers(first).ok_or(line.malformed("major:minor"))?;
        let operation = line.field().ok_or(line.malformed("an operation"))?;
        let n = line.count("a number")?;
        let known = out.iter().skip(start).position(|io| io.device == device);
        let at = known.map_or(out.len(), |at| start + at);
        if known.is_none() {
            out.push(Io { device, ..Io::default() });
        }
        if let Some(io) = out.get_mut(at).filter(|_| at >= own) {
            put(io, operation, n);
        }
    }
    Ok(any)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn puts_the_numbers_of_a_device_into_one_row() {
        let row = |device, reads| Io { device, reads, ..Io::default() };
        let mut out = vec![row((8, 0), None), row((8, 16), Some(7))];
        let text =
            b"259:0 Read 10\n259:0 Write 20\n259:0 Sync 30\n8:0 Read 1\n8:16 Read 9\nTotal 30\n";
        let read = |io: &mut Io, operation: &[u8], n| {
            if operation == b"Read" {
                io.reads = Some(n);
            }
        };
        assert_eq!(parse(text, &mut out, (1, 2), read), Ok(true));
        let rows = [
            row((8, 0), None), // another group's
            row((8, 16), Some(7)),
            row((259, 0), Some(10)),
            row((8, 0), Some(1)),
        ];
        assert_eq!(out, rows);
        let wrong = parse(b"259:0 Read\n", &mut out, (0, 0), read).unwrap_err();
        assert_eq!(wrong.to_string(), "line 1: a number expected");
        assert_eq!(parse(b"Total 0\n", &mut out, (0, 0), read), Ok(false));
    }

    #[test]
    fn knows_what_the_operations_mean() {
        let mut io = Io::default();
        let puts = [bytes, serviced, time, merged, queued];
        for (put, n) in puts.into_iter().zip([10, 20, 30, 40, 50]) {
            for (i, operation) in ["Read", "Write", "Discard", "Total", "Sync"]
                .iter()
                .enumerate()
            {
                put(&mut io, operation.as_bytes(), n + i as u64);
            }
        }
        let expected = Io {
            read_bytes: Some(10),
            written_bytes: Some(11),
            discarded_bytes: Some(12),
            reads: Some(20),
            writes: Some(21),
            read_nsec: Some(30),
            write_nsec: Some(31),
            io_nsec: Some(33),
            reads_merged: Some(40),
            writes_merged: Some(41),
            queued: Some(53),
            ..Io::default()
        };
        assert_eq!(io, expected);
    }
}
