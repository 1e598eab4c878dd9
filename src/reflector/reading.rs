//! What the reflector says of an image.

use crate::describe_image::observation::Observation;
use crate::describe_image::observe::ObserveError;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// What is known of an image: the last answer, and since when.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub answer: Result<Arc<Observation>, ObserveError>,
    /// When the last read began.
    pub at: Timestamp,
    /// When the last read that AWS answered began.
    pub answered_at: Option<Timestamp>,
    /// Since when AWS does not answer. `None` while it does.
    pub failing_since: Option<Timestamp>,
    /// The pause after an answer: how often the image is read while nothing is in the way. `None` before the first answer.
    pub interval: Option<Duration>,
}

/// How fresh an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When the last read that AWS answered began.
    pub answered_at: Timestamp,
    /// Whether the image is being built or deleted.
    pub is_in_progress: bool,
    /// From the beginning of the read before to that of the last, once there were two. It is longer than the interval while
    /// reads wait for the budget.
    pub effective_interval: Option<Duration>,
}
