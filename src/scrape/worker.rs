//! The thread that runs the collectors, one scrape after the other. While one hangs, its thread is left
//! to it, and another takes its place.

use std::sync::Mutex;
use std::sync::mpsc::{self, Sender};
use std::thread;

use tokio::sync::oneshot;

use super::slot::locked;

/// What a thread is to do.
type Job = Box<dyn FnOnce() + Send>;

/// Has jobs done on a thread of its own.
#[derive(Default)]
pub(super) struct Worker(Mutex<Option<Sender<Job>>>);

impl Worker {
    /// Begins a job. The answer comes when it is done, and is an error if it could not be begun.
    pub(super) fn begin(&self, job: impl FnOnce() + Send + 'static) -> oneshot::Receiver<()> {
        let (tell, done) = oneshot::channel();
        let job = move || {
            job();
            let _nobody_waits = tell.send(());
        };
        let mut thread = locked(&self.0);
        let jobs = match thread.take() {
            Some(jobs) => Some(jobs),
            None => start(),
        };
        *thread = jobs.filter(|jobs| jobs.send(Box::new(job)).is_ok());
        done
    }

    /// Leaves the thread to what it does.
    pub(super) fn leave(&self) {
        *locked(&self.0) = None;
    }
}

/// Starts a thread, which ends when nobody can give it jobs any more.
fn start() -> Option<Sender<Job>> {
    let (jobs, todo) = mpsc::channel::<Job>();
    let work = move || todo.iter().for_each(|job| job());
    let started = thread::Builder::new().name("scrape".into()).spawn(work);
    if let Err(error) = started {
        tracing::error!(%error, "no thread to scrape with");
        return None;
    }
    Some(jobs)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[tokio::test]
    async fn one_thread_does_all_but_what_it_was_left_to() {
        let worker = Worker::default();
        let ask = |tell: Sender<thread::ThreadId>| {
            worker.begin(move || tell.send(thread::current().id()).unwrap())
        };
        let (tell, threads) = mpsc::channel();
        for _ in 0..3 {
            ask(tell.clone()).await.unwrap();
        }
        let (release, released) = mpsc::channel::<()>();
        let hung = worker.begin(move || released.iter().for_each(|()| ()));
        worker.leave();
        ask(tell.clone()).await.unwrap();
        drop(release);
        hung.await.unwrap();

        assert!(worker.begin(|| panic!("a bug")).await.is_err());
        // The thread may need a moment to end; what it can no more do is not done.
        while ask(tell.clone()).await.is_err() {}
        let [a, b, c, d, e] = threads.try_iter().collect::<Vec<_>>().try_into().unwrap();
        assert!(a == b && b == c && c != d && d != e);
    }
}
