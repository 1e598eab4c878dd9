//! The wall clock, as a value. The operator has the system's clock. In a simulation, each replica has one of its own.

use jiff::{SignedDuration, Timestamp, Unit};
use tokio::time::Instant;

/// Tells the time. It may be set back at any moment.
#[derive(Clone, Copy, Debug)]
pub struct Clock(fn() -> Timestamp);

impl Clock {
    /// The clock of the system.
    pub const SYSTEM: Self = Self::new(Timestamp::now);

    /// A clock that shows what `now` returns.
    #[must_use]
    pub const fn new(now: fn() -> Timestamp) -> Self {
        Self(now)
    }

    #[must_use]
    pub fn now(self) -> Timestamp {
        (self.0)()
    }
}

/// A moment. The wall clock (`at`) may be set back later. The monotonic clock (`instant`) cannot.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Stamp {
    pub at: Timestamp,
    pub instant: Instant,
}

impl Stamp {
    /// The wall clock was set back if it is so much behind.
    const STEP: SignedDuration = SignedDuration::from_secs(2);

    #[must_use]
    pub fn new(clock: Clock) -> Self {
        Self { at: clock.now(), instant: Instant::now() }
    }

    /// The time of this moment by a wall clock that shows `now`. If it was set back meanwhile, that is earlier than what it
    /// showed then: nothing becomes younger.
    #[must_use]
    pub fn by(self, now: Timestamp) -> Timestamp {
        let age = self.instant.elapsed().try_into().unwrap_or(SignedDuration::MAX);
        let at = now.checked_sub(age).unwrap_or(Timestamp::MIN);
        if self.at.duration_since(at) < Self::STEP { self.at } else { at.round(Unit::Second).unwrap_or(at) }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::time::Duration;

    fn second(second: i64) -> Timestamp {
        Timestamp::from_second(second).unwrap()
    }

    #[tokio::test(start_paused = true)]
    async fn a_clock_that_is_set_back_makes_nothing_younger() {
        let stamp = Stamp::new(Clock::new(|| second(10_000)));
        tokio::time::advance(Duration::from_secs(600)).await;
        let age = |now: i64| second(now).duration_since(stamp.by(second(now))).as_secs();
        assert_eq!(age(10_600), 600, "a clock that was not set");
        assert_eq!(age(10_599), 599, "a clock that is a little slow");
        assert_eq!(age(3_400), 600, "a clock that was set back by two hours");
        assert_eq!(age(17_800), 7_800, "a clock that was set forward by two hours");
    }
}
