//! Tests of the store: what it answers, what is read from AWS, and which changes are published.

use super::*;

#[tokio::test(start_paused = true)]
async fn ten_thousand_available_images_are_read_in_one_sweep_each_time_they_are_due() {
    let ids = ids(10_000);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    ids.iter().for_each(|id| subscribe(&reflector, &scope, id));
    let readings = observe(&reflector, &mut changed, &scope, &ids).await;
    assert!(readings.iter().all(|reading| matches!(*reading.answer.clone().unwrap(), Observation::Ami { .. })));
    assert_eq!(source.counts(), [0, 1, 0, 0]);
    assert_eq!(source.await_calls(1, 5).await, [0, 5, 0, 0], "no other calls");
    assert_eq!(changed.next().now_or_never(), None, "nothing has changed, so nothing is published");
}

#[tokio::test(start_paused = true)]
async fn only_the_changed_image_is_published() {
    let ids = ids(300);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &ids).await;
    source.describe("img-7", "second");
    let published = changed.next().await.unwrap();
    assert_eq!(published, subscriber(&scope, &id("img-7")));
    let reading = reflector.latest(&image(&scope, &id("img-7")), None).unwrap();
    let Observation::Ami { ami, .. } = &*reading.answer.unwrap() else { panic!("an AMI") };
    assert_eq!(ami.description.as_deref(), Some("second"));
    assert_eq!(changed.next().now_or_never(), None);
}

#[tokio::test(start_paused = true)]
async fn an_observed_image_is_answered_from_the_store_unless_a_newer_read_is_requested() {
    let ids = ids(1);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    let first = observe(&reflector, &mut changed, &scope, &ids).await.remove(0);
    assert_eq!(reflector.latest(&image(&scope, &ids[0]), None), Some(first));
    assert_eq!(source.counts(), [1, 0, 0, 0]);
    let now = Timestamp::now();
    assert_eq!(reflector.latest(&image(&scope, &ids[0]), Some(now)), None);
    assert_eq!(
        changed.next().await,
        Some(subscriber(&scope, &ids[0])),
        "the answer is published, although it is the same"
    );
    let fresh = reflector.latest(&image(&scope, &ids[0]), Some(now)).unwrap();
    assert!(fresh.at >= now && source.counts() == [1, 0, 0, 0]);
}

#[tokio::test(start_paused = true)]
async fn after_a_miss_a_reading_that_sees_the_image_counts_however_early_its_read_began() {
    let ids = ids(1);
    let (reflector, mut changed, _) = reflector(&ids);
    let scope = scope("eu-west-1");
    let first = observe(&reflector, &mut changed, &scope, &ids).await.remove(0);
    let later = Timestamp::now();
    let latest = |sees| reflector.latest_after_miss(&image(&scope, &ids[0]), None, later, |_| sees);
    assert_eq!(latest(true), Some(first));
    assert_eq!(changed.next().now_or_never(), None);
    assert_eq!(latest(false), None, "one that misses it again must begin later");
    changed.next().await.unwrap();
    assert!(latest(false).unwrap().at >= later);
}

#[tokio::test(start_paused = true)]
async fn after_a_miss_an_error_sees_nothing() {
    let ids = ids(1);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &ids).await;
    source.is_denied.store(true, Ordering::Relaxed);
    changed.next().await.unwrap();
    let image = image(&scope, &ids[0]);
    assert!(reflector.latest(&image, None).unwrap().answer.is_err());
    assert_eq!(reflector.latest_after_miss(&image, None, Timestamp::now(), |_| true), None);
}

#[tokio::test(start_paused = true)]
async fn one_absent_image_is_read_by_stack_name_and_many_in_one_sweep_of_stacks() {
    let (reflector, mut changed, source) = reflector(&[]);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &[id("absent")]).await;
    assert_eq!(source.counts(), [1, 0, 1, 0]);
    let many: Vec<_> = (0..100).map(|n| id(&format!("absent-{n}"))).collect();
    observe(&reflector, &mut changed, &scope, &many).await;
    assert_eq!(source.counts(), [1, 0, 0, 1]);
}

#[tokio::test(start_paused = true)]
async fn many_stacks_are_read_by_name_while_a_sweep_is_denied() {
    let source = Arc::new(Source { denies_sweeps: true, ..Source::default() });
    let (reflector, mut changed) = Reflector::new(source.clone(), SETTINGS);
    let many: Vec<_> = (0..30).map(|n| id(&format!("absent-{n}"))).collect();
    let readings = observe(&reflector, &mut changed, &scope("eu-west-1"), &many).await;
    assert!(readings.iter().all(|reading| reading.answer.is_ok()));
    assert_eq!(source.counts(), [1, 0, 30, 1]);
    source.await_calls(2, 30).await;
    assert_eq!(source.counts()[3], 0, "it is not asked for again at once");
    tokio::time::sleep(Duration::from_secs(900)).await;
    assert!(source.counts()[3] >= 1, "the permission may have been granted meanwhile");
}

#[tokio::test(start_paused = true)]
async fn an_error_is_published_once_and_so_is_the_next_answer() {
    let ids = ids(3);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &ids).await;
    source.is_denied.store(true, Ordering::Relaxed);
    for _ in 0..3 {
        changed.next().await.unwrap();
    }
    let failing = reflector.latest(&image(&scope, &ids[0]), None).unwrap();
    assert!(failing.answer.is_err() && failing.answered_at.is_some() && failing.failing_since.is_some());
    source.counts();
    source.await_calls(0, 3).await;
    assert_eq!(changed.next().now_or_never(), None, "the same error is not published again");
    source.is_denied.store(false, Ordering::Relaxed);
    for _ in 0..3 {
        changed.next().await.unwrap();
    }
    assert!(reflector.latest(&image(&scope, &ids[0]), None).unwrap().answer.is_ok());
}

#[tokio::test(start_paused = true)]
async fn a_scope_that_never_answers_does_not_delay_other_scopes() {
    let source = Arc::new(Source { silent: Some(Region::parse("eu-west-2").unwrap()), ..Source::default() });
    source.describe("img-0", "first");
    let (reflector, mut changed) = Reflector::new(source.clone(), SETTINGS);
    (0..1000).for_each(|n| subscribe(&reflector, &scope("eu-west-2"), &id(&format!("img-{n}"))));
    subscribe(&reflector, &scope("eu-west-1"), &id("img-0"));
    assert_eq!(changed.next().await.unwrap(), subscriber(&scope("eu-west-1"), &id("img-0")));
    source.await_calls(0, 3).await;
    assert_eq!(
        reflector.latest(&image(&scope("eu-west-2"), &id("img-0")), None),
        None,
        "`latest` does not wait for AWS"
    );
}

#[tokio::test(start_paused = true)]
async fn an_image_without_subscribers_is_not_read() {
    let ids = ids(2);
    let (reflector, mut changed, source) = reflector(&ids);
    let scope = scope("eu-west-1");
    observe(&reflector, &mut changed, &scope, &ids).await;
    ids.iter().for_each(|id| reflector.unsubscribe(&subscriber(&scope, id)));
    assert!(reflector.lanes.lock().is_empty(), "the lane has ended");
    source.counts();
    // Longer than an interval, because there is no event for a read that must not happen.
    tokio::time::sleep(Duration::from_secs(800)).await;
    assert_eq!(source.counts(), [0; 4]);
    assert_eq!(observe(&reflector, &mut changed, &scope, &ids).await.len(), 2, "images can be subscribed to again");
}

#[tokio::test(start_paused = true)]
async fn images_are_read_again_after_their_read_panics() {
    let ids = ids(3);
    let (reflector, mut changed, source) = reflector(&ids);
    source.panics.store(true, Ordering::Relaxed);
    let readings = observe(&reflector, &mut changed, &scope("eu-west-1"), &ids).await;
    assert!(readings.iter().all(|reading| reading.answer.is_ok()));
}
