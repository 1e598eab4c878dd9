//! Tests of one image: reads that overtake each other, withdrawn answers, and a wall clock that is set back.

use super::*;
use crate::clock::Stamp;
use crate::describe_image::observe::{ObserveError, Step};
use crate::reflector::entry::Entry;

fn failure(message: &str) -> ObserveError {
    let source_error = SourceError::unasked(SourceErrorKind::Throttled, message);
    ObserveError { image_id: id("img"), step: Step::Image, source_error }
}

/// So many seconds from now, when the wall clock shows 1970.
fn seconds() -> impl Fn(u64) -> Stamp {
    let now = Instant::now();
    move |seconds| Stamp {
        at: Timestamp::from_second(seconds as i64).unwrap(),
        instant: now + Duration::from_secs(seconds),
    }
}

#[tokio::test(start_paused = true)]
async fn an_overtaken_read_changes_nothing() {
    let mut entry = Entry::new();
    let begun = seconds();
    let ami = |text: &str| {
        Ok(Observation::Ami { ami: Ami { id: Some(text.into()), ..Ami::default() }, stack: None, refused: None })
    };
    assert!(entry.answered(ami("new"), (Priority::Urgent, begun(1)), begun(1), 1.0, &INTERVALS));
    assert!(!entry.answered(ami("old"), (Priority::Urgent, begun(0)), begun(1), 1.0, &INTERVALS));
    let reading = entry.latest(None, Timestamp::now()).unwrap();
    assert_eq!(*reading.answer.unwrap(), ami("new").unwrap());
}

#[tokio::test(start_paused = true)]
async fn an_answer_counts_although_a_later_read_has_failed_meanwhile() {
    let mut entry = Entry::new();
    let begun = seconds();
    let absent = || Ok(Observation::Absent { other_stack: None });
    let failed = || Err(failure("the later read"));
    entry.answered(failed(), (Priority::Urgent, begun(1)), begun(1), 1.0, &INTERVALS);
    let slot = entry.slot().unwrap();
    assert!(!entry.answered(failed(), (Priority::Background, begun(0)), begun(2), 1.0, &INTERVALS));
    assert!(entry.answered(absent(), (Priority::Background, begun(0)), begun(2), 1.0, &INTERVALS));
    assert!(entry.slot().unwrap() == slot, "the failed read is repeated as soon as without it");
    assert!(entry.latest(None, Timestamp::now()).unwrap().answer.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_caller_that_waits_for_a_newer_read_gets_the_withdrawn_answer_meanwhile() {
    let mut entry = Entry::new();
    let begun = Stamp { at: Timestamp::UNIX_EPOCH, instant: Instant::now() };
    entry.answered(Ok(Observation::Absent { other_stack: None }), (Priority::Urgent, begun), begun, 1.0, &INTERVALS);
    let later = Some(Timestamp::from_second(1).unwrap());
    assert_eq!(entry.latest(later, Timestamp::now()), None);
    let why = failure("waits");
    entry.withdraw(why.clone(), begun);
    assert_eq!(entry.latest(later, Timestamp::now()).unwrap().answer, Err(why));
    assert!(entry.has_waiter());
}

#[tokio::test(start_paused = true)]
async fn reads_continue_when_the_wall_clock_is_set_back() {
    let mut entry = Entry::new();
    let now = Instant::now();
    let begun = |at: i64, after: u64| Stamp {
        at: Timestamp::from_second(at).unwrap(),
        instant: now + Duration::from_secs(after),
    };
    let ami = |text: &str| {
        Ok(Observation::Ami { ami: Ami { id: Some(text.into()), ..Ami::default() }, stack: None, refused: None })
    };
    entry.answered(ami("before"), (Priority::Urgent, begun(3600, 0)), begun(3600, 0), 1.0, &INTERVALS);
    assert!(entry.answered(ami("after"), (Priority::Urgent, begun(0, 600)), begun(0, 600), 1.0, &INTERVALS));
    assert_eq!(*entry.latest(None, Timestamp::now()).unwrap().answer.unwrap(), ami("after").unwrap());
}
