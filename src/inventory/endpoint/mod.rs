//! The task metadata endpoint, version 4: what the ECS agent tells a task about itself, and nobody
//! else on the host tells.
//!
//! Each task is asked for once, when its first container runs, by the id that the agent put into the
//! environment of its containers. The address is never taken from there: it is this host's own.

mod answer;
mod queue;

use std::time::{Duration, Instant};

pub use answer::{Container, Task, parse_task};

use super::Inventory;
use super::ask::{Address, Trouble, get};
use super::desk::Desk;
use super::docker::State;
use super::labels::ECS;
use queue::{Queue, Wanted};

/// The agent answers from memory.
const PATIENCE: Duration = Duration::from_secs(2);

/// Between two questions. The agent lets 40 a second pass, which applications share.
const PACE: Duration = Duration::from_millis(200);

/// Asks for each task, and again after a while for those that fail. Never ends.
pub(super) async fn watch(desk: &Desk, address: &Address) {
    let mut latest = desk.subscribe();
    let mut queue = Queue::default();
    let mut told = Told::default();
    desk.all_settled().await;
    loop {
        let inventory = latest.borrow_and_update().clone();
        queue.follow(wanted(&inventory));
        desk.keep_endpoints(|task| queue.knows(task));
        let now = Instant::now();
        if let Some(Wanted { task, arn, id }) = queue.next(now) {
            let answer = ask(address, &id, &arn).await;
            told.note(answer.as_ref().err());
            queue.answered(&task, &answer, Instant::now());
            if let Ok(answer) = answer {
                desk.endpoint_told(task, answer);
            }
            tokio::time::sleep(PACE).await;
            continue;
        }
        desk.endpoints_settled();
        tokio::select! {
            changed = latest.changed() => if changed.is_err() { return },
            () = until(queue.due(now)) => {}
        }
    }
}

/// Waits until something is due, or for ever.
async fn until(due: Option<Instant>) {
    match due {
        Some(due) => tokio::time::sleep_until(due.into()).await,
        None => std::future::pending().await,
    }
}

async fn ask(address: &Address, id: &str, arn: &str) -> Result<Task, Trouble> {
    let answer = get(address, &format!("/v4/{id}/task"), PATIENCE).await?;
    parse_task(&answer, arn)
}

/// The tasks there are, and by which ids they can be asked for: none before a container runs.
fn wanted(inventory: &Inventory) -> impl Iterator<Item = Wanted> {
    inventory.containers().filter_map(|known| {
        let arn = known.label(ECS[2]).filter(|arn| !arn.is_empty())?;
        let id = known
            .variable("ECS_CONTAINER_METADATA_URI_V4")
            .filter(|_| known.state == State::Running)
            .and_then(endpoint_id);
        let task = super::agent::short_arn(arn).into();
        Some(Wanted { task, arn: arn.into(), id: id.unwrap_or_default().into() })
    })
}

/// The id in `http://169.254.170.2/v4/<id>`. `None` for any other address: it is somebody else's.
fn endpoint_id(uri: &str) -> Option<&str> {
    let (host, id) = uri.strip_prefix("http://")?.split_once("/v4/")?;
    let host = host.split(':').next()?;
    let local = matches!(host, "169.254.170.2" | "localhost") || host.starts_with("127.");
    let plain = |byte: u8| byte.is_ascii_alphanumeric() || byte == b'-';
    (local && (1..=64).contains(&id.len()) && id.bytes().all(plain)).then_some(id)
}

/// What was last logged, so that it is not logged again.
#[derive(Default)]
struct Told {
    last: Option<Option<String>>,
}

impl Told {
    fn note(&mut self, trouble: Option<&Trouble>) {
        let new = Some(trouble.map(ToString::to_string));
        if self.last == new {
            return;
        }
        match trouble {
            None => tracing::info!("task metadata endpoint answers"),
            Some(Trouble::Absent) => {
                tracing::info!("no task metadata endpoint; going on without it");
            }
            Some(error) => tracing::warn!(%error, "task metadata endpoint failed"),
        }
        self.last = new;
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn takes_an_id_and_never_an_address() {
        let id = "08756f62-3ff8-4d64-aacb-1c449a13238c";
        for host in ["169.254.170.2", "169.254.170.2:80", "127.0.0.1:51679", "localhost"] {
            assert_eq!(endpoint_id(&format!("http://{host}/v4/{id}")), Some(id), "{host}");
        }
        for uri in [
            "",
            "http://169.254.169.254/v4/x",
            "http://10.0.0.1/v4/x",
            "http://169.254.170.2.evil.example/v4/x",
            "http://169.254.170.2@evil.example/v4/x",
            "http://evil.example/x/v4/x",
            "https://169.254.170.2/v4/x",
            "http://169.254.170.2/v3/x",
            "http://169.254.170.2/v4/",
            "http://169.254.170.2/v4/../../v2/credentials",
            "http://169.254.170.2/v4/x?y",
            "http://169.254.170.2/v4/x/../y",
            "http://169.254.170.2/v4/x\r\nHost: y",
            &format!("http://169.254.170.2/v4/{}", "x".repeat(65)),
        ] {
            assert_eq!(endpoint_id(uri), None, "{uri}");
        }
    }
}
