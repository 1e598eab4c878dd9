//! The driver: one look at one object, step by step. The decisions are in `status`, `transition` and `requeue`.

pub mod context;
pub mod events;
pub mod memory;
mod orphan;
mod outcome;
pub mod pace;
mod presigned_url;
pub mod wanted;
pub mod write;

use crate::backoff;
use crate::describe_image::{Scope, SourceError, SourceErrorKind};
use crate::kubernetes::chance;
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus};
use crate::kubernetes::metrics::ReconcileResult;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::reconcile::memory::Remembered;
use crate::kubernetes::reconcile::outcome::Look;
use crate::kubernetes::reconcile::wanted::{Asking, Wanted};
use crate::kubernetes::reconcile::write::Written;
use crate::kubernetes::status::compose::{self, Next};
use crate::kubernetes::status::moment::{Moment, Outcome};
use crate::kubernetes::status::transition::{self, Note};
use crate::kubernetes::watch::watched_image::{Reference, WatchedImage};
use crate::reflector::reading::{Observe, Observer};
use jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// So often an object is met at a version that is known to be outdated before it is looked at all the same.
const MOST_MEETINGS: u32 = 8;

/// How soon an object is looked at again that AWS has not answered for.
const STILL_UNREAD: Duration = Duration::from_secs(60);

/// One look at AWS for `object`, one status write at most.
///
/// # Errors
/// When the status could not be written.
pub async fn reconcile<O>(object: Arc<WatchedImage>, context: Arc<Context<O>>) -> Result<Action, write::WriteError>
where
    O: Observer + 'static,
{
    let started = Instant::now();
    let result = look_and_write(&object, &context).await;
    let label = match &result {
        Ok((_, label)) => *label,
        Err(_) => ReconcileResult::Failed,
    };
    context.meter.reconciled(label, started.elapsed());
    result.map(|(action, _)| action)
}

async fn look_and_write<O>(
    watched: &WatchedImage,
    context: &Context<O>,
) -> Result<(Action, ReconcileResult), write::WriteError>
where
    O: Observer,
{
    let (reference, object) = (watched.reference(), &watched.object());
    let mut memory = context.memory.recall(&reference, object.meta().uid.as_deref().unwrap_or_default());
    let version = object.resource_version().unwrap_or_default();
    if memory.outdated.as_ref().is_some_and(|(outdated, met)| *outdated == version && *met < MOST_MEETINGS) {
        let action = after_conflict(&mut memory, &version, context);
        context.memory.store(reference, memory);
        return Ok((action, ReconcileResult::Conflict));
    }
    let wanted = show(&reference, object, context);
    let mut stored = object.status.clone().unwrap_or_default();
    compose::sort(&mut stored);
    let Some((look, previous, moved)) = look(object, &wanted, &stored, &mut memory, context).await else {
        // The answer comes as a change; until then time may change the status.
        context.memory.store(reference, memory);
        return Ok((Action::requeue(STILL_UNREAD), ReconcileResult::Unchanged));
    };
    let next = next_status(object, &wanted, &look, &previous, context);

    context.memory.store(reference.clone(), memory.clone()); // before the write, which may fail
    if let Outcome::Failed { error, .. } = &look.outcome
        && stored != next.status
        && let Err(later) = context.pace.turn(paced_scope(&wanted, error)).await
    {
        return Ok((Action::requeue(chance::jittered(later)), ReconcileResult::Paced));
    }
    let written = write_if_changed(object, &stored, &next.status, context).await?;
    let label = match &written {
        None => ReconcileResult::Unchanged,
        Some(Written::Applied { version: now }) => {
            memory.wrote(version, now.clone());
            if matches!(look.outcome, Outcome::Observed { .. }) {
                // What was missed is told; the next miss is another one.
                memory.ami_missed_at = None;
            }
            context.memory.store(reference, memory.clone());
            tell(object, &previous, &next.status, moved, context);
            ReconcileResult::Changed
        }
        Some(Written::Conflict) => {
            let action = after_conflict(&mut memory, &version, context);
            context.memory.store(reference, memory);
            return Ok((action, ReconcileResult::Conflict));
        }
        Some(Written::Gone) => {
            context.memory.forget(&reference);
            context.hide(&reference);
            return Ok((Action::await_change(), ReconcileResult::Gone));
        }
    };
    Ok((next_look(&next, &look, &memory, context), label))
}

fn next_status<O>(
    object: &CustomImage,
    wanted: &Wanted,
    look: &Look,
    previous: &CustomImageStatus,
    context: &Context<O>,
) -> Next {
    let moment = Moment {
        previous,
        image_id: &wanted.image_id,
        region: &wanted.region,
        account_id: look.account_id.as_deref(),
        generation: object.meta().generation,
        created: object.creation_timestamp().map_or(look.at, |time| time.0),
        now: look.at,
        interval: look.interval.try_into().unwrap_or_default(),
        periods: &context.settings.periods,
    };
    let mut next = compose::next(&look.outcome, &moment);
    if look.outcome != Outcome::Suspended && look.is_asked_for {
        next.status.last_handled_reconcile_at = wanted::requested_at(object).or(next.status.last_handled_reconcile_at);
    }
    next
}

/// Looks, and gives beside it the status to go on from and what made it another image's.
async fn look<O>(
    object: &CustomImage,
    wanted: &Wanted,
    stored: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<O>,
) -> Option<(Look, CustomImageStatus, Option<Note>)>
where
    O: Observer,
{
    let known = wanted.target.as_ref().ok().and_then(|(scope, _)| context.accounts.learn(scope, None));
    let (previous, moved) = wanted::of_same_image(stored, wanted, known.as_deref());
    let look = outcome::at(object, wanted, &previous, memory, context).await?;
    Some(match look.outcome {
        // The answer itself may tell that it is another account's.
        Outcome::Observed { .. } if moved.is_none() => {
            let (previous, moved) = wanted::of_same_image(stored, wanted, look.account_id.as_deref());
            (look, previous, moved)
        }
        _ => (look, previous, moved),
    })
}

/// Whose turn a failure waits for. What we refuse ourselves has one for all: anybody may invent names.
fn paced_scope<'a>(wanted: &'a Wanted, error: &SourceError) -> Option<&'a Scope> {
    let (scope, _) = wanted.target.as_ref().ok()?;
    Some(scope).filter(|_| error.kind != SourceErrorKind::UnknownRegion)
}

/// Whether the account that answers for `object`, as far as it is known, is another than its status names, or may be by now.
pub fn names_another_account<O>(object: &WatchedImage, context: &Context<O>) -> bool {
    let Ok((scope, _)) = wanted(&object.without_status(), context).target else { return false };
    context.memory.is_outdated(object) || context.accounts.learn(&scope, None) != object.account_id
}

/// What the object asks for, read in time from now on.
pub fn show<O: Observe>(reference: &Reference, object: &CustomImage, context: &Context<O>) -> Wanted {
    let wanted = wanted(object, context);
    match &wanted.target {
        Ok(target) if !object.is_suspended() => context.show(reference, target),
        _ => context.hide(reference),
    }
    wanted
}

fn wanted<O>(object: &CustomImage, context: &Context<O>) -> Wanted {
    let identities = context.identities.borrow().clone();
    let asking = Asking {
        default_region: context.settings.default_region.as_ref(),
        identities: &identities,
        namespaces: &context.namespaces,
    };
    wanted::wanted(object, &asking)
}

async fn write_if_changed<O>(
    object: &CustomImage,
    stored: &CustomImageStatus,
    next: &CustomImageStatus,
    context: &Context<O>,
) -> Result<Option<Written>, write::WriteError> {
    if stored == next {
        return Ok(None);
    }
    let result = write::status(&context.client, object, next, context.settings.write_timeout).await;
    context.meter.status_written(&result);
    result.map(Some)
}

/// What AWS says anew comes by itself; left is what time alone changes, and what AWS may not be asked for.
fn next_look<O>(next: &Next, look: &Look, memory: &Remembered, context: &Context<O>) -> Action {
    let until = [next.until, look.until].into_iter().flatten().min();
    let until = until.map(|until| backoff::until(until, Timestamp::now()));
    let again = match &look.outcome {
        Outcome::Failed { .. } if memory.failures > 0 => {
            Some(chance::jittered(context.settings.intervals.after_error(memory.failures)))
        }
        Outcome::Failed { .. } | Outcome::Observed { .. } | Outcome::Unconfirmed | Outcome::Suspended => None,
    };
    [until, again].into_iter().flatten().min().map_or_else(Action::await_change, Action::requeue)
}

fn tell<O>(
    object: &CustomImage,
    previous: &CustomImageStatus,
    next: &CustomImageStatus,
    moved: Option<Note>,
    context: &Context<O>,
) {
    for note in moved.into_iter().chain(transition::notes(previous, next)) {
        tracing::info!(
            namespace = object.namespace().unwrap_or_default(),
            name = object.name_any(),
            reason = note.reason,
            "{}",
            note.text
        );
        context.events.put(object, note);
    }
}

/// Someone else wrote, or the watch lags behind our own write: it will bring the new version. AWS is not asked before.
fn after_conflict<O>(memory: &mut Remembered, version: &str, context: &Context<O>) -> Action {
    let waits = memory.met_outdated(version).min(16);
    let pause = Duration::from_millis(500).saturating_mul(2u32.saturating_pow(waits.saturating_sub(1)));
    let pause = pause.min(context.settings.intervals.in_progress.max(Duration::from_millis(500)));
    Action::requeue(chance::jittered(pause))
}
