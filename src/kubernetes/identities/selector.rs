//! The label selector of an identity, in the format of metav1.LabelSelector. The chart's `values.schema.json` repeats its
//! operators.

use crate::kubernetes::identities::grants::Namespaces;
use kube::core::{Expression, Selector};
use serde::Deserialize;
use std::collections::{BTreeMap, BTreeSet};

/// A selector in the format of metav1.LabelSelector. Unknown fields are errors, because a misspelt field would select
/// everything.
#[derive(Clone, Debug, Default, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields, default)]
pub struct NamespaceSelector {
    match_labels: BTreeMap<String, String>,
    match_expressions: Vec<Requirement>,
}

#[derive(Clone, Debug, Deserialize)]
#[serde(rename_all = "camelCase", deny_unknown_fields)]
struct Requirement {
    key: String,
    operator: Operator,
    #[serde(default)]
    values: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, Deserialize)]
enum Operator {
    In,
    NotIn,
    Exists,
    DoesNotExist,
}

/// A requirement has values that its operator does not take, or lacks the values that it needs.
#[derive(Clone, Debug, thiserror::Error)]
#[error("namespaceSelector: key '{0}': In and NotIn need values, Exists and DoesNotExist take none")]
pub struct InvalidSelector(String);

impl TryFrom<NamespaceSelector> for Namespaces {
    type Error = InvalidSelector;

    fn try_from(selector: NamespaceSelector) -> Result<Self, InvalidSelector> {
        let mut all: Selector = selector.match_labels.into_iter().collect();
        for Requirement { key, operator, values } in selector.match_expressions {
            let expression = match (operator, values.is_empty()) {
                (Operator::In, false) => Expression::In(key, values),
                (Operator::NotIn, false) => Expression::NotIn(key, values),
                (Operator::Exists, true) => Expression::Exists(key),
                (Operator::DoesNotExist, true) => Expression::DoesNotExist(key),
                _ => return Err(InvalidSelector(key)),
            };
            all.extend(expression);
        }
        Ok(Self::Selected(all))
    }
}
