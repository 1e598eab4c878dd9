use crate::support::lab::Lab;
use crate::support::{eventually, run};
use k8s_openapi::api::events::v1::Event;
use kube::Api;
use kube::api::ListParams;
use serde_json::json;

/// Suspends the object, and lets it go on before if it was suspended already.
async fn suspend_again(lab: &Lab, name: &str) {
    lab.merge(name, json!({"spec": {"suspend": false}})).await.unwrap();
    lab.condition(name, "Synced", "True", "ObservedImage").await;
    lab.merge(name, json!({"spec": {"suspend": true}})).await.unwrap();
    lab.condition(name, "Synced", "False", "Suspended").await;
}

/// How often each Event about a suspended object has come.
async fn counts(lab: &Lab) -> Vec<i32> {
    let events: Api<Event> = Api::namespaced(lab.client.clone(), &lab.namespace);
    let events = events.list(&ListParams::default()).await.unwrap().items.into_iter();
    let suspended = events.filter(|event| event.reason.as_deref() == Some("Suspended"));
    suspended.map(|event| event.series.map_or(1, |series| series.count)).collect()
}

async fn are_counted(lab: &Lab, expected: &[i32]) {
    eventually(&format!("the Events are counted {expected:?}"), || async {
        let counts = counts(lab).await;
        if counts == expected { Ok(()) } else { Err(format!("{counts:?}")) }
    })
    .await;
}

#[test]
fn an_event_that_comes_again_is_counted_and_made_anew_when_somebody_has_deleted_it() {
    run(async {
        let lab = Lab::with_image("hpc").await;
        let _operator = lab.operator(&[]).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        for expected in [[1], [2], [3]] {
            suspend_again(&lab, "hpc").await;
            are_counted(&lab, &expected).await;
        }
        let events: Api<Event> = Api::namespaced(lab.client.clone(), &lab.namespace);
        events.delete_collection(&Default::default(), &ListParams::default()).await.unwrap();
        are_counted(&lab, &[]).await;
        for expected in [[1], [2]] {
            suspend_again(&lab, "hpc").await;
            are_counted(&lab, &expected).await;
        }
    });
}

#[test]
fn an_object_with_the_longest_name_gets_its_events() {
    run(async {
        let lab = Lab::empty().await;
        let name = format!("{}.{}", "a".repeat(235), "b".repeat(17));
        lab.try_create(&name, "missing", json!({})).await.unwrap();
        let _operator = lab.operator(&[]).await;
        lab.event(&name, "NotFound").await;
    });
}
