use super::writes::looks;
use crate::support::lab::{Lab, REGION, condition_of};
use crate::support::world::{image, world};
use crate::support::{eventually, run};
use serde_json::json;

const NEVER: [(&str, &str); 1] = [("CUSTOMIMAGE_SETTLED_INTERVAL", "1h")];

#[test]
fn a_suspended_object_causes_no_aws_call_until_it_is_resumed() {
    run(async {
        let mut world = world(REGION);
        world.images.push(image("hpc", REGION));
        let lab = Lab::new(world).await;
        lab.create("hpc", json!({"suspend": true})).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "Unknown", "Suspended").await;
        assert!(condition_of(&object, "Reconciling").is_some());
        assert_eq!(lab.aws.calls().len(), 0);

        lab.merge("hpc", json!({"spec": {"suspend": false}})).await.unwrap();
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(object.status.unwrap().observed_generation, Some(2));

        lab.merge("hpc", json!({"spec": {"suspend": true}})).await.unwrap();
        let object = lab.condition("hpc", "Synced", "False", "Suspended").await;
        assert_eq!(condition_of(&object, "Ready"), Some(("True", "ImageAvailable")), "the last observation stays");
        assert_eq!(object.status.unwrap().observed_generation, Some(3));
    });
}

#[test]
fn a_requested_reconcile_reads_aws_once_and_waits_while_suspended() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let _operator = lab.operator(&NEVER).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let handled = |word: &'static str| {
            let lab = &lab;
            eventually(word, move || async move {
                let status = lab.get("hpc").await.status.unwrap();
                if status.last_handled_reconcile_at.as_deref() == Some(word) {
                    Ok(())
                } else {
                    Err(format!("{status:?}"))
                }
            })
        };
        let request = |word: &str| json!({"metadata": {"annotations": {"reconcile.fluxcd.io/requestedAt": word}}});
        lab.aws.reset_calls();
        lab.merge("hpc", request("first")).await.unwrap();
        handled("first").await;
        assert_eq!(lab.aws.count("ec2", "DescribeImages"), 1);

        lab.merge("hpc", json!({"spec": {"suspend": true}})).await.unwrap();
        lab.condition("hpc", "Synced", "False", "Suspended").await;
        lab.merge("hpc", request("second")).await.unwrap();
        lab.merge("hpc", json!({"spec": {"suspend": false}})).await.unwrap();
        handled("second").await;
    });
}

#[test]
fn another_default_region_replaces_the_observed_image() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(object.status.unwrap().region.as_deref(), Some(REGION));
        drop(operator);
        let _operator = lab.operator(&[("AWS_REGION", "us-east-1")]).await;
        let object = lab.ready("hpc", "False", "NotFound").await;
        let status = object.status.unwrap();
        assert_eq!((status.region.as_deref(), status.image.ec2_ami_info), (Some("us-east-1"), None));
        lab.event("hpc", "RegionChanged").await;
    });
}

#[test]
fn a_presigned_url_is_opt_in_and_is_signed_once() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let _operator = lab.operator(&[("CUSTOMIMAGE_CONFIGURATION_URL", "presigned")]).await;
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        let url = object.status.unwrap().image_configuration.unwrap().url;
        assert!(url.contains("X-Amz-Expires=3600") && url.contains("/config-bucket/"), "{url}");
        let version = lab.version("hpc").await;
        looks(&lab, 5).await;
        assert_eq!(lab.version("hpc").await, version);
        assert_eq!(lab.aws.count("s3", "HeadBucket"), 1);
    });
}

#[test]
fn many_requests_for_one_object_share_a_read() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let _operator = lab.operator(&NEVER).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        lab.aws.reset_calls();
        for number in 1..=30 {
            let annotation = json!({"reconcile.fluxcd.io/requestedAt": number.to_string()});
            lab.merge("hpc", json!({"metadata": {"annotations": annotation}})).await.unwrap();
        }
        eventually("the last request is handled", || async {
            let handled = lab.get("hpc").await.status.unwrap().last_handled_reconcile_at;
            if handled.as_deref() == Some("30") { Ok(()) } else { Err(format!("{handled:?}")) }
        })
        .await;
        let reads = lab.aws.count("ec2", "DescribeImages");
        assert!(reads <= 2, "one at once, and one after 10 seconds: {reads}");
    });
}
