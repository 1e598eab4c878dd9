use crate::support::lab::Lab;
use crate::support::run;
use customimage_operator::kubernetes::CustomImage;
use kube::ResourceExt;
use kube::api::{Api, DynamicObject, ListParams, PostParams};
use kube::core::GroupVersionKind;
use kube::discovery::ApiResource;
use serde_json::{Value, json};

/// The API server's error message for an invalid spec.
async fn refusal(lab: &Lab, name: &str, id: &str, spec: Value) -> String {
    lab.try_create(name, id, spec).await.expect_err("accepted").to_string()
}

#[test]
fn invalid_ids_regions_and_identities_are_rejected_with_the_rule() {
    run(async {
        let lab = Lab::empty().await;
        for id in ["1st", "a_b", "-a", "", "a b", "ä"] {
            let error = refusal(&lab, "bad", id, json!({})).await;
            assert!(error.contains("spec.imageId") && error.contains("imageId must start with a letter"), "{error}");
        }
        let error = refusal(&lab, "bad", &"a".repeat(129), json!({})).await;
        assert!(error.contains("spec.imageId") && error.contains("128"), "{error}");
        for region in ["Europe", "eu_west_1", "eu-west", "EU-WEST-1", "", "eu-west-1a"] {
            let error = refusal(&lab, "bad", "hpc", json!({"region": region})).await;
            assert!(
                error.contains("spec.region") && error.contains("region must be the name of an AWS region"),
                "{error}"
            );
        }
        for identity in ["Research", "a_b", "-a", "a-", "", "arn:aws:iam::111122223333:role/r"] {
            let error = refusal(&lab, "bad", "hpc", json!({"identity": identity})).await;
            assert!(
                error.contains("spec.identity") && error.contains("identity must be a name in the operator's"),
                "{error}"
            );
        }
        for (name, id, region) in
            [("a", "a", "eu-west-1"), ("b", "Z-9", "us-gov-west-1"), ("c", &"a".repeat(128), "cn-north-1")]
        {
            lab.try_create(name, id, json!({"region": region})).await.unwrap();
        }
    });
}

#[test]
fn image_id_region_and_identity_are_immutable() {
    run(async {
        let lab = Lab::empty().await;
        lab.create("placed", json!({"region": "eu-west-1"})).await;
        lab.create("unplaced", json!({})).await;
        lab.create("research", json!({"identity": "research"})).await;
        for (name, spec, words) in [
            ("placed", json!({"imageId": "other"}), "imageId is immutable"),
            ("placed", json!({"region": "us-east-1"}), "region is immutable"),
            ("placed", json!({"region": null}), "region can be neither added nor removed"),
            ("unplaced", json!({"region": "us-east-1"}), "region can be neither added nor removed"),
            ("research", json!({"identity": "other"}), "identity is immutable"),
            ("research", json!({"identity": null}), "identity can be neither added nor removed"),
            ("unplaced", json!({"identity": "other"}), "identity can be neither added nor removed"),
        ] {
            let error = lab.merge(name, json!({"spec": spec})).await.expect_err("accepted").to_string();
            assert!(error.contains(words) && error.contains("create another CustomImage"), "{error}");
        }
        lab.merge("placed", json!({"spec": {"suspend": true}, "metadata": {"labels": {"a": "b"}}})).await.unwrap();
    });
}

#[test]
fn observed_generation_is_minus_one_before_the_first_reconcile() {
    run(async {
        let lab = Lab::empty().await;
        let object = lab.create("hpc", json!({})).await;
        assert_eq!(object.status.unwrap().observed_generation, Some(-1));
    });
}

#[test]
fn a_wrong_type_is_rejected_with_the_field_name_and_an_optional_null_is_not_stored() {
    run(async {
        let lab = Lab::empty().await;
        let kind = GroupVersionKind::gvk("parallelcluster.dev", "v1", "CustomImage");
        let any: Api<DynamicObject> =
            Api::namespaced_with(lab.client.clone(), &lab.namespace, &ApiResource::from_gvk(&kind));
        for (field, value) in [("imageId", json!(null)), ("imageId", json!(7)), ("suspend", json!("yes"))] {
            let mut object = json!({"apiVersion": "parallelcluster.dev/v1", "kind": "CustomImage",
                "metadata": {"name": "bad"}, "spec": {"imageId": "hpc"}});
            object["spec"][field] = value;
            let object: DynamicObject = serde_json::from_value(object).unwrap();
            let error = any.create(&PostParams::default(), &object).await.expect_err("accepted").to_string();
            assert!(error.contains(&format!("spec.{field}")), "{error}");
        }
        let object = lab.try_create("null", "hpc", json!({"region": null, "suspend": null})).await.unwrap();
        assert_eq!((object.spec.region, object.spec.suspend), (None, None));
    });
}

#[test]
fn field_selectors_find_objects_by_image_region_and_build_status() {
    run(async {
        let mut world = crate::support::world::world(crate::support::lab::REGION);
        world.images.push(crate::support::world::image("done", "eu-west-1"));
        let lab = Lab::new(world).await;
        lab.create("done", json!({})).await;
        lab.create("missing", json!({})).await;
        let _operator = lab.operator(&[]).await;
        lab.ready("done", "True", "ImageAvailable").await;
        lab.ready("missing", "False", "NotFound").await;
        let found = |selector: &'static str| {
            let images: Api<CustomImage> = lab.images();
            async move {
                let list = images.list(&ListParams::default().fields(selector)).await.unwrap();
                list.items.iter().map(ResourceExt::name_any).collect::<Vec<_>>()
            }
        };
        assert_eq!(found("spec.imageId=missing").await, ["missing"]);
        assert_eq!(found("status.imageBuildStatus=BUILD_COMPLETE").await, ["done"]);
        assert_eq!(found("status.region=eu-west-1").await, ["done", "missing"]);
        assert_eq!(found("status.region=us-east-1").await, [""; 0]);
    });
}
