//! Cases from public issues in which a status could contradict AWS. Each runs on a real API server and the simulator.
//! Numbers are issues of the named projects.

use crate::support::describe::describe;
use crate::support::lab::{Lab, REGION, condition_of, message_of};
use crate::support::scenario::{error, without};
use crate::support::world::{ami_id, build, build_arn, image, stack, world};
use crate::support::{eventually, run};
use customimage_operator::kubernetes::CustomImage;
use serde_json::json;
use simulator::{Fault, StateReason, Tag, World};

/// A world with the AMI of `hpc`, as Image Builder tags it.
fn with_ami() -> World {
    let mut world = world(REGION);
    let mut ami = image("hpc", REGION);
    ami.tags.push(Tag::new("Ec2ImageBuilderArn", build_arn("hpc", REGION)));
    world.images.push(ami);
    world
}

/// The stack and the image build that made the AMI still exist.
fn leave_stack(world: &mut World, stack_status: &str, build_status: &str) {
    world.stacks = vec![stack("hpc", REGION, stack_status)];
    world.image_build_versions = vec![build("hpc", REGION, build_status)];
}

fn failing_build(status: &str) -> simulator::ImageBuildVersion {
    let mut build = build("hpc", REGION, status);
    build.failure_context = Some(json!({
        "failedStep": "RunComponents",
        "componentFailure": {"componentArn": "arn:c", "phaseName": "build", "stepName": "InstallPackages", "errorMessage": "no such package"}
    }));
    build
}

async fn lab_of(world: World) -> Lab {
    let lab = Lab::new(world).await;
    lab.create("hpc", json!({})).await;
    lab
}

/// Waits until Ready's message contains `words`. Returns the object.
async fn says(lab: &Lab, words: &str) -> CustomImage {
    eventually(&format!("Ready says {words}"), || async {
        let object = lab.get("hpc").await;
        let has_ready = condition_of(&object, "Ready").is_some();
        let message = if has_ready { message_of(&object, "Ready") } else { String::new() };
        if message.contains(words) { Ok(object) } else { Err(message) }
    })
    .await
}

fn status_of(object: &CustomImage) -> &customimage_operator::kubernetes::CustomImageStatus {
    object.status.as_ref().unwrap()
}

/// aws-parallelcluster 3867 and 5914.
#[test]
fn a_deleted_ami_whose_stack_still_exists_is_deleted_and_not_orphaned() {
    run(async {
        for (stack_status, reason) in [("CREATE_COMPLETE", "Deleted"), ("DELETE_IN_PROGRESS", "Deleting")] {
            let lab = lab_of(with_ami()).await;
            let _operator = lab.operator(&[("CUSTOMIMAGE_FINALIZING_PERIOD", "1s")]).await;
            let seen = lab.ready("hpc", "True", "ImageAvailable").await;
            let build = status_of(&seen).build.clone().unwrap();
            assert_eq!((build.image_arn, build.ami_id), (Some(build_arn("hpc", REGION)), Some(ami_id("hpc"))));
            lab.aws.world(|world| {
                world.images.clear();
                leave_stack(world, stack_status, "AVAILABLE");
            });
            let gone = lab.ready("hpc", "False", reason).await;
            assert!(message_of(&gone, "Ready").contains(&ami_id("hpc")), "{}", message_of(&gone, "Ready"));
            let events = lab.events("hpc").await;
            assert!(!events.iter().any(|event| event == "Finalizing" || event == "OrphanedImage"), "{events:?}");
        }
    });
}

/// The keys in a Secret were replaced by those of another account, and the pods were started again.
#[test]
fn with_the_keys_of_another_account_an_image_is_not_found_there_and_never_deleted() {
    run(async {
        let lab = lab_of(with_ami()).await;
        let before = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(before.terminate().await, 0);
        // STS fails once. That must not decide.
        lab.aws.fault(Fault::new("sts", "GetCallerIdentity", error(503, "ServiceUnavailable", "busy")).times(1));
        let others = [("AWS_ACCESS_KEY_ID", "AKIA222233334444EXAMPLE"), ("CUSTOMIMAGE_NOT_FOUND_GRACE", "1s")];
        let _operator = lab.operator(&others).await;
        let gone = lab.ready("hpc", "False", "NotFound").await;
        assert!(message_of(&gone, "Ready").contains("of account 222233334444"), "{}", message_of(&gone, "Ready"));
        assert_eq!(gone.status.unwrap().account_id.as_deref(), Some("222233334444"));
        lab.event("hpc", "AccountChanged").await;
        assert!(!lab.events("hpc").await.contains(&"Deleted".to_owned()));
        assert_eq!(lab.aws.count("sts", "GetCallerIdentity"), 2, "the one that failed, and one more");
    });
}

/// packer 6737, aws-cli 7524, packer-plugin-amazon 295.
#[test]
fn a_newer_copy_that_is_not_available_does_not_hide_an_available_ami() {
    run(async {
        for state in ["pending", "failed", "disabled"] {
            let mut world = with_ami();
            let mut copy = image("hpc", REGION);
            copy.ami_id = "ami-0c0c0c0c0c0c0c0c0".into();
            copy.creation_date = Some("2026-02-03T04:05:06.789Z".into());
            copy.state = Some(state.into());
            world.images.insert(0, copy);
            let lab = lab_of(world).await;
            let _operator = lab.operator(&[]).await;
            let object = lab.ready("hpc", "True", "ImageAvailable").await;
            assert_eq!(status_of(&object).image.ec2_ami_info.as_ref().unwrap().ami_id, Some(ami_id("hpc")), "{state}");
            let answer = describe(&lab.aws.endpoint(), "hpc", REGION).await;
            assert_eq!(answer.body["ec2AmiInfo"]["amiId"], ami_id("hpc").as_str(), "{state}");
        }
    });
}

/// cloud-custodian 9067, steampipe-plugin-aws 2276.
#[test]
fn a_disabled_ami_is_unusable_with_or_without_a_stack_and_describe_matches_the_official_program() {
    run(async {
        for is_stack_left in [false, true] {
            let mut world = with_ami();
            if is_stack_left {
                leave_stack(&mut world, "DELETE_FAILED", "AVAILABLE");
            }
            let lab = lab_of(world).await;
            let _operator = lab.operator(&[]).await;
            lab.ready("hpc", "True", "ImageAvailable").await;
            lab.aws.world(|world| world.images[0].state = Some("disabled".into()));
            let object = lab.ready("hpc", "False", "ImageUnusable").await;
            let message = message_of(&object, "Ready");
            assert!(message.contains(&format!("AMI {} is DISABLED", ami_id("hpc"))), "{message}");
            let ours = describe(&lab.aws.endpoint(), "hpc", REGION).await;
            let reference = crate::support::oracle::describe(&lab.aws.endpoint(), "hpc", REGION).await;
            assert_eq!(ours.code != 0, reference.code != 0, "{is_stack_left}");
            assert_eq!(ours.body["message"], reference.body["message"], "{is_stack_left}");
            assert!(ours.stderr.contains("DISABLED"), "{}", ours.stderr);
        }
    });
}

/// aws-parallelcluster 3988.
#[test]
fn an_orphan_names_its_image_build_and_becomes_deleted_after_its_ami_is_gone() {
    run(async {
        let mut world = world(REGION);
        leave_stack(&mut world, "CREATE_COMPLETE", "AVAILABLE");
        let mut orphan = image("other", REGION);
        orphan.tags = vec![Tag::new("Ec2ImageBuilderArn", build_arn("hpc", REGION))];
        world.images.push(orphan);
        let lab = lab_of(world).await;
        let _operator = lab.operator(&[("CUSTOMIMAGE_FINALIZING_PERIOD", "1s")]).await;
        lab.ready("hpc", "False", "Finalizing").await;
        lab.aws.world(|world| world.stacks.clear());
        lab.ready("hpc", "False", "OrphanedImage").await;
        let object = says(&lab, &ami_id("other")).await;
        let message = message_of(&object, "Ready");
        let command = "aws ec2 describe-images --region eu-west-1";
        assert!(message.contains(&build_arn("hpc", REGION)) && message.contains(command), "{message}");
        lab.aws.world(|world| world.images.clear());
        let cleared = lab.ready("hpc", "False", "Deleted").await;
        assert!(message_of(&cleared, "Ready").contains(&build_arn("hpc", REGION)));
        assert_eq!(lab.aws.writes(), 0);
    });
}

/// aws-parallelcluster 2969 and 3022.
#[test]
fn the_failed_step_is_kept_through_the_rollback_and_after_the_stack_is_gone() {
    run(async {
        let mut world = world(REGION);
        world.stacks.push(stack("hpc", REGION, "CREATE_FAILED"));
        world.image_build_versions.push(failing_build("FAILED"));
        let lab = lab_of(world).await;
        let operator = lab.operator(&[]).await;
        let failed = lab.ready("hpc", "False", "BuildFailed").await;
        let failure = status_of(&failed).failure.clone().unwrap();
        assert_eq!(
            (failure.step.as_deref(), failure.action.as_deref()),
            (Some("RunComponents"), Some("InstallPackages"))
        );
        assert_eq!((failure.component.as_deref(), failure.phase.as_deref()), (Some("arn:c"), Some("build")));
        drop(operator);
        // The rollback deletes the image build, and the restart loses what was only in memory.
        lab.aws.world(|world| {
            world.stacks = vec![stack("hpc", REGION, "ROLLBACK_COMPLETE")];
            world.stacks[0].resources.clear();
            world.image_build_versions.clear();
        });
        let _operator = lab.operator(&[]).await;
        let rolled_back = says(&lab, "ROLLBACK_COMPLETE").await;
        assert!(message_of(&rolled_back, "Ready").contains("InstallPackages: no such package"));
        assert_eq!(status_of(&rolled_back).failure.as_ref(), Some(&failure));
        lab.aws.world(|world| world.stacks.clear());
        let gone = lab.ready("hpc", "False", "Deleted").await;
        assert_eq!(status_of(&gone).failure.as_ref(), Some(&failure));
        assert!(message_of(&gone, "Ready").contains("InstallPackages"));
    });
}

#[test]
fn an_ami_without_access_to_its_stack_has_its_payload_and_names_the_missing_permission() {
    run(async {
        let mut world = with_ami();
        without(&mut world.images[0].tags, "s3_bucket");
        without(&mut world.images[0].tags, "s3_image_dir");
        let denied = error(403, "AccessDenied", "not authorized to perform: cloudformation:DescribeStacks");
        world.faults.push(Fault::new("cloudformation", "DescribeStacks", denied));
        let lab = lab_of(world).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(status_of(&object).image_configuration.as_ref().unwrap().url, "NOT_AVAILABLE");
        assert_eq!(condition_of(&object, "PayloadComplete"), Some(("False", "AccessDenied")));
        let message = message_of(&object, "PayloadComplete");
        assert!(message.contains("cloudformation:DescribeStacks") && message.contains("url"), "{message}");
        let ours = describe(&lab.aws.endpoint(), "hpc", REGION).await;
        assert_eq!((ours.code, &ours.body["imageConfiguration"]["url"]), (0, &json!("NOT_AVAILABLE")), "{ours:?}");
        assert!(ours.stderr.contains("cloudformation:DescribeStacks"), "{}", ours.stderr);
    });
}

/// pcluster-manager 67 and 551.
#[test]
fn a_failure_in_image_builder_is_reported_before_the_stack_fails() {
    run(async {
        let mut world = world(REGION);
        world.stacks.push(stack("hpc", REGION, "CREATE_IN_PROGRESS"));
        world.image_build_versions.push(failing_build("FAILED"));
        let lab = lab_of(world).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "False", "Building").await;
        let message = message_of(&object, "Ready");
        assert!(message.starts_with("failed at workflow step RunComponents"), "{message}");
        assert!(message.contains("no such package") && message.contains("reason of the build hpc"), "{message}");
        assert!(status_of(&object).failure.is_some());
    });
}

/// packer 6737, aws-parallelcluster 4571.
#[test]
fn the_ready_message_has_a_deprecation_and_the_state_reason_of_a_failed_ami() {
    run(async {
        let mut world = with_ami();
        world.images[0].deprecation_time = Some("2025-03-01T00:00:00.000Z".into());
        let lab = lab_of(world).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        assert!(
            message_of(&object, "Ready").contains("deprecated since 2025-03-01"),
            "{}",
            message_of(&object, "Ready")
        );
        lab.aws.world(|world| {
            world.images[0].state = Some("failed".into());
            world.images[0].state_reason =
                Some(StateReason { code: None, message: Some("Client.InternalError: snapshot failed".into()) });
        });
        let object = lab.ready("hpc", "False", "ImageUnusable").await;
        assert!(message_of(&object, "Ready").contains("snapshot failed"), "{}", message_of(&object, "Ready"));
    });
}

/// aws-parallelcluster 4130, 4032 and 4146.
#[test]
fn not_found_explains_a_stack_that_builds_no_image_and_an_ami_id_used_as_image_id() {
    run(async {
        let mut world = world(REGION);
        let mut other = stack("hpc", REGION, "CREATE_COMPLETE");
        other.tags = vec![Tag::new("parallelcluster:cluster-name", "hpc")];
        world.stacks.push(other);
        let lab = lab_of(world).await;
        lab.create("ami-0123456789abcdef0", json!({})).await;
        let _operator = lab.operator(&[]).await;
        lab.ready("hpc", "False", "NotFound").await;
        says(&lab, "a stack named hpc is there, and it builds no image").await;
        let object = lab.ready("ami-0123456789abcdef0", "False", "NotFound").await;
        assert!(message_of(&object, "Ready").contains("is an AMI id"), "{}", message_of(&object, "Ready"));
        for (id, words) in [("hpc", "builds no image"), ("ami-0123456789abcdef0", "is an AMI id")] {
            let answer = describe(&lab.aws.endpoint(), id, REGION).await;
            assert!(answer.code == 4 && answer.stderr.contains(words), "{answer:?}");
        }
    });
}

#[test]
fn an_unknown_region_is_reported_without_a_call_to_aws() {
    run(async {
        let lab = Lab::empty().await;
        lab.create("hpc", json!({"region": "xx-nope-1"})).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "Unknown", "UnknownRegion").await;
        let message = message_of(&object, "Ready");
        assert!(message.contains("'xx-nope-1'") && message.contains("AWS was not asked"), "{message}");
        assert!(!message.contains("Describe") && !message.contains("Unable to get image"), "{message}");
        assert_eq!(lab.aws.calls().len(), 0);
    });
}

#[test]
fn not_found_is_a_normal_event_within_the_grace_period_and_a_warning_after_it() {
    run(async {
        let lab = lab_of(world(REGION)).await;
        let _operator = lab.operator(&[("CUSTOMIMAGE_NOT_FOUND_GRACE", "6s")]).await;
        lab.ready("hpc", "False", "NotFound").await;
        lab.event("hpc", "NotFound").await;
        let (kind, note) = lab.event_of("hpc", "NotFound").await;
        assert!(kind == "Normal" && note.contains("counts as failed from 20"), "{kind} {note}");
        lab.condition("hpc", "Stalled", "True", "NotFound").await;
        eventually("a Warning after the grace period", || async {
            let (kind, note) = lab.event_of("hpc", "NotFound").await;
            if kind == "Warning" { Ok(()) } else { Err(format!("{kind} {note}")) }
        })
        .await;
    });
}

#[test]
fn throttling_of_a_scope_publishes_no_event_per_object() {
    run(async {
        let mut world = world(REGION);
        let ids = ["a", "b", "c"];
        world.images.extend(ids.map(|id| image(id, REGION)));
        let lab = Lab::new(world).await;
        for id in ids {
            lab.create(id, json!({})).await;
        }
        let _operator = lab.operator(&[("CUSTOMIMAGE_ERROR_GRACE", "500ms")]).await;
        for id in ids {
            lab.ready(id, "True", "ImageAvailable").await;
        }
        lab.aws.fault(Fault::new("ec2", "DescribeImages", simulator::FaultKind::Throttle));
        for id in ids {
            lab.condition(id, "Synced", "False", "Throttled").await;
        }
        // Cause an Event that is certainly published. A wrong one would be published before it.
        lab.aws.clear_faults();
        lab.aws.world(|world| world.images.iter_mut().for_each(|image| image.state = Some("failed".into())));
        for id in ids {
            lab.event(id, "ImageUnusable").await;
            assert_eq!(lab.events(id).await, ["ImageUnusable"], "{id}");
        }
    });
}
