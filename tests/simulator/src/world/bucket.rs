//! S3 buckets and their objects. A bucket's name is its identity in all accounts and regions.

use serde::{Deserialize, Serialize};

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Bucket {
    pub name: String,
    pub account: String,
    pub region: String,
    /// Every request is answered with 403.
    pub denied: bool,
    /// Other accounts that may read and write.
    pub shared_with: Vec<String>,
    pub versioning: Option<String>,
    /// The document of the last PutBucketEncryption.
    pub encryption: Option<String>,
    /// The document of the last PutBucketPolicy.
    pub policy: Option<String>,
    pub objects: Vec<Object>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Object {
    pub key: String,
    /// Text. PutObject replaces bytes that are not UTF-8.
    pub body: String,
    pub content_type: String,
    /// In HTTP's format.
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
