//! Where the names of services come from: neither Docker nor the agent's introspection knows them.

use std::collections::BTreeMap;
use std::sync::Arc;

use super::agent::short_arn;
use super::docker::Known;
use super::labels::ECS;

/// Where the names of services come from.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Service {
    /// From nowhere: they are empty.
    #[default]
    Off,
    /// From each task's own metadata endpoint, by the id in its containers' environment.
    Metadata,
    /// From this label of Docker.
    Label(Box<str>),
}

impl Service {
    /// The services of the tasks of these containers, by the tasks' ids, where a label names them:
    /// of several containers of a task the first that has the label.
    pub(super) fn named(&self, containers: &[Arc<Known>]) -> BTreeMap<Box<str>, Box<str>> {
        let mut named = BTreeMap::new();
        let Self::Label(key) = self else { return named };
        for known in containers {
            if let (Some(arn), Some(name)) = (known.label(ECS[2]), known.label(key)) {
                named
                    .entry(short_arn(arn).into())
                    .or_insert_with(|| name.into());
            }
        }
        named
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::inventory::desk::Endpoints;
    use crate::inventory::{Inventory, Labels, endpoint};

    fn known(id: &str, task: &str, service: &str) -> Arc<Known> {
        let labels = [(ECS[2], format!("arn/{task}")), ("team.service", service.into())];
        let labels = labels.map(|(key, value)| (key.into(), value.into()));
        Arc::new(Known { id: id.into(), labels: labels.into(), ..Known::default() })
    }

    #[test]
    fn names_come_from_where_they_are_asked_for() {
        let containers =
            vec![known("1", "a", "web"), known("2", "a", "x"), known("3", "b", "shop")];
        let task = endpoint::Task { service: "told".into(), ..endpoint::Task::default() };
        let services = |service: Service, endpoints: Endpoints| {
            let labels = Labels::default();
            let inventory =
                Inventory::join(containers.clone(), None, endpoints, (&labels, &service));
            ["a", "b", "c"].map(|task| inventory.service(task).to_owned())
        };
        let label = Service::Label("team.service".into());
        assert_eq!(services(label, Endpoints::new()), ["web", "shop", ""]);
        let endpoints = Endpoints::from([("a".into(), Arc::new(task))]);
        assert_eq!(services(Service::Metadata, endpoints), ["told", "", ""]);
        assert_eq!(services(Service::Off, Endpoints::new()), [""; 3]);
    }
}
