//! A family of one file, ready to be written: in order, whole, and each series once.

use std::collections::{BTreeSet, HashSet};
use std::hash::{BuildHasher, Hasher, RandomState};

use super::parse::{Distribution, Family, Kind, Metric, Value};
use crate::exposition::{Buffer, LabelValue, append_number};

/// A family of one file.
#[derive(Debug)]
pub(super) struct Block {
    pub(super) name: String,
    pub(super) kind: Kind,
    pub(super) help: Option<String>,
    pub(super) series: Vec<Series>,
}

/// The lines of all samples that have the same labels.
#[derive(Debug)]
pub(super) struct Series {
    /// A hash of the labels. Those without a value do not count: Prometheus takes them for absent.
    pub(super) identity: u64,
    pub(super) text: Box<[u8]>,
    /// How many lines.
    pub(super) samples: usize,
}

impl Block {
    /// Writes a family. Labels that only some of its samples have get an empty value in the others;
    /// of a series that is there twice, the first is taken.
    pub(super) fn new(family: Family, hasher: &RandomState) -> Self {
        let labels = family.metrics.iter().flat_map(|metric| &metric.labels);
        let names: BTreeSet<&str> = labels.map(|(name, _)| name.as_str()).collect();
        let mut seen = HashSet::new();
        let mut series = Vec::with_capacity(family.metrics.len());
        let mut block = Buffer::default();
        for metric in &family.metrics {
            let identity = labelled(metric, &names, hasher, &mut block);
            if seen.insert(identity) {
                series.push(Series::new(identity, &family, &block, &metric.value));
            }
        }
        let kind = family.kind();
        Self { kind, series, name: family.name, help: family.help }
    }
}

/// Writes `name="value",…` and says who that is.
fn labelled(
    Metric { labels, .. }: &Metric,
    names: &BTreeSet<&str>,
    hasher: &RandomState,
    out: &mut Buffer,
) -> u64 {
    let mut hash = hasher.build_hasher();
    out.clear();
    for &name in names {
        if !out.is_empty() {
            out.push(b',');
        }
        let value = labels.iter().find(|(label, _)| label == name);
        let value = value.map_or("", |(_, value)| value.as_str());
        out.put(name.as_bytes());
        out.put(b"=\"");
        let start = out.len();
        value.escaped(out);
        if !value.is_empty() {
            // As it is written: a very long value is cut.
            hash.write(name.as_bytes());
            hash.write_u8(0);
            hash.write(out.get(start..).unwrap_or_default());
            hash.write_u8(0);
        }
        out.push(b'"');
    }
    hash.finish()
}

impl Series {
    fn new(identity: u64, family: &Family, labels: &[u8], value: &Value) -> Self {
        let mut lines = Lines { name: &family.name, labels, text: Buffer::default(), samples: 0 };
        match value {
            Value::Number(number) => lines.write("", None, *number),
            Value::Distribution(distribution) => match family.kind() {
                Kind::Histogram => lines.histogram(distribution),
                _ => lines.summary(distribution),
            },
        }
        Self { identity, text: (*lines.text).into(), samples: lines.samples }
    }
}

struct Lines<'a> {
    name: &'a str,
    labels: &'a [u8],
    text: Buffer,
    samples: usize,
}

impl Lines<'_> {
    fn histogram(&mut self, distribution: &Distribution) {
        let buckets = in_order(distribution);
        for (bound, count) in &buckets {
            self.write("_bucket", Some(("le", *bound)), *count);
        }
        if buckets
            .last()
            .is_none_or(|(bound, _)| *bound != f64::INFINITY)
        {
            self.write("_bucket", Some(("le", f64::INFINITY)), distribution.count as f64);
        }
        self.totals(distribution);
    }

    fn summary(&mut self, distribution: &Distribution) {
        for (quantile, value) in in_order(distribution) {
            self.write("", Some(("quantile", quantile)), value);
        }
        self.totals(distribution);
    }

    fn totals(&mut self, distribution: &Distribution) {
        self.write("_sum", None, distribution.sum);
        self.write("_count", None, distribution.count as f64);
    }

    fn write(&mut self, suffix: &str, bound: Option<(&str, f64)>, value: f64) {
        let Self { name, labels, text, samples } = self;
        text.put(name.as_bytes());
        text.put(suffix.as_bytes());
        if !labels.is_empty() || bound.is_some() {
            text.push(b'{');
            text.put(labels);
            if let Some((label, bound)) = bound {
                if !labels.is_empty() {
                    text.push(b',');
                }
                let bound = as_label(bound);
                for part in [label, "=\"", &bound, "\""] {
                    text.put(part.as_bytes());
                }
            }
            text.push(b'}');
        }
        text.push(b' ');
        append_number(value, text);
        text.push(b'\n');
        *samples += 1;
    }
}

/// Buckets or quantiles by their bounds. Of two with the same bound, the last counts.
fn in_order(distribution: &Distribution) -> Vec<(f64, f64)> {
    let mut parts: Vec<_> = distribution.parts.iter().rev().copied().collect();
    parts.sort_by(|(a, _), (b, _)| a.total_cmp(b));
    parts.dedup_by(|(a, _), (b, _)| a == b);
    parts
}

/// A number as Go writes it: as part of a label it must be the same from one exporter to the other.
fn as_label(number: f64) -> String {
    if number.is_infinite() {
        return if number > 0.0 { "+Inf" } else { "-Inf" }.into();
    }
    let scientific = format!("{number:e}");
    let (digits, exponent) = scientific.split_once('e').unwrap_or((&scientific, "0"));
    let exponent: i32 = exponent.parse().unwrap_or_default();
    if (-4..6).contains(&exponent) || number == 0.0 {
        return number.to_string();
    }
    let sign = if exponent < 0 { '-' } else { '+' };
    format!("{digits}e{sign}{:02}", exponent.abs())
}

#[cfg(test)]
mod tests {
    use super::super::parse::parse;
    use super::*;

    fn written(text: &str) -> String {
        let hasher = RandomState::new();
        let blocks = parse(text.as_bytes()).unwrap();
        let blocks = blocks.into_iter().map(|family| Block::new(family, &hasher));
        let series = blocks.flat_map(|block| block.series);
        series
            .map(|series| String::from_utf8(series.text.into()).unwrap())
            .collect()
    }

    #[test]
    fn gives_all_samples_the_same_labels_in_order_and_each_series_once() {
        let text = "a{z=\"1\",b=\"2\"} 1\na 2\na{b=\"\"} 3\na{b=\"2\",z=\"1\"} 4\n";
        let expected = "a{b=\"2\",z=\"1\"} 1\na{b=\"\",z=\"\"} 2\n";
        assert_eq!(written(text), expected);
        assert_eq!(written("a{b=\"\\\"\\\\\\n\"} NaN\n"), "a{b=\"\\\"\\\\\\n\"} NaN\n");
    }

    #[test]
    fn makes_histograms_whole() {
        let text = "# TYPE h histogram\nh_count{a=\"b\"} 3\nh_bucket{le=\"1e6\",a=\"b\"} 2\n\
                    h_bucket{a=\"b\",le=\"0.50\"} 1\nh_sum{a=\"b\"} 1.5\n";
        let expected = "h_bucket{a=\"b\",le=\"0.5\"} 1\nh_bucket{a=\"b\",le=\"1e+06\"} 2\n\
                        h_bucket{a=\"b\",le=\"+Inf\"} 3\nh_sum{a=\"b\"} 1.5\nh_count{a=\"b\"} 3\n";
        assert_eq!(written(text), expected);
    }

    #[test]
    fn makes_summaries_whole() {
        let text = "# TYPE s summary\ns{quantile=\"0.9\"} 4\ns{quantile=\"0.5\"} 2\ns_sum 6\n";
        let expected = "s{quantile=\"0.5\"} 2\ns{quantile=\"0.9\"} 4\ns_sum 6\ns_count 0\n";
        assert_eq!(written(text), expected);
    }

    #[test]
    fn writes_bounds_as_go_does() {
        let bounds = [
            (0.0, "0"),
            (1.0, "1"),
            (-2.5, "-2.5"),
            (100_000.0, "100000"),
            (1e6, "1e+06"),
            (1_234_567.0, "1.234567e+06"),
            (0.0001, "0.0001"),
            (0.00001, "1e-05"),
            (1e100, "1e+100"),
            (f64::INFINITY, "+Inf"),
        ];
        for (bound, expected) in bounds {
            assert_eq!(as_label(bound), expected);
        }
    }
}
