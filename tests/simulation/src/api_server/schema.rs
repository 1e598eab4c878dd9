//! The schema of CustomImages: their shape, and what the CRD allows.

mod check;

use super::refusal::Refusal;
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

pub(super) fn shape() -> &'static Shape {
    &SCHEMA.1
}

/// Removes what the schema does not have. It says nothing about the metadata.
pub(super) fn prune(object: &mut Value) {
    let metadata = object["metadata"].take();
    shape().prune(object);
    object["metadata"] = metadata;
}

/// Refuses an object that the CRD does not allow.
pub(super) fn check(object: &Value) -> Result<(), Refusal> {
    let mut errors = Vec::new();
    check::check(&SCHEMA.0, object, "", &mut errors);
    match errors.is_empty() {
        true => Ok(()),
        false => Err(Refusal::invalid(Resource::CustomImage, meta(object, "name"), &errors)),
    }
}
