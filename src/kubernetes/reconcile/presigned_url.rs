//! A presigned URL in a status is kept until it is close to its end, so that it is not a write at each look.

use crate::describe_image::image_config::{self, ConfigObject, NOT_AVAILABLE};
use crate::describe_image::source::ImageConfigSource;
use crate::describe_image::{DescribeImageResponse, Observation, Scope};
use crate::kubernetes::custom_image::CustomImageStatus;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A kept URL is good for at least this long.
const SPARE: SignedDuration = SignedDuration::from_mins(5);

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

/// Until when `url` may stay in the status: `None` when it is another object's, or no presigned URL, or nearly over.
#[must_use]
pub fn kept_until(url: &str, object: &ConfigObject, now: Timestamp) -> Option<Timestamp> {
    let until = end(url, object)?.checked_sub(SPARE).ok()?;
    (now < until).then_some(until)
}

/// When `url` ends to open `object`, `None` when it never did.
#[must_use]
pub fn end(url: &str, object: &ConfigObject) -> Option<Timestamp> {
    let (place, query) = url.split_once('?')?;
    // S3 puts the bucket into the host or into the path; signing may escape the key.
    let plain_place = place.replace("%3A", ":").replace("%2B", "+").replace("%40", "@");
    if !plain_place.ends_with(&format!("/{}", object.key.replace(' ', "%20"))) || !place.contains(&object.bucket) {
        return None;
    }
    let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let signed_at = DateTime::strptime("%Y%m%dT%H%M%SZ", parameter("X-Amz-Date")?).ok()?;
    let lifetime = SignedDuration::from_secs(parameter("X-Amz-Expires")?.parse().ok()?);
    signed_at.to_zoned(TimeZone::UTC).ok()?.timestamp().checked_add(lifetime).ok()
}

#[cfg(test)]
mod tests {
    use super::*;

    const URL: &str = "https://b.s3.eu-west-1.amazonaws.com/d/k.yaml?X-Amz-Date=20261124T100000Z&X-Amz-Expires=3600&X-Amz-Signature=x";

    fn object(bucket: &str, key: &str) -> ConfigObject {
        ConfigObject { bucket: bucket.into(), key: key.into(), expected_owner: None }
    }

    fn at(time: &str) -> Timestamp {
        time.parse().unwrap()
    }

    #[test]
    fn a_url_is_kept_until_shortly_before_its_end() {
        let until = Some(at("2026-11-24T10:55:00Z"));
        assert_eq!(kept_until(URL, &object("b", "d/k.yaml"), at("2026-11-24T10:00:01Z")), until);
        assert_eq!(kept_until(URL, &object("b", "d/k.yaml"), at("2026-11-24T10:55:00Z")), None);
    }

    #[test]
    fn a_url_of_another_object_or_of_another_kind_is_not_kept() {
        let now = at("2026-11-24T10:00:01Z");
        assert_eq!(kept_until(URL, &object("other", "d/k.yaml"), now), None);
        assert_eq!(kept_until(URL, &object("b", "e/k.yaml"), now), None);
        for url in ["NOT_AVAILABLE", "s3://b/d/k.yaml", "https://b/d/k.yaml?X-Amz-Date=no&X-Amz-Expires=1", "?"] {
            assert_eq!(kept_until(url, &object("b", "d/k.yaml"), now), None, "{url}");
        }
    }
}
