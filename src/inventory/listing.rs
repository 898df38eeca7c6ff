//! Tasks and containers as people want to see them: by task, each with what either source says.

use std::collections::{BTreeMap, BTreeSet};

use super::Inventory;
use super::agent::{Status, short_arn};
use super::docker::{Health, State};

/// All tasks and containers that have not ended.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Listing<'a> {
    /// In the order of their families, revisions and ARNs.
    pub tasks: Vec<ListedTask<'a>>,
    /// The containers of no task.
    pub others: Vec<ListedContainer<'a>>,
    /// How many containers ended and are left out, a count.
    pub ended: usize,
}

/// A task.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedTask<'a> {
    /// Its ARN.
    pub arn: &'a str,
    /// The cluster, by name or ARN; empty if nobody says.
    pub cluster: &'a str,
    /// The service it is of; empty if nobody says.
    pub service: &'a str,
    /// Family of its task definition.
    pub family: &'a str,
    /// Revision of its task definition.
    pub revision: &'a str,
    /// How far it is. `None` where the agent does not say.
    pub status: Option<Status>,
    /// What ECS wants of it. `None` where the agent does not say.
    pub desired: Option<Status>,
    /// Its containers, in the order of their names, those that ended among them.
    pub containers: Vec<ListedContainer<'a>>,
}

/// A container.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct ListedContainer<'a> {
    /// Docker's id of it.
    pub id: &'a str,
    /// Its name in the task definition, or else that of Docker.
    pub name: &'a str,
    /// The image as it was asked for.
    pub image: &'a str,
    /// How far it is. `None` where Docker does not say.
    pub state: Option<State>,
    /// What its health check says. `None` without a check.
    pub health: Option<Health>,
    /// When it was last started, in seconds since 1970. `None` before that.
    pub started: Option<f64>,
    /// How often it was restarted, a count.
    pub restarts: u64,
}

impl ListedContainer<'_> {
    fn ended(&self) -> bool {
        self.state.is_some_and(State::ended)
    }
}

impl Inventory {
    /// The tasks and containers, for people.
    pub fn listing(&self) -> Listing<'_> {
        let mut tasks: BTreeMap<&str, ListedTask<'_>> = BTreeMap::new();
        let agent = self.agent().into_iter();
        for task in agent.flat_map(|answer| answer.tasks.iter().filter(|task| !task.stopped())) {
            let listed = tasks.entry(&task.arn).or_default();
            (listed.arn, listed.family, listed.revision) = (&task.arn, &task.family, &task.version);
            listed.cluster = self.agent().map_or("", |answer| &answer.metadata.cluster);
            (listed.status, listed.desired) = (task.known, task.desired);
        }
        let told = self.told.iter().filter_map(|at| self.at(*at));
        let told = told.filter(|(task, _)| !task.stopped());
        let ids: BTreeSet<&str> = told
            .map(|(_, container)| &*container.id)
            .chain(self.containers().map(|known| &*known.id))
            .collect();
        let mut others = Vec::new();
        for id in ids {
            let (container, [cluster, _, arn, family, revision]) = self.listed(id);
            if arn.is_empty() {
                others.push(container);
                continue;
            }
            let task = tasks.entry(arn).or_default();
            (task.arn, task.cluster, task.family, task.revision) = (arn, cluster, family, revision);
            task.containers.push(container);
        }
        let mut ended = 0;
        let mut gone = |containers: &[ListedContainer<'_>]| {
            let gone = !containers.is_empty() && containers.iter().all(ListedContainer::ended);
            ended += if gone { containers.len() } else { 0 };
            gone
        };
        let mut tasks: Vec<_> = tasks.into_values().collect();
        tasks.retain(|task| !gone(&task.containers));
        others.retain(|other| !gone(std::slice::from_ref(other)));
        // Revisions are numbers.
        tasks.sort_by_key(|task| (task.family, task.revision.parse::<u64>().ok(), task.arn));
        for task in &mut tasks {
            task.service = self.service(short_arn(task.arn));
            task.containers
                .sort_by_key(|container| (container.name, container.id));
        }
        others.sort_by_key(|container| (container.name, container.id));
        Listing { tasks, others, ended }
    }

    /// A container that either source knows, and the values of its labels of ECS.
    fn listed<'a>(&'a self, id: &'a str) -> (ListedContainer<'a>, [&'a str; 5]) {
        let (row, about) = self.describe_container("", id);
        let docker = self.container(id);
        let [_, container, ..] = row.ecs;
        let listed = ListedContainer {
            id,
            name: if container.is_empty() { row.name } else { container },
            image: row.image,
            state: docker.map(|known| known.state),
            health: docker.and_then(|known| known.health),
            started: about.started,
            restarts: docker.map_or(0, |known| known.restarts).max(
                self.told(id)
                    .and_then(|(_, container)| container.restarts)
                    .unwrap_or_default(),
            ),
        };
        (listed, row.ecs)
    }
}

impl ListedTask<'_> {
    /// Its id, the last part of its ARN.
    pub fn id(&self) -> &str {
        short_arn(self.arn)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::Labels;
    use crate::inventory::agent::{Answer, parse_metadata, parse_tasks};
    use crate::inventory::docker::{Known, parse_inspect};

    fn docker() -> Vec<Known> {
        let json = include_bytes!("../../fixtures/ecs-agent-cgroup2/docker/inspect.json");
        parse_inspect(json).unwrap()
    }

    fn agent() -> Answer {
        let metadata = include_bytes!("../../fixtures/ecs-agent-cgroup2/agent/metadata.json");
        let tasks = include_bytes!("../../fixtures/ecs-agent-cgroup2/agent/tasks.json");
        Answer { metadata: parse_metadata(metadata).unwrap(), tasks: parse_tasks(tasks).unwrap() }
    }

    /// Families with their containers, then the containers of no task, and how many ended.
    fn listed(docker: Vec<Known>, agent: Option<Answer>) -> (Vec<String>, Vec<String>, usize) {
        let inventory = Inventory::of(docker, agent, &Labels::default());
        let Listing { tasks, others, ended } = inventory.listing();
        let names = |containers: &[ListedContainer<'_>]| {
            let names: Vec<_> = containers.iter().map(|container| container.name).collect();
            names.join(" ")
        };
        let task = |task: &ListedTask<'_>| {
            let ListedTask { cluster, family, revision, containers, .. } = task;
            format!("{cluster} {family}:{revision} {}", names(containers))
        };
        (tasks.iter().map(task).collect(), others.iter().map(|o| o.name.into()).collect(), ended)
    }

    fn both() -> Vec<String> {
        ["tb-cluster batch:3 job", "tb-cluster web:7 app sidecar"]
            .map(String::from)
            .into()
    }

    #[test]
    fn either_source_alone_tells_of_tasks() {
        for (docker, agent) in
            [(docker(), Some(agent())), (docker(), None), (vec![], Some(agent()))]
        {
            assert_eq!(listed(docker, agent), (both(), vec![], 0));
        }
    }

    #[test]
    fn what_ended_is_counted_and_left_out_but_in_a_task_that_runs() {
        let mut docker = docker();
        for known in &mut docker {
            if known.name.contains("job") || known.name.contains("sidecar") {
                known.state = State::Exited;
            }
        }
        let plain = |name: &str, state| Known {
            id: name.into(),
            name: name.into(),
            state,
            ..Known::default()
        };
        docker.extend([plain("tool", State::Running), plain("old", State::Dead)]);
        let running: Vec<_> = both().into_iter().skip(1).collect();
        assert_eq!(listed(docker, None), (running, vec!["tool".into()], 2));
    }
}
