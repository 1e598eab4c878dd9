//! `SourceError`: why AWS did not answer. `redacted`: removes secrets from AWS's messages.

use std::borrow::Cow;
use std::sync::Arc;
use strum::{EnumString, IntoStaticStr, VariantArray};

/// Why AWS did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    pub kind: SourceErrorKind,
    /// The IAM name of the action that failed, such as `ec2:DescribeImages`. `None` if the operator made no call to
    /// AWS.
    pub action: Option<&'static str>,
    /// AWS's own message, or the operator's if there is none from AWS. At most [`MOST_MESSAGE`] bytes. Thousands of objects
    /// may share it.
    pub message: Arc<str>,
    /// What the user can do about it, if there is more specific advice than for the kind.
    pub fix: Option<String>,
    /// Set if a reply came that cannot be read. A reply with fewer items may be readable.
    pub bad_reply: Option<BadReply>,
}

/// Why a reply cannot be read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum BadReply {
    TooLarge,
    /// It has a character or a form that the SDK refuses.
    Malformed,
}

impl SourceError {
    /// Whether both errors have the same cause. Messages are not compared, because AWS changes the text at each call.
    #[must_use]
    pub fn has_cause_of(&self, other: &Self) -> bool {
        let fix = |error: &Self| error.fix.as_deref().map(cause_of_fix);
        (self.kind, self.action, fix(self)) == (other.kind, other.action, fix(other))
    }

    /// The operator's own error: it made no call to AWS.
    #[must_use]
    pub fn unasked(kind: SourceErrorKind, message: impl AsRef<str>) -> Self {
        Self { kind, action: None, message: shortened(message.as_ref()).into(), fix: None, bad_reply: None }
    }

    /// The call of `action` failed.
    #[must_use]
    pub fn asked(kind: SourceErrorKind, action: &'static str, message: impl AsRef<str>) -> Self {
        Self { kind, action: Some(action), message: shortened(message.as_ref()).into(), fix: None, bad_reply: None }
    }

    /// The name of the action for a message; `describeImage` if there is none.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.action.unwrap_or("describeImage")
    }
}

/// The most bytes of a message. An endpoint can send a megabyte.
const MOST_MESSAGE: usize = 4096;

/// `text`, cut to at most [`MOST_MESSAGE`] bytes between two characters. A cut text ends with "…".
#[must_use]
pub fn shortened(text: &str) -> Cow<'_, str> {
    if text.len() <= MOST_MESSAGE {
        return text.into();
    }
    let end = text.floor_char_boundary(MOST_MESSAGE - '…'.len_utf8());
    format!("{}…", text.get(..end).unwrap_or_default()).into()
}

/// The part of a fix that identifies its cause: the text without digits, because a number in it may grow.
#[must_use]
pub fn cause_of_fix(fix: &str) -> String {
    fix.replace(|c: char| c.is_ascii_digit(), "")
}

/// The classes of [`SourceError`]. A closed set, because it is used as a metric label and as the reason of conditions
/// and Events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
pub enum SourceErrorKind {
    /// AWS still throttled the call after the retries.
    Throttled,
    /// The credentials are valid but not authorized for this action.
    AccessDenied,
    /// There are no credentials, or AWS does not accept them (any more).
    InvalidCredentials,
    /// AWS rejects the request as invalid.
    InvalidRequest,
    /// No partition of AWS has this region.
    UnknownRegion,
    /// The operator's configuration does not allow this object to use that identity, in its namespace or in that
    /// region. The operator made no call to AWS.
    IdentityNotAllowed,
    /// No complete answer: a server error, a timeout, a broken connection or a truncated reply.
    ServiceError,
}

impl SourceErrorKind {
    /// The variant's name: the reason of conditions and Events, and the value of metric labels.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.into()
    }
}

/// The beginnings of secrets in AWS's messages, in lower case.
const SECRET: [&str; 5] = [
    "encoded authorization failure message",
    "the canonical string",
    "authorization=",
    "authorization:",
    "x-amz-security-token",
];

/// `text` up to the first secret, followed by "…" if it was cut.
#[must_use]
pub fn redacted(text: &str) -> String {
    let lower = text.to_ascii_lowercase();
    let begin = SECRET.iter().filter_map(|secret| lower.find(secret)).min();
    match begin.and_then(|begin| text.get(..begin)) {
        Some(public) => format!("{}…", public.trim_end()),
        None => text.to_owned(),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_long_message_is_cut_between_characters() {
        let error = SourceError::unasked(SourceErrorKind::ServiceError, "ö".repeat(1_000_000));
        assert!(error.message.ends_with("ö…") && error.message.len() <= MOST_MESSAGE);
        assert_eq!(shortened("short"), "short");
    }

    #[test]
    fn encoded_messages_and_quoted_requests_are_redacted() {
        let refused =
            "You are not authorized to perform: ec2:DescribeImages. Encoded authorization failure message: 4GIOHlTk";
        assert_eq!(redacted(refused), "You are not authorized to perform: ec2:DescribeImages.…");
        let signature = "The signature does not match. The Canonical String for this request should have been 'GET x-amz-security-token:abc'";
        assert_eq!(redacted(signature), "The signature does not match.…");
        assert_eq!(redacted("curl failed: authorization: Bearer abc"), "curl failed:…");
        assert_eq!(redacted("Rate exceeded"), "Rate exceeded");
    }
}
