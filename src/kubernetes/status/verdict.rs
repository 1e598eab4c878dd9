//! The type of a verdict: the condition Ready and what belongs to it. The files below hold the condition table: `ami`,
//! `stack`, and `missing` for neither.

pub mod ami;
pub mod build_failed;
pub mod missing;
pub mod stack;

use crate::kubernetes::custom_image::build::{Build, Failure};
use crate::kubernetes::status::moment::Orphan;
use crate::kubernetes::status::ready_reason::ReadyReason;
use jiff::Timestamp;

/// The condition Ready, and what belongs to it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub ready: &'static str,
    pub reason: ReadyReason,
    pub message: String,
    pub progress: Progress,
    /// The mark that is set: Finalizing or Absent.
    pub mark: Option<&'static str>,
    /// When the verdict may change without a new observation.
    pub until: Option<Timestamp>,
}

/// What kstatus reads in addition to Ready: the condition Reconciling, the condition Stalled, or neither.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Done,
    Reconciling,
    Stalled,
}

/// Facts about the image's build that the observation alone does not contain.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    pub build: Option<&'a Build>,
    pub failure: Option<&'a Failure>,
    pub orphan: &'a Orphan,
}

impl Story<'_> {
    /// The id of the AMI in `status.build`. If AWS lists no AMI now, this AMI is gone.
    #[must_use]
    pub fn ami_id(&self) -> Option<&str> {
        self.build?.ami_id.as_deref()
    }
}

impl Verdict {
    #[must_use]
    pub fn new(ready: &'static str, reason: ReadyReason, message: String, progress: Progress) -> Self {
        Self { ready, reason, message, progress, mark: None, until: None }
    }
}

/// A time for a message, without fractions of a second.
#[must_use]
pub fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}
