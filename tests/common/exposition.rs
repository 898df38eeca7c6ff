//! Checks the text format 0.0.4, more strictly than Prometheus does: each family once, with its help
//! and type before its samples, which stand together; no sample twice; no timestamps.

use std::collections::{BTreeMap, HashSet};

/// A sample: its name, its family's type, its labels in the order of their names, its value.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample {
    pub name: String,
    pub kind: String,
    pub labels: BTreeMap<String, String>,
    pub value: f64,
}

impl Sample {
    /// The value of a label, empty where it has none.
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }
}

/// Parses an exposition, or says on which line it is wrong, and how.
pub fn parse(text: &[u8]) -> Result<Vec<Sample>, String> {
    let (samples, repeats) = parse_repeating(text)?;
    if repeats > 0 {
        return Err(format!("{repeats} samples stand there twice"));
    }
    Ok(samples)
}

/// As [`parse`], but counts the samples that stand there twice: the exporter says twice what the
/// kernel says twice.
pub fn parse_repeating(text: &[u8]) -> Result<(Vec<Sample>, usize), String> {
    let text = str::from_utf8(text).map_err(|error| format!("not UTF-8: {error}"))?;
    if !text.is_empty() && !text.ends_with('\n') {
        return Err("the last line has no end".into());
    }
    let mut reader = Reader::default();
    for (i, line) in text.lines().enumerate() {
        reader
            .line(line)
            .map_err(|wrong| format!("line {}: {wrong}: {line}", i + 1))?;
    }
    Ok((reader.samples, reader.repeats))
}

#[derive(Default)]
struct Reader<'a> {
    /// Name and type of the family whose lines are being read.
    family: Option<(&'a str, &'a str)>,
    helped: Option<&'a str>,
    families: HashSet<&'a str>,
    seen: HashSet<String>,
    repeats: usize,
    samples: Vec<Sample>,
}

impl<'a> Reader<'a> {
    fn line(&mut self, line: &'a str) -> Result<(), &'static str> {
        if let Some(rest) = line.strip_prefix("# HELP ") {
            let (name, help) = rest.split_once(' ').ok_or("help without text")?;
            if help.trim().is_empty() || !well_escaped(help, &['\\', 'n']) {
                return Err("help is empty or escaped wrongly");
            }
            self.helped = Some(name);
            Ok(())
        } else if let Some(rest) = line.strip_prefix("# TYPE ") {
            let (name, kind) = rest.split_once(' ').ok_or("no type")?;
            if !["counter", "gauge", "histogram", "summary", "untyped"].contains(&kind) {
                return Err("no such type");
            }
            if self.helped.take() != Some(name) {
                return Err("a type without its help before it");
            }
            if !self.families.insert(name) {
                return Err("a family for the second time");
            }
            self.family = Some((name, kind));
            Ok(())
        } else if line.starts_with('#') || line.is_empty() {
            Err("neither help, type nor sample")
        } else {
            self.sample(line)
        }
    }

    fn sample(&mut self, line: &'a str) -> Result<(), &'static str> {
        let end = line.find(['{', ' ']).ok_or("no value")?;
        let (name, rest) = line.split_at(end);
        if !is_name(name, true) {
            return Err("not a metric's name");
        }
        let (family, kind) = self.family.ok_or("a sample before the first family")?;
        let parts: &[&str] = match kind {
            "histogram" => &["_bucket", "_sum", "_count"],
            "summary" => &["", "_sum", "_count"],
            _ => &[""],
        };
        if self.helped.is_some() || !parts.iter().any(|p| name.strip_suffix(p) == Some(family)) {
            return Err("a sample outside its family");
        }
        let mut labels = BTreeMap::new();
        let rest = match rest.strip_prefix('{') {
            Some(rest) => read_labels(rest, &mut labels)?,
            None => rest,
        };
        let value = rest.strip_prefix(' ').ok_or("no value")?;
        let value = number(value).ok_or("not a number")?;
        let mut key = name.to_owned();
        for (label, value) in &labels {
            key.extend(["\0", label, "\0", value]);
        }
        self.repeats += usize::from(!self.seen.insert(key));
        self.samples
            .push(Sample { name: name.into(), kind: kind.into(), labels, value });
        Ok(())
    }
}

/// Reads `a="x",b="y"}` and returns what follows.
fn read_labels<'a>(
    mut rest: &'a str,
    labels: &mut BTreeMap<String, String>,
) -> Result<&'a str, &'static str> {
    loop {
        let (name, after) = rest.split_once("=\"").ok_or("a label without value")?;
        if !is_name(name, false) {
            return Err("not a label's name");
        }
        let mut value = String::new();
        let mut chars = after.char_indices();
        let end = loop {
            match chars.next().ok_or("a label value without end")? {
                (i, '"') => break i + 1,
                (_, '\\') => value.push(match chars.next() {
                    Some((_, '\\')) => '\\',
                    Some((_, '"')) => '"',
                    Some((_, 'n')) => '\n',
                    _ => return Err("a label value escaped wrongly"),
                }),
                (_, c) => value.push(c),
            }
        };
        if labels.insert(name.into(), value).is_some() {
            return Err("a label for the second time");
        }
        let (_, after) = after.split_at(end);
        match after.strip_prefix(',') {
            Some(next) => rest = next,
            None => return after.strip_prefix('}').ok_or("labels without end"),
        }
    }
}

fn is_name(name: &str, colons: bool) -> bool {
    let fits = |c: char| c.is_ascii_alphanumeric() || c == '_' || (colons && c == ':');
    !name.is_empty() && name.chars().all(fits) && !name.starts_with(|c: char| c.is_ascii_digit())
}

fn well_escaped(text: &str, allowed: &[char]) -> bool {
    let mut chars = text.chars();
    while let Some(c) = chars.next() {
        if c == '\\' && !chars.next().is_some_and(|c| allowed.contains(&c)) {
            return false;
        }
    }
    true
}

/// A number as Prometheus reads it. Rust would take `inf` and `infinity` as well.
fn number(text: &str) -> Option<f64> {
    match text {
        "NaN" => Some(f64::NAN),
        "+Inf" => Some(f64::INFINITY),
        "-Inf" => Some(f64::NEG_INFINITY),
        _ => text
            .bytes()
            .all(|b| matches!(b, b'0'..=b'9' | b'+' | b'-' | b'.' | b'e' | b'E'))
            .then(|| text.parse().ok())?,
    }
}
