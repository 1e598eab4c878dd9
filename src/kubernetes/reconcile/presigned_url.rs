//! Puts a presigned URL into the response. The URL in the status stays until it is about to expire, so that not every
//! reconcile writes a new one.

use crate::describe_image::image_config::{self, NOT_AVAILABLE};
use crate::describe_image::presigned_url::{end, kept_until};
use crate::describe_image::source::ImageConfigSource;
use crate::describe_image::{DescribeImageResponse, Observation, Scope};
use crate::kubernetes::custom_image::CustomImageStatus;
use jiff::{SignedDuration, Timestamp};

/// Puts a presigned URL into `response`, and keeps the current one while it is valid. Returns when to sign again.
pub async fn put(
    response: &mut DescribeImageResponse,
    observation: &Observation,
    scope: &Scope,
    previous: &CustomImageStatus,
    source: &impl ImageConfigSource,
    now: Timestamp,
) -> Option<Timestamp> {
    let object = image_config::config_object(observation, &scope.region)?;
    let current = previous.image_configuration.as_ref().map(|configuration| configuration.url.clone());
    let kept = current.as_ref().and_then(|url| Some((kept_until(url, &object, now)?, url)));
    if let Some((until, url)) = kept {
        response.image_configuration.url.clone_from(url);
        return Some(until);
    }
    if let Some(url) = source.presigned_url(scope, &object).await {
        response.image_configuration.url = url;
        let until = kept_until(&response.image_configuration.url, &object, now);
        // A URL expires with the credentials that signed it. If that is soon, `kept_until` returns `None`.
        return until.or_else(|| now.checked_add(SignedDuration::from_mins(1)).ok());
    }
    // If the bucket cannot be used for a moment, the current URL stays until it expires.
    let current = current.filter(|url| end(url, &object).is_some_and(|end| now < end));
    response.image_configuration.url = current.unwrap_or_else(|| NOT_AVAILABLE.to_owned());
    now.checked_add(SignedDuration::from_mins(1)).ok()
}
