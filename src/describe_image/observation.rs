//! What AWS said of one image id in one scope, in plain structs of our own. Fields that AWS left out are `None`;
//! an empty string that AWS sent stays an empty string.

use super::build_status::ImageBuildStatus;
use super::response::Tag;
use super::source_error::SourceError;
use jiff::Timestamp;
use serde::{Deserialize, Serialize};

/// What AWS said of one image id at one moment.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Observation {
    /// An AMI that ParallelCluster tagged as available. The stack is asked for only when the AMI's own tags do not
    /// say where its configuration file is.
    Ami {
        ami: Ami,
        stack: Option<Stack>,
        /// Why `stack` is missing, when AWS refused to say.
        refused: Option<SourceError>,
    },
    /// No AMI, but the stack that builds, failed to build, or deletes the image.
    Stack {
        stack: Stack,
        image_build: Option<ImageBuild>,
        /// Why `image_build` is missing, when AWS refused to say.
        refused: Option<SourceError>,
    },
    /// Neither.
    Absent {
        /// The ARN of a stack of that name that builds no image.
        other_stack: Option<String>,
    },
}

/// An EC2 image.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Ami {
    pub id: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    /// EC2's own lower-case word.
    pub state: Option<String>,
    /// Why EC2 has put it into that state, when it says so.
    pub state_reason: Option<String>,
    /// From then on EC2 calls the AMI deprecated. It can still be used.
    pub deprecated_at: Option<Timestamp>,
    pub architecture: Option<String>,
    pub owner_id: Option<String>,
    /// `None` when EC2 sent none, or one that is no date.
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
    /// Part of another stack.
    pub is_nested: bool,
}

/// An image build version of EC2 Image Builder.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct ImageBuild {
    /// The ARN of the image build version.
    pub arn: Option<String>,
    /// `None` when the image was absent or had no state.
    pub status: Option<String>,
    pub reason: Option<String>,
    /// Where the build failed.
    pub failed_step: Option<FailedStep>,
    /// Why nothing but the ARN is known, when AWS refused to say.
    pub refused: Option<SourceError>,
}

/// Where an image build failed, as far as Image Builder says.
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
    /// What the component, or the distribution, said.
    pub message: Option<String>,
}

/// Whether the image is expected to change.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Phase {
    /// It is being built or deleted, or nobody knows.
    InProgress,
    /// Its build has ended, and its AMI is not there yet.
    Finalizing,
    /// Nothing is expected to happen.
    Settled,
    /// There is neither an AMI nor a stack.
    Absent,
}

/// The value of the first tag named `key`.
#[must_use]
pub fn tag<'a>(tags: &'a [Tag], key: &str) -> Option<&'a str> {
    tags.iter().find(|tag| tag.key == key).map(|tag| tag.value.as_str())
}

/// The tags that ParallelCluster writes and this operation reads.
pub mod tag_key {
    pub const IMAGE_ID: &str = "parallelcluster:image_id";
    pub const BUILD_STATUS: &str = "parallelcluster:build_status";
    pub const VERSION: &str = "parallelcluster:version";
    pub const BUILD_LOG: &str = "parallelcluster:build_log";
    pub const S3_BUCKET: &str = "parallelcluster:s3_bucket";
    pub const S3_IMAGE_DIR: &str = "parallelcluster:s3_image_dir";
    /// Image Builder's own tag on what it makes: the ARN of the image build version.
    pub const IMAGE_BUILD: &str = "Ec2ImageBuilderArn";
}

impl Observation {
    /// The 12-digit account that answered, as far as the answer says.
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

    /// What AWS refused to say beside the answer.
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

    /// Nobody can use it, and EC2 lists it only when it is asked to.
    #[must_use]
    pub fn is_disabled(&self) -> bool {
        self.state.as_deref() == Some("disabled")
    }

    fn phase(&self) -> Phase {
        match self.state.as_deref().unwrap_or_default() {
            "available" | "invalid" | "failed" | "error" | "deregistered" | "disabled" => Phase::Settled,
            _ => Phase::InProgress,
        }
    }

    /// The image build version that it comes from.
    #[must_use]
    pub fn image_build_arn(&self) -> Option<&str> {
        tag(&self.tags, tag_key::IMAGE_BUILD)
    }
}

impl Stack {
    fn phase(&self) -> Phase {
        let status = self.status.as_deref().unwrap_or_default();
        match ImageBuildStatus::of_stack(status) {
            // A build that has failed may still be rolling back.
            _ if status.ends_with("_IN_PROGRESS") => Phase::InProgress,
            None => Phase::InProgress,
            Some(ImageBuildStatus::BuildComplete) => Phase::Finalizing,
            Some(_) => Phase::Settled,
        }
    }

    /// The stack's name: what an image's stack has in common with its image is its id.
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
