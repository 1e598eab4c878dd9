//! The types of the describeImage and listImages responses. Serde names are the API's wire names. A field without a
//! value is absent, never null. No logic here. `kubectl explain customimage.status` prints the doc comments.

use super::build_status::ImageBuildStatus;
use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The response body of describeImage (`GET /v3/images/custom/{imageId}`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct DescribeImageResponse {
    pub image_configuration: ImageConfiguration,
    pub image_id: String,
    #[serde(flatten)]
    pub image: ImageFields,
    pub region: String,
}

/// What describeImage answers for an image that exists. If there is no image, these fields are all absent.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct ImageFields {
    /// Status of the image's build, as ParallelCluster computes it.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_build_status: Option<ImageBuildStatus>,
    /// ParallelCluster version the image was built with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
    /// When the AMI was created (UTC, milliseconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub creation_time: Option<String>,
    /// The AMI, once the build is complete.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ec2_ami_info: Option<Ec2AmiInfo>,
    /// ARN of the CloudFormation stack that builds the image.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudformation_stack_arn: Option<String>,
    /// When that stack was created (UTC, milliseconds).
    #[serde(default, skip_serializing_if = "Option::is_none")]
    #[schemars(extend("format" = "date-time"))]
    pub cloudformation_stack_creation_time: Option<String>,
    /// Status of that stack, as CloudFormation gives it, such as CREATE_IN_PROGRESS.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudformation_stack_status: Option<String>,
    /// Why the stack has that status, in CloudFormation's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudformation_stack_status_reason: Option<String>,
    /// Tags of that stack, in CloudFormation's order.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub cloudformation_stack_tags: Option<Vec<Tag>>,
    /// ARN of the CloudWatch log group of the build.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub image_build_logs_arn: Option<String>,
    /// Status of the image in EC2 Image Builder, such as BUILDING.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imagebuilder_image_status: Option<String>,
    /// Why the image has that status, in Image Builder's words.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub imagebuilder_image_status_reason: Option<String>,
}

/// The configuration file that the image was built from.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
pub struct ImageConfiguration {
    /// Location of the file: `s3://BUCKET/KEY`, a presigned URL if so configured, or NOT_AVAILABLE.
    pub url: String,
}

/// The AMI of a complete image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize, JsonSchema)]
#[serde(rename_all = "camelCase")]
pub struct Ec2AmiInfo {
    /// Name of the AMI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ami_name: Option<String>,
    /// Id of the AMI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub ami_id: Option<String>,
    /// State of the AMI in EC2, in upper case, such as AVAILABLE.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub state: Option<String>,
    /// Tags of the AMI, in EC2's order.
    #[serde(default)]
    pub tags: Vec<Tag>,
    /// Processor architecture of the AMI, such as x86_64 or arm64.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub architecture: Option<String>,
    /// Description of the AMI.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub description: Option<String>,
}

/// A tag of an AWS resource.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema)]
pub struct Tag {
    pub key: String,
    #[serde(default)]
    pub value: String,
}

/// The response body of listImages (`GET /v3/images/custom`).
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ListImagesResponse {
    /// The token of the next page. Absent if this page is the last one, or all pages are in this one.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    pub images: Vec<ImageInfoSummary>,
}

/// An image, or a stack that builds, failed to build, or deletes one.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct ImageInfoSummary {
    pub image_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub image_build_status: Option<ImageBuildStatus>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ec2_ami_info: Option<Ec2AmiInfoSummary>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloudformation_stack_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cloudformation_stack_arn: Option<String>,
    pub region: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub version: Option<String>,
}

/// The AMI of an image in a list.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct Ec2AmiInfoSummary {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub ami_id: Option<String>,
    /// State of the AMI in EC2, in upper case. The API's own lists do not have this field. It is left out if it is
    /// AVAILABLE, so that entries of available images are the same as the API's.
    #[serde(skip_serializing_if = "is_left_out")]
    pub state: Option<String>,
}

const AVAILABLE: &str = "AVAILABLE";

fn is_left_out(state: &Option<String>) -> bool {
    state.as_deref().is_none_or(|state| state == AVAILABLE)
}

impl Ec2AmiInfoSummary {
    #[must_use]
    pub fn new(ami_id: Option<String>, state: Option<&str>) -> Self {
        Self { ami_id, state: Some(state.unwrap_or("unknown").to_uppercase()) }
    }

    #[must_use]
    pub fn is_available(&self) -> bool {
        self.state.as_deref() == Some(AVAILABLE)
    }
}
