use super::writes::looks;
use crate::support::faulty_server::{FaultyServer, is_apply_of_status};
use crate::support::lab::{Lab, REGION, condition_of, message_of};
use crate::support::operator::Operator;
use crate::support::world::{image, world};
use crate::support::{eventually, run};
use axum::http::StatusCode;
use serde_json::json;

const APPLIED: &str = "customimage_status_writes_total{result=\"applied\"}";

/// Waits until the operator rests, and asserts that it then writes nothing while it goes on to read AWS.
async fn comes_to_rest(lab: &Lab, operator: &Operator) {
    eventually("the operator rests", || async {
        let contests = operator.metric("customimage_status_contests_total").await;
        if contests >= 1.0 { Ok(()) } else { Err(format!("{contests}")) }
    })
    .await;
    let before = operator.metric(APPLIED).await;
    assert!(before <= 8.0, "few writes before the first rest: {before}");
    looks(lab, 6).await;
    assert!(operator.metric(APPLIED).await <= before + 1.0);
}

#[test]
fn two_releases_that_write_the_same_object_come_to_rest_and_an_event_says_so() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let here = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let _there = lab.operator(&[("AWS_REGION", "us-east-1")]).await;
        comes_to_rest(&lab, &here).await;
        lab.event("hpc", "StatusContested").await;
        let (type_, note) = lab.event_of("hpc", "StatusContested").await;
        assert_eq!(type_, "Warning");
        assert!(note.contains("another release") && note.contains("only one release"), "{note}");
    });
}

#[test]
fn a_webhook_that_alters_each_write_is_not_fought() {
    run(async {
        for (from, to) in [("the status is what AWS answered", "redacted"), ("111122223333", "000000000000")] {
            let lab = Lab::with_image("hpc").await;
            let server = FaultyServer::start(lab.client.clone()).await;
            server.alter(from, to);
            let operator = lab.operator_behind(&server, &[]).await;
            lab.ready("hpc", "True", "ImageAvailable").await;
            // Another AMI is a reason to write, and the webhook alters that, too.
            for number in 0..6 {
                lab.aws.world(|world| world.images[0].description = Some(format!("build {number}")));
                looks(&lab, 2).await;
            }
            let writes = operator.metric(APPLIED).await;
            assert!(writes <= 12.0, "{from}: {writes}");
        }
    });
}

#[test]
fn a_status_that_cannot_be_written_shows_in_an_event_and_in_metrics_until_it_is_written() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        server.answer(|method, path| is_apply_of_status(method, path).then_some(StatusCode::PAYLOAD_TOO_LARGE));
        let operator = lab.operator_behind(&server, &[]).await;
        lab.event("hpc", "StatusNotWritten").await;
        let (type_, note) = lab.event_of("hpc", "StatusNotWritten").await;
        assert_eq!(type_, "Warning");
        assert!(note.contains("413"), "{note}");
        eventually("the age grows", || async {
            let age = operator.metric("customimage_status_unwritten_age_seconds").await;
            if age >= 1.0 { Ok(()) } else { Err(format!("{age}")) }
        })
        .await;
        assert!(operator.metric("customimage_status_writes_total{result=\"too_large\"}").await >= 1.0);
        assert_eq!(operator.logged("status not written").await, 1, "{:?}", operator.log());
        server.heal();
        lab.ready("hpc", "True", "ImageAvailable").await;
        operator.measures("customimage_status_unwritten_age_seconds", 0.0).await;
    });
}

#[test]
fn a_change_whose_write_is_done_without_an_answer_is_an_event() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let operator = lab.operator_behind(&server, &[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        server.lose_answers(StatusCode::GATEWAY_TIMEOUT);
        lab.merge("hpc", json!({"spec": {"suspend": true}})).await.unwrap();
        lab.event("hpc", "Suspended").await;
        let undone = operator.metric("customimage_status_writes_total{result=\"server_error\"}").await;
        assert_eq!(undone, 1.0, "what is done is not written again");
    });
}

#[test]
fn another_ami_behind_an_image_id_is_an_event_with_both_ids() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let _operator = lab.operator(&[]).await;
        let before = lab.ready("hpc", "True", "ImageAvailable").await;
        let before = before.status.unwrap().image.ec2_ami_info.unwrap().ami_id.unwrap();
        lab.aws.world(|world| {
            let mut newer = image("hpc", REGION);
            newer.ami_id = "ami-0ffffffffffffffff".into();
            newer.creation_date = Some("2199-01-01T00:00:00.000Z".into());
            world.images.push(newer);
        });
        lab.event("hpc", "AmiChanged").await;
        let (_, note) = lab.event_of("hpc", "AmiChanged").await;
        assert!(note.contains(&before) && note.contains("ami-0ffffffffffffffff"), "{note}");
    });
}

#[test]
fn a_namespace_can_invent_only_a_few_regions() {
    run(async {
        let lab = Lab::new(world(REGION)).await;
        let _operator = lab.operator(&[]).await;
        let names: Vec<_> = ["a", "b", "c", "d", "e"].into_iter().map(|letter| format!("us-aa{letter}-1")).collect();
        for region in &names {
            lab.try_create(region, "hpc", json!({"region": region})).await.unwrap();
        }
        let refused = || async {
            let mut refused = Vec::new();
            for region in &names {
                let object = lab.get(region).await;
                match condition_of(&object, "Ready") {
                    None => return Err(format!("{region} is not answered")),
                    Some((_, "UnknownRegion")) => refused.push(message_of(&object, "Ready")),
                    Some(_) => {}
                }
            }
            if refused.len() == 2 { Ok(refused) } else { Err(format!("{refused:?}")) }
        };
        for message in eventually("two are refused", refused).await {
            assert!(message.contains("as many such regions as it may"), "{message}");
        }
        // A region that exists is not concerned.
        lab.try_create("real", "hpc", json!({"region": "ap-east-2"})).await.unwrap();
        lab.ready("real", "False", "NotFound").await;
    });
}

#[test]
fn a_request_that_is_too_long_is_ignored_and_an_event_says_so() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let _operator = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let long = json!({"reconcile.fluxcd.io/requestedAt": "x".repeat(100_000)});
        lab.merge("hpc", json!({"metadata": {"annotations": long}})).await.unwrap();
        lab.event("hpc", "RequestIgnored").await;
        let (_, note) = lab.event_of("hpc", "RequestIgnored").await;
        assert!(note.contains("more than 253 characters"), "{note}");
        assert_eq!(lab.get("hpc").await.status.unwrap().last_handled_reconcile_at, None);
    });
}
