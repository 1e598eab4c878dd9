//! A presigned URL: which object it opens, and until when.

use super::image_config::ConfigObject;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A URL that is kept is good for at least this long.
const SPARE: SignedDuration = SignedDuration::from_mins(5);

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
