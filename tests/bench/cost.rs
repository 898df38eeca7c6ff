//! What a scrape costs, beside the floor (a program that only reads) and beside `node_exporter`.
//!
//! Needs root, cgroups, `ip`, and Debian's `prometheus-node-exporter` and `strace`, which are used
//! where they are there. Makes control groups under `/ecs` with a process each, in a network
//! namespace of its own, and takes them away again.
//!
//! `cargo bench --bench cost -- 0 10 100 300`. With `busy` every container does something before each
//! scrape; else they do nothing. With `latency` it is measured how long a scraper waits.
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
mod latency;
mod population;
mod target;

use std::io::Read;
use std::process::{Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

use floor::Floor;
use population::Population;
use target::{Target, cpu, exporter, median, rss};

const ROUNDS: usize = 21;
const SPACE: Duration = Duration::from_millis(100);

/// How long nothing must have run in a group before its numbers are held.
const SETTLED: Duration = Duration::from_secs(11);

fn main() {
    let sizes: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let told = |word| std::env::args().any(|argument| argument == word);
    let sizes = if sizes.is_empty() { vec![0, 10, 100, 300] } else { sizes };
    let mut population = Population::default();
    if told("latency") {
        return latency::table(&mut population, &sizes);
    }
    println!(
        "CPU of a scrape in ms, median of {ROUNDS} in turn, {} ms apart.\n",
        SPACE.as_millis()
    );
    println!(
        "| containers | floor | identity | × floor | gzip | × floor | node_exporter | ÷ identity | samples | body kB | gzip kB | RSS MB | node_exporter MB | system calls |"
    );
    println!("|{}", " ---: |".repeat(14));
    for size in sizes {
        population.grow(size);
        row(&mut population, told("busy"));
    }
}

/// The exporter, which knows the containers by their agent.
fn start(population: &Population) -> Target {
    Target::start(
        exporter()
            .args(["--web.listen-address=127.0.0.1:9799", "--docker.socket=/nowhere"])
            .arg(format!("--ecs.agent-address={}", population.agent())),
        9799,
    )
}

fn row(population: &mut Population, busy: bool) {
    let ours = start(population);
    let node = Command::new("prometheus-node-exporter")
        .arg("--web.listen-address=127.0.0.1:9798")
        .stderr(Stdio::null())
        .spawn()
        .ok()
        .map(|child| Target::of(child, 9798));
    let mut floor = Floor::new(population.groups(), population.processes());
    // The first scrape asks the agent, the second shows its answer, and all is warm at the fifth.
    for _ in 0..5 {
        ours.scrape(false);
        sleep(SPACE);
    }
    sleep(SETTLED);
    ours.scrape(false);
    let size = population.len();
    let (mut bare, mut identity, mut gzip, mut peer) = (vec![], vec![], vec![], vec![]);
    let (mut body, mut zipped) = (String::new(), 0);
    let mut wait = || {
        if busy {
            population.stir();
        }
        sleep(SPACE);
    };
    for _ in 0..ROUNDS {
        wait();
        bare.push(measured(std::process::id(), || floor.read()));
        wait();
        identity.push(measured(ours.pid(), || {
            body = String::from_utf8(ours.scrape(false)).unwrap();
        }));
        wait();
        gzip.push(measured(ours.pid(), || zipped = ours.scrape(true).len()));
        if let Some(node) = &node {
            wait();
            peer.push(measured(node.pid(), || drop(node.scrape(false))));
        }
    }
    let [bare, identity, gzip, peer] = [bare, identity, gzip, peer].map(median);
    let samples = body.lines().filter(|line| !line.starts_with('#')).count();
    println!(
        "| {} | {bare:.2} | {identity:.2} | {:.2} | {gzip:.2} | {:.2} | {peer:.1} | {:.1} | {samples} | {} | {} | {:.1} | {:.1} | {} |",
        size,
        identity / bare,
        gzip / bare,
        peer / identity,
        body.len() / 1000,
        zipped / 1000,
        rss(ours.pid()),
        node.as_ref().map_or(0.0, |node| rss(node.pid())),
        calls(&ours, wait).map_or_else(|| "?".into(), |n| n.to_string()),
    );
}

/// Milliseconds of CPU that a process takes meanwhile.
fn measured(pid: u32, work: impl FnOnce()) -> f64 {
    let before = cpu(pid);
    work();
    sleep(Duration::from_millis(5)); // What it does after the last byte is part of it.
    (cpu(pid) - before) as f64 / 1e6
}

/// System calls of a scrape, by strace: the mean of ten.
fn calls(target: &Target, mut wait: impl FnMut()) -> Option<usize> {
    const SCRAPES: usize = 10;
    let mut strace = Command::new("strace")
        .args(["-f", "-c", "-qq", "-p", &target.pid().to_string()])
        .stderr(Stdio::piped())
        .spawn()
        .ok()?;
    sleep(Duration::from_millis(500));
    for _ in 0..SCRAPES {
        wait();
        target.scrape(false);
    }
    sleep(SPACE);
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
