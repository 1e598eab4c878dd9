//! `Known`: the state of an image in the store, and how it changes after each read.

use crate::clock::Stamp;
use crate::describe_image::observation::{Observation, Phase};
use crate::describe_image::observe::ObserveError;
use crate::reflector::intervals::Intervals;
use crate::reflector::packed_observation::PackedObservation;
use std::time::Duration;
use tokio::time::Instant;

/// An answer of AWS.
pub struct Answer {
    pub observation: PackedObservation,
    /// The read that gave it.
    pub begun: Stamp,
    pub arrived: Instant,
    /// Since when AWS has given the same answer.
    pub unchanged_since: Instant,
    pub phase: Phase,
    /// The pause until the next read.
    pub interval: Duration,
    /// The time since the previous answered read began. `None` if there is none, or if `is_in_progress` has changed
    /// since.
    pub effective_interval: Option<Duration>,
}

impl Answer {
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        matches!(self.phase, Phase::InProgress | Phase::Finalizing)
    }
}

/// What the store contains for an image.
pub enum Known {
    Nothing,
    Answer(Answer),
    Failure(Failing),
    /// The answer grew too old while the next read was under way, so it is no longer valid.
    Withdrawn {
        why: ObserveError,
        since: Stamp,
        before: Answer,
    },
}

/// The last read failed.
pub struct Failing {
    pub why: ObserveError,
    /// When the last read began.
    pub begun: Stamp,
    pub since: Stamp,
    /// The number of failures in a row.
    pub count: u32,
    /// AWS's last answer before the failures.
    pub before: Option<Answer>,
}

impl Known {
    /// AWS's last answer, valid or not.
    #[must_use]
    pub fn last_answer(&self) -> Option<&Answer> {
        match self {
            Self::Nothing => None,
            Self::Answer(answer) | Self::Withdrawn { before: answer, .. } => Some(answer),
            Self::Failure(failure) => failure.before.as_ref(),
        }
    }

    /// When the last completed read began.
    #[must_use]
    pub fn begun(&self) -> Option<Stamp> {
        match self {
            Self::Failure(failure) => Some(failure.begun),
            _ => self.last_answer().map(|answer| answer.begun),
        }
    }

    /// Whether `now` is the same answer, or an error with the same cause.
    #[must_use]
    pub fn is_same(&self, now: &Result<Observation, ObserveError>) -> bool {
        match (self, now) {
            (Self::Answer(before), Ok(now)) => before.observation.is(now),
            (Self::Failure(Failing { why, .. }) | Self::Withdrawn { why, .. }, Err(now)) => {
                why.source_error.has_cause_of(&now.source_error)
            }
            _ => false,
        }
    }

    /// The state after AWS answered, and the pause until the next read.
    #[must_use]
    pub fn observed(
        self,
        observation: Observation,
        is_same: bool,
        begun: Stamp,
        intervals: &Intervals,
    ) -> (Self, Duration) {
        let now = Instant::now();
        let before = self.into_last_answer();
        let same = before.as_ref().filter(|_| is_same);
        let unchanged_since = same.map_or(now, |same| same.unchanged_since);
        let phase = intervals.phase(&observation, now - unchanged_since);
        let interval = intervals.after_answer(phase, now - unchanged_since);
        let mut answer = Answer {
            begun,
            arrived: now,
            unchanged_since,
            phase,
            interval,
            effective_interval: None,
            // An unchanged answer keeps its order of tags and its memory.
            observation: match same {
                Some(same) => same.observation.clone(),
                None => PackedObservation::new(observation),
            },
        };
        // If this has changed, the elapsed time belongs to the interval before the change.
        let before = before.filter(|before| before.is_in_progress() == answer.is_in_progress());
        answer.effective_interval = before.map(|before| begun.instant - before.begun.instant);
        (Self::Answer(answer), interval)
    }

    /// The state after a read failed, which ended `now`, and the pause until the next read.
    #[must_use]
    pub fn failed(self, why: ObserveError, begun: Stamp, now: Stamp, intervals: &Intervals) -> (Self, Duration) {
        let (since, count) = match &self {
            Self::Failure(failure) => (Some(failure.since), failure.count.saturating_add(1)),
            Self::Withdrawn { since, .. } => (Some(*since), 1),
            Self::Nothing | Self::Answer(_) => (None, 1),
        };
        let pause = intervals.after_failure(why.source_error.kind, count);
        // Not the beginning of the read, because the read may have waited for the budget.
        let since = since.unwrap_or(now);
        (Self::Failure(Failing { why, begun, since, count, before: self.into_last_answer() }), pause)
    }

    fn into_last_answer(self) -> Option<Answer> {
        match self {
            Self::Nothing => None,
            Self::Answer(answer) | Self::Withdrawn { before: answer, .. } => Some(answer),
            Self::Failure(failure) => failure.before,
        }
    }
}
