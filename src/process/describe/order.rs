//! The order of the fields of a printed describeImage answer: the official program's. People compare the two texts.

use serde::{Serialize, Serializer};
use serde_json::Value;

/// The order of the fields in the official program's models, the fields of an inner object beside the outer one. Any
/// other field comes last.
const ORDER: [&str; 24] = [
    "imageConfiguration",
    "url",
    "imageId",
    "imagebuilderImageStatus",
    "imagebuilderImageStatusReason",
    "creationTime",
    "imageBuildStatus",
    "cloudformationStackStatus",
    "cloudformationStackStatusReason",
    "cloudformationStackArn",
    "region",
    "ec2AmiInfo",
    "amiName",
    "amiId",
    "description",
    "state",
    "tags",
    "value",
    "key",
    "architecture",
    "version",
    "cloudformationStackTags",
    "imageBuildLogsArn",
    "cloudformationStackCreationTime",
];

/// Serializes a value with its fields in that order.
pub struct InOrder<'a>(pub &'a Value);

impl Serialize for InOrder<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::Object(fields) => {
                let mut fields: Vec<_> = fields.iter().collect();
                let rank = |name: &str| ORDER.iter().position(|known| *known == name).unwrap_or(ORDER.len());
                fields.sort_by_key(|(name, _)| rank(name));
                serializer.collect_map(fields.into_iter().map(|(name, value)| (name, InOrder(value))))
            }
            Value::Array(values) => serializer.collect_seq(values.iter().map(InOrder)),
            other => other.serialize(serializer),
        }
    }
}
