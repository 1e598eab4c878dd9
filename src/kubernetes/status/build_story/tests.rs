//! Tests of `status.build` and `status.failure` over sequences of observations.

mod life;
mod times;

use super::*;
use crate::describe_image::image_config::new_tag;
use crate::describe_image::observation::FailedResource;
use crate::describe_image::{ImageId, Region, describe};
use crate::kubernetes::status::moment::{Moment, Orphan, Outcome};
use crate::kubernetes::status::tests::{PERIODS, at};
use crate::kubernetes::status::{compose, conditions};
use jiff::SignedDuration;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::Time;
use life::{BUILD, Life, STACK, ami, build, failed, nothing, stack};

/// Each status of a stack that is left behind or being deleted.
#[test]
fn ami_that_disappears_is_no_orphan_whatever_the_status_of_its_stack() {
    for (status, image_build, reason) in [
        ("CREATE_COMPLETE", build("arn:image/1", "AVAILABLE"), "Deleted"),
        ("UPDATE_COMPLETE", None, "Deleted"),
        ("IMPORT_COMPLETE", build("arn:image/1", "AVAILABLE"), "Deleted"),
        ("DELETE_IN_PROGRESS", build("arn:image/1", "AVAILABLE"), "Deleting"),
        ("DELETE_IN_PROGRESS", None, "Deleting"),
        ("DELETE_FAILED", build("arn:image/1", "AVAILABLE"), "DeleteFailed"),
        ("DELETE_COMPLETE", None, "Deleted"),
        ("UPDATE_ROLLBACK_COMPLETE", build("arn:image/1", "AVAILABLE"), "BuildFailed"),
        ("UPDATE_IN_PROGRESS", build("arn:image/1", "AVAILABLE"), "Building"),
        ("UPDATE_FAILED", None, "UnknownBuildStatus"),
    ] {
        let mut life = Life::new();
        life.sees(ami("available", -10, Some("arn:image/1")));
        for _ in 0..10 {
            life.sees(stack(STACK, status, image_build.clone())).says(reason, &["AMI ami-1 is gone", status]);
        }
        life.sees(nothing()).says("Deleted", &["AMI ami-1 is gone"]);
        life.sees(nothing()).says("Deleted", &["AMI ami-1 is gone"]);
    }
}

#[test]
fn stack_belongs_to_the_ami_if_it_has_the_same_image_build_or_is_older() {
    for (arn, made, its_arn, is_own) in [
        (Some("arn:image/1"), -60, Some("arn:image/1"), true),
        (None, -60, Some("arn:image/1"), true),
        (Some("arn:image/1"), -60, None, true),
        (None, -60, Some("arn:image/2"), true),
        (None, 5, Some("arn:image/2"), false),
        (Some("arn:image/1"), 5, Some("arn:image/2"), false),
        (Some("arn:image/1"), 5, None, false),
        (Some("arn:image/1"), 5, Some("arn:image/1"), true),
        (Some("arn:image/1"), -60, Some("arn:image/2"), false),
    ] {
        let mut life = Life::new();
        life.sees(ami("available", -10, arn));
        life.sees(stack(("arn:stack/hpc/2", made), "CREATE_COMPLETE", its_arn.and_then(|arn| build(arn, "AVAILABLE"))));
        let reason = if is_own { "Deleted" } else { "Finalizing" };
        assert_eq!(life.ready().0, reason, "{arn:?} {made} {its_arn:?}");
    }
}

#[test]
fn build_stays_after_its_ami_is_gone_until_a_new_stack_starts_another() {
    let mut life = Life::new();
    let first = (Some("arn:stack/hpc/1"), Some("arn:image/1"));
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", None));
    assert_eq!(life.build(), (first.0, None, None));
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", build("arn:image/1", "BUILDING")));
    assert_eq!(life.build(), (first.0, first.1, None));
    life.sees(ami("available", 25, Some("arn:image/1")));
    assert_eq!(life.build(), (first.0, first.1, Some("ami-1")));
    life.sees(nothing());
    assert_eq!(life.build(), (first.0, first.1, Some("ami-1")));
    life.sees(stack(("arn:stack/hpc/2", 45), "CREATE_IN_PROGRESS", None));
    assert_eq!(life.build(), (Some("arn:stack/hpc/2"), None, None));
}

#[test]
fn failure_stays_during_the_rollback_and_the_absence() {
    let mut life = Life::new();
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", failed("arn:image/1")));
    let place = "failed at workflow step RunComponents, component arn:component, phase build, step InstallPackages: no such package";
    life.says("Building", &[place]);
    let failure = life.status.failure.clone().unwrap();
    assert_eq!((failure.action.as_deref(), failure.image_status.as_deref()), (Some("InstallPackages"), Some("FAILED")));
    for status in ["ROLLBACK_IN_PROGRESS", "ROLLBACK_COMPLETE", "CREATE_FAILED"] {
        life.sees(stack(STACK, status, None)).says("BuildFailed", &[place, status]);
        assert_eq!(life.status.failure.as_ref(), Some(&failure), "{status}");
    }
    life.sees(stack(STACK, "DELETE_IN_PROGRESS", None));
    life.sees(nothing()).says("Deleted", &[place]);
    assert_eq!(life.status.failure.as_ref(), Some(&failure));
    life.sees(stack(("arn:stack/hpc/2", 70), "CREATE_IN_PROGRESS", None));
    assert_eq!(life.status.failure, None, "another build has not failed");
}

#[test]
fn failure_ends_only_when_an_ami_is_available() {
    let mut life = Life::new();
    life.sees(stack(STACK, "CREATE_FAILED", failed("arn:image/1"))).sees(ami("pending", 15, None));
    assert!(life.status.failure.is_some());
    life.sees(ami("available", 15, None));
    assert_eq!(life.status.failure, None);
}

#[test]
fn later_message_of_image_builder_replaces_the_first_message_of_the_stack() {
    let mut life = Life::new();
    let Observation::Stack { stack: mut failing, .. } = stack(STACK, "CREATE_FAILED", None) else { unreachable!() };
    failing.status_reason = Some("Resource creation failed".into());
    life.sees(Observation::Stack { stack: failing, image_build: None, refused: None });
    let first = life.status.failure.clone().unwrap();
    assert_eq!((first.image_status, first.message.as_deref()), (None, Some("Resource creation failed")));
    life.sees(stack(STACK, "CREATE_FAILED", failed("arn:image/1")));
    let later = life.status.failure.clone().unwrap();
    assert_eq!((later.observed_at, later.message.as_deref()), (first.observed_at, Some("no such package")));
}

#[test]
fn orphan_message_names_the_image_build_and_becomes_deleted_when_the_ami_is_gone() {
    let mut life = Life::new();
    life.sees(stack(STACK, "CREATE_COMPLETE", build("arn:image/1", "AVAILABLE"))).says("Finalizing", &[]);
    for _ in 0..3 {
        life.sees(nothing());
    }
    life.says(
        "OrphanedImage",
        &["aws ec2 describe-images --region eu-west-1", "Ec2ImageBuilderArn,Values=arn:image/1"],
    );
    life.sees_with(nothing(), Orphan::Found("ami-9".into())).says("OrphanedImage", &["AMI ami-9"]);
    let found = life.status.clone();
    life.sees(nothing());
    assert_eq!(life.status, found, "an unknown orphan changes nothing");
    life.sees_with(nothing(), Orphan::Gone).says("Deleted", &["arn:image/1"]);
    let cleared = life.status.clone();
    life.sees(nothing());
    assert_eq!(life.status, cleared, "the same outcome again changes nothing");
}

#[test]
fn orphan_that_is_gone_is_deleted_even_while_its_stack_exists() {
    let mut life = Life::new();
    let left = || stack(STACK, "CREATE_COMPLETE", build("arn:image/1", "AVAILABLE"));
    for _ in 0..5 {
        life.sees(left());
    }
    life.says("OrphanedImage", &["arn:image/1"]);
    life.sees_with(left(), Orphan::Gone).says("Deleted", &["arn:image/1"]);
    life.sees(left()).says("Deleted", &[]);
    let goes = || stack(STACK, "DELETE_IN_PROGRESS", build("arn:image/1", "AVAILABLE"));
    life.sees(goes()).says("Deleting", &["arn:image/1"]);
    // A clock that is set back begins no finalizing period.
    life.minute = 0;
    life.sees(goes()).says("Deleting", &["arn:image/1"]);
    life.sees(nothing()).says("Deleted", &["arn:image/1"]);
}

/// The object was suspended, or the operator did not run, while another build ran.
#[test]
fn another_finished_build_starts_its_own_finalizing_period() {
    for orphan in [Orphan::Unknown, Orphan::Gone] {
        let mut life = Life::new();
        life.sees(stack(STACK, "CREATE_COMPLETE", build("arn:image/1", "AVAILABLE")));
        for _ in 0..4 {
            life.sees_with(nothing(), orphan.clone());
        }
        let begun = life.minute;
        let second = ("arn:stack/hpc/2", begun);
        life.sees(stack(second, "DELETE_IN_PROGRESS", build("arn:image/2", "AVAILABLE"))).says("Finalizing", &[]);
        life.sees(nothing()).says("Finalizing", &[]);
        life.sees(ami("available", begun, Some("arn:image/2"))).says("ImageAvailable", &[]);
    }
}

#[test]
fn second_read_of_a_failed_stack_without_an_arn_changes_nothing() {
    let mut life = Life::new();
    let nameless = || {
        let Observation::Stack { mut stack, .. } = stack(STACK, "CREATE_FAILED", None) else { unreachable!() };
        stack.arn = None;
        Observation::Stack { stack, image_build: None, refused: None }
    };
    life.sees(nameless());
    let first = life.status.clone();
    life.sees(nameless());
    assert_eq!(life.status, first);
}

#[test]
fn recorded_failure_stays_in_the_message_while_the_stack_is_deleted_or_updated() {
    let mut life = Life::new();
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", failed("arn:image/1")));
    for (status, reason) in [
        ("CREATE_IN_PROGRESS", "Building"),
        ("DELETE_IN_PROGRESS", "Deleting"),
        ("UPDATE_ROLLBACK_IN_PROGRESS", "Building"),
        ("UPDATE_FAILED", "UnknownBuildStatus"),
        ("DELETE_FAILED", "DeleteFailed"),
    ] {
        life.sees(stack(STACK, status, None)).says(reason, &["step InstallPackages: no such package", status]);
    }
}

#[test]
fn status_without_a_build_from_an_earlier_version_is_understood() {
    let mut life = Life::new();
    life.sees(ami("available", -10, Some("arn:image/1")));
    life.status.build = None;
    life.sees(stack(STACK, "CREATE_COMPLETE", None)).says("Deleted", &["ami-1"]);
    let mut life = Life::new();
    life.sees(stack(STACK, "CREATE_FAILED", failed("arn:image/1")));
    life.status.build = None;
    life.sees(stack(STACK, "ROLLBACK_COMPLETE", None)).says("BuildFailed", &["InstallPackages"]);
}

#[test]
fn message_contains_the_state_reason_of_ec2_and_a_past_deprecation() {
    let mut life = Life::new();
    let mut seen = |change: fn(&mut Ami)| {
        let Observation::Ami { mut ami, .. } = ami("failed", -10, None) else { unreachable!() };
        change(&mut ami);
        life.sees(Observation::Ami { ami, stack: None, refused: None });
        let (reason, message) = life.ready();
        (reason.to_owned(), message.to_owned())
    };
    let (reason, message) = seen(|ami| ami.state_reason = Some("Client.InternalError: snapshot failed".into()));
    assert!(
        reason == "ImageUnusable" && message.ends_with("FAILED in eu-west-1: Client.InternalError: snapshot failed")
    );
    let (reason, message) = seen(|ami| ami.state = Some("disabled".into()));
    assert!(reason == "ImageUnusable" && message.contains("AMI ami-1 is DISABLED"), "{message}");
    let (reason, message) = seen(|ami| {
        ami.state = Some("available".into());
        ami.deprecated_at = Some(at(0));
    });
    assert!(reason == "ImageAvailable" && message.contains("deprecated since 2027"), "{message}");
    let (_, message) = seen(|ami| {
        ami.state = Some("available".into());
        ami.deprecated_at = Some(at(10_000));
    });
    assert!(!message.contains("deprecated"), "{message}");
}

#[test]
fn the_first_failed_resource_of_the_stack_is_told_and_stays() {
    let mut life = Life::new();
    let event = FailedResource {
        resource: "ImageRole".into(),
        status: "CREATE_FAILED".into(),
        reason: Some("API: iam:CreateRole limit exceeded".into()),
    };
    let Observation::Stack { stack: mut told, .. } = stack(STACK, "DELETE_IN_PROGRESS", None) else { unreachable!() };
    told.first_failure = Some(event);
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", None));
    life.sees(Observation::Stack { stack: told, image_build: None, refused: None });
    let words = "failed at resource ImageRole (CREATE_FAILED): API: iam:CreateRole limit exceeded; what to do: customimage-operator events hpc -n images";
    life.says("Deleting", &[words]);
    life.sees(nothing()).says("Deleted", &[words]);
    let failure = life.status.failure.clone().unwrap();
    assert_eq!(failure.message.as_deref(), Some("API: iam:CreateRole limit exceeded"));
    assert_eq!(failure.stack_event.unwrap().resource, "ImageRole");
}

#[test]
fn message_of_a_failed_build_names_the_step_and_then_the_command_that_shows_its_log() {
    let mut life = Life::new();
    life.sees(stack(STACK, "CREATE_FAILED", failed(BUILD)));
    let (_, message) = life.ready();
    let words = "step InstallPackages: no such package; what to do: customimage-operator logs hpc -n images; stack is CREATE_FAILED";
    assert!(message.starts_with("failed at workflow step RunComponents") && message.contains(words), "{message}");
}

#[test]
fn what_is_known_of_a_build_stays_while_image_builder_cannot_be_asked() {
    let mut life = Life::new();
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", build(BUILD, "BUILDING")));
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", failed(BUILD)));
    let known = (life.status.phase.clone(), life.status.build.clone());
    for _ in 0..2 {
        life.sees(stack(STACK, "CREATE_IN_PROGRESS", None));
        assert_eq!((life.status.phase.clone(), life.status.build.clone()), known);
        life.sees(stack(STACK, "CREATE_IN_PROGRESS", failed(BUILD)));
        assert_eq!((life.status.phase.clone(), life.status.build.clone()), known);
    }
    life.sees(stack(STACK, "ROLLBACK_COMPLETE", None));
    assert_eq!((life.status.phase.clone(), life.status.build.clone()), known, "and when its image is gone");
}

#[test]
fn a_resource_that_a_good_builds_own_deletion_stopped_is_no_failure() {
    let mut life = Life::new();
    life.sees(stack(STACK, "CREATE_IN_PROGRESS", build(BUILD, "AVAILABLE")));
    let Observation::Stack { stack: mut goes, .. } = stack(STACK, "DELETE_IN_PROGRESS", None) else { unreachable!() };
    goes.first_failure = Some(FailedResource { status: "CREATE_FAILED".into(), ..FailedResource::default() });
    life.sees(Observation::Stack { stack: goes, image_build: None, refused: None });
    assert_eq!(life.status.failure, None);
}

#[test]
fn the_ami_of_a_good_build_that_disappears_makes_no_failure_of_what_its_stack_left_undone() {
    let mut life = Life::new();
    life.sees(ami("available", -10, Some(BUILD)));
    let Observation::Stack { stack: mut goes, .. } = stack(STACK, "DELETE_IN_PROGRESS", None) else { unreachable!() };
    goes.first_failure = Some(FailedResource { status: "CREATE_FAILED".into(), ..FailedResource::default() });
    for _ in 0..3 {
        life.sees(Observation::Stack { stack: goes.clone(), image_build: None, refused: None });
        assert_eq!(life.status.failure, None);
    }
}

#[test]
fn the_failure_of_another_build_is_told_at_first_sight_also_after_a_good_one() {
    let mut life = Life::new();
    life.sees(ami("available", 25, Some(BUILD)));
    let other = stack(("arn:stack/hpc/2", 45), "DELETE_IN_PROGRESS", None);
    let Observation::Stack { stack: mut goes, .. } = other else { unreachable!() };
    goes.first_failure = Some(FailedResource { status: "CREATE_FAILED".into(), ..FailedResource::default() });
    life.sees(Observation::Stack { stack: goes, image_build: None, refused: None });
    assert!(life.status.failure.is_some());
}
