//! `Intervals`: how often an image is read. That depends on AWS's answer, and for how long it has been the same. Pure.

use crate::backoff;
use crate::describe_image::observation::{Observation, Phase};
use crate::describe_image::source_error::SourceErrorKind;
use std::time::Duration;

/// The pauses between two reads of an image.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// While the image is in progress or finalizing.
    pub in_progress: Duration,
    /// While no change is expected.
    pub settled: Duration,
    /// While there is neither an AMI nor a stack: the shortest pause.
    pub absent: Duration,
    /// While there is neither an AMI nor a stack: the longest pause.
    pub absent_max: Duration,
    /// After an error: the first pause. It doubles with each further error.
    pub error: Duration,
    /// After an error: the longest pause.
    pub error_max: Duration,
    /// For how long a complete build without an AMI counts as finalizing. Then it is settled.
    pub finalizing: Duration,
}

impl Intervals {
    /// The phase of an answer that has been the same for `unchanged_for`. A complete build is finalizing only for a
    /// limited time.
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
            // A tenth of the time that the image has been absent.
            Phase::Absent => (unchanged_for / 10).clamp(self.absent, self.absent_max.max(self.absent)),
        }
    }

    /// The pause after the `failures`-th failure in a row. It stays short for invalid credentials, because they are
    /// renewed outside the operator, and the new ones should be used soon.
    #[must_use]
    pub fn after_failure(&self, kind: SourceErrorKind, failures: u32) -> Duration {
        let pause = self.after_error(failures);
        if kind == SourceErrorKind::InvalidCredentials { pause.min(self.absent.max(self.error)) } else { pause }
    }

    /// The pause after the `failures`-th error in a row, whatever its kind.
    #[must_use]
    pub fn after_error(&self, failures: u32) -> Duration {
        backoff::doubled(self.error, self.error_max, failures)
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;
    use crate::describe_image::observation::{Ami, Stack};

    /// Round numbers, shared by all tests.
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
    fn an_absent_image_is_read_less_and_less_often() {
        let after = |minutes| after(&Observation::Absent { other_stack: None }, minutes);
        assert_eq!([after(0), after(10), after(30), after(100), after(10_000)], [60, 60, 180, 600, 600]);
    }

    #[test]
    fn an_image_in_progress_is_read_more_often_than_a_settled_one() {
        for (observation, seconds) in [
            (ami("available"), 600),
            (ami("failed"), 600),
            (ami("pending"), 30),
            (ami("a-new-state"), 30),
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
