use super::*;
use crate::inventory::agent::{self, Answer, Metadata, Status};
use crate::inventory::docker::{Known, State, parse_inspect};
use crate::inventory::{self, endpoint};

const ARN: &str = "arn:aws:ecs:eu-west-1:111122223333:task/prod/0a";

/// A container that runs: its id, network mode, ports, and the rest of its configuration.
fn known(id: &str, mode: &str, ports: &str, env: &[&str], labels: &[(&str, &str)]) -> Known {
    let env: Vec<_> = env.iter().map(|entry| format!("{entry:?}")).collect();
    let ecs = [
        ("cluster", "arn:aws:ecs:eu-west-1:111122223333:cluster/prod"),
        ("container-name", id),
        ("task-arn", ARN),
        ("task-definition-family", "web"),
        ("task-definition-version", "7"),
    ];
    let labels: Vec<_> = ecs
        .map(|(key, value)| (format!("com.amazonaws.ecs.{key}"), value))
        .into_iter()
        .chain(
            labels
                .iter()
                .map(|(key, value)| ((*key).to_owned(), *value)),
        )
        .map(|(key, value)| format!("{key:?}:{value:?}"))
        .collect();
    let json = format!(
        r#"[{{"Id":"{id}","Name":"/ecs-{id}","Image":"sha256:1","State":{{"Status":"running"}},
        "Config":{{"Image":"web:1","Env":[{}],"Labels":{{{}}}}},"HostConfig":{{"NetworkMode":"{mode}"}},
        "NetworkSettings":{{"Ports":{{{ports}}}}}}}]"#,
        env.join(","),
        labels.join(","),
    );
    parse_inspect(json.as_bytes()).unwrap().remove(0)
}

/// Where the only container there is, is to be scraped.
fn addresses(known: Known, rules: &[&str]) -> Vec<String> {
    let rules = rules
        .iter()
        .map(|rule| Rule::parse(rule).unwrap())
        .collect();
    let settings = Settings { rules, ..Settings::default() };
    let inventory = Inventory::of([known], None, &inventory::Labels::default());
    let found = find(&inventory, &settings, "10.0.0.9");
    let place = |target: &Target| {
        let Target { scheme, address, path, job, .. } = target;
        format!("{scheme}://{address}{path} {job}")
            .trim()
            .to_owned()
    };
    found.targets.iter().map(place).collect()
}

const DYNAMIC: &str = r#""8080/tcp":[{"HostIp":"0.0.0.0","HostPort":"32768"},{"HostIp":"::","HostPort":"32768"}],
    "9000/tcp":[{"HostIp":"","HostPort":"32769"}],"53/udp":[{"HostPort":"8125"}],"7000/tcp":null"#;

#[test]
fn containers_ask_in_many_ways() {
    let env = |env: &[&str]| addresses(known("1", "bridge", DYNAMIC, env, &[]), &[]);
    let one = "http://10.0.0.9:32768/metrics";
    assert_eq!(env(&[]), [""; 0]);
    assert_eq!(env(&["OTHER=8080"]), [""; 0]);
    assert_eq!(env(&["PROMETHEUS=true"]), [one], "the first port");
    assert_eq!(env(&["PROMETHEUS_PORT=8080"]), [one]);
    assert_eq!(env(&["PROMETHEUS_PORT=32769"]), ["http://10.0.0.9:32769/metrics"], "the host's");
    assert_eq!(env(&["PROMETHEUS=1", "PROMETHEUS_PORT=7000"]), [""; 0], "not published");
    assert_eq!(env(&["PROMETHEUS=1", "PROMETHEUS_PORT=x"]), [""; 0]);
    assert_eq!(env(&["PROMETHEUS_PORT=53"]), [""; 0], "UDP");
    assert_eq!(
        env(&["PROMETHEUS_ENDPOINT=15s:/fast,1m:slow,/bare,"]),
        ["bare", "fast", "slow"].map(|path| format!("http://10.0.0.9:32768/{path}"))
    );

    let labels =
        |labels: &[(&str, &str)]| addresses(known("1", "bridge", DYNAMIC, &[], labels), &[]);
    let exporter = |key: &'static str, value: &'static str| {
        labels(&[("PROMETHEUS_EXPORTER_PORT", "9000"), (key, value)])
    };
    assert_eq!(exporter("", ""), ["http://10.0.0.9:32769/metrics"]);
    assert_eq!(exporter("PROMETHEUS_EXPORTER_PATH", "/p"), ["http://10.0.0.9:32769/p"]);
    assert_eq!(exporter("PROMETHEUS_EXPORTER_SCHEME", "https"), ["https://10.0.0.9:32769/metrics"]);
    assert_eq!(exporter("PROMETHEUS_EXPORTER_JOB_NAME", "j"), ["http://10.0.0.9:32769/metrics j"]);
    assert_eq!(labels(&[("PROMETHEUS_DYNAMIC_EXPORT", "")]), [one]);
    assert_eq!(labels(&[("PROMETHEUS_EXPORTER_PATH", "/p")]), [""; 0]);
    let ecs = [
        ("ECS_PROMETHEUS_EXPORTER_PORT", "8080"),
        ("ECS_PROMETHEUS_METRICS_PATH", "/p"),
        ("ECS_PROMETHEUS_JOB_NAME", "j"),
    ];
    assert_eq!(labels(&ecs), ["http://10.0.0.9:32768/p j"]);
    let io = [("prometheus.io/scrape", "true"), ("prometheus.io/path", "/p")];
    assert_eq!(labels(&io), ["http://10.0.0.9:32768/p"]);
    assert_eq!(
        labels(&[io[0], ("prometheus.io/port", "9000"), ("prometheus.io/scheme", "https")]),
        ["https://10.0.0.9:32769/metrics"]
    );
    assert_eq!(labels(&[("prometheus.io/scrape", "false"), ("prometheus.io/port", "80")]), [""; 0]);

    let both = [("PROMETHEUS_EXPORTER_PORT", "8080"), ("PROMETHEUS_EXPORTER_JOB_NAME", "second")];
    let both = known("1", "bridge", DYNAMIC, &["PROMETHEUS_PORT=8080"], &both);
    assert_eq!(addresses(both, &[]), [one], "once");
}

#[test]
fn rules_ask_for_others() {
    let rules = |rule: &str| addresses(known("app", "bridge", DYNAMIC, &[], &[]), &[rule]);
    let all = "family=~w.b,container=app,port=9000,path=/p,scheme=https,job=j";
    assert_eq!(rules(all), ["https://10.0.0.9:32769/p j"]);
    for other in ["family=~w,port=9000", "family=web,container=~x.*,port=9000", "service=x,port=80"]
    {
        assert_eq!(rules(other), [""; 0], "{other}");
    }
}

#[test]
fn ports_are_reached_by_network_mode() {
    let mode =
        |mode: &str, ports: &str, env: &str| addresses(known("1", mode, ports, &[env], &[]), &[]);
    assert_eq!(mode("host", "", "PROMETHEUS_PORT=9"), ["http://10.0.0.9:9/metrics"]);
    assert_eq!(mode("host", "", "PROMETHEUS="), ["http://10.0.0.9:80/metrics"]);
    assert_eq!(mode("none", "", "PROMETHEUS_PORT=9"), [""; 0]);
    assert_eq!(mode("bridge", "", "PROMETHEUS_PORT=9"), [""; 0]);
    assert_eq!(mode("container:9", "", "PROMETHEUS_PORT=9"), [""; 0], "of nobody known");
    let bound = r#""9/tcp":[{"HostIp":"127.0.0.1","HostPort":"1"}]"#;
    assert_eq!(mode("default", bound, "PROMETHEUS_PORT=9"), ["http://127.0.0.1:1/metrics"]);
    let bound = r#""9/tcp":[{"HostIp":"fd00::1","HostPort":"1"}]"#;
    assert_eq!(mode("mine", bound, "PROMETHEUS_PORT=9"), ["http://[fd00::1]:1/metrics"]);
}

fn with_agent(containers: Vec<agent::Container>, known: Vec<Known>) -> Inventory {
    let task = agent::Task {
        arn: ARN.into(),
        family: "web".into(),
        version: "7".into(),
        known: Some(Status::Running),
        containers,
        ..agent::Task::default()
    };
    let metadata =
        Metadata { cluster: "prod".into(), instance: "arn:ci".into(), version: "".into() };
    Inventory::of(
        known,
        Some(Answer { metadata, tasks: vec![task] }),
        &inventory::Labels::default(),
    )
}

#[test]
fn a_task_with_awsvpc_is_reached_at_its_own_address() {
    let told = |id: &str, addresses: &[&str]| agent::Container {
        id: id.into(),
        name: id.into(),
        joined: true,
        addresses: addresses
            .iter()
            .map(|address| address.parse().unwrap())
            .collect(),
        ..agent::Container::default()
    };
    let asks = |id: &str| known(id, "container:9", "", &["PROMETHEUS_PORT=9"], &[]);
    let told = vec![
        told("1", &["10.0.0.1", "fd00::1"]),
        told("2", &["fd00::2"]),
        told("3", &[]),
        told("4", &["10.0.0.4"]),
    ];
    let inventory = with_agent(told, vec![asks("1"), asks("2"), asks("3")]);
    let rules = vec![Rule::parse("container=4,port=7").unwrap()];
    let found = find(&inventory, &Settings { rules, ..Settings::default() }, "10.0.0.9");
    let addresses: Vec<_> = found
        .targets
        .iter()
        .map(|target| &*target.address)
        .collect();
    assert_eq!(addresses, ["10.0.0.1:9", "10.0.0.4:7", "[fd00::2]:9"], "one without Docker, too");
    assert_eq!(found.unreachable, 1);
}

#[test]
fn the_exporter_and_what_does_not_run_are_left_out() {
    let asks = |id: &str| known(id, "host", "", &["PROMETHEUS_PORT=9"], &[]);
    let mut ended = asks("2");
    ended.state = State::Exited;
    let mut internal = asks("3");
    let name = "com.amazonaws.ecs.container-name";
    internal
        .labels
        .insert(name.into(), "~internal~ecs~pause".into());
    let inventory =
        Inventory::of([asks("1"), ended, internal], None, &inventory::Labels::default());
    let found = |own: &str| {
        let settings = Settings { own: Some(own.into()), ..Settings::default() };
        find(&inventory, &settings, "h").targets.len()
    };
    assert_eq!((found("x"), found("1")), (1, 0));
}

/// A target as it is served.
#[derive(serde::Deserialize)]
struct Said {
    labels: BTreeMap<String, String>,
}

/// The labels of a target for which all is known.
fn labelled(preset: Option<Preset>, env: &[&str]) -> BTreeMap<String, String> {
    let labels = [("team/name", "shop"), ("PROMETHEUS_EXPORTER_JOB_NAME", "x")];
    let known = known("1", "bridge", DYNAMIC, env, &labels);
    let task = endpoint::Task {
        service: "web-svc".into(),
        launch_type: "EC2".into(),
        availability_zone: "eu-west-1b".into(),
        vpc: "vpc-1".into(),
        containers: vec![endpoint::Container { id: "1".into(), arn: "arn:x/prod/0a/uuid".into() }],
        ..endpoint::Task::default()
    };
    let inventory = with_agent(vec![], vec![known]).with_endpoints([("0a".into(), task)]);
    let instance = Instance { id: "i-1".into(), kind: "t3.nano".into() };
    let settings = Settings { preset, instance, ..Settings::default() };
    let found = find(&inventory, &settings, "10.0.0.9");
    let mut said: Vec<Said> = serde_json::from_slice(&found.json).unwrap();
    said.remove(0).labels
}

fn pairs(labels: &[(&str, &str)]) -> BTreeMap<String, String> {
    labels
        .iter()
        .map(|(name, value)| ((*name).to_owned(), (*value).to_owned()))
        .collect()
}

#[test]
fn targets_carry_what_is_known_in_both_spellings() {
    let mut expected = pairs(&[("__metrics_path__", "/m"), ("__scheme__", "http")]);
    for (name, value) in [
        ("availability_zone", "eu-west-1b"),
        ("cluster", "prod"),
        ("cluster_arn", "arn:aws:ecs:eu-west-1:111122223333:cluster/prod"),
        ("cluster_name", "prod"),
        ("container_arn", "arn:x/prod/0a/uuid"),
        ("container_id", "1"),
        ("container_image", "web:1"),
        ("container_image_id", "sha256:1"),
        ("container_instance_arn", "arn:ci"),
        ("container_labels_PROMETHEUS_EXPORTER_JOB_NAME", "x"),
        ("container_labels_team_name", "shop"),
        ("container_name", "1"),
        ("container_port", "8080"),
        ("docker_name", "ecs-1"),
        ("ec2_instance_id", "i-1"),
        ("ec2_instance_type", "t3.nano"),
        ("ec2_vpc_id", "vpc-1"),
        ("health_status", "UNKNOWN"),
        ("ip_address", "10.0.0.9"),
        ("last_status", "RUNNING"),
        ("launch_type", "EC2"),
        ("network_mode", "bridge"),
        ("region", "eu-west-1"),
        ("scrape_interval", "15s"),
        ("service", "web-svc"),
        ("service_arn", "arn:aws:ecs:eu-west-1:111122223333:service/prod/web-svc"),
        ("service_name", "web-svc"),
        ("source", ARN),
        ("task_arn", ARN),
        ("task_definition", "arn:aws:ecs:eu-west-1:111122223333:task-definition/web:7"),
        ("task_definition_family", "web"),
        ("task_definition_revision", "7"),
        ("task_group", "service:web-svc"),
        ("task_id", "0a"),
        ("task_launch_type", "EC2"),
    ] {
        expected.insert(format!("__meta_ecs_{name}"), value.into());
    }
    assert_eq!(labelled(None, &["PROMETHEUS_ENDPOINT=15s:/m"]), expected);
}

#[test]
fn presets_write_the_plain_labels_of_older_tools() {
    let plain = |preset, env: &[&str]| {
        let mut labels = labelled(Some(preset), env);
        labels.retain(|name, _| !name.starts_with("__"));
        labels
    };
    let env = &["PROMETHEUS_PORT=8080"];
    let expected = pairs(&[
        ("ecs_cluster", "prod"),
        ("ecs_container_id", "uuid"),
        ("ecs_task_id", "0a"),
        ("ecs_task_version", "7"),
        ("instance", "10.0.0.9:32768"),
        ("instance_id", "i-1"),
        ("job", "web"),
        ("metrics_path", "/metrics"),
    ]);
    assert_eq!(plain(Preset::EcsSd, env), expected);
    let bare = &["PROMETHEUS_PORT=8080", "PROMETHEUS_NOLABELS=1"];
    assert_eq!(plain(Preset::EcsSd, bare), pairs(&[("instance", "web"), ("job", "web")]));
    let expected = pairs(&[
        ("cluster_arn", "arn:aws:ecs:eu-west-1:111122223333:cluster/prod"),
        ("container_arn", "arn:x/prod/0a/uuid"),
        ("container_name", "1"),
        ("docker_image", "web:1"),
        ("task_arn", ARN),
        ("task_group", "service:web-svc"),
        ("task_name", "web"),
        ("task_revision", "7"),
    ]);
    assert_eq!(plain(Preset::Teralytics, env), expected);
    let expected = pairs(&[
        ("cluster", "prod"),
        ("instance", "10.0.0.9"),
        ("service", "web-svc"),
        ("taskdefinition", "web"),
        ("taskid", "0a"),
    ]);
    assert_eq!(plain(Preset::CloudMap, env), expected);
    let expected = pairs(&[
        ("ClusterName", "prod"),
        ("InstanceType", "t3.nano"),
        ("LaunchType", "EC2"),
        ("ServiceName", "web-svc"),
        ("TaskDefinitionFamily", "web"),
        ("TaskGroup", "service:web-svc"),
        ("TaskId", "0a"),
        ("TaskRevision", "7"),
        ("VpcId", "vpc-1"),
        ("container_name", "1"),
    ]);
    assert_eq!(plain(Preset::Adot, env), expected);
}

#[test]
fn says_the_same_of_the_same_and_no_secret() {
    let containers = ["3", "1", "2"].map(|id| {
        let env = ["DB_PASSWORD=hunter2", &format!("PROMETHEUS_PORT=9{id}")];
        known(id, "host", "", &env, &[])
    });
    let mut backwards = containers.clone();
    backwards.reverse();
    let discovery = Discovery::default();
    let joined = |containers: [Known; 3]| {
        Arc::new(Inventory::of(containers, None, &inventory::Labels::default()))
    };
    let (one, other) = (joined(containers), joined(backwards));
    let found = discovery.of(&one);
    assert!(Arc::ptr_eq(&found, &discovery.of(&one)));
    assert_eq!(found.json, discovery.of(&other).json);
    let json = str::from_utf8(&found.json).unwrap();
    assert!(json.starts_with(r#"[{"targets":["127.0.0.1:91"],"labels":{"__meta_ecs_"#), "{json}");
    assert_eq!((json.matches("targets").count(), json.contains("hunter2")), (3, false));
    assert_eq!(find(&Inventory::default(), &Settings::default(), "h").json, "[]");
}
