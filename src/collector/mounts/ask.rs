//! How large the mounts are, without being held up by one that does not answer.
//!
//! `statfs(2)` of a file system whose server is gone may take for ever, and cannot be interrupted. So
//! where there may be one, a thread of its own asks, one mount after the other, and the scrape waits
//! for it, but not for ever. A call that takes long keeps its thread; another goes on with the rest. A
//! mount whose call has not returned is not asked again: there is one thread for each at most.

use std::io;
use std::path::Path;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};
use std::thread;
use std::time::{Duration, Instant};

use super::Mount;
use crate::system::Statfs;

/// How `statfs(2)` is called.
pub(crate) type Call = fn(&Path) -> io::Result<Statfs>;

/// What is known of a mount.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Answer {
    /// The time was up before it could be asked.
    #[default]
    Unasked,
    /// It does not answer.
    Late,
    /// Its size and use.
    Found(Statfs),
    /// It cannot be asked, for this errno.
    Refused(i32),
}

impl Answer {
    fn of(call: io::Result<Statfs>) -> Self {
        match call {
            Ok(found) => Self::Found(found),
            Err(error) => Self::Refused(error.raw_os_error().unwrap_or_default()),
        }
    }
}

/// Asks mounts.
pub(crate) struct Asker {
    shared: Arc<Shared>,
    /// Of the last round. Changes places with those of the next.
    answers: Vec<Answer>,
}

#[derive(Default)]
struct Shared {
    state: Mutex<State>,
    /// There is something to ask.
    work: Condvar,
    /// Nothing more to ask, or a late answer.
    done: Condvar,
}

#[derive(Default)]
struct State {
    /// The thread that asks. Those with lower numbers were given up, and end when they can.
    worker: u64,
    /// Whether that thread runs.
    running: bool,
    round: Round,
    /// Calls that have not returned: that of the worker, and those it was given up for.
    calls: Vec<InFlight>,
}

/// What one scrape wants to know.
#[derive(Default)]
struct Round {
    number: u64,
    mounts: Arc<[Mount]>,
    answers: Vec<Answer>,
    /// Place of the mount to ask next.
    next: usize,
    call: Option<Call>,
}

struct InFlight {
    worker: u64,
    round: u64,
    mounts: Arc<[Mount]>,
    place: usize,
    since: Instant,
}

impl Asker {
    pub(crate) fn new() -> Self {
        Self { shared: Arc::default(), answers: Vec::new() }
    }

    /// Asks all mounts, within `patience`. An answer each, in their order.
    pub(crate) fn ask(
        &mut self,
        mounts: &Arc<[Mount]>,
        call: Call,
        patience: Duration,
    ) -> io::Result<&[Answer]> {
        self.answers.clear();
        self.answers.extend(mounts.iter().map(|mount| {
            if mount.prompt { Answer::of(call(&mount.path)) } else { Answer::Unasked }
        }));
        if !self.answers.contains(&Answer::Unasked) {
            return Ok(&self.answers);
        }
        let mut state = self.shared.lock();
        state.begin(mounts, call, std::mem::take(&mut self.answers));
        if !state.running {
            self.spawn(&mut state)?;
        } else if state.left() {
            drop(state);
            self.shared.work.notify_one();
            state = self.shared.lock();
        }
        let answers = self.wait(state, patience)?.end();
        self.answers = answers;
        Ok(&self.answers)
    }

    fn wait<'s>(
        &'s self,
        mut state: MutexGuard<'s, State>,
        patience: Duration,
    ) -> io::Result<MutexGuard<'s, State>> {
        /// A call longer than this gets a thread to itself. Few local file systems take a hundredth.
        const LONG: Duration = Duration::from_millis(50);
        let mounts = u32::try_from(state.round.mounts.len()).unwrap_or(u32::MAX);
        // If none of them answers, all have been asked when half of the time is over.
        let long = LONG.min(patience / mounts.saturating_mul(2).max(1));
        let until = Instant::now() + patience;
        while !state.complete() {
            let now = Instant::now();
            if now >= until {
                break;
            }
            let mut wake = until;
            if state.left() {
                let since = state.asking().map_or(now, |call| call.since);
                if now >= since + long {
                    self.spawn(&mut state)?;
                    continue;
                }
                wake = wake.min(since + long);
            }
            let waited = self.shared.done.wait_timeout(state, wake - now);
            state = waited.unwrap_or_else(PoisonError::into_inner).0;
        }
        Ok(state)
    }

    /// Starts a thread in the place of the one there may be.
    fn spawn(&self, state: &mut State) -> io::Result<()> {
        const STACK: usize = 128 * 1024;
        state.worker += 1;
        state.running = false;
        let (shared, worker) = (Arc::clone(&self.shared), state.worker);
        thread::Builder::new()
            .name("statfs".into())
            .stack_size(STACK)
            .spawn(move || shared.work(worker))?;
        state.running = true;
        Ok(())
    }
}

impl Drop for Asker {
    fn drop(&mut self) {
        self.shared.lock().worker += 1;
        self.shared.work.notify_all();
    }
}

impl Shared {
    fn lock(&self) -> MutexGuard<'_, State> {
        self.state.lock().unwrap_or_else(PoisonError::into_inner)
    }

    /// Asks until given up.
    fn work(&self, me: u64) {
        let mut state = self.lock();
        while state.worker == me {
            let Some((mounts, place, call)) = state.take() else {
                state = self
                    .work
                    .wait(state)
                    .unwrap_or_else(PoisonError::into_inner);
                continue;
            };
            drop(state);
            let answer = mounts.get(place).map(|mount| Answer::of(call(&mount.path)));
            let answer = answer.unwrap_or_default();
            state = self.lock();
            state.put(me, answer);
            if state.complete() {
                drop(state);
                self.done.notify_one();
                state = self.lock();
            }
        }
    }
}

impl State {
    /// Begins a round, in which mounts that answered already are not asked.
    fn begin(&mut self, mounts: &Arc<[Mount]>, call: Call, mut answers: Vec<Answer>) {
        let unasked = |answer: &Answer| *answer == Answer::Unasked;
        for (mount, answer) in mounts.iter().zip(&mut answers).filter(|(_, a)| unasked(a)) {
            if self.calls.iter().any(|call| call.is_of(mount)) {
                *answer = Answer::Late;
            }
        }
        let mounts = Arc::clone(mounts);
        let number = self.round.number + 1;
        self.round = Round { number, mounts, answers, next: 0, call: Some(call) };
        self.pass_over_known();
    }

    /// Ends the round. What has not answered is late, and its thread is left to it.
    fn end(&mut self) -> Vec<Answer> {
        let Self { calls, round, worker, running, .. } = self;
        for call in calls.iter().filter(|call| call.round == round.number) {
            if let Some(answer) = round.answers.get_mut(call.place) {
                *answer = Answer::Late;
            }
            if call.worker == *worker {
                *running = false;
            }
        }
        if !*running {
            *worker += 1;
        }
        round.next = round.answers.len();
        std::mem::take(&mut round.answers)
    }

    fn pass_over_known(&mut self) {
        let Round { answers, next, .. } = &mut self.round;
        while answers
            .get(*next)
            .is_some_and(|answer| *answer != Answer::Unasked)
        {
            *next += 1;
        }
    }

    /// Whether a mount has not been asked.
    fn left(&self) -> bool {
        self.round.next < self.round.answers.len()
    }

    /// Whether all were asked and none is still to answer.
    fn complete(&self) -> bool {
        !self.left()
            && self
                .calls
                .iter()
                .all(|call| call.round != self.round.number)
    }

    /// The call of the thread that asks now.
    fn asking(&self) -> Option<&InFlight> {
        self.calls.iter().find(|call| call.worker == self.worker)
    }

    /// Takes the next mount to ask.
    fn take(&mut self) -> Option<(Arc<[Mount]>, usize, Call)> {
        let Round { number, ref mounts, next: place, call, .. } = self.round;
        let call = call.filter(|_| self.left())?;
        let mounts = Arc::clone(mounts);
        self.calls.push(InFlight {
            worker: self.worker,
            round: number,
            mounts: Arc::clone(&mounts),
            place,
            since: Instant::now(),
        });
        self.round.next += 1;
        self.pass_over_known();
        Some((mounts, place, call))
    }

    /// A call has returned. Its answer may come too late for its round.
    fn put(&mut self, worker: u64, answer: Answer) {
        let Some(place) = self.calls.iter().position(|call| call.worker == worker) else { return };
        let call = self.calls.swap_remove(place);
        if call.round == self.round.number
            && let Some(slot) = self.round.answers.get_mut(call.place)
        {
            *slot = answer;
        }
    }
}

impl InFlight {
    /// Whether it is a call of this mount, or one that hangs at the same place.
    fn is_of(&self, mount: &Mount) -> bool {
        self.mounts
            .get(self.place)
            .is_some_and(|called| called.id == mount.id && called.path == mount.path)
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::atomic::{AtomicUsize, Ordering};

    fn mounts<const N: usize>(all: [(u64, &str); N]) -> Arc<[Mount]> {
        all.map(|(id, path)| Mount { id, path: path.into(), ..Mount::default() })
            .into()
    }

    /// What is asserted does not depend on it.
    const PATIENCE: Duration = Duration::from_millis(200);

    const FOUND: Answer = Answer::Found(Statfs {
        block_size: 1,
        blocks: 0,
        blocks_free: 0,
        blocks_available: 0,
        files: 0,
        files_free: 0,
    });

    fn answers(path: &Path) -> io::Result<Statfs> {
        if path.ends_with("refused") {
            return Err(io::Error::from_raw_os_error(13));
        }
        Ok(Statfs { block_size: 1, ..Statfs::default() })
    }

    /// Where calls wait until it is opened.
    #[derive(Default)]
    struct Gate {
        open: Mutex<bool>,
        opened: Condvar,
        calls: AtomicUsize,
    }

    impl Gate {
        const fn new() -> Self {
            Self { open: Mutex::new(false), opened: Condvar::new(), calls: AtomicUsize::new(0) }
        }

        fn pass(&self) {
            self.calls.fetch_add(1, Ordering::Relaxed);
            let open = self.open.lock().unwrap();
            drop(self.opened.wait_while(open, |open| !*open).unwrap());
        }

        fn open(&self) {
            *self.open.lock().unwrap() = true;
            self.opened.notify_all();
        }
    }

    #[test]
    fn asks_all_in_order_and_again() {
        let mounts = mounts([(1, "/"), (2, "/refused"), (3, "/b")]);
        let mut asker = Asker::new();
        for _ in 0..3 {
            let got = asker
                .ask(&mounts, answers, Duration::from_secs(600))
                .unwrap();
            assert_eq!(got, [FOUND, Answer::Refused(13), FOUND]);
        }
        assert_eq!(asker.ask(&Arc::default(), answers, PATIENCE).unwrap(), []);
        assert!(asker.shared.lock().calls.is_empty());
    }

    #[test]
    fn asks_without_a_thread_what_waits_for_no_server() {
        let mut all = mounts([(1, "/"), (2, "/refused"), (3, "/b")]);
        let prompt = Arc::get_mut(&mut all).unwrap();
        prompt.iter_mut().for_each(|mount| mount.prompt = true);
        let mut asker = Asker::new();
        let expected = [FOUND, Answer::Refused(13), FOUND];
        assert_eq!(asker.ask(&all, answers, Duration::ZERO).unwrap(), expected);
        assert!(!asker.shared.lock().running);
        Arc::get_mut(&mut all).unwrap()[2].prompt = false;
        while asker.ask(&all, answers, PATIENCE).unwrap() != expected {}
        assert!(asker.shared.lock().running);
    }

    #[test]
    fn one_that_hangs_holds_up_no_other_and_is_not_asked_again() {
        static GATE: Gate = Gate::new();
        fn hangs(path: &Path) -> io::Result<Statfs> {
            if path.ends_with("hung") {
                GATE.pass();
            }
            answers(path)
        }
        let all = mounts([(1, "/"), (2, "/hung"), (3, "/b")]);
        let mut asker = Asker::new();
        let mut ask = |mounts: &_, call| asker.ask(mounts, call, PATIENCE).unwrap().to_vec();
        // However slow this machine is, all that are well answer in some round.
        for _ in 0..3 {
            while ask(&all, hangs) != [FOUND, Answer::Late, FOUND] {}
        }
        assert_eq!(GATE.calls.load(Ordering::Relaxed), 1);

        let other = mounts([(4, "/hung"), (2, "/elsewhere")]);
        while ask(&other, answers) != [FOUND, FOUND] {}

        GATE.open();
        while ask(&all, answers) != [FOUND, FOUND, FOUND] {}
    }

    #[test]
    fn all_may_hang() {
        static GATE: Gate = Gate::new();
        fn hangs(path: &Path) -> io::Result<Statfs> {
            GATE.pass();
            answers(path)
        }
        let all = mounts([(1, "/a"), (2, "/b"), (3, "/c"), (4, "/d")]);
        let mut asker = Asker::new();
        while asker.ask(&all, hangs, PATIENCE).unwrap() != [Answer::Late; 4] {}
        assert_eq!(asker.shared.lock().calls.len(), 4, "a thread each");
        assert_eq!(asker.ask(&all, hangs, PATIENCE).unwrap(), [Answer::Late; 4]);
        assert_eq!(GATE.calls.load(Ordering::Relaxed), 4);
        GATE.open();
        while asker.ask(&all, hangs, PATIENCE).unwrap() != [FOUND; 4] {}
    }
}
