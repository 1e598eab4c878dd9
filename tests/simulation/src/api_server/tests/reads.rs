use super::*;
use k8s_openapi::api::core::v1::Namespace;
use kube::ResourceExt;
use kube::api::ListParams;
use kube::core::PartialObjectMeta;

#[tokio::test(start_paused = true)]
async fn pages_show_one_version_in_etcds_order() {
    let server = server();
    let client = client(&server);
    server.create_namespace("a-b", &[]);
    for (namespace, name) in [("a", "two"), ("a", "one"), ("b", "three"), ("a-b", "four")] {
        server.create_image(namespace, name, spec("x")).unwrap();
    }
    let all: Api<CustomImage> = Api::all(client);
    let first = all.list_metadata(&ListParams::default().limit(2)).await.unwrap();
    server.delete_image("b", "three");
    server.create_image("b", "five", spec("x")).unwrap();
    let token = first.metadata.continue_.clone().unwrap();
    let second = all.list_metadata(&ListParams::default().limit(2).continue_token(&token)).await.unwrap();
    let names: Vec<String> = first.items.iter().chain(&second.items).map(ResourceExt::name_any).collect();
    // '-' comes before '/'.
    assert_eq!(names, ["four", "one", "two", "three"]);
    assert_eq!((first.metadata.remaining_item_count, second.metadata.continue_), (Some(2), None));
    assert_eq!(first.metadata.resource_version, second.metadata.resource_version);
    server.forget_history();
    let late = all.list_metadata(&ListParams::default().limit(2).continue_token(&token)).await;
    assert_eq!(refusal(late), (410, "Expired".to_owned()));
}

#[tokio::test(start_paused = true)]
async fn metadata_have_what_the_object_has() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    apply(&client, "one", None, json!({"region": "r"})).await.unwrap();
    let metadata = images(&client).get_metadata("one").await.unwrap();
    let managed = metadata.metadata.managed_fields.clone().unwrap();
    assert_eq!(managed[0].subresource.as_deref(), Some("status"));
    assert_eq!(json!(metadata.metadata), server.image("a", "one").unwrap()["metadata"]);
    assert_eq!(refusal(images(&client).get_metadata("none").await), (404, "NotFound".to_owned()));
    let namespaces: Api<PartialObjectMeta<Namespace>> = Api::all(client);
    let found = namespaces.list_metadata(&ListParams::default().labels("team=hpc")).await.unwrap();
    assert_eq!(found.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>(), ["b"]);
}

#[tokio::test(start_paused = true)]
async fn without_the_crd_its_paths_are_not_found_in_plain_text() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    server.remove_crd();
    let Err(kube::Error::Api(status)) = images(&client).list(&ListParams::default()).await else { panic!() };
    assert_eq!((status.code, status.message.as_str()), (404, "404 page not found"));
    assert_eq!(refusal(client.list_api_group_resources("parallelcluster.dev/v1").await).0, 404);
    server.restore_crd();
    assert_eq!(images(&client).list(&ListParams::default()).await.unwrap().items.len(), 0);
    assert_eq!(client.list_api_group_resources("parallelcluster.dev/v1").await.unwrap().resources.len(), 2);
    assert_eq!(client.apiserver_version().await.unwrap().minor, "36");
}
