//! The introspection of the ECS agent: which tasks there are, and what their containers are called.

mod answer;

use std::time::Duration;

pub use answer::{
    Answer, Container, Metadata, Status, Task, parse_metadata, parse_tasks, short_arn,
};

use super::ask::{Address, Trouble, get};
use super::desk::{Desk, Name};

/// The agent answers from memory.
const PATIENCE: Duration = Duration::from_secs(2);

/// What starts and ends seldom does so alone; and what Docker started, the agent hears of from
/// Docker, too.
const LULL: Duration = Duration::from_secs(1);

/// Asks the agent, at once and whenever the desk calls for it. Never ends.
pub(super) async fn watch(desk: &Desk, address: &Address) {
    loop {
        match ask(desk, address).await {
            Ok(answer) => desk.agent_told(answer),
            Err(trouble) => desk.failed(Name::Agent, &trouble),
        }
        desk.settled(Name::Agent);
        desk.agent_is_called_for().await;
        tokio::time::sleep(LULL).await;
    }
}

/// Each question has a connection of its own: the agent closes idle ones after five seconds.
async fn ask(desk: &Desk, address: &Address) -> Result<Answer, Trouble> {
    let get = |path| desk.timed(Name::Agent, get(address, path, PATIENCE));
    let metadata = get("/v1/metadata").await?;
    let tasks = get("/v1/tasks").await?;
    Ok(Answer { metadata: parse_metadata(&metadata)?, tasks: parse_tasks(&tasks)? })
}

/// The address that was asked for, `host:port` with or without `http://`.
pub(super) fn address(asked: &str) -> Address {
    let address = asked.trim_end_matches('/');
    Address::Tcp(address.strip_prefix("http://").unwrap_or(address).into())
}
