//! How long a watch that broke waits before it is tried again.

use kube::runtime::utils::Backoff;
use kube::runtime::watcher::DefaultBackoff;
use std::time::Duration;

/// kube's own backoff, which forgets only with time. kube itself resets it with each list that begins, so that a list which is
/// refused for good would be tried every second for ever.
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
    fn a_list_that_begins_is_no_reason_to_hurry_again() {
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
