//! The port: what this domain asks of AWS, and how AWS can fail to answer. Absence is an answer, not an error.

use super::image_id::{ImageId, Scope};
use super::observation::{Ami, ImageBuild, Stack};
use std::future::Future;

/// The most ids that one `amis` call may carry: EC2 takes 200 values in a filter.
pub const MAX_IDS: usize = 200;

/// AWS, asked read-only.
pub trait ImageSource: Send + Sync {
    /// The AMIs of `ids` that ParallelCluster tagged as available, in any order, each with the id it belongs to.
    /// At most [`MAX_IDS`] ids.
    fn amis(
        &self,
        scope: &Scope,
        ids: &[ImageId],
    ) -> impl Future<Output = Result<Vec<(ImageId, Ami)>, SourceError>> + Send;

    /// The stack named like the image, if there is one that is not deleted.
    fn stack(&self, scope: &Scope, id: &ImageId) -> impl Future<Output = Result<Option<Stack>, SourceError>> + Send;

    /// What Image Builder says of the image that this stack builds; `None` when there is none (yet).
    fn image_build(
        &self,
        scope: &Scope,
        id: &ImageId,
        stack: &Stack,
    ) -> impl Future<Output = Result<Option<ImageBuild>, SourceError>> + Send;
}

/// Whoever can turn a configuration file's place into a URL that opens it.
pub trait ImageConfigSource: Send + Sync {
    /// A presigned GET of `object`, `None` when its bucket cannot be used.
    fn presigned_url(
        &self,
        scope: &Scope,
        object: &super::image_config::ConfigObject,
    ) -> impl Future<Output = Option<String>> + Send;
}

/// Why AWS did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    pub kind: SourceErrorKind,
    /// The IAM name of the action that failed, such as `ec2:DescribeImages`.
    pub action: &'static str,
    /// AWS's own message, or ours when nothing came from AWS.
    pub message: String,
}

/// The classes of [`SourceError`]: a closed set, for it labels metrics and names conditions and Events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub enum SourceErrorKind {
    /// A limit of AWS was still exceeded after the retries.
    Throttled,
    /// The credentials are good but may not do this.
    AccessDenied,
    /// No credentials, or ones that AWS does not take (any more).
    InvalidCredentials,
    /// AWS calls the request invalid.
    InvalidRequest,
    /// No partition of AWS has this region.
    UnknownRegion,
    /// No whole answer: a server error, a timeout, a broken connection, a reply cut short.
    ServiceError,
}

impl SourceErrorKind {
    pub const ALL: [Self; 6] = [
        Self::Throttled,
        Self::AccessDenied,
        Self::InvalidCredentials,
        Self::InvalidRequest,
        Self::UnknownRegion,
        Self::ServiceError,
    ];

    /// The variant's name: the reason of conditions and Events, the value of labels.
    #[must_use]
    pub fn reason(self) -> &'static str {
        match self {
            Self::Throttled => "Throttled",
            Self::AccessDenied => "AccessDenied",
            Self::InvalidCredentials => "InvalidCredentials",
            Self::InvalidRequest => "InvalidRequest",
            Self::UnknownRegion => "UnknownRegion",
            Self::ServiceError => "ServiceError",
        }
    }
}
