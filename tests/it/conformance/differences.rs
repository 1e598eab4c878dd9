//! Deliberate differences, as the table of docs/without-a-cluster.md lists them. Both answers are asserted. Not here: the default region,
//! an AMI whose stack may not be read (controller/truth.rs), and a missing profile (credentials.rs).

use crate::support::lab::{condition_of, message_of};
use crate::support::scenario::{CALM, Expect, Scenarios, default_bucket, error, without};
use crate::support::world::{ACCOUNT, ami_id, image, stack};
use sha2::{Digest, Sha256};
use simulator::{Bucket, FaultKind, Tag};

pub fn collect(scenarios: &mut Scenarios) {
    default_buckets(scenarios);
    unmarked_default_bucket(scenarios);
    bare_resources(scenarios);
    refusals(scenarios);
    throttling(scenarios);
    broken_details(scenarios);
    urls(scenarios);
    ids_and_regions(scenarios);
    several_amis(scenarios);
    unusable_copy(scenarios);
    disabled(scenarios);
}

fn message(answer: &crate::support::describe::Answer) -> &str {
    answer.body["message"].as_str().unwrap_or_default()
}

fn default_buckets(scenarios: &mut Scenarios) {
    let region = scenarios.region();
    let id = "default-bucket-missing";
    let mut made = stack(id, region, "CREATE_IN_PROGRESS");
    without(&mut made.tags, "s3_bucket");
    scenarios.world.stacks.push(made);
    scenarios.push(
        "default bucket missing",
        id,
        region,
        Expect::Differ(
            |reference| {
                assert!(reference.body["imageConfiguration"]["url"].as_str().unwrap().contains("do-not-delete"))
            },
            |ours| assert_eq!(ours.body["imageConfiguration"]["url"], "NOT_AVAILABLE"),
            |status| assert!(url_of(status).starts_with("s3://parallelcluster-")),
        ),
    );
}

/// The official program configures and marks the bucket. Both programs then sign the same object.
fn unmarked_default_bucket(scenarios: &mut Scenarios) {
    let region = scenarios.region();
    let hash = format!("{:x}", Sha256::digest(format!("{ACCOUNT}{region}")));
    let mut unmarked = default_bucket(region, &hash[..16]);
    unmarked.objects.clear();
    scenarios.world.buckets.push(unmarked);
    let id = "default-bucket-unmarked";
    let mut made = stack(id, region, "CREATE_IN_PROGRESS");
    without(&mut made.tags, "s3_bucket");
    scenarios.world.stacks.push(made);
    scenarios.push("default bucket unmarked", id, region, Expect::Same);
}

fn url_of(object: &customimage_operator::kubernetes::CustomImage) -> String {
    object.status.as_ref().unwrap().image_configuration.as_ref().unwrap().url.clone()
}

fn bare_resources(scenarios: &mut Scenarios) {
    let bare = Expect::Differ(
        |reference| assert!(reference.code == 1 && message(reference).starts_with("Unable to get S3 bucket name")),
        |ours| assert_eq!(ours.body["imageConfiguration"]["url"], "NOT_AVAILABLE"),
        |status| {
            assert_eq!(condition_of(status, "Ready"), Some(("True", "ImageAvailable")));
            assert_eq!(url_of(status), "NOT_AVAILABLE");
        },
    );
    scenarios.ami("ami without s3 tags and no stack", bare, |ami| {
        without(&mut ami.tags, "s3_bucket");
        without(&mut ami.tags, "s3_image_dir");
    });
    let foreign = Expect::Differ(
        |reference| assert!(reference.code == 1 && message(reference).starts_with("No artifact directory found")),
        |ours| assert!(ours.code != 0 && message(ours).starts_with("No image or stack associated")),
        |status| assert_eq!(condition_of(status, "Ready"), Some(("False", "NotFound"))),
    );
    scenarios.stack("stack of something else", foreign, |stack| {
        stack.tags = vec![Tag::new("parallelcluster:cluster-name", "c")];
    });
}

fn refusals(scenarios: &mut Scenarios) {
    for (name, kind, reason) in [
        ("ec2 denied", error(403, "UnauthorizedOperation", "You are not authorized"), "AccessDenied"),
        ("ec2 credentials wrong", error(401, "AuthFailure", "AWS was not able to validate"), "InvalidCredentials"),
        ("ec2 credentials expired", error(400, "RequestExpired", "Request has expired"), "InvalidCredentials"),
    ] {
        scenarios.trouble(name, "ec2", "DescribeImages", kind, Expect::SameError(reason));
    }
    let denied = error(403, "AccessDenied", "User is not authorized to perform: cloudformation:DescribeStacks");
    scenarios.trouble(
        "cloudformation denied",
        "cloudformation",
        "DescribeStacks",
        denied,
        Expect::SameError("AccessDenied"),
    );
    let invalid = error(400, "ValidationError", "1 validation error detected: Value at 'stackName' failed");
    scenarios.trouble("cloudformation refuses", "cloudformation", "DescribeStacks", invalid, Expect::Differ(
        |reference| assert!(message(reference).starts_with("No image or stack associated")),
        |ours| assert_eq!(
            message(ours),
            "Bad Request: Unable to get image cloudformation-refuses, due to 1 validation error detected: Value at 'stackName' failed."
        ),
        |status| {
            assert_eq!(condition_of(status, "Ready"), Some(("Unknown", "InvalidRequest")));
            assert!(condition_of(status, "Stalled").is_some());
        },
    ));
}

fn throttling(scenarios: &mut Scenarios) {
    let throttled = error(400, "Throttling", "Rate exceeded");
    scenarios.trouble(
        "cloudformation throttled for ever",
        "cloudformation",
        "DescribeStacks",
        throttled,
        Expect::Endless(
            |ours| {
                assert_eq!(
                    message(ours),
                    "Unable to get image cloudformation-throttled-for-ever, due to Rate exceeded."
                )
            },
            |status| {
                assert_eq!(condition_of(status, "Ready"), Some(("Unknown", "NotYetObserved")));
                assert_eq!(condition_of(status, "Synced"), Some(("False", "Throttled")));
            },
        ),
    );
    let throttled = error(429, "CallRateLimitExceededException", "You have exceeded the permitted request rate");
    scenarios.trouble(
        "imagebuilder throttled",
        "imagebuilder",
        "GetImage",
        throttled,
        Expect::Differ(
            |reference| assert!(reference.code == 0 && reference.body.get("imagebuilderImageStatus").is_none()),
            |ours| {
                assert!(
                    ours.code != 0 && message(ours).ends_with("due to You have exceeded the permitted request rate.")
                )
            },
            |status| assert_eq!(condition_of(status, "Synced"), Some(("False", "Throttled"))),
        ),
    );
}

fn broken_details(scenarios: &mut Scenarios) {
    let denied =
        || error(403, "AccessDeniedException", "no permission to perform: imagebuilder:GetImage on resource: arn");
    let expect = || {
        Expect::Differ(
            |reference| assert!(reference.code == 0 && reference.body.get("imagebuilderImageStatus").is_none()),
            |ours| {
                assert!(ours.code == 0 && ours.body.get("imagebuilderImageStatus").is_none());
                assert!(ours.body["cloudformationStackStatus"] == "CREATE_IN_PROGRESS");
                assert!(ours.stderr.contains("fields are left out"), "{}", ours.stderr);
            },
            |status| {
                assert_eq!(condition_of(status, "Ready"), Some(("False", "Building")));
                let (is, _) = condition_of(status, "PayloadComplete").unwrap();
                let text = message_of(status, "PayloadComplete");
                assert!(
                    is == "False"
                        && (text.contains("imagebuilder:GetImage")
                            || text.contains("cloudformation:DescribeStackResource")),
                    "{text}"
                );
            },
        )
    };
    scenarios.trouble("getimage denied", "imagebuilder", "GetImage", denied(), expect());
    scenarios.trouble("getimage fails", "imagebuilder", "GetImage", error(500, "ServiceException", "oops"), expect());
    let denied = error(403, "AccessDenied", "not authorized to perform: cloudformation:DescribeStackResource");
    scenarios.trouble("stack resource denied", "cloudformation", "DescribeStackResource", denied, expect());
}

fn urls(scenarios: &mut Scenarios) {
    let far = Bucket { name: "far-bucket".into(), region: "us-east-1".into(), ..Bucket::default() };
    scenarios.world.buckets.push(far);
    let expect = Expect::Differ(
        |reference| {
            let url = reference.body["imageConfiguration"]["url"].as_str().unwrap();
            assert!(!url.contains("X-Amz-Algorithm"), "the reference signs with SigV2 here: {url}");
        },
        |ours| {
            let url = ours.body["imageConfiguration"]["url"].as_str().unwrap();
            assert!(url.contains("X-Amz-Algorithm=AWS4-HMAC-SHA256") && url.contains("%2Fus-east-1%2Fs3%2F"), "{url}");
        },
        |status| assert!(url_of(status).starts_with("s3://far-bucket/")),
    );
    scenarios.ami("bucket of another region", expect, |ami| {
        ami.tags
            .iter_mut()
            .filter(|tag| tag.key.ends_with("s3_bucket"))
            .for_each(|tag| tag.value = "far-bucket".into());
    });
    let has_url = |answer: &crate::support::describe::Answer| {
        assert!(answer.body["imageConfiguration"]["url"].as_str().unwrap().starts_with("http"));
    };
    let denied = error(403, "AccessDenied", "not authorized to perform: sts:GetCallerIdentity");
    scenarios.trouble(
        "sts denied",
        "sts",
        "GetCallerIdentity",
        denied,
        Expect::Differ(
            |reference| assert_eq!(reference.body["imageConfiguration"]["url"], "NOT_AVAILABLE"),
            has_url,
            |status| assert!(url_of(status).starts_with("s3://config-bucket/")),
        ),
    );
    scenarios.trouble(
        "bucket connection breaks",
        "s3",
        "HeadBucket",
        FaultKind::Reset,
        Expect::Differ(
            |reference| assert!(reference.code == 1, "{reference:?}"),
            |ours| assert_eq!(ours.body["imageConfiguration"]["url"], "NOT_AVAILABLE"),
            |status| assert!(url_of(status).starts_with("s3://config-bucket/")),
        ),
    );
}

fn ids_and_regions(scenarios: &mut Scenarios) {
    scenarios.world.images.push(image("a", CALM));
    scenarios.push(
        "id of one letter",
        "a",
        CALM,
        Expect::Differ(
            |reference| assert!(message(reference).contains("does not match")),
            |ours| assert_eq!(ours.body["ec2AmiInfo"]["amiId"], ami_id("a").as_str()),
            |status| assert_eq!(condition_of(status, "Ready"), Some(("True", "ImageAvailable"))),
        ),
    );
    scenarios.push(
        "id of 129 letters",
        "b".repeat(129),
        CALM,
        Expect::Differ(
            |reference| assert!(message(reference).starts_with("No image or stack"), "{reference:?}"),
            |ours| {
                assert!(
                    message(ours).starts_with("Bad Request: ") && message(ours).contains("does not match"),
                    "{ours:?}"
                )
            },
            |status| assert!(status.status.is_none(), "the API server rejects it"),
        ),
    );
    scenarios.world.images.push(image("new-region", "mx-central-1"));
    scenarios.push(
        "region that is newer than the program",
        "new-region",
        "mx-central-1",
        Expect::Differ(
            |reference| assert_eq!(message(reference), "Bad Request: invalid or unsupported region 'mx-central-1'"),
            |ours| assert_eq!(ours.body["region"], "mx-central-1"),
            |status| assert_eq!(condition_of(status, "Ready"), Some(("True", "ImageAvailable"))),
        ),
    );
    scenarios.push("region of no partition", "hpc", "xx-nope-1", Expect::SameError("UnknownRegion"));
}

/// EC2 lists a disabled AMI only on request. The status contains it; the answer of `describe` stays the same.
fn disabled(scenarios: &mut Scenarios) {
    let absent = |answer: &crate::support::describe::Answer| {
        assert!(answer.code == 1 && message(answer).starts_with("No image or stack associated"), "{answer:?}");
    };
    let expect = Expect::Differ(
        absent,
        |ours| {
            assert!(ours.code != 0 && message(ours).starts_with("No image or stack associated"), "{ours:?}");
            assert!(ours.stderr.contains("is DISABLED"), "{ours:?}");
        },
        |status| {
            assert_eq!(condition_of(status, "Ready"), Some(("False", "ImageUnusable")));
            let info = status.status.as_ref().unwrap().image.ec2_ami_info.as_ref().unwrap();
            assert_eq!(info.state.as_deref(), Some("DISABLED"));
        },
    );
    scenarios.ami("ami disabled", expect, |ami| ami.state = Some("disabled".into()));
}

/// A newer copy with the same tags, which EC2 lists first.
fn unusable_copy(scenarios: &mut Scenarios) {
    let id = "unusable-copy";
    let mut copy = image(id, CALM);
    copy.ami_id = "ami-00000000000000003".into();
    copy.creation_date = Some("2026-06-01T00:00:00.000Z".into());
    copy.state = Some("failed".into());
    scenarios.world.images.extend([copy, image(id, CALM)]);
    scenarios.push(
        "unusable copy",
        id,
        CALM,
        Expect::Differ(
            |reference| assert_eq!(reference.body["ec2AmiInfo"]["state"], "FAILED"),
            |ours| assert_eq!(ours.body["ec2AmiInfo"]["amiId"], ami_id("unusable-copy").as_str()),
            |status| assert_eq!(condition_of(status, "Ready"), Some(("True", "ImageAvailable"))),
        ),
    );
}

/// EC2 lists the newest AMI second. The reference takes the first.
fn several_amis(scenarios: &mut Scenarios) {
    let id = "several-amis";
    let mut old = image(id, CALM);
    old.ami_id = "ami-00000000000000001".into();
    old.creation_date = Some("2024-01-01T00:00:00.000Z".into());
    let mut new = image(id, CALM);
    new.ami_id = "ami-00000000000000002".into();
    new.creation_date = Some("2024-06-01T00:00:00.000Z".into());
    scenarios.world.images.extend([old, new]);
    scenarios.push(
        "several amis",
        id,
        CALM,
        Expect::Differ(
            |reference| assert_eq!(reference.body["ec2AmiInfo"]["amiId"], "ami-00000000000000001"),
            |ours| assert_eq!(ours.body["ec2AmiInfo"]["amiId"], "ami-00000000000000002"),
            |status| {
                let info = status.status.as_ref().unwrap().image.ec2_ami_info.as_ref().unwrap();
                assert_eq!(info.ami_id.as_deref(), Some("ami-00000000000000002"));
            },
        ),
    );
}
