//! Why credentials could not be had.

use crate::describe_image::SourceErrorKind;

/// The kind, the words of whoever refused, and what to do.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct Refused {
    pub kind: SourceErrorKind,
    pub message: String,
    pub fix: Option<String>,
}
