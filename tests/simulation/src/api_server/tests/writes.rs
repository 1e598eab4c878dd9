use super::*;
use k8s_openapi::api::coordination::v1::Lease;
use k8s_openapi::api::events::v1::Event;
use kube::ResourceExt;
use kube::api::{ListParams, PostParams};

#[tokio::test(start_paused = true)]
async fn only_the_spec_moves_the_generation_and_the_status_stays_beside_it() {
    let server = server();
    let generation = || server.image("a", "one").unwrap()["metadata"]["generation"].clone();
    server.create_image("a", "one", spec("x")).unwrap();
    server.replace_status("m", "a", "one", json!({"region": "r"})).unwrap();
    server.annotate("a", "one", "k", Some("v")).unwrap();
    assert_eq!(generation(), 1);
    let changed = server.replace_spec("a", "one", json!({"imageId": "x", "suspend": true})).unwrap();
    assert_eq!((generation(), &changed["status"]), (json!(2), &json!({"region": "r"})));
    server.annotate("a", "one", "k", None).unwrap();
    assert_eq!(server.image("a", "one").unwrap()["metadata"].get("annotations"), None);
}

#[tokio::test(start_paused = true)]
async fn a_replaced_status_needs_the_version_and_touches_nothing_else() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    let mut object = images(&client).get("one").await.unwrap();
    object.labels_mut().insert("k".into(), "v".into());
    object.spec.suspend = Some(true);
    object.status = Some(serde_json::from_value(json!({"region": "r"})).unwrap());
    let replaced = images(&client).replace_status("one", &PostParams::default(), &object).await.unwrap();
    assert_eq!((replaced.labels().len(), replaced.spec.suspend), (0, None));
    assert_eq!(replaced.status.unwrap().region.as_deref(), Some("r"));
    let stale = images(&client).replace_status("one", &PostParams::default(), &object).await;
    assert_eq!(refusal(stale), (409, "Conflict".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn a_lease_is_created_once_and_replaced_by_its_version_only() {
    let server = server();
    let client = client(&server);
    let leases: Api<Lease> = Api::default_namespaced(client.clone());
    let lease = |holder: &str| -> Lease {
        serde_json::from_value(
            json!({"metadata": {"name": "l", "labels": {"k": "v"}}, "spec": {"holderIdentity": holder}}),
        )
        .unwrap()
    };
    assert!(leases.get_opt("l").await.unwrap().is_none());
    let created = leases.create(&PostParams::default(), &lease("one")).await.unwrap();
    let again = leases.create(&PostParams::default(), &lease("two")).await;
    assert_eq!(refusal(again), (409, "AlreadyExists".to_owned()));
    let mut next = lease("two");
    next.metadata.resource_version = created.resource_version();
    leases.replace("l", &PostParams::default(), &next).await.unwrap();
    assert_eq!(refusal(leases.replace("l", &PostParams::default(), &next).await), (409, "Conflict".to_owned()));
    let all: Api<Lease> = Api::all(client);
    let found = |labels: &str| ListParams::default().labels(labels);
    assert_eq!(all.list(&found("k=v")).await.unwrap().items.len(), 1);
    assert_eq!(all.list(&found("k=other")).await.unwrap().items.len(), 0);
    let writes = server.take_lease_writes();
    let holders: Vec<_> =
        writes.iter().map(|write| (write.holder_before.as_str(), write.holder_after.as_str())).collect();
    assert_eq!(holders, [("", "one"), ("one", "two")]);
}

#[tokio::test(start_paused = true)]
async fn an_event_is_counted_up_until_it_is_deleted_or_expires() {
    let server = server();
    let client = client(&server);
    let events: Api<Event> = Api::namespaced(client, "a");
    let event = |name: &str| -> Event {
        serde_json::from_value(json!({"metadata": {"name": name}, "eventTime": null, "note": "n"})).unwrap()
    };
    let patch = Patch::Merge(json!({"note": "again"}));
    events.create(&PostParams::default(), &event("e")).await.unwrap();
    let patched = events.patch("e", &PatchParams::default(), &patch).await.unwrap();
    assert_eq!(patched.note.as_deref(), Some("again"));
    tokio::time::sleep(std::time::Duration::from_secs(3601)).await;
    events.create(&PostParams::default(), &event("f")).await.unwrap();
    assert_eq!(refusal(events.patch("e", &PatchParams::default(), &patch).await), (404, "NotFound".to_owned()));
    assert_eq!(server.objects(crate::api_server::Resource::Event).len(), 1);
}

#[tokio::test(start_paused = true)]
async fn an_observer_sees_each_write_and_may_ask_the_server() {
    let server = server();
    let (asked, seen) = (server.clone(), Arc::new(parking_lot::Mutex::new(Vec::new())));
    let noted = seen.clone();
    server.on_write(Box::new(move |write| {
        noted.lock().push((asked.version(), format!("{write:?}").contains("Status")));
    }));
    server.create_image("a", "one", spec("x")).unwrap();
    server.patch_status("m", "a", "one", &json!({"region": "r"})).unwrap();
    assert_eq!(*seen.lock(), [(server.version(), true)]);
}
