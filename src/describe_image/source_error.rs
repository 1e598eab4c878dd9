//! How AWS can fail to answer, and what of its words is for nobody else.

use strum::{EnumString, IntoStaticStr, VariantArray};

/// Why AWS did not answer.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("{message}")]
pub struct SourceError {
    pub kind: SourceErrorKind,
    /// The IAM name of the action that failed, such as `ec2:DescribeImages`. `None` when AWS was not asked.
    pub action: Option<&'static str>,
    /// AWS's own message, or ours when nothing came from AWS.
    pub message: String,
    /// What to do about it, when that is known better than by the kind alone.
    pub fix: Option<String>,
}

impl SourceError {
    /// Whether it has the same cause. AWS words it anew each time, so that the words do not count.
    #[must_use]
    pub fn has_cause_of(&self, other: &Self) -> bool {
        let fix = |error: &Self| error.fix.as_deref().map(cause_of_fix);
        (self.kind, self.action, fix(self)) == (other.kind, other.action, fix(other))
    }

    /// Of our own making: AWS was not asked.
    #[must_use]
    pub fn unasked(kind: SourceErrorKind, message: impl Into<String>) -> Self {
        Self { kind, action: None, message: message.into(), fix: None }
    }

    /// The call of `action` failed.
    #[must_use]
    pub fn asked(kind: SourceErrorKind, action: &'static str, message: impl Into<String>) -> Self {
        Self { kind, action: Some(action), message: message.into(), fix: None }
    }

    /// The action in a message.
    #[must_use]
    pub fn action(&self) -> &'static str {
        self.action.unwrap_or("describeImage")
    }
}

/// What tells one cause from another in a fix: a number in it may grow.
#[must_use]
pub fn cause_of_fix(fix: &str) -> String {
    fix.replace(|c: char| c.is_ascii_digit(), "")
}

/// The classes of [`SourceError`]: a closed set, for it labels metrics and names conditions and Events.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash, EnumString, IntoStaticStr, VariantArray)]
pub enum SourceErrorKind {
    /// A limit of AWS was still exceeded after the retries.
    Throttled,
    /// The credentials are good but may not do this.
    AccessDenied,
    /// No credentials, or ones that AWS does not take (any more).
    InvalidCredentials,
    /// AWS calls the request invalid.
    InvalidRequest,
    /// No partition of AWS has this region.
    UnknownRegion,
    /// The operator's configuration does not let this object use that identity, there or in that region; AWS was not asked.
    IdentityNotAllowed,
    /// No whole answer: a server error, a timeout, a broken connection, a reply cut short.
    ServiceError,
}

impl SourceErrorKind {
    /// The variant's name: the reason of conditions and Events, the value of labels.
    #[must_use]
    pub fn reason(self) -> &'static str {
        self.into()
    }
}

/// Where the words that are for nobody else begin.
const SECRET: [&str; 5] = [
    "encoded authorization failure message",
    "the canonical string",
    "authorization=",
    "authorization:",
    "x-amz-security-token",
];

/// `text` up to the first of them.
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
    fn encoded_messages_and_quoted_requests_are_cut_off() {
        let refused =
            "You are not authorized to perform: ec2:DescribeImages. Encoded authorization failure message: 4GIOHlTk";
        assert_eq!(redacted(refused), "You are not authorized to perform: ec2:DescribeImages.…");
        let signature = "The signature does not match. The Canonical String for this request should have been 'GET x-amz-security-token:abc'";
        assert_eq!(redacted(signature), "The signature does not match.…");
        assert_eq!(redacted("curl failed: authorization: Bearer abc"), "curl failed:…");
        assert_eq!(redacted("Rate exceeded"), "Rate exceeded");
    }
}
