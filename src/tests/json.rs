//! JSON of chance: any value, and changes of a valid one.

use super::text::any_text;
use proptest::prelude::*;
use proptest::sample::Index;
use serde_json::{Value, json};

/// Any JSON of a few levels. The names of its fields are among `names`, or odd.
pub fn any_json(names: &'static [&'static str]) -> BoxedStrategy<Value> {
    let name = prop_oneof![3 => proptest::sample::select(names).prop_map(str::to_owned), 1 => any_text()];
    any_scalar()
        .prop_recursive(4, 24, 6, move |inner| {
            prop_oneof![
                proptest::collection::vec(inner.clone(), 0..6).prop_map(Value::Array),
                proptest::collection::btree_map(name.clone(), inner, 0..6)
                    .prop_map(|fields| Value::Object(fields.into_iter().collect())),
            ]
        })
        .boxed()
}

fn any_scalar() -> BoxedStrategy<Value> {
    prop_oneof![
        4 => any_text().prop_map(Value::String),
        1 => any::<i64>().prop_map(Value::from),
        1 => any::<u64>().prop_map(Value::from),
        1 => any::<f64>().prop_map(Value::from),
        1 => proptest::sample::select(vec![json!(null), json!(true), json!(false), json!(0), json!(-1), json!({}), json!([])]),
    ]
    .boxed()
}

/// A change of one value in a JSON.
#[derive(Clone, Debug)]
pub enum Change {
    Replace(Index, Value),
    Remove(Index),
    /// A list gets its entries twice.
    Double(Index),
    /// A field or an entry becomes a long text.
    Grow(Index, u16),
}

pub fn any_change(names: &'static [&'static str]) -> BoxedStrategy<Change> {
    let at = any::<Index>;
    prop_oneof![
        4 => (at(), prop_oneof![3 => any_scalar(), 1 => any_json(names)]).prop_map(|(at, value)| Change::Replace(at, value)),
        2 => at().prop_map(Change::Remove),
        1 => at().prop_map(Change::Double),
        1 => (at(), any::<u16>()).prop_map(|(at, length)| Change::Grow(at, length)),
    ]
    .boxed()
}

/// `value` after these changes.
pub fn changed(mut value: Value, changes: &[Change]) -> Value {
    for change in changes {
        let (Change::Replace(index, _) | Change::Remove(index) | Change::Double(index) | Change::Grow(index, _)) =
            change;
        let at = index.index(count(&value));
        visit(&mut value, &mut Some(at), change);
    }
    value
}

/// How many values there are in `value`, itself included.
fn count(value: &Value) -> usize {
    1 + match value {
        Value::Object(fields) => fields.values().map(count).sum(),
        Value::Array(entries) => entries.iter().map(count).sum(),
        _ => 0,
    }
}

/// Changes the value that is `at` places further. Then `at` is `None`. Whether it is to be removed.
fn visit(value: &mut Value, at: &mut Option<usize>, change: &Change) -> bool {
    match at {
        Some(0) => {
            *at = None;
            return alter(value, change);
        }
        Some(places) => *places -= 1,
        None => return false,
    }
    match value {
        Value::Object(fields) => {
            let gone = fields.iter_mut().find_map(|(name, field)| visit(field, at, change).then(|| name.clone()));
            gone.and_then(|name| fields.remove(&name));
        }
        Value::Array(entries) => {
            let gone = entries.iter_mut().position(|entry| visit(entry, at, change));
            gone.map(|place| entries.remove(place));
        }
        _ => {}
    }
    false
}

fn alter(value: &mut Value, change: &Change) -> bool {
    match change {
        Change::Replace(_, other) => value.clone_from(other),
        Change::Grow(_, length) => *value = "x".repeat(usize::from(*length)).into(),
        Change::Double(_) => {
            if let Value::Array(entries) = value {
                entries.extend(entries.clone());
            }
        }
        Change::Remove(_) => return true,
    }
    false
}
