//! Tape drives: what they did.
//!
//! See [the kernel's documentation](https://docs.kernel.org/scsi/st.html).

use std::path::Path;

use clap::Args;

use crate::collector::attribute::{self, Attribute, Device};
use crate::collector::filter::{Filter, Flag};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Described, Descriptor, Text, counter, gauge};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::{number, numbered};

static NUMBERS: [Attribute<1>; 10] = [
    raw("in_flight", gauge("node_tape_io_now").help("I/Os in progress.")),
    seconds("io_ns", counter("node_tape_io_time_seconds_total").help("Seconds spent by all I/Os.")),
    raw(
        "other_cnt",
        counter("node_tape_io_others_total").help("I/Os that neither read nor wrote."),
    ),
    raw("read_byte_cnt", counter("node_tape_read_bytes_total").help("Bytes read.")),
    raw("read_cnt", counter("node_tape_reads_completed_total").help("Reads completed.")),
    seconds(
        "read_ns",
        counter("node_tape_read_time_seconds_total").help("Seconds spent by all reads."),
    ),
    raw(
        "resid_cnt",
        counter("node_tape_residual_total")
            .help("Times less or more was read or written than asked for."),
    ),
    raw("write_byte_cnt", counter("node_tape_written_bytes_total").help("Bytes written.")),
    raw("write_cnt", counter("node_tape_writes_completed_total").help("Writes completed.")),
    seconds(
        "write_ns",
        counter("node_tape_write_time_seconds_total").help("Seconds spent by all writes."),
    ),
];

const fn raw(file: &'static str, family: Described) -> Attribute<1> {
    Attribute::new(file, number, family.labels(["device"]))
}

const fn seconds(file: &'static str, family: Described) -> Attribute<1> {
    let seconds = |text: &[u8]| number(text).map(|nanoseconds| nanoseconds * 1e-9);
    Attribute::new(file, seconds, family.labels(["device"]))
}

const IGNORED: &str = "collector.tapestats.ignored-devices";

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of tape drives to leave out
    #[arg(id = IGNORED, long, value_name = "REGEXP", default_value = "^$")]
    ignored: String,
}

/// Collects what tape drives did.
pub struct Tapestats {
    ignored: Filter,
    drives: Found<Vec<Device<1>>>,
}

impl Collector for Tapestats {
    const NAME: &'static str = "tapestats";
    const ABOUT: &'static str = "What tape drives did.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/scsi_tape")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&NUMBERS)
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let ignored = Filter::both(
            Flag { name: IGNORED, value: None },
            Flag { name: IGNORED, value: Some(&flags.ignored) },
        )?;
        Ok(Self { ignored, drives: Found::new(roots.sys.join("class/scsi_tape")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { ignored, drives } = self;
        let drives = drives.get(host.now, |dir| find(dir, ignored))?;
        attribute::write(&NUMBERS, drives, host, text);
        Ok(())
    }
}

/// Of each drive there are further names, such as `nst0` and `st0l`, for its ways of use.
fn find(dir: &Path, ignored: &mut Filter) -> Result<Vec<Device<1>>> {
    let mut drives = files::names(dir)?;
    drives.retain(|name| numbered(name, b"st").is_some() && !ignored.ignores(name));
    let device = |name: &[u8]| Device::new(files::below(dir, name).join("stats"), [name]);
    Ok(drives.iter().map(|name| device(name)).collect())
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_drives_did() {
        expect::<Tapestats>(&[], "tapestats");
        expect::<Tapestats>(&["--collector.tapestats.ignored-devices=st0"], "tapestats_ignored");
        expect_absent::<Tapestats>(&[]);
    }
}
