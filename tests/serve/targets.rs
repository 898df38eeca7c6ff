//! The targets of service discovery.

use std::sync::Arc;
use std::sync::atomic::{AtomicU32, Ordering};

use base64::Engine;
use base64::prelude::BASE64_STANDARD;
use ecs_host_exporter::collector::Running;
use ecs_host_exporter::http::{Settings, Web};
use ecs_host_exporter::inventory::{Handle, Inventory, Labels, docker};

use crate::harness::Server;
use crate::tls::Dir;

/// A container that asks to be scraped, and has a secret.
fn inventory() -> Handle {
    let json = br#"[{"Id":"1","State":{"Status":"running"},"HostConfig":{"NetworkMode":"host"},
        "Config":{"Env":["PROMETHEUS_PORT=9","DB_PASSWORD=hunter2"]}}]"#;
    let containers = docker::parse_inspect(json).unwrap();
    Handle::fixed(Inventory::of(containers, None, &Labels::default()))
}

fn counts(runs: &Arc<AtomicU32>) -> Running {
    let runs = Arc::clone(runs);
    Box::new(move |_, _| {
        runs.fetch_add(1, Ordering::Relaxed);
        Ok(())
    })
}

#[test]
fn says_who_is_to_be_scraped_without_a_scrape() {
    let runs = Arc::default();
    let server =
        Server::of(None, inventory(), vec![("loadavg", counts(&runs))], Settings::default());
    let mut client = server.connect();
    let answer = client.get("/sd/targets");
    assert_eq!((answer.status, answer.header("content-type")), (200, Some("application/json")));
    let said: serde_json::Value = serde_json::from_slice(&answer.body).unwrap();
    assert_eq!(said[0]["targets"], serde_json::json!(["127.0.0.1:9"]));
    assert_eq!(said[0]["labels"]["__metrics_path__"], "/metrics");
    assert!(!answer.text().contains("hunter2"));
    let other = client.get("/sd/targets?target=evil:80&__address__=evil:80&collect[]=loadavg");
    assert_eq!(other.text(), answer.text(), "a query changes nothing");

    let tag = answer.header("etag").unwrap();
    client.ask("GET", "/sd/targets", &format!("If-None-Match: {tag}\r\n"));
    assert_eq!(client.head().status, 304);
    client.ask("DELETE", "/sd/targets", "");
    assert_eq!(client.answer().status, 405);
    assert_eq!(client.get("/sd/targets/x").status, 404);
    assert!(client.get("/").text().contains("<a href=\"/sd/targets\">"));
    assert_eq!(runs.load(Ordering::Relaxed), 0);
}

#[test]
fn the_path_of_the_metrics_comes_first() {
    let settings = Settings { metrics_path: "/sd/targets".into(), ..Settings::default() };
    let server = Server::of(None, inventory(), vec![], settings);
    assert!(
        server
            .get("/sd/targets")
            .text()
            .contains("ecs_host_exporter_build_info")
    );
}

#[test]
fn who_may_not_see_metrics_sees_no_targets() {
    let dir = Dir::new("targets");
    let hash = bcrypt::hash("secret", 4).unwrap();
    let path = dir.write("web.yml", &format!("basic_auth_users:\n  me: {hash}\n"));
    let web = Web::open(&path).unwrap();
    let server = Server::of(Some(web), inventory(), vec![], Settings::default());
    let mut client = server.connect();
    assert_eq!(client.get("/sd/targets").status, 401);
    let coded = BASE64_STANDARD.encode("me:secret");
    client.ask("GET", "/sd/targets", &format!("Authorization: Basic {coded}\r\n"));
    let answer = client.answer();
    assert_eq!((answer.status, answer.text().contains("127.0.0.1:9")), (200, true));
}
