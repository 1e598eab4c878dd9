//! `status.build` and `status.failure`: the stack, the image build and the AMI of an image, and why its build failed.
//! They stay when the payload's own fields are gone. Pure.

use crate::describe_image::observation::{self, Ami, FailedStep, ImageBuild, Stack, tag, tag_key};
use crate::describe_image::source_error::redacted;
use crate::describe_image::{ImageBuildStatus, Observation};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::custom_image::build::{Build, Failure, StackEvent};
use crate::kubernetes::status::build_times::second;
use crate::kubernetes::status::conditions::cut;
use jiff::Timestamp;

/// The limit for `status.failure.message`, in characters.
const MESSAGE_LIMIT: usize = 1024;

/// The build and the failure after `observation`.
#[must_use]
pub fn next(previous: &CustomImageStatus, observation: &Observation, now: Timestamp) -> (Build, Option<Failure>) {
    match observation {
        Observation::Ami { ami, stack, refused: _ } => {
            let failure = previous.failure.clone().filter(|_| !ami.is_available());
            (of_ami(&known(previous), ami, stack.as_ref()), failure)
        }
        Observation::Stack { stack, image_build, refused: _ } => of_stack(previous, stack, image_build.as_ref(), now),
        Observation::Absent { .. } => (known(previous), previous.failure.clone()),
    }
}

/// The build in the status. An earlier version of the operator did not write `status.build`, so the payload replaces
/// it.
#[must_use]
pub fn known(previous: &CustomImageStatus) -> Build {
    let ami = previous.image.ec2_ami_info.as_ref();
    previous.build.clone().unwrap_or_else(|| Build {
        stack_arn: previous.image.cloudformation_stack_arn.clone(),
        image_arn: ami.and_then(|ami| tag(&ami.tags, tag_key::IMAGE_BUILD)).map(str::to_owned),
        ami_id: ami.and_then(|ami| ami.ami_id.clone()),
        ..Build::default()
    })
}

fn of_ami(before: &Build, ami: &Ami, stack: Option<&Stack>) -> Build {
    let is_of_build = match (&before.image_arn, ami.image_build_arn()) {
        (Some(before), Some(now)) => before == now,
        // Without the tag, only the same AMI or the first AMI of the build belongs to it.
        _ => before.ami_id.is_none() || before.ami_id == ami.id,
    };
    let before = if is_of_build { before.clone() } else { Build::default() };
    let is_older = |stack: &&Stack| is_older(stack, ami.creation_date);
    Build {
        stack_arn: stack.filter(is_older).and_then(|stack| stack.arn.clone()).or(before.stack_arn),
        image_arn: ami.image_build_arn().map(str::to_owned).or(before.image_arn),
        ami_id: ami.id.clone(),
        ..before
    }
}

fn of_stack(
    previous: &CustomImageStatus,
    stack: &Stack,
    image_build: Option<&ImageBuild>,
    now: Timestamp,
) -> (Build, Option<Failure>) {
    let before = known(previous);
    let image_arn = image_build.and_then(|build| build.arn.clone());
    // If neither stack has an ARN, they count as the same stack only if it has no AMI so far.
    let is_same = before.stack_arn == stack.arn && (stack.arn.is_some() || before.ami_id.is_none());
    let is_of_before = is_same || has_made_the_ami(previous, &before, stack, image_arn.as_deref());
    // The stack of a good build may be deleted while it still creates something. Its AMI is in the payload only until the
    // first read without it.
    let has_lost_its_ami =
        before.ami_id.is_some() && previous.image.ec2_ami_info.is_none() && previous.failure.is_none();
    let was_good = is_of_before && (previous.phase.as_deref() == Some("AVAILABLE") || has_lost_its_ami);
    let failure = failure(stack, image_build, was_good, now);
    if is_of_before {
        let build = Build { stack_arn: stack.arn.clone(), image_arn: image_arn.or(before.image_arn), ..before };
        return (build, merged(previous.failure.clone(), failure));
    }
    // Another stack is another build.
    (Build { stack_arn: stack.arn.clone(), image_arn, ..Build::default() }, failure)
}

/// Whether `stack` built the AMI in `before`: both have the same image build. If one image build is unknown: the stack
/// is older.
fn has_made_the_ami(previous: &CustomImageStatus, before: &Build, stack: &Stack, image_arn: Option<&str>) -> bool {
    let made_at = previous.image.creation_time.as_deref().and_then(|time| time.parse().ok());
    before.ami_id.is_some()
        && match (image_arn, before.image_arn.as_deref()) {
            (Some(of_stack), Some(of_ami)) => of_stack == of_ami,
            _ => is_older(stack, made_at),
        }
}

/// Whether `build` has another stack than the build in the previous status. False if one of the ARNs is unknown.
#[must_use]
pub fn is_another(previous: &CustomImageStatus, build: &Build) -> bool {
    let before = known(previous).stack_arn;
    before.as_ref().zip(build.stack_arn.as_ref()).is_some_and(|(before, now)| before != now)
}

/// A pattern for EC2's filters that matches all image builds of an id. The ARN of a build has the id in lower case.
#[must_use]
pub fn any_image_arn(image_id: &str) -> String {
    format!("arn:*:image/parallelclusterimage-{}/*", image_id.to_lowercase())
}

fn is_older(stack: &Stack, ami: Option<Timestamp>) -> bool {
    stack.creation_time.zip(ami).is_some_and(|(stack, ami)| stack < ami)
}

fn failure(stack: &Stack, image_build: Option<&ImageBuild>, was_good: bool, now: Timestamp) -> Option<Failure> {
    let image_status = image_build.and_then(|build| build.status.clone());
    let image_status = image_status.filter(|status| matches!(status.as_str(), "FAILED" | "CANCELLED"));
    let stack_status = stack.status.as_deref().and_then(ImageBuildStatus::of_stack);
    let event = stack.first_failure.as_ref();
    // A rollback may delete the stack before Image Builder was asked. Its events still tell that the build failed.
    let is_told = !was_good && event.is_some_and(|event| event.status == "CREATE_FAILED");
    if image_status.is_none() && stack_status != Some(ImageBuildStatus::BuildFailed) && !is_told {
        return None;
    }
    let build = image_build.filter(|_| image_status.is_some());
    let FailedStep { step, component, phase, action, message } =
        build.and_then(|build| build.failed_step.clone()).unwrap_or_default();
    let said = message.or_else(|| build?.reason.clone());
    let of_stack = || stack.status_reason.clone().filter(|_| stack_status == Some(ImageBuildStatus::BuildFailed));
    let of_event = || event.and_then(|event| event.reason.clone());
    let said = if image_status.is_some() { said } else { of_stack().or_else(of_event) };
    let message = said.filter(|said| !said.is_empty()).map(|said| cut(&redacted(&said), MESSAGE_LIMIT));
    let stack_event = event.map(told);
    Some(Failure { observed_at: second(now), image_status, step, component, phase, action, message, stack_event })
}

fn told(event: &observation::FailedResource) -> StackEvent {
    let observation::FailedResource { resource, status, reason } = event;
    let reason = reason.as_deref().map(|reason| cut(&redacted(reason), MESSAGE_LIMIT));
    StackEvent { resource: resource.clone(), status: status.clone(), reason }
}

/// Keeps what earlier reads found about the same build, because the rollback deletes its source.
fn merged(before: Option<Failure>, now: Option<Failure>) -> Option<Failure> {
    let (before, now) = match (before, now) {
        (Some(before), Some(now)) => (before, now),
        (before, now) => return before.or(now),
    };
    if now.image_status.is_none() {
        // The first status reason of the stack names the cause, the later ones describe the rollback.
        let message = before.message.or(now.message);
        return Some(Failure { message, stack_event: before.stack_event.or(now.stack_event), ..before });
    }
    let is_richer = before.image_status.is_some();
    let earlier = |value: Option<String>| value.filter(|_| is_richer);
    Some(Failure {
        observed_at: before.observed_at,
        image_status: now.image_status,
        step: now.step.or(earlier(before.step)),
        component: now.component.or(earlier(before.component)),
        phase: now.phase.or(earlier(before.phase)),
        action: now.action.or(earlier(before.action)),
        message: now.message.or(earlier(before.message)),
        stack_event: before.stack_event.or(now.stack_event),
    })
}

#[cfg(test)]
mod tests;
