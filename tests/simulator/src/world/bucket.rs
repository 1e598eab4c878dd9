//! S3 buckets and their objects. A bucket's name is its identity, over all accounts and regions.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bucket {
    pub name: String,
    pub account: String,
    pub region: String,
    /// Every request is answered 403.
    pub denied: bool,
    /// Other accounts that may read and write.
    pub shared_with: Vec<String>,
    pub versioning: Option<String>,
    /// The document as it was put.
    pub encryption: Option<String>,
    /// The document as it was put.
    pub policy: Option<String>,
    pub objects: Vec<Object>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Object {
    pub key: String,
    /// Text; bytes that are not UTF-8 are replaced when they are put.
    pub body: String,
    pub content_type: String,
    /// As HTTP writes it.
    pub last_modified: String,
}

impl Default for Object {
    fn default() -> Self {
        Self {
            key: String::new(),
            body: String::new(),
            content_type: "binary/octet-stream".into(),
            last_modified: "Thu, 02 Jan 2025 03:04:05 GMT".into(),
        }
    }
}
