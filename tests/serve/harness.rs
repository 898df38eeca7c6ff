//! A server with collectors that do as they are told, and a client that sees every byte.

use std::collections::HashMap;
use std::io::{BufRead, BufReader, Read, Write};
use std::net::{SocketAddr, TcpStream};
use std::sync::{Arc, mpsc};
use std::thread::{self, JoinHandle};
use std::time::Duration;

use ecs_host_exporter::collector::Running;
use ecs_host_exporter::exposition::{Family, Text, gauge};
use ecs_host_exporter::files::Error;
use ecs_host_exporter::http::{App, Settings, Web, bind, run};
use ecs_host_exporter::inventory::Handle;
use ecs_host_exporter::scrape::{Scraper, Start};
use ecs_host_exporter::system::System;
use tokio::sync::oneshot;

pub(crate) static ANSWER: Family<0> = gauge("answer").help("Answer.").labels([]);

/// Nothing here takes that long, unless it hangs.
pub(crate) const FOREVER: Duration = Duration::from_secs(60);

pub(crate) struct Server {
    pub(crate) address: SocketAddr,
    stop: Option<oneshot::Sender<()>>,
    /// Says when `run` has returned.
    pub(crate) ended: mpsc::Receiver<()>,
    thread: Option<JoinHandle<()>>,
}

impl Server {
    pub(crate) fn new(collectors: Vec<(&'static str, Running)>, settings: Settings) -> Self {
        Self::behind(None, collectors, settings)
    }

    pub(crate) fn behind(
        web: Option<Arc<Web>>,
        collectors: Vec<(&'static str, Running)>,
        settings: Settings,
    ) -> Self {
        Self::of(web, Handle::none(), collectors, settings)
    }

    pub(crate) fn of(
        web: Option<Arc<Web>>,
        inventory: Handle,
        collectors: Vec<(&'static str, Running)>,
        settings: Settings,
    ) -> Self {
        let start = Start {
            containers: Box::new(|_| Err(Error::Absent("cgroup".into()))),
            system: System::LIVE,
            discovery: Arc::default(),
        };
        let scraper = Arc::new(Scraper::new(collectors, start, inventory.clone()));
        let app = App::new(scraper, inventory, settings).behind(web);
        let app = Arc::new(app.discovering(Some(Arc::default())));
        let listeners = bind(&["127.0.0.1:0".into()]).unwrap();
        let address = listeners[0].address().unwrap().parse().unwrap();
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

    pub(crate) fn connect(&self) -> Client {
        Client::new(TcpStream::connect(self.address).unwrap())
    }

    pub(crate) fn get(&self, path: &str) -> Answer {
        self.connect().get(path)
    }

    pub(crate) fn metrics(&self) -> String {
        let answer = self.get("/metrics");
        assert_eq!(answer.status, 200);
        answer.text()
    }

    pub(crate) fn stop(&mut self) {
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

pub(crate) struct Client<S = TcpStream>(pub(crate) BufReader<S>);

impl Client {
    pub(crate) fn new(socket: TcpStream) -> Self {
        socket.set_read_timeout(Some(FOREVER)).unwrap();
        Self(BufReader::new(socket))
    }
}

impl<S: Read + Write> Client<S> {
    pub(crate) fn send(&mut self, text: &str) {
        self.0.get_mut().write_all(text.as_bytes()).unwrap();
    }

    pub(crate) fn ask(&mut self, method: &str, path: &str, headers: &str) {
        self.send(&format!("{method} {path} HTTP/1.1\r\nHost: here\r\n{headers}\r\n"));
    }

    pub(crate) fn get(&mut self, path: &str) -> Answer {
        self.ask("GET", path, "");
        self.answer()
    }

    /// Reads an answer that has a body.
    pub(crate) fn answer(&mut self) -> Answer {
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

    pub(crate) fn head(&mut self) -> Answer {
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

    pub(crate) fn line(&mut self) -> String {
        let mut line = String::new();
        self.0.read_line(&mut line).unwrap();
        line.trim_end().to_owned()
    }

    /// Whether the server goes on with this.
    pub(crate) fn goes_on(&mut self, text: &str) -> bool {
        let mut found = vec![0; text.len()];
        self.0.read_exact(&mut found).is_ok() && found == text.as_bytes()
    }

    /// What the server still sends until it closes.
    pub(crate) fn rest(&mut self) -> Vec<u8> {
        let mut rest = Vec::new();
        match self.0.read_to_end(&mut rest) {
            Ok(_) => (),
            Err(error) => assert_eq!(error.kind(), std::io::ErrorKind::ConnectionReset),
        }
        rest
    }
}

#[derive(Debug)]
pub(crate) struct Answer {
    pub(crate) status: u16,
    pub(crate) headers: HashMap<String, String>,
    pub(crate) body: Vec<u8>,
}

impl Answer {
    pub(crate) fn text(&self) -> String {
        String::from_utf8(self.body.clone()).unwrap()
    }

    pub(crate) fn header(&self, name: &str) -> Option<&str> {
        self.headers.get(name).map(String::as_str)
    }
}

pub(crate) fn answers() -> Running {
    Box::new(|_, text: &mut Text| {
        text.family(&ANSWER).sample((), 42u64);
        Ok(())
    })
}

/// A collector that answers, but tells when it is run and does not return before it may.
pub(crate) fn waits() -> (Running, mpsc::Receiver<()>, mpsc::Sender<()>) {
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
pub(crate) fn eventually<T>(mut attempt: impl FnMut() -> Option<T>) -> T {
    for _ in 0..10_000 {
        if let Some(found) = attempt() {
            return found;
        }
        thread::sleep(Duration::from_millis(1));
    }
    panic!("never");
}

pub(crate) fn success(name: &str, ok: bool) -> String {
    format!("node_scrape_collector_success{{collector=\"{name}\"}} {}\n", u8::from(ok))
}
