//! The runs of one container: each counted once, whoever tells of it, and how often.
//!
//! Docker tells of a run twice: by events as it happens, and when it is asked how the container is.
//! Events are told from some moment on; whatever happened since then they tell, each once. So an answer
//! counts for what happened before, and for nothing else. An event's time is a little later than that of
//! the run that it tells of.

use serde::{Deserialize, Serialize};

/// What is known of the runs of a container. Times are in seconds since 1970.
#[derive(Clone, Copy, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Runs {
    /// When the last one began. `None` where nobody said.
    pub(super) began: Option<f64>,
    /// When it ended, or the one before it.
    ended: Option<f64>,
    /// Whether it goes on.
    pub(super) open: bool,
    /// When the last event was. Each before that was told already.
    told: Option<f64>,
}

/// How a container is, by the answer to a question.
#[derive(Clone, Copy, Debug)]
pub(super) struct Look {
    /// When it was last started.
    pub(super) began: Option<f64>,
    /// When it last ended.
    pub(super) ended: Option<f64>,
    /// With which code.
    pub(super) code: Option<i64>,
    /// Whether it runs.
    pub(super) runs: bool,
    /// Since when there are events.
    pub(super) events: f64,
    /// Since when runs are counted.
    pub(super) since: f64,
}

/// A time that was saved and read again may be another one, by no more than this.
const SLACK: f64 = 1e-6;

/// What is to be counted.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Fact {
    /// A run began.
    Start,
    /// A run ended, with this code, after so many seconds, where that is known.
    Exit { code: Option<i64>, ran: Option<f64> },
}

impl Runs {
    /// An event told that it was started.
    pub(super) fn started(&mut self, at: f64, facts: &mut Vec<Fact>) {
        if !self.is_news(at) || self.open {
            return;
        }
        *self = Self { began: Some(at), open: true, ..*self };
        facts.push(Fact::Start);
    }

    /// An event told that it ended.
    pub(super) fn ended(&mut self, at: f64, code: Option<i64>, facts: &mut Vec<Fact>) {
        let unknown = self.began.is_none() && self.ended.is_none();
        if !self.is_news(at) || !(self.open || unknown) {
            return;
        }
        self.end(at, code, facts);
    }

    /// It is gone, and so it has ended.
    pub(super) fn gone(&mut self, facts: &mut Vec<Fact>) {
        if self.open {
            self.open = false;
            self.ended = self.began;
            facts.push(Fact::Exit { code: None, ran: None });
        }
    }

    /// It was looked at.
    pub(super) fn looked(&mut self, look: &Look, facts: &mut Vec<Fact>) {
        let Some(began) = look.began else { return };
        let ended_since = self.ended.is_some_and(|ended| ended + SLACK >= began);
        let known = self.began.is_some_and(|known| known + SLACK >= began);
        if began >= look.events || known {
            // Events tell of it, or told. They are a little late.
            if known && self.open && !ended_since {
                self.began = Some(began);
            }
        } else {
            let counts = began >= look.since || self.began.is_some();
            if counts && self.open {
                // It ended in between, and nobody saw it.
                facts.push(Fact::Exit { code: None, ran: None });
            }
            self.began = Some(began);
            self.open = !ended_since;
            if counts {
                facts.push(Fact::Start);
            }
        }
        if let Some(ended) = look.ended
            && self.open
            && !look.runs
            && ended.max(began) < look.events
        {
            // What ended at once did so, by Docker's clock, before it was said to run.
            let ended = ended.max(began);
            if ended >= look.since {
                self.end(ended, look.code, facts);
            } else {
                self.open = false;
                self.ended = Some(ended);
            }
        }
    }

    fn end(&mut self, at: f64, code: Option<i64>, facts: &mut Vec<Fact>) {
        let ran = self
            .began
            .filter(|_| self.open)
            .map(|began| (at - began).max(0.0));
        self.open = false;
        self.ended = Some(at);
        facts.push(Fact::Exit { code, ran });
    }

    fn is_news(&mut self, at: f64) -> bool {
        let news = self.told.is_none_or(|told| at > told + SLACK);
        if news {
            self.told = Some(at);
        }
        news
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    /// Events since 100, runs counted since 50.
    const LOOK: Look =
        Look { began: None, ended: None, code: Some(0), runs: true, events: 100.0, since: 50.0 };

    fn running(began: f64) -> Look {
        Look { began: Some(began), ..LOOK }
    }

    fn over(began: f64, ended: f64, code: i64) -> Look {
        Look { ended: Some(ended), code: Some(code), runs: false, ..running(began) }
    }

    fn exit(code: i64, ran: f64) -> Fact {
        Fact::Exit { code: Some(code), ran: Some(ran) }
    }

    const UNSEEN: Fact = Fact::Exit { code: None, ran: None };

    enum Told {
        Start(f64),
        End(f64, i64),
        Look(Look),
        Gone,
    }
    use Told::{End, Gone, Start};

    fn facts(runs: &mut Runs, told: &[Told]) -> Vec<Fact> {
        let mut facts = Vec::new();
        for told in told {
            match told {
                Start(at) => runs.started(*at, &mut facts),
                End(at, code) => runs.ended(*at, Some(*code), &mut facts),
                Told::Look(look) => runs.looked(look, &mut facts),
                Gone => runs.gone(&mut facts),
            }
        }
        facts
    }

    fn fresh(told: &[Told]) -> Vec<Fact> {
        facts(&mut Runs::default(), told)
    }

    #[test]
    fn events_tell_of_each_run() {
        let told = [Start(110.0), End(113.0, 137), Start(114.0), End(115.0, 1)];
        let expected = [Fact::Start, exit(137, 3.0), Fact::Start, exit(1, 1.0)];
        assert_eq!(fresh(&told), expected);
    }

    #[test]
    fn what_ended_before_it_was_said_to_run_ended() {
        let told = [Told::Look(over(60.0, 59.9, 5)), Told::Look(over(60.0, 59.9, 5)), Gone];
        assert_eq!(fresh(&told), [Fact::Start, exit(5, 0.0)]);
    }

    #[test]
    fn what_is_looked_at_after_its_event_counts_once_and_tells_the_time() {
        let told = [
            Start(110.0),
            Told::Look(running(109.5)),
            End(112.0, 0),
            Told::Look(over(109.5, 111.9, 0)),
            Gone,
        ];
        assert_eq!(fresh(&told), [Fact::Start, exit(0, 2.5)]);
    }

    #[test]
    fn what_is_looked_at_before_its_event_counts_once() {
        let told = [Told::Look(over(109.5, 111.9, 0)), Start(110.0), End(112.0, 0)];
        assert_eq!(fresh(&told), [Fact::Start, exit(0, 2.0)]);
        // Begun before there were events, told of after that.
        let told = [Told::Look(running(99.9)), Start(100.1), End(101.9, 2)];
        assert_eq!(fresh(&told), [Fact::Start, exit(2, 2.0)]);
    }

    #[test]
    fn what_is_told_again_is_no_news() {
        let mut runs = Runs::default();
        assert_eq!(facts(&mut runs, &[Start(110.0), End(113.0, 0)]).len(), 2);
        assert_eq!(facts(&mut runs, &[Start(110.0), End(113.0, 0)]), []);
    }

    #[test]
    fn what_was_before_the_count_began_does_not_count() {
        assert_eq!(fresh(&[Told::Look(over(20.0, 30.0, 1))]), []);
        assert_eq!(fresh(&[Told::Look(running(20.0)), End(120.0, 3)]), [exit(3, 100.0)]);
        assert_eq!(fresh(&[Told::Look(over(20.0, 60.0, 4))]), [exit(4, 40.0)]);
        // Its end was told before anybody had looked at it.
        let told = [End(120.0, 3), Told::Look(running(20.0)), Told::Look(over(20.0, 119.9, 3))];
        assert_eq!(fresh(&told), [Fact::Exit { code: Some(3), ran: None }]);
    }

    #[test]
    fn what_happened_while_nobody_listened_counts_once() {
        let away = [Told::Look(over(60.0, 63.0, 137)), Told::Look(over(60.0, 63.0, 137))];
        assert_eq!(fresh(&away), [Fact::Start, exit(137, 3.0)]);
        let mut known = Runs::default();
        facts(&mut known, &[Start(55.0)]);
        let mut same = known;
        assert_eq!(facts(&mut same, &[Told::Look(running(54.9))]), [], "it goes on");
        let mut ended = known;
        assert_eq!(facts(&mut ended, &[Told::Look(over(54.5, 70.0, 9))]), [exit(9, 15.5)]);
        let mut again = known;
        let told = [Told::Look(running(70.0)), End(110.0, 0)];
        assert_eq!(facts(&mut again, &told), [UNSEEN, Fact::Start, exit(0, 40.0)]);
        let mut gone = known;
        assert_eq!(facts(&mut gone, &[Gone, Gone]), [UNSEEN]);
    }

    #[test]
    fn a_start_that_failed_is_no_second_end() {
        assert_eq!(fresh(&[Start(110.0), End(111.0, 0), End(112.0, 127)]).len(), 2);
    }
}
