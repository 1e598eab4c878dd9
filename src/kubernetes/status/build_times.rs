//! When a build began, when the operator saw it end, and its log: what `status.build` says beside its three ids. Pure.

use crate::describe_image::observation::{self, Observation, Phase, Stack};
use crate::describe_image::{ImageBuildStatus, image_build_log};
use crate::kubernetes::custom_image::CustomImageStatus;
use crate::kubernetes::custom_image::build::Build;
use crate::kubernetes::status::conditions::whole_second;
use crate::kubernetes::status::ready_reason::ReadyReason;
use jiff::Timestamp;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;

/// `build` with its times and its log, and the value of `status.phase`. `build` has the times of the previous status if it is
/// the same build.
#[must_use]
pub fn dated(
    build: Build,
    previous: &CustomImageStatus,
    observation: &Observation,
    image_id: &str,
    now: Timestamp,
) -> (Build, Option<String>) {
    let is_same = previous.build.as_ref().is_some_and(|before| is_same(before, &build));
    let started_at = stack_of(&build, observation).and_then(|stack| stack.creation_time).map(second);
    let started_at = started_at.or_else(|| build.started_at.clone());
    let ended_at = match observation {
        Observation::Ami { ami, .. } if ami.phase() != Phase::Settled => None,
        // Image Builder tells that the build goes on, so an end that was recorded was none.
        Observation::Stack { image_build: Some(told), .. } if told.status.is_some() && !observation.build_is_over() => {
            None
        }
        // What has ended stays so, also when Image Builder cannot be asked for a moment.
        _ if !observation.build_is_over() => build.ended_at.clone(),
        _ => build.ended_at.clone().or_else(|| (is_same && was_open(previous)).then(|| second(now))),
    };
    let seconds = |from: &Time, to: &Time| to.0.duration_since(from.0).as_secs().max(0);
    let duration_seconds = started_at.as_ref().zip(ended_at.as_ref()).map(|(from, to)| seconds(from, to));
    let phase = phase(observation, previous, is_same);
    let began = build.phase_started_at.clone().filter(|_| is_same && phase == previous.phase);
    let phase_started_at = phase.as_ref().and_then(|_| began.or_else(|| Some(second(now))));
    let log = build.image_arn.as_deref().and_then(|arn| image_build_log::of(arn, image_id));
    let (log_group, log_stream) = log.map(|log| (log.group, log.stream)).unzip();
    (Build { started_at, ended_at, duration_seconds, phase_started_at, log_group, log_stream, ..build }, phase)
}

/// While Image Builder does not tell the phase, that of the same build stays.
fn phase(observation: &Observation, previous: &CustomImageStatus, is_same: bool) -> Option<String> {
    match observation {
        Observation::Ami { ami, .. } => ami.state.as_deref().map(str::to_uppercase),
        Observation::Stack { image_build, .. } => {
            let told = image_build.as_ref().and_then(|build| build.status.clone());
            let stays = is_same && previous.image.ec2_ami_info.is_none();
            told.or_else(|| previous.phase.clone().filter(|_| stays))
        }
        Observation::Absent { .. } => None,
    }
}

/// The stack of `build`, if it was read.
fn stack_of<'a>(build: &Build, observation: &'a Observation) -> Option<&'a Stack> {
    let stack = match observation {
        Observation::Ami { stack, .. } => stack.as_ref()?,
        Observation::Stack { stack, .. } => stack,
        Observation::Absent { .. } => return None,
    };
    (stack.arn == build.stack_arn).then_some(stack)
}

/// Whether both are the same build: no id that both have differs.
fn is_same(before: &Build, now: &Build) -> bool {
    let differs = |before: &Option<String>, now: &Option<String>| before.is_some() && now.is_some() && before != now;
    !differs(&before.stack_arn, &now.stack_arn) && !differs(&before.image_arn, &now.image_arn)
}

/// Whether the previous status reports a build that has not ended. A status that AWS did not confirm lately reports none.
fn was_open(previous: &CustomImageStatus) -> bool {
    if ReadyReason::of(&previous.conditions).is_some_and(|reason| !reason.is_observed()) {
        return false;
    }
    let image = &previous.image;
    match &image.ec2_ami_info {
        Some(ami) => ami.state.as_deref() == Some("PENDING"),
        None => {
            let is_over = image.imagebuilder_image_status.as_deref().is_some_and(observation::is_over);
            image.image_build_status == Some(ImageBuildStatus::BuildInProgress) && !is_over
        }
    }
}

/// A time as a status has it.
pub fn second(time: Timestamp) -> Time {
    Time(whole_second(time))
}
