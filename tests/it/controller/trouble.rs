use crate::support::lab::{Lab, REGION, condition_of, message_of};
use crate::support::operator::Operator;
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{build, stack, world};
use serde_json::json;
use simulator::{Fault, FaultKind};

/// A lab with the available image `hpc`, which the operator has observed.
async fn seen(settings: &[(&str, &str)]) -> (Lab, Operator) {
    let lab = Lab::with_image("hpc").await;
    let operator = lab.operator(settings).await;
    lab.ready("hpc", "True", "ImageAvailable").await;
    (lab, operator)
}

#[test]
fn an_outage_is_reported_after_its_grace_period_then_ready_is_stale_until_aws_answers() {
    run(async {
        let quick = [("CUSTOMIMAGE_ERROR_GRACE", "1s"), ("CUSTOMIMAGE_STALENESS_BUDGET", "4s")];
        let (lab, _operator) = seen(&quick).await;
        lab.aws.fault(Fault::new("ec2", "DescribeImages", FaultKind::Reset));
        let failing = lab.condition("hpc", "Synced", "False", "ServiceError").await;
        assert_eq!(condition_of(&failing, "Ready"), Some(("True", "ImageAvailable")), "Ready does not change yet");
        let stale = lab.ready("hpc", "Unknown", "Stale").await;
        assert!(stale.status.unwrap().image.ec2_ami_info.is_some(), "the payload stays");
        lab.aws.clear_faults();
        let recovered = lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(condition_of(&recovered, "Synced"), Some(("True", "ObservedImage")));
        assert_eq!(condition_of(&recovered, "Reconciling"), None);
    });
}

#[test]
fn a_lost_permission_makes_ready_unknown_and_never_false() {
    run(async {
        let (lab, _operator) = seen(&[("CUSTOMIMAGE_ERROR_GRACE", "500ms")]).await;
        let denied =
            error(403, "UnauthorizedOperation", "not authorized to perform: ec2:DescribeImages. Encoded message: abc");
        lab.aws.fault(Fault::new("ec2", "DescribeImages", denied));
        let refused = lab.ready("hpc", "Unknown", "AccessDenied").await;
        assert!(condition_of(&refused, "Stalled").is_some());
        assert!(message_of(&refused, "Ready").contains("ec2:DescribeImages"));
        // EC2 encodes the same refusal differently each time. That is not a change.
        let version = lab.version("hpc").await;
        lab.aws.clear_faults();
        let denied =
            error(403, "UnauthorizedOperation", "not authorized to perform: ec2:DescribeImages. Encoded message: xyz");
        lab.aws.fault(Fault::new("ec2", "DescribeImages", denied));
        lab.aws.reset_calls();
        crate::support::eventually("three more reads of AWS", || async {
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
fn a_refusal_before_the_first_observation_is_reported_at_once_with_an_event() {
    run(async {
        let lab = Lab::empty().await;
        lab.aws.fault(Fault::new("ec2", "DescribeImages", error(401, "AuthFailure", "not able to validate")));
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[]).await;
        lab.ready("hpc", "Unknown", "InvalidCredentials").await;
        crate::support::eventually("one Event", || async {
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
fn a_denied_detail_omits_its_fields_and_names_the_missing_permission() {
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
        let object = crate::support::eventually("the payload is complete", || async {
            let object = lab.get("hpc").await;
            if condition_of(&object, "PayloadComplete").is_none() { Ok(object) } else { Err("not yet".to_owned()) }
        })
        .await;
        assert_eq!(object.status.unwrap().image.imagebuilder_image_status.as_deref(), Some("BUILDING"));
    });
}

#[test]
fn an_unknown_region_stalls_the_object() {
    run(async {
        let lab = Lab::empty().await;
        lab.create("hpc", json!({"region": "xx-nope-1"})).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "Unknown", "UnknownRegion").await;
        assert!(message_of(&object, "Ready").contains("xx-nope-1"));
        assert!(condition_of(&object, "Stalled").is_some());
        assert_eq!(lab.aws.calls().len(), 0, "no call to AWS");
    });
}
