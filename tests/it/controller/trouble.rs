use crate::support::lab::{Lab, REGION, condition_of, message_of};
use crate::support::operator::Operator;
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{build, stack, world};
use serde_json::json;
use simulator::{Fault, FaultKind};

/// A lab with the available image `hpc`, seen.
async fn seen(settings: &[(&str, &str)]) -> (Lab, Operator) {
    let lab = Lab::with_image("hpc").await;
    let operator = lab.operator(settings).await;
    lab.ready("hpc", "True", "ImageAvailable").await;
    (lab, operator)
}

#[test]
fn an_outage_is_shown_after_its_grace_then_ready_is_stale_and_all_mends_without_a_restart() {
    run(async {
        let quick = [("CUSTOMIMAGE_ERROR_GRACE", "1s"), ("CUSTOMIMAGE_STALENESS_BUDGET", "4s")];
        let (lab, _operator) = seen(&quick).await;
        lab.aws.fault(Fault::new("ec2", "DescribeImages", FaultKind::Reset));
        let shown = lab.condition("hpc", "Synced", "False", "ServiceError").await;
        assert_eq!(condition_of(&shown, "Ready"), Some(("True", "ImageAvailable")), "an outage is not a verdict");
        let stale = lab.ready("hpc", "Unknown", "Stale").await;
        assert!(stale.status.unwrap().image.ec2_ami_info.is_some(), "the payload stays");
        lab.aws.clear_faults();
        let mended = lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(condition_of(&mended, "Synced"), Some(("True", "ObservedImage")));
        assert_eq!(condition_of(&mended, "Reconciling"), None);
    });
}

#[test]
fn a_lost_permission_is_unknown_and_never_false() {
    run(async {
        let (lab, _operator) = seen(&[("CUSTOMIMAGE_ERROR_GRACE", "500ms")]).await;
        let denied =
            error(403, "UnauthorizedOperation", "not authorized to perform: ec2:DescribeImages. Encoded message: abc");
        lab.aws.fault(Fault::new("ec2", "DescribeImages", denied));
        let shown = lab.ready("hpc", "Unknown", "AccessDenied").await;
        assert!(condition_of(&shown, "Stalled").is_some());
        assert!(message_of(&shown, "Ready").contains("ec2:DescribeImages"));
        // EC2 words the same refusal anew each time: that is no change.
        let version = lab.version("hpc").await;
        lab.aws.clear_faults();
        let denied =
            error(403, "UnauthorizedOperation", "not authorized to perform: ec2:DescribeImages. Encoded message: xyz");
        lab.aws.fault(Fault::new("ec2", "DescribeImages", denied));
        lab.aws.reset_calls();
        crate::support::eventually("AWS is asked thrice more", || async {
            let calls = lab.aws.count("ec2", "DescribeImages");
            if calls >= 3 { Ok(()) } else { Err(calls.to_string()) }
        })
        .await;
        assert_eq!(lab.version("hpc").await, version);
        lab.aws.clear_faults();
        lab.ready("hpc", "True", "ImageAvailable").await;
    });
}

#[test]
fn without_an_observation_a_refusal_is_shown_at_once_with_an_event() {
    run(async {
        let lab = Lab::empty().await;
        lab.aws.fault(Fault::new("ec2", "DescribeImages", error(401, "AuthFailure", "not able to validate")));
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[]).await;
        lab.ready("hpc", "Unknown", "InvalidCredentials").await;
        crate::support::eventually("one event", || async {
            let events = lab.events("hpc").await;
            if events == ["InvalidCredentials"] { Ok(()) } else { Err(format!("{events:?}")) }
        })
        .await;
    });
}

#[test]
fn throttling_before_the_first_answer_is_not_yet_observed_and_never_not_found() {
    run(async {
        let lab = Lab::empty().await;
        lab.aws.fault(Fault::new("ec2", "DescribeImages", FaultKind::Throttle));
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "Unknown", "NotYetObserved").await;
        assert_eq!(condition_of(&object, "Synced"), Some(("False", "Throttled")));
        lab.aws.clear_faults();
        lab.ready("hpc", "False", "NotFound").await;
    });
}

#[test]
fn a_refused_detail_leaves_its_fields_out_and_says_which_permission_is_missing() {
    run(async {
        let mut world = world(REGION);
        world.stacks.push(stack("hpc", REGION, "CREATE_IN_PROGRESS"));
        world.image_build_versions.push(build("hpc", REGION, "BUILDING"));
        let denied = error(403, "AccessDeniedException", "no permission on resource: arn:aws:imagebuilder:eu-west-1");
        world.faults.push(Fault::new("imagebuilder", "GetImage", denied));
        let lab = Lab::new(world).await;
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.condition("hpc", "PayloadComplete", "False", "AccessDenied").await;
        let message = message_of(&object, "PayloadComplete");
        assert!(message.contains("imagebuilder:GetImage") && message.contains("arn:aws:imagebuilder"), "{message}");
        assert_eq!(object.status.unwrap().image.imagebuilder_image_status, None);
        lab.aws.clear_faults();
        let object = crate::support::eventually("the payload is whole", || async {
            let object = lab.get("hpc").await;
            if condition_of(&object, "PayloadComplete").is_none() { Ok(object) } else { Err("not yet".to_owned()) }
        })
        .await;
        assert_eq!(object.status.unwrap().image.imagebuilder_image_status.as_deref(), Some("BUILDING"));
    });
}

#[test]
fn a_region_of_no_partition_is_named() {
    run(async {
        let lab = Lab::empty().await;
        lab.create("hpc", json!({"region": "xx-nope-1"})).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "Unknown", "UnknownRegion").await;
        assert!(message_of(&object, "Ready").contains("xx-nope-1"));
        assert!(condition_of(&object, "Stalled").is_some());
        assert_eq!(lab.aws.calls().len(), 0, "AWS is not asked");
    });
}
