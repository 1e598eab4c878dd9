//! What [`Aws`] tells of a build beside the image: its log, the events of its stack, and the AMI that it left untagged.

use super::source::Aws;
use super::{cloudformation, ec2, image_logs, stack_events};
use crate::describe_image::image_build_log::{self, ImageBuildLog};
use crate::describe_image::image_id::ImageId;
use crate::describe_image::image_logs::{LogPart, LogQuery, LogStreams, StackEvents};
use crate::describe_image::observation::Stack;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::{OrphanSource, Priority, StorySource, Turn};
use crate::describe_image::source_error::SourceError;

impl StorySource for Aws {
    async fn stacks_page(
        &self,
        scope: &Scope,
        token: Option<String>,
        turn: &Turn,
    ) -> Result<(Vec<Stack>, Option<String>), SourceError> {
        let clients = self.clients(scope).await?;
        cloudformation::stacks_page(&clients.cloudformation, &clients.rate_limits.stacks, turn, token).await
    }

    async fn log_streams(
        &self,
        scope: &Scope,
        id: &ImageId,
        token: Option<String>,
        turn: &Turn,
    ) -> Result<Option<LogStreams>, SourceError> {
        let clients = self.clients(scope).await?;
        let _permit = clients.rate_limits.log_streams.take(turn).await;
        image_logs::streams(&clients.logs, &image_build_log::group(id.as_str()), token).await
    }

    async fn log_events(
        &self,
        scope: &Scope,
        log: &ImageBuildLog,
        query: &LogQuery,
        turn: &Turn,
    ) -> Result<LogPart, SourceError> {
        let clients = self.clients(scope).await?;
        let _permit = clients.rate_limits.log_events.take(turn).await;
        image_logs::events(&clients.logs, &log.group, &log.stream, query).await
    }

    async fn stack_events(
        &self,
        scope: &Scope,
        stack: &str,
        token: Option<String>,
        turn: &Turn,
    ) -> Result<Option<StackEvents>, SourceError> {
        let clients = self.clients(scope).await?;
        let _permit = clients.rate_limits.events.take(turn).await;
        stack_events::page(&clients.cloudformation, stack, token).await
    }
}

impl Aws {
    /// The name of the log stream in the group `group_arn` that was written last. `None` if there is none.
    ///
    /// # Errors
    /// If CloudWatch does not answer.
    pub async fn newest_log_stream(&self, scope: &Scope, group_arn: &str) -> Result<Option<String>, SourceError> {
        image_logs::newest_stream(&self.clients(scope).await?.logs, group_arn).await
    }
}

impl OrphanSource for Aws {
    async fn orphan(&self, scope: &Scope, image_build_arn: &str) -> Result<Option<String>, SourceError> {
        let clients = self.clients(scope).await?;
        let turn = Turn::shared(Priority::Background, scope);
        ec2::of_image_build(&clients.ec2, &clients.rate_limits.images, &turn, image_build_arn).await
    }
}
