//! What the counters of drivers are called here.

/// Seven counters that many drivers have got names that say that they are counters.
const TOTALS: [&str; 7] =
    ["rx_bytes", "rx_dropped", "rx_errors", "rx_packets", "tx_bytes", "tx_errors", "tx_packets"];

/// The driver's own name, with `_` for what may not stand in the name of a metric: a run of such bytes
/// and the `_` around it are one.
pub(super) fn plain(name: &[u8]) -> String {
    let allowed = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'_';
    let mut plain = String::new();
    // How much of the end of `plain` may be taken in by what follows: `_` of the driver's own.
    let mut underscores = 0;
    let mut rest = name;
    while let Some((&byte, after)) = rest.split_first() {
        if allowed(byte) {
            plain.push(char::from(byte));
            underscores = if byte == b'_' { underscores + 1 } else { 0 };
            rest = after;
            continue;
        }
        plain.truncate(plain.len() - underscores);
        plain.push('_');
        underscores = 0;
        let end = after.iter().position(|&b| allowed(b));
        let after = after.get(end.unwrap_or(after.len())..).unwrap_or_default();
        let end = after.iter().position(|&b| b != b'_');
        rest = after.get(end.unwrap_or(after.len())..).unwrap_or_default();
    }
    plain
}

/// What a counter with this [`plain`] name is called in `node_ethtool_<stat>`.
pub(super) fn exposed(plain: &str) -> String {
    let lower = plain.to_ascii_lowercase();
    let lower = lower.trim_start_matches('_');
    let name = spelt_out(&spelt_out(lower, "rx", "received"), "tx", "transmitted");
    if TOTALS.contains(&plain) { name + "_total" } else { name }
}

/// Replaces a word that stands between `_`. Of two in a row, the first alone: it takes the `_` between
/// them, as a regular expression would.
fn spelt_out(name: &str, short: &str, long: &str) -> String {
    let mut out = String::new();
    let mut taken = false;
    for (at, word) in name.split('_').enumerate() {
        if at > 0 {
            out.push('_');
        }
        taken = word == short && !taken;
        out.push_str(if taken { long } else { word });
    }
    out
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn makes_names_plain() {
        for (name, expected) in [
            ("rx_bytes", "rx_bytes"),
            ("queue 0: tx", "queue_0_tx"),
            ("port.rx_dropped", "port_rx_dropped"),
            ("a_[0]_b", "a_0_b"),
            ("a._.b", "a__b"),
            ("a__.__b", "a_b"),
            ("ch0.", "ch0_"),
            ("", ""),
            ("é", "_"),
        ] {
            assert_eq!(plain(name.as_bytes()), expected, "{name}");
        }
    }

    #[test]
    fn spells_directions_out() {
        for (name, expected) in [
            ("rx_bytes", "received_bytes_total"),
            ("tx_packets", "transmitted_packets_total"),
            ("tx_dropped", "transmitted_dropped"),
            ("queue_0_tx_cnt", "queue_0_transmitted_cnt"),
            ("rx_queue_0_rx_copybreak_pkt", "received_queue_0_received_copybreak_pkt"),
            ("_RX", "received"),
            ("rx0_kicks", "rx0_kicks"),
            ("rx_rx_rx", "received_rx_received"),
            ("empty_rx_ring", "empty_received_ring"),
        ] {
            assert_eq!(exposed(name), expected, "{name}");
        }
    }
}
