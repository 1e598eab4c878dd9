use super::*;
use crate::api_server::{Asked, EventFate, Fate, WatchFate};
use futures::StreamExt;
use kube::runtime::watcher::{self, Config};
use kube::runtime::{WatchStreamExt, reflector};
use parking_lot::Mutex;
use std::collections::VecDeque;
use std::time::Duration;
use tokio::time::{sleep, timeout};

/// A link with these fates, one after the other, and then without faults.
#[derive(Default)]
pub(super) struct Faults {
    pub(super) requests: Mutex<VecDeque<Fate>>,
    pub(super) watch: WatchFate,
    pub(super) events: Mutex<VecDeque<EventFate>>,
}

impl Link for Faults {
    fn request(&self, _: &Asked) -> Fate {
        self.requests.lock().pop_front().unwrap_or(Fate::Answer)
    }

    fn watch(&self, _: &str) -> WatchFate {
        self.watch
    }

    fn event(&self, _: &str) -> EventFate {
        self.events.lock().pop_front().unwrap_or_default()
    }
}

fn faulty(server: &ApiServer, fates: impl IntoIterator<Item = Fate>) -> Client {
    linked(server, Faults { requests: Mutex::new(fates.into_iter().collect()), ..Faults::default() })
}

fn region(server: &ApiServer) -> Value {
    server.image("a", "one").unwrap()["status"]["region"].clone()
}

#[tokio::test(start_paused = true)]
async fn a_slow_write_is_done_although_the_client_has_given_up() {
    let server = server();
    server.create_image("a", "one", spec("x")).unwrap();
    let slow = Fate::Slow { before: Duration::from_secs(20), after: Duration::from_secs(5) };
    let client = faulty(&server, [slow]);
    let write = apply(&client, "one", None, json!({"region": "r"}));
    assert!(timeout(Duration::from_secs(10), write).await.is_err());
    assert_eq!(region(&server), Value::Null);
    sleep(Duration::from_secs(11)).await;
    assert_eq!(region(&server), "r");
}

#[tokio::test(start_paused = true)]
async fn each_fate_does_what_it_says() {
    let cases = [
        (Fate::Answer, true, true),
        (Fate::Unreachable, false, false),
        (Fate::LostReply, true, false),
        (Fate::Hangs, true, false),
        (Fate::Swallowed, false, false),
        (Fate::Refuse { code: 500, retry_after: None }, false, false),
    ];
    for (fate, is_done, is_answered) in cases {
        let server = server();
        server.create_image("a", "one", spec("x")).unwrap();
        let client = faulty(&server, [fate]);
        let write = timeout(Duration::from_secs(10), apply(&client, "one", None, json!({"region": "r"}))).await;
        assert_eq!(matches!(write, Ok(Ok(_))), is_answered, "{fate:?}: {write:?}");
        assert_eq!(region(&server) == "r", is_done, "{fate:?}");
    }
}

#[tokio::test(start_paused = true)]
async fn an_overloaded_server_is_asked_three_times_more() {
    let server = server();
    server.create_image("a", "one", spec("x")).unwrap();
    let refused = Fate::Refuse { code: 429, retry_after: Some(7) };
    let begin = Instant::now();
    apply(&faulty(&server, [refused; 3]), "one", None, json!({"region": "r"})).await.unwrap();
    assert!(begin.elapsed() >= Duration::from_secs(3), "it waits between them");
    let Err(kube::Error::Api(status)) = images(&faulty(&server, [refused; 4])).get("one").await else { panic!() };
    assert_eq!((status.code, status.details.unwrap().retry_after_seconds), (429, 7));
}

#[tokio::test(start_paused = true)]
async fn a_reflector_survives_events_that_are_late_doubled_or_cut_off() {
    let server = server();
    server.create_image("a", "one", spec("x")).unwrap();
    let fates = [EventFate::Twice, EventFate::After(Duration::from_secs(3)), EventFate::BreakOff, EventFate::Twice];
    let client = linked(&server, Faults { events: Mutex::new(fates.into()), ..Faults::default() });
    let (reader, writer) = reflector::store();
    let watch = watcher::watcher(images(&client), Config::default().streaming_lists());
    let following = watch.default_backoff().reflect(writer).for_each(|_| async {});
    let changing = async {
        sleep(Duration::from_secs(10)).await;
        for round in 0..3 {
            server.annotate("a", "one", "round", Some(&round.to_string())).unwrap();
            sleep(Duration::from_secs(30)).await;
        }
    };
    tokio::select! { () = following => panic!("the watch ended"), () = changing => {} }
    let seen: Vec<Value> = reader.state().iter().map(|object| json!(&**object)).collect();
    assert_eq!(seen, [(*server.image("a", "one").unwrap()).clone()]);
}
