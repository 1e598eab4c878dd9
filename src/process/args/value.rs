//! The parsers of the settings' values.

use crate::aws::TrustedCa;
use crate::describe_image::Region;
use crate::describe_image::scope::{IDENTITY_PATTERN, is_identity_name};
use jiff::SignedDuration;
use std::net::SocketAddr;
use std::path::PathBuf;
use std::time::Duration;
use tracing::level_filters::LevelFilter;
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
    maybe(name.trim(), |name| {
        let is_label = is_label(name) && name.len() <= 63;
        let wrong = "a namespace has small letters, digits and hyphens, at most 63, such as hpc-images";
        is_label.then(|| name.to_owned()).ok_or_else(|| wrong.to_owned())
    })
}

/// The name of an object.
pub fn name(name: &str) -> Result<String, String> {
    let is_name = name.split('.').all(is_label) && name.len() <= 253;
    let wrong = "a name has small letters, digits, hyphens and dots, at most 253, such as hpc-base";
    is_name.then(|| name.to_owned()).ok_or_else(|| wrong.to_owned())
}

pub fn maybe_name(text: &str) -> Result<Maybe<String>, String> {
    maybe(text, name)
}

/// Whether it has only small letters and digits, and hyphens between them.
fn is_label(name: &str) -> bool {
    let is_alphanumeric = |c: char| c.is_ascii_lowercase() || c.is_ascii_digit();
    let is_inside = |c: char| is_alphanumeric(c) || c == '-';
    name.starts_with(is_alphanumeric) && name.ends_with(is_alphanumeric) && name.chars().all(is_inside)
}

pub fn identity(name: &str) -> Result<String, String> {
    let wrong = || format!("must be a name in the operator's configuration, {IDENTITY_PATTERN}");
    is_identity_name(name).then(|| name.to_owned()).ok_or_else(wrong)
}

pub fn address(text: &str) -> Result<Maybe<SocketAddr>, String> {
    maybe(text, |text| text.parse().map_err(|_| "not an address with a port, such as [::]:8443".to_owned()))
}

pub fn file(path: &str) -> Result<Maybe<PathBuf>, String> {
    maybe(path, |path| Ok(path.into()))
}

/// A level, or `TARGET=LEVEL`, several separated by commas. The library takes any other word for a target, and so for
/// silence about everything else.
pub fn log_filter(filter: &str) -> Result<String, String> {
    for directive in filter.split(',') {
        let (target, level) = directive.rsplit_once('=').unwrap_or(("", directive));
        let is_target = target.chars().all(|c| c.is_ascii_alphanumeric() || "_-:".contains(c));
        if !is_target || (target.is_empty() && directive.contains('=')) {
            return Err(format!("{directive:?} is not TARGET=LEVEL, such as customimage_operator=debug"));
        }
        if level.is_empty() || level.bytes().all(|byte| byte.is_ascii_digit()) || level.parse::<LevelFilter>().is_err()
        {
            return Err(format!("{level:?} is no level: use off, error, warn, info, debug or trace"));
        }
    }
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
    fn a_word_that_is_no_level_is_refused_and_not_taken_for_a_target() {
        for filter in ["info", "WARN", "off", "warn,customimage_operator=debug", "info,kube::client=trace"] {
            assert_eq!(log_filter(filter).as_deref(), Ok(filter));
        }
        for filter in ["warning", "", "info,", "verbose", "a=b=c", "=info", "info,kube", "1", "a[b{c=d}]=info"] {
            assert!(log_filter(filter).is_err(), "{filter}");
        }
        assert!(log_filter("warning").unwrap_err().contains("warn"), "the error says the right word");
    }

    #[test]
    fn a_namespace_that_cannot_exist_is_refused() {
        for name in ["hpc", "a", "hpc-1", " hpc "] {
            assert_eq!(namespace(name).unwrap().0.as_deref(), Some(name.trim()));
        }
        assert_eq!(namespace("").unwrap().0, None);
        for name in ["Foo Bar", "foo bar", "-a", "a-", "a.b", "a/b", "é", &"a".repeat(64)] {
            assert!(namespace(name).is_err(), "{name}");
        }
        assert!(super::name("a.b-c").is_ok() && super::name("a..b").is_err());
    }

    #[test]
    fn a_duration_needs_a_unit_and_is_positive() {
        assert_eq!(duration("1h30m"), Ok(Duration::from_secs(5400)));
        assert_eq!(duration("500ms"), Ok(Duration::from_millis(500)));
        for text in ["", "30", "0s", "-1s", "soon", "9999999h"] {
            assert!(duration(text).is_err(), "{text}");
        }
    }
}
