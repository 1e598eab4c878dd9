//! The second step: what AWS says about the image that an object wants, from the reflector's store. Also the orphan and
//! the presigned URL, which are read separately.

use crate::describe_image::observe::ObserveError;
use crate::describe_image::response::{Ec2AmiInfo, ImageFields};
use crate::describe_image::source::Source;
use crate::describe_image::source_error::{SourceError, redacted};
use crate::describe_image::{self, DescribeImageResponse, ImageRef, Observation};
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus};
use crate::kubernetes::reconcile::account::Whose;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::memory::{Missed, Remembered};
use crate::kubernetes::reconcile::wanted::{self, Wanted};
use crate::kubernetes::reconcile::{account, orphan, presigned_url};
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::moment::Outcome;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::reflector::reading::Reading;
use jiff::{SignedDuration, Timestamp};
use std::sync::Arc;
use std::time::Duration;

/// Requeue time while the labels of namespaces are unknown. They arrive a moment after the first identity needs them.
const KNOWN_SOON: SignedDuration = SignedDuration::from_secs(1);

/// The result of the second step.
pub struct LookedUp {
    pub outcome: Outcome,
    pub at: Timestamp,
    pub account_id: Option<String>,
    /// When something outside the conditions is due, such as another presigned URL.
    pub until: Option<Timestamp>,
    /// The time between two reads of the image, if nothing delays them.
    pub interval: Duration,
    /// Whether it answers the read that a user has requested.
    pub answers_request: bool,
    /// When this process first met the mark Finalizing, by its own clock.
    pub finalizing_seen: Timestamp,
}

/// Looks up what `object` wants. `None` until AWS has answered.
pub async fn find_outcome<S: Source + 'static>(
    object: &CustomImage,
    wanted: &Wanted,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<S>,
) -> Option<LookedUp> {
    let now = context.now();
    let unasked = |outcome, until| LookedUp {
        outcome,
        at: context.now(),
        account_id: None,
        until,
        interval: context.settings.intervals.settled,
        answers_request: true,
        finalizing_seen: now,
    };
    match wanted {
        Wanted::Image(image) => {
            memory.refused = None;
            of_image(object, image, previous, memory, context).await
        }
        Wanted::Suspended(_) => {
            memory.refused = None;
            Some(unasked(Outcome::Suspended, None))
        }
        // The current status stays valid until the access is decided.
        Wanted::Undecided(_) if !previous.conditions.is_empty() => {
            Some(unasked(Outcome::Unconfirmed, now.checked_add(KNOWN_SOON).ok()))
        }
        Wanted::Undecided(error) | Wanted::Refused(error) => {
            let since = memory.refused_again(now);
            Some(unasked(failed(error, error.message.to_string(), since, None, previous, context), None))
        }
    }
}

async fn of_image<S: Source + 'static>(
    object: &CustomImage,
    image: &ImageRef,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<S>,
) -> Option<LookedUp> {
    let now = context.now();
    let requested = requested(object, previous, memory, now);
    let is_due = |time: &Timestamp| *time <= now;
    // A user has requested a read that begins at this time or later.
    let not_before = requested.filter(is_due);
    // After a miss, only a later read may confirm it.
    let reading = match memory.missed.confirmable_from(now).filter(is_due) {
        None => context.reflector.latest(image, not_before)?,
        Some(from) => {
            let sees = |observation: &Observation| !is_missed(response(image, observation).as_ref(), previous);
            context.reflector.latest_after_miss(image, not_before, from, sees)?
        }
    };
    let (outcome, account_id, until) = match &reading.answer {
        Ok(observation) => observed(observation, reading.at, image, previous, memory, context).await,
        Err(error) => {
            let since = reading.failing_since.unwrap_or(reading.at);
            let source_error = &error.source_error;
            let behind = memory.behind.map(|since| since.by(now));
            let answered_at = reading.answered_at.map(|at| behind.map_or(at, |since| since.min(at)));
            let outcome = failed(source_error, words(error), since, answered_at, previous, context);
            (outcome, None, None)
        }
    };
    let Reading { at, interval, .. } = reading;
    Some(LookedUp {
        outcome,
        at: context.now(),
        account_id,
        until: until.into_iter().chain(requested.filter(|time| !is_due(time))).min(),
        interval: interval.unwrap_or(context.settings.intervals.settled),
        answers_request: requested.is_none_or(|time| at >= time),
        finalizing_seen: memory.sees_finalizing(previous, now),
    })
}

/// When the read that a user has requested, and that the status does not confirm yet, is due.
fn requested(
    object: &CustomImage,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    now: Timestamp,
) -> Option<Timestamp> {
    let is_new = |value: &String| previous.last_handled_reconcile_at.as_ref() != Some(value);
    wanted::requested_at(object).filter(is_new).map(|value| memory.requested_at(&value, now))
}

fn failed<S>(
    error: &SourceError,
    message: String,
    since: Timestamp,
    answered_at: Option<Timestamp>,
    previous: &CustomImageStatus,
    context: &Context<S>,
) -> Outcome {
    let unsynced = conditions::find(&previous.conditions, conditions::SYNCED).filter(|synced| synced.status == "False");
    let was_suspended = unsynced.is_some_and(|synced| synced.reason == ReadyReason::Suspended.name());
    // An earlier process may have seen the failure first. Then it was one grace period before Synced became False. A suspended
    // object was not read any more from then on.
    let grace = if was_suspended { SignedDuration::ZERO } else { context.settings.periods.error };
    let unread_since = unsynced.and_then(|synced| synced.last_transition_time.0.checked_sub(grace).ok());
    let known_since = unread_since.filter(|_| !was_suspended);
    let message = match error.action {
        Some(action) => format!("{action} ({}): {message}", error.kind.reason()),
        // Without an action, AWS was not asked: the fault is in the object.
        None => message,
    };
    let message = match &error.fix {
        Some(fix) => format!("{message}{}{fix}", conditions::FIX),
        None => message,
    };
    Outcome::Failed {
        error: error.clone(),
        message,
        since: known_since.map_or(since, |known| known.min(since)),
        last_observed: last_observed(answered_at, context.leadership.since(), unread_since),
    }
}

/// When AWS last gave the answer that the status shows. `answered_at`: when it last answered at all. `begun`: when this process
/// began to lead. `unread_since`: since when no answer has reached the status, by its own words.
fn last_observed(answered_at: Option<Timestamp>, begun: Timestamp, unread_since: Option<Timestamp>) -> Timestamp {
    let answered = answered_at.unwrap_or(begun);
    // A later answer was for others that want the same image. Or another process wrote the status, by another clock.
    unread_since.map_or(answered, |since| since.min(answered))
}

/// The text of the error. For a region that no partition has, it says that AWS was not asked.
fn words(error: &ObserveError) -> String {
    match error.source_error.action {
        Some(_) => redacted(&error.to_string()),
        None => {
            format!("{}: AWS was not asked; create another CustomImage with another spec.region", error.source_error)
        }
    }
}

/// The outcome of an answer, the account that gave it, and when something outside the conditions is due.
async fn observed<S: Source + 'static>(
    observation: &Arc<Observation>,
    read_at: Timestamp,
    image: &ImageRef,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<S>,
) -> (Outcome, Option<String>, Option<Timestamp>) {
    let scope = &image.scope;
    let mut account_id = context.accounts.learn(scope, observation.account_id(), read_at);
    let mut response = response(image, observation);
    // The orphan is read even while a missed stack is not confirmed yet. So both are confirmed at the same time.
    let (orphan, asked_again_at) = orphan::read(observation, read_at, image, previous, memory, context).await;
    if !is_missed(response.as_ref(), previous) {
        memory.missed = Missed::default();
    } else if let Some(again_at) = memory.missed.again(read_at, context.settings.clock) {
        let until = asked_again_at.map_or(again_at, |asked| asked.min(again_at));
        return (Outcome::Unconfirmed, account_id, Some(until));
    } else {
        let source = context.reflector.source();
        match account::of_miss(scope, read_at, &context.accounts, source, context.settings.clock).await {
            Whose::Known(account) => account_id = account,
            Whose::NotYet(until) => return (Outcome::Unconfirmed, account_id, Some(until)),
        }
    }
    let mut until = asked_again_at;
    if let (true, Some(response)) = (context.settings.presigned_urls, response.as_mut()) {
        let source = context.reflector.source();
        let end = presigned_url::put(response, observation, scope, previous, source, context.now()).await;
        until = [until, end].into_iter().flatten().min();
    }
    let response = response.map(Box::new);
    (Outcome::Observed { observation: observation.clone(), response, orphan }, account_id, until)
}

fn response(image: &ImageRef, observation: &Observation) -> Option<DescribeImageResponse> {
    describe_image::describe(&image.id, &image.scope.region, observation).ok()
}

/// Whether the status reports an image that the answer lacks. An AMI is missed if there is none, or only a lesser one with
/// the same image id. A stack is missed if there is neither an AMI nor a stack: the AMI may have been tagged, and the stack
/// deleted, between the read of the AMIs and the read of the stacks.
fn is_missed(now: Option<&DescribeImageResponse>, previous: &CustomImageStatus) -> bool {
    let (now, before) = (now.map(|response| &response.image), &previous.image);
    let Some(reported) = &before.ec2_ami_info else { return before.image_build_status.is_some() && now.is_none() };
    match now.and_then(|image| Some((image, image.ec2_ami_info.as_ref()?))) {
        None => true,
        Some((image, listed)) => {
            let rank = |image: &ImageFields, ami: &Ec2AmiInfo| {
                (ami.state.as_deref() == Some("AVAILABLE"), image.creation_time.clone(), ami.ami_id.clone())
            };
            listed.ami_id != reported.ami_id && rank(image, listed) < rank(before, reported)
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_answer_that_others_had_while_the_object_was_suspended_is_not_in_its_status() {
        let at = |minute: i64| Timestamp::from_second(minute * 60).unwrap();
        let (answered, begun) = (Some(at(100)), at(30));
        assert_eq!(last_observed(answered, begun, Some(at(54))), at(54));
        assert_eq!(last_observed(answered, begun, Some(at(105))), at(100), "it failed only after the answer");
        assert_eq!(last_observed(answered, begun, None), at(100));
        assert_eq!(last_observed(None, begun, None), at(30), "a new process");
        assert_eq!(last_observed(None, begun, Some(at(20))), at(20), "unread before it began");
    }
}
