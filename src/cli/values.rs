//! The values of flags.

use std::net::IpAddr;

use tracing::Level;

use crate::discovery::Preset;
use crate::inventory::Service;
use crate::log::Format;

/// A whole number as kingpin reads it: `1e1` is ten, and a fraction is cut.
pub(super) fn integer(text: &str) -> Result<i64, &'static str> {
    let number = text.parse::<f64>().ok();
    let number = number
        .filter(|number| number.is_finite())
        .ok_or("a number expected")?;
    #[expect(clippy::cast_possible_truncation, reason = "the fraction is to be cut")]
    let whole = number as i64;
    Ok(whole)
}

/// As [`integer`]; a negative number stands for 0.
pub(super) fn count(text: &str) -> Result<usize, &'static str> {
    Ok(usize::try_from(integer(text)?).unwrap_or_default())
}

/// Where to listen: `:9100`, `127.0.0.1:9100`, `[::1]:9100`, `host:9100`, `vsock://:9100`, or nothing
/// for any free port.
pub(super) fn listen_address(text: &str) -> Result<String, &'static str> {
    if let Some(address) = text.strip_prefix("vsock://") {
        let port = address
            .rsplit_once(':')
            .map(|(_, port)| port.parse::<u32>());
        return match port {
            Some(Ok(_)) => Ok(text.into()),
            _ => Err("vsock://:port expected"),
        };
    }
    if !text.is_empty() {
        split(text)?;
    }
    Ok(text.into())
}

/// Whom to ask: a host and a port, or nothing.
pub(super) fn peer_address(text: &str) -> Result<String, &'static str> {
    if !text.is_empty() && split(text)?.0.is_empty() {
        return Err("host:port expected");
    }
    Ok(text.into())
}

/// As [`peer_address`], of this host alone: who listens elsewhere must not be asked by mistake.
pub(super) fn local_address(text: &str) -> Result<String, &'static str> {
    let (host, _) = split(text)?;
    let local = match host.parse::<IpAddr>() {
        Ok(address) => address.is_loopback() || address == IpAddr::from([169, 254, 170, 2]),
        Err(_) => host == "localhost",
    };
    if !local {
        return Err("an address of this host expected: loopback, or 169.254.170.2");
    }
    Ok(text.into())
}

/// A name or an address without a port; that of IPv6 without brackets.
pub(super) fn host(text: &str) -> Result<String, &'static str> {
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'_');
    if text.parse::<IpAddr>().is_ok() || (!text.is_empty() && text.bytes().all(plain)) {
        return Ok(text.into());
    }
    Err("a host without a port expected")
}

/// Where the names of services come from.
pub(super) fn service(text: &str) -> Result<Service, &'static str> {
    match text {
        "off" => Ok(Service::Off),
        "metadata" => Ok(Service::Metadata),
        "api" => {
            Err("there is none: an exporter on every host would use up the limits of the AWS \
                      API; metadata says the same without it")
        }
        _ => match text.strip_prefix("label:") {
            Some(label) if !label.is_empty() => Ok(Service::Label(label.into())),
            _ => Err("one of off, metadata, label:NAME expected"),
        },
    }
}

/// The tool whose labels are wanted.
pub(super) fn preset(text: &str) -> Result<Preset, &'static str> {
    Preset::of(text).ok_or("one of 3h4x, teralytics, cloudmap, adot expected")
}

/// Takes `host:port` apart. An IPv6 address stands in brackets, which are taken off.
pub(super) fn split(address: &str) -> Result<(&str, u16), &'static str> {
    const WRONG: &str = "host:port expected";
    let (host, port) = address.rsplit_once(':').ok_or(WRONG)?;
    let port = port
        .parse()
        .map_err(|_| "a port of 0 to 65535 expected after the colon")?;
    let bracketed = host
        .strip_prefix('[')
        .and_then(|host| host.strip_suffix(']'));
    match bracketed {
        Some(host) if host.parse::<std::net::Ipv6Addr>().is_ok() => Ok((host, port)),
        Some(_) => Err("an IPv6 address expected in the brackets"),
        None if host.contains(':') => Err("an IPv6 address must stand in brackets"),
        None if host.contains(|c: char| c.is_whitespace() || matches!(c, '/' | '[' | ']')) => {
            Err(WRONG)
        }
        None => Ok((host, port)),
    }
}

/// A path in a URL.
pub(super) fn url_path(text: &str) -> Result<String, &'static str> {
    if !text.starts_with('/') || text.contains(|c: char| c.is_whitespace() || c.is_control()) {
        return Err("a path that begins with / expected");
    }
    Ok(text.into())
}

/// How bad a thing must be to be logged, in letters of any case.
pub(super) fn level(text: &str) -> Result<Level, &'static str> {
    match text.to_ascii_lowercase().as_str() {
        "debug" => Ok(Level::DEBUG),
        "info" => Ok(Level::INFO),
        "warn" => Ok(Level::WARN),
        "error" => Ok(Level::ERROR),
        _ => Err("one of debug, info, warn, error expected"),
    }
}

/// How a line of the log looks.
pub(super) fn format(text: &str) -> Result<Format, &'static str> {
    match text {
        "logfmt" => Ok(Format::Logfmt),
        "json" => Ok(Format::Json),
        _ => Err("one of logfmt, json expected"),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn cuts_numbers() {
        for (text, number) in
            [("40", 40), ("1e1", 10), ("1.9", 1), ("-1", -1), ("+3", 3), ("1e300", i64::MAX)]
        {
            assert_eq!(integer(text), Ok(number), "{text}");
        }
        for text in ["", "abc", "0x10", "1e400", "NaN", "inf", " 1"] {
            assert_eq!(integer(text), Err("a number expected"), "{text}");
        }
        assert_eq!(count("-7"), Ok(0));
    }

    #[test]
    fn takes_addresses_apart() {
        assert_eq!(split(":9100"), Ok(("", 9100)));
        assert_eq!(split("localhost:0"), Ok(("localhost", 0)));
        assert_eq!(split("[::1]:9100"), Ok(("::1", 9100)));
        for text in [
            "9100",
            "localhost",
            "localhost:",
            ":http",
            ":65536",
            "::1:9100",
            "[x]:1",
            "http://a:1",
        ] {
            assert!(split(text).is_err(), "{text}");
        }
        assert_eq!(listen_address(""), Ok(String::new()));
        assert_eq!(peer_address(""), Ok(String::new()));
        assert_eq!(peer_address(":51678"), Err("host:port expected"));
    }

    #[test]
    fn asks_nobody_but_this_host() {
        for text in ["127.0.0.1:51679", "[::1]:1", "localhost:80", "169.254.170.2:80"] {
            assert_eq!(local_address(text), Ok(text.into()));
        }
        for text in ["", "10.0.0.1:80", "169.254.169.254:80", "[fd00::1]:80", "example:80", ":80"] {
            assert!(local_address(text).is_err(), "{text}");
        }
        for text in ["10.0.0.1", "fd00::1", "ip-10-0-0-1.internal"] {
            assert_eq!(host(text), Ok(text.into()));
        }
        for text in ["", "10.0.0.1:80", "[::1]", "a/b", "a b", "a\n"] {
            assert!(host(text).is_err(), "{text:?}");
        }
    }

    #[test]
    fn reads_words() {
        assert_eq!(service("label:a.b"), Ok(Service::Label("a.b".into())));
        assert_eq!(
            (service("off"), service("metadata")),
            (Ok(Service::Off), Ok(Service::Metadata))
        );
        assert!(service("label:").is_err() && service("api").is_err() && service("x").is_err());
        assert_eq!(preset("adot"), Ok(Preset::Adot));
        assert_eq!(level("WaRN"), Ok(Level::WARN));
        assert!(level("trace").is_err());
        assert_eq!(format("json"), Ok(Format::Json));
        assert!(format("JSON").is_err());
        assert_eq!(url_path("/metrics"), Ok("/metrics".into()));
        assert!(url_path("metrics").is_err() && url_path("/a b").is_err());
    }
}
