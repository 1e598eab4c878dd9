//! Answers of AWS of chance, which fit the stored statuses or not.

use super::stored::{BUILD, STACK};
use crate::describe_image::image_config::new_tag;
use crate::describe_image::observation::{Ami, FailedResource, FailedStep, ImageBuild, Stack};
use crate::describe_image::response::Tag;
use crate::describe_image::{ImageId, Observation, Region, SourceError, SourceErrorKind, describe};
use crate::kubernetes::status::moment::{Orphan, Outcome};
use crate::tests::text::any_text;
use jiff::Timestamp;
use proptest::option::of;
use proptest::prelude::*;
use std::sync::Arc;
use strum::VariantArray;

/// One of these, or any text.
fn text(known: &'static [&'static str]) -> BoxedStrategy<String> {
    prop_oneof![5 => proptest::sample::select(known).prop_map(str::to_owned), 1 => any_text()].boxed()
}

pub fn any_time() -> BoxedStrategy<Timestamp> {
    let near = (1_795_500_000_i64..1_795_600_000).prop_map(|second| Timestamp::from_second(second).unwrap());
    // No clock and no service tells of a year before 0.
    let begin = "0000-01-01T00:00:00Z".parse().unwrap();
    let ends = proptest::sample::select(vec![begin, Timestamp::UNIX_EPOCH, Timestamp::MAX]);
    prop_oneof![6 => near, 1 => ends].boxed()
}

fn any_tags() -> impl Strategy<Value = Vec<Tag>> {
    let key = text(&["Ec2ImageBuilderArn", "parallelcluster:version", "parallelcluster:s3_bucket", "a", "b"]);
    proptest::collection::vec((key, text(&[BUILD, "1", "2"])).prop_map(|(key, value)| new_tag(key, value)), 0..4)
}

fn any_ami() -> impl Strategy<Value = Ami> {
    let state = of(text(&["available", "pending", "failed", "disabled"]));
    (of(text(&["ami-1", "ami-2"])), state, of(any_text()), of(any_time()), of(any_time()), any_tags()).prop_map(
        |(id, state, other, creation_date, deprecated_at, tags)| Ami {
            id,
            state,
            name: other.clone(),
            description: other.clone(),
            state_reason: other.clone(),
            owner_id: other,
            creation_date,
            deprecated_at,
            architecture: None,
            tags,
        },
    )
}

fn any_stack() -> impl Strategy<Value = Stack> {
    let status =
        of(text(&["CREATE_IN_PROGRESS", "CREATE_FAILED", "DELETE_IN_PROGRESS", "CREATE_COMPLETE", "DELETE_COMPLETE"]));
    let failure = of((any_text(), text(&["CREATE_FAILED", "DELETE_FAILED"]), of(any_text())));
    // CloudFormation never leaves out the ARN.
    let arn = text(&[STACK, "arn:other"]).prop_map(Some);
    (arn, status, of(any_text()), of(any_time()), any_tags(), failure).prop_map(
        |(arn, status, status_reason, creation_time, tags, failure)| Stack {
            arn,
            status,
            status_reason,
            creation_time,
            tags,
            is_nested: false,
            first_failure: failure.map(|(resource, status, reason)| FailedResource { resource, status, reason }),
        },
    )
}

fn any_build() -> impl Strategy<Value = ImageBuild> {
    let status = of(text(&["BUILDING", "FAILED", "CANCELLED", "AVAILABLE"]));
    (of(text(&[BUILD, "arn:other"])), status, of(any_text()), of(any_text())).prop_map(|(arn, status, reason, step)| {
        let failed_step =
            step.map(|step| FailedStep { message: Some(step.clone()), step: Some(step), ..FailedStep::default() });
        ImageBuild { arn, status, reason, failed_step, refused: None }
    })
}

pub fn any_error() -> impl Strategy<Value = SourceError> {
    (proptest::sample::select(SourceErrorKind::VARIANTS), any_text())
        .prop_map(|(kind, message)| SourceError::asked(kind, "ec2:DescribeImages", message))
}

pub fn any_observation() -> BoxedStrategy<Observation> {
    prop_oneof![
        1 => of(any_text()).prop_map(|other_stack| Observation::Absent { other_stack }),
        3 => (any_ami(), of(any_stack()), of(any_error()))
            .prop_map(|(ami, stack, refused)| Observation::Ami { ami, stack, refused }),
        3 => (any_stack(), of(any_build()), of(any_error()))
            .prop_map(|(stack, image_build, refused)| Observation::Stack { stack, image_build, refused }),
    ]
    .boxed()
}

pub fn any_outcome() -> BoxedStrategy<Outcome> {
    let orphan = proptest::sample::select(vec![Orphan::Unknown, Orphan::Gone, Orphan::Found("ami-9".to_owned())]);
    let observed = (any_observation(), orphan).prop_map(|(observation, orphan)| {
        let (id, region) = (ImageId::parse("hpc").unwrap(), Region::parse("eu-west-1").unwrap());
        let response = describe(&id, &region, &observation).ok().map(Box::new);
        Outcome::Observed { observation: Arc::new(observation), response, orphan }
    });
    let failed = (any_error(), any_text(), any_time(), any_time())
        .prop_map(|(error, message, since, last_observed)| Outcome::Failed { error, message, since, last_observed });
    prop_oneof![6 => observed, 3 => failed, 1 => Just(Outcome::Unconfirmed), 1 => Just(Outcome::Suspended)].boxed()
}
