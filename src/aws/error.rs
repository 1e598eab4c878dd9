//! The one table from what a service or the SDK says went wrong to [`SourceError`].

use crate::describe_image::source::{SourceError, SourceErrorKind};
use aws_credential_types::provider::error::CredentialsError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::SdkError;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use std::error::Error;

/// The error of a call of `action`.
pub fn source_error<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> SourceError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let (kind, message) = match error.as_service_error() {
        Some(service_error) => {
            let status = error.raw_response().map(|reply| reply.status().as_u16());
            let code = service_error.code();
            let message = service_error.message().or(code).map(str::to_owned);
            (
                kind_of(code, status),
                message.unwrap_or_else(|| format!("{action} was answered with HTTP {}", status.unwrap_or(0))),
            )
        }
        None => without_answer(error),
    };
    SourceError { kind, action, message }
}

/// By the service's code, else by the HTTP status.
fn kind_of(code: Option<&str>, status: Option<u16>) -> SourceErrorKind {
    match (code, status) {
        (Some(code), _) if is_throttling_code(code) => SourceErrorKind::Throttled,
        (
            Some(
                "AuthFailure"
                | "ExpiredToken"
                | "ExpiredTokenException"
                | "RequestExpired"
                | "InvalidClientTokenId"
                | "UnrecognizedClientException"
                | "InvalidAccessKeyId"
                | "SignatureDoesNotMatch"
                | "InvalidSignatureException"
                | "IncompleteSignature"
                | "IncompleteSignatureException"
                | "MissingAuthenticationToken"
                | "MissingAuthenticationTokenException"
                | "InvalidToken"
                | "TokenRefreshRequired"
                | "RequestTimeTooSkewed",
            ),
            _,
        ) => SourceErrorKind::InvalidCredentials,
        (
            Some(
                "AccessDenied"
                | "AccessDeniedException"
                | "UnauthorizedOperation"
                | "UnauthorizedException"
                | "NotAuthorized"
                | "ForbiddenException"
                | "OptInRequired"
                | "Blocked"
                | "PendingVerification",
            ),
            _,
        ) => SourceErrorKind::AccessDenied,
        (Some("ValidationError"), _) => SourceErrorKind::InvalidRequest,
        (_, Some(401)) => SourceErrorKind::InvalidCredentials,
        (_, Some(403)) => SourceErrorKind::AccessDenied,
        (_, Some(429)) => SourceErrorKind::Throttled,
        _ => SourceErrorKind::ServiceError,
    }
}

/// The codes by which the services say that a limit is exceeded.
pub fn is_throttling_code(code: &str) -> bool {
    matches!(
        code,
        "RequestLimitExceeded"
            | "Throttling"
            | "ThrottlingException"
            | "ThrottledException"
            | "RequestThrottled"
            | "RequestThrottledException"
            | "TooManyRequestsException"
            | "CallRateLimitExceededException"
            | "EC2ThrottledException"
            | "BandwidthLimitExceeded"
            | "SlowDown"
    )
}

/// No answer: the credentials could not be had, or the service could not be reached.
fn without_answer(error: &(dyn Error + 'static)) -> (SourceErrorKind, String) {
    match sources(error).find_map(|source| source.downcast_ref::<CredentialsError>()) {
        None => (SourceErrorKind::ServiceError, chain(error)),
        // A slow credentials endpoint mends itself; absent or broken configuration does not.
        Some(CredentialsError::ProviderTimedOut(_)) => (SourceErrorKind::ServiceError, chain(error)),
        Some(CredentialsError::CredentialsNotLoaded(_)) => {
            (SourceErrorKind::InvalidCredentials, "Unable to locate credentials".to_owned())
        }
        Some(_) => (SourceErrorKind::InvalidCredentials, chain(error)),
    }
}

fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The chain of causes in one line, each said once. The SDK's outermost words only say that something went wrong.
fn chain(error: &(dyn Error + 'static)) -> String {
    let mut said: Vec<String> = Vec::new();
    let causes = sources(error).skip(usize::from(error.source().is_some()));
    for text in causes.map(|cause| cause.to_string().replace('\n', " ")) {
        if !said.iter().any(|before| before.contains(&text)) {
            said.push(text);
        }
    }
    said.join(": ")
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn each_services_words_fall_into_one_class() {
        use SourceErrorKind::{AccessDenied, InvalidCredentials, InvalidRequest, ServiceError, Throttled};
        for (code, status, kind) in [
            (Some("RequestLimitExceeded"), 503, Throttled),
            (Some("Throttling"), 400, Throttled),
            (Some("CallRateLimitExceededException"), 429, Throttled),
            (None, 429, Throttled),
            (Some("AuthFailure"), 401, InvalidCredentials),
            (Some("RequestExpired"), 400, InvalidCredentials),
            (Some("ExpiredToken"), 403, InvalidCredentials),
            (Some("UnauthorizedOperation"), 403, AccessDenied),
            (Some("SomethingNew"), 403, AccessDenied),
            (Some("ValidationError"), 400, InvalidRequest),
            (Some("InternalError"), 500, ServiceError),
            (Some("InvalidParameterValue"), 400, ServiceError),
            (None, 503, ServiceError),
        ] {
            assert_eq!(kind_of(code, Some(status)), kind, "{code:?} {status}");
        }
    }
}
