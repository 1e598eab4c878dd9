//! Ready: its reason, its status, and the condition beside it fit the payload, as the table in docs/conditions.md says.

use serde_json::Value;

use super::claims::text;
use super::{UNANSWERED, condition, reason};

/// What is wrong with Ready. `is_settled`: no grace period runs any more.
pub fn wrong(status: &Value, is_settled: bool) -> Option<String> {
    let reason = reason(status);
    let is_unanswered = !is_settled && UNANSWERED.contains(&reason);
    let allowed = reasons(status);
    if !is_unanswered && !allowed.contains(&reason) || is_settled && reason == "Finalizing" {
        return Some(format!("Ready has reason {reason:?}, not {allowed:?}"));
    }
    let is = |type_: &str, expected: &str| condition(status, type_).is_some_and(|found| found["status"] == expected);
    let (expected, beside) = match reason {
        "ImageAvailable" => ("True", None),
        "NotYetObserved" | "Suspended" | "Stale" => ("Unknown", Some("Reconciling")),
        _ if is_unanswered => ("Unknown", Some("Stalled")),
        "UnknownBuildStatus" => ("Unknown", Some("Reconciling")),
        "Building" | "ImagePending" | "Finalizing" | "Deleting" => ("False", Some("Reconciling")),
        "NotFound" if !is_settled && is("Reconciling", "True") => ("False", Some("Reconciling")),
        _ => ("False", Some("Stalled")),
    };
    if !is("Ready", expected) {
        return Some(format!("Ready is not {expected} with reason {reason}"));
    }
    let is_beside = |type_| is(type_, "True") == (beside == Some(type_));
    let is_fit = is_beside("Reconciling") && is_beside("Stalled");
    (!is_fit).then(|| format!("beside reason {reason} must be {beside:?}"))
}

/// The reasons that Ready may have beside this payload.
fn reasons(status: &Value) -> &'static [&'static str] {
    let ami = &status["ec2AmiInfo"];
    match (ami.is_object().then(|| text(ami, "state")), text(status, "imageBuildStatus")) {
        (Some("AVAILABLE"), _) => &["ImageAvailable"],
        (Some("PENDING"), _) => &["ImagePending"],
        (Some(_), _) => &["ImageUnusable"],
        (None, "BUILD_IN_PROGRESS") => &["Building"],
        (None, "BUILD_COMPLETE") => &["Finalizing", "OrphanedImage", "Deleted"],
        (None, "BUILD_FAILED") => &["BuildFailed"],
        // The stack of a finished build deletes itself.
        (None, "DELETE_IN_PROGRESS") => &["Deleting", "Finalizing", "OrphanedImage"],
        (None, "DELETE_COMPLETE") => &["Deleted"],
        (None, "DELETE_FAILED") => &["DeleteFailed"],
        (None, "") => &["NotFound", "Deleted", "OrphanedImage", "Finalizing"],
        (None, _) => &["UnknownBuildStatus"],
    }
}
