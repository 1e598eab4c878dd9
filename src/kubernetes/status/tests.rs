//! The condition table, row by row.

use super::compose::next;
use super::conditions;
use super::moment::{GracePeriods, Moment, Orphan, Outcome};
use crate::describe_image::image_config::new_tag;
use crate::describe_image::observation::{Ami, FailedStep, ImageBuild, Stack};
use crate::describe_image::response::{ImageFields, Tag};
use crate::describe_image::{ImageId, Observation, Region, SourceError, SourceErrorKind, describe};
use crate::kubernetes::custom_image::CustomImageStatus;
use jiff::{SignedDuration, Timestamp};
use proptest::prelude::*;
use strum::VariantArray;

mod unanswered;

pub(in crate::kubernetes) const PERIODS: GracePeriods = GracePeriods {
    not_found: SignedDuration::from_hours(2),
    finalizing: SignedDuration::from_mins(30),
    error: SignedDuration::from_mins(5),
    staleness_budget: SignedDuration::from_mins(30),
};

pub(in crate::kubernetes) fn at(minute: i64) -> Timestamp {
    Timestamp::from_second(1_800_000_000 + minute * 60).unwrap()
}

/// An object that was created at minute 0 and is read every ten minutes.
fn moment(previous: &CustomImageStatus, minute: i64) -> Moment<'_> {
    Moment {
        previous,
        object: "hpc -n images",
        image_id: "hpc",
        region: "eu-west-1",
        account_id: Some("111122223333"),
        generation: Some(7),
        created: at(0),
        finalizing_seen: at(minute),
        now: at(minute),
        interval: SignedDuration::from_mins(10),
        periods: &PERIODS,
    }
}

fn seen(observation: Observation) -> Outcome {
    let (id, region) = (ImageId::parse("hpc").unwrap(), Region::parse("eu-west-1").unwrap());
    let response = describe(&id, &region, &observation).ok().map(Box::new);
    Outcome::Observed { observation: std::sync::Arc::new(observation), response, orphan: Orphan::Unknown }
}

fn ami(state: &str) -> Outcome {
    let ami = Ami { id: Some("ami-1".into()), state: Some(state.into()), ..Ami::default() };
    seen(Observation::Ami { ami, stack: None, refused: None })
}

fn stack(status: &str, build: Option<&str>) -> Outcome {
    let image_build = build.map(|status| ImageBuild {
        status: Some(status.into()),
        reason: Some("out of disk".into()),
        failed_step: Some(FailedStep { action: Some("InstallPackages".into()), ..FailedStep::default() }),
        ..ImageBuild::default()
    });
    let stack = Stack {
        status: Some(status.into()),
        status_reason: Some("resource failed".into()),
        tags: vec![new_tag("b", "1"), new_tag("a", "2")],
        ..Stack::default()
    };
    seen(Observation::Stack { stack, image_build, refused: None })
}

fn absent() -> Outcome {
    seen(Observation::Absent { other_stack: None })
}

fn failed(kind: SourceErrorKind, since: i64, last_observed: i64) -> Outcome {
    let error = SourceError::asked(kind, "ec2:DescribeImages", "Rate exceeded");
    let message = "Unable to get image hpc, due to Rate exceeded.".into();
    Outcome::Failed { error, message, since: at(since), last_observed: at(last_observed) }
}

fn after(outcome: &Outcome, previous: &CustomImageStatus, minute: i64) -> CustomImageStatus {
    next(outcome, &moment(previous, minute)).status
}

fn fresh() -> CustomImageStatus {
    CustomImageStatus { observed_generation: Some(-1), ..CustomImageStatus::default() }
}

/// Ready's status and reason, then the other conditions: `Type` if True, else `Type=STATUS:Reason`.
fn summary(status: &CustomImageStatus) -> String {
    let ready = conditions::find(&status.conditions, conditions::READY).unwrap();
    let beside = status.conditions.iter().filter(|condition| condition.type_ != conditions::READY);
    let beside = beside.map(|condition| match condition.status.as_str() {
        "True" => format!(" {}", condition.type_),
        other => format!(" {}={other}:{}", condition.type_, condition.reason),
    });
    format!("{} {}{}", ready.status, ready.reason, beside.collect::<String>())
}

#[test]
fn each_aws_answer_gives_its_row_of_the_condition_table() {
    for (outcome, row) in [
        (ami("available"), "True ImageAvailable Synced"),
        (ami("pending"), "False ImagePending Reconciling Synced"),
        (ami("transient"), "False ImagePending Reconciling Synced"),
        (ami("invalid"), "False ImageUnusable Stalled Synced"),
        (ami("failed"), "False ImageUnusable Stalled Synced"),
        (ami("error"), "False ImageUnusable Stalled Synced"),
        (ami("deregistered"), "False ImageUnusable Stalled Synced"),
        (ami("disabled"), "False ImageUnusable Stalled Synced"),
        (ami("tomorrow"), "Unknown UnknownBuildStatus Reconciling Synced"),
        (stack("CREATE_COMPLETE", None), "False Finalizing Finalizing Reconciling Synced"),
        (stack("DELETE_IN_PROGRESS", Some("AVAILABLE")), "False Finalizing Finalizing Reconciling Synced"),
        (stack("CREATE_IN_PROGRESS", Some("BUILDING")), "False Building Reconciling Synced"),
        (stack("DELETE_IN_PROGRESS", Some("CANCELLED")), "False Deleting Reconciling Synced"),
        (stack("DELETE_IN_PROGRESS", None), "False Deleting Reconciling Synced"),
        (stack("CREATE_FAILED", Some("FAILED")), "False BuildFailed Stalled Synced"),
        (stack("DELETE_FAILED", None), "False DeleteFailed Stalled Synced"),
        (stack("DELETE_COMPLETE", None), "False Deleted Stalled Synced"),
        (stack("UPDATE_FAILED", None), "Unknown UnknownBuildStatus Reconciling Synced"),
        (absent(), "False NotFound Absent Reconciling Synced"),
        (Outcome::Suspended, "Unknown Suspended Reconciling Synced=False:Suspended"),
    ] {
        let status = after(&outcome, &fresh(), 1);
        assert_eq!(summary(&status), row);
        assert_eq!(status.observed_generation, Some(7));
        assert!(status.conditions.iter().all(|condition| condition.observed_generation == Some(7)));
    }
}

#[test]
fn message_of_a_failed_build_starts_with_the_failing_step() {
    let status = after(&stack("CREATE_FAILED", Some("FAILED")), &fresh(), 1);
    let message = &conditions::find(&status.conditions, conditions::READY).unwrap().message;
    assert_eq!(
        message,
        "failed at step InstallPackages: out of disk; what to do: customimage-operator events hpc -n images; \
         stack is CREATE_FAILED, Image Builder says FAILED; CloudFormation: resource failed"
    );
}

#[test]
fn image_that_was_never_found_stalls_at_the_deadline_in_its_message() {
    let early = next(&absent(), &moment(&fresh(), 30));
    assert_eq!(early.until, Some(at(120)));
    let message = &conditions::find(&early.status.conditions, conditions::READY).unwrap().message;
    let deadline = format!("{:.0}", at(120));
    assert_eq!(
        message,
        &format!(
            "no image or stack with id hpc in eu-west-1 of account 111122223333; reported as failed at {deadline} if it is still missing then"
        )
    );
    assert_eq!(summary(&after(&absent(), &early.status, 119)), "False NotFound Absent Reconciling Synced");
    assert_eq!(summary(&after(&absent(), &early.status, 120)), "False NotFound Absent Stalled Synced");
}

#[test]
fn image_that_disappears_is_deleted_and_loses_its_payload() {
    let there = after(&ami("available"), &fresh(), 1);
    let gone = after(&absent(), &there, 2);
    assert_eq!(summary(&gone), "False Deleted Absent Stalled Synced");
    assert_eq!(gone.image, ImageFields::default());
    assert_eq!(gone.image_configuration, None);
    assert_eq!((gone.image_id.as_deref(), gone.account_id.as_deref()), (Some("hpc"), Some("111122223333")));
    assert_eq!(summary(&after(&absent(), &gone, 500)), "False Deleted Absent Stalled Synced", "it stays deleted");
}

#[test]
fn image_in_a_status_without_a_build_counts_as_deleted_from_the_first_absence_on() {
    // An earlier version of the operator wrote it.
    let image = ImageFields { cloudformation_stack_arn: Some("arn:stack/hpc/1".into()), ..ImageFields::default() };
    let gone = after(&absent(), &CustomImageStatus { image, ..fresh() }, 1);
    assert_eq!(summary(&gone), "False Deleted Absent Stalled Synced");
    assert_eq!(after(&absent(), &gone, 1), gone);
}

#[test]
fn mark_that_somebody_else_has_set_to_false_counts_as_missing() {
    let mut begun = after(&stack("DELETE_IN_PROGRESS", Some("AVAILABLE")), &fresh(), 10);
    begun.conditions.iter_mut().filter(|mark| mark.type_ == conditions::FINALIZING).for_each(|mark| {
        mark.status = "False".into();
    });
    let gone = after(&absent(), &begun, 20);
    assert_eq!(summary(&gone), "False Deleted Absent Stalled Synced");
    assert_eq!(after(&absent(), &gone, 20), gone);
}

#[test]
fn finished_build_without_an_ami_is_orphaned_after_30_minutes_even_if_its_stack_is_deleted() {
    let begun = next(&stack("DELETE_IN_PROGRESS", Some("AVAILABLE")), &moment(&fresh(), 10));
    assert_eq!(begun.until, Some(at(40)));
    let gone = next(&absent(), &moment(&begun.status, 20));
    assert_eq!(summary(&gone.status), "False Finalizing Finalizing Reconciling Synced");
    assert_eq!(gone.until, Some(at(40)));
    let orphaned = after(&absent(), &gone.status, 40);
    assert_eq!(summary(&orphaned), "False OrphanedImage Finalizing Stalled Synced");
    let message = &conditions::find(&orphaned.conditions, conditions::READY).unwrap().message;
    assert!(message.contains("Ec2ImageBuilderArn"), "{message}");
    assert_eq!(summary(&after(&absent(), &orphaned, 500)), "False OrphanedImage Finalizing Stalled Synced");
    assert_eq!(summary(&after(&ami("available"), &orphaned, 501)), "True ImageAvailable Synced");
}

#[test]
fn mark_from_the_future_counts_from_when_the_process_saw_it() {
    // Two hours ahead of the clock that is used from then on.
    let begun = next(&stack("CREATE_COMPLETE", Some("AVAILABLE")), &moment(&fresh(), 120)).status;
    let seen_at_5 = |minute| Moment { finalizing_seen: at(5), ..moment(&begun, minute) };
    let waits = next(&stack("CREATE_COMPLETE", Some("AVAILABLE")), &seen_at_5(10));
    assert_eq!(
        (summary(&waits.status).as_str(), waits.until),
        ("False Finalizing Finalizing Reconciling Synced", Some(at(35)))
    );
    let over = next(&stack("CREATE_COMPLETE", Some("AVAILABLE")), &seen_at_5(35)).status;
    assert_eq!(summary(&over), "False OrphanedImage Finalizing Stalled Synced");
    let mark = |status: &CustomImageStatus| {
        conditions::find(&status.conditions, conditions::FINALIZING).unwrap().last_transition_time.clone()
    };
    assert_eq!(mark(&over), mark(&begun), "which of the clocks is wrong, nobody knows");
    // When the mark is not in the future any more, also in a process that has just started.
    for seen in [5, 121] {
        let next = next(&absent(), &Moment { finalizing_seen: at(seen), ..moment(&over, 121) }).status;
        assert_eq!(summary(&next), "False OrphanedImage Finalizing Stalled Synced", "seen at {seen}");
    }
    let waited = next(&absent(), &Moment { finalizing_seen: at(5), ..moment(&begun, 121) }).status;
    assert_eq!(summary(&waited), "False OrphanedImage Finalizing Stalled Synced");
}

#[test]
fn new_absence_names_no_account_until_this_process_learns_it() {
    let there = after(&ami("available"), &fresh(), 1);
    let unlearned = Moment { account_id: None, ..moment(&there, 2) };
    let gone = next(&absent(), &unlearned).status;
    let message =
        |status: &CustomImageStatus| conditions::find(&status.conditions, conditions::READY).unwrap().message.clone();
    assert_eq!(message(&gone), "no image or stack with id hpc in eu-west-1 any more; AMI ami-1 is gone");
    let learned = after(&absent(), &gone, 3);
    assert!(message(&learned).contains("of account 111122223333"));
    let restarted = Moment { account_id: None, ..moment(&learned, 4) };
    assert_eq!(next(&absent(), &restarted).status, learned, "a restart changes nothing");
}

#[test]
fn order_of_tags_is_no_change_but_another_tag_is_one() {
    let there = after(&stack("CREATE_IN_PROGRESS", None), &fresh(), 1);
    let tagged = |tags: Vec<Tag>| {
        let stack = Stack {
            status: Some("CREATE_IN_PROGRESS".into()),
            status_reason: Some("resource failed".into()),
            tags,
            ..Stack::default()
        };
        seen(Observation::Stack { stack, image_build: None, refused: None })
    };
    assert_eq!(after(&tagged(vec![new_tag("a", "2"), new_tag("b", "1")]), &there, 2), there);
    assert_ne!(after(&tagged(vec![new_tag("a", "1"), new_tag("b", "2")]), &there, 2), there);
    assert_ne!(after(&tagged(vec![new_tag("a", "2"), new_tag("b", "1"), new_tag("b", "1")]), &there, 2), there);
}

#[test]
fn refused_detail_is_reported_with_its_action() {
    let refused = SourceError {
        kind: SourceErrorKind::AccessDenied,
        action: Some("imagebuilder:GetImage"),
        message: "on resource arn".into(),
        fix: None,
        bad_reply: None,
    };
    let stack = Stack { status: Some("CREATE_IN_PROGRESS".into()), ..Stack::default() };
    let status = after(&seen(Observation::Stack { stack, image_build: None, refused: Some(refused) }), &fresh(), 1);
    assert_eq!(summary(&status), "False Building PayloadComplete=False:AccessDenied Reconciling Synced");
    let message = &conditions::find(&status.conditions, conditions::PAYLOAD_COMPLETE).unwrap().message;
    assert!(message.contains("imagebuilder:GetImage") && message.contains("on resource arn"), "{message}");
}

fn any_outcome() -> impl Strategy<Value = Outcome> {
    prop_oneof![
        Just(absent()),
        prop::sample::select(vec![Orphan::Gone, Orphan::Found("ami-9".into())]).prop_map(|orphan| {
            let Outcome::Observed { observation, response, orphan: _ } = absent() else { unreachable!("made above") };
            Outcome::Observed { observation, response, orphan }
        }),
        Just(Outcome::Suspended),
        Just(Outcome::Unconfirmed),
        prop::sample::select(vec!["available", "pending", "failed", "new"]).prop_map(ami),
        (
            prop::sample::select(vec![
                "CREATE_IN_PROGRESS",
                "CREATE_FAILED",
                "DELETE_IN_PROGRESS",
                "CREATE_COMPLETE",
                "X"
            ]),
            prop::sample::select(vec![None, Some("AVAILABLE"), Some("FAILED")])
        )
            .prop_map(|(status, build)| stack(status, build)),
        (prop::sample::select(SourceErrorKind::VARIANTS.to_vec()), 0i64..60, 0i64..60)
            .prop_map(|(kind, since, last)| failed(kind, since, last)),
    ]
}

proptest! {
    /// kstatus reads only the first of Reconciling and Stalled. An object without Ready counts as finished for it.
    #[test]
    fn no_sequence_of_outcomes_misleads_kstatus(outcomes in prop::collection::vec(any_outcome(), 1..12)) {
        let mut status = fresh();
        for (minute, outcome) in outcomes.iter().enumerate() {
            let is_first_unconfirmed = status.conditions.is_empty() && *outcome == Outcome::Unconfirmed;
            if is_first_unconfirmed { continue; }
            let minute = i64::try_from(minute).unwrap() * 17;
            status = after(outcome, &status, minute);
            let has = |type_| conditions::find(&status.conditions, type_).is_some();
            prop_assert!(has(conditions::READY) && has(conditions::SYNCED), "{:?}", status);
            prop_assert!(!(has(conditions::RECONCILING) && has(conditions::STALLED)), "{:?}", status);
            let ready = conditions::find(&status.conditions, conditions::READY).unwrap();
            prop_assert_eq!(ready.status == "True", !has(conditions::RECONCILING) && !has(conditions::STALLED));
            prop_assert_eq!(status.observed_generation, Some(7));
            prop_assert_eq!(after(outcome, &status, minute), status.clone(), "the same outcome again changes nothing");
            if let Outcome::Observed { .. } = outcome {
                let is_due = next(outcome, &moment(&status, minute)).until.is_some_and(|until| until <= at(minute + 3));
                prop_assert!(is_due || after(outcome, &status, minute + 3) == status, "nor does it a little later");
            }
        }
    }
}
