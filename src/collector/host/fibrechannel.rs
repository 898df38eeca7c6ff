//! Fibre Channel: the host's ports, and what went through them.

use std::path::Path;

use crate::collector::attribute::{KEPT, Number, Word};
use crate::collector::found::Found;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, counter, info};
use crate::files::{self, Result, Roots};
use crate::kernel::attribute::hex;

static COUNTERS: [(&str, Family<1>); 14] = [
    at(
        "dumped_frames",
        "node_fibrechannel_dumped_frames_total",
        "Frames dropped for want of memory.",
    ),
    at("error_frames", "node_fibrechannel_error_frames_total", "Frames with errors."),
    at(
        "fcp_packet_aborts",
        "node_fibrechannel_fcp_packet_aborts_total",
        "Packets of SCSI commands given up.",
    ),
    at("invalid_crc_count", "node_fibrechannel_invalid_crc_total", "Frames with a wrong checksum."),
    at(
        "invalid_tx_word_count",
        "node_fibrechannel_invalid_tx_words_total",
        "Words that were no code.",
    ),
    at("link_failure_count", "node_fibrechannel_link_failure_total", "Times the link failed."),
    at(
        "loss_of_signal_count",
        "node_fibrechannel_loss_of_signal_total",
        "Times the signal was lost.",
    ),
    at(
        "loss_of_sync_count",
        "node_fibrechannel_loss_of_sync_total",
        "Times the synchronisation was lost.",
    ),
    at("nos_count", "node_fibrechannel_nos_total", "Times the other end was not operational."),
    at("rx_frames", "node_fibrechannel_rx_frames_total", "Frames received."),
    at("rx_words", "node_fibrechannel_rx_words_total", "Words of 4 bytes received."),
    at(
        "seconds_since_last_reset",
        "node_fibrechannel_seconds_since_last_reset_total",
        "Seconds since these numbers began at 0.",
    ),
    at("tx_frames", "node_fibrechannel_tx_frames_total", "Frames sent."),
    at("tx_words", "node_fibrechannel_tx_words_total", "Words of 4 bytes sent."),
];

const fn at(
    file: &'static str,
    name: &'static str,
    help: &'static str,
) -> (&'static str, Family<1>) {
    (file, counter(name).help(help).labels(["fc_host"]))
}

static INFO: Family<11> = info("node_fibrechannel_info")
    .help("What a port says of itself, as labels.")
    .labels(INFO_LABELS);

/// The name of the port, and files.
const INFO_LABELS: [&str; 11] = [
    "fc_host",
    "speed",
    "port_state",
    "port_type",
    "port_id",
    "port_name",
    "fabric_name",
    "symbolic_name",
    "supported_classes",
    "supported_speeds",
    "dev_loss_tmo",
];

/// Collects what went through ports of Fibre Channel.
pub struct FibreChannel {
    found: Found<Vec<Port>>,
}

#[derive(Debug)]
struct Port {
    name: Box<[u8]>,
    /// In the order of the labels.
    words: [Word; 10],
    /// In the order of [`COUNTERS`].
    counts: [Number; COUNTERS.len()],
}

impl Collector for FibreChannel {
    const NAME: &'static str = "fibrechannel";
    const ABOUT: &'static str = "Ports of Fibre Channel, and what went through them.";
    const NEEDS: &'static [Need] = &[Need::Read("/sys/class/fc_host")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        let counters = COUNTERS.iter().map(|(_, family)| family.descriptor());
        [INFO.descriptor()].into_iter().chain(counters)
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { found: Found::new(roots.sys.join("class/fc_host")) })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let ports = self.found.get(host.now, |dir| find(dir, host))?;
        let mut family = text.family(&INFO);
        for port in &mut *ports {
            port.words.iter_mut().for_each(|word| word.refresh(host));
            let [a, b, c, d, e, f, g, h, i, j] = port.words.each_ref().map(|word| {
                let word = word.get().unwrap_or_default();
                // What it says of addresses, it says without their 0x.
                Some(word.strip_prefix(b"0x").unwrap_or(word))
            });
            family.sample([Some(&*port.name), a, b, c, d, e, f, g, h, i, j], 1.0);
        }
        for (place, (_, family)) in COUNTERS.iter().enumerate() {
            let mut family = text.family(family);
            for Port { name, counts, .. } in &mut *ports {
                if let Some(count) = counts
                    .get_mut(place)
                    .and_then(|count| count.get(known, host))
                {
                    family.sample(&**name, count);
                }
            }
        }
        Ok(())
    }
}

/// All bits set is what a driver says of numbers it does not have.
fn known(text: &[u8]) -> Option<u64> {
    hex(text).filter(|count| *count != u64::MAX)
}

fn find(dir: &Path, host: &mut Host) -> Result<Vec<Port>> {
    let mut ports = Vec::new();
    for name in files::names(dir)? {
        let dir = files::below(dir, &name);
        let [_, speed, state, kind, id, port, fabric, symbolic, classes, speeds, loss] =
            INFO_LABELS.map(|file| dir.join(file));
        let live = [speed, state, kind, id].map(Word::live);
        let [speed, state, kind, id] = live;
        let fabric = Word::live(fabric);
        let [port, symbolic, classes, speeds, loss] =
            [port, symbolic, classes, speeds, loss].map(|path| Word::fixed(path, host));
        let words = [speed, state, kind, id, port, fabric, symbolic, classes, speeds, loss];
        let counts = COUNTERS.each_ref().map(|(file, _)| {
            let path = dir.join("statistics").join(file);
            match (ports.len() + 1) * COUNTERS.len() <= KEPT {
                true => Number::new(path),
                false => Number::brief(path),
            }
        });
        ports.push(Port { name, words, counts });
    }
    Ok(ports)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing::{expect, expect_absent};

    #[test]
    fn says_what_went_through_ports() {
        expect::<FibreChannel>(&[], "fibrechannel");
        expect_absent::<FibreChannel>(&[]);
    }
}
