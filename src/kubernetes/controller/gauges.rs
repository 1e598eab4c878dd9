//! The gauges over all objects, computed at each scrape. A scrape only reads.

use crate::describe_image::source::Source;
use crate::kubernetes::leadership::Leadership;
use crate::kubernetes::metrics::put;
use crate::kubernetes::reconcile::context::Context;
use crate::kubernetes::status::ready_reason::ReadyReason;
use crate::kubernetes::watch::readiness::ReadinessBoard;
use crate::kubernetes::watch::watched_image::WatchedImage;
use crate::reflector::reading::Freshness;
use jiff::Timestamp;
use kube::ResourceExt;
use kube::runtime::reflector::Store;
use prometheus_client::collector::Collector;
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet};
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::registry::Unit;
use std::collections::HashMap;
use std::fmt;
use std::sync::Weak;
use std::sync::atomic::AtomicU64;
use std::time::Duration;
use strum::VariantArray;

/// Computes the gauges from the objects in the store.
pub struct Gauges<S> {
    pub store: Store<WatchedImage>,
    pub leadership: Leadership,
    pub board: ReadinessBoard,
    /// A weak reference, so that the registry does not keep the Event queue open after the controller has ended.
    pub context: Weak<Context<S>>,
}

impl<S> fmt::Debug for Gauges<S> {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("Gauges")
    }
}

impl<S: Source + 'static> Collector for Gauges<S> {
    fn encode(&self, mut encoder: DescriptorEncoder) -> Result<(), fmt::Error> {
        let is_leading = self.leadership.is_held();
        let leader: Gauge = Gauge::default();
        leader.set(i64::from(is_leading));
        let help = "1 while this process leads: only the leader reads AWS and writes";
        put(&mut encoder, "leader", help, None, &leader)?;
        let healthy: Gauge = Gauge::default();
        healthy.set(i64::from(self.board.is_healthy()));
        let help = "0 while the watch of CustomImages has failed for a minute, in any watched namespace";
        put(&mut encoder, "watch_healthy", help, None, &healthy)?;
        if !is_leading {
            // A standby counts nothing, so that a sum over all replicas is the leader's count.
            return Counted::default().encode(&mut encoder);
        }
        // The controller may have ended. Then there is nothing to count.
        self.context.upgrade().map_or(Ok(()), |context| self.count(&context).encode(&mut encoder))
    }
}

impl<S: Source + 'static> Gauges<S> {
    fn count(&self, context: &Context<S>) -> Counted {
        // All objects, and those that are stalled.
        let mut by_reason: HashMap<ReadyReason, (i64, i64)> = HashMap::new();
        let mut ages = Ages::default();
        for object in self.store.state() {
            let reason = object.reason.unwrap_or(ReadyReason::NotYetObserved);
            if !object.spec.suspend.unwrap_or_default() && reason.asks_aws() {
                let freshness = context.reflector.freshness(&(&object.reference()).into());
                ages.add(&object, freshness, self.leadership.since());
            }
            let (all, stalled) = by_reason.entry(reason).or_default();
            *all += 1;
            *stalled += i64::from(object.is_stalled);
        }
        let counted = Counted::default();
        for reason in ReadyReason::VARIANTS {
            let label = ReasonLabel { reason: reason.name() };
            let (all, stalled) = by_reason.get(reason).copied().unwrap_or_default();
            counted.objects.get_or_create(&label).set(all);
            counted.stalled_objects.get_or_create(&label).set(stalled);
        }
        let now = context.now();
        ages.put_into(&counted, now);
        let unwritten = context.memory.oldest_unwritten();
        counted.status_unwritten_age.set(unwritten.map_or(0, |since| now.duration_since(since).as_secs()));
        counted
    }
}

/// The ages of the observations, and how often images are read.
#[derive(Default)]
struct Ages {
    observed_at: Vec<Timestamp>,
    /// The longest interval of settled images, then that of images in progress.
    intervals: [Duration; 2],
}

impl Ages {
    /// An object without an observation counts from its creation, or from the beginning of leadership if that is later.
    fn add(&mut self, object: &WatchedImage, freshness: Option<Freshness>, leads_since: Timestamp) {
        let created = object.creation_timestamp().map_or(leads_since, |time| time.0);
        self.observed_at.push(freshness.map_or(leads_since.max(created), |freshness| freshness.answered_at));
        if let Some(Freshness { is_in_progress, effective_interval: Some(interval), .. }) = freshness {
            let longest = &mut self.intervals[usize::from(is_in_progress)];
            *longest = interval.max(*longest);
        }
    }

    fn put_into(mut self, counted: &Counted, now: Timestamp) {
        // The oldest first.
        self.observed_at.sort_unstable();
        let age = |observed_at: &Timestamp| now.duration_since(*observed_at).as_secs();
        counted.oldest_observation_age.set(self.observed_at.first().map_or(0, age));
        for (quantile, older) in [("0.5", 2), ("0.99", 100)] {
            let at = self.observed_at.get(self.observed_at.len() / older);
            counted.observation_age.get_or_create(&QuantileLabel { quantile }).set(at.map_or(0, age));
        }
        for (state, interval) in ["settled", "in_progress"].into_iter().zip(self.intervals) {
            counted.effective_interval.get_or_create(&StateLabel { state }).set(interval.as_secs_f64());
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ReasonLabel {
    reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct QuantileLabel {
    quantile: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct StateLabel {
    state: &'static str,
}

#[derive(Default)]
struct Counted {
    objects: Family<ReasonLabel, Gauge>,
    stalled_objects: Family<ReasonLabel, Gauge>,
    oldest_observation_age: Gauge,
    observation_age: Family<QuantileLabel, Gauge>,
    effective_interval: Family<StateLabel, Gauge<f64, AtomicU64>>,
    status_unwritten_age: Gauge,
}

impl Counted {
    fn encode(&self, encoder: &mut DescriptorEncoder) -> Result<(), fmt::Error> {
        put(encoder, "objects", "CustomImages by the reason of their Ready condition", None, &self.objects)?;
        let help = "CustomImages for which nothing more is expected to happen, by the reason of their Ready condition";
        put(encoder, "stalled_objects", help, None, &self.stalled_objects)?;
        put(
            encoder,
            "oldest_observation_age",
            "Age of the oldest observation among objects that AWS is asked for; an object without one counts from its creation or the beginning of leadership",
            Some(&Unit::Seconds),
            &self.oldest_observation_age,
        )?;
        put(
            encoder,
            "observation_age",
            "Age of the observation at this quantile of the objects that AWS is asked for",
            Some(&Unit::Seconds),
            &self.observation_age,
        )?;
        put(
            encoder,
            "effective_interval",
            "The longest time between the last two reads of an image, by state: settled, or being built or deleted; longer than the configured interval while reads wait for the budget",
            Some(&Unit::Seconds),
            &self.effective_interval,
        )?;
        put(
            encoder,
            "status_unwritten_age",
            "For how long the oldest status that could not be written has waited; 0 when all are written",
            Some(&Unit::Seconds),
            &self.status_unwritten_age,
        )
    }
}
