//! The schema of CustomImages: their shape, and what the CRD allows.

mod check;

use super::refusal::{FieldError, Refusal};
use super::resource::{Resource, meta};
use super::shape::Shape;
use serde_json::Value;
use std::sync::LazyLock;

/// The schema of the CRD, and the shape that it describes. Null if the CRD cannot be made; then every object is refused.
static SCHEMA: LazyLock<(Value, Shape)> = LazyLock::new(|| {
    let crd = customimage_operator::kubernetes::crd().ok().and_then(|crd| serde_json::to_value(crd).ok());
    let schema = crd.map(|crd| crd["spec"]["versions"][0]["schema"]["openAPIV3Schema"].clone()).unwrap_or_default();
    let shape = Shape::of_custom_resource(&schema);
    (schema, shape)
});

/// What the server says besides, because it did not get to the rules in CEL.
const UNCHECKED: &str = "Invalid value: null: some validation rules were not checked because the object was invalid; correct the existing errors to complete validation";

pub(super) fn shape() -> &'static Shape {
    &SCHEMA.1
}

/// Removes what the schema does not have, and nulls. It says nothing about the metadata.
pub(super) fn prune(object: &mut Value) {
    prune_content(object, true);
}

/// The same, but nulls stay: the server does not read an applied object as it reads others.
pub(super) fn prune_applied(object: &mut Value) {
    prune_content(object, false);
}

fn prune_content(object: &mut Value, nulls: bool) {
    let metadata = object["metadata"].take();
    shape().prune(object, nulls);
    object["metadata"] = metadata;
}

/// Refuses an object that the CRD does not allow. A write of a subresource is told the path within it.
pub(super) fn check(object: &Value, subresource: &str) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    check::check(&SCHEMA.0, object, "", &mut errors);
    if errors.is_empty() {
        return Ok(());
    }
    for error in &mut errors {
        let inside = error.field.strip_prefix(subresource).and_then(|path| path.strip_prefix('.'));
        if let Some(inside) = inside {
            error.message = error.message.replace(&format!("{} in body", error.field), &format!("{inside} in body"));
        }
    }
    let hinders = ["FieldValueNotSupported", "FieldValueRequired", "FieldValueTooLong", "FieldValueTypeInvalid"];
    if errors.iter().any(|error| hinders.contains(&error.reason)) {
        errors.push(FieldError {
            field: "<nil>".to_owned(),
            reason: "FieldValueInvalid",
            message: UNCHECKED.to_owned(),
        });
    }
    Err(Refusal::invalid(Resource::CustomImage, meta(object, "name"), &errors))
}
