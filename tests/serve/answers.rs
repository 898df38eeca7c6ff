//! What is answered.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicUsize, Ordering};

use ecs_host_exporter::collector::Running;
use ecs_host_exporter::files::Error;
use ecs_host_exporter::http::Settings;
use flate2::read::GzDecoder;

use crate::harness::{ANSWER, Server, answers, success};

#[test]
fn sends_the_same_text_plain_and_compressed() {
    let large: Running = Box::new(|_, text| {
        text.raw(b"# HELP large Large.\n# TYPE large gauge\n", 0);
        for i in 0..100_000 {
            text.raw(format!("large{{i=\"{i}\"}} {}\n", i % 7).as_bytes(), 1);
        }
        Ok(())
    });
    let server = Server::new(vec![("large", large), ("loadavg", answers())], Settings::default());
    let mut client = server.connect();

    let path = "/metrics?name[]=large&name[]=answer";
    let plain = client.get(path);
    assert_eq!(plain.header("content-encoding"), None);
    let format = "text/plain; version=0.0.4; charset=utf-8; escaping=underscores";
    assert_eq!(plain.header("content-type"), Some(format));
    assert_eq!(plain.header("vary"), Some("Accept-Encoding"));
    assert!(plain.text().ends_with(
        "large{i=\"99999\"} 4\n# HELP answer Answer.\n# TYPE answer gauge\nanswer 42\n"
    ));

    for _ in 0..2 {
        client.ask("GET", path, "Accept-Encoding: deflate, gzip;q=0.5\r\n");
        let gzip = client.answer();
        assert_eq!(gzip.header("content-encoding"), Some("gzip"));
        assert_eq!(gzip.header("content-type"), Some(format));
        assert_eq!(gzip.header("vary"), Some("Accept-Encoding"));
        assert!(gzip.body.len() * 2 < plain.body.len());
        let mut text = String::new();
        GzDecoder::new(&*gzip.body)
            .read_to_string(&mut text)
            .unwrap();
        assert!(text == plain.text());
    }
}

#[test]
fn collects_and_excludes_as_asked() {
    let server = Server::new(
        vec![("loadavg", answers()), ("container.cpu", Box::new(|_, _| Ok(())))],
        Settings::default(),
    );
    let ran = |query: &str| {
        let answer = server.get(&format!("/metrics?{query}"));
        assert_eq!(answer.status, 200, "{answer:?}");
        let text = answer.text();
        let ran = |name| text.contains(&success(name, true));
        assert!(text.contains("\nnode_exporter_build_info{") && text.contains("\nprocess_max_fds"));
        [ran("loadavg"), ran("container.cpu")]
    };
    assert_eq!(ran(""), [true, true]);
    assert_eq!(ran("collect%5B%5D=loadavg"), [true, false]);
    assert_eq!(ran("collect[]=container&collect[]=%zz"), [false, true]);
    assert_eq!(ran("exclude[]=node&exclude[]=unknown"), [false, true]);
    assert_eq!(ran("exclude[]=loadavg&exclude[]=container.cpu"), [true, true]);

    let refused = |query: &str, words: &str| {
        let answer = server.get(&format!("/metrics?{query}"));
        assert_eq!(answer.status, 400);
        assert_eq!(answer.header("content-type"), Some("text/plain; charset=utf-8"));
        assert_eq!(answer.text(), words);
    };
    let filter = "Couldn't create filtered metrics handler: couldn't create collector: ";
    refused("collect[]=loadavg&collect[]=a%20b", &format!("{filter}missing collector: a b"));
    refused("collect[]=diskstats", &format!("{filter}disabled collector: diskstats"));
    let combined = "Combined collect and exclude queries are not allowed.";
    refused("collect[]=loadavg&exclude[]=loadavg", combined);
}

#[test]
fn knows_its_routes() {
    let runs = Arc::new(AtomicUsize::new(0));
    let counts: Running = {
        let runs = Arc::clone(&runs);
        Box::new(move |_, text| {
            runs.fetch_add(1, Ordering::Relaxed);
            text.family(&ANSWER).sample((), 42u64);
            Ok(())
        })
    };
    let server = Server::new(vec![("loadavg", counts)], Settings::default());
    let mut client = server.connect();

    client.ask("HEAD", "/metrics", "");
    let head = client.head();
    assert_eq!(head.status, 200);
    assert!(head.headers["content-length"].parse::<usize>().unwrap() > 1000);
    client.ask("HEAD", "/metrics", "Accept-Encoding: gzip\r\n");
    assert_eq!(client.head().header("content-encoding"), Some("gzip"));
    assert_eq!(runs.load(Ordering::Relaxed), 2, "HEAD collects");

    for path in ["/-/healthy", "/-/ready", "/healthz"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text()), (200, "ok\n".into()), "{path}");
    }
    let landing = client.get("/");
    assert_eq!(landing.status, 200);
    assert_eq!(landing.header("content-type"), Some("text/html; charset=utf-8"));
    assert!(
        landing
            .header("content-security-policy")
            .unwrap()
            .starts_with("default-src 'none';")
    );
    for (name, value) in [("x-content-type-options", "nosniff"), ("referrer-policy", "no-referrer")]
    {
        assert_eq!(landing.header(name), Some(value));
    }
    let page = landing.text();
    for text in ["<a href=\"/metrics\">", "<a href=\"/reference\">", "loadavg", " s ago"] {
        assert!(page.contains(text), "{text}: {page}");
    }
    assert_eq!(runs.load(Ordering::Relaxed), 2, "to look starts no scrape");
    let reference = client.get("/reference");
    assert_eq!(reference.header("content-type"), Some("text/plain; charset=utf-8"));
    assert!(reference.text().contains("| `node_load1` | gauge |"));

    for path in ["/metrics/", "/other", "/-/", "//metrics"] {
        let answer = client.get(path);
        assert_eq!((answer.status, answer.text()), (404, "404 page not found\n".into()), "{path}");
    }
    for path in ["/metrics", "/", "/healthz"] {
        client.ask("DELETE", path, "");
        let answer = client.answer();
        assert_eq!((answer.status, answer.header("allow")), (405, Some("GET,HEAD")), "{path}");
    }
    client.ask("POST", "/metrics", "Content-Length: 4\r\n");
    client.send("body");
    assert_eq!(client.answer().status, 405);

    let text = server.metrics();
    for line in [
        "ecs_host_exporter_http_requests_total{path=\"/metrics\",code=\"200\"} 2\n",
        "ecs_host_exporter_http_requests_total{path=\"/metrics\",code=\"405\"} 2\n",
        "ecs_host_exporter_http_requests_total{path=\"/healthz\",code=\"200\"} 1\n",
        "ecs_host_exporter_http_requests_total{path=\"other\",code=\"404\"} 4\n",
        "ecs_host_exporter_scrape_duration_seconds_count 3\n",
        "promhttp_metric_handler_requests_total{code=\"200\"} 2\n",
        "promhttp_metric_handler_requests_in_flight 1\n",
    ] {
        assert!(text.contains(line), "{line}{text}");
    }
}

#[test]
fn shows_what_the_last_scrape_cost() {
    let fails: Running = Box::new(|_, _| {
        Err(Error::Read { path: "/<x>".into(), source: io::ErrorKind::Other.into() })
    });
    let server = Server::new(vec![("loadavg", answers()), ("arp", fails)], Settings::default());
    let before = server.get("/").text();
    assert!(before.contains("none yet") && before.contains("2 on"), "{before}");

    let series = server
        .metrics()
        .lines()
        .filter(|line| !line.starts_with('#'))
        .count();
    let page = server.get("/").text();
    let expected = [
        format!("{series} series in"),
        "1 failed".into(),
        "failed: <bdi>/&lt;x&gt;: other error</bdi>".into(),
        "<bdi>answer</bdi></th><td class=\"n\">1</td>".into(),
    ];
    for text in expected {
        assert!(page.contains(&text), "{text}: {page}");
    }
}

#[test]
fn serves_metrics_on_any_path() {
    let served = |path: &str, asked: &[&str]| {
        let settings = Settings { metrics_path: path.into(), ..Settings::default() };
        let server = Server::new(vec![("loadavg", answers())], settings);
        asked
            .iter()
            .map(|path| server.get(path).text().contains("answer 42\n"))
            .collect::<Vec<_>>()
    };
    assert_eq!(served("/{x}/*y/:z", &["/{x}/*y/:z", "/a/b/c", "/"]), [true, false, false]);
    assert_eq!(served("no-slash", &["/no-slash", "/metrics"]), [true, false]);
    assert_eq!(served("/sub/", &["/sub/", "/sub/any/path", "/sub"]), [true, true, false]);
    assert_eq!(served("/", &["/", "/any/path", "/-/healthy"]), [true, true, false]);
    assert_eq!(served("/healthz", &["/healthz", "/-/healthy"]), [true, false]);
}

#[test]
fn tells_nothing_of_itself_if_told_so() {
    let settings = Settings { exporter_metrics: false, ..Settings::default() };
    let server = Server::new(vec![("loadavg", answers())], settings);
    let _first = server.metrics();
    let text = server.metrics();
    let families: Vec<_> = text
        .lines()
        .filter_map(|l| l.strip_prefix("# TYPE "))
        .collect();
    let expected = [
        "answer gauge",
        "node_scrape_collector_duration_seconds gauge",
        "node_scrape_collector_success gauge",
        "ecs_host_exporter_build_info gauge",
        "node_exporter_build_info gauge",
    ];
    assert_eq!(families, expected);
}

#[test]
fn serves_many_requests_on_one_connection() {
    let server = Server::new(vec![("loadavg", answers())], Settings::default());
    let mut client = server.connect();
    client.send(
        "GET /metrics HTTP/1.1\r\nHost: h\r\n\r\n\
         GET /-/healthy HTTP/1.1\r\nHost: h\r\n\r\n\
         GET /metrics HTTP/1.1\r\nHost: h\r\nAccept-Encoding: gzip\r\n\r\n",
    );
    assert!(client.answer().text().contains("answer 42\n"));
    assert_eq!(client.answer().text(), "ok\n");
    assert_eq!(client.answer().header("content-encoding"), Some("gzip"));
    for _ in 0..3 {
        assert!(client.get("/metrics").text().contains("answer 42\n"));
    }
    client.ask("GET", "/healthz", "Connection: close\r\n");
    assert_eq!(client.answer().status, 200);
    assert_eq!(client.rest(), b"");

    let mut old = server.connect();
    old.send("GET /healthz HTTP/1.0\r\n\r\n");
    assert_eq!(old.answer().text(), "ok\n");
    assert_eq!(old.rest(), b"");
}
