//! Merges an applied value into the live one, and removes fields from a value, by the rules of structured-merge-diff.

use super::compare::items;
use super::{Fields, Step};
use crate::api_server::shape::{Shape, is_empty};
use serde_json::{Map, Value};
use std::collections::{BTreeSet, VecDeque};

/// The live value with what is applied.
pub(in crate::api_server) fn merged(live: &Value, applied: &Value, shape: &Shape) -> Value {
    if is_empty(live) && is_empty(applied) {
        return applied.clone();
    }
    match (shape, live, applied) {
        (Shape::Fields(_) | Shape::Keys, Value::Object(ours), Value::Object(theirs)) => {
            let mut all = ours.clone();
            for (name, applied) in theirs {
                let value = match ours.get(name) {
                    Some(live) => merged(live, applied, shape.at(name)),
                    None => applied.clone(),
                };
                all.insert(name.clone(), value);
            }
            Value::Object(all)
        }
        (Shape::Keyed(key, item), Value::Array(ours), Value::Array(theirs)) => {
            Value::Array(merged_lists(ours, theirs, key, item))
        }
        _ => applied.clone(),
    }
}

/// Both lists in one. The applied one decides the order of the items that both have.
fn merged_lists(live: &[Value], applied: &[Value], key: &str, item: &Shape) -> Vec<Value> {
    let step = |value: &Value| Step::to_item(key, value);
    let find = |list: &[Value], wanted: &Step| list.iter().find(|value| step(value) == *wanted).cloned();
    let both = |wanted: &Step| match (find(live, wanted), find(applied, wanted)) {
        (Some(live), Some(applied)) => merged(&live, &applied, item),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => Value::Null,
    };
    let mut ours: VecDeque<Step> = live.iter().map(step).collect();
    let mut theirs: VecDeque<Step> = applied.iter().map(step).collect();
    let of_applied: BTreeSet<Step> = theirs.iter().cloned().collect();
    let mut shared: VecDeque<Step> = theirs.iter().filter(|step| ours.contains(step)).cloned().collect();
    let (mut out, mut done) = (Vec::new(), BTreeSet::new());
    while !ours.is_empty() || !theirs.is_empty() {
        if let (Some(left), Some(right)) = (ours.front().cloned(), theirs.front()) {
            if left == *right {
                out.push(both(&left));
                ours.pop_front();
                theirs.pop_front();
                shared.pop_front();
                done.insert(left);
                continue;
            }
            if of_applied.contains(&left) && shared.front().is_some_and(|next| *next != left) {
                // Both have it, but it is not its turn.
                ours.pop_front();
                continue;
            }
        }
        if let Some(left) = ours.front().cloned() {
            if !of_applied.contains(&left) {
                out.push(both(&left));
                ours.pop_front();
                continue;
            }
            if done.contains(&left) {
                ours.pop_front();
            }
        }
        if let Some(right) = theirs.pop_front() {
            out.push(both(&right));
            if shared.front() == Some(&right) {
                shared.pop_front();
            }
            done.insert(right);
        }
    }
    out
}

/// The value without these fields. `None` if nothing is left of an object or a list. Below the top that is a null, as with
/// the real server: the CRD then refuses it.
pub(in crate::api_server) fn without(value: &Value, fields: &Fields, shape: &Shape) -> Option<Value> {
    match (shape, value) {
        (Shape::Fields(_) | Shape::Keys, Value::Object(object)) if !object.is_empty() => {
            let mut left = Map::new();
            for (name, value) in object {
                let step = Step::Field(name.clone());
                if !fields.has(&step) {
                    let kept = match fields.below(&step) {
                        Some(below) => without(value, below, shape.at(name)).unwrap_or_default(),
                        None => value.clone(),
                    };
                    left.insert(name.clone(), kept);
                }
            }
            (!left.is_empty()).then_some(Value::Object(left))
        }
        (Shape::Keyed(key, item), Value::Array(values)) if !values.is_empty() => {
            let left: Vec<Value> = items(value)
                .iter()
                .filter_map(|value| {
                    let step = Step::to_item(key, value);
                    match (fields.has(&step), fields.below(&step)) {
                        (true, _) => None,
                        (false, Some(below)) => Some(without(value, below, item).unwrap_or_default()),
                        (false, None) => Some(value.clone()),
                    }
                })
                .collect();
            (!left.is_empty()).then_some(Value::Array(left))
        }
        _ => Some(value.clone()),
    }
}
