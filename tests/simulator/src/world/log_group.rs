//! A CloudWatch Logs log group, its streams and their events.

use serde::{Deserialize, Serialize};

use super::Millis;

/// Identity: account, region, `name`.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogGroup {
    pub account: String,
    pub region: String,
    pub name: String,
    /// 0: that of the oldest stream.
    pub creation_time: Option<Millis>,
    pub streams: Vec<LogStream>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogStream {
    pub name: String,
    /// 0: that of the oldest event.
    pub creation_time: Option<Millis>,
    /// AWS still sends one, and no longer reads it.
    pub upload_sequence_token: Option<String>,
    /// In any order. GetLogEvents sorts them by time; those of one time stay in this order.
    pub events: Vec<LogEvent>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct LogEvent {
    pub timestamp: Millis,
    pub message: String,
    /// 0: the same as `timestamp`.
    pub ingestion_time: Option<Millis>,
}

impl Default for LogGroup {
    fn default() -> Self {
        Self {
            account: String::new(),
            region: String::new(),
            name: String::new(),
            creation_time: Some(Millis(0)),
            streams: Vec::new(),
        }
    }
}

impl Default for LogStream {
    fn default() -> Self {
        Self {
            name: String::new(),
            creation_time: Some(Millis(0)),
            upload_sequence_token: Some("49039859567000000000000000000000000000000000000000000002".into()),
            events: Vec::new(),
        }
    }
}

impl Default for LogEvent {
    fn default() -> Self {
        Self { timestamp: Millis(0), message: String::new(), ingestion_time: Some(Millis(0)) }
    }
}

impl LogEvent {
    pub fn new(timestamp: Millis, message: impl Into<String>) -> Self {
        Self { timestamp, message: message.into(), ..Self::default() }
    }
}

impl LogGroup {
    /// The stream with this name. It is added if there is none.
    pub fn stream(&mut self, name: &str) -> &mut LogStream {
        let index = self.streams.iter().position(|stream| stream.name == name).unwrap_or_else(|| {
            self.streams.push(LogStream { name: name.into(), ..LogStream::default() });
            self.streams.len() - 1
        });
        &mut self.streams[index]
    }
}
