//! One image of a lane: its last reading, when the next is due, and whether somebody waits for it.

use crate::describe_image::Observation;
use crate::describe_image::observe::ObserveError;
use crate::describe_image::source::Priority;
use crate::reflector::answer::{Kept, is_same};
use crate::reflector::intervals::Intervals;
use crate::reflector::reading::{Freshness, Reading};
use jiff::Timestamp;
use std::time::Duration;
use strum::VariantArray;
use tokio::time::Instant;

/// When a read began.
#[derive(Clone, Copy)]
pub struct Begun {
    pub at: Timestamp,
    pub instant: Instant,
    /// Spreads the reads; one for all that is read together.
    pub stretch: f64,
}

/// What an answer means for the next read.
struct Rhythm {
    answered_at: Option<Timestamp>,
    failing_since: Option<Timestamp>,
    pause: Duration,
    interval: Duration,
}

pub struct Entry {
    pub reading: Option<Reading<Kept>>,
    pub due: Instant,
    /// Reads of it under way, by urgency: one that is waited for may overtake one that was due.
    pub is_read: [bool; Priority::VARIANTS.len()],
    /// Since when the answer is what it is.
    since: Instant,
    failures: u32,
    /// When the last read that AWS answered began and when its answer came, and how long after the one before it began.
    began: Option<Instant>,
    answered: Option<Instant>,
    effective_interval: Option<Duration>,
    /// Somebody waits for a read that begins then or later, and since when.
    waited_for: Option<(Timestamp, Instant)>,
    /// When the read of `reading` began; the wall clock may be set back.
    read: Option<Instant>,
    /// What AWS said before it stopped answering.
    before_failing: Option<Kept>,
    /// The answer was taken back, and stands for nothing, whoever waits for another.
    is_withdrawn: bool,
}

impl Entry {
    pub fn new() -> Self {
        let now = Instant::now();
        Self {
            reading: None,
            due: now,
            is_read: [false; Priority::VARIANTS.len()],
            since: now,
            failures: 0,
            began: None,
            answered: None,
            effective_interval: None,
            waited_for: Some((Timestamp::MIN, now)),
            read: None,
            before_failing: None,
            is_withdrawn: false,
        }
    }

    /// The reading at hand, if it is new enough; else the next is due now. One that was withdrawn is given all the same.
    pub fn latest(&mut self, not_before: Option<Timestamp>) -> Option<Reading> {
        let not_before = not_before.unwrap_or(Timestamp::MIN);
        let known = self.reading.as_ref().filter(|reading| reading.at >= not_before || self.is_withdrawn);
        let at_hand = known.and_then(Kept::unpacked);
        if at_hand.as_ref().is_none_or(|reading| reading.at < not_before) {
            let now = Instant::now();
            self.waited_for = self.waited_for.max(Some((not_before, now)));
            self.due = self.due.min(now);
        }
        at_hand
    }

    pub fn is_waited_for(&self) -> bool {
        self.waited_for.is_some()
    }

    /// When it is to be read next; `None` while nothing is to be done but wait for a read.
    pub fn next_due(&self) -> Option<Instant> {
        let [is_waited_for, others @ ..] = self.is_read;
        let may_be_read = !is_waited_for && (self.is_waited_for() || !others.contains(&true));
        may_be_read.then_some(self.due)
    }

    /// How urgent its next read is.
    pub fn priority(&self, intervals: &Intervals) -> Priority {
        match &self.reading {
            _ if self.is_waited_for() => Priority::Urgent,
            Some(reading) if reading.is_in_progress(intervals) => Priority::InProgress,
            Some(_) | None => Priority::Background,
        }
    }

    pub fn freshness(&self, intervals: &Intervals) -> Option<Freshness> {
        let reading = self.reading.as_ref()?;
        Some(Freshness {
            answered_at: reading.answered_at?,
            is_in_progress: reading.is_in_progress(intervals),
            effective_interval: self.effective_interval,
        })
    }

    /// When its answer will be too old to stand, should the read under way not end before.
    pub fn overdue(&self, least: Duration) -> Option<Instant> {
        let reading = self.reading.as_ref().filter(|reading| reading.answer.is_ok())?;
        let is_read = self.is_read.contains(&true);
        Some(self.answered? + least.max(reading.interval * 3)).filter(|_| is_read)
    }

    /// The answer does not stand any more.
    pub fn withdrawn(&mut self, why: ObserveError) {
        if let Some(reading) = self.reading.as_mut() {
            reading.failing_since.get_or_insert_with(Timestamp::now);
            self.before_failing = std::mem::replace(&mut reading.answer, Err(why)).ok();
            self.is_withdrawn = true;
        }
    }

    /// What AWS said last.
    pub fn last_answer(&self) -> Option<Kept> {
        let reading = self.reading.as_ref()?;
        reading.answer.clone().ok().or_else(|| self.before_failing.clone())
    }

    /// A read of that urgency has ended without an answer.
    pub fn released(&mut self, priority: Priority, pause: Duration) {
        self.is_read[priority as usize] = false;
        self.due = self.due.max(Instant::now() + pause);
    }

    /// Takes the answer of a read; true when it is to be told: it is another than before, or somebody waits for it.
    pub fn answered(
        &mut self,
        answer: Result<Observation, ObserveError>,
        Begun { at, instant, stretch }: Begun,
        intervals: &Intervals,
    ) -> bool {
        if self.read.is_some_and(|last| last > instant) {
            // It was overtaken.
            return false;
        }
        self.read = Some(instant);
        self.is_withdrawn = false;
        if answer.is_ok() {
            self.effective_interval = self.began.map(|began| instant - began);
            self.began = Some(instant);
            self.answered = Some(Instant::now());
        }
        let before = self.reading.take();
        let is_in_progress = before.as_ref().map(|before| before.is_in_progress(intervals));
        let is_same = before.as_ref().is_some_and(|before| is_same(&before.answer, &answer));
        if !is_same {
            self.since = Instant::now();
        }
        let Rhythm { answered_at, failing_since, pause, interval } =
            self.rhythm(&answer, before.as_ref(), at, intervals);
        // What stands keeps its order of tags, and its place in memory.
        let known = before.and_then(|before| before.answer.ok()).or(self.before_failing.take());
        let answer = match (answer, known) {
            (Ok(_), Some(known)) if is_same => Ok(known),
            (Ok(answer), _) => Ok(Kept::new(answer)),
            (Err(error), known) => {
                self.before_failing = known;
                Err(error)
            }
        };
        // What was read together comes due together, and is read together again. What failed rests, however long it took.
        self.due = if answer.is_ok() { instant } else { Instant::now() } + pause.mul_f64(stretch);
        let reading = Reading { answer, at, answered_at, failing_since, pause, interval };
        // The time that has passed is not of another interval that begins.
        let is_other = is_in_progress.is_some_and(|before| before != reading.is_in_progress(intervals));
        self.effective_interval.take_if(|_| is_other);
        self.reading = Some(reading);
        self.has_been_waited_for(at, instant, intervals.error) || !is_same
    }

    /// When the next read is due, and since when AWS answers, or does not.
    fn rhythm(
        &mut self,
        answer: &Result<Observation, ObserveError>,
        before: Option<&Reading<Kept>>,
        at: Timestamp,
        intervals: &Intervals,
    ) -> Rhythm {
        match answer {
            Ok(observation) => {
                self.failures = 0;
                let pause = intervals.after(observation, self.since.elapsed());
                Rhythm { answered_at: Some(at), failing_since: None, pause, interval: pause }
            }
            Err(error) => {
                self.failures = self.failures.saturating_add(1);
                Rhythm {
                    answered_at: before.and_then(|before| before.answered_at),
                    // Not since the read began: it may have waited for its turn.
                    failing_since: Some(before.and_then(|before| before.failing_since).unwrap_or_else(Timestamp::now)),
                    pause: intervals.after_failure(error.source_error.kind, self.failures),
                    interval: before.map_or(intervals.settled, |before| before.interval),
                }
            }
        }
    }

    /// True when somebody has waited for a read that began then. Whoever waits for a later one goes on waiting.
    fn has_been_waited_for(&mut self, at: Timestamp, instant: Instant, pause: Duration) -> bool {
        match self.waited_for {
            Some((not_before, _)) if at >= not_before => {
                self.waited_for = None;
                return true;
            }
            // A read that began since can only seem earlier, when the wall clock was set back.
            Some((_, since)) if instant >= since => self.due = Instant::now() + pause,
            Some(_) => self.due = Instant::now(),
            None => {}
        }
        false
    }
}
