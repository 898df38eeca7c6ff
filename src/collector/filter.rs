//! Which devices, mount points and the like a collector leaves out.

use std::collections::HashMap;

use regex_lite::Regex;

use super::flags;
use crate::files::{Error, Result};

/// One of the two flags of a filter, as it was given.
#[derive(Clone, Copy, Debug)]
pub struct Flag<'a> {
    /// Its name on the command line, without the dashes.
    pub name: &'static str,
    /// Its regular expression, if it was given. An empty one is none.
    pub value: Option<&'a str>,
}

/// Leaves out what matches one regular expression, and what does not match another. Both are
/// unanchored, as `node_exporter`'s are.
#[derive(Debug)]
pub struct Filter {
    include: Option<Regex>,
    exclude: Option<Regex>,
    /// What was said of a name before: an expression costs microseconds, and names come back with
    /// each scrape.
    said: HashMap<Box<[u8]>, bool>,
}

impl Filter {
    /// A filter whose two expressions both apply.
    pub fn both(include: Flag<'_>, exclude: Flag<'_>) -> Result<Self> {
        Ok(Self {
            include: compiled(include.name, include.value)?,
            exclude: compiled(exclude.name, exclude.value)?,
            said: HashMap::new(),
        })
    }

    /// A filter of which one flag may be given, not both. Where neither is, it leaves out what
    /// matches `default`: who says what to take gets all of that.
    pub fn either(include: Flag<'_>, exclude: Flag<'_>, default: &str) -> Result<Self> {
        let given = |flag: Flag<'_>| flag.value.is_some_and(|value| !value.is_empty());
        if given(include) && given(exclude) {
            let (include, exclude) = (include.name, exclude.name);
            return Err(Error::Config(format!("--{include} and --{exclude} exclude each other")));
        }
        let default = Some(default).filter(|_| !given(include));
        Self::both(include, Flag { value: exclude.value.or(default), ..exclude })
    }

    /// Whether something of this name is left out.
    pub fn ignores(&mut self, name: &[u8]) -> bool {
        /// Of mount points and interfaces that come and go, some are never asked for again.
        const REMEMBERED: usize = 1024;
        if self.include.is_none() && self.exclude.is_none() {
            return false;
        }
        if let Some(said) = self.said.get(name) {
            return *said;
        }
        let text = String::from_utf8_lossy(name);
        let ignored = self.exclude.as_ref().is_some_and(|e| e.is_match(&text))
            || self.include.as_ref().is_some_and(|i| !i.is_match(&text));
        if self.said.len() >= REMEMBERED {
            self.said.clear();
        }
        self.said.insert(name.into(), ignored);
        ignored
    }
}

fn compiled(name: &str, value: Option<&str>) -> Result<Option<Regex>> {
    value
        .filter(|value| !value.is_empty())
        .map(|value| flags::regex(name, value))
        .transpose()
}

#[cfg(test)]
mod tests {
    use super::*;

    const DEFAULT: &str = "^veth";

    fn flags<'a>(include: Option<&'a str>, exclude: Option<&'a str>) -> (Flag<'a>, Flag<'a>) {
        (Flag { name: "x.include", value: include }, Flag { name: "x.exclude", value: exclude })
    }

    fn either(include: Option<&str>, exclude: Option<&str>) -> Result<Filter> {
        let (include, exclude) = flags(include, exclude);
        Filter::either(include, exclude, DEFAULT)
    }

    fn both(include: &str, exclude: &str) -> Filter {
        let (include, exclude) = flags(Some(include), Some(exclude));
        Filter::both(include, exclude).unwrap()
    }

    /// What it leaves out of four names, asked twice.
    fn ignored(mut filter: Filter) -> Vec<&'static str> {
        let ignored = |filter: &mut Filter| {
            let mut names = vec!["eth0", "veth1", "myeth", "x\u{fffd}"];
            names.retain(|name| filter.ignores(name.as_bytes()));
            names
        };
        let first = ignored(&mut filter);
        assert_eq!(ignored(&mut filter), first, "remembers what it said");
        first
    }

    #[test]
    fn leaves_out_what_either_expression_says() {
        assert_eq!(ignored(both("eth", "")), ["x\u{fffd}"]);
        assert_eq!(ignored(both("", "eth")), ["eth0", "veth1", "myeth"]);
        assert_eq!(ignored(both("eth", "^v")), ["veth1", "x\u{fffd}"]);
        assert_eq!(ignored(both("", "")), [""; 0]);
    }

    #[test]
    fn a_flag_takes_the_place_of_the_default() {
        assert_eq!(ignored(either(None, None).unwrap()), ["veth1"]);
        assert_eq!(ignored(either(Some(""), None).unwrap()), ["veth1"]);
        assert_eq!(ignored(either(None, Some("^e")).unwrap()), ["eth0"]);
        assert_eq!(ignored(either(None, Some("")).unwrap()), [""; 0]);
        assert_eq!(ignored(either(Some("eth"), None).unwrap()), ["x\u{fffd}"]);
    }

    #[test]
    fn reads_names_that_are_not_text() {
        assert!(both("", "x\u{fffd}").ignores(b"x\xff"));
    }

    #[test]
    fn forgets_rather_than_grows() {
        let mut filter = both("", "7$");
        let ignored = (0..5000u32).filter(|n| filter.ignores(n.to_string().as_bytes()));
        assert_eq!(ignored.count(), 500);
        assert!(filter.said.len() <= 1024);
    }

    #[test]
    fn names_the_flag_that_is_wrong() {
        let wrong = |result: Result<Filter>| result.unwrap_err().to_string();
        assert_eq!(
            wrong(either(Some("a"), Some("b"))),
            "--x.include and --x.exclude exclude each other"
        );
        let unclosed = wrong(either(Some("("), None));
        assert!(unclosed.starts_with("--x.include: "), "{unclosed}");
        assert!(!unclosed.contains('\n'));
    }
}
