//! From OpenMetrics, which prometheus-client writes, to the text format.
//!
//! The two differ in the names of families: OpenMetrics leaves `_total` and `_info` to the samples.
//! It also has types, units and an end mark that the text format does not know.

use crate::exposition::Text;

/// Appends OpenMetrics text, without exemplars, in the text format. prometheus-client writes the
/// samples of a family in an order that changes with each start; here they are sorted.
pub(super) fn append(openmetrics: &str, text: &mut Text) {
    let mut help = "";
    let mut samples = Vec::new();
    let mut sorted = false;
    for line in openmetrics.lines() {
        let Some(comment) = line.strip_prefix("# ") else {
            samples.push(line);
            continue;
        };
        end(&mut samples, sorted, text);
        let mut words = comment.splitn(3, ' ');
        match (words.next(), words.next(), words.next()) {
            (Some("HELP"), Some(_), Some(words)) => help = words,
            (Some("TYPE"), Some(name), Some(kind)) => {
                // The buckets of a histogram are in order, by number.
                sorted = kind != "histogram";
                let (suffix, kind) = match kind {
                    "counter" => ("_total", kind),
                    "info" => ("_info", "gauge"),
                    "gauge" | "histogram" | "summary" => ("", kind),
                    _ => ("", "untyped"),
                };
                write(text, &["# HELP ", name, suffix, " ", help], 0);
                write(text, &["# TYPE ", name, suffix, " ", kind], 0);
            }
            _ => (), // UNIT, EOF
        }
    }
    end(&mut samples, sorted, text);
}

/// Ends a family with its samples.
fn end(samples: &mut Vec<&str>, sorted: bool, text: &mut Text) {
    if sorted {
        samples.sort_unstable();
    }
    for sample in samples.drain(..) {
        write(text, &[sample], 1);
    }
}

fn write(text: &mut Text, parts: &[&str], samples: usize) {
    for part in parts {
        text.raw(part.as_bytes(), 0);
    }
    text.raw(b"\n", samples);
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn names_families_after_their_samples() {
        let openmetrics = "\
# HELP requests Requests.
# TYPE requests counter
requests_total{code=\"503\"} 0
requests_total{code=\"200\"} 1
# HELP took_seconds Time it took.
# TYPE took_seconds histogram
# UNIT took_seconds seconds
took_seconds_sum 0.5
took_seconds_count 1
took_seconds_bucket{le=\"+Inf\"} 1
# HELP odd Odd.
# TYPE odd unknown
odd 1
# EOF
";
        let mut text = Text::default();
        append(openmetrics, &mut text);
        let expected = "\
# HELP requests_total Requests.
# TYPE requests_total counter
requests_total{code=\"200\"} 1
requests_total{code=\"503\"} 0
# HELP took_seconds Time it took.
# TYPE took_seconds histogram
took_seconds_sum 0.5
took_seconds_count 1
took_seconds_bucket{le=\"+Inf\"} 1
# HELP odd Odd.
# TYPE odd untyped
odd 1
";
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), expected);
        assert_eq!(text.samples(), 6);
    }
}
