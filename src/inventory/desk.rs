//! Where the sources bring what they heard, and scrapes fetch it.

use std::collections::BTreeMap;
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use tokio::sync::{Notify, watch};

use super::agent::Answer;
use super::ask::Trouble;
use super::demand::Demand;
use super::docker::Known;
use super::labels::Labels;
use super::record::Record;
use super::service::Service;
use super::told::{Listener, Told};
use super::{Inventory, Source, endpoint};

/// The agent is asked again for a scrape when its last answer is older than this.
const AGENT_AGE: Duration = Duration::from_secs(15);

/// Docker is asked for a sign of life for a scrape when nothing was heard of it for this long.
const DOCKER_SILENCE: Duration = Duration::from_secs(60);

/// Who tells.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Name {
    /// Docker.
    Docker,
    /// The ECS agent.
    Agent,
}

impl Name {
    /// Its one of both.
    fn of<T>(self, [docker, agent]: &mut [T; 2]) -> &mut T {
        match self {
            Self::Docker => docker,
            Self::Agent => agent,
        }
    }
}

/// Containers by their ids.
pub(super) type Containers = BTreeMap<Box<str>, Arc<Known>>;

/// What tasks' own endpoints said, by the tasks' ids.
pub(super) type Endpoints = BTreeMap<Box<str>, Arc<endpoint::Task>>;

/// What the sources and the scrapes share. No lock is held for longer than it takes to copy some
/// pointers, but for that of the facts, which scrapes do not take.
#[derive(Debug)]
pub(super) struct Desk {
    labels: Labels,
    service: Service,
    clock: fn() -> SystemTime,
    listener: Listener,
    published: watch::Sender<Arc<Inventory>>,
    /// Who has answered or failed to.
    settled: watch::Sender<[bool; 2]>,
    /// Whether all tasks were asked for that there were at first.
    endpoints: watch::Sender<bool>,
    facts: Mutex<Facts>,
    records: Mutex<[Record; 2]>,
    calls: Mutex<Calls>,
    docker_up: AtomicBool,
    docker: Notify,
    agent: Notify,
}

#[derive(Debug, Default)]
struct Facts {
    containers: Containers,
    agent: Option<Arc<Answer>>,
    endpoints: Endpoints,
    /// Which of Docker and the agent are not there.
    absent: [bool; 2],
}

/// What scrapes call for, and when they last did.
#[derive(Debug)]
struct Calls {
    demand: Demand,
    agent_asked: Instant,
    docker_heard: Instant,
}

impl Desk {
    pub(super) fn new(
        labels: Labels,
        service: Service,
        clock: fn() -> SystemTime,
        listener: Listener,
    ) -> Self {
        let empty = Inventory::join(Vec::new(), None, Endpoints::new(), (&labels, &service));
        let now = Instant::now();
        Self {
            endpoints: watch::Sender::new(service != Service::Metadata),
            labels,
            service,
            clock,
            listener,
            published: watch::Sender::new(Arc::new(empty)),
            settled: watch::Sender::default(),
            facts: Mutex::default(),
            records: Mutex::new(["docker", "ecs_agent"].map(Record::new)),
            calls: Mutex::new(Calls {
                demand: Demand::default(),
                agent_asked: now,
                docker_heard: now,
            }),
            docker_up: AtomicBool::new(false),
            docker: Notify::new(),
            agent: Notify::new(),
        }
    }

    pub(super) fn now(&self) -> SystemTime {
        (self.clock)()
    }

    /// Tells who listens.
    pub(super) fn tell(&self, told: Told<'_>) {
        self.listener.tell(told);
    }

    /// Whether anybody listens to what is told.
    pub(super) fn listened_to(&self) -> bool {
        self.listener.listens()
    }

    pub(super) fn subscribe(&self) -> watch::Receiver<Arc<Inventory>> {
        self.published.subscribe()
    }

    /// Waits until each source has answered, or has failed to.
    pub(super) async fn all_settled(&self) {
        let mut settled = self.settled.subscribe();
        let _never_closed = settled.wait_for(|both| *both == [true, true]).await;
    }

    /// As [`all_settled`](Self::all_settled), and until all tasks were asked for.
    pub(super) async fn everything_settled(&self) {
        self.all_settled().await;
        let mut settled = self.endpoints.subscribe();
        let _never_closed = settled.wait_for(|settled| *settled).await;
    }

    /// Whether each source has answered, or has failed to.
    pub(super) fn is_settled(&self) -> bool {
        *self.settled.borrow() == [true, true]
    }

    /// How it goes with the sources.
    pub(super) fn sources(&self) -> Vec<Source> {
        lock(&self.records)
            .iter()
            .map(|record| record.source.clone())
            .collect()
    }

    /// A scrape used the inventory, and would like to know these containers of Docker.
    pub(super) fn used<'a>(&self, unknown: impl Iterator<Item = &'a str>) {
        self.looked_at();
        if lock(&self.calls).demand.note(unknown, Instant::now()) {
            self.docker.notify_one();
        }
    }

    /// Somebody used the inventory: what is too old is asked for again.
    pub(super) fn looked_at(&self) {
        let now = Instant::now();
        let mut calls = lock(&self.calls);
        if now.duration_since(calls.agent_asked) >= AGENT_AGE {
            calls.agent_asked = now;
            self.agent.notify_one();
        }
        let up = self.docker_up.load(Ordering::Relaxed);
        if !up || now.duration_since(calls.docker_heard) >= DOCKER_SILENCE {
            self.docker.notify_one();
        }
    }

    /// Waits until a scrape calls for Docker.
    pub(super) async fn docker_is_called_for(&self) {
        self.docker.notified().await;
    }

    /// The containers that scrapes would like to know.
    pub(super) fn due(&self) -> Vec<Box<str>> {
        lock(&self.calls).demand.take()
    }

    /// Whether nothing was heard of Docker for long.
    pub(super) fn docker_is_silent(&self) -> bool {
        lock(&self.calls).docker_heard.elapsed() >= DOCKER_SILENCE
    }

    /// Waits until a scrape or an event of Docker calls for the agent.
    pub(super) async fn agent_is_called_for(&self) {
        self.agent.notified().await;
    }

    /// Calls for the agent: a container started or ended.
    pub(super) fn call_agent(&self) {
        self.agent.notify_one();
    }

    /// Changes what is known from Docker. [`publish`](Self::publish) makes it known.
    pub(super) fn containers<T>(&self, change: impl FnOnce(&mut Containers) -> T) -> T {
        change(&mut lock(&self.facts).containers)
    }

    /// The agent answered.
    pub(super) fn agent_told(&self, answer: Answer) {
        let version = answer.metadata.version.clone();
        self.tell(Told::Agent(&answer));
        lock(&self.calls).agent_asked = Instant::now();
        lock(&self.facts).agent = Some(Arc::new(answer));
        self.up(Name::Agent, &version);
        self.publish();
    }

    /// The endpoint of a task answered.
    pub(super) fn endpoint_told(&self, task: Box<str>, answer: endpoint::Task) {
        lock(&self.facts).endpoints.insert(task, Arc::new(answer));
        self.publish();
    }

    /// Forgets the tasks that are not to be kept.
    pub(super) fn keep_endpoints(&self, keep: impl Fn(&str) -> bool) {
        let forgotten = {
            let endpoints = &mut lock(&self.facts).endpoints;
            let before = endpoints.len();
            endpoints.retain(|task, _| keep(task));
            endpoints.len() < before
        };
        if forgotten {
            self.publish();
        }
    }

    /// All tasks were asked for.
    pub(super) fn endpoints_settled(&self) {
        self.endpoints
            .send_if_modified(|settled| !std::mem::replace(settled, true));
    }

    /// Publishes what is known, if it is not what is published already: whenever it is another
    /// inventory, a scrape renders all labels anew.
    pub(super) fn publish(&self) {
        let facts = lock(&self.facts);
        let containers = facts.containers.values().cloned().collect();
        let (agent, endpoints) = (facts.agent.clone(), facts.endpoints.clone());
        let told = Inventory::join(containers, agent, endpoints, (&self.labels, &self.service));
        let new = told.where_alone(facts.absent == [true, true]);
        // Compared while scrapes may go on reading; nobody else writes as long as the facts are held.
        if **self.published.borrow() != new {
            self.published.send_replace(Arc::new(new));
        }
    }

    /// A source answers.
    pub(super) fn up(&self, name: Name, version: &str) {
        if name == Name::Docker {
            self.docker_up.store(true, Ordering::Relaxed);
        }
        *name.of(&mut lock(&self.facts).absent) = false;
        self.record(name, |record| record.up(version));
        self.heard(name);
    }

    /// A source gave a sign of life.
    pub(super) fn heard(&self, name: Name) {
        if name == Name::Docker {
            lock(&self.calls).docker_heard = Instant::now();
        }
        let now = self.now();
        self.record(name, |record| record.source.last_success = Some(now));
    }

    /// Waits for an answer of a source, and notes how long it took.
    pub(super) async fn timed<T>(
        &self,
        name: Name,
        answer: impl Future<Output = Result<T, Trouble>>,
    ) -> Result<T, Trouble> {
        let asked = Instant::now();
        let answer = answer.await;
        if answer.is_ok() {
            let took = asked.elapsed();
            self.record(name, |record| record.source.latency.observe(took));
        }
        answer
    }

    /// A source does not answer. What it said before stands.
    pub(super) fn failed(&self, name: Name, trouble: &Trouble) {
        match name {
            Name::Docker => self.docker_up.store(false, Ordering::Relaxed),
            Name::Agent => lock(&self.calls).agent_asked = Instant::now(),
        }
        self.record(name, |record| record.failed(trouble));
        self.absent(name, matches!(trouble, Trouble::Absent));
    }

    /// Whether a source is not there. Where none is, nobody gives the containers names.
    pub(super) fn absent(&self, name: Name, absent: bool) {
        let before = std::mem::replace(name.of(&mut lock(&self.facts).absent), absent);
        if before != absent {
            self.publish();
        }
    }

    /// A source gave an answer that is not understood, and is asked in another way.
    pub(super) fn odd(&self, name: Name, what: &'static str, trouble: &Trouble) {
        self.record(name, |record| record.odd(what, trouble));
    }

    /// A source has answered everything it was asked at first, or has failed to.
    pub(super) fn settled(&self, name: Name) {
        self.settled
            .send_if_modified(|both| !std::mem::replace(name.of(both), true));
    }

    fn record(&self, name: Name, change: impl FnOnce(&mut Record)) {
        change(name.of(&mut lock(&self.records)));
    }
}

/// A lock that a panic elsewhere does not spoil: nothing here is left half done.
fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
