//! What a target is labelled with: what service discovery calls `__meta_ecs_*`, in the spelling of
//! Prometheus and in that of ecsobserver, and the plain labels of older tools.

use super::asked::Asked;
use super::place::Place;
use super::subject::Subject;
use super::{Labels, Settings, Target};
use crate::inventory::Inventory;
use crate::inventory::agent::short_arn;

/// Plain labels of a tool whose place this takes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Preset {
    /// Those of 3h4x/prometheus-ecs-sd.
    EcsSd,
    /// Those of teralytics/prometheus-ecs-discovery.
    Teralytics,
    /// Those of the reloader of AWS Cloud Map.
    CloudMap,
    /// Those that the configurations of ADOT and the CloudWatch agent make.
    Adot,
}

impl Preset {
    /// By its name on the command line.
    pub fn of(name: &str) -> Option<Self> {
        match name {
            "3h4x" => Some(Self::EcsSd),
            "teralytics" => Some(Self::Teralytics),
            "cloudmap" => Some(Self::CloudMap),
            "adot" => Some(Self::Adot),
            _ => None,
        }
    }
}

/// Docker's labels that say again what other labels of a target say.
const OF_ECS: &str = "com.amazonaws.ecs.";

/// A target, and what is known of it. Empty what is not known.
struct Facts<'a> {
    subject: &'a Subject<'a>,
    asked: &'a Asked,
    place: &'a Place,
    settings: &'a Settings,
    address: String,
    cluster: &'a str,
    cluster_arn: String,
    service_arn: String,
    task_definition: String,
    group: String,
    region: &'a str,
    zone: &'a str,
    vpc: &'a str,
    launch_type: &'a str,
    container_arn: &'a str,
    container_instance: &'a str,
}

impl<'a> Facts<'a> {
    fn new(
        inventory: &'a Inventory,
        subject: &'a Subject<'a>,
        (asked, place): (&'a Asked, &'a Place),
        settings: &'a Settings,
    ) -> Self {
        let who = subject.who;
        let cluster = short_arn(who.cluster);
        let told = inventory.endpoint(subject.task);
        let text = |text: Option<&'a Box<str>>| text.map_or("", |text| text);
        let container = told.and_then(|task| task.containers.iter().find(|c| *c.id == *subject.id));
        // `arn:aws:ecs:eu-west-1:111122223333:task/cluster/id`: what is before the task is the account.
        let account = who.task.split_once(":task/").map(|(account, _)| account);
        let arn = |name: &str, end: String| match account {
            Some(account) if !name.is_empty() => format!("{account}:{end}"),
            _ => String::new(),
        };
        let service = subject.service;
        let definition = format!("task-definition/{}:{}", who.family, who.revision);
        Self {
            address: place.address(),
            cluster,
            cluster_arn: arn(cluster, format!("cluster/{cluster}")),
            service_arn: arn(service, format!("service/{cluster}/{service}")),
            task_definition: arn(who.family, definition),
            group: if service.is_empty() { String::new() } else { format!("service:{service}") },
            region: who.task.split(':').nth(3).unwrap_or_default(),
            zone: text(told.map(|task| &task.availability_zone)),
            vpc: text(told.map(|task| &task.vpc)),
            launch_type: text(told.map(|task| &task.launch_type)),
            container_arn: text(container.map(|container| &container.arn)),
            container_instance: text(inventory.agent().map(|answer| &answer.metadata.instance)),
            subject,
            asked,
            place,
            settings,
        }
    }

    /// What service discovery says of ECS, in both spellings.
    fn meta(&self, labels: &mut Labels) {
        let Self { subject, asked, place, .. } = self;
        let (who, instance) = (subject.who, &self.settings.instance);
        let port = place.container.to_string();
        let image = subject.known.map_or("", |known| &known.image_id);
        for (name, value) in [
            ("cluster", self.cluster),
            ("cluster_name", self.cluster),
            ("cluster_arn", &self.cluster_arn),
            ("service", subject.service),
            ("service_name", subject.service),
            ("service_arn", &self.service_arn),
            ("source", who.task),
            ("task_arn", who.task),
            ("task_id", subject.task),
            ("task_group", &self.group),
            ("task_definition", &self.task_definition),
            ("task_definition_family", who.family),
            ("task_definition_revision", who.revision),
            ("launch_type", self.launch_type),
            ("task_launch_type", self.launch_type),
            ("last_status", "RUNNING"),
            ("health_status", subject.health()),
            ("network_mode", subject.mode),
            ("ip_address", &place.host),
            ("region", self.region),
            ("availability_zone", self.zone),
            ("container_instance_arn", self.container_instance),
            ("container_name", who.container),
            ("container_port", &port),
            ("container_id", subject.id),
            ("container_arn", self.container_arn),
            ("container_image", who.image),
            ("container_image_id", image),
            ("docker_name", who.name),
            ("ec2_instance_id", &instance.id),
            ("ec2_instance_type", &instance.kind),
            ("ec2_vpc_id", self.vpc),
            ("scrape_interval", &asked.interval),
            ("server_name", &asked.server_name),
        ] {
            add(labels, &format!("__meta_ecs_{name}"), value);
        }
        for (key, value) in subject.known.iter().flat_map(|known| &known.labels) {
            if !key.starts_with(OF_ECS) {
                let name: String = key.chars().map(|c| if word(c) { c } else { '_' }).collect();
                add(labels, &format!("__meta_ecs_container_labels_{name}"), value);
            }
        }
    }

    /// The labels of an older tool.
    fn plain(&self, preset: Preset, labels: &mut Labels) {
        let Self { subject, asked, address, cluster, .. } = self;
        let (who, instance) = (subject.who, &self.settings.instance);
        let pairs: &[(&str, &str)] = match preset {
            Preset::EcsSd if asked.bare => &[("instance", who.family), ("job", who.family)],
            Preset::EcsSd => &[
                ("instance", address),
                ("job", who.family),
                ("metrics_path", &asked.path),
                ("ecs_task_id", subject.task),
                ("ecs_task_version", who.revision),
                ("ecs_container_id", short_arn(self.container_arn)),
                ("ecs_cluster", cluster),
                ("instance_id", &instance.id),
            ],
            Preset::Teralytics => &[
                ("task_arn", who.task),
                ("task_name", who.family),
                ("task_revision", who.revision),
                ("task_group", &self.group),
                ("cluster_arn", &self.cluster_arn),
                ("container_name", who.container),
                ("container_arn", self.container_arn),
                ("docker_image", who.image),
            ],
            Preset::CloudMap => &[
                ("cluster", cluster),
                ("service", subject.service),
                ("taskdefinition", who.family),
                ("taskid", subject.task),
                ("instance", &self.place.host),
            ],
            Preset::Adot => &[
                ("ClusterName", cluster),
                ("ServiceName", subject.service),
                ("TaskDefinitionFamily", who.family),
                ("TaskRevision", who.revision),
                ("TaskGroup", &self.group),
                ("TaskId", subject.task),
                ("LaunchType", self.launch_type),
                ("container_name", who.container),
                ("InstanceType", &instance.kind),
                ("VpcId", self.vpc),
            ],
        };
        for (name, value) in pairs {
            add(labels, name, value);
        }
    }
}

/// The target that a container asks for, and its labels.
pub(super) fn target(
    inventory: &Inventory,
    subject: &Subject<'_>,
    asked: Asked,
    place: &Place,
    settings: &Settings,
) -> (Target, Labels) {
    let facts = Facts::new(inventory, subject, (&asked, place), settings);
    let mut labels = Labels::new();
    facts.meta(&mut labels);
    if let Some(preset) = settings.preset {
        facts.plain(preset, &mut labels);
    }
    add(&mut labels, "__metrics_path__", &asked.path);
    add(&mut labels, "__scheme__", asked.scheme);
    add(&mut labels, "job", &asked.job);
    let target = Target {
        address: facts.address,
        path: asked.path,
        scheme: asked.scheme,
        job: asked.job,
        container: subject.id.into(),
    };
    (target, labels)
}

/// An empty label is as good as none.
fn add(labels: &mut Labels, name: &str, value: &str) {
    if !value.is_empty() {
        labels.insert(name.into(), value.into());
    }
}

fn word(c: char) -> bool {
    c.is_ascii_alphanumeric() || c == '_'
}
