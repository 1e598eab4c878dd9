//! Runs each scenario through the official program and its API server, `describe`, `serve`, the operator's own HTTP interface
//! and a CustomImage's status, and compares the answers.

mod agreed;
mod differences;
mod list;
mod url;

use crate::support::api::{Account, Certificate, ClusterApi};
use crate::support::describe::{Answer, describe};
use crate::support::http::{self, Reply, Serve};
use crate::support::lab::{Lab, condition_of, message_of};
use crate::support::scenario::{Expect, Scenario, Scenarios};
use crate::support::{eventually, oracle, run};
use customimage_operator::kubernetes::CustomImage;
use futures::{StreamExt, stream};
use serde_json::{Value, json};
use std::time::Duration;

/// Scenarios in parallel. Few, because the official program is CPU-bound.
const AT_ONCE: usize = 2;

/// The answers to one scenario.
struct Answers {
    scenario: Scenario,
    ours: Answer,
    reference: Option<Answer>,
    /// Of `serve`, of the operator in the cluster, and of the official server.
    http: ([Reply; 2], Option<Reply>),
    status: CustomImage,
}

#[test]
fn the_official_program_its_server_describe_serve_and_the_status_agree() {
    let failures = run(async {
        let mut scenarios = Scenarios::new();
        agreed::collect(&mut scenarios);
        differences::collect(&mut scenarios);
        let lab = Lab::new(scenarios.world.clone()).await;
        let settings = [("CUSTOMIMAGE_API_CONFIGURATION_URL", "presigned"), ("CUSTOMIMAGE_SETTLED_INTERVAL", "500ms")];
        let api = ClusterApi::start(&lab, &Certificate::new(), &settings).await;
        let token = Account::reader(&lab).await;
        let serve = Serve::start(&lab.aws.endpoint(), &[]).await;
        let answered = stream::iter(scenarios.list)
            .map(|scenario| answers(&lab, &serve, (&api, &token), scenario))
            .buffer_unordered(AT_ONCE)
            .collect::<Vec<_>>()
            .await;
        drop(api);
        println!("{} scenarios", answered.len());
        answered.iter().filter_map(failure).collect::<Vec<_>>()
    });
    assert!(failures.is_empty(), "{}", failures.join("\n\n"));
}

/// Runs our program first, because the official program changes what it describes.
async fn answers(lab: &Lab, serve: &Serve, (api, token): (&ClusterApi, &str), scenario: Scenario) -> Answers {
    let endpoint = lab.aws.endpoint();
    let (id, region) = (scenario.id.as_str(), scenario.region);
    let ours = describe(&endpoint, id, region).await;
    let path = format!("/v3/images/custom/{id}?region={region}");
    let served = serve.get(&path).await;
    let in_cluster = api.get(lab, &format!("/{id}?region={region}"), token).await;
    let status = status(lab, &scenario).await;
    let reference = match scenario.expect {
        Expect::Endless(..) => oracle::describe_within(&endpoint, id, region, Duration::from_secs(8)).await,
        _ => Some(oracle::describe(&endpoint, id, region).await),
    };
    let of_server = if reference.is_some() { Some(http::reference(&endpoint, "GET", &path).await) } else { None };
    Answers { scenario, ours, reference, http: ([served, in_cluster], of_server), status }
}

/// The scenario's CustomImage after its first reconcile. It has no status if the API server rejects it.
async fn status(lab: &Lab, scenario: &Scenario) -> CustomImage {
    let name = scenario.name.to_lowercase().replace([' ', '_'], "-");
    let spec = json!({"region": scenario.region});
    if lab.try_create(&name, &scenario.id, spec).await.is_err() {
        return CustomImage::new(&name, serde_json::from_value(json!({"imageId": scenario.id})).unwrap());
    }
    eventually(&format!("{name} is reconciled"), || async {
        let object = lab.get(&name).await;
        let is_reconciled = condition_of(&object, "Synced").is_some();
        if is_reconciled { Ok(object) } else { Err("no Synced condition".to_owned()) }
    })
    .await
}

/// The failure message, or `None` if the answers are as expected.
fn failure(answers: &Answers) -> Option<String> {
    let checked = std::panic::catch_unwind(|| check(answers));
    checked.err().map(|panic| {
        let text = panic.downcast_ref::<&str>().map(|text| (*text).to_owned());
        let why = panic.downcast_ref::<String>().cloned().or(text).unwrap_or_default();
        let bodies = format!("reference {:?}\nours {:?}\nhttp {:?}", answers.reference, answers.ours, answers.http);
        let status = serde_json::to_string(&answers.status.status).unwrap();
        format!("scenario '{}': {why}\n{bodies:.5000}\nstatus {status:.2000}", answers.scenario.name)
    })
}

fn check(answers: &Answers) {
    let Answers { scenario, ours, reference, http: (served, of_server), status } = answers;
    served.iter().for_each(|served| check_http(&scenario.expect, served, of_server.as_ref()));
    match (&scenario.expect, reference) {
        (Expect::Same, Some(reference)) => {
            assert_eq!((reference.code, ours.code), (0, 0), "exit codes");
            assert_eq!(printed(ours), printed(reference), "the printed text");
            let expected = url::normal(&reference.body, Some(reference.at));
            assert_same(&url::normal(&ours.body, Some(ours.at)), &expected, "describe");
            assert_same(&url::normal(&payload(status), None), &url::normal(&reference.body, None), "status");
        }
        (Expect::SameError(reason), Some(reference)) => {
            assert_eq!((reference.code, ours.code != 0), (1, true), "exit codes");
            assert_eq!(ours.text, reference.text, "describe");
            let ready = condition_of(status, "Ready").map(|(_, reason)| reason);
            assert_eq!(ready, Some(*reason), "{}", message_of(status, "Ready"));
        }
        (Expect::Differ(reference_is, ours_is, status_is), Some(reference)) => {
            reference_is(reference);
            ours_is(ours);
            status_is(status);
        }
        (Expect::Endless(ours_is, status_is), None) => {
            ours_is(ours);
            status_is(status);
        }
        (_, reference) => panic!("the reference answered {reference:?}"),
    }
}

/// What is expected of the programs is expected of the servers, too. Where `describe` differs, `serve` may still agree.
fn check_http(expect: &Expect, served: &Reply, of_server: Option<&Reply>) {
    let (ours, reference) = (served.as_answer(), of_server.map(Reply::as_answer));
    match (expect, of_server) {
        (Expect::Same, Some(of_server)) => {
            assert_eq!((of_server.code, served.code), (200, 200), "codes of HTTP");
            assert_same(&comparable(served).1, &comparable(of_server).1, "serve");
        }
        (Expect::SameError(_), Some(of_server)) => {
            assert_eq!(comparable(served), comparable(of_server), "serve");
        }
        (Expect::Differ(..), Some(of_server)) if comparable(served) == comparable(of_server) => {}
        (Expect::Differ(reference_is, ours_is, _), _) => {
            reference_is(&reference.unwrap());
            ours_is(&ours);
        }
        (Expect::Endless(ours_is, _), _) => ours_is(&ours),
        (_, None) => panic!("the official server was not asked"),
    }
}

fn comparable(reply: &Reply) -> (u16, Value) {
    (reply.code, url::normal(&reply.body, Some(reply.at)))
}

/// The text on stdout, byte by byte but for the presigned URL.
fn printed(answer: &Answer) -> String {
    let line = |line: &str| line.split_once("\"url\": ").map_or(line.to_owned(), |(indent, _)| format!("{indent}url"));
    answer.text.split('\n').map(line).collect::<Vec<_>>().join("\n")
}

/// Compares field by field, so that the message names the field that differs.
fn assert_same(ours: &Value, reference: &Value, what: &str) {
    let (ours, reference) = (ours.as_object().unwrap(), reference.as_object().unwrap());
    let fields: std::collections::BTreeSet<_> = ours.keys().chain(reference.keys()).collect();
    for field in fields {
        assert_eq!(ours.get(field), reference.get(field), "{what}: {field}");
    }
}

/// The fields of a status that come from the describeImage response.
fn payload(object: &CustomImage) -> Value {
    let mut status = serde_json::to_value(&object.status).unwrap();
    let fields = status.as_object_mut().unwrap();
    for ours in ["observedGeneration", "conditions", "accountId", "lastHandledReconcileAt", "build", "phase", "failure"]
    {
        fields.remove(ours);
    }
    status
}
