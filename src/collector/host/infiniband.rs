//! InfiniBand and its like: adapters, their ports, and what went through them.
//!
//! See [the kernel's documentation](https://docs.kernel.org/infiniband/sysfs.html).

mod counters;
mod hardware;

use std::path::Path;

use clap::Args;

use self::counters::COUNTERS;
use self::hardware::HARDWARE;
use crate::collector::attribute::{self, Attribute, Device, word};
use crate::collector::filter::{Filter, Flag};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge, info};
use crate::files::{self, Files, Result, Roots};
use crate::kernel::attribute::{number, state};

static INFO: Family<4> = info("node_infiniband_info")
    .help("What an adapter says of itself, as labels.")
    .labels(["device", "board_id", "firmware_version", "hca_type"]);

static PORTS: [Attribute<2>; 3] = [
    Attribute::new(
        "state",
        state,
        gauge("node_infiniband_state_id")
            .help("State of the port: 1 down, 2 being set up, 3 armed, 4 active, 5 active but deferring.")
            .labels(["device", "port"]),
    ),
    Attribute::new(
        "phys_state",
        state,
        gauge("node_infiniband_physical_state_id")
            .help("Physical state of the port: 1 asleep, 2 polling, 3 switched off, 4 training, 5 up, 6 recovering.")
            .labels(["device", "port"]),
    ),
    Attribute::new(
        "rate",
        rate,
        gauge("node_infiniband_rate_bytes_per_second")
            .help("Bytes the port can send in a second.")
            .labels(["device", "port"]),
    ),
];

/// Reads `100 Gb/sec (4X EDR)`.
fn rate(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|&b| b == b' ')?;
    let (gigabits, _) = text.split_at(end);
    number(gigabits).map(|gigabits| (gigabits * 125_000_000.0).trunc())
}

const INCLUDE: &str = "collector.infiniband.device-include";
const EXCLUDE: &str = "collector.infiniband.device-exclude";

/// Its own flags.
#[derive(Args)]
#[group(skip)]
pub struct Flags {
    /// Regular expression of adapters to take, and no others
    #[arg(id = INCLUDE, long, value_name = "REGEXP")]
    include: Option<String>,
    /// Regular expression of adapters to leave out
    #[arg(id = EXCLUDE, long, value_name = "REGEXP")]
    exclude: Option<String>,
}

/// Collects what went through adapters.
pub struct Infiniband {
    filter: Filter,
    found: Found<Adapters>,
}

#[derive(Debug, Default)]
struct Adapters {
    /// In the order of the labels.
    names: Vec<[Box<[u8]>; 4]>,
    ports: Vec<Device<2>>,
    counters: Vec<Device<2>>,
    hardware: Vec<Device<2>>,
}

impl Collector for Infiniband {
    const NAME: &'static str = "infiniband";
    const ABOUT: &'static str = "InfiniBand adapters, and what went through them.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/infiniband")];
    type Flags = Flags;

    fn families() -> impl Iterator<Item = Descriptor> {
        [INFO.descriptor()]
            .into_iter()
            .chain(attribute::descriptors(&PORTS))
            .chain(attribute::descriptors(&COUNTERS))
            .chain(attribute::descriptors(&HARDWARE))
    }

    fn new(flags: Flags, roots: &Roots) -> Result<Self> {
        let filter = Filter::both(
            Flag { name: INCLUDE, value: flags.include.as_deref() },
            Flag { name: EXCLUDE, value: flags.exclude.as_deref() },
        )?;
        Ok(Self { filter, found: Found::new(roots.sys.join("class/infiniband")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { filter, found } = self;
        let found = found.get(host.now, |dir| find(dir, filter, &mut host.files))?;
        let mut family = text.family(&INFO);
        for names in &found.names {
            family.sample(names.each_ref().map(|name| Some(&**name)), 1.0);
        }
        attribute::write(&PORTS, &mut found.ports, host, text);
        attribute::write(&COUNTERS, &mut found.counters, host, text);
        attribute::write(&HARDWARE, &mut found.hardware, host, text);
        Ok(())
    }
}

fn find(dir: &Path, filter: &mut Filter, files: &mut Files) -> Result<Adapters> {
    let mut found = Adapters::default();
    for name in files::names(dir)? {
        if filter.ignores(&name) {
            continue;
        }
        let dir = files::below(dir, &name);
        for port in files::names(&dir.join("ports")).unwrap_or_default() {
            let dir = files::below(&dir.join("ports"), &port);
            found
                .counters
                .push(Device::new(dir.clone(), [&name, &port]));
            // Others have files of these names too, and mean something else by them.
            if name.starts_with(b"mlx5_") || name.starts_with(b"irdma") {
                found
                    .hardware
                    .push(Device::new(dir.join("hw_counters"), [&name, &port]));
            }
            found.ports.push(Device::new(dir, [&name, &port]));
        }
        let mut word = |file| word(&dir.join(file), files).unwrap_or_default();
        let (board, firmware, kind) = (word("board_id"), word("fw_ver"), word("hca_type"));
        found.names.push([name, board, firmware, kind]);
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_went_through_adapters() {
        expect::<Infiniband>(&[], "infiniband");
        let flags = ["--collector.infiniband.device-exclude=^mlx"];
        expect::<Infiniband>(&flags, "infiniband_exclude");
        expect_absent::<Infiniband>(&[]);
    }

    #[test]
    fn reads_rates() {
        assert_eq!(
            [rate(b"2.5 Gb/sec (1X SDR)\n"), rate(b"fast"), rate(b"x Gb/sec")],
            [Some(312_500_000.0), None, None]
        );
    }
}
