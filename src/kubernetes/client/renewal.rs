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
pub type Stack = BoxCloneService<Request<Body>, Response<Incoming>, BoxError>;

/// Time between two renewals. Credentials that stay refused must not run the plugin for each request.
const PAUSE: Duration = Duration::from_secs(10);

/// The longest time that making a stack may take, because its plugin may hang.
const LONGEST: Duration = Duration::from_secs(30);

struct Renewal<M> {
    stack: Mutex<Stack>,
    /// When the stack was last renewed. Whoever renews it holds this lock, so that requests share a renewal.
    renewed_at: tokio::sync::Mutex<Option<Instant>>,
    make: M,
}

/// Sends through `stack`. After a 401 it takes what `make` makes, and sends the request once more.
pub fn renewed_at_401<M>(
    stack: Stack,
    make: M,
) -> impl Service<Request<Body>, Response = Response<Incoming>, Error = BoxError, Future: Send> + Send
where
    M: Fn() -> BoxFuture<'static, Result<Stack, BoxError>> + Send + Sync + 'static,
{
    let renewal = Arc::new(Renewal { stack: Mutex::new(stack), renewed_at: Default::default(), make });
    service_fn(move |request| {
        let renewal = renewal.clone();
        async move { renewal.send(request).await }
    })
}

impl<M: Fn() -> BoxFuture<'static, Result<Stack, BoxError>>> Renewal<M> {
    async fn send(&self, request: Request<Body>) -> Result<Response<Incoming>, BoxError> {
        let (parts, body) = request.into_parts();
        // A body that is streamed cannot be sent twice.
        let again = body.try_clone().map(|body| Request::from_parts(parts.clone(), body));
        let begun = Instant::now();
        let reply = self.current().oneshot(Request::from_parts(parts, body)).await?;
        let Some(again) = again.filter(|_| reply.status() == StatusCode::UNAUTHORIZED) else { return Ok(reply) };
        if !self.renew(begun).await {
            return Ok(reply);
        }
        self.current().oneshot(again).await
    }

    fn current(&self) -> Stack {
        self.stack.lock().clone()
    }

    /// Returns whether the stack is newer than a request that began at `begun`.
    async fn renew(&self, begun: Instant) -> bool {
        let mut renewed_at = self.renewed_at.lock().await;
        match *renewed_at {
            Some(at) if at > begun => return true,
            Some(at) if at.elapsed() < PAUSE => return false,
            Some(_) | None => *renewed_at = Some(Instant::now()),
        }
        match timeout(LONGEST, (self.make)()).await {
            Ok(Ok(stack)) => {
                tracing::info!("the API server refused the credentials (401): they were made afresh");
                *self.stack.lock() = stack;
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
