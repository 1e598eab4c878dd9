//! The parameters of a request, by the rules of the official program's server: unknown ones are ignored, and of a repeated
//! one the last counts.

use crate::describe_image::image_id::PATTERN;
use crate::describe_image::image_logs::LogQuery;
use crate::describe_image::list_images::StatusFilter;
use crate::describe_image::{ApiError, ImageId};
use jiff::Timestamp;
use jiff::civil::DateTime;
use jiff::tz::TimeZone;

/// The query of a URL, decoded.
pub struct Query(Vec<(String, String)>);

impl Query {
    pub fn parse(text: Option<&str>) -> Self {
        Self(form_urlencoded::parse(text.unwrap_or_default().as_bytes()).into_owned().collect())
    }

    fn raw(&self, name: &str) -> Option<&str> {
        self.0.iter().rfind(|(key, _)| key == name).map(|(_, value)| value.as_str())
    }

    /// A parameter that is text. Empty text counts as none.
    fn text(&self, name: &str) -> Option<&str> {
        self.raw(name).filter(|value| !value.is_empty())
    }

    pub fn region(&self) -> Option<&str> {
        self.text("region")
    }

    /// A token of AWS, passed on as it is.
    pub fn token(&self) -> Option<String> {
        self.text("nextToken").map(str::to_owned)
    }

    /// # Errors
    /// If it is missing, or not one of the API's.
    pub fn image_status(&self) -> Result<StatusFilter, ApiError> {
        match self.raw("imageStatus") {
            Some("AVAILABLE") => Ok(StatusFilter::Available),
            Some("PENDING") => Ok(StatusFilter::Pending),
            Some("FAILED") => Ok(StatusFilter::Failed),
            Some(other) => {
                let why = format!("'{other}' is not one of ['AVAILABLE', 'PENDING', 'FAILED']");
                Err(ApiError::bad_request(why))
            }
            None => Err(ApiError::bad_request("Missing query parameter 'imageStatus'")),
        }
    }

    /// The types of the parameters of a log: `limit` and `startFromHead`. The server looks at them before the path.
    ///
    /// # Errors
    /// If one is not of its type.
    pub fn log_types(&self) -> Result<(Option<i128>, bool), ApiError> {
        let wrong = |expected: &str, name: &str| {
            ApiError::bad_request(format!("Wrong type, expected '{expected}' for query parameter '{name}'"))
        };
        let from_head = match self.raw("startFromHead").map(str::to_ascii_lowercase).as_deref() {
            None | Some("false") => false,
            Some("true") => true,
            Some(_) => return Err(wrong("boolean", "startFromHead")),
        };
        let limit = self.raw("limit").map(|limit| limit.trim().parse().map_err(|_| wrong("integer", "limit")));
        Ok((limit.transpose()?, from_head))
    }

    /// Which part of a log is asked for.
    ///
    /// # Errors
    /// If it cannot be: its times are in the wrong order or are no times, or its limit is negative.
    pub fn log(&self, (limit, from_head): (Option<i128>, bool)) -> Result<LogQuery, ApiError> {
        let (since, until) = (self.time("startTime", "start_time")?, self.time("endTime", "end_time")?);
        if since.zip(until).is_some_and(|(since, until)| since >= until) {
            return Err(ApiError::bad_request("start_time filter must be earlier than end_time filter."));
        }
        // For the server, 0 is no limit.
        let limit = limit.filter(|limit| *limit != 0);
        if limit.is_some_and(|limit| limit < 0) {
            return Err(ApiError::bad_request("'limit' must be a positive integer."));
        }
        let limit = limit.map(|limit| i32::try_from(limit).unwrap_or(i32::MAX));
        Ok(LogQuery { since, until, limit, from_head, token: self.token() })
    }

    fn time(&self, name: &str, in_words: &str) -> Result<Option<Timestamp>, ApiError> {
        let wrong = || {
            ApiError::bad_request(format!(
                "{in_words} filter must be in the ISO 8601 format: YYYY-MM-DDThh:mm:ssZ. (e.g. 1984-09-15T19:20:30Z or 1984-09-15)."
            ))
        };
        self.text(name).map(|text| time(text).ok_or_else(wrong)).transpose()
    }
}

/// A time of ISO 8601: a date, or a date with a time, in UTC unless it says another offset.
fn time(text: &str) -> Option<Timestamp> {
    let local = || text.parse::<DateTime>().ok()?.to_zoned(TimeZone::UTC).ok();
    text.parse().ok().or_else(|| Some(local()?.timestamp()))
}

/// The image id of a path. One of a single letter is valid in AWS, and not for the server.
///
/// # Errors
/// If it does not match the API's pattern.
pub fn image_id(text: &str) -> Result<ImageId, ApiError> {
    let refused = |pattern: &str| ApiError::bad_request(format!("'{text}' does not match '{pattern}'"));
    match ImageId::parse(text) {
        Ok(id) if id.as_str().len() > 1 => Ok(id),
        Ok(_) => Err(refused(PATTERN)),
        Err(error) => Err(refused(error.broken_pattern())),
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn log(query: &str) -> Result<LogQuery, String> {
        let query = Query::parse(Some(query));
        query.log_types().and_then(|types| query.log(types)).map_err(|error| error.message)
    }

    #[test]
    fn the_last_of_repeated_parameters_counts_and_unknown_ones_are_ignored() {
        let query = Query::parse(Some("region=us-east-1&foo=bar&region=eu-west-1&nextToken="));
        assert_eq!((query.region(), query.token()), (Some("eu-west-1"), None));
    }

    #[test]
    fn a_time_is_a_date_or_a_date_with_a_time_and_perhaps_an_offset() {
        for (text, expected) in [
            ("2026-01-02", "2026-01-02T00:00:00Z"),
            ("2026-01-02T03:04:05", "2026-01-02T03:04:05Z"),
            ("2026-01-02 03:04", "2026-01-02T03:04:00Z"),
            ("2026-01-02T03:04:05.678Z", "2026-01-02T03:04:05.678Z"),
            ("2026-01-02T03:04:05+02:00", "2026-01-02T01:04:05Z"),
        ] {
            assert_eq!(time(text), Some(expected.parse().unwrap()), "{text}");
        }
        for text in ["abc", "1700000000", "2026-13-01", ""] {
            assert_eq!(time(text), None, "{text}");
        }
    }

    #[test]
    fn a_limit_of_zero_is_none_and_a_negative_one_is_refused() {
        assert_eq!(log("limit=0").unwrap().limit, None);
        assert_eq!(log("limit=5&startFromHead=True").map(|log| (log.limit, log.from_head)), Ok((Some(5), true)));
        assert!(log("limit=-1").unwrap_err().contains("positive integer"));
        assert!(log("limit=1.5").unwrap_err().contains("expected 'integer'"));
        assert!(log("startFromHead=1").unwrap_err().contains("expected 'boolean'"));
        assert!(log("startTime=2026-01-02&endTime=2026-01-02").unwrap_err().contains("earlier"));
    }

    proptest! {
        #[test]
        fn any_query_is_an_answer(text in ".{0,200}") {
            let query = Query::parse(Some(&text));
            let _ = (query.region(), query.token(), query.image_status(), log(&text));
        }
    }
}
