//! Who is who: what containers and tasks are called, by whatever source knows them.

use std::sync::Arc;

use super::Inventory;
use super::agent::short_arn;
use super::labels::{self, ECS, Row};
use crate::cgroup::{Kind, task_of};
use crate::container::endings::Group;
use crate::container::{About, Names, Storage};
use crate::exposition::LabelBlock;

/// Who a task is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct TaskNames<'a> {
    /// Its cluster, by name.
    pub cluster: &'a str,
    /// Its ARN.
    pub arn: &'a str,
    /// Family of its task definition.
    pub family: &'a str,
    /// Revision of its task definition.
    pub revision: &'a str,
}

/// Who a container is. Empty what nobody says.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Identity<'a> {
    /// Docker's name of it.
    pub name: &'a str,
    /// The image as it was asked for.
    pub image: &'a str,
    /// The image's id.
    pub image_id: &'a str,
    /// The cluster, by name or ARN.
    pub cluster: &'a str,
    /// Its name in the task definition.
    pub container: &'a str,
    /// ARN of its task.
    pub task: &'a str,
    /// Family of its task definition.
    pub family: &'a str,
    /// Revision of its task definition.
    pub revision: &'a str,
}

impl Inventory {
    /// Who a task is, by its id. `None` for one that nobody knows.
    pub fn task_names(&self, task: &str) -> Option<TaskNames<'_>> {
        let [cluster, _, arn, family, revision] = self.task(task)?;
        Some(TaskNames { cluster: short_arn(cluster), arn, family, revision })
    }

    /// The id of the task that a container is of, and the container's name in the task definition.
    /// `None` for one that nobody knows to be of a task.
    pub fn member(&self, container: &str) -> Option<(&str, &str)> {
        let docker = self.container(container);
        let label = |key| docker?.label(key);
        let (task, named) = self
            .told(container)
            .map_or(("", ""), |(task, of)| (&*task.arn, &*of.name));
        let [_, name_key, task_key, ..] = ECS;
        let task = short_arn(label(task_key).unwrap_or(task));
        (!task.is_empty()).then_some((task, label(name_key).unwrap_or(named)))
    }

    /// Who a container is, as far as anybody knows.
    pub fn identity<'a>(&'a self, id: &'a str) -> Identity<'a> {
        let (row, _) = self.describe_container("", id);
        let [cluster, container, task, family, revision] = row.ecs;
        let told = || {
            self.told(id)
                .map_or("", |(_, container)| &container.image_id)
        };
        let image_id = self
            .container(id)
            .map_or_else(told, |known| &known.image_id);
        let Row { name, image, .. } = row;
        Identity { name, image, image_id, cluster, container, task, family, revision }
    }

    /// A container, as far as anybody knows it.
    pub(super) fn describe_container<'a>(&'a self, path: &str, id: &'a str) -> (Row<'a>, About) {
        let docker = self.container(id);
        let told = self.told(id);
        let mut row = match (told, docker) {
            (Some((task, container)), _) => {
                let cluster = self.agent().map_or("", |a| &a.metadata.cluster);
                Row {
                    name: &container.docker_name,
                    image: &container.image,
                    ecs: [cluster, &container.name, &task.arn, &task.family, &task.version],
                    given: None,
                }
            }
            // One that the agent does not tell of, such as a pause container: its task is known.
            (None, None) => {
                let task = task_of(path).and_then(|task| self.task(task));
                Row { ecs: task.unwrap_or_default(), ..Row::default() }
            }
            (None, Some(_)) => Row::default(),
        };
        let Some(known) = docker else {
            // One that nobody else names, as of containerd alone: cAdvisor calls it by its id too.
            let alone = self.alone || !matches!(Kind::of(path), Kind::Container(_));
            if told.is_none() && alone {
                row.name = id;
            }
            let about = told.map(|(_, container)| container.about());
            return (row, about.unwrap_or_default());
        };
        row.name = &known.name;
        row.image = &known.image;
        row.given = Some(&known.labels);
        for (value, key) in row.ecs.iter_mut().zip(ECS) {
            if let Some(label) = known.label(key) {
                *value = label;
            }
        }
        (row, known.about())
    }
}

impl Names for Inventory {
    fn describe(&self, path: &str, kind: Kind<'_>) -> (LabelBlock, About) {
        let (row, about) = match kind {
            Kind::Container(id) => self.describe_container(path, id),
            // With its task's labels a task's group would be one more container wherever these are summed.
            Kind::Host | Kind::Task(_) | Kind::Unit | Kind::Other => {
                (Row::default(), About::default())
            }
        };
        (labels::block(path, &row, &self.shown), about)
    }

    fn storage(&self, kind: Kind<'_>) -> Option<Arc<Storage>> {
        match kind {
            Kind::Container(id) => Some(Arc::clone(&self.container(id)?.storage)),
            Kind::Host | Kind::Task(_) | Kind::Unit | Kind::Other => None,
        }
    }

    fn group(&self, path: &str) -> Option<Group> {
        let Kind::Container(id) = Kind::of(path) else { return None };
        if self.container(id).is_none() && self.told(id).is_none() {
            return None;
        }
        let (row, _) = self.describe_container(path, id);
        let [cluster, container, _, family, _] = row.ecs;
        Some([cluster, container, family].map(Into::into))
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::container::Network;
    use crate::inventory::agent::{Answer, parse_metadata, parse_tasks};
    use crate::inventory::docker::{Known, parse_inspect};
    use crate::inventory::{Labels, NAMES};

    const WEB: &str = "188321f4b69345b8acc333be06e7f357";
    const APP: &str = "102c76bf37eab0c77f0ea044edb81f2052ce037304d1958ee05db362a3a00c68";

    fn docker() -> Vec<Known> {
        let json = include_bytes!("../../fixtures/ecs-agent-cgroup2/docker/inspect.json");
        parse_inspect(json).unwrap()
    }

    fn agent() -> Answer {
        let metadata = include_bytes!("../../fixtures/ecs-agent-cgroup2/agent/metadata.json");
        let tasks = include_bytes!("../../fixtures/ecs-agent-cgroup2/agent/tasks.json");
        Answer { metadata: parse_metadata(metadata).unwrap(), tasks: parse_tasks(tasks).unwrap() }
    }

    fn slice(task: &str) -> String {
        format!("/ecstasks.slice/ecstasks-{task}.slice")
    }

    fn scope(id: &str) -> String {
        format!("{}/docker-{id}.scope", slice(WEB))
    }

    /// The values of the labels but `id`, which is the path.
    fn values(inventory: &Inventory, path: &str) -> Vec<String> {
        let (block, _) = inventory.describe(path, Kind::of(path));
        let text = str::from_utf8(block.as_bytes()).unwrap();
        let mut pairs = text.split(',').map(|pair| {
            let (name, value) = pair.split_once('=').unwrap();
            (name.to_owned(), value.trim_matches('"').to_owned())
        });
        assert_eq!(pairs.next(), Some(("id".into(), path.into())));
        let (names, values): (Vec<_>, Vec<_>) = pairs.unzip();
        assert_eq!(names[..7], NAMES[1..]);
        values
    }

    fn arn(task: &str) -> String {
        format!("arn:aws:ecs:eu-central-1:111122223333:task/tb-cluster/{task}")
    }

    #[test]
    fn either_source_alone_names_a_container() {
        let arn = arn(WEB);
        let expected = [
            "ecs-web-7-app-c4bcccda96b9e686bb01",
            "busybox:local",
            "tb-cluster",
            "app",
            &arn,
            "web",
            "7",
        ];
        let none = Labels::default;
        for inventory in [
            Inventory::of(docker(), Some(agent()), &none()),
            Inventory::of(docker(), None, &none()),
            Inventory::of([], Some(agent()), &none()),
        ] {
            assert_eq!(values(&inventory, &scope(APP)), expected);
        }
        let about = |docker, agent| {
            Inventory::of(docker, agent, &none())
                .describe(&scope(APP), Kind::Container(APP))
                .1
        };
        let known = about(docker(), Some(agent()));
        let expected = About {
            pid: Some(789),
            created: Some(1_795_228_542.379_361_9),
            started: Some(1_795_228_559.408_306_8),
            cpu_shares: Some(128),
            network: Some(Network::Own),
            healthy: None,
        };
        assert_eq!(known, expected);
        let told = About { pid: None, cpu_shares: None, network: None, ..expected };
        assert_eq!(about(vec![], Some(agent())), told);
        assert_eq!(about(vec![], None), About::default());
    }

    #[test]
    fn containers_are_counted_by_cluster_name_and_family() {
        let both = Inventory::of(docker(), Some(agent()), &Labels::default());
        let expected = Some(["tb-cluster".into(), "app".into(), "web".into()]);
        assert_eq!(both.group(&scope(APP)), expected);
        assert_eq!(both.named(&scope(APP)).map(|named| named.group), expected);
        for path in [slice(WEB), "/".into(), scope(&"0".repeat(64))] {
            assert_eq!((both.group(&path), both.named(&path)), (None, None), "{path}");
        }
    }

    #[test]
    fn what_is_no_container_has_the_same_labels_empty() {
        let both = Inventory::of(docker(), Some(agent()), &Labels::default());
        let stranger = format!("/docker/{}", "0".repeat(64));
        for path in
            ["/", "/system.slice/docker.service", "/init.scope", &stranger, &slice(&"0".repeat(32))]
        {
            assert_eq!(values(&both, path), [""; 7], "{path}");
        }
        assert_eq!(values(&both, &slice(WEB)), [""; 7], "sums of containers by task stay right");
        assert_eq!(values(&Inventory::default(), &scope(APP)), [""; 7]);
    }

    #[test]
    fn the_group_tells_the_task_of_a_container_that_the_agent_hides() {
        let pause = scope(&"f".repeat(64));
        let alone = Inventory::of([], Some(agent()), &Labels::default());
        assert_eq!(values(&alone, &pause), ["", "", "tb-cluster", "", &arn(WEB), "web", "7"]);
        // What Docker knows not to be of ECS is not.
        let plain = Known { id: "f".repeat(64).into(), name: "x".into(), ..Known::default() };
        let both = Inventory::of([plain], Some(agent()), &Labels::default());
        assert_eq!(values(&both, &pause), ["x", "", "", "", "", "", ""]);
    }

    #[test]
    fn a_label_of_docker_wins_over_what_the_agent_says() {
        let mut known = docker();
        let cluster = "arn:aws:ecs:eu-central-1:111122223333:cluster/tb-cluster";
        for known in &mut known {
            known.labels.insert(ECS[0].into(), cluster.into());
            known.labels.remove(ECS[3]);
        }
        let both = Inventory::of(known, Some(agent()), &Labels::default());
        assert_eq!(values(&both, &scope(APP))[2..], [cluster, "app", &arn(WEB), "web", "7"]);
    }

    #[test]
    fn internal_and_old_tasks_are_found_by_the_last_part_of_their_arn() {
        let relay = "service-connect-relay-0b0e2d6c-7e2d-4c6e-9d2e-0e2d6c7e2d4c";
        let arn = format!("arn:::::/{relay}");
        let labels = [(ECS[0].into(), "c".into()), (ECS[2].into(), arn.clone().into())];
        let known = Known { id: "1".into(), labels: labels.into(), ..Known::default() };
        let inventory = Inventory::of([known], None, &Labels::default());
        let task = format!("/ecstasks.slice/ecstasks-service.slice/ecstasks-{relay}.slice");
        let path = format!("{task}/docker-{}.scope", "f".repeat(64));
        assert_eq!(values(&inventory, &path), ["", "", "c", "", &arn, "", ""]);
    }

    #[test]
    fn all_rows_have_the_labels_asked_for() {
        let both = Inventory::of(docker(), Some(agent()), &Labels::asked(["*"]).unwrap());
        assert_eq!(values(&both, &scope(APP))[7..], ["obs"]);
        assert_eq!(values(&both, &slice(WEB))[7..], [""]);
        assert_eq!(values(&both, "/")[7..], [""]);
    }

    #[test]
    fn the_same_answers_make_the_same_inventory() {
        let mut backwards = docker();
        backwards.reverse();
        let one = Inventory::of(docker(), Some(agent()), &Labels::default());
        assert_eq!(one, Inventory::of(backwards, Some(agent()), &Labels::default()));
        let ids: Vec<_> = one.containers().map(|known| &*known.id).collect();
        let mut told: Vec<_> = docker().into_iter().map(|known| known.id).collect();
        told.sort();
        assert_eq!(ids, told.iter().map(|id| &**id).collect::<Vec<_>>());
    }
}
