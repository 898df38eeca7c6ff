//! Label values, escaped as they are written.

use std::borrow::Cow;
use std::sync::Arc;

use memchr::memchr3;

use super::Buffer;

/// Longer label values are cut here. Nothing a kernel, ECS or Docker names on purpose comes near,
/// and one hostile name cannot blow up every sample of its container.
const LONGEST: usize = 2048;

/// One label value.
pub trait LabelValue {
    /// Appends the value, escaped.
    fn escaped(&self, out: &mut Buffer);
}

impl LabelValue for &str {
    fn escaped(&self, out: &mut Buffer) {
        let end = self.floor_char_boundary(LONGEST);
        let (value, _) = self.as_bytes().split_at(end);
        escape(value, out);
    }
}

/// A name the kernel gave, which need not be UTF-8: what is not becomes U+FFFD.
impl LabelValue for &[u8] {
    fn escaped(&self, out: &mut Buffer) {
        match str::from_utf8(self) {
            Ok(value) => value.escaped(out),
            Err(_) => String::from_utf8_lossy(self).escaped(out),
        }
    }
}

impl LabelValue for &String {
    fn escaped(&self, out: &mut Buffer) {
        self.as_str().escaped(out);
    }
}

impl LabelValue for Cow<'_, str> {
    fn escaped(&self, out: &mut Buffer) {
        (&**self).escaped(out);
    }
}

impl LabelValue for u32 {
    fn escaped(&self, out: &mut Buffer) {
        out.put(itoa::Buffer::new().format(*self).as_bytes());
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
    fn escaped(&self, out: &mut Buffer) {
        out.put(self.0.as_bytes());
    }
}

/// The labels of a sample: a block that may stand before the others, and `N` values, in the order of the
/// family's label names.
pub trait Labels<const N: usize> {
    /// The block that stands before all others, if there is one.
    fn block(&self) -> Option<&LabelBlock> {
        None
    }

    /// Appends all others, `name="value"`: `before` stands before the first, a comma before each other.
    /// Says whether there are any.
    fn append(&self, names: &[&'static str; N], before: u8, out: &mut Buffer) -> bool;
}

impl Labels<0> for () {
    fn append(&self, _: &[&'static str; 0], _: u8, _: &mut Buffer) -> bool {
        false
    }
}

impl<A: LabelValue> Labels<1> for A {
    fn append(&self, [a]: &[&'static str; 1], before: u8, out: &mut Buffer) -> bool {
        pair(before, a, self, out);
        true
    }
}

impl<A: LabelValue, B: LabelValue> Labels<2> for (A, B) {
    fn append(&self, [a, b]: &[&'static str; 2], before: u8, out: &mut Buffer) -> bool {
        pair(before, a, &self.0, out);
        pair(b',', b, &self.1, out);
        true
    }
}

impl<A: LabelValue, B: LabelValue, C: LabelValue> Labels<3> for (A, B, C) {
    fn append(&self, [a, b, c]: &[&'static str; 3], before: u8, out: &mut Buffer) -> bool {
        pair(before, a, &self.0, out);
        pair(b',', b, &self.1, out);
        pair(b',', c, &self.2, out);
        true
    }
}

/// Any number of labels of one type. Those that are `None` are left out.
impl<A: LabelValue, const N: usize> Labels<N> for [Option<A>; N] {
    fn append(&self, names: &[&'static str; N], mut before: u8, out: &mut Buffer) -> bool {
        let mut any = false;
        for (name, value) in names.iter().zip(self) {
            if let Some(value) = value {
                pair(before, name, value, out);
                before = b',';
                any = true;
            }
        }
        any
    }
}

/// Labels that are the same in many families, escaped and joined once: `id="…",name="…"`. A clone is
/// the same block.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct LabelBlock(Arc<[u8]>);

impl LabelBlock {
    /// Renders the pairs in the order given.
    pub fn new<'a>(pairs: impl IntoIterator<Item = (&'a str, &'a str)>) -> Self {
        let mut block = Buffer::default();
        for (name, value) in pairs {
            if !block.is_empty() {
                block.push(b',');
            }
            value_of(name, &value, &mut block);
        }
        Self((*block).into())
    }

    /// As it stands between braces.
    pub fn as_bytes(&self) -> &[u8] {
        &self.0
    }

    /// Itself, if there are labels in it.
    fn any(&self) -> Option<&Self> {
        (!self.0.is_empty()).then_some(self)
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
    fn block(&self) -> Option<&LabelBlock> {
        self.any()
    }

    fn append(&self, _: &[&'static str; 0], _: u8, _: &mut Buffer) -> bool {
        false
    }
}

impl<A: LabelValue> Labels<1> for (&LabelBlock, A) {
    fn block(&self) -> Option<&LabelBlock> {
        self.0.any()
    }

    fn append(&self, names: &[&'static str; 1], before: u8, out: &mut Buffer) -> bool {
        self.1.append(names, before, out)
    }
}

impl<A: LabelValue, B: LabelValue> Labels<2> for (&LabelBlock, A, B) {
    fn block(&self) -> Option<&LabelBlock> {
        self.0.any()
    }

    fn append(&self, [a, b]: &[&'static str; 2], before: u8, out: &mut Buffer) -> bool {
        pair(before, a, &self.1, out);
        pair(b',', b, &self.2, out);
        true
    }
}

/// A block and any number of labels of one type.
impl<A: LabelValue, const N: usize> Labels<N> for (&LabelBlock, [A; N]) {
    fn block(&self) -> Option<&LabelBlock> {
        self.0.any()
    }

    fn append(&self, names: &[&'static str; N], mut before: u8, out: &mut Buffer) -> bool {
        for (name, value) in names.iter().zip(&self.1) {
            pair(before, name, value, out);
            before = b',';
        }
        N > 0
    }
}

/// A block in which all labels of a family stand already.
#[derive(Clone, Copy, Debug)]
pub struct Whole<'a>(pub &'a LabelBlock);

impl<const N: usize> Labels<N> for Whole<'_> {
    fn block(&self) -> Option<&LabelBlock> {
        self.0.any()
    }

    fn append(&self, _: &[&'static str; N], _: u8, _: &mut Buffer) -> bool {
        false
    }
}

/// Such a block of all labels but the last, and that one.
impl<A: LabelValue, const N: usize> Labels<N> for (Whole<'_>, A) {
    fn block(&self) -> Option<&LabelBlock> {
        self.0.0.any()
    }

    fn append(&self, names: &[&'static str; N], before: u8, out: &mut Buffer) -> bool {
        let Some(name) = names.last() else { return false };
        pair(before, name, &self.1, out);
        true
    }
}

fn pair(before: u8, name: &str, value: &impl LabelValue, out: &mut Buffer) {
    out.push(before);
    value_of(name, value, out);
}

fn value_of(name: &str, value: &impl LabelValue, out: &mut Buffer) {
    out.put(name.as_bytes());
    out.put(b"=\"");
    value.escaped(out);
    out.push(b'"');
}

fn escape(value: &[u8], out: &mut Buffer) {
    /// Up to here, a look at each byte takes less than to begin a search.
    const SHORT: usize = 16;
    let special = |byte: &u8| matches!(byte, b'\\' | b'"' | b'\n');
    let any = if value.len() <= SHORT {
        value.iter().any(special)
    } else {
        memchr3(b'\\', b'"', b'\n', value).is_some()
    };
    if !any {
        return out.put(value);
    }
    for &byte in value {
        match byte {
            b'\\' => out.put(br"\\"),
            b'"' => out.put(br#"\""#),
            b'\n' => out.put(br"\n"),
            _ => out.push(byte),
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Text;

    /// The labels of a sample `x`.
    fn written<const N: usize>(names: [&'static str; N], labels: impl Labels<N>) -> String {
        let mut text = Text::default();
        text.raw(b"x\n", 0);
        text.rope.begin(0..1);
        text.sample(&names, &labels, 1u64, |out| out.put(b"x"));
        let whole = String::from_utf8(text.to_vec()).unwrap();
        let labels = whole.strip_prefix("x\nx").unwrap().strip_suffix(" 1\n");
        labels.unwrap().to_owned()
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
        assert_eq!(written(["id"], Whole(&block)), r#"{id="/"}"#);
        assert_eq!(written(["id", "to"], (Whole(&block), "x")), r#"{id="/",to="x"}"#);
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
