//! How containers ask to be scraped: the conventions of the tools that there are, and rules.

use super::rule::Rule;
use super::subject::Subject;

/// How many paths of one container are scraped.
const MOST: usize = 16;

/// What a container asks for.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Asked {
    /// The container's port, or one of the host that leads there. `None` for its first.
    pub(super) port: Option<u16>,
    /// Begins with `/`.
    pub(super) path: String,
    /// `http` or `https`.
    pub(super) scheme: &'static str,
    /// The job; empty for whatever the scraper calls it.
    pub(super) job: String,
    /// How often, such as `15s`; empty for as often as the scraper likes.
    pub(super) interval: String,
    /// A name that the server goes by; empty for none.
    pub(super) server_name: String,
    /// Whether hardly any labels are wanted.
    pub(super) bare: bool,
}

impl Asked {
    fn new(port: Option<u16>, [path, scheme, job]: [Option<&str>; 3]) -> Self {
        let path = match path.map(str::trim) {
            None | Some("") => "/metrics".into(),
            Some(path) if path.starts_with('/') => path.into(),
            Some(path) => format!("/{path}"),
        };
        let https = scheme.is_some_and(|scheme| scheme.trim().eq_ignore_ascii_case("https"));
        Self {
            port,
            path,
            scheme: if https { "https" } else { "http" },
            job: job.unwrap_or_default().into(),
            ..Self::default()
        }
    }
}

/// All that a container asks for, and what rules ask for in its place.
pub(super) fn asked(subject: &Subject<'_>, rules: &[Rule]) -> Vec<Asked> {
    let mut all = Vec::new();
    variables(subject, &mut all);
    for labels in [exporter, ecs, prometheus_io] {
        all.extend(labels(subject));
    }
    let of = |rule: &Rule| {
        let words = [&rule.path, &rule.scheme, &rule.job].map(|word| word.as_deref());
        Asked::new(Some(rule.port), words)
    };
    all.extend(rules.iter().filter(|rule| rule.takes(subject)).map(of));
    all.truncate(MOST);
    all
}

/// The environment: `PROMETHEUS` with any value, `PROMETHEUS_PORT=8080`,
/// `PROMETHEUS_ENDPOINT=15s:/metrics,1m:/slow`, `PROMETHEUS_NOLABELS`.
fn variables(subject: &Subject<'_>, all: &mut Vec<Asked>) {
    let [flag, port, endpoint, bare] =
        ["PROMETHEUS", "PROMETHEUS_PORT", "PROMETHEUS_ENDPOINT", "PROMETHEUS_NOLABELS"]
            .map(|key| subject.variable(key));
    let Some(port) = (match port {
        None => flag.or(endpoint).map(|_| None),
        Some(port) => number(port).map(Some),
    }) else {
        return;
    };
    let endpoints = endpoint.unwrap_or_default().split(',');
    let endpoints = endpoints
        .map(str::trim)
        .filter(|endpoint| !endpoint.is_empty());
    let first = all.len();
    for endpoint in endpoints.take(MOST) {
        let (interval, path) = match endpoint.split_once(':') {
            Some((interval, path)) if !interval.contains('/') => (interval, path),
            _ => ("", endpoint),
        };
        let asked = Asked::new(port, [Some(path), None, None]);
        all.push(Asked { interval: interval.into(), bare: bare.is_some(), ..asked });
    }
    if all.len() == first {
        all.push(Asked { bare: bare.is_some(), ..Asked::new(port, [None; 3]) });
    }
}

/// The labels `PROMETHEUS_EXPORTER_PORT`, `…_PATH`, `…_SCHEME`, `…_JOB_NAME`, `…_SERVER_NAME`, or
/// `PROMETHEUS_DYNAMIC_EXPORT` for the only port there is.
fn exporter(subject: &Subject<'_>) -> Option<Asked> {
    let [port, path, scheme, job, name] = ["PORT", "PATH", "SCHEME", "JOB_NAME", "SERVER_NAME"]
        .map(|key| subject.label(&format!("PROMETHEUS_EXPORTER_{key}")));
    let port = match port {
        Some(port) => Some(number(port)?),
        None => {
            subject.label("PROMETHEUS_DYNAMIC_EXPORT")?;
            None
        }
    };
    let server_name = name.unwrap_or_default().into();
    Some(Asked { server_name, ..Asked::new(port, [path, scheme, job]) })
}

/// The labels `ECS_PROMETHEUS_EXPORTER_PORT`, `ECS_PROMETHEUS_METRICS_PATH` and
/// `ECS_PROMETHEUS_JOB_NAME`.
fn ecs(subject: &Subject<'_>) -> Option<Asked> {
    let [port, path, job] = ["EXPORTER_PORT", "METRICS_PATH", "JOB_NAME"]
        .map(|key| subject.label(&format!("ECS_PROMETHEUS_{key}")));
    Some(Asked::new(Some(number(port?)?), [path, None, job]))
}

/// The labels `prometheus.io/scrape=true`, `…/port`, `…/path`, `…/scheme`.
fn prometheus_io(subject: &Subject<'_>) -> Option<Asked> {
    let [scrape, port, path, scheme] = ["scrape", "port", "path", "scheme"]
        .map(|key| subject.label(&format!("prometheus.io/{key}")));
    if scrape? != "true" {
        return None;
    }
    let port = match port {
        Some(port) => Some(number(port)?),
        None => None,
    };
    Some(Asked::new(port, [path, scheme, None]))
}

/// A port, but for 0.
fn number(text: &str) -> Option<u16> {
    text.trim().parse().ok().filter(|port| *port > 0)
}
