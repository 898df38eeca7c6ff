//! What the exporter counts of its own work, by prometheus-client.

use std::time::Duration;

use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::encoding::text::encode_registry;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family as Instruments;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::Histogram;
use prometheus_client::registry::{Metric, Registry};

use super::openmetrics;
use crate::exposition::{Descriptor, Family, Kind, Text, counter, gauge, histogram};

static HTTP_REQUESTS: Family<2> = counter("ecs_host_exporter_http_requests_total")
    .help("HTTP requests answered, by route and status; `other` is any path without a route.")
    .labels(["path", "code"]);
static SCRAPE_DURATION: Family<0> = histogram("ecs_host_exporter_scrape_duration_seconds")
    .help("Seconds from a request for metrics to its text, with the wait for other scrapes.")
    .labels([]);
static HANDLER_ERRORS: Family<1> = counter("promhttp_metric_handler_errors_total")
    .help("Answers with metrics that went wrong, for those who look for those of Go's handler.")
    .labels(["cause"]);
static HANDLER_IN_FLIGHT: Family<0> = gauge("promhttp_metric_handler_requests_in_flight")
    .help("Requests for metrics being answered now.")
    .labels([]);
static HANDLER_REQUESTS: Family<1> = counter("promhttp_metric_handler_requests_total")
    .help("Requests for metrics answered, by status.")
    .labels(["code"]);

/// A scrape takes one or a hundred milliseconds, unless something hangs.
const DURATIONS: [f64; 13] =
    [0.001, 0.0025, 0.005, 0.01, 0.025, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 10.0];

/// The families of all of them.
pub(super) fn families() -> impl Iterator<Item = Descriptor> {
    [
        HTTP_REQUESTS.descriptor(),
        SCRAPE_DURATION.descriptor(),
        HANDLER_ERRORS.descriptor(),
        HANDLER_IN_FLIGHT.descriptor(),
        HANDLER_REQUESTS.descriptor(),
    ]
    .into_iter()
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Route {
    path: String,
    code: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Code {
    code: u16,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct Cause {
    cause: &'static str,
}

/// The instruments, and the registry that writes them.
#[derive(Debug)]
pub(super) struct Instrumented {
    registry: Registry,
    http_requests: Instruments<Route, Counter>,
    scrape_duration: Histogram,
    handler_in_flight: Gauge,
    handler_requests: Instruments<Code, Counter>,
}

impl Instrumented {
    pub(super) fn new() -> Self {
        let new = Self {
            registry: Registry::default(),
            http_requests: Instruments::default(),
            scrape_duration: Histogram::new(DURATIONS),
            handler_in_flight: Gauge::default(),
            handler_requests: Instruments::default(),
        };
        let handler_errors = Instruments::<Cause, Counter>::default();
        for cause in ["encoding", "gathering"] {
            let _there = handler_errors.get_or_create(&Cause { cause });
        }
        for code in [200, 500, 503] {
            let _there = new.handler_requests.get_or_create(&Code { code });
        }
        let mut registry = Registry::default();
        register(&mut registry, HTTP_REQUESTS.descriptor(), new.http_requests.clone());
        register(&mut registry, SCRAPE_DURATION.descriptor(), new.scrape_duration.clone());
        register(&mut registry, HANDLER_ERRORS.descriptor(), handler_errors);
        register(&mut registry, HANDLER_IN_FLIGHT.descriptor(), new.handler_in_flight.clone());
        register(&mut registry, HANDLER_REQUESTS.descriptor(), new.handler_requests.clone());
        Self { registry, ..new }
    }

    /// Counts an answer on any route.
    pub(super) fn answered(&self, path: &str, code: u16) {
        let route = Route { path: path.into(), code };
        self.http_requests.get_or_create(&route).inc();
    }

    /// Counts a request for metrics as under way.
    pub(super) fn begin(&self) {
        self.handler_in_flight.inc();
    }

    /// Counts it as no longer under way.
    pub(super) fn end(&self) {
        self.handler_in_flight.dec();
    }

    /// Counts an answer with metrics, or with none because there are too many requests.
    pub(super) fn handled(&self, code: u16) {
        self.handler_requests.get_or_create(&Code { code }).inc();
    }

    /// Observes how long a scrape took.
    pub(super) fn took(&self, duration: Duration) {
        self.scrape_duration.observe(duration.as_secs_f64());
    }

    /// Writes them all. `buffer` is scratch.
    pub(super) fn write(&self, buffer: &mut String, text: &mut Text) {
        buffer.clear();
        if encode_registry(buffer, &self.registry).is_ok() {
            openmetrics::append(buffer, text);
        }
    }
}

/// Registers an instrument by its declaration. prometheus-client appends `_total` to the name of a
/// counter, and the full stop to the help.
fn register(registry: &mut Registry, family: Descriptor, instrument: impl Metric) {
    let name = match family.kind {
        Kind::Counter => family.name.trim_end_matches("_total"),
        Kind::Gauge | Kind::Histogram | Kind::Info | Kind::Untyped => family.name,
    };
    registry.register(name, family.help.trim_end_matches('.'), instrument);
}
