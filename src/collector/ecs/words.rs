//! What is told by an ARN, by the name of an image, and by a version.

/// The region and the account of an ARN, `arn:aws:ecs:eu-west-1:111122223333:task/…`; empty where it
/// is none.
pub(super) fn place(arn: &str) -> (&str, &str) {
    let mut parts = arn.split(':').skip(3);
    let region = parts.next().unwrap_or_default();
    (region, parts.next().unwrap_or_default())
}

/// The name of an image and its tag: `latest` where it has none, empty where it has a digest instead.
pub(super) fn image(image: &str) -> (&str, &str) {
    let (name, digest) = match image.split_once('@') {
        Some((name, _)) => (name, true),
        None => (image, false),
    };
    match name.rsplit_once(':') {
        // What follows a colon may be the port of the registry.
        Some((name, tag)) if !tag.contains('/') => (name, tag),
        _ if digest || name.is_empty() => (name, ""),
        _ => (name, "latest"),
    }
}

/// The number in what the agent says of its version, `Amazon ECS Agent - v1.105.1 (*a8b3e7d3)`.
pub(super) fn version(said: &str) -> &str {
    let words = said
        .split_whitespace()
        .filter_map(|word| word.strip_prefix('v'));
    let number = |word: &&str| word.starts_with(|first: char| first.is_ascii_digit());
    words.into_iter().find(number).unwrap_or(said)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_arn_tells_where_it_is() {
        let arn = "arn:aws:ecs:eu-west-1:111122223333:task/c/1";
        assert_eq!(place(arn), ("eu-west-1", "111122223333"));
        assert_eq!(place("task/1"), ("", ""));
    }

    #[test]
    fn the_agent_says_its_version() {
        assert_eq!(version("Amazon ECS Agent - v1.105.1 (*a8b3e7d3)"), "1.105.1");
        assert_eq!(version("very new"), "very new");
    }

    #[test]
    fn an_image_has_a_name_and_a_tag() {
        for (whole, expected) in [
            ("nginx", ("nginx", "latest")),
            ("nginx:1.27", ("nginx", "1.27")),
            ("localhost:5000/app", ("localhost:5000/app", "latest")),
            ("localhost:5000/app:v1", ("localhost:5000/app", "v1")),
            ("app@sha256:abc", ("app", "")),
            ("app:v1@sha256:abc", ("app", "v1")),
            ("", ("", "")),
        ] {
            assert_eq!(image(whole), expected, "{whole}");
        }
    }
}
