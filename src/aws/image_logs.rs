//! CloudWatch Logs: the log of an image build.

use super::error::{is_missing, source_error};
use crate::describe_image::image_logs::{LogEvent, LogEvents, LogQuery};
use crate::describe_image::source_error::{SourceError, SourceErrorKind};
use crate::describe_image::wire_time;
use aws_sdk_cloudwatchlogs::Client;
use aws_sdk_cloudwatchlogs::operation::get_log_events::GetLogEventsError;
use aws_sdk_cloudwatchlogs::types::{OrderBy, OutputLogEvent};
use jiff::Timestamp;

/// The IAM names of the calls.
pub const GET_LOG_EVENTS: &str = "logs:GetLogEvents";
pub const DESCRIBE_LOG_STREAMS: &str = "logs:DescribeLogStreams";

/// The name of the stream that was written last. `None` if there is no such group, or no stream in it.
pub async fn newest_stream(client: &Client, group_arn: &str) -> Result<Option<String>, SourceError> {
    let call = client.describe_log_streams().log_group_identifier(group_arn).limit(1);
    match call.order_by(OrderBy::LastEventTime).descending(true).send().await {
        Ok(reply) => Ok(reply.log_streams.unwrap_or_default().into_iter().next().and_then(|one| one.log_stream_name)),
        Err(error) if is_missing(error.as_service_error()) => Ok(None),
        Err(error) => Err(source_error(DESCRIBE_LOG_STREAMS, &error)),
    }
}

/// A part of the log, in the order of time. `None` if there is no such group or stream.
pub async fn events(
    client: &Client,
    group_arn: &str,
    stream: &str,
    query: &LogQuery,
) -> Result<Option<LogEvents>, SourceError> {
    let call = client.get_log_events().log_group_identifier(group_arn).log_stream_name(stream);
    let call = call.set_start_time(query.since.map(|since| since.as_millisecond().max(0))).set_limit(query.newest);
    match call.set_start_from_head(Some(query.newest.is_none())).set_next_token(query.token.clone()).send().await {
        Ok(reply) => Ok(Some(LogEvents {
            next_token: reply.next_forward_token,
            prev_token: reply.next_backward_token,
            events: reply.events.unwrap_or_default().into_iter().map(plain).collect(),
        })),
        Err(error) if is_missing(error.as_service_error()) => Ok(None),
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
