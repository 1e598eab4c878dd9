use crate::support::faulty_server::{FaultyServer, is_apply_of_status};
use crate::support::lab::{Lab, REGION, condition_of, message_of};
use crate::support::operator::Operator;
use crate::support::scenario::error;
use crate::support::world::{build, image, stack, world};
use crate::support::{eventually, run};
use axum::http::StatusCode;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use kube::ResourceExt;
use kube::api::{Patch, PatchParams};
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};

/// Waits for `more` further calls of DescribeImages.
pub async fn looks(lab: &Lab, more: u64) {
    let begin = lab.aws.count("ec2", "DescribeImages");
    eventually("more reads of AWS", || async {
        let now = lab.aws.count("ec2", "DescribeImages");
        if now >= begin + more { Ok(()) } else { Err(format!("{now} since {begin}")) }
    })
    .await;
}

/// Writes into the status of `hpc` as this field manager.
async fn tell(lab: &Lab, manager: &str, status: Value) {
    let object = json!({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "status": status});
    let manager = PatchParams::apply(manager).force();
    lab.images().patch_status("hpc", &manager, &Patch::Apply(object)).await.unwrap();
}

async fn tell_a_lie(lab: &Lab, status: Value) {
    tell(lab, "another-hand", status).await;
}

fn condition(type_: &str, reason: &str) -> Value {
    let since = "2020-01-01T00:00:00Z";
    json!({"type": type_, "status": "True", "reason": reason, "message": "", "lastTransitionTime": since})
}

async fn no_reconcile_failed(operator: &Operator) {
    let failed = operator.metric("customimage_reconciles_total{result=\"failed\"}").await;
    assert_eq!(failed, 0.0, "{:?}", operator.log());
}

#[test]
fn unchanged_images_cause_no_write_even_if_aws_shuffles_its_replies() {
    run(async {
        let mut world = world(REGION);
        world.answers.shuffle = true;
        world.images.push(image("done", REGION));
        world.stacks.push(stack("building", REGION, "CREATE_IN_PROGRESS"));
        world.image_build_versions.push(build("building", REGION, "BUILDING"));
        let lab = Lab::new(world).await;
        for name in ["done", "building", "missing"] {
            lab.create(name, json!({})).await;
        }
        let operator = lab.operator(&[]).await;
        lab.ready("done", "True", "ImageAvailable").await;
        lab.ready("building", "False", "Building").await;
        lab.ready("missing", "False", "NotFound").await;
        let writes = "customimage_status_writes_total{result=\"applied\"}";
        let before = operator.metric(writes).await;
        looks(&lab, 20).await;
        assert_eq!(operator.metric(writes).await, before);
        assert_eq!(lab.aws.writes(), 0);
    });
}

#[test]
fn a_restart_causes_no_write() {
    run(async {
        let mut world = world(REGION);
        world.images.push(image("done", REGION));
        let lab = Lab::new(world).await;
        lab.create("done", json!({})).await;
        lab.create("missing", json!({})).await;
        let operator = lab.operator(&[]).await;
        lab.ready("done", "True", "ImageAvailable").await;
        eventually("the missing image's message names the account, which the other image revealed", || async {
            let message = message_of(&lab.ready("missing", "False", "NotFound").await, "Ready");
            if message.contains("of account 111122223333") { Ok(()) } else { Err(message) }
        })
        .await;
        let versions = (lab.version("done").await, lab.version("missing").await);
        drop(operator);
        let _operator = lab.operator(&[]).await;
        looks(&lab, 6).await;
        assert_eq!((lab.version("done").await, lab.version("missing").await), versions);
    });
}

#[test]
fn a_status_written_by_another_field_manager_is_corrected_once() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let _operator = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        tell_a_lie(&lab, json!({"cloudformationStackStatus": "CREATE_FAILED", "version": "0.0.0"})).await;
        eventually("the status is corrected", || async {
            let image = lab.get("hpc").await.status.unwrap().image;
            let is_true = image.cloudformation_stack_status.is_none() && image.version.as_deref() == Some("3.16.1");
            if is_true { Ok(()) } else { Err(format!("{image:?}")) }
        })
        .await;
        let version = lab.version("hpc").await;
        looks(&lab, 4).await;
        assert_eq!(lab.version("hpc").await, version, "it is corrected only once");
    });
}

/// The AMI that AWS never had is gone from the status, although AWS does not answer.
async fn is_not_believed(lab: &Lab) {
    lab.aws.fault(Fault::new("ec2", "DescribeImages", error(403, "UnauthorizedOperation", "not authorized")));
    let _operator = lab.operator(&[]).await;
    lab.ready("hpc", "Unknown", "AccessDenied").await;
    // A first write keeps the field of the other manager, and a second one removes it.
    eventually("the AMI that AWS never had is gone", || async {
        let ami = lab.get("hpc").await.status.unwrap().image.ec2_ami_info;
        ami.map_or(Ok(()), |ami| Err(format!("{ami:?}")))
    })
    .await;
}

/// Another program wrote it. Each status of the operator has Ready and Synced.
#[test]
fn a_status_without_ready_and_synced_is_not_believed_while_aws_does_not_answer() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let ready = condition("Ready", "ImageAvailable");
        tell_a_lie(&lab, json!({"ec2AmiInfo": {"amiId": "ami-theirs", "tags": []}, "conditions": [ready]})).await;
        is_not_believed(&lab).await;
    });
}

/// A process before wrote it over the status of another program, and ended before it removed what was left of that.
#[test]
fn a_status_with_a_field_that_only_others_own_is_not_believed_while_aws_does_not_answer() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        tell_a_lie(&lab, json!({"ec2AmiInfo": {"amiId": "ami-theirs", "tags": []}})).await;
        let conditions = [condition("Ready", "ImageAvailable"), condition("Synced", "Observed")];
        tell(&lab, "customimage-operator", json!({"conditions": conditions})).await;
        is_not_believed(&lab).await;
    });
}

#[test]
fn a_condition_of_another_controller_takes_nothing_from_a_suspended_object_at_a_restart() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let operator = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        lab.merge("hpc", json!({"spec": {"suspend": true}})).await.unwrap();
        lab.condition("hpc", "Synced", "False", "Suspended").await;
        let before = lab.get("hpc").await.status;
        drop(operator);
        tell_a_lie(&lab, json!({"conditions": [condition("Theirs", "Theirs")]})).await;
        let _operator = lab.operator(&[]).await;
        eventually("only the foreign condition is gone", || async {
            let status = lab.get("hpc").await.status;
            if status == before { Ok(()) } else { Err(format!("{status:?}")) }
        })
        .await;
    });
}

/// An apply leaves what another manager owns, too: a condition without a reason, which the CRD does not allow.
#[test]
fn a_condition_that_another_manager_has_written_too_is_removed_and_the_status_is_replaced_from_then_on() {
    run(async {
        let lab = Lab::with_build("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let operator = lab.operator_behind(&server, &[]).await;
        lab.condition("hpc", "Reconciling", "True", "Building").await;
        tell_a_lie(&lab, json!({"conditions": [condition("Reconciling", "Theirs")]})).await;
        lab.condition("hpc", "Reconciling", "True", "Building").await;
        lab.aws.world(|world| {
            world.stacks.clear();
            world.images.push(image("hpc", REGION));
        });
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(condition_of(&object, "Reconciling"), None);
        no_reconcile_failed(&operator).await;
        // An apply would leave what this replacement has written.
        server.answer(|method, path| is_apply_of_status(method, path).then_some(StatusCode::BAD_REQUEST));
        lab.aws.world(|world| world.images.clear());
        let object = lab.ready("hpc", "False", "Deleted").await;
        assert_eq!(object.status.unwrap().image.ec2_ami_info, None);
        drop(operator);
        // A replacement does not make the operator the owner of what another manager has said before it.
        tell_a_lie(&lab, json!({"version": "3.16.1"})).await;
        lab.aws.world(|world| world.images.push(image("hpc", REGION)));
        let _operator = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        eventually("it is the operator's, too", || async {
            let managed = lab.get("hpc").await.managed_fields().to_vec();
            let has_version =
                |entry: &ManagedFieldsEntry| json!(entry.fields_v1)["f:status"].get("f:version").is_some();
            let mut ours = managed.iter().filter(|entry| entry.manager.as_deref() == Some("customimage-operator"));
            if ours.any(has_version) { Ok(()) } else { Err(format!("{managed:?}")) }
        })
        .await;
    });
}

#[test]
fn two_operators_write_a_consistent_status() {
    run(async {
        let lab = Lab::with_build("hpc").await;
        let first = lab.operator(&[]).await;
        let second = lab.operator(&[]).await;
        lab.ready("hpc", "False", "Building").await;
        lab.aws.world(|world| {
            world.stacks.clear();
            world.images.push(image("hpc", REGION));
        });
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(object.status.unwrap().image.cloudformation_stack_arn, None);
        looks(&lab, 4).await;
        for operator in [&first, &second] {
            no_reconcile_failed(operator).await;
        }
    });
}

#[test]
fn a_recreated_object_starts_a_new_grace_period() {
    run(async {
        let lab = Lab::empty().await;
        lab.create("hpc", json!({})).await;
        let operator = lab.operator(&[("CUSTOMIMAGE_NOT_FOUND_GRACE", "2s")]).await;
        lab.condition("hpc", "Stalled", "True", "NotFound").await;
        lab.images().delete("hpc", &Default::default()).await.unwrap();
        lab.create("hpc", json!({})).await;
        let object = lab.ready("hpc", "False", "NotFound").await;
        assert!(condition_of(&object, "Reconciling").is_some(), "its grace period begins with its own creation");
        drop(operator);
    });
}

#[test]
fn the_rights_in_the_readme_are_sufficient() {
    run(async {
        let lab = Lab::empty().await;
        lab.create("hpc", json!({})).await;
        let operator = lab.restricted_operator().await;
        lab.ready("hpc", "False", "NotFound").await;
        // A field of another field manager makes the operator replace the status, which needs `update`.
        tell_a_lie(&lab, json!({"version": "0.0.0"})).await;
        eventually("the status is corrected", || async {
            let version = lab.get("hpc").await.status.unwrap().image.version;
            if version.is_none() { Ok(()) } else { Err(format!("{version:?}")) }
        })
        .await;
        eventually("the NotFound Event", || async {
            let events = lab.events("hpc").await;
            if events == ["NotFound"] { Ok(()) } else { Err(format!("{events:?} {:?}", operator.log())) }
        })
        .await;
        no_reconcile_failed(&operator).await;
    });
}

#[test]
fn a_read_that_ends_after_its_object_was_suspended_is_not_written() {
    run(async {
        let mut world = world(REGION);
        world.images.push(image("hpc", REGION));
        world.faults.push(Fault::new("ec2", "DescribeImages", FaultKind::Slow { millis: 2000 }));
        let lab = Lab::new(world).await;
        lab.create("hpc", json!({})).await;
        let operator = lab.operator(&[]).await;
        // The simulator counts a call only when it is answered.
        let begun = "customimage_aws_call_wait_seconds_count{priority=\"urgent\"}";
        eventually("the read has begun", || async {
            let begun = operator.metric(begun).await;
            if begun >= 1.0 { Ok(()) } else { Err(begun.to_string()) }
        })
        .await;
        lab.merge("hpc", json!({"spec": {"suspend": true}})).await.unwrap();
        lab.ready("hpc", "Unknown", "Suspended").await;
        let reads = "customimage_aws_calls_total{service=\"EC2\",operation=\"DescribeImages\",outcome=\"success\"}";
        eventually("the read has ended", || async {
            let ended = operator.metric(reads).await;
            if ended >= 1.0 { Ok(()) } else { Err(operator.get("/metrics").await.1) }
        })
        .await;
        let object = lab.ready("hpc", "Unknown", "Suspended").await;
        assert_eq!(object.status.unwrap().image.ec2_ami_info, None);
    });
}

#[test]
fn a_watch_that_lags_behind_our_own_write_causes_no_conflict_and_no_second_signature() {
    run(async {
        let mut world = world(REGION);
        let names: Vec<String> = (0..200).map(|n| format!("image-{n}")).collect();
        world.images.extend(names.iter().map(|name| image(name, REGION)));
        let lab = Lab::new(world).await;
        for name in &names {
            lab.create(name, json!({})).await;
        }
        // The first answer reveals the account. That triggers a reconcile of every object, while the watch has not yet
        // brought the object's first write.
        let operator = lab.operator(&[("CUSTOMIMAGE_CONFIGURATION_URL", "presigned")]).await;
        for name in &names {
            lab.ready(name, "True", "ImageAvailable").await;
        }
        looks(&lab, 3).await;
        assert_eq!(operator.metric("customimage_status_writes_total{result=\"conflict\"}").await, 0.0);
        assert_eq!(lab.aws.count("s3", "HeadBucket"), 200);
    });
}

#[test]
fn control_characters_in_aws_texts_reach_the_status_unchanged() {
    run(async {
        let mut world = world(REGION);
        let text = "bell\u{7f} and \u{85}\u{9b}31m";
        world.images.push(simulator::Image { description: Some(text.into()), ..image("hpc", REGION) });
        let lab = Lab::new(world).await;
        lab.create("hpc", json!({})).await;
        let _operator = lab.operator(&[]).await;
        let object = lab.ready("hpc", "True", "ImageAvailable").await;
        assert_eq!(object.status.unwrap().image.ec2_ami_info.unwrap().description.as_deref(), Some(text));
    });
}

#[test]
fn a_write_that_is_answered_404_is_tried_again_while_the_object_exists() {
    run(async {
        let lab = Lab::with_build("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let _operator = lab.operator_behind(&server, &[]).await;
        lab.ready("hpc", "False", "Building").await;
        server.answer(|method, _| (method == "PATCH").then_some(StatusCode::NOT_FOUND));
        lab.aws.world(|world| {
            world.stacks.clear();
            world.images.push(image("hpc", REGION));
        });
        eventually("the write of the new status is answered 404", || async {
            if server.struck() > 0 { Ok(()) } else { Err("not yet".to_owned()) }
        })
        .await;
        server.heal();
        lab.ready("hpc", "True", "ImageAvailable").await;
    });
}
