//! One stack, its resource, its events and its image build, from any replies: nothing is told as missing unless a reply says
//! so.

use super::known::{BUILD, DENIED, EVENTS, NO_BUILD, NO_STACK, NO_STACKS, RESOURCE, STACKS};
use super::memory_http::{MemoryHttp, Reply, operation};
use super::replies::any_reply;
use super::statement::{image, is_missing, is_unknown_image, list, success};
use super::{adapter, runtime, scope, turn};
use crate::describe_image::ImageId;
use crate::describe_image::observation::Stack;
use crate::describe_image::source::ImageSource;
use crate::tests::fuzz::hold;
use parking_lot::Mutex;
use proptest::prelude::*;
use std::collections::BTreeMap;
use std::sync::Arc;
use std::time::Duration;

const STACK: [(u16, &str); 4] = [(200, STACKS), (200, NO_STACKS), (400, NO_STACK), (403, DENIED)];
const OF_RESOURCE: [(u16, &str); 4] = [(200, RESOURCE), (200, RESOURCE), (400, NO_STACK), (403, DENIED)];
const OF_EVENTS: [(u16, &str); 3] = [(200, EVENTS), (400, NO_STACK), (403, DENIED)];
const OF_BUILD: [(u16, &str); 3] = [(200, BUILD), (404, NO_BUILD), (403, NO_BUILD)];

/// The reply of each operation.
type Replies = BTreeMap<String, Reply>;

#[derive(Clone, Copy, Debug)]
enum Read {
    Stack,
    Build,
    Failure,
}

fn any_read() -> impl Strategy<Value = (Read, Replies)> {
    let of = |operation: &'static str, reply: BoxedStrategy<Reply>| {
        reply.prop_map(move |reply| (operation.to_owned(), reply))
    };
    let good = Just(Reply { status: 200, body: RESOURCE.into(), ..Reply::default() });
    let resource = prop_oneof![good, any_reply(&OF_RESOURCE)].boxed();
    prop_oneof![
        of("DescribeStacks", any_reply(&STACK)).prop_map(|reply| (Read::Stack, [reply].into())),
        (of("DescribeStackResource", resource), of("GetImage", any_reply(&OF_BUILD)))
            .prop_map(|(resource, build)| (Read::Build, [resource, build].into())),
        of("DescribeStackEvents", any_reply(&OF_EVENTS)).prop_map(|reply| (Read::Failure, [reply].into())),
    ]
}

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn nothing_is_missing_unless_a_reply_says_so() {
    let (runtime, replies) = (runtime(), Arc::new(Mutex::new(Replies::new())));
    let _guard = runtime.enter();
    let of_http = replies.clone();
    let aws = adapter(&MemoryHttp::new(move |request| of_http.lock()[&operation(request)].clone()), 1);
    let (id, count) = (ImageId::parse("hpc").unwrap(), std::cell::Cell::new(0_u64));
    hold("details", &any_read(), |(read, of_input)| {
        (*replies.lock()).clone_from(&of_input);
        // Another stack each time, because the adapter remembers what never changes.
        count.set(count.get() + 1);
        let stack = Stack { arn: Some(format!("arn:{}", count.get())), ..Stack::default() };
        let (scope, turn) = (scope(), turn());
        match read {
            Read::Stack => match runtime.block_on(aws.stack(&scope, &id, &turn)) {
                Err(_) => {}
                Ok(None) => prop_assert!(is_missing(&of_input["DescribeStacks"], "Stack with id ")),
                Ok(Some(_)) => prop_assert!(stacks(&of_input["DescribeStacks"]) > 0),
            },
            Read::Build => {
                let told = runtime.block_on(aws.image_build(&scope, &id, &stack, &turn));
                let (resource, build) = (&of_input["DescribeStackResource"], &of_input["GetImage"]);
                match told {
                    Err(_) => {}
                    Ok(None) => prop_assert!(is_missing(resource, "") || has_no_build_yet(resource)),
                    Ok(Some(told)) if told.refused.is_none() && told.status.is_none() => {
                        prop_assert!(is_unknown_image(build) || image(build).is_some());
                    }
                    Ok(Some(told)) if told.refused.is_none() => prop_assert!(image(build).is_some()),
                    Ok(Some(_)) => {}
                }
            }
            Read::Failure => {
                let told = runtime.block_on(async {
                    // After a refusal, the events are not read for ten minutes.
                    tokio::time::advance(Duration::from_secs(601)).await;
                    aws.first_failure(&scope, &stack, &turn).await
                });
                if let Ok(told) = told {
                    prop_assert_eq!(
                        failures(&of_input["DescribeStackEvents"]).map(|count| count > 0),
                        Some(told.is_some())
                    );
                }
            }
        }
        Ok(())
    });
}

fn stacks(reply: &Reply) -> usize {
    list(reply, "DescribeStacksResponse", &["DescribeStacksResult", "Stacks"], "").map_or(0, |(stacks, _)| stacks.len())
}

/// Whether the stack has the resource, and the resource has no image build, or one of another stack.
fn has_no_build_yet(reply: &Reply) -> bool {
    let root = success(reply, "DescribeStackResourceResponse");
    let detail = root.as_ref().and_then(|root| root.children.first()?.child("StackResourceDetail"));
    detail.is_some_and(|detail| {
        detail.child("PhysicalResourceId").is_none_or(|id| id.text.is_empty()) || detail.child("StackId").is_some()
    })
}

/// How many events of a page tell of a failure.
fn failures(reply: &Reply) -> Option<usize> {
    let path = ["DescribeStackEventsResult", "StackEvents"];
    let (events, _) = list(reply, "DescribeStackEventsResponse", &path, "")?;
    let text =
        |event: &super::xml::Node, name: &str| event.child(name).map(|child| child.text.clone()).unwrap_or_default();
    let tells = |event: &&super::xml::Node| {
        text(event, "ResourceStatus").ends_with("_FAILED")
            && text(event, "ResourceStatusReason") != "Resource creation cancelled"
    };
    Some(events.iter().filter(tells).count())
}
