//! The inputs of the next status: the outcome of the AWS read, the previous status, and the time.

use crate::describe_image::{DescribeImageResponse, Observation, SourceError};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::ready_reason::ReadyReason;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// The outcome of the AWS read for one object.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// AWS answered. The response is `None` if there is neither an AMI nor a stack.
    Observed { observation: Arc<Observation>, response: Option<Box<DescribeImageResponse>>, orphan: Orphan },
    /// The previous status stays for now. Either AWS does not list the image that the status contains, and a second
    /// read must confirm this; or the labels of the object's namespace are not known yet.
    Unconfirmed,
    /// AWS has not answered since `since`. The status shows an answer whose read began at `last_observed` or before.
    Failed { error: SourceError, message: String, since: Timestamp, last_observed: Timestamp },
    /// `spec.suspend` is true: the operator did not read AWS.
    Suspended,
}

/// The AMI of a finished build if no AMI with the image id is listed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Orphan {
    /// The operator did not read it, or AWS did not answer.
    #[default]
    Unknown,
    /// The AMI with this AMI id exists and lacks ParallelCluster's tags.
    Found(String),
    Gone,
}

/// How long a state may last before the status reports the next one.
#[derive(Clone, Copy, Debug)]
pub struct GracePeriods {
    /// From the creation of the object until an image that was never found counts as failed.
    pub not_found: SignedDuration,
    /// From the end of a build until its missing AMI counts as orphaned.
    pub finalizing: SignedDuration,
    /// From the first error until a status with an earlier answer reports the error.
    pub error: SignedDuration,
    /// The age of the last answer at which Ready becomes Unknown. Never less than three intervals.
    pub staleness_budget: SignedDuration,
}

/// What the next status depends on in addition to the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    pub previous: &'a CustomImageStatus,
    /// The object as arguments of a command: its name, and -n with its namespace.
    pub object: &'a str,
    pub image_id: &'a str,
    pub region: &'a str,
    /// The account of this scope, if this process has learned it.
    pub account_id: Option<&'a str>,
    pub generation: Option<i64>,
    pub created: Timestamp,
    /// When this process first met the mark Finalizing of the object, by its own clock. `now` if there is none.
    pub finalizing_seen: Timestamp,
    pub now: Timestamp,
    /// The time between two reads of the image in its current phase.
    pub interval: SignedDuration,
    pub periods: &'a GracePeriods,
}

/// When the finalizing period started: at the transition time of the mark, so that a restart of the operator does not restart
/// it. `None` without the mark. A mark that is later than when this process first saw it is of another clock, or of this one
/// before it was set back; then the period started when this process saw it. What is orphaned or gone stays so.
#[must_use]
pub fn finalizing_since(previous: &CustomImageStatus, seen: Timestamp) -> Option<Timestamp> {
    let mark = conditions::find(&previous.conditions, conditions::FINALIZING)?;
    let is_over = [ReadyReason::OrphanedImage, ReadyReason::Deleting, ReadyReason::Deleted]
        .iter()
        .any(|over| mark.reason == over.name());
    Some(if is_over { Timestamp::MIN } else { mark.last_transition_time.0.min(seen) })
}

impl Moment<'_> {
    /// The end of the finalizing period. Without the mark Finalizing it starts now.
    #[must_use]
    pub fn finalizing_until(&self) -> Timestamp {
        let since = finalizing_since(self.previous, self.finalizing_seen).unwrap_or(self.now);
        since.checked_add(self.periods.finalizing).unwrap_or(Timestamp::MAX)
    }

    /// The account that has no such image: the one that this process learned, else that of the status if the image was
    /// already absent in it. The account of a status with an image is not used, because it may belong to other credentials.
    #[must_use]
    pub fn absent_from(&self) -> Option<&str> {
        let is_absent =
            conditions::MARKS.iter().any(|mark| conditions::find(&self.previous.conditions, mark).is_some());
        self.account_id.or_else(|| self.previous.account_id.as_deref().filter(|_| is_absent))
    }

    /// The configured budget, but at least three intervals.
    #[must_use]
    pub fn staleness_budget(&self) -> SignedDuration {
        self.periods.staleness_budget.max(self.interval.saturating_mul(3))
    }
}
