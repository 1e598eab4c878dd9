//! Backoff: how long to wait before a retry. The pause doubles each time, and jitter spreads the retries.

use std::time::Duration;

/// The pause after the `failures`-th failure in a row: `first`, then twice as long each time, at most `longest`.
#[must_use]
pub fn doubled(first: Duration, longest: Duration, failures: u32) -> Duration {
    let factor = 2u32.saturating_pow(failures.saturating_sub(1).min(16));
    first.saturating_mul(factor).min(longest.max(first))
}

/// `pause` with a random jitter of ±10 %.
#[must_use]
pub fn jittered(pause: Duration) -> Duration {
    pause.mul_f64(0.9 + 0.2 * fastrand::f64())
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pauses_double_up_to_the_longest_and_never_overflow() {
        let after = |failures| doubled(Duration::from_secs(5), Duration::from_secs(600), failures).as_secs();
        assert_eq!([after(0), after(1), after(2), after(5), after(8), after(u32::MAX)], [5, 5, 10, 80, 600, 600]);
        let first_is_longer = doubled(Duration::from_secs(9), Duration::from_secs(1), 3);
        assert_eq!(first_is_longer, Duration::from_secs(9));
    }

    #[test]
    fn jitter_changes_a_pause_by_at_most_a_tenth() {
        let minute = Duration::from_secs(60);
        for _ in 0..1000 {
            assert!((Duration::from_secs(54)..=Duration::from_secs(66)).contains(&jittered(minute)));
        }
    }
}
