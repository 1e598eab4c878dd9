//! The condition table: what an observation means for Ready. Pure and total, a reason on each arm.

mod missing;

use crate::describe_image::observation::{Ami, ImageBuild, Stack};
use crate::describe_image::{ImageBuildStatus, Observation, redact};
use crate::kubernetes::status::build_story::{Build, Failure};
use crate::kubernetes::status::conditions::{self, ReadyReason};
use crate::kubernetes::status::{Moment, Orphan};
use jiff::Timestamp;
pub use missing::REPORTED_AT;
use missing::{finalizing, of_absence};

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

/// What is known of the image's build beside the answer.
#[derive(Clone, Copy, Debug)]
pub struct Story<'a> {
    pub build: Option<&'a Build>,
    pub failure: Option<&'a Failure>,
    pub orphan: &'a Orphan,
}

impl Story<'_> {
    /// The AMI that the status has shown. Whoever has no AMI any more has lost it.
    fn ami_id(&self) -> Option<&str> {
        self.build?.ami_id.as_deref()
    }
}

/// The verdict on what AWS answered.
#[must_use]
pub fn of_observation(observation: &Observation, story: &Story<'_>, moment: &Moment<'_>) -> Verdict {
    match observation {
        Observation::Ami { ami, .. } => of_ami(ami, moment),
        Observation::Stack { stack, image_build, refused: _ } => of_stack(stack, image_build.as_ref(), story, moment),
        Observation::Absent { other_stack } => of_absence(other_stack.as_deref(), story, moment),
    }
}

fn of_ami(ami: &Ami, moment: &Moment<'_>) -> Verdict {
    let state = ami.state.as_deref().unwrap_or("unknown").to_uppercase();
    let about = format!("AMI {} is {state} in {}", ami.id.as_deref().unwrap_or("without an id"), moment.region);
    let why = ami.state_reason.as_deref().filter(|reason| !reason.is_empty());
    let with_reason = why.map_or_else(|| about.clone(), |reason| format!("{about}: {}", redact::message(reason)));
    match state.as_str() {
        "AVAILABLE" => available(about, ami.deprecated_at, moment),
        "PENDING" | "TRANSIENT" => Verdict::new("False", ReadyReason::ImagePending, with_reason, Progress::Reconciling),
        "INVALID" | "FAILED" | "ERROR" | "DEREGISTERED" | "DISABLED" => {
            Verdict::new("False", ReadyReason::ImageUnusable, with_reason, Progress::Stalled)
        }
        _ => Verdict::new("Unknown", ReadyReason::UnknownBuildStatus, with_reason, Progress::Reconciling),
    }
}

/// A deprecated AMI can still be used.
fn available(about: String, deprecated_at: Option<Timestamp>, moment: &Moment<'_>) -> Verdict {
    let (message, until) = match deprecated_at {
        Some(since) if since <= moment.now => (format!("{about}; deprecated since {}", second(since)), None),
        later => (about, later),
    };
    Verdict { until, ..Verdict::new("True", ReadyReason::ImageAvailable, message, Progress::Done) }
}

fn of_stack(stack: &Stack, build: Option<&ImageBuild>, story: &Story<'_>, moment: &Moment<'_>) -> Verdict {
    let stack_status = stack.status.as_deref().unwrap_or("without a status");
    let build_status = build.and_then(|build| build.status.as_deref());
    let said = build_status.map(|status| format!(", Image Builder says {status}")).unwrap_or_default();
    let gone = story.ami_id().map(|ami_id| format!("AMI {ami_id} is gone; ")).unwrap_or_default();
    let about = format!("{gone}stack is {stack_status}{said}");
    let has_lost_its_ami = !gone.is_empty();
    let failed = |about: String| why_failed(about, stack, build, story);
    // What is known of a failure is said whatever the stack does meanwhile.
    let unless_failed = |about: String| if story.failure.is_some() { failed(about) } else { about };
    match ImageBuildStatus::of_stack(stack_status) {
        Some(ImageBuildStatus::BuildComplete) if has_lost_its_ami => {
            let message = format!("{about}: the stack was left behind");
            Verdict::new("False", ReadyReason::Deleted, message, Progress::Stalled)
        }
        Some(ImageBuildStatus::BuildComplete) => finalizing(&about, false, story, moment),
        Some(ImageBuildStatus::DeleteInProgress) if !has_lost_its_ami && is_done(build_status, moment) => {
            finalizing(&about, true, story, moment)
        }
        Some(ImageBuildStatus::DeleteInProgress) => {
            Verdict::new("False", ReadyReason::Deleting, unless_failed(about), Progress::Reconciling)
        }
        Some(ImageBuildStatus::BuildInProgress) => {
            Verdict::new("False", ReadyReason::Building, unless_failed(about), Progress::Reconciling)
        }
        Some(ImageBuildStatus::BuildFailed) => {
            Verdict::new("False", ReadyReason::BuildFailed, failed(about), Progress::Stalled)
        }
        Some(ImageBuildStatus::DeleteFailed) => {
            Verdict::new("False", ReadyReason::DeleteFailed, failed(about), Progress::Stalled)
        }
        Some(ImageBuildStatus::DeleteComplete) => Verdict::new("False", ReadyReason::Deleted, about, Progress::Stalled),
        None => Verdict::new("Unknown", ReadyReason::UnknownBuildStatus, unless_failed(about), Progress::Reconciling),
    }
}

/// Whether this answer is one that an orphan leaves: no AMI, and a stack that is done, or none.
#[must_use]
pub fn may_be_orphaned(observation: &Observation) -> bool {
    match observation {
        Observation::Ami { .. } => false,
        Observation::Stack { stack, .. } => matches!(
            stack.status.as_deref().and_then(ImageBuildStatus::of_stack),
            Some(ImageBuildStatus::BuildComplete | ImageBuildStatus::DeleteInProgress)
        ),
        Observation::Absent { .. } => true,
    }
}

/// True for a stack that goes because its build is done. Image Builder's image goes with the stack, so its silence
/// leaves the matter as it was.
fn is_done(build_status: Option<&str>, moment: &Moment<'_>) -> bool {
    let is_known = || conditions::find(&moment.previous.conditions, conditions::FINALIZING).is_some();
    build_status.map_or_else(is_known, |status| status == "AVAILABLE")
}

/// The failing step first: it is what a person looks for in the console.
fn why_failed(about: String, stack: &Stack, build: Option<&ImageBuild>, story: &Story<'_>) -> String {
    let step = story.failure.and_then(Failure::sentence);
    let reason = build.and_then(|build| build.reason.as_deref()).filter(|reason| !reason.is_empty());
    let is_said = |reason: &str| step.as_deref().is_some_and(|step| step.ends_with(reason));
    let reason = reason.filter(|reason| !is_said(reason));
    let said = reason.map(|reason| format!("Image Builder: {}", redact::message(reason)));
    let stack_said = stack.status_reason.as_deref().filter(|reason| !reason.is_empty());
    let stack_said = stack_said.map(|reason| format!("CloudFormation: {}", redact::message(reason)));
    [step, Some(about), said, stack_said].into_iter().flatten().collect::<Vec<_>>().join("; ")
}

fn second(time: Timestamp) -> String {
    format!("{time:.0}")
}

impl Verdict {
    pub(super) fn new(ready: &'static str, reason: ReadyReason, message: String, progress: Progress) -> Self {
        Self { ready, reason, message, progress, mark: None, until: None }
    }
}
