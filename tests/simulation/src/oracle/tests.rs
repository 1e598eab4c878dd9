//! Each oracle can fail.

use customimage_operator::kubernetes::Kept;
use serde_json::{Value, json};
use simulator::World;

use super::{Truth, Writers, budget, convergence, rest};
use crate::api_server::{LeaseWrite, StatusWrite};
use crate::aws::{Aws, Call, Facts};
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
        "conditions": [{"type": "Ready", "reason": "ImageAvailable", "status": "True"}]
    })
}

fn absent() -> Value {
    json!({
        "region": "eu-west-1", "imageId": "hpc",
        "conditions": [{"type": "Ready", "reason": "Deleted", "status": "False"}]
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
        is_retry: false,
        facts,
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_status_says_what_aws_has_not_said() {
    for (ami, is_lie) in [("ami-1", false), ("ami-2", true)] {
        let (trace, mut truth) = (Trace::default(), Truth::default());
        let aws = aws(&trace);
        aws.note(call("DescribeImages", 0.0, Some(aws.facts())));
        truth.check(&write("0.0", Value::Null, showing(ami)), 0.0, &aws, &trace);
        assert_eq!(trace.failure().is_some(), is_lie, "{ami}: {:?}", trace.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_an_image_that_aws_has_all_the_time_is_gone() {
    for (missed, is_lie) in [(vec![3.0], true), (vec![3.0, 17.0], true), (vec![3.0, 18.0], false)] {
        let (trace, mut truth) = (Trace::default(), Truth::default());
        let aws = aws(&trace);
        aws.note(call("DescribeImages", 1.0, Some(aws.facts())));
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
        truth.check(&write("0.0", Value::Null, showing("ami-1")), 0.0, &aws, &trace);
        assert_eq!(trace.failure(), None);
        for at in &missed {
            aws.note(call("DescribeImages", *at, Some(Arc::default())));
            aws.note(call("DescribeStacks", *at, Some(Arc::default())));
        }
        truth.check(&write("0.0", showing("ami-1"), absent()), 0.0, &aws, &trace);
        assert_eq!(trace.failure().is_some_and(|failure| failure.contains("is gone")), is_lie, "{missed:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_status_goes_back_to_what_aws_said_before() {
    for (last_said, is_lie) in [("nothing", true), ("the AMI", false)] {
        let (trace, mut truth) = (Trace::default(), Truth::default());
        let aws = aws(&trace);
        let says = |at: f64, facts: fn(&Aws) -> Option<Arc<Facts>>| {
            aws.note(call("DescribeImages", at, facts(&aws)));
            aws.note(call("DescribeStacks", at, Some(Arc::default())));
        };
        says(0.0, |aws| Some(aws.facts()));
        says(1.0, |_| Some(Arc::default()));
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
        truth.check(&write("0.0", Value::Null, absent()), 0.0, &aws, &trace);
        says(3.0, if last_said == "nothing" { |_| Some(Arc::default()) } else { |aws| Some(aws.facts()) });
        tokio::time::advance(std::time::Duration::from_secs(2)).await;
        truth.check(&write("0.0", absent(), showing("ami-1")), 0.0, &aws, &trace);
        assert_eq!(trace.failure().is_some(), is_lie, "{last_said}: {:?}", trace.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_status_shows_for_too_long_what_aws_no_longer_has() {
    let (trace, truth) = (Trace::default(), Truth::default());
    let aws = aws(&trace);
    let object = json!({"metadata": {"uid": "1", "name": "hpc"}, "spec": {}, "status": showing("ami-2")});
    truth.check_age(&object, 0.0, &aws, &trace);
    assert_eq!(trace.failure(), None, "the operator may have had no time to say so");
    tokio::time::advance(std::time::Duration::from_secs(3000)).await;
    truth.check_age(&object, 0.0, &aws, &trace);
    assert!(trace.failure().unwrap().contains("still says"));
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
    writers.lease(&lease("", "a", "0.0"));
    writers.status(&write("0.0", Value::Null, absent()), &trace);
    writers.lease(&lease("a", "b", "1.0"));
    writers.status(&write("1.0", Value::Null, absent()), &trace);
    assert_eq!(trace.failure(), None);
    writers.status(&write("0.0", Value::Null, absent()), &trace);
    assert!(trace.failure().unwrap().contains("of term 1 writes over"));
}

#[tokio::test(start_paused = true)]
async fn budget_fails_when_a_window_has_too_many_calls() {
    for (gap, is_too_much) in [(0.2, false), (0.05, true)] {
        let trace = Trace::default();
        let aws = aws(&trace);
        (0..100).for_each(|number| aws.note(call("DescribeImages", f64::from(number) * gap, None)));
        budget::check(&aws, &trace);
        assert_eq!(trace.failure().is_some(), is_too_much, "one call in {gap} s");
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
    convergence::check(&[Arc::new(object)], &config, &trace).await;
    assert!(trace.failure().unwrap().starts_with("convergence"));
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
