//! How many series each family of the last scrape has: counted when somebody looks, once a scrape.

use std::collections::HashMap;

use crate::exposition::Piece;
use crate::http::names;

/// The families of a scrape and how many series each has, the most first.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Counted {
    /// All series.
    pub(super) series: usize,
    /// Bytes of text.
    pub(super) bytes: usize,
    /// By name.
    pub(super) families: Vec<(String, usize)>,
}

impl Counted {
    /// Counts the samples in pieces of an exposition.
    pub(super) fn of<'a>(pieces: impl Iterator<Item = &'a Piece>) -> Self {
        let mut counts: HashMap<&str, usize> = HashMap::new();
        let mut bytes = 0;
        for piece in pieces {
            bytes += piece.len();
            let Ok(text) = str::from_utf8(piece.without_blocks()) else { continue };
            for (name, family) in names::named(text) {
                let samples = family.lines().filter(|line| !line.starts_with('#')).count();
                *counts.entry(name).or_default() += samples;
            }
        }
        let mut families: Vec<_> = counts
            .into_iter()
            .map(|(name, samples)| (name.to_owned(), samples))
            .collect();
        families.sort_unstable_by(|(a, x), (b, y)| y.cmp(x).then_with(|| a.cmp(b)));
        Self { series: families.iter().map(|(_, samples)| samples).sum(), bytes, families }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::exposition::Text;

    #[test]
    fn counts_the_samples_of_each_family() {
        let pieces = [
            "# HELP a A.\n# TYPE a gauge\na 1\n# HELP b B.\n# TYPE b gauge\nb{x=\"# HELP\"} 1\nb 2\n",
            "",
            "# HELP c C.\n# TYPE c gauge\nc 1\n",
        ]
        .map(|bytes| {
            let mut text = Text::default();
            text.raw(bytes.as_bytes(), 0);
            Piece::from(text)
        });
        let families = [("b".into(), 2), ("a".into(), 1), ("c".into(), 1)];
        let bytes = pieces.iter().map(|piece| piece.len()).sum();
        let expected = Counted { series: 4, bytes, families: families.into() };
        assert_eq!(Counted::of(pieces.iter()), expected);
        assert_eq!(Counted::of([].iter()), Counted::default());
    }
}
