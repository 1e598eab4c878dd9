//! The state of the simulated AWS as one JSON document. The files below have one kind of thing each; no HTTP here.
//!
//! Three rules hold everywhere. A field that is left out takes its default. `null` makes AWS leave the field out of its
//! answer. An unknown field is an error. [`World::settle`] replaces an empty `account` or `region` by that of
//! `defaults`.

mod bucket;
mod build;
mod clock;
mod fault;
mod image;
mod image_build_version;
mod limit;
mod log_group;
mod merge;
mod millis;
mod settle;
mod stack;
mod stack_event;
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
pub use log_group::{LogEvent, LogGroup, LogStream};
pub use millis::Millis;
pub(crate) use settle::{partition, stack_arn};
pub use stack::{Stack, StackResource};
pub use stack_event::StackEvent;
pub use tag::Tag;
pub use timeline::{Action, Event};

/// The whole state. `World::default()` is an empty AWS, in which no request finds anything.
#[derive(Clone, Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct World {
    pub defaults: Defaults,
    pub clock: ClockSetting,
    pub answers: Answers,
    /// The accounts of access keys that do not contain their account.
    pub credentials: Vec<Credential>,
    /// The roles that may be assumed. If the list is empty, any role may be assumed.
    pub roles: Vec<Role>,
    /// Enables AWS's own rate limits ([`aws_limits`]). `limits` overrides single ones.
    pub aws_limits: bool,
    /// Token buckets by `service:Operation`, one bucket per (account, region, operation).
    pub limits: BTreeMap<String, Limit>,
    /// Scripted faults. The first fault that matches a request applies; pauses before it in the list apply, too.
    pub faults: Vec<Fault>,
    pub images: Vec<Image>,
    pub stacks: Vec<Stack>,
    pub image_build_versions: Vec<ImageBuildVersion>,
    pub log_groups: Vec<LogGroup>,
    pub buckets: Vec<Bucket>,
    /// Future changes, in world seconds since the world was loaded. An event that has happened is removed.
    pub timeline: Vec<Event>,
    /// Image builds that run by the clock. A finished build is removed; its stack, build version and AMI stay.
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

/// How lists are answered. AWS guarantees neither page sizes nor order.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields, default)]
pub struct Answers {
    /// The most images on a page of DescribeImages, whatever MaxResults says.
    pub image_page_size: usize,
    pub stack_page_size: usize,
    pub stack_event_page_size: usize,
    /// The most streams or groups on a page of DescribeLogStreams and DescribeLogGroups, whatever the limit says.
    pub log_stream_page_size: usize,
    /// The most events on a page of GetLogEvents, whatever the limit says.
    pub log_event_page_size: usize,
    /// DescribeImages returns an empty page with a token before each page, and an empty page at the end. GetLogEvents
    /// returns an empty page with new tokens before each page.
    pub empty_pages: bool,
    /// DescribeImages changes the order of images and of their tags with every request; DescribeStacks that of tags.
    pub shuffle: bool,
}

impl Default for Answers {
    fn default() -> Self {
        Self {
            image_page_size: 1000,
            stack_page_size: 100,
            stack_event_page_size: 100,
            log_stream_page_size: 50,
            log_event_page_size: 10_000,
            empty_pages: false,
            shuffle: false,
        }
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
    /// If set, AssumeRole is denied without exactly this ExternalId.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub external_id: Option<String>,
    #[serde(default)]
    pub denied: bool,
}
