use crate::support::lab::{Lab, REGION, condition_of, message_of};
use crate::support::operator::Operator;
use crate::support::world::{self, image};
use crate::support::{eventually, run};
use k8s_openapi::api::core::v1::Namespace;
use kube::Api;
use kube::api::{Patch, PatchParams};
use serde_json::json;
use simulator::{Role, World};
use std::path::PathBuf;

const OTHER_ACCOUNT: &str = "222233334444";
const ROLE: &str = "arn:aws:iam::222233334444:role/customimage-reader";

/// An image with the same id in the operator's own account and in another account, which a role can read.
fn two_accounts() -> World {
    let mut world = world::world(REGION);
    world.roles.push(Role { arn: ROLE.into(), external_id: Some("ticket-7".into()), denied: false });
    world.images.push(image("hpc", REGION));
    world.images.push(simulator::Image {
        account: OTHER_ACCOUNT.into(),
        ami_id: "ami-0other".into(),
        ..image("hpc", REGION)
    });
    world
}

/// A configuration file that is replaced by a rename, as Kubernetes replaces a mounted file.
struct Configuration(tempfile::TempDir);

impl Configuration {
    fn new(text: &str) -> Self {
        let this = Self(tempfile::tempdir().unwrap());
        this.write(text);
        this
    }

    fn path(&self) -> PathBuf {
        self.0.path().join("configuration.yaml")
    }

    fn write(&self, text: &str) {
        let new = self.0.path().join("new");
        std::fs::write(&new, text).unwrap();
        std::fs::rename(new, self.path()).unwrap();
    }
}

/// An operator that reads again only after a change, because its intervals are 1 h.
async fn operator_that_waits_for_hours(lab: &Lab, file: &Configuration) -> Operator {
    let hours = ["CUSTOMIMAGE_SETTLED_INTERVAL", "CUSTOMIMAGE_ERROR_INTERVAL", "CUSTOMIMAGE_ERROR_INTERVAL_MAX"];
    let path = file.path();
    let settings =
        hours.iter().map(|name| (*name, "1h")).chain([("CUSTOMIMAGE_CONFIGURATION", path.to_str().unwrap())]);
    lab.operator(&settings.collect::<Vec<_>>()).await
}

fn research(who: &str) -> String {
    format!("identities:\n- {{name: research, roleArn: '{ROLE}', externalId: ticket-7, {who}}}\n")
}

async fn created(lab: &Lab, name: &str, identity: Option<&str>) {
    let spec = identity.map_or(json!({}), |identity| json!({"identity": identity}));
    lab.try_create(name, "hpc", spec).await.unwrap();
}

/// A CustomImage that is Ready by the identity `research`: the lab, who may use the identity, its file, and the operator.
async fn available_in_another_account() -> (Lab, String, Configuration, Operator) {
    let lab = Lab::new(two_accounts()).await;
    created(&lab, "hpc", Some("research")).await;
    let who = format!("namespaces: [{}]", lab.namespace);
    let file = Configuration::new(&research(&who));
    let operator = lab.operator(&[("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())]).await;
    lab.ready("hpc", "True", "ImageAvailable").await;
    (lab, who, file, operator)
}

fn ami_and_account(object: &customimage_operator::kubernetes::CustomImage) -> (String, String) {
    let status = object.status.clone().unwrap();
    (status.image.ec2_ami_info.unwrap().ami_id.unwrap(), status.account_id.unwrap())
}

#[test]
fn an_identity_reads_the_account_of_its_role_with_its_external_id() {
    run(async {
        let lab = Lab::new(two_accounts()).await;
        created(&lab, "own", None).await;
        created(&lab, "theirs", Some("research")).await;
        let file = Configuration::new(&research(&format!("sessionName: from-hpc, namespaces: [{}]", lab.namespace)));
        let _operator = lab.operator(&[("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())]).await;
        let own = lab.ready("own", "True", "ImageAvailable").await;
        let theirs = lab.ready("theirs", "True", "ImageAvailable").await;
        assert_eq!(ami_and_account(&own), (world::ami_id("hpc"), world::ACCOUNT.into()));
        assert_eq!(ami_and_account(&theirs), ("ami-0other".into(), OTHER_ACCOUNT.into()));
        let assumed = lab.aws.calls().into_iter().filter(|call| call.operation == "AssumeRole").count();
        assert_eq!(assumed, 1, "one set of credentials for all reads");
    });
}

#[test]
fn an_identity_that_the_namespace_may_not_use_is_refused_without_a_call_to_aws() {
    run(async {
        let lab = Lab::new(two_accounts()).await;
        created(&lab, "foreign", Some("research")).await;
        created(&lab, "invented", Some("unknown")).await;
        let file = Configuration::new(&research("namespaces: [another-namespace]"));
        let _operator = lab.operator(&[("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())]).await;
        for name in ["foreign", "invented"] {
            let object = lab.ready(name, "Unknown", "IdentityNotAllowed").await;
            assert!(condition_of(&object, "Stalled").is_some());
            assert!(message_of(&object, "Ready").contains(&lab.namespace), "{}", message_of(&object, "Ready"));
            lab.event(name, "IdentityNotAllowed").await;
        }
        assert_eq!(lab.aws.calls().len(), 0, "neither AssumeRole nor a read");
    });
}

#[test]
fn the_default_identity_can_be_restricted_too() {
    run(async {
        let lab = Lab::new(two_accounts()).await;
        created(&lab, "hpc", None).await;
        let file = Configuration::new("identities: [{name: default, regions: [us-east-1]}]");
        let _operator = lab.operator(&[("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())]).await;
        let object = lab.ready("hpc", "Unknown", "IdentityNotAllowed").await;
        assert!(message_of(&object, "Ready").contains("allowed: us-east-1"), "{}", message_of(&object, "Ready"));
        assert_eq!(lab.aws.calls().len(), 0);
    });
}

#[test]
fn a_changed_configuration_takes_effect_without_a_restart_and_an_invalid_one_is_ignored() {
    run(async {
        let lab = Lab::new(two_accounts()).await;
        created(&lab, "hpc", Some("research")).await;
        let file = Configuration::new("identities: []");
        let operator = operator_that_waits_for_hours(&lab, &file).await;
        lab.ready("hpc", "Unknown", "IdentityNotAllowed").await;
        file.write(&research(&format!("namespaces: [{}]", lab.namespace)));
        lab.ready("hpc", "True", "ImageAvailable").await;

        file.write("identities: [{name: research, namespaces: [a], namespace: b}]");
        eventually("the invalid file is reported", || async {
            let valid = operator.metric("customimage_configuration_valid").await;
            let is_logged = operator.log().iter().any(|line| line.contains("stays in force"));
            if valid == 0.0 && is_logged { Ok(()) } else { Err(format!("{valid} {:?}", operator.log())) }
        })
        .await;
        assert_eq!(operator.get("/readyz").await.0, 200);
        lab.ready("hpc", "True", "ImageAvailable").await;

        file.write("identities: []");
        let refused = lab.ready("hpc", "Unknown", "IdentityNotAllowed").await;
        assert!(refused.status.unwrap().image.ec2_ami_info.is_some(), "a refusal keeps the payload");
        assert_eq!(operator.metric("customimage_configuration_valid").await, 1.0);
    });
}

#[test]
fn a_role_in_another_account_replaces_the_observed_image() {
    run(async {
        let (lab, who, file, _operator) = available_in_another_account().await;
        let third = "arn:aws:iam::333344445555:role/reader";
        lab.aws.world(|world| world.roles.push(Role { arn: third.into(), external_id: None, denied: false }));
        file.write(&format!("identities: [{{name: research, roleArn: '{third}', {who}}}]"));
        let object = lab.ready("hpc", "False", "NotFound").await;
        assert_eq!(object.status.unwrap().account_id.as_deref(), Some("333344445555"));
        lab.event("hpc", "AccountChanged").await;
    });
}

#[test]
fn a_suspended_object_does_not_keep_the_image_of_another_account() {
    run(async {
        let (lab, who, file, _operator) = available_in_another_account().await;
        lab.merge("hpc", json!({"spec": {"suspend": true}})).await.unwrap();
        lab.condition("hpc", "Synced", "False", "Suspended").await;
        file.write(&format!(
            "identities: [{{name: research, roleArn: 'arn:aws:iam::333344445555:role/reader', {who}}}]"
        ));
        let object = lab.ready("hpc", "Unknown", "Suspended").await;
        assert_eq!(object.status.unwrap().image.ec2_ami_info, None);
        lab.event("hpc", "AccountChanged").await;
    });
}

#[test]
fn an_identity_that_loses_its_role_reads_our_account_and_reports_not_found_instead_of_deleted() {
    run(async {
        let mut world = two_accounts();
        let theirs = image("only-theirs", REGION);
        world.images.push(simulator::Image { account: OTHER_ACCOUNT.into(), ..theirs });
        let lab = Lab::new(world).await;
        created(&lab, "own", None).await;
        created(&lab, "both", Some("research")).await;
        lab.try_create("theirs", "only-theirs", json!({"identity": "research"})).await.unwrap();
        let who = format!("namespaces: [{}]", lab.namespace);
        let file = Configuration::new(&research(&who));
        let _operator = lab.operator(&[("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())]).await;
        for name in ["own", "both", "theirs"] {
            lab.ready(name, "True", "ImageAvailable").await;
        }
        file.write(&format!("identities: [{{name: research, {who}}}]"));
        lab.event("both", "AccountChanged").await;
        assert_eq!(ami_and_account(&lab.get("both").await), (world::ami_id("hpc"), world::ACCOUNT.into()));
        let gone = lab.ready("theirs", "False", "NotFound").await;
        assert_eq!(gone.status.unwrap().account_id.as_deref(), Some(world::ACCOUNT));
        assert!(!lab.events("theirs").await.contains(&"Deleted".to_owned()));
    });
}

#[test]
fn a_role_that_cannot_be_assumed_is_access_denied_with_its_arn() {
    run(async {
        let lab = Lab::new(two_accounts()).await;
        created(&lab, "hpc", Some("research")).await;
        let file = Configuration::new(&format!(
            "identities: [{{name: research, roleArn: '{ROLE}', externalId: wrong, namespaceSelector: {{}}}}]"
        ));
        let _operator = lab.operator(&[("CUSTOMIMAGE_CONFIGURATION", file.path().to_str().unwrap())]).await;
        let object = lab.ready("hpc", "Unknown", "AccessDenied").await;
        let message = message_of(&object, "Ready");
        assert!(
            message.contains("sts:AssumeRole") && message.contains(ROLE) && !message.contains("wrong"),
            "{message}"
        );
    });
}

#[test]
fn labels_of_a_namespace_grant_and_revoke_an_identity() {
    run(async {
        let lab = Lab::new(two_accounts()).await;
        let namespace = lab.another_namespace(json!({"team": "web"})).await;
        let lab = lab.within(&namespace);
        created(&lab, "hpc", Some("research")).await;
        let file = Configuration::new(&research("namespaceSelector: {matchLabels: {team: hpc}}"));
        let _operator = operator_that_waits_for_hours(&lab, &file).await;
        lab.ready("hpc", "Unknown", "IdentityNotAllowed").await;
        let label = |team: &str| json!({"metadata": {"labels": {"team": team}}});
        let namespaces: Api<Namespace> = Api::all(lab.client.clone());
        namespaces.patch(&namespace, &PatchParams::default(), &Patch::Merge(label("hpc"))).await.unwrap();
        lab.ready("hpc", "True", "ImageAvailable").await;
        namespaces.patch(&namespace, &PatchParams::default(), &Patch::Merge(label("web"))).await.unwrap();
        lab.ready("hpc", "Unknown", "IdentityNotAllowed").await;
    });
}

#[test]
fn only_the_listed_namespaces_are_watched() {
    run(async {
        let lab = Lab::new(two_accounts()).await;
        let (second, third) = (lab.another_namespace(json!({})).await, lab.another_namespace(json!({})).await);
        let watched = format!("{},{second}", lab.namespace);
        let operator = lab.operator(&[("CUSTOMIMAGE_NAMESPACE", watched.as_str())]).await;
        created(&lab, "hpc", None).await;
        lab.ready("hpc", "True", "ImageAvailable").await;
        let lab = lab.within(&third);
        created(&lab, "unwatched", None).await;
        let lab = lab.within(&second);
        created(&lab, "later", None).await;
        lab.ready("later", "True", "ImageAvailable").await;
        operator.measures("customimage_objects{reason=\"ImageAvailable\"}", 2.0).await;
        let unwatched = lab.within(&third).get("unwatched").await;
        assert_eq!(unwatched.status.unwrap().observed_generation, Some(-1), "it was not reconciled");
        assert_eq!(operator.get("/readyz").await.0, 200);
    });
}
