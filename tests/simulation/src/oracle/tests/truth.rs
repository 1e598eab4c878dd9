//! The oracle of truth can fail.

use std::sync::Arc;
use std::time::Duration;

use serde_json::{Value, json};
use tokio::time::advance;

use super::{absent, aws, call, showing, unanswered, write};
use crate::aws::{Aws, Call, Facts};
use crate::oracle::Truth;
use crate::trace::Trace;

/// AWS with the AMI `ami-1` of `hpc`, and the oracle that judges what is written about it.
struct Judged {
    trace: Trace,
    truth: Truth,
    aws: Aws,
}

impl Judged {
    fn new() -> Self {
        let trace = Trace::default();
        let aws = aws(&trace);
        Self { trace, truth: Truth::default(), aws }
    }

    /// The same, and EC2 has told of the AMI.
    fn told() -> Self {
        let this = Self::new();
        this.aws.note(call("DescribeImages", 0.0, Some(this.aws.facts())));
        this
    }

    /// EC2 has said at this time what is in `facts`, and CloudFormation that there is no stack.
    fn says(&self, at: f64, facts: Arc<Facts>) {
        self.aws.note(call("DescribeImages", at, Some(facts)));
        self.aws.note(call("DescribeStacks", at, Some(Arc::default())));
    }

    fn writes(&mut self, client: &str, before: Value, said: Value) {
        self.truth.check(&write(client, before, said), 0.0, &self.aws, &self.trace);
    }

    fn failure(&self) -> Option<String> {
        self.trace.failure()
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_status_says_what_aws_has_not_said() {
    for (ami, is_lie) in [("ami-1", false), ("ami-2", true)] {
        let mut judged = Judged::told();
        judged.writes("0.0", Value::Null, showing(ami));
        assert_eq!(judged.failure().is_some(), is_lie, "{ami}: {:?}", judged.failure());
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
        let mut judged = Judged::new();
        judged.aws.note(call("DescribeImages", 1.0, Some(judged.aws.facts())));
        advance(Duration::from_secs(2)).await;
        judged.writes("0.0", Value::Null, showing("ami-1"));
        assert_eq!(judged.failure(), None);
        for (at, life, is_there) in &answers {
            let facts = if *is_there { judged.aws.facts() } else { Arc::default() };
            judged.aws.note(Call { caller: (0, *life), ..call("DescribeImages", *at, Some(facts)) });
            judged.aws.note(call("DescribeStacks", *at, Some(Arc::default())));
        }
        advance(Duration::from_secs(28)).await;
        judged.writes("0.0", showing("ami-1"), absent());
        assert_eq!(judged.failure().is_some_and(|failure| failure.contains("is gone")), is_lie, "{answers:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn truth_hears_no_answer_that_has_not_arrived_and_no_list_that_has_not_ended() {
    for (arrives, is_last_page, is_lie) in [(true, true, true), (false, true, false), (true, false, false)] {
        let mut judged = Judged::told();
        judged.writes("0.0", Value::Null, showing("ami-1"));
        judged.aws.note(call("DescribeImages", 1.0, Some(Arc::default())));
        let heard = if arrives { 2.0 } else { f64::INFINITY };
        judged.aws.note(Call { heard, is_last_page, ..call("DescribeImages", 2.0, Some(judged.aws.facts())) });
        judged.says(18.0, Arc::default());
        advance(Duration::from_secs(20)).await;
        judged.writes("0.0", showing("ami-1"), absent());
        assert_eq!(judged.failure().is_some(), is_lie, "{arrives} {is_last_page}: {:?}", judged.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_knows_what_a_process_met_and_what_others_wrote_later() {
    let mut like_ours = showing("ami-2");
    let synced = json!({"type": "Synced", "reason": "ObservedImage", "status": "True"});
    like_ours["conditions"].as_array_mut().unwrap().push(synced);
    for (client, theirs, is_lie) in
        [("1.0", &like_ours, false), ("1.0", &showing("ami-2"), true), ("0.0", &like_ours, true)]
    {
        let mut judged = Judged::told();
        judged.writes("0.0", Value::Null, showing("ami-1"));
        judged.writes("somebody", showing("ami-1"), theirs.clone());
        judged.writes(client, theirs.clone(), like_ours.clone());
        judged.writes("somebody", like_ours.clone(), json!({}));
        judged.writes(client, json!({}), like_ours.clone());
        assert_eq!(judged.failure().is_some(), is_lie, "{client} {theirs}: {:?}", judged.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_aws_has_said_it_of_another_image_or_only_after_the_write() {
    let of = |id: &str| Some([id.to_owned()].into());
    for (subjects, at, is_lie) in
        [(of("hpc"), 0.0, false), (of("other"), 0.0, true), (None, 0.0, false), (None, 1.0, true)]
    {
        let mut judged = Judged::new();
        judged.aws.note(Call { subjects: subjects.clone(), ..call("DescribeImages", at, Some(judged.aws.facts())) });
        judged.writes("0.0", Value::Null, showing("ami-1"));
        assert_eq!(judged.failure().is_some(), is_lie, "{subjects:?} at {at}");
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_ready_does_not_fit_what_stands_beside_it() {
    let mut judged = Judged::told();
    let mut status = showing("ami-1");
    status["conditions"][0]["reason"] = "BuildFailed".into();
    judged.writes("0.0", Value::Null, status);
    assert!(judged.failure().unwrap().contains("BuildFailed"));
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_status_goes_back_to_what_aws_said_before() {
    for (last_said, is_lie) in [("nothing", true), ("the AMI", false)] {
        let mut judged = Judged::new();
        judged.says(0.0, judged.aws.facts());
        judged.says(1.0, Arc::default());
        advance(Duration::from_secs(2)).await;
        judged.writes("0.0", Value::Null, absent());
        judged.says(3.0, if last_said == "nothing" { Arc::default() } else { judged.aws.facts() });
        advance(Duration::from_secs(2)).await;
        judged.writes("0.0", absent(), showing("ami-1"));
        assert_eq!(judged.failure().is_some(), is_lie, "{last_said}: {:?}", judged.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_status_shows_for_too_long_what_aws_no_longer_has() {
    let judged = Judged::new();
    let object = json!({"metadata": {"uid": "1", "name": "hpc"}, "spec": {}, "status": showing("ami-2")});
    judged.truth.check_age(&object, 0.0, &judged.aws, &judged.trace);
    assert_eq!(judged.failure(), None, "the operator may have had no time to say so");
    advance(Duration::from_secs(3000)).await;
    judged.truth.check_age(&object, 0.0, &judged.aws, &judged.trace);
    assert!(judged.failure().unwrap().contains("still says"));
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_aws_was_not_asked_for_too_long() {
    for (asked_at, is_wrong) in [(2000.0, false), (100.0, true)] {
        let judged = Judged::told();
        judged.says(asked_at, judged.aws.facts());
        advance(Duration::from_secs(3000)).await;
        let object = json!({"metadata": {"uid": "1", "name": "hpc"}, "spec": {}, "status": showing("ami-1")});
        judged.truth.check_age(&object, 0.0, &judged.aws, &judged.trace);
        assert_eq!(judged.failure().is_some(), is_wrong, "{asked_at}: {:?}", judged.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_what_was_there_was_never_there_or_what_never_was_is_deleted() {
    let mut not_found = absent();
    for condition in not_found["conditions"].as_array_mut().unwrap() {
        condition["reason"] = "NotFound".into();
    }
    for (was_there, status, is_lie) in
        [(true, &absent(), false), (true, &not_found, true), (false, &absent(), true), (false, &not_found, false)]
    {
        let mut judged = Judged::new();
        if was_there {
            judged.says(0.0, judged.aws.facts());
            judged.writes("0.0", Value::Null, showing("ami-1"));
        }
        judged.says(1.0, Arc::default());
        judged.says(18.0, Arc::default());
        advance(Duration::from_secs(20)).await;
        judged.writes("0.0", if was_there { showing("ami-1") } else { Value::Null }, status.clone());
        assert_eq!(judged.failure().is_some(), is_lie, "{was_there}: {status}: {:?}", judged.failure());
    }
}

/// The status of an image that AWS no longer tells of.
fn stale(mut status: Value) -> Value {
    let condition = |type_: &str, status: &str| json!({"type": type_, "status": status, "reason": "Stale"});
    status["conditions"] = json!([condition("Ready", "Unknown"), condition("Reconciling", "True")]);
    status
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_the_payload_changes_without_an_answer() {
    for (shows, told, is_lie) in [
        (showing("ami-1"), None, false),
        (showing("ami-2"), None, true),
        (absent(), None, true),
        // What AWS has told before, and what could not be written until now.
        (absent(), Some((0, [1.0, 17.0])), false),
        (absent(), Some((0, [1.0, 15.0])), true),
        (absent(), Some((1, [1.0, 17.0])), true),
        (showing("ami-2"), Some((0, [1.0, 17.0])), true),
    ] {
        let mut judged = Judged::told();
        judged.writes("0.0", Value::Null, showing("ami-1"));
        advance(Duration::from_secs(20)).await;
        for (process, at) in told.into_iter().flat_map(|(process, misses)| misses.map(|at| (process, at))) {
            for operation in ["DescribeImages", "DescribeStacks"] {
                judged.aws.note(Call { caller: (process, 0), ..call(operation, at, Some(Arc::default())) });
            }
        }
        judged.aws.sends(unanswered((0, 0), 19.0));
        judged.writes("0.0", showing("ami-1"), stale(shows.clone()));
        assert_eq!(judged.failure().is_some(), is_lie, "{shows} {told:?}: {:?}", judged.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_knows_what_the_operator_has_said_beside_the_words_that_others_left() {
    for (shows, is_lie) in [(showing("ami-1"), false), (showing("ami-2"), true)] {
        let mut judged = Judged::told();
        judged.writes("0.0", showing("ami-2"), showing("ami-1"));
        judged.aws.sends(unanswered((0, 0), 0.0));
        judged.writes("0.0", showing("ami-2"), stale(shows.clone()));
        assert_eq!(judged.failure().is_some(), is_lie, "{shows}: {:?}", judged.failure());
    }
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_status_is_about_another_image_than_the_object() {
    let mut judged = Judged::told();
    let mut other = write("0.0", Value::Null, showing("ami-1"));
    other.spec["imageId"] = "other".into();
    judged.truth.check(&other, 0.0, &judged.aws, &judged.trace);
    assert!(judged.failure().unwrap().contains("another image"));
}

#[tokio::test(start_paused = true)]
async fn truth_fails_when_a_process_keeps_what_it_met_after_aws_has_answered_twice() {
    let mut theirs = showing("ami-2");
    let synced = json!({"type": "Synced", "reason": "ObservedImage", "status": "True"});
    theirs["conditions"].as_array_mut().unwrap().push(synced);
    for (answers, is_lie) in [(1, false), (2, true)] {
        let mut judged = Judged::told();
        judged.writes("0.0", Value::Null, showing("ami-1"));
        judged.writes("somebody", showing("ami-1"), theirs.clone());
        judged.writes("1.0", theirs.clone(), theirs.clone());
        for answer in 0..answers {
            let at = 10.0 + 20.0 * f64::from(answer);
            judged.aws.note(Call { caller: (1, 0), ..call("DescribeImages", at, Some(judged.aws.facts())) });
        }
        advance(Duration::from_secs(600)).await;
        judged.writes("1.0", theirs.clone(), theirs.clone());
        assert_eq!(judged.failure().is_some(), is_lie, "{answers}: {:?}", judged.failure());
    }
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
        // What others have written is taken away in three writes.
        ("somebody", &shows_none, &shows_none, false),
    ] {
        let mut judged = Judged::told();
        judged.writes("0.0", first.clone(), first.clone());
        if who == "somebody" {
            judged.writes(who, first.clone(), shows.clone());
            advance(Duration::from_secs(1)).await;
            judged.writes("0.0", shows.clone(), shows.clone());
            judged.writes("0.0", shows.clone(), then.clone());
        } else {
            judged.writes("0.0", first.clone(), then.clone());
        }
        assert_eq!(judged.failure().is_some(), is_wrong, "{who}: {then}: {:?}", judged.failure());
    }
}
