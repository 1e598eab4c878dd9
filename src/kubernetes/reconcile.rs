//! Reconciles one object in five steps. `subscribe`: to the image that it wants. `look_up`: what AWS says about that image.
//! `decide`: the next status. `write`: only if the status is different. `publish`: Events for transitions.

mod account;
mod contest;
pub mod context;
mod echo;
pub mod events;
pub mod memory;
mod orphan;
mod outcome;
pub mod pace;
mod presigned_url;
mod requeue;
pub mod unwritten;
pub mod wanted;
pub mod write;

use crate::describe_image::source::Source;
use crate::kubernetes::custom_image::{CustomImage, CustomImageStatus};
use crate::kubernetes::metrics::ReconcileResult;
use crate::kubernetes::status::compose::{self, Next};
use crate::kubernetes::status::moment::{Moment, Outcome};
use crate::kubernetes::status::transition::{self, Note};
use crate::kubernetes::watch::watched_image::{Reference, WatchedImage};
use context::Context;
use kube::runtime::controller::Action;
use kube::{Resource, ResourceExt};
use memory::Remembered;
use outcome::{LookedUp, find_outcome};
use requeue::{gone, hold_back, next_action, put_off};
use std::sync::Arc;
use std::time::{Duration, Instant};
use wanted::{Wanted, of_same_image, requested_at};
use write::{WriteError, Written};

/// Requeue time of an object for which AWS has not answered yet.
const STILL_UNREAD: Duration = Duration::from_secs(60);

/// Reconciles one object, with at most one status write.
///
/// # Errors
/// When the status could not be written.
pub async fn reconcile<S>(object: Arc<WatchedImage>, context: Arc<Context<S>>) -> Result<Action, WriteError>
where
    S: Source + 'static,
{
    let started = Instant::now();
    let result = five_steps(&object, &context).await;
    let label = match &result {
        Ok((_, label)) => *label,
        Err(_) => ReconcileResult::Failed,
    };
    context.metrics.reconciled(label, started.elapsed());
    result.map(|(action, _)| action)
}

async fn five_steps<S: Source + 'static>(
    watched: &WatchedImage,
    context: &Context<S>,
) -> Result<(Action, ReconcileResult), WriteError> {
    let (reference, object) = (watched.reference(), &watched.object());
    let version = object.resource_version().unwrap_or_default();
    let mut memory = context.memory.recall(&reference, object.meta().uid.as_deref().unwrap_or_default());
    // The watch has not delivered the last write yet, so this version is outdated.
    if memory.echo.is_awaited_at(&version) {
        return Ok(put_off(reference, memory, &version, context));
    }
    memory.contest.meets(watched.status.as_ref());

    let region = context.region_of(object);
    let wanted = subscribe(&reference, object, &region, context);
    let Some(found) = look_up(watched, object, &wanted, &region, &mut memory, context).await else {
        // The answer arrives as a change. The requeue checks now and then that the object may still read AWS.
        context.memory.store(reference, memory);
        return Ok((Action::requeue(STILL_UNREAD), ReconcileResult::Unchanged));
    };
    publish(object, memory.contest.untold(&found.stored), context);
    let next = decide(object, &region, &found, context);
    memory.ignored_request(object).into_iter().for_each(|note| context.events.put(object, note));

    let is_answered = matches!(found.looked_up.outcome, Outcome::Observed { .. });
    if found.stored == next.status {
        memory.stands(watched.status.as_ref(), is_answered);
        let action = next_action(&next, &found.looked_up, &memory, context);
        context.memory.store(reference, memory);
        return Ok((action, ReconcileResult::Unchanged));
    }
    memory.differs(is_answered, context.settings.clock);
    if let Some(held_back) =
        hold_back(object, &wanted, &found.looked_up.outcome, &found.stored, &mut memory, context).await
    {
        context.memory.store(reference, memory);
        return Ok(held_back);
    }
    memory.contest.tries(&next.status, notes(&found, &next.status));
    match write(watched, object, &next.status, &mut memory, context).await? {
        Written::Applied { version: now } => {
            let notes = memory.wrote(is_answered);
            memory.echo.wrote(&version, now);
            context.memory.store(reference, memory.clone());
            publish(object, notes, context);
            Ok((next_action(&next, &found.looked_up, &memory, context), ReconcileResult::Changed))
        }
        Written::Conflict { .. } => Ok(put_off(reference, memory, &version, context)),
        Written::Gone => Ok(gone(&reference, context)),
    }
}

/// The first step: what the object wants. Subscribes it to that image, so that the reflector keeps the image fresh.
fn subscribe<S: Source + 'static>(
    reference: &Reference,
    object: &CustomImage,
    region: &str,
    context: &Context<S>,
) -> Wanted {
    let wanted = match context.wanted(object, region) {
        Wanted::Image(image) if !context.reflector.source().lists(&image.scope.region) => {
            wanted::of_unlisted_region(image, &context.reflector.unlisted_regions(&reference.into()))
        }
        wanted => wanted,
    };
    match &wanted {
        Wanted::Image(image) => context.reflector.subscribe(&reference.into(), image),
        Wanted::Refused(_) | Wanted::Undecided(_) | Wanted::Suspended(_) => {
            context.reflector.unsubscribe(&reference.into());
        }
    }
    wanted
}

/// Subscribes an object before its first reconcile.
pub fn subscribe_early<S: Source + 'static>(object: &WatchedImage, context: &Context<S>) {
    let (reference, object) = (object.reference(), object.without_status());
    subscribe(&reference, &object, &context.region_of(&object), context);
}

/// The result of the second step: what was looked up, and the status to start from.
struct Found {
    looked_up: LookedUp,
    /// The status in the API server.
    stored: CustomImageStatus,
    /// The same status, but cleared if it belongs to another image.
    previous: CustomImageStatus,
    /// The Event that says why it was cleared.
    moved: Option<Note>,
}

/// The second step: what AWS says about the image. `None` until AWS has answered.
async fn look_up<S: Source + 'static>(
    watched: &WatchedImage,
    object: &CustomImage,
    wanted: &Wanted,
    region: &str,
    memory: &mut Remembered,
    context: &Context<S>,
) -> Option<Found> {
    let mut stored = object.status.clone().unwrap_or_default();
    compose::sort(&mut stored);
    let account_id = wanted.image().and_then(|image| context.accounts.of(&image.scope));
    // What another writer says is not what AWS says.
    let mut ours = memory.contest.ours(&stored).unwrap_or_else(|| watched.own_status());
    compose::sort(&mut ours);
    let (mut previous, mut moved) = of_same_image(&ours, region, account_id.as_deref());
    let looked_up = find_outcome(object, wanted, &previous, memory, context).await?;
    if moved.is_none() && matches!(looked_up.outcome, Outcome::Observed { .. }) {
        // Only the answer itself may reveal that the account is another one.
        (previous, moved) = of_same_image(&ours, region, looked_up.account_id.as_deref());
    }
    Some(Found { looked_up, stored, previous, moved })
}

/// The third step: the next status.
fn decide<S>(object: &CustomImage, region: &str, found: &Found, context: &Context<S>) -> Next {
    let looked_up = &found.looked_up;
    let moment = Moment {
        object: &format!("{} -n {}", object.name_any(), object.namespace().unwrap_or_default()),
        previous: &found.previous,
        image_id: &object.spec.image_id,
        region,
        account_id: looked_up.account_id.as_deref(),
        generation: object.meta().generation,
        created: object.creation_timestamp().map_or(looked_up.at, |time| time.0),
        finalizing_seen: looked_up.finalizing_seen,
        now: looked_up.at,
        interval: looked_up.interval.try_into().unwrap_or_default(),
        periods: &context.settings.periods,
    };
    let mut next = compose::next(&looked_up.outcome, &moment);
    if looked_up.outcome != Outcome::Suspended && looked_up.answers_request {
        next.status.last_handled_reconcile_at = requested_at(object).or(next.status.last_handled_reconcile_at);
    }
    next
}

/// The fourth step. The memory keeps a write that may be done without an answer.
async fn write<S>(
    watched: &WatchedImage,
    object: &CustomImage,
    next: &CustomImageStatus,
    memory: &mut Remembered,
    context: &Context<S>,
) -> Result<Written, WriteError> {
    // Before the write, so that a failed write does not lose it.
    context.memory.store(watched.reference(), memory.clone());
    let timeout = context.settings.write_timeout;
    let written = write::status(&context.client, object, watched.is_replaced, next, timeout).await;
    context.metrics.status_written(&written);
    if write::is_undone(&written) {
        memory.contest.was_refused();
        context.memory.store(watched.reference(), memory.clone());
    }
    written
}

/// The Events of the next status.
fn notes(found: &Found, next: &CustomImageStatus) -> Vec<Note> {
    found.moved.clone().into_iter().chain(transition::notes(&found.previous, next)).collect()
}

/// The fifth step: the Events of a write that is done.
fn publish<S>(object: &CustomImage, notes: Vec<Note>, context: &Context<S>) {
    for note in notes {
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

/// Whether the known account of `object`'s scope is not the one in its status. Also true if `object` is outdated,
/// because its current status may name another account.
pub fn names_another_account<S>(object: &WatchedImage, context: &Context<S>) -> bool {
    let wants = object.without_status();
    let wanted = context.wanted(&wants, &context.region_of(&wants));
    let Some(image) = wanted.image() else { return false };
    context.memory.is_outdated(object) || context.accounts.of(&image.scope) != object.account_id
}
