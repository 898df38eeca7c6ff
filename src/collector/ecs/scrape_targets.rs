//! Which containers ask to be scraped, and where: the targets of service discovery as metrics, so
//! that those can be found that nobody scrapes.

use super::TASK;
use crate::collector::{Collector, Host, Need};
use crate::exposition::{Descriptor, Family, Text, gauge, info};
use crate::files::{Result, Roots};
use crate::inventory::agent::short_arn;

static TARGET: Family<10> = info("ecs_scrape_target_info")
    .help("A place where a container asks to be scraped, as labels.")
    .labels(LABELS);

const LABELS: [&str; 10] = {
    let [cluster, service, family, revision, task] = TASK;
    let container = "container_name";
    [cluster, service, family, revision, task, container, "address", "scheme", "path", "target_job"]
};

static UNREACHABLE: Family<0> = gauge("ecs_scrape_targets_unreachable")
    .help("Containers that ask to be scraped at a port that is not published, or whose task has no address.")
    .labels([]);

/// Collects the targets of service discovery.
pub struct ScrapeTargets(());

impl Collector for ScrapeTargets {
    const NAME: &'static str = "ecs.scrape_targets";
    const ABOUT: &'static str = "Containers that ask to be scraped, and where.";
    const NEEDS: &'static [Need] =
        &[Need::Read("/run/docker.sock"), Need::Network("the ECS agent")];
    type Flags = ();

    fn families() -> impl Iterator<Item = Descriptor> {
        [TARGET.descriptor(), UNREACHABLE.descriptor()].into_iter()
    }

    fn new((): (), _: &Roots) -> Result<Self> {
        Ok(Self(()))
    }

    fn collect(&mut self, host: &mut Host, text: &mut Text) -> Result<()> {
        let found = host.discovery.of(&host.inventory);
        let mut family = text.family(&TARGET);
        for target in &found.targets {
            let who = host.inventory.identity(&target.container);
            let task = short_arn(who.task);
            let labels = [
                short_arn(who.cluster),
                host.inventory.service(task),
                who.family,
                who.revision,
                task,
                who.container,
                &target.address,
                target.scheme,
                &target.path,
                &target.job,
            ];
            family.sample(labels.map(Some), 1u64);
        }
        text.family(&UNREACHABLE).sample((), found.unreachable);
        Ok(())
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::collector::testing;
    use crate::inventory::{Inventory, Labels, docker};

    #[test]
    fn says_who_asks_to_be_scraped_and_who_cannot_be() {
        let json = br#"[{"Id":"1","State":{"Status":"running"},"HostConfig":{"NetworkMode":"bridge"},
            "NetworkSettings":{"Ports":{"8080/tcp":[{"HostIp":"0.0.0.0","HostPort":"32768"}]}},
            "Config":{"Labels":{"com.amazonaws.ecs.cluster":"prod","com.amazonaws.ecs.container-name":"app",
            "com.amazonaws.ecs.task-arn":"arn:aws:ecs:eu-west-1:1:task/prod/0a","com.amazonaws.ecs.task-definition-family":"web",
            "com.amazonaws.ecs.task-definition-version":"7","ECS_PROMETHEUS_EXPORTER_PORT":"8080",
            "ECS_PROMETHEUS_JOB_NAME":"shop"}}},
            {"Id":"2","State":{"Status":"running"},"HostConfig":{"NetworkMode":"bridge"},
            "Config":{"Labels":{"ECS_PROMETHEUS_EXPORTER_PORT":"8080"}}}]"#;
        let containers = docker::parse_inspect(json).unwrap();
        let mut host = testing::host();
        host.inventory = Inventory::of(containers, None, &Labels::default()).into();
        let mut text = Text::default();
        ScrapeTargets(()).collect(&mut host, &mut text).unwrap();
        let text = String::from_utf8(text.to_vec()).unwrap();
        let samples: Vec<_> = text.lines().filter(|line| !line.starts_with('#')).collect();
        let target = "ecs_scrape_target_info{aws_ecs_cluster_name=\"prod\",aws_ecs_service_name=\"\",\
            aws_ecs_task_family=\"web\",aws_ecs_task_revision=\"7\",aws_ecs_task_id=\"0a\",\
            container_name=\"app\",address=\"127.0.0.1:32768\",scheme=\"http\",path=\"/metrics\",\
            target_job=\"shop\"} 1";
        assert_eq!(samples, [target, "ecs_scrape_targets_unreachable 1"]);
    }
}
