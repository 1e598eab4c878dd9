//! An overloaded API server says in a header when to try again, and gives no reason that kube can read. This makes one.

use http::header::{CONTENT_TYPE, RETRY_AFTER};
use http::{HeaderValue, Response, StatusCode};
use http_body_util::{Either, Full};
use hyper::body::Bytes;
use serde_json::json;

/// Turns a 429 that is plain text into a Status with the seconds of its header Retry-After.
pub fn with_reason<B>(reply: Response<B>) -> Response<Either<B, Full<Bytes>>> {
    let header = |name| reply.headers().get(name).and_then(|value: &HeaderValue| value.to_str().ok());
    let is_plain = !header(CONTENT_TYPE).is_some_and(|type_| type_.contains("json"));
    let seconds: Option<u32> = header(RETRY_AFTER).and_then(|seconds| seconds.parse().ok());
    match seconds {
        Some(seconds) if is_plain && reply.status() == StatusCode::TOO_MANY_REQUESTS => {
            let status = json!({
                "kind": "Status", "apiVersion": "v1", "status": "Failure", "code": 429, "reason": "TooManyRequests",
                "message": "too many requests", "details": {"retryAfterSeconds": seconds}
            });
            reply.map(|_| Either::Right(Full::from(status.to_string())))
        }
        _ => reply.map(Either::Left),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use kube::core::Status;

    async fn status_of(code: u16, type_: &str) -> Option<Status> {
        let reply = Response::builder().status(code).header("Retry-After", "7").header("Content-Type", type_);
        let reply = with_reason(reply.body(Full::<Bytes>::from("slow down")).unwrap());
        let body = http_body_util::BodyExt::collect(reply.into_body()).await.unwrap().to_bytes();
        serde_json::from_slice(&body).ok()
    }

    #[tokio::test]
    async fn the_pause_that_an_overloaded_api_server_asks_for_gets_into_the_reason() {
        let status = status_of(429, "text/plain").await.unwrap();
        assert_eq!((status.code, status.details.unwrap().retry_after_seconds), (429, 7));
        assert_eq!(status_of(429, "application/json").await, None, "it has a reason of its own");
        assert_eq!(status_of(503, "text/plain").await, None);
    }
}
