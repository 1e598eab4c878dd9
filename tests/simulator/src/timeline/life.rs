//! Applies the steps of an image build, as AWS ParallelCluster's stack goes through them.

mod made;
mod plan;

use super::scene::Scene;
use crate::world::{Build, Stack, Tag};
use made::{build_version_arn, new_build_version, new_image, new_stack, output_ami, stack_id};
use plan::What;

pub use plan::steps;

/// Applies the step with this number. `now` is in AWS's format.
pub fn take(scene: &mut Scene, build: &Build, number: usize, now: &str) {
    match plan::steps(build)[number].what {
        What::StackCreated => scene.put_stack(new_stack(build, now)),
        What::ImageBuilder(status) => image_builder(scene, build, status, now),
        What::ImageAvailable => {
            image_builder(scene, build, "AVAILABLE", now);
            scene.put_image(new_image(build, now));
            resource(scene, build, "CREATE_COMPLETE", None, now);
        }
        What::ImageFailed(status) => {
            image_builder(scene, build, status, now);
            let reason =
                Some(format!("Resource handler returned message: \"{}\"", build.reason.as_deref().unwrap_or_default()));
            resource(scene, build, "CREATE_FAILED", reason, now);
        }
        What::Tagged => tag(scene, build),
        What::Stack(status) => stack_status(scene, build, status, None),
        What::StackFailed(status) => stack_status(scene, build, status, build.stack_reason.clone()),
        What::StackDeleted => {
            stack_status(scene, build, "DELETE_COMPLETE", None);
            with_stack(scene, build, |stack| stack.deletion_time = Some(now.to_owned()));
        }
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
        version.reason.clone_from(&build.reason);
        version.failure_context.clone_from(&build.failure_context);
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

fn stack_status(scene: &mut Scene, build: &Build, status: &str, reason: Option<String>) {
    with_stack(scene, build, |stack| {
        stack.status = Some(status.to_owned());
        stack.status_reason = reason;
    });
}

fn resource(scene: &mut Scene, build: &Build, status: &str, reason: Option<String>, now: &str) {
    let arn = build_version_arn(build);
    with_stack(scene, build, |stack| {
        let resource = stack.resource("ParallelClusterImage");
        resource.physical_id = Some(arn);
        resource.status = Some(status.to_owned());
        resource.status_reason = reason;
        resource.last_updated_time = Some(now.to_owned());
    });
}

/// Changes the build's stack, unless a test has removed it meanwhile.
fn with_stack(scene: &mut Scene, build: &Build, change: impl FnOnce(&mut Stack)) {
    if let Some(stack) = scene.stack(&stack_id(build)) {
        change(stack);
    }
}
