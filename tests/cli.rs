//! The real program: what it prints, and how it ends.
#![allow(
    clippy::unwrap_used,
    clippy::panic,
    clippy::indexing_slicing,
    clippy::disallowed_types,
    clippy::disallowed_methods,
    reason = "a test"
)]

use std::io::{BufRead, BufReader, Lines, Read, Write};
use std::net::{TcpListener, TcpStream};
use std::path::{Path, PathBuf};
use std::process::{Child, ChildStderr, Command, Stdio};
use std::thread;

use nix::sys::signal::{Signal, kill};
use nix::unistd::Pid;

/// How a run ended: exit code, standard output, standard error.
#[derive(Debug, PartialEq, Eq)]
struct Ended(i32, String, String);

fn program(arguments: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_ecs-host-exporter"));
    command
        .args(arguments)
        .env_remove("ECS_HOST_EXPORTER_ARGS")
        .stdin(Stdio::null());
    command
}

fn ended(mut command: Command) -> Ended {
    let output = command.output().unwrap();
    let text = |bytes: Vec<u8>| String::from_utf8(bytes).unwrap();
    Ended(output.status.code().unwrap(), text(output.stdout), text(output.stderr))
}

fn run(arguments: &[&str]) -> Ended {
    ended(program(arguments))
}

/// The end of a run whose command line is refused.
fn refused(reason: &str) -> Ended {
    Ended(1, String::new(), format!("ecs-host-exporter: error: {reason}, try --help\n"))
}

/// A directory of this test, which goes with it.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str, files: &[(&str, &str)]) -> Self {
        let dir = std::env::temp_dir().join(format!("cli-{name}-{}", std::process::id()));
        for (path, text) in files {
            let path = dir.join(path);
            std::fs::create_dir_all(path.parent().unwrap()).unwrap();
            std::fs::write(path, text).unwrap();
        }
        Self(dir)
    }

    fn path(&self, path: &str) -> String {
        self.0.join(path).to_str().unwrap().into()
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        std::fs::remove_dir_all(&self.0).unwrap();
    }
}

/// A line of the log, without the time and the place in the source.
fn told(line: &str) -> String {
    let (head, message) = line.split_once(" msg=").unwrap();
    let words: Vec<_> = head.split(' ').collect();
    let [time, level, source] = words[..] else { panic!("{line}") };
    assert!(time.starts_with("time=") && time.ends_with('Z'), "{line}");
    assert!(source.starts_with("source="), "{line}");
    format!("{level} {message}")
}

#[test]
fn refuses_what_it_does_not_know_in_one_line() {
    assert_eq!(run(&["--x"]), refused("unknown long flag '--x'"));
    assert_eq!(
        run(&["--collector.lodavg"]),
        refused("unknown long flag '--collector.lodavg' (nearest is '--collector.loadavg')")
    );
    assert_eq!(run(&["serve"]), refused("unexpected serve"));
    assert_eq!(
        run(&["--web.listen-address=9100"]),
        refused("invalid value \"9100\" for flag '--web.listen-address': host:port expected")
    );
    assert_eq!(
        run(&["--web.max-requests=many"]),
        refused("invalid value \"many\" for flag '--web.max-requests': a number expected")
    );
}

#[test]
fn refuses_a_wrong_expression_before_it_listens() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let flag = "--collector.diskstats.device-exclude";
    let Ended(code, out, err) = run(&[&listen, &format!("{flag}=(")]);
    assert_eq!((code, out.as_str(), err.lines().count()), (1, "", 1), "{err}");
    assert!(err.starts_with("ecs-host-exporter: error: ") && err.contains(flag), "{err}");
}

#[test]
fn refuses_a_wrong_web_configuration_before_it_listens() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let dir = Dir::new("web", &[("web.yml", "tls_server_config:\n  cert: x\n")]);
    let file = dir.path("web.yml");
    let Ended(code, out, err) = run(&[&listen, &format!("--web.config.file={file}")]);
    let line = format!(
        "level=ERROR \"--web.config.file: {file}: line 2: tls_server_config: key_file or key expected\""
    );
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err.lines().map(told).collect::<Vec<_>>(), [line]);
}

#[test]
fn says_that_systemd_passed_no_socket() {
    let mut command = program(&["--web.systemd-socket"]);
    command.env_remove("LISTEN_FDS").env_remove("LISTEN_PID");
    let Ended(code, _, err) = ended(command);
    let line = "level=ERROR \"cannot listen on the sockets of systemd: none were passed\"";
    assert_eq!((code, err.lines().map(told).collect::<Vec<_>>()), (1, vec![line.into()]));
}

#[test]
fn says_which_port_is_in_use() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = taken.local_addr().unwrap().to_string();
    let listen = format!("--web.listen-address={address}");
    let Ended(code, out, err) = run(&["--web.listen-address=127.0.0.1:0", &listen]);
    let line =
        format!("level=ERROR \"cannot listen on {address}: Address already in use (os error 98)\"");
    assert_eq!((code, out.as_str()), (1, ""));
    assert_eq!(err.lines().map(told).collect::<Vec<_>>(), std::slice::from_ref(&line));

    let Ended(_, _, err) = run(&[&listen, "--log.format=json"]);
    let json: serde_json::Value = serde_json::from_str(&err).unwrap();
    assert_eq!(format!("level=ERROR {}", json["msg"]), line);
}

#[test]
fn bears_that_nobody_reads_its_log() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let mut child = program(&[&listen]).stderr(Stdio::piped()).spawn().unwrap();
    drop(child.stderr.take());
    assert_eq!(child.wait().unwrap().code(), Some(1));
}

#[test]
fn prints_version_and_help() {
    let Ended(code, out, err) = run(&["--version", "--x"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let version = concat!("ecs-host-exporter, version ", env!("CARGO_PKG_VERSION"), " (branch: ");
    assert!(out.starts_with(version), "{out}");
    assert!(out.contains("\n  platform:         linux/"), "{out}");

    let Ended(code, out, err) = run(&["--help"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.starts_with("usage: ecs-host-exporter [<flags>] [<command>]\n"), "{out}");
    assert!(out.contains("\n      --[no-]collector.loadavg\n"), "{out}");
}

#[test]
fn reads_arguments_from_files_and_from_the_environment() {
    let dir = Dir::new("arguments", &[("arguments", "# a file\n--log.level\nloud\n")]);
    let reason =
        "invalid value \"loud\" for flag '--log.level': one of debug, info, warn, error expected";
    let file = format!("@{}", dir.path("arguments"));
    assert_eq!(run(&[&file]), refused(reason));
    let absent = dir.path("none");
    assert_eq!(
        run(&[&format!("@{absent}")]),
        refused(&format!(
            "failed to open arguments file \"{absent}\": No such file or directory (os error 2)"
        ))
    );

    let with = |variable: &str, arguments: &[&str]| {
        let mut command = program(arguments);
        command.env("ECS_HOST_EXPORTER_ARGS", variable);
        ended(command)
    };
    assert_eq!(with("--log.level 'lo'ud", &[]), refused(reason));
    assert_eq!(with("--log.level", &["loud"]), refused(reason));
    assert_eq!(with("it's", &[]), refused("ECS_HOST_EXPORTER_ARGS has a quote without its end"));
}

#[test]
fn prints_the_metrics_once() {
    let dir = Dir::new("once", &[("proc/loadavg", "0.02 0.04 0.05 1/497 11947\n")]);
    let (proc, sys) = (dir.path("proc"), dir.path("sys"));
    let once = |arguments: &[&str]| {
        let mut command = program(&["--docker.socket=", "once", "--ecs.agent-address="]);
        command.args(["--path.procfs", &proc, "--path.sysfs", &sys]);
        ended({
            command.args(arguments);
            command
        })
    };
    let Ended(code, out, err) = once(&["--collect", "loadavg"]);
    assert_eq!((code, err.as_str()), (0, ""));
    let samples: Vec<_> = out
        .lines()
        .filter(|line| !line.starts_with('#') && !line.contains("duration"))
        .collect();
    assert_eq!(
        samples,
        [
            "node_load1 0.02",
            "node_load5 0.04",
            "node_load15 0.05",
            "node_scrape_collector_success{collector=\"loadavg\"} 1",
        ]
    );

    let Ended(code, out, err) = once(&["--collect=nonsense"]);
    assert_eq!((code, out.as_str(), err.lines().count()), (1, "", 1), "{err}");
    assert!(err.starts_with("ecs-host-exporter: error: ") && err.contains("nonsense"), "{err}");
}

/// A program that serves, and the first lines of its log.
fn serving(dir: &Dir) -> (Child, Vec<String>, Lines<BufReader<ChildStderr>>) {
    let mut child = program(&[
        "--web.listen-address=127.0.0.1:0",
        "--docker.socket=",
        "--ecs.agent-address=",
        &format!("--path.procfs={}", dir.path("proc")),
        &format!("--path.rootfs={}", dir.path("")),
        "--collector.disable-defaults",
        "--collector.loadavg",
    ])
    .stderr(Stdio::piped())
    .spawn()
    .unwrap();
    let mut log = BufReader::new(child.stderr.take().unwrap()).lines();
    let mut lines = Vec::new();
    for line in &mut log {
        lines.push(told(&line.unwrap()));
        if lines.last().unwrap().contains("TLS is") {
            break;
        }
    }
    (child, lines, log)
}

#[test]
fn serves_until_it_is_told_to_end() {
    let dir = Dir::new("serve", &[("proc/loadavg", "0.02 0.04 0.05 1/497 11947\n")]);
    let root = dir.path("");
    let (mut child, lines, log) = serving(&dir);
    let [starting, reading, collectors, listening, tls] = &lines[..] else { panic!("{lines:?}") };
    let version = env!("CARGO_PKG_VERSION");
    let start = format!("level=INFO \"Starting ecs-host-exporter\" version={version} revision=");
    assert!(starting.starts_with(&start), "{starting}");
    let host = format!(
        "level=INFO \"Reading the host\" from=flags procfs={} sysfs=/sys rootfs={root} udev={}",
        dir.path("proc"),
        dir.path("run/udev/data")
    );
    assert_eq!(*reading, host);
    assert_eq!(collectors, "level=INFO \"Enabled collectors\" collectors=loadavg");
    assert!(listening.starts_with("level=INFO \"Listening on\" address=127.0.0.1:"), "{listening}");
    assert_eq!(tls, "level=INFO \"TLS is disabled.\" http2=false");

    kill(Pid::from_raw(i32::try_from(child.id()).unwrap()), Signal::SIGTERM).unwrap();
    assert_eq!(child.wait().unwrap().code(), Some(0));
    let rest: Vec<_> = log.map(|line| told(&line.unwrap())).collect();
    assert_eq!(rest, ["level=INFO Ending signal=SIGTERM", "level=INFO Ended"]);
}

#[test]
fn gives_back_the_memory_of_its_start() {
    let dir = Dir::new("start", &[("proc/loadavg", "0.02 0.04 0.05 1/497 11947\n")]);
    let (mut child, lines, _log) = serving(&dir);
    let address = lines
        .iter()
        .find_map(|line| line.split_once("address="))
        .unwrap()
        .1;
    let resident_after_a_scrape = || {
        let mut client = TcpStream::connect(address).unwrap();
        write!(client, "GET /metrics HTTP/1.0\r\n\r\n").unwrap();
        let mut answer = String::new();
        client.read_to_string(&mut answer).unwrap();
        assert!(answer.contains("\nnode_load1 0.02\n"), "{answer}");
        let status = std::fs::read_to_string(format!("/proc/{}/status", child.id())).unwrap();
        let file = status
            .lines()
            .find_map(|line| line.strip_prefix("RssFile:"));
        let kib = file.unwrap().trim().strip_suffix(" kB").unwrap();
        kib.parse::<u64>().unwrap()
    };
    let [first, second, third] = std::array::from_fn(|_| resident_after_a_scrape());
    child.kill().unwrap();
    child.wait().unwrap();
    assert!(second < first && third < first, "{first}, {second}, {third} KiB");
}

/// Answers one question with this status line.
fn answering(status: &'static str) -> (String, thread::JoinHandle<String>) {
    let listener = TcpListener::bind("127.0.0.1:0").unwrap();
    let address = listener.local_addr().unwrap().to_string();
    let server = thread::spawn(move || {
        let (mut socket, _) = listener.accept().unwrap();
        let mut question = [0; 1024];
        let n = socket.read(&mut question).unwrap();
        write!(socket, "HTTP/1.1 {status}\r\n\r\n").unwrap();
        let question = String::from_utf8_lossy(&question[..n]);
        question.lines().next().unwrap().to_owned()
    });
    (address, server)
}

#[test]
fn asks_whether_another_is_well() {
    let (address, server) = answering("200 OK");
    let well = run(&["healthcheck", &format!("--web.listen-address={address}")]);
    assert_eq!(well, Ended(0, String::new(), String::new()));
    assert_eq!(server.join().unwrap(), "GET /-/healthy HTTP/1.0");

    let unwell = |url: String, why: &str| {
        Ended(1, String::new(), format!("ecs-host-exporter: error: {url}/-/healthy: {why}\n"))
    };
    let (address, server) = answering("503 Service Unavailable");
    let port = address.rsplit_once(':').unwrap().1;
    let asked = run(&["healthcheck", &format!("--web.address=:{port}")]);
    assert_eq!(asked, unwell(format!("http://{address}"), "status 503"));
    server.join().unwrap();

    let free = TcpListener::bind("127.0.0.1:0")
        .unwrap()
        .local_addr()
        .unwrap();
    let asked = run(&["--web.listen-address", &free.to_string(), "healthcheck"]);
    assert_eq!(asked, unwell(format!("http://{free}"), "Connection refused (os error 111)"));
}

#[test]
fn examines_a_host_that_lacks_everything() {
    let dir = Dir::new("doctor", &[("readme", "")]);
    let root = Path::new(&dir.path("")).display().to_string();
    let Ended(code, out, err) = run(&[
        "doctor",
        &format!("--path.procfs={root}"),
        &format!("--path.sysfs={root}"),
        &format!("--path.rootfs={root}"),
        "--docker.socket=",
        "--ecs.agent-address=",
    ]);
    assert_eq!((code, err.as_str()), (1, ""));
    for line in [
        format!(
            "missing   procfs          {root} is no procfs; mount the host's /proc at /host/proc, read-only\n"
        ),
        "ok        Docker          not to be asked\n".into(),
    ] {
        assert!(out.contains(&line), "{line:?} in\n{out}");
    }
}

#[test]
fn prints_the_reference() {
    let Ended(code, out, err) = run(&["reference"]);
    assert_eq!((code, err.as_str()), (0, ""));
    assert!(out.contains("\n| `node_load1` | gauge |"));
    assert!(out.contains("\n| `--web.telemetry-path=PATH` | `/metrics` |"));
    assert!(out.contains("\n| `--collect=NAME` |"));
}

#[test]
fn refuses_a_storage_that_it_cannot_write_to_before_it_listens() {
    let taken = TcpListener::bind("127.0.0.1:0").unwrap();
    let listen = format!("--web.listen-address={}", taken.local_addr().unwrap());
    let Ended(code, out, err) = run(&[&listen, "--storage.path=/proc/nowhere"]);
    assert_eq!((code, out.as_str(), err.lines().count()), (1, "", 1), "{err}");
    let expected =
        "level=ERROR \"--storage.path: /proc/nowhere: No such file or directory (os error 2)\"";
    assert_eq!(told(err.trim_end()), expected);
}
