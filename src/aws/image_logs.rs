//! CloudWatch Logs: the log of an image build.

use super::error::{is_missing, required, source_error};
use crate::describe_image::image_logs::{self, LogEvent, LogEvents, LogPart, LogQuery, LogStreams};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::describe_image::wire_time;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::error::ProvideErrorMetadata;
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsError;
use aws_sdk_cloudwatchlogs::types::{LogStream, OrderBy, OutputLogEvent};
use jiff::Timestamp;

/// The IAM names of the calls.
pub const GET_LOG_EVENTS: &str = "logs:GetLogEvents";
pub const DESCRIBE_LOG_STREAMS: &str = "logs:DescribeLogStreams";

/// The name of the stream that was written last. `None` if there is no such group, or no stream in it.
pub async fn newest_stream(client: &Client, group_arn: &str) -> Result<Option<String>, SourceError> {
    let call = client.describe_log_streams().log_group_identifier(group_arn).limit(1);
    match call.order_by(OrderBy::LastEventTime).descending(true).send().await {
        Ok(reply) => Ok(listed(reply.log_streams)?.into_iter().next().and_then(|one| one.log_stream_name)),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(source_error(DESCRIBE_LOG_STREAMS, &error)),
    }
}

/// A page of the streams of a group, by name. `None` if there is no such group. A stream without an event is left out: the
/// API requires the times of its events.
pub async fn streams(client: &Client, group: &str, token: Option<String>) -> Result<Option<LogStreams>, SourceError> {
    match client.describe_log_streams().log_group_name(group).set_next_token(token).send().await {
        Ok(reply) => Ok(Some(LogStreams {
            next_token: reply.next_token,
            log_streams: listed(reply.log_streams)?.into_iter().filter_map(plain_stream).collect(),
        })),
        Err(error) if is_missing(&error) => Ok(None),
        Err(error) => Err(source_error(DESCRIBE_LOG_STREAMS, &error)),
    }
}

fn listed(streams: Option<Vec<LogStream>>) -> Result<Vec<LogStream>, SourceError> {
    required(streams, DESCRIBE_LOG_STREAMS, "list")
}

fn plain_stream(stream: LogStream) -> Option<image_logs::LogStream> {
    let time = |millis: Option<i64>| Timestamp::from_millisecond(millis?).ok().map(wire_time);
    let first = time(stream.first_event_timestamp)?;
    // CloudWatch updates the other times late.
    let or_first = |millis| time(millis).unwrap_or_else(|| first.clone());
    Some(image_logs::LogStream {
        creation_time: or_first(stream.creation_time),
        last_event_timestamp: or_first(stream.last_event_timestamp),
        last_ingestion_time: or_first(stream.last_ingestion_time),
        first_event_timestamp: first.clone(),
        log_stream_name: stream.log_stream_name?,
        upload_sequence_token: stream.upload_sequence_token.unwrap_or_default(),
        log_stream_arn: stream.arn?,
    })
}

/// A part of the log, in the order of time. `group` is the name or the ARN of its group.
pub async fn events(client: &Client, group: &str, stream: &str, query: &LogQuery) -> Result<LogPart, SourceError> {
    let millis = |time: Option<Timestamp>| time.map(|time| time.as_millisecond().max(0));
    let call = client.get_log_events().log_group_identifier(group).log_stream_name(stream);
    let call = call.set_start_time(millis(query.since)).set_end_time(millis(query.until)).set_limit(query.limit);
    match call.set_start_from_head(Some(query.from_head)).set_next_token(query.token.clone()).send().await {
        Ok(reply) => Ok(LogPart::Events(LogEvents {
            next_token: reply.next_forward_token,
            prev_token: reply.next_backward_token,
            events: required(reply.events, GET_LOG_EVENTS, "list")?.into_iter().map(plain).collect(),
        })),
        // Only the sentence tells which of the two is missing.
        Err(error) if is_missing(&error) => {
            let words = error.as_service_error().and_then(ProvideErrorMetadata::message).unwrap_or_default();
            Ok(if words.contains("log stream") { LogPart::NoStream } else { LogPart::NoGroup })
        }
        Err(error) => {
            // Such as a token that is too old. Another try gets the same answer.
            let is_refused = error.as_service_error().is_some_and(GetLogEventsError::is_invalid_parameter_exception);
            let error = source_error(GET_LOG_EVENTS, &error);
            let kind = if is_refused { SourceErrorKind::InvalidRequest } else { error.kind };
            Err(SourceError { kind, ..error })
        }
    }
}

fn plain(event: OutputLogEvent) -> LogEvent {
    let time = event.timestamp.and_then(|millis| Timestamp::from_millisecond(millis).ok());
    LogEvent { message: event.message.unwrap_or_default(), timestamp: time.map(wire_time).unwrap_or_default() }
}
