//! A host with Docker and a stand-in agent by `tests/testbed/host.sh`, and the programs that serve
//! metrics of it.

use std::collections::BTreeMap;
use std::fs;
use std::io::{Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::thread;
use std::time::{Duration, Instant};

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

use crate::common::exposition::{self, Sample};

/// The host. Taken down in the end.
pub struct Testbed {
    dir: PathBuf,
}

/// A container as Docker knows it.
#[derive(Clone, Debug)]
pub struct Container {
    pub id: String,
    pub name: String,
    pub image: String,
    pub pid: i32,
    pub network: String,
    pub labels: BTreeMap<String, String>,
}

impl Testbed {
    /// Starts it, or says why it cannot be.
    pub fn up() -> Result<Self, String> {
        Self::named("live")
    }

    /// The same, beside others.
    pub fn named(name: &str) -> Result<Self, String> {
        Self::prepared(name, |_| Ok(()))
    }

    /// The same, after something was done to its directory.
    pub fn prepared(
        name: &str,
        prepare: impl FnOnce(&Path) -> Result<(), String>,
    ) -> Result<Self, String> {
        if !nix::unistd::geteuid().is_root() {
            return Err("not root".into());
        }
        let name = format!("ecs-host-exporter-{name}-{}", std::process::id());
        let dir = std::env::temp_dir().join(name);
        if let Err(reason) = prepare(&dir) {
            let _never_made = fs::remove_dir_all(&dir);
            return Err(reason);
        }
        let testbed = Self { dir };
        testbed.host_sh("up", &[]).map(|_| testbed)
    }

    fn host_sh(&self, command: &str, arguments: &[&str]) -> Result<String, String> {
        let script = Path::new(env!("CARGO_MANIFEST_DIR")).join("tests/testbed/host.sh");
        let run = Command::new(script)
            .arg(command)
            .arg(&self.dir)
            .args(arguments)
            .output();
        said(run.map_err(|error| error.to_string())?)
    }

    /// A task of `n` containers. Returns its id.
    pub fn add(&self, mode: &str, n: usize, family: &str) -> String {
        let task = self
            .host_sh("add", &[mode, &n.to_string(), family])
            .unwrap();
        task.trim().to_owned()
    }

    pub fn drop_task(&self, task: &str) {
        self.host_sh("drop", &[task]).unwrap();
    }

    pub fn docker_stop(&self) {
        self.host_sh("docker-stop", &[]).unwrap();
    }

    pub fn docker_start(&self) {
        self.host_sh("docker-start", &[]).unwrap();
    }

    pub fn dir(&self) -> &Path {
        &self.dir
    }

    /// From its next start on, dockerd ends its containers when it ends.
    pub fn forgetful(&self) {
        fs::write(self.dir.join("forgetful"), "").unwrap();
    }

    pub fn agent_stop(&self) {
        let pid = fs::read_to_string(self.dir.join("agent.pid")).unwrap();
        kill(Pid::from_raw(pid.trim().parse().unwrap()), Signal::SIGTERM).unwrap();
    }

    /// Starts the agent at the same address.
    pub fn agent_start(&self) {
        self.host_sh("agent-start", &[]).unwrap();
    }

    /// Sends dockerd a signal.
    pub fn signal_docker(&self, signal: Signal) {
        let pid = fs::read_to_string(self.dir.join("dockerd.pid")).unwrap();
        kill(Pid::from_raw(pid.trim().parse().unwrap()), signal).unwrap();
    }

    pub fn docker(&self, arguments: &[&str]) -> String {
        self.try_docker(arguments).unwrap()
    }

    /// What a command of Docker says, or its complaint.
    pub fn try_docker(&self, arguments: &[&str]) -> Result<String, String> {
        let mut docker = Command::new("docker");
        docker
            .arg("-H")
            .arg(format!("unix://{}", self.socket().display()));
        said(docker.args(arguments).output().unwrap())
    }

    pub fn socket(&self) -> PathBuf {
        self.dir.join("docker.sock")
    }

    fn agent(&self) -> String {
        let port = fs::read_to_string(self.dir.join("agent.port")).unwrap();
        format!("127.0.0.1:{}", port.trim())
    }

    /// The containers that run.
    pub fn containers(&self) -> Vec<Container> {
        let ids = self.docker(&["ps", "-q", "--no-trunc"]);
        let mut arguments = vec!["inspect"];
        arguments.extend(ids.lines());
        if arguments.len() == 1 {
            return Vec::new();
        }
        let inspected: serde_json::Value = serde_json::from_str(&self.docker(&arguments)).unwrap();
        let text = |value: &serde_json::Value| value.as_str().unwrap().to_owned();
        let container = |one: &serde_json::Value| Container {
            id: text(&one["Id"]),
            name: text(&one["Name"]).trim_start_matches('/').to_owned(),
            image: text(&one["Config"]["Image"]),
            pid: i32::try_from(one["State"]["Pid"].as_i64().unwrap()).unwrap(),
            network: text(&one["HostConfig"]["NetworkMode"]),
            labels: serde_json::from_value(one["Config"]["Labels"].clone()).unwrap(),
        };
        inspected
            .as_array()
            .unwrap()
            .iter()
            .map(container)
            .collect()
    }
}

impl Drop for Testbed {
    fn drop(&mut self) {
        if let Err(error) = self.host_sh("down", &[]) {
            eprintln!("the testbed in {} is not taken down: {error}", self.dir.display());
        }
    }
}

/// Bytes that a directory takes of the disk.
pub fn disk_usage(dir: &Path) -> f64 {
    let mut du = Command::new("du");
    let du = du.args(["-xs", "--block-size=1"]).arg(dir).output();
    let said = said(du.unwrap()).unwrap();
    said.split_whitespace().next().unwrap().parse().unwrap()
}

/// Makes a file system of these bytes in a file, by a command, and mounts it with these options, or
/// says why that cannot be.
pub fn mount_image(
    image: &Path,
    bytes: u64,
    mkfs: &str,
    options: &str,
    at: &Path,
) -> Result<(), String> {
    let made = fs::create_dir_all(at)
        .and_then(|()| fs::File::create(image))
        .and_then(|image| image.set_len(bytes));
    made.map_err(|error| error.to_string())?;
    let run = |command: &mut Command| match command.output() {
        Ok(output) => said(output),
        Err(error) => Err(format!("{}: {error}", command.get_program().display())),
    };
    run(Command::new(mkfs).arg("-q").arg(image))?;
    run(Command::new("mount")
        .args(["-o", options])
        .args([image, at]))?;
    Ok(())
}

/// What a command said, or its complaint.
pub fn said(output: Output) -> Result<String, String> {
    if output.status.success() {
        Ok(String::from_utf8(output.stdout).unwrap())
    } else {
        Err(String::from_utf8_lossy(&output.stderr).trim().to_owned())
    }
}

/// A port that is free at the moment.
pub fn free_port() -> u16 {
    TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap()
        .port()
}

/// A program that serves `/metrics`. Killed in the end.
pub struct Server {
    child: Child,
    port: u16,
}

impl Server {
    /// The exporter, looking at the testbed.
    pub fn exporter(testbed: &Testbed) -> Self {
        Self::exporter_with(testbed, &[])
    }

    /// The same, with further arguments.
    pub fn exporter_with(testbed: &Testbed, further: &[&str]) -> Self {
        let port = free_port();
        let child = Command::new(env!("CARGO_BIN_EXE_ecs-host-exporter"))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--docker.socket={}", testbed.socket().display()))
            .arg(format!("--ecs.agent-address={}", testbed.agent()))
            .arg(format!("--ecs.metadata-address={}", testbed.agent()))
            .arg("--collector.container.filesystem.interval=1s")
            .args(further)
            .spawn()
            .unwrap();
        Self { child, port }.ready()
    }

    /// Debian's Prometheus, where it is installed, with its configuration and data in a directory.
    pub fn prometheus(dir: &Path, config: &str) -> Option<Self> {
        let port = free_port();
        let file = dir.join("prometheus.yml");
        fs::write(&file, config).unwrap();
        let child = Command::new("prometheus")
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .arg(format!("--config.file={}", file.display()))
            .arg(format!("--storage.tsdb.path={}", dir.join("prometheus").display()))
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self { child, port }.ready())
    }

    /// The port it listens on.
    pub fn port(&self) -> u16 {
        self.port
    }

    /// Its process id.
    pub fn pid(&self) -> u32 {
        self.child.id()
    }

    /// The answer to a question, its head and its body; nothing where it is no success.
    pub fn get(&self, path: &str) -> Option<String> {
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).ok()?;
        stream
            .set_read_timeout(Some(Duration::from_secs(10)))
            .ok()?;
        let request = format!("GET {path} HTTP/1.0\r\nHost: localhost\r\n\r\n");
        stream.write_all(request.as_bytes()).ok()?;
        let mut answer = String::new();
        stream.read_to_string(&mut answer).ok()?;
        let (head, body) = answer.split_once("\r\n\r\n")?;
        head.contains(" 200 ").then(|| body.to_owned())
    }

    /// The `node_exporter` that the variable `NODE_EXPORTER` names, or Debian's, where it is installed.
    pub fn node_exporter() -> Option<Self> {
        let port = free_port();
        let named = std::env::var_os("NODE_EXPORTER");
        let child = Command::new(named.unwrap_or_else(|| "prometheus-node-exporter".into()))
            .arg(format!("--web.listen-address=127.0.0.1:{port}"))
            .stderr(Stdio::null())
            .spawn()
            .ok()?;
        Some(Self { child, port }.ready())
    }

    /// cAdvisor, which the variable `CADVISOR` names, looking at the testbed. It looks at every
    /// container once a second, whether it does anything or not.
    pub fn cadvisor(testbed: &Testbed, flags: &[&str]) -> Self {
        let port = free_port();
        let child = Command::new(std::env::var_os("CADVISOR").unwrap())
            .args(["-listen_ip=127.0.0.1", "-allow_dynamic_housekeeping=false"])
            .arg("-housekeeping_interval=1s")
            .arg(format!("-port={port}"))
            .arg(format!("-docker=unix://{}", testbed.socket().display()))
            .args(flags)
            .stderr(Stdio::null())
            .spawn()
            .unwrap();
        Self { child, port }.ready()
    }

    fn ready(mut self) -> Self {
        let answers = |port| TcpStream::connect(("127.0.0.1", port)).is_ok();
        until(Duration::from_secs(20), "serves", || {
            assert!(self.runs(), "it ended");
            answers(self.port).then_some(())
        });
        self
    }

    /// Ends it with a signal, and waits until it has ended.
    pub fn end(mut self, signal: Signal) {
        kill(Pid::from_raw(i32::try_from(self.child.id()).unwrap()), signal).unwrap();
        self.child.wait().unwrap();
    }

    pub fn runs(&mut self) -> bool {
        self.child.try_wait().unwrap().is_none()
    }

    /// One scrape, which must not take longer than a scraper waits, and be well-formed.
    pub fn scrape(&self) -> Vec<Sample> {
        exposition::parse(&self.body()).unwrap_or_else(|wrong| panic!("{wrong}"))
    }

    /// The text of one scrape.
    pub fn body(&self) -> Vec<u8> {
        const PATIENCE: Duration = Duration::from_secs(10);
        let started = Instant::now();
        let mut stream = TcpStream::connect(("127.0.0.1", self.port)).unwrap();
        stream.set_read_timeout(Some(PATIENCE)).unwrap();
        stream
            .write_all(b"GET /metrics HTTP/1.0\r\nHost: localhost\r\n\r\n")
            .unwrap();
        let mut answer = Vec::new();
        stream.read_to_end(&mut answer).expect("an answer in time");
        assert!(started.elapsed() < PATIENCE, "a scrape took {:?}", started.elapsed());
        let head = answer
            .windows(4)
            .position(|w| w == b"\r\n\r\n")
            .expect("a head");
        let (head, body) = answer.split_at(head + 4);
        assert!(
            head.starts_with(b"HTTP/1.") && head[8..].starts_with(b" 200"),
            "{}",
            head.escape_ascii()
        );
        body.to_owned()
    }
}

impl Drop for Server {
    fn drop(&mut self) {
        let _ended_already = self.child.kill();
        let _status = self.child.wait();
    }
}

/// Waits until something is so. What is waited for comes by itself; how long it takes is no verdict.
pub fn until<T>(patience: Duration, what: &str, mut look: impl FnMut() -> Option<T>) -> T {
    let started = Instant::now();
    loop {
        if let Some(found) = look() {
            return found;
        }
        assert!(started.elapsed() < patience, "waited in vain: {what}");
        thread::sleep(Duration::from_millis(100));
    }
}
