//! JSON of others, read with leniency: what is not of the type expected counts as not given.

use std::borrow::Cow;
use std::fmt;

use serde::de::{Deserialize, Deserializer, IgnoredAny, MapAccess, SeqAccess, Visitor};

/// A longer name, image or label value is cut here, twice as far as the exposition cuts.
const LONGEST: usize = 4096;

/// Text to keep, cut where it has no end.
pub(super) fn kept(text: &str) -> Box<str> {
    let (text, _) = text
        .split_at_checked(text.floor_char_boundary(LONGEST))
        .unwrap_or_default();
    text.into()
}

/// Parses JSON. Bytes that are not UTF-8 become U+FFFD first.
pub(super) fn parse<T>(
    json: &[u8],
    read: impl FnOnce(&str) -> serde_json::Result<T>,
) -> Result<T, Malformed> {
    read(&String::from_utf8_lossy(json)).map_err(Malformed::from)
}

/// JSON that says something else than it should. Says where, and never what: it may be a secret.
#[derive(Clone, Copy, Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}, column {column}: not what was expected")]
pub struct Malformed {
    /// The line, from 1; 0 where only the column is known.
    pub line: usize,
    /// The column where it was noticed.
    pub column: usize,
}

impl From<serde_json::Error> for Malformed {
    fn from(error: serde_json::Error) -> Self {
        Self { line: error.line(), column: error.column() }
    }
}

/// A single value of whatever type, borrowed from the JSON where it can be.
#[derive(Debug, Default, PartialEq)]
pub(super) enum Scalar<'a> {
    /// Text, or a number as text is made of it.
    Text(Cow<'a, str>),
    /// A whole number.
    Whole(i64),
    /// Another number.
    Fraction(f64),
    /// `null`, nothing, or what is neither text nor a number.
    #[default]
    Nothing,
}

impl Scalar<'_> {
    /// The text; empty for what is none.
    pub(super) fn text(&self) -> &str {
        match self {
            Self::Text(text) => text,
            Self::Whole(_) | Self::Fraction(_) | Self::Nothing => "",
        }
    }

    /// The text, also of a number.
    pub(super) fn printed(&self) -> Box<str> {
        match self {
            Self::Whole(number) => number.to_string().into(),
            Self::Text(_) | Self::Fraction(_) | Self::Nothing => kept(self.text()),
        }
    }

    /// The number, if it is one.
    pub(super) fn whole(&self) -> Option<i64> {
        match self {
            Self::Whole(number) => Some(*number),
            Self::Text(_) | Self::Fraction(_) | Self::Nothing => None,
        }
    }

    /// The number, if it is one above zero, which is how Docker says that something was given.
    pub(super) fn above_zero(&self) -> Option<u64> {
        match self {
            Self::Whole(number) => u64::try_from(*number).ok().filter(|n| *n > 0),
            Self::Text(_) | Self::Fraction(_) | Self::Nothing => None,
        }
    }

    /// The number.
    pub(super) fn number(&self) -> Option<f64> {
        match self {
            Self::Whole(number) => Some(*number as f64),
            Self::Fraction(number) => Some(*number),
            Self::Text(_) | Self::Nothing => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Scalar<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(AnyScalar)
    }
}

struct AnyScalar;

impl<'de> Visitor<'de> for AnyScalar {
    type Value = Scalar<'de>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("anything")
    }

    fn visit_borrowed_str<E>(self, text: &'de str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Borrowed(text)))
    }

    fn visit_str<E>(self, text: &str) -> Result<Self::Value, E> {
        Ok(Scalar::Text(Cow::Owned(text.to_owned())))
    }

    fn visit_i64<E>(self, number: i64) -> Result<Self::Value, E> {
        Ok(Scalar::Whole(number))
    }

    fn visit_u64<E>(self, number: u64) -> Result<Self::Value, E> {
        Ok(i64::try_from(number).map_or(Scalar::Nothing, Scalar::Whole))
    }

    fn visit_f64<E>(self, number: f64) -> Result<Self::Value, E> {
        Ok(Scalar::Fraction(number))
    }

    fn visit_bool<E>(self, _: bool) -> Result<Self::Value, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_unit<E>(self) -> Result<Self::Value, E> {
        Ok(Scalar::Nothing)
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Self::Value, A::Error> {
        while items.next_element::<IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }

    fn visit_map<A: MapAccess<'de>>(self, mut entries: A) -> Result<Self::Value, A::Error> {
        while entries.next_entry::<IgnoredAny, IgnoredAny>()?.is_some() {}
        Ok(Scalar::Nothing)
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_whatever_comes() {
        let json = r#"["a", "b\n", 3, -4, 1.5, true, null, [1, [2]], {"a": {"b": 1}}, 18446744073709551615]"#;
        let scalars: Vec<Scalar<'_>> = serde_json::from_str(json).unwrap();
        let text = |text: &'static str| Scalar::Text(Cow::Borrowed(text));
        let mut expected = vec![text("a"), text("b\n"), Scalar::Whole(3), Scalar::Whole(-4)];
        expected.push(Scalar::Fraction(1.5));
        expected.extend((0..5).map(|_| Scalar::Nothing));
        assert_eq!(scalars, expected);
        assert_eq!(scalars[2].above_zero(), Some(3));
        assert_eq!(scalars[3].above_zero(), None);
        assert_eq!((&*scalars[2].printed(), &*scalars[0].printed()), ("3", "a"));
    }

    #[test]
    fn mends_bytes_and_says_where_and_not_what() {
        let read = |text: &str| serde_json::from_str::<String>(text);
        assert_eq!(parse(b"\"a\xff\"", read), Ok("a\u{fffd}".into()));
        let error = parse(b"\n{\"hunter2\": 1}", |t| serde_json::from_str::<u8>(t)).unwrap_err();
        assert_eq!(error.to_string(), "line 2, column 0: not what was expected");
    }

    #[test]
    fn cuts_what_has_no_end() {
        assert_eq!(kept(&"é".repeat(LONGEST)).len(), LONGEST);
    }
}
