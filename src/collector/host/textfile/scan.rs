//! The words of a line: names, labels, numbers.

/// Names and values.
pub(super) type Labels = Vec<(String, String)>;

/// What was expected instead.
pub(super) type Wrong = &'static str;

/// Reads `{name="value",…}`, or nothing.
pub(super) fn labels(line: &[u8]) -> Result<(Labels, &[u8]), Wrong> {
    let mut labels = Labels::new();
    let Some(mut rest) = line.strip_prefix(b"{") else { return Ok((labels, line)) };
    loop {
        rest = blanks(rest);
        if let Some(rest) = rest.strip_prefix(b"}") {
            labels.sort_unstable();
            let twice = labels
                .windows(2)
                .any(|pair| matches!(pair, [(a, _), (b, _)] if a == b));
            return if twice { Err("each label once") } else { Ok((labels, rest)) };
        }
        let (label, after) = name(rest, false).ok_or("a label name")?;
        if label == "__name__" {
            return Err("a label name other than __name__");
        }
        let after = blanks(after).strip_prefix(b"=").ok_or("an equals sign")?;
        let after = blanks(after)
            .strip_prefix(b"\"")
            .ok_or("a quoted label value")?;
        let (value, after) = quoted(after).ok_or("a quoted label value")?;
        let value = str::from_utf8(value).map_err(|_| "a label value in UTF-8")?;
        let value = unescaped(value, true).ok_or("\\\\, \\\" or \\n")?;
        labels.push((label.into(), value));
        let after = blanks(after);
        rest = match after.strip_prefix(b",") {
            Some(rest) => rest,
            None if after.starts_with(b"}") => after,
            None => return Err("a comma or a closing brace"),
        };
    }
}

/// Takes the bound of a bucket, or a quantile, out of the labels.
pub(super) fn bound(labels: &mut Labels, name: &str) -> Option<f64> {
    let place = labels.iter().position(|(label, _)| label == name)?;
    let (_, value) = labels.remove(place);
    number(value.as_bytes()).filter(|bound| !bound.is_nan())
}

/// Reads the name of a metric, which may have colons, or of a label.
pub(super) fn name(line: &[u8], colons: bool) -> Option<(&str, &[u8])> {
    let fits = |b: u8| b.is_ascii_alphanumeric() || b == b'_' || (colons && b == b':');
    let (name, rest) = split(line, fits);
    let name = str::from_utf8(name).ok()?;
    (!name.is_empty() && !name.starts_with(|c: char| c.is_ascii_digit())).then_some((name, rest))
}

/// Reads up to the closing quote.
fn quoted(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let mut escaped = false;
    let end = line.iter().position(|&byte| {
        let closes = byte == b'"' && !escaped;
        escaped = byte == b'\\' && !escaped;
        closes
    })?;
    let (value, rest) = line.split_at(end);
    Some((value, rest.get(1..)?))
}

/// A help text, or a label value, with what is escaped put back. `None` where it is escaped wrongly.
pub(super) fn unescaped(text: &str, quotes: bool) -> Option<String> {
    let mut out = String::with_capacity(text.len());
    let mut chars = text.chars();
    while let Some(char) = chars.next() {
        out.push(match char {
            '\\' => match chars.next()? {
                '\\' => '\\',
                'n' => '\n',
                '"' if quotes => '"',
                _ => return None,
            },
            char => char,
        });
    }
    Some(out)
}

/// Reads a number. One too large for an `f64` is none.
pub(super) fn number(text: &[u8]) -> Option<f64> {
    let number: f64 = str::from_utf8(text).ok()?.parse().ok()?;
    let overflown = number.is_infinite() && text.iter().any(u8::is_ascii_digit);
    (!overflown).then_some(number)
}

/// Whether a byte stands between words.
pub(super) fn is_blank(byte: u8) -> bool {
    matches!(byte, b' ' | b'\t')
}

/// What comes after the blanks.
pub(super) fn blanks(line: &[u8]) -> &[u8] {
    split(line, is_blank).1
}

/// Splits before the first byte that does not fit.
pub(super) fn split(line: &[u8], fits: impl Fn(u8) -> bool) -> (&[u8], &[u8]) {
    let end = line.iter().position(|&b| !fits(b)).unwrap_or(line.len());
    line.split_at(end)
}
