//! The error type of a call without an answer, mostly because credentials are missing or refused.

use crate::describe_image::SourceErrorKind;

/// Why there is no answer: the kind, the message (of the service that refused, if one did), and the fix.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    pub kind: SourceErrorKind,
    pub message: String,
    pub fix: Option<String>,
}
