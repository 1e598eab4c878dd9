//! When a token ends. Only a token that the API server has accepted is looked at.

use base64::Engine as _;
use base64::prelude::BASE64_URL_SAFE_NO_PAD;
use jiff::Timestamp;
use serde::Deserialize;
use std::time::Duration;

#[derive(Deserialize)]
struct Claims {
    exp: f64,
}

/// The time until `token` ends. `None` if it does not say, as an opaque token.
pub fn time_left(token: &str) -> Option<Duration> {
    let payload = token.split('.').nth(1)?;
    let claims: Claims = serde_json::from_slice(&BASE64_URL_SAFE_NO_PAD.decode(payload).ok()?).ok()?;
    let left = claims.exp - Timestamp::now().as_duration().as_secs_f64();
    // More than a year is as good as none.
    Some(Duration::from_secs_f64(left.clamp(0.0, 3e7)))
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_token_says_when_it_ends() {
        let token = |claims: &str| format!("e30.{}.sig", BASE64_URL_SAFE_NO_PAD.encode(claims));
        let now = Timestamp::now().as_second();
        let left = time_left(&token(&format!(r#"{{"exp": {}}}"#, now + 60))).unwrap().as_secs();
        assert!((58..=60).contains(&left), "{left}");
        assert_eq!(time_left(&token(&format!(r#"{{"exp": {}}}"#, now - 60))), Some(Duration::ZERO));
        for token in ["opaque", "a.b.c", &token("{}"), &token(r#"{"exp": "soon"}"#), ""] {
            assert_eq!(time_left(token), None, "{token}");
        }
    }
}
