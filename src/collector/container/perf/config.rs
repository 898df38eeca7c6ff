//! What is to be counted: cAdvisor's file of events.

use serde::Deserialize;

use crate::kernel::Malformed;
use crate::system::perf::Event;

/// An event, and what the label `event` calls it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Named {
    pub(super) name: Box<str>,
    pub(super) event: Event,
}

/// Names that the kernel itself has for events, with what is counted. Case is of no matter.
const KNOWN: &[(&str, Event)] = &[
    ("cpu-cycles", hardware(0)),
    ("cycles", hardware(0)),
    ("instructions", hardware(1)),
    ("cache-references", hardware(2)),
    ("cache-misses", hardware(3)),
    ("branch-instructions", hardware(4)),
    ("branches", hardware(4)),
    ("branch-misses", hardware(5)),
    ("bus-cycles", hardware(6)),
    ("stalled-cycles-frontend", hardware(7)),
    ("stalled-cycles-backend", hardware(8)),
    ("ref-cycles", hardware(9)),
    ("ref-cpu-cycles", hardware(9)),
    ("cpu-clock", software(0)),
    ("task-clock", software(1)),
    ("page-faults", software(2)),
    ("faults", software(2)),
    ("context-switches", software(3)),
    ("cs", software(3)),
    ("cpu-migrations", software(4)),
    ("migrations", software(4)),
    ("page-faults-min", software(5)),
    ("minor-faults", software(5)),
    ("page-faults-maj", software(6)),
    ("major-faults", software(6)),
    ("alignment-faults", software(7)),
    ("emulation-faults", software(8)),
    ("cgroup-switches", software(11)),
];

/// What is counted without a file: what every CPU has that counts at all, and what every kernel has.
const USUAL: [&str; 7] = [
    "instructions",
    "cycles",
    "cache-references",
    "cache-misses",
    "context-switches",
    "cpu-migrations",
    "page-faults",
];

const fn hardware(config: u64) -> Event {
    Event { kind: 0, config }
}

const fn software(config: u64) -> Event {
    Event { kind: 1, config }
}

/// What is counted without a file.
pub(super) fn usual() -> Vec<Named> {
    let named = |name: &str| Some(Named { name: name.into(), event: known(name)? });
    USUAL.into_iter().filter_map(named).collect()
}

#[derive(Debug, Deserialize)]
struct File {
    #[serde(default)]
    core: Events,
    #[serde(default)]
    uncore: Events,
}

#[derive(Debug, Default, Deserialize)]
struct Events {
    #[serde(default)]
    events: Vec<Group>,
    #[serde(default)]
    custom_events: Vec<Custom>,
}

/// One event, or several that are to be counted at the same time.
#[derive(Debug, Deserialize)]
#[serde(untagged)]
enum Group {
    One(Box<str>),
    Several(Vec<Box<str>>),
}

#[derive(Debug, Deserialize)]
struct Custom {
    #[serde(default, rename = "type")]
    kind: u32,
    config: Vec<Box<str>>,
    name: Box<str>,
}

/// Parses `{"core": {"events": ["instructions", ["cycles", "cs"]], "custom_events": [{"type": 4,
/// "config": ["0x5300c0"], "name": "instructions_retired"}]}}`. A custom event is meant
/// by an event of its name, and counted without one too.
pub(super) fn parse(text: &[u8]) -> Result<Vec<Named>, Malformed> {
    let file: File = serde_json::from_slice(text)
        .map_err(|error| Malformed { line: error.line(), expected: "a file of perf events" })?;
    let File { core: Events { events, custom_events }, uncore } = file;
    let wrong = |expected| Malformed { line: 1, expected };
    if !uncore.events.is_empty() || !uncore.custom_events.is_empty() {
        return Err(wrong("no events of uncore"));
    }
    let mut named = Vec::new();
    for Custom { kind, config, name } in custom_events {
        let [config] = &config[..] else {
            return Err(wrong("one number as the config of a custom event"));
        };
        let config = number(config).ok_or(wrong("a number as the config of a custom event"))?;
        named.push(Named { name, event: Event { kind, config } });
    }
    let customs = named.len();
    for group in events {
        let names = match group {
            Group::One(name) => vec![name],
            Group::Several(names) => names,
        };
        for name in names {
            if named.iter().take(customs).any(|custom| custom.name == name) {
                continue;
            }
            let event = known(&name).ok_or(wrong("names of events that the kernel has"))?;
            named.push(Named { name, event });
        }
    }
    named.sort_by(|a, b| a.name.cmp(&b.name));
    named.dedup_by(|a, b| a.name == b.name);
    Ok(named)
}

/// By the kernel's name, as `perf` or its header spells it: `cache-misses`, `PERF_COUNT_HW_CACHE_MISSES`.
fn known(name: &str) -> Option<Event> {
    let plain = name.to_ascii_lowercase().replace('_', "-");
    let plain = plain
        .strip_prefix("perf-count-hw-")
        .or_else(|| plain.strip_prefix("perf-count-sw-"))
        .unwrap_or(&plain);
    let found = KNOWN.iter().find(|(known, _)| *known == plain);
    found.map(|(_, event)| *event)
}

/// `0x5300c0` or `42`.
fn number(text: &str) -> Option<u64> {
    match text.strip_prefix("0x").or_else(|| text.strip_prefix("0X")) {
        Some(hex) => u64::from_str_radix(hex, 16).ok(),
        None => text.parse().ok(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn parsed(text: &str) -> Result<Vec<(String, Event)>, &'static str> {
        let named = parse(text.as_bytes()).map_err(|error| error.expected)?;
        Ok(named
            .into_iter()
            .map(|one| (one.name.into(), one.event))
            .collect())
    }

    #[test]
    fn reads_events_groups_and_numbers() {
        let text = r#"{"core": {
            "events": ["INSTRUCTIONS", ["PERF_COUNT_SW_CONTEXT_SWITCHES", "mine"], "INSTRUCTIONS"],
            "custom_events": [{"type": 4, "config": ["0x5300c0"], "name": "mine"}]
        }}"#;
        let expected = [
            ("INSTRUCTIONS", hardware(1)),
            ("PERF_COUNT_SW_CONTEXT_SWITCHES", software(3)),
            ("mine", Event { kind: 4, config: 0x53_00c0 }),
        ];
        let expected = expected.map(|(name, event)| (name.to_owned(), event));
        assert_eq!(parsed(text).as_deref(), Ok(&expected[..]));
        assert_eq!(parsed("{}"), Ok(vec![]));
        assert_eq!(usual().len(), USUAL.len());
    }

    #[test]
    fn says_what_cannot_be_counted() {
        for (text, expected) in [
            ("{", "a file of perf events"),
            (r#"{"core": {"events": ["LLC_MISSES.0"]}}"#, "names of events that the kernel has"),
            (r#"{"uncore": {"events": ["cas_count_read"]}}"#, "no events of uncore"),
            (
                r#"{"core": {"custom_events": [{"config": ["1", "2"], "name": "x"}]}}"#,
                "one number as the config of a custom event",
            ),
            (
                r#"{"core": {"custom_events": [{"config": ["x"], "name": "x"}]}}"#,
                "a number as the config of a custom event",
            ),
        ] {
            assert_eq!(parsed(text), Err(expected), "{text}");
        }
    }
}
