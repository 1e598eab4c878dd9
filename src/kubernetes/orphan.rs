//! The AMI of a build that was done and was never tagged: whether it is still there. One read for each orphan and settled
//! interval, and none for any other image.

use super::conditions;
use super::context::Context;
use super::custom_image::CustomImageStatus;
use super::memory::{AskedOrphan, Remembered};
use super::status::Orphan;
use super::{build_story, verdict};
use crate::describe_image::source::OrphanSource;
use crate::describe_image::{Observation, Scope};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// A read that waits longer, for AWS or for the budget, is given up: other objects wait for this reconcile.
const PATIENCE: Duration = Duration::from_secs(5);

/// EC2 is eventually consistent: what it does not list is gone when a second read, this much later, agrees.
const CONFIRM_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// What is known of the orphan, and when it is to be asked for again.
pub async fn look<O: OrphanSource>(
    observation: &Observation,
    scope: &Scope,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<O>,
) -> (Orphan, Option<Timestamp>) {
    let now = Timestamp::now();
    let Some(arn) = wanted(observation, previous, now, context) else {
        memory.orphan = None;
        return (Orphan::Unknown, None);
    };
    let asked = memory.orphan.take().filter(|asked| asked.arn == arn);
    let asked = match asked {
        Some(asked) if now < asked.again_at => asked,
        asked => ask(arn, scope, asked, now, context).await,
    };
    let answer = (asked.answer.clone(), Some(asked.again_at));
    memory.orphan = Some(asked);
    answer
}

/// The image build whose AMI is missed for too long.
fn wanted<O>(
    observation: &Observation,
    previous: &CustomImageStatus,
    now: Timestamp,
    context: &Context<O>,
) -> Option<String> {
    let mark = conditions::find(&previous.conditions, conditions::FINALIZING)?;
    let until = mark.last_transition_time.0.checked_add(context.settings.status.finalizing_period).ok()?;
    let (build, _) = build_story::next(previous, observation, now);
    let build = build.filter(|build| build.ami_id.is_none() && now >= until)?;
    build.image_arn.filter(|_| verdict::may_be_orphaned(observation))
}

async fn ask<O: OrphanSource>(
    arn: String,
    scope: &Scope,
    before: Option<AskedOrphan>,
    now: Timestamp,
    context: &Context<O>,
) -> AskedOrphan {
    let read = tokio::time::timeout(PATIENCE, context.observer.orphan(scope, &arn)).await;
    let missed_at = before.as_ref().and_then(|before| before.missed_at);
    let (answer, missed_at) = match read {
        Ok(Ok(Some(ami_id))) => (Orphan::Found(ami_id), None),
        Ok(Ok(None)) => {
            let missed_at = missed_at.unwrap_or(now);
            let is_confirmed = missed_at.checked_add(CONFIRM_AFTER).is_ok_and(|time| now >= time);
            let answer = if is_confirmed { Orphan::Gone } else { known(before) };
            (answer, Some(missed_at))
        }
        // What was known stands until AWS says otherwise.
        Ok(Err(_)) | Err(_) => (known(before), missed_at),
    };
    let is_unconfirmed = missed_at.is_some() && answer != Orphan::Gone;
    let settled = SignedDuration::try_from(context.settings.intervals.settled).unwrap_or(SignedDuration::MAX);
    let pause = if is_unconfirmed { CONFIRM_AFTER } else { settled };
    let again_at = now.checked_add(pause).unwrap_or(Timestamp::MAX);
    AskedOrphan { arn, answer, missed_at, again_at }
}

fn known(before: Option<AskedOrphan>) -> Orphan {
    before.map(|before| before.answer).unwrap_or_default()
}
