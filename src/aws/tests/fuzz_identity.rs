//! The account of the credentials, the credentials of a role, and the place of a bucket, from any replies: what is told or used is what
//! the reply states.

use super::known::{ASSUMED, CALLER, DENIED};
use super::memory_http::{MemoryHttp, Reply, operation};
use super::replies::any_reply;
use super::statement::{is_own, success};
use super::xml::{Node, text};
use super::{adapter, runtime, scope};
use crate::aws::s3::{Bucket, find_bucket};
use crate::aws::source::Aws;
use crate::describe_image::image_config::ConfigObject;
use crate::describe_image::scope::{Identity, Role, Scope};
use crate::describe_image::source::AccountSource;
use crate::tests::fuzz::hold;
use parking_lot::Mutex;
use proptest::prelude::*;
use proptest::test_runner::TestCaseResult;
use std::sync::Arc;

const OF_CALLER: [(u16, &str); 2] = [(200, CALLER), (403, DENIED)];
const OF_ROLE: [(u16, &str); 2] = [(200, ASSUMED), (403, DENIED)];
const OF_BUCKET: [(u16, &str); 4] = [(200, ""), (301, ""), (403, ""), (404, "")];

/// The successes that each read must understand.
const OWN: [(u16, &str); 2] = [(200, CALLER), (200, ASSUMED)];

#[derive(Clone, Copy, Debug)]
enum Read {
    Caller,
    Role,
    Bucket,
}

fn any_read() -> impl Strategy<Value = (Read, Reply)> {
    let region = proptest::sample::select(vec!["eu-west-1", "us-east-1", "eu-west-1a", "EU", ""]);
    let bucket = (any_reply(&OF_BUCKET), proptest::option::of(region)).prop_map(|(mut reply, region)| {
        reply.headers.extend(region.map(|region| (REGION_HEADER.to_owned(), region.to_owned())));
        reply
    });
    prop_oneof![
        any_reply(&OF_CALLER).prop_map(|reply| (Read::Caller, reply)),
        any_reply(&OF_ROLE).prop_map(|reply| (Read::Role, reply)),
        bucket.prop_map(|reply| (Read::Bucket, reply)),
    ]
}

/// The reply to the read, and what signed the last call of GetCallerIdentity.
#[derive(Default)]
struct Sts {
    read: Option<Read>,
    reply: Reply,
    signed: Option<[String; 2]>,
}

#[test]
#[ignore = "tests/fuzz runs it in a process of its own"]
fn an_identity_and_a_bucket_are_what_a_reply_states() {
    let (runtime, sts) = (runtime(), Arc::new(Mutex::new(Sts::default())));
    let _guard = runtime.enter();
    let of_http = sts.clone();
    let http = MemoryHttp::new(move |request| {
        let mut sts = of_http.lock();
        let of_role = matches!(sts.read, Some(Read::Role));
        if of_role && operation(request) == "GetCallerIdentity" {
            let header = |name| request.headers().get(name).unwrap_or_default().to_owned();
            sts.signed = Some([header("authorization"), header("x-amz-security-token")]);
            return Reply { status: 200, body: CALLER.into(), ..Reply::default() };
        }
        sts.reply.clone()
    });
    hold("identity", &any_read(), |(read, reply)| {
        *sts.lock() = Sts { read: Some(read), reply: reply.clone(), signed: None };
        // Another adapter each time, because it keeps the credentials of a role.
        let aws = adapter(&http, 1);
        runtime.block_on(async {
            match read {
                Read::Caller => caller(&aws, &reply).await,
                Read::Role => role(&aws, &reply, &sts).await,
                Read::Bucket => bucket(&aws, &reply).await,
            }
        })
    });
}

async fn caller(aws: &Aws, reply: &Reply) -> TestCaseResult {
    match aws.account(&scope()).await {
        Ok(account) => {
            prop_assert!(!account.is_empty());
            let stated = result(reply, "GetCallerIdentityResponse").and_then(|result| text(&result, "Account"));
            prop_assert_eq!(Some(account), stated);
        }
        Err(error) => prop_assert!(!is_own(reply, &OWN), "{error}"),
    }
    Ok(())
}

/// The calls of a role are signed with the credentials that STS gave for it, or not sent.
async fn role(aws: &Aws, reply: &Reply, sts: &Mutex<Sts>) -> TestCaseResult {
    let role = Role::parse("arn:aws:iam::111122223333:role/reader", None, "session").unwrap();
    let of_role = Scope { identity: Identity { name: "other".to_owned(), role: Some(role) }, ..scope() };
    let told = aws.account(&of_role).await;
    prop_assert!(told.is_ok() || !is_own(reply, &OWN), "{told:?}");
    let signed = sts.lock().signed.take();
    prop_assert_eq!(told.is_ok(), signed.is_some());
    let Some([authorization, token]) = signed else { return Ok(()) };
    let result = result(reply, "AssumeRoleResponse");
    let credentials = result.as_ref().and_then(|result| result.child("Credentials"));
    let stated = |name| credentials.and_then(|credentials| text(credentials, name));
    let key = stated("AccessKeyId").ok_or_else(|| TestCaseError::fail("the reply states no key"))?;
    prop_assert!(authorization.contains(&format!("Credential={key}/")), "{authorization}");
    prop_assert_eq!(Some(token), stated("SessionToken"));
    Ok(())
}

const REGION_HEADER: &str = "x-amz-bucket-region";

async fn bucket(aws: &Aws, reply: &Reply) -> TestCaseResult {
    let clients = aws.clients(&scope()).await.map_err(|error| TestCaseError::fail(error.to_string()))?;
    let object = ConfigObject { bucket: "b".into(), key: "k".into(), expected_owner: None };
    let here = scope().region;
    let named = reply.headers.iter().find(|(name, _)| name == REGION_HEADER).map(|(_, region)| region.as_str());
    match find_bucket(&clients.s3, &object, &here).await {
        Bucket::Here => {
            prop_assert!((200..300).contains(&reply.status));
            prop_assert_ne!(named, Some("us-east-1"));
        }
        Bucket::Elsewhere(region) => prop_assert_eq!(named, Some(region.as_str())),
        Bucket::Unusable => prop_assert!(!(200..300).contains(&reply.status)),
    }
    Ok(())
}

/// The result in a success. As in the SDK, it is the first element.
fn result(reply: &Reply, root: &str) -> Option<Node> {
    success(reply, root)?.children.first().filter(|result| result.name == root.replace("Response", "Result")).cloned()
}
