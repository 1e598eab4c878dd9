use super::image_config::new_tag;
use super::*;
use proptest::prelude::*;

fn id() -> ImageId {
    ImageId::parse("hpc-base").unwrap()
}

fn region() -> Region {
    Region::parse("eu-west-1").unwrap()
}

#[test]
fn dates_have_three_decimals_and_are_truncated() {
    for (time, wire) in [
        ("2021-04-12T10:00:00Z", "2021-04-12T10:00:00.000Z"),
        ("2021-04-12T10:00:00.9999Z", "2021-04-12T10:00:00.999Z"),
        ("1969-12-31T23:59:59.9996Z", "1969-12-31T23:59:59.999Z"),
        ("2021-04-12T12:00:00.5+02:00", "2021-04-12T10:00:00.500Z"),
    ] {
        assert_eq!(wire_time(time.parse().unwrap()), wire);
    }
}

#[test]
fn an_ami_hides_every_field_of_its_stack() {
    let stack = Stack { status: Some("DELETE_FAILED".into()), ..Stack::default() };
    let ami = Ami { id: Some("ami-1".into()), state: Some("pending".into()), ..Ami::default() };
    let response = describe(&id(), &region(), &Observation::Ami { ami, stack: Some(stack), refused: None }).unwrap();
    let body = serde_json::to_value(&response).unwrap();
    assert_eq!(
        body,
        serde_json::json!({
            "imageConfiguration": {"url": "NOT_AVAILABLE"}, "imageId": "hpc-base", "region": "eu-west-1",
            "imageBuildStatus": "BUILD_COMPLETE", "ec2AmiInfo": {"amiId": "ami-1", "state": "PENDING", "tags": []}
        })
    );
}

#[test]
fn empty_strings_are_kept_and_unknown_statuses_pass_through() {
    let stack = Stack {
        status: Some("TOMORROW".into()),
        status_reason: Some(String::new()),
        tags: vec![new_tag("parallelcluster:version", "")],
        ..Stack::default()
    };
    let build = ImageBuild { status: Some("NEW_STATE".into()), reason: Some(String::new()), ..ImageBuild::default() };
    let seen = Observation::Stack { stack, image_build: Some(build), refused: None };
    let image = describe(&id(), &region(), &seen).unwrap().image;
    assert_eq!(image.image_build_status, None);
    assert_eq!(image.cloudformation_stack_status.as_deref(), Some("TOMORROW"));
    assert_eq!(image.cloudformation_stack_status_reason.as_deref(), Some(""));
    assert_eq!(image.version.as_deref(), Some(""));
    assert_eq!(image.imagebuilder_image_status.as_deref(), Some("NEW_STATE"));
    assert_eq!(image.imagebuilder_image_status_reason.as_deref(), Some(""));
}

#[test]
fn a_missing_image_gets_the_message_of_the_api() {
    let error = describe(&id(), &region(), &Observation::Absent { other_stack: None }).unwrap_err();
    assert_eq!(error.to_string(), "No image or stack associated with ParallelCluster image id: hpc-base.");
    assert_eq!(ApiError::from(error).status, 404);
}

fn any_text() -> impl Strategy<Value = Option<String>> {
    proptest::option::of(".{0,40}")
}

fn any_tags() -> impl Strategy<Value = Vec<response::Tag>> {
    let key = prop_oneof![
        Just("parallelcluster:version".to_owned()),
        Just("parallelcluster:s3_bucket".to_owned()),
        Just("parallelcluster:s3_image_dir".to_owned()),
        ".{0,20}",
    ];
    proptest::collection::vec((key, ".{0,20}").prop_map(|(key, value)| new_tag(key, value)), 0..6)
}

fn any_stack() -> impl Strategy<Value = Stack> {
    (any_text(), any_text(), any_text(), any_time(), any_tags()).prop_map(
        |(arn, status, status_reason, creation_time, tags)| Stack {
            arn,
            status,
            status_reason,
            creation_time,
            tags,
            is_nested: false,
            first_failure: None,
        },
    )
}

fn any_time() -> impl Strategy<Value = Option<Timestamp>> {
    let range = Timestamp::MIN.as_second()..Timestamp::MAX.as_second();
    proptest::option::of((range, 0..1_000_000_000).prop_filter_map("in range", |(s, ns)| Timestamp::new(s, ns).ok()))
}

fn any_ami() -> impl Strategy<Value = Ami> {
    (any_text(), any_text(), any_text(), any_text(), any_time(), any_tags()).prop_map(
        |(id, name, state, owner_id, creation_date, tags)| Ami {
            id,
            name: name.clone(),
            description: name,
            state,
            architecture: None,
            owner_id,
            creation_date,
            tags,
            ..Ami::default()
        },
    )
}

fn any_observation() -> impl Strategy<Value = Observation> {
    let build = proptest::option::of((any_text(), any_text()).prop_map(|(status, reason)| ImageBuild {
        status,
        reason,
        ..ImageBuild::default()
    }));
    prop_oneof![
        Just(Observation::Absent { other_stack: None }),
        (any_ami(), proptest::option::of(any_stack())).prop_map(|(ami, stack)| Observation::Ami {
            ami,
            stack,
            refused: None
        }),
        (any_stack(), build).prop_map(|(stack, image_build)| Observation::Stack { stack, image_build, refused: None }),
    ]
}

proptest! {
    #[test]
    fn any_answer_of_aws_gives_a_response_without_nulls_that_round_trips(seen in any_observation()) {
        let Ok(response) = describe(&id(), &region(), &seen) else { return Ok(()) };
        let body = serde_json::to_value(&response).unwrap();
        prop_assert!(!body.to_string().contains("null,") && body.as_object().unwrap().values().all(|v| !v.is_null()));
        prop_assert_eq!(serde_json::from_value::<DescribeImageResponse>(body).unwrap(), response);
    }
}
