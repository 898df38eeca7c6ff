//! What Docker and the agent tell, as it comes: for who counts what happens, which an inventory, that
//! says how things are, cannot tell.

use std::collections::HashSet;
use std::fmt;

use super::agent::Answer;
use super::docker::{Health, Known};

/// Something that was told.
#[derive(Clone, Copy, Debug)]
pub enum Told<'a> {
    /// There is a connection to Docker: each event since this time, in seconds since 1970, will be told.
    Connected(f64),
    /// Docker has these containers, and no others.
    Listed(&'a HashSet<&'a str>),
    /// How a container is.
    Looked(&'a Known),
    /// Something happened to a container.
    Happened(&'a Happening),
    /// What the agent says.
    Agent(&'a Answer),
}

/// Something that happened to a container.
#[derive(Clone, Debug, PartialEq)]
pub struct Happening {
    /// The container's id.
    pub id: Box<str>,
    /// When, in seconds since 1970.
    pub at: f64,
    /// What.
    pub what: What,
    /// Who it is, by the labels of ECS. `None` of one that is not of ECS.
    pub who: Option<Who>,
}

/// What may happen to a container, as far as it is counted.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum What {
    /// It was started.
    Started,
    /// It ended, with this code. `None` where Docker did not say.
    Ended(Option<i64>),
    /// Its health check came to this opinion.
    Health(Health),
    /// It was removed.
    Removed,
}

/// Who a container of ECS is.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Who {
    /// The cluster, by its name.
    pub cluster: Box<str>,
    /// The id of its task, the last part of the ARN.
    pub task: Box<str>,
    /// Family of the task's definition.
    pub family: Box<str>,
    /// Its name in the task's definition.
    pub container: Box<str>,
}

/// What is done with what is told.
pub type Listen = Box<dyn Fn(Told<'_>) + Send + Sync>;

/// Is told of everything, in the order in which it came. `None` where nobody listens.
pub struct Listener(pub Option<Listen>);

impl Listener {
    /// Tells it.
    pub(super) fn tell(&self, told: Told<'_>) {
        if let Some(listen) = &self.0 {
            listen(told);
        }
    }

    /// Whether anybody listens.
    pub(super) fn listens(&self) -> bool {
        self.0.is_some()
    }
}

impl fmt::Debug for Listener {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.debug_tuple("Listener").field(&self.0.is_some()).finish()
    }
}

impl Who {
    /// By the labels of ECS, if it has any.
    pub(super) fn of<'a>(label: impl Fn(&str) -> Option<&'a str>) -> Option<Self> {
        let [cluster, container, task, family, _] = super::labels::ECS.map(label);
        if task.is_none() && family.is_none() {
            return None;
        }
        let kept = |value: Option<&str>| super::lenient::kept(value.unwrap_or_default());
        Some(Self {
            cluster: kept(cluster.map(super::agent::short_arn)),
            task: kept(task.map(super::agent::short_arn)),
            family: kept(family),
            container: kept(container),
        })
    }
}

impl Known {
    /// Who it is, by the labels of ECS. `None` of one that is not of ECS.
    pub fn who(&self) -> Option<Who> {
        Who::of(|key| self.label(key))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn knows_a_container_of_ecs_by_its_labels() {
        let labels = [
            ("com.amazonaws.ecs.cluster", "arn:aws:ecs:r:1:cluster/prod"),
            ("com.amazonaws.ecs.task-arn", "arn:aws:ecs:r:1:task/prod/0123"),
            ("com.amazonaws.ecs.task-definition-family", "web"),
            ("com.amazonaws.ecs.container-name", "app"),
        ];
        let label = |key: &str| labels.iter().find(|(k, _)| *k == key).map(|(_, v)| *v);
        let expected = Who {
            cluster: "prod".into(),
            task: "0123".into(),
            family: "web".into(),
            container: "app".into(),
        };
        assert_eq!(Who::of(label), Some(expected));
        assert_eq!(Who::of(|_| None), None);
    }
}
