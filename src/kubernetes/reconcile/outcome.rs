//! One look at AWS for one object, and what is remembered of it.

use crate::describe_image::image_id::ImageId;
use crate::describe_image::observe::ObserveError;
use crate::describe_image::response::{Ec2AmiInfo, ImageFields};
use crate::describe_image::scope::Scope;
use crate::describe_image::source_error::{SourceError, SourceErrorKind, redacted};
use crate::describe_image::{self, DescribeImageResponse, Observation};
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus};
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::memory::Remembered;
use crate::kubernetes::reconcile::wanted::{self, Wanted};
use crate::kubernetes::reconcile::{orphan, presigned_url};
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::moment::Outcome;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::reflector::reading::{Observer, Reading};
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// EC2 is eventually consistent: an image is gone when a second look, this much later, agrees.
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
    /// How often the image is read while nothing is in the way.
    pub interval: Duration,
    /// Whether it answers the look that was asked for.
    pub is_asked_for: bool,
}

/// What is known of the object's image, unless the object is suspended or AWS cannot be asked for it; `None` while the answer is
/// still to come.
pub async fn at<O>(
    object: &CustomImage,
    wanted: &Wanted,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<O>,
) -> Option<Look>
where
    O: Observer,
{
    let now = Timestamp::now();
    let interval = context.settings.intervals.settled;
    if object.is_suspended() {
        memory.cleared();
        return Some(Look {
            outcome: Outcome::Suspended,
            at: now,
            account_id: None,
            until: None,
            interval,
            is_asked_for: true,
        });
    }
    let (scope, id) = match &wanted.target {
        Ok(target) => target,
        // Not yet known whether it may be asked: what stands is not worse for that.
        Err(error) if error.kind == SourceErrorKind::ServiceError && !previous.conditions.is_empty() => {
            let until = now.checked_add(KNOWN_SOON).ok();
            return Some(Look {
                outcome: Outcome::Unconfirmed,
                at: now,
                account_id: None,
                until,
                interval,
                is_asked_for: true,
            });
        }
        Err(error) => {
            memory.failures = memory.failures.saturating_add(1);
            let failing = Failing { since: *memory.failing_since.get_or_insert(now), answered_at: None, interval };
            return Some(failed(error.clone(), error.message.clone(), failing, previous, context));
        }
    };
    memory.cleared();
    let not_before = not_before(object, previous, memory, now);
    let reading = context.observer.latest(scope, id, not_before)?;
    let is_asked_for = not_before.is_none_or(|time| reading.at >= time);
    let look = match &reading.answer {
        Ok(observation) => observed(observation, &reading, (scope, id), previous, memory, context).await,
        Err(error) => {
            let text = words(error);
            let since = reading.failing_since.unwrap_or(reading.at);
            let failing = Failing { since, answered_at: reading.answered_at, interval: reading.interval };
            failed(error.source_error.clone(), text, failing, previous, context)
        }
    };
    Some(Look { is_asked_for, ..look })
}

/// How old an answer may be: it is newer than a wish to look now, and confirms that an AMI is gone only so much later.
fn not_before(
    object: &CustomImage,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    now: Timestamp,
) -> Option<Timestamp> {
    let requested =
        wanted::requested_at(object).filter(|word| previous.last_handled_reconcile_at.as_ref() != Some(word));
    let requested = requested.map(|word| memory.requested_at(&word, now));
    let confirming = memory.ami_missed_at.and_then(|missed| missed.checked_add(CONFIRM_AFTER).ok());
    requested.max(confirming.filter(|time| *time <= now))
}

/// Since when AWS does not answer, and when it last did.
struct Failing {
    since: Timestamp,
    answered_at: Option<Timestamp>,
    interval: Duration,
}

fn failed<O>(
    error: SourceError,
    message: String,
    failing: Failing,
    previous: &CustomImageStatus,
    context: &Context<O>,
) -> Look {
    // Synced=False tells of a failure that an earlier process has already waited out.
    let told = conditions::find(&previous.conditions, conditions::SYNCED)
        .filter(|synced| synced.status == "False" && synced.reason != ReadyReason::Suspended.name())
        .and_then(|synced| synced.last_transition_time.0.checked_sub(context.settings.periods.error).ok());
    let since = told.map_or(failing.since, |told| told.min(failing.since));
    let last_observed = failing.answered_at.or(told).unwrap_or_else(|| context.leading.since());
    let message = match error.action {
        // The object's own fault; AWS was not asked.
        "" => message,
        action => format!("{action} ({}): {message}", error.kind.reason()),
    };
    let message = match &error.fix {
        Some(fix) => format!("{message}{}{fix}", conditions::FIX),
        None => message,
    };
    let outcome = Outcome::Failed { error, message, since, last_observed };
    let interval = failing.interval;
    Look { outcome, at: Timestamp::now(), account_id: None, until: None, interval, is_asked_for: true }
}

/// What AWS said; of a region that no partition has nobody was asked.
fn words(error: &ObserveError) -> String {
    match error.source_error.action {
        "" => format!(
            "{}: AWS was not asked; name another region in another CustomImage (spec.region)",
            error.source_error
        ),
        _ => redacted(&error.to_string()),
    }
}

async fn observed<O>(
    observation: &Arc<Observation>,
    reading: &Reading,
    (scope, id): (&Scope, &ImageId),
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<O>,
) -> Look
where
    O: Observer,
{
    let look = |outcome, account_id, until| Look {
        outcome,
        at: Timestamp::now(),
        account_id,
        until,
        interval: reading.interval,
        is_asked_for: true,
    };
    let account_id = context.accounts.learn(scope, observation.account_id().map(|account| (account, reading.at)));
    let mut response = describe_image::describe(id, &scope.region, observation).ok();
    // Also while a stack is missed once only: both wait for their confirmation at the same time.
    let (orphan, asked_again_at) = orphan::look(reading, (scope, id), previous, memory, context).await;
    if let Some(until) = unconfirmed_until(response.as_ref(), previous, memory, reading.at) {
        return look(
            Outcome::Unconfirmed,
            account_id,
            asked_again_at.map_or(Some(until), |again| Some(again.min(until))),
        );
    }
    let mut until = asked_again_at;
    if let (true, Some(response)) = (context.settings.presigned_urls, response.as_mut()) {
        let end = presigned_url::put(response, observation, scope, previous, &context.observer).await;
        until = [until, end].into_iter().flatten().min();
    }
    let response = response.map(Box::new);
    look(Outcome::Observed { observation: observation.clone(), response, orphan }, account_id, until)
}

/// While an image that the status shows was missed once only: when to look again.
fn unconfirmed_until(
    response: Option<&DescribeImageResponse>,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    read_at: Timestamp,
) -> Option<Timestamp> {
    if !is_missed(response.map(|response| &response.image), &previous.image) {
        memory.ami_missed_at = None;
        return None;
    }
    // A clock that was set back must not make the wait longer.
    let missed_at = memory.ami_missed_at.map_or(read_at, |missed_at| missed_at.min(read_at));
    memory.ami_missed_at = Some(missed_at);
    missed_at.checked_add(CONFIRM_AFTER).ok().filter(|until| read_at < *until)
}

/// True when the status shows an image and AWS has none, or EC2 only a lesser one of the same id. Of a stack, too: its AMI may have
/// been tagged, and the stack have gone, between the two reads.
fn is_missed(now: Option<&ImageFields>, before: &ImageFields) -> bool {
    let Some(shown) = &before.ec2_ami_info else { return before.image_build_status.is_some() && now.is_none() };
    match now.and_then(|image| Some((image, image.ec2_ami_info.as_ref()?))) {
        None => true,
        Some((image, listed)) => {
            let rank = |image: &ImageFields, ami: &Ec2AmiInfo| {
                (ami.state.as_deref() == Some("AVAILABLE"), image.creation_time.clone(), ami.ami_id.clone())
            };
            listed.ami_id != shown.ami_id && rank(image, listed) < rank(before, shown)
        }
    }
}
