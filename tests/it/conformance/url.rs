//! Presigned URLs are compared by bucket, key and lifetime, because two URLs for one object are never equal.

use serde_json::{Value, json};

/// `body` with its url in parts. `made_at`: when it was signed, in seconds since 1970. `None` omits the lifetime.
pub fn normal(body: &Value, made_at: Option<i64>) -> Value {
    let mut body = body.clone();
    if let Some(url) = body["imageConfiguration"]["url"].as_str() {
        body["imageConfiguration"]["url"] = parts(url, made_at);
    }
    body
}

fn parts(url: &str, made_at: Option<i64>) -> Value {
    let (place, query) = url.split_once('?').unwrap_or((url, ""));
    let Some((scheme, rest)) = place.split_once("://") else { return json!({"word": url}) };
    let path = if scheme == "s3" { rest } else { rest.split_once('/').map_or("", |(_, path)| path) };
    let (bucket, key) = path.split_once('/').unwrap_or((path, ""));
    json!({"bucket": bucket, "key": key, "lifetime": made_at.and_then(|at| lifetime(query, at))})
}

/// In minutes, to the nearest five: a SigV2 URL has only an end time, and the answer comes some seconds after signing.
fn lifetime(query: &str, made_at: i64) -> Option<i64> {
    let parameter = |name: &str| query.split('&').find_map(|pair| pair.strip_prefix(name)?.strip_prefix('='));
    let seconds = match (parameter("X-Amz-Expires"), parameter("Expires")) {
        (Some(lifetime), _) => lifetime.parse::<i64>().ok()?,
        (None, Some(end)) => end.parse::<i64>().ok()? - made_at,
        (None, None) => return None,
    };
    Some((seconds + 150) / 300 * 5)
}
