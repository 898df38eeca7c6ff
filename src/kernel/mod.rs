//! What the kernel says: formats that more than one reader shares. Nothing here opens a file.
//!
//! Every parser is `fn(&[u8]) -> Result<T, Malformed>`, so that one test, one fuzz target and one
//! benchmark can go over all of them.

pub mod attribute;
pub mod bcache;
pub mod btrfs;
pub mod cpulist;
pub mod date;
pub mod diskstats;
pub mod ethtool;
pub mod flat;
pub mod hex;
pub mod mdstat;
pub mod meminfo;
pub mod mountinfo;
pub mod mountstats;
pub mod netdev;
pub mod netlink;
pub mod nfs;
pub mod os_release;
pub mod psi;
pub mod sockets;
pub mod stat;

use memchr::memchr;

/// Text that is not what the kernel is known to write.
#[derive(Debug, Clone, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {expected} expected")]
pub struct Malformed {
    /// Counted from 1.
    pub line: usize,
    /// What the parser was looking for.
    pub expected: &'static str,
}

/// Lines with their numbers, for [`Malformed`]. A last line without its newline counts.
pub fn lines(text: &[u8]) -> impl Iterator<Item = Line<'_>> + Clone {
    let (mut rest, mut number) = (text, 0);
    std::iter::from_fn(move || {
        while !rest.is_empty() {
            let (line, next) = rest.split_at(memchr(b'\n', rest).unwrap_or(rest.len()));
            rest = next.get(1..).unwrap_or_default();
            number += 1;
            if !line.is_empty() {
                return Some(Line { number, rest: line });
            }
        }
        None
    })
}

/// A line being read, field by field.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    number: usize,
    rest: &'a [u8],
}

impl<'a> Line<'a> {
    /// The line of this number, counted from 1.
    pub fn numbered(number: usize, line: &'a [u8]) -> Self {
        Self { number, rest: line }
    }

    /// The next field, or `None` at the end of the line.
    pub fn field(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.trim_ascii_start();
        // Most bytes are told from a blank by one look.
        let blank = |byte: &u8| *byte <= b' ' && byte.is_ascii_whitespace();
        let end = rest.iter().position(blank).unwrap_or(rest.len());
        let (field, rest) = rest.split_at(end);
        self.rest = rest;
        (!field.is_empty()).then_some(field)
    }

    /// The same line, with something else left to read of it.
    pub fn over(self, rest: &'a [u8]) -> Self {
        Self { rest, ..self }
    }

    /// What is left of the line, with the blanks around it.
    pub fn raw(&self) -> &'a [u8] {
        self.rest
    }

    /// What is left of the line.
    pub fn rest(&self) -> &'a [u8] {
        self.rest.trim_ascii()
    }

    /// The next field as a count: as [`number`](Self::number), without a detour by way of text.
    pub fn count(&mut self, expected: &'static str) -> Result<u64, Malformed> {
        let (number, rest) =
            leading(self.rest.trim_ascii_start()).ok_or(self.malformed(expected))?;
        self.rest = rest;
        match rest.first() {
            Some(byte) if !byte.is_ascii_whitespace() => Err(self.malformed(expected)),
            _ => Ok(number),
        }
    }

    /// The next field as a count, or `None` at the end of the line: a field younger than this kernel.
    pub fn newer_count(&mut self, expected: &'static str) -> Result<Option<u64>, Malformed> {
        if self.rest().is_empty() { Ok(None) } else { self.count(expected).map(Some) }
    }

    /// The next field as text.
    pub fn word(&mut self, expected: &'static str) -> Result<&'a str, Malformed> {
        let field = self.field().ok_or(self.malformed(expected))?;
        str::from_utf8(field).map_err(|_| self.malformed(expected))
    }

    /// The next field as a number.
    pub fn number<T: std::str::FromStr>(&mut self, expected: &'static str) -> Result<T, Malformed> {
        self.word(expected)?
            .parse()
            .map_err(|_| self.malformed(expected))
    }

    /// The next field as a number, or `None` at the end of the line: a field younger than this kernel.
    pub fn newer<T: std::str::FromStr>(
        &mut self,
        expected: &'static str,
    ) -> Result<Option<T>, Malformed> {
        if self.rest().is_empty() { Ok(None) } else { self.number(expected).map(Some) }
    }

    /// The complaint that `expected` was not found on this line.
    pub fn malformed(&self, expected: &'static str) -> Malformed {
        Malformed { line: self.number, expected }
    }
}

/// A decimal number without a sign.
pub fn decimal(digits: &[u8]) -> Option<u64> {
    leading(digits).and_then(|(number, rest)| rest.is_empty().then_some(number))
}

/// The decimal number that a text begins with, and what follows it.
fn leading(text: &[u8]) -> Option<(u64, &[u8])> {
    /// So many digits fit, whatever they are.
    const FIT: usize = 19;
    let digit = |byte: u8| Some(byte.wrapping_sub(b'0')).filter(|digit| *digit <= 9);
    let digits = || text.iter().map_while(|byte| digit(*byte)).map(u64::from);
    let (length, number) = digits().fold((0, 0u64), |(length, number), digit| {
        (length + 1, number.wrapping_mul(10).wrapping_add(digit))
    });
    let number = match length {
        0 => return None,
        1..=FIT => number,
        _ => digits().try_fold(0u64, |n, digit| n.checked_mul(10)?.checked_add(digit))?,
    };
    Some((number, text.split_at(length).1))
}

/// A file of one number, such as `memory.current` or `conf/forwarding`.
pub fn single(text: &[u8]) -> Result<u64, Malformed> {
    decimal(text.trim_ascii()).ok_or(Malformed { line: 1, expected: "a number" })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers_up_to_the_last_that_fits() {
        assert_eq!(decimal(b"18446744073709551615"), Some(u64::MAX));
        assert_eq!(decimal(b"18446744073709551616"), None);
        assert_eq!(decimal(b"00000000000000000000042"), Some(42));
        assert_eq!(decimal(b"9999999999999999999"), Some(9_999_999_999_999_999_999));
        assert_eq!(decimal(b"99999999999999999999"), None);
        assert_eq!([decimal(b""), decimal(b"-1"), decimal(b"1x"), decimal(b" 1")], [None; 4]);
        assert_eq!(single(b"42\n"), Ok(42));
        assert_eq!(single(b"max\n"), Err(Malformed { line: 1, expected: "a number" }));
    }

    #[test]
    fn names_the_line_and_what_it_lacks() {
        let mut line = lines(b"a 1\n\nb x").nth(1).unwrap();
        assert_eq!((line.field(), line.field()), (Some(&b"b"[..]), Some(&b"x"[..])));
        assert_eq!(line.newer_count("a number"), Ok(None));
        assert_eq!(line.malformed("a number").to_string(), "line 3: a number expected");
    }

    #[test]
    fn counts_field_by_field() {
        let mut line = lines(b" 1\t22  \r").next().unwrap();
        assert_eq!((line.count("one"), line.newer_count("two")), (Ok(1), Ok(Some(22))));
        assert_eq!(line.newer_count("three"), Ok(None));
        for text in [&b"x"[..], b"1x 2", b"", b"-1", b"99999999999999999999 1"] {
            let mut line = Line { number: 7, rest: text };
            assert_eq!(line.count("one"), Err(Malformed { line: 7, expected: "one" }));
        }
    }
}
