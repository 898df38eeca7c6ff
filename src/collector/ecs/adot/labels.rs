//! Labels of rows that have more or others than the task's.

use std::collections::BTreeMap;

use crate::collector::ecs::tasks::{self, Member, Task};
use crate::collector::ecs::{TASK, instance, words};
use crate::exposition::LabelBlock;
use crate::inventory::{Identity, Inventory};

/// The containers of a task that ended, as long as Docker knows them: of each name the last.
pub(super) fn of_ended(task: &Task, inventory: &Inventory) -> Vec<(LabelBlock, f64)> {
    let mut last: BTreeMap<&str, (f64, f64)> = BTreeMap::new();
    for known in inventory.containers().filter(|known| known.state.ended()) {
        let Some((of, name)) = inventory.member(&known.id) else { continue };
        let Some((started, finished)) = known.started.zip(known.finished) else { continue };
        let living = task.members.iter().any(|member| *member.name == *name);
        if of == &*task.id && !living {
            let ran = (finished, (finished - started).max(0.0));
            let known = last.entry(name).or_insert(ran);
            if known.0 < finished {
                *known = ran;
            }
        }
    }
    let names = tasks::names(inventory, &task.id);
    let rows = last.into_iter().map(|(name, (_, ran))| {
        let pairs = TASK
            .into_iter()
            .zip(names)
            .chain([("container_name", name)]);
        (LabelBlock::new(pairs), ran)
    });
    rows.collect()
}

/// All of ADOT's labels of a task but points in time.
pub(super) fn of_task(task: &Task, inventory: &Inventory) -> LabelBlock {
    LabelBlock::new(task_pairs(task, inventory))
}

fn task_pairs<'a>(
    task: &'a Task,
    inventory: &'a Inventory,
) -> impl Iterator<Item = (&'a str, &'a str)> {
    let arn = inventory.task_names(&task.id).map_or("", |names| names.arn);
    let (region, account) = words::place(arn);
    let names = tasks::names(inventory, &task.id);
    let [.., revision, _] = names;
    let told = inventory.endpoint(&task.id);
    let launch = told.map_or("", |told| &told.launch_type);
    let zone = told.map_or("", |told| &told.availability_zone);
    let known = task.status.and_then(|status| status.known);
    TASK.into_iter().zip(names).chain([
        ("aws_ecs_task_arn", arn),
        ("aws_ecs_task_version", revision),
        ("aws_ecs_task_known_status", instance::word(known)),
        ("aws_ecs_task_launch_type", launch),
        ("aws_ecs_launchtype", launch),
        ("cloud_availability_zone", zone),
        ("cloud_region", region),
        ("cloud_account_id", account),
    ])
}

/// All of ADOT's labels of a container but points in time.
pub(super) fn of_container(task: &Task, member: &Member, inventory: &Inventory) -> LabelBlock {
    let Identity { name, image, image_id, .. } = inventory.identity(&member.id);
    let (image, tag) = words::image(image);
    LabelBlock::new(task_pairs(task, inventory).chain([
        ("container_name", &*member.name),
        ("container_id", &*member.id),
        ("aws_ecs_docker_name", name),
        ("container_image_name", image),
        ("container_image_tag", tag),
        ("aws_ecs_container_image_id", image_id),
        ("aws_ecs_container_know_status", "RUNNING"),
    ]))
}
