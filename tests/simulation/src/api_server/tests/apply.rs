use super::*;

#[tokio::test(start_paused = true)]
async fn an_apply_removes_what_was_applied_before_and_keeps_what_others_own() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    let first =
        json!({"region": "r", "phase": "P", "conditions": [condition("Ready", "True"), condition("Synced", "True")]});
    apply(&client, "one", None, first).await.unwrap();
    let foreign =
        json!({"accountId": "1", "ec2AmiInfo": {"amiId": "ami"}, "conditions": [condition("Foreign", "True")]});
    server.apply_status("other", "a", "one", foreign).unwrap();
    let second = json!({"region": "r2", "ec2AmiInfo": {"state": "S"}, "conditions": [condition("Ready", "False")]});
    let status = apply(&client, "one", None, second).await.unwrap()["status"].clone();
    assert_eq!(status["region"], "r2");
    assert_eq!(status.get("phase"), None);
    assert_eq!(status["accountId"], "1");
    assert_eq!(status["ec2AmiInfo"], json!({"amiId": "ami", "state": "S", "tags": []}));
    let kinds: Vec<&Value> = status["conditions"].as_array().unwrap().iter().map(|each| &each["type"]).collect();
    assert_eq!(kinds, ["Ready", "Foreign"]);
    assert_eq!(status["conditions"][0]["status"], "False");
}

#[tokio::test(start_paused = true)]
async fn a_forced_apply_takes_a_field_over_and_an_unforced_one_is_refused() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    server.replace_status("intruder", "a", "one", json!({"region": "theirs", "phase": "P"})).unwrap();
    let body = json!({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage", "status": {"region": "ours"}});
    let unforced = PatchParams::apply("customimage-operator");
    let refused = images(&client).patch_status("one", &unforced, &Patch::Apply(&body)).await;
    let Err(kube::Error::Api(refused)) = refused else { panic!("{refused:?}") };
    let words = "Apply failed with 1 conflict: conflict with \"intruder\" with subresource \"status\" using parallelcluster.dev/v1: .status.region";
    assert_eq!((refused.code, refused.message.as_str()), (409, words));
    let applied = apply(&client, "one", None, json!({"region": "ours"})).await.unwrap();
    assert_eq!(applied["status"], json!({"region": "ours", "phase": "P"}));
    let managers: Vec<[&Value; 3]> = applied["metadata"]["managedFields"]
        .as_array()
        .unwrap()
        .iter()
        .map(|entry| ["manager", "operation", "subresource"].map(|field| &entry[field]))
        .collect();
    assert_eq!(
        json!(managers),
        json!([
            ["customimage-operator", "Apply", "status"],
            ["intruder", "Update", "status"],
            ["kubectl", "Update", null]
        ])
    );
}

#[tokio::test(start_paused = true)]
async fn an_apply_that_changes_nothing_makes_no_version() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    let status = json!({"region": "r", "conditions": [condition("Ready", "True")]});
    let first = apply(&client, "one", None, status.clone()).await.unwrap();
    let second = apply(&client, "one", Some(version(&first)), status.clone()).await.unwrap();
    assert_eq!(version(&first), version(&second));
    let writes = server.take_writes();
    assert_eq!(writes.iter().map(|write| write.has_changed).collect::<Vec<_>>(), [true, false]);
    assert_eq!((&writes[0].before, &writes[0].after), (&json!({"observedGeneration": -1}), &writes[1].before));
    assert_eq!(writes[0].after["region"], "r");
    assert_eq!((writes[0].client.as_str(), writes[0].manager.as_str()), ("one", "customimage-operator"));
    assert!(server.take_writes().is_empty());
}

#[tokio::test(start_paused = true)]
async fn a_status_of_another_version_or_of_another_object_of_the_same_name_conflicts() {
    let server = server();
    let client = client(&server);
    let first = server.create_image("a", "one", spec("x")).unwrap();
    let label = server.label("a", "one", "team", Some("hpc")).unwrap();
    let status = json!({"region": "r"});
    let conflict = (409, "Conflict".to_owned());
    assert_eq!(refusal(apply(&client, "one", Some(version(&first)), status.clone()).await), conflict);
    apply(&client, "one", Some(version(&label)), status.clone()).await.unwrap();
    let before = server.image("a", "one").unwrap();
    assert!(server.delete_image("a", "one"));
    assert_eq!(
        refusal(apply(&client, "one", Some(version(&before)), status.clone()).await),
        (404, "NotFound".to_owned())
    );
    let again = server.create_image("a", "one", spec("x")).unwrap();
    assert_ne!(again["metadata"]["uid"], before["metadata"]["uid"]);
    assert_eq!(refusal(apply(&client, "one", Some(version(&before)), status).await), conflict);
}

#[tokio::test(start_paused = true)]
async fn a_status_that_the_crd_does_not_allow_is_refused() {
    let server = server();
    let client = client(&server);
    server.create_image("a", "one", spec("x")).unwrap();
    let mut bad = condition("Ready", "True");
    bad["reason"] = json!("no reason");
    for status in [json!({"conditions": [bad]}), json!({"imageBuildStatus": "ODD"}), json!({"creationTime": "now"})] {
        assert_eq!(refusal(apply(&client, "one", None, status).await), (422, "Invalid".to_owned()));
    }
    assert_eq!(server.image("a", "one").unwrap()["status"], json!({"observedGeneration": -1}));
}
