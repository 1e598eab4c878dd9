//! Why `logs` or `events` ends before all is told.

use crate::describe_image::source_error::redacted;
use crate::describe_image::{ApiError, SourceError, SourceErrorKind};

/// Why a command ends early.
#[derive(Debug)]
pub enum Ended {
    /// The API's own error, or one in its form.
    Failed(ApiError),
    /// The reader of stdout has gone away. That is no error.
    Unread,
}

impl From<ApiError> for Ended {
    fn from(error: ApiError) -> Self {
        Self::Failed(error)
    }
}

impl From<SourceError> for Ended {
    fn from(error: SourceError) -> Self {
        let message = words(&error);
        Self::Failed(ApiError { message, ..ApiError::from(error) })
    }
}

/// What a failed read says, and what to do. Errors about signatures quote the session token.
#[must_use]
pub fn words(error: &SourceError) -> String {
    let fix = match (&error.fix, error.kind) {
        (Some(fix), _) => format!("; what to do: {fix}"),
        (None, SourceErrorKind::AccessDenied) => {
            format!("; what to do: allow {} in the policy of the credentials that you use here", error.action())
        }
        (None, _) => String::new(),
    };
    format!("{}: {}{fix}", error.action(), redacted(&error.to_string()))
}
