//! How long a watch that broke waits before it is tried again. kube's own measure begins anew with each list that is
//! tried, so that one that is refused for good would be tried every second for ever.

use crate::kubernetes::chance;
use kube::runtime::utils::Backoff;
use std::time::{Duration, Instant};

const FIRST: Duration = Duration::from_millis(800);
const LAST: Duration = Duration::from_secs(30);
/// After this long without trouble the next is a first one.
const GOOD: Duration = Duration::from_secs(120);

/// Doubles with each time, and forgets only with time.
#[derive(Debug)]
pub struct Patience {
    next: Duration,
    before: Option<Instant>,
}

impl Default for Patience {
    fn default() -> Self {
        Self { next: FIRST, before: None }
    }
}

impl Iterator for Patience {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        if self.before.is_some_and(|before| before.elapsed() > GOOD + self.next) {
            self.next = FIRST;
        }
        self.before = Some(Instant::now());
        let pause = self.next;
        self.next = pause.saturating_mul(2).min(LAST);
        Some(chance::jittered(pause))
    }
}

impl Backoff for Patience {
    fn reset(&mut self) {}
}

/// No pause to speak of.
#[derive(Clone, Copy, Debug)]
pub struct AtOnce;

impl Iterator for AtOnce {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        Some(Duration::from_millis(1))
    }
}

impl Backoff for AtOnce {
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_list_that_begins_is_no_reason_to_hurry_again() {
        let mut patience = Patience::default();
        let pauses: Vec<Duration> = (0..8)
            .filter_map(|_| {
                patience.reset();
                patience.next()
            })
            .collect();
        assert!(pauses[0] < Duration::from_secs(1) && pauses[7] > Duration::from_secs(25), "{pauses:?}");
    }
}
