//! What files say in the kernel's place: `interfaces.json`, and in a directory of each interface's
//! name `bss.json` and `stationinfo.json`, as `node_exporter` reads them.

use std::path::Path;

use serde_json::{Map, Value};

use super::{Interface, address, mode};
use crate::files::{Error, Files, Result};
use crate::kernel::Malformed;
use crate::kernel::netlink::nl80211::Station;

/// An object, whose names may be written in letters of any case.
type Object = Map<String, Value>;

/// Reads the interfaces, and what there is of each.
pub(super) fn interfaces(dir: &Path, files: &mut Files) -> Result<Vec<Interface>> {
    let told: Vec<Object> = files.load(&dir.join("interfaces.json"), json)?;
    let named = told.iter().map(|told| (text(told, "name"), told));
    named
        .filter(|(name, _)| !name.is_empty() && !name.contains('/'))
        .map(|(name, told)| {
            let below = dir.join(&name);
            let network: Option<Object> = files.load_if_any(&below.join("bss.json"), json)?;
            let stations: Option<Vec<Object>> =
                files.load_if_any(&below.join("stationinfo.json"), json)?;
            Ok(Interface {
                frequency_hz: number(told, "frequency") as f64 * 1e6,
                network: network.map(|n| {
                    [hardware(&n, "bssid"), text(&n, "ssid"), mode(number(&n, "status")).into()]
                }),
                stations: stations.unwrap_or_default().iter().map(station).collect(),
                name,
            })
        })
        .collect::<Result<_, Error>>()
}

fn station(told: &Object) -> (String, Station) {
    let count = |name| u64::try_from(number(told, name)).unwrap_or_default();
    let scaled = |name, scale: u64| u32::try_from(count(name) / scale).unwrap_or_default();
    let station = Station {
        connected_s: scaled("connected", 1_000_000_000),
        inactive_ms: scaled("inactive", 1_000_000),
        received_bytes: count("receivedbytes"),
        transmitted_bytes: count("transmittedbytes"),
        received_packets: scaled("receivedpackets", 1),
        transmitted_packets: scaled("transmittedpackets", 1),
        receive_rate: scaled("receivebitrate", 100_000),
        transmit_rate: scaled("transmitbitrate", 100_000),
        signal_dbm: i8::try_from(number(told, "signal")).unwrap_or_default(),
        retries: scaled("transmitretries", 1),
        failed: scaled("transmitfailed", 1),
        beacon_losses: scaled("beaconloss", 1),
        ..Station::default()
    };
    (hardware(told, "hardwareaddr"), station)
}

fn json<T: serde::de::DeserializeOwned>(text: &[u8]) -> Result<T, Malformed> {
    serde_json::from_slice(text).map_err(|error| {
        let line = error.line();
        Malformed { line, expected: "JSON of an interface" }
    })
}

fn get<'a>(object: &'a Object, name: &str) -> Option<&'a Value> {
    let same = |(key, _): &(&String, &Value)| key.eq_ignore_ascii_case(name);
    object.iter().find(same).map(|(_, value)| value)
}

fn text(object: &Object, name: &str) -> String {
    let text = get(object, name).and_then(Value::as_str);
    text.unwrap_or_default().to_owned()
}

fn number(object: &Object, name: &str) -> i64 {
    get(object, name)
        .and_then(Value::as_i64)
        .unwrap_or_default()
}

/// An address, which is written in base 64.
fn hardware(object: &Object, name: &str) -> String {
    let text = get(object, name).and_then(Value::as_str);
    let mut bits = 0u32;
    let mut bytes = Vec::new();
    for (at, letter) in text.unwrap_or_default().bytes().enumerate() {
        let digit = match letter {
            b'A'..=b'Z' => letter - b'A',
            b'a'..=b'z' => letter - b'a' + 26,
            b'0'..=b'9' => letter - b'0' + 52,
            b'+' => 62,
            b'/' => 63,
            _ => break,
        };
        bits = bits << 6 | u32::from(digit);
        // Four letters are three bytes; the first of four completes none.
        let [.., last] = match at % 4 {
            1 => bits >> 4,
            2 => bits >> 2,
            3 => bits,
            _ => continue,
        }
        .to_be_bytes();
        bytes.push(last);
    }
    address(&bytes)
}
