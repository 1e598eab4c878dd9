//! The controller's metrics. No label carries a name or a namespace.

use crate::kubernetes::reconcile::write::{WriteError, Written};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::sync::atomic::AtomicU64;
use std::time::Duration;

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum ReconcileResult {
    Changed,
    Unchanged,
    /// Someone wrote meanwhile, or the watch lags behind our own write.
    Conflict,
    /// A failure whose turn to be written has not come.
    Paced,
    Gone,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct ReasonLabel {
    pub reason: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct QuantileLabel {
    pub quantile: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
pub(super) struct StateLabel {
    pub state: &'static str,
}

/// Counters and gauges; a clone counts into the same.
#[derive(Clone, Debug)]
pub struct Meter {
    reconciles: Family<ResultLabel, Counter>,
    reconcile_duration: Histogram,
    status_writes: Family<ResultLabel, Counter>,
    pub(super) objects: Family<ReasonLabel, Gauge>,
    pub(super) oldest_observation_age: Gauge,
    pub(super) observation_age: Family<QuantileLabel, Gauge>,
    pub(super) effective_interval: Family<StateLabel, Gauge<f64, AtomicU64>>,
    pub(super) leader: Gauge,
    pub configuration_valid: Gauge,
}

impl Default for Meter {
    fn default() -> Self {
        Self {
            reconciles: Family::default(),
            reconcile_duration: Histogram::new(exponential_buckets(0.005, 2.0, 14)),
            status_writes: Family::default(),
            objects: Family::default(),
            oldest_observation_age: Gauge::default(),
            observation_age: Family::default(),
            effective_interval: Family::default(),
            leader: Gauge::default(),
            configuration_valid: Gauge::default(),
        }
    }
}

impl Meter {
    pub fn register(&self, registry: &mut Registry) {
        registry.register("reconciles", "Reconciles by result", self.reconciles.clone());
        registry.register_with_unit(
            "reconcile_duration",
            "Time of a reconcile, AWS and the status write included",
            Unit::Seconds,
            self.reconcile_duration.clone(),
        );
        registry.register("status_writes", "Status writes by result", self.status_writes.clone());
        registry.register(
            "leader",
            "1 while this process leads: only the leader reads AWS and writes",
            self.leader.clone(),
        );
        registry.register(
            "configuration_valid",
            "0 while the configuration file cannot be read and the one before it stays in force",
            self.configuration_valid.clone(),
        );
        registry.register("objects", "CustomImages by the reason of their Ready condition", self.objects.clone());
        registry.register_with_unit(
            "oldest_observation_age",
            "Age of the oldest observation among objects that are not suspended; counts from the start of the process until the first",
            Unit::Seconds,
            self.oldest_observation_age.clone(),
        );
        registry.register_with_unit(
            "observation_age",
            "Age of the observations at this quantile of the objects that are not suspended",
            Unit::Seconds,
            self.observation_age.clone(),
        );
        registry.register_with_unit(
            "effective_interval",
            "The longest time between the last two reads of an image that is settled, or being built or deleted; more than the interval while reads wait for the budget",
            Unit::Seconds,
            self.effective_interval.clone(),
        );
    }

    pub(super) fn reconciled(&self, result: ReconcileResult, latency: Duration) {
        let result = match result {
            ReconcileResult::Changed => "changed",
            ReconcileResult::Unchanged => "unchanged",
            ReconcileResult::Conflict => "conflict",
            ReconcileResult::Paced => "paced",
            ReconcileResult::Gone => "gone",
            ReconcileResult::Failed => "failed",
        };
        self.reconciles.get_or_create(&ResultLabel { result }).inc();
        self.reconcile_duration.observe(latency.as_secs_f64());
    }

    pub(super) fn status_written(&self, result: &Result<Written, WriteError>) {
        let result = match result {
            Ok(Written::Applied { .. }) => "applied",
            Ok(Written::Conflict) => "conflict",
            Ok(Written::Gone) => "gone",
            Err(WriteError::Timeout(_)) => "timeout",
            Err(WriteError::Refused(_)) => "refused",
        };
        self.status_writes.get_or_create(&ResultLabel { result }).inc();
    }
}
