//! An Image Builder image build version: the answer of GetImage.

use serde::{Deserialize, Serialize};
use serde_json::{Map, Value};

/// Identity: `arn`, which also contains region and account.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct ImageBuildVersion {
    pub arn: String,
    pub name: Option<String>,
    pub version: Option<String>,
    pub platform: Option<String>,
    /// `null`: the whole state is absent, unless there is a reason or a failure context.
    pub status: Option<String>,
    pub reason: Option<String>,
    /// Passed on unchanged: `{"failedStep": …, "componentFailure": {…}}`.
    pub failure_context: Option<Value>,
    pub date_created: Option<String>,
    pub amis: Vec<OutputAmi>,
    /// More members of `image` in the answer, with AWS's names.
    pub extra: Map<String, Value>,
}

#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct OutputAmi {
    pub ami_id: Option<String>,
    pub region: Option<String>,
    pub name: Option<String>,
    pub description: Option<String>,
    pub account: Option<String>,
}

impl Default for ImageBuildVersion {
    fn default() -> Self {
        Self {
            arn: String::new(),
            name: None,
            version: None,
            platform: Some("Linux".into()),
            status: Some("BUILDING".into()),
            reason: None,
            failure_context: None,
            date_created: Some("2025-01-02T03:00:30.000Z".into()),
            amis: Vec::new(),
            extra: Map::new(),
        }
    }
}
