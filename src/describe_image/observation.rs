//! `Observation`: what AWS answered about one image id in one scope, in plain structs without SDK types. Fields that
//! AWS left out are `None`. An empty string from AWS stays an empty string.

use super::build_status::ImageBuildStatus;
use super::response::Tag;
use super::source_error::SourceError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What AWS answered about one image id at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// An AMI that ParallelCluster tagged as available. The stack is read only if the AMI's own tags do not contain the
    /// location of its configuration file.
    Ami {
        ami: Ami,
        stack: Option<Stack>,
        /// Why `stack` is missing, if AWS refused the read.
        refused: Option<SourceError>,
    },
    /// No AMI, but a stack that builds, failed to build, or deletes the image.
    Stack {
        stack: Stack,
        image_build: Option<ImageBuild>,
        /// Why `image_build` is missing or incomplete, if AWS refused the read.
        refused: Option<SourceError>,
    },
    /// Neither an AMI nor a stack of the image.
    Absent {
        /// The ARN of a stack with the image's name that builds no image.
        other_stack: Option<String>,
    },
}

/// An EC2 image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ami {
    pub id: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    /// EC2's value, in lower case.
    pub state: Option<String>,
    /// Why the AMI has that state, if EC2 gives a reason.
    pub state_reason: Option<String>,
    /// From this time on, EC2 reports the AMI as deprecated. It can still be used.
    pub deprecated_at: Option<Timestamp>,
    pub architecture: Option<String>,
    pub owner_id: Option<String>,
    /// `None` if EC2 sent no date or an invalid one.
    pub creation_date: Option<Timestamp>,
    pub tags: Vec<Tag>,
}

/// A CloudFormation stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Stack {
    pub arn: Option<String>,
    pub status: Option<String>,
    pub status_reason: Option<String>,
    pub creation_time: Option<Timestamp>,
    pub tags: Vec<Tag>,
    /// Whether it is nested in another stack.
    pub is_nested: bool,
    /// The first of its events that tells of a failure, if it was read.
    pub first_failure: Option<FailedResource>,
}

/// What CloudFormation says of a resource that failed.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct FailedResource {
    /// The logical id of the resource.
    pub resource: String,
    pub status: String,
    pub reason: Option<String>,
}

/// An image build version of EC2 Image Builder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageBuild {
    /// The ARN of the image build version.
    pub arn: Option<String>,
    /// `None` if the image is absent or has no state.
    pub status: Option<String>,
    pub reason: Option<String>,
    /// The step that failed, if the build has failed.
    pub failed_step: Option<FailedStep>,
    /// Why only `arn` is set, if AWS refused the read.
    pub refused: Option<SourceError>,
}

/// Where an image build failed, as far as Image Builder reports it.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct FailedStep {
    /// The step of the workflow, such as RunComponents.
    pub step: Option<String>,
    /// The ARN of the component.
    pub component: Option<String>,
    /// The phase of the component: build, validate or test.
    pub phase: Option<String>,
    /// The name of the step in the component's document.
    pub action: Option<String>,
    /// The error message of the component, or of the distribution.
    pub message: Option<String>,
}

/// Whether the image is expected to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is being built or deleted, or its status is unknown.
    InProgress,
    /// Its build is complete, but there is no tagged AMI yet.
    Finalizing,
    /// No change is expected.
    Settled,
    /// There is neither an AMI nor a stack.
    Absent,
}

/// Whether Image Builder has finished with an image of this status.
#[must_use]
pub fn is_over(image_status: &str) -> bool {
    matches!(image_status, "AVAILABLE" | "FAILED" | "CANCELLED" | "DEPRECATED" | "DELETED")
}

/// The value of the first tag named `key`.
#[must_use]
pub fn tag<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
}

/// The tags that describeImage and listImages read.
pub mod tag_key {
    pub const IMAGE_ID: &str = "parallelcluster:image_id";
    pub const BUILD_STATUS: &str = "parallelcluster:build_status";
    pub const VERSION: &str = "parallelcluster:version";
    pub const BUILD_LOG: &str = "parallelcluster:build_log";
    pub const S3_BUCKET: &str = "parallelcluster:s3_bucket";
    pub const S3_IMAGE_DIR: &str = "parallelcluster:s3_image_dir";
    /// Image Builder's own tag on its AMIs: the ARN of the image build version.
    pub const IMAGE_BUILD: &str = "Ec2ImageBuilderArn";
}

impl Observation {
    /// The 12-digit account that answered, if the answer contains it.
    #[must_use]
    pub fn account_id(&self) -> Option<&str> {
        match self {
            Self::Ami { ami, stack, refused: _ } => {
                ami.owner_id.as_deref().or_else(|| stack.as_ref().and_then(Stack::account_id))
            }
            Self::Stack { stack, .. } => stack.account_id(),
            Self::Absent { .. } => None,
        }
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        match self {
            Self::Ami { ami, .. } => ami.phase(),
            Self::Stack { stack, .. } => stack.phase(),
            Self::Absent { .. } => Phase::Absent,
        }
    }

    /// Whether the build of the image has ended, well or badly. True also if there is no build.
    #[must_use]
    pub fn build_is_over(&self) -> bool {
        match self {
            Self::Ami { ami, .. } => ami.phase() == Phase::Settled,
            Self::Stack { stack, image_build, .. } => {
                let status = stack.status.as_deref().and_then(ImageBuildStatus::of_stack);
                image_build.as_ref().and_then(|build| build.status.as_deref()).is_some_and(is_over)
                    || status.is_some_and(|status| status != ImageBuildStatus::BuildInProgress)
            }
            Self::Absent { .. } => true,
        }
    }

    /// The error of a read that AWS refused, although the image itself was observed.
    #[must_use]
    pub fn refused(&self) -> Option<&SourceError> {
        match self {
            Self::Ami { refused, .. } | Self::Stack { refused, .. } => refused.as_ref(),
            Self::Absent { .. } => None,
        }
    }
}

impl Ami {
    #[must_use]
    pub fn is_available(&self) -> bool {
        self.state.as_deref() == Some("available")
    }

    /// Whether it is disabled. Then no one can use it, and EC2 lists it only on request (`IncludeDisabled`).
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.state.as_deref() == Some("disabled")
    }

    #[must_use]
    pub fn phase(&self) -> Phase {
        match self.state.as_deref().unwrap_or_default() {
            "available" | "invalid" | "failed" | "error" | "deregistered" | "disabled" => Phase::Settled,
            _ => Phase::InProgress,
        }
    }

    /// The ARN of the image build version that made it.
    #[must_use]
    pub fn image_build_arn(&self) -> Option<&str> {
        tag(&self.tags, tag_key::IMAGE_BUILD)
    }
}

impl Stack {
    fn phase(&self) -> Phase {
        let status = self.status.as_deref().unwrap_or_default();
        match ImageBuildStatus::of_stack(status) {
            // A failed build may still be rolling back.
            _ if status.ends_with("_IN_PROGRESS") => Phase::InProgress,
            None => Phase::InProgress,
            Some(ImageBuildStatus::BuildComplete) => Phase::Finalizing,
            Some(_) => Phase::Settled,
        }
    }

    /// The stack's name, from its ARN. For an image's stack, it is the image id.
    #[must_use]
    pub fn name(&self) -> Option<&str> {
        self.arn.as_deref()?.split_once(":stack/")?.1.split('/').next()
    }

    /// The account field of the stack's ARN.
    #[must_use]
    pub fn account_id(&self) -> Option<&str> {
        self.arn.as_deref()?.split(':').nth(4).filter(|account| !account.is_empty())
    }
}
