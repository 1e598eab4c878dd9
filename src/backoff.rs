//! When to look at an object again. Pure. Between two answers of AWS only time changes a status, so that is all there is.

use jiff::Timestamp;
use std::time::Duration;

/// `pause` within ±10 %. `chance` is within 0..1.
#[must_use]
pub fn jittered(pause: Duration, chance: f64) -> Duration {
    pause.mul_f64(0.9 + 0.2 * chance.clamp(0.0, 1.0))
}

/// The time left until `until`, and a moment more, so that the clock has passed it for certain.
#[must_use]
pub fn until(until: Timestamp, now: Timestamp) -> Duration {
    Duration::try_from(until.duration_since(now)).unwrap_or_default() + Duration::from_millis(50)
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_pause_is_jittered() {
        let minute = Duration::from_secs(60);
        assert_eq!(jittered(minute, 0.0), Duration::from_secs(54));
        assert_eq!(jittered(minute, 1.0), Duration::from_secs(66));
    }

    #[test]
    fn a_period_is_over_when_it_is_looked_at() {
        let at = |second| Timestamp::from_second(second).unwrap();
        assert_eq!(until(at(1010), at(1000)), Duration::from_millis(10_050));
        assert_eq!(until(at(10), at(1000)), Duration::from_millis(50));
    }
}
