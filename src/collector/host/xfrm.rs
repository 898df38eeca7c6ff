//! `/proc/net/xfrm_stat`: packets that IPsec could not handle.

use std::path::PathBuf;

use crate::collector::absent::Absent;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, counter};
use crate::files::{Result, Roots};
use crate::kernel::{Malformed, lines};

/// A name in the file, and the family it is shown as. `node_exporter` shows these, all of them: what
/// a kernel does not count is 0.
struct Error(&'static [u8], Family<0>);

const fn error(name: &'static [u8], family: &'static str, help: &'static str) -> Error {
    Error(name, counter(family).help(help).labels([]))
}

/// How many.
const ERRORS: usize = 28;

static FAMILIES: [Error; ERRORS] = [
    error(
        b"XfrmAcquireError",
        "node_xfrm_acquire_error_packets_total",
        "States not fully acquired before use.",
    ),
    error(
        b"XfrmFwdHdrError",
        "node_xfrm_fwd_hdr_error_packets_total",
        "Forward routing of a packet was not allowed.",
    ),
    error(b"XfrmInBufferError", "node_xfrm_in_buffer_error_packets_total", "No buffer was left."),
    error(
        b"XfrmInError",
        "node_xfrm_in_error_packets_total",
        "Errors on the way in that no other counter matches.",
    ),
    error(b"XfrmInHdrError", "node_xfrm_in_hdr_error_packets_total", "Headers that were wrong."),
    error(
        b"XfrmInNoPols",
        "node_xfrm_in_no_pols_packets_total",
        "No policy for states on the way in.",
    ),
    error(
        b"XfrmInNoStates",
        "node_xfrm_in_no_states_packets_total",
        "No state on the way in: the SPI, address or protocol is wrong.",
    ),
    error(
        b"XfrmInPolBlock",
        "node_xfrm_in_pol_block_packets_total",
        "Packets that a policy discards on the way in.",
    ),
    error(
        b"XfrmInPolError",
        "node_xfrm_in_pol_error_packets_total",
        "Errors of policies on the way in.",
    ),
    error(
        b"XfrmInStateExpired",
        "node_xfrm_in_state_expired_packets_total",
        "States that had expired on the way in.",
    ),
    error(
        b"XfrmInStateInvalid",
        "node_xfrm_in_state_invalid_packets_total",
        "States that were invalid on the way in.",
    ),
    error(
        b"XfrmInStateMismatch",
        "node_xfrm_in_state_mismatch_packets_total",
        "States with an option that does not match, as UDP encapsulation.",
    ),
    error(
        b"XfrmInStateModeError",
        "node_xfrm_in_state_mode_error_packets_total",
        "Errors of a transformation mode on the way in.",
    ),
    error(
        b"XfrmInStateProtoError",
        "node_xfrm_in_state_proto_error_packets_total",
        "Errors of a transformation protocol on the way in, as a wrong key.",
    ),
    error(
        b"XfrmInStateSeqError",
        "node_xfrm_in_state_seq_error_packets_total",
        "Sequence numbers outside the window on the way in.",
    ),
    error(
        b"XfrmInTmplMismatch",
        "node_xfrm_in_tmpl_mismatch_packets_total",
        "No template matches the states on the way in.",
    ),
    error(
        b"XfrmOutBundleCheckError",
        "node_xfrm_out_bundle_check_error_packets_total",
        "Bundles that failed their check.",
    ),
    error(
        b"XfrmOutBundleGenError",
        "node_xfrm_out_bundle_gen_error_packets_total",
        "Bundles that could not be made.",
    ),
    error(
        b"XfrmOutError",
        "node_xfrm_out_error_packets_total",
        "Errors on the way out that no other counter matches.",
    ),
    error(b"XfrmOutNoStates", "node_xfrm_out_no_states_packets_total", "No state on the way out."),
    error(
        b"XfrmOutPolBlock",
        "node_xfrm_out_pol_block_packets_total",
        "Packets that a policy discards on the way out.",
    ),
    error(
        b"XfrmOutPolDead",
        "node_xfrm_out_pol_dead_packets_total",
        "Policies that were dead on the way out.",
    ),
    error(
        b"XfrmOutPolError",
        "node_xfrm_out_pol_error_packets_total",
        "Errors of policies on the way out.",
    ),
    error(
        b"XfrmOutStateExpired",
        "node_xfrm_out_state_expired_packets_total",
        "States that had expired on the way out.",
    ),
    error(
        b"XfrmOutStateInvalid",
        "node_xfrm_out_state_invalid_packets_total",
        "States that were invalid on the way out.",
    ),
    error(
        b"XfrmOutStateModeError",
        "node_xfrm_out_state_mode_error_packets_total",
        "Errors of a transformation mode on the way out.",
    ),
    error(
        b"XfrmOutStateProtoError",
        "node_xfrm_out_state_proto_error_packets_total",
        "Errors of a transformation protocol on the way out.",
    ),
    error(
        b"XfrmOutStateSeqError",
        "node_xfrm_out_state_seq_error_packets_total",
        "Sequence numbers that overflowed on the way out.",
    ),
];

/// Collects the errors of IPsec.
pub struct Xfrm {
    path: PathBuf,
    absent: Absent,
}

impl Collector for Xfrm {
    const NAME: &'static str = "xfrm";
    const ABOUT: &'static str = "Packets that IPsec could not handle.";
    const BY_DEFAULT: bool = false;
    const NEEDS: &'static [Need] = &[Need::Read("/proc/1/net/xfrm_stat")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        FAMILIES.iter().map(|Error(_, family)| family.descriptor())
    }

    fn new((): (), roots: &Roots) -> Result<Self> {
        Ok(Self { path: roots.net().join("xfrm_stat"), absent: Absent::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Host { files, now, .. } = host;
        let counts = self
            .absent
            .look(*now, || files.load_whole(&self.path, parse))?;
        for (Error(_, family), count) in FAMILIES.iter().zip(counts) {
            text.family(family).sample((), count);
        }
        Ok(())
    }
}

/// Parses a name and a number a line, such as `XfrmInNoStates 6706`. The numbers are in the
/// order of the families.
pub fn parse(text: &[u8]) -> Result<[u64; ERRORS], Malformed> {
    let mut counts = [0; ERRORS];
    for mut line in lines(text) {
        let Some(name) = line.field() else { continue };
        let known = FAMILIES.iter().zip(&mut counts);
        if let Some((_, count)) = known.into_iter().find(|(Error(n, _), _)| *n == name) {
            *count = line.count("a number")?;
        }
    }
    Ok(counts)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::fixture::exposed;

    #[test]
    fn says_what_each_error_came_to() {
        let numbers = [
            ("acquire_error", 24532),
            ("fwd_hdr_error", 6654),
            ("in_buffer_error", 2),
            ("in_error", 1),
            ("in_hdr_error", 4),
            ("in_no_pols", 65432),
            ("in_no_states", 6706),
            ("in_pol_block", 100),
            ("in_pol_error", 10000),
            ("in_state_expired", 8),
            ("in_state_invalid", 55555),
            ("in_state_mismatch", 23451),
            ("in_state_mode_error", 6),
            ("in_state_proto_error", 40),
            ("in_state_seq_error", 6000),
            ("in_tmpl_mismatch", 51),
            ("out_bundle_check_error", 555),
            ("out_bundle_gen_error", 43321),
            ("out_error", 1_000_000),
            ("out_no_states", 869),
            ("out_pol_block", 43456),
            ("out_pol_dead", 7656),
            ("out_pol_error", 1454),
            ("out_state_expired", 565),
            ("out_state_invalid", 28765),
            ("out_state_mode_error", 4),
            ("out_state_proto_error", 4542),
            ("out_state_seq_error", 543),
        ];
        let expected: String = numbers
            .iter()
            .map(|(name, n)| {
                let name = format!("node_xfrm_{name}_packets_total");
                format!("# TYPE {name} counter\n{name} {n}\n")
            })
            .collect();
        assert_eq!(exposed::<Xfrm>("node-network", &[]), expected);
    }

    #[test]
    fn an_older_kernel_counts_less() {
        let mut one = [0; ERRORS];
        one[3] = 7;
        assert_eq!(parse(b"XfrmInError 7\nXfrmNew x\n\n"), Ok(one));
        let wrong = Malformed { line: 1, expected: "a number" };
        assert_eq!(parse(b"XfrmInError -1\n"), Err(wrong));
    }
}
