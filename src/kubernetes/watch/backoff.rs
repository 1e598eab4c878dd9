//! The backoff of a watch that failed.

use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;
use std::time::Duration;

/// kube's default backoff, but only time resets it. kube calls `reset` whenever a list begins. A list that always fails
/// would then be retried every second forever, so `reset` does nothing here.
#[derive(Default)]
pub struct WatchBackoff(DefaultBackoff);

impl Iterator for WatchBackoff {
    type Item = Duration;

    fn next(&mut self) -> Option<Duration> {
        self.0.next()
    }
}

impl Backoff for WatchBackoff {
    fn reset(&mut self) {}
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_beginning_of_a_list_does_not_reset_the_backoff() {
        let mut backoff = WatchBackoff::default();
        let pauses: Vec<Duration> = (0..8)
            .filter_map(|_| {
                backoff.reset();
                backoff.next()
            })
            .collect();
        assert!(pauses[0] < Duration::from_secs(2) && pauses[7] > Duration::from_secs(25), "{pauses:?}");
    }
}
