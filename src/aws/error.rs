//! The conversion of errors of a service or the SDK to [`SourceError`], and the table of their kinds.

use super::advice;
use super::refused::Refused;
use super::reply_bytes::Unread;
use super::throttling::{TOO_MANY_REQUESTS, is_throttling_code};
use super::well_formed::BadForm;
use crate::describe_image::response::Tag;
use crate::describe_image::source_error::{BadReply, SourceError, SourceErrorKind};
use crate::proxy::ProxyRefused;
use aws_credential_types::provider::error::CredentialsError;
use aws_sdk_sts::operation::assume_role::AssumeRoleError;
use aws_sdk_sts::operation::assume_role_with_web_identity::AssumeRoleWithWebIdentityError;
use aws_smithy_runtime_api::client::orchestrator::HttpResponse;
use aws_smithy_runtime_api::client::result::{ConnectorError, SdkError};
use aws_smithy_types::error::ErrorMetadata;
use aws_smithy_types::error::metadata::ProvideErrorMetadata;
use jiff::Timestamp;
use std::error::Error;

/// The error of a failed call of `action`.
pub fn source_error<E>(action: &'static str, error: &SdkError<E, HttpResponse>) -> SourceError
where
    E: ProvideErrorMetadata + Error + 'static,
{
    let Some(service_error) = error.as_service_error() else {
        let Refused { kind, message, fix } = without_answer(error);
        return SourceError { fix, bad_reply: bad_reply(error), ..SourceError::asked(kind, action, message) };
    };
    let reply = error.raw_response();
    if reply.is_some_and(|reply| reply.status().is_success()) {
        // The SDK's parser has refused it.
        let message = format!("{action} sent a reply that cannot be read: {}", chain(service_error));
        let bad_reply = Some(BadReply::Malformed);
        return SourceError { bad_reply, ..SourceError::asked(SourceErrorKind::ServiceError, action, message) };
    }
    let status = reply.map(|reply| reply.status().as_u16());
    let code = service_error.code();
    let message = service_error.message().or(code).map(str::to_owned);
    let message = message.unwrap_or_else(|| format!("{action} was answered with HTTP {}", status.unwrap_or(0)));
    let said_at = reply.and_then(|reply| reply.headers().get("date"));
    let fix = advice::of_clock(code, &message, said_at, Timestamp::now())
        .or_else(|| advice::of_policy(&message))
        .or_else(|| advice::of_end(code));
    SourceError { fix, ..SourceError::asked(kind_of(code, status), action, message) }
}

/// What the reply of `action` must have. AWS never leaves it out, so the reply is not AWS's own.
pub fn required<T>(part: Option<T>, action: &'static str, name: &str) -> Result<T, SourceError> {
    let message = || format!("{action} returned no {name}");
    part.ok_or_else(|| SourceError::asked(SourceErrorKind::ServiceError, action, message()))
}

/// A tag in the reply of `action`. An image whose tag lost its key or its value would seem to be another one, or none.
pub fn tag(key: Option<String>, value: Option<String>, action: &'static str) -> Result<Tag, SourceError> {
    // For a key that CloudFormation's reply lacks, the SDK gives an empty one.
    let key = key.filter(|key| !key.is_empty()).ok_or_else(|| malformed(action, "a tag without a key"))?;
    let value = value.ok_or_else(|| malformed(action, "a tag without a value"))?;
    Ok(Tag { key, value })
}

/// The reply of `action` has `what`, which cannot be true. The ids are read again in smaller batches.
pub fn malformed(action: &'static str, what: &str) -> SourceError {
    let error = SourceError::asked(SourceErrorKind::ServiceError, action, format!("{action} returned {what}"));
    SourceError { bad_reply: Some(BadReply::Malformed), ..error }
}

/// Whether Image Builder or CloudWatch says that there is no such thing. The status does not suffice, because a 404 may come
/// from a gateway.
pub fn is_missing<E: ProvideErrorMetadata>(error: &SdkError<E, HttpResponse>) -> bool {
    refusal(error).and_then(ProvideErrorMetadata::code) == Some("ResourceNotFoundException")
}

/// The error of a service that blames the request. A server that fails says nothing about what exists.
pub fn refusal<E>(error: &SdkError<E, HttpResponse>) -> Option<&E> {
    let is_refusal = error.raw_response().is_some_and(|reply| reply.status().is_client_error());
    error.as_service_error().filter(|_| is_refusal)
}

fn bad_reply<E: Error + 'static>(error: &SdkError<E, HttpResponse>) -> Option<BadReply> {
    let is_too_large = |source: &(dyn Error + 'static)| {
        source.downcast_ref() == Some(&Unread::TooLarge) || source.downcast_ref() == Some(&BadForm::TooMany)
    };
    let is_malformed = |source: &(dyn Error + 'static)| source.downcast_ref() == Some(&BadForm::Malformed);
    match error {
        SdkError::ResponseError(_) => Some(BadReply::Malformed),
        _ if sources(error).any(is_malformed) => Some(BadReply::Malformed),
        _ if sources(error).any(is_too_large) => Some(BadReply::TooLarge),
        _ => None,
    }
}

/// The kind of an error, from the service's code, else from the HTTP status.
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
        (_, Some(TOO_MANY_REQUESTS)) => SourceErrorKind::Throttled,
        _ => SourceErrorKind::ServiceError,
    }
}

/// Whether a service refuses an access key with this code: it is expired or unknown.
pub fn is_refused_key_code(code: &str) -> bool {
    matches!(
        code,
        "AuthFailure"
            | "ExpiredToken"
            | "ExpiredTokenException"
            | "InvalidClientTokenId"
            | "UnrecognizedClientException"
            | "InvalidAccessKeyId"
            | "InvalidToken"
            | "TokenRefreshRequired"
            | "RequestExpired"
            | "SignatureDoesNotMatch"
            | "InvalidSignatureException"
    )
}

/// The reason if the service has not answered: there are no credentials, or the service could not be reached.
pub fn without_answer(error: &(dyn Error + 'static)) -> Refused {
    let plain = |kind, message| Refused { kind, message, fix: None };
    // The innermost, because the credentials that were to assume a role may be the missing ones.
    if let Some(refused) = sources(error).filter_map(|source| source.downcast_ref::<Refused>()).last() {
        return refused.clone();
    }
    if let Some(ProxyRefused { message, fix, .. }) = sources(error).find_map(|source| source.downcast_ref()) {
        return Refused { fix: Some(fix.clone()), ..plain(SourceErrorKind::ServiceError, message.clone()) };
    }
    match sources(error).filter_map(|source| source.downcast_ref::<CredentialsError>()).last() {
        None => without_endpoint(error),
        Some(CredentialsError::CredentialsNotLoaded(_)) => {
            let message = "Unable to locate credentials".to_owned();
            Refused { fix: Some(advice::of_no_credentials()), ..plain(SourceErrorKind::InvalidCredentials, message) }
        }
        Some(CredentialsError::InvalidConfiguration(_)) => plain(SourceErrorKind::InvalidCredentials, chain(error)),
        Some(_) => of_provider(error),
    }
}

/// The reason if there is no connection, with the setting that says where to connect to.
fn without_endpoint(error: &(dyn Error + 'static)) -> Refused {
    let words = chain(error);
    // The endpoint_url of a profile was not checked at the start. The SDK adds the whole request to it.
    let wrong = words.split_once("failed to apply endpoint").and_then(|(_, rest)| rest.split(" to request").next());
    let wrong = wrong.map(|url| advice::without_user(url.trim().trim_matches('`')));
    let is_of_place = wrong.is_some() || is_unreached(error);
    let wrong = wrong.map(|url| format!("`{url}` is no URL with http:// or https://"));
    Refused {
        kind: SourceErrorKind::ServiceError,
        message: wrong.unwrap_or(words),
        fix: is_of_place.then(|| advice::of_endpoint(std::env::var("AWS_ENDPOINT_URL").ok().as_deref())),
    }
}

/// Whether the cause is the connection, not an answer.
pub fn is_unreached(error: &(dyn Error + 'static)) -> bool {
    sources(error).any(|source| source.is::<ConnectorError>())
}

/// The error of a credentials provider: the answer of a service such as STS, or else no answer, which counts as
/// temporary.
fn of_provider(error: &(dyn Error + 'static)) -> Refused {
    let answer = sources(error).find_map(|source| {
        let by_token = source.downcast_ref::<AssumeRoleWithWebIdentityError>().map(ProvideErrorMetadata::meta);
        let by_role = source.downcast_ref::<AssumeRoleError>().map(ProvideErrorMetadata::meta);
        by_token.or(by_role).or_else(|| source.downcast_ref::<ErrorMetadata>()).filter(|meta| meta.code().is_some())
    });
    match answer {
        Some(answer) => {
            let message = answer.message().or(answer.code()).unwrap_or_default();
            let fix = advice::of_clock(answer.code(), message, None, Timestamp::now());
            let fix = fix.or_else(|| advice::of_policy(message)).or_else(|| advice::of_end(answer.code()));
            Refused { kind: kind_of_provider(answer.code()), message: format!("no credentials: {message}"), fix }
        }
        None => Refused { kind: SourceErrorKind::ServiceError, message: chain(error), fix: None },
    }
}

fn kind_of_provider(code: Option<&str>) -> SourceErrorKind {
    match code {
        Some("InvalidIdentityToken" | "IDPRejectedClaim") => SourceErrorKind::InvalidCredentials,
        code => kind_of(code, None),
    }
}

pub fn sources<'a>(error: &'a (dyn Error + 'static)) -> impl Iterator<Item = &'a (dyn Error + 'static)> {
    std::iter::successors(Some(error), |error: &&'a (dyn Error + 'static)| (*error).source())
}

/// The chain of causes in one line, each text once. The SDK's outermost text only says that a call failed, so it is
/// left out if there is a cause.
pub fn chain(error: &(dyn Error + 'static)) -> String {
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

    /// The errors have the form in which the web identity provider passes on STS's answer.
    #[test]
    fn a_credentials_providers_error_is_classified_by_the_code_of_sts() {
        use SourceErrorKind::{AccessDenied, InvalidCredentials, ServiceError, Throttled};
        for (code, kind) in [
            (Some("Throttling"), Throttled),
            (Some("AccessDenied"), AccessDenied),
            (Some("ExpiredTokenException"), InvalidCredentials),
            (Some("IDPCommunicationError"), ServiceError),
            (Some("InternalFailure"), ServiceError),
        ] {
            let answer = ErrorMetadata::builder().code(code.unwrap_or_default()).message("as STS says").build();
            let error = CredentialsError::provider_error(answer);
            let Refused { kind: judged, message, fix: _ } = without_answer(&error);
            assert_eq!((judged, message), (kind, "no credentials: as STS says".to_owned()), "{code:?}");
        }
        let unreached = CredentialsError::provider_error("connection refused");
        assert_eq!(without_answer(&unreached).kind, ServiceError);
        assert_eq!(without_answer(&CredentialsError::not_loaded("none")).kind, InvalidCredentials);
    }

    #[test]
    fn each_code_and_status_has_one_kind() {
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
