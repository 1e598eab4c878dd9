//! The conditions if AWS did not answer: after an error, and while the object is suspended. The payload stays as it is.

use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::status::conditions::{self, Finding};
use crate::kubernetes::status::moment::Moment;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::status::verdict::{Progress, Verdict};
use jiff::Timestamp;

/// Which conditions change.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Change {
    /// Ready and Synced change.
    Ready(Verdict, Finding),
    /// Only Synced changes, or nothing (`None`). At the given time the status may change without a new observation.
    Synced(Option<Finding>, Option<Timestamp>),
}

/// The change after an error. An earlier answer in the status stays for a grace period.
#[must_use]
pub fn failed(
    error: &SourceError,
    message: &str,
    since: Timestamp,
    last_observed: Timestamp,
    moment: &Moment<'_>,
) -> Change {
    let synced =
        Finding { keeps_message: true, ..Finding::new(conditions::SYNCED, "False", error.kind.reason(), message) };
    let until_reported = since.checked_add(moment.periods.error).unwrap_or(Timestamp::MAX);
    let until_stale = last_observed.checked_add(moment.staleness_budget()).unwrap_or(Timestamp::MAX);
    let is_at_hand = has_observation(moment.previous);
    // An object that was suspended for long has an old answer when it is resumed.
    let is_over = moment.now >= until_reported.min(until_stale);
    match ready_reason_of(error.kind) {
        Some(reason) if !is_at_hand || is_refused_here(error.kind) || is_over => {
            Change::Ready(Verdict::new("Unknown", reason, message.to_owned(), Progress::Stalled), synced)
        }
        None if !is_at_hand => {
            let reason = ReadyReason::NotYetObserved;
            Change::Ready(Verdict::new("Unknown", reason, message.to_owned(), Progress::Reconciling), synced)
        }
        None if moment.now >= until_stale => {
            let message = format!("the status shows what AWS said at {last_observed:.0} or before");
            Change::Ready(Verdict::new("Unknown", ReadyReason::Stale, message, Progress::Reconciling), synced)
        }
        _ if moment.now >= until_reported => Change::Synced(Some(synced), Some(until_stale)),
        _ if is_resumed(moment) => Change::Synced(Some(synced), Some(until_reported.min(until_stale))),
        None => Change::Synced(None, Some(until_reported.min(until_stale))),
        Some(_) => Change::Synced(None, Some(until_reported.min(until_stale))),
    }
}

/// The change while the object is suspended.
#[must_use]
pub fn suspended(moment: &Moment<'_>) -> Change {
    let synced = |message: &str| Finding::new(conditions::SYNCED, "False", ReadyReason::Suspended.name(), message);
    if has_observation(moment.previous) {
        return Change::Synced(Some(synced("spec.suspend is true: the status is that of the last read")), None);
    }
    let message = "spec.suspend is true: AWS was not asked";
    let verdict = Verdict::new("Unknown", ReadyReason::Suspended, message.to_owned(), Progress::Reconciling);
    Change::Ready(verdict, synced(message))
}

/// Whether the operator itself refuses the read. Such an error needs no grace period, because no retry can help.
fn is_refused_here(kind: SourceErrorKind) -> bool {
    matches!(kind, SourceErrorKind::UnknownRegion | SourceErrorKind::IdentityNotAllowed)
}

/// Whether the object was resumed: its status still reports Suspended.
fn is_resumed(moment: &Moment<'_>) -> bool {
    let synced = conditions::find(&moment.previous.conditions, conditions::SYNCED);
    synced.is_some_and(|synced| synced.reason == ReadyReason::Suspended.name())
}

/// The Ready reason of an error that a person must fix. `None` for an error that a retry may fix.
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

/// Whether the status contains an answer of AWS, also a stale one.
fn has_observation(previous: &CustomImageStatus) -> bool {
    let reason = ReadyReason::of(&previous.conditions);
    let is_absent = conditions::MARKS.iter().any(|mark| conditions::find(&previous.conditions, mark).is_some());
    previous.image_configuration.is_some()
        || is_absent
        || reason.is_some_and(|reason| reason.is_observed() || reason == ReadyReason::Stale)
}
