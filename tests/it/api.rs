//! The HTTP interface in the cluster, with a real API server that says who the callers are and what they may.

use crate::support::api::{Account, Certificate, ClusterApi};
use crate::support::http::reference;
use crate::support::lab::{Lab, REGION};
use crate::support::world::{build, image, stack, with_failed_build, world};
use crate::support::{eventually, run};
use cluster::Cluster;
use futures::future::join_all;
use serde_json::{Value, json};
use simulator::{Fault, FaultKind};
use std::time::Duration;

/// A lab with an available image, one that is being built, and a stack that builds no image.
async fn lab() -> Lab {
    let mut world = world(REGION);
    world.images.push(image("hpc", REGION));
    world.stacks.push(stack("building", REGION, "CREATE_IN_PROGRESS"));
    world.image_build_versions.push(build("building", REGION, "BUILDING"));
    let mut other = stack("payroll", REGION, "CREATE_COMPLETE");
    other.tags.clear();
    world.stacks.push(other);
    Lab::new(world).await
}

/// Such a lab, and the interface of an operator with these settings.
async fn start(settings: &[(&str, &str)]) -> (Lab, ClusterApi) {
    let lab = lab().await;
    let api = ClusterApi::start(&lab, &Certificate::new(), settings).await;
    (lab, api)
}

/// The same, and a token of a caller who may read everything.
async fn start_with_reader(settings: &[(&str, &str)]) -> (Lab, ClusterApi, String) {
    let (lab, api) = start(settings).await;
    let token = Account::reader(&lab).await;
    (lab, api, token)
}

fn may(resources: &[&str], verbs: &[&str]) -> Value {
    json!([{"apiGroups": ["parallelcluster.dev"], "resources": resources, "verbs": verbs}])
}

#[test]
fn without_a_token_or_a_right_a_caller_is_refused_and_causes_no_call_to_aws() {
    run(async {
        let (lab, api) = start(&[]).await;
        let reader = Account::with(&lab, "reader", may(&["images"], &["get", "list"])).await;
        let nobody = Account::new(&lab, "nobody").await;
        // Rights that others already have must open nothing.
        let broad = may(&["customimages", "customimages/*", "customimages/images", "images/*"], &["*"]);
        let broad = Account::with(&lab, "broad", broad).await;
        let path = format!("/namespaces/{}/v3/images/custom/hpc", lab.namespace);
        let expired = reader.token_until(&lab, -120).await;
        let forged = format!("{}x", reader.token(&lab).await);
        let other = lab.another_namespace(json!({})).await;
        let tokens = [
            (401, None),
            (401, Some("abc".to_owned())),
            (401, Some(expired)),
            (401, Some(forged)),
            (401, Some(reader.token_for(&lab, &[]).await)),
            (401, Some(reader.token_for(&lab, &["somebody-else"]).await)),
            (403, Some(nobody.token(&lab).await)),
            (403, Some(broad.token(&lab).await)),
        ];
        for (code, token) in &tokens {
            let reply = api.ask("GET", &path, token.as_deref()).await;
            assert_eq!(reply.code, *code, "{token:?}: {reply:?}");
            assert_eq!(reply.header("www-authenticate"), (*code == 401).then_some("Bearer"));
            let message = reply.body["message"].as_str().unwrap();
            assert!(!message.contains('…') && (*code == 403 || message.ends_with("as a bearer token")), "{message}");
        }
        let token = reader.token(&lab).await;
        for path in [
            format!("/namespaces/{other}/v3/images/custom/hpc"),
            format!("/namespaces/{}/v3/images/custom/hpc/logstreams", lab.namespace),
            format!("/namespaces/{}/v3/images/custom/hpc/logstreams/3.16.1%2F1", lab.namespace),
            format!("/namespaces/{}/v3/images/custom/hpc/stackevents", lab.namespace),
        ] {
            assert_eq!(api.ask("GET", &path, Some(&token)).await.code, 403, "{path}");
        }
        for path in ["/v3/images/custom/hpc", "/", "/namespaces/No/v3/images/custom/hpc", "/metrics"] {
            assert_eq!(api.ask("GET", path, None).await.code, 404, "{path}: nobody is asked who it is");
        }
        assert_eq!(lab.aws.calls().len(), 0, "{:?}", lab.aws.counts());
        let refused = tokens.len() + 4 + 4;
        eventually("each has a line in the log", || async {
            let lines = api.operator.lines("audit: refused");
            if lines == refused { Ok(()) } else { Err(lines.to_string()) }
        })
        .await;
        let log = api.operator.log().join("\n");
        for token in tokens.iter().filter_map(|(_, token)| token.as_ref()).filter(|token| token.len() > 9) {
            assert!(!log.contains(token.as_str()), "the log has no token");
        }
        assert_eq!(api.ask("GET", &path, Some(&token)).await.code, 200);
    });
}

#[test]
fn a_right_to_one_image_opens_no_other_image() {
    run(async {
        let (lab, api) = start(&[]).await;
        let rules = json!([{
            "apiGroups": ["parallelcluster.dev"], "resources": ["images"], "verbs": ["get"], "resourceNames": ["hpc"]
        }]);
        let token = Account::with(&lab, "one", rules).await.token(&lab).await;
        for (code, rest) in [
            (200, "/hpc"),
            (403, "/building"),
            (403, "/Hpc"),
            (403, "?imageStatus=FAILED"),
            (403, "/hpc%2Fx"),
            (403, "/1bad"),
        ] {
            let reply = api.get(&lab, rest, &token).await;
            assert_eq!(reply.code, code, "{rest}: {reply:?}");
        }
    });
}

#[test]
fn a_token_that_has_ended_is_not_remembered() {
    run(async {
        let (lab, api) = start(&[]).await;
        let reader = Account::with(&lab, "reader", may(&["images"], &["get"])).await;
        // The API server takes a token for a minute longer than it says.
        let token = reader.token_until(&lab, 4).await;
        let reviews = r#"customimage_api_reviews_total{review="token",result="allowed"}"#;
        assert_eq!(api.get(&lab, "/hpc", &token).await.code, 200);
        assert_eq!(api.operator.metric(reviews).await, 1.0);
        eventually("the API server is asked for each request", || async {
            let before = api.operator.metric(reviews).await;
            for _ in 0..3 {
                api.get(&lab, "/hpc", &token).await;
            }
            let asked = api.operator.metric(reviews).await - before;
            if asked == 3.0 { Ok(()) } else { Err(asked.to_string()) }
        })
        .await;
    });
}

#[test]
fn a_thousand_requests_of_one_token_cause_two_reviews_and_one_read() {
    run(async {
        let (lab, api, token) = start_with_reader(&[]).await;
        let first = api.get(&lab, "/hpc", &token).await;
        assert_eq!((first.code, first.header("age")), (200, Some("0")), "{first:?}");
        let calls = lab.aws.calls().len();
        for _ in 0..20 {
            let replies = join_all((0..50).map(|_| api.get(&lab, "/hpc", &token))).await;
            for reply in replies {
                assert_eq!((reply.code, &reply.body), (200, &first.body), "{reply:?}");
                assert_eq!(reply.header("cache-control"), Some("private"));
                assert!(reply.header("age").is_some() && reply.header("x-request-id").is_some(), "{reply:?}");
            }
        }
        assert_eq!(lab.aws.calls().len(), calls, "{:?}", lab.aws.counts());
        let reviews = |kind: &str| format!(r#"customimage_api_reviews_total{{review="{kind}",result="allowed"}}"#);
        assert_eq!(api.operator.metric(&reviews("token")).await, 1.0);
        assert_eq!(api.operator.metric(&reviews("access")).await, 1.0);
        let requests = r#"customimage_api_requests_total{operation="describe_image",code="200"}"#;
        assert_eq!(api.operator.metric(requests).await, 1001.0);
    });
}

#[test]
fn an_image_that_a_custom_image_shows_is_answered_from_the_store() {
    run(async {
        let lab = lab().await;
        lab.create("hpc", json!({})).await;
        let api = ClusterApi::start(&lab, &Certificate::new(), &[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let token = Account::reader(&lab).await;
        let calls = lab.aws.calls().len();
        let reply = api.get(&lab, "/hpc", &token).await;
        assert_eq!((reply.code, &reply.body["imageBuildStatus"]), (200, &json!("BUILD_COMPLETE")), "{reply:?}");
        assert_eq!(lab.aws.calls().len(), calls);
    });
}

/// What both servers answer must be the same.
#[test]
fn the_cluster_and_the_official_server_answer_the_same_requests_alike() {
    run(async {
        let lab = Lab::new(with_failed_build(REGION)).await;
        lab.aws.advance(Duration::from_secs(101));
        let settings = [("CUSTOMIMAGE_API_CONFIGURATION_URL", "presigned")];
        let api = ClusterApi::start(&lab, &Certificate::new(), &settings).await;
        let token = Account::reader(&lab).await;
        let without_query = |mut body: Value| {
            if let Some(url) = body.pointer_mut("/imageConfiguration/url") {
                *url = url.as_str().and_then(|url| url.split('?').next()).unwrap_or_default().into();
            }
            body
        };
        for rest in [
            "/hpc",
            "/hpc?region=us-east-1&region=eu-west-1&foo=bar",
            "/fails",
            "/nope",
            "/1bad?region=xx",
            "/hpc?region=xx",
            "?imageStatus=AVAILABLE",
            "?imageStatus=PENDING",
            "?imageStatus=FAILED",
            "",
            "?imageStatus=available",
            "/fails/logstreams",
            "/nope/logstreams",
            "/fails/logstreams/x",
            "/fails/logstreams/x?limit=abc",
            "/fails/logstreams/x?startTime=2026-01-02&endTime=2026-01-01",
            "/fails/logstreams?nextToken=bad",
            "/fails/stackevents",
            "/hpc/stackevents",
            "/nope/stackevents",
            "/hpc/",
        ] {
            let path = format!("/v3/images/custom{rest}");
            let (ours, theirs) =
                (api.get(&lab, rest, &token).await, reference(&lab.aws.endpoint(), "GET", &path).await);
            let (body, expected) = (without_query(ours.body.clone()), without_query(theirs.body.clone()));
            assert_eq!((ours.code, body), (theirs.code, expected), "{rest}");
        }
        let log = api.get(&lab, "/fails/logstreams/3.16.1%2F1?startFromHead=true", &token).await;
        assert!(log.body["events"].as_array().is_some_and(|events| !events.is_empty()), "{log:?}");
        let post = format!("/namespaces/{}/v3/images/custom/hpc", lab.namespace);
        assert_eq!(api.ask("POST", &post, Some(&token)).await.code, 405);
    });
}

#[test]
fn only_stacks_that_build_images_tell_their_events() {
    run(async {
        let (lab, api, token) = start_with_reader(&[]).await;
        assert_eq!(api.get(&lab, "/building/stackevents", &token).await.code, 200);
        let reply = api.get(&lab, "/payroll/stackevents", &token).await;
        assert_eq!(reply.code, 404, "{reply:?}");
        assert_eq!(reply.body["message"], "CloudFormation Stack for Image payroll does not exist.");
        assert_eq!(lab.aws.count("cloudformation", "DescribeStackEvents"), 1);
    });
}

#[test]
fn a_presigned_url_needs_a_right_of_its_own() {
    run(async {
        let settings = [("CUSTOMIMAGE_API_CONFIGURATION_URL", "presigned")];
        let (lab, api, all) = start_with_reader(&settings).await;
        let viewer = Account::with(&lab, "viewer", may(&["images"], &["get"])).await.token(&lab).await;
        let url = async |token: &str| {
            let reply = api.get(&lab, "/hpc", token).await;
            reply.body["imageConfiguration"]["url"].as_str().unwrap().to_owned()
        };
        assert!(url(&viewer).await.starts_with("s3://"));
        assert!(url(&all).await.starts_with("http"));
        let plain = ClusterApi::start(&lab, &Certificate::new(), &[]).await;
        let reply = plain.get(&lab, "/hpc", &all).await;
        assert!(reply.body["imageConfiguration"]["url"].as_str().unwrap().starts_with("s3://"), "{reply:?}");
    });
}

#[test]
fn an_identity_that_is_refused_and_one_that_does_not_exist_are_answered_alike() {
    run(async {
        let file = tempfile::NamedTempFile::new().unwrap();
        let text = "identities:\n- name: default\n  regions: [eu-west-1]\n  namespaceSelector: {}\n- name: secret\n  roleArn: arn:aws:iam::222233334444:role/r\n  namespaces: [others]\n";
        std::fs::write(file.path(), text).unwrap();
        let settings = [("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())];
        let (lab, api, token) = start_with_reader(&settings).await;
        let ask = async |identity: &str, query: &str| {
            let path = format!("/namespaces/{}/identities/{identity}/v3/images/custom/hpc{query}", lab.namespace);
            api.ask("GET", &path, Some(&token)).await
        };
        let (refused, unknown) = (ask("secret", "").await, ask("unknown", "").await);
        assert_eq!((refused.code, &refused.text), (403, &unknown.text), "{refused:?} {unknown:?}");
        assert_eq!(unknown.code, 403);
        assert_eq!(ask("default", "?region=us-east-1").await.code, 403, "a region that is not for it");
        assert_eq!(lab.aws.calls().len(), 0);
        let allowed = eventually("the labels of namespaces are known", || async {
            let reply = ask("default", "").await;
            if reply.code == 503 { Err(reply.text) } else { Ok(reply) }
        })
        .await;
        assert_eq!(allowed.code, 200, "{allowed:?}");
    });
}

#[test]
fn credentials_that_aws_refuses_are_an_error_of_the_server() {
    run(async {
        let (lab, api, token) = start_with_reader(&[]).await;
        let message = "You are not authorized to perform this operation.".to_owned();
        let denied = FaultKind::Error { status: 403, code: "UnauthorizedOperation".into(), message };
        lab.aws.fault(Fault::new("ec2", "DescribeImages", denied));
        for rest in ["/hpc", "?imageStatus=AVAILABLE"] {
            let reply = api.get(&lab, rest, &token).await;
            assert_eq!(reply.code, 500, "{rest}: {reply:?}");
            assert!(reply.text.contains("not authorized"), "{reply:?}");
        }
        lab.aws.clear_faults();
        eventually("it is read again", || async {
            let code = api.get(&lab, "/hpc", &token).await.code;
            if code == 200 { Ok(()) } else { Err(code.to_string()) }
        })
        .await;
    });
}

#[test]
fn a_user_who_asks_too_often_is_told_to_wait_and_others_are_not() {
    run(async {
        let (lab, api, busy) = start_with_reader(&[("CUSTOMIMAGE_API_REQUESTS_PER_SECOND", "1")]).await;
        let other = Account::with(&lab, "other", may(&["images"], &["get"])).await.token(&lab).await;
        let replies = join_all((0..20).map(|_| api.get(&lab, "/hpc", &busy))).await;
        let refused: Vec<_> = replies.iter().filter(|reply| reply.code == 429).collect();
        assert!(refused.len() >= 10, "{replies:?}");
        assert!(refused.iter().all(|reply| reply.header("retry-after") == Some("1")), "{refused:?}");
        assert_eq!(api.get(&lab, "/hpc", &other).await.code, 200);
    });
}

#[test]
fn a_changed_certificate_is_used_without_a_restart_and_a_broken_one_is_not() {
    run(async {
        let lab = lab().await;
        let certificate = Certificate::new();
        let api = ClusterApi::start(&lab, &certificate, &[]).await;
        let token = Account::reader(&lab).await;
        let path = format!("/namespaces/{}/v3/images/custom/hpc", lab.namespace);
        assert_eq!(api.ask("GET", &path, Some(&token)).await.code, 200);
        certificate.change();
        eventually("the new certificate is served", || async {
            let reply = api.ask_with(&certificate.ca(), "GET", &path, Some(&token)).await;
            reply.map(|reply| reply.code).map_err(|error| error.to_string())
        })
        .await;
        std::fs::write(certificate.0.path().join("tls.key"), "no key").unwrap();
        api.operator.measures("customimage_api_certificate_valid", 0.0).await;
        assert!(api.operator.logged("the changed certificate is invalid").await > 0);
        assert_eq!(api.ask("GET", &path, Some(&token)).await.code, 200, "the previous one stays in force");
    });
}

#[test]
fn a_standby_passes_requests_on_to_the_leader_and_leads_when_that_ends() {
    run(async {
        let lab = lab().await;
        let certificate = Certificate::new();
        let lease = [("CUSTOMIMAGE_LEADER_ELECTION", "true"), ("CUSTOMIMAGE_LEASE_RETRY_PERIOD", "1s")];
        let leader = ClusterApi::start(&lab, &certificate, &lease).await;
        leader.operator.measures("customimage_leader", 1.0).await;
        let standby = ClusterApi::start(&lab, &certificate, &lease).await;
        let token = Account::reader(&lab).await;
        let answered = async |api: &ClusterApi| {
            eventually("it is answered", || async {
                let reply = api.get(&lab, "/hpc", &token).await;
                if reply.code == 503 { Err(reply.text) } else { Ok(reply) }
            })
            .await
        };
        let (direct, passed_on) = (answered(&leader).await, answered(&standby).await);
        assert_eq!((passed_on.code, &passed_on.body), (200, &direct.body), "{passed_on:?}");
        assert!(passed_on.header("age").is_some(), "{passed_on:?}");
        let id = passed_on.header("x-request-id").unwrap();
        assert!(leader.operator.logged(id).await > 0, "both logs have the same id");
        let nobody = Account::new(&lab, "nobody").await.token(&lab).await;
        assert_eq!(standby.get(&lab, "/hpc", &nobody).await.code, 403);
        assert_eq!(standby.operator.metric("customimage_aws_calls_total").await, 0.0);
        assert_eq!(leader.operator.terminate().await, 0);
        let after = eventually("the standby leads", || async {
            let reply = standby.get(&lab, "/hpc", &token).await;
            if reply.code == 503 {
                assert_eq!(reply.header("retry-after"), Some("5"), "{reply:?}");
                return Err(reply.text);
            }
            Ok(reply)
        })
        .await;
        assert_eq!((after.code, &after.body), (200, &direct.body), "{after:?}");
    });
}

#[test]
fn a_leader_with_another_certificate_is_not_trusted_with_a_token() {
    run(async {
        let lab = lab().await;
        let lease = [("CUSTOMIMAGE_LEADER_ELECTION", "true"), ("CUSTOMIMAGE_LEASE_RETRY_PERIOD", "1s")];
        let leader = ClusterApi::start(&lab, &Certificate::new(), &lease).await;
        leader.operator.measures("customimage_leader", 1.0).await;
        let standby = ClusterApi::start(&lab, &Certificate::new(), &lease).await;
        let token = Account::reader(&lab).await;
        eventually("the certificate is refused", || async {
            let reply = standby.get(&lab, "/hpc", &token).await;
            assert_eq!(reply.code, 503, "{reply:?}");
            let is_seen = standby.operator.lines("invalid peer certificate") > 0;
            if is_seen { Ok(()) } else { Err(reply.text) }
        })
        .await;
        assert_eq!(leader.operator.lines("answered"), 0, "the leader got no request");
    });
}

#[test]
fn metrics_can_be_read_only_by_those_who_may_if_it_is_set() {
    run(async {
        let (lab, api) = start(&[("CUSTOMIMAGE_API_METRICS", "true")]).await;
        let (prometheus, nobody) = (Account::new(&lab, "prometheus").await, Account::new(&lab, "nobody").await);
        lab.grant_cluster(&prometheus.user, json!([{"nonResourceURLs": ["/metrics"], "verbs": ["get"]}])).await;
        assert_eq!(api.operator.get("/metrics").await.0, 404);
        assert_eq!(api.operator.get("/readyz").await.0, 200);
        assert_eq!(api.ask("GET", "/metrics", None).await.code, 401);
        let token = nobody.token_for(&lab, &[]).await;
        assert_eq!(api.ask("GET", "/metrics", Some(&token)).await.code, 403);
        let token = prometheus.token_for(&lab, &[]).await;
        let reply = api.ask("GET", "/metrics", Some(&token)).await;
        assert!(reply.code == 200 && reply.text.contains("customimage_leader"), "{reply:?}");
        let path = format!("/namespaces/{}/v3/images/custom/hpc", lab.namespace);
        assert_eq!(api.ask("GET", &path, Some(&token)).await.code, 401, "a token for another audience");
    });
}

#[test]
fn while_the_api_server_is_away_nobody_new_is_let_in() {
    run(async {
        let lab = lab().await;
        let mut cluster = Cluster::start().await.unwrap();
        let away = lab.of_cluster(&cluster).await;
        let api = ClusterApi::start(&away, &Certificate::new(), &[]).await;
        let token = Account::reader(&away).await;
        let later = Account::with(&away, "later", may(&["images"], &["get"])).await.token(&away).await;
        assert_eq!(api.get(&away, "/hpc", &token).await.code, 200);
        cluster.kill_apiserver();
        assert_eq!(api.get(&away, "/hpc", &token).await.code, 200, "what was allowed is remembered");
        for (token, rest) in [(&later, "/hpc"), (&token, "/hpc/logstreams")] {
            let reply = api.get(&away, rest, token).await;
            assert_eq!((reply.code, reply.header("retry-after")), (503, Some("5")), "{reply:?}");
        }
        cluster.start_apiserver().await.unwrap();
        eventually("it is asked again", || async {
            let code = api.get(&away, "/hpc", &later).await.code;
            if code == 200 { Ok(()) } else { Err(code.to_string()) }
        })
        .await;
    });
}
