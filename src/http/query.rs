//! The query of a request, read as Go reads it.

/// What a request for metrics may ask for.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Query {
    /// Values of `collect[]`.
    pub(super) collect: Vec<String>,
    /// Values of `exclude[]`.
    pub(super) exclude: Vec<String>,
    /// Values of `name[]`.
    pub(super) names: Vec<String>,
}

/// Parses `collect[]=cpu&collect%5B%5D=meminfo`. A malformed pair is dropped.
pub(super) fn parse(query: &str) -> Query {
    let mut asked = Query::default();
    for pair in query.split('&').filter(|pair| !pair.contains(';')) {
        let (key, value) = pair.split_once('=').unwrap_or((pair, ""));
        let (Some(key), Some(value)) = (decoded(key), decoded(value)) else { continue };
        match key.as_str() {
            "collect[]" => asked.collect.push(value),
            "exclude[]" => asked.exclude.push(value),
            "name[]" => asked.names.push(value),
            _ => (),
        }
    }
    asked
}

/// Undoes `%5B` and `+`; `None` where a `%` is followed by anything but two hex digits.
fn decoded(text: &str) -> Option<String> {
    let mut bytes = Vec::with_capacity(text.len());
    let mut rest = text.bytes();
    while let Some(byte) = rest.next() {
        bytes.push(match byte {
            b'+' => b' ',
            b'%' => hex(rest.next()?)? << 4 | hex(rest.next()?)?,
            plain => plain,
        });
    }
    Some(String::from_utf8_lossy(&bytes).into_owned())
}

fn hex(digit: u8) -> Option<u8> {
    let value = char::from(digit).to_digit(16)?;
    u8::try_from(value).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn strings(values: &[&str]) -> Vec<String> {
        values.iter().map(|v| (*v).to_owned()).collect()
    }

    #[test]
    fn reads_what_is_asked_for() {
        let expected = Query {
            collect: strings(&["cpu", "mem info", ""]),
            exclude: strings(&["löad"]),
            names: strings(&["up"]),
        };
        let query =
            "collect[]=cpu&x=1&collect%5B%5d=mem+info&collect[]&exclude[]=l%C3%B6ad&&name[]=up";
        assert_eq!(parse(query), expected);
        assert_eq!(parse(""), Query::default());
    }

    #[test]
    fn drops_malformed_pairs() {
        let query =
            "collect[]=a%&collect[]=b%4&collect[]=c%zz&collect[]=d;e&collect%[]=f&collect[]=%2Bg";
        assert_eq!(parse(query).collect, ["+g"]);
        assert_eq!(parse("collect[]=%FF").collect, ["\u{fffd}"], "not UTF-8");
    }
}
