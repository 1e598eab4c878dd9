//! The condition table if AWS has an AMI: the AMI's state decides Ready.

use crate::describe_image::observation::Ami;
use crate::describe_image::source_error::redacted;
use crate::kubernetes::status::moment::Moment;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::status::verdict::{Progress, Verdict, second};
use jiff::Timestamp;

#[must_use]
pub fn of_ami(ami: &Ami, moment: &Moment<'_>) -> Verdict {
    let state = ami.state.as_deref().unwrap_or("unknown").to_uppercase();
    let about = format!("AMI {} is {state} in {}", ami.id.as_deref().unwrap_or("without an id"), moment.region);
    let why = ami.state_reason.as_deref().filter(|reason| !reason.is_empty());
    let with_reason = why.map_or_else(|| about.clone(), |reason| format!("{about}: {}", redacted(reason)));
    match state.as_str() {
        "AVAILABLE" => available(about, ami.deprecated_at, moment),
        "PENDING" | "TRANSIENT" => Verdict::new("False", ReadyReason::ImagePending, with_reason, Progress::Reconciling),
        "INVALID" | "FAILED" | "ERROR" | "DEREGISTERED" | "DISABLED" => {
            Verdict::new("False", ReadyReason::ImageUnusable, with_reason, Progress::Stalled)
        }
        _ => Verdict::new("Unknown", ReadyReason::UnknownBuildStatus, with_reason, Progress::Reconciling),
    }
}

/// Ready stays True after the deprecation, because a deprecated AMI can still be used.
fn available(about: String, deprecated_at: Option<Timestamp>, moment: &Moment<'_>) -> Verdict {
    let (message, until) = match deprecated_at {
        Some(since) if since <= moment.now => (format!("{about}; deprecated since {}", second(since)), None),
        later => (about, later),
    };
    Verdict { until, ..Verdict::new("True", ReadyReason::ImageAvailable, message, Progress::Done) }
}
