//! A tag of an image or a stack, written `["key", "value"]` or `{"key": …, "value": …}`.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(from = "Written", into = "(String, String)")]
pub struct Tag {
    pub key: String,
    pub value: String,
}

impl Tag {
    pub fn new(key: impl Into<String>, value: impl Into<String>) -> Self {
        Self { key: key.into(), value: value.into() }
    }
}

#[derive(Deserialize)]
#[serde(untagged, expecting = "a tag is [\"key\", \"value\"] or {\"key\": …, \"value\": …}")]
enum Written {
    Pair(String, String),
    Named(Named),
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Named {
    key: String,
    value: String,
}

impl From<Written> for Tag {
    fn from(written: Written) -> Self {
        match written {
            Written::Pair(key, value) | Written::Named(Named { key, value }) => Self { key, value },
        }
    }
}

impl From<Tag> for (String, String) {
    fn from(tag: Tag) -> Self {
        (tag.key, tag.value)
    }
}
