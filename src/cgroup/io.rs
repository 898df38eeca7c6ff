//! What groups and the host did to block devices, in the words of both versions.
//!
//! What a group does is counted in all the groups around, too. A group is read only where the one around
//! it did something since.

use super::quiet::{Held, fingerprint};
use super::{Cgroup, Known, Version, blkio, v2};
use crate::files::{Files, Result};

/// What a control group and its descendants did to one block device.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct Io {
    /// Major and minor number.
    pub device: (u32, u32),
    /// Bytes read.
    pub read_bytes: Option<u64>,
    /// Bytes written.
    pub written_bytes: Option<u64>,
    /// Reads, a count.
    pub reads: Option<u64>,
    /// Writes, a count.
    pub writes: Option<u64>,
    /// Bytes discarded.
    pub discarded_bytes: Option<u64>,
    /// Reads merged with others, a count. Of a group on cgroup v1 alone, with a scheduler that tells.
    pub reads_merged: Option<u64>,
    /// Writes merged with others, a count. As above.
    pub writes_merged: Option<u64>,
    /// Nanoseconds spent by all reads. As above.
    pub read_nsec: Option<u64>,
    /// Nanoseconds spent by all writes. As above.
    pub write_nsec: Option<u64>,
    /// Nanoseconds of I/O: spent by all requests of a group, or for which the whole host had any.
    pub io_nsec: Option<u64>,
    /// Nanoseconds, weighted by how many requests there were. Of the whole host alone.
    pub weighted_nsec: Option<u64>,
    /// Requests that wait or are under way, a count. Of a group on cgroup v1 alone.
    pub queued: Option<u64>,
    /// What the device's cost model says.
    pub cost: IoCost,
}

/// What a group's I/O cost by the model of `io.cost`. Each is `None` on cgroup v1, where the model is
/// not switched on for the device, and the last three in kernels that do not tell them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub struct IoCost {
    /// Microseconds of the device's time.
    pub usage_usec: Option<u64>,
    /// Microseconds for which requests were held back.
    pub wait_usec: Option<u64>,
    /// Microseconds in debt.
    pub indebt_usec: Option<u64>,
    /// Microseconds for which tasks were held back to pay a debt.
    pub indelay_usec: Option<u64>,
}

/// What is held of a group, and who knew of it.
#[derive(Clone, Debug, Default)]
pub(super) struct Moved {
    devices: Vec<Io>,
    known: Known,
    fingerprint: u64,
}

impl Cgroup {
    /// What it did to block devices, appended to `out`. Says who, of those that may `know`, knows of
    /// any: of the groups in it nobody else does.
    pub fn io(&mut self, know: Known, out: &mut Vec<Io>, files: &mut Files) -> Result<Known> {
        self.tell_moved(None);
        let at = self.stands_moved_within();
        let held = self.quiet.as_ref().map(|quiet| &quiet.moved);
        if let Some(Held { value: moved, .. }) = held.filter(|held| held.holds(at)) {
            out.extend_from_slice(&moved.devices);
            self.tell_moved(Some(moved.fingerprint));
            return Ok(moved.known);
        }
        let start = out.len();
        let known = match self.home.version() {
            Version::V1 => blkio::io(self, know, out, files)?,
            Version::V2 => v2::io(self, out, files).map(|()| know)?,
        };
        let devices = out.get(start..).unwrap_or_default();
        let fingerprint = fingerprint(&devices);
        if at.is_some() {
            let held = &mut self.quiet.get_or_insert_default().moved;
            held.value.devices.clear();
            held.value.devices.extend_from_slice(devices);
            (held.value.known, held.value.fingerprint) = (known, fingerprint);
            held.mark(at, self.now);
        }
        self.tell_moved(Some(fingerprint));
        Ok(known)
    }
}
