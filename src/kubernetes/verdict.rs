//! The condition table: what an observation means for Ready. Pure and total, a reason on each arm.

use super::conditions::{self, ReadyReason};
use super::custom_image::CustomImageStatus;
use super::status::Moment;
use crate::describe_image::observation::{Ami, ImageBuild, Stack};
use crate::describe_image::{ImageBuildStatus, Observation};
use jiff::Timestamp;

/// What Ready says, and what stands beside it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Verdict {
    pub ready: &'static str,
    pub reason: ReadyReason,
    pub message: String,
    pub progress: Progress,
    /// Which of the marks is set.
    pub mark: Option<&'static str>,
    /// When time alone changes the verdict.
    pub until: Option<Timestamp>,
}

/// What kstatus reads beside Ready: at most one of the two.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    Done,
    Reconciling,
    Stalled,
}

/// The verdict on what AWS answered.
#[must_use]
pub fn of_observation(observation: &Observation, moment: &Moment<'_>) -> Verdict {
    match observation {
        Observation::Ami { ami, stack: _ } => of_ami(ami, moment),
        Observation::Stack { stack, image_build, refused: _ } => of_stack(stack, image_build.as_ref(), moment),
        Observation::Absent => of_absence(moment),
    }
}

fn of_ami(ami: &Ami, moment: &Moment<'_>) -> Verdict {
    let state = ami.state.as_deref().unwrap_or("unknown").to_uppercase();
    let about = format!("AMI {} is {state} in {}", ami.id.as_deref().unwrap_or("without an id"), moment.region);
    match state.as_str() {
        "AVAILABLE" => Verdict::new("True", ReadyReason::ImageAvailable, about, Progress::Done),
        "PENDING" | "TRANSIENT" => Verdict::new("False", ReadyReason::ImagePending, about, Progress::Reconciling),
        "INVALID" | "FAILED" | "ERROR" | "DEREGISTERED" | "DISABLED" => {
            Verdict::new("False", ReadyReason::ImageUnusable, about, Progress::Stalled)
        }
        _ => Verdict::new("Unknown", ReadyReason::UnknownBuildStatus, about, Progress::Reconciling),
    }
}

fn of_stack(stack: &Stack, build: Option<&ImageBuild>, moment: &Moment<'_>) -> Verdict {
    let stack_status = stack.status.as_deref().unwrap_or("without a status");
    let build_status = build.and_then(|build| build.status.as_deref());
    let about = match build_status {
        Some(build_status) => format!("stack is {stack_status}, Image Builder says {build_status}"),
        None => format!("stack is {stack_status}"),
    };
    match ImageBuildStatus::of_stack(stack_status) {
        Some(ImageBuildStatus::BuildComplete) => finalizing(&about, moment),
        Some(ImageBuildStatus::DeleteInProgress) if is_done(build_status, moment) => finalizing(&about, moment),
        Some(ImageBuildStatus::BuildInProgress) => {
            Verdict::new("False", ReadyReason::Building, about, Progress::Reconciling)
        }
        Some(ImageBuildStatus::DeleteInProgress) => {
            Verdict::new("False", ReadyReason::Deleting, about, Progress::Reconciling)
        }
        Some(ImageBuildStatus::BuildFailed) => {
            Verdict::new("False", ReadyReason::BuildFailed, why_failed(about, stack, build), Progress::Stalled)
        }
        Some(ImageBuildStatus::DeleteFailed) => {
            Verdict::new("False", ReadyReason::DeleteFailed, why_failed(about, stack, build), Progress::Stalled)
        }
        Some(ImageBuildStatus::DeleteComplete) => Verdict::new("False", ReadyReason::Deleted, about, Progress::Stalled),
        None => Verdict::new("Unknown", ReadyReason::UnknownBuildStatus, about, Progress::Reconciling),
    }
}

/// True for a stack that goes because its build is done. Image Builder's image goes with the stack, so its silence
/// leaves the matter as it was.
fn is_done(build_status: Option<&str>, moment: &Moment<'_>) -> bool {
    let is_known = || conditions::find(&moment.previous.conditions, conditions::FINALIZING).is_some();
    build_status.map_or_else(is_known, |status| status == "AVAILABLE")
}

/// The failing step first: it is what a person looks for in the console.
fn why_failed(about: String, stack: &Stack, build: Option<&ImageBuild>) -> String {
    let step = build.and_then(|build| build.failed_step.as_deref()).map(|step| format!("failed at {step}"));
    let said = build.and_then(|build| build.reason.as_deref()).map(|reason| format!("Image Builder: {reason}"));
    let stack_said = stack.status_reason.as_deref().map(|reason| format!("CloudFormation: {reason}"));
    let parts = [step, Some(about), said, stack_said].into_iter().flatten();
    parts.filter(|part| !part.ends_with(": ")).collect::<Vec<_>>().join("; ")
}

/// The build is done and its AMI is not listed yet: a matter of minutes, or the AMI was never tagged.
fn finalizing(about: &str, moment: &Moment<'_>) -> Verdict {
    let until = moment.finalizing_since().checked_add(moment.settings.finalizing_period);
    let until = until.unwrap_or(Timestamp::MAX);
    if moment.now < until {
        let message = format!("{about}, no AMI with this id is listed yet; reported as orphaned at {}", second(until));
        let verdict = Verdict::new("False", ReadyReason::Finalizing, message, Progress::Reconciling);
        return Verdict { until: Some(until), mark: Some(conditions::FINALIZING), ..verdict };
    }
    let message = format!(
        "{about}, but no AMI with this id is listed: its tagging failed; look for an AMI with the tag \
         Ec2ImageBuilderArn of this image, and tag it or delete it"
    );
    let verdict = Verdict::new("False", ReadyReason::OrphanedImage, message, Progress::Stalled);
    Verdict { mark: Some(conditions::FINALIZING), ..verdict }
}

fn of_absence(moment: &Moment<'_>) -> Verdict {
    // The stack of a good build may go before EC2 lists the tagged AMI; that of an orphan goes all the same.
    if conditions::find(&moment.previous.conditions, conditions::FINALIZING).is_some() {
        return finalizing("the build's stack is gone", moment);
    }
    Verdict { mark: Some(conditions::ABSENT), ..nothing_there(moment) }
}

fn nothing_there(moment: &Moment<'_>) -> Verdict {
    let account = moment.absent_from().map(|account| format!(" of account {account}")).unwrap_or_default();
    let about = format!("no image or stack with id {} in {}{account}", moment.image_id, moment.region);
    if was_seen(moment.previous) {
        return Verdict::new("False", ReadyReason::Deleted, format!("{about} any more"), Progress::Stalled);
    }
    let until = moment.created.checked_add(moment.settings.not_found_grace).unwrap_or(Timestamp::MAX);
    if moment.now < until {
        let message = format!("{about}; reported as failed at {}", second(until));
        let verdict = Verdict::new("False", ReadyReason::NotFound, message, Progress::Reconciling);
        return Verdict { until: Some(until), ..verdict };
    }
    Verdict::new("False", ReadyReason::NotFound, about, Progress::Stalled)
}

/// True when AWS had this image once.
fn was_seen(previous: &CustomImageStatus) -> bool {
    let deleted = ReadyReason::Deleted.name();
    let is_marked =
        conditions::find(&previous.conditions, conditions::ABSENT).is_some_and(|mark| mark.reason == deleted);
    previous.image.image_build_status.is_some() || is_marked
}

fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}

impl Verdict {
    pub(super) fn new(ready: &'static str, reason: ReadyReason, message: String, progress: Progress) -> Self {
        Self { ready, reason, message, progress, mark: None, until: None }
    }
}
