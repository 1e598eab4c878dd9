//! When an object is reconciled again without a trigger, and when its write must wait.

use crate::backoff::{doubled, jittered};
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus};
use crate::kubernetes::metrics::ReconcileResult;
use crate::kubernetes::reconcile::contest::WriteOrRest;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::memory::Remembered;
use crate::kubernetes::reconcile::outcome::LookedUp;
use crate::kubernetes::reconcile::wanted::Wanted;
use crate::kubernetes::reconcile::write;
use crate::kubernetes::status::compose::Next;
use crate::kubernetes::status::moment::Outcome;
use crate::kubernetes::watch::watched_image::Reference;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::controller::Action;
use std::time::Duration;

/// The longest time until an object is reconciled again. kube keeps a planned reconcile also for an object that was deleted,
/// so a user who creates and deletes objects must not plan them for hours.
const LONGEST: Duration = Duration::from_secs(600);

/// The first pause after a conflict. The watch nearly always delivers the new version sooner.
const CONFLICT_PAUSE: Duration = Duration::from_millis(500);

/// Before the fourth step: whether the write must wait, because many objects fail at once, or because another writer undoes
/// our writes.
pub async fn hold_back<S>(
    object: &CustomImage,
    wanted: &Wanted,
    outcome: &Outcome,
    stored: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<S>,
) -> Option<(Action, ReconcileResult)> {
    if let Outcome::Failed { error, .. } = outcome
        && let Err(later) = context.pace.turn(
            wanted.paced_scope(error),
            &Reference::new(&object.name_any()).within(&object.namespace().unwrap_or_default()),
        )
    {
        return Some((Action::requeue(later), ReconcileResult::Paced));
    }
    match memory.contest.turn(stored, context.now()) {
        WriteOrRest::Write => None,
        WriteOrRest::Rest { left, is_news } => {
            if is_news {
                context.metrics.contested();
                context
                    .events
                    .put(object, write::contested(&context.client, object, left, context.settings.write_timeout).await);
            }
            Some((Action::requeue(jittered(left)), ReconcileResult::Contested))
        }
    }
}

/// When to reconcile again without a trigger: when time alone changes the status, and, after a backoff, when the object
/// was refused. A new answer of AWS triggers by itself.
pub fn next_action<S>(next: &Next, looked_up: &LookedUp, memory: &Remembered, context: &Context<S>) -> Action {
    // A moment later, so that the clock has certainly passed that time.
    let left = |until: Timestamp| {
        Duration::try_from(until.duration_since(context.now())).unwrap_or_default() + Duration::from_millis(50)
    };
    let until = [next.until, looked_up.until].into_iter().flatten().min().map(left);
    let again = memory.refused.filter(|_| matches!(looked_up.outcome, Outcome::Failed { .. }));
    let again = again.map(|(_, count)| context.pause_after(count));
    let next = [until, again].into_iter().flatten().min();
    next.map_or_else(Action::await_change, |pause| Action::requeue(pause.min(jittered(LONGEST))))
}

/// The object is outdated: another client wrote it, or the watch has not delivered our own write yet. The watch will
/// deliver the new version. AWS is not read before that.
pub fn put_off<S>(
    reference: Reference,
    mut memory: Remembered,
    version: &str,
    context: &Context<S>,
) -> (Action, ReconcileResult) {
    let longest = context.settings.intervals.in_progress;
    let pause = doubled(CONFLICT_PAUSE, longest, memory.echo.met_outdated(version));
    context.memory.store(reference, memory);
    (Action::requeue(jittered(pause)), ReconcileResult::Conflict)
}

/// The write was answered 404. Only the watch knows that an object is gone, because a proxy may answer 404, too. Of a deleted
/// object the store has nothing, so it is not reconciled again.
pub fn gone<S>(reference: &Reference, context: &Context<S>) -> (Action, ReconcileResult) {
    let (failures, _) = context.memory.count_failed_write(reference, "gone", context.now());
    (Action::requeue(context.pause_after(failures)), ReconcileResult::Gone)
}
