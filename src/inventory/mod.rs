//! Who is who: what Docker and the ECS agent say of the containers on this host.
//!
//! Both are asked in the background, and never because a scrape waits: a scrape takes the inventory
//! that there is. It tells what it saw, and the answers serve the next one.

pub mod agent;
mod ask;
mod date;
mod demand;
mod desk;
pub mod docker;
pub mod endpoint;
mod handle;
mod labels;
mod lenient;
mod listing;
mod names;
mod network;
mod record;
mod service;
mod source;
mod told;

use std::collections::BTreeMap;
use std::sync::Arc;

pub use ask::Trouble;
pub use handle::{Handle, Settings, start, start_telling};
pub use labels::{Labels, NAMES};
pub use lenient::Malformed;
pub use listing::{ListedContainer, ListedTask, Listing};
pub use names::{Identity, TaskNames};
pub use network::{Port, Protocol};
pub use service::Service;
pub use source::{Errors, Latency, Source};
pub use told::{Happening, Listen, Listener, Told, What, Who};

use agent::{Answer, Task, short_arn};
use desk::Endpoints;
use docker::Known;
use labels::{ECS, Shown};

/// The last good answers, joined.
#[derive(Debug, Default, PartialEq)]
pub struct Inventory {
    /// In the order of their ids.
    containers: Vec<Arc<Known>>,
    agent: Option<Arc<Answer>>,
    /// Where the agent's containers are in its answer: the task, and the container in it. In the
    /// order of their ids.
    told: Vec<(usize, usize)>,
    /// What is known of each task, by its id: the values of [`ECS`].
    tasks: BTreeMap<Box<str>, [Box<str>; 5]>,
    /// What the tasks' own metadata endpoints said, by the tasks' ids.
    endpoints: Endpoints,
    /// The tasks' services, where a label of their containers names them.
    services: BTreeMap<Box<str>, Box<str>>,
    /// Whether tasks' endpoints are asked for their services.
    asks: bool,
    /// Whether there is neither Docker nor an agent to tell anything.
    alone: bool,
    shown: Shown,
}

impl Inventory {
    /// Joins what Docker says with what the agent says.
    pub fn of(
        containers: impl IntoIterator<Item = Known>,
        agent: Option<Answer>,
        labels: &Labels,
    ) -> Self {
        let mut containers: Vec<_> = containers.into_iter().map(Arc::new).collect();
        containers.sort_by(|a, b| a.id.cmp(&b.id));
        let settings = (labels, &Service::Off);
        Self::join(containers, agent.map(Arc::new), Endpoints::new(), settings)
    }

    /// The same, where the metadata endpoints of tasks, by their ids, said this.
    #[must_use]
    pub fn with_endpoints(
        mut self,
        tasks: impl IntoIterator<Item = (Box<str>, endpoint::Task)>,
    ) -> Self {
        let tasks = tasks.into_iter().map(|(id, task)| (id, Arc::new(task)));
        self.endpoints.extend(tasks);
        self
    }

    /// As [`of`](Self::of), of containers in the order of their ids.
    fn join(
        containers: Vec<Arc<Known>>,
        agent: Option<Arc<Answer>>,
        endpoints: Endpoints,
        (labels, service): (&Labels, &Service),
    ) -> Self {
        let shown = labels.shown(containers.iter().map(|known| &known.labels));
        let services = service.named(&containers);
        let mut inventory =
            Self { containers, agent, endpoints, services, shown, ..Self::default() };
        inventory.asks = *service == Service::Metadata;
        inventory.told = inventory.find_told();
        inventory.tasks = inventory.find_tasks();
        inventory
    }

    /// The same, where there may be neither Docker nor an agent.
    fn where_alone(self, alone: bool) -> Self {
        Self { alone, ..self }
    }

    /// What Docker says of the containers, in the order of their ids.
    pub fn containers(&self) -> impl ExactSizeIterator<Item = &Known> {
        self.containers.iter().map(|known| &**known)
    }

    /// What Docker says of a container.
    pub fn container(&self, id: &str) -> Option<&Known> {
        let at = self
            .containers
            .binary_search_by(|known| (*known.id).cmp(id))
            .ok()?;
        self.containers.get(at).map(|known| &**known)
    }

    /// What the agent said last.
    pub fn agent(&self) -> Option<&Answer> {
        self.agent.as_deref()
    }

    /// The cluster of the host's container instance, by its name; empty where nobody says.
    pub fn cluster(&self) -> &str {
        let told = self.agent().map(|answer| &*answer.metadata.cluster);
        let of_task = || self.tasks.values().map(|[cluster, ..]| &**cluster).next();
        short_arn(told.or_else(of_task).unwrap_or_default())
    }

    /// What the metadata endpoint of a task said. `None` where it was not asked, or has not answered.
    pub fn endpoint(&self, task: &str) -> Option<&endpoint::Task> {
        self.endpoints.get(task).map(|told| &**told)
    }

    /// The service that a task is of; empty where it is of none, or nobody says.
    pub fn service(&self, task: &str) -> &str {
        let told = || self.endpoint(task).map(|told| &told.service);
        self.services
            .get(task)
            .or_else(told)
            .map_or("", |name| name)
    }

    /// Whether the service of a task may still become known, for its endpoint has not answered yet.
    pub fn service_may_come(&self, task: &str) -> bool {
        self.asks && self.endpoint(task).is_none()
    }

    fn find_told(&self) -> Vec<(usize, usize)> {
        let tasks = self.agent().map_or(&[][..], |answer| &answer.tasks);
        let mut told: Vec<_> = tasks
            .iter()
            .enumerate()
            .flat_map(|(task, of)| (0..of.containers.len()).map(move |at| (task, at)))
            .collect();
        told.sort_by_key(|at| self.at(*at).map(|(_, container)| &*container.id));
        told
    }

    fn at(&self, (task, container): (usize, usize)) -> Option<(&Task, &agent::Container)> {
        let task = self.agent()?.tasks.get(task)?;
        Some((task, task.containers.get(container)?))
    }

    /// What the agent says of a container.
    fn told(&self, id: &str) -> Option<(&Task, &agent::Container)> {
        let place = self.told.binary_search_by(|at| {
            self.at(*at)
                .map(|(_, container)| &*container.id)
                .cmp(&Some(id))
        });
        self.at(*self.told.get(place.ok()?)?)
    }

    /// What is known of the tasks: from the agent, and from their containers' labels, which win.
    fn find_tasks(&self) -> BTreeMap<Box<str>, [Box<str>; 5]> {
        let told = self.agent().into_iter().flat_map(|answer| {
            answer.tasks.iter().map(|task| {
                let cluster = &*answer.metadata.cluster;
                [cluster, "", &task.arn, &task.family, &task.version]
            })
        });
        let labelled = self.containers().filter_map(|known| {
            let [cluster, _, task, family, version] =
                ECS.map(|key| known.label(key).unwrap_or_default());
            (!task.is_empty()).then_some([cluster, "", task, family, version])
        });
        told.chain(labelled)
            .map(|values| {
                let [_, _, arn, ..] = values;
                (short_arn(arn).into(), values.map(Into::into))
            })
            .collect()
    }

    fn task(&self, id: &str) -> Option<[&str; 5]> {
        let values = self.tasks.get(id)?;
        Some(values.each_ref().map(|value| &**value))
    }
}
