//! `Reading` and `Freshness`: what the reflector returns for an image.

use crate::describe_image::observation::Observation;
use crate::describe_image::observe::ObserveError;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// The last answer or error for an image, with its times.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading {
    pub answer: Result<Arc<Observation>, ObserveError>,
    /// When the last read began.
    pub at: Timestamp,
    /// When the last read that AWS answered began.
    pub answered_at: Option<Timestamp>,
    /// Since when AWS has not answered. `None` if `answer` is `Ok`.
    pub failing_since: Option<Timestamp>,
    /// The planned pause between two reads after an answer. `None` before the first answer.
    pub interval: Option<Duration>,
}

/// How fresh an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When the last read that AWS answered began.
    pub answered_at: Timestamp,
    /// Whether the image is in progress or finalizing.
    pub is_in_progress: bool,
    /// The time between the beginnings of the last two answered reads. It is longer than the interval while reads wait
    /// for the budget. `None` after the first answer, and after `is_in_progress` changed.
    pub effective_interval: Option<Duration>,
}
