//! Chance, for jitter: the one thing of requeueing that is not pure.

use crate::backoff;
use std::hash::{BuildHasher, Hasher, RandomState};
use std::time::Duration;

/// A number within 0..1.
pub fn number() -> f64 {
    let random = RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(random).unwrap_or_default()) / f64::from(u32::MAX)
}

/// `pause` within its jitter.
pub fn jittered(pause: Duration) -> Duration {
    backoff::jittered(pause, number())
}
