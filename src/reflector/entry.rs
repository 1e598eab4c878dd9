//! `Entry`: one image of a lane. Its last answer, when it is read next, and whether a caller waits for a read.

use crate::clock::Stamp;
use crate::describe_image::observation::Observation;
use crate::describe_image::observe::ObserveError;
use crate::describe_image::source::Priority;
use crate::reflector::answer::Known;
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

/// The reads of the image that are under way. An urgent read may overtake another.
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

/// A caller waits for a read that begins at `not_before` or later.
#[derive(Clone, Copy, PartialEq, Eq, PartialOrd, Ord)]
struct Waiter {
    not_before: Timestamp,
    /// When the caller began to wait.
    since: Instant,
}

/// When an entry is to be read.
#[derive(Clone, Copy, PartialEq, Eq)]
pub struct Slot {
    pub priority: Priority,
    pub due: Instant,
    /// From this moment on, the image may be read early, together with another that is due. Over time, the images of a
    /// scope are then read together.
    pub from: Instant,
}

impl Entry {
    /// The entry of a new image. It is due now.
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

    /// Returns the last reading, if its read began at `not_before` or later. Otherwise, makes the image due now and
    /// returns `None`, or the error of a withdrawn answer.
    pub fn latest(&mut self, not_before: Option<Timestamp>, now: Timestamp) -> Option<Reading> {
        let not_before = not_before.unwrap_or(Timestamp::MIN);
        let is_withdrawn = matches!(self.known, Known::Withdrawn { .. });
        let at_hand = self.reading(now).filter(|reading| reading.at >= not_before || is_withdrawn);
        if at_hand.as_ref().is_none_or(|reading| reading.at < not_before) {
            let since = Instant::now();
            self.waiter = self.waiter.max(Some(Waiter { not_before, since }));
            self.due = self.due.min(since);
        }
        at_hand
    }

    #[must_use]
    pub fn has_waiter(&self) -> bool {
        self.waiter.is_some()
    }

    /// When the image is to be read next. `None` while a read is under way that need not be overtaken.
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
    pub fn freshness(&self, now: Timestamp) -> Option<Freshness> {
        let answer = self.known.last_answer()?;
        Some(Freshness {
            answered_at: answer.begun.by(now),
            is_in_progress: answer.is_in_progress(),
            effective_interval: answer.effective_interval,
        })
    }

    /// When its answer becomes stale, if the read under way does not end before: after the staleness budget, and at
    /// least three intervals. `None` if no read is under way.
    #[must_use]
    pub fn stale_at(&self, staleness_budget: Duration) -> Option<Instant> {
        match &self.known {
            Known::Answer(answer) if self.is_being_read() => {
                Some(answer.arrived + staleness_budget.max(answer.interval * 3))
            }
            _ => None,
        }
    }

    /// Withdraws the answer, because it is stale.
    pub fn withdraw(&mut self, why: ObserveError, now: Stamp) {
        self.known = match std::mem::replace(&mut self.known, Known::Nothing) {
            Known::Answer(before) => Known::Withdrawn { why, since: now, before },
            other => other,
        };
    }

    /// AWS's last answer.
    #[must_use]
    pub fn last_observation(&self) -> Option<PackedObservation> {
        self.known.last_answer().map(|answer| answer.observation.clone())
    }

    /// Call this when a read of this priority begins.
    pub fn begin(&mut self, priority: Priority) {
        *self.reads.of(priority) = true;
    }

    /// Call this when a read of this priority has ended without an answer. The image is due after `pause` at the
    /// earliest.
    pub fn release(&mut self, priority: Priority, pause: Duration) {
        *self.reads.of(priority) = false;
        self.due = self.due.max(Instant::now() + pause);
    }

    /// Call this when a read of this priority has ended with `answer`. The pause until the next read is multiplied by
    /// `stretch`, to spread the reads. Returns true if the answer must be published: it has changed, or a caller waits
    /// for it.
    pub fn answered(
        &mut self,
        answer: Result<Observation, ObserveError>,
        (priority, begun): (Priority, Stamp),
        now: Stamp,
        stretch: f64,
        intervals: &Intervals,
    ) -> bool {
        *self.reads.of(priority) = false;
        let is_after = |last: Stamp| last.instant > begun.instant;
        let has_later_answer = self.known.last_answer().is_some_and(|last| is_after(last.begun));
        let has_later_read = has_later_answer || self.known.begun().is_some_and(is_after);
        // A later read has overtaken this one. If it has failed, this answer is still AWS's last one.
        if has_later_answer || has_later_read && answer.is_err() {
            return false;
        }
        let before = std::mem::replace(&mut self.known, Known::Nothing);
        let is_same = before.is_same(&answer);
        // Images that were read together are due together, because their pause starts when their read began. After a
        // failure, the pause starts now, however long the read took.
        let pause_from = if answer.is_ok() { begun.instant } else { Instant::now() };
        let pause;
        (self.known, pause) = match answer {
            Ok(observation) => before.observed(observation, is_same, begun, intervals),
            Err(why) => before.failed(why, begun, now, intervals),
        };
        let due = pause_from + pause.mul_f64(stretch);
        // A later failure keeps its own pause.
        if !has_later_read || due < self.due {
            (self.due, self.pause) = (due, pause);
        }
        self.serve_waiter(begun, intervals.error) || !is_same
    }

    /// Returns true if a caller waited for this read. A caller that needs a later read continues to wait.
    fn serve_waiter(&mut self, begun: Stamp, pause: Duration) -> bool {
        match self.waiter {
            Some(waiter) if begun.at >= waiter.not_before => {
                self.waiter = None;
                return true;
            }
            // The read began after the wait did, but its wall-clock time is too early: the wall clock was set back.
            // Retry after a pause, because the next read may be too early as well.
            Some(waiter) if begun.instant >= waiter.since => self.due = Instant::now() + pause,
            Some(_) => self.due = Instant::now(),
            None => {}
        }
        false
    }

    /// A reading is young if its read began at this time or later: within the interval of the last answer, or within
    /// `error_pause` after a failure.
    #[must_use]
    pub fn young_since(&self, error_pause: Duration, now: Timestamp) -> Timestamp {
        let most = match &self.known {
            Known::Nothing => return Timestamp::MIN,
            Known::Answer(answer) => answer.interval,
            Known::Failure(_) | Known::Withdrawn { .. } => error_pause,
        };
        now.checked_sub(most).unwrap_or(Timestamp::MIN)
    }

    /// Its times are by a wall clock that shows `now`.
    fn reading(&self, now: Timestamp) -> Option<Reading> {
        let before = self.known.last_answer();
        let (answer, begun, failing_since) = match &self.known {
            Known::Nothing => return None,
            Known::Answer(answer) => (Ok(answer.observation.unpack()?), answer.begun, None),
            Known::Failure(failure) => (Err(failure.why.clone()), failure.begun, Some(failure.since)),
            Known::Withdrawn { why, since, before } => (Err(why.clone()), before.begun, Some(*since)),
        };
        Some(Reading {
            answer,
            at: begun.by(now),
            answered_at: before.map(|answer| answer.begun.by(now)),
            failing_since: failing_since.map(|since| since.by(now)),
            interval: before.map(|answer| answer.interval),
        })
    }
}
