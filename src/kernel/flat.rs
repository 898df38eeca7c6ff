//! Flat keyed files: `key value` on each line, as in `memory.stat`, `cpu.stat` and `/proc/vmstat`.

use super::{Malformed, leading, lines};

/// Calls `each` with every pair. Keys that nobody asks for are the caller's to ignore.
pub fn each<'a>(text: &'a [u8], mut each: impl FnMut(&'a [u8], u64)) -> Result<(), Malformed> {
    // Most of what a scrape reads are such lines, so they are read in one go where they are as the
    // kernel writes them. The rest is for those that are not.
    let (mut rest, mut read) = (text, 0);
    while let Some((key, number, following)) = pair(rest) {
        each(key, number);
        rest = following;
        read += 1;
    }
    for mut line in lines(rest) {
        line.number += read;
        let key = line.field().ok_or(line.malformed("a key"))?;
        each(key, line.count("a number")?);
    }
    Ok(())
}

/// A first line with one blank in it, and what follows.
fn pair(text: &[u8]) -> Option<(&[u8], u64, &[u8])> {
    let end = text.iter().position(|byte| *byte <= b' ')?;
    let (key, rest) = text.split_at(end);
    let (number, rest) = leading(rest.strip_prefix(b" ")?)?;
    let rest = rest.strip_prefix(b"\n")?;
    (!key.is_empty()).then_some((key, number, rest))
}

#[cfg(test)]
mod tests {
    use super::*;

    fn pairs(text: &str) -> Result<Vec<(String, u64)>, String> {
        let mut pairs = Vec::new();
        each(text.as_bytes(), |key, n| pairs.push((String::from_utf8_lossy(key).into(), n)))
            .map_err(|e| e.to_string())?;
        Ok(pairs)
    }

    #[test]
    fn reads_pairs_however_they_are_spaced() {
        let expected = Ok(vec![("a".into(), 1), ("b".into(), 22), ("c".into(), 3)]);
        for text in ["a 1\nb 22\nc 3\n", "a 1\nb 22\nc 3", "\na\t1\n\n  b  22 \nc 3 kB\n"] {
            assert_eq!(pairs(text), expected, "{text}");
        }
    }

    #[test]
    fn names_what_is_wrong() {
        for (text, complaint) in [
            ("a 1\nb 2\nc x\n", "line 3: a number expected"),
            ("a 1\n\nb\n", "line 3: a number expected"),
            ("a 1\n \n", "line 2: a key expected"),
            ("a 1\nb 2x\n", "line 2: a number expected"),
            ("a 99999999999999999999\n", "line 1: a number expected"),
        ] {
            assert_eq!(pairs(text).unwrap_err(), complaint);
        }
    }
}
