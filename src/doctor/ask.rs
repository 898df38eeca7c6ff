//! What Docker and the ECS agent answer.

use std::io;
use std::path::Path;
use std::time::Duration;

use serde::Deserialize;

use crate::probe::{self, Answer};

/// How long Docker and the agent may think.
const PATIENCE: Duration = Duration::from_secs(2);

/// Somebody was asked over a socket.
#[derive(Debug)]
pub(super) enum Asked<T> {
    /// It was not to be asked.
    Off,
    /// It answered.
    Said(T),
    /// It did not, or not with what was wanted.
    Silent(String, io::Error),
}

/// What Docker says.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Docker {
    pub(super) socket: String,
    pub(super) version: String,
    pub(super) running: usize,
}

/// What the ECS agent says.
#[derive(Clone, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "PascalCase")]
pub(super) struct Agent {
    pub(super) cluster: String,
    pub(super) container_instance_arn: String,
}

/// Asks Docker for its version, and for what runs.
pub(super) fn ask_docker(socket: &Path) -> Asked<Docker> {
    #[derive(Deserialize)]
    struct Info {
        #[serde(rename = "Version")]
        version: String,
    }
    let ask = |path| probe::unix(socket, path, PATIENCE).and_then(good);
    let answers = || {
        let info: Info = json(&ask("/version")?)?;
        let running: Vec<serde::de::IgnoredAny> = json(&ask("/containers/json")?)?;
        let socket = socket.display().to_string();
        Ok(Docker { socket, version: info.version, running: running.len() })
    };
    said(socket.display().to_string(), answers())
}

/// Asks the ECS agent who it is.
pub(super) fn ask_agent(address: &str) -> Asked<Agent> {
    let answer = probe::tcp(address, "/v1/metadata", PATIENCE).and_then(good);
    said(address.into(), answer.and_then(|body| json(&body)))
}

fn said<T>(who: String, answer: io::Result<T>) -> Asked<T> {
    answer.map_or_else(|error| Asked::Silent(who, error), Asked::Said)
}

fn good(answer: Answer) -> io::Result<Vec<u8>> {
    match answer {
        Answer { status: 200, body } => Ok(body),
        Answer { status, .. } => Err(io::Error::other(format!("status {status}"))),
    }
}

fn json<T: for<'a> Deserialize<'a>>(body: &[u8]) -> io::Result<T> {
    serde_json::from_slice(body).map_err(|_| io::Error::other("not the answer that was expected"))
}
