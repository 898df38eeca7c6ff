//! YAML as a tree whose nodes know their lines, and whose words stand as they are written.

use saphyr_parser::{Event, Parser, ScalarStyle, ScanError, StrInput};

/// Deeper than any web configuration.
const DEEPEST: usize = 16;

/// What is wrong with a web configuration, and where. Nothing of the values is in it but names: some
/// are secrets.
#[derive(Debug, PartialEq, Eq, thiserror::Error)]
#[error("line {line}: {reason}")]
pub(super) struct Wrong {
    /// Counted from 1.
    pub(super) line: usize,
    pub(super) reason: String,
}

impl Wrong {
    pub(super) fn at(node: &Node, reason: impl Into<String>) -> Self {
        Self { line: node.line, reason: reason.into() }
    }
}

impl From<ScanError> for Wrong {
    fn from(error: ScanError) -> Self {
        Self { line: error.marker().line(), reason: error.info().into() }
    }
}

/// A value, and where it begins.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Node {
    pub(super) line: usize,
    pub(super) value: Value,
}

#[derive(Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// Nothing, or `~`.
    Null,
    Scalar(String),
    List(Vec<Node>),
    Map(Vec<(Node, Node)>),
}

impl Node {
    /// What a mapping holds; nothing is an empty one.
    pub(super) fn map(&self, what: &str) -> Result<&[(Self, Self)], Wrong> {
        match &self.value {
            Value::Null => Ok(&[]),
            Value::Map(entries) => Ok(entries),
            Value::Scalar(_) | Value::List(_) => {
                Err(Wrong::at(self, format!("{what}: names with values expected")))
            }
        }
    }

    /// What a list holds; nothing is an empty one.
    pub(super) fn list(&self, what: &str) -> Result<&[Self], Wrong> {
        match &self.value {
            Value::Null => Ok(&[]),
            Value::List(items) => Ok(items),
            Value::Scalar(_) | Value::Map(_) => {
                Err(Wrong::at(self, format!("{what}: a list expected")))
            }
        }
    }

    /// A text; nothing is an empty one.
    pub(super) fn text(&self, what: &str) -> Result<&str, Wrong> {
        match &self.value {
            Value::Null => Ok(""),
            Value::Scalar(text) => Ok(text),
            Value::List(_) | Value::Map(_) => {
                Err(Wrong::at(self, format!("{what}: a text expected")))
            }
        }
    }

    /// A boolean, by any of the words that YAML 1.1 has for it.
    pub(super) fn boolean(&self, what: &str) -> Result<bool, Wrong> {
        match self.text(what)?.to_ascii_lowercase().as_str() {
            "true" | "yes" | "on" | "y" => Ok(true),
            "false" | "no" | "off" | "n" => Ok(false),
            _ => Err(Wrong::at(self, format!("{what}: true or false expected"))),
        }
    }
}

/// Parses the first document of a text.
pub(super) fn parse(text: &str) -> Result<Node, Wrong> {
    let mut parser = Parser::new_from_str(text);
    loop {
        match next(&mut parser)? {
            (Event::DocumentStart(_), _) => {
                let first = next(&mut parser)?;
                return node(&mut parser, first, 0);
            }
            (Event::StreamEnd, line) => return Ok(Node { line, value: Value::Null }),
            _ => {}
        }
    }
}

type Placed<'t> = (Event<'t>, usize);

fn next<'t>(parser: &mut Parser<'t, StrInput<'t>>) -> Result<Placed<'t>, Wrong> {
    match parser.next_event() {
        Some(event) => {
            let (event, span) = event?;
            Ok((event, span.start.line()))
        }
        None => Ok((Event::StreamEnd, 1)),
    }
}

/// The node that begins with an event.
fn node<'t>(
    parser: &mut Parser<'t, StrInput<'t>>,
    (event, line): Placed<'t>,
    depth: usize,
) -> Result<Node, Wrong> {
    let wrong = |reason: &str| Wrong { line, reason: reason.into() };
    if depth > DEEPEST {
        return Err(wrong("too deep"));
    }
    let value = match event {
        Event::Scalar(text, ScalarStyle::Plain, ..)
            if matches!(&*text, "" | "~" | "null" | "Null" | "NULL") =>
        {
            Value::Null
        }
        Event::Scalar(text, ..) => Value::Scalar(text.into_owned()),
        Event::SequenceStart(..) => {
            let mut items = Vec::new();
            loop {
                match next(parser)? {
                    (Event::SequenceEnd, _) => break Value::List(items),
                    first => items.push(node(parser, first, depth + 1)?),
                }
            }
        }
        Event::MappingStart(..) => {
            let mut entries = Vec::new();
            loop {
                match next(parser)? {
                    (Event::MappingEnd, _) => break Value::Map(entries),
                    first => {
                        let key = node(parser, first, depth + 1)?;
                        let first = next(parser)?;
                        entries.push((key, node(parser, first, depth + 1)?));
                    }
                }
            }
        }
        Event::Alias(_) => return Err(wrong("aliases are not understood here")),
        Event::DocumentEnd | Event::StreamEnd => Value::Null,
        Event::Nothing
        | Event::StreamStart
        | Event::DocumentStart(_)
        | Event::SequenceEnd
        | Event::MappingEnd => return Err(wrong("a value expected")),
    };
    Ok(Node { line, value })
}

#[cfg(test)]
mod tests {
    use super::*;

    fn scalar(line: usize, text: &str) -> Node {
        Node { line, value: Value::Scalar(text.into()) }
    }

    #[test]
    fn keeps_words_as_they_are_written() {
        let tree = parse("a:\n  0123: [on, \"~\"]\nb: ~ # none\n").unwrap();
        let list = Node { line: 2, value: Value::List(vec![scalar(2, "on"), scalar(2, "~")]) };
        let map = Node { line: 2, value: Value::Map(vec![(scalar(2, "0123"), list)]) };
        let null = Node { line: 3, value: Value::Null };
        let whole = vec![(scalar(1, "a"), map), (scalar(3, "b"), null)];
        assert_eq!(tree, Node { line: 1, value: Value::Map(whole) });
        for empty in ["", "# nothing\n", "---\n", "---\n...\n", "~", "\u{feff}"] {
            assert_eq!(parse(empty).unwrap().value, Value::Null, "{empty:?}");
        }
    }

    #[test]
    fn refuses_what_is_no_tree() {
        for text in ["a: [", "a: b: c", "a: &x 1\nb: *x", "{", "'", "- a\nb", "%"] {
            assert!(parse(text).is_err(), "{text:?}");
        }
        assert_eq!(parse(&"[".repeat(100)).unwrap_err().reason, "too deep");
        let text = "tls_server_config:\n  cert_file: \"a\\n\"\nbasic_auth_users: {a: 'b', c: [|\n";
        for end in 0..text.len() {
            let _never_panics = parse(text.get(..end).unwrap());
        }
    }
}
