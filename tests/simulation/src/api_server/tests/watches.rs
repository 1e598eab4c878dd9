use super::*;
use crate::api_server::WatchFate;
use crate::api_server::tests::faults::Faults;
use futures::{Stream, StreamExt, TryStreamExt};
use kube::ResourceExt;
use kube::api::{WatchEvent, WatchParams};
use kube::runtime::watcher::{self, Config, Event};
use kube::runtime::{WatchStreamExt, reflector};
use std::pin::Pin;
use std::time::Duration;
use tokio::time::{sleep, timeout};

type Events = Pin<Box<dyn Stream<Item = kube::Result<WatchEvent<CustomImage>>> + Send>>;

async fn watch(client: &Client, params: &WatchParams, version: &str) -> Events {
    images(client).watch(params, version).await.unwrap().boxed()
}

/// All events that arrive within this time, in short.
async fn within(events: &mut Events, time: Duration) -> Vec<String> {
    let (end, mut words) = (Instant::now() + time, Vec::new());
    while let Ok(event) = tokio::time::timeout_at(end, events.next()).await {
        words.push(match event {
            Some(Ok(WatchEvent::Added(object))) => format!("added {}", object.name_any()),
            Some(Ok(WatchEvent::Modified(object))) => format!("modified {}", object.name_any()),
            Some(Ok(WatchEvent::Deleted(object))) => format!("deleted {}", object.name_any()),
            Some(Ok(WatchEvent::Bookmark(bookmark))) if !bookmark.metadata.annotations.is_empty() => {
                "end of list".into()
            }
            Some(Ok(WatchEvent::Bookmark(_))) => "bookmark".into(),
            Some(Ok(WatchEvent::Error(status))) => format!("{} {}", status.code, status.reason),
            Some(Err(error)) => format!("error {error}"),
            None => "end".into(),
        });
        if words.last().is_some_and(|last| last == "end") {
            break;
        }
    }
    words
}

const SECOND: Duration = Duration::from_secs(1);

#[tokio::test(start_paused = true)]
async fn a_watch_brings_each_change_after_its_version_once() {
    let server = server();
    let client = client(&server);
    let one = server.create_image("a", "one", spec("x")).unwrap();
    server.create_image("a", "two", spec("x")).unwrap();
    server.create_image("b", "elsewhere", spec("x")).unwrap();
    let mut events = watch(&client, &WatchParams::default(), version(&one)).await;
    assert_eq!(within(&mut events, SECOND).await, ["added two"]);
    apply(&client, "one", None, json!({"region": "r"})).await.unwrap();
    apply(&client, "one", None, json!({"region": "r"})).await.unwrap();
    server.delete_image("a", "two");
    assert_eq!(within(&mut events, SECOND).await, ["modified one", "deleted two"]);
    assert_eq!(server.open_watches(), 1);
    drop(events);
    assert_eq!(server.open_watches(), 0);
}

#[tokio::test(start_paused = true)]
async fn bookmarks_come_each_minute_and_shortly_before_the_end() {
    let server = server();
    let client = client(&server);
    let one = server.create_image("a", "one", spec("x")).unwrap();
    let mut events = watch(&client, &WatchParams::default().timeout(115), version(&one)).await;
    assert!(within(&mut events, 59 * SECOND).await.is_empty());
    server.create_namespace("c", &[]);
    assert_eq!(within(&mut events, 2 * SECOND).await, ["bookmark"]);
    server.create_namespace("d", &[]);
    assert_eq!(within(&mut events, 60 * SECOND).await, ["bookmark", "end"]);
    assert_eq!(server.open_watches(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_version_that_is_forgotten_is_too_old() {
    let server = server();
    let client = client(&server);
    let one = server.create_image("a", "one", spec("x")).unwrap();
    server.create_image("a", "two", spec("x")).unwrap();
    server.forget_history();
    let mut events = watch(&client, &WatchParams::default(), version(&one)).await;
    assert_eq!(within(&mut events, SECOND).await, ["410 Expired", "end"]);
    let mut events = watch(&client, &WatchParams::default(), &server.version().to_string()).await;
    server.delete_image("a", "two");
    assert_eq!(within(&mut events, SECOND).await, ["deleted two"]);
}

#[tokio::test(start_paused = true)]
async fn a_store_that_was_set_back_leaves_watches_silent_until_it_has_passed_them() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    let backup = server.snapshot();
    let two = server.create_image("a", "two", spec("x")).unwrap();
    let mut events = watch(&client, &WatchParams::default(), version(&two)).await;
    server.restore(&backup);
    server.create_image("a", "three", spec("x")).unwrap();
    assert_eq!(server.version().to_string(), version(&two));
    assert!(within(&mut events, 150 * SECOND).await.is_empty());
    let mut late = watch(&client, &WatchParams::default(), version(&two)).await;
    server.label("a", "three", "k", Some("v")).unwrap();
    assert_eq!(within(&mut events, SECOND).await, ["modified three"]);
    assert_eq!(within(&mut late, SECOND).await, ["modified three"]);
    assert_ne!(server.image("a", "three").unwrap()["metadata"]["uid"], two["metadata"]["uid"]);
}

#[tokio::test(start_paused = true)]
async fn an_outdated_streaming_list_goes_on_with_what_it_missed() {
    let server = server();
    let faults = Faults { watch: WatchFate { stale_list: Some(2), ..WatchFate::default() }, ..Faults::default() };
    let client = linked(&server, faults);
    for name in ["one", "two", "three"] {
        server.create_image("a", name, spec("x")).unwrap();
    }
    let params = WatchParams::default().initial_events();
    let mut events = watch(&client, &params, "0").await;
    assert_eq!(within(&mut events, SECOND).await, ["added one", "end of list", "added two", "added three"]);
}

#[tokio::test(start_paused = true)]
async fn the_watches_end_with_the_crd() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    let mut events = watch(&client, &WatchParams::default(), "0").await;
    assert_eq!(within(&mut events, SECOND).await, ["added one"]);
    server.remove_crd();
    assert_eq!(within(&mut events, SECOND).await, ["deleted one", "end"]);
}

/// A reflector that follows the server with a real watcher, and has reached what the server holds.
async fn is_followed(config: Config) {
    let server = server();
    let client = linked(&server, Faults::default());
    for index in 0..7 {
        server.create_image("a", &format!("i{index}"), spec("x")).unwrap();
    }
    let (reader, writer) = reflector::store();
    let watch = watcher::watcher(images(&client), config.timeout(115)).default_backoff().reflect(writer);
    let mut inits = 0;
    let following =
        watch.inspect_ok(|event| inits += i32::from(matches!(event, Event::InitDone))).for_each(|_| async {});
    let changing = async {
        for round in 0..40 {
            let name = format!("i{}", round % 5);
            match round % 3 {
                0 => drop(server.annotate("a", &name, "round", Some(&round.to_string()))),
                1 => drop(server.delete_image("a", &name)),
                _ => drop(server.create_image("a", &name, spec("x"))),
            }
            sleep(Duration::from_secs(7)).await;
        }
        server.forget_history();
        sleep(Duration::from_secs(300)).await;
    };
    tokio::select! { () = following => panic!("the watch ended"), () = changing => {} }
    let mut seen: Vec<Value> = reader.state().iter().map(|object| json!(&**object)).collect();
    seen.sort_by_key(|object| object["metadata"]["name"].to_string());
    let there: Vec<Value> =
        server.objects(crate::api_server::Resource::CustomImage).iter().map(|object| (**object).clone()).collect();
    assert_eq!(seen, there);
    assert_eq!(inits, 1, "one list is enough");
    assert_eq!(server.open_watches(), 0);
}

#[tokio::test(start_paused = true)]
async fn a_real_watcher_follows_by_a_streaming_list() {
    timeout(Duration::from_secs(3600), is_followed(Config::default().streaming_lists())).await.unwrap();
}

#[tokio::test(start_paused = true)]
async fn a_real_watcher_follows_by_a_list_in_pages() {
    timeout(Duration::from_secs(3600), is_followed(Config::default().page_size(3))).await.unwrap();
}
