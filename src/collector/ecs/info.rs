//! Who is who, for joins: the container instance, its tasks and their containers, each with every
//! attribute that anybody tells.

use std::collections::BTreeSet;
use std::net::IpAddr;

use super::tasks::{self, Member, Task};
use super::{TASK, words};
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, LabelBlock, Text, Whole, gauge, info};
use crate::files::{Result, Roots};
use crate::inventory::{Identity, Inventory, endpoint};

static INSTANCE: Family<6> = info("ecs_container_instance_info")
    .help("The container instance and its agent.")
    .labels([
        "aws_ecs_cluster_name",
        "aws_ecs_container_instance_arn",
        "cloud_region",
        "cloud_account_id",
        "cloud_availability_zone",
        "agent_version",
    ]);

static TASKS: Family<9> = info("ecs_task_info")
    .help("A task: what its other families do not say, to be joined by aws_ecs_task_id.")
    .labels([
        "aws_ecs_task_arn",
        "aws_ecs_task_known_status",
        "aws_ecs_launchtype",
        "network_mode",
        "addresses",
        "cloud_region",
        "cloud_account_id",
        "cloud_availability_zone",
        "aws_vpc_id",
    ]);

static CONTAINERS: Family<8> = info("ecs_container_info")
    .help("A container of a task: what its other families do not say, to be joined by aws_ecs_task_id and container_name.")
    .labels([
        "container_id",
        "aws_ecs_docker_name",
        "container_image_name",
        "container_image_tag",
        "aws_ecs_container_image_id",
        "network_mode",
        "addresses",
        "aws_ecs_task_arn",
    ]);

static PULL_STARTED: Family<0> = gauge("ecs_task_image_pull_started_timestamp_seconds")
    .help("When the first image of the task began to be pulled, in seconds since 1970.")
    .labels([]);

static PULL_STOPPED: Family<0> = gauge("ecs_task_image_pull_stopped_timestamp_seconds")
    .help("When the last image of the task was pulled, in seconds since 1970.")
    .labels([]);

static PULL: Family<0> = gauge("ecs_task_image_pull_seconds")
    .help("Seconds that pulling the task's images took.")
    .labels([]);

/// Collects who is who.
pub struct Info {
    /// Of which look at the tasks the rows are.
    version: u64,
    rows: Rows,
}

#[derive(Default)]
struct Rows {
    tasks: Vec<LabelBlock>,
    /// When the images of each task began to be pulled, and when that was done.
    pulls: Vec<(LabelBlock, [Option<f64>; 2])>,
    containers: Vec<LabelBlock>,
}

impl Collector for Info {
    const NAME: &'static str = "ecs.info";
    const ABOUT: &'static str = "Who is who: the container instance, its tasks and containers.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/run/docker.sock"), Need::Network("the ECS agent")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [
            INSTANCE.descriptor(),
            TASKS.descriptor(),
            CONTAINERS.descriptor(),
            PULL_STARTED.descriptor(),
            PULL_STOPPED.descriptor(),
            PULL.descriptor(),
        ]
        .into_iter()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self { version: 0, rows: Rows::default() })
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let Self { version, rows } = self;
        tasks::with(host, |tasks, host| {
            let inventory = &host.inventory;
            if *version != tasks.version() {
                *version = tasks.version();
                rows.fill(tasks.list(), inventory);
            }
            if let Some(agent) = inventory.agent() {
                let agent = &agent.metadata;
                let (region, account) = words::place(&agent.instance);
                let mut ends = tasks.list().iter().map(|t| inventory.endpoint(&t.id));
                let zone = ends.find_map(|told| told.filter(|t| !t.availability_zone.is_empty()));
                let values = [
                    inventory.cluster(),
                    &agent.instance,
                    region,
                    account,
                    zone.map_or("", |told| &told.availability_zone),
                    words::version(&agent.version),
                ];
                text.family(&INSTANCE).sample(values.map(Some), 1_u64);
            }
            let mut family = text.family(&TASKS);
            for labels in &rows.tasks {
                family.sample(Whole(labels), 1_u64);
            }
            let mut family = text.family(&CONTAINERS);
            for labels in &rows.containers {
                family.sample(Whole(labels), 1_u64);
            }
            let pulls = || rows.pulls.iter().map(|(labels, pull)| (labels, *pull));
            let mut family = text.family(&PULL_STARTED);
            for (labels, [started, _]) in pulls() {
                if let Some(started) = started {
                    family.sample(labels, started);
                }
            }
            let mut family = text.family(&PULL_STOPPED);
            for (labels, [_, stopped]) in pulls() {
                if let Some(stopped) = stopped {
                    family.sample(labels, stopped);
                }
            }
            let mut family = text.family(&PULL);
            for (labels, [started, stopped]) in pulls() {
                if let Some((started, stopped)) = started.zip(stopped) {
                    family.sample(labels, (stopped - started).max(0.0));
                }
            }
            Ok(())
        })
    }
}

impl Rows {
    fn fill(&mut self, tasks: &[Task], inventory: &Inventory) {
        self.tasks.clear();
        self.pulls.clear();
        self.containers.clear();
        for task in tasks.iter().filter(|task| task.reserves()) {
            let names = tasks::names(inventory, &task.id);
            let arn = inventory.task_names(&task.id).map_or("", |names| names.arn);
            let nothing = endpoint::Task::default();
            let told = inventory.endpoint(&task.id).unwrap_or(&nothing);
            let known = task.status.and_then(|status| status.known);
            let (region, account) = words::place(arn);
            let mut modes = task.members.iter().filter(|member| member.defined());
            let mode = modes
                .next()
                .map_or("", |member| inventory.network_mode(&member.id));
            let addresses = addresses(task, inventory);
            let values = [
                arn,
                super::instance::word(known),
                &told.launch_type,
                mode,
                &addresses,
                region,
                account,
                &told.availability_zone,
                &told.vpc,
            ];
            let pairs = || TASK.into_iter().zip(names);
            let whole = pairs().chain(TASKS.labels.into_iter().zip(values));
            self.tasks.push(LabelBlock::new(whole));
            let pull = [told.pull_started, told.pull_stopped];
            self.pulls.push((LabelBlock::new(pairs()), pull));
            for member in task.members.iter().filter(|member| member.defined()) {
                let addresses = list(inventory.addresses(&member.id).iter());
                let values = of_container(member, &addresses, arn, inventory);
                let pairs = pairs().chain([("container_name", &*member.name)]);
                let whole = pairs.chain(CONTAINERS.labels.into_iter().zip(values));
                self.containers.push(LabelBlock::new(whole));
            }
        }
    }
}

/// The values of [`CONTAINERS`].
fn of_container<'a>(
    member: &'a Member,
    addresses: &'a str,
    arn: &'a str,
    inventory: &'a Inventory,
) -> [&'a str; 8] {
    let Identity { name, image, image_id, .. } = inventory.identity(&member.id);
    let (image, tag) = words::image(image);
    let mode = inventory.network_mode(&member.id);
    [&member.id, name, image, tag, image_id, mode, addresses, arn]
}

/// The addresses of a task's containers, each once.
fn addresses(task: &Task, inventory: &Inventory) -> String {
    let each = task
        .members
        .iter()
        .flat_map(|member| inventory.addresses(&member.id));
    list(each.collect::<BTreeSet<_>>().into_iter())
}

fn list<'a>(addresses: impl Iterator<Item = &'a IpAddr>) -> String {
    let mut list = String::new();
    for address in addresses {
        if !list.is_empty() {
            list.push(',');
        }
        list.push_str(&address.to_string());
    }
    list
}
