//! All objects at a glance, for the gauges: counted when they are scraped.

use crate::kubernetes::metrics::{Meter, QuantileLabel, ReasonLabel, StateLabel};
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::watch::watched_image::WatchedImage;
use crate::reflector::reading::{Freshness, Observe};
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::Store;
use std::collections::{HashMap, HashSet};
use std::sync::Weak;
use std::time::Duration;
use strum::VariantArray;

/// The objects that the watch holds.
pub struct Fleet<O> {
    pub store: Store<WatchedImage>,
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
        let mut by_reason: HashMap<ReadyReason, i64> = HashMap::new();
        let mut ages = Ages::of(leading.since());
        let mut known = HashSet::new();
        // Before the objects: one that is made meanwhile is none that has gone.
        let shown = index.shown();
        for object in self.store.state() {
            let reference = object.reference();
            if !object.spec.suspend.unwrap_or_default() {
                let target = index.target(&reference);
                ages.add(&object, target.and_then(|target| observer.freshness(&target.0, &target.1)));
            }
            known.insert(reference);
            *by_reason.entry(object.reason.unwrap_or(ReadyReason::NotYetObserved)).or_default() += 1;
        }
        for reason in ReadyReason::VARIANTS {
            let count = by_reason.get(reason).copied().unwrap_or_default();
            meter.objects.get_or_create(&ReasonLabel { reason: reason.name() }).set(count);
        }
        // An object may have gone while a look at it was under way, or while the watch was broken.
        memory.retain(&known);
        for gone in shown.iter().filter(|object| !known.contains(*object) && self.store.get(object).is_none()) {
            context.hide(gone);
        }
        ages.tell(meter, now);
    }
}

/// How old what is shown is, and how often it is read.
struct Ages {
    leading_since: Timestamp,
    observed_at: Vec<Timestamp>,
    /// The longest there is, settled and in progress.
    intervals: [Duration; 2],
}

impl Ages {
    fn of(leading_since: Timestamp) -> Self {
        Self { leading_since, observed_at: Vec::new(), intervals: [Duration::ZERO; 2] }
    }

    fn add(&mut self, object: &WatchedImage, freshness: Option<Freshness>) {
        // What this process has not seen yet is as old as its leadership, or as the object if it is younger.
        let created = object.creation_timestamp().map_or(self.leading_since, |time| time.0);
        let observed_at = freshness.map_or(self.leading_since.max(created), |freshness| freshness.answered_at);
        self.observed_at.push(observed_at);
        if let Some(Freshness { is_in_progress, effective_interval: Some(interval), .. }) = freshness {
            let longest = &mut self.intervals[usize::from(is_in_progress)];
            *longest = interval.max(*longest);
        }
    }

    fn tell(mut self, meter: &Meter, now: Timestamp) {
        // The oldest first.
        self.observed_at.sort_unstable();
        let age = |observed_at: &Timestamp| now.duration_since(*observed_at).as_secs();
        meter.oldest_observation_age.set(self.observed_at.first().map_or(0, age));
        for (quantile, older) in [("0.5", 2), ("0.99", 100)] {
            let at = self.observed_at.get(self.observed_at.len() / older);
            meter.observation_age.get_or_create(&QuantileLabel { quantile }).set(at.map_or(0, age));
        }
        for (state, interval) in ["settled", "in_progress"].into_iter().zip(self.intervals) {
            meter.effective_interval.get_or_create(&StateLabel { state }).set(interval.as_secs_f64());
        }
    }
}
