//! Tests of the whole adapter, over an HTTP client in memory.

mod absence;
mod fuzz_details;
mod fuzz_identity;
mod fuzz_lists;
mod fuzz_whole;
mod known;
mod memory_http;
mod replies;
mod statement;
mod xml;

use super::reply_bytes::ReplyBytes;
use super::sink::IgnoreCalls;
use super::source::Aws;
use super::whole_reply::{Refusals, WholeReplies};
use crate::describe_image::source::{Priority, Turn};
use crate::describe_image::{Region, Scope};
use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::time::SystemTimeSource;
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use memory_http::MemoryHttp;
use std::sync::Arc;
use std::time::Duration;

/// The adapter as the program has it, but its connections end in `http`.
fn adapter(http: &MemoryHttp, attempts: u32) -> Aws {
    let http = SharedHttpClient::new(http.clone());
    let whole = WholeReplies {
        proxied: http.clone(),
        direct: http,
        refusals: Refusals::default(),
        reply_bytes: ReplyBytes::default(),
    };
    let keys = Credentials::new("AKIA111122223333EXAMPLE", "secret", None, None, "test");
    let timeouts = TimeoutConfig::builder()
        .operation_attempt_timeout(Duration::from_secs(20))
        .operation_timeout(Duration::from_secs(60));
    let config = SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new("us-east-1"))
        .http_client(SharedHttpClient::new(whole))
        .credentials_provider(SharedCredentialsProvider::new(keys))
        .retry_config(RetryConfig::standard().with_max_attempts(attempts))
        .timeout_config(timeouts.build())
        .time_source(SystemTimeSource::new());
    Aws::new(config.build(), Arc::new(IgnoreCalls)).with_stack_events(true)
}

fn scope() -> Scope {
    Scope::default_identity(Region::parse("eu-west-1").unwrap())
}

fn turn() -> Turn {
    Turn::shared(Priority::Urgent, &scope())
}

/// A runtime in which pauses cost no time.
fn runtime() -> tokio::runtime::Runtime {
    tokio::runtime::Builder::new_current_thread().enable_time().start_paused(true).build().unwrap()
}
