//! Who owns which field: managedFields, server-side apply and updates, by the rules of structured-merge-diff.

use super::fields::Fields;
use super::fields::compare::{Comparison, fields_of};
use super::fields::merge::{merged, without};
use super::refusal::Refusal;
use super::shape::Shape;
use serde_json::{Value, json};
use std::collections::BTreeMap;

/// How a manager came by its fields.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Operation {
    Apply,
    Update,
}

/// One entry of managedFields, without the fields and the time.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Manager {
    pub(super) operation: Operation,
    pub(super) name: String,
    pub(super) api_version: String,
    /// Empty: the object itself.
    pub(super) subresource: String,
}

impl Manager {
    /// As errors about conflicts name it.
    fn words(&self) -> String {
        let how = match self.operation {
            Operation::Apply => String::new(),
            Operation::Update => format!(" using {}", self.api_version),
        };
        match self.subresource.as_str() {
            "" => format!("{:?}{how}", self.name),
            subresource => format!("{:?} with subresource {subresource:?}{how}", self.name),
        }
    }
}

#[derive(Clone, Debug, PartialEq, Eq)]
struct Owned {
    fields: Fields,
    /// `None` when an apply has changed nothing but who owns the fields.
    time: Option<String>,
}

/// All entries of managedFields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Managers(BTreeMap<Manager, Owned>);

impl Managers {
    pub(super) fn of(object: &Value) -> Self {
        let entries = object["metadata"]["managedFields"].as_array().map(Vec::as_slice).unwrap_or_default();
        Self(entries.iter().map(decoded).collect())
    }

    /// As the metadata keep it: appliers first, then by time.
    pub(super) fn encoded(&self) -> Value {
        let mut entries: Vec<(&Manager, &Owned)> = self.0.iter().collect();
        entries.sort_by_key(|(manager, owned)| (manager.operation, owned.time.clone()));
        entries.into_iter().map(encoded).collect()
    }

    /// `manager` has replaced `before` by `after`. It owns what it has written, and nobody owns what is gone.
    pub(super) fn update(&mut self, manager: &Manager, before: &Value, after: &Value, shape: &Shape, now: &str) {
        let comparison = Comparison::between(before, after, shape);
        let written = comparison.written();
        for owned in self.0.values_mut() {
            owned.fields = owned.fields.difference(&comparison.removed).difference(&written);
        }
        let taken = written.without_roots(&["metadata"]);
        if !taken.is_empty() {
            let before = self.0.get(manager).map(|owned| owned.fields.clone()).unwrap_or_default();
            self.0.insert(manager.clone(), Owned { fields: before.union(&taken), time: Some(now.to_owned()) });
        }
        self.0.retain(|_, owned| !owned.fields.is_empty());
    }

    /// Applies `applied` to `live`. Returns the next value.
    ///
    /// # Errors
    /// When others own fields that change, unless `force`.
    pub(super) fn apply(
        &mut self,
        manager: &Manager,
        (live, applied): (&Value, &Value),
        shape: &Shape,
        force: bool,
        now: &str,
    ) -> Result<Value, Refusal> {
        let last = self.0.get(manager).cloned();
        let fields = fields_of(applied, shape).without_roots(&["metadata"]);
        let time = last.as_ref().and_then(|owned| owned.time.clone());
        self.0.insert(manager.clone(), Owned { fields, time });
        let merged = merged(live, applied, shape);
        let next = match last {
            Some(last) => self.pruned(&merged, &last.fields, shape),
            None => merged,
        };
        let comparison = Comparison::between(live, &next, shape);
        let written = comparison.written();
        let mut conflicts = Vec::new();
        for (other, owned) in self.0.iter_mut().filter(|(other, _)| *other != manager) {
            let lost = owned.fields.intersection(&written);
            conflicts.extend(lost.words().into_iter().map(|field| (other.words(), field)));
            owned.fields = owned.fields.difference(&lost).difference(&comparison.removed);
        }
        if !force && !conflicts.is_empty() {
            conflicts.sort_by(|(one, _), (other, _)| one.cmp(other));
            return Err(Refusal::owned_by_others(&conflicts));
        }
        if let Some(owned) = self.0.get_mut(manager).filter(|_| next != *live) {
            owned.time = Some(now.to_owned());
        }
        self.0.retain(|_, owned| !owned.fields.is_empty());
        Ok(next)
    }

    /// Without what the manager applied `last` and does not apply now, unless somebody else owns it.
    fn pruned(&self, merged: &Value, last: &Fields, shape: &Shape) -> Value {
        let without = |fields: &Fields| without(merged, fields, shape).unwrap_or_else(|| json!({}));
        let all_of = |value: &Value| fields_of(value, shape).with_parents(shape);
        let (last, all) = (last.with_parents(shape), all_of(merged));
        let owned = self.0.values().fold(Fields::default(), |all, owned| all.union(&owned.fields)).with_parents(shape);
        let left = all_of(&without(&last)).union(&owned);
        let with_owned = all_of(&without(&all.difference(&left)));
        // What nobody owns was not applied by this manager, so it stays, too.
        without(&all.difference(&with_owned).intersection(&last))
    }
}

fn decoded(entry: &Value) -> (Manager, Owned) {
    let text = |field: &str| entry[field].as_str().unwrap_or_default().to_owned();
    let operation = if entry["operation"] == "Apply" { Operation::Apply } else { Operation::Update };
    let manager =
        Manager { operation, name: text("manager"), api_version: text("apiVersion"), subresource: text("subresource") };
    let time = entry["time"].as_str().map(str::to_owned);
    (manager, Owned { fields: Fields::decoded(&entry["fieldsV1"]), time })
}

fn encoded((manager, owned): (&Manager, &Owned)) -> Value {
    let operation = match manager.operation {
        Operation::Apply => "Apply",
        Operation::Update => "Update",
    };
    let mut entry = json!({
        "manager": manager.name, "operation": operation, "apiVersion": manager.api_version,
        "fieldsType": "FieldsV1", "fieldsV1": owned.fields.encoded()
    });
    if let Some(time) = &owned.time {
        entry["time"] = json!(time);
    }
    if !manager.subresource.is_empty() {
        entry["subresource"] = json!(manager.subresource);
    }
    entry
}
