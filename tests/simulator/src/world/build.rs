//! An image build, from the creation of its stack to the AMI. `crate::timeline::life` has its steps.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::Tag;

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Build {
    pub image_id: String,
    pub account: String,
    pub region: String,
    pub outcome: Outcome,
    /// Whether a failed build's stack is rolled back. Otherwise it stays as CREATE_FAILED.
    pub rollback: bool,
    /// World seconds from adding the build to its start.
    pub starts_after: f64,
    /// World seconds from the stack's creation to the last change.
    pub seconds: f64,
    pub version: String,
    /// Image Builder's reason for a failure. The default is the outcome's own.
    pub reason: Option<String>,
    /// Absent: that of the outcome, which `failed`, `rolled_back` and `cancelled` do not have.
    pub failure_context: Option<Value>,
    /// CloudFormation's reason for a failure.
    pub stack_reason: Option<String>,
    /// Empty: generated from account, region and image id, always the same.
    pub ami_id: String,
    pub ami_name: Option<String>,
    pub description: Option<String>,
    pub architecture: String,
    /// `None`: no such tag. Old versions set none for the account's default bucket.
    pub s3_bucket: Option<String>,
    /// Empty: generated from version and image id. `None`: no such tag.
    pub s3_image_dir: Option<String>,
    /// More tags of stack and AMI.
    pub tags: Vec<Tag>,
    /// Set by the simulator: the start of the build, in world seconds. Leave it out.
    pub started: Option<f64>,
    /// Set by the simulator: the number of steps that have happened. Leave it out.
    pub steps_done: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The AMI is tagged, and the stack is deleted.
    #[default]
    Available,
    /// GetImage FAILED, the stack stays as CREATE_FAILED.
    Failed,
    /// GetImage FAILED, the stack goes to ROLLBACK_IN_PROGRESS and ROLLBACK_COMPLETE.
    RolledBack,
    /// GetImage CANCELLED, the stack stays as CREATE_FAILED.
    Cancelled,
    /// Tagging fails. The stack is deleted nevertheless; the AMI has only the tag `Ec2ImageBuilderArn`.
    Orphan,
    /// The AMI is tagged, but the stack stays as DELETE_FAILED.
    Leak,
    /// The build never leaves BUILDING.
    Stuck,
    /// Like `failed`: a component's step ends with an error.
    Component,
    /// Like `failed`, early: the SSM agent of the build instance never answers.
    Ssm,
    /// Like `failed`, at once: the account may not start the build instance. There is no log.
    Quota,
    /// Like `failed`: a component's step does not end in time.
    TimedOut,
    /// Like `failed`, late: the AMI cannot be copied.
    Distribution,
}

impl Outcome {
    /// In the order above.
    pub(crate) const ALL: [Self; 12] = [
        Self::Available,
        Self::Failed,
        Self::RolledBack,
        Self::Cancelled,
        Self::Orphan,
        Self::Leak,
        Self::Stuck,
        Self::Component,
        Self::Ssm,
        Self::Quota,
        Self::TimedOut,
        Self::Distribution,
    ];
}

impl Build {
    /// The `reason` of a build that has none of its own.
    pub(crate) const REASON: &str = "Document arn:aws:imagebuilder: step failed";
    /// The `stack_reason` of a build that has none of its own.
    pub(crate) const STACK_REASON: &str = "The following resource(s) failed to create: [ParallelClusterImage].";

    pub(crate) fn rolls_back(&self) -> bool {
        self.rollback || self.outcome == Outcome::RolledBack
    }
}

impl Default for Build {
    fn default() -> Self {
        Self {
            image_id: String::new(),
            account: String::new(),
            region: String::new(),
            outcome: Outcome::Available,
            rollback: false,
            starts_after: 0.0,
            seconds: 60.0,
            version: "3.16.1".into(),
            reason: Some(Self::REASON.into()),
            failure_context: None,
            stack_reason: Some(Self::STACK_REASON.into()),
            ami_id: String::new(),
            ami_name: None,
            description: None,
            architecture: "x86_64".into(),
            s3_bucket: None,
            s3_image_dir: Some(String::new()),
            tags: Vec::new(),
            started: None,
            steps_done: 0,
        }
    }
}
