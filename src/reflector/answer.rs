//! What is known of an image, and what follows when another answer arrives.

use crate::describe_image::observation::{Observation, Phase};
use crate::describe_image::observe::ObserveError;
use crate::reflector::intervals::Intervals;
use crate::reflector::packed_observation::PackedObservation;
use jiff::Timestamp;
use std::time::Duration;
use tokio::time::Instant;

/// When a read began. The wall clock may be set back, the other cannot.
#[derive(Clone, Copy, Debug)]
pub struct Begun {
    pub at: Timestamp,
    pub instant: Instant,
}

/// An answer.
pub struct Answer {
    pub observation: PackedObservation,
    /// The read that gave it.
    pub begun: Begun,
    pub arrived: Instant,
    /// Since when AWS answers the same.
    pub unchanged_since: Instant,
    pub phase: Phase,
    /// The pause until the next read.
    pub interval: Duration,
    /// From the beginning of the answered read before, if the phase is still the same.
    pub effective_interval: Option<Duration>,
}

impl Answer {
    #[must_use]
    pub fn is_in_progress(&self) -> bool {
        matches!(self.phase, Phase::InProgress | Phase::Finalizing)
    }
}

/// What is known of the image.
pub enum Known {
    Nothing,
    Answer(Answer),
    Failure(Failing),
    /// The answer was taken back: it has grown too old while the next read waits for its turn.
    Withdrawn {
        why: ObserveError,
        since: Timestamp,
        before: Answer,
    },
}

/// AWS does not answer.
pub struct Failing {
    pub why: ObserveError,
    /// The last read.
    pub begun: Begun,
    pub since: Timestamp,
    /// Failures in a row.
    pub count: u32,
    /// What AWS said before.
    pub before: Option<Answer>,
}

impl Known {
    /// What AWS said last.
    #[must_use]
    pub fn last_answer(&self) -> Option<&Answer> {
        match self {
            Self::Nothing => None,
            Self::Answer(answer) | Self::Withdrawn { before: answer, .. } => Some(answer),
            Self::Failure(failure) => failure.before.as_ref(),
        }
    }

    /// The last read.
    #[must_use]
    pub fn begun(&self) -> Option<Begun> {
        match self {
            Self::Failure(failure) => Some(failure.begun),
            _ => self.last_answer().map(|answer| answer.begun),
        }
    }

    /// Whether `now` says nothing new.
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

    /// AWS has answered. Gives the pause until the next read, too.
    #[must_use]
    pub fn observed(
        self,
        observation: Observation,
        is_same: bool,
        begun: Begun,
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
            // What stands keeps its order of tags, and its place in memory.
            observation: match same {
                Some(same) => same.observation.clone(),
                None => PackedObservation::new(observation),
            },
        };
        // The time that has passed belongs to the interval of the phase before.
        let before = before.filter(|before| before.is_in_progress() == answer.is_in_progress());
        answer.effective_interval = before.map(|before| begun.instant - before.begun.instant);
        (Self::Answer(answer), interval)
    }

    /// AWS has not answered. Gives the pause until the next read, too.
    #[must_use]
    pub fn failed(self, why: ObserveError, begun: Begun, intervals: &Intervals) -> (Self, Duration) {
        let (since, count) = match &self {
            Self::Failure(failure) => (Some(failure.since), failure.count.saturating_add(1)),
            Self::Withdrawn { since, .. } => (Some(*since), 1),
            Self::Nothing | Self::Answer(_) => (None, 1),
        };
        let pause = intervals.after_failure(why.source_error.kind, count);
        // Not since the read began: it may have waited for its turn.
        let since = since.unwrap_or_else(Timestamp::now);
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
