//! What the network namespaces of a task did.

use std::path::{Path, PathBuf};

use super::sum::Sum;
use crate::collector::container::process_file;
use crate::container::Container;
use crate::files::{Files, Result};
use crate::kernel::netdev::Interface;
use crate::kernel::{Malformed, decimal, lines};

/// What network namespaces did.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) struct Traffic {
    /// Received: bytes, packets, errors, dropped.
    pub(super) receive: [u64; 4],
    /// Sent: bytes, packets, errors, dropped.
    pub(super) transmit: [u64; 4],
    /// Segments of TCP that were sent again. `None` where the kernel does not say.
    pub(super) retransmits: Option<u64>,
}

impl Traffic {
    /// What interfaces did.
    pub(super) fn of(sum: &Interface) -> Self {
        let (r, t) = (sum.receive, sum.transmit);
        Self {
            receive: [r.bytes, r.packets, r.errs, r.drop],
            transmit: [t.bytes, t.packets, t.errs, t.drop],
            retransmits: None,
        }
    }

    /// What namespaces did together. `None` where there never was one.
    pub(super) fn sum(of: [Option<u64>; 9]) -> Option<Self> {
        let [a, b, c, d, e, f, g, h, retransmits] = of;
        Some(Self { receive: [a?, b?, c?, d?], transmit: [e?, f?, g?, h?], retransmits })
    }
}

/// Notes what the network namespace did that a container owns: received, sent, sent again. Says whether
/// it owns one.
pub(super) fn note(
    networks: &mut Sum<u64, 9>,
    container: &mut Container,
    proc: &Path,
    files: &mut Files,
    path: &mut PathBuf,
) -> Result<bool> {
    let Some((namespace, sum)) = container.network() else { return Ok(false) };
    let sent_again = match networks.last(&namespace) {
        // Nothing was sent, and so nothing again: the file is dear, and most namespaces are quiet.
        Some([.., packets, _, _, known @ Some(_)]) if *packets == Some(sum.transmit.packets) => {
            *known
        }
        _ => match container.process(proc, files)? {
            Some(process) => {
                process_file(proc, process.pid, "net/snmp", path);
                files.load_whole(path, retransmits).unwrap_or_default()
            }
            None => None,
        },
    };
    let Traffic { receive, transmit, .. } = Traffic::of(&sum);
    let mut all = [sent_again; 9];
    for (all, n) in all.iter_mut().zip(receive.into_iter().chain(transmit)) {
        *all = Some(n);
    }
    networks.part(&namespace, all);
    Ok(true)
}

/// Finds the segments that were sent again:
///
/// ```text
/// Tcp: RtoAlgorithm RtoMin … RetransSegs InErrs OutRsts InCsumErrors
/// Tcp: 1 200 … 12 0 34 0
/// ```
fn retransmits(text: &[u8]) -> std::result::Result<Option<u64>, Malformed> {
    let mut tcp =
        lines(text).filter_map(|mut line| (line.field() == Some(b"Tcp:")).then_some(line));
    let (Some(mut names), Some(mut numbers)) = (tcp.next(), tcp.next()) else { return Ok(None) };
    while let (Some(name), Some(number)) = (names.field(), numbers.field()) {
        if name == b"RetransSegs" {
            return Ok(decimal(number));
        }
    }
    Ok(None)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn finds_the_segments_that_were_sent_again() {
        let text = b"Ip: A\nIp: 1\nTcp: RtoMin RetransSegs InErrs\nTcp: 200 12 0\nUdp: X\nUdp: 1\n";
        assert_eq!(retransmits(text), Ok(Some(12)));
        for none in
            [&b""[..], b"Tcp: RetransSegs\n", b"Tcp: A\nTcp: 1\n", b"Tcp: RetransSegs\nTcp:\n"]
        {
            assert_eq!(retransmits(none), Ok(None));
        }
    }
}
