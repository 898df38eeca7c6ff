//! Rules for containers that do not ask to be scraped by themselves.

use regex_lite::Regex;

use super::subject::Subject;

/// The words before `=` that a rule knows.
const WORDS: [&str; 7] = ["family", "service", "container", "port", "path", "scheme", "job"];

/// Which containers are to be scraped, and where.
#[derive(Clone, Debug)]
pub struct Rule {
    /// What is looked at, and what it must be.
    matchers: Vec<(Field, Matcher)>,
    /// The container's port.
    pub(super) port: u16,
    pub(super) path: Option<String>,
    pub(super) scheme: Option<String>,
    pub(super) job: Option<String>,
}

#[derive(Clone, Copy, Debug)]
enum Field {
    Family,
    Service,
    Container,
}

#[derive(Clone, Debug)]
enum Matcher {
    Is(String),
    Like(Regex),
}

impl Rule {
    /// Parses `family=~web-.*,container=app,port=8080,path=/metrics,scheme=https,job=web`: `=` for
    /// the very word, `=~` for a regular expression that matches all of it. All must match. A port
    /// is needed, and a word to look at.
    pub fn parse(text: &str) -> Result<Self, String> {
        let mut rule = Self { matchers: Vec::new(), port: 0, path: None, scheme: None, job: None };
        for part in parts(text) {
            let (word, value) = part.split_once('=').ok_or_else(|| wrong(&part))?;
            let field = match word {
                "family" => Field::Family,
                "service" => Field::Service,
                "container" => Field::Container,
                "port" => {
                    let port = value.parse().ok().filter(|port| *port > 0);
                    rule.port = port.ok_or("a port of 1 to 65535 expected")?;
                    continue;
                }
                "path" if value.starts_with('/') => {
                    rule.path = Some(value.into());
                    continue;
                }
                "path" => return Err("a path that begins with / expected".into()),
                "scheme" if matches!(value, "http" | "https") => {
                    rule.scheme = Some(value.into());
                    continue;
                }
                "scheme" => return Err("http or https expected".into()),
                "job" => {
                    rule.job = Some(value.into());
                    continue;
                }
                _ => return Err(wrong(&part)),
            };
            let matcher = match value.strip_prefix('~') {
                None => Matcher::Is(value.into()),
                Some(pattern) => Matcher::Like(
                    Regex::new(&format!("^(?:{pattern})$")).map_err(|error| error.to_string())?,
                ),
            };
            rule.matchers.push((field, matcher));
        }
        match rule {
            Self { port: 0, .. } => Err("port=… expected".into()),
            _ if rule.matchers.is_empty() => {
                Err("family=…, service=… or container=… expected".into())
            }
            _ => Ok(rule),
        }
    }

    /// Whether it is for this container.
    pub(super) fn takes(&self, subject: &Subject<'_>) -> bool {
        self.matchers.iter().all(|(field, matcher)| {
            let value = match field {
                Field::Family => subject.who.family,
                Field::Service => subject.service,
                Field::Container => subject.who.container,
            };
            match matcher {
                Matcher::Is(word) => word == value,
                Matcher::Like(pattern) => pattern.is_match(value),
            }
        })
    }
}

/// The parts between commas; a comma that no known word follows belongs to what is before it.
fn parts(text: &str) -> Vec<String> {
    let mut parts: Vec<String> = Vec::new();
    for piece in text.split(',') {
        let begins = WORDS.iter().any(|word| {
            piece
                .strip_prefix(word)
                .is_some_and(|rest| rest.starts_with('='))
        });
        match parts.last_mut() {
            Some(last) if !begins => {
                last.push(',');
                last.push_str(piece);
            }
            _ => parts.push(piece.into()),
        }
    }
    parts
}

fn wrong(part: &str) -> String {
    format!("{part:?}: one of {} expected before =", WORDS.join(", "))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn says_what_is_wrong() {
        for (text, expected) in [
            (
                "",
                "\"\": one of family, service, container, port, path, scheme, job expected before =",
            ),
            ("port=80", "family=…, service=… or container=… expected"),
            ("family=web", "port=… expected"),
            ("family=web,port=0", "a port of 1 to 65535 expected"),
            ("family=web,port=80,path=x", "a path that begins with / expected"),
            ("family=web,port=80,scheme=ftp", "http or https expected"),
        ] {
            assert_eq!(Rule::parse(text).unwrap_err(), expected, "{text}");
        }
        assert!(Rule::parse("family=~(,port=80").is_err());
        assert!(Rule::parse("cluster=x,port=80").is_err());
    }

    #[test]
    fn a_comma_may_be_in_an_expression() {
        let rule = Rule::parse("family=~a{1,2}b,job=x,y,port=80").unwrap();
        assert_eq!((rule.port, rule.job.as_deref()), (80, Some("x,y")));
        let [(_, Matcher::Like(pattern))] = &rule.matchers[..] else { panic!("{rule:?}") };
        assert!(pattern.is_match("aab") && !pattern.is_match("aabc") && !pattern.is_match("b"));
    }
}
