//! Scenarios in which our program and the reference must agree: each state of each enum, each missing tag, each error.

use crate::support::scenario::{CALM, Expect, Scenarios, error, without};
use crate::support::world::{build, stack};
use simulator::{Bucket, Tag};

pub fn collect(scenarios: &mut Scenarios) {
    ami_states(scenarios);
    stack_statuses(scenarios);
    missing_tags(scenarios);
    odd_values(scenarios);
    buckets(scenarios);
    errors(scenarios);
}

fn ami_states(scenarios: &mut Scenarios) {
    for (name, state) in [
        ("ami pending", "pending"),
        ("ami available", "available"),
        ("ami invalid", "invalid"),
        ("ami deregistered", "deregistered"),
        ("ami transient", "transient"),
        ("ami failed", "failed"),
        ("ami error", "error"),
        ("ami of tomorrow", "hibernating"),
    ] {
        scenarios.ami(name, Expect::Same, |ami| ami.state = Some(state.into()));
    }
}

/// Every stack status. The statuses of the image build rotate through them.
fn stack_statuses(scenarios: &mut Scenarios) {
    let builds = [
        "PENDING",
        "CREATING",
        "BUILDING",
        "TESTING",
        "DISTRIBUTING",
        "INTEGRATING",
        "AVAILABLE",
        "CANCELLED",
        "FAILED",
        "DEPRECATED",
        "DELETED",
        "TELEPORTING",
    ];
    let stacks = [
        "CREATE_IN_PROGRESS",
        "CREATE_FAILED",
        "CREATE_COMPLETE",
        "ROLLBACK_IN_PROGRESS",
        "ROLLBACK_FAILED",
        "ROLLBACK_COMPLETE",
        "DELETE_IN_PROGRESS",
        "DELETE_FAILED",
        "UPDATE_IN_PROGRESS",
        "UPDATE_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_COMPLETE",
        "UPDATE_FAILED",
        "UPDATE_ROLLBACK_IN_PROGRESS",
        "UPDATE_ROLLBACK_FAILED",
        "UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS",
        "UPDATE_ROLLBACK_COMPLETE",
        "REVIEW_IN_PROGRESS",
        "IMPORT_IN_PROGRESS",
        "IMPORT_COMPLETE",
        "IMPORT_ROLLBACK_IN_PROGRESS",
        "IMPORT_ROLLBACK_FAILED",
        "IMPORT_ROLLBACK_COMPLETE",
        "TOMORROW_IN_PROGRESS",
    ];
    for (status, build_status) in stacks.into_iter().zip(builds.into_iter().cycle()) {
        let id = format!("stack-{}", status.replace('_', "-"));
        scenarios.world.stacks.push(stack(&id, CALM, status));
        scenarios.world.image_build_versions.push(build(&id, CALM, build_status));
        scenarios.push(status, id, CALM, Expect::Same);
    }
    // CloudFormation does not find a deleted stack by its name.
    scenarios
        .stack("stack deleted", Expect::SameError("NotFound"), |stack| stack.status = Some("DELETE_COMPLETE".into()));
}

fn missing_tags(scenarios: &mut Scenarios) {
    scenarios.ami("ami without version", Expect::Same, |ami| without(&mut ami.tags, "version"));
    scenarios.ami("ami without build log", Expect::Same, |ami| without(&mut ami.tags, "build_log"));
    for (name, key) in [("ami bucket from its stack", "s3_bucket"), ("ami folder from its stack", "s3_image_dir")] {
        scenarios.ami(name, Expect::Same, |ami| without(&mut ami.tags, key));
        scenarios.world.stacks.push(stack(&name.replace(' ', "-"), CALM, "DELETE_FAILED"));
    }
    scenarios.ami("ami bucket in no tag but a stack", Expect::Same, |ami| without(&mut ami.tags, "s3_bucket"));
    let mut bare = stack("ami-bucket-in-no-tag-but-a-stack", CALM, "DELETE_FAILED");
    bare.tags.clear();
    scenarios.world.stacks.push(bare);
    scenarios.ami("ami with an empty bucket tag", Expect::Same, |ami| {
        ami.tags.iter_mut().filter(|tag| tag.key.ends_with("s3_bucket")).for_each(|tag| tag.value.clear());
    });
    for (name, key) in [
        ("stack without version", "version"),
        ("stack without build log", "build_log"),
        ("stack without bucket", "s3_bucket"),
    ] {
        scenarios.stack(name, Expect::Same, |stack| without(&mut stack.tags, key));
    }
}

fn odd_values(scenarios: &mut Scenarios) {
    scenarios.ami("ami with empty texts", Expect::Same, |ami| {
        ami.description = Some(String::new());
        ami.tags.iter_mut().filter(|tag| tag.key == "team").for_each(|tag| tag.value.clear());
    });
    scenarios.ami("ami without texts", Expect::Same, |ami| {
        ami.description = None;
        ami.architecture = None;
    });
    scenarios
        .ami("ami date without decimals", Expect::Same, |ami| ami.creation_date = Some("2024-02-29T23:59:59Z".into()));
    scenarios.ami("ami date with an offset", Expect::Same, |ami| {
        ami.creation_date = Some("2024-03-01T00:30:00.9999+01:00".into());
    });
    // Neither control characters of C0 nor DEL: AWS's XML cannot hold the first, and Python prints the other as it is.
    let texts = "Größe 画像 😀 \"a\\b\" /<&> \u{80}\u{9b}\u{2028}\u{202e}\u{feff}";
    scenarios.ami("ami with texts of the world", Expect::Same, |ami| {
        ami.description = Some(texts.into());
        ami.tags.push(Tag::new("größe", texts));
    });
    scenarios.stack("stack with texts of the world", Expect::Same, |stack| {
        stack.status_reason = Some(texts.into());
        stack.tags.push(Tag::new("größe", texts));
    });
    scenarios.stack("stack with empty reason", Expect::Same, |stack| stack.status_reason = Some(String::new()));
    scenarios.stack("stack without reason", Expect::Same, |stack| stack.status_reason = None);
    scenarios.stack("stack date of microseconds", Expect::Same, |stack| {
        stack.creation_time = Some("2025-01-02T03:04:05.678999Z".into());
    });
    scenarios.stack("stack without its image", Expect::Same, |stack| stack.resources.clear());
    scenarios.stack("stack before its image", Expect::Same, |stack| {
        stack.resource("ParallelClusterImage").physical_id = None
    });
    scenarios.stack("build without reason", Expect::Same, |_| {});
    let build = scenarios.world.image_build_versions.last_mut().unwrap();
    build.reason = None;
    scenarios.stack("build that is gone", Expect::Same, |_| {});
    scenarios.world.image_build_versions.pop();
    scenarios.push("unknown id", "never-built", CALM, Expect::SameError("NotFound"));
    scenarios.stack("an ami hides its stack", Expect::Same, |stack| stack.status = Some("DELETE_FAILED".into()));
    scenarios.world.images.push(crate::support::world::image("an-ami-hides-its-stack", CALM));
}

fn buckets(scenarios: &mut Scenarios) {
    let denied = Bucket { name: "denied-bucket".into(), region: CALM.into(), denied: true, ..Bucket::default() };
    scenarios.world.buckets.push(denied);
    for (name, bucket) in [("bucket that is gone", "no-such-bucket"), ("bucket that is denied", "denied-bucket")] {
        let mut ami = crate::support::world::image(&name.replace(' ', "-"), CALM);
        ami.tags.iter_mut().filter(|tag| tag.key.ends_with("s3_bucket")).for_each(|tag| tag.value = bucket.into());
        scenarios.world.images.push(ami);
        scenarios.push(
            name,
            name.replace(' ', "-"),
            CALM,
            Expect::Differ(
                |reference| assert_eq!(reference.body["imageConfiguration"]["url"], "NOT_AVAILABLE"),
                |ours| assert_eq!(ours.body["imageConfiguration"]["url"], "NOT_AVAILABLE"),
                // The status needs no S3 call: its url is the s3:// address.
                |status| {
                    let url = status.status.as_ref().unwrap().image_configuration.as_ref().unwrap().url.clone();
                    assert!(url.starts_with("s3://") && url.ends_with("/configs/image-config.yaml"), "{url}");
                },
            ),
        );
    }
}

fn errors(scenarios: &mut Scenarios) {
    let throttled = error(503, "RequestLimitExceeded", "Request limit exceeded.");
    scenarios.trouble("ec2 throttled", "ec2", "DescribeImages", throttled, Expect::SameError("NotYetObserved"));
    let internal = error(500, "InternalError", "An internal error has occurred");
    scenarios.trouble("ec2 fails", "ec2", "DescribeImages", internal, Expect::SameError("NotYetObserved"));
    let odd = error(400, "InvalidParameterValue", "The filter 'größe 画像 😀' is invalid");
    scenarios.trouble("ec2 refuses oddly", "ec2", "DescribeImages", odd, Expect::SameError("NotYetObserved"));
    let internal = error(500, "InternalFailure", "The request processing has failed");
    scenarios.trouble(
        "cloudformation fails",
        "cloudformation",
        "DescribeStacks",
        internal,
        Expect::SameError("NotYetObserved"),
    );
    let throttled = error(400, "ThrottlingException", "Rate exceeded");
    scenarios.trouble(
        "cloudformation throttled by its other code",
        "cloudformation",
        "DescribeStacks",
        throttled,
        Expect::SameError("NotYetObserved"),
    );
}
