//! How it went with a source, counted and logged: each thing once, not each time.

use super::Source;
use super::ask::Trouble;

/// How it went with a source.
#[derive(Debug)]
pub(super) struct Record {
    pub(super) source: Source,
    /// What was last logged of it, so that it is not logged again.
    logged: Option<String>,
    /// Which odd answers were logged.
    odd: Vec<&'static str>,
}

impl Record {
    pub(super) fn new(name: &'static str) -> Self {
        Self { source: Source::new(name), logged: None, odd: Vec::new() }
    }

    /// It answers.
    pub(super) fn up(&mut self, version: &str) {
        let Self { source, logged, .. } = self;
        if !source.up {
            tracing::info!(source = source.name, version, "inventory source answers");
        }
        source.up = true;
        source.version = Some(version.to_owned()).filter(|v| !v.is_empty());
        *logged = None;
    }

    /// It does not answer. That there is no such source is no error.
    pub(super) fn failed(&mut self, trouble: &Trouble) {
        let Self { source, logged, .. } = self;
        source.up = false;
        let error = trouble.to_string();
        let known = logged.as_ref() == Some(&error);
        if matches!(trouble, Trouble::Absent) {
            if !known {
                tracing::info!(
                    source = source.name,
                    "no such inventory source; going on without it"
                );
            }
        } else {
            source.errors.count(trouble);
            if !known {
                tracing::warn!(source = source.name, error, "inventory source failed");
            }
        }
        *logged = Some(error);
    }

    /// It gave an answer that is not understood, and is asked in another way.
    pub(super) fn odd(&mut self, what: &'static str, trouble: &Trouble) {
        let Self { source, odd, .. } = self;
        source.errors.count(trouble);
        if !odd.contains(&what) {
            odd.push(what);
            tracing::warn!(source = source.name, what, error = %trouble, "odd answer of an inventory source");
        }
    }
}
