//! How a request is answered: JSON only, the codes of the API, and an id that the answer and the log share.

use crate::describe_image::observe::ObserveError;
use crate::describe_image::source_error::redacted;
use crate::describe_image::{ApiError, SourceError, SourceErrorKind};
use crate::plain_text::escaped;
use axum::Router;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::{Next, from_fn};
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Instant;

/// The header with the id of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why a request is refused or failed.
#[derive(Debug)]
pub struct Failure {
    answer: ApiError,
    /// What the user of the server can do about it. It is in the log, because the API's answer has no field for it.
    fix: Option<String>,
}

impl From<ApiError> for Failure {
    fn from(answer: ApiError) -> Self {
        Self { answer, fix: None }
    }
}

impl From<ObserveError> for Failure {
    fn from(error: ObserveError) -> Self {
        Self { fix: error.source_error.fix.clone(), answer: error.into() }
    }
}

/// The failure of a read. The official server answers 500 to all but throttling, also to a token that AWS refuses. `before`
/// stands before AWS's words.
pub fn unread(error: SourceError, before: &str) -> Failure {
    let status = match error.kind {
        SourceErrorKind::UnknownRegion => return Failure { answer: error.into(), fix: None },
        SourceErrorKind::Throttled => 429,
        _ => 500,
    };
    Failure { answer: ApiError { status, message: format!("{before}{}", error.message) }, fix: error.fix }
}

/// The answer to a request, or the error in its place. That AWS refuses the credentials of the server is an error of the
/// server: 401 and 403 are about the caller.
pub fn answer<T: Serialize>(result: Result<T, Failure>) -> Response {
    let Failure { answer: error, fix } = match result {
        Ok(body) => return json(StatusCode::OK, &body),
        Err(failure) => failure,
    };
    let code = match error.status {
        401 | 403 => StatusCode::INTERNAL_SERVER_ERROR,
        code => StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    let message = redacted(&error.message);
    let mut response = refusal(code, &message);
    if code.is_server_error() || code == StatusCode::TOO_MANY_REQUESTS {
        response.extensions_mut().insert(Cause { message, fix });
    }
    response
}

/// An error answer: `{"message": …}`.
pub fn refusal(code: StatusCode, message: &str) -> Response {
    json(code, &serde_json::json!({ "message": message }))
}

/// A web page may neither take the body for something else nor embed it.
fn json(code: StatusCode, body: &impl Serialize) -> Response {
    let kind = [
        (header::CONTENT_TYPE, "application/json"),
        (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
        (HeaderName::from_static("cross-origin-resource-policy"), "same-origin"),
    ];
    match serde_json::to_vec(body) {
        Ok(bytes) => (code, kind, bytes).into_response(),
        Err(_) => (StatusCode::INTERNAL_SERVER_ERROR, kind, r#"{"message":"the answer is no JSON"}"#).into_response(),
    }
}

/// Why an answer is an error of the server, for its log.
#[derive(Clone)]
struct Cause {
    message: String,
    fix: Option<String>,
}

/// Gives each request to `router` an id, and logs it with its answer. Put it around all that may refuse a request.
pub fn with_log(router: Router) -> Router {
    router.layer(from_fn(log))
}

/// The query is not logged: a token of AWS may be in it.
async fn log(request: Request, next: Next) -> Response {
    let request_id = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), escaped(request.uri().path()).into_owned());
    let mut response = next.run(request).await;
    let (code, milliseconds) = (response.status().as_u16(), begun.elapsed().as_millis());
    match response.extensions().get() {
        None => tracing::info!(request_id, %method, path, code, milliseconds, "answered"),
        Some(Cause { message, fix }) => {
            tracing::warn!(request_id, %method, path, code, milliseconds, error = message, fix, "failed");
        }
    }
    if let Ok(value) = HeaderValue::from_str(&request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
