//! What a scrape costs, beside the floor (a program that only reads) and beside `node_exporter`.
//!
//! Needs root, cgroups, `ip`, and Debian's `prometheus-node-exporter` and `strace`, which are used
//! where they are there. Makes control groups under `/ecs` with a process each, in a network
//! namespace of its own, and takes them away again.
//!
//! `cargo bench --bench cost -- 0 10 100 300`
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark"
)]

mod floor;
mod population;

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use floor::Floor;
use population::Population;

const ROUNDS: usize = 21;
const SPACE: Duration = Duration::from_millis(100);

fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![0, 10, 100, 300] } else { sizes };
    println!(
        "CPU of a scrape in ms, median of {ROUNDS} in turn, {} ms apart.\n",
        SPACE.as_millis()
    );
    println!(
        "| containers | floor | identity | × floor | gzip | × floor | node_exporter | ÷ identity | samples | body kB | gzip kB | RSS MB | node_exporter MB | system calls |"
    );
    println!("|{}", " ---: |".repeat(14));
    let mut population = Population::default();
    for size in sizes {
        population.grow(size);
        row(&population);
    }
}

fn row(population: &Population) {
    let exporter = Target::start(
        Command::new(env!("CARGO_BIN_EXE_ecs-host-exporter"))
            .args(["--web.listen-address=127.0.0.1:9799", "--docker.socket=/nowhere"])
            .arg(format!("--ecs.agent-address={}", population.agent())),
        9799,
    );
    let node = Command::new("prometheus-node-exporter")
        .arg("--web.listen-address=127.0.0.1:9798")
        .stderr(Stdio::null())
        .spawn()
        .ok()
        .map(|child| Target::of(child, 9798));
    let mut floor = Floor::new(population.groups(), population.processes());
    // The first scrape asks the agent, the second shows its answer, and all is warm at the fifth.
    for _ in 0..5 {
        exporter.scrape(false);
        sleep(SPACE);
    }
    let (mut bare, mut identity, mut gzip, mut peer) = (vec![], vec![], vec![], vec![]);
    let (mut body, mut zipped) = (String::new(), 0);
    for _ in 0..ROUNDS {
        sleep(SPACE);
        bare.push(measured(std::process::id(), || floor.read()));
        sleep(SPACE);
        identity.push(measured(exporter.pid(), || {
            body = String::from_utf8(exporter.scrape(false)).unwrap();
        }));
        sleep(SPACE);
        gzip.push(measured(exporter.pid(), || zipped = exporter.scrape(true).len()));
        if let Some(node) = &node {
            sleep(SPACE);
            peer.push(measured(node.pid(), || drop(node.scrape(false))));
        }
    }
    let [bare, identity, gzip, peer] = [bare, identity, gzip, peer].map(median);
    let samples = body.lines().filter(|line| !line.starts_with('#')).count();
    println!(
        "| {} | {bare:.2} | {identity:.2} | {:.2} | {gzip:.2} | {:.2} | {peer:.1} | {:.1} | {samples} | {} | {} | {:.1} | {:.1} | {} |",
        population.len(),
        identity / bare,
        gzip / bare,
        peer / identity,
        body.len() / 1000,
        zipped / 1000,
        rss(exporter.pid()),
        node.as_ref().map_or(0.0, |node| rss(node.pid())),
        calls(&exporter).map_or_else(|| "?".into(), |n| n.to_string()),
    );
}

/// An exporter that runs.
struct Target {
    child: Child,
    port: u16,
}

impl Target {
    fn start(command: &mut Command, port: u16) -> Self {
        Self::of(command.stderr(Stdio::null()).spawn().unwrap(), port)
    }

    fn of(child: Child, port: u16) -> Self {
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            sleep(SPACE);
        }
        Self { child, port }
    }

    fn pid(&self) -> u32 {
        self.child.id()
    }

    /// One scrape on a connection of its own; its body.
    fn scrape(&self, gzip: bool) -> Vec<u8> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        let encoding = if gzip { "Accept-Encoding: gzip\r\n" } else { "" };
        write!(
            stream,
            "GET /metrics HTTP/1.1\r\nHost: x\r\nAccept: text/plain\r\n{encoding}Connection: close\r\n\r\n"
        )
        .unwrap();
        let mut reader = BufReader::new(stream);
        let (mut line, mut chunked) = (String::new(), false);
        while reader.read_line(&mut line).unwrap() > 2 {
            chunked |= line
                .to_ascii_lowercase()
                .starts_with("transfer-encoding: chunked");
            line.clear();
        }
        let mut body = Vec::new();
        if !chunked {
            reader.read_to_end(&mut body).unwrap();
            return body;
        }
        loop {
            line.clear();
            reader.read_line(&mut line).unwrap();
            let length = usize::from_str_radix(line.trim(), 16).unwrap();
            if length == 0 {
                return body;
            }
            let start = body.len();
            body.resize(start + length, 0);
            reader.read_exact(&mut body[start..]).unwrap();
            reader.read_line(&mut line).unwrap();
        }
    }
}

impl Drop for Target {
    fn drop(&mut self) {
        let _gone = self.child.kill();
        let _gone = self.child.wait();
    }
}

/// Milliseconds of CPU that a process takes meanwhile.
fn measured(pid: u32, work: impl FnOnce()) -> f64 {
    let before = cpu(pid);
    work();
    sleep(Duration::from_millis(5)); // What it does after the last byte is part of it.
    (cpu(pid) - before) as f64 / 1e6
}

/// Nanoseconds on a CPU of all threads.
fn cpu(pid: u32) -> u64 {
    let threads = std::fs::read_dir(format!("/proc/{pid}/task")).unwrap();
    let of = |dir: std::path::PathBuf| {
        let text = std::fs::read_to_string(dir.join("schedstat")).unwrap_or_default();
        text.split(' ')
            .next()
            .and_then(|n| n.parse::<u64>().ok())
            .unwrap_or(0)
    };
    threads.map(|thread| of(thread.unwrap().path())).sum()
}

fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

fn rss(pid: u32) -> f64 {
    let status = std::fs::read_to_string(format!("/proc/{pid}/status")).unwrap();
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))
        .unwrap();
    line.split_whitespace()
        .next()
        .unwrap()
        .parse::<f64>()
        .unwrap()
        / 1024.0
}

/// System calls of a scrape, by strace: the mean of ten.
fn calls(target: &Target) -> Option<usize> {
    const SCRAPES: usize = 10;
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-qq", "-p", &target.pid().to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    sleep(Duration::from_millis(500));
    for _ in 0..SCRAPES {
        target.scrape(false);
        sleep(SPACE);
    }
    Command::new("kill")
        .args(["-INT", &strace.id().to_string()])
        .status()
        .ok()?;
    let mut summary = String::new();
    strace.stderr.take()?.read_to_string(&mut summary).ok()?;
    strace.wait().ok()?;
    let total = summary.lines().find(|line| line.ends_with("total"))?;
    let calls = total.split_whitespace().nth(3)?.parse::<usize>().ok()?;
    Some(calls / SCRAPES)
}
