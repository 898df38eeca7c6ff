//! One interface, as its driver describes it.

use std::io;

use regex_lite::Regex;

use super::names::{exposed, plain};
use crate::collector::Host;
use crate::files::{Error, refused};
use crate::kernel::ethtool::{self, Port};
use crate::system::System;

/// An interface.
pub(super) struct Device {
    pub(super) name: Box<[u8]>,
    /// Labels of its driver, if it says one: bus, interface, driver, ROM, firmware, version.
    pub(super) driver: Option<[Box<[u8]>; 6]>,
    port: Option<Port>,
    /// The names that the driver gave its counters, as it gave them.
    said: Vec<u8>,
    /// What the counters are called here, in order, each with its place among the values.
    places: Vec<(String, usize)>,
    values: Vec<u64>,
    /// A message to the driver, and its answer.
    message: Vec<u8>,
}

impl Device {
    pub(super) fn new(name: Box<[u8]>) -> Self {
        Self {
            name,
            driver: None,
            port: None,
            said: Vec::new(),
            places: Vec::new(),
            values: Vec::new(),
            message: Vec::new(),
        }
    }

    /// What the port can do, if the driver says it.
    pub(super) fn port(&self) -> Option<(&[u8], &Port)> {
        Some((&*self.name, self.port.as_ref()?))
    }

    /// What its counters are called.
    pub(super) fn names(&self) -> impl Iterator<Item = &str> {
        self.places.iter().map(|(name, _)| name.as_str())
    }

    /// What a counter of this name says.
    pub(super) fn value(&self, name: &str) -> Option<u64> {
        let found = self
            .places
            .binary_search_by(|(known, _)| known.as_str().cmp(name));
        let (_, place) = self.places.get(found.ok()?)?;
        self.values.get(*place).copied()
    }

    /// Asks the driver everything. Says whether it has other counters than before.
    pub(super) fn refresh(&mut self, metrics: &Regex, host: &mut Host) -> bool {
        let mut port = ethtool::get_port();
        self.port = self
            .ask(&mut port, host)
            .then(|| ethtool::port(&port))
            .flatten();
        let mut driver = ethtool::get_driver();
        let driver = self
            .ask(&mut driver, host)
            .then(|| ethtool::driver(&driver))
            .flatten();
        let labels = driver
            .map(|d| [d.bus, &self.name, d.name, d.rom, d.firmware, d.version].map(Box::from));
        self.driver = labels;
        self.count(driver.map_or(0, |driver| driver.counters), metrics, host)
    }

    /// Asks for the counters.
    fn count(&mut self, counters: u32, metrics: &Regex, host: &mut Host) -> bool {
        let mut message = std::mem::take(&mut self.message);
        self.values.clear();
        let mut changed = false;
        if counters > 0 {
            ethtool::get_names(counters, &mut message);
            let named = self.ask(&mut message, host);
            if named && message != self.said {
                self.said.clone_from(&message);
                self.places = places(&message, metrics);
                changed = true;
            }
            ethtool::get_values(counters, &mut message);
            if named && self.ask(&mut message, host) {
                self.values.extend(ethtool::values(&message));
            }
        }
        self.message = message;
        changed
    }

    /// Asks one thing. Says whether it was answered: what is not told is no failure.
    fn ask(&self, message: &mut [u8], host: &mut Host) -> bool {
        let System { ethtool, .. } = host.system;
        match ethtool(&self.name, message) {
            Ok(()) => true,
            Err(source) => {
                host.failures.note(&self.refused(source));
                false
            }
        }
    }

    fn refused(&self, source: io::Error) -> Error {
        let name = String::from_utf8_lossy(&self.name);
        refused(format!("ethtool {name}").as_ref(), source)
    }
}

/// What the counters that an answer names are called. Of several that would have one name, none is
/// taken: nobody knows which is which.
fn places(answer: &[u8], metrics: &Regex) -> Vec<(String, usize)> {
    let plain = ethtool::names(answer).map(plain).enumerate();
    let mut places: Vec<_> = plain
        .filter(|(_, plain)| !plain.is_empty() && metrics.is_match(plain))
        .map(|(place, plain)| (exposed(&plain), place))
        .collect();
    places.sort_unstable();
    let mut kept: Vec<(String, usize)> = Vec::with_capacity(places.len());
    for same in places.chunk_by(|(a, _), (b, _)| a == b) {
        if let [one] = same {
            kept.push(one.clone());
        }
    }
    kept
}
