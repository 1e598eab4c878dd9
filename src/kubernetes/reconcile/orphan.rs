//! The AMI of a build that was done and was never tagged: whether it is still there. One read for each orphan and settled
//! interval, and none for any other image.

use crate::describe_image::source::OrphanSource;
use crate::describe_image::{ImageId, Observation, Scope};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::memory::{AskedOrphan, Remembered};
use crate::kubernetes::status::moment::Orphan;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::status::verdict::missing::may_be_orphaned;
use crate::kubernetes::status::{build_story, conditions};
use crate::reflector::reading::Reading;
use jiff::{SignedDuration, Timestamp};
use std::time::Duration;

/// A read that waits longer, for AWS or for the budget, is given up: other objects wait for this reconcile.
const PATIENCE: Duration = Duration::from_secs(5);

/// EC2 is eventually consistent: what it does not list is gone when a second read, this much later, agrees.
const CONFIRM_AFTER: SignedDuration = SignedDuration::from_secs(15);

/// What is known of the orphan, and when it is to be asked for again.
pub async fn look<O: OrphanSource>(
    reading: &Reading,
    (scope, id): (&Scope, &ImageId),
    previous: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<O>,
) -> (Orphan, Option<Timestamp>) {
    let now = Timestamp::now();
    let observation = reading.answer.as_deref().ok();
    let Some(arn) = observation.and_then(|observation| wanted(observation, id, previous, now, context)) else {
        memory.orphan = None;
        return (Orphan::Unknown, None);
    };
    let asked = memory.orphan.take().filter(|asked| asked.arn == arn);
    let asked = match asked {
        // An answer stands until its image is read again, in time or because somebody asks for a look, and the clock goes on.
        Some(asked) if reading.at <= asked.at && asked.at <= now && now < asked.again_at => asked,
        asked => ask(arn, scope, asked, now, context).await,
    };
    let answer = (asked.answer.clone(), Some(asked.again_at));
    memory.orphan = Some(asked);
    answer
}

/// The image build whose AMI is missed for too long; all of that id where it is not known. What is gone is not asked for again.
fn wanted<O>(
    observation: &Observation,
    id: &ImageId,
    previous: &CustomImageStatus,
    now: Timestamp,
    context: &Context<O>,
) -> Option<String> {
    let mark = conditions::find(&previous.conditions, conditions::FINALIZING)?;
    // Deleted and Deleting say that it is gone.
    let is_open = [ReadyReason::Finalizing, ReadyReason::OrphanedImage].iter().any(|open| mark.reason == open.name());
    let until = mark.last_transition_time.0.checked_add(context.settings.periods.finalizing).ok()?;
    let (build, _) = build_story::next(previous, observation, now);
    let is_another = build_story::is_another(previous, build.as_ref());
    let build = build.unwrap_or_default();
    let is_missed = is_open && now >= until && !is_another && build.ami_id.is_none();
    let arn = build.image_arn.unwrap_or_else(|| build_story::any_image_arn(id.as_str()));
    (is_missed && may_be_orphaned(observation)).then_some(arn)
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
    let settled = SignedDuration::try_from(context.settings.intervals.settled).unwrap_or(SignedDuration::MAX);
    let (answer, missed_at, pause) = match read {
        Ok(Ok(Some(ami_id))) => (Orphan::Found(ami_id), None, settled),
        Ok(Ok(None)) => {
            // A clock that was set back must not make the wait longer.
            let missed_at = missed_at.map_or(now, |missed_at| missed_at.min(now));
            let left = CONFIRM_AFTER - now.duration_since(missed_at);
            if left.is_positive() {
                (known(before), Some(missed_at), left)
            } else {
                (Orphan::Gone, Some(missed_at), settled)
            }
        }
        // What was known stands until AWS says otherwise.
        Ok(Err(_)) | Err(_) => (known(before), missed_at, settled),
    };
    let again_at = now.checked_add(pause).unwrap_or(Timestamp::MAX);
    AskedOrphan { arn, at: now, answer, missed_at, again_at }
}

fn known(before: Option<AskedOrphan>) -> Orphan {
    before.map(|before| before.answer).unwrap_or_default()
}
