//! CloudFormation: the stack with the image's name, and the image build version that it builds.

use super::budget::RateLimit;
use super::error::{self, refusal, required, source_error};
use super::pagination::{Page, all_pages};
use super::well_formed;
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observation;
use crate::describe_image::source::Turn;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::error::ProvideErrorMetadata;
use aws_sdk_cloudformation::types::Stack;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::DateTime;
use jiff::Timestamp;
use parking_lot::Mutex;
use std::collections::HashMap;

/// The IAM names of the calls.
pub const DESCRIBE_STACKS: &str = "cloudformation:DescribeStacks";
/// DescribeStacks without a stack name needs this permission, too.
pub const LIST_STACKS: &str = "cloudformation:ListStacks";
pub const DESCRIBE_STACK_RESOURCE: &str = "cloudformation:DescribeStackResource";

/// The logical id that ParallelCluster's template gives the image.
const LOGICAL_ID: &str = "ParallelClusterImage";

/// The stack with this name, `None` if there is none or it is deleted.
pub async fn stack(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    name: &ImageId,
) -> Result<Option<observation::Stack>, SourceError> {
    let _permit = rate_limit.take(turn).await;
    // Boxed, because thousands of reads may wait for the budget.
    let reply = match Box::pin(client.describe_stacks().stack_name(name.as_str()).send()).await {
        Ok(reply) => reply,
        Err(error) if says_missing(&error, "Stack with id ") => return Ok(None),
        Err(error) => return Err(source_error(DESCRIBE_STACKS, &error)),
    };
    match reply.stacks.unwrap_or_default().into_iter().next() {
        Some(stack) => plain(stack).map(Some),
        None => {
            let message = "CloudFormation answered with no stack and no error";
            Err(SourceError::asked(SourceErrorKind::ServiceError, DESCRIBE_STACKS, message))
        }
    }
}

/// Gives `take` every stack that is not deleted.
pub async fn all_stacks(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    mut take: impl FnMut(observation::Stack) + Send,
) -> Result<(), SourceError> {
    let take = |stack| plain(stack).map(&mut take);
    all_pages(DESCRIBE_STACKS, rate_limit, turn, |token| page(client, token), take).await
}

/// One page of the stacks that are not deleted, and the token of the next one.
pub async fn stacks_page(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    token: Option<String>,
) -> Result<(Vec<observation::Stack>, Option<String>), SourceError> {
    let _permit = rate_limit.take(turn).await;
    let Page { items, next_token } = page(client, token).await?;
    let next = next_token.filter(|next| !next.is_empty());
    Ok((required(items, DESCRIBE_STACKS, "list")?.into_iter().map(plain).collect::<Result<_, _>>()?, next))
}

async fn page(client: &Client, token: Option<String>) -> Result<Page<Stack>, SourceError> {
    let reply = client.describe_stacks().set_next_token(token).send().await;
    let reply = reply.map_err(|error| source_error(DESCRIBE_STACKS, &error))?;
    Ok(Page { items: reply.stacks, next_token: reply.next_token })
}

/// Whether the error means that the stack or resource does not exist. CloudFormation has no code for this: it returns
/// ValidationError with a sentence that starts with `subject`. The SDK takes these from any document. One that is no
/// error of CloudFormation says nothing about what exists.
pub fn says_missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>, subject: &str) -> bool {
    let body = error.raw_response().and_then(|reply| reply.body().bytes());
    let is_own = body.and_then(well_formed::root) == Some("ErrorResponse");
    refusal(error).filter(|_| is_own).is_some_and(|error| {
        let message = error.message().unwrap_or_default();
        error.code() == Some("ValidationError") && message.starts_with(subject) && message.contains(" does not exist")
    })
}

/// Converts a stack. The SDK sets a default, such as the year 1970, for a required field that the reply lacks. Here
/// such a field is absent.
fn plain(stack: Stack) -> Result<observation::Stack, SourceError> {
    let tags = stack.tags.unwrap_or_default().into_iter();
    Ok(observation::Stack {
        arn: stack.stack_id,
        status: stack
            .stack_status
            .map(|status| status.as_str().to_owned())
            .filter(|status| status != "no value was set"),
        status_reason: stack.stack_status_reason,
        creation_time: stack.creation_time.filter(|time| time.secs() != 0).and_then(timestamp),
        tags: tags.map(|it| error::tag(it.key, it.value, DESCRIBE_STACKS)).collect::<Result<_, _>>()?,
        is_nested: stack.parent_id.is_some(),
        first_failure: None,
    })
}

pub fn timestamp(time: DateTime) -> Option<Timestamp> {
    Timestamp::new(time.secs(), i32::try_from(time.subsec_nanos()).ok()?).ok()
}

/// The ARN of the image build version, by stack ARN. Once set it never changes, so it is read once.
#[derive(Default)]
pub struct ImageBuildArns(Mutex<HashMap<String, String>>);

impl ImageBuildArns {
    /// Far more stacks than an account may have in a region. When it is full, it is cleared.
    const CAPACITY: usize = 10_000;

    fn get(&self, stack_arn: &str) -> Option<String> {
        self.0.lock().get(stack_arn).cloned()
    }

    fn put(&self, stack_arn: &str, image_build_arn: &str) {
        let mut arns = self.0.lock();
        if arns.len() >= Self::CAPACITY {
            arns.clear();
        }
        arns.insert(stack_arn.to_owned(), image_build_arn.to_owned());
    }
}

/// The ARN of the image build version that `stack` builds, `None` until the build has begun.
pub async fn image_build_arn(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    arns: &ImageBuildArns,
    name: &ImageId,
    stack: &observation::Stack,
) -> Result<Option<String>, SourceError> {
    let stack_arn = stack.arn.as_deref();
    if let Some(arn) = stack_arn.and_then(|stack_arn| arns.get(stack_arn)) {
        return Ok(Some(arn));
    }
    let _permit = rate_limit.take(turn).await;
    let call = client.describe_stack_resource().stack_name(name.as_str()).logical_resource_id(LOGICAL_ID);
    let reply = match Box::pin(call.send()).await {
        Ok(reply) => reply,
        // The resource does not exist yet, or the stack was deleted meanwhile.
        Err(error) if says_missing(&error, "") => return Ok(None),
        Err(error) => return Err(source_error(DESCRIBE_STACK_RESOURCE, &error)),
    };
    let resource = required(reply.stack_resource_detail, DESCRIBE_STACK_RESOURCE, "resource")?;
    // The stack may have been deleted and created again with the same name. Then the resource belongs to another build.
    let is_of_stack = |id: Option<&str>| id.is_none() || stack_arn.is_none() || id == stack_arn;
    let arn = Some(resource)
        .filter(|resource| is_of_stack(resource.stack_id.as_deref()))
        .and_then(|resource| resource.physical_resource_id)
        .filter(|arn| !arn.is_empty());
    if let (Some(stack_arn), Some(arn)) = (stack_arn, arn.as_deref()) {
        arns.put(stack_arn, arn);
    }
    Ok(arn)
}
