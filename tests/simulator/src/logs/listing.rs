//! DescribeLogStreams and DescribeLogGroups, in pages.

use serde_json::{Map, Value, json};

use super::input::Input;
use super::{find, invalid, put_time, stream};
use crate::dispatch::Ask;
use crate::reply::Reply;
use crate::service::ServiceError;
use crate::state::State;
use crate::world::{LogGroup, LogStream};

const MOST: usize = 50;

pub fn log_streams(ask: &Ask, state: &State) -> Result<Reply, ServiceError> {
    let input = Input::of(ask)?;
    let prefix = input.text("logStreamNamePrefix")?;
    let is_by_time = match input.text("orderBy")? {
        None | Some("LogStreamName") => false,
        Some("LastEventTime") if prefix.is_some() => {
            return Err(invalid("Cannot order by LastEventTime with a logStreamNamePrefix."));
        }
        Some("LastEventTime") => true,
        Some(other) => {
            return Err(invalid(format!(
                "1 validation error detected: Value '{other}' at 'orderBy' failed to satisfy constraint: Member must \
                 satisfy enum value set: [LogStreamName, LastEventTime]"
            )));
        }
    };
    let page = Page::of(&input, state)?;
    let group = find::group(ask, &input, state)?;
    let begins = |stream: &&LogStream| stream.name.starts_with(prefix.unwrap_or_default());
    let mut streams: Vec<&LogStream> = group.streams.iter().filter(begins).collect();
    streams.sort_by_key(|stream| (is_by_time.then(|| last_event(stream)), &stream.name));
    if input.flag("descending")? {
        streams.reverse();
    }
    let arn = find::arn(group);
    Ok(page.reply("logStreams", streams.into_iter().map(|it| stream(it, &arn)).collect()))
}

fn last_event(stream: &LogStream) -> u64 {
    stream.events.iter().map(|event| event.timestamp.0).max().unwrap_or_default()
}

pub fn log_groups(ask: &Ask, state: &State) -> Result<Reply, ServiceError> {
    let input = Input::of(ask)?;
    let (prefix, pattern) = (input.text("logGroupNamePrefix")?, input.text("logGroupNamePattern")?);
    if prefix.is_some() && pattern.is_some() {
        return Err(invalid("LogGroup name prefix and LogGroup name pattern are mutually exclusive parameters."));
    }
    let page = Page::of(&input, state)?;
    let is_wanted = |group: &&LogGroup| {
        let name = &group.name;
        name.starts_with(prefix.unwrap_or_default())
            && name.to_lowercase().contains(&pattern.unwrap_or_default().to_lowercase())
    };
    let mut groups: Vec<&LogGroup> = find::groups(ask, state).filter(is_wanted).collect();
    groups.sort_by_key(|group| &group.name);
    Ok(page.reply("logGroups", groups.into_iter().map(group).collect()))
}

fn group(group: &LogGroup) -> Value {
    let arn = find::arn(group);
    let mut written = Map::new();
    written.insert("logGroupName".into(), group.name.as_str().into());
    put_time(&mut written, "creationTime", group.creation_time);
    written.insert("metricFilterCount".into(), 0.into());
    written.insert("arn".into(), format!("{arn}:*").into());
    written.insert("storedBytes".into(), 0.into());
    written.insert("logGroupClass".into(), "STANDARD".into());
    written.insert("logGroupArn".into(), arn.into());
    written.into()
}

/// The page of a list. The token carries the number of items on the pages before.
struct Page {
    start: usize,
    size: usize,
}

impl Page {
    fn of(input: &Input, state: &State) -> Result<Self, ServiceError> {
        let size = input.size("limit", MOST)?.min(state.world.answers.log_stream_page_size.max(1));
        let Some(token) = input.text("nextToken")? else {
            return Ok(Self { start: 0, size });
        };
        let start = token.strip_prefix("logs-").and_then(|start| start.parse().ok());
        let start = start.ok_or_else(|| invalid("The specified nextToken is invalid."))?;
        Ok(Self { start, size })
    }

    fn reply(&self, list: &str, items: Vec<Value>) -> Reply {
        let end = self.start.saturating_add(self.size);
        let token = (end < items.len()).then(|| format!("logs-{end}"));
        let items: Vec<Value> = items.into_iter().skip(self.start).take(self.size).collect();
        let mut body = json!({ list: items });
        if let Some(token) = token {
            body["nextToken"] = token.into();
        }
        Reply::amz_json(200, body.to_string())
    }
}
