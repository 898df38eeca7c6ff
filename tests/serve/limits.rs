//! What must not keep the server from answering, or from ending.

use std::io::Write;
use std::net::TcpStream;
use std::time::Duration;

use ecs_host_exporter::collector::Running;
use ecs_host_exporter::http::Settings;

use crate::harness::{FOREVER, Server, answers, eventually, success, waits};

/// Over soon, and long enough for a slow machine to be quicker.
const SOON: Duration = Duration::from_secs(1);

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
        client.goes_on("HTTP/1.1 200").then_some(())
    });
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
