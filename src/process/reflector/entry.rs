//! One image of a lane: its last reading, when the next is due, and whether somebody waits for it.

use crate::describe_image::observe::ObserveError;
use crate::describe_image::reading::Reading;
use crate::describe_image::response::Tag;
use crate::describe_image::{Intervals, Observation};
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

pub struct Entry {
    pub reading: Option<Reading>,
    pub due: Instant,
    /// Reads of it under way: one that was waited for, and one that was due. The first may overtake the second.
    pub is_read: [bool; 2],
    /// Since when the answer is what it is.
    since: Instant,
    failures: u32,
    /// Somebody waits for a read that begins then or later.
    waited_for: Option<Timestamp>,
}

impl Entry {
    pub fn new() -> Self {
        let now = Instant::now();
        Self { reading: None, due: now, is_read: [false; 2], since: now, failures: 0, waited_for: Some(Timestamp::MIN) }
    }

    /// The reading at hand, if it is new enough; else the next is due now.
    pub fn latest(&mut self, not_before: Option<Timestamp>) -> Option<Reading> {
        let not_before = not_before.unwrap_or(Timestamp::MIN);
        let at_hand = self.reading.clone().filter(|reading| reading.at >= not_before);
        if at_hand.is_none() {
            self.waited_for = self.waited_for.max(Some(not_before));
            self.due = self.due.min(Instant::now());
        }
        at_hand
    }

    pub fn is_waited_for(&self) -> bool {
        self.waited_for.is_some()
    }

    /// When it is to be read next; `None` while nothing is to be done but wait for a read.
    pub fn next_due(&self) -> Option<Instant> {
        let [is_waited_for, is_due] = self.is_read;
        let may_be_read = !is_waited_for && (!is_due || self.is_waited_for());
        may_be_read.then_some(self.due)
    }

    /// A read of that kind has ended without an answer.
    pub fn released(&mut self, kind: usize, pause: Duration) {
        self.is_read[kind] = false;
        self.due = self.due.max(Instant::now() + pause);
    }

    /// Takes the answer of a read that began at `at`; true when it is to be told: it is another than before, or somebody waits
    /// for it. `stretch` spreads the reads.
    pub fn answered(
        &mut self,
        answer: Result<Observation, ObserveError>,
        at: Timestamp,
        intervals: &Intervals,
        stretch: f64,
    ) -> bool {
        if self.reading.as_ref().is_some_and(|reading| reading.at > at) {
            // It was overtaken.
            return false;
        }
        let before = self.reading.take();
        let is_same = before.as_ref().is_some_and(|before| is_same(&before.answer, &answer));
        if !is_same {
            self.since = Instant::now();
        }
        let (answered_at, failing_since, pause) = match &answer {
            Ok(observation) => {
                self.failures = 0;
                (Some(at), None, intervals.after(observation, self.since.elapsed()))
            }
            Err(_) => {
                self.failures = self.failures.saturating_add(1);
                let known = before.as_ref();
                // Not since the read began: it may have waited for its turn.
                let since = known.and_then(|before| before.failing_since).unwrap_or_else(Timestamp::now);
                (known.and_then(|before| before.answered_at), Some(since), intervals.after_error(self.failures))
            }
        };
        // What stands keeps its order of tags, and its place in memory.
        let answer = match (before.as_ref().map(|before| &before.answer), answer) {
            (Some(Ok(before)), Ok(_)) if is_same => Ok(before.clone()),
            (_, answer) => answer.map(Arc::new),
        };
        let interval = match (&answer, &before) {
            (Ok(_), _) => pause,
            (Err(_), Some(before)) => before.interval,
            (Err(_), None) => intervals.settled,
        };
        self.reading = Some(Reading { answer, at, answered_at, failing_since, pause, interval });
        self.due = Instant::now() + pause.mul_f64(stretch);
        match self.waited_for {
            Some(not_before) if at >= not_before => {
                self.waited_for = None;
                true
            }
            // Whoever waits for a later read than this one goes on waiting.
            Some(_) => {
                self.due = Instant::now();
                !is_same
            }
            None => !is_same,
        }
    }
}

/// An error is the same when it is of one kind and action: AWS words it anew each time.
fn is_same(before: &Result<Arc<Observation>, ObserveError>, now: &Result<Observation, ObserveError>) -> bool {
    match (before, now) {
        (Ok(before), Ok(now)) => **before == *now || sorted(before) == sorted(now),
        (Err(before), Err(now)) => {
            let (before, now) = (&before.source_error, &now.source_error);
            (before.kind, before.action) == (now.kind, now.action)
        }
        _ => false,
    }
}

/// EC2 promises no order of tags.
fn sorted(observation: &Observation) -> Observation {
    let mut sorted = observation.clone();
    let sort = |tags: &mut Vec<Tag>| tags.sort();
    match &mut sorted {
        Observation::Ami { ami, stack } => {
            sort(&mut ami.tags);
            stack.iter_mut().for_each(|stack| sort(&mut stack.tags));
        }
        Observation::Stack { stack, image_build: _, refused: _ } => sort(&mut stack.tags),
        Observation::Absent => {}
    }
    sorted
}
