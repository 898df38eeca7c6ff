//! What the headers of a request ask for: format, encoding, time.

use std::time::Duration;

use axum::http::{HeaderMap, HeaderValue, header};

use super::Settings;

/// The header in which Prometheus says how long it waits, in seconds.
const SCRAPE_TIMEOUT: &str = "x-prometheus-scrape-timeout-seconds";

/// Nobody is waited for longer than this, whatever a request says.
const LONGEST: Duration = Duration::from_secs(600);

/// No scrape gets less than this: it would be in vain.
const SHORTEST: Duration = Duration::from_millis(100);

/// The format of an exposition.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Format {
    /// The text format, version 0.0.4, with the spelling of odd names that was asked for. Every name
    /// of ours is spelt the same in all of them.
    Text(Escaping),
}

/// How names that only UTF-8 allows are to be spelt.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Escaping {
    AllowUtf8,
    #[default]
    Underscores,
    Dots,
    Values,
}

impl Format {
    /// The format for an `Accept` header: the text format, whatever it says. The escaping is taken
    /// from the clause that is liked best, up to the one that is served.
    pub(super) fn of(headers: &HeaderMap) -> Self {
        let accept = headers.get(header::ACCEPT).and_then(|v| v.to_str().ok());
        let mut clauses: Vec<_> = accept
            .unwrap_or_default()
            .split(',')
            .map(Clause::of)
            .collect();
        clauses.sort_by(|a, b| b.quality.total_cmp(&a.quality));
        let mut escaping = Escaping::default();
        for clause in &clauses {
            escaping = clause
                .parameter("escaping")
                .and_then(Escaping::named)
                .unwrap_or(escaping);
            let version = clause.parameter("version").unwrap_or("0.0.4");
            if clause.value == "text/plain" && version == "0.0.4" {
                break;
            }
        }
        Self::Text(escaping)
    }

    /// The value of `Content-Type`.
    pub(super) fn content_type(self) -> HeaderValue {
        let Self::Text(escaping) = self;
        HeaderValue::from_static(match escaping {
            Escaping::AllowUtf8 => "text/plain; version=0.0.4; charset=utf-8; escaping=allow-utf-8",
            Escaping::Underscores => {
                "text/plain; version=0.0.4; charset=utf-8; escaping=underscores"
            }
            Escaping::Dots => "text/plain; version=0.0.4; charset=utf-8; escaping=dots",
            Escaping::Values => "text/plain; version=0.0.4; charset=utf-8; escaping=values",
        })
    }
}

impl Escaping {
    fn named(name: &str) -> Option<Self> {
        match name {
            "allow-utf-8" => Some(Self::AllowUtf8),
            "underscores" => Some(Self::Underscores),
            "dots" => Some(Self::Dots),
            "values" => Some(Self::Values),
            _ => None,
        }
    }
}

/// One clause of a header such as `text/plain;version=0.0.4;q=0.5, */*;q=0.1`.
struct Clause<'h> {
    value: &'h str,
    parameters: &'h str,
    /// 1 where it does not say, or nothing sensible.
    quality: f64,
}

impl<'h> Clause<'h> {
    fn of(text: &'h str) -> Self {
        let (value, parameters) = text.split_once(';').unwrap_or((text, ""));
        let mut clause = Self { value: value.trim(), parameters, quality: 1.0 };
        if let Some(Ok(quality)) = clause.parameter("q").map(str::parse) {
            clause.quality = quality;
        }
        clause
    }

    fn parameter(&self, name: &str) -> Option<&'h str> {
        let pairs = self
            .parameters
            .split(';')
            .filter_map(|pair| pair.split_once('='));
        let mut values = pairs.filter(|(key, _)| key.trim().eq_ignore_ascii_case(name));
        values
            .next()
            .map(|(_, value)| value.trim().trim_matches('"'))
    }
}

/// Whether gzip is named in `Accept-Encoding`, and not refused. A `*` asks for nothing.
pub(super) fn gzip(headers: &HeaderMap) -> bool {
    headers
        .get_all(header::ACCEPT_ENCODING)
        .iter()
        .filter_map(|value| value.to_str().ok())
        .flat_map(|value| value.split(','))
        .map(Clause::of)
        .any(|clause| clause.value == "gzip" && clause.quality > 0.0)
}

/// How long a scrape may take: a little less than the scraper waits, or what the settings say.
pub(super) fn patience(headers: &HeaderMap, settings: &Settings) -> Duration {
    let header = headers.get(SCRAPE_TIMEOUT).and_then(|v| v.to_str().ok());
    let seconds = header
        .and_then(|v| v.trim().parse().ok())
        .filter(|s: &f64| *s > 0.0);
    match seconds.map(|s| {
        Duration::try_from_secs_f64(s)
            .unwrap_or(LONGEST)
            .min(LONGEST)
    }) {
        Some(timeout) => timeout
            .saturating_sub(settings.timeout_margin)
            .max(timeout / 2)
            .max(SHORTEST),
        None => settings.timeout.min(LONGEST),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn headers(name: &'static str, values: &[&'static str]) -> HeaderMap {
        values
            .iter()
            .map(|value| (name.parse().unwrap(), HeaderValue::from_static(value)))
            .collect()
    }

    #[test]
    fn speaks_the_text_format_whatever_is_accepted() {
        let format = |accept| Format::of(&headers("accept", &[accept]));
        let prometheus_2 = "application/openmetrics-text;version=1.0.0;q=0.5,text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        let prometheus_3 = "application/openmetrics-text;version=1.0.0;escaping=allow-utf-8;q=0.6,\
            application/openmetrics-text;version=0.0.1;q=0.5,text/plain;version=1.0.0;escaping=allow-utf-8;q=0.4,\
            text/plain;version=0.0.4;q=0.3,*/*;q=0.2";
        assert_eq!(format(prometheus_2), Format::Text(Escaping::Underscores));
        assert_eq!(format(prometheus_3), Format::Text(Escaping::AllowUtf8));
        assert_eq!(Format::of(&HeaderMap::new()), Format::Text(Escaping::Underscores));
        assert_eq!(format("image/png"), Format::Text(Escaping::Underscores));
        assert_eq!(format("text/plain; escaping=dots"), Format::Text(Escaping::Dots));
        assert_eq!(format("text/plain, a/b; escaping=values"), Format::Text(Escaping::Underscores));
        assert_eq!(format("text/plain; escaping=odd"), Format::Text(Escaping::Underscores));
        let likes_other = "text/plain; q=0.5, a/b; escaping=values; q=0.7";
        assert_eq!(format(likes_other), Format::Text(Escaping::Values));
    }

    #[test]
    fn compresses_for_those_who_name_gzip() {
        let gzip = |values: &[&'static str]| gzip(&headers("accept-encoding", values));
        let yes: &[&[&str]] = &[
            &["gzip"],
            &["deflate, gzip"],
            &["deflate", "br, gzip;q=0.001"],
            &["gzip ; q=1"],
            &["identity;q=0.5,gzip;q=0.2"],
        ];
        let no: &[&[&str]] = &[
            &[],
            &[""],
            &["*"],
            &["gzip;q=0"],
            &["gzip; q=0.000"],
            &["x-gzip, gzipped"],
            &["deflate;gzip=1"],
        ];
        assert_eq!(yes.iter().filter(|values| !gzip(values)).count(), 0);
        assert_eq!(no.iter().filter(|values| gzip(values)).count(), 0);
    }

    #[test]
    fn answers_before_the_scraper_gives_up() {
        let settings = Settings::default();
        let patience = |value| patience(&headers(SCRAPE_TIMEOUT, &[value]), &settings);
        let millis = Duration::from_millis;
        assert_eq!(patience("10"), millis(9500));
        assert_eq!(patience("3.25"), millis(2750));
        assert_eq!(patience("0.6"), millis(300), "half of it, where the margin is more");
        assert_eq!(patience("0.001"), SHORTEST);
        for bad in ["", "0", "-1", "soon", "NaN", "-inf"] {
            assert_eq!(patience(bad), settings.timeout, "{bad}");
        }
        for long in ["1e9", "1e300", "inf"] {
            assert_eq!(patience(long), LONGEST - settings.timeout_margin, "{long}");
        }
    }
}
