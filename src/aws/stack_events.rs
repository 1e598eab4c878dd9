//! CloudFormation: the events of a stack. They can be read by the stack's ARN for 90 days after it is deleted.

use super::budget::RateLimit;
use super::cloudformation::{says_missing, timestamp};
use super::error::{required, source_error};
use crate::describe_image::image_logs::{StackEvent, StackEvents};
use crate::describe_image::observation::{FailedResource, Stack};
use crate::describe_image::source::Turn;
use crate::describe_image::source_error::{SourceError, SourceErrorKind, redacted, shortened};
use crate::describe_image::wire_time;
use aws_sdk_cloudformation::Client;
use aws_sdk_cloudformation::types::StackEvent as Event;
use parking_lot::Mutex;
use std::collections::HashMap;
use std::time::Duration;
use tokio::time::Instant;

/// The IAM name of the call.
pub const DESCRIBE_STACK_EVENTS: &str = "cloudformation:DescribeStackEvents";

/// After AWS has denied the call, it is tried again after this time.
const DENIED: Duration = Duration::from_secs(600);

/// What is known of the first failure of each stack, by its ARN. Once there is one, it never changes.
#[derive(Debug, Default)]
pub struct FirstFailures {
    known: Mutex<HashMap<String, Known>>,
    denied_until: Mutex<Option<Instant>>,
}

#[derive(Debug)]
struct Known {
    /// The status of the stack when its events were read.
    status: Option<String>,
    failure: Option<FailedResource>,
}

impl FirstFailures {
    /// As many stacks as an account may have in a region. When it is full, it is cleared.
    const CAPACITY: usize = 2000;

    /// `None` if the events must be read.
    fn of(&self, arn: &str, stack: &Stack) -> Option<Option<FailedResource>> {
        if let Some(Known { status, failure }) = self.known.lock().get(arn)
            && (failure.is_some() || *status == stack.status)
        {
            return Some(failure.clone());
        }
        self.denied_until.lock().is_some_and(|until| Instant::now() < until).then_some(None)
    }

    fn put(&self, arn: &str, stack: &Stack, failure: Option<FailedResource>) {
        let mut known = self.known.lock();
        if known.len() >= Self::CAPACITY {
            known.clear();
        }
        known.insert(arn.to_owned(), Known { status: stack.status.clone(), failure });
    }
}

/// The first event of `stack` that tells of a failure. One call for each stack, or for each of its statuses while there is
/// no such event.
pub async fn first_failure(
    client: &Client,
    rate_limit: &RateLimit,
    turn: &Turn,
    failures: &FirstFailures,
    stack: &Stack,
) -> Result<Option<FailedResource>, SourceError> {
    let Some(arn) = stack.arn.as_deref() else { return Ok(None) };
    if let Some(known) = failures.of(arn, stack) {
        return Ok(known);
    }
    let _permit = rate_limit.take(turn).await;
    // Boxed, because thousands of reads may wait for the budget.
    let reply = Box::pin(client.describe_stack_events().stack_name(arn).send()).await;
    let reply = reply.map_err(|error| source_error(DESCRIBE_STACK_EVENTS, &error)).inspect_err(|error| {
        if error.kind == SourceErrorKind::AccessDenied
            && failures.denied_until.lock().replace(Instant::now() + DENIED).is_none()
        {
            let words = redacted(&error.message);
            tracing::warn!(error = words, "{DESCRIBE_STACK_EVENTS} is denied: status.failure has no stackEvent");
        }
    })?;
    // The newest come first. A page has a hundred events, which is more than the stack of an image has.
    let events = required(reply.stack_events, DESCRIBE_STACK_EVENTS, "list")?;
    let failure = events.into_iter().rev().find(tells_of_failure).map(failed_resource);
    failures.put(arn, stack, failure.clone());
    Ok(failure)
}

/// One page of the events of `stack`: its ARN, or its name while it exists. `None` if there is no such stack.
pub async fn page(client: &Client, stack: &str, token: Option<String>) -> Result<Option<StackEvents>, SourceError> {
    match client.describe_stack_events().stack_name(stack).set_next_token(token).send().await {
        Ok(reply) => Ok(Some(StackEvents {
            next_token: reply.next_token,
            events: required(reply.stack_events, DESCRIBE_STACK_EVENTS, "list")?.into_iter().map(plain).collect(),
        })),
        Err(error) if says_missing(&error, "Stack ") => Ok(None),
        Err(error) => Err(source_error(DESCRIBE_STACK_EVENTS, &error)),
    }
}

fn plain(event: Event) -> StackEvent {
    StackEvent {
        event_id: event.event_id.unwrap_or_default(),
        physical_resource_id: event.physical_resource_id,
        resource_status: event.resource_status.map(|status| status.as_str().to_owned()),
        resource_status_reason: event.resource_status_reason,
        client_request_token: event.client_request_token,
        resource_properties: event.resource_properties,
        stack_id: event.stack_id.unwrap_or_default(),
        stack_name: event.stack_name.unwrap_or_default(),
        logical_resource_id: event.logical_resource_id,
        resource_type: event.resource_type,
        timestamp: event.timestamp.and_then(timestamp).map(wire_time).unwrap_or_default(),
    }
}

/// Not a resource whose creation was only cancelled, because another one failed or the stack is deleted.
fn tells_of_failure(event: &Event) -> bool {
    let is_cancelled = event.resource_status_reason.as_deref() == Some("Resource creation cancelled");
    !is_cancelled && event.resource_status.as_ref().is_some_and(|status| status.as_str().ends_with("_FAILED"))
}

fn failed_resource(event: Event) -> FailedResource {
    FailedResource {
        resource: event.logical_resource_id.unwrap_or_default(),
        status: event.resource_status.map(|status| status.as_str().to_owned()).unwrap_or_default(),
        reason: event.resource_status_reason.map(|reason| shortened(&reason).into_owned()),
    }
}
