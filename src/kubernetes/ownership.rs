//! Who owns the fields of a status, as the API server records it in `metadata.managedFields`.

use crate::kubernetes::custom_image::CustomImageStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The operator's name as the owner of fields.
pub const FIELD_MANAGER: &str = "customimage-operator";

/// The other managers that own a field of the status.
#[must_use]
pub fn others(managed: &[ManagedFieldsEntry]) -> BTreeSet<&str> {
    of_status(managed).filter_map(|entry| entry.manager.as_deref()).filter(|one| *one != FIELD_MANAGER).collect()
}

/// `status` without the fields that others own and the operator does not. `None` if it has no such field.
#[must_use]
pub fn own_part(status: &CustomImageStatus, managed: &[ManagedFieldsEntry]) -> Option<CustomImageStatus> {
    if others(managed).is_empty() {
        return None;
    }
    let (ours, theirs): (Vec<_>, Vec<_>) =
        of_status(managed).partition(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER));
    let ours: Vec<&Value> = ours.into_iter().filter_map(fields).collect();
    let mut object = json!({"status": status});
    theirs.into_iter().filter_map(fields).for_each(|theirs| remove_foreign(&mut object, theirs, &ours));
    // What is left may lack a field that it needs. Then nothing can be told of it.
    let own = serde_json::from_value(object["status"].take()).unwrap_or_default();
    (own != *status).then_some(own)
}

fn of_status(managed: &[ManagedFieldsEntry]) -> impl Iterator<Item = &ManagedFieldsEntry> {
    managed.iter().filter(|entry| entry.subresource.as_deref() == Some("status"))
}

fn fields(entry: &ManagedFieldsEntry) -> Option<&Value> {
    entry.fields_v1.as_ref().map(|fields| &fields.0)
}

/// Removes from `value` what is in `theirs` and in none of `ours`. These are trees of fields, in which `.` is the parent itself.
fn remove_foreign(value: &mut Value, theirs: &Value, ours: &[&Value]) {
    for (step, theirs) in theirs.as_object().into_iter().flatten().filter(|(step, _)| *step != ".") {
        let ours: Vec<&Value> = ours.iter().filter_map(|ours| ours.get(step)).collect();
        match child(value, step) {
            Some(child) if ours.is_empty() => *child = Value::Null,
            Some(child) => remove_foreign(child, theirs, &ours),
            None => {}
        }
    }
    if let Value::Array(items) = value {
        items.retain(|item| !item.is_null());
    }
}

/// The child at one step of a tree of fields: `f:` and a name, `k:` and the keys of an item, or `v:` and the item itself.
fn child<'a>(value: &'a mut Value, step: &str) -> Option<&'a mut Value> {
    match (step.split_once(':')?, value) {
        (("f", name), Value::Object(fields)) => fields.get_mut(name),
        (("k", keys), Value::Array(items)) => {
            let keys: Value = serde_json::from_str(keys).ok()?;
            items.iter_mut().find(|item| keys.as_object().into_iter().flatten().all(|(name, key)| item[name] == *key))
        }
        (("v", wanted), Value::Array(items)) => {
            let wanted: Value = serde_json::from_str(wanted).ok()?;
            items.iter_mut().find(|item| **item == wanted)
        }
        _ => None,
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn entry(manager: &str, subresource: Option<&str>, fields: &Value) -> ManagedFieldsEntry {
        serde_json::from_value(json!({"manager": manager, "subresource": subresource, "fieldsV1": fields})).unwrap()
    }

    fn status(status: Value) -> CustomImageStatus {
        serde_json::from_value(status).unwrap()
    }

    fn condition(type_: &str) -> Value {
        let since = "2020-01-01T00:00:00Z";
        json!({"type": type_, "status": "True", "reason": "R", "message": "", "lastTransitionTime": since})
    }

    fn whole() -> Value {
        json!({"imageId": "img", "region": "eu-west-1", "conditions": [condition("Ready"), condition("Theirs")]})
    }

    const READY: &str = "k:{\"type\":\"Ready\"}";
    const THEIRS: &str = "k:{\"type\":\"Theirs\"}";

    #[test]
    fn what_only_others_own_is_removed_and_the_rest_stays() {
        let ready = json!({".": {}, "f:status": {}});
        let mut no_reason = condition("Ready");
        no_reason["reason"] = "".into();
        let fields = json!({"f:status": {"f:imageId": {}, "f:conditions": {".": {}, READY: ready}}});
        let ours = entry(FIELD_MANAGER, Some("status"), &fields);
        for (theirs, left) in [
            (json!({"f:region": {}}), json!({"imageId": "img", "conditions": whole()["conditions"]})),
            (
                json!({"f:conditions": {".": {}, READY: ready, THEIRS: {".": {}}}}),
                json!({"imageId": "img", "region": "eu-west-1", "conditions": [condition("Ready")]}),
            ),
            (
                json!({"f:conditions": {READY: {"f:reason": {}}}}),
                json!({"imageId": "img", "region": "eu-west-1", "conditions": [no_reason, condition("Theirs")]}),
            ),
        ] {
            let theirs = entry("them", Some("status"), &json!({"f:status": theirs}));
            assert_eq!(others(&[ours.clone(), theirs.clone()]), BTreeSet::from(["them"]));
            assert_eq!(own_part(&status(whole()), &[ours.clone(), theirs]), Some(status(left)));
        }
    }

    #[test]
    fn what_the_operator_owns_too_or_what_is_not_there_is_not_foreign() {
        let fields = json!({"f:status": {"f:imageId": {}, "f:region": {}}});
        let ours = entry(FIELD_MANAGER, Some("status"), &fields);
        for theirs in [
            entry("them", Some("status"), &fields),
            entry("them", Some("status"), &json!({"f:status": {"f:version": {}, "f:newer": {}}})),
            entry("them", None, &json!({"f:spec": {"f:region": {}}})),
        ] {
            assert_eq!(own_part(&status(whole()), &[ours.clone(), theirs.clone()]), None, "{theirs:?}");
        }
    }

    #[test]
    fn of_a_status_that_the_operator_has_not_written_nothing_is_left() {
        let theirs = entry("them", Some("status"), &json!({"f:status": {".": {}, "f:imageId": {}}}));
        assert_eq!(own_part(&status(whole()), &[theirs]), Some(CustomImageStatus::default()));
    }
}
