//! Creates Events. The same Event that comes again within some minutes is counted up, by the rules of client-go's recorder:
//! the type, the reason and the object are compared, and the first note stays.

use crate::clock::Clock;
use crate::kubernetes::status::transition::AMI_CHANGED;
use jiff::{SignedDuration, Timestamp};
use k8s_openapi::api::core::v1::ObjectReference;
use k8s_openapi::api::events::v1::{Event, EventSeries};
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{MicroTime, ObjectMeta};
use kube::api::{Patch, PatchParams, PostParams};
use kube::{Api, Client};
use serde_json::json;
use std::collections::HashMap;

const CONTROLLER: &str = "customimage-operator";

/// An Event that comes again within this time belongs to the series.
const SERIES: SignedDuration = SignedDuration::from_mins(6);

/// The maximum length of an object's name.
const NAME_LIMIT: usize = 253;

/// What an Event says, and about which object.
#[derive(Clone, Debug)]
pub struct NewEvent {
    pub regarding: ObjectReference,
    pub type_: &'static str,
    pub reason: String,
    pub note: String,
}

impl NewEvent {
    pub fn namespace(&self) -> &str {
        self.regarding.namespace.as_deref().unwrap_or("default")
    }
}

/// What Events of one series have in common: the object's namespace, name and uid, the type and the reason.
type Key = [String; 5];

/// An Event in the cluster.
#[derive(Clone, Debug)]
struct Published {
    name: String,
    count: i32,
    last: Timestamp,
}

/// Publishes Events, one after the other.
pub struct Recorder {
    client: Client,
    instance: String,
    series: HashMap<Key, Published>,
    /// When those that are over were last removed.
    cleaned: Timestamp,
    clock: Clock,
}

impl Recorder {
    #[must_use]
    pub fn new(client: Client, instance: Option<String>, clock: Clock) -> Self {
        let instance = instance.unwrap_or_else(|| CONTROLLER.to_owned());
        Self { client, instance, series: HashMap::new(), cleaned: clock.now(), clock }
    }

    /// # Errors
    /// When the API server does not take the Event.
    pub async fn publish(&mut self, about: &NewEvent) -> kube::Result<()> {
        let now = self.clock.now();
        self.clean(now);
        let events: Api<Event> = Api::namespaced(self.client.clone(), about.namespace());
        let key = key(about);
        if let Some(published) = self.series.get_mut(&key).filter(|published| !published.is_over(now)) {
            match published.count_up(&events, now).await {
                // Somebody has deleted it, as `kubectl delete events --all` does. Then it is a new Event.
                Err(kube::Error::Api(answer)) if answer.code == 404 => {}
                counted => return counted,
            }
        }
        let event = self.event(about, now);
        let name = event.metadata.name.clone().unwrap_or_default();
        events.create(&PostParams::default(), &event).await?;
        self.series.insert(key, Published { name, count: 1, last: now });
        Ok(())
    }

    fn clean(&mut self, now: Timestamp) {
        // A clock that was set back must not stop it.
        if now.duration_since(self.cleaned).abs() >= SERIES {
            self.series.retain(|_, published| !published.is_over(now));
            self.cleaned = now;
        }
    }

    fn event(&self, about: &NewEvent, now: Timestamp) -> Event {
        let object = about.regarding.name.as_deref().unwrap_or(CONTROLLER);
        Event {
            action: Some("Reconcile".to_owned()),
            event_time: Some(MicroTime(now)),
            metadata: ObjectMeta {
                name: Some(name(object, now)),
                namespace: Some(about.namespace().to_owned()),
                ..ObjectMeta::default()
            },
            note: Some(about.note.clone()),
            reason: Some(about.reason.clone()),
            regarding: Some(about.regarding.clone()),
            reporting_controller: Some(CONTROLLER.to_owned()),
            reporting_instance: Some(self.instance.clone()),
            type_: Some(about.type_.to_owned()),
            ..Event::default()
        }
    }
}

impl Published {
    fn is_over(&self, now: Timestamp) -> bool {
        now.duration_since(self.last).abs() >= SERIES
    }

    async fn count_up(&mut self, events: &Api<Event>, now: Timestamp) -> kube::Result<()> {
        let count = self.count.saturating_add(1);
        let series = EventSeries { count, last_observed_time: MicroTime(now) };
        let patch = Patch::Merge(json!({"series": series}));
        events.patch(&self.name, &PatchParams::default(), &patch).await?;
        (self.count, self.last) = (count, now);
        Ok(())
    }
}

fn key(about: &NewEvent) -> Key {
    let regarding = &about.regarding;
    [
        about.namespace().to_owned(),
        regarding.name.clone().unwrap_or_default(),
        regarding.uid.clone().unwrap_or_default(),
        about.type_.to_owned(),
        // A series keeps its first note, and another AMI is another Event.
        if about.reason == AMI_CHANGED { about.note.clone() } else { about.reason.clone() },
    ]
}

/// The object's name and the time, which no other Event of this process has. A long name is cut.
fn name(object: &str, now: Timestamp) -> String {
    let unique = format!(".{:x}", now.as_nanosecond());
    let room = NAME_LIMIT.saturating_sub(unique.len());
    // What stands before a dot ends with a letter or a digit.
    let cut: String = object.chars().take(room).collect();
    format!("{}{unique}", cut.trim_end_matches(|last: char| !last.is_ascii_alphanumeric()))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn the_name_of_an_event_is_valid_however_long_the_name_of_its_object_is() {
        let now = Timestamp::from_second(1_700_000_000).unwrap();
        assert!(name("hpc", now).starts_with("hpc."));
        let dotted = format!("{}.-{}", "a".repeat(235), "b".repeat(16));
        for object in ["a".repeat(253), dotted] {
            let name = name(&object, now);
            assert!(name.len() <= NAME_LIMIT && name.starts_with("aaa"), "{name}");
            assert!(name.split('.').all(|label| label.ends_with(|last: char| last.is_ascii_alphanumeric())), "{name}");
        }
    }
}
