//! Replies that seem to say that something is missing, and do not.

use super::known::{NO_STACK, ONE_AMI, RESOURCE, STACK_ARN, STACKS};
use super::memory_http::{MemoryHttp, Reply, operation};
use super::{adapter, runtime, scope, turn};
use crate::aws::source::Aws;
use crate::describe_image::ImageId;
use crate::describe_image::observation::Stack;
use crate::describe_image::source::{ImageSource, OrphanSource, StorySource};
use crate::describe_image::source_error::{BadReply, SourceError};

fn reply(status: u16, body: impl Into<Vec<u8>>) -> Reply {
    Reply { status, headers: Vec::new(), body: body.into() }
}

/// An adapter that always gets this reply.
fn answered(reply: Reply) -> Aws {
    adapter(&MemoryHttp::new(move |_| reply.clone()), 1)
}

/// How many AMIs of two ids the adapter tells.
fn amis(body: impl Into<Vec<u8>>) -> Result<usize, SourceError> {
    let ids = ["hpc", "other"].map(|id| ImageId::parse(id).unwrap());
    let aws = answered(reply(200, body));
    runtime().block_on(async { aws.amis(&scope(), &ids, &turn()).await }).map(|amis| amis.len())
}

#[test]
fn a_wrong_tag_or_character_hides_no_ami() {
    assert_eq!(amis(ONE_AMI), Ok(2));
    for (right, wrong) in [
        ("<imagesSet><item>", "<imagesSet><itel>"),
        ("</item><item><imageId>ami-2", "</itel><item><imageId>ami-2"),
        ("<requestId>r", "<requestId>\u{1}"),
        ("<volumeSize>35</volumeSize>", "<volumeSize>35</volumeSizd>"),
        ("<deviceName>/dev", "<deviceName>\u{fffe}/dev"),
        ("parallelcluster:image_id</key><value>other", "parallelcluster:image_ie</key><value>other"),
    ] {
        assert!(ONE_AMI.contains(right), "{right}");
        let error = amis(ONE_AMI.replacen(right, wrong, 1)).unwrap_err();
        assert_eq!(error.bad_reply, Some(BadReply::Malformed), "{wrong}: {error}");
    }
}

#[test]
fn an_ami_or_a_stack_that_has_lost_its_tag_or_its_id_hides_nothing() {
    let aws = |text: &str, right: &str, wrong: &str| {
        assert!(text.contains(right), "{right}");
        answered(reply(200, text.replace(right, wrong)))
    };
    let (runtime, scope, turn) = (runtime(), scope(), turn());
    for (right, wrong) in [("parallelcluster:image_id", "other"), ("<value>other</value>", ""), ("key>", "kex>")] {
        let aws = aws(ONE_AMI, right, wrong);
        let error = runtime.block_on(async { aws.all_amis(&scope, &turn, |_| ()).await }).unwrap_err();
        assert_eq!(error.bad_reply, Some(BadReply::Malformed), "{wrong}: {error}");
    }
    let orphan = aws(ONE_AMI, "imageId>", "imageIe>");
    assert!(runtime.block_on(async { orphan.orphan(&scope, "arn").await }).is_err());
    let stacks = aws(STACKS, "Key>", "Kex>");
    assert!(runtime.block_on(async { stacks.stacks_page(&scope, None, &turn).await }).is_err());
}

#[test]
fn a_small_reply_does_not_become_large_in_memory() {
    let items = "<item/>".repeat(1_000_000);
    let error = amis(format!("<DescribeImagesResponse><imagesSet>{items}</imagesSet></DescribeImagesResponse>"));
    assert_eq!(error.unwrap_err().bad_reply, Some(BadReply::TooLarge));
}

#[test]
fn a_reply_without_its_list_or_its_image_is_an_error() {
    let (id, stack) = (ImageId::parse("hpc").unwrap(), Stack { arn: Some(STACK_ARN.into()), ..Stack::default() });
    let result = |operation: &str| format!("<{operation}Response><{operation}Result/></{operation}Response>");
    let runtime = runtime();
    let aws = answered(reply(200, result("DescribeStacks")));
    assert!(runtime.block_on(async { aws.stacks_page(&scope(), None, &turn()).await }).is_err());
    let aws = answered(reply(200, result("DescribeStackEvents")));
    assert!(runtime.block_on(async { aws.first_failure(&scope(), &stack, &turn()).await }).is_err());
    assert!(runtime.block_on(async { aws.stack_events(&scope(), "hpc", None, &turn()).await }).is_err());
    let aws = answered(reply(200, result("DescribeStackResource")));
    assert!(runtime.block_on(async { aws.image_build(&scope(), &id, &stack, &turn()).await }).is_err());
    let http = MemoryHttp::new(|request| match operation(request).as_str() {
        "GetImage" => reply(200, "{}"),
        _ => reply(200, RESOURCE),
    });
    let build = runtime.block_on(async { adapter(&http, 1).image_build(&scope(), &id, &stack, &turn()).await });
    assert!(build.unwrap().unwrap().refused.is_some());
}

#[test]
fn a_server_that_fails_does_not_say_what_is_missing() {
    let id = ImageId::parse("hpc").unwrap();
    let stack = |status| {
        let aws = answered(reply(status, NO_STACK));
        runtime().block_on(async { aws.stack(&scope(), &id, &turn()).await })
    };
    assert_eq!(stack(400), Ok(None));
    assert!(stack(502).is_err());
}

#[test]
fn a_document_that_is_no_error_of_cloudformation_does_not_say_what_is_missing() {
    let id = ImageId::parse("hpc").unwrap();
    let stack = |body: &str| {
        let aws = answered(reply(400, body));
        runtime().block_on(async { aws.stack(&scope(), &id, &turn()).await })
    };
    let declared = format!("\u{feff}<?xml version=\"1.0\"?>\n<!-- of AWS -->{NO_STACK}");
    assert_eq!(stack(&declared), Ok(None));
    assert!(stack(&NO_STACK.replace("ErrorResponse", "ErrorReSponse")).is_err());
}
