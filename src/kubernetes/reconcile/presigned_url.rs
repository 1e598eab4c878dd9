//! The presigned URL in a status stays until it is close to its end, so that it is not a write at each reconcile.

use crate::describe_image::image_config::{self, NOT_AVAILABLE};
use crate::describe_image::presigned_url::{end, kept_until};
use crate::describe_image::source::ImageConfigSource;
use crate::describe_image::{DescribeImageResponse, Observation, Scope};
use crate::kubernetes::custom_image::CustomImageStatus;
use jiff::{SignedDuration, Timestamp};

/// Puts a presigned URL into the response; the one that stands stays while it is good. Gives its end.
pub async fn put(
    response: &mut DescribeImageResponse,
    observation: &Observation,
    scope: &Scope,
    previous: &CustomImageStatus,
    source: &impl ImageConfigSource,
) -> Option<Timestamp> {
    let object = image_config::config_object(observation, &scope.region)?;
    let standing = previous.image_configuration.as_ref().map(|configuration| configuration.url.clone());
    let now = Timestamp::now();
    let kept = standing.as_ref().and_then(|url| Some((kept_until(url, &object, now)?, url)));
    if let Some((until, url)) = kept {
        response.image_configuration.url.clone_from(url);
        return Some(until);
    }
    if let Some(url) = source.presigned_url(scope, &object).await {
        response.image_configuration.url = url;
        let until = kept_until(&response.image_configuration.url, &object, now);
        // One that ends at once, with credentials that are about to.
        return until.or_else(|| now.checked_add(SignedDuration::from_mins(1)).ok());
    }
    // A bucket that cannot be used for a moment takes nothing from the URL that stands.
    let standing = standing.filter(|url| end(url, &object).is_some_and(|end| now < end));
    response.image_configuration.url = standing.unwrap_or_else(|| NOT_AVAILABLE.to_owned());
    now.checked_add(SignedDuration::from_mins(1)).ok()
}
