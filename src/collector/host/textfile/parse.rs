//! The [text format] as others write it, version 0.0.4: read as strictly as `node_exporter` does,
//! because one bad line means that the writer of a file is at fault.
//!
//! [text format]: https://prometheus.io/docs/instrumenting/exposition_formats/#text-based-format

use std::collections::HashMap;

use super::scan::{Labels, Wrong, blanks, bound, is_blank, labels, name, number, split, unescaped};
use crate::kernel::Malformed;

/// A family of a file, with all its samples.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Family {
    pub(super) name: String,
    /// `None` until something tells.
    kind: Option<Kind>,
    pub(super) help: Option<String>,
    pub(super) metrics: Vec<Metric>,
}

/// The type of a family.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Counter,
    Gauge,
    Untyped,
    Summary,
    Histogram,
}

/// All samples of a family that have the same labels.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Metric {
    /// Names and values, by name. Without those that tell apart the parts of a distribution.
    pub(super) labels: Labels,
    pub(super) value: Value,
}

/// What is measured.
#[derive(Clone, Debug, PartialEq)]
pub(super) enum Value {
    Number(f64),
    Distribution(Distribution),
}

/// A histogram or a summary.
#[derive(Clone, Debug, Default, PartialEq)]
pub(super) struct Distribution {
    pub(super) count: u64,
    pub(super) sum: f64,
    /// Upper bounds of buckets and what is counted in each and those below; or quantiles and values.
    pub(super) parts: Vec<(f64, f64)>,
}

/// Which part of its family a sample is, as the end of its name tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Part {
    Whole,
    Bucket,
    Sum,
    Count,
}

/// Reads a whole file. Families without samples are left out.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Family>, Malformed> {
    let mut reader = Reader::default();
    let mut number = 0;
    let mut rest = text;
    while !rest.is_empty() {
        number += 1;
        let malformed = |expected| Malformed { line: number, expected };
        let end = rest.iter().position(|&b| b == b'\n');
        let end = end.ok_or_else(|| malformed("a newline at the end of the file"))?;
        let (line, next) = rest.split_at(end);
        reader.line(blanks(line)).map_err(malformed)?;
        rest = next.get(1..).unwrap_or_default();
    }
    let mut families = reader.families;
    families.retain(|family| !family.metrics.is_empty());
    Ok(families)
}

#[derive(Default)]
struct Reader {
    families: Vec<Family>,
    /// Places in the list, by name.
    places: HashMap<String, usize>,
    /// Places of the metrics of distributions, whose samples are lines apart.
    metrics: HashMap<(usize, Labels), usize>,
}

impl Reader {
    fn line(&mut self, line: &[u8]) -> Result<(), Wrong> {
        match line.strip_prefix(b"#") {
            _ if line.is_empty() => Ok(()),
            Some(comment) => self.comment(blanks(comment)),
            None => self.sample(line),
        }
    }

    /// Reads `HELP name text` or `TYPE name type`, after the `#`. Other comments say nothing.
    fn comment(&mut self, line: &[u8]) -> Result<(), Wrong> {
        let (keyword, rest) = split(line, |b| !is_blank(b));
        if keyword != b"HELP" && keyword != b"TYPE" {
            return Ok(());
        }
        let (name, rest) = name(blanks(rest), true).ok_or("a metric name")?;
        match rest.first() {
            None => return Ok(()),
            Some(&byte) if !is_blank(byte) => return Err("a metric name"),
            Some(_) => {}
        }
        let (place, _) = self.place(name);
        let family = self.families.get_mut(place).ok_or("a family")?;
        let rest = blanks(rest);
        if rest.is_empty() {
            return Ok(());
        }
        if keyword == b"HELP" {
            let help = String::from_utf8_lossy(rest);
            let help = unescaped(&help, false).ok_or("\\\\ or \\n")?;
            if family.help.replace(help).is_some() {
                return Err("one HELP line of a family");
            }
        } else {
            let kind = Kind::named(rest.trim_ascii_end()).ok_or("a type")?;
            if family.kind.replace(kind).is_some() {
                return Err("one TYPE line of a family, before its samples");
            }
        }
        Ok(())
    }

    /// Reads `name{label="value",…} number`.
    fn sample(&mut self, line: &[u8]) -> Result<(), Wrong> {
        let (name, rest) = name(line, true).ok_or("a metric name")?;
        let (place, part) = self.place(name);
        let (mut labels, rest) = labels(blanks(rest))?;
        let (value, rest) = split(blanks(rest), |b| !is_blank(b));
        let value = number(value).ok_or("a number")?;
        if !blanks(rest).is_empty() {
            return Err("no timestamp");
        }
        let Self { families, metrics, .. } = self;
        let family = families.get_mut(place).ok_or("a family")?;
        let kind = *family.kind.get_or_insert(Kind::Untyped);
        let bound = match (kind, part) {
            (Kind::Histogram, Part::Bucket) => Some(bound(&mut labels, "le").ok_or("a label le")?),
            (Kind::Summary, Part::Whole) => {
                Some(bound(&mut labels, "quantile").ok_or("a label quantile")?)
            }
            (Kind::Histogram, Part::Whole) => return Err("_bucket, _sum or _count"),
            _ => None,
        };
        if !matches!(kind, Kind::Histogram | Kind::Summary) {
            family
                .metrics
                .push(Metric { labels, value: Value::Number(value) });
            return Ok(());
        }
        let metric = *metrics
            .entry((place, labels))
            .or_insert_with_key(|(_, labels)| {
                let value = Value::Distribution(Distribution::default());
                family
                    .metrics
                    .push(Metric { labels: labels.clone(), value });
                family.metrics.len() - 1
            });
        if let Some(Metric { value: Value::Distribution(distribution), .. }) =
            family.metrics.get_mut(metric)
        {
            distribution.put(part, bound, value);
        }
        Ok(())
    }

    /// The family of a metric's name, and which part of it that is.
    fn place(&mut self, name: &str) -> (usize, Part) {
        const SUFFIXES: [(&str, Part); 3] =
            [("_bucket", Part::Bucket), ("_sum", Part::Sum), ("_count", Part::Count)];
        if let Some(place) = self.places.get(name) {
            return (*place, Part::Whole);
        }
        for (suffix, part) in SUFFIXES {
            let Some(base) = name.strip_suffix(suffix) else { continue };
            let Some(place) = self.places.get(base) else { continue };
            let kind = self.families.get(*place).and_then(|family| family.kind);
            if kind == Some(Kind::Histogram)
                || (kind == Some(Kind::Summary) && part != Part::Bucket)
            {
                return (*place, part);
            }
        }
        let place = self.families.len();
        let family = Family { name: name.into(), kind: None, help: None, metrics: Vec::new() };
        self.families.push(family);
        self.places.insert(name.into(), place);
        (place, Part::Whole)
    }
}

impl Distribution {
    fn put(&mut self, part: Part, bound: Option<f64>, value: f64) {
        #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a count")]
        let count = value as u64;
        match (part, bound) {
            (Part::Count, _) => self.count = count,
            (Part::Sum, _) => self.sum = value,
            (Part::Bucket, Some(bound)) => self.parts.push((bound, count as f64)),
            (Part::Whole, Some(bound)) => self.parts.push((bound, value)),
            (Part::Bucket | Part::Whole, None) => {}
        }
    }
}

impl Family {
    /// Its type.
    pub(super) fn kind(&self) -> Kind {
        self.kind.unwrap_or(Kind::Untyped)
    }
}

impl Kind {
    fn named(word: &[u8]) -> Option<Self> {
        [Self::Counter, Self::Gauge, Self::Untyped, Self::Summary, Self::Histogram]
            .into_iter()
            .find(|kind| kind.as_str().as_bytes().eq_ignore_ascii_case(word))
    }

    /// The word on the `# TYPE` line.
    pub(super) fn as_str(self) -> &'static str {
        match self {
            Self::Counter => "counter",
            Self::Gauge => "gauge",
            Self::Untyped => "untyped",
            Self::Summary => "summary",
            Self::Histogram => "histogram",
        }
    }

    /// What its samples add to the family's name.
    pub(super) fn suffixes(self) -> &'static [&'static str] {
        match self {
            Self::Counter | Self::Gauge | Self::Untyped => &[""],
            Self::Summary => &["", "_sum", "_count"],
            Self::Histogram => &["", "_bucket", "_sum", "_count"],
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn number(labels: &[(&str, &str)], value: f64) -> Metric {
        let labels = labels
            .iter()
            .map(|(n, v)| ((*n).into(), (*v).into()))
            .collect();
        Metric { labels, value: Value::Number(value) }
    }

    #[test]
    fn reads_families_with_and_without_type_and_help() {
        let text = "# a comment\n#\n\n  \t# HELP a  What \\\\ \\n a is.  \n# TYPE a COUNTER\n\
            a { x = \"1\\\"\\\\\\n\" , b=\"\", } 1.5e3\n\
            b:c -Inf\n# TYPE empty gauge\n# HELP b:c\na\t2\n#TYPE d gauge\nd{}NaN\n";
        let family = |name: &str, kind, help: Option<&str>, metrics| Family {
            name: name.into(),
            kind: Some(kind),
            help: help.map(str::to_owned),
            metrics,
        };
        let first = number(&[("b", ""), ("x", "1\"\\\n")], 1500.0);
        let found = parse(text.as_bytes()).unwrap();
        let (nan, rest) = found.split_last().unwrap();
        let expected = [
            family("a", Kind::Counter, Some("What \\ \n a is.  "), vec![first, number(&[], 2.0)]),
            family("b:c", Kind::Untyped, None, vec![number(&[], f64::NEG_INFINITY)]),
        ];
        assert_eq!(rest, expected);
        assert!(matches!(nan.metrics[..], [Metric { value: Value::Number(n), .. }] if n.is_nan()));
    }

    #[test]
    fn puts_distributions_together() {
        let text = "# TYPE h histogram\nh_bucket{le=\"1\",a=\"b\"} 2\nh_sum{a=\"b\"} 3\n\
            h_count{a=\"b\"} 4\n# TYPE s summary\ns{quantile=\"0.5\"} 5\ns_bucket 6\ns_count 7\n";
        let distribution = |labels: &[(&str, &str)], count, sum, part| {
            let value = Distribution { count, sum, parts: vec![part] };
            Metric { value: Value::Distribution(value), ..number(labels, 0.0) }
        };
        let found = parse(text.as_bytes()).unwrap();
        let found: Vec<_> = found
            .iter()
            .map(|f| (f.name.as_str(), f.kind(), f.metrics.as_slice()))
            .collect();
        let expected = [
            ("h", Kind::Histogram, &[distribution(&[("a", "b")], 4, 3.0, (1.0, 2.0))][..]),
            ("s", Kind::Summary, &[distribution(&[], 7, 0.0, (0.5, 5.0))]),
            ("s_bucket", Kind::Untyped, &[number(&[], 6.0)]),
        ];
        assert_eq!(found, expected);
    }

    #[test]
    fn one_bad_line_spoils_a_file() {
        let wrong = [
            ("a 1", "a newline at the end of the file"),
            ("a 1\r\n", "a number"),
            ("a 1 1395066363000\n", "no timestamp"),
            ("a\n", "a number"),
            ("a 1_0\n", "a number"),
            ("a 0x10\n", "a number"),
            ("a 1e999\n", "a number"),
            ("1a 1\n", "a metric name"),
            ("{\"a.b\"} 1\n", "a metric name"),
            ("a{b=\"1\",b=\"2\"} 1\n", "each label once"),
            ("a{b:c=\"1\"} 1\n", "an equals sign"),
            ("a{__name__=\"1\"} 1\n", "a label name other than __name__"),
            ("a{b=1} 1\n", "a quoted label value"),
            ("a{b=\"1} 1\n", "a quoted label value"),
            ("a{b=\"\\t\"} 1\n", "\\\\, \\\" or \\n"),
            ("a{b=\"1\" c=\"2\"} 1\n", "a comma or a closing brace"),
            ("# HELP a\\t x\n", "a metric name"),
            ("# HELP a x\\t\n", "\\\\ or \\n"),
            ("# HELP a x\n# HELP a x\n", "one HELP line of a family"),
            ("# TYPE a number\n", "a type"),
            ("a 1\n# TYPE a gauge\n", "one TYPE line of a family, before its samples"),
            ("# TYPE a histogram\na 1\n", "_bucket, _sum or _count"),
            ("# TYPE a histogram\na_bucket 1\n", "a label le"),
            ("# TYPE a summary\na{quantile=\"x\"} 1\n", "a label quantile"),
        ];
        for (text, expected) in wrong {
            assert_eq!(parse(text.as_bytes()).map_err(|e| e.expected), Err(expected), "{text}");
        }
        assert_eq!(parse(b"a{b=\"\xff\"} 1\n").unwrap_err().expected, "a label value in UTF-8");
        assert_eq!(parse(b"a 1\n\nb x\n").unwrap_err().line, 3);
    }

    #[test]
    fn survives_what_is_cut_and_changed() {
        let text = b"# HELP h x\\n\n# TYPE h histogram\nh_bucket{a=\"\\\"\",le=\"+Inf\"} 1\nh_sum 2\nx 1\n";
        for at in 0..text.len() {
            let _cut = parse(&text[..at]);
            for byte in [b'\n', b'"', b'{', b'\\', b' ', 0, 0xff] {
                let mut changed = text.to_vec();
                changed[at] = byte;
                let _changed = parse(&changed);
            }
        }
    }
}
