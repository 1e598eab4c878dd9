//! A time of CloudWatch Logs: milliseconds since 1970. A world may also have it in RFC 3339.

use jiff::Timestamp;
use serde::{Deserialize, Serialize};

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
#[serde(try_from = "Written", into = "u64")]
pub struct Millis(pub u64);

impl Millis {
    /// `None` if `time` is not in RFC 3339, or before 1970.
    pub(crate) fn of(time: &str) -> Option<Self> {
        let time: Timestamp = time.parse().ok()?;
        u64::try_from(time.as_millisecond()).ok().map(Self)
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a time is milliseconds since 1970, or RFC 3339")]
enum Written {
    Millis(u64),
    Text(String),
}

impl TryFrom<Written> for Millis {
    type Error = String;

    fn try_from(written: Written) -> Result<Self, Self::Error> {
        match written {
            Written::Millis(millis) => Ok(Self(millis)),
            Written::Text(text) => Self::of(&text).ok_or_else(|| format!("{text:?} is not a time in RFC 3339")),
        }
    }
}

impl From<Millis> for u64 {
    fn from(millis: Millis) -> Self {
        millis.0
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_time_is_a_number_or_rfc_3339_and_is_written_as_a_number() {
        let read = |json: &str| serde_json::from_str::<Millis>(json);
        assert_eq!(read("\"2025-03-01T12:00:00.123Z\"").unwrap(), Millis(1_740_830_400_123));
        assert_eq!(serde_json::to_string(&read("7").unwrap()).unwrap(), "7");
        assert!(read("\"yesterday\"").unwrap_err().to_string().contains("yesterday"));
    }
}
