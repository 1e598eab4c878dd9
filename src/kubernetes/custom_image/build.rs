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
}
