//! What stands beside Ready fits the payload: Synced, the marks Finalizing and Absent, PayloadComplete, the build and the phase, as
//! docs/conditions.md and the reference say.

use serde_json::Value;

use super::claims::{shown_ami, text};
use super::{UNANSWERED, condition, reason};

/// The reasons of Synced while the status is not what AWS last answered.
const UNSYNCED: [&str; 8] = [
    "Throttled",
    "ServiceError",
    "AccessDenied",
    "InvalidCredentials",
    "InvalidRequest",
    "UnknownRegion",
    "IdentityNotAllowed",
    "Suspended",
];

/// What is wrong beside Ready.
pub fn wrong(status: &Value) -> Option<String> {
    wrong_synced(status).or_else(|| wrong_marks(status)).or_else(|| wrong_build(status))
}

fn wrong_synced(status: &Value) -> Option<String> {
    let has_payload = status["imageBuildStatus"].is_string();
    let synced = condition(status, "Synced")?;
    let (is_true, reason) = (synced["status"] == "True", text(synced, "reason"));
    let allowed: &[&str] = match (is_true, has_payload) {
        (true, true) => &["ObservedImage"],
        (true, false) => &["ObservedAbsence"],
        (false, _) => &UNSYNCED,
    };
    let is_asked = is_true && UNANSWERED.contains(&super::reason(status));
    (is_asked || !allowed.contains(&reason)).then(|| format!("Synced is {} with reason {reason}", synced["status"]))
}

fn wrong_marks(status: &Value) -> Option<String> {
    let is_set = |mark: &str| condition(status, mark).is_some();
    let (finalizing, absent) = (is_set("Finalizing"), is_set("Absent"));
    let is_answered = !UNANSWERED.contains(&reason(status));
    let waits = matches!(reason(status), "Finalizing" | "OrphanedImage");
    let is_right = match (shown_ami(status).is_some(), status["imageBuildStatus"].is_string()) {
        (true, _) => !finalizing && !absent,
        (false, true) if !is_answered || matches!(reason(status), "Deleted" | "Deleting") => !absent,
        (false, true) => finalizing == waits && !absent,
        (false, false) if is_answered => finalizing == waits && absent != waits,
        (false, false) => !(finalizing && absent),
    };
    let is_incomplete = condition(status, "PayloadComplete").is_some_and(|complete| complete["status"] == "False");
    match () {
        () if !is_right => Some(format!("the marks are Finalizing {finalizing} and Absent {absent}")),
        () if is_incomplete && status["imagebuilderImageStatus"].is_string() => {
            Some("PayloadComplete is False, and nothing is missing".to_owned())
        }
        () => None,
    }
}

fn wrong_build(status: &Value) -> Option<String> {
    let (build, phase, ami) = (&status["build"], &status["phase"], &status["ec2AmiInfo"]);
    let same = |name: &str, field: &Value, of: &Value| (field != of).then(|| format!("{name} is {field}, not {of}"));
    let build_status = match &status["cloudformationStackStatus"] {
        _ if ami.is_object() => "BUILD_COMPLETE".into(),
        Value::String(stack) => build_status_of(stack).into(),
        _ => Value::Null,
    };
    if let Some(wrong) = same("imageBuildStatus", &status["imageBuildStatus"], &build_status) {
        return Some(wrong);
    }
    if ami.is_object() {
        let wrong = same("build.amiId", &build["amiId"], &ami["amiId"]);
        return wrong.or_else(|| same("phase", phase, &text(ami, "state").to_uppercase().into()));
    }
    let told = &status["imagebuilderImageStatus"];
    let wrong = match status["cloudformationStackArn"].is_string() {
        true => same("build.stackArn", &build["stackArn"], &status["cloudformationStackArn"]),
        false if UNANSWERED.contains(&reason(status)) => None,
        false => same("phase", phase, &Value::Null),
    };
    wrong.or_else(|| told.is_string().then(|| same("phase", phase, told)).flatten())
}

/// What describeImage makes of the status of a stack.
fn build_status_of(stack: &str) -> &'static str {
    match stack {
        "CREATE_IN_PROGRESS" => "BUILD_IN_PROGRESS",
        "CREATE_COMPLETE" => "BUILD_COMPLETE",
        "DELETE_IN_PROGRESS" => "DELETE_IN_PROGRESS",
        "DELETE_FAILED" => "DELETE_FAILED",
        "DELETE_COMPLETE" => "DELETE_COMPLETE",
        // The simulator updates and imports no stack.
        _ => "BUILD_FAILED",
    }
}
