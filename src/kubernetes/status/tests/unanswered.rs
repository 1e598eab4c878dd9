//! Tests of the rows of the condition table in which AWS did not answer.

use super::*;

#[test]
fn finalizing_period_continues_when_the_image_build_is_gone_or_aws_does_not_answer() {
    let begun = after(&stack("DELETE_IN_PROGRESS", Some("AVAILABLE")), &fresh(), 10);
    let silent = after(&stack("DELETE_IN_PROGRESS", None), &begun, 15);
    assert_eq!(summary(&silent), "False Finalizing Finalizing Reconciling Synced");
    let denied = after(&failed(SourceErrorKind::AccessDenied, 16, 15), &silent, 25);
    assert_eq!(summary(&denied), "Unknown AccessDenied Finalizing Stalled Synced=False:AccessDenied");
    assert_eq!(summary(&after(&absent(), &denied, 39)), "False Finalizing Finalizing Reconciling Synced");
    assert_eq!(summary(&after(&absent(), &denied, 40)), "False OrphanedImage Finalizing Stalled Synced");
}

#[test]
fn deleted_image_is_still_deleted_after_an_outage() {
    let there = after(&ami("available"), &fresh(), 1);
    let gone = after(&absent(), &there, 2);
    let denied = after(&failed(SourceErrorKind::AccessDenied, 3, 2), &gone, 10);
    assert_eq!(summary(&denied), "Unknown AccessDenied Absent Stalled Synced=False:AccessDenied");
    let throttled = after(&failed(SourceErrorKind::Throttled, 3, 2), &denied, 11);
    assert_eq!(summary(&throttled), "Unknown AccessDenied Absent Stalled Synced=False:Throttled");
    assert_eq!(summary(&after(&absent(), &throttled, 20)), "False Deleted Absent Stalled Synced");
}

#[test]
fn orphan_is_still_an_orphan_after_an_outage() {
    let mut status = after(&stack("DELETE_IN_PROGRESS", Some("AVAILABLE")), &fresh(), 10);
    status = after(&absent(), &status, 45);
    assert_eq!(summary(&status), "False OrphanedImage Finalizing Stalled Synced");
    let denied = after(&failed(SourceErrorKind::AccessDenied, 46, 45), &status, 52);
    let throttled = after(&failed(SourceErrorKind::Throttled, 53, 45), &denied, 53);
    assert_eq!(throttled, denied, "within its grace period");
    assert_eq!(summary(&after(&absent(), &throttled, 60)), "False OrphanedImage Finalizing Stalled Synced");
}

#[test]
fn resumed_object_reports_at_once_that_aws_does_not_answer() {
    let there = after(&ami("available"), &fresh(), 1);
    let paused = after(&Outcome::Suspended, &there, 2);
    let resumed = after(&failed(SourceErrorKind::Throttled, 9, 1), &paused, 9);
    assert_eq!(summary(&resumed), "True ImageAvailable Synced=False:Throttled");
}

#[test]
fn object_that_is_resumed_after_long_does_not_show_its_old_answer_while_aws_refuses() {
    let there = after(&ami("available"), &fresh(), 1);
    let paused = after(&Outcome::Suspended, &there, 2);
    let early = after(&failed(SourceErrorKind::AccessDenied, 9, 2), &paused, 9);
    assert_eq!(summary(&early), "True ImageAvailable Synced=False:AccessDenied");
    let late = after(&failed(SourceErrorKind::AccessDenied, 80, 2), &paused, 80);
    assert_eq!(summary(&late), "Unknown AccessDenied Stalled Synced=False:AccessDenied");
}

#[test]
fn another_missing_permission_is_named_even_if_the_reason_is_the_same() {
    let denied = |action: &str| {
        let mut outcome = failed(SourceErrorKind::AccessDenied, 1, 0);
        let Outcome::Failed { message, .. } = &mut outcome else { unreachable!("made above") };
        *message = format!("{action} (AccessDenied): request {action}");
        outcome
    };
    let first = after(&denied("ec2:DescribeImages"), &fresh(), 1);
    let second = after(&denied("cloudformation:DescribeStacks"), &first, 2);
    let message = &conditions::find(&second.conditions, conditions::READY).unwrap().message;
    assert!(message.contains("cloudformation:DescribeStacks"), "{message}");
}

#[test]
fn retryable_error_without_an_observation_is_reported_at_once_and_does_not_stall() {
    let status = after(&failed(SourceErrorKind::Throttled, 1, 0), &fresh(), 1);
    assert_eq!(summary(&status), "Unknown NotYetObserved Reconciling Synced=False:Throttled");
}

#[test]
fn retryable_error_changes_nothing_in_its_grace_period_then_synced_then_ready() {
    let there = after(&ami("available"), &fresh(), 1);
    let error = failed(SourceErrorKind::ServiceError, 2, 1);
    let early = next(&error, &moment(&there, 6));
    assert_eq!((&early.status, early.until), (&there, Some(at(7))));
    let nearly_stale = next(&failed(SourceErrorKind::ServiceError, 2, -25), &moment(&there, 3));
    assert_eq!((&nearly_stale.status, nearly_stale.until), (&there, Some(at(5))), "Stale is reported in time");
    let later = next(&error, &moment(&there, 7));
    assert_eq!(summary(&later.status), "True ImageAvailable Synced=False:ServiceError");
    assert_eq!(later.until, Some(at(31)));
    let stale = after(&error, &later.status, 31);
    assert_eq!(summary(&stale), "Unknown Stale Reconciling Synced=False:ServiceError");
    assert_eq!(stale.image, there.image, "the payload stays");
    assert_eq!(after(&error, &stale, 50), stale, "written once");
}

#[test]
fn error_that_needs_a_person_is_reported_at_once_without_an_observation_else_after_its_grace_period() {
    for (kind, reason) in [
        (SourceErrorKind::AccessDenied, "AccessDenied"),
        (SourceErrorKind::InvalidCredentials, "InvalidCredentials"),
        (SourceErrorKind::InvalidRequest, "InvalidRequest"),
    ] {
        let expected = format!("Unknown {reason} Stalled Synced=False:{reason}");
        assert_eq!(summary(&after(&failed(kind, 1, 0), &fresh(), 1)), expected);
        let there = after(&ami("available"), &fresh(), 1);
        assert_eq!(after(&failed(kind, 2, 1), &there, 3), there);
        let denied = after(&failed(kind, 2, 1), &there, 7);
        assert_eq!((summary(&denied), &denied.image), (expected, &there.image));
        assert_eq!(summary(&after(&ami("available"), &denied, 8)), "True ImageAvailable Synced", "an answer ends it");
    }
    let there = after(&ami("available"), &fresh(), 1);
    let unknown = after(&failed(SourceErrorKind::UnknownRegion, 2, 1), &there, 2);
    assert_eq!(summary(&unknown), "Unknown UnknownRegion Stalled Synced=False:UnknownRegion");
}

#[test]
fn resumed_object_that_aws_refuses_is_reconciled_again_after_the_grace_period() {
    let there = after(&ami("available"), &fresh(), 1);
    let paused = after(&Outcome::Suspended, &there, 2);
    let refused = failed(SourceErrorKind::AccessDenied, 9, 9);
    let next = next(&refused, &moment(&paused, 9));
    assert_eq!(next.until, Some(at(14)));
    assert_eq!(summary(&after(&refused, &next.status, 14)), "Unknown AccessDenied Stalled Synced=False:AccessDenied");
}

#[test]
fn suspended_object_keeps_its_payload() {
    let there = after(&ami("available"), &fresh(), 1);
    let paused = after(&Outcome::Suspended, &there, 2);
    assert_eq!(summary(&paused), "True ImageAvailable Synced=False:Suspended");
    assert_eq!(paused.image, there.image);
}

#[test]
fn unconfirmed_outcome_changes_nothing() {
    let there = after(&ami("available"), &fresh(), 1);
    assert_eq!(after(&Outcome::Unconfirmed, &there, 2), there);
}

#[test]
fn throttling_of_a_scope_causes_no_event_but_changes_during_it_do() {
    use crate::kubernetes::status::transition::notes;
    let throttled = |since: i64| failed(SourceErrorKind::Throttled, since, since);
    let reasons = |previous: &CustomImageStatus, next: &CustomImageStatus| {
        notes(previous, next).into_iter().map(|note| note.reason).collect::<Vec<_>>()
    };
    let there = after(&ami("available"), &fresh(), 1);
    let stale = after(&throttled(2), &there, 40);
    assert_eq!(summary(&stale), "Unknown Stale Reconciling Synced=False:Throttled");
    assert_eq!(reasons(&there, &stale), [""; 0]);
    assert_eq!(reasons(&stale, &after(&ami("available"), &stale, 41)), [""; 0]);
    assert_eq!(reasons(&stale, &after(&ami("failed"), &stale, 41)), ["ImageUnusable"]);
    let waiting = after(&absent(), &fresh(), 60);
    let stale = after(&throttled(61), &waiting, 110);
    assert_eq!(reasons(&stale, &after(&absent(), &stale, 130)), ["NotFound"], "it counts as failed now");
    let begun = after(&stack("CREATE_COMPLETE", None), &fresh(), 1);
    let stale = after(&throttled(2), &begun, 45);
    assert_eq!(reasons(&stale, &after(&stack("CREATE_COMPLETE", None), &stale, 46)), ["OrphanedImage"]);
}
