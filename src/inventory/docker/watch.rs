//! Follows what Docker does: all containers at first, then its events.
//!
//! While nothing happens, nothing is asked. Events end when Docker does; then it is looked for again,
//! after a second, two, four, and so on up to half a minute, and from then on only while there are
//! scrapes.

use std::collections::hash_map::Entry;
use std::collections::{HashMap, HashSet, VecDeque};
use std::convert::Infallible;
use std::io;
use std::path::PathBuf;
use std::pin::pin;
use std::sync::Arc;
use std::time::{Duration, Instant};

use futures_util::StreamExt;
use tokio::task::{JoinError, JoinSet};

use super::client::{Client, Event, Listed, What};
use super::known::{Known, State};
use crate::container::seconds;
use crate::inventory::ask::Trouble;
use crate::inventory::desk::{Desk, Name};
use crate::inventory::told::Told;

const SHORTEST: Duration = Duration::from_secs(1);
const LONGEST: Duration = Duration::from_secs(30);

/// How many containers are asked for at once.
const AT_ONCE: usize = 8;

/// While containers are still asked for, what is known is published this often.
const PUBLISHED: Duration = Duration::from_secs(1);

/// Follows the Docker that has its socket at the first of the `places` where there is one. Never
/// ends.
pub(in crate::inventory) async fn watch(desk: Arc<Desk>, places: Vec<PathBuf>) {
    let mut wait = SHORTEST;
    loop {
        let began = Instant::now();
        let Err(trouble) = follow(&desk, &places).await;
        desk.publish();
        desk.failed(Name::Docker, &trouble);
        desk.settled(Name::Docker);
        if began.elapsed() > LONGEST {
            wait = SHORTEST;
        }
        tokio::time::sleep(wait).await;
        if wait == LONGEST {
            desk.docker_is_called_for().await;
        }
        wait = (2 * wait).min(LONGEST);
    }
}

async fn follow(desk: &Arc<Desk>, places: &[PathBuf]) -> Result<Infallible, Trouble> {
    let socket = places
        .iter()
        .find(|place| place.exists())
        .ok_or(Trouble::Absent)?;
    let since = desk.now();
    let client = Client::connect(socket, Arc::clone(desk)).await?;
    let mut events = pin!(client.events(since));
    let list = match client.list().await {
        Ok(list) => Some(list),
        // Scrapes tell which containers there are.
        Err(trouble @ (Trouble::Malformed(_) | Trouble::Endless)) => {
            desk.odd(Name::Docker, "the list of containers, read with leniency", &trouble);
            None
        }
        Err(trouble) => return Err(trouble),
    };
    desk.up(Name::Docker, &client.version);
    // The events were asked for in whole seconds.
    desk.tell(Told::Connected(seconds(since).floor()));
    let mut session = Session::new(desk, client);
    if let Some(list) = list {
        session.listed(&list);
    }
    loop {
        session.fill();
        session.publish();
        tokio::select! {
            event = events.next() => session.happened(event.ok_or(Trouble::Ended)??),
            Some(done) = session.running.join_next() => session.answered(done)?,
            () = desk.docker_is_called_for() => session.called(),
        }
    }
}

/// One connection to Docker, from the list to the end of the events.
struct Session<'a> {
    desk: &'a Desk,
    client: Client,
    queue: VecDeque<Box<str>>,
    /// What is in the queue or on its way.
    asked: HashMap<Box<str>, Stage>,
    running: JoinSet<Done>,
    pinging: bool,
    /// When what is known changed and was not published yet, and when it last was.
    changed: bool,
    published: Instant,
}

/// How far a question for a container is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Stage {
    Queued,
    Asked,
    /// Something happened meanwhile: the answer may be too old.
    Outdated,
    /// It was removed meanwhile.
    Gone,
}

/// An answer.
enum Done {
    Inspect(Box<str>, Result<Option<Arc<Known>>, Trouble>),
    Ping(Result<(), Trouble>),
}

impl<'a> Session<'a> {
    fn new(desk: &'a Desk, client: Client) -> Self {
        Self {
            desk,
            client,
            queue: VecDeque::new(),
            asked: HashMap::new(),
            running: JoinSet::new(),
            pinging: false,
            changed: true,
            published: Instant::now(),
        }
    }

    /// Forgets the containers that are gone, and asks for the others: one that was known may have
    /// been started anew while nobody listened. Those that ended and still have are as they were.
    fn listed(&mut self, list: &[Listed]) {
        let ids: HashSet<&str> = list.iter().map(|line| &*line.id).collect();
        let ended = self.desk.containers(|known| {
            known.retain(|id, _| ids.contains(&**id));
            let ended = |line: &&Listed| {
                let known = known.get(&line.id);
                line.state.ended() && known.is_some_and(|known| known.state.ended())
            };
            let ended: HashSet<&str> = list.iter().filter(ended).map(|line| &*line.id).collect();
            ended
        });
        self.desk.tell(Told::Listed(&ids));
        for line in list {
            // Who counts wants to know whether it was started and ended again in the meantime.
            if !ended.contains(&*line.id) || self.desk.listened_to() {
                self.ask(&line.id);
            }
        }
    }

    fn ask(&mut self, id: &str) {
        match self.asked.entry(id.into()) {
            Entry::Vacant(entry) => {
                entry.insert(Stage::Queued);
                self.queue.push_back(id.into());
            }
            Entry::Occupied(mut entry) => {
                if *entry.get() == Stage::Asked {
                    entry.insert(Stage::Outdated);
                }
            }
        }
    }

    /// Puts as many questions as may be put at once.
    fn fill(&mut self) {
        while self.running.len() < AT_ONCE {
            let Some(id) = self.queue.pop_front() else { return };
            if let Some(stage @ Stage::Queued) = self.asked.get_mut(&id) {
                *stage = Stage::Asked;
                let client = self.client.clone();
                self.running.spawn(async move {
                    let answer = client.inspect(&id).await;
                    Done::Inspect(id, answer)
                });
            }
        }
    }

    /// Publishes what changed, when all is answered or enough time has passed.
    fn publish(&mut self) {
        let complete = self.asked.is_empty();
        if self.changed && (complete || self.published.elapsed() >= PUBLISHED) {
            self.desk.publish();
            self.changed = false;
            self.published = Instant::now();
        }
        if complete {
            self.desk.settled(Name::Docker);
        }
    }

    fn answered(&mut self, done: Result<Done, JoinError>) -> Result<(), Trouble> {
        match done.map_err(io::Error::other)? {
            Done::Ping(answer) => {
                answer?;
                self.pinging = false;
                self.desk.heard(Name::Docker);
            }
            Done::Inspect(id, answer) => {
                let stage = self.asked.remove(&id);
                match answer {
                    Ok(known) => {
                        self.desk.heard(Name::Docker);
                        if let Some(known) = &known {
                            self.desk.tell(Told::Looked(known));
                        }
                        if stage != Some(Stage::Gone) {
                            self.told(&id, known);
                        }
                    }
                    Err(trouble) => {
                        // Docker may hold one container fast and answer for all others.
                        if matches!(trouble, Trouble::Late) {
                            self.ping();
                        }
                        self.desk.odd(Name::Docker, "one container", &trouble);
                    }
                }
                if stage == Some(Stage::Outdated) {
                    self.ask(&id);
                }
            }
        }
        Ok(())
    }

    fn told(&mut self, id: &str, known: Option<Arc<Known>>) {
        self.changed = true;
        self.desk.containers(|containers| {
            match known {
                Some(known) => containers.insert(id.into(), known),
                None => containers.remove(id),
            };
        });
    }

    fn ping(&mut self) {
        if !self.pinging {
            self.pinging = true;
            let client = self.client.clone();
            self.running
                .spawn(async move { Done::Ping(client.ping().await) });
        }
    }

    /// A scrape would like to know more.
    fn called(&mut self) {
        for id in self.desk.due() {
            self.ask(&id);
        }
        if self.desk.docker_is_silent() {
            self.ping();
        }
    }

    fn happened(&mut self, event: Option<Event>) {
        self.desk.heard(Name::Docker);
        let Some(event) = event else { return };
        if let Some(happening) = event.happening() {
            self.desk.tell(Told::Happened(&happening));
        }
        let Event { id, what, .. } = event;
        if matches!(what, What::Started | What::Ended) {
            self.desk.call_agent();
        }
        match what {
            What::Started | What::Changed => self.ask(&id),
            What::Gone => self.gone(&id),
            What::Ended => self.change(&id, |known| {
                known.state = State::Exited;
                known.pid = None;
            }),
            What::State(state) => self.change(&id, |known| known.state = state),
            What::Health(health) => self.change(&id, |known| known.health = Some(health)),
        }
    }

    /// Changes what is known of a container, unless an answer that is on its way will tell it.
    fn change(&mut self, id: &str, change: impl FnOnce(&mut Known)) {
        if self.asked.contains_key(id) {
            return self.ask(id);
        }
        self.changed |= self.desk.containers(|containers| {
            let known = containers.get_mut(id);
            known.map(|known| change(Arc::make_mut(known))).is_some()
        });
    }

    fn gone(&mut self, id: &str) {
        if let Entry::Occupied(mut entry) = self.asked.entry(id.into()) {
            match entry.get() {
                Stage::Queued => _ = entry.remove(),
                Stage::Asked | Stage::Outdated | Stage::Gone => _ = entry.insert(Stage::Gone),
            }
        }
        self.changed |= self
            .desk
            .containers(|containers| containers.remove(id).is_some());
    }
}
