//! The SDK clients of one scope, and the rate limits of their calls.

use super::budget::RateLimit;
use super::cloudformation::ImageBuildArns;
use super::stack_events::FirstFailures;
use aws_credential_types::provider::SharedCredentialsProvider;
use std::sync::Arc;

/// The SDK clients of one scope. They share the connection pool and the credentials of the base configuration.
pub(super) struct Clients {
    pub ec2: aws_sdk_ec2::Client,
    pub cloudformation: aws_sdk_cloudformation::Client,
    pub imagebuilder: aws_sdk_imagebuilder::Client,
    pub s3: aws_sdk_s3::Client,
    pub logs: aws_sdk_cloudwatchlogs::Client,
    pub sts: aws_sdk_sts::Client,
    pub credentials: Option<SharedCredentialsProvider>,
    pub rate_limits: Arc<RateLimits>,
    pub remembered: Arc<Remembered>,
}

/// What AWS has said about the stacks of one scope and never changes. It outlives the clients.
#[derive(Default)]
pub(super) struct Remembered {
    pub image_build_arns: ImageBuildArns,
    pub first_failures: FirstFailures,
}

/// The rate limits of one scope, by API.
#[derive(Debug)]
pub(super) struct RateLimits {
    pub images: Arc<RateLimit>,
    pub stacks: Arc<RateLimit>,
    pub resources: Arc<RateLimit>,
    pub builds: Arc<RateLimit>,
    pub events: Arc<RateLimit>,
    pub log_streams: Arc<RateLimit>,
    pub log_events: Arc<RateLimit>,
}

impl RateLimits {
    /// The rate limit of an operation of the SDK, `None` if it has none.
    pub fn of(&self, operation: &str) -> Option<&RateLimit> {
        match operation {
            "DescribeImages" => Some(&self.images),
            "DescribeStacks" => Some(&self.stacks),
            "DescribeStackResource" => Some(&self.resources),
            "GetImage" => Some(&self.builds),
            "DescribeStackEvents" => Some(&self.events),
            "DescribeLogStreams" => Some(&self.log_streams),
            "GetLogEvents" => Some(&self.log_events),
            _ => None,
        }
    }
}
