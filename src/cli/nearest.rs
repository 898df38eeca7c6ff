//! Which known flag somebody may have meant.

/// The known name that is the fewest letters away from a collector's flag that is not known. `None`
/// where none is near.
pub(super) fn nearest<'a>(name: &str, known: impl Iterator<Item = &'a str>) -> Option<String> {
    let (no, name) = match name.strip_prefix("no-") {
        Some(name) => ("no-", name),
        None => ("", name),
    };
    let own = name.strip_prefix("collector.")?;
    let near = known
        .filter(|known| known.starts_with("collector."))
        .map(|known| (distance(name, known), known))
        .min()?;
    (near.0 <= own.len().div_ceil(2)).then(|| format!("{no}{}", near.1))
}

/// How many letters must be added, taken away or changed.
fn distance(one: &str, other: &str) -> usize {
    let mut row: Vec<usize> = (0..=other.chars().count()).collect();
    for (i, a) in one.chars().enumerate() {
        let mut above_left = i;
        let mut left = i + 1;
        for (b, above) in other.chars().zip(row.iter_mut().skip(1)) {
            let here = (above_left + usize::from(a != b))
                .min(left + 1)
                .min(*above + 1);
            above_left = std::mem::replace(above, here);
            left = here;
        }
        if let Some(first) = row.first_mut() {
            *first = i + 1;
        }
    }
    row.last().copied().unwrap_or_default()
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn counts_letters() {
        for (one, other, apart) in
            [("", "", 0), ("a", "", 1), ("", "ab", 2), ("kitten", "sitting", 3), ("ab", "ba", 2)]
        {
            assert_eq!(distance(one, other), apart, "{one} {other}");
            assert_eq!(distance(other, one), apart, "{other} {one}");
        }
    }

    #[test]
    fn finds_what_was_meant() {
        let known = ["collector.cpu", "collector.loadavg", "collector.filesystem", "web.x"];
        let nearest = |name| nearest(name, known.into_iter());
        assert_eq!(nearest("collector.lodavg").as_deref(), Some("collector.loadavg"));
        assert_eq!(nearest("no-collector.filesystems").as_deref(), Some("no-collector.filesystem"));
        assert_eq!(nearest("collector.gpu").as_deref(), Some("collector.cpu"));
        assert_eq!(nearest("collector.zzzzzz"), None);
        assert_eq!(nearest("web.y"), None);
    }
}
