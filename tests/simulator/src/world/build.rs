//! A whole image build, from the stack's creation to the AMI; `crate::timeline::life` says what happens when.

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
    /// Seconds of the world's clock from the moment the build is put in.
    pub starts_after: f64,
    /// From the stack's creation to the last change.
    pub seconds: f64,
    pub version: String,
    /// Image Builder's reason of a failure.
    pub reason: Option<String>,
    pub failure_context: Option<Value>,
    /// CloudFormation's reason of a failure.
    pub stack_reason: Option<String>,
    /// Empty: made from the image id, always the same.
    pub ami_id: String,
    pub ami_name: Option<String>,
    pub description: Option<String>,
    pub architecture: String,
    /// Absent: no such tag, as with the account's default bucket in old versions.
    pub s3_bucket: Option<String>,
    /// Empty: made from the image id.
    pub s3_image_dir: Option<String>,
    /// Further tags of stack and AMI.
    pub tags: Vec<Tag>,
    /// The simulator's own: world seconds at which the build starts. Leave it out.
    pub started: Option<f64>,
    /// The simulator's own: how many steps of its life have happened. Leave it out.
    pub steps_done: usize,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Outcome {
    /// The AMI is tagged, the stack deleted.
    #[default]
    Available,
    /// GetImage FAILED, the stack stays as CREATE_FAILED.
    Failed,
    /// GetImage FAILED, the stack goes to ROLLBACK_IN_PROGRESS and ROLLBACK_COMPLETE.
    RolledBack,
    /// GetImage CANCELLED, the stack stays as CREATE_FAILED.
    Cancelled,
    /// Tagging fails: the stack is deleted all the same, the AMI is tagged `Ec2ImageBuilderArn` only.
    Orphan,
    /// A good AMI, and a stack that stays as DELETE_FAILED.
    Leak,
    /// Never leaves BUILDING.
    Stuck,
}

impl Default for Build {
    fn default() -> Self {
        Self {
            image_id: String::new(),
            account: String::new(),
            region: String::new(),
            outcome: Outcome::Available,
            starts_after: 0.0,
            seconds: 60.0,
            version: "3.16.1".into(),
            reason: Some("Document arn:aws:imagebuilder: step failed".into()),
            failure_context: None,
            stack_reason: Some("The following resource(s) failed to create: [ParallelClusterImage].".into()),
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
