//! The driver: one look at one object, step by step. The decisions are in `status`, `transition` and `requeue`.

use super::accounts::Accounts;
use super::conditions;
use super::custom_image::{CustomImage, CustomImageStatus};
use super::memory::{Memory, Remembered};
use super::meter::{Meter, ReconcileResult};
use super::pace::Pace;
use super::recorder::EventQueue;
use super::requeue::{self, Intervals};
use super::spec::{self, Wanted};
use super::status::{self, Moment, Next, Outcome};
use super::transition::{self, Note};
use super::{look, write};
use crate::describe_image::Region;
use crate::describe_image::observe::Observe;
use crate::describe_image::source::ImageConfigSource;
use jiff::Timestamp;
use kube::runtime::controller::Action;
use kube::runtime::reflector::ObjectRef;
use kube::{Client, Resource, ResourceExt};
use std::hash::{BuildHasher, Hasher, RandomState};
use std::sync::Arc;
use std::time::{Duration, Instant};

/// What every reconcile shares.
pub struct Context<O> {
    pub client: Client,
    pub observer: O,
    pub events: EventQueue,
    pub memory: Arc<Memory>,
    pub accounts: Accounts,
    pub meter: Meter,
    pub pace: Pace,
    pub settings: Settings,
    /// When this process began: nothing can have been observed by it before.
    pub started: Timestamp,
}

/// How the controller behaves.
#[derive(Clone, Debug)]
pub struct Settings {
    /// The one namespace to watch, or all.
    pub namespace: Option<String>,
    pub status: status::Settings,
    pub intervals: Intervals,
    /// The region of objects without one.
    pub default_region: Option<Region>,
    /// Whether a status shows presigned URLs in place of `s3://` ones.
    pub presigned_urls: bool,
    /// For each write to the API server.
    pub write_timeout: Duration,
    /// Reconciles at once.
    pub concurrency: u16,
}

/// One look at AWS for `object`, one status write at most.
///
/// # Errors
/// When the status could not be written.
pub async fn reconcile<O>(object: Arc<CustomImage>, context: Arc<Context<O>>) -> Result<Action, write::WriteError>
where
    O: Observe + ImageConfigSource + 'static,
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
    object: &CustomImage,
    context: &Context<O>,
) -> Result<(Action, ReconcileResult), write::WriteError>
where
    O: Observe + ImageConfigSource,
{
    let reference = ObjectRef::from_obj(object);
    let mut memory = context.memory.recall(&reference, object.meta().uid.as_deref().unwrap_or_default());
    let wanted = spec::wanted(object, context.settings.default_region.as_ref());
    let stored = object.status.clone().unwrap_or_default();
    let (previous, moved) = spec::of_same_region(&stored, &wanted);
    let look = look::at(object, &wanted, &previous, &mut memory, context).await;

    let moment = Moment {
        previous: &previous,
        image_id: &wanted.image_id,
        region: &wanted.region,
        account_id: look.account_id.as_deref().or(previous.account_id.as_deref()),
        generation: object.meta().generation,
        created: object.creation_timestamp().map_or(look.at, |time| time.0),
        now: look.at,
        interval: interval(&previous, look.at, context).try_into().unwrap_or_default(),
        settings: &context.settings.status,
    };
    let mut next = status::next(&look.outcome, &moment);
    if look.outcome != Outcome::Suspended {
        next.status.last_handled_reconcile_at = spec::requested_at(object).or(next.status.last_handled_reconcile_at);
    }

    let label = write_if_changed(object, &stored, &next.status, &look.outcome, &wanted, context).await?;
    if label == ReconcileResult::Conflict {
        return Ok((Action::requeue(conflict_pause()), label));
    }
    let action = next_look(&next, &look, &memory, context);
    context.memory.store(reference, memory);
    if label == ReconcileResult::Changed {
        tell(object, &previous, &next.status, moved, context);
    }
    Ok((action, label))
}

async fn write_if_changed<O>(
    object: &CustomImage,
    stored: &CustomImageStatus,
    next: &CustomImageStatus,
    outcome: &Outcome,
    wanted: &Wanted,
    context: &Context<O>,
) -> Result<ReconcileResult, write::WriteError> {
    if stored == next {
        return Ok(ReconcileResult::Unchanged);
    }
    if matches!(outcome, Outcome::Failed { .. }) {
        context.pace.wait(&wanted.region).await;
    }
    let result = write::status(&context.client, object, next, context.settings.write_timeout).await;
    context.meter.status_written(&result);
    Ok(match result? {
        write::Written::Applied => ReconcileResult::Changed,
        write::Written::Conflict => ReconcileResult::Conflict,
        write::Written::Gone => ReconcileResult::Gone,
    })
}

fn next_look<O>(next: &Next, look: &look::Look, memory: &Remembered, context: &Context<O>) -> Action {
    let intervals = &context.settings.intervals;
    let pause = match look.outcome {
        Outcome::Suspended => return Action::await_change(),
        Outcome::Failed { .. } => intervals.after_error(memory.failures),
        // The look's own moment comes first.
        Outcome::Unconfirmed => intervals.settled,
        Outcome::Observed { .. } => interval(&next.status, look.at, context),
    };
    let until = [next.until, look.until].into_iter().flatten().min();
    Action::requeue(requeue::pause(pause, until, look.at, chance()))
}

/// The pause between two looks at an object that stands as `status` says.
fn interval<O>(status: &CustomImageStatus, now: Timestamp, context: &Context<O>) -> Duration {
    let ready = conditions::find(&status.conditions, conditions::READY);
    let absent_for = ready.map(|ready| now.duration_since(ready.last_transition_time.0)).unwrap_or_default();
    context.settings.intervals.after(conditions::ready_reason(&status.conditions), absent_for)
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

/// Someone else wrote: the watch will bring their version within this time.
fn conflict_pause() -> Duration {
    requeue::pause(Duration::from_millis(500), None, Timestamp::UNIX_EPOCH, chance())
}

/// A number within 0..1, for jitter.
pub(super) fn chance() -> f64 {
    let random = RandomState::new().build_hasher().finish() >> 32;
    f64::from(u32::try_from(random).unwrap_or_default()) / f64::from(u32::MAX)
}
