//! `name[]=`: families by name, out of an exposition that is made already.

use crate::exposition::{Piece, Text};

const HEADER: &str = "# HELP ";

/// The families of these names, out of the pieces they are in.
pub(super) fn only(names: &[String], pieces: &[Piece]) -> Vec<Piece> {
    let mut kept = Vec::new();
    for piece in pieces {
        let Ok(text) = str::from_utf8(piece.without_blocks()) else { continue };
        let mut at = 0;
        for family in families(text) {
            let end = at + family.len();
            if name(family).is_some_and(|name| names.iter().any(|wanted| wanted == name)) {
                piece.expand(piece.before(at), piece.before(end), &mut kept);
            }
            at = end;
        }
    }
    let mut text = Text::default();
    text.raw(&kept, 0);
    vec![text.into()]
}

/// The families of a text, each with its name.
pub(super) fn named(text: &str) -> impl Iterator<Item = (&str, &str)> {
    families(text).filter_map(|family| Some((name(family)?, family)))
}

fn name(family: &str) -> Option<&str> {
    family.strip_prefix(HEADER)?.split(' ').next()
}

/// Takes a text apart before each line that begins a family.
fn families(text: &str) -> impl Iterator<Item = &str> {
    let mut rest = text;
    std::iter::from_fn(move || {
        // A header within a line is none.
        let next = rest.match_indices("\n# HELP ").map(|(at, _)| at + 1).next();
        let (family, after) = rest.split_at_checked(next.unwrap_or(rest.len()))?;
        rest = after;
        (!family.is_empty()).then_some(family)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::whole;

    #[test]
    fn keeps_whole_families() {
        let pieces = [
            "# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\n# TYPE b gauge\nb{x=\"# HELP a \"} 1\nb 2\n",
            "# HELP ab A.\n# TYPE ab gauge\nab 1\n",
            "",
            "# HELP c C.\n# TYPE c gauge\nc 1\n",
        ]
        .map(|bytes| {
            let mut text = Text::default();
            text.raw(bytes.as_bytes(), 0);
            Piece::from(text)
        });
        let only = |names: &[&str]| {
            let names: Vec<_> = names.iter().map(|n| (*n).to_owned()).collect();
            String::from_utf8(whole(&only(&names, &pieces))).unwrap()
        };
        assert_eq!(only(&["a"]), "# HELP a A.\n# TYPE a gauge\na 1\n");
        let expected = "# HELP b B.\n# TYPE b gauge\nb{x=\"# HELP a \"} 1\nb 2\n# HELP c C.\n# TYPE c gauge\nc 1\n";
        assert_eq!(only(&["c", "b", "unknown"]), expected);
        assert_eq!(only(&[""]), "");
    }
}
