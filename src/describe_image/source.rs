//! The port to AWS: what the domain reads. A missing image is an answer, not an error.

use super::image_config::ConfigObject;
use super::image_id::ImageId;
use super::observation::{Ami, ImageBuild, Stack};
use super::scope::Scope;
use super::source_error::SourceError;
use std::future::Future;
use strum::VariantArray;

/// The maximum number of ids in one call for AMIs: EC2 accepts 200 values in a filter.
pub const MAX_IDS: usize = 200;

/// The number of AMIs in a page, in a sweep and in every other read: the maximum that EC2 allows. `observe/plan.rs` computes
/// with it what a sweep costs.
pub const AMIS_PER_PAGE: u16 = 1000;

/// The number of stacks in a page of a sweep. CloudFormation fixes it.
pub const STACKS_PER_PAGE: u16 = 100;

/// How urgent a read is. All reads share AWS's rate limits, and more urgent reads go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, VariantArray)]
pub enum Priority {
    /// A caller waits for the read: the image is new, or a read was requested.
    Urgent,
    /// No caller waits for the read, but the image may change at any moment.
    InProgress,
    Background,
}

/// Reads images from AWS.
pub trait ImageSource: Send + Sync {
    /// The AMIs of `ids` that ParallelCluster has tagged as available, in any order. Each comes with its image id.
    /// `ids` has at most [`MAX_IDS`] ids.
    fn amis(
        &self,
        scope: &Scope,
        ids: &[ImageId],
        priority: Priority,
    ) -> impl Future<Output = Result<Vec<(ImageId, Ami)>, SourceError>> + Send;

    /// The stack with the image's name, unless it is missing or deleted.
    fn stack(
        &self,
        scope: &Scope,
        id: &ImageId,
        priority: Priority,
    ) -> impl Future<Output = Result<Option<Stack>, SourceError>> + Send;

    /// Passes every AMI that ParallelCluster has tagged as available to `take`, page by page, whatever its image id.
    /// `take` has received all AMIs only if this returns `Ok`.
    fn all_amis(
        &self,
        scope: &Scope,
        priority: Priority,
        take: impl FnMut(Ami) + Send,
    ) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// All pages of stacks that are not deleted, including stacks that build no image.
    fn all_stacks(
        &self,
        scope: &Scope,
        priority: Priority,
    ) -> impl Future<Output = Result<Vec<Stack>, SourceError>> + Send;

    /// What Image Builder reports about the image that this stack builds. `None` if there is no such image (yet).
    fn image_build(
        &self,
        scope: &Scope,
        id: &ImageId,
        stack: &Stack,
        priority: Priority,
    ) -> impl Future<Output = Result<Option<ImageBuild>, SourceError>> + Send;
}

/// Creates URLs that open configuration files.
pub trait ImageConfigSource: Send + Sync {
    /// A presigned GET of `object`. `None` if its bucket cannot be used or the URL cannot be signed.
    fn presigned_url(&self, scope: &Scope, object: &ConfigObject) -> impl Future<Output = Option<String>> + Send;
}

/// Finds AMIs that a build left without tags.
pub trait OrphanSource: Send + Sync {
    /// The id of an AMI that Image Builder made as `image_build_arn`, whatever its other tags are.
    /// `None` if there is none.
    fn orphan(
        &self,
        scope: &Scope,
        image_build_arn: &str,
    ) -> impl Future<Output = Result<Option<String>, SourceError>> + Send;
}

/// Everything that a CustomImage's status needs from AWS.
pub trait Source: ImageSource + ImageConfigSource + OrphanSource {}

impl<S: ImageSource + ImageConfigSource + OrphanSource> Source for S {}
