//! The port to AWS: what the domain reads. A missing image is an answer, not an error.

use super::image_build_log::ImageBuildLog;
use super::image_config::ConfigObject;
use super::image_id::{ImageId, Region};
use super::image_logs::{LogPart, LogQuery, LogStreams, StackEvents};
use super::observation::{Ami, FailedResource, ImageBuild, Stack};
use super::scope::Scope;
use super::source_error::SourceError;
use std::future::Future;
use std::sync::Arc;
use strum::{IntoStaticStr, VariantArray};

/// The maximum number of ids in one call for AMIs: EC2 accepts 200 values in a filter.
pub const MAX_IDS: usize = 200;

/// The number of AMIs in a page, in a sweep and in every other read: the maximum that EC2 allows. `observe/plan.rs` computes
/// with it what a sweep costs.
pub const AMIS_PER_PAGE: u16 = 1000;

/// The number of stacks in a page of a sweep. CloudFormation fixes it.
pub const STACKS_PER_PAGE: u16 = 100;

/// How urgent a read is. All reads share AWS's rate limits, and more urgent reads go first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, IntoStaticStr, VariantArray)]
#[strum(serialize_all = "snake_case")]
pub enum Priority {
    /// A caller waits for the read: the image is new, or a read was requested.
    Urgent,
    /// No caller waits for the read, but the image may change at any moment.
    InProgress,
    Background,
}

/// Who takes turns with others.
#[derive(Clone, Debug, PartialEq, Eq, Hash)]
pub enum Party {
    /// A tenant, such as a namespace.
    Tenant(Arc<str>),
    /// The reads of one identity that answer for many tenants, such as a sweep.
    Shared(Arc<str>),
}

/// The turn of a read: how urgent it is, and for whom it is. Parties share AWS's rate limits fairly.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Turn {
    pub priority: Priority,
    /// The read is made when it is the turn of any of these parties. Never empty.
    pub parties: Arc<[Party]>,
}

impl Turn {
    /// The turn of a read that answers for all tenants of an identity.
    #[must_use]
    pub fn shared(priority: Priority, scope: &Scope) -> Self {
        Self { priority, parties: [Party::Shared(scope.identity.name.as_str().into())].into() }
    }
}

/// What AWS says of a stack. `None` if there is no such stack.
pub type StackAnswer = Result<Option<Stack>, SourceError>;

/// Reads images from AWS.
pub trait ImageSource: Send + Sync {
    /// Whether `region` is known to exist. Another region may exist, too.
    fn lists(&self, region: &Region) -> bool {
        let _ = region;
        true
    }

    /// Frees what is kept for `scope`, because nobody wants an image of it any more.
    fn release(&self, scope: &Scope) {
        let _ = scope;
    }

    /// The AMIs of `ids` that ParallelCluster has tagged as available, in any order. Each comes with its image id.
    /// `ids` has at most [`MAX_IDS`] ids.
    fn amis(
        &self,
        scope: &Scope,
        ids: &[ImageId],
        turn: &Turn,
    ) -> impl Future<Output = Result<Vec<(ImageId, Ami)>, SourceError>> + Send;

    /// The stack with the image's name, unless it is missing or deleted.
    fn stack(
        &self,
        scope: &Scope,
        id: &ImageId,
        turn: &Turn,
    ) -> impl Future<Output = Result<Option<Stack>, SourceError>> + Send;

    /// Passes every AMI that ParallelCluster has tagged as available to `take`, page by page, whatever its image id.
    /// `take` has received all AMIs only if this returns `Ok`.
    fn all_amis(
        &self,
        scope: &Scope,
        turn: &Turn,
        take: impl FnMut(Ami) + Send,
    ) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// Passes every stack that is not deleted to `take`, page by page, including stacks that build no image. `take` has
    /// received all stacks only if this returns `Ok`.
    fn all_stacks(
        &self,
        scope: &Scope,
        turn: &Turn,
        take: impl FnMut(Stack) + Send,
    ) -> impl Future<Output = Result<(), SourceError>> + Send;

    /// What Image Builder reports about the image that this stack builds. `None` if there is no such image (yet).
    fn image_build(
        &self,
        scope: &Scope,
        id: &ImageId,
        stack: &Stack,
        turn: &Turn,
    ) -> impl Future<Output = Result<Option<ImageBuild>, SourceError>> + Send;

    /// The first event of `stack` that tells of a failure. `None` if there is none, or if events are not to be read.
    fn first_failure(
        &self,
        scope: &Scope,
        stack: &Stack,
        turn: &Turn,
    ) -> impl Future<Output = Result<Option<FailedResource>, SourceError>> + Send {
        let _ = (scope, stack, turn);
        std::future::ready(Ok(None))
    }
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

/// Reads the lists, logs and events that AWS keeps of builds. A missing log or stack is an answer, not an error.
pub trait StorySource: Send + Sync {
    /// A page of all stacks that are not deleted, in CloudFormation's order, and the token of the next page.
    fn stacks_page(
        &self,
        scope: &Scope,
        token: Option<String>,
        turn: &Turn,
    ) -> impl Future<Output = Result<(Vec<Stack>, Option<String>), SourceError>> + Send;

    /// A page of the log streams of an image, by name. `None` if it has no log group.
    fn log_streams(
        &self,
        scope: &Scope,
        id: &ImageId,
        token: Option<String>,
        turn: &Turn,
    ) -> impl Future<Output = Result<Option<LogStreams>, SourceError>> + Send;

    /// A part of the log of a build, in the order of time.
    fn log_events(
        &self,
        scope: &Scope,
        log: &ImageBuildLog,
        query: &LogQuery,
        turn: &Turn,
    ) -> impl Future<Output = Result<LogPart, SourceError>> + Send;

    /// One page of the events of `stack`, the newest first. `stack` is its ARN, or its name while it exists. `None` if there
    /// is no such stack.
    fn stack_events(
        &self,
        scope: &Scope,
        stack: &str,
        token: Option<String>,
        turn: &Turn,
    ) -> impl Future<Output = Result<Option<StackEvents>, SourceError>> + Send;
}

/// Knows whose credentials are used.
pub trait AccountSource: Send + Sync {
    /// The account of the scope's credentials.
    fn account(&self, scope: &Scope) -> impl Future<Output = Result<String, SourceError>> + Send;
}

/// Everything that a CustomImage's status needs from AWS.
pub trait Source: ImageSource + ImageConfigSource + OrphanSource + AccountSource {}

impl<S: ImageSource + ImageConfigSource + OrphanSource + AccountSource> Source for S {}
