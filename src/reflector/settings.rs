//! The settings of the reflector.

use crate::clock::Clock;
use crate::reflector::intervals::Intervals;
use std::time::Duration;

/// The settings of the reflector's reads.
#[derive(Clone, Copy, Debug)]
pub struct ReflectorSettings {
    /// How long a read waits for others, to share their calls.
    pub batch_window: Duration,
    pub intervals: Intervals,
    /// How long an answer stays valid while the next read is still under way. At least three intervals of the image.
    pub staleness_budget: Duration,
    /// Whether images share calls.
    pub batching: bool,
    /// Returns a random number from 0 to 1. It spreads the reads over time.
    pub random: fn() -> f64,
    pub clock: Clock,
}
