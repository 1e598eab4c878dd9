//! The oracle of truth can fail.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;

use super::{absent, aws, call, showing, write};
use crate::aws::{Aws, Call, Facts};
use crate::oracle::Truth;
use crate::trace::Trace;

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
    let (missed, seen) = (false, true);
    for (answers, is_lie) in [
        (vec![(3.0, 0, missed)], true),
        (vec![(3.0, 0, missed), (17.0, 0, missed)], true),
        (vec![(3.0, 0, missed), (18.0, 0, missed)], false),
        (vec![(3.0, 0, missed), (10.0, 0, seen), (20.0, 0, missed)], true),
        (vec![(3.0, 1, missed), (20.0, 0, missed)], true),
    ] {
        let (trace, mut truth) = (Trace::default(), Truth::default());
        let aws = aws(&trace);
        aws.note(call("DescribeImages", 1.0, Some(aws.facts())));
        advance(Duration::from_secs(2)).await;
        truth.check(&write("0.0", Value::Null, showing("ami-1")), 0.0, &aws, &trace);
        assert_eq!(trace.failure(), None);
        for (at, life, is_there) in &answers {
            let facts = if *is_there { aws.facts() } else { Arc::default() };
            aws.note(Call { caller: (0, *life), ..call("DescribeImages", *at, Some(facts)) });
            aws.note(call("DescribeStacks", *at, Some(Arc::default())));
        }
        advance(Duration::from_secs(28)).await;
        truth.check(&write("0.0", showing("ami-1"), absent()), 0.0, &aws, &trace);
        assert_eq!(trace.failure().is_some_and(|failure| failure.contains("is gone")), is_lie, "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn truth_hears_no_answer_that_has_not_arrived_and_no_list_that_has_not_ended() {
    for (arrives, is_last_page, is_lie) in [(true, true, true), (false, true, false), (true, false, false)] {
        let (trace, mut truth) = (Trace::default(), Truth::default());
        let aws = aws(&trace);
        aws.note(call("DescribeImages", 0.0, Some(aws.facts())));
        truth.check(&write("0.0", Value::Null, showing("ami-1")), 0.0, &aws, &trace);
        aws.note(call("DescribeImages", 1.0, Some(Arc::default())));
        let heard = if arrives { 2.0 } else { f64::INFINITY };
        aws.note(Call { heard, is_last_page, ..call("DescribeImages", 2.0, Some(aws.facts())) });
        aws.note(call("DescribeImages", 18.0, Some(Arc::default())));
        aws.note(call("DescribeStacks", 18.0, Some(Arc::default())));
        advance(Duration::from_secs(20)).await;
        truth.check(&write("0.0", showing("ami-1"), absent()), 0.0, &aws, &trace);
        assert_eq!(trace.failure().is_some(), is_lie, "{arrives} {is_last_page}: {:?}", trace.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_knows_what_a_process_met_and_what_others_wrote_later() {
    for (client, is_lie) in [("1.0", false), ("0.0", true)] {
        let (trace, mut truth) = (Trace::default(), Truth::default());
        let aws = aws(&trace);
        aws.note(call("DescribeImages", 0.0, Some(aws.facts())));
        truth.check(&write("0.0", Value::Null, showing("ami-1")), 0.0, &aws, &trace);
        truth.check(&write("somebody", showing("ami-1"), showing("ami-2")), 0.0, &aws, &trace);
        truth.check(&write(client, showing("ami-2"), showing("ami-2")), 0.0, &aws, &trace);
        truth.check(&write("somebody", showing("ami-2"), json!({})), 0.0, &aws, &trace);
        truth.check(&write(client, json!({}), showing("ami-2")), 0.0, &aws, &trace);
        assert_eq!(trace.failure().is_some(), is_lie, "{client}: {:?}", trace.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_aws_has_said_it_of_another_image_or_only_after_the_write() {
    let of = |id: &str| Some([id.to_owned()].into());
    for (subjects, at, is_lie) in
        [(of("hpc"), 0.0, false), (of("other"), 0.0, true), (None, 0.0, false), (None, 1.0, true)]
    {
        let (trace, mut truth) = (Trace::default(), Truth::default());
        let aws = aws(&trace);
        aws.note(Call { subjects: subjects.clone(), ..call("DescribeImages", at, Some(aws.facts())) });
        truth.check(&write("0.0", Value::Null, showing("ami-1")), 0.0, &aws, &trace);
        assert_eq!(trace.failure().is_some(), is_lie, "{subjects:?} at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_ready_does_not_fit_what_stands_beside_it() {
    let (trace, mut truth) = (Trace::default(), Truth::default());
    let aws = aws(&trace);
    aws.note(call("DescribeImages", 0.0, Some(aws.facts())));
    let mut status = showing("ami-1");
    status["conditions"][0]["reason"] = "BuildFailed".into();
    truth.check(&write("0.0", Value::Null, status), 0.0, &aws, &trace);
    assert!(trace.failure().unwrap().contains("BuildFailed"));
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
        advance(Duration::from_secs(2)).await;
        truth.check(&write("0.0", Value::Null, absent()), 0.0, &aws, &trace);
        says(3.0, if last_said == "nothing" { |_| Some(Arc::default()) } else { |aws| Some(aws.facts()) });
        advance(Duration::from_secs(2)).await;
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
    advance(Duration::from_secs(3000)).await;
    truth.check_age(&object, 0.0, &aws, &trace);
    assert!(trace.failure().unwrap().contains("still says"));
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_suspended_object_changes() {
    let suspended = |mut status: Value| {
        let synced = json!({"type": "Synced", "reason": "Suspended", "status": "False"});
        status["conditions"].as_array_mut().unwrap().push(synced);
        status
    };
    let (shows, shows_other, shows_none) =
        (suspended(showing("ami-1")), suspended(showing("ami-2")), suspended(absent()));
    for (who, first, then, is_wrong) in [
        ("0.0", &shows, &shows, false),
        ("0.0", &shows, &shows_other, true),
        ("0.0", &shows, &shows_none, true),
        // What others have written is taken away in two steps.
        ("somebody", &shows_none, &shows_none, false),
    ] {
        let (trace, mut truth) = (Trace::default(), Truth::default());
        let aws = aws(&trace);
        truth.check(&write("0.0", Value::Null, first.clone()), 0.0, &aws, &trace);
        if who == "somebody" {
            truth.check(&write(who, first.clone(), shows.clone()), 0.0, &aws, &trace);
            advance(Duration::from_secs(1)).await;
            truth.check(&write("0.0", shows.clone(), shows.clone()), 0.0, &aws, &trace);
            truth.check(&write("0.0", shows.clone(), then.clone()), 0.0, &aws, &trace);
        } else {
            truth.check(&write("0.0", first.clone(), then.clone()), 0.0, &aws, &trace);
        }
        assert_eq!(trace.failure().is_some(), is_wrong, "{who}: {then}: {:?}", trace.failure());
    }
}
