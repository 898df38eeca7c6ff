//! Runs the collectors and says how they fared.
//!
//! Collectors run one after the other on one thread: an exporter must not take every core of the
//! host it watches. One that hangs is left behind with its thread and its [`Host`], and passed over
//! until it returns. Scrapes, too, take turns; two servers that scrape at once each get a whole one.

mod fared;
mod slot;
mod worker;

use std::sync::atomic::{AtomicU64, Ordering};
use std::sync::{Arc, Mutex};
use std::time::{Duration, Instant};

use tokio::time::{timeout, timeout_at};

use crate::collector::{Failures, Host, Running, Shared};
use crate::container::Containers;
use crate::discovery::Discovery;
use crate::exposition::{Descriptor, Family, Home, Piece, gauge};
use crate::files::{Error, Files};
use crate::inventory::Handle;
use crate::lasting::Lasting;
use crate::system::{System, give_back_mapped};

pub use fared::{Account, Fared, Last, Outcome};
use slot::{Slot, locked};
use worker::Worker;

static DURATION: Family<1> = gauge("node_scrape_collector_duration_seconds")
    .help("Seconds a collector took.")
    .labels(["collector"]);
static SUCCESS: Family<1> = gauge("node_scrape_collector_success")
    .help("Whether a collector succeeded; 0 where the host lacks what it measures, too.")
    .labels(["collector"]);

/// The families written about the collectors themselves.
pub fn families() -> impl Iterator<Item = Descriptor> {
    [DURATION.descriptor(), SUCCESS.descriptor()].into_iter()
}

/// The number of no scrape.
const NONE: u64 = 0;

/// After which scrapes what the start, or one that asked for something else, had in memory is given
/// back: soon, and then each hour or so.
const TIDY_AT: u64 = 2;
const TIDY_EACH: u64 = 256;

/// Every collector that is switched on.
pub struct Scraper {
    slots: Vec<Slot>,
    turn: Arc<tokio::sync::Mutex<()>>,
    worker: Worker,
    /// The number of the scrape whose turn it is, or was last.
    current: AtomicU64,
    /// What scrapes hand from one to the next. Gone while one hangs: the next makes its own.
    host: Mutex<Option<Host>>,
    /// The host as a first scrape sees it.
    start: Start,
    inventory: Handle,
    lasting: Lasting,
    /// A spare buffer for what the scraper itself writes.
    own: Home,
    /// The last scrape, and what it said of itself.
    last: Mutex<(Option<Last>, Option<Piece>)>,
}

/// Finds the host's containers, or says why there are none to be seen.
pub type FindContainers = Box<dyn Fn(&mut Files) -> Result<Containers, Error> + Send + Sync>;

/// What a [`Host`] is made of.
pub struct Start {
    /// Finds the containers.
    pub containers: FindContainers,
    /// Makes system calls.
    pub system: System,
    /// Finds who asks to be scraped.
    pub discovery: Arc<Discovery>,
}

/// Which collectors a scrape asks for, in the order of [`Scraper::names`].
pub type Selection = Arc<[bool]>;

impl Scraper {
    /// Of collectors made ready, each with its name.
    pub fn new(collectors: Vec<(&'static str, Running)>, start: Start, inventory: Handle) -> Self {
        Self {
            slots: collectors
                .into_iter()
                .map(|(name, collect)| Slot::new(name, collect))
                .collect(),
            turn: Arc::default(),
            worker: Worker::default(),
            current: AtomicU64::new(NONE),
            host: Mutex::default(),
            start,
            inventory,
            lasting: Lasting::default(),
            own: Home::default(),
            last: Mutex::default(),
        }
    }

    /// The same, with what outlives containers.
    pub fn keeping(self, lasting: Lasting) -> Self {
        Self { lasting, ..self }
    }

    /// The collectors, in the order of the exposition.
    pub fn names(&self) -> impl ExactSizeIterator<Item = &'static str> {
        self.slots.iter().map(|slot| slot.name)
    }

    /// All of them.
    pub fn all(&self) -> Selection {
        self.slots.iter().map(|_| true).collect()
    }

    /// Runs the collectors that are selected and returns the exposition in pieces, at the deadline
    /// at the latest. What is not there by then is left out, and said to have failed.
    ///
    /// A caller may give up at any time. Before its turn, nothing happens then; after that, the
    /// scrape goes on to its end all the same, so that the next finds no collector half way.
    pub async fn scrape(self: &Arc<Self>, selection: Selection, patience: Duration) -> Vec<Piece> {
        let deadline = tokio::time::Instant::now() + patience;
        let Ok(turn) = timeout_at(deadline, Arc::clone(&self.turn).lock_owned()).await else {
            return self.gather(NONE, &selection);
        };
        let asked = Arc::clone(&selection);
        let scraper = Arc::clone(self);
        let turn = tokio::spawn(async move {
            let _turn = turn;
            let started = Instant::now();
            let scrape = scraper.begin();
            let done = scraper.worker.begin({
                let (scraper, selection) = (Arc::clone(&scraper), Arc::clone(&asked));
                move || scraper.run(scrape, &selection)
            });
            if timeout_at(deadline, done).await.is_err() {
                scraper.worker.leave();
            }
            let pieces = scraper.gather(scrape, &asked);
            let at = (scraper.start.system.now)();
            locked(&scraper.last).0 = Some(Last { at, took: started.elapsed() });
            if scrape % TIDY_EACH == TIDY_AT {
                tidy();
            }
            pieces
        });
        // It fails only where the runtime is being shut down.
        turn.await.unwrap_or_else(|_| self.gather(NONE, &selection))
    }

    /// How the collectors fared last. Waits a moment for a scrape that is under way, and starts none.
    pub async fn account(&self) -> Account {
        /// Longer than a scrape takes, unless something hangs.
        const PATIENCE: Duration = Duration::from_secs(1);
        let _turn = timeout(PATIENCE, self.turn.lock()).await;
        let (last, own) = locked(&self.last).clone();
        let fared = |slot: &Slot| (slot.name, slot.fared());
        Account { last, collectors: self.slots.iter().map(fared).collect(), own }
    }

    fn begin(&self) -> u64 {
        self.current.fetch_add(1, Ordering::Relaxed) + 1
    }

    fn run(&self, scrape: u64, selection: &[bool]) {
        let mut host = self.take_host();
        prepare(&mut host, &self.inventory, &self.start);
        for (slot, _) in self
            .slots
            .iter()
            .zip(selection)
            .filter(|(_, selected)| **selected)
        {
            if self.current.load(Ordering::Relaxed) != scrape {
                return; // Hung, and came back when nobody waited any more.
            }
            slot.run(scrape, &mut host);
        }
        *locked(&self.host) = Some(host);
    }

    fn take_host(&self) -> Host {
        let kept = locked(&self.host).take();
        kept.unwrap_or_else(|| Host {
            containers: None,
            inventory: Arc::default(),
            lasting: self.lasting.clone(),
            discovery: Arc::clone(&self.start.discovery),
            files: Files::default(),
            shared: Shared::default(),
            system: self.start.system,
            now: (self.start.system.now)(),
            failures: Failures::default(),
        })
    }

    fn gather(&self, scrape: u64, selection: &[bool]) -> Vec<Piece> {
        let mut parts = Vec::with_capacity(self.slots.len() + 1);
        let mut runs = Vec::with_capacity(self.slots.len());
        let at = (self.start.system.now)();
        for (slot, _) in self
            .slots
            .iter()
            .zip(selection)
            .filter(|(_, selected)| **selected)
        {
            let (run, text) = slot.gather(scrape, at);
            parts.extend(text);
            runs.push((slot.name, run));
        }

        locked(&self.last).1 = None;
        let mut text = self.own.take();
        let mut duration = text.family(&DURATION);
        for (name, run) in &runs {
            if let Some(run) = run {
                duration.sample(*name, run.took.as_secs_f64());
            }
        }
        let mut success = text.family(&SUCCESS);
        for (name, run) in &runs {
            success.sample(*name, run.is_some_and(|run| run.succeeded));
        }
        let own = self.own.send(text);
        if scrape != NONE {
            locked(&self.last).1 = Some(own.clone());
        }
        parts.push(own);
        parts
    }
}

fn tidy() {
    match give_back_mapped() {
        Ok(bytes) => tracing::debug!(bytes, "gave back what the start had mapped"),
        Err(error) => tracing::debug!(%error, "what the start had mapped stays mapped"),
    }
}

/// Brings the host up to date: its containers, and what they are called.
fn prepare(host: &mut Host, inventory: &Handle, start: &Start) {
    host.now = (host.system.now)();
    host.shared.forget();
    let names = inventory.latest();
    if host.containers.is_none() {
        match (start.containers)(&mut host.files) {
            Ok(containers) => host.containers = Some(containers),
            Err(error) => tracing::debug!(%error, "no control groups"),
        }
    }
    if let Some(containers) = &mut host.containers {
        let renamed = !Arc::ptr_eq(&host.inventory, &names);
        containers.refresh(&*names, renamed, host.now, &mut host.files);
        inventory.seen(&names, containers.rows());
    }
    host.inventory = names;
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::mpsc;
    use std::thread;

    use crate::exposition::{Text, whole};

    static ANSWER: Family<0> = gauge("answer").help("Answer.").labels([]);

    fn scraper(collectors: Vec<(&'static str, Running)>) -> Scraper {
        let start = Start {
            containers: Box::new(|_| Err(Error::Absent("cgroup".into()))),
            system: System::LIVE,
            discovery: Arc::default(),
        };
        Scraper::new(collectors, start, Handle::none())
    }

    fn text(parts: impl IntoIterator<Item = Piece>) -> String {
        String::from_utf8(whole(&Vec::from_iter(parts))).unwrap()
    }

    /// What a scrape says, but for headers and times.
    fn scraped(scraper: &Scraper, scrape: u64) -> Vec<String> {
        let body = text(scraper.gather(scrape, &scraper.all()));
        let telling = |line: &&str| !line.starts_with('#') && !line.contains("duration");
        body.lines().filter(telling).map(str::to_owned).collect()
    }

    fn success(name: &str, ok: bool) -> String {
        format!("node_scrape_collector_success{{collector=\"{name}\"}} {}", u8::from(ok))
    }

    fn answers(text: &mut Text) {
        text.family(&ANSWER).sample((), 42.0);
    }

    #[test]
    fn one_bad_collector_spoils_no_other() {
        let (hanging, hangs_now) = mpsc::channel();
        let (release, released) = mpsc::channel::<()>();
        let scraper = scraper(vec![
            (
                "fails",
                Box::new(|_, text| {
                    text.family(&ANSWER).sample((), 13.0);
                    Err(Error::Read { path: "/x".into(), source: std::io::Error::other("broken") })
                }),
            ),
            ("panics", Box::new(|_, _| panic!("a bug"))),
            (
                "hangs",
                Box::new(move |_, _| {
                    hanging.send(()).unwrap();
                    let _released = released.recv();
                    Ok(())
                }),
            ),
            (
                "answers",
                Box::new(|_, text| {
                    answers(text);
                    Ok(())
                }),
            ),
        ]);
        let all = scraper.all();
        let bad = |name| success(name, false);

        thread::scope(|scope| {
            let first = scraper.begin();
            let stuck = scope.spawn({
                let (scraper, all) = (&scraper, &all);
                move || scraper.run(first, all)
            });
            hangs_now.recv().unwrap();
            let all_bad = ["fails", "panics", "hangs", "answers"].map(bad);
            assert_eq!(scraped(&scraper, first), all_bad, "stuck before the one that answers");

            let second = scraper.begin();
            scraper.run(second, &all);
            let expected = [
                "answer 42".into(),
                bad("fails"),
                bad("panics"),
                bad("hangs"),
                success("answers", true),
            ];
            assert_eq!(scraped(&scraper, second), expected, "goes past the one that hangs");

            drop(release);
            stuck.join().unwrap();
        });
        let third = scraper.begin();
        scraper.run(third, &all);
        assert!(scraped(&scraper, third).contains(&success("hangs", true)), "takes part again");
    }

    #[tokio::test]
    async fn keeps_an_account_of_each_collector_and_of_no_other() {
        let broken = || Error::Read { path: "/x".into(), source: std::io::Error::other("broken") };
        let scraper = Arc::new(scraper(vec![
            ("absent", Box::new(|_, _| Err(Error::Absent("/y".into())))),
            (
                "partly",
                Box::new(move |host, text| {
                    host.failures.note(&broken());
                    answers(text);
                    Ok(())
                }),
            ),
            (
                "answers",
                Box::new(|_, text| {
                    answers(text);
                    Ok(())
                }),
            ),
            ("panics", Box::new(|_, _| panic!("a bug"))),
            ("not asked", Box::new(|_, _| Ok(()))),
        ]));
        assert_eq!(scraper.account().await.last, None);
        let asked: Selection = [true, true, true, true, false].into();
        for _ in 0..2 {
            let said = text(
                scraper
                    .scrape(Arc::clone(&asked), Duration::from_secs(60))
                    .await,
            );
            let account = scraper.account().await;
            assert!(account.last.is_some() && said.ends_with(&text(account.own)));
            let brief = |(name, fared): (_, Option<Fared>)| {
                let fared = fared.map(|f| (f.outcome, f.samples, text(f.text)));
                (name, fared)
            };
            let one = || "# HELP answer Answer.\n# TYPE answer gauge\nanswer 42\n".to_owned();
            let none = String::new;
            assert_eq!(
                account
                    .collectors
                    .into_iter()
                    .map(brief)
                    .collect::<Vec<_>>(),
                [
                    ("absent", Some((Outcome::Absent("/y".into()), 0, none()))),
                    ("partly", Some((Outcome::Partly("/x: broken".into()), 1, one()))),
                    ("answers", Some((Outcome::Ok, 1, one()))),
                    ("panics", Some((Outcome::Failed("panicked".into()), 0, none()))),
                    ("not asked", None),
                ]
            );
        }
    }

    #[tokio::test]
    async fn scrapes_take_turns() {
        let slow: Running = Box::new(|_, text| {
            thread::sleep(Duration::from_millis(5));
            answers(text);
            Ok(())
        });
        let scraper = Arc::new(scraper(vec![("slow", slow)]));
        let scrape = || scraper.scrape(scraper.all(), Duration::from_secs(60));
        let (a, b) = tokio::join!(scrape(), scrape());
        for parts in [a, b] {
            assert!(text(parts).contains("answer 42"));
        }
    }

    #[tokio::test]
    async fn a_caller_that_gives_up_disturbs_no_other() {
        let (running, mut runs_now) = tokio::sync::mpsc::unbounded_channel();
        let (release, released) = mpsc::channel::<()>();
        let slow: Running = Box::new(move |_, text| {
            running.send(()).unwrap();
            let _released = released.recv();
            answers(text);
            Ok(())
        });
        let scraper = Arc::new(scraper(vec![("slow", slow)]));
        let scrape = || scraper.scrape(scraper.all(), Duration::from_secs(60));
        tokio::select! {
            _ = scrape() => panic!("nobody released it"),
            Some(()) = runs_now.recv() => (),
        }
        drop(release);
        assert!(text(scrape().await).contains(&success("slow", true)));
    }

    #[test]
    fn runs_what_is_selected_and_says_nothing_of_the_rest() {
        let one: Running = Box::new(|_, _| panic!("not asked for"));
        let other: Running = Box::new(|_, text| {
            answers(text);
            Ok(())
        });
        let scraper = scraper(vec![("one", one), ("other", other)]);
        let selection = [false, true];
        let scrape = scraper.begin();
        scraper.run(scrape, &selection);
        let body = text(scraper.gather(scrape, &selection));
        assert!(body.contains("answer 42") && body.contains(&success("other", true)));
        assert!(!body.contains("\"one\""));
    }
}
