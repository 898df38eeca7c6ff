//! One collector: it is run, its text is handed out, and how it fared is kept.

use std::panic::{AssertUnwindSafe, catch_unwind};
use std::sync::{Mutex, MutexGuard, PoisonError};
use std::time::{Duration, Instant, SystemTime};

use super::NONE;
use super::fared::{Fared, Outcome};
use crate::collector::{Host, Running};
use crate::exposition::{Home, Piece, Text};
use crate::files::Error;

/// A collector, what it wrote last, and how that went.
pub(super) struct Slot {
    pub(super) name: &'static str,
    /// Held while the collector runs, and so for good while it hangs.
    state: Mutex<State>,
    /// Held for a moment only.
    fared: Mutex<Option<Fared>>,
}

struct State {
    collect: Running,
    home: Home,
    text: Text,
    last: Option<Run>,
    /// How that ended, until it is handed out.
    outcome: Outcome,
    /// What was last logged of it, so that it is not logged again.
    logged: Option<String>,
}

/// How one run of a collector went.
#[derive(Clone, Copy)]
pub(super) struct Run {
    scrape: u64,
    pub(super) took: Duration,
    pub(super) succeeded: bool,
}

/// What is behind a lock, also if somebody panicked with it.
pub(super) fn locked<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}

impl Slot {
    pub(super) fn new(name: &'static str, collect: Running) -> Self {
        let state = State {
            collect,
            home: Home::default(),
            text: Text::default(),
            last: None,
            outcome: Outcome::Late,
            logged: None,
        };
        Self { name, state: Mutex::new(state), fared: Mutex::default() }
    }

    /// Runs the collector, unless it hangs.
    pub(super) fn run(&self, scrape: u64, host: &mut Host) {
        let Ok(mut state) = self.state.try_lock() else { return };
        // The buffer goes home, to be written again.
        if let Some(fared) = &mut *locked(&self.fared) {
            fared.text = None;
        }
        state.run(self.name, scrape, host);
    }

    /// How the collector did in this scrape, if it is done, and what it said, if anything.
    pub(super) fn gather(&self, scrape: u64, at: SystemTime) -> (Option<Run>, Option<Piece>) {
        let mut fared = Fared { at, took: None, outcome: Outcome::Late, samples: 0, text: None };
        let mut run = None;
        if let Ok(mut state) = self.state.try_lock() {
            run = state.last.filter(|run| run.scrape == scrape);
            if let Some(run) = run {
                fared.took = Some(run.took);
                fared.outcome = std::mem::replace(&mut state.outcome, Outcome::Late);
                fared.samples = state.text.samples();
            }
            if fared.samples > 0 {
                let text = std::mem::take(&mut state.text);
                fared.text = Some(state.home.send(text));
            }
        }
        let said = fared.text.clone();
        // A scrape that did not get its turn knows nothing.
        if scrape != NONE {
            *locked(&self.fared) = Some(fared);
        }
        (run, said)
    }

    /// How it fared in the last scrape that asked for it.
    pub(super) fn fared(&self) -> Option<Fared> {
        locked(&self.fared).clone()
    }
}

impl State {
    fn run(&mut self, name: &str, scrape: u64, host: &mut Host) {
        // The last scrape's text may still be on its way to a slow client.
        self.text = self.home.take();
        host.failures.first = None;
        let started = Instant::now();
        let outcome = catch_unwind(AssertUnwindSafe(|| (self.collect)(host, &mut self.text)));
        let took = started.elapsed();
        let first = host.failures.first.take();
        self.outcome = match outcome {
            Ok(Ok(())) => first.map_or(Outcome::Ok, Outcome::Partly),
            Ok(Err(Error::Absent(path))) => {
                tracing::debug!(collector = name, path = %path.display(), "nothing to collect");
                Outcome::Absent(path)
            }
            Ok(Err(error)) => Outcome::Failed(error.to_string()),
            Err(_) => Outcome::Failed("panicked".into()),
        };
        self.log(name, self.outcome.trouble());
        let succeeded = self.outcome.succeeded();
        if !succeeded {
            self.text.clear();
        }
        self.last = Some(Run { scrape, took, succeeded });
    }

    /// Logs a trouble when it begins, changes and ends.
    fn log(&mut self, name: &str, trouble: Option<String>) {
        if self.logged == trouble {
            return;
        }
        match &trouble {
            Some(error) => tracing::error!(collector = name, error, "collector failed"),
            None => tracing::info!(collector = name, "collector recovered"),
        }
        self.logged = trouble;
    }
}
