//! What Ready says, and what stands beside it. The condition table itself is in the files below: an AMI, a stack, neither.

pub mod ami;
pub mod missing;
pub mod stack;

use crate::kubernetes::custom_image::build::{Build, Failure};
use crate::kubernetes::status::moment::Orphan;
use crate::kubernetes::status::ready_reason::ReadyReason;
use jiff::Timestamp;

/// What Ready says, and what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub ready: &'static str,
    pub reason: ReadyReason,
    pub message: String,
    pub progress: Progress,
    /// Which of the marks is set.
    pub mark: Option<&'static str>,
    /// When time alone changes the verdict.
    pub until: Option<Timestamp>,
}

/// What kstatus reads beside Ready: at most one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Done,
    Reconciling,
    Stalled,
}

/// What is known of the image's build beside the answer.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    pub build: Option<&'a Build>,
    pub failure: Option<&'a Failure>,
    pub orphan: &'a Orphan,
}

impl Story<'_> {
    /// The AMI that the status has shown. Whoever has no AMI any more has lost it.
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

/// A time in a message: to the second.
#[must_use]
pub fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}
