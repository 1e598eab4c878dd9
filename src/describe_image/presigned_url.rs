//! Presigned URLs: which object one opens, and when it expires.

use super::image_config::ConfigObject;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;
use jiff::{SignedDuration, Timestamp};

/// A URL in the status stays only if it is valid for longer than this.
const SPARE: SignedDuration = SignedDuration::from_mins(5);

/// Until when `url` may stay in the status. `None` if it opens another object, is not a presigned URL, or expires soon.
#[must_use]
pub fn kept_until(url: &str, object: &ConfigObject, now: Timestamp) -> Option<Timestamp> {
    let until = end(url, object)?.checked_sub(SPARE).ok()?;
    (now < until).then_some(until)
}

/// When `url` expires. `None` if it is not a presigned URL of `object`.
#[must_use]
pub fn end(url: &str, object: &ConfigObject) -> Option<Timestamp> {
    let (place, query) = url.split_once('?')?;
    // S3 puts the bucket into the host or into the path. Signing may percent-encode the key.
    let plain_place = place.replace("%3A", ":").replace("%2B", "+").replace("%40", "@");
    let names_bucket = [".", "/"].iter().any(|end| place.contains(&format!("/{}{end}", object.bucket)));
    if !plain_place.ends_with(&format!("/{}", object.key.replace(' ', "%20"))) || !names_bucket {
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
    fn a_url_is_kept_until_five_minutes_before_it_expires() {
        let until = Some(at("2026-11-24T10:55:00Z"));
        assert_eq!(kept_until(URL, &object("b", "d/k.yaml"), at("2026-11-24T10:00:01Z")), until);
        assert_eq!(kept_until(URL, &object("b", "d/k.yaml"), at("2026-11-24T10:55:00Z")), None);
    }

    #[test]
    fn a_url_that_is_not_a_presigned_url_of_the_object_is_not_kept() {
        let now = at("2026-11-24T10:00:01Z");
        assert_eq!(kept_until(URL, &object("other", "d/k.yaml"), now), None);
        assert_eq!(kept_until(URL, &object("s3", "d/k.yaml"), now), None);
        assert_eq!(kept_until(URL, &object("b", "e/k.yaml"), now), None);
        for url in ["NOT_AVAILABLE", "s3://b/d/k.yaml", "https://b/d/k.yaml?X-Amz-Date=no&X-Amz-Expires=1", "?"] {
            assert_eq!(kept_until(url, &object("b", "d/k.yaml"), now), None, "{url}");
        }
    }
}
