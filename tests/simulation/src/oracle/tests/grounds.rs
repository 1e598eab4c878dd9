//! The oracle of grounds can fail.

use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;

use super::{aws, unanswered, write};
use crate::api_server::StatusWrite;
use crate::oracle::grounds::Grounds;
use crate::time;
use crate::trace::Trace;

fn status(reason: &str, others: &[&str]) -> Value {
    let condition = |type_: &str| json!({"type": type_, "reason": reason, "status": "True"});
    let conditions: Vec<Value> = ["Ready"].iter().chain(others).map(|type_| condition(type_)).collect();
    json!({"region": "eu-west-1", "imageId": "hpc", "conditions": conditions})
}

#[tokio::test(start_paused = true)]
async fn grounds_fails_when_an_image_is_missing_or_orphaned_before_its_time() {
    let finalizing = status("Finalizing", &["Reconciling", "Finalizing"]);
    for (reason, before, after, skew, is_wrong) in [
        ("NotFound", 0, 1100, 0, true),
        ("NotFound", 0, 1100, 300, false),
        ("NotFound", 0, 1200, 0, false),
        ("OrphanedImage", 600, 1200, 0, true),
        ("OrphanedImage", 600, 1800, 0, false),
    ] {
        let aws = aws(&Trace::default());
        let created = time::now();
        let mut grounds = Grounds::default();
        grounds.set_clock(skew);
        advance(Duration::from_secs(before)).await;
        let waits = if reason == "NotFound" { status(reason, &["Reconciling"]) } else { finalizing.clone() };
        let judged = |before: &Value, said: Value| StatusWrite { created, ..write("0.0", before.clone(), said) };
        assert_eq!(grounds.missing(&judged(&Value::Null, waits.clone()), true, &aws), None, "{reason}");
        advance(Duration::from_secs(after)).await;
        let marks: &[&str] = if reason == "NotFound" { &["Stalled"] } else { &["Stalled", "Finalizing"] };
        let wrong = grounds.missing(&judged(&waits, status(reason, marks)), true, &aws);
        assert_eq!(wrong.is_some(), is_wrong, "{reason} after {after} s: {wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn grounds_fails_when_aws_is_said_to_fail_and_does_not() {
    for (who, sent, answered, is_wrong) in [
        ((0, 0), 2900.0, f64::INFINITY, false),
        ((0, 0), 2900.0, 2901.0, true),
        ((0, 0), 100.0, f64::INFINITY, true),
        ((0, 1), 2900.0, f64::INFINITY, true),
    ] {
        let aws = aws(&Trace::default());
        advance(Duration::from_secs(3000)).await;
        let mut attempt = unanswered(who, sent);
        attempt.answered = answered;
        aws.sends(attempt);
        let stale = write("0.0", status("ImageAvailable", &[]), status("Stale", &["Reconciling"]));
        let wrong = Grounds::default().missing(&stale, true, &aws);
        assert_eq!(wrong.is_some(), is_wrong, "{who:?} {sent} {answered}: {wrong:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn grounds_fails_when_an_object_is_said_to_be_suspended_or_nowhere_and_is_not() {
    let aws = aws(&Trace::default());
    for (reason, field, value, is_wrong) in [
        ("Suspended", "suspend", json!(true), false),
        ("Suspended", "suspend", json!(false), true),
        ("UnknownRegion", "region", json!("xx-nowhere-1"), false),
        ("UnknownRegion", "region", json!("eu-west-1"), true),
    ] {
        let mut write = write("0.0", Value::Null, status(reason, &["Reconciling"]));
        write.spec[field] = value;
        let wrong = Grounds::default().missing(&write, true, &aws);
        assert_eq!(wrong.is_some(), is_wrong, "{reason} {field}: {wrong:?}");
    }
}
