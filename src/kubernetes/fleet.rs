//! All objects at a glance, for the gauges: counted when they are scraped.

use super::conditions::{self, ReadyReason};
use super::custom_image::CustomImage;
use super::leading::Leading;
use super::memory::Memory;
use super::meter::{Meter, ReasonLabel};
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};
use std::collections::{HashMap, HashSet};
use std::sync::Arc;

/// The objects that the watch holds.
pub struct Fleet {
    pub store: Store<CustomImage>,
    pub memory: Arc<Memory>,
    pub meter: Meter,
    pub leading: Leading,
}

impl Fleet {
    /// Sets the gauges to how things stand. A standby counts nothing: a sum over replicas is then the leader's.
    pub fn count(&self, now: Timestamp) {
        let is_leading = self.leading.is_now();
        self.meter.leader.set(i64::from(is_leading));
        if !is_leading {
            return;
        }
        let since = self.leading.since();
        let mut by_reason: HashMap<ReadyReason, i64> = HashMap::new();
        let mut oldest: Option<Timestamp> = None;
        let mut known = HashSet::new();
        for object in self.store.state() {
            let reference = ObjectRef::from_obj(&*object);
            if !object.is_suspended() {
                let created = object.creation_timestamp().map_or(since, |time| time.0);
                // What this process has not seen yet is as old as its leadership, or as the object if it is younger.
                let last = self.memory.last_observed(&reference).unwrap_or(since.max(created));
                oldest = Some(oldest.map_or(last, |oldest| oldest.min(last)));
            }
            known.insert(reference);
            let reason = object.status.as_ref().and_then(|status| conditions::ready_reason(&status.conditions));
            *by_reason.entry(reason.unwrap_or(ReadyReason::NotYetObserved)).or_default() += 1;
        }
        for reason in ReadyReason::ALL {
            let count = by_reason.get(&reason).copied().unwrap_or_default();
            self.meter.objects.get_or_create(&ReasonLabel { reason: reason.name() }).set(count);
        }
        // An object may have gone while a look at it was under way, or while the watch was broken.
        self.memory.retain(&known);
        let age = oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs());
        self.meter.oldest_observation_age.set(age);
    }
}
