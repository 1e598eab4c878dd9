//! The Events for a new status. Only a transition causes an Event. Pure.

use crate::describe_image::SourceErrorKind;
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::status::conditions;
use crate::kubernetes::status::ready_reason::{News, ReadyReason};
use crate::kubernetes::status::verdict::missing::REPORTED_AT;
use kube::runtime::events::EventType;

/// The reason of the Event about another AMI behind an image id.
pub const AMI_CHANGED: &str = "AmiChanged";

/// An Event to publish.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Note {
    pub is_warning: bool,
    pub reason: String,
    pub text: String,
}

impl Note {
    #[must_use]
    pub fn event_type(&self) -> EventType {
        if self.is_warning { EventType::Warning } else { EventType::Normal }
    }
}

/// The Events for the transition from `previous` to `next`.
#[must_use]
pub fn notes(previous: &CustomImageStatus, next: &CustomImageStatus) -> Vec<Note> {
    let mut notes: Vec<Note> = Vec::new();
    notes.extend(of_ready(previous, next));
    notes.extend(of_ami(previous, next));
    for type_ in [conditions::SYNCED, conditions::PAYLOAD_COMPLETE] {
        let Some(now_false) = conditions::find(&next.conditions, type_).filter(|now| now.status == "False") else {
            continue;
        };
        let before = conditions::find(&previous.conditions, type_);
        let is_new =
            before.is_none_or(|before| (&before.status, &before.reason) != (&now_false.status, &now_false.reason));
        let is_noted = notes.iter().any(|note| note.reason == now_false.reason);
        // Throttling affects all objects of a scope at once. Synced and the metrics report it, not an Event for each
        // object.
        let is_of_scope = now_false.reason == SourceErrorKind::Throttled.reason();
        if is_new && !is_noted && !is_of_scope {
            let is_warning = now_false.reason != ReadyReason::Suspended.name();
            notes.push(Note { is_warning, reason: now_false.reason.clone(), text: now_false.message.clone() });
        }
    }
    notes
}

/// The id stays and the AMI behind it changes: it was built again, or another AMI got its tags.
fn of_ami(previous: &CustomImageStatus, next: &CustomImageStatus) -> Option<Note> {
    let ami = |status: &CustomImageStatus| status.image.ec2_ami_info.as_ref()?.ami_id.clone();
    let (before, now) = (ami(previous)?, ami(next)?);
    let text = || format!("the AMI of this image id is {now} now, and was {before}");
    (before != now).then(|| Note { is_warning: false, reason: AMI_CHANGED.to_owned(), text: text() })
}

fn of_ready(previous: &CustomImageStatus, next: &CustomImageStatus) -> Option<Note> {
    let before = ReadyReason::of(&previous.conditions);
    let ready = conditions::find(&next.conditions, conditions::READY)?;
    let now: ReadyReason = ready.reason.parse().ok()?;
    let (is_warning, at_first_sight) = match now.news() {
        News::None => return None,
        News::Normal { at_first_sight } => (false, at_first_sight),
        News::Warning { at_first_sight } => (true, at_first_sight),
    };
    let is_first_sight = before.is_none_or(|before| !before.is_observed() && previous.image_configuration.is_none());
    // Throttling makes all objects of the scope stale, and later fresh again. Neither needs an Event for each object.
    let is_throttled = |status: &CustomImageStatus| synced_reason(status) == Some(SourceErrorKind::Throttled.reason());
    let is_of_scope = (now == ReadyReason::Stale && is_throttled(next))
        || (before == Some(ReadyReason::Stale) && is_throttled(previous) && is_as_before(previous, next));
    let is_stalled = |status: &CustomImageStatus| conditions::find(&status.conditions, conditions::STALLED).is_some();
    let is_newly_stalled = is_stalled(next) && !is_stalled(previous) && before.is_some();
    let is_change = before != Some(now) || is_newly_stalled;
    let needs_event = is_change && !is_of_scope && (at_first_sight || !is_first_sight);
    let note = |is_warning, text| Note { is_warning, reason: ready.reason.clone(), text };
    needs_event.then(|| match ready.message.rsplit_once(REPORTED_AT) {
        // Within the grace period this is not a failure yet, so the Event is Normal.
        Some((about, time)) if now == ReadyReason::NotFound && !is_stalled(next) => {
            note(false, format!("{about}; counts as failed from {time}"))
        }
        _ => note(is_warning, ready.message.clone()),
    })
}

/// Whether `next` is the status from before AWS stopped answering. The payload and the marks stay during an outage, so
/// they can be compared.
fn is_as_before(previous: &CustomImageStatus, next: &CustomImageStatus) -> bool {
    let mark = |status: &CustomImageStatus, type_: &str| {
        conditions::find(&status.conditions, type_).map(|mark| (mark.reason.clone(), mark.message.clone()))
    };
    previous.image == next.image && conditions::MARKS.iter().all(|type_| mark(previous, type_) == mark(next, type_))
}

fn synced_reason(status: &CustomImageStatus) -> Option<&str> {
    conditions::find(&status.conditions, conditions::SYNCED).map(|synced| synced.reason.as_str())
}
