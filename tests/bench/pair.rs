//! What 15 seconds of life with one scrape in them cost, beside `node_exporter` and cAdvisor together.
//!
//! Needs root and Docker, and names of the two programs. Starts a dockerd of its own with tasks of three
//! containers, as the ECS agent makes them.
//!
//! `CADVISOR=/bin/cadvisor NODE_EXPORTER=/bin/node_exporter cargo bench --bench pair -- 10 100 300`
//!
//! `node_exporter` is a task of its own, as people run it on ECS, of an image with the labels of the
//! published one: cAdvisor by default shows every label that any container has on every row. With `bare`
//! among the arguments it is started outside of Docker; with `published` the containers' own image has
//! labels, too, as images have that are built by `docker/metadata-action`.
#![allow(
    clippy::unwrap_used,
    clippy::indexing_slicing,
    clippy::print_stdout,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    missing_docs,
    reason = "a benchmark"
)]

mod target;

use std::ffi::OsStr;
use std::path::PathBuf;
use std::process::Command;
use std::thread::sleep;
use std::time::Duration;

use target::{Target, cpu, exporter, median, rss};

const ROUNDS: usize = 5;
const PUBLISHED: &str = concat!(
    r#"org.opencontainers.image.created="2026-11-22T08:15:30.000Z" "#,
    r#"org.opencontainers.image.description="The web shop's front end" "#,
    r#"org.opencontainers.image.licenses="Apache-2.0" "#,
    r#"org.opencontainers.image.revision="9f2c5a1d0b7e4836af90c2d1e5b6a7f8c9d0e1f2" "#,
    r#"org.opencontainers.image.source="https://github.com/example/web-shop" "#,
    r#"org.opencontainers.image.title="web-shop" "#,
    r#"org.opencontainers.image.url="https://github.com/example/web-shop" "#,
    r#"org.opencontainers.image.version="4.17.2""#,
);
const HALF: Duration = Duration::from_millis(7500);
/// cAdvisor counts the files of every container when it first sees it.
const SETTLING: Duration = Duration::from_secs(60);

fn main() {
    let (cadvisor, node_exporter) =
        (std::env::var_os("CADVISOR"), std::env::var_os("NODE_EXPORTER"));
    let (Some(cadvisor), Some(node_exporter)) = (cadvisor, node_exporter) else {
        println!("not measured: CADVISOR and NODE_EXPORTER name the programs");
        return;
    };
    let asked = |word| std::env::args().any(|argument| argument == word);
    let sizes: Vec<usize> = std::env::args().filter_map(|a| a.parse().ok()).collect();
    let sizes = if sizes.is_empty() { vec![10, 100, 300] } else { sizes };
    println!(
        "CPU of 15 s with one scrape in ms, median of {ROUNDS}; containers' part of the body; gzip of the whole.\n"
    );
    println!(
        "| containers | ours | node_exporter | cAdvisor | both ÷ ours | RSS MB | both MB | both ÷ ours | body kB | cAdvisor kB | ours ÷ | gzip kB | cAdvisor kB | ours ÷ |"
    );
    println!("|{}", " ---: |".repeat(14));
    let mut host = Host::up(asked("published"));
    let mut node = (!asked("bare")).then(|| host.peer(&node_exporter, 9798));
    for size in sizes {
        host.grow(size);
        let socket = host.dir.join("docker.sock");
        let agent = std::fs::read_to_string(host.dir.join("agent.port")).unwrap();
        let ours = Target::start(
            exporter()
                .arg("--web.listen-address=127.0.0.1:9799")
                .arg(format!("--docker.socket={}", socket.display()))
                .arg(format!("--ecs.agent-address=127.0.0.1:{}", agent.trim())),
            9799,
        );
        let node = node.get_or_insert_with(|| {
            let mut command = Command::new(&node_exporter);
            Target::start(command.arg("--web.listen-address=127.0.0.1:9798"), 9798)
        });
        let peer = Target::start(
            Command::new(&cadvisor)
                .arg("-port=9797")
                .arg(format!("-docker=unix://{}", socket.display())),
            9797,
        );
        let all = [&ours, &*node, &peer];
        for _ in 0..4 {
            all.iter().for_each(|target| drop(target.scrape(false)));
            sleep(SETTLING / 4);
        }
        let mut rounds = [vec![], vec![], vec![]];
        let mut bodies = [0; 3];
        for _ in 0..ROUNDS {
            let before = all.map(|target| cpu(target.pid()));
            sleep(HALF);
            bodies = all.map(|target| containers(&target.scrape(false)));
            sleep(HALF);
            for ((round, target), before) in rounds.iter_mut().zip(all).zip(before) {
                round.push((cpu(target.pid()) - before) as f64 / 1e6);
            }
        }
        let [own, node_cpu, peer_cpu] = rounds.map(median);
        let [memory, node_memory, peer_memory] = all.map(|target| rss(target.pid()));
        let [gzip, _, peer_gzip] = all.map(|target| target.scrape(true).len());
        let both = node_memory + peer_memory;
        println!(
            "| {} | {own:.1} | {node_cpu:.0} | {peer_cpu:.0} | {:.0} | {memory:.1} | {both:.0} | {:.1} | {} | {} | {:.2} | {} | {} | {:.2} |",
            host.containers,
            (node_cpu + peer_cpu) / own,
            both / memory,
            bodies[0] / 1000,
            bodies[2] / 1000,
            bodies[0] as f64 / bodies[2] as f64,
            gzip / 1000,
            peer_gzip / 1000,
            gzip as f64 / peer_gzip as f64,
        );
    }
}

/// How many bytes of a body are samples of containers.
fn containers(body: &[u8]) -> usize {
    let lines = body.split_inclusive(|&b| b == b'\n');
    lines
        .filter(|line| line.starts_with(b"container_"))
        .map(<[u8]>::len)
        .sum()
}

/// A host of Amazon ECS.
struct Host {
    dir: PathBuf,
    containers: usize,
    /// Of the containers' image.
    labels: &'static str,
}

impl Host {
    fn up(published: bool) -> Self {
        let dir =
            std::env::temp_dir().join(format!("ecs-host-exporter-pair-{}", std::process::id()));
        let labels = if published { PUBLISHED } else { "" };
        let host = Self { dir, containers: 0, labels };
        host.script("up", &[]);
        host
    }

    /// Adds tasks until there are so many containers, or one or two more.
    fn grow(&mut self, containers: usize) {
        const EACH: usize = 3;
        while self.containers < containers {
            self.script("add", &["bridge".as_ref(), "3".as_ref()]);
            self.containers += EACH;
        }
    }

    /// `node_exporter` as a service of the host runs it.
    fn peer(&mut self, program: &OsStr, port: u16) -> Target {
        self.containers += 1;
        let pid = self.script("peer", &[program, port.to_string().as_ref()]);
        Target::running(pid.trim().parse().unwrap(), port)
    }

    fn script(&self, verb: &str, arguments: &[&OsStr]) -> String {
        let script = concat!(env!("CARGO_MANIFEST_DIR"), "/tests/testbed/host.sh");
        let run = Command::new(script)
            .arg(verb)
            .arg(&self.dir)
            .args(arguments)
            .env("IMAGE_LABELS", self.labels)
            .output()
            .unwrap();
        assert!(run.status.success(), "{}", String::from_utf8_lossy(&run.stderr));
        String::from_utf8(run.stdout).unwrap()
    }
}

impl Drop for Host {
    fn drop(&mut self) {
        self.script("down", &[]);
    }
}
