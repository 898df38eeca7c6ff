//! What the files of bcachefs say. They are written for people, and change between versions: what
//! is not understood is left out.

use crate::kernel::attribute::number;
use crate::kernel::{Line, lines};

/// Parses `524k`, `1.5M` or `12`. The units are powers of 1024.
pub(super) fn human(text: &[u8]) -> Option<f64> {
    const UNITS: &[u8] = b"kmgtpe";
    let text = text.trim_ascii();
    let (size, power) = match text.split_last() {
        Some((last, size)) if last.is_ascii_alphabetic() => {
            let unit = last.to_ascii_lowercase();
            (size, UNITS.iter().position(|known| *known == unit)? + 1)
        }
        _ => (text, 0),
    };
    Some((number(size)? * 1024f64.powi(i32::try_from(power).ok()?)).trunc())
}

/// Parses a line of headings, then `lz4:  1.2G  4.1G  61.1k`: a name and two numbers.
pub(super) fn pairs(text: &[u8], mut each: impl FnMut(&[u8], [f64; 2])) {
    let end = text.iter().position(|&b| b == b'\n');
    let (_headings, text) = text.split_at(end.unwrap_or(text.len()));
    for mut line in lines(text) {
        let Some(name) = line.field() else { continue };
        let mut number = || line.field().and_then(human);
        if let (Some(first), Some(second)) = (number(), number()) {
            each(name.strip_suffix(b":").unwrap_or(name), [first, second]);
        }
    }
}

/// Parses `btree_node_read_err 5 1730000000`: an error, how often, and when last.
pub(super) fn errors(text: &[u8], mut each: impl FnMut(&[u8], f64)) {
    for mut line in lines(text) {
        if let (Some(name), Some(count)) = (line.field(), line.field().and_then(number)) {
            each(name, count);
        }
    }
}

/// Parses `since filesystem creation:  34.5M` among other lines.
pub(super) fn since_made(text: &[u8]) -> Option<f64> {
    lines(text)
        .find_map(|line| line.raw().strip_prefix(b"since filesystem creation:"))
        .and_then(human)
}

/// Parses `read:` or `write:`, then `  btree  :  12345` for each type of data.
pub(super) fn done(text: &[u8], mut each: impl FnMut(&[u8], &[u8], f64)) {
    let mut operation: Option<&[u8]> = None;
    for line in lines(text) {
        match line.rest() {
            b"read:" => operation = Some(b"read"),
            b"write:" => operation = Some(b"write"),
            _ => {
                if let (Some(operation), Some((kind, bytes))) = (operation, pair(line)) {
                    each(operation, kind, bytes);
                }
            }
        }
    }
}

/// Parses `  read:  3` and so on below `IO errors since filesystem creation`.
pub(super) fn device_errors(text: &[u8], mut each: impl FnMut(&[u8], f64)) {
    const HEADING: &[u8] = b"IO errors since ";
    let ours = lines(text)
        .skip_while(|line| {
            !line
                .raw()
                .starts_with(b"IO errors since filesystem creation")
        })
        .skip(1)
        .take_while(|line| !line.raw().starts_with(HEADING));
    for (kind, count) in ours.filter_map(pair) {
        each(kind, count);
    }
}

/// Parses `btree  :  12345`.
fn pair(line: Line<'_>) -> Option<(&[u8], f64)> {
    let (name, value) = line
        .rest()
        .split_at(line.rest().iter().position(|&b| b == b':')?);
    Some((name.trim_ascii(), number(value.strip_prefix(b":")?)?))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_sizes() {
        let sizes = [
            ("524M\n", 549_453_824.0),
            ("1.5k", 1536.0),
            ("12", 12.0),
            ("0", 0.0),
            ("2 G", 2_147_483_648.0),
        ];
        for (text, size) in sizes {
            assert_eq!(human(text.as_bytes()), Some(size), "{text}");
        }
        assert_eq!([human(b""), human(b"k"), human(b"1x"), human(b"1kk")], [None; 4]);
    }

    #[test]
    fn passes_over_what_it_does_not_understand() {
        let mut seen = Vec::new();
        let text = b"type compressed uncompressed\nlz4: 1k 2k 64k\nzstd: x 1\ngzip\n";
        pairs(text, |name, pair| seen.push((name.to_vec(), pair)));
        assert_eq!(seen, [(b"lz4".to_vec(), [1024.0, 2048.0])]);

        let mut seen = Vec::new();
        let text = b"sb: 1\nread:\n  sb   :  3989504\n  what\n write:\n journal : x\n user : 7\n";
        done(text, |operation, kind, bytes| {
            seen.push((operation.to_vec(), kind.to_vec(), bytes));
        });
        let expected = [
            (b"read".to_vec(), b"sb".to_vec(), 3_989_504.0),
            (b"write".to_vec(), b"user".to_vec(), 7.0),
        ];
        assert_eq!(seen, expected);

        let mut seen = Vec::new();
        let text = b"IO errors since filesystem creation\n  read:    197346\n  write: 0\n\
                     IO errors since 8 y ago\n  read: 5\n";
        device_errors(text, |kind, count| seen.push((kind.to_vec(), count)));
        assert_eq!(seen, [(b"read".to_vec(), 197_346.0), (b"write".to_vec(), 0.0)]);

        assert_eq!(since_made(b"since mount: 1\nsince filesystem creation:  2k\n"), Some(2048.0));
        assert_eq!(since_made(b"2k\n"), None);
    }
}
