//! How often AWS is asked about an image: by what it answered, and for how long it has answered so. Pure.

use crate::backoff;
use crate::describe_image::observation::{Observation, Phase};
use crate::describe_image::source_error::SourceErrorKind;
use std::time::Duration;

/// The pauses between two reads of an image.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// While it is being built or deleted.
    pub in_progress: Duration,
    /// While nothing is expected to happen.
    pub settled: Duration,
    /// While there is neither an image nor a stack: at first.
    pub absent: Duration,
    /// And at last.
    pub absent_max: Duration,
    /// After an error: at first, then twice as long each time.
    pub error: Duration,
    /// And at last.
    pub error_max: Duration,
    /// For how long a finished build without its AMI is in progress.
    pub finalizing: Duration,
}

impl Intervals {
    /// The phase of an answer that has been the same for `unchanged_for`. A finished build waits for its AMI only for a while.
    #[must_use]
    pub fn phase(&self, observation: &Observation, unchanged_for: Duration) -> Phase {
        match observation.phase() {
            Phase::Finalizing if unchanged_for >= self.finalizing => Phase::Settled,
            phase => phase,
        }
    }

    /// The pause after an answer of this phase that has been the same for `unchanged_for`.
    #[must_use]
    pub fn after_answer(&self, phase: Phase, unchanged_for: Duration) -> Duration {
        match phase {
            Phase::InProgress | Phase::Finalizing => self.in_progress,
            Phase::Settled => self.settled,
            // A tenth of the time that nothing has been there.
            Phase::Absent => (unchanged_for / 10).clamp(self.absent, self.absent_max.max(self.absent)),
        }
    }

    /// The pause after the `failures`-th failure in a row. Somebody else renews credentials, and they are then used soon.
    #[must_use]
    pub fn after_failure(&self, kind: SourceErrorKind, failures: u32) -> Duration {
        let pause = self.after_error(failures);
        if kind == SourceErrorKind::InvalidCredentials { pause.min(self.absent.max(self.error)) } else { pause }
    }

    /// The pause after the `failures`-th error in a row.
    #[must_use]
    pub fn after_error(&self, failures: u32) -> Duration {
        backoff::doubled(self.error, self.error_max, failures)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::describe_image::observation::{Ami, Stack};

    /// Round numbers, for all tests.
    pub(crate) const INTERVALS: Intervals = Intervals {
        in_progress: Duration::from_secs(30),
        settled: Duration::from_secs(600),
        absent: Duration::from_secs(60),
        absent_max: Duration::from_secs(600),
        error: Duration::from_secs(5),
        error_max: Duration::from_secs(600),
        finalizing: Duration::from_secs(1800),
    };

    fn after(observation: &Observation, minutes: u64) -> u64 {
        let unchanged_for = Duration::from_secs(60 * minutes);
        INTERVALS.after_answer(INTERVALS.phase(observation, unchanged_for), unchanged_for).as_secs()
    }

    fn ami(state: &str) -> Observation {
        Observation::Ami { ami: Ami { state: Some(state.into()), ..Ami::default() }, stack: None, refused: None }
    }

    fn stack(status: &str) -> Observation {
        let stack = Stack { status: Some(status.into()), ..Stack::default() };
        Observation::Stack { stack, image_build: None, refused: None }
    }

    #[test]
    fn an_absent_image_is_looked_for_less_and_less_often() {
        let after = |minutes| after(&Observation::Absent { other_stack: None }, minutes);
        assert_eq!([after(0), after(10), after(30), after(100), after(10_000)], [60, 60, 180, 600, 600]);
    }

    #[test]
    fn what_may_change_any_moment_is_read_more_often_than_what_is_settled() {
        for (observation, seconds) in [
            (ami("available"), 600),
            (ami("failed"), 600),
            (ami("pending"), 30),
            (ami("of tomorrow"), 30),
            (stack("CREATE_IN_PROGRESS"), 30),
            (stack("ROLLBACK_IN_PROGRESS"), 30),
            (stack("CREATE_COMPLETE"), 30),
            (stack("UPDATE_FAILED"), 30),
            (stack("CREATE_FAILED"), 600),
            (stack("DELETE_FAILED"), 600),
        ] {
            assert_eq!(after(&observation, 0), seconds, "{observation:?}");
        }
        assert_eq!(after(&stack("CREATE_COMPLETE"), 31), 600, "an orphan is settled");
    }
}
