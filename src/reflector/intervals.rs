//! How often AWS is asked about an image: by what it answered, and for how long it has answered so. Pure.

use crate::describe_image::build_status::ImageBuildStatus;
use crate::describe_image::observation::{Ami, Observation, Stack};
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
    /// The pause after an answer that has been the same for `unchanged_for`.
    #[must_use]
    pub fn after(&self, observation: &Observation, unchanged_for: Duration) -> Duration {
        match observation {
            Observation::Ami { ami, .. } => self.of_ami(ami),
            Observation::Stack { stack, image_build: _, refused: _ } => self.of_stack(stack, unchanged_for),
            // A tenth of the time that nothing has been there.
            Observation::Absent { .. } => (unchanged_for / 10).clamp(self.absent, self.absent_max.max(self.absent)),
        }
    }

    fn of_ami(&self, ami: &Ami) -> Duration {
        match ami.state.as_deref().unwrap_or_default() {
            "available" | "invalid" | "failed" | "error" | "deregistered" | "disabled" => self.settled,
            _ => self.in_progress,
        }
    }

    fn of_stack(&self, stack: &Stack, unchanged_for: Duration) -> Duration {
        let status = stack.status.as_deref().unwrap_or_default();
        // A build that has failed may still be rolling back.
        if status.ends_with("_IN_PROGRESS") {
            return self.in_progress;
        }
        match ImageBuildStatus::of_stack(status) {
            Some(ImageBuildStatus::BuildComplete) if unchanged_for >= self.finalizing => self.settled,
            Some(ImageBuildStatus::BuildComplete) | None => self.in_progress,
            Some(_) => self.settled,
        }
    }

    /// The pause after the `failures`-th failure in a row. Credentials are renewed by somebody else, and are then taken up soon.
    #[must_use]
    pub fn after_failure(&self, kind: SourceErrorKind, failures: u32) -> Duration {
        let pause = self.after_error(failures);
        if kind == SourceErrorKind::InvalidCredentials { pause.min(self.absent.max(self.error)) } else { pause }
    }

    /// The pause after the `failures`-th error in a row.
    #[must_use]
    pub fn after_error(&self, failures: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1).min(16));
        self.error.saturating_mul(doubled).min(self.error_max.max(self.error))
    }
}

#[cfg(test)]
pub(crate) mod tests {
    use super::*;

    /// As they are by default.
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
        INTERVALS.after(observation, Duration::from_secs(60 * minutes)).as_secs()
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

    #[test]
    fn errors_back_off_and_never_overflow() {
        let after = |failures| INTERVALS.after_error(failures).as_secs();
        assert_eq!([after(0), after(1), after(2), after(5), after(8), after(u32::MAX)], [5, 5, 10, 80, 600, 600]);
    }
}
