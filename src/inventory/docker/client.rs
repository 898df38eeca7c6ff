//! The questions put to Docker, each with its patience.
//!
//! bollard asks for the list and the events. One value that it has never heard of fails a whole
//! answer, so a list that it does not understand is asked for again and read with leniency. Inspects
//! hold secrets and are asked for without it.

use std::collections::HashMap;
use std::future::Future;
use std::path::Path;
use std::sync::Arc;
use std::time::{Duration, SystemTime};

use bollard::query_parameters::{EventsOptionsBuilder, ListContainersOptionsBuilder};
use bollard::{API_DEFAULT_VERSION, ClientVersion, Docker};
use futures_util::{Stream, StreamExt};
use serde::Deserialize;

use super::inspect::parse_one;
use super::known::{Health, Known, State};
use super::secret;
use crate::container::seconds;
use crate::inventory::ask::{Address, Trouble, get};
use crate::inventory::desk::{Desk, Name};
use crate::inventory::lenient::{self, Malformed, Scalar};
use crate::inventory::told::{Happening, Who};

/// Docker answers at once, but for a list of a thousand containers, and when the host is short of
/// everything.
const PATIENCE: Duration = Duration::from_secs(5);
const PATIENCE_LIST: Duration = Duration::from_secs(20);

/// The events asked for. Docker must not tell of the others: a health check makes three each time.
const EVENTS: [&str; 8] =
    ["start", "die", "destroy", "rename", "update", "pause", "unpause", "health_status"];

/// What podman wants to be asked for, to tell of `die` and `remove`.
const EVENTS_OF_PODMAN: [&str; 2] = ["died", "remove"];

/// A connection to Docker, or rather a way to make one for each question.
#[derive(Clone)]
pub(super) struct Client {
    docker: Docker,
    socket: Address,
    /// What Docker says its version is.
    pub(super) version: Box<str>,
    /// Hears of odd answers.
    desk: Arc<Desk>,
}

/// A line of the list of containers.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Listed {
    pub(super) id: Box<str>,
    pub(super) state: State,
}

/// What happened to a container.
#[derive(Debug, PartialEq)]
pub(super) struct Event {
    pub(super) id: Box<str>,
    pub(super) what: What,
    /// When, in seconds since 1970.
    pub(super) at: f64,
    /// With which code it ended. `None` of all other events.
    pub(super) exit_code: Option<i64>,
    /// Who it is, by the labels of ECS.
    pub(super) who: Option<Who>,
}

impl Event {
    /// What of it is counted.
    pub(super) fn happening(&self) -> Option<Happening> {
        use crate::inventory::told;
        let what = match self.what {
            What::Started => told::What::Started,
            What::Ended => told::What::Ended(self.exit_code),
            What::Gone => told::What::Removed,
            What::Health(health) => told::What::Health(health),
            What::Changed | What::State(_) => return None,
        };
        let Self { id, at, who, .. } = self;
        Some(Happening { id: id.clone(), at: *at, what, who: who.clone() })
    }
}

/// What may happen to a container.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum What {
    /// It was started.
    Started,
    /// It ended.
    Ended,
    /// It was removed.
    Gone,
    /// It was renamed, has other limits, or something else that was not said.
    Changed,
    /// It was frozen, or is no more.
    State(State),
    /// Its health check came to another opinion.
    Health(Health),
}

impl Client {
    /// Finds out which version of the API Docker speaks, and so whether it is there at all.
    pub(super) async fn connect(socket: &Path, desk: Arc<Desk>) -> Result<Self, Trouble> {
        let address = Address::Unix(socket.into());
        // bollard would ask by way of its own newest version, which Docker refuses if its is older.
        let answer = get(&address, "/version", PATIENCE).await?;
        let (version, api) = parse_version(&answer)?;
        let docker = Docker::connect_with_unix(&socket.to_string_lossy(), PATIENCE.as_secs(), &api)
            .map_err(trouble)?;
        Ok(Self { docker, socket: address, version, desk })
    }

    /// All containers, those that ended included.
    pub(super) async fn list(&self) -> Result<Vec<Listed>, Trouble> {
        let options = ListContainersOptionsBuilder::new().all(true).build();
        let asked = within(PATIENCE_LIST, self.docker.list_containers(Some(options)));
        let answer = self.desk.timed(Name::Docker, asked).await;
        let error = match answer {
            Ok(list) => {
                let line = |line: bollard::models::ContainerSummary| {
                    let state = State::of(line.state.as_ref().map_or("", AsRef::as_ref));
                    Some(Listed { id: line.id?.into(), state })
                };
                return Ok(list.into_iter().filter_map(line).collect());
            }
            Err(error @ Trouble::Malformed(_)) => error,
            Err(error) => return Err(error),
        };
        self.desk
            .odd(Name::Docker, "the list of containers", &error);
        let path = self.path("/containers/json?all=1");
        Ok(parse_list(&get(&self.socket, &path, PATIENCE_LIST).await?)?)
    }

    /// A container, or `None` if there is none.
    pub(super) async fn inspect(&self, id: &str) -> Result<Option<Arc<Known>>, Trouble> {
        let Address::Unix(socket) = &self.socket else { return Err(Trouble::Absent) };
        let path = self.path(&format!("/containers/{id}/json"));
        let asked = secret::get(socket, &path, PATIENCE);
        let answer = self
            .desk
            .timed(Name::Docker, asked)
            .await
            .and_then(|answer| Ok(parse_one(answer.body())?));
        match answer {
            Ok(known) if &*known.id == id => Ok(Some(Arc::new(known))),
            Ok(_) => Err(Trouble::Foreign),
            Err(Trouble::Refused(404)) => Ok(None),
            Err(error) => Err(error),
        }
    }

    /// Whether Docker answers at all.
    pub(super) async fn ping(&self) -> Result<(), Trouble> {
        let asked = within(PATIENCE, self.docker.ping());
        self.desk.timed(Name::Docker, asked).await.map(drop)
    }

    /// What happens from now on, and what happened since then.
    pub(super) fn events(
        &self,
        since: SystemTime,
    ) -> impl Stream<Item = Result<Option<Event>, Trouble>> + Send + use<> {
        let named = |names: &[&str]| names.iter().map(|&name| name.to_owned()).collect();
        let filters: HashMap<String, Vec<String>> = [
            ("type".to_owned(), named(&["container"])),
            ("event".to_owned(), named(&[&EVENTS[..], &EVENTS_OF_PODMAN].concat())),
        ]
        .into();
        let options = EventsOptionsBuilder::new()
            .since(&format!("{:.0}", seconds(since).floor()))
            .filters(&filters)
            .build();
        self.docker.events(Some(options)).map(|event| {
            let event = event.map_err(trouble)?;
            let actor = event.actor.unwrap_or_default();
            let attributes = actor.attributes.unwrap_or_default();
            let attribute = |key: &str| attributes.get(key).map(String::as_str);
            let at = event.time_nano.map(|nanos| nanos as f64 / 1e9);
            Ok(actor.id.zip(event.action).and_then(|(id, action)| {
                Some(Event {
                    id: id.into(),
                    what: what(&action)?,
                    at: at
                        .or(event.time.map(|seconds| seconds as f64))
                        .unwrap_or_default(),
                    exit_code: attribute("exitCode").and_then(|code| code.parse().ok()),
                    who: Who::of(attribute),
                })
            }))
        })
    }

    fn path(&self, path: &str) -> String {
        format!("/v{}{path}", self.docker.client_version())
    }
}

/// An event by its name, such as `start` and `health_status: healthy`. Podman does not say which health.
fn what(action: &str) -> Option<What> {
    Some(match action {
        "start" => What::Started,
        "die" => What::Ended,
        "destroy" | "remove" => What::Gone,
        "rename" | "update" => What::Changed,
        "pause" => What::State(State::Paused),
        "unpause" => What::State(State::Running),
        _ => {
            let health = action.strip_prefix("health_status")?;
            Health::of(health.trim_start_matches([':', ' '])).map_or(What::Changed, What::Health)
        }
    })
}

async fn within<T>(
    patience: Duration,
    answer: impl Future<Output = Result<T, bollard::errors::Error>>,
) -> Result<T, Trouble> {
    match tokio::time::timeout(patience, answer).await {
        Ok(answer) => answer.map_err(trouble),
        Err(_) => Err(Trouble::Late),
    }
}

/// What bollard complains of, without what it quotes of the answer.
fn trouble(error: bollard::errors::Error) -> Trouble {
    use bollard::errors::Error;
    match error {
        Error::DockerResponseServerError { status_code, .. } => Trouble::Refused(status_code),
        Error::JsonDataError { column, .. } => Malformed { line: 0, column }.into(),
        Error::JsonSerdeError { err } => Malformed::from(err).into(),
        Error::RequestTimeoutError => Trouble::Late,
        Error::SocketNotFoundError(_) => Trouble::Absent,
        Error::IOError { err } => Trouble::connecting(err),
        Error::HyperResponseError { err } => Trouble::Http(err),
        other => Trouble::Broken(std::io::Error::other(other.to_string())),
    }
}

/// Parses `{"Version":"20.10.24","ApiVersion":"1.41","MinAPIVersion":"1.12",…}`. The version of the
/// API is the newest that bollard knows, as far as Docker goes along.
fn parse_version(json: &[u8]) -> Result<(Box<str>, ClientVersion), Trouble> {
    #[derive(Deserialize)]
    struct Answer<'a> {
        #[serde(borrow, default, rename = "Version")]
        version: Scalar<'a>,
        #[serde(borrow, default, rename = "ApiVersion")]
        newest: Scalar<'a>,
        #[serde(borrow, default, rename = "MinAPIVersion")]
        oldest: Scalar<'a>,
    }
    lenient::parse(json, |text| {
        let answer: Answer<'_> = serde_json::from_str(text)?;
        let ours = (API_DEFAULT_VERSION.major_version, API_DEFAULT_VERSION.minor_version);
        let oldest = api(&answer.oldest).unwrap_or_default();
        Ok(api(&answer.newest).map(|newest| {
            let (major_version, minor_version) = ours.min(newest).max(oldest);
            (answer.version.printed(), ClientVersion { major_version, minor_version })
        }))
    })?
    .ok_or(Trouble::Foreign)
}

/// Parses `1.41`.
fn api(version: &Scalar<'_>) -> Option<(usize, usize)> {
    let (major, minor) = version.text().split_once('.')?;
    Some((major.parse().ok()?, minor.parse().ok()?))
}

/// Parses `[{"Id":"…","State":"running",…},…]`.
fn parse_list(json: &[u8]) -> Result<Vec<Listed>, Malformed> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Line<'a> {
        #[serde(borrow, default)]
        id: Scalar<'a>,
        #[serde(borrow, default)]
        state: Scalar<'a>,
    }
    lenient::parse(json, |text| {
        let lines: Vec<Line<'_>> = serde_json::from_str(text)?;
        let listed =
            |line: Line<'_>| Listed { id: line.id.printed(), state: State::of(line.state.text()) };
        Ok(lines
            .into_iter()
            .map(listed)
            .filter(|line| !line.id.is_empty())
            .collect())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn speaks_a_version_that_both_know() {
        let spoken = |answer: &str| {
            let (version, api) = parse_version(answer.as_bytes()).ok()?;
            Some((version.to_string(), api.major_version, api.minor_version))
        };
        let ours = API_DEFAULT_VERSION.minor_version;
        let answer = |newest: &str, oldest: &str| {
            format!(r#"{{"Version":"x","ApiVersion":"{newest}","MinAPIVersion":"{oldest}"}}"#)
        };
        assert_eq!(spoken(&answer("1.41", "1.12")), Some(("x".into(), 1, 41)));
        assert_eq!(spoken(&answer("1.99", "1.44")), Some(("x".into(), 1, ours)));
        assert_eq!(spoken(&answer("1.99", "1.98")), Some(("x".into(), 1, 98)));
        assert_eq!(spoken(r#"{"ApiVersion":"1.40"}"#), Some((String::new(), 1, 40)));
        assert_eq!(spoken(r#"{"message":"page not found"}"#), None);
        assert_eq!(spoken("OK"), None);
    }

    #[test]
    fn reads_a_list_for_its_ids() {
        let json = br#"[{"Id":"a","State":"running"},{"Id":"b","State":"levitating","Ports":7},
            {"State":"exited"},{"Id":"c","State":null}]"#;
        let listed = |id: &str, state| Listed { id: id.into(), state };
        let expected =
            [listed("a", State::Running), listed("b", State::Other), listed("c", State::Other)];
        assert_eq!(parse_list(json).unwrap(), expected);
        assert!(parse_list(b"{}").is_err());
    }

    #[test]
    fn knows_the_events_it_asked_for() {
        assert_eq!(what("health_status: healthy"), Some(What::Health(Health::Healthy)));
        assert_eq!(what("health_status: starting"), Some(What::Health(Health::Starting)));
        assert_eq!(what("health_status"), Some(What::Changed));
        assert_eq!(what("remove"), Some(What::Gone));
        assert_eq!(what("exec_create: /bin/true"), None);
        assert!(EVENTS.into_iter().all(|event| what(event).is_some()));
    }
}
