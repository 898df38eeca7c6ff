//! The sections of a web configuration: mappings whose names are known.

use std::collections::HashMap;
use std::path::Path;

use super::config::Pem;
use super::yaml::{Node, Value, Wrong};

/// The entries of a mapping, each of a known name and there once.
pub(super) struct Section<'n> {
    name: &'n str,
    entries: HashMap<&'n str, &'n Node>,
}

impl<'n> Section<'n> {
    pub(super) fn of(node: &'n Node, name: &'n str, known: &[&str]) -> Result<Self, Wrong> {
        let entries = unique(node, name)?;
        for (key, (place, _)) in &entries {
            if !known.contains(key) {
                return Err(Wrong::at(place, format!("{name}: unknown name {key:?}")));
            }
        }
        let entries = entries.into_iter().map(|(key, (_, node))| (key, node));
        Ok(Self { name, entries: entries.collect() })
    }

    pub(super) fn get(&self, key: &str) -> Option<&'n Node> {
        self.entries.get(key).copied()
    }

    /// A text that is not empty.
    pub(super) fn text(&self, key: &str) -> Result<Option<&'n str>, Wrong> {
        let text = self.get(key).map(|node| node.text(key)).transpose()?;
        Ok(text.filter(|text| !text.is_empty()))
    }

    pub(super) fn boolean(&self, key: &str) -> Result<Option<bool>, Wrong> {
        let node = self.get(key).filter(|node| node.value != Value::Null);
        node.map(|node| node.boolean(key)).transpose()
    }

    pub(super) fn texts(&self, key: &str) -> Result<Vec<String>, Wrong> {
        let Some(node) = self.get(key) else { return Ok(Vec::new()) };
        let items = node.list(key)?.iter();
        items.map(|item| item.text(key).map(Into::into)).collect()
    }

    /// A file, or what would be in it.
    pub(super) fn pem(
        &self,
        file: &'static str,
        inline: &'static str,
        directory: &Path,
    ) -> Result<Option<Pem>, Wrong> {
        if let Some(path) = self.text(file)? {
            return Ok(Some(Pem::File { flag: file, path: directory.join(path) }));
        }
        let text = self.text(inline)?;
        Ok(text.map(|text| Pem::Inline { flag: inline, text: text.into() }))
    }

    pub(super) fn wrong(&self, key: &str, reason: &str) -> Wrong {
        let line = self.get(key).map_or(1, |node| node.line);
        Wrong { line, reason: format!("{}: {reason}", self.name) }
    }
}

/// The node of a name, and that of its value.
pub(super) type Entry<'n> = (&'n Node, &'n Node);

/// The entries of a mapping, each with its name's place, and none there twice.
pub(super) fn unique<'n>(node: &'n Node, name: &str) -> Result<HashMap<&'n str, Entry<'n>>, Wrong> {
    let mut found = HashMap::new();
    for (key, value) in node.map(name)? {
        let text = key.text("a name")?;
        if found.insert(text, (key, value)).is_some() {
            return Err(Wrong::at(key, format!("{name}: {text:?} is there twice")));
        }
    }
    Ok(found)
}
