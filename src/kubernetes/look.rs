//! One look at AWS for one object, and what is remembered of it.

use super::conditions::{self, ReadyReason};
use super::context::Context;
use super::custom_image::{CustomImage, CustomImageStatus};
use super::memory::Remembered;
use super::presigned;
use super::redact;
use super::spec::Wanted;
use super::status::Outcome;
use crate::describe_image::image_config::{self, NOT_AVAILABLE};
use crate::describe_image::image_id::ImageId;
use crate::describe_image::observe::Observe;
use crate::describe_image::response::ImageFields;
use crate::describe_image::scope::Scope;
use crate::describe_image::source::ImageConfigSource;
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::describe_image::{self, DescribeImageResponse, Observation};
use jiff::{SignedDuration, Timestamp};

/// EC2 is eventually consistent: an AMI is gone when a second look, this much later, agrees.
const CONFIRM_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// Labels of namespaces are known a moment after the first identity needs them.
const KNOWN_SOON: SignedDuration = SignedDuration::from_secs(1);

/// What a look gave.
pub struct Look {
    pub outcome: Outcome,
    pub at: Timestamp,
    pub account_id: Option<String>,
    /// When something outside the conditions is due, such as another presigned URL.
    pub until: Option<Timestamp>,
}

/// Looks, unless the object is suspended or cannot be asked for.
pub async fn at<O>(
    object: &CustomImage,
    wanted: &Wanted,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<O>,
) -> Look
where
    O: Observe + ImageConfigSource,
{
    if object.is_suspended() {
        memory.failures = 0;
        memory.failing_since = None;
        return Look { outcome: Outcome::Suspended, at: Timestamp::now(), account_id: None, until: None };
    }
    let (scope, id) = match &wanted.target {
        Ok(target) => target,
        // Not yet known whether it may be asked: what stands is not worse for that.
        Err(error) if error.kind == SourceErrorKind::ServiceError && !previous.conditions.is_empty() => {
            let now = Timestamp::now();
            let until = now.checked_add(KNOWN_SOON).ok();
            return Look { outcome: Outcome::Unconfirmed, at: now, account_id: None, until };
        }
        Err(error) => return failed(error.clone(), error.message.clone(), previous, memory, context),
    };
    match context.observer.observe_one(scope, id).await {
        Ok(observation) => observed(observation, scope, id, previous, memory, context).await,
        Err(error) => {
            let text = redact::message(&error.to_string());
            failed(error.source_error, text, previous, memory, context)
        }
    }
}

fn failed<O>(
    error: SourceError,
    message: String,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<O>,
) -> Look {
    let now = Timestamp::now();
    // Synced=False tells of a failure that an earlier process has already waited out.
    let told = conditions::find(&previous.conditions, conditions::SYNCED)
        .filter(|synced| synced.status == "False" && synced.reason != ReadyReason::Suspended.name())
        .and_then(|synced| synced.last_transition_time.0.checked_sub(context.settings.status.error_grace).ok());
    let since = *memory.failing_since.get_or_insert(told.unwrap_or(now));
    let last_observed = memory.last_observed.or(told).unwrap_or_else(|| context.leading.since());
    memory.failures = memory.failures.saturating_add(1);
    let message = match error.action {
        // The object's own fault; AWS was not asked.
        "" => message,
        action => format!("{action} ({}): {message}", error.kind.reason()),
    };
    let outcome = Outcome::Failed { error, message, since, last_observed };
    Look { outcome, at: now, account_id: None, until: None }
}

async fn observed<O>(
    observation: Observation,
    scope: &Scope,
    id: &ImageId,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<O>,
) -> Look
where
    O: ImageConfigSource,
{
    let now = Timestamp::now();
    memory.answered(now);
    let account_id = context.accounts.learn(scope, observation.account_id());
    let mut response = describe_image::describe(id, &scope.region, &observation).ok();
    if let Some(until) = unconfirmed_until(response.as_ref(), previous, memory, now) {
        return Look { outcome: Outcome::Unconfirmed, at: now, account_id, until: Some(until) };
    }
    let mut until = None;
    if let (true, Some(response)) = (context.settings.presigned_urls, response.as_mut()) {
        until = presign(response, &observation, scope, previous, context).await;
    }
    Look {
        outcome: Outcome::Observed { observation: Box::new(observation), response: response.map(Box::new) },
        at: now,
        account_id,
        until,
    }
}

/// While an AMI that the status shows was missed once only: when to look again.
fn unconfirmed_until(
    response: Option<&DescribeImageResponse>,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    now: Timestamp,
) -> Option<Timestamp> {
    if !is_missed(response.map(|response| &response.image), &previous.image) {
        memory.ami_missed_at = None;
        return None;
    }
    let missed_at = *memory.ami_missed_at.get_or_insert(now);
    missed_at.checked_add(CONFIRM_AFTER).ok().filter(|until| now < *until)
}

/// True when the status shows an AMI and EC2 lists none, or only an older one of the same id.
fn is_missed(now: Option<&ImageFields>, before: &ImageFields) -> bool {
    let Some(shown) = &before.ec2_ami_info else { return false };
    match now.and_then(|image| Some((image, image.ec2_ami_info.as_ref()?))) {
        None => true,
        Some((image, listed)) => (&image.creation_time, &listed.ami_id) < (&before.creation_time, &shown.ami_id),
    }
}

/// Puts a presigned URL into the response; the one that stands stays while it is good. Gives its end.
async fn presign<O>(
    response: &mut DescribeImageResponse,
    observation: &Observation,
    scope: &Scope,
    previous: &CustomImageStatus,
    context: &Context<O>,
) -> Option<Timestamp>
where
    O: ImageConfigSource,
{
    let object = image_config::config_object(observation, &scope.region)?;
    let standing = previous.image_configuration.as_ref().map(|configuration| configuration.url.clone());
    let now = Timestamp::now();
    let kept = standing.as_ref().and_then(|url| Some((presigned::kept_until(url, &object, now)?, url)));
    if let Some((until, url)) = kept {
        response.image_configuration.url.clone_from(url);
        return Some(until);
    }
    if let Some(url) = context.observer.presigned_url(scope, &object).await {
        response.image_configuration.url = url;
        return presigned::kept_until(&response.image_configuration.url, &object, now);
    }
    // A bucket that cannot be used for a moment takes nothing from the URL that stands.
    let standing = standing.filter(|url| presigned::end(url, &object).is_some_and(|end| now < end));
    response.image_configuration.url = standing.unwrap_or_else(|| NOT_AVAILABLE.to_owned());
    now.checked_add(SignedDuration::from_mins(1)).ok()
}
