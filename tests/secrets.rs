//! Secrets in the environment of containers, looked for in all that the program says and holds.
#![allow(
    unreachable_pub,
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_methods,
    clippy::disallowed_types,
    reason = "a test"
)]

#[path = "common/memory.rs"]
mod memory;
#[allow(dead_code, reason = "the agent is not needed")]
mod stand_in;

use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::Path;
use std::process::{Child, Command, Stdio};
use std::time::{Duration, Instant};

use stand_in::Docker;

/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// The exporter, ended when dropped.
struct Exporter {
    child: Child,
    port: u16,
}

impl Exporter {
    fn new(dir: &Path, docker: &Docker) -> Self {
        let free = TcpListener::bind("127.0.0.1:0").unwrap();
        let port = free.local_addr().unwrap().port();
        drop(free);
        let child = Command::new(env!("CARGO_BIN_EXE_ecs-host-exporter"))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--docker.socket={}", docker.socket.display()))
            .arg(format!("--sd.file={}", dir.join("targets.json").display()))
            .arg(format!("--storage.path={}", dir.join("state").display()))
            .args(["--ecs.agent-address=", "--log.level=debug"])
            .stderr(fs::File::create(dir.join("log")).unwrap())
            .stdout(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port }
    }

    /// The answer to a question, off the thread that Docker's stand-in needs.
    async fn get(&self, path: &'static str) -> Option<String> {
        let port = self.port;
        let ask = move || {
            let mut stream = TcpStream::connect(("127.0.0.1", port)).ok()?;
            stream.set_read_timeout(Some(PATIENCE)).ok()?;
            let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
            stream.write_all(request.as_bytes()).ok()?;
            let mut answer = Vec::new();
            stream.read_to_end(&mut answer).ok()?;
            Some(String::from_utf8_lossy(&answer).into_owned())
        };
        tokio::task::spawn_blocking(ask).await.unwrap()
    }
}

impl Drop for Exporter {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

fn id(n: usize) -> String {
    format!("{n:064x}")
}

/// A container with secrets in its environment, one of them escaped, and a byte that is no UTF-8.
fn inspect(n: usize, secrets: &[String; 2]) -> Vec<u8> {
    let [plain, escaped] = secrets;
    let (id, port) = (id(n), 9000 + n);
    // Some answers are longer than any buffer is at first.
    let filling = "x".repeat(500 << n.min(12));
    let mut json = format!(
        r#"{{"Id":"{id}","Name":"/name-{id}","State":{{"Status":"running","Pid":1}},
        "Config":{{"Image":"web:1","Env":["PATH=/bin","DB_PASSWORD={plain}","TOKEN=\u0026\"{escaped}",
            "PROMETHEUS_PORT={port}","FILLING={filling}","ODD={plain}INVALID"],
            "Labels":{{"shown":"label-{id}"}}}},"HostConfig":{{"NetworkMode":"host"}}}}"#
    )
    .into_bytes();
    let at = json
        .windows(7)
        .position(|bytes| bytes == b"INVALID")
        .unwrap();
    json[at] = 0xff;
    json
}

#[tokio::test]
async fn no_secret_is_said_logged_written_or_held() {
    let dir = std::env::temp_dir().join(format!("secrets-{}", std::process::id()));
    fs::create_dir_all(dir.join("state")).unwrap();
    // Each half counts: what is freed is overwritten at its beginning.
    let secret = |name: &str| {
        let words: Vec<_> = (0..8)
            .map(|n| format!("{name}{:x}", std::process::id() * 7919 + n))
            .collect();
        words.concat()
    };
    let secrets = [secret("hunter"), secret("swordfish")];
    let docker = Docker::new(&dir.join("docker.sock"));
    for n in 0..20 {
        docker.add(&id(n), inspect(n, &secrets));
    }
    let exporter = Exporter::new(&dir, &docker);
    let started = Instant::now();
    let targets = loop {
        match exporter.get("/sd/targets").await {
            Some(answer) if answer.contains(&id(19)) => break answer,
            answer => assert!(started.elapsed() < PATIENCE, "{answer:?}"),
        }
        tokio::time::sleep(Duration::from_millis(50)).await;
    };
    docker.listened_to().await;
    for n in 0..20 {
        docker.event("update", &id(n));
    }
    let mut said = targets;
    for path in ["/metrics", "/metrics", "/sd/targets", "/metrics"] {
        said += &exporter.get(path).await.unwrap();
    }
    while docker.state().paths.values().sum::<u64>() < 43 {
        assert!(started.elapsed() < PATIENCE, "{:?}", docker.state().paths);
        tokio::time::sleep(Duration::from_millis(50)).await;
    }
    let files = fs::read_dir(&dir)
        .unwrap()
        .chain(fs::read_dir(dir.join("state")).unwrap());
    let files: Vec<_> = files
        .map(|entry| entry.unwrap().path())
        .filter(|p| p.is_file())
        .collect();
    for name in ["log", "targets.json"] {
        assert!(files.contains(&dir.join(name)), "{files:?}");
    }
    for file in files {
        said += &String::from_utf8_lossy(&fs::read(file).unwrap());
    }

    let pid = exporter.child.id();
    let halves: Vec<&[u8]> = secrets
        .iter()
        .flat_map(|secret| {
            let (first, last) = secret.as_bytes().split_at(secret.len() / 2);
            [first, last]
        })
        .collect();
    let label = format!("label-{}", id(7));
    assert!(!memory::holding(pid, &[label.as_bytes()]).is_empty(), "what is kept is found");
    // The last answers are still being read.
    let mut held = memory::holding(pid, &halves);
    while !held.is_empty() && started.elapsed() < PATIENCE {
        tokio::time::sleep(Duration::from_millis(200)).await;
        held = memory::holding(pid, &halves);
    }
    assert!(held.is_empty(), "{held:#?}");
    for half in halves {
        assert!(!said.contains(str::from_utf8(half).unwrap()), "{said}");
    }
    drop(exporter);
    fs::remove_dir_all(&dir).unwrap();
}
