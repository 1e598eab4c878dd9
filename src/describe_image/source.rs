//! The port: what this domain asks of AWS. Absence is an answer, not an error.

use super::image_id::ImageId;
use super::observation::{Ami, ImageBuild, Stack};
use super::scope::Scope;
use super::source_error::SourceError;
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

    /// Gives `take` every AMI that ParallelCluster tagged as available, whatever its id, page by page. That they were all is
    /// known when it ends.
    fn all_amis(
        &self,
        scope: &Scope,
        take: impl FnMut(Ami) + Send,
    ) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// Every stack that is not deleted, whatever it is for, to the last page.
    fn all_stacks(&self, scope: &Scope) -> impl Future<Output = Result<Vec<Stack>, SourceError>> + Send;

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

/// Whoever can look for what a build has left behind.
pub trait OrphanSource: Send + Sync {
    /// The id of an AMI that Image Builder made as `image_build_arn`, whatever its other tags say; `None` when there is none.
    fn orphan(
        &self,
        scope: &Scope,
        image_build_arn: &str,
    ) -> impl Future<Output = Result<Option<String>, SourceError>> + Send;
}
