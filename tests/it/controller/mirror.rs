use crate::support::lab::{Lab, REGION, condition_of, message_of};
use crate::support::world::{ami_id, image, world};
use crate::support::{eventually, run};
use customimage_operator::kubernetes::CustomImage;
use serde_json::json;
use simulator::{Build, ClockMode, Outcome, World};
use std::time::Duration;

/// A world with a build of `hpc` that takes 100 s of a clock that the test advances.
fn building(outcome: Outcome) -> World {
    let mut world = world(REGION);
    world.clock.mode = ClockMode::Manual;
    world.builds.push(Build {
        image_id: "hpc".into(),
        outcome,
        seconds: 100.0,
        reason: Some("the build failed".into()),
        failure_context: Some(json!({
            "failedStep": "RunComponents",
            "componentFailure": {"phaseName": "build", "stepName": "InstallPackages", "action": "ExecuteBash", "errorMessage": "exit status 1"}
        })),
        s3_bucket: Some("config-bucket".into()),
        ..Build::default()
    });
    world
}

/// Advances the clock until Ready has this reason. Returns the object.
async fn until(lab: &Lab, reason: &str) -> CustomImage {
    eventually(&format!("hpc is {reason}"), || async {
        let object = lab.get("hpc").await;
        match condition_of(&object, "Ready") {
            Some((_, now)) if now == reason => Ok(object),
            other => {
                lab.aws.advance(Duration::from_secs(2));
                tokio::time::sleep(Duration::from_millis(150)).await;
                Err(format!("{other:?}"))
            }
        }
    })
    .await
}

#[test]
fn a_build_is_followed_from_its_stack_to_its_ami() {
    run(async {
        let lab = Lab::new(building(Outcome::Available)).await;
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[]).await;
        let built = until(&lab, "Building").await;
        let status = built.status.unwrap();
        assert!(status.image.cloudformation_stack_arn.is_some() && status.image.ec2_ami_info.is_none());
        let done = until(&lab, "ImageAvailable").await;
        let status = done.status.unwrap();
        assert_eq!(status.image.cloudformation_stack_arn, None, "no field of the stack is left");
        assert_eq!(status.image.cloudformation_stack_tags, None);
        assert_eq!(status.image.imagebuilder_image_status, None);
        assert_eq!(status.image.ec2_ami_info.unwrap().state.as_deref(), Some("AVAILABLE"));
        lab.event("hpc", "ImageAvailable").await;
        let events = lab.events("hpc").await;
        assert!(
            events.contains(&"Building".into()) && events.last().is_some_and(|last| last == "ImageAvailable"),
            "{events:?}"
        );
    });
}

#[test]
fn a_failed_build_names_the_step_and_publishes_an_event() {
    run(async {
        let lab = Lab::new(building(Outcome::Failed)).await;
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[]).await;
        let failed = until(&lab, "BuildFailed").await;
        assert_eq!(condition_of(&failed, "Stalled"), Some(("True", "BuildFailed")));
        assert_eq!(condition_of(&failed, "Reconciling"), None);
        let message = message_of(&failed, "Ready");
        assert!(message.contains("step InstallPackages") && message.contains("exit status 1"), "{message}");
        lab.event("hpc", "BuildFailed").await;
    });
}

#[test]
fn a_finished_build_without_its_ami_is_orphaned_after_the_finalizing_period() {
    run(async {
        let lab = Lab::new(building(Outcome::Orphan)).await;
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[("CUSTOMIMAGE_FINALIZING_PERIOD", "2s")]).await;
        until(&lab, "Finalizing").await;
        let orphaned = until(&lab, "OrphanedImage").await;
        assert!(message_of(&orphaned, "Ready").contains("Ec2ImageBuilderArn"));
    });
}

#[test]
fn an_available_image_has_its_full_payload_and_no_event() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        let status = object.status.unwrap();
        assert_eq!(status.observed_generation, Some(1));
        assert_eq!(status.account_id.as_deref(), Some("111122223333"));
        assert_eq!(status.image.ec2_ami_info.unwrap().ami_id, Some(ami_id("hpc")));
        let url = status.image_configuration.unwrap().url;
        assert_eq!(url, "s3://config-bucket/parallelcluster/3.16.1/images/hpc-x1y2/configs/image-config.yaml");
        assert_eq!(lab.events("hpc").await, [""; 0]);
        assert_eq!(lab.aws.count("s3", "HeadBucket"), 0, "the status needs no S3 call");
    });
}

#[test]
fn a_missing_image_stalls_after_its_grace_period_and_is_found_when_it_appears() {
    run(async {
        let lab = Lab::empty().await;
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[("CUSTOMIMAGE_NOT_FOUND_GRACE", "3s")]).await;
        let waiting = lab.ready("hpc", "False", "NotFound").await;
        assert!(condition_of(&waiting, "Reconciling").is_some());
        assert!(message_of(&waiting, "Ready").contains("reported as failed at"));
        lab.condition("hpc", "Stalled", "True", "NotFound").await;
        lab.aws.world(|world| world.images.push(image("hpc", REGION)));
        let found = lab.ready("hpc", "True", "ImageAvailable").await;
        assert!(condition_of(&found, "Stalled").is_none());
    });
}

/// Takes 15 s. EC2 is eventually consistent, so the second read comes that much later.
#[test]
fn an_ami_is_deleted_only_after_a_second_read_confirms_it() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let operator = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let version = lab.version("hpc").await;

        lab.aws.world(|world| world.images.clear());
        let unchanged = "customimage_reconciles_total{result=\"unchanged\"}";
        let before = operator.metric(unchanged).await;
        eventually("the object is reconciled again", || async {
            let now = operator.metric(unchanged).await;
            if now > before { Ok(()) } else { Err(format!("{now}")) }
        })
        .await;
        lab.aws.world(|world| world.images.push(image("hpc", REGION)));
        tokio::time::sleep(Duration::from_millis(100)).await;
        assert_eq!(lab.version("hpc").await, version, "after one read without the AMI, nothing is written");

        lab.aws.world(|world| world.images.clear());
        let gone = lab.ready("hpc", "False", "Deleted").await;
        assert_eq!(gone.status.unwrap().image.ec2_ami_info, None);
    });
}
