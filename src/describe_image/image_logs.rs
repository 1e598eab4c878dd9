//! The answers of the API about a build's logs and its stack's events: listImageLogStreams, getImageLogEvents and
//! getImageStackEvents.

use jiff::Timestamp;
use serde::Serialize;

/// A line of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct LogEvent {
    pub message: String,
    /// UTC, with milliseconds.
    pub timestamp: String,
}

/// A part of a log. The tokens are for the parts after and before it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogEvents {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub prev_token: Option<String>,
    pub events: Vec<LogEvent>,
}

/// A part of a log that was asked for.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum LogPart {
    Events(LogEvents),
    /// The log group has no such stream.
    NoStream,
    /// There is no such log group.
    NoGroup,
}

impl LogPart {
    /// `None` if there is no such log.
    #[must_use]
    pub fn events(self) -> Option<LogEvents> {
        match self {
            Self::Events(events) => Some(events),
            Self::NoStream | Self::NoGroup => None,
        }
    }
}

/// A log of an image's builds. Times are UTC, with milliseconds. The API requires every field.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogStream {
    pub log_stream_name: String,
    pub creation_time: String,
    pub first_event_timestamp: String,
    pub last_event_timestamp: String,
    pub last_ingestion_time: String,
    /// Empty if AWS has none: clients that are made from the API's specification refuse a log without it.
    pub upload_sequence_token: String,
    pub log_stream_arn: String,
}

/// A page of the logs of an image's builds.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct LogStreams {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    pub log_streams: Vec<LogStream>,
}

/// An event of a stack.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackEvent {
    pub event_id: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub physical_resource_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_status: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_status_reason: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub client_request_token: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_properties: Option<String>,
    pub stack_id: String,
    pub stack_name: String,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub logical_resource_id: Option<String>,
    #[serde(skip_serializing_if = "Option::is_none")]
    pub resource_type: Option<String>,
    /// UTC, with milliseconds.
    pub timestamp: String,
}

/// Events of a stack, the newest first.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
#[serde(rename_all = "camelCase")]
pub struct StackEvents {
    #[serde(skip_serializing_if = "Option::is_none")]
    pub next_token: Option<String>,
    pub events: Vec<StackEvent>,
}

/// Which part of a log is read.
#[derive(Clone, Debug, Default)]
pub struct LogQuery {
    /// From this time on.
    pub since: Option<Timestamp>,
    /// Before this time.
    pub until: Option<Timestamp>,
    /// At most so many events. `None`: as many as fit.
    pub limit: Option<i32>,
    /// Begin with the oldest event, not with the newest ones.
    pub from_head: bool,
    /// The part that a token names.
    pub token: Option<String>,
}

impl StackEvent {
    /// Whether it tells of a failure.
    #[must_use]
    pub fn tells_of_failure(&self) -> bool {
        self.resource_status.as_deref().is_some_and(|status| status.ends_with("_FAILED"))
    }

    /// Whether it is the last event of its stack: the stack itself has come to an end.
    #[must_use]
    pub fn ends_the_stack(&self) -> bool {
        let status = self.resource_status.as_deref().unwrap_or_default();
        self.physical_resource_id.as_ref() == Some(&self.stack_id) && !status.ends_with("_IN_PROGRESS")
    }
}
