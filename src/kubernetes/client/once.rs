//! A status is sent once, if the API server may have written it.

use http::{Method, Request, Response, StatusCode};
use kube::client::Body;
use kube::client::retry::RetryPolicy;
use tower::BoxError;
use tower::retry::Policy;

/// kube's policy, but not for the write of a status that was answered 503 or 504. A proxy may say so after the API server
/// has done it. The second one would be refused as outdated, and the operator would take its own status for that of
/// another writer. It tries each status again, later.
#[derive(Clone, Default)]
pub struct StatusOnce(RetryPolicy);

impl<B> Policy<Request<Body>, Response<B>, BoxError> for StatusOnce {
    type Future = <RetryPolicy as Policy<Request<Body>, Response<B>, BoxError>>::Future;

    fn retry(
        &mut self,
        request: &mut Request<Body>,
        result: &mut Result<Response<B>, BoxError>,
    ) -> Option<Self::Future> {
        let is_undone = matches!(result, Ok(reply) if reply.status() == StatusCode::TOO_MANY_REQUESTS);
        if is_of_status(request) && !is_undone { None } else { self.0.retry(request, result) }
    }

    fn clone_request(&mut self, request: &Request<Body>) -> Option<Request<Body>> {
        Policy::<_, Response<B>, _>::clone_request(&mut self.0, request)
    }
}

fn is_of_status(request: &Request<Body>) -> bool {
    matches!(*request.method(), Method::PATCH | Method::PUT) && request.uri().path().ends_with("/status")
}

#[cfg(test)]
mod tests {
    use super::*;
    use std::sync::Arc;
    use std::sync::atomic::{AtomicUsize, Ordering};
    use tower::retry::RetryLayer;
    use tower::{ServiceBuilder, ServiceExt};

    #[tokio::test(start_paused = true)]
    async fn a_status_that_may_be_written_is_sent_once() {
        for (method, path, code, sent) in [
            (Method::PATCH, "/images/hpc/status", 503, 1),
            (Method::PATCH, "/images/hpc/status", 504, 1),
            (Method::PUT, "/images/hpc/status", 503, 1),
            (Method::PATCH, "/images/hpc/status", 429, 4),
            (Method::PATCH, "/events/hpc", 503, 4),
            (Method::GET, "/images/hpc/status", 503, 4),
        ] {
            let count = Arc::new(AtomicUsize::new(0));
            let counted = count.clone();
            let server = tower::service_fn(move |_: Request<Body>| {
                counted.fetch_add(1, Ordering::Relaxed);
                async move { Ok::<_, BoxError>(Response::builder().status(code).body(()).unwrap()) }
            });
            let service = ServiceBuilder::new().layer(RetryLayer::new(StatusOnce::default())).service(server);
            let request = Request::builder().method(&method).uri(path).body(Body::empty()).unwrap();
            assert_eq!(service.oneshot(request).await.unwrap().status(), code);
            assert_eq!(count.load(Ordering::Relaxed), sent, "{method} {path} {code}");
        }
    }
}
