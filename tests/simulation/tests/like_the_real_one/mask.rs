//! Masks what must differ between two servers: versions, uids, times and page tokens. Versions and uids are replaced by the
//! order in which they appeared, so that it still shows which of them are the same.

use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

#[derive(Default)]
pub struct Mask {
    versions: BTreeMap<String, usize>,
    uids: BTreeMap<String, usize>,
}

impl Mask {
    pub fn masked(&mut self, value: &Value) -> Value {
        match value {
            // The version of a list or of a bookmark is that of the whole store, and a real server writes for itself, too.
            Value::Object(fields)
                if value["metadata"]["resourceVersion"].is_string() && value["metadata"]["name"].is_null() =>
            {
                self.masked(&Value::Object(without(fields, "resourceVersion")))
            }
            // Of an Event, a real server also tells the fields of an older API and their managers. Nobody reads them here.
            Value::Object(fields) if value["kind"] == "Event" && !value["metadata"]["managedFields"].is_null() => {
                let mut masked = without(fields, "managedFields");
                masked.retain(|name, _| !name.starts_with("deprecated"));
                self.masked(&Value::Object(masked))
            }
            Value::Object(fields) => {
                fields.iter().map(|(name, value)| (name.clone(), self.field(name, value))).collect()
            }
            Value::Array(items) => items.iter().map(|item| self.masked(item)).collect(),
            Value::String(text) => Value::from(self.text(text)),
            other => other.clone(),
        }
    }

    fn field(&mut self, name: &str, value: &Value) -> Value {
        match (name, value) {
            ("resourceVersion", Value::String(version)) => {
                json!(format!("version {}", number(&mut self.versions, version)))
            }
            ("uid", Value::String(uid)) => json!(format!("uid {}", number(&mut self.uids, uid))),
            ("creationTimestamp" | "time", Value::String(_)) => json!("a time"),
            ("continue", Value::String(token)) if !token.is_empty() => json!("a token"),
            // A real server finds what is invalid in any order.
            ("causes", Value::Array(causes)) => {
                let mut causes: Vec<Value> = causes.iter().map(|cause| self.masked(cause)).collect();
                causes.sort_by_key(Value::to_string);
                Value::Array(causes)
            }
            ("message", Value::String(message)) if message.contains(" is invalid: [") => {
                json!(message.split_once(": [").map(|(subject, _)| subject))
            }
            // It is in seconds, so it decides the order by chance.
            ("managedFields", Value::Array(entries)) => {
                let mut entries: Vec<Value> = entries.iter().map(|entry| self.masked(entry)).collect();
                entries.sort_by_key(Value::to_string);
                Value::Array(entries)
            }
            _ => self.masked(value),
        }
    }

    /// A text without the uids and versions that are in it.
    fn text(&self, text: &str) -> String {
        let mut text = text.to_owned();
        for (uid, number) in &self.uids {
            text = text.replace(uid.as_str(), &format!("uid {number}"));
        }
        if text.contains("resource version") {
            text = text.chars().map(|c| if c.is_ascii_digit() { '#' } else { c }).collect();
            while text.contains("##") {
                text = text.replace("##", "#");
            }
        }
        text
    }
}

/// An object without this field of its metadata.
fn without(object: &Map<String, Value>, field: &str) -> Map<String, Value> {
    let mut object = object.clone();
    if let Some(metadata) = object["metadata"].as_object_mut() {
        metadata.remove(field);
    }
    object
}

fn number(known: &mut BTreeMap<String, usize>, text: &str) -> usize {
    let next = known.len();
    *known.entry(text.to_owned()).or_insert(next)
}
