//! The parsers of the settings' values.

use crate::aws::TrustedCa;
use crate::describe_image::Region;
use crate::describe_image::scope::{IDENTITY_PATTERN, is_identity_name};
use jiff::SignedDuration;
use std::path::PathBuf;
use std::time::Duration;
use tracing_subscriber::EnvFilter;

/// Parses a positive duration with its unit: 30s, 10m, 2h, 500ms, 1h30m; at most a year.
pub fn duration(text: &str) -> Result<Duration, String> {
    const YEAR: SignedDuration = SignedDuration::from_hours(365 * 24);
    let duration: SignedDuration =
        text.parse().map_err(|_| "not a duration with its unit, such as 30s, 10m or 2h".to_owned())?;
    match Duration::try_from(duration) {
        Ok(positive) if !positive.is_zero() && duration <= YEAR => Ok(positive),
        Ok(_) | Err(_) => Err("must be more than zero and at most a year".to_owned()),
    }
}

/// An optional setting. An empty variable counts as unset, because templates render a missing value as an empty string.
#[derive(Clone, Debug)]
pub struct Maybe<T>(pub Option<T>);

fn maybe<T>(text: &str, parse: impl FnOnce(&str) -> Result<T, String>) -> Result<Maybe<T>, String> {
    if text.is_empty() { Ok(Maybe(None)) } else { parse(text).map(|value| Maybe(Some(value))) }
}

pub fn region(name: &str) -> Result<Maybe<Region>, String> {
    maybe(name, |name| Region::parse(name).map_err(|error| format!("{error}; a region has a name such as eu-west-1")))
}

pub fn namespace(name: &str) -> Result<Maybe<String>, String> {
    maybe(name, |name| Ok(name.trim().to_owned()))
}

pub fn identity(name: &str) -> Result<String, String> {
    let wrong = || format!("must be a name in the operator's configuration, {IDENTITY_PATTERN}");
    is_identity_name(name).then(|| name.to_owned()).ok_or_else(wrong)
}

pub fn file(path: &str) -> Result<Maybe<PathBuf>, String> {
    maybe(path, |path| Ok(path.into()))
}

pub fn log_filter(filter: &str) -> Result<String, String> {
    EnvFilter::try_new(filter).map(|_| filter.to_owned()).map_err(|error| error.to_string())
}

pub fn trusted_ca(path: &str) -> Result<Maybe<TrustedCa>, String> {
    maybe(path, |path| {
        let pem = std::fs::read(path).map_err(|error| error.to_string())?;
        TrustedCa::parse(&pem).map_err(|error| error.to_string())
    })
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_duration_needs_a_unit_and_is_positive() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "30", "0s", "-1s", "soon", "9999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
