//! The inventory against Docker and an agent that stand in for the real ones, over real sockets.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]

mod stand_in;

use std::fs;
use std::io::Write;
use std::path::{Path, PathBuf};
use std::sync::{Arc, Mutex};
use std::time::{Duration, SystemTime};

use ecs_host_exporter::cgroup::{Hierarchies, Kind, Tree};
use ecs_host_exporter::container::{About, Containers, Names};
use ecs_host_exporter::discovery::{self, Discovery, Rule};
use ecs_host_exporter::files::{Files, Roots};
use ecs_host_exporter::inventory::{
    Handle, Inventory, Labels, NAMES, Service, Settings, agent, docker, endpoint, start,
};
use stand_in::{Agent, Docker, Endpoint, Manner};
use tokio::task::JoinSet;

/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

const METADATA: &str = r#"{"Cluster":"prod","ContainerInstanceArn":"arn","Version":"Amazon ECS Agent - v1.105.1 (*a8b3e7d3)"}"#;
const TASKS: &str = include_str!("../fixtures/ecs-agent-cgroup2/agent/tasks.json");

/// A directory for sockets, removed when dropped.
struct Dir(PathBuf);

impl Dir {
    fn new(name: &str) -> Self {
        let dir = std::env::temp_dir().join(format!("inventory-{name}-{}", std::process::id()));
        fs::create_dir_all(&dir).unwrap();
        Self(dir)
    }

    fn socket(&self) -> PathBuf {
        self.0.join("docker.sock")
    }
}

impl Drop for Dir {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

/// An inventory that is being filled.
struct Filled {
    handle: Handle,
    _filling: JoinSet<()>,
}

impl Filled {
    fn new(socket: &Path, agent: Option<&Agent>, labels: Labels) -> Self {
        // A port on which nobody listens.
        let nobody = "127.0.0.1:1".into();
        let settings = Settings {
            docker: vec![socket.into()],
            agent: Some(agent.map_or(nobody, |agent| agent.address.clone())),
            labels,
            ..Settings::default()
        };
        let (handle, fill) = start(settings, SystemTime::now);
        let mut filling = JoinSet::new();
        filling.spawn(fill);
        Self { handle, _filling: filling }
    }

    /// One that asks the tasks' own endpoints for their services, if it asks.
    fn serviced(socket: &Path, endpoint: &Endpoint, service: Service) -> Self {
        let settings = Settings {
            docker: vec![socket.into()],
            service,
            endpoint: endpoint.address.clone(),
            ..Settings::default()
        };
        let (handle, fill) = start(settings, SystemTime::now);
        let mut filling = JoinSet::new();
        filling.spawn(fill);
        Self { handle, _filling: filling }
    }

    async fn settled(socket: &Path, agent: Option<&Agent>) -> Self {
        let filled = Self::new(socket, agent, Labels::default());
        filled.handle.settled(PATIENCE).await;
        filled
    }

    /// Waits for an inventory.
    async fn until(&self, wanted: impl FnMut(&Arc<Inventory>) -> bool) {
        let mut told = self.handle.subscribe();
        let told = tokio::time::timeout(PATIENCE, told.wait_for(wanted)).await;
        assert!(told.is_ok(), "{:?}", self.handle);
    }

    /// Waits for something that nobody tells of.
    async fn when(&self, wanted: impl Fn(&Self) -> bool) {
        let looked = async {
            while !wanted(self) {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, looked).await;
        assert!(told.is_ok(), "{:?}", self.handle);
    }

    fn up(&self) -> [bool; 2] {
        let sources = self.handle.sources();
        [sources[0].up, sources[1].up]
    }

    fn errors(&self) -> [u64; 2] {
        let sources = self.handle.sources();
        [sources[0].errors.all(), sources[1].errors.all()]
    }
}

fn id(n: usize) -> String {
    format!("{n:064x}")
}

fn inspect(id: &str, name: &str) -> String {
    format!(
        r#"{{"Id":"{id}","Name":"/{name}","Created":"2026-11-21T02:25:05Z","Image":"sha256:1",
        "State":{{"Status":"running","Pid":42,"StartedAt":"2026-11-21T02:25:06Z"}},
        "Config":{{"Image":"web:1","Env":["PASSWORD=hunter2"],"Labels":{{
            "com.amazonaws.ecs.cluster":"prod","com.amazonaws.ecs.container-name":"web"}}}},
        "HostConfig":{{"NetworkMode":"bridge","CpuShares":128}}}}"#
    )
}

fn described(inventory: &Inventory, id: &str) -> (String, About) {
    let (block, about) = inventory.describe(&format!("/docker/{id}"), Kind::Container(id));
    (String::from_utf8(block.as_bytes().to_vec()).unwrap(), about)
}

fn name(inventory: &Inventory, id: &str) -> String {
    let (text, _) = described(inventory, id);
    text.split("name=\"")
        .nth(1)
        .unwrap()
        .split('"')
        .next()
        .unwrap()
        .to_owned()
}

/// Rows of containers, as a scrape finds them.
fn rows(dir: &Dir, inventory: &Inventory, ids: &[String]) -> Containers {
    let mounts = "30 23 0:26 / /sys/fs/cgroup rw - cgroup2 cgroup2 rw\n";
    fs::create_dir_all(dir.0.join("proc/1")).unwrap();
    fs::write(dir.0.join("proc/1/mountinfo"), mounts).unwrap();
    for id in ids {
        fs::create_dir_all(dir.0.join("sys/fs/cgroup/docker").join(id)).unwrap();
    }
    let roots = Roots { proc: dir.0.join("proc"), sys: dir.0.join("sys"), ..Roots::default() };
    let mut files = Files::default();
    let home = Hierarchies::find(&roots, &mut files).unwrap();
    let mut rows = Containers::new(Tree::new(home.into()), |_| true, 0);
    rows.refresh(inventory, true, SystemTime::now(), &mut files);
    rows
}

#[tokio::test]
async fn names_containers_from_both_sources() {
    let dir = Dir::new("both");
    let docker = Docker::new(&dir.socket());
    docker.add(&id(1), inspect(&id(1), "first"));
    let agent = Agent::new(Manner::Says(METADATA, TASKS.into())).await;
    let filled = Filled::settled(&docker.socket, Some(&agent)).await;

    let inventory = filled.handle.latest();
    let values = [&*format!("/docker/{}", id(1)), "first", "web:1", "prod", "web", "", "", ""];
    let pairs: Vec<_> = NAMES
        .into_iter()
        .zip(values)
        .map(|(n, v)| format!("{n}=\"{v}\""))
        .collect();
    let (text, about) = described(&inventory, &id(1));
    assert_eq!(text, pairs.join(","));
    assert_eq!((about.pid, about.started), (Some(42), Some(1_795_227_906.0)));
    let job = "3e2ae73eeb9a7030679ae44b4e06aeb257b291d9481ad767a9c6d8eceab44e01";
    assert_eq!(name(&inventory, job), "ecs-batch-3-job-ac81959fb185f7df5b00");

    let sources = filled.handle.sources();
    assert_eq!((sources[0].name, sources[1].name), ("docker", "ecs_agent"));
    assert!(
        sources
            .iter()
            .all(|s| s.up && s.last_success.is_some() && s.errors.all() == 0)
    );
    assert_eq!(sources[0].version.as_deref(), Some("20.10.24+dfsg1"));
    assert_eq!(sources[1].version.as_deref(), Some("Amazon ECS Agent - v1.105.1 (*a8b3e7d3)"));
}

#[tokio::test]
async fn follows_events() {
    let dir = Dir::new("events");
    let docker = Docker::new(&dir.socket());
    docker.add(&id(1), inspect(&id(1), "first"));
    let filled = Filled::settled(&docker.socket, None).await;
    docker.listened_to().await;

    docker.add(&id(2), inspect(&id(2), "second"));
    docker.event("start", &id(2));
    filled.until(|i| name(i, &id(2)) == "second").await;
    docker.add(&id(2), inspect(&id(2), "renamed"));
    docker.event("rename", &id(2));
    filled.until(|i| name(i, &id(2)) == "renamed").await;
    docker.event("health_status: healthy", &id(2));
    filled
        .until(|i| described(i, &id(2)).1.healthy == Some(true))
        .await;
    docker.event("die", &id(1));
    filled.until(|i| described(i, &id(1)).1.pid.is_none()).await;
    assert_eq!(name(&filled.handle.latest(), &id(1)), "first");
    docker.event("destroy", &id(1));
    filled.until(|i| i.container(&id(1)).is_none()).await;
    assert_eq!((filled.up(), filled.errors()), ([true, false], [0, 0]));
    assert_eq!(docker.state().paths["/containers/json"], 1);
}

#[tokio::test]
async fn keeps_up_with_containers_that_come_and_go() {
    let dir = Dir::new("churn");
    let docker = Docker::new(&dir.socket());
    let filled = Filled::settled(&docker.socket, None).await;
    docker.listened_to().await;
    for n in 0..1000 {
        docker.add(&id(n), inspect(&id(n), "short"));
        docker.event("start", &id(n));
        if n % 3 == 0 {
            tokio::task::yield_now().await;
        }
        docker.event("die", &id(n));
        if n != 500 {
            docker.state().containers.remove(&id(n));
            docker.event("destroy", &id(n));
        }
    }
    let ended = inspect(&id(500), "left")
        .replace("running", "exited")
        .replace("42", "0");
    docker.add(&id(500), ended);
    docker.event("rename", &id(500));
    filled
        .until(|i| name(i, &id(500)) == "left" && i.containers().len() == 1)
        .await;
    assert_eq!(described(&filled.handle.latest(), &id(500)).1.pid, None);
    assert_eq!(filled.errors()[0], 0);
}

#[tokio::test]
async fn keeps_what_it_knows_while_docker_is_away() {
    let dir = Dir::new("away");
    let docker = Docker::new(&dir.socket());
    docker.add(&id(1), inspect(&id(1), "first"));
    docker.add(&id(2), inspect(&id(2), "second"));
    let filled = Filled::settled(&docker.socket, None).await;
    docker.listened_to().await;
    drop(docker);

    let docker = Docker::new(&dir.socket());
    assert_eq!(name(&filled.handle.latest(), &id(1)), "first");
    docker.add(&id(2), inspect(&id(2), "second").replace("42", "43"));
    docker.add(&id(3), inspect(&id(3), "third"));
    docker.listened_to().await;
    filled.until(|i| name(i, &id(3)) == "third").await;
    let inventory = filled.handle.latest();
    assert!(inventory.container(&id(1)).is_none(), "gone meanwhile");
    assert_eq!(inventory.container(&id(2)).unwrap().pid, Some(43), "restarted meanwhile");
    assert_eq!((filled.up()[0], filled.errors()[0]), (true, 1));
}

#[tokio::test]
async fn serves_without_docker_and_fills_in_when_it_comes() {
    let dir = Dir::new("late");
    let filled = Filled::settled(&dir.socket(), None).await;
    assert_eq!((filled.up(), filled.errors()), ([false; 2], [0; 2]), "absent is not failed");
    assert_eq!(name(&filled.handle.latest(), &id(1)), id(1), "as nobody else names it");
    let docker = Docker::new(&dir.socket());
    docker.add(&id(1), inspect(&id(1), "first"));
    filled.until(|i| name(i, &id(1)) == "first").await;
    assert_eq!(name(&filled.handle.latest(), &id(2)), "", "Docker may name it yet");
    assert_eq!(filled.up(), [true, false]);
}

#[tokio::test]
async fn an_odd_answer_does_not_blind_it() {
    let dir = Dir::new("odd");
    let docker = Docker::new(&dir.socket());
    docker.add(&id(1), inspect(&id(1), "first").replace("running", "levitating"));
    docker.add(&id(2), inspect(&id(2), "second"));
    let list =
        format!(r#"[{{"Id":"{}","State":"levitating"}},{{"Id":"{}","Ports":7}}]"#, id(1), id(2));
    docker.state().list = Some(list.into());
    let filled = Filled::settled(&docker.socket, None).await;
    let inventory = filled.handle.latest();
    assert_eq!(
        (name(&inventory, &id(1)), name(&inventory, &id(2))),
        ("first".into(), "second".into())
    );
    assert_eq!((filled.up()[0], filled.errors()[0]), (true, 1), "the list, by bollard");

    docker.listened_to().await;
    docker.say(r#"{"Type":"container","Action":"start","scope":"galactic"}"#);
    docker.add(&id(3), inspect(&id(3), "third"));
    docker.state().list = None;
    filled.until(|i| name(i, &id(3)) == "third").await;
}

#[tokio::test]
async fn scrapes_tell_of_containers_that_docker_does_not_list() {
    let dir = Dir::new("unlisted");
    let docker = Docker::new(&dir.socket());
    docker.add(&id(1), inspect(&id(1), "first"));
    docker.state().list = Some(b"<html>".into());
    let filled = Filled::settled(&docker.socket, None).await;
    let inventory = filled.handle.latest();
    assert_eq!((filled.up()[0], inventory.containers().len()), (true, 0));

    let mut rows = rows(&dir, &inventory, &[id(1), id(2)]);
    filled.handle.seen(&inventory, rows.rows());
    filled.until(|i| name(i, &id(1)) == "first").await;
    for _ in 0..100 {
        filled.handle.seen(&inventory, rows.rows());
    }
    docker.add(&id(3), inspect(&id(3), "third"));
    docker.event("start", &id(3));
    filled.until(|i| name(i, &id(3)) == "third").await;
    let paths = &docker.state().paths;
    assert_eq!(paths[&format!("/containers/{}/json", id(2))], 1, "not again and again");
}

#[tokio::test]
async fn one_container_that_docker_holds_fast_keeps_back_no_other() {
    let dir = Dir::new("fast");
    let docker = Docker::new(&dir.socket());
    for n in 0..20 {
        docker.add(&id(n), inspect(&id(n), "web"));
    }
    docker.state().mute = vec![id(0)];
    let filled = Filled::settled(&docker.socket, None).await;
    assert_eq!(filled.handle.latest().containers().len(), 19);
    assert_eq!((filled.up()[0], filled.errors()[0]), (true, 1));
    docker.state().mute.clear();
    docker.listened_to().await;
    docker.event("start", &id(0));
    filled.until(|i| i.containers().len() == 20).await;
    assert_eq!(docker.state().paths["/containers/json"], 1, "no reason to begin anew");
}

#[tokio::test]
async fn a_docker_that_never_answers_holds_nobody_up() {
    let dir = Dir::new("never");
    let socket = tokio::net::UnixListener::bind(dir.socket()).unwrap();
    let agent = Agent::new(Manner::Says(METADATA, TASKS.into())).await;
    let filled = Filled::settled(&dir.socket(), Some(&agent)).await;
    assert_eq!((filled.up(), filled.errors()), ([false, true], [1, 0]));
    assert!(filled.handle.latest().agent().is_some());
    drop(socket);
}

#[tokio::test]
async fn the_last_good_answer_of_the_agent_stands() {
    let dir = Dir::new("agent");
    let docker = Docker::new(&dir.socket());
    docker.add(&id(1), inspect(&id(1), "first"));
    let agent = Agent::new(Manner::Says(METADATA, TASKS.into())).await;
    let filled = Filled::settled(&docker.socket, Some(&agent)).await;
    docker.listened_to().await;
    let before = filled.handle.latest();
    let other = r#"{"AvailableCommands":["/v1/metadata","/v1/tasks","/license"]}"#;
    let endless = format!(r#"{{"Tasks":[],"x":"{}"}}"#, "x".repeat(6 << 20));
    let mut questions = 1;
    for (errors, manner) in [
        Manner::Says(METADATA, "garbage".into()),
        Manner::Says(METADATA, other.into()),
        Manner::Says(other, TASKS.into()),
        Manner::Says(METADATA, endless),
        Manner::Blurts(b"\x00\xff\xffgarbage\r\n\r\n".into()),
        Manner::Blurts(Vec::new()),
        Manner::Mute,
    ]
    .into_iter()
    .enumerate()
    {
        let asks = !matches!(&manner, Manner::Says(metadata, _) if *metadata == other);
        agent.behave(manner);
        docker.event("start", &id(1));
        questions += u64::from(asks);
        agent.asked(questions).await;
        let wanted = u64::try_from(errors).unwrap() + 1;
        filled.when(|f| f.errors()[1] >= wanted).await;
        assert_eq!((filled.up(), filled.errors()), ([true, false], [0, wanted]));
        assert!(Arc::ptr_eq(&before, &filled.handle.latest()));
    }

    // The same tasks in another order.
    let mut tasks: serde_json::Value = serde_json::from_str(TASKS).unwrap();
    tasks["Tasks"].as_array_mut().unwrap().reverse();
    agent.behave(Manner::Says(METADATA, tasks.to_string()));
    docker.event("start", &id(1));
    filled.when(|f| f.up()[1]).await;
    assert!(Arc::ptr_eq(&before, &filled.handle.latest()), "nothing changed");
    agent.behave(Manner::Says(METADATA, r#"{"Tasks":[]}"#.into()));
    docker.event("die", &id(1));
    filled.until(|i| i.agent().unwrap().tasks.is_empty()).await;
}

#[tokio::test]
async fn names_a_thousand_containers() {
    let dir = Dir::new("thousand");
    let docker = Docker::new(&dir.socket());
    for n in 0..1000 {
        docker.add(&id(n), inspect(&id(n), &format!("name-{n}")));
    }
    let filled = Filled::settled(&docker.socket, None).await;
    let inventory = filled.handle.latest();
    assert_eq!(inventory.containers().len(), 1000);
    assert_eq!(name(&inventory, &id(999)), "name-999");
    let state = docker.state();
    assert!(state.most_at_once <= 8, "{}", state.most_at_once);
    assert_eq!(state.paths.values().sum::<u64>(), 1003, "version, list, events, inspects");
}

#[tokio::test]
async fn hostile_names_stay_bounded() {
    let dir = Dir::new("hostile");
    let docker = Docker::new(&dir.socket());
    let long = "n".repeat(1 << 20);
    let labels: Vec<_> = (0..10_000)
        .map(|n| format!(r#""l{n:05}":"\"\n{n}""#))
        .collect();
    let hostile = |id: &str, name: &str| {
        inspect(id, name).replace("\"Labels\":{", &format!("\"Labels\":{{{},", labels.join(",")))
    };
    docker.add(&id(1), hostile(&id(1), &long));
    docker.add(&id(2), hostile(&id(2), "\\\"} 1\\nfake 2\\n"));
    let mut broken = hostile(&id(3), "INVALID").into_bytes();
    let at = broken.windows(7).position(|w| w == b"INVALID").unwrap();
    broken[at..at + 7].copy_from_slice(b"\xff\xfe\x80\xc3\x28\xf0\x90");
    docker.add(&id(3), broken);
    let filled = Filled::new(&docker.socket, None, Labels::asked(["*"]).unwrap());
    filled.handle.settled(PATIENCE).await;
    let inventory = filled.handle.latest();
    assert_eq!(inventory.containers().len(), 3);
    for n in 1..=3 {
        let (text, _) = described(&inventory, &id(n));
        assert!(!text.contains('\n') && text.len() < 8192, "{}", text.len());
        assert_eq!(text.matches("container_label_").count(), 5 + 64);
    }
    assert!(
        described(&inventory, &id(2))
            .0
            .contains(r#"name="\"} 1\nfake 2\n""#)
    );
    assert!(name(&inventory, &id(3)).contains("????(??"));
    assert!(filled.up()[0]);
}

/// An answer cut short at many places, and with bytes changed.
fn spoilt(json: &[u8], step: usize) -> impl Iterator<Item = Vec<u8>> + '_ {
    let cut = (0..json.len()).step_by(step).map(|at| json[..at].to_vec());
    let changed = (0..json.len()).step_by(step).flat_map(move |at| {
        [b'"', b'{', b']', b',', b'-', b'9', b'\\', 0, 0xff].map(|byte| {
            let mut json = json.to_vec();
            json[at] = byte;
            json
        })
    });
    cut.chain(changed)
}

#[test]
fn no_answer_makes_it_panic() {
    let inspect = include_bytes!("../fixtures/ecs-agent-cgroup2/docker/inspect.json");
    let metadata = include_bytes!("../fixtures/ecs-agent-cgroup2/agent/metadata.json");
    let app = "102c76bf37eab0c77f0ea044edb81f2052ce037304d1958ee05db362a3a00c68";
    let all = Labels::asked(["*"]).unwrap();
    let rule = Rule::parse("family=~.*,port=80").unwrap();
    let settings = discovery::Settings { rules: vec![rule], ..discovery::Settings::default() };
    let discovery = Discovery::new(settings, || None);
    for json in spoilt(says("a", "web").as_bytes(), 1) {
        let _read = endpoint::parse_task(&json, "arn/a");
    }
    for json in spoilt(inspect, 331) {
        if let Ok(known) = docker::parse_inspect(&json) {
            let inventory = Arc::new(Inventory::of(known, None, &all));
            described(&inventory, app);
            discovery.of(&inventory);
        }
    }
    for json in spoilt(TASKS.as_bytes(), 7) {
        if let Ok(tasks) = agent::parse_tasks(&json) {
            let answer = agent::Answer { tasks, ..agent::Answer::default() };
            described(&Inventory::of([], Some(answer), &all), app);
        }
    }
    for json in spoilt(metadata, 1) {
        let _read = agent::parse_metadata(&json);
    }
}

/// Collects what is logged.
#[derive(Clone, Default)]
struct Log(Arc<Mutex<Vec<u8>>>);

impl Write for Log {
    fn write(&mut self, bytes: &[u8]) -> std::io::Result<usize> {
        self.0.lock().unwrap().write(bytes)
    }

    fn flush(&mut self) -> std::io::Result<()> {
        Ok(())
    }
}

#[tokio::test]
async fn no_secret_is_kept_or_logged() {
    let log = Log::default();
    let sink = log.clone();
    let subscriber = tracing_subscriber::fmt()
        .with_max_level(tracing::Level::TRACE)
        .with_writer(move || sink.clone())
        .finish();
    let _logging = tracing::subscriber::set_default(subscriber);

    let dir = Dir::new("secret");
    let docker = Docker::new(&dir.socket());
    docker.add(&id(1), inspect(&id(1), "first"));
    docker.add(&id(2), inspect(&id(2), "second").replace("[\"PASSWORD=hunter2\"]", "\"hunter2\""));
    docker.add(&id(3), inspect(&id(3), "third").replace("\"running\"", "\"hunter2\""));
    let agent = Agent::new(Manner::Says(METADATA, r#"{"Tasks":"hunter2"}"#.into())).await;
    let filled = Filled::settled(&docker.socket, Some(&agent)).await;
    let inventory = filled.handle.latest();
    assert_eq!(inventory.containers().len(), 2, "{inventory:?}");
    assert_eq!(name(&inventory, &id(3)), "third");
    assert!(!format!("{:?} {:?}", filled.handle, filled.handle.sources()).contains("hunter2"));
    let log = String::from_utf8(log.0.lock().unwrap().clone()).unwrap();
    assert!(log.contains("odd answer") && !log.contains("hunter2"), "{log}");
    assert_eq!(log.matches("odd answer").count(), 1, "each kind once\n{log}");
}

/// A container of a task, which has this in its environment.
fn of_task(id: &str, task: &str, uri: &str) -> String {
    inspect(id, "web")
        .replace("PASSWORD=hunter2", &format!("ECS_CONTAINER_METADATA_URI_V4={uri}"))
        .replace(
            "\"Labels\":{",
            &format!("\"Labels\":{{\"com.amazonaws.ecs.task-arn\":\"arn/{task}\","),
        )
}

fn says(task: &str, service: &str) -> String {
    format!(r#"{{"TaskARN":"arn/{task}","ServiceName":"{service}","LaunchType":"EC2"}}"#)
}

#[tokio::test]
async fn services_are_asked_for_once_by_the_ids_of_their_containers() {
    let dir = Dir::new("services");
    let docker = Docker::new(&dir.socket());
    let endpoint = Endpoint::new().await;
    docker.add(&id(1), of_task(&id(1), "a", "http://169.254.170.2/v4/first"));
    docker.add(&id(2), of_task(&id(2), "a", "http://169.254.170.2/v4/second"));
    docker.add(&id(3), of_task(&id(3), "b", "http://169.254.170.2/v4/third"));
    // Elsewhere, or with another's id.
    docker.add(&id(4), of_task(&id(4), "c", &format!("http://10.0.0.1/v4/{}", id(4))));
    docker.add(&id(5), of_task(&id(5), "d", "http://169.254.170.2/v4/fifth"));
    endpoint.say("first", 200, says("a", "web-svc"));
    endpoint.say("third", 200, says("b", ""));
    endpoint.say("fifth", 200, says("a", "web-svc"));
    let filled = Filled::serviced(&docker.socket, &endpoint, Service::Metadata);
    filled.handle.settled(PATIENCE).await;
    let inventory = filled.handle.latest();
    let services = ["a", "b", "c", "d"].map(|task| inventory.service(task).to_owned());
    assert_eq!(services, ["web-svc", "", "", ""]);
    assert_eq!(&*inventory.endpoint("b").unwrap().launch_type, "EC2");
    let first = |name: &str| format!("/v4/{name}/task");
    assert_eq!(*endpoint.asked.borrow(), ["first", "third", "fifth"].map(first));

    docker.listened_to().await;
    docker.add(&id(6), of_task(&id(6), "e", "http://169.254.170.2/v4/sixth"));
    docker.event("start", &id(6));
    // Unknown at first.
    let mut asked = endpoint.asked.subscribe();
    asked
        .wait_for(|asked| asked.contains(&first("sixth")))
        .await
        .unwrap();
    assert_eq!(filled.handle.latest().service("e"), "");
    endpoint.say("sixth", 200, says("e", "late"));
    filled.until(|i| i.service("e") == "late").await;
    docker.event("destroy", &id(1));
    docker.event("destroy", &id(2));
    filled
        .until(|i| i.container(&id(1)).is_none() && i.container(&id(2)).is_none())
        .await;
    filled.until(|i| i.endpoint("a").is_none()).await;
    let asked = endpoint
        .asked
        .borrow()
        .iter()
        .filter(|path| **path == first("first"))
        .count();
    assert_eq!(asked, 1, "once");
}

#[tokio::test]
async fn nobody_is_asked_for_services_unless_he_is_to_be() {
    let dir = Dir::new("unasked");
    let docker = Docker::new(&dir.socket());
    let endpoint = Endpoint::new().await;
    docker.add(&id(1), of_task(&id(1), "a", "http://169.254.170.2/v4/first"));
    for service in [Service::Off, Service::Label("com.amazonaws.ecs.container-name".into())] {
        let label = service != Service::Off;
        let filled = Filled::serviced(&docker.socket, &endpoint, service);
        filled.handle.settled(PATIENCE).await;
        assert_eq!(filled.handle.latest().service("a"), if label { "web" } else { "" });
        assert!(filled.handle.complete());
    }
    assert!(endpoint.asked.borrow().is_empty());
}
