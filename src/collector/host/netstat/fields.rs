//! Counts by name, and which of them are wanted.

use regex_lite::Regex;

use crate::kernel::{Line, Malformed, lines};

/// Which counts of a file are wanted. A regular expression costs more than the rest of the scrape, so
/// each name is held against it once: names come in the same order every time.
#[derive(Debug, Default)]
pub(super) struct Fields {
    rows: Vec<Row>,
}

/// A line of names, as it was last seen.
#[derive(Debug, Default)]
struct Row {
    /// All of it.
    names: Box<[u8]>,
    /// For each name, the field it is shown as, if it is wanted.
    wanted: Vec<Option<Box<[u8]>>>,
}

impl Fields {
    /// Parses a line of names and a line of numbers for each protocol:
    ///
    /// ```text
    /// Udp: InDatagrams NoPorts InErrors OutDatagrams
    /// Udp: 173 0 0 174
    /// ```
    pub(super) fn each_pair(
        &mut self,
        text: &[u8],
        wanted: &Regex,
        mut each: impl FnMut(&[u8], f64),
    ) -> Result<(), Malformed> {
        const NUMBERS: &str = "a number for each name";
        let mut lines = lines(text);
        let mut rows = Rows { rows: &mut self.rows, next: 0 };
        while let Some(names) = lines.next() {
            let mut numbers = lines.next().ok_or(names.malformed(NUMBERS))?;
            if numbers.field() != names.clone().field() {
                return Err(numbers.malformed("the protocol of the line before"));
            }
            for wanted in rows.row(names, |names, fields| pair(names, wanted, fields))? {
                match wanted {
                    Some(field) => each(field, number(&mut numbers, NUMBERS)?),
                    None => drop(numbers.field().ok_or(numbers.malformed(NUMBERS))?),
                }
            }
            if !numbers.rest().is_empty() {
                return Err(numbers.malformed(NUMBERS));
            }
        }
        Ok(())
    }

    /// Parses a name and a number a line: `Ip6InOctets 128`.
    pub(super) fn each_line(
        &mut self,
        text: &[u8],
        wanted: &Regex,
        mut each: impl FnMut(&[u8], f64),
    ) -> Result<(), Malformed> {
        let mut rows = Rows { rows: &mut self.rows, next: 0 };
        for mut line in lines(text) {
            let Some(name) = line.field() else { continue };
            let wanted = rows.row(line.over(name), |name, fields| single(name, wanted, fields))?;
            for field in wanted.iter().flatten() {
                each(field, number(&mut line, "a number")?);
            }
        }
        Ok(())
    }
}

/// What is known of lines of names, in the order in which they come.
struct Rows<'r> {
    rows: &'r mut Vec<Row>,
    next: usize,
}

impl Rows<'_> {
    /// What is wanted of the next line of names; decided anew if it is not the one that was there
    /// before.
    fn row(
        &mut self,
        names: Line<'_>,
        decide: impl FnOnce(Line<'_>, &mut Vec<Option<Box<[u8]>>>) -> Result<(), Malformed>,
    ) -> Result<&[Option<Box<[u8]>>], Malformed> {
        let at = self.next;
        self.next += 1;
        if at == self.rows.len() {
            self.rows.push(Row::default());
        }
        let Some(row) = self.rows.get_mut(at) else { return Ok(&[]) };
        if *row.names != *names.rest() {
            *row = Row::default();
            decide(names, &mut row.wanted)?;
            row.names = names.rest().into();
        }
        Ok(&row.wanted)
    }
}

/// Decides about the names of a protocol: `Udp: InDatagrams NoPorts`.
fn pair(
    mut names: Line<'_>,
    wanted: &Regex,
    fields: &mut Vec<Option<Box<[u8]>>>,
) -> Result<(), Malformed> {
    let protocol = names
        .field()
        .and_then(|word| word.strip_suffix(b":"))
        .ok_or(names.malformed("a protocol and a colon"))?;
    while let Some(name) = names.field() {
        fields.push(joined(protocol, name, wanted));
    }
    Ok(())
}

/// Decides about a name that begins with its protocol, which ends with its first 6. Without one it is
/// not wanted.
fn single(
    mut name: Line<'_>,
    wanted: &Regex,
    fields: &mut Vec<Option<Box<[u8]>>>,
) -> Result<(), Malformed> {
    let name = name.field().unwrap_or_default();
    fields.push(name.iter().position(|&b| b == b'6').and_then(|six| {
        let (protocol, name) = name.split_at(six + 1);
        joined(protocol, name, wanted)
    }));
    Ok(())
}

/// `TcpExt_ListenDrops`, if it is wanted.
fn joined(protocol: &[u8], name: &[u8], wanted: &Regex) -> Option<Box<[u8]>> {
    let field = [protocol, b"_", name].concat();
    let text = str::from_utf8(&field).ok()?;
    wanted.is_match(text).then(|| field.into())
}

/// A number that may have a sign, as `Tcp_MaxConn`.
fn number(line: &mut Line<'_>, expected: &'static str) -> Result<f64, Malformed> {
    let rest = line.raw().trim_ascii_start();
    let below_zero = rest.strip_prefix(b"-");
    match below_zero.filter(|digits| digits.first().is_some_and(u8::is_ascii_digit)) {
        None => line.count(expected).map(|n| n as f64),
        Some(digits) => {
            *line = line.over(digits);
            line.count(expected).map(|n| -(n as f64))
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    type Read = fn(&mut Fields, &[u8], &Regex, &mut dyn FnMut(&[u8], f64)) -> Result<(), Malformed>;

    const PAIRS: Read = |fields, text, wanted, each| fields.each_pair(text, wanted, each);
    const LINES: Read = |fields, text, wanted, each| fields.each_line(text, wanted, each);

    fn said(read: Read, fields: &mut Fields, text: &str) -> Result<Vec<String>, Malformed> {
        let mut said = Vec::new();
        let wanted = Regex::new("^A|B$").unwrap();
        read(fields, text.as_bytes(), &wanted, &mut |field, n| {
            said.push(format!("{}={n}", str::from_utf8(field).unwrap()));
        })?;
        Ok(said)
    }

    #[test]
    fn notices_that_names_have_changed() {
        let mut fields = Fields::default();
        let mut pairs = |text| said(PAIRS, &mut fields, text).unwrap();
        assert_eq!(pairs("X: A B\nX: 1 2\nA: C\nA: -3\n"), ["X_B=2", "A_C=-3"]);
        assert_eq!(pairs("X: B A\nX: 4 5\nA: C\nA: 6\n"), ["X_B=4", "A_C=6"]);
        assert_eq!(pairs("A: C\nA: 7\n"), ["A_C=7"]);
        assert_eq!(pairs(""), [""; 0]);
    }

    #[test]
    fn splits_names_behind_their_first_6() {
        let mut fields = Fields::default();
        let mut lines = |text| said(LINES, &mut fields, text).unwrap();
        assert_eq!(lines("X6B 1\nA6C6 2\nAB 3\nX6C 4\n"), ["X6_B=1", "A6_C6=2"]);
        assert_eq!(lines("X6C 1\nX6B\t2\n"), ["X6_B=2"]);
    }

    #[test]
    fn reads_only_numbers_that_are_wanted() {
        let mut fields = Fields::default();
        assert_eq!(said(PAIRS, &mut fields, "X: C B\nX: z 1\n").unwrap(), ["X_B=1"]);
        assert_eq!(said(LINES, &mut fields, "X6C\nX6B 1\n").unwrap(), ["X6_B=1"]);
    }

    #[test]
    fn names_what_is_missing() {
        let wrong = |read, text| {
            said(read, &mut Fields::default(), text)
                .unwrap_err()
                .to_string()
        };
        assert_eq!(wrong(PAIRS, "X: A\n"), "line 1: a number for each name expected");
        assert_eq!(wrong(PAIRS, "X: A\nX:\n"), "line 2: a number for each name expected");
        assert_eq!(wrong(PAIRS, "X: A\nX: 1 2\n"), "line 2: a number for each name expected");
        for text in ["X: B\nX: z\n", "X: B\nX: -\n", "X: B\nX: - 1\n", "X: B\nX: 1x\n"] {
            assert_eq!(wrong(PAIRS, text), "line 2: a number for each name expected");
        }
        assert_eq!(
            wrong(PAIRS, "X: A\nY: 1\n"),
            "line 2: the protocol of the line before expected"
        );
        assert_eq!(wrong(PAIRS, "X A\nX 1\n"), "line 1: a protocol and a colon expected");
        assert_eq!(wrong(LINES, "X6B\n"), "line 1: a number expected");
    }
}
