//! Who walks directories, in the background and without haste.
//!
//! A thread of its own looks at one directory after the other, works a twentieth of the time and ends
//! when nothing is left to do. A scrape takes what was found last, and asks for what is due: while
//! nobody scrapes, nothing is walked. A directory that holds a lot is walked so seldom that it costs
//! a hundredth of a CPU at most. One that takes long, or is on a file system that does not answer,
//! keeps its thread; another goes on with the rest, and all of them share the twentieth.

use std::collections::VecDeque;
use std::io;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::look::{Found, Place, look};
use super::walk::Unknown;
use crate::collector::mounts::ask::Call;

/// The walker works for so long, then rests, so that it works one part of so many; but it does not
/// rest for ever.
const SLICE: Duration = Duration::from_millis(5);
const SHARE: u32 = 20;
const LONGEST_REST: Duration = Duration::from_secs(1);

/// A walk is not begun again before this many times as long as its work took has gone by, or before
/// the longest wait has.
const BACK_OFF: u32 = 100;
const LONGEST: Duration = Duration::from_secs(20 * 60);

/// A thread that looks at one directory for so long is left to it. There are only so many threads.
const LONG: Duration = Duration::from_secs(2);
const MOST: usize = 8;

/// What is known of a directory.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Last {
    /// Nothing yet.
    #[default]
    NotYet,
    /// There is no such directory.
    Gone,
    /// What was found last, and when.
    Found(Found, Instant),
}

/// Looks at a directory. Asks before each entry whether to go on.
type Look = fn(&Place, Call, &mut dyn FnMut() -> bool) -> Result<Found, Unknown>;

/// A directory that is looked at from time to time, for as long as anybody has it.
#[derive(Debug)]
pub(super) struct Job {
    /// The directory.
    pub(super) place: Place,
    state: Mutex<State>,
}

#[derive(Debug, Default)]
struct State {
    /// Somebody is to look at it, or does.
    queued: bool,
    /// When it is to be looked at again. `None` before the first time.
    next: Option<Instant>,
    last: Last,
    error: Option<io::Error>,
}

impl Job {
    /// A directory that nobody has looked at yet.
    pub(super) fn new(place: Place) -> Arc<Self> {
        Arc::new(Self { place, state: Mutex::default() })
    }

    /// What is known of it.
    pub(super) fn last(&self) -> Last {
        lock(&self.state).last
    }

    /// Why it could not be looked at the last time, said once.
    pub(super) fn error(&self) -> Option<io::Error> {
        lock(&self.state).error.take()
    }

    /// Whether it is to be looked at now.
    fn due(&self, now: Instant) -> bool {
        let mut state = lock(&self.state);
        let due = !state.queued && state.next.is_none_or(|next| next <= now);
        state.queued |= due;
        due
    }

    fn done(&self, found: Result<Found, Unknown>, now: Instant, next: Instant) {
        let mut state = lock(&self.state);
        state.queued = false;
        state.next = Some(next);
        match found {
            Ok(found) => state.last = Last::Found(found, now),
            Err(Unknown::Gone) => state.last = Last::Gone,
            Err(Unknown::Failed(error)) => state.error = Some(error),
            // Nobody wants it any more, or all end.
            Err(Unknown::GivenUp) => state.next = None,
        }
    }
}

/// Walks.
pub(super) struct Walker {
    shared: Arc<Shared>,
    /// What the scrape under way found to be due.
    due: Vec<Arc<Job>>,
}

struct Shared {
    queue: Mutex<Queue>,
    /// All end.
    over: Condvar,
    interval: Duration,
    look: Look,
}

#[derive(Default)]
struct Queue {
    jobs: VecDeque<Arc<Job>>,
    /// The threads there are: their numbers, and since when each is at the same directory.
    workers: Vec<(u64, Instant)>,
    /// How many there were.
    numbers: u64,
    over: bool,
}

impl Walker {
    /// Walks a directory again when `interval` has gone by, or later.
    pub(super) fn new(interval: Duration) -> Self {
        Self::looking(interval, look)
    }

    fn looking(interval: Duration, look: Look) -> Self {
        let shared = Shared { queue: Mutex::default(), over: Condvar::new(), interval, look };
        Self { shared: Arc::new(shared), due: Vec::new() }
    }

    /// Notes that a scrape wants to know a directory.
    pub(super) fn want(&mut self, job: &Arc<Job>, now: Instant) {
        if job.due(now) {
            self.due.push(Arc::clone(job));
        }
    }

    /// Has somebody look at what is wanted and due. Does not wait for it.
    pub(super) fn begin(&mut self, call: Call, now: Instant) -> io::Result<()> {
        let mut queue = lock(&self.shared.queue);
        queue.jobs.extend(self.due.drain(..));
        let long = |since: &Instant| now.saturating_duration_since(*since) >= LONG;
        let all_long = queue.workers.iter().all(|(_, since)| long(since));
        if queue.jobs.is_empty() || !all_long || queue.workers.len() >= MOST {
            return Ok(());
        }
        queue.numbers += 1;
        let (shared, me) = (Arc::clone(&self.shared), queue.numbers);
        let spawned = thread::Builder::new()
            .name("walk".into())
            .stack_size(128 * 1024)
            .spawn(move || shared.work(me, call));
        spawned.map(|_| queue.workers.push((me, now)))
    }
}

impl Drop for Walker {
    fn drop(&mut self) {
        lock(&self.shared.queue).over = true;
        self.shared.over.notify_all();
    }
}

impl Shared {
    /// Looks at what is queued, until nothing is.
    fn work(&self, me: u64, call: Call) {
        while let Some(job) = self.next(me) {
            let mut pace = Pace::new(Instant::now());
            let found = (self.look)(&job.place, call, &mut || self.go_on(&mut pace, &job));
            let now = Instant::now();
            let work = pace.worked + now.saturating_duration_since(pace.since);
            job.done(found, now, now + self.interval.max((work * BACK_OFF).min(LONGEST)));
        }
    }

    /// What this thread is to look at now. With `None` it is no more.
    fn next(&self, me: u64) -> Option<Arc<Job>> {
        let mut queue = lock(&self.queue);
        while let Some(job) = queue.jobs.pop_front().filter(|_| !queue.over) {
            // Unless its container ended meanwhile.
            if Arc::strong_count(&job) > 1 {
                let now = Instant::now();
                let mine = queue.workers.iter_mut().filter(|(number, _)| *number == me);
                mine.for_each(|(_, since)| *since = now);
                return Some(job);
            }
        }
        queue.workers.retain(|(number, _)| *number != me);
        None
    }

    /// Rests when it is time to. Says whether to go on.
    fn go_on(&self, pace: &mut Pace, job: &Arc<Job>) -> bool {
        let Some(work) = pace.slice(Instant::now()) else { return true };
        let queue = lock(&self.queue);
        let rest = rest(work, queue.workers.len());
        let waited = self
            .over
            .wait_timeout_while(queue, rest, |queue| !queue.over);
        let over = waited.unwrap_or_else(PoisonError::into_inner).0.over;
        pace.since = Instant::now();
        !over && Arc::strong_count(job) > 1
    }
}

/// How long a thread worked.
struct Pace {
    /// Since when it works without rest.
    since: Instant,
    /// What it worked before that.
    worked: Duration,
}

impl Pace {
    fn new(now: Instant) -> Self {
        Self { since: now, worked: Duration::ZERO }
    }

    /// How long it worked without rest, if it is time for one.
    fn slice(&mut self, now: Instant) -> Option<Duration> {
        let work = now.saturating_duration_since(self.since);
        if work < SLICE {
            return None;
        }
        self.worked += work;
        Some(work)
    }
}

/// How long to rest after such work, where so many threads share the time.
fn rest(work: Duration, threads: usize) -> Duration {
    let threads = u32::try_from(threads).unwrap_or(u32::MAX);
    let share = SHARE.saturating_mul(threads);
    work.saturating_mul(share.saturating_sub(1))
        .min(LONGEST_REST)
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

#[cfg(test)]
mod tests {
    use super::*;
    use crate::system::Statfs;
    use std::path::Path;
    use std::sync::atomic::{AtomicUsize, Ordering};

    const MINUTE: Duration = Duration::from_secs(60);

    fn job(path: &str) -> Arc<Job> {
        Job::new(Place { path: path.into(), mount: None, device: None, walk: true })
    }

    fn no_call(_: &Path) -> io::Result<Statfs> {
        Err(io::ErrorKind::Unsupported.into())
    }

    /// As often as it is asked it holds one byte more.
    fn grows(_: &Place, _: Call, _: &mut dyn FnMut() -> bool) -> Result<Found, Unknown> {
        static ASKED: AtomicUsize = AtomicUsize::new(0);
        let bytes = ASKED.fetch_add(1, Ordering::Relaxed) as u64;
        Ok(Found { bytes, inodes: None, quota: None })
    }

    fn bytes(job: &Job) -> Option<u64> {
        match job.last() {
            Last::Found(found, _) => Some(found.bytes),
            Last::NotYet | Last::Gone => None,
        }
    }

    fn idle(walker: &Walker) -> bool {
        let queue = lock(&walker.shared.queue);
        queue.jobs.is_empty() && queue.workers.is_empty()
    }

    /// One scrape at this time. Says how much work it gave.
    fn scrape(walker: &mut Walker, jobs: &[&Arc<Job>], now: Instant) -> usize {
        for job in jobs {
            walker.want(job, now);
        }
        let due = walker.due.len();
        walker.begin(no_call, now).unwrap();
        due
    }

    #[test]
    fn looks_when_a_scrape_asks_and_it_is_due_and_at_no_other_time() {
        let mut walker = Walker::looking(MINUTE, grows);
        let job = job("/a");
        let start = Instant::now();
        assert_eq!(job.last(), Last::NotYet);
        assert_eq!(scrape(&mut walker, &[&job], start), 1);
        while !idle(&walker) {}
        let Last::Found(Found { bytes: 0, .. }, at) = job.last() else { panic!() };
        assert_eq!(scrape(&mut walker, &[&job], at + MINUTE / 2), 0, "not due");
        assert!(idle(&walker), "no thread waits");
        // However late: without a scrape nobody looked.
        assert_eq!(bytes(&job), Some(0));
        assert_eq!(scrape(&mut walker, &[&job], at + 10 * MINUTE), 1);
        while !idle(&walker) {}
        assert_eq!(bytes(&job), Some(1));
    }

    #[test]
    fn one_that_hangs_holds_up_no_other_and_is_not_asked_again() {
        static GATE: Mutex<bool> = Mutex::new(false);
        static OPENED: Condvar = Condvar::new();
        static CALLS: AtomicUsize = AtomicUsize::new(0);
        fn hangs(place: &Place, _: Call, _: &mut dyn FnMut() -> bool) -> Result<Found, Unknown> {
            if place.path.ends_with("hung") {
                CALLS.fetch_add(1, Ordering::Relaxed);
                drop(OPENED.wait_while(lock(&GATE), |open| !*open).unwrap());
            }
            Ok(Found::default())
        }
        let mut walker = Walker::looking(MINUTE, hangs);
        let (hung, well) = (job("/hung"), job("/well"));
        let start = Instant::now();
        scrape(&mut walker, &[&hung, &well], start);
        while CALLS.load(Ordering::Relaxed) == 0 {}
        assert_eq!(scrape(&mut walker, &[&hung, &well], start), 0);
        assert_eq!(well.last(), Last::NotYet);
        scrape(&mut walker, &[&hung, &well], Instant::now() + LONG);
        while well.last() == Last::NotYet {}
        assert_eq!(scrape(&mut walker, &[&hung], start + 60 * MINUTE), 0, "while it hangs");
        *lock(&GATE) = true;
        OPENED.notify_all();
        while hung.last() == Last::NotYet {}
        while !idle(&walker) {}
        assert_eq!(CALLS.load(Ordering::Relaxed), 1);
    }

    #[test]
    fn nothing_is_walked_for_those_who_are_gone() {
        fn for_ever(_: &Place, _: Call, pace: &mut dyn FnMut() -> bool) -> Result<Found, Unknown> {
            while pace() {}
            Err(Unknown::GivenUp)
        }
        let mut walker = Walker::looking(MINUTE, for_ever);
        let (one, other) = (job("/a"), job("/b"));
        scrape(&mut walker, &[&one, &other], Instant::now());
        drop((one, other));
        while !idle(&walker) {}

        let last = job("/c");
        scrape(&mut walker, &[&last], Instant::now());
        let shared = Arc::clone(&walker.shared);
        drop(walker);
        while Arc::strong_count(&shared) > 1 {}
        assert_eq!(last.last(), Last::NotYet);
    }

    #[test]
    fn what_failed_is_said_once_and_what_was_known_stands() {
        let now = Instant::now();
        let found = Found { bytes: 1, inodes: None, quota: None };
        let job = job("/a");
        job.done(Ok(found), now, now);
        job.done(Err(Unknown::Failed(io::ErrorKind::PermissionDenied.into())), now, now);
        assert_eq!(job.last(), Last::Found(found, now));
        assert_eq!(job.error().map(|e| e.kind()), Some(io::ErrorKind::PermissionDenied));
        assert!(job.error().is_none());
        job.done(Err(Unknown::Gone), now, now);
        assert_eq!(job.last(), Last::Gone);
    }

    #[test]
    fn works_a_twentieth_of_the_time() {
        let start = Instant::now();
        let mut pace = Pace::new(start);
        assert_eq!(pace.slice(start + SLICE / 2), None);
        assert_eq!(pace.slice(start + SLICE), Some(SLICE));
        assert_eq!(rest(SLICE, 1), 19 * SLICE);
        assert_eq!(rest(SLICE, 2), 39 * SLICE, "each of two");
        pace.since = start;
        assert_eq!(pace.slice(start + MINUTE), Some(MINUTE));
        assert_eq!(rest(MINUTE, 1), LONGEST_REST);
        assert_eq!(pace.worked, SLICE + MINUTE);
    }

    #[test]
    fn there_are_only_so_many_threads() {
        static OPEN: Mutex<bool> = Mutex::new(false);
        static OPENED: Condvar = Condvar::new();
        fn hangs(_: &Place, _: Call, _: &mut dyn FnMut() -> bool) -> Result<Found, Unknown> {
            drop(OPENED.wait_while(lock(&OPEN), |open| !*open).unwrap());
            Ok(Found::default())
        }
        let mut walker = Walker::looking(MINUTE, hangs);
        let jobs: Vec<_> = (0..2 * MOST).map(|n| job(&format!("/{n}"))).collect();
        let jobs: Vec<_> = jobs.iter().collect();
        for minutes in 1..20 {
            scrape(&mut walker, &jobs, Instant::now() + minutes * MINUTE);
        }
        assert_eq!(lock(&walker.shared.queue).workers.len(), MOST);
        *lock(&OPEN) = true;
        OPENED.notify_all();
        while !idle(&walker) {}
        assert!(jobs.iter().all(|job| bytes(job) == Some(0)));
    }
}
