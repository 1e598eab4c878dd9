//! Each oracle can fail.

mod grounds;
mod truth;

use customimage_operator::kubernetes::Kept;
use jiff::Timestamp;
use serde_json::{Value, json};
use simulator::World;

use super::{Orders, Writers, beside, budget, convergence, ready, rest};
use crate::api_server::{LeaseWrite, StatusWrite};
use crate::aws::{Attempt, Aws, Call, Facts};
use crate::life::Life;
use crate::plan::ami;
use crate::replica;
use crate::sdk;
use crate::time;
use crate::trace::Trace;
use std::sync::Arc;

fn write(client: &str, before: Value, after: Value) -> StatusWrite {
    StatusWrite {
        at: time::now(),
        client: client.into(),
        manager: "customimage-operator".into(),
        namespace: "team-a".into(),
        name: "hpc".into(),
        uid: "1".into(),
        created: Timestamp::MIN,
        spec: json!({"imageId": "hpc", "region": "eu-west-1"}),
        version_before: 1,
        version_after: 2,
        before,
        said: after.clone(),
        after,
        has_changed: true,
    }
}

fn showing(ami: &str) -> Value {
    json!({
        "region": "eu-west-1", "imageId": "hpc", "ec2AmiInfo": {"amiId": ami, "state": "AVAILABLE"},
        "build": {"amiId": ami}, "phase": "AVAILABLE", "imageBuildStatus": "BUILD_COMPLETE",
        "conditions": [{"type": "Ready", "reason": "ImageAvailable", "status": "True"}]
    })
}

fn absent() -> Value {
    json!({
        "region": "eu-west-1", "imageId": "hpc",
        "conditions": [
            {"type": "Ready", "reason": "Deleted", "status": "False"},
            {"type": "Stalled", "reason": "Deleted", "status": "True"},
            {"type": "Absent", "reason": "Deleted", "status": "True"}
        ]
    })
}

/// AWS with the AMI `ami-1` of `hpc`.
fn aws(trace: &Trace) -> Aws {
    time::begin();
    let world = World { images: vec![ami("hpc", "eu-west-1", "ami-1", "available")], ..World::default() };
    let aws = Aws::new(world, trace.clone()).unwrap();
    aws.look();
    aws
}

fn call(operation: &str, at: f64, facts: Option<Arc<Facts>>) -> Call {
    Call {
        sent: at,
        at,
        caller: (0, 0),
        region: "eu-west-1".into(),
        operation: operation.into(),
        subjects: None,
        heard: at,
        is_last_page: true,
        facts,
    }
}

/// A request that AWS did not answer.
fn unanswered(caller: (usize, u32), sent: f64) -> Attempt {
    let (region, operation) = ("eu-west-1".into(), "DescribeImages".into());
    Attempt { sent, caller, region, operation, is_retry: false, answered: f64::INFINITY }
}

#[tokio::test(start_paused = true)]
async fn one_writer_fails_when_a_deposed_leader_writes_over_its_successor() {
    let (trace, mut writers) = (Trace::default(), Writers::default());
    time::begin();
    let lease = |from: &str, to: &str, client: &str| LeaseWrite {
        at: time::now(),
        client: client.into(),
        namespace: "default".into(),
        name: "lease".into(),
        version_before: 0,
        version_after: 1,
        holder_before: from.into(),
        holder_after: to.into(),
    };
    writers.lease(&lease("", "a", "0.0"), &trace);
    writers.status(&write("0.0", Value::Null, absent()), &trace);
    writers.lease(&lease("a", "b", "1.0"), &trace);
    writers.status(&write("1.0", Value::Null, absent()), &trace);
    assert_eq!(trace.failure(), None);
    writers.status(&write("0.0", Value::Null, absent()), &trace);
    assert!(trace.failure().unwrap().contains("of term 1 writes over"));
}

#[tokio::test(start_paused = true)]
async fn budget_fails_when_a_window_has_too_many_calls() {
    // How many calls, one in how many seconds, by how many processes, and whether they are retries.
    for (calls, gap, processes, is_retry, is_too_much) in [
        (100, 0.2, 1, false, false),
        (100, 0.05, 1, false, true),
        (10, 0.0, 1, false, false),
        (12, 0.0, 1, false, true),
        (30, 0.0, 3, false, false),
        (60, 0.0, 3, false, true),
        (100, 0.0, 1, true, false),
        (500, 0.1, 1, true, true),
    ] {
        let trace = Trace::default();
        let aws = aws(&trace);
        for number in 0..calls {
            let (caller, sent) = ((0, number * processes / calls), f64::from(number) * gap);
            let (region, operation) = ("eu-west-1".into(), "DescribeImages".into());
            aws.sends(Attempt { region, operation, is_retry, ..unanswered(caller, sent) });
        }
        budget::check(&aws, &trace);
        let what = format!("{calls} calls, one in {gap} s, of {processes} processes, retries: {is_retry}");
        assert_eq!(trace.failure().is_some(), is_too_much, "{what}: {:?}", trace.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn convergence_fails_when_a_status_is_not_what_describe_image_answers() {
    let trace = Trace::default();
    let aws = aws(&trace);
    let transport = aws.transport((0, 0), None, Life::new(None));
    let config = sdk::config(&replica::arguments().aws.settings(), transport, 0);
    let object = json!({
        "metadata": {"namespace": "team-a", "name": "hpc"}, "spec": {"imageId": "hpc", "region": "eu-west-1"},
        "status": showing("ami-2")
    });
    convergence::check(&[Arc::new(object)], &config, &aws.facts(), &trace).await;
    assert!(trace.failure().unwrap().starts_with("convergence"));
}

#[test]
fn ready_must_fit_the_payload() {
    let status = |reason: &str, ready: &str, beside: &str| {
        let beside = json!({"type": beside, "reason": reason, "status": "True"});
        json!({"conditions": [{"type": "Ready", "reason": reason, "status": ready}, beside]})
    };
    for (reason, says, beside, is_settled, is_wrong) in [
        ("NotFound", "False", "Stalled", true, false),
        ("NotFound", "False", "Reconciling", true, true),
        ("NotFound", "False", "Reconciling", false, false),
        ("NotFound", "True", "Stalled", false, true),
        ("ImageAvailable", "True", "", false, true),
        ("Finalizing", "False", "Reconciling", false, false),
        ("Finalizing", "False", "Reconciling", true, true),
    ] {
        let wrong = ready::wrong(&status(reason, says, beside), is_settled);
        assert_eq!(wrong.is_some(), is_wrong, "{reason} {says} {beside} {is_settled}: {wrong:?}");
    }
    assert_eq!(ready::wrong(&showing("ami-1"), true), None);
}

#[test]
fn what_stands_beside_ready_must_fit_the_payload() {
    let with = |mut status: Value, condition: Value| {
        status["conditions"].as_array_mut().unwrap().push(condition);
        status
    };
    let condition =
        |type_: &str, status: &str, reason: &str| json!({"type": type_, "status": status, "reason": reason});
    let without = |mut status: Value, field: &str| {
        status.as_object_mut().unwrap().remove(field);
        status
    };
    let with_stack = |stack: &str, build: &str| {
        json!({
            "cloudformationStackArn": "arn", "cloudformationStackStatus": stack, "imageBuildStatus": build,
            "build": {"stackArn": "arn"}
        })
    };
    for (status, is_wrong) in [
        (showing("ami-1"), false),
        (absent(), false),
        (with(showing("ami-1"), condition("Synced", "True", "ObservedImage")), false),
        (with(showing("ami-1"), condition("Synced", "True", "ObservedAbsence")), true),
        (with(showing("ami-1"), condition("Synced", "False", "Throttled")), false),
        (with(showing("ami-1"), condition("Synced", "False", "ObservedImage")), true),
        (with(showing("ami-1"), condition("Absent", "True", "Deleted")), true),
        (with(showing("ami-1"), condition("Finalizing", "True", "Finalizing")), true),
        (with(absent(), condition("Finalizing", "True", "Deleted")), true),
        (without(showing("ami-1"), "build"), true),
        (without(showing("ami-1"), "phase"), true),
        (without(showing("ami-1"), "imageBuildStatus"), true),
        (with_stack("CREATE_IN_PROGRESS", "BUILD_IN_PROGRESS"), false),
        (with_stack("CREATE_IN_PROGRESS", "BUILD_FAILED"), true),
        (with_stack("ROLLBACK_IN_PROGRESS", "BUILD_FAILED"), false),
    ] {
        let wrong = beside::wrong(&status);
        assert_eq!(wrong.is_some(), is_wrong, "{status}: {wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn orders_fails_when_an_object_goes_on_that_is_suspended_or_may_not_read_and_when_another_does_not() {
    for (suspend, allowed, said, is_wrong) in [
        (false, true, "ObservedImage", false),
        (true, true, "ObservedImage", true),
        (true, true, "Suspended", false),
        (false, false, "ObservedImage", true),
        (false, true, "Suspended", true),
        (false, true, "IdentityNotAllowed", true),
    ] {
        let (trace, mut orders) = (Trace::default(), Orders::default());
        time::begin();
        let metadata = json!({"uid": "1", "name": "hpc", "namespace": "team-a"});
        let mut status = showing("ami-1");
        status["conditions"].as_array_mut().unwrap().push(json!({"type": "Synced", "reason": said}));
        let object = json!({"metadata": metadata, "spec": {"suspend": suspend}, "status": status});
        orders.allow(if allowed { vec!["team-a"] } else { Vec::new() });
        orders.check(&object, 0.0, &trace);
        assert_eq!(trace.failure(), None, "the operator has had no time");
        tokio::time::advance(std::time::Duration::from_secs(1500)).await;
        let mut another = object.clone();
        another["metadata"]["uid"] = json!("2");
        orders.check(&another, 0.0, &trace);
        assert_eq!(trace.failure(), None, "the object has just been created");
        orders.check(&object, 0.0, &trace);
        assert_eq!(trace.failure().is_some(), is_wrong, "{suspend} {allowed} {said}: {:?}", trace.failure());
    }
}

#[test]
fn quiet_fails_when_a_status_is_written_while_nothing_changes() {
    for writes in [0, 1] {
        let trace = Trace::default();
        rest::check_quiet(writes, &trace);
        assert_eq!(trace.failure().is_some(), writes > 0);
    }
}

#[test]
fn nothing_left_fails_when_something_is_kept_of_deleted_objects() {
    for remembered in [0, 1] {
        let trace = Trace::default();
        rest::check_forgotten(0, Kept { remembered, ..Kept::default() }, &trace);
        assert_eq!(trace.failure().is_some(), remembered > 0);
    }
}
