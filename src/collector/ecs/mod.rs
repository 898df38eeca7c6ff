//! What only a host of Amazon ECS can say: its tasks, what they reserved and use, and how the agent
//! fares.
//!
//! All families have one vocabulary of labels, that of ADOT: [`TASK`], and for containers
//! `container_name` too.

mod account;
pub mod adot;
pub mod container;
mod figures;
pub mod info;
pub mod instance;
pub mod lasting;
pub mod scrape_targets;
mod sum;
pub mod task;
pub(in crate::collector) mod tasks;
pub mod totals;
mod traffic;
mod words;

use super::Need;

/// The labels of a task.
pub const TASK: [&str; 5] = [
    "aws_ecs_cluster_name",
    "aws_ecs_service_name",
    "aws_ecs_task_family",
    "aws_ecs_task_revision",
    "aws_ecs_task_id",
];

/// What it takes to tell what tasks use beside what the host has.
const TASKS_AND_HOST: &[Need] = &[
    Need::Read("/sys/fs/cgroup"),
    Need::Read("/proc/1/mountinfo"),
    Need::Read("/proc/<pid>/net/dev"),
    Need::Read("/proc/<pid>/net/snmp"),
    Need::Read("/proc/meminfo"),
    Need::Read("/proc/stat"),
    Need::Read("/run/docker.sock"),
    Need::Network("the ECS agent"),
];
