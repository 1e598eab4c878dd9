//! How a request is answered: JSON only, the codes of the API, and an id that the answer and the log share.

use crate::describe_image::source_error::redacted;
use crate::describe_image::{ApiError, SourceError, SourceErrorKind};
use crate::plain_text::escaped;
use axum::body::Body;
use axum::extract::Request;
use axum::http::{HeaderName, HeaderValue, StatusCode, header};
use axum::middleware::Next;
use axum::response::{IntoResponse, Response};
use serde::Serialize;
use std::time::Instant;

/// The header with the id of the request.
const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// The answer to a request, or the error in its place.
pub fn answer<T: Serialize>(result: Result<T, ApiError>) -> Response {
    match result {
        Ok(body) => json(StatusCode::OK, &body),
        Err(error) => refusal(&error),
    }
}

/// An error answer: `{"message": …}`. That AWS refuses the credentials of the server is an error of the server: 401 and 403
/// are about the caller.
pub fn refusal(error: &ApiError) -> Response {
    let code = match error.status {
        401 | 403 => StatusCode::INTERNAL_SERVER_ERROR,
        code => StatusCode::from_u16(code).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR),
    };
    refusal_with(code, &redacted(&error.message))
}

/// An error answer with a code of its own.
pub fn refusal_with(code: StatusCode, message: &str) -> Response {
    json(code, &serde_json::json!({ "message": message }))
}

fn json(code: StatusCode, body: &impl Serialize) -> Response {
    let kind = [(header::CONTENT_TYPE, "application/json")];
    match serde_json::to_vec(body) {
        Ok(bytes) => (code, kind, bytes).into_response(),
        Err(error) => (StatusCode::INTERNAL_SERVER_ERROR, kind, format!("{{\"message\":\"{error}\"}}")).into_response(),
    }
}

/// The answer for a failed read. The server answers 500 to all but throttling, also to a token that AWS refuses. `before`
/// stands before AWS's words.
pub fn unread(error: SourceError, before: &str) -> ApiError {
    let status = match error.kind {
        SourceErrorKind::UnknownRegion => return error.into(),
        SourceErrorKind::Throttled => 429,
        _ => 500,
    };
    ApiError { status, message: format!("{before}{}", error.message) }
}

/// Gives each request an id, and logs it with its answer. The query is not logged: a token of AWS may be in it.
pub async fn with_request_id(request: Request, next: Next) -> Response {
    let id = format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..));
    let begun = Instant::now();
    let (method, path) = (request.method().clone(), escaped(request.uri().path()).into_owned());
    let mut response: Response<Body> = next.run(request).await;
    let (code, milliseconds) = (response.status().as_u16(), begun.elapsed().as_millis());
    tracing::info!(request_id = id, %method, path, code, milliseconds, "answered");
    if let Ok(value) = HeaderValue::from_str(&id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}
