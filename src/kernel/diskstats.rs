//! `/proc/diskstats`: what block devices did since boot.
//!
//! See [the kernel's documentation](https://docs.kernel.org/admin-guide/iostats.html).

use super::{Line, Malformed, lines};

/// What one block device did since boot.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Disk {
    /// Reads completed.
    pub reads: u64,
    /// Reads merged with others.
    pub reads_merged: u64,
    /// Sectors read, of 512 bytes.
    pub read_sectors: u64,
    /// Milliseconds spent by all reads.
    pub read_ms: u64,
    /// Writes completed.
    pub writes: u64,
    /// Writes merged with others.
    pub writes_merged: u64,
    /// Sectors written, of 512 bytes.
    pub written_sectors: u64,
    /// Milliseconds spent by all writes.
    pub write_ms: u64,
    /// I/Os in progress.
    pub in_progress: u64,
    /// Milliseconds in which there was one.
    pub io_ms: u64,
    /// Milliseconds, weighted by how many there were.
    pub weighted_io_ms: u64,
    /// Discards completed, since Linux 4.18.
    pub discards: Option<u64>,
    /// Discards merged with others, since Linux 4.18.
    pub discards_merged: Option<u64>,
    /// Sectors discarded, of 512 bytes, since Linux 4.18.
    pub discarded_sectors: Option<u64>,
    /// Milliseconds spent by all discards, since Linux 4.18.
    pub discard_ms: Option<u64>,
    /// Flushes completed, since Linux 5.5.
    pub flushes: Option<u64>,
    /// Milliseconds spent by all flushes, since Linux 5.5.
    pub flush_ms: Option<u64>,
}

/// A line under way: a device, and its numbers still to be read.
#[derive(Clone, Copy, Debug)]
pub struct Device<'a> {
    /// Major and minor number.
    pub number: (u32, u32),
    /// Name, such as `nvme0n1`.
    pub name: &'a [u8],
    rest: Line<'a>,
}

/// Parses one device a line: `259 0 nvme0n1 47114 4 4643973 21650 …`.
pub fn each<'a>(
    text: &'a [u8],
    mut each: impl FnMut(Device<'a>) -> Result<(), Malformed>,
) -> Result<(), Malformed> {
    for mut line in lines(text) {
        let number = (line.number("a major number")?, line.number("a minor number")?);
        let name = line.field().ok_or(line.malformed("a device name"))?;
        each(Device { number, name, rest: line })?;
    }
    Ok(())
}

impl Device<'_> {
    /// Its numbers. `None` for the short lines that kernels before 2.6.25 gave of partitions.
    pub fn disk(self) -> Result<Option<Disk>, Malformed> {
        let mut line = self.rest;
        let fields = std::iter::from_fn({
            let mut line = line;
            move || line.field()
        });
        if fields.count() < 11 {
            return Ok(None);
        }
        Ok(Some(Disk {
            reads: line.count("reads completed")?,
            reads_merged: line.count("reads merged")?,
            read_sectors: line.count("sectors read")?,
            read_ms: line.count("time reading")?,
            writes: line.count("writes completed")?,
            writes_merged: line.count("writes merged")?,
            written_sectors: line.count("sectors written")?,
            write_ms: line.count("time writing")?,
            in_progress: line.count("I/Os in progress")?,
            io_ms: line.count("time doing I/Os")?,
            weighted_io_ms: line.count("weighted time doing I/Os")?,
            discards: line.newer_count("discards completed")?,
            discards_merged: line.newer_count("discards merged")?,
            discarded_sectors: line.newer_count("sectors discarded")?,
            discard_ms: line.newer_count("time discarding")?,
            flushes: line.newer_count("flushes completed")?,
            flush_ms: line.newer_count("time flushing")?,
        }))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Disks = Vec<(String, Option<Disk>)>;

    fn disks(text: &[u8]) -> Result<Disks, Malformed> {
        let mut disks = Vec::new();
        each(text, |device| {
            disks.push((String::from_utf8_lossy(device.name).into(), device.disk()?));
            Ok(())
        })?;
        Ok(disks)
    }

    #[test]
    fn knows_old_and_new_kernels() {
        let text = b" 259 0 nvme0n1 1 2 3 4 5 6 7 8 9 10 11\n 8 0 sda 1 2 3 4 5 6 7 8 9 10 11 12 13 14 15\n 8 1 sda1 1 2 3 4\n";
        let old = Disk {
            reads: 1,
            reads_merged: 2,
            read_sectors: 3,
            read_ms: 4,
            writes: 5,
            writes_merged: 6,
            written_sectors: 7,
            write_ms: 8,
            in_progress: 9,
            io_ms: 10,
            weighted_io_ms: 11,
            ..Disk::default()
        };
        let new = Disk {
            discards: Some(12),
            discards_merged: Some(13),
            discarded_sectors: Some(14),
            discard_ms: Some(15),
            ..old
        };
        let expected =
            [("nvme0n1".into(), Some(old)), ("sda".into(), Some(new)), ("sda1".into(), None)];
        assert_eq!(disks(text).unwrap(), expected);
    }

    #[test]
    fn names_what_is_wrong() {
        let text = b"8 0 sda 1 2 x 4 5 6 7 8 9 10 11\n";
        assert_eq!(disks(text).unwrap_err().to_string(), "line 1: sectors read expected");
    }
}
