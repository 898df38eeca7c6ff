//! Attributes: files of one value, as sysfs has them.

/// Parses `-40`, `123` or `0.5`.
pub fn number(text: &[u8]) -> Option<f64> {
    let text = text.trim_ascii();
    match super::decimal(text) {
        Some(count) => Some(count as f64),
        // `parse` would take `inf` and `nan`, too.
        None if text.iter().any(u8::is_ascii_alphabetic) => None,
        None => str::from_utf8(text).ok()?.parse().ok(),
    }
}

/// Parses `0x1f`, or `1f` alike.
pub fn hex(text: &[u8]) -> Option<u64> {
    let digits = text.trim_ascii();
    let digits = digits.strip_prefix(b"0x").unwrap_or(digits);
    match digits.first() {
        Some(b'+') | None => None,
        Some(_) => u64::from_str_radix(str::from_utf8(digits).ok()?, 16).ok(),
    }
}

/// Parses `4: ACTIVE`, a number and what it means.
pub fn state(text: &[u8]) -> Option<f64> {
    let end = text.iter().position(|&b| b == b':')?;
    let (number, _) = text.split_at(end);
    super::decimal(number.trim_ascii()).map(|n| n as f64)
}

/// The number at the end of a name, such as `csrow12`, if the name begins with `prefix`.
pub fn numbered<'a>(name: &'a [u8], prefix: &[u8]) -> Option<&'a [u8]> {
    let digits = name.strip_prefix(prefix)?;
    (!digits.is_empty() && digits.iter().all(u8::is_ascii_digit)).then_some(digits)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reads_numbers() {
        assert_eq!(
            [number(b"42\n"), number(b"-1500"), number(b"0.5")],
            [42.0, -1500.0, 0.5].map(Some)
        );
        assert_eq!(
            [number(b""), number(b"N/A"), number(b"nan"), number(b"1 2"), number(b"\xff")],
            [None; 5]
        );
        assert_eq!(number(b"18446744073709551615"), Some(u64::MAX as f64));
        assert_eq!(
            [hex(b"0xff\n"), hex(b"10"), hex(b"0xffffffffffffffff")],
            [Some(255), Some(16), Some(u64::MAX)]
        );
        assert_eq!([hex(b"0x"), hex(b"+1"), hex(b"x"), hex(b"")], [None; 4]);
        assert_eq!(
            [state(b"4: ACTIVE\n"), state(b"ACTIVE"), state(b": x")],
            [Some(4.0), None, None]
        );
    }

    #[test]
    fn reads_numbers_of_names() {
        assert_eq!(numbered(b"csrow12", b"csrow"), Some(&b"12"[..]));
        assert_eq!(
            [numbered(b"csrow", b"csrow"), numbered(b"st0a", b"st"), numbered(b"x", b"st")],
            [None; 3]
        );
    }
}
