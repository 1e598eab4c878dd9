//! A call of AWS, for the oracles.

use std::collections::BTreeSet;
use std::sync::Arc;

use super::Facts;

/// A request that a process has sent to AWS. It may never have arrived.
#[derive(Clone, Debug)]
pub struct Attempt {
    /// When, in seconds since the beginning.
    pub sent: f64,
    /// The process: the number of the replica, and of its life.
    pub caller: (usize, u32),
    pub region: String,
    pub operation: String,
    /// Whether the SDK made it by itself, after an error.
    pub is_retry: bool,
    /// When the process had a whole answer of AWS. Infinite if it never had.
    pub answered: f64,
}

/// A call that AWS has received.
#[derive(Clone, Debug)]
pub struct Call {
    /// When it was sent, in seconds since the beginning.
    pub sent: f64,
    /// When AWS answered.
    pub at: f64,
    /// The process that called: the number of the replica, and of its life.
    pub caller: (usize, u32),
    pub region: String,
    pub operation: String,
    /// The image ids, stack names and ARNs that it asks for. `None`: all.
    pub subjects: Option<BTreeSet<String>>,
    /// When the process had the answer. Infinite if it has ended before, or did not wait so long.
    pub heard: f64,
    /// Whether the answer is whole: no page follows.
    pub is_last_page: bool,
    /// What AWS has at that time, if the answer arrived whole.
    pub facts: Option<Arc<Facts>>,
}

impl Call {
    /// Whether it is this operation in this region, and its answer tells of the subject.
    pub fn is_answer_about(&self, operation: &str, region: &str, subject: &str) -> bool {
        self.operation == operation && self.region == region && self.is_about(subject) && self.facts.is_some()
    }

    /// Whether its answer tells of this image, stack or build.
    pub fn is_about(&self, subject: &str) -> bool {
        self.subjects.as_ref().is_none_or(|subjects| subjects.contains(subject))
    }
}
