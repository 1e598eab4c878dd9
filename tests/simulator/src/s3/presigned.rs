//! The expiry of presigned URLs: SigV4's date and lifetime, or SigV2's time of expiry.

use jiff::{SignedDuration, Timestamp, civil::DateTime, tz::TimeZone};

use crate::clock::written;
use crate::request::Request;
use crate::service::ServiceError;

pub fn check(request: &Request, now: Timestamp) -> Result<(), ServiceError> {
    let Some(expires) = expiry(request)? else {
        return Ok(());
    };
    if now <= expires {
        return Ok(());
    }
    let error = ServiceError::new(403, "AccessDenied", "Request has expired");
    Err(error.detail("Expires", &written(expires)).detail("ServerTime", &written(now)))
}

/// `None` if the request is not presigned.
fn expiry(request: &Request) -> Result<Option<Timestamp>, ServiceError> {
    if request.query("AWSAccessKeyId").is_some() {
        let seconds = request.query("Expires").and_then(|it| it.parse().ok());
        let expires = seconds.and_then(|seconds| Timestamp::from_second(seconds).ok());
        return expires.map(Some).ok_or_else(|| malformed("Expires"));
    }
    if request.query("X-Amz-Credential").is_none() {
        return Ok(None);
    }
    let signed = signed(request).ok_or_else(|| malformed("X-Amz-Date"))?;
    let lifetime = request.query("X-Amz-Expires").and_then(|it| it.parse().ok());
    let lifetime = lifetime.filter(|seconds| (0..=604_800).contains(seconds));
    let expires = lifetime.and_then(|seconds| signed.checked_add(SignedDuration::from_secs(seconds)).ok());
    expires.map(Some).ok_or_else(|| malformed("X-Amz-Expires"))
}

fn signed(request: &Request) -> Option<Timestamp> {
    let date = DateTime::strptime("%Y%m%dT%H%M%SZ", request.query("X-Amz-Date")?).ok()?;
    Some(date.to_zoned(TimeZone::UTC).ok()?.timestamp())
}

fn malformed(name: &str) -> ServiceError {
    ServiceError::new(400, "AuthorizationQueryParametersError", format!("{name} is malformed"))
}
