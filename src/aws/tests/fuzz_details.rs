//! One stack, its resource, its events, its image build and its log, from any replies: nothing is told as missing unless a reply
//! says so, and what is told is what the reply states.

use super::known::{
    BUILD, DENIED, EVENTS, LOG, LOG_STREAMS, NO_BUILD, NO_LOG, NO_LOG_STREAM, NO_STACK, NO_STACKS, RESOURCE, STACK_ARN,
    STACKS, UNKNOWN_BUILD,
};
use super::memory_http::{MemoryHttp, Reply, operation};
use super::replies::any_reply;
use super::statement::{image, is_missing, is_own, is_unknown, json, list, success};
use super::xml::{Node, text};
use super::{adapter, runtime, scope, turn};
use crate::aws::source::Aws;
use crate::describe_image::ImageId;
use crate::describe_image::image_build_log::ImageBuildLog;
use crate::describe_image::image_logs::LogPart;
use crate::describe_image::observation::{FailedStep, ImageBuild, Stack};
use crate::describe_image::source::{ImageSource, StorySource};
use crate::describe_image::source_error::{SourceError, shortened};
use crate::tests::fuzz::hold;
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use serde_json::Value;
use std::collections::BTreeMap;
use std::sync::Arc;

const STACK: [(u16, &str); 4] = [(200, STACKS), (200, NO_STACKS), (400, NO_STACK), (403, DENIED)];
const OF_RESOURCE: [(u16, &str); 3] = [(200, RESOURCE), (400, NO_STACK), (403, DENIED)];
const OF_EVENTS: [(u16, &str); 3] = [(200, EVENTS), (400, NO_STACK), (403, DENIED)];
const OF_BUILD: [(u16, &str); 4] = [(200, BUILD), (404, UNKNOWN_BUILD), (404, NO_BUILD), (403, NO_BUILD)];
const OF_LOG: [(u16, &str); 3] = [(200, LOG), (400, NO_LOG), (400, NO_LOG_STREAM)];
const OF_LOG_STREAMS: [(u16, &str); 2] = [(200, LOG_STREAMS), (400, NO_LOG)];

/// The successes that each read must understand.
const OWN: [(u16, &str); 5] = [(200, STACKS), (200, RESOURCE), (200, EVENTS), (200, LOG), (200, LOG_STREAMS)];

/// The reply of each operation.
type Replies = BTreeMap<String, Reply>;

#[derive(Clone, Copy, Debug)]
enum Read {
    Stack,
    Build,
    Failure,
    Events,
    Log,
    LogStreams,
}

/// What CloudWatch's operations have in their paths: nothing. Their name is in a header.
const OF_CLOUDWATCH: &str = "";

fn any_read() -> impl Strategy<Value = (Read, Replies)> {
    let of = |operation: &'static str, reply: BoxedStrategy<Reply>| {
        reply.prop_map(move |reply| (operation.to_owned(), reply))
    };
    let one = |read: Read, operation, reply| of(operation, reply).prop_map(move |reply| (read, [reply].into()));
    let good = Just(Reply { status: 200, body: RESOURCE.into(), ..Reply::default() });
    let resource = prop_oneof![good, any_reply(&OF_RESOURCE)].boxed();
    let build = (of("DescribeStackResource", resource), of("GetImage", any_reply(&OF_BUILD)));
    prop_oneof![
        2 => one(Read::Stack, "DescribeStacks", any_reply(&STACK)),
        3 => build.prop_map(|(resource, build)| (Read::Build, [resource, build].into())),
        1 => one(Read::Failure, "DescribeStackEvents", any_reply(&OF_EVENTS)),
        1 => one(Read::Events, "DescribeStackEvents", any_reply(&OF_EVENTS)),
        1 => one(Read::Log, OF_CLOUDWATCH, any_reply(&OF_LOG)),
        1 => one(Read::LogStreams, OF_CLOUDWATCH, any_reply(&OF_LOG_STREAMS)),
    ]
}

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn nothing_is_missing_unless_a_reply_says_so() {
    let (runtime, replies) = (runtime(), Arc::new(Mutex::new(Replies::new())));
    let _guard = runtime.enter();
    let of_http = replies.clone();
    let http = MemoryHttp::new(move |request| of_http.lock()[&operation(request)].clone());
    hold("details", &any_read(), |(read, of_input)| {
        (*replies.lock()).clone_from(&of_input);
        // Another adapter each time, because it remembers what never changes.
        let aws = adapter(&http, 1);
        let mut of_input = of_input.into_values();
        let (first, second) = (of_input.next().unwrap_or_default(), of_input.next().unwrap_or_default());
        runtime.block_on(async {
            match read {
                Read::Stack => stack(&aws, &first).await,
                Read::Build => build(&aws, &first, &second).await,
                Read::Failure => failure(&aws, &first).await,
                Read::Events => events(&aws, &first).await,
                Read::Log => log(&aws, &first).await,
                Read::LogStreams => log_streams(&aws, &first).await,
            }
        })
    });
}

/// An error is right, unless the reply is one of AWS's own.
fn told<T>(result: Result<T, SourceError>, reply: &Reply) -> Result<Option<T>, TestCaseError> {
    match result {
        Ok(told) => Ok(Some(told)),
        Err(error) if is_own(reply, &OWN) => Err(TestCaseError::fail(error.to_string())),
        Err(_) => Ok(None),
    }
}

fn id() -> ImageId {
    ImageId::parse("hpc").unwrap()
}

async fn stack(aws: &Aws, reply: &Reply) -> TestCaseResult {
    let Some(told) = told(aws.stack(&scope(), &id(), &turn()).await, reply)? else { return Ok(()) };
    let stated = list(reply, "DescribeStacksResponse", &["DescribeStacksResult", "Stacks"], "");
    let first = stated.and_then(|(stacks, _)| stacks.into_iter().next());
    prop_assert_eq!(told.is_none(), is_missing(reply, "Stack with id "));
    prop_assert_eq!(
        told.map(|told| (told.arn, told.status)),
        first.map(|it| (text(&it, "StackId"), text(&it, "StackStatus")))
    );
    Ok(())
}

async fn build(aws: &Aws, resource: &Reply, image_build: &Reply) -> TestCaseResult {
    let of = Stack { arn: Some(STACK_ARN.into()), ..Stack::default() };
    let result = aws.image_build(&scope(), &id(), &of, &turn()).await;
    let Some(told) = told(result, resource)? else { return Ok(()) };
    let stated = build_arn(resource);
    prop_assert!(stated.is_some() || is_missing(resource, ""));
    let Some(told) = told else {
        prop_assert_eq!(stated.flatten(), None);
        return Ok(());
    };
    prop_assert_eq!(&told.arn, &stated.flatten());
    if told.refused.is_some() {
        prop_assert!(!is_own(image_build, &OF_BUILD), "{told:?}");
        return Ok(());
    }
    let state = image(image_build).map(|image| image["state"].clone());
    prop_assert!(state.is_some() || is_unknown(image_build));
    let state = state.unwrap_or_default();
    let stated = ImageBuild { arn: told.arn.clone(), ..stated_build(&state) };
    prop_assert_eq!(told, stated);
    Ok(())
}

/// The ARN of the image build that the resource states. `Some(None)` if it has none yet, or is of another stack.
fn build_arn(reply: &Reply) -> Option<Option<String>> {
    let root = success(reply, "DescribeStackResourceResponse")?;
    let detail = root.children.first()?.child("StackResourceDetail")?;
    let is_of_stack = text(detail, "StackId").is_none_or(|id| id == STACK_ARN);
    Some(text(detail, "PhysicalResourceId").filter(|id| !id.is_empty() && is_of_stack))
}

fn stated_build(state: &Value) -> ImageBuild {
    let text = |value: &Value| value.as_str().map(str::to_owned);
    let context = &state["failureContext"];
    let component = &context["componentFailure"];
    let step = FailedStep {
        step: text(&context["failedStep"]),
        component: text(&component["componentArn"]),
        phase: text(&component["phaseName"]),
        action: text(&component["stepName"]),
        message: text(&component["errorMessage"])
            .or_else(|| text(&context["distributionFailure"]["errorMessage"]))
            .map(|message| shortened(&message).into_owned()),
    };
    let failed_step = (step != FailedStep::default()).then_some(step);
    ImageBuild { status: text(&state["status"]), reason: text(&state["reason"]), failed_step, ..ImageBuild::default() }
}

async fn failure(aws: &Aws, reply: &Reply) -> TestCaseResult {
    let of = Stack { arn: Some(STACK_ARN.into()), ..Stack::default() };
    let Some(told) = told(aws.first_failure(&scope(), &of, &turn()).await, reply)? else { return Ok(()) };
    let events = stack_events(reply).ok_or_else(|| TestCaseError::fail("the reply states no list"))?;
    let is_status = |event: &&Node| text(event, "ResourceStatus").is_some_and(|status| status.ends_with("_FAILED"));
    let is_cancelled =
        |event: &&Node| text(event, "ResourceStatusReason").as_deref() == Some("Resource creation cancelled");
    let stated = events.iter().rfind(|event| is_status(event) && !is_cancelled(event));
    let resource = stated.map(|event| text(event, "LogicalResourceId").unwrap_or_default());
    prop_assert_eq!(told.map(|told| told.resource), resource);
    Ok(())
}

async fn events(aws: &Aws, reply: &Reply) -> TestCaseResult {
    let Some(told) = told(aws.stack_events(&scope(), "hpc", None, &turn()).await, reply)? else {
        return Ok(());
    };
    prop_assert_eq!(told.is_none(), is_missing(reply, "Stack "));
    let ids = told.map(|told| told.events.into_iter().map(|event| event.event_id).collect::<Vec<_>>());
    let id = |event: &Node| text(event, "EventId").unwrap_or_default();
    prop_assert_eq!(ids, stack_events(reply).map(|events| events.iter().map(id).collect()));
    Ok(())
}

fn stack_events(reply: &Reply) -> Option<Vec<Node>> {
    let path = ["DescribeStackEventsResult", "StackEvents"];
    list(reply, "DescribeStackEventsResponse", &path, "").map(|(events, _)| events)
}

async fn log(aws: &Aws, reply: &Reply) -> TestCaseResult {
    let log = ImageBuildLog { group: "g".into(), stream: "s".into() };
    let result = aws.log_events(&scope(), &log, &Default::default(), &turn()).await;
    let Some(told) = told(result, reply)? else { return Ok(()) };
    let LogPart::Events(told) = told else {
        prop_assert!(is_unknown(reply));
        return Ok(());
    };
    let messages = told.events.into_iter().map(|event| event.message).collect();
    prop_assert_eq!(Some(messages), texts(reply, "events", "message"));
    Ok(())
}

async fn log_streams(aws: &Aws, reply: &Reply) -> TestCaseResult {
    let result = aws.log_streams(&scope(), &id(), None, &turn()).await;
    let Some(told) = told(result, reply)? else { return Ok(()) };
    let Some(told) = told else {
        prop_assert!(is_unknown(reply));
        return Ok(());
    };
    let stated = json(reply).unwrap_or_default();
    let stated = stated["logStreams"].as_array().ok_or_else(|| TestCaseError::fail("no list"))?;
    // A stream without an event is left out, and so is one whose event has a time that no calendar has.
    let has_event = |stream: &&Value| {
        ["logStreamName", "arn"].iter().all(|name| stream[name].is_string())
            && stream["firstEventTimestamp"].is_number()
    };
    let mut told = told.log_streams.iter().map(|stream| stream.log_stream_name.as_str()).peekable();
    for stream in stated.iter().filter(has_event) {
        let is_told = told.next_if_eq(&stream["logStreamName"].as_str().unwrap_or_default()).is_some();
        prop_assert!(is_told || !stream["firstEventTimestamp"].is_u64(), "{stream} is not told");
    }
    prop_assert_eq!(told.next(), None);
    Ok(())
}

/// A text of each entry in a list of a success. Without it, an entry has an empty one.
fn texts(reply: &Reply, list: &str, name: &str) -> Option<Vec<String>> {
    let entries = json(reply)?.get(list)?.as_array()?.clone();
    Some(
        entries
            .iter()
            .filter(|entry| !entry.is_null())
            .map(|entry| entry[name].as_str().unwrap_or_default().to_owned())
            .collect(),
    )
}
