//! A container that runs, as all that is known of it together.

use std::net::IpAddr;

use crate::inventory::agent::Status;
use crate::inventory::docker::{Health, Known, State};
use crate::inventory::{Identity, Inventory, Port};

/// A container that runs.
#[derive(Clone, Copy, Debug)]
pub(super) struct Subject<'a> {
    /// Docker's id of it.
    pub(super) id: &'a str,
    /// What Docker says of it. `None` where only the agent knows it.
    pub(super) known: Option<&'a Known>,
    /// Who it is.
    pub(super) who: Identity<'a>,
    /// The id of its task; empty for one of none.
    pub(super) task: &'a str,
    /// The service of its task; empty where it is not known.
    pub(super) service: &'a str,
    /// `bridge`, `awsvpc`, `host` or `none`; empty where it is not known.
    pub(super) mode: &'static str,
    /// Its ports.
    pub(super) ports: &'a [Port],
    /// Its addresses.
    pub(super) addresses: &'a [IpAddr],
}

impl<'a> Subject<'a> {
    fn new(inventory: &'a Inventory, id: &'a str, known: Option<&'a Known>) -> Self {
        let who = inventory.identity(id);
        let task = crate::inventory::agent::short_arn(who.task);
        Self {
            id,
            known,
            who,
            task,
            service: inventory.service(task),
            mode: inventory.network_mode(id),
            ports: inventory.ports(id),
            addresses: inventory.addresses(id),
        }
    }

    /// The value of a label of Docker.
    pub(super) fn label(&self, key: &str) -> Option<&'a str> {
        self.known?.label(key)
    }

    /// The value of a variable of its environment, of the few that are known.
    pub(super) fn variable(&self, key: &str) -> Option<&'a str> {
        self.known?.variable(key)
    }

    /// Its health by ECS' names.
    pub(super) fn health(&self) -> &'static str {
        match self.known.and_then(|known| known.health) {
            Some(Health::Healthy) => "HEALTHY",
            Some(Health::Unhealthy) => "UNHEALTHY",
            Some(Health::Starting) | None => "UNKNOWN",
        }
    }
}

/// All containers that run, without those of ECS' own.
pub(super) fn all(inventory: &Inventory) -> impl Iterator<Item = Subject<'_>> {
    let docker = inventory
        .containers()
        .filter(|known| known.state == State::Running)
        .map(|known| Subject::new(inventory, &known.id, Some(known)));
    let tasks = inventory
        .agent()
        .into_iter()
        .flat_map(|answer| &answer.tasks);
    let agent = tasks
        .filter(|task| task.known == Some(Status::Running))
        .flat_map(|task| &task.containers)
        .filter(|container| inventory.container(&container.id).is_none())
        .map(|container| Subject::new(inventory, &container.id, None));
    let internal = |subject: &Subject<'_>| subject.who.container.starts_with("~internal~");
    docker
        .chain(agent)
        .filter(move |subject| !internal(subject))
}
