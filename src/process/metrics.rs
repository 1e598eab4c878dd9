//! The metrics that are not the controller's: the calls to AWS, and the configuration.

#[cfg(target_os = "linux")]
mod own_process;

use crate::aws::{Call, CallSink};
use crate::describe_image::Priority;
use crate::process::version::{COMMIT, VERSION};
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::metrics::info::Info;
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

/// What the names of the program's own metrics begin with.
pub const PREFIX: &str = "customimage";

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct CallLabel {
    service: String,
    operation: String,
    outcome: &'static str,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    service: String,
    operation: String,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct PriorityLabel {
    priority: &'static str,
}

/// Counts and times every attempt to call AWS, including retries, and the calls that wait for the budget.
#[derive(Clone, Debug)]
pub struct AwsCalls {
    calls: Family<CallLabel, Counter>,
    duration: Family<OperationLabel, Histogram, fn() -> Histogram>,
    waiting: Family<PriorityLabel, Gauge>,
    wait: Family<PriorityLabel, Histogram, fn() -> Histogram>,
}

impl AwsCalls {
    #[must_use]
    pub fn register(registry: &mut Registry) -> Self {
        let this = Self {
            calls: Family::default(),
            duration: Family::new_with_constructor(buckets),
            waiting: Family::default(),
            wait: Family::new_with_constructor(wait_buckets),
        };
        registry.register("aws_calls", "Attempts to call AWS by service, operation and outcome", this.calls.clone());
        registry.register_with_unit(
            "aws_call_duration",
            "Duration of an attempt to call AWS",
            Unit::Seconds,
            this.duration.clone(),
        );
        registry.register("aws_calls_waiting", "Calls that wait for the budget, by priority", this.waiting.clone());
        registry.register_with_unit(
            "aws_call_wait",
            "How long a call has waited for the budget, by priority",
            Unit::Seconds,
            this.wait.clone(),
        );
        this
    }
}

/// Which program this is, and what it uses.
pub fn register_process(registry: &mut Registry) {
    let build = Info::new([("version", VERSION), ("commit", COMMIT)]);
    registry.sub_registry_with_prefix(PREFIX).register("build", "The version of the program, and its commit", build);
    #[cfg(target_os = "linux")]
    registry.register_collector(Box::new(own_process::OwnProcess));
}

/// 1 while the content of the configuration file is in force.
pub fn configuration_valid(registry: &mut Registry) -> Gauge {
    let gauge = Gauge::default();
    registry.register(
        "configuration_valid",
        "0 while the configuration file is invalid or cannot be read, and the previous configuration stays in force",
        gauge.clone(),
    );
    gauge
}

fn wait_buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.1, 3.0, 9))
}

fn buckets() -> Histogram {
    Histogram::new(exponential_buckets(0.01, 2.0, 12))
}

impl CallSink for AwsCalls {
    fn record(&self, call: Call<'_>) {
        let (service, operation) = (call.service.to_owned(), call.operation.to_owned());
        let of_operation = OperationLabel { service: service.clone(), operation: operation.clone() };
        self.duration.get_or_create(&of_operation).observe(call.latency.as_secs_f64());
        self.calls.get_or_create(&CallLabel { service, operation, outcome: call.outcome.label() }).inc();
    }

    fn waits(&self, priority: Priority) {
        self.waiting.get_or_create(&PriorityLabel { priority: priority.into() }).inc();
    }

    fn waited(&self, priority: Priority, wait: Duration) {
        let label = PriorityLabel { priority: priority.into() };
        self.waiting.get_or_create(&label).dec();
        self.wait.get_or_create(&label).observe(wait.as_secs_f64());
    }
}
