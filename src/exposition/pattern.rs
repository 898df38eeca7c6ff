//! Families that the kernel names.

use std::ops::Range;

use super::text::{State, hash};
use super::{Buffer, Described, Labels, Pattern, Text, Value};

/// Writes the samples of one family of a pattern.
#[derive(Debug)]
pub struct PatternWriter<'t, const N: usize> {
    text: &'t mut Text,
    pattern: &'static Pattern<N>,
    field: &'t [u8],
    /// Where its name stands, once it is open.
    name: Range<usize>,
    state: State,
}

impl<'t, const N: usize> PatternWriter<'t, N> {
    pub(super) fn new(text: &'t mut Text, pattern: &'static Pattern<N>, field: &'t [u8]) -> Self {
        Self { text, pattern, field, name: 0..0, state: State::Fresh }
    }

    /// Writes a sample.
    pub fn sample(&mut self, labels: impl Labels<N>, value: impl Value) {
        if matches!(self.state, State::Fresh) {
            self.begin();
        }
        let State::Open = self.state else { return };
        let Self { text, pattern, name, .. } = self;
        text.sample(&pattern.labels, &labels, value, |out| out.put_again(name.clone()));
    }

    /// Begins the family, if it may be. Two fields may make one name.
    fn begin(&mut self) {
        let Described { name, kind, help } = self.pattern.head;
        let (prefix, rest) = name.split_once('<').unwrap_or((name, ""));
        let suffix = rest.split_once('>').map_or("", |(_, suffix)| suffix);
        let out = &mut self.text.rope.bytes;
        let start = out.len();
        out.put(b"# HELP ");
        let name = out.len();
        out.put(prefix.as_bytes());
        append_name(self.field, out);
        out.put(suffix.as_bytes());
        self.name = name..out.len();
        let hash = hash(out.get(name..).unwrap_or_default());
        if self.text.begun.insert(hash) {
            self.state = State::Open;
            self.text.rest_of_header(self.name.clone(), kind, help);
        } else {
            self.state = State::Over;
            self.text.rope.bytes.truncate(start);
        }
    }
}

fn append_name(field: &[u8], out: &mut Buffer) {
    let fits = |byte: &u8| byte.is_ascii_alphanumeric() || *byte == b'_';
    if field.iter().all(fits) {
        return out.put(field);
    }
    let mut gap = false;
    for byte in field {
        if fits(byte) {
            if gap {
                out.push(b'_');
            }
            gap = false;
            out.push(*byte);
        } else {
            gap = true;
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::{gauge, untyped};

    #[test]
    fn fills_in_the_field_of_a_pattern() {
        static VMSTAT: Pattern = untyped("node_vmstat_<field>").help("Vmstat.").pattern();
        let mut text = Text::default();
        text.pattern(&VMSTAT, b"Active(anon)", 4u64);
        let expected = "\
# HELP node_vmstat_Active_anon Vmstat.
# TYPE node_vmstat_Active_anon untyped
node_vmstat_Active_anon 4
";
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), expected);

        static NUMA: Pattern<1> = gauge("node_numa_<field>_total")
            .help("Numa.")
            .pattern_by(["node"]);
        text.clear();
        text.pattern_family(&NUMA, b"none");
        let mut family = text.pattern_family(&NUMA, b"other-node");
        family.sample(0, 1u64);
        family.sample(1, 2u64);
        let expected = "\
# HELP node_numa_other_node_total Numa.
# TYPE node_numa_other_node_total gauge
node_numa_other_node_total{node=\"0\"} 1
node_numa_other_node_total{node=\"1\"} 2
";
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), expected);
    }

    #[test]
    fn a_pattern_makes_each_name_once() {
        static TWICE: Pattern = gauge("node_x_<field>").help("X.").pattern();
        let mut text = Text::default();
        for field in [&b"a-b"[..], b"a_b", b"a-b"] {
            text.pattern(&TWICE, field, 1u64);
        }
        let once = "# HELP node_x_a_b X.\n# TYPE node_x_a_b gauge\nnode_x_a_b 1\n";
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), once);
        assert_eq!(text.samples(), 1);
        text.clear();
        text.pattern(&TWICE, b"a_b", 1u64);
        assert_eq!(String::from_utf8(text.to_vec()).unwrap(), once);
    }
}
