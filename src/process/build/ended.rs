//! Why `logs` or `events` ends before all is told.

use crate::describe_image::{ApiError, SourceError, SourceErrorKind};

/// Why a command ends early.
#[derive(Debug)]
pub enum Ended {
    /// The API's own error, or one in its form.
    Failed(ApiError),
    /// Credentials that are refused, have expired, or are another account's.
    Credentials(String),
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
        let fix = match (&error.fix, error.kind) {
            (Some(fix), _) => format!("; what to do: {fix}"),
            (None, SourceErrorKind::AccessDenied) => {
                format!("; what to do: allow {} (in the chart's policy with buildLogs.enabled=true)", error.action())
            }
            (None, _) => String::new(),
        };
        let words = format!("{}: {error}{fix}", error.action());
        match error.kind {
            SourceErrorKind::InvalidCredentials => Self::Credentials(words),
            _ => Self::Failed(ApiError { message: words, ..ApiError::from(error) }),
        }
    }
}
