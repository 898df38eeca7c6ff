//! Watchdogs, which restart a host that hangs.
//!
//! See [the kernel's documentation](https://docs.kernel.org/watchdog/watchdog-api.html).

use std::path::Path;

use crate::collector::attribute::{self, Attribute, Device, Word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge, info};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::number;

static NUMBERS: [Attribute<1>; 7] = [
    at(
        "bootstatus",
        "node_watchdog_bootstatus",
        "Why the host was started, as flags of the watchdog; 0 where it had no part in it.",
    ),
    at("fw_version", "node_watchdog_fw_version", "Version of the watchdog's firmware."),
    at(
        "nowayout",
        "node_watchdog_nowayout",
        "Whether the watchdog, once started, cannot be stopped.",
    ),
    at(
        "timeleft",
        "node_watchdog_timeleft_seconds",
        "Seconds until the watchdog restarts the host if nobody feeds it.",
    ),
    at("timeout", "node_watchdog_timeout_seconds", "Seconds the watchdog waits to be fed."),
    at(
        "pretimeout",
        "node_watchdog_pretimeout_seconds",
        "Seconds before it restarts the host at which the watchdog warns.",
    ),
    at(
        "access_cs0",
        "node_watchdog_access_cs0",
        "Whether the host was started from the alternative boot source.",
    ),
];

const fn at(file: &'static str, name: &'static str, help: &'static str) -> Attribute<1> {
    Attribute::new(file, number, gauge(name).help(help).labels(["name"]))
}

static INFO: Family<6> = info("node_watchdog_info")
    .help("What a watchdog says of itself, as labels.")
    .labels(["name", "options", "identity", "state", "status", "pretimeout_governor"]);

/// Collects the state of watchdogs.
pub struct Watchdog {
    found: Found<Watchdogs>,
}

#[derive(Debug, Default)]
struct Watchdogs {
    devices: Vec<Device<1>>,
    /// Of each device, in the order of the labels.
    words: Vec<[Word; 5]>,
}

impl Collector for Watchdog {
    const NAME: &'static str = "watchdog";
    const ABOUT: &'static str = "Watchdogs, which restart a host that hangs.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/watchdog")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        attribute::descriptors(&NUMBERS).chain([INFO.descriptor()])
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("class/watchdog")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Watchdogs { devices, words } = self.found.get(host.now, |dir| find(dir, host))?;
        attribute::write(&NUMBERS, devices, host, text);
        let mut family = text.family(&INFO);
        for (device, words) in devices.iter().zip(words) {
            words.iter_mut().for_each(|word| word.refresh(host));
            let [options, identity, state, status, governor] = words
                .each_ref()
                .map(|word| Some(word.get().unwrap_or_default()));
            let [name] = device.labels();
            family.sample([name, options, identity, state, status, governor], 1.0);
        }
        Ok(())
    }
}

fn find(dir: &Path, host: &mut Host) -> Result<Watchdogs> {
    let mut found = Watchdogs::default();
    for name in files::names(dir)? {
        let dir = files::below(dir, &name);
        found.words.push([
            Word::fixed(dir.join("options"), host),
            Word::fixed(dir.join("identity"), host),
            Word::live(dir.join("state")),
            Word::live(dir.join("status")),
            Word::live(dir.join("pretimeout_governor")),
        ]);
        found.devices.push(Device::new(dir, [&name]));
    }
    Ok(found)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_how_watchdogs_do() {
        expect::<Watchdog>(&[], "watchdog");
        expect_absent::<Watchdog>(&[]);
    }
}
