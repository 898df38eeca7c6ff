//! `os-release`: which Linux this is. The one file here that the kernel does not write.
//!
//! See [os-release(5)](https://www.freedesktop.org/software/systemd/man/latest/os-release.html).

use super::{Line, Malformed, lines};

/// The assignments of the file.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct OsRelease(Vec<(String, String)>);

impl OsRelease {
    /// Parses one assignment a line, quoted as a shell has it: `PRETTY_NAME="Amazon Linux 2023"`.
    pub fn parse(text: &[u8]) -> Result<Self, Malformed> {
        let mut assignments = Vec::new();
        for line in lines(text) {
            let text = line.rest();
            if text.is_empty() || text.starts_with(b"#") {
                continue;
            }
            let text = str::from_utf8(text).map_err(|_| line.malformed("UTF-8"))?;
            let (key, value) = text.split_once('=').ok_or(line.malformed("KEY=value"))?;
            assignments.push((key.trim_end().into(), unquote(value, line)?));
        }
        Ok(Self(assignments))
    }

    /// What a key was last assigned, or nothing.
    pub fn get(&self, key: &str) -> &str {
        let last = self.0.iter().rev().find(|(known, _)| known == key);
        last.map_or("", |(_, value)| value)
    }
}

/// Takes off quotes, backslashes and a comment, as a shell would.
fn unquote(text: &str, line: Line<'_>) -> Result<String, Malformed> {
    let mut value = String::new();
    // What blanks outside quotes may be cut off again, at the end.
    let mut significant = 0;
    let mut quote = None;
    let mut chars = text.trim_start().chars();
    while let Some(c) = chars.next() {
        match (c, quote) {
            ('"' | '\'', None) => quote = Some(c),
            ('#', None) => break,
            (_, Some(open)) if open == c => quote = None,
            ('\\', None | Some('"')) => {
                value.push(match chars.next() {
                    Some('n') if quote.is_some() => '\n',
                    Some('t') if quote.is_some() => '\t',
                    escaped => escaped.ok_or(line.malformed("more after the backslash"))?,
                });
            }
            _ => value.push(c),
        }
        if quote.is_some() || !c.is_ascii_whitespace() {
            significant = value.len();
        }
    }
    if quote.is_some() {
        return Err(line.malformed("the quote's end"));
    }
    value.truncate(significant);
    Ok(value)
}

#[cfg(test)]
mod tests {
    use super::*;

    fn value(text: &str) -> Result<String, String> {
        let release = OsRelease::parse(format!("A={text}\n").as_bytes());
        release
            .map(|release| release.get("A").to_owned())
            .map_err(|e| e.to_string())
    }

    #[test]
    fn reads_assignments() {
        let text = b"# which\nNAME=\"Amazon Linux\"\n\n ID='amzn'\nVERSION_ID=2023\nID=last\n";
        let release = OsRelease::parse(text).unwrap();
        let got = ["NAME", "ID", "VERSION_ID", "VARIANT"].map(|key| release.get(key));
        assert_eq!(got, ["Amazon Linux", "last", "2023", ""]);
    }

    #[test]
    fn takes_off_what_a_shell_takes_off() {
        for (text, expected) in [
            ("", ""),
            (r#""""#, ""),
            (r#""a \"b\" \$c \\""#, r#"a "b" $c \"#),
            (r#"'a\'"#, r"a\"),
            (r#"x"y"'z'"#, "xyz"),
            (r#" "a "  # why"#, "a "),
            (" a b  # why", "a b"),
            ("ä # why", "ä"),
            (r"a\ b", "a b"),
        ] {
            assert_eq!(value(text).as_deref(), Ok(expected), "{text}");
        }
    }

    #[test]
    fn names_what_is_wrong() {
        assert_eq!(value("\"a").unwrap_err(), "line 1: the quote's end expected");
        assert_eq!(value("'a\"").unwrap_err(), "line 1: the quote's end expected");
        assert_eq!(value("\"a\\").unwrap_err(), "line 1: more after the backslash expected");
        let malformed = OsRelease::parse(b"A=1\nnothing\n").unwrap_err();
        assert_eq!(malformed.to_string(), "line 2: KEY=value expected");
        let malformed = OsRelease::parse(b"A=\xff\n").unwrap_err();
        assert_eq!(malformed.to_string(), "line 1: UTF-8 expected");
    }
}
