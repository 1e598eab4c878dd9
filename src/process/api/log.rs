//! The lines of the log about refused requests. Whoever reaches the port can cause them, so they are limited.

use leaky_bucket::RateLimiter;
use std::net::IpAddr;
use std::sync::atomic::{AtomicU64, Ordering};
use std::time::Duration;

/// Lines a second that callers can cause without limit, and how many may come at once.
const PER_SECOND: u32 = 20;
const BURST: usize = 200;

/// A refused request. It has no token.
pub struct Refused<'a> {
    pub request_id: &'a str,
    pub peer: IpAddr,
    /// `None`: nobody knows who it is.
    pub user: Option<&'a str>,
    pub operation: Option<&'static str>,
    pub path: &'a str,
    pub code: u16,
    pub why: Option<&'a str>,
}

/// Tells of refused requests: of each of a known user within its rate, and of as many others as the log can bear.
pub struct Refusals {
    rate: RateLimiter,
    untold: AtomicU64,
}

impl Default for Refusals {
    fn default() -> Self {
        let tick = Duration::from_secs(1) / PER_SECOND;
        let rate = RateLimiter::builder().max(BURST).initial(BURST).interval(tick).build();
        Self { rate, untold: AtomicU64::new(0) }
    }
}

impl Refusals {
    pub fn tell(&self, refused: &Refused<'_>) {
        let Refused { request_id, peer, user, operation, path, code, why } = *refused;
        let is_unlimited = user.is_none() || code == 429;
        if is_unlimited && !self.rate.try_acquire(1) {
            self.untold.fetch_add(1, Ordering::Relaxed);
            return;
        }
        let untold = Some(self.untold.swap(0, Ordering::Relaxed)).filter(|count| *count > 0);
        tracing::warn!(target: "audit", request_id, %peer, user, operation, path, code, why, untold, "refused");
    }
}
