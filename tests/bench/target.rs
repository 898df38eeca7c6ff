//! A program that is measured: scraped over a socket, and looked up in `/proc`.

use std::io::{BufRead, BufReader, Read, Write};
use std::net::TcpStream;
use std::process::{Child, Command, Stdio};
use std::thread::sleep;
use std::time::Duration;

/// The exporter that is measured: what `EXPORTER` names, such as the one that is shipped, or the one
/// that was built with the benchmark.
pub(crate) fn exporter() -> Command {
    let built = || env!("CARGO_BIN_EXE_ecs-host-exporter").into();
    Command::new(std::env::var_os("EXPORTER").unwrap_or_else(built))
}

/// An exporter that runs.
pub(crate) struct Target {
    pid: u32,
    port: u16,
    /// Ended with this; what a container runs is not.
    child: Option<Child>,
}

impl Target {
    pub(crate) fn start(command: &mut Command, port: u16) -> Self {
        Self::of(command.stderr(Stdio::null()).spawn().unwrap(), port)
    }

    pub(crate) fn of(child: Child, port: u16) -> Self {
        let mut target = Self::running(child.id(), port);
        target.child = Some(child);
        target
    }

    /// One that somebody else started.
    pub(crate) fn running(pid: u32, port: u16) -> Self {
        for _ in 0..100 {
            if TcpStream::connect(("127.0.0.1", port)).is_ok() {
                break;
            }
            sleep(Duration::from_millis(100));
        }
        Self { pid, port, child: None }
    }

    pub(crate) fn pid(&self) -> u32 {
        self.pid
    }

    /// One scrape on a connection of its own; its body.
    pub(crate) fn scrape(&self, gzip: bool) -> Vec<u8> {
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
        let Some(child) = &mut self.child else { return };
        let _gone = child.kill();
        let _gone = child.wait();
    }
}

/// Nanoseconds on a CPU of all threads.
pub(crate) fn cpu(pid: u32) -> u64 {
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

pub(crate) fn median(mut values: Vec<f64>) -> f64 {
    values.sort_by(f64::total_cmp);
    values.get(values.len() / 2).copied().unwrap_or(0.0)
}

pub(crate) fn rss(pid: u32) -> f64 {
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
