//! The values of flags.

use tracing::Level;

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
    fn reads_words() {
        assert_eq!(level("WaRN"), Ok(Level::WARN));
        assert!(level("trace").is_err());
        assert_eq!(format("json"), Ok(Format::Json));
        assert!(format("JSON").is_err());
        assert_eq!(url_path("/metrics"), Ok("/metrics".into()));
        assert!(url_path("metrics").is_err() && url_path("/a b").is_err());
    }
}
