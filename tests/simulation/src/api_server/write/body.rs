//! The body of a write: what is checked of it, and what is taken from it.

use crate::api_server::managers::{Manager, Managers, Operation};
use crate::api_server::refusal::{FieldError, Refusal};
use crate::api_server::request::Call;
use crate::api_server::resource::meta;
use crate::api_server::shape::is_empty;
use serde_json::{Map, Value, json};

/// The metadata that clients decide.
const OF_CLIENTS: [&str; 4] = ["labels", "annotations", "finalizers", "ownerReferences"];

/// The name in the body must be that of the path.
pub(super) fn check_name(call: &Call, object: &Value) -> Result<(), Refusal> {
    let (name, path) = (meta(object, "name"), &call.name);
    if name.is_empty() {
        let words = "name must be provided";
        return Err(Refusal::bad_request(words.to_owned()));
    }
    if name != path {
        let words = format!("the name of the object ({name}) does not match the name on the URL ({path})");
        return Err(Refusal::bad_request(words));
    }
    check_namespace(call, object)
}

pub(super) fn check_namespace(call: &Call, object: &Value) -> Result<(), Refusal> {
    let namespace = meta(object, "namespace");
    if !namespace.is_empty() && namespace != call.namespace {
        let words = "the namespace of the provided object does not match the namespace sent on the request";
        return Err(Refusal::bad_request(words.to_owned()));
    }
    Ok(())
}

pub(super) fn check_apply(call: &Call, applied: &Value) -> Result<(), Refusal> {
    if call.parameter("fieldManager").is_empty() {
        let error = FieldError {
            field: "fieldManager".to_owned(),
            reason: "FieldValueRequired",
            message: "Required value: is required for apply patch".to_owned(),
        };
        return Err(Refusal::invalid_options(&error));
    }
    if !applied["metadata"]["managedFields"].is_null() {
        return Err(Refusal::bad_request("metadata.managedFields must be nil".to_owned()));
    }
    check_namespace(call, applied)
}

/// The manager of this write.
pub(super) fn manager(call: &Call, operation: Operation) -> Manager {
    Manager {
        operation,
        name: call.manager().to_owned(),
        api_version: call.resource.api_version(),
        subresource: call.subresource.clone(),
    }
}

/// The part of an object that a write is about: the status, or all but the status.
pub(super) fn view(object: &Value, subresource: &str) -> Value {
    let mut view = Map::new();
    if subresource == "status" {
        view.extend(object.get("status").map(|status| ("status".to_owned(), status.clone())));
        return Value::Object(view);
    }
    view.extend(object.get("spec").map(|spec| ("spec".to_owned(), spec.clone())));
    let mut metadata = Map::new();
    for field in ["labels", "annotations"] {
        metadata.extend(object["metadata"].get(field).map(|value| (field.to_owned(), value.clone())));
    }
    if !metadata.is_empty() {
        view.insert("metadata".to_owned(), Value::Object(metadata));
    }
    Value::Object(view)
}

/// Takes from `from` what the write is about.
pub(super) fn take(into: &mut Value, from: &Value, call: &Call) {
    // Metadata that are empty are not kept.
    let copy = |into: &mut Value, from: &Value, field: &str, in_metadata: bool| {
        let Some(object) = into.as_object_mut() else { return };
        match from.get(field).filter(|value| !(value.is_null() || in_metadata && is_empty(value))) {
            Some(value) => object.insert(field.to_owned(), value.clone()),
            None => object.remove(field),
        };
    };
    if call.subresource == "status" {
        return copy(into, from, "status", false);
    }
    for field in OF_CLIENTS {
        copy(&mut into["metadata"], &from["metadata"], field, true);
    }
    if call.resource.is_custom() {
        return copy(into, from, "spec", false);
    }
    let fields = [into, from].map(|object| object.as_object().map(|fields| fields.keys().cloned().collect::<Vec<_>>()));
    for field in fields.into_iter().flatten().flatten() {
        if !["apiVersion", "kind", "metadata"].contains(&field.as_str()) {
            copy(into, from, &field, false);
        }
    }
}

pub(super) fn set_managers(object: &mut Value, managers: &Managers) {
    let encoded = managers.encoded();
    let Some(metadata) = object["metadata"].as_object_mut() else { return };
    match encoded.as_array().is_some_and(|entries| entries.is_empty()) {
        true => metadata.remove("managedFields"),
        false => metadata.insert("managedFields".to_owned(), encoded),
    };
}

/// RFC 7386: null removes, an object is merged, anything else replaces.
pub(super) fn merge(target: &mut Value, patch: &Value) {
    let Value::Object(patch) = patch else {
        *target = patch.clone();
        return;
    };
    if !target.is_object() {
        *target = json!({});
    }
    let Some(fields) = target.as_object_mut() else { return };
    for (name, value) in patch {
        match value.is_null() {
            true => drop(fields.remove(name)),
            false => merge(fields.entry(name.clone()).or_insert(Value::Null), value),
        }
    }
}
