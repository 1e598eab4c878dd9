//! What is known of an image at the moment, and whoever keeps it.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation::Observation;
use crate::describe_image::observe::ObserveError;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{ImageConfigSource, OrphanSource};
use crate::reflector::intervals::Intervals;
use jiff::Timestamp;
use std::sync::Arc;
use std::time::Duration;

/// What is known of an image: the last answer, and since when. Whoever keeps many may keep their observations as another `O`.
#[derive(Clone, Debug, PartialEq)]
pub struct Reading<O = Arc<Observation>> {
    pub answer: Result<O, ObserveError>,
    /// When the last read began.
    pub at: Timestamp,
    /// When the last read that AWS answered began.
    pub answered_at: Option<Timestamp>,
    /// Since when AWS does not answer; `None` while it does.
    pub failing_since: Option<Timestamp>,
    /// The pause until the next read.
    pub pause: Duration,
    /// The pause after an answer: how often the image is read while nothing is in the way.
    pub interval: Duration,
}

impl<O> Reading<O> {
    /// Whether the image is read as often as one that is being built or deleted.
    #[must_use]
    pub fn is_in_progress(&self, intervals: &Intervals) -> bool {
        self.interval <= intervals.in_progress
    }
}

/// How fresh an answer is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Freshness {
    /// When the last read that AWS answered began.
    pub answered_at: Timestamp,
    /// Whether the image is read as often as one that is being built or deleted.
    pub is_in_progress: bool,
    /// From the beginning of the read before to that of the last, once there were two; longer than the interval while reads
    /// wait for the budget.
    pub effective_interval: Option<Duration>,
}

/// All that reconciling an object needs of AWS.
pub trait Observer: Observe + ImageConfigSource + OrphanSource {}

impl<T: Observe + ImageConfigSource + OrphanSource> Observer for T {}

/// Whoever keeps what AWS says of the images that are wanted, reads it anew in time, and tells what has changed. It never
/// makes anybody wait: one scope's trouble is no other's.
pub trait Observe: Send + Sync {
    /// What is known of the image, read at `not_before` or later. When that is nothing yet, it is read now, and the answer is
    /// told as a change, whatever it is.
    fn latest(&self, scope: &Scope, id: &ImageId, not_before: Option<Timestamp>) -> Option<Reading>;

    /// From now on the image is read in time, and changes are told.
    fn want(&self, scope: &Scope, id: &ImageId);

    /// Nobody shows the image any more.
    fn forget(&self, scope: &Scope, id: &ImageId);

    /// How fresh the answer for the image is, once there was one.
    fn freshness(&self, scope: &Scope, id: &ImageId) -> Option<Freshness>;
}
