//! What is counted of the interface.

use crate::http_api::Operation;
use axum::http::StatusCode;
use prometheus_client::encoding::EncodeLabelSet;
use prometheus_client::metrics::counter::Counter;
use prometheus_client::metrics::family::Family;
use prometheus_client::metrics::gauge::Gauge;
use prometheus_client::metrics::histogram::{Histogram, exponential_buckets};
use prometheus_client::registry::{Registry, Unit};
use std::time::Duration;

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct AnswerLabel {
    operation: &'static str,
    code: u16,
}

#[derive(Clone, Debug, PartialEq, Eq, Hash, EncodeLabelSet)]
struct OperationLabel {
    operation: &'static str,
}

pub struct ApiMetrics {
    requests: Family<AnswerLabel, Counter>,
    duration: Family<OperationLabel, Histogram, fn() -> Histogram>,
    /// 1 while the content of the certificate's folder is in force.
    pub certificate_valid: Gauge,
}

impl ApiMetrics {
    pub fn register(registry: &mut Registry) -> Self {
        let this = Self {
            requests: Family::default(),
            duration: Family::new_with_constructor(|| Histogram::new(exponential_buckets(0.001, 2.5, 12))),
            certificate_valid: Gauge::default(),
        };
        let help = "Requests to the HTTP interface by operation and code";
        registry.register("api_requests", help, this.requests.clone());
        let help = "Duration of a request to the HTTP interface, by operation";
        registry.register_with_unit("api_request_duration", help, Unit::Seconds, this.duration.clone());
        let help = "0 while the certificate of the HTTP interface is invalid or cannot be read, and the previous one stays in force";
        registry.register("api_certificate_valid", help, this.certificate_valid.clone());
        this
    }

    /// `None`: a request for none of the operations, or one that was refused before it was looked at.
    pub fn answered(&self, operation: Option<Operation>, code: StatusCode, time: Duration) {
        let operation = operation.map_or("none", Into::into);
        self.requests.get_or_create(&AnswerLabel { operation, code: code.as_u16() }).inc();
        self.duration.get_or_create(&OperationLabel { operation }).observe(time.as_secs_f64());
    }
}
