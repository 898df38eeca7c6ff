//! Which containers of this host ask to be scraped, and where: what Prometheus' `http_sd_configs` and
//! `file_sd_configs` want to know.
//!
//! It says what the inventory holds already. Nothing is asked for it, and nobody who asks can choose
//! an address.

mod asked;
pub mod file;
mod instance;
mod labels;
mod place;
mod rule;
mod subject;

use std::collections::BTreeMap;
use std::hash::{DefaultHasher, Hash, Hasher};
use std::net::IpAddr;
use std::sync::{Arc, Mutex, PoisonError};

use bytes::Bytes;
use serde::Serialize;

pub use instance::Instance;
pub use labels::Preset;
pub use rule::Rule;

use crate::inventory::Inventory;

/// What is discovered, and how it is said.
#[derive(Clone, Debug)]
pub struct Settings {
    /// Containers that do not ask by themselves.
    pub rules: Vec<Rule>,
    /// Plain labels of a tool whose place this takes.
    pub preset: Option<Preset>,
    /// Address of this host, where its published ports are reached. `None` for the one by which it
    /// reaches others.
    pub address: Option<String>,
    /// The container that the exporter itself is in, which is left out.
    pub own: Option<Box<str>>,
    /// What machine this is.
    pub instance: Instance,
}

impl Default for Settings {
    fn default() -> Self {
        Self {
            rules: Vec::new(),
            preset: None,
            address: Some("127.0.0.1".into()),
            own: None,
            instance: Instance::default(),
        }
    }
}

/// A place to be scraped.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Target {
    /// Host and port.
    pub address: String,
    /// The path, which begins with `/`.
    pub path: String,
    /// `http` or `https`.
    pub scheme: &'static str,
    /// The job that the container names; empty where it names none.
    pub job: String,
    /// Docker's id of the container.
    pub container: Box<str>,
}

/// The labels of a target, by their names.
type Labels = BTreeMap<String, String>;

/// All targets of an inventory.
#[derive(Debug, Default)]
pub struct Found {
    /// In the order of their addresses and paths.
    pub targets: Vec<Target>,
    /// How many containers ask to be scraped at a port that does not lead to them from outside.
    pub unreachable: u64,
    /// The targets as JSON of `http_sd_configs`.
    pub json: Bytes,
    /// Another number for other JSON.
    pub tag: u64,
}

/// Finds the targets of an inventory, once.
#[derive(Debug)]
pub struct Discovery {
    settings: Settings,
    /// The address by which this host reaches others.
    own_address: fn() -> Option<IpAddr>,
    last: Mutex<Option<(Arc<Inventory>, Arc<Found>)>>,
}

impl Default for Discovery {
    fn default() -> Self {
        Self::new(Settings::default(), || None)
    }
}

impl Discovery {
    /// With these settings. `own_address` finds the address by which this host reaches others.
    pub fn new(settings: Settings, own_address: fn() -> Option<IpAddr>) -> Self {
        Self { settings, own_address, last: Mutex::default() }
    }

    /// The targets of an inventory: the same ones as before if it is the same one.
    pub fn of(&self, inventory: &Arc<Inventory>) -> Arc<Found> {
        let mut last = self.last.lock().unwrap_or_else(PoisonError::into_inner);
        if let Some((of, found)) = &*last
            && Arc::ptr_eq(of, inventory)
        {
            return Arc::clone(found);
        }
        let address = self.settings.address.clone();
        let address = address.or_else(|| Some((self.own_address)()?.to_string()));
        let address = address.unwrap_or_else(|| "127.0.0.1".into());
        let found = Arc::new(find(inventory, &self.settings, &address));
        *last = Some((Arc::clone(inventory), Arc::clone(&found)));
        found
    }
}

/// The targets of an inventory on a host with this address.
fn find(inventory: &Inventory, settings: &Settings, host: &str) -> Found {
    let mut targets = Vec::new();
    let mut unreachable = 0;
    for subject in subject::all(inventory) {
        if settings.own.as_deref() == Some(subject.id) {
            continue;
        }
        let mut lost = false;
        for asked in asked::asked(&subject, &settings.rules) {
            match place::find(&subject, asked.port, host) {
                Some(place) => {
                    targets.push(labels::target(inventory, &subject, asked, &place, settings));
                }
                None => lost = true,
            }
        }
        unreachable += u64::from(lost);
    }
    // Whoever asks in several ways is scraped once, in the first of them.
    let place = |(target, _): &(Target, Labels)| (target.address.clone(), target.path.clone());
    targets.sort_by_key(place);
    targets.dedup_by_key(|target| place(target));
    let json = json(&targets);
    let mut hasher = DefaultHasher::new();
    json.hash(&mut hasher);
    let targets = targets.into_iter().map(|(target, _)| target).collect();
    Found { targets, unreachable, json, tag: hasher.finish() }
}

/// `[{"targets":["10.0.0.1:80"],"labels":{…}},…]`.
fn json(targets: &[(Target, Labels)]) -> Bytes {
    #[derive(Serialize)]
    struct Group<'a> {
        targets: [&'a str; 1],
        labels: &'a Labels,
    }
    let groups: Vec<_> = targets
        .iter()
        .map(|(target, labels)| Group { targets: [&target.address], labels })
        .collect();
    // There is nothing in it that JSON has not.
    serde_json::to_vec(&groups).unwrap_or_default().into()
}

#[cfg(test)]
mod tests;
