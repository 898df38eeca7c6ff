//! What the kernel says: formats that more than one reader shares. Nothing here opens a file.
//!
//! Every parser is `fn(&[u8]) -> Result<T, Malformed>`, so that one test, one fuzz target and one
//! benchmark can go over all of them.

pub mod cpulist;
pub mod date;
pub mod diskstats;
pub mod flat;
pub mod meminfo;
pub mod mountinfo;
pub mod netdev;
pub mod os_release;
pub mod psi;
pub mod stat;

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
    text.split(|&b| b == b'\n')
        .enumerate()
        .filter(|(_, bytes)| !bytes.is_empty())
        .map(|(i, bytes)| Line { number: i + 1, rest: bytes })
}

/// A line being read, field by field.
#[derive(Clone, Copy, Debug)]
pub struct Line<'a> {
    number: usize,
    rest: &'a [u8],
}

impl<'a> Line<'a> {
    /// The next field, or `None` at the end of the line.
    pub fn field(&mut self) -> Option<&'a [u8]> {
        let rest = self.rest.trim_ascii_start();
        let end = rest
            .iter()
            .position(u8::is_ascii_whitespace)
            .unwrap_or(rest.len());
        let (field, rest) = rest.split_at(end);
        self.rest = rest;
        (!field.is_empty()).then_some(field)
    }

    /// The same line, with something else left to read of it.
    pub fn over(self, rest: &'a [u8]) -> Self {
        Self { rest, ..self }
    }

    /// What is left of the line.
    pub fn rest(&self) -> &'a [u8] {
        self.rest.trim_ascii()
    }

    /// The next field as a count: as [`number`](Self::number), without a detour by way of text.
    pub fn count(&mut self, expected: &'static str) -> Result<u64, Malformed> {
        self.field()
            .and_then(decimal)
            .ok_or(self.malformed(expected))
    }

    /// The next field as a count, or `None` at the end of the line: a field younger than this kernel.
    pub fn newer_count(&mut self, expected: &'static str) -> Result<Option<u64>, Malformed> {
        match self.field() {
            None => Ok(None),
            Some(field) => Ok(Some(decimal(field).ok_or(self.malformed(expected))?)),
        }
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
    if digits.is_empty() {
        return None;
    }
    digits.iter().try_fold(0u64, |n, &digit| {
        let digit = digit.wrapping_sub(b'0');
        if digit > 9 {
            return None;
        }
        n.checked_mul(10)?.checked_add(u64::from(digit))
    })
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
}
