//! CloudWatch Logs' JSON 1.1 protocol: GetLogEvents, DescribeLogStreams and DescribeLogGroups.

mod event_page;
mod find;
mod input;
mod listing;
mod token;

use serde_json::{Map, Value, json};

use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::request::Request;
use crate::service::ServiceError;
use crate::state::State;
use crate::world::{LogEvent, LogStream, Millis};
use event_page::Wanted;
use input::Input;
use token::Token;

/// What the header `X-Amz-Target` begins with.
pub(crate) const TARGET: &str = "Logs_20140328.";

pub(crate) fn operation(request: &Request) -> &str {
    let target = request.header("x-amz-target").and_then(|target| target.strip_prefix(TARGET));
    target.unwrap_or("Unknown")
}

/// `GROUP:STREAM`, as far as the request names them.
pub(crate) fn subject(request: &Request) -> String {
    let body: Value = serde_json::from_slice(&request.body).unwrap_or_default();
    let text = |name: &str| body.get(name).and_then(Value::as_str);
    let group = ["logGroupName", "logGroupIdentifier", "logGroupNamePrefix"].into_iter().find_map(text);
    let parts: Vec<&str> = group.into_iter().chain(text("logStreamName")).collect();
    parts.join(":")
}

pub(crate) fn operate(ask: &Ask, state: &mut State) -> Result<Reply, ServiceError> {
    match ask.operation {
        "GetLogEvents" => get_log_events(ask, state),
        "DescribeLogStreams" => listing::log_streams(ask, state),
        "DescribeLogGroups" => listing::log_groups(ask, state),
        other => Err(ServiceError::new(400, "UnknownOperationException", format!("Unknown operation {other}"))),
    }
}

fn invalid(message: impl Into<String>) -> ServiceError {
    ServiceError::new(400, "InvalidParameterException", message)
}

fn get_log_events(ask: &Ask, state: &State) -> Result<Reply, ServiceError> {
    let input = Input::of(ask)?;
    let name = input.required("logStreamName")?;
    let answers = &state.world.answers;
    let wanted = Wanted {
        from: input.number("startTime", 0..=u64::MAX)?,
        until: input.number("endTime", 0..=u64::MAX)?,
        limit: input.size("limit", event_page::MOST)?.min(answers.log_event_page_size.max(1)),
        from_head: input.flag("startFromHead")?,
        token: input.text("nextToken")?.map(Token::read).transpose()?,
        empty_pages: answers.empty_pages,
    };
    let stream = find::stream(ask, &input, state, name)?;
    let page = event_page::page(&stream.events, &wanted);
    let events: Vec<Value> = page.events.into_iter().map(event).collect();
    let body = json!({
        "events": events,
        "nextBackwardToken": page.backward.written(),
        "nextForwardToken": page.forward.written(),
    });
    Ok(Reply::amz_json(200, body.to_string()))
}

fn event(event: &LogEvent) -> Value {
    let mut written = Map::new();
    put_time(&mut written, "timestamp", Some(event.timestamp));
    written.insert("message".into(), event.message.as_str().into());
    put_time(&mut written, "ingestionTime", event.ingestion_time);
    written.into()
}

fn stream(stream: &LogStream, group_arn: &str) -> Value {
    let mut written = Map::new();
    let times = stream.events.iter().map(|event| event.timestamp);
    written.insert("logStreamName".into(), stream.name.as_str().into());
    put_time(&mut written, "creationTime", stream.creation_time);
    put_time(&mut written, "firstEventTimestamp", times.clone().min());
    put_time(&mut written, "lastEventTimestamp", times.max());
    let ingested = stream.events.iter().filter_map(|event| event.ingestion_time);
    put_time(&mut written, "lastIngestionTime", ingested.max());
    if let Some(token) = &stream.upload_sequence_token {
        written.insert("uploadSequenceToken".into(), token.as_str().into());
    }
    written.insert("arn".into(), format!("{group_arn}:log-stream:{}", stream.name).into());
    written.insert("storedBytes".into(), 0.into());
    written.into()
}

fn put_time(map: &mut Map<String, Value>, name: &str, time: Option<Millis>) {
    if let Some(Millis(time)) = time {
        map.insert(name.into(), time.into());
    }
}
