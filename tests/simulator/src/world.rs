//! The state of the pretended AWS as one JSON document. One file a kind of thing below; nothing here speaks HTTP.
//!
//! Three rules hold everywhere: a field left out takes its default; `null` makes AWS leave the field out of its answer; an
//! unknown field is an error. An empty `account` or `region` means that of `defaults`, filled in by [`World::settle`].

mod bucket;
mod build;
mod clock;
mod fault;
mod image;
mod image_build_version;
mod limit;
mod merge;
mod settle;
mod stack;
mod tag;
mod timeline;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub use bucket::{Bucket, Object};
pub use build::{Build, Outcome};
pub use clock::{ClockMode, ClockSetting};
pub use fault::{Fault, FaultKind, Times};
pub use image::{BlockDevice, Image, StateReason};
pub use image_build_version::{ImageBuildVersion, OutputAmi};
pub use limit::{Limit, aws_limits};
pub(crate) use settle::{partition, stack_arn};
pub use stack::{Stack, StackResource};
pub use tag::Tag;
pub use timeline::{Action, Event};

/// Everything the simulator knows. `World::default()` is an empty AWS: every question finds nothing.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    pub defaults: Defaults,
    pub clock: ClockSetting,
    pub answers: Answers,
    /// Access keys whose account does not stand in the key itself.
    pub credentials: Vec<Credential>,
    /// Roles of AssumeRole. While the list is empty any role may be assumed; else only those listed.
    pub roles: Vec<Role>,
    /// Switches AWS's own rate limits on ([`aws_limits`]); `limits` then overrides single ones.
    pub aws_limits: bool,
    /// Token buckets by `service:Operation`, one bucket per (account, region, operation).
    pub limits: BTreeMap<String, Limit>,
    /// Scripted trouble; the first that matches a request strikes.
    pub faults: Vec<Fault>,
    pub images: Vec<Image>,
    pub stacks: Vec<Stack>,
    pub image_build_versions: Vec<ImageBuildVersion>,
    pub buckets: Vec<Bucket>,
    /// Changes to come, by seconds since the world was loaded. An event that has happened is gone from the list.
    pub timeline: Vec<Event>,
    /// Whole image builds to come. A build that is over is gone from the list; what it made stays.
    pub builds: Vec<Build>,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Defaults {
    pub account: String,
    pub region: String,
}

impl Default for Defaults {
    fn default() -> Self {
        Self { account: "111122223333".into(), region: "us-east-1".into() }
    }
}

/// How lists are answered: AWS promises neither page sizes nor order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    /// DescribeImages never answers more a page, whatever MaxResults says.
    pub image_page_size: usize,
    pub stack_page_size: usize,
    /// DescribeImages puts an empty page that carries a token before each page, and ends with an empty page.
    pub empty_pages: bool,
    /// DescribeImages changes the order of images and of their tags with every request; DescribeStacks that of tags.
    pub shuffle: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self { image_page_size: 1000, stack_page_size: 100, empty_pages: false, shuffle: false }
    }
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Credential {
    pub access_key: String,
    pub account: String,
}

#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct Role {
    pub arn: String,
    /// When set, AssumeRole without this very ExternalId is denied.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default)]
    pub denied: bool,
}
