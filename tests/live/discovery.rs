//! A real Prometheus scrapes what the exporter discovers.

use std::collections::BTreeMap;
use std::fs;
use std::process::Command;
use std::time::Duration;

use crate::common::memory;
use crate::host::{Server, Testbed, until};

/// How long Docker, the exporter and Prometheus may take together.
const PATIENCE: Duration = Duration::from_secs(60);

const SERVES: &str = "echo 'served 42' > /www/metrics; exec httpd -f -p 8080 -h /www";

/// A container with a port that the host chose, and one in the network of a task: both are scraped.
/// A secret in the environment of one is nowhere.
pub fn what_is_discovered_is_scraped(testbed: &Testbed) {
    let secret = format!("hunter{:x}", std::process::id() * 7919).repeat(4);
    let task = testbed.add("awsvpc", 1, "vpc");
    let options = ["--publish=8080", "--env=PROMETHEUS_PORT=8080"];
    let published = run(testbed, (&"0".repeat(32), "sd"), &options);
    let joined = join(testbed, &task, &secret);

    let file = testbed.dir().join("targets.json");
    let further = ["--sd.host-address=127.0.0.1".into(), format!("--sd.file={}", file.display())];
    let exporter = Server::exporter_with(testbed, &further.each_ref().map(String::as_str));
    let targets = until(PATIENCE, "two targets", || {
        let said: serde_json::Value = serde_json::from_str(&exporter.get("/sd/targets")?).ok()?;
        let services = said
            .as_array()?
            .iter()
            .filter(|t| t["labels"]["__meta_ecs_service"].is_string());
        (services.count() == 2).then_some(said)
    });
    let written: serde_json::Value = until(PATIENCE, "the file", || {
        let written = serde_json::from_slice(&fs::read(&file).ok()?).ok()?;
        (written == targets).then_some(written)
    });
    assert!(!written.to_string().contains(&secret));
    let discovered: BTreeMap<String, String> = targets
        .as_array()
        .unwrap()
        .iter()
        .map(|target| {
            let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
            (text(&target["labels"]["__meta_ecs_network_mode"]), text(&target["targets"][0]))
        })
        .collect();
    let port = testbed.docker(&["port", &published, "8080/tcp"]);
    let port = port.lines().next().unwrap().rsplit(':').next().unwrap();
    assert_eq!(discovered["bridge"], format!("127.0.0.1:{port}"));
    assert!(discovered["awsvpc"].starts_with("10.0.") && discovered["awsvpc"].ends_with(":8080"));

    let config = format!(
        "global: {{scrape_interval: 1s, scrape_timeout: 1s}}\nscrape_configs:\n- job_name: sd\n  \
         http_sd_configs: [{{url: 'http://127.0.0.1:{}/sd/targets', refresh_interval: 1s}}]\n  \
         relabel_configs:\n  - {{source_labels: [__meta_ecs_network_mode], target_label: mode}}\n  \
         - {{source_labels: [__meta_ecs_service], target_label: service}}\n",
        exporter.port()
    );
    match Server::prometheus(testbed.dir(), &config) {
        None => {
            assert!(std::env::var_os("CI").is_none(), "no prometheus");
            eprintln!("skipped: no prometheus");
        }
        Some(prometheus) => {
            let expected = |value: &str| {
                [("awsvpc", "vpc-svc"), ("bridge", "sd-svc")]
                    .map(|(mode, service)| [mode, service, value].map(str::to_owned))
            };
            for (query, value) in [("up", "1"), ("served", "42")] {
                until(PATIENCE, "both are scraped", || {
                    let said = samples(&prometheus, query)?;
                    (said == expected(value)).then_some(())
                });
            }
        }
    }

    for _ in 0..3 {
        exporter.scrape();
    }
    let half = &secret.as_bytes()[secret.len() / 2..];
    until(PATIENCE, "no secret in the memory of the exporter", || {
        memory::holding(exporter.pid(), &[half])
            .is_empty()
            .then_some(())
    });
    for id in [published, joined] {
        testbed.docker(&["rm", "-f", &id]);
    }
    testbed.drop_task(&task);
}

/// A container of a task, which serves metrics.
fn run(testbed: &Testbed, (task, family): (&str, &str), options: &[&str]) -> String {
    let labels = [
        "cluster=testbed".to_owned(),
        "container-name=app".into(),
        format!("task-arn=arn:aws:ecs:eu-central-1:111122223333:task/testbed/{task}"),
        format!("task-definition-family={family}"),
        "task-definition-version=1".into(),
    ]
    .map(|label| format!("--label=com.amazonaws.ecs.{label}"));
    let endpoint = format!(
        "--env=ECS_CONTAINER_METADATA_URI_V4=http://169.254.170.2/v4/{}",
        task.get(..16).unwrap()
    );
    let mut arguments = vec!["run", "-d", &endpoint];
    arguments.extend(labels.iter().map(String::as_str));
    arguments.extend(options);
    arguments.extend(["busybox:local", "sh", "-c", SERVES]);
    testbed.docker(&arguments).trim().to_owned()
}

/// A container in the network of a task, which the host is given a way to.
fn join(testbed: &Testbed, task: &str, secret: &str) -> String {
    let filter = format!(
        "label=com.amazonaws.ecs.task-arn=arn:aws:ecs:eu-central-1:111122223333:task/testbed/{task}"
    );
    let name = "label=com.amazonaws.ecs.container-name=~internal~ecs~pause";
    let found = testbed.docker(&["ps", "-q", "--no-trunc", "--filter", &filter, "--filter", name]);
    let pause = found.trim();
    let format = "{{index .Config.Labels \"testbed.address\"}}";
    let address = testbed.docker(&["inspect", "-f", format, pause]);
    let address = address.trim();
    let (net, _) = address.rsplit_once('.').unwrap();
    let device = format!("eni{}", task.get(..8).unwrap());
    for arguments in [
        format!("addr add {net}.254/32 dev {device}"),
        format!("route add {address}/32 dev {device} src {net}.254"),
    ] {
        let ip = Command::new("ip")
            .args(arguments.split(' '))
            .status()
            .unwrap();
        assert!(ip.success(), "ip {arguments}");
    }
    let network = format!("--network=container:{pause}");
    let password = format!("--env=DB_PASSWORD={secret}");
    let asks = "--label=ECS_PROMETHEUS_EXPORTER_PORT=8080";
    run(testbed, (task, "vpc"), &[&network, &password, asks])
}

/// What Prometheus says to a query: network mode, service and value of each sample, in order.
fn samples(prometheus: &Server, query: &str) -> Option<Vec<[String; 3]>> {
    let said = prometheus.get(&format!("/api/v1/query?query={query}"))?;
    let said: serde_json::Value = serde_json::from_str(&said).ok()?;
    let mut samples: Vec<_> = said["data"]["result"]
        .as_array()?
        .iter()
        .map(|sample| {
            let labels = &sample["metric"];
            [&labels["mode"], &labels["service"], &sample["value"][1]]
                .map(|value| value.as_str().unwrap_or_default().to_owned())
        })
        .collect();
    samples.sort();
    Some(samples)
}
