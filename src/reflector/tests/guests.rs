//! Images that are asked for without a subscription.

use super::*;
use crate::reflector::guests::{MOST, STAY};
use futures::future::join_all;

fn region() -> Scope {
    scope("eu-west-1")
}

async fn ask(reflector: &Reflector<Arc<Source>>, id: &ImageId) -> Reading {
    reflector.young("hpc", &image(&region(), id)).await
}

#[tokio::test(start_paused = true)]
async fn those_who_ask_at_once_share_a_read_and_the_next_ones_cost_none() {
    let id = id("img-0");
    let (reflector, _changed, source) = reflector(std::slice::from_ref(&id));
    let readings = join_all((0..100).map(|_| ask(&reflector, &id))).await;
    assert!(readings.iter().all(|reading| reading.answer.is_ok()));
    assert_eq!(source.counts(), [1, 0, 0, 0]);
    tokio::time::sleep(Duration::from_secs(30)).await;
    assert_eq!(ask(&reflector, &id).await.answer, readings[0].answer);
    assert_eq!(source.counts(), [0; 4]);
}

#[tokio::test(start_paused = true)]
async fn an_image_that_nobody_asks_for_any_more_leaves_and_one_that_is_shown_stays() {
    let (asked, shown) = (id("img-0"), id("img-1"));
    let (reflector, _changed, _source) = reflector(&[asked.clone(), shown.clone()]);
    ask(&reflector, &asked).await;
    ask(&reflector, &shown).await;
    subscribe(&reflector, &region(), &shown);
    tokio::time::sleep(STAY / 2).await;
    ask(&reflector, &asked).await;
    tokio::time::sleep(STAY / 2).await;
    reflector.see_off_guests();
    let at_hand = |id: &ImageId| reflector.latest(&image(&region(), id), None).is_some();
    assert!(at_hand(&asked), "it was asked for again");
    tokio::time::sleep(STAY).await;
    reflector.see_off_guests();
    assert!(!at_hand(&asked) && at_hand(&shown));
    reflector.unsubscribe(&subscriber(&region(), &shown));
    assert!(!at_hand(&shown));
}

#[tokio::test(start_paused = true)]
async fn at_most_a_thousand_images_stay_and_those_asked_for_last_are_kept() {
    let ids = ids(MOST + 200);
    let (reflector, _changed, _source) = reflector(&ids);
    for some in ids.chunks(200) {
        join_all(some.iter().map(|id| ask(&reflector, id))).await;
    }
    reflector.see_off_guests();
    let stays = |id: &ImageId| reflector.lanes.lock()[&region()].is_subscribed(id);
    assert_eq!(ids.iter().filter(|id| stays(id)).count(), MOST);
    assert!(ids[200..].iter().all(stays));
}

#[tokio::test(start_paused = true)]
async fn after_a_failure_one_who_asks_later_gets_a_new_try() {
    let id = id("img-0");
    let (reflector, _changed, source) = reflector(std::slice::from_ref(&id));
    source.is_denied.store(true, Ordering::Relaxed);
    assert!(ask(&reflector, &id).await.answer.is_err());
    assert!(ask(&reflector, &id).await.answer.is_err());
    assert_eq!(source.counts()[0], 1, "a failure is an answer, too, for a while");
    source.is_denied.store(false, Ordering::Relaxed);
    tokio::time::sleep(INTERVALS.error * 2).await;
    assert!(ask(&reflector, &id).await.answer.is_ok());
}

#[tokio::test(start_paused = true)]
async fn one_who_gives_up_leaves_no_trace_and_a_region_that_never_answers_holds_up_nobody() {
    let silent = scope("us-east-1");
    let image_id = id("img-0");
    let source = Source { silent: Some(silent.region.clone()), ..Source::default() };
    source.describe("img-0", "first");
    let (reflector, _changed) = Reflector::new(Arc::new(source), SETTINGS);
    let asked = image(&silent, &image_id);
    let waiting = tokio::time::timeout(Duration::from_secs(50), reflector.young("hpc", &asked)).await;
    assert!(waiting.is_err());
    assert!(reflector.young("hpc", &image(&region(), &image_id)).await.answer.is_ok());
    tokio::time::sleep(STAY * 2).await;
    reflector.see_off_guests();
    assert!(reflector.lanes.lock().is_empty());
}
