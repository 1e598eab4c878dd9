//! The error answers of the API: an HTTP status and `{"message": …}` with the official program's messages.

use super::image_id::{ImageId, InvalidImageId, InvalidRegion};
use super::observe::ObserveError;
use super::source_error::{SourceError, SourceErrorKind};
use serde::Serialize;

/// An error answer.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, thiserror::Error)]
#[error("{message}")]
pub struct ApiError {
    /// 400, 401, 403, 404, 429 or 500.
    #[serde(skip)]
    pub status: u16,
    pub message: String,
}

/// There is neither an AMI nor a stack. This is a normal answer, but the API returns it as an error.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("No image or stack associated with ParallelCluster image id: {0}.")]
pub struct ImageNotFound(pub ImageId);

impl ApiError {
    /// A request that the API rejects with 400.
    #[must_use]
    pub fn bad_request(why: impl std::fmt::Display) -> Self {
        Self { status: 400, message: format!("Bad Request: {why}") }
    }

    /// The image has no log.
    #[must_use]
    pub fn no_logs(id: &ImageId) -> Self {
        let message = format!("Unable to find image logs, please double check if image id={id} is correct.");
        Self { status: 404, message }
    }

    /// The image has no stack.
    #[must_use]
    pub fn no_stack(id: &ImageId) -> Self {
        Self { status: 404, message: format!("CloudFormation Stack for Image {id} does not exist.") }
    }

    /// The answer for `error`, with the message `text`. An unknown region keeps its own message.
    fn of_source(error: SourceError, text: String) -> Self {
        let status = match error.kind {
            SourceErrorKind::UnknownRegion => return Self::bad_request(error.message),
            SourceErrorKind::InvalidRequest => return Self::bad_request(text),
            SourceErrorKind::InvalidCredentials => 401,
            SourceErrorKind::AccessDenied | SourceErrorKind::IdentityNotAllowed => 403,
            SourceErrorKind::Throttled => 429,
            SourceErrorKind::ServiceError => 500,
        };
        Self { status, message: text }
    }
}

impl From<InvalidImageId> for ApiError {
    fn from(error: InvalidImageId) -> Self {
        Self::bad_request(error)
    }
}

impl From<InvalidRegion> for ApiError {
    fn from(error: InvalidRegion) -> Self {
        Self::bad_request(error)
    }
}

impl From<ImageNotFound> for ApiError {
    fn from(error: ImageNotFound) -> Self {
        Self { status: 404, message: error.to_string() }
    }
}

impl From<ObserveError> for ApiError {
    fn from(error: ObserveError) -> Self {
        let text = error.to_string();
        Self::of_source(error.source_error, text)
    }
}

impl From<SourceError> for ApiError {
    fn from(error: SourceError) -> Self {
        let text = error.message.to_string();
        Self::of_source(error, text)
    }
}
