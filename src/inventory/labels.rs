//! What the rows of containers, tasks and the host are labelled with: the one list of the labels'
//! names, and the values, from what Docker and the agent say.

use std::collections::{BTreeMap, BTreeSet};

use crate::exposition::LabelBlock;
use crate::files::{Error, Result};

/// The labels that every row has, in this order. Those that were asked for follow.
pub const NAMES: [&str; 8] = [
    "id",
    "name",
    "image",
    "container_label_com_amazonaws_ecs_cluster",
    "container_label_com_amazonaws_ecs_container_name",
    "container_label_com_amazonaws_ecs_task_arn",
    "container_label_com_amazonaws_ecs_task_definition_family",
    "container_label_com_amazonaws_ecs_task_definition_version",
];

/// Docker's labels of the last five names, in the same order.
pub(super) const ECS: [&str; 5] = [
    "com.amazonaws.ecs.cluster",
    "com.amazonaws.ecs.container-name",
    "com.amazonaws.ecs.task-arn",
    "com.amazonaws.ecs.task-definition-family",
    "com.amazonaws.ecs.task-definition-version",
];

/// How many labels there may be besides [`NAMES`].
const MOST: usize = 64;

/// A longer name of a Docker label is none that anybody gave on purpose.
const LONGEST: usize = 256;

/// Labels of a container, or of a task, by Docker's names.
pub(super) type Given = BTreeMap<Box<str>, Box<str>>;

/// Which of Docker's labels are shown besides [`NAMES`].
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Labels(Asked);

#[derive(Clone, Debug, PartialEq, Eq)]
enum Asked {
    /// These. Every row has them, empty where a container has no such label.
    Named(BTreeSet<Box<str>>),
    /// Those that any container has, as far as there is room.
    All,
}

impl Default for Labels {
    fn default() -> Self {
        Self(Asked::Named(BTreeSet::new()))
    }
}

impl Labels {
    /// The labels asked for: exact names as Docker has them, with commas between, and `*` for all.
    pub fn asked<S: AsRef<str>>(arguments: impl IntoIterator<Item = S>) -> Result<Self> {
        let mut names = BTreeSet::new();
        for argument in arguments {
            for name in argument.as_ref().split(',').map(str::trim) {
                match name {
                    "" => {}
                    "*" => return Ok(Self(Asked::All)),
                    _ if name.len() > LONGEST => {
                        let error = format!("a label's name has at most {LONGEST} bytes");
                        return Err(Error::Config(error));
                    }
                    _ => {
                        names.insert(name.into());
                    }
                }
            }
        }
        if names.len() > MOST {
            return Err(Error::Config(format!("at most {MOST} labels may be asked for")));
        }
        Ok(Self(Asked::Named(names)))
    }

    /// The labels to show, where containers have these.
    pub(super) fn shown<'a>(&self, given: impl Iterator<Item = &'a Given>) -> Shown {
        let mut shown = Shown::default();
        match &self.0 {
            Asked::Named(names) => names.iter().for_each(|name| shown.add(name)),
            Asked::All => {
                let keys: BTreeSet<&str> = given.flat_map(BTreeMap::keys).map(|k| &**k).collect();
                keys.into_iter().for_each(|key| shown.add(key));
            }
        }
        shown
    }
}

/// Labels to show besides [`NAMES`]: each with the labels of Docker that come to the same name.
/// Where a container has several of these, the first in the order of their bytes is its value.
#[derive(Debug, Default, PartialEq, Eq)]
pub(super) struct Shown(BTreeMap<String, Vec<Box<str>>>);

impl Shown {
    fn add(&mut self, key: &str) {
        if key.is_empty() || key.len() > LONGEST {
            return;
        }
        let name = name(key);
        if NAMES.contains(&name.as_str()) {
            return;
        }
        let room = self.0.len() < MOST;
        if let Some(keys) = self.0.get_mut(&name) {
            keys.push(key.into());
        } else if room {
            self.0.insert(name, vec![key.into()]);
        }
    }
}

/// What is known of a row.
#[derive(Debug, Default)]
pub(super) struct Row<'a> {
    /// The container's name.
    pub(super) name: &'a str,
    /// Its image.
    pub(super) image: &'a str,
    /// The values of [`ECS`].
    pub(super) ecs: [&'a str; 5],
    /// All its labels, where Docker told them.
    pub(super) given: Option<&'a Given>,
}

/// The labels of the row at `path`.
pub(super) fn block(path: &str, row: &Row<'_>, shown: &Shown) -> LabelBlock {
    let [cluster, container, task, family, version] = row.ecs;
    let values = [path, row.name, row.image, cluster, container, task, family, version];
    let further = shown.0.iter().map(|(name, keys)| {
        let value = row
            .given
            .and_then(|given| keys.iter().find_map(|key| given.get(key)));
        (name.as_str(), value.map_or("", |value| value))
    });
    LabelBlock::new(NAMES.into_iter().zip(values).chain(further))
}

/// The name that cAdvisor gives to a label of Docker.
fn name(key: &str) -> String {
    let plain = |c: char| if c.is_ascii_alphanumeric() { c } else { '_' };
    "container_label_"
        .chars()
        .chain(key.chars().map(plain))
        .collect()
}

#[cfg(test)]
mod tests {
    use super::*;

    fn given(labels: &[(&str, &str)]) -> Given {
        labels
            .iter()
            .map(|(key, value)| ((*key).into(), (*value).into()))
            .collect()
    }

    fn asked(arguments: &[&str]) -> Labels {
        Labels::asked(arguments).unwrap()
    }

    fn names(shown: &Shown) -> Vec<&str> {
        shown.0.keys().map(String::as_str).collect()
    }

    #[test]
    fn names_are_those_of_the_labels() {
        let [.., a, b, c, d, e] = NAMES;
        assert_eq!(ECS.map(name), [a, b, c, d, e]);
        assert_eq!(name("Größe/v1.x"), "container_label_Gr__e_v1_x");
    }

    #[test]
    fn shows_what_was_asked_for() {
        let labels = asked(&["team, my.stage", "team,,com.amazonaws.ecs.cluster"]);
        let has = given(&[("team", "obs"), ("other", "x")]);
        let shown = labels.shown([&has].into_iter());
        assert_eq!(names(&shown), ["container_label_my_stage", "container_label_team"]);
        let row = Row { name: "a", given: Some(&has), ..Row::default() };
        let values = ["/x", "a", "", "", "", "", "", "", "", "obs"];
        let all = NAMES.into_iter().chain(names(&shown));
        assert_eq!(block("/x", &row, &shown), LabelBlock::new(all.zip(values)));
        assert_eq!(asked(&[]), Labels::default());
        assert!(Labels::asked((0..65).map(|n| n.to_string())).is_err());
        assert!(Labels::asked(["x".repeat(257)]).is_err());
    }

    #[test]
    fn shows_what_any_container_has() {
        let one = given(&[("a.b", "1"), ("com.amazonaws.ecs.cluster", "c"), ("", "x")]);
        let other = given(&[("a-b", "2"), ("a.b", "3"), ("c", "4")]);
        let shown = asked(&["x", "*"]).shown([&one, &other].into_iter());
        assert_eq!(names(&shown), ["container_label_a_b", "container_label_c"]);
        let value = |given| {
            let row = Row { given: Some(given), ..Row::default() };
            let block = block("/", &row, &shown);
            let values = ["/", "", "", "", "", "", "", ""];
            let pairs = |ab, c| {
                NAMES
                    .into_iter()
                    .zip(values)
                    .chain([("container_label_a_b", ab), ("container_label_c", c)])
            };
            ["1", "2", "3", ""]
                .into_iter()
                .flat_map(|ab| ["4", ""].map(|c| (ab, c)))
                .find(|(ab, c)| block == LabelBlock::new(pairs(*ab, *c)))
        };
        assert_eq!(value(&one), Some(("1", "")));
        assert_eq!(value(&other), Some(("2", "4")), "a-b is before a.b");
    }

    #[test]
    fn has_bounds() {
        let mut many: Given = (0..10_000)
            .map(|n| (format!("label{n:05}").into(), "".into()))
            .collect();
        many.insert("x".repeat(1_000_000).into(), "".into());
        let shown = asked(&["*"]).shown([&many].into_iter());
        assert_eq!(names(&shown).len(), MOST);
        assert_eq!(names(&shown)[63], "container_label_label00063");
    }
}
