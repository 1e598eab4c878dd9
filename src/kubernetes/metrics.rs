//! The controller's counters and histogram. No label contains a name or a namespace. The gauges are in
//! `controller/gauges.rs`, and the calls to AWS are counted in `process/metrics.rs`.

use crate::kubernetes::reconcile::write::{WriteError, Written};
use prometheus_client::encoding::{DescriptorEncoder, EncodeLabelSet, EncodeMetric};
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::fmt;
use std::time::Duration;
use strum::IntoStaticStr;

/// How a reconcile ended.
#[derive(Clone, Copy, Debug, PartialEq, Eq, IntoStaticStr)]
#[strum(serialize_all = "snake_case")]
pub enum ReconcileResult {
    Changed,
    Unchanged,
    /// The object is outdated: another client wrote it, or the watch has not delivered our own write yet.
    Conflict,
    /// A failure that is not written yet, because of the rate limit for such writes (`reconcile/pace.rs`).
    Paced,
    /// Another writer undoes our writes, so the object rests (`reconcile/contest.rs`).
    Contested,
    Gone,
    Failed,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct ResultLabel {
    result: &'static str,
}

/// A clone shares the counters.
#[derive(Clone, Debug)]
pub struct Metrics {
    reconciles: Family<ResultLabel, Counter>,
    reconcile_duration: Histogram,
    status_writes: Family<ResultLabel, Counter>,
    contests: Counter,
}

impl Metrics {
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let this = Self {
            reconciles: Family::default(),
            reconcile_duration: Histogram::new(exponential_buckets(0.005, 2.0, 14)),
            status_writes: Family::default(),
            contests: Counter::default(),
        };
        registry.register("reconciles", "Reconciles by result", this.reconciles.clone());
        registry.register_with_unit(
            "reconcile_duration",
            "Duration of a reconcile, including its reads of AWS and the status write",
            Unit::Seconds,
            this.reconcile_duration.clone(),
        );
        registry.register("status_writes", "Status writes by result", this.status_writes.clone());
        registry.register(
            "status_contests",
            "How often an object began to rest because another writer undid its status",
            this.contests.clone(),
        );
        this
    }

    pub(super) fn reconciled(&self, result: ReconcileResult, latency: Duration) {
        let result = result.into();
        self.reconciles.get_or_create(&ResultLabel { result }).inc();
        self.reconcile_duration.observe(latency.as_secs_f64());
    }

    pub(super) fn contested(&self) {
        self.contests.inc();
    }

    pub(super) fn status_written(&self, result: &Result<Written, WriteError>) {
        let result = match result {
            Ok(Written::Applied { .. }) => "applied",
            Ok(Written::Conflict { .. }) => "conflict",
            Ok(Written::Gone) => "gone",
            Err(error) => error.cause(),
        };
        self.status_writes.get_or_create(&ResultLabel { result }).inc();
    }
}

/// Writes a metric that is computed at the scrape. A family without members is left out.
///
/// # Errors
/// If it cannot be written.
pub fn put(
    encoder: &mut DescriptorEncoder,
    name: &str,
    help: &str,
    unit: Option<&Unit>,
    metric: &impl EncodeMetric,
) -> Result<(), fmt::Error> {
    if metric.is_empty() {
        return Ok(());
    }
    metric.encode(encoder.encode_descriptor(name, &format!("{help}."), unit, metric.metric_type())?)
}
