//! What [`Aws`] tells of a build beside the image: its log, the events of its stack, and the AMI that it left untagged.

use super::source::Aws;
use super::{cloudformation, ec2, image_logs, stack_events};
use crate::describe_image::image_build_log::{self, ImageBuildLog};
use crate::describe_image::image_id::ImageId;
use crate::describe_image::image_logs::{LogPart, LogQuery, LogStreams, StackEvents};
use crate::describe_image::observation::Stack;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{OrphanSource, Priority, Turn};
use crate::describe_image::source_error::SourceError;

impl Aws {
    /// A part of the log of a build, in the order of time.
    ///
    /// # Errors
    /// If CloudWatch does not answer.
    pub async fn log_events(
        &self,
        scope: &Scope,
        log: &ImageBuildLog,
        query: &LogQuery,
    ) -> Result<LogPart, SourceError> {
        image_logs::events(&self.clients(scope).await?.logs, &log.group, &log.stream, query).await
    }

    /// A page of the log streams of an image, by name. `None` if it has no log group.
    ///
    /// # Errors
    /// If CloudWatch does not answer.
    pub async fn log_streams(
        &self,
        scope: &Scope,
        id: &ImageId,
        token: Option<String>,
    ) -> Result<Option<LogStreams>, SourceError> {
        let group = image_build_log::group(id.as_str());
        image_logs::streams(&self.clients(scope).await?.logs, &group, token).await
    }

    /// A page of all stacks that are not deleted, in CloudFormation's order, and the token of the next page.
    ///
    /// # Errors
    /// If CloudFormation does not answer.
    pub async fn stacks_page(
        &self,
        scope: &Scope,
        token: Option<String>,
    ) -> Result<(Vec<Stack>, Option<String>), SourceError> {
        let clients = self.clients(scope).await?;
        let turn = Turn::shared(Priority::Urgent, scope);
        cloudformation::stacks_page(&clients.cloudformation, &clients.rate_limits.stacks, &turn, token).await
    }

    /// The name of the log stream in the group `group_arn` that was written last. `None` if there is none.
    ///
    /// # Errors
    /// If CloudWatch does not answer.
    pub async fn newest_log_stream(&self, scope: &Scope, group_arn: &str) -> Result<Option<String>, SourceError> {
        image_logs::newest_stream(&self.clients(scope).await?.logs, group_arn).await
    }

    /// One page of the events of `stack`, the newest first. `stack` is its ARN, or its name while it exists. `None` if there
    /// is no such stack.
    ///
    /// # Errors
    /// If CloudFormation does not answer.
    pub async fn stack_events(
        &self,
        scope: &Scope,
        stack: &str,
        token: Option<String>,
    ) -> Result<Option<StackEvents>, SourceError> {
        stack_events::page(&self.clients(scope).await?.cloudformation, stack, token).await
    }
}

impl OrphanSource for Aws {
    async fn orphan(&self, scope: &Scope, image_build_arn: &str) -> Result<Option<String>, SourceError> {
        let clients = self.clients(scope).await?;
        let turn = Turn::shared(Priority::Background, scope);
        ec2::of_image_build(&clients.ec2, &clients.rate_limits.images, &turn, image_build_arn).await
    }
}
