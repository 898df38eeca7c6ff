//! How it goes with the sources of the inventory: Docker and the ECS agent.

use std::time::SystemTime;

use crate::exposition::{Descriptor, Family, Text, counter, gauge, histogram, info};
use crate::inventory::Source;

static UP: Family<1> = gauge("ecs_host_exporter_inventory_up")
    .help("Whether a source of container names gave an answer when last asked.")
    .labels(["source"]);
static AGE: Family<1> = gauge("ecs_host_exporter_inventory_age_seconds")
    .help("Seconds since the last good answer of a source of container names.")
    .labels(["source"]);
static ERRORS: Family<2> = counter("ecs_host_exporter_inventory_errors_total")
    .help("How often a source of container names has failed to answer: by its connection, by a timeout, by refusing, or by an answer that is not understood.")
    .labels(["source", "kind"]);
static LATENCY: Family<1> = histogram("ecs_host_exporter_inventory_request_duration_seconds")
    .help("How long a source of container names took to answer a request.")
    .labels(["source"]);
static INFO: Family<2> = info("ecs_host_exporter_inventory_info")
    .help("The version of a source of container names, as it says it.")
    .labels(["source", "version"]);

/// Every family that may be written.
pub(super) fn families() -> impl Iterator<Item = Descriptor> {
    [
        UP.descriptor(),
        AGE.descriptor(),
        ERRORS.descriptor(),
        LATENCY.descriptor(),
        INFO.descriptor(),
    ]
    .into_iter()
}

pub(super) fn write(sources: &[Source], now: SystemTime, text: &mut Text) {
    let mut up = text.family(&UP);
    for source in sources {
        up.sample(source.name, u64::from(source.up));
    }
    let mut age = text.family(&AGE);
    for source in sources {
        if let Some(last) = source.last_success {
            // A clock set back makes it no older than new.
            let age_seconds = now.duration_since(last).unwrap_or_default().as_secs_f64();
            age.sample(source.name, age_seconds);
        }
    }
    let mut errors = text.family(&ERRORS);
    for source in sources {
        for (kind, n) in source.errors.by_kind() {
            errors.sample((source.name, kind), n);
        }
    }
    let mut latency = text.family(&LATENCY);
    for source in sources {
        let (count, seconds) = source.latency.sum();
        latency.histogram(source.name, source.latency.buckets(), count, seconds);
    }
    let mut info = text.family(&INFO);
    for source in sources {
        if let Some(version) = &source.version {
            info.sample((source.name, version.as_str()), 1_u64);
        }
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::inventory::Errors;

    #[test]
    fn tells_how_sources_answer() {
        let now = SystemTime::UNIX_EPOCH + Duration::from_secs(60);
        let last_success = now.checked_sub(Duration::from_millis(2500));
        let (errors, version) = (Errors::of(3), Some("20.10".into()));
        let docker = Source { up: true, last_success, errors, version, ..Source::new("docker") };
        let mut text = Text::default();
        write(&[docker, Source::new("ecs_agent")], now, &mut text);
        let text = String::from_utf8(text.to_vec()).unwrap();
        let bucket = |line: &&str| !line.starts_with('#') && !line.contains("_bucket{");
        let told: Vec<_> = text
            .lines()
            .filter(bucket)
            .map(|line| line.strip_prefix("ecs_host_exporter_inventory_").unwrap())
            .collect();
        let expected = [
            r#"up{source="docker"} 1"#,
            r#"up{source="ecs_agent"} 0"#,
            r#"age_seconds{source="docker"} 2.5"#,
            r#"errors_total{source="docker",kind="connection"} 0"#,
            r#"errors_total{source="docker",kind="timeout"} 3"#,
            r#"errors_total{source="docker",kind="refused"} 0"#,
            r#"errors_total{source="docker",kind="answer"} 0"#,
            r#"errors_total{source="ecs_agent",kind="connection"} 0"#,
            r#"errors_total{source="ecs_agent",kind="timeout"} 0"#,
            r#"errors_total{source="ecs_agent",kind="refused"} 0"#,
            r#"errors_total{source="ecs_agent",kind="answer"} 0"#,
            r#"request_duration_seconds_sum{source="docker"} 0"#,
            r#"request_duration_seconds_count{source="docker"} 0"#,
            r#"request_duration_seconds_sum{source="ecs_agent"} 0"#,
            r#"request_duration_seconds_count{source="ecs_agent"} 0"#,
            r#"info{source="docker",version="20.10"} 1"#,
        ];
        assert_eq!(told, expected);
    }
}
