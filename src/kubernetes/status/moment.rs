//! All that the next status depends on: what came of asking AWS, the status before, and the time.

use crate::describe_image::{DescribeImageResponse, Observation, SourceError};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::status::conditions;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;

/// What came of asking AWS.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Outcome {
    /// The response is `None` when there is neither an image nor a stack.
    Observed { observation: Arc<Observation>, response: Option<Box<DescribeImageResponse>>, orphan: Orphan },
    /// AWS does not list what the status shows. A second read must agree before the status says so.
    Unconfirmed,
    /// No answer, since `since`; the last one began at `last_observed`.
    Failed { error: SourceError, message: String, since: Timestamp, last_observed: Timestamp },
    /// `spec.suspend`: AWS was not asked.
    Suspended,
}

/// The AMI of a finished build that has no AMI with its id.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum Orphan {
    /// Nobody has asked, or AWS has not answered.
    #[default]
    Unknown,
    /// It is there, with this AMI id, and lacks ParallelCluster's tags.
    Found(String),
    Gone,
}

/// How long a state may last before it becomes another one.
#[derive(Clone, Copy, Debug)]
pub struct GracePeriods {
    /// From an object's creation until an image that was never there counts as failed.
    pub not_found: SignedDuration,
    /// From the end of a build until its missing AMI counts as orphaned.
    pub finalizing: SignedDuration,
    /// From the first error until a status that was good before shows the error.
    pub error: SignedDuration,
    /// Age of the last answer past which Ready becomes Unknown. At least three intervals are always granted.
    pub staleness_budget: SignedDuration,
}

/// What the next status depends on beside the outcome.
#[derive(Clone, Copy, Debug)]
pub struct Moment<'a> {
    pub previous: &'a CustomImageStatus,
    pub image_id: &'a str,
    pub region: &'a str,
    /// The account that answers in this scope, as far as this process has learned it.
    pub account_id: Option<&'a str>,
    pub generation: Option<i64>,
    pub created: Timestamp,
    pub now: Timestamp,
    /// The time between two reads of the image as it is.
    pub interval: SignedDuration,
    pub periods: &'a GracePeriods,
}

impl Moment<'_> {
    /// Until when a finished build may be without its AMI. The condition keeps the beginning, so that a restart does not lose it.
    #[must_use]
    pub fn finalizing_until(&self) -> Timestamp {
        let since = conditions::find(&self.previous.conditions, conditions::FINALIZING)
            .map_or(self.now, |condition| condition.last_transition_time.0);
        since.checked_add(self.periods.finalizing).unwrap_or(Timestamp::MAX)
    }

    /// The account that has no such image. The account of an earlier absence stands. That of an image which was there may have
    /// belonged to other credentials.
    #[must_use]
    pub fn absent_from(&self) -> Option<&str> {
        let is_absent =
            conditions::MARKS.iter().any(|mark| conditions::find(&self.previous.conditions, mark).is_some());
        self.account_id.or_else(|| self.previous.account_id.as_deref().filter(|_| is_absent))
    }

    #[must_use]
    pub fn staleness_budget(&self) -> SignedDuration {
        self.periods.staleness_budget.max(self.interval.saturating_mul(3))
    }
}
