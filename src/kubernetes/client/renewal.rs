//! Credentials that the API server refuses are made afresh. kube runs the plugin of a kubeconfig again only when its
//! token expires. A token that was revoked before would be refused until a restart.

use futures::future::BoxFuture;
use http::{Request, Response, StatusCode};
use hyper::body::Incoming;
use kube::client::Body;
use parking_lot::Mutex;
use std::sync::Arc;
use std::time::Duration;
use tokio::time::{Instant, timeout};
use tower::util::BoxCloneService;
use tower::{BoxError, Service, ServiceExt, service_fn};

/// Everything between a request and the API server: address, credentials, TLS.
pub type Transport<B = Incoming> = BoxCloneService<Request<Body>, Response<B>, BoxError>;

/// Time between two renewals. Credentials that stay refused must not run the plugin for each request.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest time that making a transport may take, because its plugin may hang.
const LONGEST: Duration = Duration::from_secs(30);

struct Renewal<B, M> {
    transport: Mutex<Transport<B>>,
    /// When the transport was last renewed. Whoever renews it holds this lock, so that requests share a renewal.
    renewed_at: tokio::sync::Mutex<Option<Instant>>,
    make: M,
}

/// Sends through `transport`. After a 401 it takes what `make` makes, and sends the request once more.
pub fn renewed_at_401<B, M>(
    transport: Transport<B>,
    make: M,
) -> impl Service<Request<Body>, Response = Response<B>, Error = BoxError, Future: Send> + Send
where
    B: Send + 'static,
    M: Fn() -> BoxFuture<'static, Result<Transport<B>, BoxError>> + Send + Sync + 'static,
{
    let renewal = Arc::new(Renewal { transport: Mutex::new(transport), renewed_at: Default::default(), make });
    service_fn(move |request| {
        let renewal = renewal.clone();
        async move { renewal.send(request).await }
    })
}

impl<B, M> Renewal<B, M>
where
    B: Send + 'static,
    M: Fn() -> BoxFuture<'static, Result<Transport<B>, BoxError>> + Send + Sync + 'static,
{
    async fn send(self: Arc<Self>, request: Request<Body>) -> Result<Response<B>, BoxError> {
        let (parts, body) = request.into_parts();
        // A body that is streamed cannot be sent twice.
        let again = body.try_clone().map(|body| Request::from_parts(parts.clone(), body));
        let begun = Instant::now();
        let reply = self.current().oneshot(Request::from_parts(parts, body)).await?;
        let Some(again) = again.filter(|_| reply.status() == StatusCode::UNAUTHORIZED) else { return Ok(reply) };
        // In a task of its own, because the request may be given up before a slow plugin has ended.
        let renewing = self.clone();
        let is_renewed = tokio::spawn(async move { renewing.renew(begun).await }).await;
        if !is_renewed.unwrap_or_default() {
            return Ok(reply);
        }
        self.current().oneshot(again).await
    }

    fn current(&self) -> Transport<B> {
        self.transport.lock().clone()
    }

    /// Returns whether the transport is newer than a request that began at `begun`.
    async fn renew(&self, begun: Instant) -> bool {
        let mut renewed_at = self.renewed_at.lock().await;
        match *renewed_at {
            Some(at) if at > begun => return true,
            Some(at) if at.elapsed() < PAUSE => return false,
            Some(_) | None => *renewed_at = Some(Instant::now()),
        }
        match timeout(LONGEST, (self.make)()).await {
            Ok(Ok(transport)) => {
                tracing::info!("the API server refused the credentials (401): they were made afresh");
                *self.transport.lock() = transport;
                true
            }
            Ok(Err(error)) => {
                tracing::warn!(%error, "the API server refused the credentials (401), and new ones cannot be made");
                false
            }
            Err(_) => {
                tracing::warn!("the API server refused the credentials (401), and new ones were not made in time");
                false
            }
        }
    }
}
