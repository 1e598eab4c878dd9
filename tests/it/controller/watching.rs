use crate::support::faulty_server::FaultyServer;
use crate::support::lab::{Lab, REGION};
use crate::support::operator::Operator;
use crate::support::world::image;
use crate::support::{eventually, run};
use axum::http::StatusCode;
use serde_json::json;

/// An operator that has observed `hpc`, behind a server that can treat its watch badly.
async fn behind(server: &FaultyServer, lab: &Lab, settings: &[(&str, &str)]) -> Operator {
    let operator = lab.operator_behind(server, settings).await;
    lab.ready("hpc", "True", "ImageAvailable").await;
    is_ready(&operator, 200, "ok").await;
    operator
}

async fn is_ready(operator: &Operator, code: u16, words: &str) {
    eventually(&format!("/readyz answers {code} {words}"), || async {
        let (has, text) = operator.get("/readyz").await;
        if has == code && text.contains(words) { Ok(()) } else { Err(format!("{has} {text}")) }
    })
    .await;
}

#[test]
fn a_watch_that_delivers_nothing_is_started_again() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let operator = behind(&server, &lab, &[("CUSTOMIMAGE_WATCH_SILENCE", "8s")]).await;
        server.freeze_watches();
        lab.aws.world(|world| world.images.push(image("later", REGION)));
        lab.create("later", json!({})).await;
        lab.ready("later", "True", "ImageAvailable").await;
        assert_eq!(operator.lines("WARN"), 0, "{:?}", operator.log());
    });
}

#[test]
fn what_the_watch_has_missed_is_found_by_a_comparison_and_listed_anew() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        lab.create("gone", json!({})).await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let settings = [("CUSTOMIMAGE_COMPARISON_INTERVAL", "1s"), ("CUSTOMIMAGE_COMPARISON_LAG", "500ms")];
        let operator = behind(&server, &lab, &settings).await;
        lab.ready("gone", "False", "NotFound").await;
        assert_eq!(operator.lines("has missed changes"), 0, "an operator at work misses nothing");
        server.swallow("CustomImage");
        lab.aws.world(|world| world.images.push(image("later", REGION)));
        lab.images().delete("gone", &Default::default()).await.unwrap();
        lab.merge("hpc", json!({"spec": {"suspend": true}})).await.unwrap();
        lab.create("later", json!({})).await;
        lab.ready("later", "True", "ImageAvailable").await;
        lab.condition("hpc", "Synced", "False", "Suspended").await;
        // The deleted object is no longer counted.
        operator.measures("customimage_objects{reason=\"NotFound\"}", 0.0).await;
    });
}

#[test]
fn a_namespace_that_is_refused_makes_the_process_not_ready_and_does_not_hinder_the_others() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let refused = lab.another_namespace(json!({})).await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let of_refused = format!("/namespaces/{refused}/customimages");
        server.answer(move |_, path| path.ends_with(&of_refused).then_some(StatusCode::FORBIDDEN));
        let both = format!("{},{refused}", lab.namespace);
        let settings = [
            ("CUSTOMIMAGE_NAMESPACE", both.as_str()),
            ("AWS_REGION", REGION),
            ("CUSTOMIMAGE_WATCH_PATIENCE", "1s"),
            ("CUSTOMIMAGE_COMPARISON_INTERVAL", "1s"),
            ("CUSTOMIMAGE_COMPARISON_LAG", "500ms"),
        ];
        let operator = Operator::start(&lab.aws.endpoint(), &server.kubeconfig(), &settings).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        is_ready(&operator, 503, &format!("in {refused} fails")).await;
        eventually("the gauge tells it", || async {
            let (_, metrics) = operator.get("/metrics").await;
            if metrics.contains("customimage_watch_healthy 0") { Ok(()) } else { Err(metrics) }
        })
        .await;
        server.swallow("CustomImage");
        lab.aws.world(|world| world.images.push(image("later", REGION)));
        lab.create("later", json!({})).await;
        lab.ready("later", "True", "ImageAvailable").await;
        let told = (operator.logged("cannot list customimages yet").await, operator.logged("cannot compare").await);
        assert_eq!(told, (1, 1), "{:?}", operator.log());
    });
}

#[test]
fn a_refused_watch_is_told_once_and_by_readiness_and_the_gauge_until_it_works() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let operator = behind(&server, &lab, &[("CUSTOMIMAGE_WATCH_PATIENCE", "2s")]).await;
        assert_eq!(operator.metric("customimage_watch_healthy").await, 1.0);
        let words = "customimages.parallelcluster.dev is forbidden: no watch for you";
        server.refuse_watches(json!({"kind": "Status", "code": 403, "reason": "Forbidden", "message": words}));
        is_ready(&operator, 503, words).await;
        operator.measures("customimage_watch_healthy", 0.0).await;
        let before = server.struck();
        eventually("the watch was tried again", || async {
            let struck = server.struck();
            if struck >= before + 2 { Ok(()) } else { Err(struck.to_string()) }
        })
        .await;
        assert_eq!(operator.logged(words).await, 1, "{:?}", operator.log());
        server.heal();
        // Nothing changes, so no event says that the watch works.
        is_ready(&operator, 200, "ok").await;
        operator.measures("customimage_watch_healthy", 1.0).await;
        assert_eq!(operator.logged("works again").await, 1, "{:?}", operator.log());
    });
}

#[test]
fn an_overloaded_api_server_is_told_in_its_own_words() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        let operator = behind(&server, &lab, &[("CUSTOMIMAGE_WATCH_PATIENCE", "1s")]).await;
        let details = json!({"retryAfterSeconds": 7});
        server.refuse_watches(json!({"code": 429, "details": details}));
        is_ready(&operator, 503, "the API server is overloaded (429) and asks to retry after 7 s").await;
    });
}

#[test]
fn the_plugin_of_a_kubeconfig_runs_again_when_its_token_is_refused() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let server = FaultyServer::start(lab.client.clone()).await;
        server.demand("first");
        let settings = [("CUSTOMIMAGE_NAMESPACE", lab.namespace.as_str()), ("AWS_REGION", REGION)];
        let operator = Operator::start(&lab.aws.endpoint(), &server.kubeconfig_of_plugin(), &settings).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let runs = server.plugin_runs();
        server.demand("second");
        lab.aws.world(|world| world.images.push(image("later", REGION)));
        lab.create("later", json!({})).await;
        lab.ready("later", "True", "ImageAvailable").await;
        assert!(server.plugin_runs() > runs && operator.logged("made afresh").await == 1, "{:?}", operator.log());
    });
}
