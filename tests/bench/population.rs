//! Containers to be measured: control groups in ECS tasks with a process each, and a stand-in for
//! the ECS agent that names them.

use std::collections::VecDeque;
use std::fmt::Write as _;
use std::fs;
use std::io::{Read, Write};
use std::net::TcpListener;
use std::path::PathBuf;
use std::process::{Child, Command, Stdio};
use std::sync::mpsc::{self, RecvTimeoutError, Sender};
use std::sync::{Arc, Mutex};
use std::thread::{JoinHandle, sleep};
use std::time::Duration;

const PER_TASK: usize = 3;

pub(crate) struct Population {
    groups: Vec<String>,
    children: Vec<Child>,
    processes: Vec<u32>,
    answer: Arc<Mutex<String>>,
    agent: String,
}

impl Default for Population {
    fn default() -> Self {
        let answer = Arc::new(Mutex::new(r#"{"Tasks":[]}"#.to_owned()));
        let listener = TcpListener::bind("127.0.0.1:0").unwrap();
        let agent = listener.local_addr().unwrap().to_string();
        let served = Arc::clone(&answer);
        std::thread::spawn(move || serve(&listener, &served));
        let (groups, children, processes) = (vec!["/".into()], vec![], vec![]);
        Self { groups, children, processes, answer, agent }
    }
}

impl Population {
    pub(crate) fn len(&self) -> usize {
        self.children.len()
    }

    /// The groups that have rows: the root, tasks and containers.
    pub(crate) fn groups(&self) -> &[String] {
        &self.groups
    }

    /// A process in each container.
    pub(crate) fn processes(&self) -> &[u32] {
        &self.processes
    }

    /// Where the stand-in agent answers.
    pub(crate) fn agent(&self) -> &str {
        &self.agent
    }

    /// Has every container do something.
    pub(crate) fn stir(&mut self) {
        for child in &mut self.children {
            let _gone = child.stdin.as_mut().map(|stdin| stdin.write_all(b"\n"));
        }
    }

    /// Makes containers until there are so many.
    pub(crate) fn grow(&mut self, size: usize) {
        for i in self.len()..size {
            let task = format!("/ecs/{}", task(i));
            let group = format!("{task}/{}", id(i));
            let child = start(&group);
            sleep(Duration::from_millis(5));
            let pid = child.id().to_string();
            let veth = format!("vethb{i}");
            let link =
                ["link", "add", &veth, "type", "veth", "peer", "name", "eth0", "netns", &pid];
            let _made = Command::new("ip").args(link).stderr(Stdio::null()).status();
            if !self.groups.contains(&task) {
                self.groups.push(task);
            }
            self.groups.push(group);
            self.processes.push(child.id());
            self.children.push(child);
        }
        *self.answer.lock().unwrap() = tasks(self.len());
    }
}

impl Drop for Population {
    fn drop(&mut self) {
        for child in &mut self.children {
            let _gone = child.kill();
            let _gone = child.wait();
        }
        for group in self.groups.iter().skip(1).rev() {
            remove(group);
        }
    }
}

/// Containers that come and go, each for a second, until it is dropped.
pub(crate) struct Passing(Option<(Sender<()>, JoinHandle<()>)>);

impl Passing {
    /// So many begin in a second.
    pub(crate) fn begin(rate: u32) -> Self {
        let (end, ended) = mpsc::channel();
        let passing = std::thread::spawn(move || {
            let mut alive = VecDeque::new();
            // In tasks of their own.
            for i in (1_000_000..).step_by(PER_TASK) {
                let task = format!("/ecs/{}", task(i));
                let group = format!("{task}/{}", id(i));
                alive.push_back((start(&group), task, group));
                let over = ended.recv_timeout(Duration::from_secs(1) / rate);
                let over = over != Err(RecvTimeoutError::Timeout);
                while over && !alive.is_empty() || alive.len() > rate as usize {
                    let Some((mut child, task, group)) = alive.pop_front() else { break };
                    child.kill().unwrap();
                    child.wait().unwrap();
                    remove(&group);
                    remove(&task);
                }
                if over {
                    return;
                }
            }
        });
        Self(Some((end, passing)))
    }
}

impl Drop for Passing {
    fn drop(&mut self) {
        let Some((end, passing)) = self.0.take() else { return };
        drop(end);
        passing.join().unwrap();
    }
}

/// A process in a group, and in a network namespace of its own.
fn start(group: &str) -> Child {
    for dir in directories(group) {
        // cpuset wants its CPUs told; nothing here needs them.
        fs::create_dir_all(&dir).unwrap();
    }
    let child = Command::new("unshare")
        .args(["-n", "sh", "-c", "while read line; do :; done"])
        .stdin(Stdio::piped())
        .stderr(Stdio::null())
        .spawn()
        .unwrap();
    for dir in directories(group) {
        fs::write(dir.join("cgroup.procs"), child.id().to_string()).unwrap();
    }
    child
}

/// Takes a group away, once it is empty.
fn remove(group: &str) {
    for dir in directories(group) {
        while fs::remove_dir(&dir).is_err_and(|e| e.kind() == std::io::ErrorKind::ResourceBusy) {
            sleep(Duration::from_millis(10));
        }
    }
}

/// A group in each hierarchy.
fn directories(group: &str) -> Vec<PathBuf> {
    let group = group.trim_start_matches('/');
    let root = PathBuf::from("/sys/fs/cgroup");
    if !root.join("memory").is_dir() {
        return vec![root.join(group)];
    }
    ["cpu", "cpuacct", "memory", "blkio", "pids"]
        .iter()
        .map(|controller| root.join(controller).join(group))
        .collect()
}

fn task(i: usize) -> String {
    format!("{:032x}", 0xbe2c_0000_0000 + i / PER_TASK)
}

fn id(i: usize) -> String {
    format!("{:064x}", 0xc0_ffee_0000_0000_u64 + i as u64)
}

/// What the agent would say of so many containers.
fn tasks(size: usize) -> String {
    let mut out = String::from(r#"{"Tasks":["#);
    for i in 0..size {
        if i % PER_TASK == 0 {
            let family = format!("checkout-service-{}", i / PER_TASK % 20);
            out.push_str(if i == 0 { "" } else { "]}," });
            let arn = format!("arn:aws:ecs:eu-central-1:111122223333:task/production/{}", task(i));
            write!(out, r#"{{"Arn":"{arn}","DesiredStatus":"RUNNING","KnownStatus":"RUNNING","Family":"{family}","Version":"17","Containers":["#).unwrap();
        } else {
            out.push(',');
        }
        write!(out, r#"{{"DockerId":"{}","DockerName":"ecs-checkout-service-17-container{}-e0fab1f5d1fed2af{i:04x}","Name":"container{}","Image":"111122223333.dkr.ecr.eu-central-1.amazonaws.com/checkout/service:2026.11.20-1a2b3c4"}}"#, id(i), i % PER_TASK, i % PER_TASK).unwrap();
    }
    out.push_str(if size == 0 { "]}" } else { "]}]}" });
    out
}

fn serve(listener: &TcpListener, tasks: &Mutex<String>) {
    const METADATA: &str = r#"{"Cluster":"production","ContainerInstanceArn":"arn:aws:ecs:eu-central-1:111122223333:container-instance/production/c0ffee","Version":"Amazon ECS Agent - v1.105.1 (*a8b3e7d3)"}"#;
    for stream in listener.incoming() {
        let mut stream = stream.unwrap();
        let mut request = [0; 1024];
        let n = stream.read(&mut request).unwrap_or(0);
        let metadata = request[..n].starts_with(b"GET /v1/metadata");
        let body = if metadata { METADATA.to_owned() } else { tasks.lock().unwrap().clone() };
        let head = format!(
            "HTTP/1.1 200 OK\r\nContent-Type: application/json\r\nContent-Length: {}\r\nConnection: close\r\n\r\n",
            body.len()
        );
        let _gone = stream.write_all(format!("{head}{body}").as_bytes());
    }
}
