//! The shape of a resource's objects: which fields exist, their defaults, and how lists and maps are merged. It comes from
//! the CRD's schema.

use serde_json::{Map, Value};
use std::collections::BTreeMap;

/// How a value is merged and owned.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    Scalar,
    /// An object whose fields are known. Each is owned by itself.
    Fields(BTreeMap<String, Field>),
    /// A map with any keys. Each is owned by itself.
    Keys,
    /// A list that is replaced as a whole.
    Atomic(Box<Shape>),
    /// A list in which this field tells the items apart.
    Keyed(String, Box<Shape>),
}

#[derive(Clone, Debug)]
pub(super) struct Field {
    pub(super) shape: Shape,
    default: Option<Value>,
}

impl Shape {
    /// The shape that an OpenAPI schema describes.
    pub(super) fn of_schema(schema: &Value) -> Self {
        let item = || Box::new(Self::of_schema(&schema["items"]));
        match schema["type"].as_str() {
            Some("object") => match schema["properties"].as_object() {
                Some(properties) => Self::Fields(properties.iter().map(field).collect()),
                None => Self::Keys,
            },
            Some("array") => match schema["x-kubernetes-list-map-keys"][0].as_str() {
                Some(key) => Self::Keyed(key.to_owned(), item()),
                None => Self::Atomic(item()),
            },
            _ => Self::Scalar,
        }
    }

    /// The shape of a custom resource with this schema.
    pub(super) fn of_custom_resource(schema: &Value) -> Self {
        let metadata =
            ["labels", "annotations"].map(|name| (name.to_owned(), Field { shape: Self::Keys, default: None }));
        let shape = Self::Fields(metadata.into_iter().collect());
        let mut fields = match Self::of_schema(schema) {
            Self::Fields(fields) => fields,
            Self::Scalar | Self::Keys | Self::Atomic(_) | Self::Keyed(..) => BTreeMap::new(),
        };
        fields.insert("metadata".to_owned(), Field { shape, default: None });
        Self::Fields(fields)
    }

    /// The shape of the field `name`. A key of a map, and what is unknown, is a scalar.
    pub(super) fn at(&self, name: &str) -> &Self {
        match self {
            Self::Fields(fields) => fields.get(name).map_or(&Self::Scalar, |field| &field.shape),
            Self::Keys | Self::Scalar | Self::Atomic(_) | Self::Keyed(..) => &Self::Scalar,
        }
    }

    /// Whether `name` is a field of the schema, and not the key of a map.
    pub(super) fn has_field(&self, name: &str) -> bool {
        matches!(self, Self::Fields(fields) if fields.contains_key(name))
    }

    /// Removes the fields that the schema does not have, and `nulls`, too, if so asked: nothing is nullable.
    pub(super) fn prune(&self, value: &mut Value, nulls: bool) {
        match (self, value) {
            (Self::Fields(fields), Value::Object(object)) => {
                object.retain(|name, value| fields.contains_key(name) && !(nulls && value.is_null()));
                object.iter_mut().for_each(|(name, value)| self.at(name).prune(value, nulls));
            }
            (Self::Keys, Value::Object(object)) => object.retain(|_, value| !(nulls && value.is_null())),
            (Self::Atomic(item) | Self::Keyed(_, item), Value::Array(items)) => {
                items.iter_mut().for_each(|value| item.prune(value, nulls));
            }
            _ => {}
        }
    }

    /// Adds the defaults of missing fields.
    pub(super) fn add_defaults(&self, value: &mut Value) {
        match (self, value) {
            (Self::Fields(fields), Value::Object(object)) => {
                for (name, Field { shape, default }) in fields {
                    if let (Some(default), false) = (default, object.contains_key(name)) {
                        object.insert(name.clone(), default.clone());
                    }
                    if let Some(value) = object.get_mut(name) {
                        shape.add_defaults(value);
                    }
                }
            }
            (Self::Atomic(item) | Self::Keyed(_, item), Value::Array(items)) => {
                items.iter_mut().for_each(|value| item.add_defaults(value));
            }
            _ => {}
        }
    }
}

fn field((name, schema): (&String, &Value)) -> (String, Field) {
    let default = Some(&schema["default"]).filter(|default| !default.is_null()).cloned();
    (name.clone(), Field { shape: Shape::of_schema(schema), default })
}

/// Whether a value is an object or a list without content.
pub(super) fn is_empty(value: &Value) -> bool {
    value.as_object().is_some_and(Map::is_empty) || value.as_array().is_some_and(Vec::is_empty)
}
