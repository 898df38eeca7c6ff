//! Label values, escaped as they are written.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::memchr3;

use super::rope::Rope;

/// Longer label values are cut here. Nothing a kernel, ECS or Docker names on purpose comes near,
/// and one hostile name cannot blow up every sample of its container.
const LONGEST: usize = 2048;

/// One label value.
pub trait LabelValue {
    /// Appends the value, escaped.
    fn escaped(&self, out: &mut Vec<u8>);
}

impl LabelValue for &str {
    fn escaped(&self, out: &mut Vec<u8>) {
        let end = self.floor_char_boundary(LONGEST);
        let (value, _) = self.as_bytes().split_at(end);
        escape(value, out);
    }
}

/// A name the kernel gave, which need not be UTF-8: what is not becomes U+FFFD.
impl LabelValue for &[u8] {
    fn escaped(&self, out: &mut Vec<u8>) {
        match str::from_utf8(self) {
            Ok(value) => value.escaped(out),
            Err(_) => String::from_utf8_lossy(self).escaped(out),
        }
    }
}

impl LabelValue for &String {
    fn escaped(&self, out: &mut Vec<u8>) {
        self.as_str().escaped(out);
    }
}

impl LabelValue for Cow<'_, str> {
    fn escaped(&self, out: &mut Vec<u8>) {
        (&**self).escaped(out);
    }
}

impl LabelValue for u32 {
    fn escaped(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(itoa::Buffer::new().format(*self).as_bytes());
    }
}

/// A label value that needs no escaping, which is seen to when it is compiled.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Word(&'static str);

impl Word {
    /// The value.
    pub const fn new(word: &'static str) -> Self {
        let mut rest = word.as_bytes();
        while let [first, tail @ ..] = rest {
            assert!(!matches!(first, b'\\' | b'"' | b'\n'), "a word needs no escaping");
            rest = tail;
        }
        Self(word)
    }
}

impl LabelValue for Word {
    fn escaped(&self, out: &mut Vec<u8>) {
        out.extend_from_slice(self.0.as_bytes());
    }
}

/// The `N` label values of a sample, in the order of the family's label names.
pub trait Labels<const N: usize> {
    /// Appends `{name="value",…}`, or nothing where there are no labels.
    fn append(&self, names: &[&'static str; N], out: &mut Rope);
}

impl Labels<0> for () {
    fn append(&self, _: &[&'static str; 0], _: &mut Rope) {}
}

impl<A: LabelValue> Labels<1> for A {
    fn append(&self, [a]: &[&'static str; 1], out: &mut Rope) {
        out.push(b'{');
        pair(a, self, &mut out.bytes);
        out.push(b'}');
    }
}

impl<A: LabelValue, B: LabelValue> Labels<2> for (A, B) {
    fn append(&self, [a, b]: &[&'static str; 2], out: &mut Rope) {
        out.push(b'{');
        pair(a, &self.0, &mut out.bytes);
        out.push(b',');
        pair(b, &self.1, &mut out.bytes);
        out.push(b'}');
    }
}

impl<A: LabelValue, B: LabelValue, C: LabelValue> Labels<3> for (A, B, C) {
    fn append(&self, [a, b, c]: &[&'static str; 3], out: &mut Rope) {
        out.push(b'{');
        pair(a, &self.0, &mut out.bytes);
        out.push(b',');
        pair(b, &self.1, &mut out.bytes);
        out.push(b',');
        pair(c, &self.2, &mut out.bytes);
        out.push(b'}');
    }
}

/// Any number of labels of one type. Those that are `None` are left out.
impl<A: LabelValue, const N: usize> Labels<N> for [Option<A>; N] {
    fn append(&self, names: &[&'static str; N], out: &mut Rope) {
        let mut before = b'{';
        for (name, value) in names.iter().zip(self) {
            if let Some(value) = value {
                out.push(before);
                before = b',';
                pair(name, value, &mut out.bytes);
            }
        }
        if before == b',' {
            out.push(b'}');
        }
    }
}

/// Labels that are the same in many families, escaped and joined once: `id="…",name="…"`. A clone is
/// the same block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelBlock(Arc<[u8]>);

impl LabelBlock {
    /// Renders the pairs in the order given.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut block = Vec::new();
        for (name, value) in pairs {
            if !block.is_empty() {
                block.push(b',');
            }
            pair(name, &value, &mut block);
        }
        Self(block.into())
    }

    /// As it stands between braces.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Where it is kept: what is the same block has one address, and no other has it.
    pub(super) fn address(&self) -> usize {
        self.0.as_ptr().addr()
    }

    /// Whether it is the same block, and not another one that reads alike.
    pub(super) fn is(&self, other: &Self) -> bool {
        self.address() == other.address()
    }
}

impl Labels<0> for &LabelBlock {
    fn append(&self, _: &[&'static str; 0], out: &mut Rope) {
        if !self.0.is_empty() {
            out.push(b'{');
            out.block(self);
            out.push(b'}');
        }
    }
}

impl<A: LabelValue> Labels<1> for (&LabelBlock, A) {
    fn append(&self, [a]: &[&'static str; 1], out: &mut Rope) {
        self.0.open(out);
        pair(a, &self.1, &mut out.bytes);
        out.push(b'}');
    }
}

impl<A: LabelValue, B: LabelValue> Labels<2> for (&LabelBlock, A, B) {
    fn append(&self, [a, b]: &[&'static str; 2], out: &mut Rope) {
        self.0.open(out);
        pair(a, &self.1, &mut out.bytes);
        out.push(b',');
        pair(b, &self.2, &mut out.bytes);
        out.push(b'}');
    }
}

/// A block and any number of labels of one type.
impl<A: LabelValue, const N: usize> Labels<N> for (&LabelBlock, [A; N]) {
    fn append(&self, names: &[&'static str; N], out: &mut Rope) {
        self.0.open(out);
        for (i, (name, value)) in names.iter().zip(&self.1).enumerate() {
            if i > 0 {
                out.push(b',');
            }
            pair(name, value, &mut out.bytes);
        }
        out.push(b'}');
    }
}

impl LabelBlock {
    /// Opens the braces before further labels.
    fn open(&self, out: &mut Rope) {
        out.push(b'{');
        if !self.0.is_empty() {
            out.block(self);
            out.push(b',');
        }
    }
}

fn pair(name: &str, value: &impl LabelValue, out: &mut Vec<u8>) {
    out.extend_from_slice(name.as_bytes());
    out.extend_from_slice(b"=\"");
    value.escaped(out);
    out.push(b'"');
}

fn escape(value: &[u8], out: &mut Vec<u8>) {
    if memchr3(b'\\', b'"', b'\n', value).is_none() {
        return out.extend_from_slice(value);
    }
    for &byte in value {
        match byte {
            b'\\' => out.extend_from_slice(br"\\"),
            b'"' => out.extend_from_slice(br#"\""#),
            b'\n' => out.extend_from_slice(br"\n"),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn written<const N: usize>(names: [&'static str; N], labels: impl Labels<N>) -> String {
        let (mut out, mut text) = (Rope::default(), Vec::new());
        labels.append(&names, &mut out);
        out.expand(out.before(0), out.before(usize::MAX), &mut text);
        String::from_utf8(text).unwrap()
    }

    #[test]
    fn escapes_what_would_end_the_value() {
        let block = LabelBlock::new([("path", "C:\\a\n\"b\"")]);
        assert_eq!(&*block.0, br#"path="C:\\a\n\"b\"""#);
    }

    #[test]
    fn joins_a_block_and_further_labels() {
        let block = LabelBlock::new([("id", "/")]);
        assert_eq!(written([], &block), r#"{id="/"}"#);
        assert_eq!(written(["cpu"], (&block, "total")), r#"{id="/",cpu="total"}"#);
        assert_eq!(written(["a", "b"], (&block, 1, "x")), r#"{id="/",a="1",b="x"}"#);
        assert_eq!(written(["a", "b"], (&block, ["1", "x"])), r#"{id="/",a="1",b="x"}"#);
        assert_eq!(written(["cpu"], (&LabelBlock::default(), "0")), r#"{cpu="0"}"#);
        assert_eq!(written([], &LabelBlock::default()), "");
    }

    #[test]
    fn leaves_out_labels_without_a_value() {
        assert_eq!(written(["a", "b", "c"], [None, Some("x"), None]), r#"{b="x"}"#);
        assert_eq!(written(["a", "b"], [Some("x"), Some("y")]), r#"{a="x",b="y"}"#);
        assert_eq!(written(["a"], [None::<&str>]), "");
    }

    #[test]
    fn mends_what_is_not_utf8_and_cuts_what_has_no_end() {
        assert_eq!(written(["a"], &b"ok\xff"[..]), "{a=\"ok\u{fffd}\"}");
        let long = "é".repeat(LONGEST);
        assert_eq!(written(["a"], long.as_str()).len(), LONGEST + r#"{a=""}"#.len());
    }
}
