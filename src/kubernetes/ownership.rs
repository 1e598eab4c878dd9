//! Who owns the fields of a status, as the API server records it in `metadata.managedFields`.

use crate::kubernetes::custom_image::CustomImageStatus;
use k8s_openapi::apimachinery::pkg::apis::meta::v1::{Condition, ManagedFieldsEntry};
use serde_json::{Value, json};
use std::collections::BTreeSet;

/// The operator's name as the owner of fields.
pub const FIELD_MANAGER: &str = "customimage-operator";

/// The other managers that own a field of the status.
#[must_use]
pub fn others(managed: &[ManagedFieldsEntry]) -> BTreeSet<&str> {
    of_status(managed).filter(|entry| !is_ours(entry)).filter_map(|entry| entry.manager.as_deref()).collect()
}

/// Whether the operator has replaced the status, and owns what it wrote then. An apply would leave these fields as they are.
#[must_use]
pub fn is_replaced(managed: &[ManagedFieldsEntry]) -> bool {
    of_status(managed).any(|entry| is_ours(entry) && entry.operation.as_deref() == Some("Update"))
}

/// What the operator has written of `status`: all of it without the conditions that only others own. Nothing of it, if only
/// others own any other field, because the rest was said beside something else. `None` if it is the whole status.
#[must_use]
pub fn own_part(status: &CustomImageStatus, managed: &[ManagedFieldsEntry]) -> Option<CustomImageStatus> {
    if others(managed).is_empty() {
        return None;
    }
    let (ours, theirs): (Vec<_>, Vec<_>) = of_status(managed).partition(|entry| is_ours(entry));
    let ours: Vec<&Value> = ours.into_iter().filter_map(fields).collect();
    let is_own = |condition: &Condition| {
        let step = format!("k:{}", json!({"type": condition.type_}));
        ours.iter().any(|ours| ours["f:conditions"].get(&step).is_some())
    };
    let mut own = status.clone();
    own.conditions.retain(is_own);
    let said = json!(own);
    if theirs.into_iter().filter_map(fields).any(|theirs| has_foreign(&said, theirs, &ours)) {
        own = CustomImageStatus::default();
    }
    (own != *status).then_some(own)
}

fn of_status(managed: &[ManagedFieldsEntry]) -> impl Iterator<Item = &ManagedFieldsEntry> {
    managed.iter().filter(|entry| entry.subresource.as_deref() == Some("status"))
}

fn is_ours(entry: &ManagedFieldsEntry) -> bool {
    entry.manager.as_deref() == Some(FIELD_MANAGER)
}

/// The tree of the fields that it owns. In it, `.` is the parent itself.
fn fields(entry: &ManagedFieldsEntry) -> Option<&Value> {
    entry.fields_v1.as_ref()?.0.get("f:status")
}

/// Whether `value` has something that is in `theirs` and in none of `ours`.
fn has_foreign(value: &Value, theirs: &Value, ours: &[&Value]) -> bool {
    theirs.as_object().into_iter().flatten().any(|(step, theirs)| {
        let ours: Vec<&Value> = ours.iter().filter_map(|ours| ours.get(step)).collect();
        child(value, step).is_some_and(|child| ours.is_empty() || has_foreign(child, theirs, &ours))
    })
}

/// The child at one step of a tree of fields: `f:` and a name, `k:` and the keys of an item, or `v:` and the item itself.
fn child<'a>(value: &'a Value, step: &str) -> Option<&'a Value> {
    let (kind, which) = step.split_once(':')?;
    if kind == "f" {
        return value.get(which).filter(|child| !child.is_null());
    }
    let which: Value = serde_json::from_str(which).ok()?;
    let is_it = |item: &Value| match &which {
        Value::Object(keys) if kind == "k" => keys.iter().all(|(name, key)| item[name] == *key),
        which => item == which,
    };
    value.as_array()?.iter().find(|item| is_it(item))
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
    fn a_condition_that_only_others_own_is_removed_and_with_another_field_of_theirs_nothing_is_left() {
        let ready = json!({".": {}, "f:status": {}});
        let fields = json!({"f:status": {"f:imageId": {}, "f:conditions": {".": {}, READY: ready}}});
        let ours = entry(FIELD_MANAGER, Some("status"), &fields);
        let mut without_theirs = status(whole());
        without_theirs.conditions.truncate(1);
        for (theirs, left) in [
            (json!({"f:conditions": {".": {}, READY: ready, THEIRS: {".": {}}}}), without_theirs),
            (json!({"f:region": {}}), CustomImageStatus::default()),
            (json!({"f:conditions": {READY: {"f:reason": {}}}}), CustomImageStatus::default()),
        ] {
            let theirs = entry("them", Some("status"), &json!({"f:status": theirs}));
            assert_eq!(others(&[ours.clone(), theirs.clone()]), BTreeSet::from(["them"]));
            assert_eq!(own_part(&status(whole()), &[ours.clone(), theirs]), Some(left));
        }
    }

    #[test]
    fn what_the_operator_owns_too_or_what_is_not_there_is_not_foreign() {
        let conditions = json!({".": {}, READY: {".": {}}, THEIRS: {".": {}}});
        let fields = json!({"f:status": {"f:imageId": {}, "f:region": {}, "f:conditions": conditions}});
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
    fn only_a_replacement_of_the_operators_own_replaces_the_status() {
        for (manager, operation, expected) in
            [(FIELD_MANAGER, "Apply", false), (FIELD_MANAGER, "Update", true), ("them", "Update", false)]
        {
            let mut managed = entry(manager, Some("status"), &json!({"f:status": {"f:imageId": {}}}));
            managed.operation = Some(operation.to_owned());
            assert_eq!(is_replaced(&[managed]), expected, "{manager} {operation}");
        }
    }

    #[test]
    fn of_a_status_that_the_operator_has_not_written_nothing_is_left() {
        let theirs = entry("them", Some("status"), &json!({"f:status": {".": {}, "f:imageId": {}}}));
        assert_eq!(own_part(&status(whole()), &[theirs]), Some(CustomImageStatus::default()));
    }
}
