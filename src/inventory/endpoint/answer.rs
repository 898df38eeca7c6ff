//! What the task metadata endpoint answers.

use serde::Deserialize;

use crate::inventory::ask::Trouble;
use crate::inventory::date;
use crate::inventory::lenient::{self, Scalar};

/// How many containers of a task are looked at.
const MOST: usize = 64;

/// What is kept of the answer to `…/v4/<id>/task`.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Task {
    /// The service it is of; empty for a task of none. Since agent 1.63.1.
    pub service: Box<str>,
    /// `EC2` or `EXTERNAL`; empty before agent 1.45.
    pub launch_type: Box<str>,
    /// Where it runs; empty where the agent does not say.
    pub availability_zone: Box<str>,
    /// The VPC it is in; empty where the agent does not say.
    pub vpc: Box<str>,
    /// CPUs it may use in all. `None` where its definition sets no limit.
    pub cpus: Option<f64>,
    /// Bytes of memory it may use in all. `None` where its definition sets no limit.
    pub memory: Option<u64>,
    /// When its first image began to be pulled, in seconds since 1970.
    pub pull_started: Option<f64>,
    /// When its last image was pulled, in seconds since 1970.
    pub pull_stopped: Option<f64>,
    /// Its containers that Docker has made, in the order of their ids.
    pub containers: Vec<Container>,
}

/// A container, as ECS counts them.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord)]
pub struct Container {
    /// Docker's id of it.
    pub id: Box<str>,
    /// Its ARN; empty where the agent does not say.
    pub arn: Box<str>,
}

impl Task {
    /// Whether no more is to come: images may still be pulled while the first container runs.
    pub(super) fn complete(&self) -> bool {
        self.pull_started.is_none() || self.pull_stopped.is_some()
    }
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct Said<'a> {
    #[serde(borrow, rename = "TaskARN")]
    arn: Scalar<'a>,
    service_name: Scalar<'a>,
    launch_type: Scalar<'a>,
    availability_zone: Scalar<'a>,
    #[serde(rename = "VPCID")]
    vpc: Scalar<'a>,
    limits: Option<SaidLimits<'a>>,
    pull_started_at: Scalar<'a>,
    pull_stopped_at: Scalar<'a>,
    containers: Option<Vec<SaidContainer<'a>>>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SaidLimits<'a> {
    #[serde(borrow, rename = "CPU")]
    cpu: Scalar<'a>,
    memory: Scalar<'a>,
}

#[derive(Default, Deserialize)]
#[serde(rename_all = "PascalCase", default)]
struct SaidContainer<'a> {
    #[serde(borrow)]
    docker_id: Scalar<'a>,
    #[serde(rename = "ContainerARN")]
    arn: Scalar<'a>,
}

/// Parses `{"TaskARN":"arn:…","ServiceName":"web","Limits":{"CPU":0.5,"Memory":512},…}`, which must
/// be of the task with this ARN: a container may have any id in its environment.
pub fn parse_task(json: &[u8], arn: &str) -> Result<Task, Trouble> {
    lenient::parse(json, |text| {
        let said: Said<'_> = serde_json::from_str(text)?;
        Ok((said.arn.text() == arn).then(|| Task::from(said)))
    })?
    .ok_or(Trouble::Foreign)
}

impl From<Said<'_>> for Task {
    fn from(said: Said<'_>) -> Self {
        let limits = said.limits.unwrap_or_default();
        let kept = |container: SaidContainer<'_>| Container {
            id: container.docker_id.printed(),
            arn: container.arn.printed(),
        };
        let containers = said.containers.into_iter().flatten().take(MOST);
        let mut containers: Vec<_> = containers
            .map(kept)
            .filter(|container| !container.id.is_empty())
            .collect();
        containers.sort_unstable();
        Self {
            service: said.service_name.printed(),
            launch_type: said.launch_type.printed(),
            availability_zone: said.availability_zone.printed(),
            vpc: said.vpc.printed(),
            cpus: limits.cpu.number().filter(|cpus| *cpus > 0.0),
            memory: limits
                .memory
                .above_zero()
                .and_then(|mib| mib.checked_mul(1 << 20)),
            pull_started: date::seconds(said.pull_started_at.text()),
            pull_stopped: date::seconds(said.pull_stopped_at.text()),
            containers,
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    const ARN: &str = "arn:aws:ecs:eu-west-1:1:task/c/1";

    fn parse(rest: &str) -> Task {
        parse_task(format!(r#"{{"TaskARN":"{ARN}"{rest}}}"#).as_bytes(), ARN).unwrap()
    }

    #[test]
    fn reads_what_an_agent_says() {
        let json = r#","Cluster":"prod","Family":"web","Revision":"37","KnownStatus":"RUNNING",
            "Limits":{"CPU":0.5,"Memory":1024},"PullStartedAt":"2026-11-21T02:25:05Z",
            "PullStoppedAt":"2026-11-21T02:25:06.5Z","AvailabilityZone":"eu-west-1b","LaunchType":"EC2",
            "Containers":[{"DockerId":"b","Name":"app","ContainerARN":"arn:b","Labels":{"a":"b"}},
                {"DockerId":"a","ContainerARN":null},{"DockerId":""}],
            "VPCID":"vpc-0f","ServiceName":"web-svc","FaultInjectionEnabled":false"#;
        let container = |id: &str, arn: &str| Container { id: id.into(), arn: arn.into() };
        let expected = Task {
            service: "web-svc".into(),
            launch_type: "EC2".into(),
            availability_zone: "eu-west-1b".into(),
            vpc: "vpc-0f".into(),
            cpus: Some(0.5),
            memory: Some(1 << 30),
            pull_started: Some(1_795_227_905.0),
            pull_stopped: Some(1_795_227_906.5),
            containers: vec![container("a", ""), container("b", "arn:b")],
        };
        assert_eq!(parse(json), expected);
        assert!(expected.complete());
        let pulling = parse(r#","PullStartedAt":"2026-11-21T02:25:05Z""#);
        assert!(!pulling.complete() && parse("").complete());
    }

    #[test]
    fn a_task_of_no_service_without_limits() {
        assert_eq!(parse(""), Task::default());
        let odd =
            r#","ServiceName":null,"Limits":{"CPU":"x","Memory":-1},"Containers":null,"VPCID":{}"#;
        assert_eq!(parse(odd), Task::default());
        assert_eq!(parse(r#","Limits":{"CPU":2,"Memory":9223372036854775807}"#).cpus, Some(2.0));
    }

    #[test]
    fn takes_no_other_task_for_this_one() {
        for json in [&br#"{"TaskARN":"arn:other","ServiceName":"x"}"#[..], b"{}"] {
            assert!(matches!(parse_task(json, ARN), Err(Trouble::Foreign)));
        }
        for json in [&b""[..], b"\"x\"", b"<html>"] {
            assert!(matches!(parse_task(json, ARN), Err(Trouble::Malformed(_))));
        }
    }
}
