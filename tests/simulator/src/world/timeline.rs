//! Scheduled changes of the world: an action and its time.

use serde::{Deserialize, Serialize};

use super::{Bucket, Fault, Image, ImageBuildVersion, LogGroup, Stack};

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Event {
    /// Seconds of the world's clock since the world was loaded.
    pub at: f64,
    #[serde(rename = "do")]
    pub action: Action,
}

/// `put_*` replaces the thing with the same identity, or appends. `delete_*` does nothing if the thing is not there.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case", deny_unknown_fields)]
pub enum Action {
    PutImage(Box<Image>),
    /// The AMI id, in any account and region.
    DeleteImage(String),
    PutStack(Box<Stack>),
    /// A name or an ARN. The stack becomes DELETE_COMPLETE, and only its ARN finds it.
    DeleteStack(String),
    /// A name or an ARN. The stack is removed completely, as AWS does 90 days after its deletion.
    ForgetStack(String),
    PutImageBuildVersion(Box<ImageBuildVersion>),
    DeleteImageBuildVersion(String),
    PutLogGroup(Box<LogGroup>),
    /// The name, in any account and region.
    DeleteLogGroup(String),
    PutBucket(Box<Bucket>),
    DeleteBucket(String),
    AddFault(Box<Fault>),
    ClearFaults,
}
