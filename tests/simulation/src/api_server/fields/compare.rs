//! Compares two values field by field, and tells which fields a value has, by the rules of structured-merge-diff.

use super::{Fields, Step};
use crate::api_server::shape::{Shape, is_empty};
use serde_json::Value;
use std::collections::BTreeSet;

/// What has changed from one value to another.
#[derive(Clone, Debug, Default)]
pub(in crate::api_server) struct Comparison {
    pub(in crate::api_server) added: Fields,
    pub(in crate::api_server) modified: Fields,
    pub(in crate::api_server) removed: Fields,
}

impl Comparison {
    pub(in crate::api_server) fn between(before: &Value, after: &Value, shape: &Shape) -> Self {
        let mut comparison = Self::default();
        comparison.compare(Some(before), Some(after), shape, &mut Vec::new());
        comparison
    }

    /// What was added or modified.
    pub(in crate::api_server) fn written(&self) -> Fields {
        self.added.union(&self.modified)
    }

    fn compare(&mut self, before: Option<&Value>, after: Option<&Value>, shape: &Shape, path: &mut Vec<Step>) {
        // An object or list that is empty on both sides counts as one value.
        let has_content = [before, after].into_iter().flatten().any(|value| !is_empty(value));
        if has_content && self.descend(before, after, shape, path) {
            match (before, after) {
                (None, Some(_)) => self.added.insert(path),
                (Some(_), None) => self.removed.insert(path),
                _ => {}
            }
            return;
        }
        match (before, after) {
            (None, Some(_)) => self.added.insert(path),
            (Some(_), None) => self.removed.insert(path),
            (Some(before), Some(after)) if before != after => self.modified.insert(path),
            _ => {}
        }
    }

    /// Compares what is inside. False if nothing inside is owned by itself.
    fn descend(&mut self, before: Option<&Value>, after: Option<&Value>, shape: &Shape, path: &mut Vec<Step>) -> bool {
        let values = [before, after];
        match shape {
            Shape::Fields(_) | Shape::Keys if values.iter().flatten().all(|value| value.is_object()) => {
                let names: BTreeSet<&String> = values
                    .iter()
                    .flatten()
                    .filter_map(|value| value.as_object())
                    .flat_map(|object| object.keys())
                    .collect();
                for name in names {
                    path.push(Step::Field(name.clone()));
                    self.compare(
                        before.and_then(|value| value.get(name)),
                        after.and_then(|value| value.get(name)),
                        shape.at(name),
                        path,
                    );
                    path.pop();
                }
                true
            }
            Shape::Keyed(key, item) if values.iter().flatten().all(|value| value.is_array()) => {
                let steps: BTreeSet<Step> = values
                    .iter()
                    .flatten()
                    .flat_map(|value| items(value))
                    .map(|value| Step::to_item(key, value))
                    .collect();
                for step in steps {
                    let find = |list: Option<&'_ Value>| {
                        list.and_then(|list| {
                            items(list).iter().find(|value| Step::to_item(key, value) == step).cloned()
                        })
                    };
                    let (before, after) = (find(before), find(after));
                    path.push(step);
                    self.compare(before.as_ref(), after.as_ref(), item, path);
                    path.pop();
                }
                true
            }
            _ => false,
        }
    }
}

/// The fields of a value that a manager owns by applying it.
pub(in crate::api_server) fn fields_of(value: &Value, shape: &Shape) -> Fields {
    let mut fields = Fields::default();
    collect(value, shape, &mut Vec::new(), &mut fields);
    fields
}

fn collect(value: &Value, shape: &Shape, path: &mut Vec<Step>, fields: &mut Fields) {
    match (shape, value) {
        (Shape::Fields(_) | Shape::Keys, Value::Object(object)) => {
            for (name, value) in object {
                path.push(Step::Field(name.clone()));
                collect(value, shape.at(name), path, fields);
                if value.as_object().is_some_and(|object| object.is_empty()) || !shape.has_field(name) {
                    fields.insert(path);
                }
                path.pop();
            }
        }
        (Shape::Keyed(key, item), Value::Array(values)) => {
            for value in values {
                path.push(Step::to_item(key, value));
                collect(value, item, path, fields);
                fields.insert(path);
                path.pop();
            }
        }
        _ => fields.insert(path),
    }
}

/// The items of a list, or nothing.
pub(super) fn items(value: &Value) -> &[Value] {
    value.as_array().map(Vec::as_slice).unwrap_or_default()
}
