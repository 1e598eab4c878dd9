//! All objects at a glance, for the gauges: counted when they are scraped.

use super::conditions::{self, ReadyReason};
use super::context::Context;
use super::custom_image::CustomImage;
use super::meter::ReasonLabel;
use crate::describe_image::reading::Observe;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::{ObjectRef, Store};
use std::collections::{HashMap, HashSet};
use std::sync::Weak;

/// The objects that the watch holds.
pub struct Fleet<O> {
    pub store: Store<CustomImage>,
    /// It goes when the controller has ended, and the queue of Events with it.
    pub context: Weak<Context<O>>,
}

impl<O: Observe> Fleet<O> {
    /// Sets the gauges to how things stand. A standby counts nothing: a sum over replicas is then the leader's.
    pub fn count(&self, now: Timestamp) {
        let Some(context) = self.context.upgrade() else { return };
        let Context { leading, meter, index, memory, observer, .. } = &*context;
        let is_leading = leading.is_now();
        meter.leader.set(i64::from(is_leading));
        if !is_leading {
            return;
        }
        let since = leading.since();
        let mut by_reason: HashMap<ReadyReason, i64> = HashMap::new();
        let mut oldest: Option<Timestamp> = None;
        let mut known = HashSet::new();
        // Before the objects: one that is made meanwhile is none that has gone.
        let shown = index.shown();
        for object in self.store.state() {
            let reference = ObjectRef::from_obj(&*object);
            if !object.is_suspended() {
                let created = object.creation_timestamp().map_or(since, |time| time.0);
                // What this process has not seen yet is as old as its leadership, or as the object if it is younger.
                let target = index.target(&reference);
                let answered = target.and_then(|(scope, id)| observer.answered_at(&scope, &id));
                let last = answered.unwrap_or(since.max(created));
                oldest = Some(oldest.map_or(last, |oldest| oldest.min(last)));
            }
            known.insert(reference);
            let reason = object.status.as_ref().and_then(|status| conditions::ready_reason(&status.conditions));
            *by_reason.entry(reason.unwrap_or(ReadyReason::NotYetObserved)).or_default() += 1;
        }
        for reason in ReadyReason::ALL {
            let count = by_reason.get(&reason).copied().unwrap_or_default();
            meter.objects.get_or_create(&ReasonLabel { reason: reason.name() }).set(count);
        }
        // An object may have gone while a look at it was under way, or while the watch was broken.
        memory.retain(&known);
        for gone in shown.iter().filter(|object| !known.contains(*object) && self.store.get(object).is_none()) {
            context.hide(gone);
        }
        let age = oldest.map_or(0, |oldest| now.duration_since(oldest).as_secs());
        meter.oldest_observation_age.set(age);
    }
}
