//! The HTTP server of /livez, /readyz and /metrics. /livez always answers ok. /readyz answers ok while the
//! watches hold all objects and work. Readiness depends neither on AWS nor on the statuses of the objects. `connections`:
//! what one client may take. `scrape`: the text of /metrics.

pub mod connections;
pub mod scrape;
#[cfg(test)]
mod tests;

use crate::kubernetes::Readiness;
use axum::Router;
use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};
use axum::routing::get;
pub use connections::Limits;
use scrape::Scrapes;
use socket2::{Domain, Socket, Type};
use std::io::ErrorKind;
use std::net::{Ipv4Addr, Ipv6Addr, SocketAddr};
use std::sync::Arc;
use tokio::net::TcpListener;
use tokio::sync::watch;
use tokio_util::sync::CancellationToken;

/// Connections that wait until they are accepted. When the queue is full, the kernel drops a new one, and a probe that
/// tries again after a second is late. Linux's own limit is 4,096.
const BACKLOG: i32 = 4096;

/// Listens at `address`. `[::]` takes IPv4, too, and a machine without IPv6 listens at `0.0.0.0` in its place.
///
/// # Errors
/// When the address is in use, or is not one of this machine.
pub fn listen(address: SocketAddr) -> std::io::Result<TcpListener> {
    match bind(address) {
        Err(error) if address.ip() == Ipv6Addr::UNSPECIFIED && error.kind() != ErrorKind::AddrInUse => {
            bind(SocketAddr::new(Ipv4Addr::UNSPECIFIED.into(), address.port())).map_err(|_| error)
        }
        bound => bound,
    }
}

fn bind(address: SocketAddr) -> std::io::Result<TcpListener> {
    let socket = Socket::new(Domain::for_address(address), Type::STREAM, None)?;
    if address.is_ipv6() {
        socket.set_only_v6(false)?;
    }
    socket.set_reuse_address(true)?;
    socket.set_nonblocking(true)?;
    socket.bind(&address.into())?;
    socket.listen(BACKLOG)?;
    TcpListener::from_std(socket.into())
}

/// What the endpoints read.
#[derive(Clone)]
pub struct Probes {
    /// The text of /metrics. `None` if it is served elsewhere.
    pub scrapes: Option<Arc<Scrapes>>,
    pub readiness: watch::Receiver<Readiness>,
}

/// Serves until `stop` is cancelled.
pub async fn serve(listener: TcpListener, probes: Probes, limits: Limits, stop: CancellationToken) {
    let Probes { scrapes, readiness } = probes;
    let mut router =
        Router::new().route("/livez", get(|| async { "ok" })).route("/readyz", get(ready).with_state(readiness));
    if let Some(scrapes) = scrapes {
        router = router.route("/metrics", get(async move || metrics_text(&scrapes).await));
    }
    connections::serve(listener, router, limits, stop).await;
}

async fn ready(State(readiness): State<watch::Receiver<Readiness>>) -> Response {
    match &*readiness.borrow() {
        Ok(()) => "ok".into_response(),
        Err(why) => (StatusCode::SERVICE_UNAVAILABLE, why.clone()).into_response(),
    }
}

/// The answer to /metrics.
pub async fn metrics_text(scrapes: &Scrapes) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/openmetrics-text; version=1.0.0; charset=utf-8")];
    match scrapes.text().await {
        Ok(text) => (kind, text).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, error.to_string()).into_response(),
    }
}
