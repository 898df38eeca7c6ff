//! What the ECS agent answers.

use std::net::IpAddr;

use serde::Deserialize;

use crate::container::{About, Network};
use crate::inventory::ask::Trouble;
use crate::inventory::date;
use crate::inventory::lenient::{self, Scalar};
use crate::inventory::network::{Port, Protocol, addresses, ports};

/// All that the agent says.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Answer {
    /// Of the host.
    pub metadata: Metadata,
    /// Of its tasks, in the order of their ARNs, those that ended and are not yet forgotten included.
    pub tasks: Vec<Task>,
}

/// What the agent says of itself and the host.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Metadata {
    /// The cluster, by name or ARN, as the agent was told it.
    pub cluster: Box<str>,
    /// ARN of the container instance; empty where the agent does not say.
    pub instance: Box<str>,
    /// The agent's version, such as `Amazon ECS Agent - v1.105.1 (*a8b3e7d3)`; empty where it is
    /// not said.
    pub version: Box<str>,
}

/// A task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// Its ARN.
    pub arn: Box<str>,
    /// Family of its task definition.
    pub family: Box<str>,
    /// Revision of its task definition.
    pub version: Box<str>,
    /// What ECS wants of it. `None` while that is on its way.
    pub desired: Option<Status>,
    /// How far it is.
    pub known: Option<Status>,
    /// Its containers that were made, in the order of their ids, without those of ECS' own.
    pub containers: Vec<Container>,
}

/// How far a task is, or is to be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Status {
    /// Not running yet.
    Pending,
    /// Running.
    Running,
    /// Ended.
    Stopped,
}

/// A container of a task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    /// Docker's id of it.
    pub id: Box<str>,
    /// Docker's name of it.
    pub docker_name: Box<str>,
    /// Its name in the task definition.
    pub name: Box<str>,
    /// The image as it was asked for. Since agent 1.77; empty before.
    pub image: Box<str>,
    /// The image's id. Since agent 1.77; empty before.
    pub image_id: Box<str>,
    /// When it was made, in seconds since 1970. Since agent 1.77.
    pub created: Option<f64>,
    /// When it was started, in seconds since 1970. `None` before that. Since agent 1.77.
    pub started: Option<f64>,
    /// Whether it is in the network of its task. Only with `awsvpc` does the agent say.
    pub joined: bool,
    /// Its ports, in order; those of its definition where it was given none. Since agent 1.17.2.
    pub ports: Vec<Port>,
    /// The addresses of its task, those of IPv4 first. Only with `awsvpc` does the agent say.
    pub addresses: Vec<IpAddr>,
    /// How often the agent restarted it, a count. `None` where its definition allows no restarts.
    pub restarts: Option<u64>,
}

impl Task {
    /// Its id, the last part of its ARN.
    pub fn id(&self) -> &str {
        short_arn(&self.arn)
    }

    /// Whether it ended. The agent tells of such a task for hours; its names may still be needed,
    /// but it is to be counted nowhere.
    pub fn stopped(&self) -> bool {
        self.known == Some(Status::Stopped)
    }
}

impl Container {
    /// The part that the rows of containers carry.
    pub(crate) fn about(&self) -> About {
        About {
            created: self.created,
            started: self.started,
            network: self.joined.then_some(Network::Joined),
            ..About::default()
        }
    }
}

/// The last part of an ARN.
pub fn short_arn(arn: &str) -> &str {
    arn.rsplit('/').next().unwrap_or(arn)
}

/// Parses `{"Cluster":"prod","ContainerInstanceArn":"arn:…","Version":"Amazon ECS Agent - v1.105.1"}`.
pub fn parse_metadata(json: &[u8]) -> Result<Metadata, Trouble> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Said<'a> {
        #[serde(borrow)]
        cluster: Option<Scalar<'a>>,
        #[serde(borrow, default)]
        container_instance_arn: Scalar<'a>,
        #[serde(borrow, default)]
        version: Scalar<'a>,
    }
    lenient::parse(json, |text| {
        let said: Said<'_> = serde_json::from_str(text)?;
        Ok(said.cluster.map(|cluster| Metadata {
            cluster: cluster.printed(),
            instance: said.container_instance_arn.printed(),
            version: said.version.printed(),
        }))
    })?
    .ok_or(Trouble::Foreign)
}

/// Parses `{"Tasks":[{"Arn":"arn:…","KnownStatus":"RUNNING","Family":"web","Version":"7","Containers":[…]}]}`.
///
/// The agent answers whatever it is asked with status 200 and the list of what may be asked; that
/// is an error here.
pub fn parse_tasks(json: &[u8]) -> Result<Vec<Task>, Trouble> {
    #[derive(Deserialize)]
    #[serde(rename_all = "PascalCase")]
    struct Said<'a> {
        #[serde(borrow)]
        tasks: Option<Vec<SaidTask<'a>>>,
    }
    let tasks = lenient::parse(json, |text| {
        let said: Said<'_> = serde_json::from_str(text)?;
        Ok(said
            .tasks
            .map(|tasks| tasks.into_iter().map(Task::from).collect::<Vec<_>>()))
    })?;
    let mut tasks = tasks.ok_or(Trouble::Foreign)?;
    tasks.retain(|task| !task.arn.is_empty());
    // The agent's order is another one each time.
    tasks.sort_unstable_by(|a, b| a.arn.cmp(&b.arn));
    Ok(tasks)
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SaidTask<'a> {
    #[serde(borrow)]
    arn: Scalar<'a>,
    desired_status: Scalar<'a>,
    known_status: Scalar<'a>,
    family: Scalar<'a>,
    version: Scalar<'a>,
    containers: Option<Vec<SaidContainer<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SaidContainer<'a> {
    // Agent 1.19.0 alone spelt it so.
    #[serde(borrow, alias = "DockerID")]
    docker_id: Scalar<'a>,
    docker_name: Scalar<'a>,
    name: Scalar<'a>,
    image: Scalar<'a>,
    #[serde(rename = "ImageID")]
    image_id: Scalar<'a>,
    created_at: Scalar<'a>,
    started_at: Scalar<'a>,
    ports: Option<Vec<SaidPort<'a>>>,
    networks: Option<Vec<SaidNetwork<'a>>>,
    restart_count: Option<Scalar<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SaidNetwork<'a> {
    #[serde(borrow)]
    network_mode: Scalar<'a>,
    #[serde(rename = "IPv4Addresses")]
    v4: Option<Vec<Scalar<'a>>>,
    #[serde(rename = "IPv6Addresses")]
    v6: Option<Vec<Scalar<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SaidPort<'a> {
    #[serde(borrow)]
    container_port: Scalar<'a>,
    protocol: Scalar<'a>,
    host_port: Scalar<'a>,
    host_ip: Scalar<'a>,
}

impl SaidPort<'_> {
    fn port(&self) -> Option<Port> {
        let number =
            |port: &Scalar<'_>| port.above_zero().and_then(|port| u16::try_from(port).ok());
        Some(Port {
            container: number(&self.container_port)?,
            protocol: Protocol::of(self.protocol.text())?,
            host: number(&self.host_port),
            address: Port::address(self.host_ip.text()),
        })
    }
}

impl From<SaidTask<'_>> for Task {
    fn from(said: SaidTask<'_>) -> Self {
        let containers = said.containers.unwrap_or_default();
        let mut containers: Vec<_> = containers
            .into_iter()
            .filter_map(Container::from_said)
            .collect();
        containers.sort_unstable_by(|a, b| a.id.cmp(&b.id));
        Self {
            arn: said.arn.printed(),
            family: said.family.printed(),
            version: said.version.printed(),
            desired: status(said.desired_status.text()),
            known: status(said.known_status.text()),
            containers,
        }
    }
}

impl Container {
    /// `None` for one that has no id yet: Docker has not made it.
    fn from_said(said: SaidContainer<'_>) -> Option<Self> {
        let id = said.docker_id.printed();
        if id.is_empty() {
            return None;
        }
        let networks = said.networks.unwrap_or_default();
        Some(Self {
            id,
            docker_name: said.docker_name.printed(),
            name: said.name.printed(),
            image: said.image.printed(),
            image_id: said.image_id.printed(),
            created: date::seconds(said.created_at.text()),
            started: date::seconds(said.started_at.text()),
            joined: networks.iter().any(|n| n.network_mode.text() == "awsvpc"),
            ports: ports(said.ports.iter().flatten().filter_map(SaidPort::port)),
            addresses: addresses(
                networks
                    .iter()
                    .flat_map(|network| network.v4.iter().chain(&network.v6).flatten())
                    .map(Scalar::text),
            ),
            restarts: said
                .restart_count
                .map(|count| count.above_zero().unwrap_or_default()),
        })
    }
}

fn status(name: &str) -> Option<Status> {
    match name {
        "PENDING" => Some(Status::Pending),
        "RUNNING" => Some(Status::Running),
        "STOPPED" => Some(Status::Stopped),
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn container(id: &str, docker_name: &str, name: &str) -> Container {
        let kept = |text: &str| text.into();
        Container {
            id: kept(id),
            docker_name: kept(docker_name),
            name: kept(name),
            ..Container::default()
        }
    }

    #[test]
    fn reads_what_an_agent_said() {
        let json = include_bytes!("../../../fixtures/ecs-agent-cgroup1/agent/metadata.json");
        let expected = Metadata {
            cluster: "tb-cluster".into(),
            instance: "arn:aws:ecs:eu-central-1:111122223333:container-instance/tb-cluster/c0ffeec0ffeec0ffeec0ffeec0ffeec0".into(),
            version: "Amazon ECS Agent - v1.105.1 (*a8b3e7d3)".into(),
        };
        assert_eq!(parse_metadata(json).unwrap(), expected);

        let json = include_bytes!("../../../fixtures/ecs-agent-cgroup2/agent/tasks.json");
        let tasks = parse_tasks(json).unwrap();
        let [web, batch] = &tasks[..] else { panic!("two tasks: {tasks:?}") };
        assert_eq!(
            (web.id(), batch.id()),
            ("188321f4b69345b8acc333be06e7f357", "e09f0aba4e354154a07e144006faf696")
        );
        let expected = Task {
            arn: "arn:aws:ecs:eu-central-1:111122223333:task/tb-cluster/e09f0aba4e354154a07e144006faf696".into(),
            family: "batch".into(),
            version: "3".into(),
            desired: Some(Status::Running),
            known: Some(Status::Running),
            containers: vec![Container {
                image: "busybox:local".into(),
                image_id: "sha256:4a39d4ca59cde22f8985c3c633f68041dfb272ee18d6fe03f33b19fcffde6a18".into(),
                created: Some(1_795_228_542.381_637_3),
                started: Some(1_795_228_559.386_108_4),
                ..container("3e2ae73eeb9a7030679ae44b4e06aeb257b291d9481ad767a9c6d8eceab44e01", "ecs-batch-3-job-ac81959fb185f7df5b00", "job")
            }],
        };
        assert_eq!(*batch, expected);
        let names: Vec<_> = web.containers.iter().map(|c| &*c.name).collect();
        assert_eq!(names, ["app", "sidecar"], "in the order of their ids");
    }

    #[test]
    fn reads_the_shapes_of_all_agents() {
        let json = br#"{"Tasks":[
            {"Arn":"b","KnownStatus":"PENDING","Family":"f","Version":8,"Containers":null},
            {"Arn":"a","KnownStatus":"STOPPED","DesiredStatus":"STOPPED","Family":"f","Version":"7","New":{},"Containers":[
                {"DockerId":"","DockerName":"made-soon","Name":"x"},
                {"DockerID":"1","DockerName":"n","Name":"y","Ports":[{"ContainerPort":80},
                    {"ContainerPort":53,"Protocol":"udp","HostPort":32769,"HostIp":"10.0.0.9"},{"Protocol":"tcp"}]},
                {"DockerId":"2","DockerName":"m","Name":"z","RestartCount":2,
                 "Networks":[{"NetworkMode":"awsvpc","IPv6Addresses":["fd00::1"],"IPv4Addresses":["10.0.0.1","x"]}]}]},
            {"Family":"without an ARN"}]}"#;
        let stopped = Task {
            arn: "a".into(),
            family: "f".into(),
            version: "7".into(),
            desired: Some(Status::Stopped),
            known: Some(Status::Stopped),
            containers: vec![
                Container {
                    ports: vec![
                        Port {
                            container: 53,
                            protocol: Protocol::Udp,
                            host: Some(32769),
                            address: Some([10, 0, 0, 9].into()),
                        },
                        Port { container: 80, ..Port::default() },
                    ],
                    ..container("1", "n", "y")
                },
                Container {
                    joined: true,
                    addresses: ["10.0.0.1", "fd00::1"].map(|a| a.parse().unwrap()).into(),
                    restarts: Some(2),
                    ..container("2", "m", "z")
                },
            ],
        };
        let pending = Task {
            arn: "b".into(),
            family: "f".into(),
            version: "8".into(),
            known: Some(Status::Pending),
            ..Task::default()
        };
        assert!(stopped.stopped() && !pending.stopped());
        assert_eq!(parse_tasks(json).unwrap(), [stopped, pending]);
        assert_eq!(parse_tasks(br#"{"Tasks":[]}"#).unwrap(), []);
        let network = Some(Network::Joined);
        let about = Container { joined: true, ..Container::default() }.about();
        assert_eq!(about, About { network, ..About::default() });
    }

    #[test]
    fn takes_no_other_answer_for_one() {
        let other = br#"{"AvailableCommands":["/v1/metadata","/v1/tasks","/license"]}"#;
        for json in [&other[..], br#"{"Tasks":null}"#, b"{}"] {
            assert!(matches!(parse_tasks(json), Err(Trouble::Foreign)));
        }
        for json in [&b""[..], b"<html>", b"[]", br#"{"Tasks":{}}"#, br#"{"Tasks":["x"]}"#] {
            assert!(matches!(parse_tasks(json), Err(Trouble::Malformed(_))));
        }
        assert!(matches!(parse_metadata(other), Err(Trouble::Foreign)));
        assert!(matches!(parse_metadata(b"null"), Err(Trouble::Malformed(_))));
        let bare = br#"{"Cluster":"c","ContainerInstanceArn":null}"#;
        let expected = Metadata { cluster: "c".into(), ..Metadata::default() };
        assert_eq!(parse_metadata(bare).unwrap(), expected);
    }
}
