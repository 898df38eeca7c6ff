//! What the exporter says about itself: its build, its process, its work, its inventory.

mod instruments;
mod openmetrics;
mod process;
mod sources;
pub mod version;

use std::sync::{Arc, Mutex, PoisonError};
use std::time::{Duration, SystemTime};

use crate::exposition::{Descriptor, Family, Home, Piece, Text, gauge};
use crate::inventory::Source;
use instruments::Instrumented;
use process::Process;

static RELOADED: Family<0> = gauge("ecs_host_exporter_web_config_last_reload_successful")
    .help(
        "Whether the web configuration was well when last read; if not, the last good one stands.",
    )
    .labels([]);
static RELOADED_AT: Family<0> =
    gauge("ecs_host_exporter_web_config_last_reload_success_timestamp_seconds")
        .help("When the web configuration that stands was read, in seconds since 1970.")
        .labels([]);

/// Every family that may be written.
pub fn families() -> impl Iterator<Item = Descriptor> {
    [version::BUILD.descriptor(), version::NODE_EXPORTER_BUILD.descriptor()]
        .into_iter()
        .chain(sources::families())
        .chain([RELOADED.descriptor(), RELOADED_AT.descriptor()])
        .chain(process::PROCESS.descriptors())
        .chain(instruments::families())
}

/// How the web configuration was read last.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Reload {
    /// Whether it was well.
    pub successful: bool,
    /// When the one that stands was read.
    pub last_success: SystemTime,
}

/// The exporter's account of itself.
#[derive(Debug)]
pub struct Account {
    /// `None` where it is not to tell of its process and work.
    work: Option<Instrumented>,
    desk: Mutex<Desk>,
    home: Home,
}

/// What it takes to write the account, kept from one to the next.
#[derive(Debug)]
struct Desk {
    process: Process,
    openmetrics: String,
}

/// A request for metrics that is being answered, until it is dropped.
#[derive(Debug)]
pub struct InFlight(Arc<Account>);

impl Drop for InFlight {
    fn drop(&mut self) {
        if let Some(work) = &self.0.work {
            work.end();
        }
    }
}

impl Account {
    /// Tells of the exporter's process and work only if `exporter_metrics`; of build and inventory
    /// in any case.
    pub fn new(exporter_metrics: bool) -> Self {
        Self {
            work: exporter_metrics.then(Instrumented::new),
            desk: Mutex::new(Desk { process: Process::own(), openmetrics: String::new() }),
            home: Home::default(),
        }
    }

    /// Counts a request for metrics as under way.
    pub fn begin(self: &Arc<Self>) -> InFlight {
        if let Some(work) = &self.work {
            work.begin();
        }
        InFlight(Arc::clone(self))
    }

    /// Counts an answer by its route, which must be one of a few, and its status.
    pub fn answered(&self, route: &str, status: u16) {
        if let Some(work) = &self.work {
            work.answered(route, status);
        }
    }

    /// Counts a request for metrics that was answered with them, or turned away as one too many.
    pub fn handled(&self, status: u16) {
        if let Some(work) = &self.work {
            work.handled(status);
        }
    }

    /// Observes how long a scrape took.
    pub fn took(&self, duration: Duration) {
        if let Some(work) = &self.work {
            work.took(duration);
        }
    }

    /// The account as it stands. `reload` is `None` where there is no web configuration.
    pub fn text(&self, sources: &[Source], reload: Option<Reload>, now: SystemTime) -> Piece {
        let mut desk = self.desk.lock().unwrap_or_else(PoisonError::into_inner);
        let Desk { process, openmetrics } = &mut *desk;
        let mut text = self.home.take();
        version::write(&mut text);
        sources::write(sources, now, &mut text);
        if let Some(reload) = reload {
            web(reload, &mut text);
        }
        if let Some(work) = &self.work {
            work.write(openmetrics, &mut text);
            if let Err(error) = process.write(&mut text) {
                tracing::debug!(%error, "nothing known of the exporter's own process");
            }
        }
        self.home.send(text)
    }
}

fn web(reload: Reload, text: &mut Text) {
    let Reload { successful, last_success } = reload;
    text.family(&RELOADED).sample((), u64::from(successful));
    let since = last_success.duration_since(SystemTime::UNIX_EPOCH);
    text.family(&RELOADED_AT)
        .sample((), since.unwrap_or_default().as_secs_f64());
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::collections::HashMap;

    use crate::exposition::Kind;

    const NOW: SystemTime = SystemTime::UNIX_EPOCH;

    fn sources() -> [Source; 2] {
        let last = NOW.checked_sub(Duration::from_millis(2500));
        let version = Some("1".into());
        [
            Source { up: true, last_success: last, version, ..Source::new("docker") },
            Source::new("ecs_agent"),
        ]
    }

    fn text(account: &Account) -> String {
        String::from_utf8(account.text(&sources(), None, NOW).to_vec()).unwrap()
    }

    /// The lines of a family, but for its help.
    fn family<'t>(text: &'t str, name: &str) -> Vec<&'t str> {
        let header = format!("# TYPE {name} ");
        let from = text.lines().skip_while(|line| !line.starts_with(&header));
        let samples = from.take_while(|l| !l.starts_with("# HELP"));
        samples.collect()
    }

    #[test]
    fn counts_its_work() {
        let account = Arc::new(Account::new(true));
        let under_way = account.begin();
        account.handled(200);
        account.answered("/metrics", 200);
        account.took(Duration::from_millis(250));
        let during = text(&account);
        drop(under_way);
        let after = text(&account);

        let in_flight = "promhttp_metric_handler_requests_in_flight";
        let gauge =
            |value| vec![format!("# TYPE {in_flight} gauge"), format!("{in_flight} {value}")];
        assert_eq!(family(&during, in_flight), gauge(1));
        assert_eq!(family(&after, in_flight), gauge(0));

        let requests = "ecs_host_exporter_http_requests_total";
        let expected = [
            format!("# TYPE {requests} counter"),
            format!("{requests}{{path=\"/metrics\",code=\"200\"}} 1"),
        ];
        assert_eq!(family(&after, requests), expected);

        let handled = "promhttp_metric_handler_requests_total";
        let sample = |code, value| format!("{handled}{{code=\"{code}\"}} {value}");
        let expected =
            [format!("# TYPE {handled} counter"), sample(200, 1), sample(500, 0), sample(503, 0)];
        assert_eq!(family(&after, handled), expected);
        assert!(
            after.contains("ecs_host_exporter_scrape_duration_seconds_bucket{le=\"0.25\"} 1\n")
        );
        assert!(after.contains("ecs_host_exporter_scrape_duration_seconds_bucket{le=\"0.1\"} 0\n"));
    }

    #[test]
    fn keeps_quiet_of_its_work_if_told_so() {
        let account = Account::new(false);
        account.handled(200);
        let text = text(&account);
        let families: Vec<_> = text
            .lines()
            .filter_map(|l| l.strip_prefix("# TYPE "))
            .collect();
        let expected = [
            "ecs_host_exporter_build_info gauge",
            "node_exporter_build_info gauge",
            "ecs_host_exporter_inventory_up gauge",
            "ecs_host_exporter_inventory_age_seconds gauge",
            "ecs_host_exporter_inventory_errors_total counter",
            "ecs_host_exporter_inventory_request_duration_seconds histogram",
            "ecs_host_exporter_inventory_info gauge",
        ];
        assert_eq!(families, expected);
    }

    #[test]
    fn says_what_it_declares() {
        let account = Account::new(true);
        account.answered("/metrics", 200);
        let reload = Reload { successful: true, last_success: NOW };
        let text = account.text(&sources(), Some(reload), NOW);
        let text = String::from_utf8(text.to_vec()).unwrap();
        let declared: HashMap<_, _> = families().map(|f| (f.name, f)).collect();
        let mut found = 0;
        for line in text.lines() {
            if let Some((name, help)) = line.strip_prefix("# HELP ").and_then(|l| l.split_once(' '))
            {
                found += 1;
                assert_eq!(declared.get(name).map(|f| f.help), Some(help), "{name}");
            } else if let Some((name, kind)) =
                line.strip_prefix("# TYPE ").and_then(|l| l.split_once(' '))
            {
                assert_eq!(declared.get(name).map(|f| f.kind.as_str()), Some(kind), "{name}");
            }
        }
        // /proc/self may be out of sight.
        let process = declared
            .values()
            .filter(|f| f.name.starts_with("process_"))
            .count();
        assert!(found >= declared.len() - process, "{text}");
        assert!(declared.values().any(|f| f.kind == Kind::Histogram));
    }
}
