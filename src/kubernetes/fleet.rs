//! All objects at a glance, for the gauges: counted when they are scraped.

use super::conditions::{self, ReadyReason};
use super::custom_image::CustomImage;
use super::memory::Memory;
use super::meter::{Meter, ReasonLabel};
use jiff::Timestamp;
use kube::runtime::reflector::Store;
use std::collections::HashMap;
use std::sync::Arc;

/// The objects that the watch holds.
pub struct Fleet {
    pub store: Store<CustomImage>,
    pub memory: Arc<Memory>,
    pub meter: Meter,
}

impl Fleet {
    /// Sets the gauges to how things stand.
    pub fn count(&self, now: Timestamp) {
        let mut by_reason: HashMap<ReadyReason, i64> = HashMap::new();
        for object in self.store.state() {
            let reason = object.status.as_ref().and_then(|status| conditions::ready_reason(&status.conditions));
            *by_reason.entry(reason.unwrap_or(ReadyReason::NotYetObserved)).or_default() += 1;
        }
        for reason in ReadyReason::ALL {
            let count = by_reason.get(&reason).copied().unwrap_or_default();
            self.meter.objects.get_or_create(&ReasonLabel { reason: reason.name() }).set(count);
        }
        let age = self.memory.oldest_observation().map_or(0, |oldest| now.duration_since(oldest).as_secs());
        self.meter.oldest_observation_age.set(age);
    }
}
