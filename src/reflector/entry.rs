//! One image of a lane: what is known of it, when it is read next, and whether somebody waits for that.

use crate::describe_image::observation::Observation;
use crate::describe_image::observe::ObserveError;
use crate::describe_image::source::Priority;
use crate::reflector::answer::{Begun, Known};
use crate::reflector::intervals::Intervals;
use crate::reflector::packed_observation::PackedObservation;
use crate::reflector::reading::{Freshness, Reading};
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

pub struct Entry {
    known: Known,
    due: Instant,
    /// The pause before `due`.
    pause: Duration,
    reads: Reads,
    waiter: Option<Waiter>,
}

/// The reads of it under way: an urgent one may overtake another.
#[derive(Clone, Copy, Default)]
struct Reads {
    urgent: bool,
    other: bool,
}

impl Reads {
    fn of(&mut self, priority: Priority) -> &mut bool {
        if priority == Priority::Urgent { &mut self.urgent } else { &mut self.other }
    }
}

/// Somebody waits for a read that begins at `not_before` or later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Waiter {
    not_before: Timestamp,
    since: Instant,
}

/// When an entry is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub priority: Priority,
    pub due: Instant,
    /// From then on it is read along with others that are due, so that a scope's images come to be read together.
    pub from: Instant,
}

impl Entry {
    /// Of an image that somebody has just subscribed to: to be read now.
    #[must_use]
    pub fn new() -> Self {
        let now = Instant::now();
        Self {
            known: Known::Nothing,
            due: now,
            pause: Duration::ZERO,
            reads: Reads::default(),
            waiter: Some(Waiter { not_before: Timestamp::MIN, since: now }),
        }
    }

    /// The reading at hand, if it is new enough. Else the next is due now. One that was withdrawn is given all the same.
    pub fn latest(&mut self, not_before: Option<Timestamp>) -> Option<Reading> {
        let not_before = not_before.unwrap_or(Timestamp::MIN);
        let is_withdrawn = matches!(self.known, Known::Withdrawn { .. });
        let at_hand = self.reading().filter(|reading| reading.at >= not_before || is_withdrawn);
        if at_hand.as_ref().is_none_or(|reading| reading.at < not_before) {
            let now = Instant::now();
            self.waiter = self.waiter.max(Some(Waiter { not_before, since: now }));
            self.due = self.due.min(now);
        }
        at_hand
    }

    #[must_use]
    pub fn has_waiter(&self) -> bool {
        self.waiter.is_some()
    }

    /// When it is to be read next. `None` while a read is under way that will do.
    #[must_use]
    pub fn slot(&self) -> Option<Slot> {
        let may_be_read = !self.reads.urgent && (self.has_waiter() || !self.reads.other);
        let from = self.due.checked_sub(self.pause / 2).unwrap_or(self.due);
        may_be_read.then(|| Slot { priority: self.priority(), due: self.due, from })
    }

    fn priority(&self) -> Priority {
        match self.known.last_answer() {
            _ if self.has_waiter() => Priority::Urgent,
            Some(answer) if answer.is_in_progress() => Priority::InProgress,
            Some(_) | None => Priority::Background,
        }
    }

    #[must_use]
    pub fn is_being_read(&self) -> bool {
        self.reads.urgent || self.reads.other
    }

    #[must_use]
    pub fn freshness(&self) -> Option<Freshness> {
        let answer = self.known.last_answer()?;
        Some(Freshness {
            answered_at: answer.begun.at,
            is_in_progress: answer.is_in_progress(),
            effective_interval: answer.effective_interval,
        })
    }

    /// When its answer will be too old to stand, should the read under way not end before: after the staleness budget, and
    /// three intervals at least.
    #[must_use]
    pub fn stale_at(&self, staleness_budget: Duration) -> Option<Instant> {
        match &self.known {
            Known::Answer(answer) if self.is_being_read() => {
                Some(answer.arrived + staleness_budget.max(answer.interval * 3))
            }
            _ => None,
        }
    }

    /// The answer does not stand any more.
    pub fn withdraw(&mut self, why: ObserveError) {
        self.known = match std::mem::replace(&mut self.known, Known::Nothing) {
            Known::Answer(before) => Known::Withdrawn { why, since: Timestamp::now(), before },
            other => other,
        };
    }

    /// What AWS said last.
    #[must_use]
    pub fn last_observation(&self) -> Option<PackedObservation> {
        self.known.last_answer().map(|answer| answer.observation.clone())
    }

    /// A read of this priority begins.
    pub fn begin(&mut self, priority: Priority) {
        *self.reads.of(priority) = true;
    }

    /// A read of this priority has ended without an answer.
    pub fn release(&mut self, priority: Priority, pause: Duration) {
        *self.reads.of(priority) = false;
        self.due = self.due.max(Instant::now() + pause);
    }

    /// A read of this priority has ended with `answer`. `stretch` spreads the next reads. True when somebody should hear of it: it
    /// is another answer than before, or somebody waits for it.
    pub fn answered(
        &mut self,
        answer: Result<Observation, ObserveError>,
        (priority, begun): (Priority, Begun),
        stretch: f64,
        intervals: &Intervals,
    ) -> bool {
        *self.reads.of(priority) = false;
        if self.known.begun().is_some_and(|last| last.instant > begun.instant) {
            // It was overtaken.
            return false;
        }
        let before = std::mem::replace(&mut self.known, Known::Nothing);
        let is_same = before.is_same(&answer);
        // What was read together comes due together, and is read together again. What failed rests, however long it took.
        let rests_from = if answer.is_ok() { begun.instant } else { Instant::now() };
        (self.known, self.pause) = match answer {
            Ok(observation) => before.observed(observation, is_same, begun, intervals),
            Err(why) => before.failed(why, begun, intervals),
        };
        self.due = rests_from + self.pause.mul_f64(stretch);
        self.serve_waiter(begun, intervals.error) || !is_same
    }

    /// True when somebody has waited for a read that began then. Whoever waits for a later one goes on waiting.
    fn serve_waiter(&mut self, begun: Begun, pause: Duration) -> bool {
        match self.waiter {
            Some(waiter) if begun.at >= waiter.not_before => {
                self.waiter = None;
                return true;
            }
            // A read that began since can only seem earlier when the wall clock was set back.
            Some(waiter) if begun.instant >= waiter.since => self.due = Instant::now() + pause,
            Some(_) => self.due = Instant::now(),
            None => {}
        }
        false
    }

    fn reading(&self) -> Option<Reading> {
        let before = self.known.last_answer();
        let (answer, at, failing_since) = match &self.known {
            Known::Nothing => return None,
            Known::Answer(answer) => (Ok(answer.observation.unpack()?), answer.begun.at, None),
            Known::Failure(failure) => (Err(failure.why.clone()), failure.begun.at, Some(failure.since)),
            Known::Withdrawn { why, since, before } => (Err(why.clone()), before.begun.at, Some(*since)),
        };
        Some(Reading {
            answer,
            at,
            answered_at: before.map(|answer| answer.begun.at),
            failing_since,
            interval: before.map(|answer| answer.interval),
        })
    }
}
