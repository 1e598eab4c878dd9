//! Who owns the fields of a status, as the API server records it in `metadata.managedFields`.

use k8s_openapi::apimachinery::pkg::apis::meta::v1::ManagedFieldsEntry;
use serde_json::Value;
use std::collections::BTreeSet;

/// The operator's name as the owner of fields.
pub const FIELD_MANAGER: &str = "customimage-operator";

/// The other managers that own a field of the status.
#[must_use]
pub fn others(managed: &[ManagedFieldsEntry]) -> BTreeSet<&str> {
    of_status(managed).filter_map(|entry| entry.manager.as_deref()).filter(|one| *one != FIELD_MANAGER).collect()
}

/// Whether the status has a field that others own, and the operator does not.
#[must_use]
pub fn has_foreign_fields(managed: &[ManagedFieldsEntry]) -> bool {
    let (ours, theirs): (Vec<_>, Vec<_>) =
        of_status(managed).partition(|entry| entry.manager.as_deref() == Some(FIELD_MANAGER));
    let fields = |entry: &'_ ManagedFieldsEntry| entry.fields_v1.as_ref().map(|fields| fields.0.clone());
    let ours: Vec<Value> = ours.into_iter().filter_map(fields).collect();
    theirs.into_iter().filter_map(fields).any(|theirs| has_more(&theirs, &ours.iter().collect::<Vec<_>>()))
}

fn of_status(managed: &[ManagedFieldsEntry]) -> impl Iterator<Item = &ManagedFieldsEntry> {
    managed.iter().filter(|entry| entry.subresource.as_deref() == Some("status"))
}

/// Whether `theirs` has a field that none of `ours` has. Both are trees of fields, and `.` is the parent itself.
fn has_more(theirs: &Value, ours: &[&Value]) -> bool {
    theirs.as_object().into_iter().flatten().filter(|(name, _)| *name != ".").any(|(name, theirs)| {
        let ours: Vec<&Value> = ours.iter().filter_map(|ours| ours.get(name)).collect();
        ours.is_empty() || has_more(theirs, &ours)
    })
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    fn entry(manager: &str, subresource: Option<&str>, fields: &Value) -> ManagedFieldsEntry {
        serde_json::from_value(json!({"manager": manager, "subresource": subresource, "fieldsV1": fields})).unwrap()
    }

    #[test]
    fn only_a_field_that_the_operator_does_not_own_is_foreign() {
        let whole = json!({"f:status": {"f:phase": {}, "f:build": {"f:amiId": {}}, "f:conditions": {"k:{\"type\":\"Ready\"}": {".": {}, "f:status": {}}}}});
        let ours = entry(FIELD_MANAGER, Some("status"), &whole);
        assert!(!has_foreign_fields(&[ours.clone(), entry("them", Some("status"), &whole)]), "both own the same");
        assert!(!has_foreign_fields(&[ours.clone(), entry("them", None, &json!({"f:spec": {"f:region": {}}}))]));
        for more in [
            json!({"f:version": {}}),
            json!({"f:build": {"f:stackArn": {}}}),
            json!({"f:conditions": {"k:{\"type\":\"Theirs\"}": {".": {}}}}),
        ] {
            let theirs = entry("them", Some("status"), &json!({"f:status": more}));
            assert!(has_foreign_fields(&[ours.clone(), theirs.clone()]), "{more}");
            assert_eq!(others(&[ours.clone(), theirs]), BTreeSet::from(["them"]));
        }
    }
}
