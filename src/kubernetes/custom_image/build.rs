//! The types of `status.build` and `status.failure`: facts about a build that stay when the payload's own fields are
//! gone.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The build of an image: stack, image build and AMI.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Build {
    /// ARN of the CloudFormation stack that built the image. It stays after the stack is deleted.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_arn: Option<String>,
    /// ARN of the Image Builder image build version.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_arn: Option<String>,
    /// Id of the AMI, from its first observation on.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ami_id: Option<String>,
    /// Name of the CloudWatch log group of the build, in the account and region of imageArn.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_group: Option<String>,
    /// Name of the build's log stream in that group, such as 3.16.1/1.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub log_stream: Option<String>,
    /// When the build began: the creation time of its stack.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub started_at: Option<Time>,
    /// When the operator first saw that the build had ended: later than the end itself, if it did not run then. Absent if it
    /// did not see the build before, or was suspended.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ended_at: Option<Time>,
    /// Seconds from startedAt to endedAt.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub duration_seconds: Option<i64>,
    /// When the operator first saw the current value of status.phase.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase_started_at: Option<Time>,
}

/// Why a build failed.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Failure {
    /// When the operator first observed the failure.
    pub observed_at: Time,
    /// Status of the image in EC2 Image Builder, FAILED or CANCELLED; absent if only the stack failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_status: Option<String>,
    /// The step of Image Builder's workflow that failed, such as RunComponents.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub step: Option<String>,
    /// ARN of the component that failed.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub component: Option<String>,
    /// Phase of the component: build, validate or test.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub phase: Option<String>,
    /// Name of the step in the component's document.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub action: Option<String>,
    /// Message of the component, else of Image Builder, else of CloudFormation. At most 1,024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub message: Option<String>,
    /// The first event of the stack that tells of a failure. Only if the operator may read the events of stacks.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub stack_event: Option<StackEvent>,
}

/// What CloudFormation says of the resource that failed first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct StackEvent {
    /// Logical id of the resource in the stack, such as ParallelClusterImage.
    pub resource: String,
    /// Status of the resource, such as CREATE_FAILED.
    pub status: String,
    /// Why, in CloudFormation's words. At most 1,024 characters.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub reason: Option<String>,
}
