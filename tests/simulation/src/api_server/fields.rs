//! Sets of fields, as managedFields keep them: a tree of steps, in which each node may be a member.

pub(super) mod compare;
pub(super) mod merge;

use super::shape::Shape;
use serde_json::{Map, Value, json};
use std::collections::BTreeMap;

/// A step on the way to a value.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Step {
    Field(String),
    /// The item of a list with this key, as JSON.
    Item(String),
}

impl Step {
    /// The step to `item` of a list in which the field `key` tells the items apart.
    pub(super) fn to_item(key: &str, item: &Value) -> Self {
        Self::Item(json!({key: item[key]}).to_string())
    }

    fn encoded(&self) -> String {
        match self {
            Self::Field(name) => format!("f:{name}"),
            Self::Item(key) => format!("k:{key}"),
        }
    }

    fn decoded(text: &str) -> Option<Self> {
        match text.split_once(':')? {
            ("f", name) => Some(Self::Field(name.to_owned())),
            ("k", key) => Some(Self::Item(key.to_owned())),
            _ => None,
        }
    }
}

/// A set of fields.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Fields(BTreeMap<Step, Node>);

#[derive(Clone, Debug, Default, PartialEq, Eq)]
struct Node {
    is_member: bool,
    below: Fields,
}

impl Node {
    fn is_empty(&self) -> bool {
        !self.is_member && self.below.is_empty()
    }
}

impl Fields {
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn insert(&mut self, path: &[Step]) {
        let Some((first, rest)) = path.split_first() else { return };
        let node = self.0.entry(first.clone()).or_default();
        match rest {
            [] => node.is_member = true,
            _ => node.below.insert(rest),
        }
    }

    /// Whether the value one step away is a member.
    pub(super) fn has(&self, step: &Step) -> bool {
        self.0.get(step).is_some_and(|node| node.is_member)
    }

    /// The members below the value one step away.
    pub(super) fn below(&self, step: &Step) -> Option<&Self> {
        self.0.get(step).map(|node| &node.below).filter(|below| !below.is_empty())
    }

    pub(super) fn union(&self, other: &Self) -> Self {
        let mut all = self.clone();
        for (step, node) in &other.0 {
            let ours = all.0.entry(step.clone()).or_default();
            ours.is_member |= node.is_member;
            ours.below = ours.below.union(&node.below);
        }
        all
    }

    pub(super) fn difference(&self, other: &Self) -> Self {
        self.combined(other, |ours, theirs| ours && !theirs, Self::difference)
    }

    pub(super) fn intersection(&self, other: &Self) -> Self {
        self.combined(other, |ours, theirs| ours && theirs, Self::intersection)
    }

    fn combined(&self, other: &Self, is_member: fn(bool, bool) -> bool, below: fn(&Self, &Self) -> Self) -> Self {
        let none = Node::default();
        let nodes = self.0.iter().map(|(step, ours)| {
            let theirs = other.0.get(step).unwrap_or(&none);
            let node = Node {
                is_member: is_member(ours.is_member, theirs.is_member),
                below: below(&ours.below, &theirs.below),
            };
            (step.clone(), node)
        });
        Self(nodes.filter(|(_, node)| !node.is_empty()).collect())
    }

    /// Without these top-level fields as members. What is below them stays.
    pub(super) fn without_roots(mut self, names: &[&str]) -> Self {
        for name in names {
            if let Some(node) = self.0.get_mut(&Step::Field((*name).to_owned())) {
                node.is_member = false;
            }
        }
        self.0.retain(|_, node| !node.is_empty());
        self
    }

    /// The same set, with each field of the schema that leads to a member as a member itself.
    pub(super) fn with_parents(&self, shape: &Shape) -> Self {
        let nodes = self.0.iter().map(|(step, node)| {
            let (is_named, shape) = match (step, shape) {
                (Step::Field(name), _) => (shape.has_field(name), shape.at(name)),
                (Step::Item(_), Shape::Keyed(_, item)) => (false, &**item),
                (Step::Item(_), _) => (false, &Shape::Scalar),
            };
            let is_member = node.is_member || (is_named && !node.below.is_empty());
            (step.clone(), Node { is_member, below: node.below.with_parents(shape) })
        });
        Self(nodes.collect())
    }

    /// As fieldsV1.
    pub(super) fn encoded(&self) -> Value {
        let mut fields = Map::new();
        for (step, node) in &self.0 {
            let mut below = node.below.encoded();
            if node.is_member && !node.below.is_empty() {
                below["."] = json!({});
            }
            fields.insert(step.encoded(), below);
        }
        Value::Object(fields)
    }

    pub(super) fn decoded(encoded: &Value) -> Self {
        let Some(fields) = encoded.as_object() else { return Self::default() };
        let nodes = fields.iter().filter_map(|(text, below)| {
            let step = Step::decoded(text)?;
            let inside = Self::decoded(below);
            let is_member = inside.is_empty() || below.get(".").is_some();
            Some((step, Node { is_member, below: inside }))
        });
        Self(nodes.collect())
    }

    /// Each member, as errors write it: those of one level first, and then what is below them.
    pub(super) fn words(&self) -> Vec<String> {
        let mut words = Vec::new();
        self.collect_words("", &mut words);
        words
    }

    fn collect_words(&self, before: &str, words: &mut Vec<String>) {
        let path = |step: &Step| match step {
            Step::Field(name) => format!("{before}.{name}"),
            Step::Item(key) => {
                let key = key.trim_matches(['{', '}']).replacen("\":", "=", 1).replacen('"', "", 1);
                format!("{before}[{key}]")
            }
        };
        words.extend(self.0.iter().filter(|(_, node)| node.is_member).map(|(step, _)| path(step)));
        for (step, node) in &self.0 {
            node.below.collect_words(&path(step), words);
        }
    }
}
