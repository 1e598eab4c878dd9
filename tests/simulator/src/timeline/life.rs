//! Applies the steps of an image build, as AWS ParallelCluster's stack goes through them.

mod failure;
mod log;
mod made;
mod plan;
mod stack_events;

use super::scene::Scene;
use crate::world::{Build, LogEvent, LogGroup, Millis, Stack, Tag};
use made::{build_version_arn, log_group_name, new_build_version, new_image, new_stack, output_ami, stack_id};
use plan::What;

pub use plan::steps;

/// Applies the step with this number. `now` is in AWS's format.
pub fn take(scene: &mut Scene, build: &Build, number: usize, now: &str) {
    match plan::steps(build)[number].what {
        What::StackCreated => {
            scene.put_stack(new_stack(build, now));
            with_stack(scene, build, |stack| stack_events::of_stack(stack, now));
        }
        What::ImageBuilder(status) => image_builder(scene, build, status, now),
        What::ImageAvailable => {
            image_builder(scene, build, "AVAILABLE", now);
            scene.put_image(new_image(build, now));
            resource(scene, build, "CREATE_COMPLETE", None, now);
        }
        What::ImageFailed(status) => {
            image_builder(scene, build, status, now);
            resource(scene, build, "CREATE_FAILED", Some(failure::resource_reason(build)), now);
        }
        What::Tagged => tag(scene, build),
        What::Stack(status) => stack_status(scene, build, status, None, now),
        What::StackFailed(status) => stack_status(scene, build, status, failure::stack_reason(build), now),
        What::StackDeleted => {
            with_stack(scene, build, |stack| stack.deletion_time = Some(now.to_owned()));
            stack_status(scene, build, "DELETE_COMPLETE", None, now);
        }
        What::Resources(wave, change) => {
            with_stack(scene, build, |stack| stack_events::of_resources(stack, build, wave, change, now));
        }
        What::Log(chapter) => write(scene, build, log::lines(build, chapter), now),
    }
}

fn image_builder(scene: &mut Scene, build: &Build, status: &str, now: &str) {
    let arn = build_version_arn(build);
    if status == "PENDING" {
        resource(scene, build, "CREATE_IN_PROGRESS", Some("Resource creation Initiated".into()), now);
        return scene.put_version(new_build_version(build, arn, status, now));
    }
    let Some(version) = scene.version(&arn) else {
        return;
    };
    version.status = Some(status.to_owned());
    if matches!(status, "FAILED" | "CANCELLED") {
        version.reason = failure::reason(build);
        version.failure_context = failure::context(build);
    }
    if status == "AVAILABLE" {
        version.amis = vec![output_ami(build)];
    }
}

fn tag(scene: &mut Scene, build: &Build) {
    let key = [&build.ami_id, &build.region, &build.account].map(String::clone);
    if let Some(image) = scene.image(&key) {
        let tag = Tag::new("parallelcluster:build_status", "available");
        image.tags.push(tag);
    }
}

fn stack_status(scene: &mut Scene, build: &Build, status: &str, reason: Option<String>, now: &str) {
    with_stack(scene, build, |stack| {
        stack.status = Some(status.to_owned());
        stack.status_reason = reason;
        stack_events::of_stack(stack, now);
    });
}

fn resource(scene: &mut Scene, build: &Build, status: &str, reason: Option<String>, now: &str) {
    let arn = build_version_arn(build);
    with_stack(scene, build, |stack| {
        let resource = stack.resource("ParallelClusterImage");
        resource.physical_id = Some(arn);
        resource.status = Some(status.to_owned());
        resource.status_reason.clone_from(&reason);
        resource.last_updated_time = Some(now.to_owned());
        stack_events::of_image(stack, build, status, reason, now);
    });
}

/// Changes the build's stack, unless a test has removed it meanwhile.
fn with_stack(scene: &mut Scene, build: &Build, change: impl FnOnce(&mut Stack)) {
    if let Some(stack) = scene.stack(&stack_id(build)) {
        change(stack);
    }
}

/// Adds lines to the build's log, all with the time `now`.
fn write(scene: &mut Scene, build: &Build, lines: Vec<String>, now: &str) {
    let now = Millis::of(now).unwrap_or_default();
    let group = LogGroup {
        account: build.account.clone(),
        region: build.region.clone(),
        name: log_group_name(build),
        creation_time: Some(now),
        ..LogGroup::default()
    };
    let stream = scene.log_group(group).stream(&format!("{}/1", build.version));
    if stream.events.is_empty() {
        stream.creation_time = Some(now);
    }
    let event = |line| LogEvent { timestamp: now, message: line, ingestion_time: Some(now) };
    stream.events.extend(lines.into_iter().map(event));
}
