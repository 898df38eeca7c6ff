//! The real server on a port, with collectors that do as they are told.
#![allow(
    clippy::unwrap_used,
    clippy::expect_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::string_slice,
    reason = "a test"
)]

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ecs_host_exporter::collector::Running;
use ecs_host_exporter::exposition::{Family, Text, gauge};
use ecs_host_exporter::files::Error;
use ecs_host_exporter::http::{App, Settings, bind, run};
use ecs_host_exporter::inventory::Handle;
use ecs_host_exporter::scrape::{Scraper, Start};
use ecs_host_exporter::system::System;
use flate2::read::GzDecoder;
use tokio::sync::oneshot;

static ANSWER: Family<0> = gauge("answer").help("Answer.").labels([]);

/// Nothing here takes that long, unless it hangs.
const FOREVER: Duration = Duration::from_secs(60);

/// So short that it is over soon, and long enough for a slow machine to be quicker.
const SOON: Duration = Duration::from_secs(1);

struct Server {
    address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    /// Says when `run` has returned.
    ended: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    fn new(collectors: Vec<(&'static str, Running)>, settings: Settings) -> Self {
        let start = Start {
            containers: Box::new(|_| Err(Error::Absent("cgroup".into()))),
            system: System::LIVE,
        };
        let scraper = Arc::new(Scraper::new(collectors, start, Handle::none()));
        let app = Arc::new(App::new(scraper, Handle::none(), settings));
        let listeners = bind(&["127.0.0.1:0".into()]).unwrap();
        let address = listeners[0].local_addr().unwrap();
        let (stop, stopped) = oneshot::channel();
        let (end, ended) = mpsc::channel();
        let thread = thread::spawn(move || {
            let runtime = tokio::runtime::Builder::new_current_thread()
                .enable_all()
                .build();
            let runtime = runtime.unwrap();
            runtime
                .block_on(run(listeners, app, async {
                    let _dropped = stopped.await;
                }))
                .unwrap();
            end.send(()).unwrap();
        });
        Self { address, stop: Some(stop), ended, thread: Some(thread) }
    }

    fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    fn get(&self, path: &str) -> Answer {
        self.connect().get(path)
    }

    fn metrics(&self) -> String {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200);
        answer.text()
    }

    fn stop(&mut self) {
        self.stop.take().unwrap().send(()).unwrap();
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        drop(self.stop.take());
        let ended = self.thread.take().unwrap().join();
        assert!(ended.is_ok() || thread::panicking(), "the server panicked");
    }
}

struct Client(BufReader<TcpStream>);

impl Client {
    fn new(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(FOREVER)).unwrap();
        Self(BufReader::new(socket))
    }

    fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    fn ask(&mut self, method: &str, path: &str, headers: &str) {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n"));
    }

    fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "");
        self.answer()
    }

    /// Reads an answer that has a body.
    fn answer(&mut self) -> Answer {
        let mut answer = self.head();
        if answer.headers.contains_key("transfer-encoding") {
            loop {
                let size = usize::from_str_radix(&self.line(), 16).unwrap();
                let mut chunk = vec![0; size];
                self.0.read_exact(&mut chunk).unwrap();
                answer.body.append(&mut chunk);
                assert_eq!(self.line(), "");
                if size == 0 {
                    break;
                }
            }
        } else {
            answer.body = vec![0; answer.headers["content-length"].parse().unwrap()];
            self.0.read_exact(&mut answer.body).unwrap();
        }
        answer
    }

    fn head(&mut self) -> Answer {
        let status = self.line();
        let status = status
            .split(' ')
            .nth(1)
            .unwrap_or_else(|| panic!("{status:?}"));
        let status = status.parse().unwrap();
        let headers = std::iter::from_fn(|| Some(self.line()).filter(|line| !line.is_empty()))
            .map(|line| {
                let (name, value) = line.split_once(": ").unwrap();
                (name.to_lowercase(), value.to_owned())
            })
            .collect();
        Answer { status, headers, body: Vec::new() }
    }

    fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// What the server still sends until it closes.
    fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => (),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
        rest
    }
}

#[derive(Debug)]
struct Answer {
    status: u16,
    headers: HashMap<String, String>,
    body: Vec<u8>,
}

impl Answer {
    fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

fn answers() -> Running {
    Box::new(|_, text: &mut Text| {
        text.family(&ANSWER).sample((), 42u64);
        Ok(())
    })
}

/// A collector that answers, but tells when it is run and does not return before it may.
fn waits() -> (Running, mpsc::Receiver<()>, mpsc::Sender<()>) {
    let (running, runs) = mpsc::channel();
    let (release, released) = mpsc::channel();
    let collect = Box::new(move |_: &mut _, text: &mut Text| {
        let _nobody_asks = running.send(());
        let _released = released.recv();
        text.family(&ANSWER).sample((), 42u64);
        Ok(())
    });
    (collect, runs, release)
}

/// Repeats until there is something: what is waited for comes soon after what caused it.
fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..10_000 {
        if let Some(found) = attempt() {
            return found;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("never");
}

fn success(name: &str, ok: bool) -> String {
    format!("node_scrape_collector_success{{collector=\"{name}\"}} {}\n", u8::from(ok))
}

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
fn two_scrapers_at_once_both_get_all() {
    let (waits, runs, release) = waits();
    let server = Server::new(
        vec![("loadavg", waits), ("after", Box::new(|_, _| Ok(())))],
        Settings::default(),
    );
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        client.ask("GET", "/metrics", "");
    }
    runs.recv().unwrap();
    drop(release);
    for client in &mut clients {
        let text = client.answer().text();
        assert!(text.contains("answer 42\n"), "{text}");
        assert!(text.contains(&success("loadavg", true)), "{text}");
        assert!(text.contains(&success("after", true)), "{text}");
    }
}

#[test]
fn answers_in_time_without_what_hangs() {
    let (waits, _runs, release) = waits();
    let other: Running = Box::new(|_, _| Ok(()));
    let server = Server::new(vec![("hangs", waits), ("other", other)], Settings::default());
    let mut client = server.connect();
    client.ask("GET", "/metrics", "X-Prometheus-Scrape-Timeout-Seconds: 0.7\r\n");
    let first = client.answer().text();
    assert!(first.contains(&success("hangs", false)), "{first}");
    let mut scrape = || client.get("/metrics").text();
    let second = scrape();
    assert!(second.contains(&success("hangs", false)), "{second}");
    assert!(second.contains(&success("other", true)), "{second}");
    assert!(!second.contains("answer 42"), "{second}");
    drop(release);
    eventually(|| scrape().contains(&success("hangs", true)).then_some(()));
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
    assert!(landing.text().contains("<a href=\"/metrics\">"));

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
fn turns_away_one_request_too_many() {
    let (waits, runs, release) = waits();
    let settings = Settings { max_requests: 1, ..Settings::default() };
    let server = Server::new(vec![("loadavg", waits)], settings);
    let mut first = server.connect();
    first.ask("GET", "/metrics", "");
    runs.recv().unwrap();
    let second = server.get("/metrics");
    let words = "Limit of concurrent requests reached (1), try again later.\n";
    assert_eq!((second.status, second.text()), (503, words.into()));
    assert_eq!(server.get("/-/healthy").status, 200);
    drop(release);
    assert_eq!(first.answer().status, 200);
    let text = eventually(|| Some(server.get("/metrics")).filter(|a| a.status == 200)).text();
    assert!(text.contains("promhttp_metric_handler_requests_total{code=\"503\"} 1\n"), "{text}");
}

#[test]
fn closes_connections_that_dawdle() {
    let settings = Settings { header_timeout: SOON, idle_timeout: SOON, ..Settings::default() };
    let server = Server::new(vec![("loadavg", answers())], settings);
    let mut silent = server.connect();
    let mut slow = server.connect();
    slow.send("GET /metrics HTTP/1.1\r\nHost: h");
    let mut idle = server.connect();
    assert_eq!(idle.get("/-/healthy").status, 200);
    let mut half = server.connect();
    assert_eq!(half.get("/-/healthy").status, 200);
    half.send("GET /me");
    for client in [&mut silent, &mut slow, &mut idle, &mut half] {
        assert_eq!(client.rest(), b"");
    }
    assert_eq!(server.get("/metrics").status, 200);
}

#[test]
fn waits_for_no_one_who_does_not_take_the_answer() {
    const SIZE: usize = 64 << 20; // More than the sockets of both sides hold.
    let huge: Running = Box::new(|_, text| {
        text.raw(&vec![b'#'; SIZE], 1);
        Ok(())
    });
    let settings = Settings { max_requests: 1, send_timeout: SOON, ..Settings::default() };
    let server = Server::new(vec![("huge", huge), ("loadavg", answers())], settings);
    let mut client = server.connect();
    client.ask("GET", "/metrics", "");
    // Its place is taken first, and free again in the end.
    let path = "/metrics?collect[]=loadavg";
    eventually(|| (server.get(path).status == 503).then_some(()));
    eventually(|| (server.get(path).status == 200).then_some(()));
    assert!(client.rest().len() < SIZE);
}

#[test]
fn closes_one_connection_too_many() {
    let settings = Settings { connections: 2, ..Settings::default() };
    let server = Server::new(vec![("loadavg", answers())], settings);
    let mut clients = [server.connect(), server.connect()];
    for client in &mut clients {
        assert_eq!(client.get("/-/healthy").status, 200);
    }
    let mut third = server.connect();
    assert_eq!(third.rest(), b"");
    let [first, mut second] = clients;
    assert_eq!(second.get("/-/healthy").status, 200, "those there are go on");
    drop(first);
    eventually(|| {
        let mut client = server.connect();
        client
            .0
            .get_mut()
            .write_all(b"GET /healthz HTTP/1.1\r\n\r\n")
            .ok()?;
        client.rest_starts_with("HTTP/1.1 200").then_some(())
    });
}

impl Client {
    fn rest_starts_with(&mut self, text: &str) -> bool {
        let mut found = vec![0; text.len()];
        self.0.read_exact(&mut found).is_ok() && found == text.as_bytes()
    }
}

#[test]
fn ends_after_what_is_under_way() {
    let (waits, runs, release) = waits();
    let mut server = Server::new(vec![("loadavg", waits)], Settings::default());
    let mut silent = server.connect();
    let mut idle = server.connect();
    assert_eq!(idle.get("/-/healthy").status, 200);
    let mut busy = server.connect();
    busy.ask("GET", "/metrics", "");
    runs.recv().unwrap();

    server.stop();
    assert_eq!(idle.rest(), b"");
    assert_eq!(silent.rest(), b"");
    assert!(TcpStream::connect(server.address).is_err(), "takes no more connections");
    assert!(server.ended.try_recv().is_err(), "waits for the answer");

    drop(release);
    let answer = busy.answer();
    assert_eq!(answer.status, 200);
    assert!(answer.text().contains("answer 42\n"));
    assert_eq!(busy.rest(), b"");
    server.ended.recv_timeout(FOREVER).unwrap();
}

#[test]
fn ends_without_what_takes_too_long() {
    let (waits, runs, release) = waits();
    let settings = Settings { grace: SOON, ..Settings::default() };
    let mut server = Server::new(vec![("loadavg", waits)], settings);
    let mut client = server.connect();
    client.ask("GET", "/metrics", "");
    runs.recv().unwrap();
    server.stop();
    server.ended.recv_timeout(FOREVER).unwrap();
    assert_eq!(client.rest(), b"");
    drop(release);
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

#[test]
fn goes_on_after_garbage() {
    let server = Server::new(vec![("loadavg", answers())], Settings::default());
    let long = format!("GET / HTTP/1.1\r\nX: {}\r\n\r\n", "x".repeat(300_000));
    for (garbage, status) in [
        ("\x16\x03\x01\x02\r\n\r\n", 400),
        ("GET /metrics\r\n\r\n", 400),
        ("GET /metrics HTTP/1.1\r\nno colon\r\n\r\n", 400),
        ("GET / HTTP/1.1\r\nContent-Length: 1\r\nContent-Length: 2\r\n\r\n", 400),
        (&long, 431),
    ] {
        let mut client = server.connect();
        let _closed = client.0.get_mut().write_all(garbage.as_bytes());
        let head = client.head();
        assert_eq!(head.status, status, "{}", garbage.escape_debug().take(60).collect::<String>());
        client.rest();
    }
    assert!(server.metrics().contains("answer 42\n"));
}

#[test]
fn a_client_that_leaves_spoils_no_scrape() {
    let (waits, runs, release) = waits();
    let server = Server::new(vec![("loadavg", waits)], Settings::default());
    let mut client = server.connect();
    client.ask("GET", "/metrics", "");
    runs.recv().unwrap();
    drop(client);
    let mut next = server.connect();
    next.ask("GET", "/metrics", "");
    drop(release);
    let text = next.answer().text();
    assert!(text.contains(&success("loadavg", true)), "{text}");
}
