//! Docker's answer to an inspect, read with leniency: one value that nobody has ever heard of must not
//! cost the whole answer.

use std::borrow::Cow;
use std::collections::HashMap;
use std::fmt;
use std::net::IpAddr;

use serde::Deserialize;
use serde::de::{Deserializer, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::known::{Health, Known, State, looked_at, network, without_slash};
use super::storage::{Mount, Places};
use crate::inventory::date;
use crate::inventory::labels::Given;
use crate::inventory::lenient::{self, Malformed, Scalar};
use crate::inventory::network::{Port, addresses, ports};

/// Parses the answer to an inspect.
pub(super) fn parse_one(json: &[u8]) -> Result<Known, Malformed> {
    lenient::parse(json, |text| serde_json::from_str::<Answer<'_>>(text).map(Known::from))
}

/// Parses what the command `docker inspect` prints: an array of answers.
pub fn parse_inspect(json: &[u8]) -> Result<Vec<Known>, Malformed> {
    lenient::parse(json, |text| {
        let answers: Vec<Answer<'_>> = serde_json::from_str(text)?;
        Ok(answers.into_iter().map(Known::from).collect())
    })
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Answer<'a> {
    #[serde(borrow)]
    id: Scalar<'a>,
    created: Scalar<'a>,
    name: Scalar<'a>,
    image: Scalar<'a>,
    restart_count: Scalar<'a>,
    state: Option<AnswerState<'a>>,
    config: Option<AnswerConfig<'a>>,
    host_config: Option<AnswerHost<'a>>,
    log_path: Scalar<'a>,
    hostname_path: Scalar<'a>,
    graph_driver: Option<AnswerDriver<'a>>,
    mounts: Option<Vec<Option<AnswerMount<'a>>>>,
    network_settings: Option<AnswerNetwork<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerNetwork<'a> {
    /// By `80/tcp`.
    #[serde(borrow)]
    ports: Option<HashMap<Cow<'a, str>, Option<Vec<AnswerBinding<'a>>>>>,
    /// By their names.
    networks: Option<HashMap<Cow<'a, str>, Option<AnswerAddresses<'a>>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerBinding<'a> {
    #[serde(borrow)]
    host_ip: Scalar<'a>,
    host_port: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(default)]
struct AnswerAddresses<'a> {
    #[serde(borrow, rename = "IPAddress")]
    v4: Scalar<'a>,
    #[serde(rename = "GlobalIPv6Address")]
    v6: Scalar<'a>,
}

impl AnswerNetwork<'_> {
    fn ports(&self) -> Vec<Port> {
        let bindings = self.ports.iter().flatten().flat_map(|(port, bindings)| {
            let unpublished = bindings.as_ref().is_none_or(Vec::is_empty);
            let published = bindings.iter().flatten();
            published
                .map(|binding| Port::of(port, binding.host_port.text(), binding.host_ip.text()))
                .chain(unpublished.then(|| Port::of(port, "", "")))
        });
        ports(bindings.flatten())
    }

    fn addresses(&self) -> Vec<IpAddr> {
        let networks = self.networks.iter().flat_map(HashMap::values).flatten();
        addresses(networks.flat_map(|network| [network.v4.text(), network.v6.text()]))
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerDriver<'a> {
    #[serde(borrow)]
    data: Option<AnswerLayers<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerLayers<'a> {
    #[serde(borrow)]
    upper_dir: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerMount<'a> {
    #[serde(borrow)]
    r#type: Scalar<'a>,
    name: Scalar<'a>,
    source: Scalar<'a>,
    destination: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerState<'a> {
    #[serde(borrow)]
    status: Scalar<'a>,
    pid: Scalar<'a>,
    started_at: Scalar<'a>,
    finished_at: Scalar<'a>,
    exit_code: Scalar<'a>,
    health: Option<AnswerHealth<'a>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerHealth<'a> {
    #[serde(borrow)]
    status: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerConfig<'a> {
    #[serde(borrow)]
    image: Scalar<'a>,
    labels: Option<HashMap<Cow<'a, str>, Scalar<'a>>>,
    env: Option<Environment>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct AnswerHost<'a> {
    #[serde(borrow)]
    network_mode: Scalar<'a>,
    cpu_shares: Scalar<'a>,
    memory: Scalar<'a>,
    memory_reservation: Scalar<'a>,
    cgroup_parent: Scalar<'a>,
}

/// What is looked at of an environment. The rest is passed over as it is read.
#[derive(Default)]
struct Environment(Vec<(&'static str, Box<str>)>);

impl<'de> Deserialize<'de> for Environment {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Entries;
        impl<'de> Visitor<'de> for Entries {
            type Value = Environment;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut entries: A) -> Result<Environment, A::Error> {
                let mut found = Vec::new();
                // Nothing is copied of an entry before it is known to be one of those looked at.
                while let Some(entry) = entries.next_element::<&RawValue>()? {
                    found.extend(looked_at(entry.get()));
                }
                Ok(Environment(found))
            }
        }
        deserializer.deserialize_seq(Entries)
    }
}

impl From<Answer<'_>> for Known {
    fn from(answer: Answer<'_>) -> Self {
        let said = answer.state.unwrap_or_default();
        let config = answer.config.unwrap_or_default();
        let host = answer.host_config.unwrap_or_default();
        let labels = config.labels.unwrap_or_default();
        let networks = answer.network_settings.unwrap_or_default();
        let layers = answer.graph_driver.and_then(|driver| driver.data);
        let storage = Places {
            id: answer.id.text(),
            layer: layers.as_ref().map_or("", |layers| layers.upper_dir.text()),
            files: [answer.log_path.text(), answer.hostname_path.text()],
        }
        .storage(answer.mounts.iter().flatten().flatten().map(|mount| Mount {
            kind: mount.r#type.text(),
            name: mount.name.text(),
            source: mount.source.text(),
            mountpoint: mount.destination.text(),
        }));
        Self {
            id: answer.id.printed(),
            name: without_slash(answer.name.text()),
            image: config.image.printed(),
            image_id: answer.image.printed(),
            labels: Given::new(),
            pid: said
                .pid
                .above_zero()
                .and_then(|pid| u32::try_from(pid).ok()),
            created: date::seconds(answer.created.text()),
            started: date::seconds(said.started_at.text()),
            finished: date::seconds(said.finished_at.text()),
            exit_code: said.exit_code.whole(),
            state: State::of(said.status.text()),
            health: said
                .health
                .and_then(|health| Health::of(health.status.text())),
            network: network(host.network_mode.text()),
            network_mode: host.network_mode.printed(),
            ports: networks.ports(),
            addresses: networks.addresses(),
            cpu_shares: host.cpu_shares.above_zero(),
            memory: host.memory.above_zero(),
            memory_reservation: host.memory_reservation.above_zero(),
            cgroup_parent: host.cgroup_parent.printed(),
            restarts: answer.restart_count.above_zero().unwrap_or_default(),
            environment: config.env.unwrap_or_default().0,
            storage,
        }
        .with_labels(labels.iter().map(|(key, value)| (&**key, value.text())))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::{Network, Storage, Volume};
    use crate::inventory::network::Protocol;
    use std::path::PathBuf;
    use std::sync::Arc;

    const CGROUP1: &[u8] =
        include_bytes!("../../../fixtures/ecs-agent-cgroup1/docker/inspect.json");
    const DOCKER_29: &[u8] = include_bytes!("../../../fixtures/docker-29/docker/inspect.json");

    fn storage(layer: &str, id: &str) -> Arc<Storage> {
        let home = format!("/var/lib/docker/containers/{id}");
        let layer = Some(layer.into()).filter(|layer: &PathBuf| layer.is_absolute());
        Arc::new(Storage { layer, home: Some(home.into()), volumes: Vec::new() })
    }

    #[test]
    fn containerds_image_store_names_no_layer() {
        let all = parse_inspect(DOCKER_29).unwrap();
        let [plain, web] = all.as_slice() else { panic!("{all:?}") };
        assert_eq!((&*plain.name, &*web.name), ("plain", "ecs-web-1-app-c0ffee"));
        assert_eq!((plain.network, web.network), (Some(Network::None), Some(Network::Own)));
        assert_eq!((plain.health, web.health), (None, Some(Health::Healthy)));
        assert_eq!((web.pid.is_some(), web.memory), (true, Some(64 << 20)));
        assert_eq!((&*web.image, web.image_id.get(..7)), ("busybox:local", Some("sha256:")));
        assert_eq!((web.ports.len(), web.addresses.len()), (1, 1));
        assert_eq!(plain.storage, storage("", &plain.id), "without a log");
        let cache = Volume {
            mountpoint: "/cache".into(),
            name: "cache".into(),
            source: "/var/lib/docker/volumes/cache/_data".into(),
        };
        let expected = Storage { volumes: vec![cache], ..(*storage("", &web.id)).clone() };
        assert_eq!(*web.storage, expected);
    }

    #[test]
    fn keeps_what_is_needed_of_a_container() {
        let all = parse_inspect(CGROUP1).unwrap();
        let task = "arn:aws:ecs:eu-central-1:111122223333:task/tb-cluster/bc501098825d44ec9706eceeb602a5c4";
        let labels = [
            ("com.amazonaws.ecs.cluster", "tb-cluster"),
            ("com.amazonaws.ecs.container-name", "app"),
            ("com.amazonaws.ecs.task-arn", task),
            ("com.amazonaws.ecs.task-definition-family", "web"),
            ("com.amazonaws.ecs.task-definition-version", "7"),
            ("team", "obs"),
        ];
        let expected = Known {
            id: "bf53c328fc87d765ab5eedf855fe361134a8aa8264fd7b6610d627b748e6961f".into(),
            name: "ecs-web-7-app-d6a0b4d5ade481969c01".into(),
            image: "busybox:local".into(),
            image_id: "sha256:86248a4697543d00fb2ef4cfc24455941dd3632c02c01b0a03b6305eb0b61a2a"
                .into(),
            labels: labels.map(|(key, value)| (key.into(), value.into())).into(),
            pid: Some(812),
            created: Some(1_795_230_884.490_489),
            started: Some(1_795_230_890.609_946),
            finished: None,
            exit_code: Some(0),
            state: State::Running,
            health: None,
            network: Some(Network::Own),
            network_mode: "bridge".into(),
            ports: vec![],
            addresses: vec!["172.17.0.2".parse().unwrap()],
            cpu_shares: Some(128),
            memory: Some(64 << 20),
            memory_reservation: Some(32 << 20),
            cgroup_parent: "/ecs/bc501098825d44ec9706eceeb602a5c4".into(),
            restarts: 0,
            environment: vec![(
                "ECS_CONTAINER_METADATA_URI_V4",
                "http://169.254.170.2/v4/08756f62-3ff8-4d64-aacb-1c449a13238c".into(),
            )],
            storage: storage(
                "/var/lib/docker/overlay2/78d3e2eddcb83b2665c6f5cdf01746a203a472857b19e663ef426f115c32cbc6/diff",
                "bf53c328fc87d765ab5eedf855fe361134a8aa8264fd7b6610d627b748e6961f",
            ),
        };
        assert_eq!(all[2], expected);
        let names: Vec<_> = all.iter().map(|known| &*known.name).collect();
        let others =
            ["ecs-web-7-sidecar-c2e4ff88b1abc995e901", "ecs-batch-3-job-acbf85feebb4bdee7f00"];
        assert_eq!(names[..2], others);
    }

    #[test]
    fn reads_ports_and_addresses() {
        let json = br#"{"Id":"a","HostConfig":{"NetworkMode":"mine"},"NetworkSettings":{
            "Ports":{"80/tcp":[{"HostIp":"0.0.0.0","HostPort":"32768"},{"HostIp":"::","HostPort":"32768"}],
                "53/udp":[{"HostIp":"127.0.0.1","HostPort":"53"}],"81/tcp":null,"82/tcp":[],
                "80/ip":null,"http/tcp":null,"99999/tcp":null,"83/tcp":[{"HostIp":7,"HostPort":null}]},
            "Networks":{"b":{"IPAddress":"172.18.0.2","GlobalIPv6Address":"fd00::2"},
                "a":{"IPAddress":"","GlobalIPv6Address":null},"c":null}}}"#;
        let port = |container, host| Port { container, host, ..Port::default() };
        let known = parse_one(json).unwrap();
        let expected = [
            Port {
                protocol: Protocol::Udp,
                address: Some([127, 0, 0, 1].into()),
                ..port(53, Some(53))
            },
            port(80, Some(32768)),
            port(81, None),
            port(82, None),
            port(83, None),
        ];
        assert_eq!(known.ports, expected);
        let addresses = ["172.18.0.2", "fd00::2"].map(|a| a.parse().unwrap());
        assert_eq!((&*known.network_mode, &*known.addresses), ("mine", &addresses[..]));
    }

    #[test]
    fn reads_what_nobody_has_ever_heard_of() {
        let json = r#"{"Id":"a","Name":"/x","Created":17,"RestartCount":"many","New":{"a":[1]},
            "State":{"Status":"levitating","Pid":-4,"Health":{"Status":"sleepy"}},
            "Config":{"Labels":{"a":"1","b":null,"c":{"d":1}},"Env":["A",null,7]},
            "HostConfig":{"CpuShares":1e3,"NetworkMode":null},"NetworkSettings":{"Ports":null}}"#;
        let empty = || Box::<str>::default();
        let expected = Known {
            id: "a".into(),
            name: "x".into(),
            labels: [("a".into(), "1".into()), ("b".into(), empty()), ("c".into(), empty())].into(),
            ..Known::default()
        };
        assert_eq!(parse_one(json.as_bytes()), Ok(expected));
        for nothing in ["{}", r#"{"State":null,"Config":null,"HostConfig":null}"#] {
            assert_eq!(parse_one(nothing.as_bytes()), Ok(Known::default()));
        }
        assert!(parse_one(b"7").is_err());
        assert!(parse_one(b"{\"Id\":\"a\"").is_err());
    }

    #[test]
    fn keeps_no_secret_of_the_environment() {
        let json = br#"{"Id":"a","Config":{"Env":["PASSWORD=hunter2","ECS_CONTAINER_METADATA_URI_V4_X=hunter2",
            "APPMESH_RESOURCE_ARN=arn:aws:ecs:r:1:task-set/c/s/ecs-svc/1","hunter2"],"Cmd":["--token=hunter2"]}}"#;
        let known = parse_one(json).unwrap();
        let arn = "arn:aws:ecs:r:1:task-set/c/s/ecs-svc/1".into();
        assert_eq!(known.environment, [("APPMESH_RESOURCE_ARN", arn)]);
        assert!(!format!("{known:?}").contains("hunter2"));
        let odd = parse_one(br#"{"Config":{"Env":"PASSWORD=hunter2"}}"#).unwrap_err();
        assert!(!format!("{odd} {odd:?}").contains("hunter2"));
    }
}
