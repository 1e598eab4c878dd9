//! When to look again: pure, from how things stand. Jitter keeps a fleet from looking all at once.

use super::conditions::ReadyReason;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// How often AWS is looked at.
#[derive(Clone, Copy, Debug)]
pub struct Intervals {
    /// While an image is being built or deleted.
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
}

impl Intervals {
    /// The pause after a look that left Ready with `reason`. `absent_for` is how long nothing has been there.
    #[must_use]
    pub fn after(&self, reason: Option<ReadyReason>, absent_for: SignedDuration) -> Duration {
        match reason {
            Some(
                ReadyReason::Building
                | ReadyReason::Deleting
                | ReadyReason::Finalizing
                | ReadyReason::ImagePending
                | ReadyReason::UnknownBuildStatus,
            )
            | None => self.in_progress,
            Some(ReadyReason::NotFound | ReadyReason::Deleted) => self.while_absent(absent_for),
            Some(_) => self.settled,
        }
    }

    /// A tenth of the time that nothing has been there, within the two bounds.
    fn while_absent(&self, absent_for: SignedDuration) -> Duration {
        let tenth = Duration::try_from(absent_for).unwrap_or_default() / 10;
        tenth.clamp(self.absent, self.absent_max.max(self.absent))
    }

    /// The pause after the `failures`-th error in a row.
    #[must_use]
    pub fn after_error(&self, failures: u32) -> Duration {
        let doubled = 2u32.saturating_pow(failures.saturating_sub(1).min(16));
        self.error.saturating_mul(doubled).min(self.error_max.max(self.error))
    }
}

/// `pause` within ±10 %. `chance` is within 0..1.
#[must_use]
pub fn jittered(pause: Duration, chance: f64) -> Duration {
    pause.mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0))
}

/// `pause` within ±10 %, but never past the moment at which time alone changes the status. `chance` is within 0..1.
#[must_use]
pub fn pause(pause: Duration, until: Option<Timestamp>, now: Timestamp, chance: f64) -> Duration {
    let jittered = jittered(pause, chance);
    // A moment later, so that the clock has passed it for certain.
    let left = until.map(|until| Duration::try_from(until.duration_since(now)).unwrap_or_default());
    left.map_or(jittered, |left| jittered.min(left + Duration::from_millis(50)))
}

#[cfg(test)]
mod tests {
    use super::*;

    const INTERVALS: Intervals = Intervals {
        in_progress: Duration::from_secs(30),
        settled: Duration::from_secs(600),
        absent: Duration::from_secs(60),
        absent_max: Duration::from_secs(600),
        error: Duration::from_secs(5),
        error_max: Duration::from_secs(600),
    };

    #[test]
    fn an_absent_image_is_looked_for_less_and_less_often() {
        let after =
            |minutes| INTERVALS.after(Some(ReadyReason::NotFound), SignedDuration::from_mins(minutes)).as_secs();
        assert_eq!([after(-5), after(0), after(10), after(30), after(100), after(10_000)], [60, 60, 60, 180, 600, 600]);
    }

    #[test]
    fn errors_back_off_and_never_overflow() {
        let after = |failures| INTERVALS.after_error(failures).as_secs();
        assert_eq!([after(0), after(1), after(2), after(5), after(8), after(u32::MAX)], [5, 5, 10, 80, 600, 600]);
    }

    #[test]
    fn a_building_image_is_looked_at_more_often_than_a_settled_one() {
        assert_eq!(INTERVALS.after(Some(ReadyReason::Building), SignedDuration::ZERO).as_secs(), 30);
        assert_eq!(INTERVALS.after(Some(ReadyReason::ImageAvailable), SignedDuration::ZERO).as_secs(), 600);
    }

    #[test]
    fn the_pause_is_jittered_and_ends_when_a_period_does() {
        let now = Timestamp::from_second(1000).unwrap();
        let minute = Duration::from_secs(60);
        assert_eq!(pause(minute, None, now, 0.0), Duration::from_secs(54));
        assert_eq!(pause(minute, None, now, 1.0), Duration::from_secs(66));
        assert_eq!(pause(minute, Timestamp::from_second(1010).ok(), now, 0.5), Duration::from_millis(10_050));
        assert_eq!(pause(minute, Timestamp::from_second(10).ok(), now, 0.5), Duration::from_millis(50));
    }
}
