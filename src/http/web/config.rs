//! What a web configuration says: exporter-toolkit's format, every name checked.

use std::collections::HashMap;
use std::fmt;
use std::path::{Path, PathBuf};
use std::str::FromStr;
use std::time::Duration;

use axum::http::{HeaderName, HeaderValue};
use bcrypt::HashParts;

use super::section::{Section, unique};
use super::yaml::{self, Node, Wrong};
use crate::collector::flags::duration;

/// A web configuration.
#[derive(Debug, Default)]
pub(super) struct Config {
    /// `None` for plain HTTP.
    pub(super) tls: Option<Tls>,
    pub(super) http2: bool,
    pub(super) headers: Vec<(HeaderName, HeaderValue)>,
    /// `None` for any number of requests.
    pub(super) rate: Option<Rate>,
    /// The bcrypt hash of each user's password; nobody is asked for one if there is none.
    pub(super) users: HashMap<String, String>,
}

/// What of TLS is asked for, as it is written.
#[derive(Debug)]
pub(super) struct Tls {
    pub(super) certificate: Pem,
    pub(super) key: Pem,
    pub(super) clients: Clients,
    pub(super) client_authorities: Option<Pem>,
    /// Empty where any name will do.
    pub(super) allowed_sans: Vec<String>,
    pub(super) versions: Vec<Version>,
    /// Empty for all there are.
    pub(super) ciphers: Vec<String>,
    pub(super) server_order: bool,
    /// Empty for all there are.
    pub(super) curves: Vec<String>,
}

/// Something in PEM, and the names of the places where it stands.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Pem {
    File { flag: &'static str, path: PathBuf },
    Inline { flag: &'static str, text: String },
}

impl fmt::Display for Pem {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::File { flag, path } => write!(f, "{flag}: {}", path.display()),
            Self::Inline { flag, .. } => f.write_str(flag),
        }
    }
}

/// Which certificates clients are asked for.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Clients {
    /// None.
    #[default]
    Nobody,
    /// Any, or none.
    Request,
    /// One of a known authority, or none.
    VerifyIfGiven,
    /// Any.
    RequireAny,
    /// One of a known authority.
    RequireAndVerify,
}

/// A version of TLS that rustls offers.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Version {
    Tls12,
    Tls13,
}

/// How many requests there may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Rate {
    /// The time between two.
    pub(super) interval: Duration,
    /// How many may come at once.
    pub(super) burst: u32,
}

/// The headers that may be set, and the values of those that have few.
const HEADERS: [(&str, &[&str]); 5] = [
    ("Content-Security-Policy", &[]),
    ("Strict-Transport-Security", &[]),
    ("X-Content-Type-Options", &["nosniff"]),
    ("X-Frame-Options", &["deny", "sameorigin"]),
    ("X-XSS-Protection", &[]),
];

/// Reads a configuration whose paths are relative to a directory.
pub(super) fn read(text: &str, directory: &Path) -> Result<Config, Wrong> {
    let root = yaml::parse(text)?;
    let known = ["tls_server_config", "http_server_config", "rate_limit", "basic_auth_users"];
    let root = Section::of(&root, "the file", &known)?;
    let mut config = Config { http2: true, ..Config::default() };
    if let Some(node) = root.get("tls_server_config") {
        config.tls = tls(node, directory)?;
    }
    if let Some(node) = root.get("http_server_config") {
        let section = Section::of(node, "http_server_config", &["http2", "headers"])?;
        config.http2 = section.boolean("http2")?.unwrap_or(true);
        if let Some(node) = section.get("headers") {
            config.headers = headers(node)?;
        }
    }
    if let Some(node) = root.get("rate_limit") {
        config.rate = rate(node)?;
    }
    if let Some(node) = root.get("basic_auth_users") {
        config.users = users(node)?;
    }
    Ok(config)
}

/// `None` where the section asks for no TLS.
fn tls(node: &Node, directory: &Path) -> Result<Option<Tls>, Wrong> {
    const NAME: &str = "tls_server_config";
    let known = [
        "cert",
        "key",
        "client_ca",
        "cert_file",
        "key_file",
        "client_auth_type",
        "client_ca_file",
        "cipher_suites",
        "curve_preferences",
        "min_version",
        "max_version",
        "prefer_server_cipher_suites",
        "client_allowed_sans",
    ];
    let section = Section::of(node, NAME, &known)?;
    let certificate = section.pem("cert_file", "cert", directory)?;
    let key = section.pem("key_file", "key", directory)?;
    let client_authorities = section.pem("client_ca_file", "client_ca", directory)?;
    let asked = section.text("client_auth_type")?;
    let clients = asked.map_or(Ok(Clients::Nobody), |name| {
        let unknown = format!("unknown client_auth_type {name:?}");
        clients(name).ok_or_else(|| section.wrong("client_auth_type", &unknown))
    })?;
    let allowed_sans = section.texts("client_allowed_sans")?;
    let versions = versions(&section)?;
    let server_order = section.boolean("prefer_server_cipher_suites")?;
    let (ciphers, curves) = (section.texts("cipher_suites")?, section.texts("curve_preferences")?);
    let wrong = |reason| Wrong::at(node, format!("{NAME}: {reason}"));
    let (certificate, key) = match (certificate, key) {
        (Some(certificate), Some(key)) => (certificate, key),
        (None, None) if client_authorities.is_none() && asked.is_none() => return Ok(None),
        (None, _) => return Err(wrong("cert_file or cert expected")),
        (_, None) => return Err(wrong("key_file or key expected")),
    };
    if client_authorities.is_some() && clients == Clients::Nobody {
        return Err(wrong("client_ca_file without client_auth_type"));
    }
    let verifies = matches!(clients, Clients::VerifyIfGiven | Clients::RequireAndVerify);
    if verifies && client_authorities.is_none() {
        return Err(wrong("client_ca_file or client_ca expected with this client_auth_type"));
    }
    if section.get("client_allowed_sans").is_some() && clients < Clients::RequireAny {
        return Err(wrong(
            "client_allowed_sans needs client_auth_type RequireAnyClientCert or RequireAndVerifyClientCert",
        ));
    }
    Ok(Some(Tls {
        certificate,
        key,
        clients,
        client_authorities,
        allowed_sans,
        versions,
        ciphers,
        server_order: server_order.unwrap_or(true),
        curves,
    }))
}

fn clients(name: &str) -> Option<Clients> {
    Some(match name {
        "NoClientCert" => Clients::Nobody,
        "RequestClientCert" => Clients::Request,
        "RequireAnyClientCert" | "RequireClientCert" => Clients::RequireAny,
        "VerifyClientCertIfGiven" => Clients::VerifyIfGiven,
        "RequireAndVerifyClientCert" => Clients::RequireAndVerify,
        _ => return None,
    })
}

fn versions(section: &Section<'_>) -> Result<Vec<Version>, Wrong> {
    let version = |key: &str, default| match section.text(key)? {
        None => Ok(default),
        Some("TLS12") => Ok(Version::Tls12),
        Some("TLS13") => Ok(Version::Tls13),
        Some(old @ ("TLS10" | "TLS11")) => {
            Err(section.wrong(key, &format!("{key}: {old} is not offered, TLS12 and TLS13 are")))
        }
        Some(other) => Err(section.wrong(key, &format!("{key}: unknown version {other:?}"))),
    };
    let least = version("min_version", Version::Tls12)?;
    let most = version("max_version", Version::Tls13)?;
    if least > most {
        return Err(section.wrong("min_version", "min_version is above max_version"));
    }
    let all = [Version::Tls13, Version::Tls12];
    Ok(all
        .into_iter()
        .filter(|v| (least..=most).contains(v))
        .collect())
}

fn headers(node: &Node) -> Result<Vec<(HeaderName, HeaderValue)>, Wrong> {
    let mut headers = Vec::new();
    for (name, (place, node)) in unique(node, "headers")? {
        let wrong = |reason: &str| Wrong::at(place, format!("headers: {name:?} {reason}"));
        let known = HEADERS.iter().find(|(known, _)| *known == name);
        let (_, values) = known.ok_or_else(|| wrong("cannot be set"))?;
        let value = node.text(name)?;
        if !values.is_empty() && !values.contains(&value) {
            return Err(wrong(&format!("must be one of {}", values.join(", "))));
        }
        let name = HeaderName::from_str(name).map_err(|_| wrong("is no header"))?;
        let value = HeaderValue::from_str(value).map_err(|_| wrong("has no value for a header"))?;
        headers.push((name, value));
    }
    Ok(headers)
}

fn rate(node: &Node) -> Result<Option<Rate>, Wrong> {
    let section = Section::of(node, "rate_limit", &["interval", "burst"])?;
    let interval = section.text("interval")?.unwrap_or("0");
    // A bare number is of nanoseconds.
    let interval = match interval.parse() {
        Ok(nanoseconds) => Duration::from_nanos(nanoseconds),
        Err(_) => {
            let wrong = |reason| section.wrong("interval", &format!("interval: {reason}"));
            duration(interval).map_err(wrong)?
        }
    };
    let burst = section.text("burst")?.unwrap_or("0");
    let wrong = |_| section.wrong("burst", "burst: a whole number expected");
    let burst: i64 = burst.parse().map_err(wrong)?;
    let burst = u32::try_from(burst.max(0)).unwrap_or(u32::MAX);
    Ok((!interval.is_zero()).then_some(Rate { interval, burst }))
}

fn users(node: &Node) -> Result<HashMap<String, String>, Wrong> {
    let mut users = HashMap::new();
    for (name, (place, node)) in unique(node, "basic_auth_users")? {
        let hash = node.text("basic_auth_users")?;
        let parts = HashParts::from_str(hash).ok();
        if parts.is_none_or(|parts| !(4..=31).contains(&parts.get_cost())) {
            let reason = format!("basic_auth_users: {name:?} has no bcrypt hash");
            return Err(Wrong::at(place, reason));
        }
        users.insert(name.into(), hash.into());
    }
    Ok(users)
}

#[cfg(test)]
mod tests {
    use super::*;

    const HASH: &str = "$2y$10$QOauhQNbBCuQDKes6eFzPeMqBSjb7Mr5DUmpZ/VcEd00UAV/LDeSi";

    fn wrong(text: &str) -> String {
        read(text, Path::new("/etc/x"))
            .map(|_| ())
            .unwrap_err()
            .to_string()
    }

    #[test]
    fn reads_everything() {
        let text = format!(
            "tls_server_config:\n  cert_file: a.pem\n  key_file: /k.pem\n  client_auth_type: RequireClientCert\n  \
             client_allowed_sans: [a, b]\n  min_version: TLS13\n  cipher_suites: [X]\n  \
             curve_preferences:\n  - X25519\n  prefer_server_cipher_suites: no\n\
             http_server_config:\n  http2: false\n  headers:\n    X-Frame-Options: deny\n\
             rate_limit: {{interval: 1s, burst: 10}}\nbasic_auth_users:\n  007: {HASH}\n"
        );
        let config = read(&text, Path::new("/etc/x")).unwrap();
        let tls = config.tls.unwrap();
        let file = |flag, path: &str| Pem::File { flag, path: path.into() };
        assert_eq!(tls.certificate, file("cert_file", "/etc/x/a.pem"));
        assert_eq!(tls.key, file("key_file", "/k.pem"));
        assert_eq!((tls.clients, tls.client_authorities), (Clients::RequireAny, None));
        assert_eq!(tls.allowed_sans, ["a", "b"]);
        assert_eq!((tls.versions, tls.server_order), (vec![Version::Tls13], false));
        assert_eq!((tls.ciphers, tls.curves), (vec!["X".into()], vec!["X25519".into()]));
        assert!(!config.http2);
        let header = (HeaderName::from_static("x-frame-options"), HeaderValue::from_static("deny"));
        assert_eq!(config.headers, [header]);
        assert_eq!(config.rate, Some(Rate { interval: Duration::from_secs(1), burst: 10 }));
        assert_eq!(config.users, HashMap::from([("007".into(), HASH.into())]));
    }

    #[test]
    fn asks_for_nothing_where_it_says_nothing() {
        for text in [
            "",
            "tls_server_config:\nbasic_auth_users: {}\n",
            "rate_limit: {burst: 3}",
            "http_server_config: {http2: }",
        ] {
            let config = read(text, Path::new("/")).unwrap();
            assert!(config.tls.is_none() && config.users.is_empty() && config.rate.is_none());
            assert!(config.http2);
        }
    }

    #[test]
    fn says_what_is_wrong_where() {
        for (text, said) in [
            ("tls_config: {}", "line 1: the file: unknown name \"tls_config\""),
            ("- a", "line 1: the file: names with values expected"),
            (
                "\nhttp_server_config:\n  http3: 1",
                "line 3: http_server_config: unknown name \"http3\"",
            ),
            ("http_server_config: {http2: maybe}", "line 1: http2: true or false expected"),
            ("rate_limit:\nrate_limit:", "line 2: the file: \"rate_limit\" is there twice"),
            (
                "rate_limit:\n  interval: 1x",
                "line 2: rate_limit: interval: a time with its unit expected, such as 500ms",
            ),
            (
                "tls_server_config:\n  cert_file: a",
                "line 2: tls_server_config: key_file or key expected",
            ),
            (
                "tls_server_config:\n  client_auth_type: X",
                "line 2: tls_server_config: unknown client_auth_type \"X\"",
            ),
            (
                "tls_server_config: {cert: a, key: b, client_ca: c}",
                "line 1: tls_server_config: client_ca_file without client_auth_type",
            ),
            (
                "tls_server_config: {cert: a, key: b, client_auth_type: RequireAndVerifyClientCert}",
                "line 1: tls_server_config: client_ca_file or client_ca expected with this client_auth_type",
            ),
            (
                "tls_server_config: {min_version: TLS10}",
                "line 1: tls_server_config: min_version: TLS10 is not offered, TLS12 and TLS13 are",
            ),
            (
                "tls_server_config: {min_version: TLS13, max_version: TLS12}",
                "line 1: tls_server_config: min_version is above max_version",
            ),
            (
                "http_server_config:\n headers:\n  X-Frame-Options: x",
                "line 3: headers: \"X-Frame-Options\" must be one of deny, sameorigin",
            ),
            (
                "http_server_config:\n headers:\n  Server: x",
                "line 3: headers: \"Server\" cannot be set",
            ),
            (
                "basic_auth_users:\n  prom: secret",
                "line 2: basic_auth_users: \"prom\" has no bcrypt hash",
            ),
            ("basic_auth_users: secret", "line 1: basic_auth_users: names with values expected"),
        ] {
            assert_eq!(wrong(text), said, "{text}");
        }
    }
}
