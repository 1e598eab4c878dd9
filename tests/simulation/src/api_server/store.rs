//! The store behind the server, in the place of etcd: all objects, one counter for their versions, and the history of
//! changes from which watches and older lists are served.

use super::resource::{Resource, meta};
use super::watchers::Watchers;
use jiff::Timestamp;
use serde_json::{Value, json};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::ops::Bound;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::Instant;

/// Changes of one resource that are kept. A real server forgets older ones, too.
const HISTORY: usize = 10_000;

/// How long an Event lives.
const EVENT_LIFE: Duration = Duration::from_secs(3600);

/// Tells the server's time.
pub(super) type Clock = Box<dyn Fn() -> Timestamp + Send + Sync>;

/// The objects of one resource, by their keys.
pub(super) type Objects = BTreeMap<String, Arc<Value>>;

/// A change of one object.
#[derive(Debug)]
pub(super) struct Change {
    pub(super) version: u64,
    pub(super) resource: Resource,
    pub(super) key: String,
    /// `None`: it was created.
    pub(super) before: Option<Arc<Value>>,
    /// `None`: it was deleted.
    pub(super) after: Option<Arc<Value>>,
}

/// The content of the store at one moment.
#[derive(Clone, Debug)]
pub struct Snapshot {
    version: u64,
    objects: BTreeMap<Resource, Objects>,
    bare: BTreeSet<String>,
}

pub(super) struct Store {
    clock: Clock,
    pub(super) version: u64,
    uids: u64,
    objects: BTreeMap<Resource, Objects>,
    /// The uids of the custom resources that were not written since they were created. They are stored without their default
    /// status, so the next write stores it, even if it changes nothing that can be seen.
    pub(super) bare: BTreeSet<String>,
    history: BTreeMap<Resource, VecDeque<Arc<Change>>>,
    /// Changes up to this version are forgotten.
    forgotten: BTreeMap<Resource, u64>,
    /// When each Event was created, the oldest first.
    events: VecDeque<(Instant, String)>,
    pub(super) watchers: Watchers,
    /// Whether the CRD is installed.
    pub(super) serves_images: bool,
}

impl Store {
    pub(super) fn new(clock: Clock) -> Self {
        Self {
            clock,
            version: 1,
            uids: 0,
            objects: BTreeMap::new(),
            bare: BTreeSet::new(),
            history: BTreeMap::new(),
            forgotten: BTreeMap::new(),
            events: VecDeque::new(),
            watchers: Watchers::default(),
            serves_images: true,
        }
    }

    pub(super) fn now(&self) -> Timestamp {
        (self.clock)()
    }

    /// The time as objects keep it, in seconds.
    pub(super) fn time(&self) -> String {
        self.now().strftime("%Y-%m-%dT%H:%M:%SZ").to_string()
    }

    /// A uid that no other object has, not even after the store was set back.
    pub(super) fn new_uid(&mut self) -> String {
        self.uids += 1;
        format!("00000000-0000-4000-8000-{:012x}", self.uids)
    }

    pub(super) fn get(&self, resource: Resource, key: &str) -> Option<Arc<Value>> {
        self.objects.get(&resource)?.get(key).cloned()
    }

    /// The objects of a resource now.
    pub(super) fn all(&self, resource: Resource) -> Objects {
        self.objects.get(&resource).cloned().unwrap_or_default()
    }

    /// The objects of a resource as they were at `version`, as far as the history reaches back.
    pub(super) fn all_at(&self, resource: Resource, version: u64) -> Objects {
        let mut objects = self.all(resource);
        let later = self.history.get(&resource).into_iter().flatten().rev();
        for change in later.take_while(|change| change.version > version) {
            match &change.before {
                Some(before) => objects.insert(change.key.clone(), before.clone()),
                None => objects.remove(&change.key),
            };
        }
        objects
    }

    /// The version of the resource's last change but `changes`, or the current one for none.
    pub(super) fn version_before(&self, resource: Resource, changes: u64) -> u64 {
        let Some(last) = usize::try_from(changes).ok().and_then(|changes| changes.checked_sub(1)) else {
            return self.version;
        };
        let mut later = self.history.get(&resource).into_iter().flatten().rev();
        later.nth(last).map_or_else(|| self.forgotten(resource).max(1), |change| change.version - 1)
    }

    /// The version up to which the changes of the resource are forgotten.
    pub(super) fn forgotten(&self, resource: Resource) -> u64 {
        self.forgotten.get(&resource).copied().unwrap_or(0)
    }

    /// The changes of a resource after `version`.
    pub(super) fn changes_after(&self, resource: Resource, version: u64) -> Vec<Arc<Change>> {
        let all = self.history.get(&resource).into_iter().flatten();
        all.filter(|change| change.version > version).cloned().collect()
    }

    /// Stores an object under the next version, and tells the watchers.
    pub(super) fn put(&mut self, resource: Resource, mut object: Value) -> Arc<Value> {
        self.version += 1;
        object["metadata"]["resourceVersion"] = json!(self.version.to_string());
        let key = resource.key(meta(&object, "namespace"), meta(&object, "name"));
        let object = Arc::new(object);
        let before = self.objects.entry(resource).or_default().insert(key.clone(), object.clone());
        self.record(Change { version: self.version, resource, key, before, after: Some(object.clone()) });
        object
    }

    /// Deletes an object. Returns its last state, if there was one.
    pub(super) fn remove(&mut self, resource: Resource, key: &str) -> Option<Arc<Value>> {
        let before = self.objects.get_mut(&resource)?.remove(key)?;
        self.bare.remove(meta(&before, "uid"));
        self.version += 1;
        let change =
            Change { version: self.version, resource, key: key.to_owned(), before: Some(before.clone()), after: None };
        self.record(change);
        Some(before)
    }

    /// Removes the Events that have lived long enough, and remembers the one that is created now.
    pub(super) fn expire_events(&mut self, created: &str) {
        while let Some((_, key)) = self.events.pop_front_if(|(since, _)| since.elapsed() >= EVENT_LIFE) {
            self.remove(Resource::Event, &key);
        }
        self.events.push_back((Instant::now(), created.to_owned()));
    }

    fn record(&mut self, change: Change) {
        let (resource, change) = (change.resource, Arc::new(change));
        self.watchers.tell(&change);
        if resource == Resource::Event {
            // Nobody watches Events, and there are many.
            return;
        }
        let history = self.history.entry(resource).or_default();
        history.push_back(change);
        if history.len() > HISTORY
            && let Some(oldest) = history.pop_front()
        {
            self.forgotten.insert(resource, oldest.version);
        }
    }

    /// Forgets all changes, as a server does that starts again with a compacted etcd.
    pub(super) fn forget_history(&mut self) {
        self.history.clear();
        let all = [Resource::CustomImage, Resource::Lease, Resource::Namespace];
        self.forgotten.extend(all.map(|resource| (resource, self.version)));
    }

    pub(super) fn snapshot(&self) -> Snapshot {
        Snapshot { version: self.version, objects: self.objects.clone(), bare: self.bare.clone() }
    }

    /// Sets the store back, and the counter with it. Open watches notice nothing. They stay silent until the versions have
    /// passed those that they know.
    pub(super) fn restore(&mut self, snapshot: &Snapshot) {
        let Snapshot { version, objects, bare } = snapshot;
        (self.version, self.objects, self.bare) = (*version, objects.clone(), bare.clone());
        for history in self.history.values_mut() {
            history.retain(|change| change.version <= *version);
        }
        self.forgotten.values_mut().for_each(|forgotten| *forgotten = (*forgotten).min(*version));
    }

    /// The objects of `all` whose keys are in this namespace (empty: all), from the key `start` on.
    pub(super) fn within(all: &Objects, namespace: &str, start: &str) -> Vec<(String, Arc<Value>)> {
        let prefix = if namespace.is_empty() { String::new() } else { format!("{namespace}/") };
        let from = if start > prefix.as_str() { start.to_owned() } else { prefix.clone() };
        let rest = all.range((Bound::Included(from), Bound::Unbounded));
        rest.take_while(|(key, _)| key.starts_with(&prefix))
            .map(|(key, object)| (key.clone(), object.clone()))
            .collect()
    }
}
