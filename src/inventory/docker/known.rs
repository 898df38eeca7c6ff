//! What is kept of a container.

use std::borrow::Cow;
use std::net::IpAddr;
use std::sync::Arc;

use crate::container::{About, Network, Storage};
use crate::inventory::labels::{ECS, Given};
use crate::inventory::lenient;
use crate::inventory::network::Port;

/// What is kept of a container's environment, which is full of secrets: nothing but these.
const ENVIRONMENT: [&str; 6] = [
    "ECS_CONTAINER_METADATA_URI_V4",
    "APPMESH_RESOURCE_ARN",
    "PROMETHEUS",
    "PROMETHEUS_PORT",
    "PROMETHEUS_ENDPOINT",
    "PROMETHEUS_NOLABELS",
];

/// A container's labels beyond this many bytes are left out, but for those of ECS.
const LABEL_BYTES: usize = 64 * 1024;

/// The container in whose network namespace those of a task with `awsvpc` are. Docker gives it no
/// network; the agent does.
const PAUSE: &str = "~internal~ecs~pause";

/// What is kept of a container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Known {
    /// Its id, 64 hexadecimal digits.
    pub id: Box<str>,
    /// Its name, without the slash that Docker begins it with.
    pub name: Box<str>,
    /// The image as it was asked for.
    pub image: Box<str>,
    /// The image's id.
    pub image_id: Box<str>,
    /// Its labels.
    pub labels: Given,
    /// Process id of its first process. `None` while it does not run.
    pub pid: Option<u32>,
    /// When it was made, in seconds since 1970. `None` where Docker does not say.
    pub created: Option<f64>,
    /// When it was last started, in seconds since 1970. `None` before that.
    pub started: Option<f64>,
    /// When it last ended, in seconds since 1970. `None` before that.
    pub finished: Option<f64>,
    /// With which code it last ended; of one that has not, Docker says 0.
    pub exit_code: Option<i64>,
    /// How far it is.
    pub state: State,
    /// What its health check says. `None` without a check.
    pub health: Option<Health>,
    /// Whose network it is in. `None` where Docker does not say.
    pub network: Option<Network>,
    /// The same as Docker has it: `bridge`, `default`, `host`, `none`, `container:<id>` or the name
    /// of a network; empty where Docker does not say.
    pub network_mode: Box<str>,
    /// Its ports, in order; of one in the network of another, none.
    pub ports: Vec<Port>,
    /// Its addresses in Docker's networks, those of IPv4 first.
    pub addresses: Vec<IpAddr>,
    /// CPU shares it was given. `None` if it was given none.
    pub cpu_shares: Option<u64>,
    /// Bytes of memory it may use. `None` without a limit.
    pub memory: Option<u64>,
    /// Bytes of memory kept for it. `None` if none are.
    pub memory_reservation: Option<u64>,
    /// The group it was put under; empty for Docker's own.
    pub cgroup_parent: Box<str>,
    /// How often Docker restarted it, a count.
    pub restarts: u64,
    /// The values of the few keys of its environment that are looked at.
    pub environment: Vec<(&'static str, Box<str>)>,
    /// Where its files are.
    pub storage: Arc<Storage>,
}

/// How far a container is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum State {
    /// Made, and not started yet.
    Created,
    /// Running.
    Running,
    /// Frozen.
    Paused,
    /// About to be started again.
    Restarting,
    /// About to be gone.
    Removing,
    /// Ended.
    Exited,
    /// Ended, and could not be removed.
    Dead,
    /// What Docker calls by a name that is not known here.
    #[default]
    Other,
}

impl State {
    pub(super) fn of(name: &str) -> Self {
        match name {
            "created" => Self::Created,
            "running" => Self::Running,
            "paused" => Self::Paused,
            "restarting" => Self::Restarting,
            "removing" => Self::Removing,
            "exited" => Self::Exited,
            "dead" => Self::Dead,
            _ => Self::Other,
        }
    }

    /// Whether it has ended for as long as nobody starts it.
    pub(crate) fn ended(self) -> bool {
        matches!(self, Self::Exited | Self::Dead)
    }
}

/// What a health check says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Health {
    /// Nothing yet.
    Starting,
    /// All is well.
    Healthy,
    /// It is not.
    Unhealthy,
}

impl Health {
    pub(super) fn of(name: &str) -> Option<Self> {
        match name {
            "starting" => Some(Self::Starting),
            "healthy" => Some(Self::Healthy),
            "unhealthy" => Some(Self::Unhealthy),
            _ => None,
        }
    }
}

impl Known {
    /// The part that the rows of containers carry.
    pub(crate) fn about(&self) -> About {
        /// What the kernel gives to who is given none.
        const SHARES: u64 = 1024;
        About {
            pid: self.pid,
            created: self.created,
            started: self.started,
            cpu_shares: self.cpu_shares.or(Some(SHARES)),
            network: self.network,
            healthy: self.health.map(|health| health == Health::Healthy),
        }
    }

    /// The value of a label of Docker.
    pub(crate) fn label(&self, key: &str) -> Option<&str> {
        self.labels.get(key).map(|value| &**value)
    }

    /// The value of a key of its environment, if it is one of those looked at.
    pub(crate) fn variable(&self, key: &str) -> Option<&str> {
        let (_, value) = self.environment.iter().find(|(named, _)| *named == key)?;
        Some(value)
    }

    /// The container in whose network it is.
    pub(crate) fn joins(&self) -> Option<&str> {
        self.network_mode.strip_prefix("container:")
    }

    /// Whether it holds the network of a task with `awsvpc`.
    pub(crate) fn pause(&self) -> bool {
        self.label(ECS[1]) == Some(PAUSE) && &*self.network_mode == "none"
    }

    /// With its labels, and what they tell.
    pub(super) fn with_labels<'a>(
        mut self,
        labels: impl Iterator<Item = (&'a str, &'a str)>,
    ) -> Self {
        let mut labels: Vec<_> = labels.collect();
        labels.sort_unstable_by_key(|(key, _)| (!ECS.contains(key), *key));
        let mut bytes = 0;
        for (key, value) in labels {
            let value = lenient::kept(value);
            bytes += key.len() + value.len();
            if bytes > LABEL_BYTES && !ECS.contains(&key) {
                break;
            }
            self.labels.insert(key.into(), value);
        }
        let pause = self.label("com.amazonaws.ecs.container-name") == Some(PAUSE);
        if pause && self.network == Some(Network::None) {
            self.network = Some(Network::Own);
        }
        self
    }
}

/// An entry of the environment in JSON, `"KEY=value"`, if it is one of those looked at.
pub(super) fn looked_at(json: &str) -> Option<(&'static str, Box<str>)> {
    let (key, _) = json.strip_prefix('"')?.split_once('=')?;
    let key = ENVIRONMENT.into_iter().find(|named| *named == key)?;
    let entry: Cow<'_, str> = serde_json::from_str(json).ok()?;
    let (_, value) = entry.split_once('=')?;
    Some((key, lenient::kept(value)))
}

/// A name as people say it: Docker begins it with a slash.
pub(super) fn without_slash(name: &str) -> Box<str> {
    lenient::kept(name.strip_prefix('/').unwrap_or(name))
}

/// `bridge`, `default`, `host`, `none`, `container:<id>` or the name of a network.
pub(super) fn network(mode: &str) -> Option<Network> {
    match mode {
        "" => None,
        "host" => Some(Network::Host),
        "none" => Some(Network::None),
        _ if mode.starts_with("container:") => Some(Network::Joined),
        _ => Some(Network::Own),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_whose_network_it_is() {
        for (mode, expected) in [
            ("bridge", Some(Network::Own)),
            ("default", Some(Network::Own)),
            ("my-network", Some(Network::Own)),
            ("container:689d0e4f8959", Some(Network::Joined)),
            ("host", Some(Network::Host)),
            ("none", Some(Network::None)),
            ("", None),
        ] {
            assert_eq!(network(mode), expected, "{mode}");
        }
    }

    #[test]
    fn the_pause_container_of_a_task_owns_its_network() {
        let network = |container| {
            Known { network: Some(Network::None), ..Known::default() }
                .with_labels([("com.amazonaws.ecs.container-name", container)].into_iter())
                .network
        };
        assert_eq!(network("~internal~ecs~pause"), Some(Network::Own));
        assert_eq!(network("~internal~ecs~pause~namespace"), Some(Network::None));
        assert_eq!(network("app"), Some(Network::None));
    }

    #[test]
    fn keeps_a_bounded_number_of_labels_and_those_of_ecs_always() {
        let many: Vec<String> = (0..10_000).map(|n| format!("a{n:04}")).collect();
        let long = "x".repeat(1_000_000);
        let labels = many.iter().map(|key| (key.as_str(), long.as_str()));
        let known = Known::default().with_labels(labels.chain(ECS.map(|key| (key, "ecs"))));
        assert!(ECS.iter().all(|key| known.label(key) == Some("ecs")));
        assert_eq!(known.labels.len(), ECS.len() + 15);
        assert_eq!(known.label("a0014").map(str::len), Some(4096));
    }

    #[test]
    fn says_what_the_rows_carry() {
        let known = Known {
            pid: Some(1),
            created: Some(2.0),
            started: Some(3.0),
            cpu_shares: Some(4),
            network: Some(Network::Host),
            health: Some(Health::Starting),
            ..Known::default()
        };
        let expected = About {
            pid: Some(1),
            created: Some(2.0),
            started: Some(3.0),
            cpu_shares: Some(4),
            network: Some(Network::Host),
            healthy: Some(false),
        };
        assert_eq!(known.about(), expected);
    }
}
