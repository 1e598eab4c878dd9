//! The SDK's configuration, on a transport of the simulation.

use std::time::SystemTime;

use aws_config::retry::RetryConfig;
use aws_config::timeout::TimeoutConfig;
use aws_config::{BehaviorVersion, SdkConfig};
use aws_credential_types::Credentials;
use aws_credential_types::provider::SharedCredentialsProvider;
use aws_smithy_async::rt::sleep::{SharedAsyncSleep, TokioSleep};
use aws_smithy_async::time::{SharedTimeSource, TimeSource};
use aws_smithy_runtime_api::client::http::SharedHttpClient;
use customimage_operator::aws::{ClientSettings, WholeReplies};

use crate::aws::Transport;
use crate::time;

#[derive(Debug)]
struct WallClock(usize);

impl TimeSource for WallClock {
    fn now(&self) -> SystemTime {
        time::clock(self.0).now().into()
    }
}

/// Timeouts and retries as the operator's own configuration has them.
pub fn config(settings: &ClientSettings, transport: Transport, replica: usize) -> SdkConfig {
    let timeouts = TimeoutConfig::builder()
        .connect_timeout(settings.connect_timeout)
        .read_timeout(settings.attempt_timeout)
        .operation_attempt_timeout(settings.attempt_timeout)
        .operation_timeout(settings.operation_timeout);
    let credentials = Credentials::new("AKIA111122223333", "secret", None, None, "simulation");
    SdkConfig::builder()
        .behavior_version(BehaviorVersion::v2026_01_12())
        .region(aws_config::Region::new("eu-west-1"))
        .retry_config(RetryConfig::standard().with_max_attempts(settings.max_attempts))
        .timeout_config(timeouts.build())
        .sleep_impl(SharedAsyncSleep::new(TokioSleep::new()))
        .time_source(SharedTimeSource::new(WallClock(replica)))
        .credentials_provider(SharedCredentialsProvider::new(credentials))
        .http_client(WholeReplies::over(SharedHttpClient::new(transport)))
        .build()
}
