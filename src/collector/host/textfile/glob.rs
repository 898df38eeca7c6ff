//! Shell patterns of directories, as Go's `filepath.Glob` reads them.

use std::os::unix::ffi::OsStrExt;
use std::path::{Component, Path, PathBuf};

use crate::files::names;

/// The paths a pattern stands for, in order. One without `*`, `?`, `[` and `\` stands for itself, and
/// so does one that finds nothing.
pub(super) fn expand(pattern: &str) -> Vec<PathBuf> {
    let clean = || Path::new(pattern).components().collect::<PathBuf>();
    if !is_pattern(pattern.as_bytes()) {
        return vec![clean()];
    }
    let mut found = vec![PathBuf::new()];
    for component in Path::new(pattern).components() {
        found = found
            .into_iter()
            .flat_map(|path| below(path, component))
            .collect();
    }
    found.retain(|path| path.symlink_metadata().is_ok());
    if found.is_empty() { vec![clean()] } else { found }
}

/// Whether it is more than a path.
pub(super) fn is_pattern(path: &[u8]) -> bool {
    path.iter().any(|byte| b"*?[\\".contains(byte))
}

fn below(path: PathBuf, component: Component<'_>) -> Vec<PathBuf> {
    let pattern = component.as_os_str().as_bytes();
    if !is_pattern(pattern) {
        return vec![path.join(component)];
    }
    let dir = if path.as_os_str().is_empty() { Path::new(".") } else { &path };
    let names = names(dir).unwrap_or_default();
    let fits = names.iter().filter(|name| matches(pattern, name));
    fits.map(|name| path.join(std::ffi::OsStr::from_bytes(name)))
        .collect()
}

/// Whether a name fits a pattern of `*`, `?`, `[a-z]`, `[^a-z]` and `\` before what stands for itself.
fn matches(pattern: &[u8], name: &[u8]) -> bool {
    // Where to take up again with one byte more for the last `*`.
    let mut again: Option<(&[u8], &[u8])> = None;
    let (mut pattern, mut name) = (pattern, name);
    loop {
        if let Some(rest) = pattern.strip_prefix(b"*") {
            again = Some((rest, name));
            pattern = rest;
            continue;
        }
        match (one(pattern, name), pattern.is_empty() && name.is_empty()) {
            (_, true) => return true,
            (Some((rest_of_pattern, rest)), _) => (pattern, name) = (rest_of_pattern, rest),
            (None, _) => {
                let Some((rest_of_pattern, [_, rest @ ..])) = again else { return false };
                again = Some((rest_of_pattern, rest));
                (pattern, name) = (rest_of_pattern, rest);
            }
        }
    }
}

/// Matches one byte, and says what is left of both.
fn one<'a>(pattern: &'a [u8], name: &'a [u8]) -> Option<(&'a [u8], &'a [u8])> {
    let (&byte, name) = name.split_first()?;
    let (&first, rest) = pattern.split_first()?;
    let (fits, rest) = match first {
        b'?' => (true, rest),
        b'[' => class(byte, rest)?,
        b'\\' => {
            let (&literal, rest) = rest.split_first()?;
            (literal == byte, rest)
        }
        literal => (literal == byte, rest),
    };
    fits.then_some((rest, name))
}

/// Reads the rest of `[a-z]` or `[^a-z]`, and says whether the byte is in it.
fn class(byte: u8, pattern: &[u8]) -> Option<(bool, &[u8])> {
    let (negated, mut rest) = match pattern.strip_prefix(b"^") {
        Some(rest) => (true, rest),
        None => (false, pattern),
    };
    let literal = |rest: &mut &[u8]| -> Option<u8> {
        if let Some(escaped) = rest.strip_prefix(b"\\") {
            *rest = escaped;
        }
        let (&byte, after) = rest.split_first()?;
        *rest = after;
        Some(byte)
    };
    let mut found = false;
    let mut empty = true;
    loop {
        if let (Some(rest), false) = (rest.strip_prefix(b"]"), empty) {
            return Some((found != negated, rest));
        }
        empty = false;
        let low = literal(&mut rest)?;
        let high = match rest.strip_prefix(b"-") {
            Some(after) => {
                rest = after;
                literal(&mut rest)?
            }
            None => low,
        };
        found |= (low..=high).contains(&byte);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn matches_as_go_does() {
        let fits = |pattern: &str, name: &str| matches(pattern.as_bytes(), name.as_bytes());
        let yes = [
            ("", ""),
            ("*", ""),
            ("*", ".a"),
            ("a*c", "abcbc"),
            ("a?c", "abc"),
            ("[a-c]x", "bx"),
            ("[^a-c]x", "dx"),
            ("[]]", "]"),
            (r"\*", "*"),
            (r"[\]]", "]"),
            ("*.d*", "a.b.d"),
        ];
        for (pattern, name) in yes {
            assert!(fits(pattern, name), "{pattern} {name}");
        }
        for (pattern, name) in [
            ("", "a"),
            ("a", ""),
            ("a*c", "abd"),
            ("?", ""),
            ("[a-c", "a"),
            ("[^a]", "a"),
            ("\\", "\\"),
        ] {
            assert!(!fits(pattern, name), "{pattern} {name}");
        }
        let stars = "*a".repeat(50);
        assert!(!fits(&stars, &"b".repeat(10_000)), "and does so in time");
    }

    #[test]
    fn a_path_stands_for_itself() {
        assert_eq!(expand("/no//such/./dir/"), [Path::new("/no/such/dir")]);
        assert_eq!(expand("/no/such*/dir"), [Path::new("/no/such*/dir")]);
    }
}
