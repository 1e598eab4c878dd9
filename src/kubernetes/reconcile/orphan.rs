//! The orphan: whether the untagged AMI of a finished build still exists. One read for each orphan and settled
//! interval, and none for any other image.

use crate::describe_image::source::Source;
use crate::describe_image::{ImageId, ImageRef, Observation, Scope};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::memory::{AskedOrphan, Missed, Remembered};
use crate::kubernetes::status::moment::{Orphan, finalizing_since};
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::status::verdict::missing::may_be_orphaned;
use crate::kubernetes::status::{build_story, conditions};
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// Timeout of the read, including its wait for the budget. It is short because other objects wait for this reconcile.
const PATIENCE: Duration = Duration::from_secs(5);

/// The orphan, and when to read it again.
pub async fn read<S: Source + 'static>(
    observation: &Observation,
    read_at: Timestamp,
    image: &ImageRef,
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<S>,
) -> (Orphan, Option<Timestamp>) {
    let now = context.now();
    let finalizing = context.settings.periods.finalizing;
    let since = finalizing_since(previous, memory.sees_finalizing(previous, now));
    let is_late = since.and_then(|since| since.checked_add(finalizing).ok()).is_some_and(|until| until <= now);
    let Some(arn) = missed_build(observation, &image.id, previous, now).filter(|_| is_late) else {
        memory.orphan = None;
        return (Orphan::Unknown, None);
    };
    let asked = memory.orphan.take().filter(|asked| asked.arn == arn);
    let asked = match asked {
        // An answer is valid until it is due again, or until the image is read again, by schedule or because a user
        // requested it. It is not valid if the clock was set back.
        Some(asked) if read_at <= asked.at && asked.at <= now && now < asked.again_at => asked,
        asked => ask(arn, &image.scope, asked, now, context).await,
    };
    let answer = (asked.answer.clone(), Some(asked.again_at));
    memory.orphan = Some(asked);
    answer
}

/// The ARN of the image build whose AMI is missing, or a pattern of all builds of the id if the ARN is
/// unknown. `None` also if the AMI is already known to be gone.
fn missed_build(
    observation: &Observation,
    id: &ImageId,
    previous: &CustomImageStatus,
    now: Timestamp,
) -> Option<String> {
    let mark = conditions::find(&previous.conditions, conditions::FINALIZING)?;
    // The other reasons, Deleted and Deleting, mean that the AMI is gone.
    let is_open = [ReadyReason::Finalizing, ReadyReason::OrphanedImage].iter().any(|open| mark.reason == open.name());
    let (build, _) = build_story::next(previous, observation, now);
    let is_another = build_story::is_another(previous, &build);
    let is_missed = is_open && !is_another && build.ami_id.is_none();
    let arn = build.image_arn.unwrap_or_else(|| build_story::any_image_arn(id.as_str()));
    (is_missed && may_be_orphaned(observation)).then_some(arn)
}

async fn ask<S: Source + 'static>(
    arn: String,
    scope: &Scope,
    before: Option<AskedOrphan>,
    now: Timestamp,
    context: &Context<S>,
) -> AskedOrphan {
    let read = tokio::time::timeout(PATIENCE, context.reflector.source().orphan(scope, &arn)).await;
    let mut missed = before.as_ref().map(|before| before.missed).unwrap_or_default();
    let settled = SignedDuration::try_from(context.settings.intervals.settled).unwrap_or(SignedDuration::MAX);
    let settled_at = now.checked_add(settled).unwrap_or(Timestamp::MAX);
    let (answer, again_at) = match read {
        Ok(Ok(Some(ami_id))) => {
            missed = Missed::default();
            (Orphan::Found(ami_id), settled_at)
        }
        Ok(Ok(None)) => match missed.again(now, context.settings.clock) {
            Some(again_at) => (known(before), again_at),
            None => (Orphan::Gone, settled_at),
        },
        // Without an answer, the previous one stays valid.
        Ok(Err(_)) | Err(_) => (known(before), settled_at),
    };
    AskedOrphan { arn, at: now, answer, missed, again_at }
}

fn known(before: Option<AskedOrphan>) -> Orphan {
    before.map(|before| before.answer).unwrap_or_default()
}
