//! The command `serve`, beside the official program's API server: the same requests to both.

use crate::support::describe::program;
use crate::support::http::{Reply, Serve, reference, request};
use crate::support::run;
use crate::support::scenario::error;
use crate::support::world::{stack, with_failed_build};
use serde_json::Value;
use simulator::{Fault, FaultKind, Simulator};
use std::collections::BTreeSet;
use std::time::Duration;
use tokio::process::Command;

const REGION: &str = "eu-west-1";

/// An available image, and a build that has failed and left its stack and its log.
async fn aws() -> Simulator {
    let aws = Simulator::start(with_failed_build(REGION)).await;
    aws.advance(Duration::from_secs(101));
    aws
}

/// What both servers answer must be the same, but for when a URL was signed.
fn comparable(reply: &Reply) -> (u16, Value) {
    let mut body = reply.body.clone();
    if let Some(url) = body.pointer_mut("/imageConfiguration/url") {
        *url = url.as_str().and_then(|url| url.split('?').next()).unwrap_or_default().into();
    }
    (reply.code, body)
}

/// Requests that both servers answer alike.
const ALIKE: &[&str] = &[
    "GET /v3/images/custom/hpc?region=eu-west-1",
    "GET /v3/images/custom/hpc?region=",
    "GET /v3/images/custom/hpc?region=us-east-1&region=eu-west-1",
    "GET /v3/images/custom/hpc?foo=bar",
    "GET /v3/images/custom/h%70c",
    "GET /v3/images/custom/fails",
    "GET /v3/images/custom/nope",
    "GET /v3/images/custom/a",
    "GET /v3/images/custom/1bad",
    "GET /v3/images/custom/1bad?region=xx",
    "GET /v3/images/custom/h%20c",
    "GET /v3/images/custom/hpc?region=xx",
    "GET /v3/images/custom/hpc?region=%20eu-west-1",
    "GET /v3/images/custom/hpc?region=EU-WEST-1",
    "GET /v3/images/custom?imageStatus=AVAILABLE",
    "GET /v3/images/custom?imageStatus=AVAILABLE&nextToken=bad",
    "GET /v3/images/custom?imageStatus=PENDING",
    "GET /v3/images/custom?imageStatus=FAILED",
    "GET /v3/images/custom?imageStatus=AVAILABLE&imageStatus=FAILED",
    "GET /v3/images/custom?imageStatus=FAILED&nextToken=bad",
    "GET /v3/images/custom",
    "GET /v3/images/custom?image_status=AVAILABLE",
    "GET /v3/images/custom?imageStatus=",
    "GET /v3/images/custom?imageStatus=available",
    "GET /v3/images/custom?imageStatus=FOO&region=xx",
    "GET /v3/images/custom/fails/logstreams",
    "GET /v3/images/custom/fails/logstreams?nextToken=bad",
    "GET /v3/images/custom/nope/logstreams",
    "GET /v3/images/custom/nope/logstreams/x",
    "GET /v3/images/custom/fails/logstreams/x",
    "GET /v3/images/custom/fails/logstreams/x%3Ay?nextToken=bad",
    "GET /v3/images/custom/fails/logstreams/3.16.1/1",
    "GET /v3/images/custom/fails/logstreams/x?limit=abc",
    "GET /v3/images/custom/fails/logstreams/x?limit=",
    "GET /v3/images/custom/fails/logstreams/x?limit=1.5",
    "GET /v3/images/custom/fails/logstreams/x?limit=0",
    "GET /v3/images/custom/fails/logstreams/x?limit=-1",
    "GET /v3/images/custom/fails/logstreams/x?limit=%205",
    "GET /v3/images/custom/fails/logstreams/x?limit=20000",
    "GET /v3/images/custom/fails/logstreams/x?limit=abc&startFromHead=foo",
    "GET /v3/images/custom/1bad/logstreams/x?limit=abc",
    "GET /v3/images/custom/1bad/logstreams/x?startTime=abc",
    "GET /v3/images/custom/fails/logstreams/x?region=xx&startTime=abc",
    "GET /v3/images/custom/fails/logstreams/x?startTime=abc&limit=-1",
    "GET /v3/images/custom/fails/logstreams/x?startFromHead=maybe",
    "GET /v3/images/custom/fails/logstreams/x?startFromHead=",
    "GET /v3/images/custom/fails/logstreams/x?startFromHead=1",
    "GET /v3/images/custom/fails/logstreams/x?startFromHead=TRUE",
    "GET /v3/images/custom/fails/logstreams/x?startTime=abc",
    "GET /v3/images/custom/fails/logstreams/x?startTime=1700000000",
    "GET /v3/images/custom/fails/logstreams/x?startTime=2026-01-02",
    "GET /v3/images/custom/fails/logstreams/x?startTime=2026-01-02T03:04:05%2B02:00",
    "GET /v3/images/custom/fails/logstreams/x?startTime=2026-01-02&endTime=2026-01-01",
    "GET /v3/images/custom/fails/stackevents",
    "GET /v3/images/custom/fails/stackevents?nextToken=bad",
    "GET /v3/images/custom/hpc/stackevents",
    "GET /v3/images/custom/nope/stackevents",
    "GET /v3/images/custom/hpc/",
    "GET /v3/images/custom/",
    "GET /v3/nothing",
    "GET /",
    "PUT /v3/images/custom/hpc",
    "POST /v3/images/custom/hpc/logstreams",
    "PUT /v3/nothing",
];

#[test]
fn serve_and_the_official_server_answer_the_same_requests_alike() {
    run(async {
        let aws = aws().await;
        let serve = Serve::start(&aws.endpoint(), &["--region", REGION]).await;
        let mut differences = Vec::new();
        for line in ALIKE {
            let (method, path) = line.split_once(' ').unwrap();
            let (ours, theirs) = (serve.ask(method, path).await, reference(&aws.endpoint(), method, path).await);
            if comparable(&ours) != comparable(&theirs) {
                differences.push(format!("{line}\n  official {theirs:?}\n  ours     {ours:?}"));
            }
            assert!(ours.head.contains("content-type: application/json"), "{line}: {}", ours.head);
        }
        assert!(differences.is_empty(), "{}", differences.join("\n"));
    });
}

/// The table of docs/http-api.md: our answer, and that of the official server.
#[test]
fn where_serve_and_the_official_server_differ_both_answers_are_as_documented() {
    run(async {
        let aws = aws().await;
        let serve = Serve::start(&aws.endpoint(), &["--region", REGION]).await;
        let long = format!("/v3/images/custom/{}", "a".repeat(129));
        for (method, path, theirs, ours) in [
            ("GET", "/v3/images/custom/fails/logstreams/3.16.1%2F1", 404, 200),
            ("GET", "/v3/images/custom/hpc?region=eu-west-99", 400, 404),
            ("GET", "/v3/images/custom/hpc%0A", 404, 400),
            ("GET", long.as_str(), 404, 400),
            ("GET", "/v3/images/custom/fails/logstreams/x?startTime=Jan%201%202026", 404, 400),
            ("GET", "/v3/images/custom/fails/logstreams/x?limit=5_0", 404, 400),
            ("GET", "/v3/images//custom/hpc", 308, 404),
            ("GET", "/v3/images/custom/%FF", 400, 400),
            ("GET", "/v3/images/official", 200, 404),
            ("GET", "/v3/clusters", 200, 404),
            ("OPTIONS", "/v3/images/custom/hpc", 200, 405),
            ("DELETE", "/v3/images/custom/nope", 404, 405),
            ("POST", "/v3/images/custom", 400, 405),
        ] {
            let reference = reference(&aws.endpoint(), method, path).await;
            let served = serve.ask(method, path).await;
            assert_eq!((reference.code, served.code), (theirs, ours), "{method} {path}: {reference:?} {served:?}");
            assert!(ours == 200 || served.body["message"].is_string(), "{served:?}");
        }
        let limit = |limit| format!("/v3/images/custom/fails/logstreams/3.16.1%2F1?limit={limit}");
        assert_eq!(serve.get(&limit("99999999999999999999")).await.code, 500, "as the official server");
        assert_eq!(serve.get(&limit("2")).await.body["events"].as_array().unwrap().len(), 2);
    });
}

/// The rows of the table that are about what AWS leaves out, or refuses.
#[test]
fn what_aws_leaves_out_is_left_out_or_empty_as_documented() {
    run(async {
        let aws = aws().await;
        aws.world(|world| {
            world.stacks[0].tags.retain(|tag| tag.key != "parallelcluster:version");
            world.log_groups[0].streams[0].upload_sequence_token = None;
        });
        let serve = Serve::start(&aws.endpoint(), &["--region", REGION]).await;
        let both = async |path: &str| {
            let path = format!("/v3/images/custom{path}");
            (reference(&aws.endpoint(), "GET", &path).await, serve.get(&path).await)
        };
        let (theirs, ours) = both("?imageStatus=FAILED").await;
        let version = |reply: &Reply| reply.body["images"][0].get("version").cloned();
        assert_eq!((version(&theirs), version(&ours)), (None, Some("".into())), "{theirs:?} {ours:?}");
        let (theirs, ours) = both("/fails/logstreams").await;
        let token = |reply: &Reply| reply.body["logStreams"][0].get("uploadSequenceToken").cloned();
        assert_eq!((token(&theirs), token(&ours)), (None, Some("".into())), "{theirs:?} {ours:?}");
        aws.fault(Fault::new("logs", "DescribeLogGroups", error(400, "AccessDeniedException", "not authorized")));
        let (theirs, ours) = both("/fails/logstreams").await;
        assert_eq!((theirs.code, ours.code), (404, 200), "{theirs:?} {ours:?}");
        aws.clear_faults();
        aws.world(|world| {
            world.log_groups[0].stream("3.16.1/2");
        });
        let (theirs, ours) = both("/fails/logstreams").await;
        assert_eq!((theirs.code, ours.code), (500, 200), "{theirs:?} {ours:?}");
        assert_eq!(ours.body["logStreams"].as_array().map(Vec::len), Some(1), "{ours:?}");
    });
}

#[test]
fn failed_reads_have_the_codes_and_words_of_the_official_server() {
    run(async {
        let aws = aws().await;
        let serve = Serve::start(&aws.endpoint(), &["--region", REGION]).await;
        let denied = || error(403, "AccessDenied", "User: arn:aws:iam::111122223333:user/me is not authorized");
        for (service, operation, path) in [
            ("ec2", "DescribeImages", "?imageStatus=AVAILABLE"),
            ("cloudformation", "DescribeStacks", "?imageStatus=FAILED"),
            ("logs", "DescribeLogStreams", "/fails/logstreams"),
            ("logs", "GetLogEvents", "/fails/logstreams/x"),
            ("cloudformation", "DescribeStackEvents", "/fails/stackevents"),
            ("ec2", "DescribeImages", "/hpc"),
        ] {
            let path = format!("/v3/images/custom{path}");
            aws.fault(Fault::new(service, operation, denied()));
            let (ours, theirs) = (serve.get(&path).await, reference(&aws.endpoint(), "GET", &path).await);
            assert_eq!(comparable(&ours), comparable(&theirs), "{path}");
            assert_eq!(ours.code, 500, "401 and 403 are about the caller: {ours:?}");
            aws.clear_faults();
            aws.fault(Fault::new(service, operation, FaultKind::Throttle));
            assert_eq!(serve.get(&path).await.code, 429, "{path}");
            aws.clear_faults();
        }
    });
}

#[test]
fn lists_go_from_page_to_page_by_the_tokens_of_aws_and_end() {
    run(async {
        let aws = aws().await;
        aws.world(|world| {
            for number in 0..250 {
                world.stacks.push(stack(&format!("stack-{number}"), REGION, "CREATE_FAILED"));
            }
        });
        let serve = Serve::start(&aws.endpoint(), &["--region", REGION]).await;
        let (mut token, mut pages, mut ids) = (String::new(), 0, BTreeSet::new());
        loop {
            let path = format!("/v3/images/custom?imageStatus=FAILED&nextToken={token}");
            let (ours, theirs) = (serve.get(&path).await, reference(&aws.endpoint(), "GET", &path).await);
            assert_eq!(comparable(&ours), comparable(&theirs));
            ids.extend(ours.body["images"].as_array().unwrap().iter().map(|image| image["imageId"].to_string()));
            pages += 1;
            match ours.body["nextToken"].as_str() {
                Some(next) => token = next.to_owned(),
                None => break,
            }
        }
        assert_eq!((pages, ids.len()), (3, 251));
    });
}

#[test]
fn web_pages_and_other_machines_are_kept_away() {
    run(async {
        let aws = aws().await;
        let serve = Serve::start(&aws.endpoint(), &["--region", REGION]).await;
        let path = "/v3/images/custom/hpc";
        for headers in [
            &[("Host", "evil.example")][..],
            &[("Host", "localhost"), ("Origin", "http://evil.example")],
            &[("Host", "localhost"), ("Origin", "null")],
            &[("Host", "localhost"), ("Sec-Fetch-Site", "cross-site")],
            &[],
        ] {
            let reply = request(&serve.address, "GET", path, headers).await;
            assert_eq!(reply.code, 403, "{headers:?}: {reply:?}");
            assert!(reply.head.contains("x-request-id: "), "a refusal is logged, too: {reply:?}");
        }
        assert_eq!(aws.calls().len(), 0);
        let signed = [("Host", "localhost:1234"), ("Authorization", "AWS4-HMAC-SHA256 Credential=AKIA/x, Signature=y")];
        assert_eq!(request(&serve.address, "GET", path, &signed).await.code, 200, "signatures are ignored");
        for address in ["0.0.0.0:0", "[::]:0", "10.0.0.1:0"] {
            let output = program(&aws.endpoint()).args(["serve", "--listen", address]).output().await.unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(2) && said.contains("ssh -L"), "{said}");
        }
    });
}

/// The SDK would ignore such an endpoint, and ask AWS itself.
#[test]
fn an_endpoint_that_is_no_url_is_refused_before_aws_is_asked() {
    run(async {
        for command in [&["serve", "--listen", "127.0.0.1:0"][..], &["list"], &["describe", "--image-id", "hpc"]] {
            let output = program("127.0.0.1:4566").args(command).args(["--region", REGION]).output().await.unwrap();
            let said = String::from_utf8_lossy(&output.stderr).into_owned();
            assert!(output.status.code() == Some(2) && said.contains("AWS_ENDPOINT_URL is '127.0.0.1:4566'"), "{said}");
        }
    });
}

#[test]
fn serve_finishes_what_is_under_way_and_ends_with_0() {
    run(async {
        let aws = aws().await;
        let mut serve = Serve::start(&aws.endpoint(), &["--region", REGION]).await;
        aws.fault(Fault::new("ec2", "DescribeImages", FaultKind::Slow { millis: 1000 }));
        let answer = serve.get("/v3/images/custom/hpc");
        let pid = serve.process.id().unwrap().to_string();
        let end = async {
            crate::support::eventually("the read has begun", || async {
                let calls = aws.calls().len();
                if calls > 0 { Ok(()) } else { Err(calls.to_string()) }
            })
            .await;
            Command::new("kill").args(["-TERM", &pid]).status().await.unwrap();
        };
        let (answer, ()) = tokio::join!(answer, end);
        assert_eq!(answer.code, 200);
        assert_eq!(serve.process.wait().await.unwrap().code(), Some(0));
    });
}

#[test]
fn each_answer_has_an_id_of_its_own_and_no_field_that_is_null() {
    run(async {
        let aws = aws().await;
        let serve = Serve::start(&aws.endpoint(), &["--region", REGION]).await;
        let mut ids = BTreeSet::new();
        for path in ["/v3/images/custom/hpc", "/v3/images/custom/nope", "/nothing"] {
            let reply = serve.get(path).await;
            let id = reply.head.lines().find_map(|line| line.strip_prefix("x-request-id: ")).unwrap().to_owned();
            assert!(ids.insert(id), "{reply:?}");
            assert!(!reply.text.contains("null"), "{reply:?}");
        }
        assert_eq!(serve.ask("HEAD", "/v3/images/custom/hpc").await.code, 200);
        let streams = serve.get("/v3/images/custom/fails/logstreams").await.body;
        assert!(streams["logStreams"][0]["uploadSequenceToken"].is_string(), "{streams}");
    });
}
