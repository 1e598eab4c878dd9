//! The next status when AWS did not answer: after an error, and while suspended. The payload stays as it is.

use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::status::conditions::{self, Finding, ReadyReason};
use crate::kubernetes::status::verdict::{Progress, Verdict};
use crate::kubernetes::status::{Moment, Next, bare, finding, finish, sort};
use jiff::Timestamp;

/// An error keeps the payload. What it does to Ready depends on whether there is one to keep.
pub(super) fn failed(
    error: &SourceError,
    message: &str,
    since: Timestamp,
    last_observed: Timestamp,
    moment: &Moment<'_>,
) -> Next {
    let synced = Finding {
        keeps_message: true,
        ..finding(conditions::SYNCED, "False", error.kind.reason(), message.to_owned())
    };
    let until_shown = since.checked_add(moment.settings.error_grace).unwrap_or(Timestamp::MAX);
    let until_stale = last_observed.checked_add(moment.staleness_budget()).unwrap_or(Timestamp::MAX);
    let is_at_hand = has_observation(moment.previous);
    let reason = ready_reason_of(error.kind);
    match reason {
        Some(reason) if !is_at_hand || is_refused_here(error.kind) || moment.now >= until_shown => {
            let verdict = Verdict::new("Unknown", reason, message.to_owned(), Progress::Stalled);
            finish(payload_kept(moment), &verdict, carried(synced, moment), moment)
        }
        None if !is_at_hand => {
            let verdict =
                Verdict::new("Unknown", ReadyReason::NotYetObserved, message.to_owned(), Progress::Reconciling);
            finish(payload_kept(moment), &verdict, carried(synced, moment), moment)
        }
        None if moment.now >= until_stale => {
            let message = format!("AWS last answered at {last_observed:.0}");
            let verdict = Verdict::new("Unknown", ReadyReason::Stale, message, Progress::Reconciling);
            finish(payload_kept(moment), &verdict, carried(synced, moment), moment)
        }
        _ if moment.now >= until_shown => kept(moment, Some(synced), Some(until_stale)),
        _ if is_resumed(moment) => kept(moment, Some(synced), Some(until_shown.min(until_stale))),
        _ => kept(moment, None, Some(until_shown)),
    }
}

/// True when the refusal is our own: AWS will not change its mind within a grace period.
fn is_refused_here(kind: SourceErrorKind) -> bool {
    matches!(kind, SourceErrorKind::UnknownRegion | SourceErrorKind::IdentityNotAllowed)
}

/// True when the status still says that the object is suspended.
fn is_resumed(moment: &Moment<'_>) -> bool {
    let synced = conditions::find(&moment.previous.conditions, conditions::SYNCED);
    synced.is_some_and(|synced| synced.reason == ReadyReason::Suspended.name())
}

/// The Ready reason of an error that only a person can mend.
fn ready_reason_of(kind: SourceErrorKind) -> Option<ReadyReason> {
    match kind {
        SourceErrorKind::AccessDenied => Some(ReadyReason::AccessDenied),
        SourceErrorKind::InvalidCredentials => Some(ReadyReason::InvalidCredentials),
        SourceErrorKind::InvalidRequest => Some(ReadyReason::InvalidRequest),
        SourceErrorKind::UnknownRegion => Some(ReadyReason::UnknownRegion),
        SourceErrorKind::IdentityNotAllowed => Some(ReadyReason::IdentityNotAllowed),
        SourceErrorKind::Throttled | SourceErrorKind::ServiceError => None,
    }
}

pub(super) fn suspended(moment: &Moment<'_>) -> Next {
    let synced =
        |message: &str| finding(conditions::SYNCED, "False", ReadyReason::Suspended.name(), message.to_owned());
    if has_observation(moment.previous) {
        return kept(moment, Some(synced("spec.suspend is true: the status is as of the last look")), None);
    }
    let message = "spec.suspend is true: AWS was not asked".to_owned();
    let verdict = Verdict::new("Unknown", ReadyReason::Suspended, message.clone(), Progress::Reconciling);
    finish(payload_kept(moment), &verdict, carried(synced(&message), moment), moment)
}

/// True when the status shows an answer of AWS, or has shown one until it grew stale.
fn has_observation(previous: &CustomImageStatus) -> bool {
    let reason = conditions::ready_reason(&previous.conditions);
    let is_absent = conditions::MARKS.iter().any(|mark| conditions::find(&previous.conditions, mark).is_some());
    previous.image_configuration.is_some()
        || is_absent
        || reason.is_some_and(|reason| reason.is_observed() || reason == ReadyReason::Stale)
}

/// Everything stays but Synced, if there is another, and the generation.
pub(super) fn kept(moment: &Moment<'_>, synced: Option<Finding>, until: Option<Timestamp>) -> Next {
    let mut status = moment.previous.clone();
    status.observed_generation = moment.generation;
    if let Some(synced) = synced {
        let dated = conditions::date(vec![synced], &status.conditions, moment.generation, moment.now);
        status.conditions.retain(|condition| condition.type_ != conditions::SYNCED);
        status.conditions.extend(dated);
        sort(&mut status);
    }
    for condition in &mut status.conditions {
        condition.observed_generation = moment.generation;
    }
    Next { status, until }
}

fn payload_kept(moment: &Moment<'_>) -> CustomImageStatus {
    CustomImageStatus {
        image_configuration: moment.previous.image_configuration.clone(),
        image: moment.previous.image.clone(),
        ..bare(moment)
    }
}

/// `synced`, and what is known of the image for as long as AWS does not say otherwise.
fn carried(synced: Finding, moment: &Moment<'_>) -> impl Iterator<Item = Finding> {
    let before = &moment.previous.conditions;
    let marks = conditions::MARKS.into_iter().filter_map(|type_| {
        let mark = conditions::find(before, type_)?;
        let reason = ReadyReason::parse(&mark.reason)?.name();
        Some(finding(type_, "True", reason, mark.message.clone()))
    });
    let incomplete = conditions::find(before, conditions::PAYLOAD_COMPLETE).and_then(|condition| {
        let kind = SourceErrorKind::ALL.into_iter().find(|kind| kind.reason() == condition.reason)?;
        Some(finding(conditions::PAYLOAD_COMPLETE, "False", kind.reason(), condition.message.clone()))
    });
    std::iter::once(synced).chain(incomplete).chain(marks.collect::<Vec<_>>())
}
