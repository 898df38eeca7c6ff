//! What outlives a container, by events of a Docker that stands in for the real one: each thing counts
//! once, though Docker and the exporter start anew.
#![allow(clippy::unwrap_used, clippy::panic, clippy::indexing_slicing, reason = "a test")]
#![allow(dead_code, reason = "not every stand-in is wanted here")]

mod stand_in;

use std::fs;
use std::path::{Path, PathBuf};
use std::time::{Duration, SystemTime, UNIX_EPOCH};

use ecs_host_exporter::inventory::{Listener, Settings, Told, start_telling};
use ecs_host_exporter::lasting::{self, Lasting, Service};
use stand_in::Docker;
use tokio::task::JoinSet;

/// Nothing here takes nearly as long.
const PATIENCE: Duration = Duration::from_secs(60);

/// 02:25:00 on the day of all this.
const BEGAN: u64 = 1_795_227_900;

fn began() -> SystemTime {
    UNIX_EPOCH + Duration::from_secs(BEGAN)
}

fn later() -> SystemTime {
    began() + Duration::from_secs(60)
}

/// A book, and an inventory that tells it.
struct Kept {
    lasting: Lasting,
    _filling: JoinSet<()>,
}

impl Kept {
    fn new(docker: &Docker, dir: &Path, clock: fn() -> SystemTime) -> Self {
        let boot = "boot".into();
        let settings = lasting::Settings { dir: Some(dir.into()), boot, clock };
        let lasting = Lasting::start(settings).unwrap();
        let told = lasting.clone();
        let listener = Listener(Some(Box::new(move |what: Told<'_>| told.told(what))));
        let settings = Settings { docker: vec![docker.socket.clone()], ..Settings::default() };
        let (_, fill) = start_telling(settings, clock, listener);
        let mut filling = JoinSet::new();
        filling.spawn(fill);
        Self { lasting, _filling: filling }
    }

    /// Starts, ends with code 3, and ends that nobody saw.
    fn counts(&self) -> (u64, u64, u64) {
        let mut counts = (0, 0, 0);
        let settle = |book: &mut lasting::Book, now| book.settle(now, |_| Service::Is(""));
        self.lasting.scrape(None, later(), settle, |book| {
            for (_, sums) in book.sums() {
                counts.0 += sums.starts;
                counts.1 += sums.exits.codes.get(&3).copied().unwrap_or_default();
                counts.2 += sums.exits.unknown;
            }
        });
        counts
    }

    async fn until(&self, expected: (u64, u64, u64)) {
        let looked = async {
            while self.counts() != expected {
                tokio::time::sleep(Duration::from_millis(5)).await;
            }
        };
        let told = tokio::time::timeout(PATIENCE, looked).await;
        assert!(told.is_ok(), "{:?}, not {expected:?}", self.counts());
    }
}

fn id(n: usize) -> String {
    format!("{n:064x}")
}

/// A container that was started in that second, and ended in that one, with code 3.
fn inspect(n: usize, started: u64, finished: Option<u64>) -> String {
    let date = |second: u64| format!("2026-11-21T02:{:02}:{:02}.5Z", 25 + second / 60, second % 60);
    let (status, pid, code) = if finished.is_some() { ("exited", 0, 3) } else { ("running", 7, 0) };
    let finished = finished.map_or("0001-01-01T00:00:00Z".into(), date);
    format!(
        r#"{{"Id":"{}","Name":"/x","Created":"2026-11-21T02:24:00Z","State":{{"Status":"{status}",
        "Pid":{pid},"ExitCode":{code},"StartedAt":"{}","FinishedAt":"{finished}"}},
        "Config":{{"Image":"web:1","Labels":{{"com.amazonaws.ecs.cluster":"prod",
            "com.amazonaws.ecs.task-arn":"arn/t1","com.amazonaws.ecs.container-name":"web",
            "com.amazonaws.ecs.task-definition-family":"shop"}}}}}}"#,
        id(n),
        date(started)
    )
}

fn happened(docker: &Docker, n: usize, action: &str, second: f64) {
    let nanos = (BEGAN as f64 + second) * 1e9;
    docker.say(&format!(
        r#"{{"Type":"container","Action":"{action}","Actor":{{"ID":"{}","Attributes":{{"exitCode":"3",
        "com.amazonaws.ecs.cluster":"prod","com.amazonaws.ecs.task-arn":"arn/t1",
        "com.amazonaws.ecs.container-name":"web","com.amazonaws.ecs.task-definition-family":"shop"}}}},
        "scope":"local","time":{BEGAN},"timeNano":{nanos:.0}}}"#,
        id(n)
    ).replace('\n', " "));
}

struct Dir(PathBuf);

impl Drop for Dir {
    fn drop(&mut self) {
        let _left = fs::remove_dir_all(&self.0);
    }
}

#[tokio::test]
async fn each_thing_counts_once() {
    let dir = std::env::temp_dir().join(format!("lasting-{}", std::process::id()));
    fs::create_dir_all(&dir).unwrap();
    let dir = Dir(dir);
    let socket = dir.0.join("docker.sock");
    let docker = Docker::new(&socket);
    // 1 ran before the count began, 2 had ended.
    docker.add(&id(1), inspect(1, 0, None).replace("02:25:00", "02:20:00"));
    docker.add(&id(2), inspect(2, 0, Some(0)).replace("02:25:00", "02:20:00"));
    let kept = Kept::new(&docker, &dir.0, began);
    docker.listened_to().await;

    // One is started and ends, twice; it is looked at in between, and after that.
    happened(&docker, 3, "start", 6.6);
    docker.add(&id(3), inspect(3, 8, Some(9)));
    happened(&docker, 3, "die", 7.6);
    happened(&docker, 3, "start", 8.6);
    happened(&docker, 3, "die", 9.6);
    kept.until((2, 2, 0)).await;
    // One that ran before ends.
    happened(&docker, 1, "die", 10.0);
    kept.until((2, 3, 0)).await;

    // Docker starts anew, and tells of what it did before.
    drop(docker);
    let docker = Docker::new(&socket);
    docker.add(&id(1), inspect(1, 0, Some(9)).replace("02:25:00", "02:20:00"));
    docker.add(&id(3), inspect(3, 8, Some(9)));
    docker.listened_to().await;
    happened(&docker, 4, "start", 20.0);
    kept.until((3, 3, 0)).await;

    // So does the exporter. Meanwhile 4 ended, 5 was started and ended, 6 was started.
    kept.lasting.save(PATIENCE);
    drop(kept);
    docker.add(&id(4), inspect(4, 19, Some(30)));
    docker.add(&id(5), inspect(5, 31, Some(32)));
    docker.add(&id(6), inspect(6, 33, None));
    let kept = Kept::new(&docker, &dir.0, later);
    kept.until((5, 5, 0)).await;
    // It goes while nobody listens.
    kept.lasting.save(PATIENCE);
    drop(kept);
    docker.state().containers.remove(&id(6));
    let kept = Kept::new(&docker, &dir.0, later);
    kept.until((5, 5, 1)).await;
    drop(kept);

    // Without what was saved, what was before does not count.
    fs::write(dir.0.join("lasting.state"), "nonsense").unwrap();
    let kept = Kept::new(&docker, &dir.0, later);
    // Said until it is heard: who listened before may seem to listen still.
    let mut second = 61.0;
    while kept.counts() != (1, 0, 0) {
        assert!(second < 1000.0, "{:?}", kept.counts());
        happened(&docker, 7, "start", second);
        second += 1.0;
        tokio::time::sleep(Duration::from_millis(20)).await;
    }
    assert!(dir.0.join("lasting.state.broken").exists());
}
