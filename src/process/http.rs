//! The HTTP server of /livez, /readyz and /metrics. /livez always answers ok. /readyz answers ok once the watch holds
//! all objects. Readiness depends neither on AWS nor on the statuses of the objects.

use crate::kubernetes::Readiness;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
use prometheus_client::registry::Registry;
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// What the three endpoints read.
#[derive(Clone)]
pub struct Probes {
    pub registry: Arc<Registry>,
    pub readiness: watch::Receiver<Readiness>,
}

/// Serves until `stop` is cancelled.
pub async fn serve(listener: TcpListener, probes: Probes, stop: CancellationToken) {
    let router = Router::new()
        .route("/livez", get(|| async { "ok" }))
        .route("/readyz", get(ready))
        .route("/metrics", get(metrics))
        .with_state(probes);
    let served = axum::serve(listener, router).with_graceful_shutdown(async move { stop.cancelled().await }).await;
    if let Err(error) = served {
        tracing::error!(%error, "the HTTP server failed");
    }
}

async fn ready(State(probes): State<Probes>) -> Response {
    match &*probes.readiness.borrow() {
        Ok(()) => "ok".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why.clone()).into_response(),
    }
}

async fn metrics(State(probes): State<Probes>) -> Response {
    let mut text = String::new();
    let kind = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    match prometheus_client::encoding::text::encode(&mut text, &probes.registry) {
        Ok(()) => (kind, text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
