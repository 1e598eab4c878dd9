//! The port: what this domain asks of AWS. Absence is an answer, not an error.

use super::image_config::ConfigObject;
use super::image_id::ImageId;
use super::observation::{Ami, ImageBuild, Stack};
use super::scope::Scope;
use super::source_error::SourceError;
use std::future::Future;
use strum::VariantArray;

/// The most ids that one call for AMIs may carry: EC2 takes 200 values in a filter.
pub const MAX_IDS: usize = 200;

/// The AMIs in a page: the most that EC2 gives.
pub const AMIS_PER_PAGE: u16 = 1000;

/// The stacks in a page. CloudFormation does not let anybody choose.
pub const STACKS_PER_PAGE: u16 = 100;

/// How urgent a read is. All reads share AWS's limits, and the more urgent ones go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, VariantArray)]
pub enum Priority {
    /// Somebody waits: the image is new, or a person has asked for a read now.
    Urgent,
    /// Nobody waits, but the image may change at any moment.
    InProgress,
    Background,
}

/// AWS, asked read-only.
pub trait ImageSource: Send + Sync {
    /// The AMIs of `ids` that ParallelCluster has tagged as available, in any order, each with the id it belongs to.
    /// At most [`MAX_IDS`] ids.
    fn amis(
        &self,
        scope: &Scope,
        ids: &[ImageId],
        priority: Priority,
    ) -> impl Future<Output = Result<Vec<(ImageId, Ami)>, SourceError>> + Send;

    /// The stack named like the image, if there is one that is not deleted.
    fn stack(
        &self,
        scope: &Scope,
        id: &ImageId,
        priority: Priority,
    ) -> impl Future<Output = Result<Option<Stack>, SourceError>> + Send;

    /// Gives `take` every AMI that ParallelCluster has tagged as available, whatever its id, page by page. Only when this ends
    /// well is it known that they were all.
    fn all_amis(
        &self,
        scope: &Scope,
        priority: Priority,
        take: impl FnMut(Ami) + Send,
    ) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// Every stack that is not deleted, whatever it is for, to the last page.
    fn all_stacks(
        &self,
        scope: &Scope,
        priority: Priority,
    ) -> impl Future<Output = Result<Vec<Stack>, SourceError>> + Send;

    /// What Image Builder says of the image that this stack builds. `None` when there is none (yet).
    fn image_build(
        &self,
        scope: &Scope,
        id: &ImageId,
        stack: &Stack,
        priority: Priority,
    ) -> impl Future<Output = Result<Option<ImageBuild>, SourceError>> + Send;
}

/// Whoever can turn a configuration file's place into a URL that opens it.
pub trait ImageConfigSource: Send + Sync {
    /// A presigned GET of `object`. `None` when its bucket cannot be used.
    fn presigned_url(&self, scope: &Scope, object: &ConfigObject) -> impl Future<Output = Option<String>> + Send;
}

/// Whoever can look for what a build has left behind.
pub trait OrphanSource: Send + Sync {
    /// The id of an AMI that Image Builder made as `image_build_arn`, whatever its other tags say. `None` when there is none.
    fn orphan(
        &self,
        scope: &Scope,
        image_build_arn: &str,
    ) -> impl Future<Output = Result<Option<String>, SourceError>> + Send;
}

/// All that a CustomImage's status needs of AWS.
pub trait Source: ImageSource + ImageConfigSource + OrphanSource {}

impl<S: ImageSource + ImageConfigSource + OrphanSource> Source for S {}
