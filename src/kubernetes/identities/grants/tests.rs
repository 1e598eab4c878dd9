use super::*;
use crate::describe_image::Role;
use crate::kubernetes::identities::selector::NamespaceSelector;

fn region(name: &str) -> Region {
    Region::parse(name).unwrap()
}

fn research(namespaces: Namespaces, regions: Option<&[&str]>) -> Grant {
    let role = Role::parse("arn:aws:iam::222233334444:role/r", None, "me").unwrap();
    let identity = Identity { name: "research".into(), role: Some(role) };
    let regions = regions.map(|names| names.iter().map(|name| region(name)).collect());
    Grant { identity, regions, namespaces }
}

fn named(names: &[&str]) -> Namespaces {
    Namespaces::Named(names.iter().map(|name| (*name).to_owned()).collect())
}

fn unasked(_: &str) -> Option<Labels> {
    panic!("no identity selects by label")
}

fn kind(access: Access) -> Result<String, SourceErrorKind> {
    match access {
        Access::Granted(scope) => Ok(scope.identity.name),
        Access::Refused(error) | Access::Undecided(error) => Err(error.kind),
    }
}

#[test]
fn without_a_configuration_all_namespaces_may_use_only_the_default_identity() {
    let identities = Identities::new([]);
    assert_eq!(kind(identities.access("default", "a", region("eu-west-1"), unasked)), Ok("default".into()));
    let spec = CustomImageSpec { image_id: "hpc".into(), region: None, identity: None, suspend: None };
    assert_eq!(name_of(&spec), "default");
    let refused = identities.access("research", "a", region("eu-west-1"), unasked);
    assert_eq!(kind(refused), Err(SourceErrorKind::IdentityNotAllowed));
}

#[test]
fn identity_is_granted_only_to_its_namespaces_and_in_its_regions() {
    let identities = Identities::new([research(named(&["hpc"]), Some(&["eu-west-1"]))]);
    let ask = |namespace: &str, name: &str| kind(identities.access("research", namespace, region(name), unasked));
    assert_eq!(ask("hpc", "eu-west-1"), Ok("research".into()));
    assert_eq!(ask("hpc", "eu-west-2"), Err(SourceErrorKind::IdentityNotAllowed));
    assert_eq!(ask("other", "eu-west-1"), Err(SourceErrorKind::IdentityNotAllowed));
}

#[test]
fn unknown_identity_and_an_identity_of_others_get_the_same_message() {
    let identities = Identities::new([research(named(&["hpc"]), None)]);
    let message = |name: &str| match identities.access(name, "b", region("eu-west-1"), unasked) {
        Access::Refused(error) => error.message.to_string(),
        other => panic!("{other:?}"),
    };
    assert_eq!(message("research"), message("unknown").replace("unknown", "research"));
    assert!(message("research").contains("spec.identity 'research'") && message("research").contains("namespace 'b'"));
}

#[test]
fn default_identity_can_be_refused_to_all_namespaces() {
    let grant = Grant { identity: Identity::default(), regions: None, namespaces: named(&[]) };
    let refused = Identities::new([grant]).access("default", "a", region("eu-west-1"), unasked);
    assert_eq!(kind(refused), Err(SourceErrorKind::IdentityNotAllowed));
}

#[test]
fn selector_matches_labels_and_unknown_labels_are_no_refusal() {
    let selector: NamespaceSelector = serde_json::from_value(serde_json::json!({
        "matchLabels": {"team": "hpc"}, "matchExpressions": [{"key": "stage", "operator": "NotIn", "values": ["prod"]}]
    }))
    .unwrap();
    let identities = Identities::new([research(selector.try_into().unwrap(), None)]);
    assert!(identities.select_by_label());
    let ask = |labels: Option<&[(&str, &str)]>| {
        let labels = labels.map(|all| all.iter().map(|(key, value)| ((*key).into(), (*value).into())).collect());
        kind(identities.access("research", "a", region("eu-west-1"), |_| labels))
    };
    assert_eq!(ask(Some(&[("team", "hpc")])), Ok("research".into()));
    assert_eq!(ask(Some(&[("team", "hpc"), ("stage", "prod")])), Err(SourceErrorKind::IdentityNotAllowed));
    assert_eq!(ask(Some(&[])), Err(SourceErrorKind::IdentityNotAllowed));
    assert_eq!(ask(None), Err(SourceErrorKind::ServiceError));
}

#[test]
fn misspelt_selector_is_an_error_and_does_not_select_everything() {
    for text in [
        r#"{"matchLabel": {"team": "hpc"}}"#,
        r#"{"matchExpressions": [{"key": "a", "operator": "Equals", "values": ["b"]}]}"#,
    ] {
        assert!(serde_json::from_str::<NamespaceSelector>(text).is_err(), "{text}");
    }
    let without: NamespaceSelector =
        serde_json::from_str(r#"{"matchExpressions": [{"key": "a", "operator": "In"}]}"#).unwrap();
    assert!(Namespaces::try_from(without).is_err());
}
