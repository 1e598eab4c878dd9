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
use std::sync::Arc;
use std::time::{Duration, Instant};

/// The header with the id of the request.
pub const REQUEST_ID: HeaderName = HeaderName::from_static("x-request-id");

/// Why a request is refused or failed.
#[derive(Debug)]
pub struct Failure {
    answer: ApiError,
    /// What the user of the server can do about it. It is in the log, because the API's answer has no field for it.
    fix: Option<String>,
    /// When the caller may ask again.
    retry_after: Option<Duration>,
}

impl Failure {
    /// The server cannot answer now. It may after `retry_after`.
    #[must_use]
    pub fn unavailable(message: impl Into<String>, retry_after: Duration) -> Self {
        let answer = ApiError { status: 503, message: message.into() };
        Self { answer, fix: None, retry_after: Some(retry_after) }
    }

    /// The caller asks too often, or too much at once.
    #[must_use]
    pub fn too_many(message: impl Into<String>, retry_after: Duration) -> Self {
        let answer = ApiError { status: 429, message: message.into() };
        Self { answer, fix: None, retry_after: Some(retry_after) }
    }
}

impl From<ApiError> for Failure {
    fn from(answer: ApiError) -> Self {
        Self { answer, fix: None, retry_after: None }
    }
}

/// That AWS refuses the credentials of the server is an error of the server: 401 and 403 are about the caller.
impl From<ObserveError> for Failure {
    fn from(error: ObserveError) -> Self {
        let fix = error.source_error.fix.clone();
        let mut answer = ApiError::from(error);
        if matches!(answer.status, 401 | 403) {
            answer.status = 500;
        }
        Self { answer, fix, retry_after: None }
    }
}

/// The failure of a read. The official server answers 500 to all but throttling, also to a token that AWS refuses. `before`
/// stands before AWS's words.
pub fn unread(error: SourceError, before: &str) -> Failure {
    let status = match error.kind {
        SourceErrorKind::UnknownRegion => return ApiError::from(error).into(),
        SourceErrorKind::Throttled => 429,
        _ => 500,
    };
    let answer = ApiError { status, message: format!("{before}{}", error.message) };
    Failure { answer, fix: error.fix, retry_after: None }
}

/// The answer to a request, or the error in its place.
pub fn answer<T: Serialize>(result: Result<T, Failure>) -> Response {
    let Failure { answer: error, fix, retry_after } = match result {
        Ok(body) => return json(StatusCode::OK, &body),
        Err(failure) => failure,
    };
    let code = StatusCode::from_u16(error.status).unwrap_or(StatusCode::INTERNAL_SERVER_ERROR);
    let message = redacted(&error.message);
    let mut response = refusal(code, &message);
    if let Some(pause) = retry_after {
        response.headers_mut().insert(header::RETRY_AFTER, seconds(pause.as_secs().max(1)));
    }
    if code.is_server_error() || code == StatusCode::TOO_MANY_REQUESTS {
        response.extensions_mut().insert(Cause { message, fix });
    }
    response
}

/// An answer that may be of an earlier request.
pub struct Aged<T> {
    pub answer: T,
    /// How long ago AWS was asked. `None` if it was asked for this request alone.
    pub age: Option<Duration>,
}

/// The reply. It says how old its answer is, if it is not of this request alone.
pub fn with_age<T: Serialize>(result: Result<Aged<T>, Failure>) -> Response {
    let age = result.as_ref().ok().and_then(|aged| aged.age);
    let mut response = answer(result.map(|aged| aged.answer));
    if let Some(age) = age {
        response.headers_mut().insert(header::AGE, seconds(age.as_secs()));
        response.headers_mut().insert(header::CACHE_CONTROL, HeaderValue::from_static("private"));
    }
    response
}

fn seconds(count: u64) -> HeaderValue {
    HeaderValue::from(count)
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

/// Who asked, for the log. It is an extension of the answer.
#[derive(Clone, Debug)]
pub struct User(pub Arc<str>);

/// The answer has a line in the log already. It is an extension of the answer.
#[derive(Clone, Copy, Debug)]
pub struct Logged;

/// What each line of the log says of a request. In an `Arc`, it is an extension of the request.
#[derive(Debug)]
pub struct LogFields {
    pub request_id: String,
    /// Its beginning: anybody can send a long one. The query is not logged: a token of AWS may be in it.
    pub path: String,
}

impl LogFields {
    fn of(request: &Request) -> Self {
        const MOST: usize = 256;
        let path = request.uri().path().chars().take(MOST).collect::<String>();
        Self { request_id: request_id(request), path: escaped(&path).into_owned() }
    }
}

async fn log(mut request: Request, next: Next) -> Response {
    let fields = Arc::new(LogFields::of(&request));
    request.extensions_mut().insert(fields.clone());
    let LogFields { request_id, path } = &*fields;
    if let Ok(value) = HeaderValue::from_str(request_id) {
        request.headers_mut().insert(REQUEST_ID, value);
    }
    let (begun, method) = (Instant::now(), request.method().clone());
    let mut response = next.run(request).await;
    let (code, milliseconds) = (response.status().as_u16(), begun.elapsed().as_millis());
    let user = response.extensions().get().map(|User(name)| name.as_ref());
    match response.extensions().get() {
        _ if response.extensions().get::<Logged>().is_some() => {}
        None => tracing::info!(request_id, user, %method, path, code, milliseconds, "answered"),
        Some(Cause { message, fix }) => {
            tracing::warn!(request_id, user, %method, path, code, milliseconds, error = message, fix, "failed");
        }
    }
    if let Ok(value) = HeaderValue::from_str(request_id) {
        response.headers_mut().insert(REQUEST_ID, value);
    }
    response
}

/// The id that a server which passes the request on has given it, else a new one.
fn request_id(request: &Request) -> String {
    let given = request.headers().get(REQUEST_ID).and_then(|id| id.to_str().ok());
    let is_ours = |id: &&str| id.len() == 32 && id.bytes().all(|byte| byte.is_ascii_hexdigit());
    given.filter(is_ours).map_or_else(|| format!("{:016x}{:016x}", fastrand::u64(..), fastrand::u64(..)), str::to_owned)
}
