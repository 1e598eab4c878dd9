//! Changes of the world by themselves: an action at a time.

use serde::{Deserialize, Serialize};

use super::{Bucket, Fault, Image, ImageBuildVersion, Stack};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Seconds of the world's clock since the world was loaded.
    pub at: f64,
    #[serde(rename = "do")]
    pub action: Action,
}

/// `put_*` replaces the thing with the same identity, or appends. `delete_*` of what is not there does nothing.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    PutImage(Box<Image>),
    /// The AMI id, in whatever account and region.
    DeleteImage(String),
    PutStack(Box<Stack>),
    /// A name or an ARN. The stack becomes DELETE_COMPLETE: it answers by its ARN only.
    DeleteStack(String),
    /// A name or an ARN. The stack is gone without a trace, as after 90 days.
    ForgetStack(String),
    PutImageBuildVersion(Box<ImageBuildVersion>),
    DeleteImageBuildVersion(String),
    PutBucket(Box<Bucket>),
    DeleteBucket(String),
    AddFault(Box<Fault>),
    ClearFaults,
}
